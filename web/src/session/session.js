/**
 * One model in ONNX Runtime: its session, its tokenizer, its chat.
 */
import { Template } from '@huggingface/jinja';
import { Tokenizer } from '@huggingface/tokenizers';
import { CandorError, textOf } from '../errors.js';
import { Conversation } from './conversation.js';
import { externalNames } from './external-names.js';
import { nameOf, readGraph } from './graph.js';
import { StreamedFile, SyncFile } from './weights.js';

/**
 * @typedef {import('../../bindings.d.ts').CacheLayout} CacheLayout
 * @typedef {import('../../bindings.d.ts').CoreError} CoreError
 * @typedef {import('../../bindings.d.ts').CoreModule} CoreModule
 * @typedef {import('../../bindings.d.ts').SessionPlan} SessionPlan
 * @typedef {import('../protocol.d.ts').Message} Message
 * @typedef {import('../protocol.d.ts').SessionEvent} SessionEvent
 * @typedef {import('../adapters/ort.js').Ort} Ort
 */

/**
 * @typedef {object} Runtime what a session is made with
 * @property {CoreModule} core
 * @property {(wasm: Blob) => Promise<Ort>} loadRuntime
 * @property {() => Promise<GPUDevice>} requestDevice
 * @property {(blob: Blob) => ArrayBuffer} readNow
 * @property {(event: SessionEvent) => void} report
 * @property {import('../ports.d.ts').Clock} clock
 */

/** @typedef {Extract<SessionEvent, { type: 'sessionFailed' }>} SessionFailed */

/** What is wrong with a model's files, as far as our own code can see. */
export class SessionError extends Error {
  /**
   * @param {NonNullable<SessionFailed['kind']>} kind
   * @param {string} message a sentence of ours
   * @param {{ file?: string, detail?: unknown }} [more] the path of the file that is bad; what was thrown
   */
  constructor(kind, message, { file = '', detail } = {}) {
    super(message);
    this.kind = kind;
    this.file = file;
    this.detail = detail === undefined ? '' : textOf(detail);
  }
}

/** Why a session could not be made. What the runtime's words mean is the core's to say. @param {unknown} thrown @returns {SessionFailed} */
export const failureOf = (thrown) => ({ type: 'sessionFailed', ...faultOf(thrown) });

/** @param {unknown} thrown */
const faultOf = (thrown) =>
  thrown instanceof SessionError
    ? { kind: thrown.kind, message: thrown.message, file: thrown.file, detail: thrown.detail }
    : { kind: null, message: textOf(thrown), file: '', detail: '' };

/**
 * Judges what is small of a model, before its weights come.
 *
 * @param {SessionPlan} plan
 * @param {Record<string, Blob>} files those of the plan but the weights; with `graph` also the graph
 * @param {boolean} graph
 * @returns {Promise<import('../protocol.d.ts').Examination>}
 */
export async function examine(plan, files, graph) {
  const nothing = { kind: null, message: '', file: '', detail: '' };
  try {
    if (graph) return { ...nothing, external: await externalNames(files[plan.graph]) };
    await Promise.all([readChat(plan, files), readConfigs(plan, files)]);
    return { ...nothing, external: null };
  } catch (thrown) {
    return { ...faultOf(thrown), external: null };
  }
}

/** @param {SessionPlan} plan @param {Record<string, Blob>} files @param {Runtime} runtime @returns {Promise<Conversation>} */
export async function createSession(
  plan,
  files,
  { core, loadRuntime, requestDevice, readNow, report, clock },
) {
  /** @type {(stage: 'create' | 'upload' | 'warmup', loaded?: number, total?: number | null) => void} */
  const progress = (stage, loaded = 0, total = null) =>
    report({ type: 'sessionProgress', stage, loaded, total });

  // First what is cheap to find fault with.
  const chat = await readChat(plan, files);
  const [config, generationConfig] = await readConfigs(plan, files);

  progress('create');
  const ort = await loadRuntime(files[plan.runtimeFile]);
  const { graph, weightBytes, fault } = await readGraph(core, plan, files);
  if (fault) throw new SessionError('integrity', fault);
  /** @type {GPUDevice | null} */
  let device = null;
  if (plan.executionProvider === 'webgpu') {
    device = await requestDevice();
    // Some browsers give no message, and the core goes by the words.
    void device.lost.then(({ reason, message }) =>
      report({ type: 'sessionLost', message: `The device was lost (${reason}): ${message}` }),
    );
  }
  let handed = 0;
  const count = (/** @type {number} */ bytes) => {
    // The runtime starts itself before it asks for the first.
    if (!bytes && handed) return;
    handed += bytes;
    progress('upload', handed, weightBytes);
  };
  const weights = [plan.graph, ...plan.externalData].map((path) => ({
    path: nameOf(path),
    data:
      plan.runtime === 'jspi' && device
        ? new StreamedFile(files[path], count)
        : new SyncFile(files[path], readNow, count),
  }));
  const session = await ort.InferenceSession.create(graph, {
    executionProviders: [
      device ? { name: 'webgpu', device: /** @type {any} */ (device) } : { name: 'wasm' },
    ],
    // The cache stays on the GPU, and of the logits only the last position is read back.
    preferredOutputLocation: device ? 'gpu-buffer' : 'cpu',
    externalData: /** @type {any} */ (weights),
    logSeverityLevel: 3,
  });
  for (const { data } of weights) if (data instanceof SyncFile) data.forget();

  const loop = new core.GenerationLoop(
    JSON.stringify({
      config,
      generationConfig,
      eos: chat.eos,
      inputs: describe(session.inputMetadata),
      outputs: describe(session.outputMetadata),
    }),
  );
  const layout = /** @type {CacheLayout | { error: CoreError }} */ (JSON.parse(loop.layout()));
  if ('error' in layout) throw new SessionError('unsupported', `\t${layout.error.message}`);

  report({ type: 'sessionReady' });
  return new Conversation({ core, ort, session, loop, layout, chat, device, clock });
}

/** @param {readonly import('onnxruntime-web').InferenceSession.ValueMetadata[]} metadata */
const describe = (metadata) =>
  metadata.map((value) => ({
    name: value.name,
    type: value.isTensor ? value.type : 'not a tensor',
    shape: value.isTensor ? [...value.shape] : [],
  }));

/**
 * @typedef {object} ChatFiles
 * @property {Tokenizer} tokenizer
 * @property {(messages: Message[]) => number[]} encode
 * @property {(text: string) => number} count tokens of a text
 * @property {number[]} eos what the tokenizer calls the end of a sequence: none or one
 */

/** @param {SessionPlan} plan @param {Record<string, Blob>} files */
const readConfigs = (plan, files) =>
  Promise.all([readJson(files, plan.config), readJson(files, plan.generationConfig, true)]);

/** @param {SessionPlan} plan @param {Record<string, Blob>} files @returns {Promise<ChatFiles>} */
export async function readChat(plan, files) {
  const file = plan.tokenizer;
  const [tokenizerJson, configOrNone, templateFile] = await Promise.all([
    readJson(files, file),
    readJson(files, plan.tokenizerConfig, true),
    plan.chatTemplate ? files[plan.chatTemplate].text() : '',
  ]);
  const tokenizerConfig = configOrNone ?? {};
  let tokenizer;
  try {
    tokenizer = new Tokenizer(tokenizerJson, tokenizerConfig);
    tokenizer.encode('a');
  } catch (detail) {
    throw new SessionError('integrity', `Its ${file} is no tokenizer.`, { file, detail });
  }
  const source = templateFile.trim() ? templateFile : templateOf(tokenizerConfig.chat_template);
  if (!source) throw new SessionError('unsupported', 'The model brings no chat template.');
  let template;
  try {
    template = new Template(source);
  } catch (detail) {
    throw new SessionError('unsupported', 'Its chat template cannot be read.', { detail });
  }
  // bos_token and its kin are texts, or objects with a text.
  const special = Object.fromEntries(
    Object.entries(tokenizerConfig)
      .filter(([name]) => name.endsWith('_token'))
      .map(([name, value]) => [name, typeof value === 'string' ? value : value?.content]),
  );
  const ids = (/** @type {string} */ text) =>
    tokenizer.encode(text, { add_special_tokens: false }).ids;
  const eos =
    special.eos_token === undefined ? undefined : tokenizer.token_to_id(special.eos_token);
  return {
    tokenizer,
    eos: eos === undefined ? [] : [eos],
    encode(messages) {
      let text;
      try {
        text = template.render({ ...special, messages, add_generation_prompt: true });
      } catch (error) {
        throw new CandorError('unsupported', 'The model’s chat template refuses these messages.', {
          detail: textOf(error),
        });
      }
      return ids(text);
    },
    count: (text) => ids(text).length,
  };
}

/** `chat_template` is a text, or a list of named ones. @param {unknown} value */
function templateOf(value) {
  if (!Array.isArray(value)) return typeof value === 'string' ? value : null;
  const named = value.find((entry) => entry?.name === 'default') ?? value[0];
  return typeof named?.template === 'string' ? named.template : null;
}

// The largest tokenizers there are have some 40 MB.
const JSON_LIMIT = 128 << 20;
/** Numbers that the tools of Python write, and JSON does not know, between texts that are none. */
const PYTHON = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/gs;
/** @type {Record<string, string>} */
const NUMBERS = { NaN: 'null', '-NaN': 'null', Infinity: '1e999', '-Infinity': '-1e999' };

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error;
    return JSON.parse(text.replace(PYTHON, (found) => NUMBERS[found] ?? found));
  }
}

/**
 * @param {Record<string, Blob>} files
 * @param {string | null} path
 * @param {boolean} [optional] then an empty one counts as none
 * @returns {Promise<any>} an object or array; null for none
 */
async function readJson(files, path, optional = false) {
  if (path === null || (optional && !files[path].size)) return null;
  const file = path;
  if (files[path].size > JSON_LIMIT) {
    throw new SessionError('unsupported', `Its ${path} is larger than can be read.`, { file });
  }
  const text = await files[path].text();
  if (!text.trim()) {
    if (optional) return null;
    throw new SessionError('integrity', `Its ${path} is empty.`, { file });
  }
  let value;
  try {
    value = parse(text);
  } catch (detail) {
    throw new SessionError('integrity', `Its ${path} is not JSON.`, { file, detail });
  }
  if (typeof value === 'object' && value !== null) return value;
  throw new SessionError('integrity', `Its ${path} is not what it should be.`, { file });
}
