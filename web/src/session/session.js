/**
 * One model in ONNX Runtime: its session, its tokenizer, its chat.
 */
import { Template } from '@huggingface/jinja';
import { Tokenizer } from '@huggingface/tokenizers';
import { CandorError, textOf } from '../errors.js';
import { Conversation } from './conversation.js';
import { ExternalData } from './external-data.js';

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
 * @property {(progress: (loaded: number, total: number | null) => void) => Promise<Ort>} loadRuntime
 * @property {(uploaded: (bytes: number) => void) => Promise<GPUDevice>} requestDevice
 * @property {(event: SessionEvent) => void} report
 * @property {import('../ports.d.ts').Clock} clock
 */

/** @typedef {Extract<SessionEvent, { type: 'sessionFailed' }>} SessionFailed */

/** What is wrong with a model's files, as far as our own code can see. */
export class SessionError extends Error {
  /** @param {NonNullable<SessionFailed['kind']>} kind @param {string} message */
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** Why a session could not be made. What the runtime's words mean is the core's to say. @param {unknown} thrown @returns {SessionFailed} */
export const failureOf = (thrown) => ({
  type: 'sessionFailed',
  kind: thrown instanceof SessionError ? thrown.kind : null,
  message: thrown instanceof SessionError ? thrown.message : textOf(thrown),
});

/** @param {SessionPlan} plan @param {Record<string, Blob>} files @param {Runtime} runtime @returns {Promise<Conversation>} */
export async function createSession(
  plan,
  files,
  { core, loadRuntime, requestDevice, report, clock },
) {
  /** @type {(stage: 'runtime' | 'create' | 'upload' | 'warmup', loaded?: number, total?: number | null) => void} */
  const progress = (stage, loaded = 0, total = null) =>
    report({ type: 'sessionProgress', stage, loaded, total });

  // First what is cheap to find fault with.
  const chat = await readChat(plan, files);
  const [config, generationConfig] = await Promise.all([
    readJson(files[plan.config], plan.config),
    plan.generationConfig ? readJson(files[plan.generationConfig], plan.generationConfig) : null,
  ]);

  const ort = await loadRuntime((loaded, total) => progress('runtime', loaded, total));

  progress('create');
  const webgpu = plan.executionProvider === 'webgpu';
  const total = [plan.graph, ...plan.externalData].reduce((sum, path) => sum + files[path].size, 0);
  let uploaded = 0;
  let counting = true;
  /** @type {GPUDevice | null} */
  let device = null;
  if (webgpu) {
    device = await requestDevice((bytes) => {
      if (!counting) return;
      uploaded += bytes;
      progress('upload', Math.min(uploaded, total), total);
    });
    // Some browsers give no message, and the core goes by the words.
    void device.lost.then(({ reason, message }) =>
      report({ type: 'sessionLost', message: `The device was lost (${reason}): ${message}` }),
    );
  }
  const graph = new Uint8Array(await files[plan.graph].arrayBuffer());
  const session = await ort.InferenceSession.create(graph, {
    executionProviders: [
      device ? { name: 'webgpu', device: /** @type {any} */ (device) } : { name: 'wasm' },
    ],
    // The cache stays on the GPU, and of the logits only the last position is read back.
    preferredOutputLocation: device ? 'gpu-buffer' : 'cpu',
    externalData: plan.externalData.map((path) => ({
      // The graph names them relative to itself.
      path: path.slice(plan.graph.lastIndexOf('/') + 1),
      data: /** @type {any} */ (new ExternalData(files[path])),
    })),
    logSeverityLevel: 3,
  });
  counting = false;

  const loop = new core.GenerationLoop(
    JSON.stringify({
      config,
      generationConfig,
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
 */

/** @param {SessionPlan} plan @param {Record<string, Blob>} files @returns {Promise<ChatFiles>} */
export async function readChat(plan, files) {
  const [tokenizerJson, tokenizerConfig, templateFile] = await Promise.all([
    readJson(files[plan.tokenizer], plan.tokenizer),
    plan.tokenizerConfig ? readJson(files[plan.tokenizerConfig], plan.tokenizerConfig) : {},
    plan.chatTemplate ? files[plan.chatTemplate].text() : null,
  ]);
  let tokenizer;
  try {
    tokenizer = new Tokenizer(tokenizerJson, tokenizerConfig);
    tokenizer.encode('a');
  } catch (error) {
    throw new SessionError('integrity', `${plan.tokenizer} is no tokenizer: ${textOf(error)}`);
  }
  const source = templateFile ?? templateOf(/** @type {any} */ (tokenizerConfig).chat_template);
  if (!source) throw new SessionError('unsupported', 'The model brings no chat template.');
  let template;
  try {
    template = new Template(source);
  } catch (error) {
    throw new SessionError('unsupported', `The chat template cannot be read: ${textOf(error)}`);
  }
  // bos_token and its kin are texts, or objects with a text.
  const special = Object.fromEntries(
    Object.entries(tokenizerConfig)
      .filter(([name]) => name.endsWith('_token'))
      .map(([name, value]) => [name, typeof value === 'string' ? value : value?.content]),
  );
  const ids = (/** @type {string} */ text) =>
    tokenizer.encode(text, { add_special_tokens: false }).ids;
  return {
    tokenizer,
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

/** @param {Blob} blob @param {string} path @returns {Promise<any>} */
async function readJson(blob, path) {
  try {
    const value = JSON.parse(await blob.text());
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new SessionError('integrity', `${path} is not what it should be.`);
}
