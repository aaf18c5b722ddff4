/**
 * One model in ONNX Runtime: its session, its tokenizer, its chat. What to run next is the core's business
 * (GenerationLoop); here it is run.
 */
import { Template } from '@huggingface/jinja';
import { Tokenizer } from '@huggingface/tokenizers';
import { CandorError, textOf } from '../errors.js';
import { ExternalData } from './external-data.js';
import { externalNames } from './external-names.js';

/**
 * @typedef {import('../../bindings.d.ts').CacheLayout} CacheLayout
 * @typedef {import('../../bindings.d.ts').CoreError} CoreError
 * @typedef {import('../../bindings.d.ts').CoreModule} CoreModule
 * @typedef {import('../../bindings.d.ts').GenerationLoopHandle} GenerationLoopHandle
 * @typedef {import('../../bindings.d.ts').GenerationOptions} GenerationOptions
 * @typedef {import('../../bindings.d.ts').GenerationStep} GenerationStep
 * @typedef {import('../../bindings.d.ts').SessionPlan} SessionPlan
 * @typedef {import('../protocol.d.ts').Finish} Finish
 * @typedef {import('../protocol.d.ts').Message} Message
 * @typedef {import('../protocol.d.ts').SessionEvent} SessionEvent
 * @typedef {import('../adapters/ort.js').Ort} Ort
 * @typedef {import('onnxruntime-web').InferenceSession} InferenceSession
 * @typedef {import('onnxruntime-web').Tensor} Tensor
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

/** @param {SessionPlan} plan @param {Record<string, Blob>} files @param {Runtime} runtime @returns {Promise<Session>} */
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
  const [config, generationConfig] = await readConfigs(plan, files);

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
      eos: chat.eos,
      inputs: describe(session.inputMetadata),
      outputs: describe(session.outputMetadata),
    }),
  );
  const layout = /** @type {CacheLayout | { error: CoreError }} */ (JSON.parse(loop.layout()));
  if ('error' in layout) throw new SessionError('unsupported', `\t${layout.error.message}`);

  const result = new Session({ core, ort, session, loop, layout, chat, device, clock });
  progress('warmup');
  await result.warmUp();
  report({ type: 'sessionReady' });
  return result;
}

/** @param {readonly import('onnxruntime-web').InferenceSession.ValueMetadata[]} metadata */
const describe = (metadata) =>
  metadata.map((value) => ({
    name: value.name,
    type: value.isTensor ? value.type : 'not a tensor',
    shape: value.isTensor ? [...value.shape] : [],
  }));

export class Session {
  #core;
  #ort;
  #session;
  #loop;
  #layout;
  #chat;
  #device;
  #clock;
  /** The keys and values of the tokens so far. @type {Tensor[]} */
  #cache = [];
  /** @type {GPUBuffer | null} */
  #staging = null;

  /**
   * @param {object} parts
   * @param {CoreModule} parts.core
   * @param {Ort} parts.ort
   * @param {InferenceSession} parts.session
   * @param {GenerationLoopHandle} parts.loop
   * @param {CacheLayout} parts.layout
   * @param {ChatFiles} parts.chat
   * @param {GPUDevice | null} parts.device
   * @param {import('../ports.d.ts').Clock} parts.clock
   */
  constructor({ core, ort, session, loop, layout, chat, device, clock }) {
    this.#core = core;
    this.#ort = ort;
    this.#session = session;
    this.#loop = loop;
    this.#layout = layout;
    this.#chat = chat;
    this.#device = device;
    this.#clock = clock;
  }

  /** A first run of each kind: that is when shaders are compiled, and when a graph that this device cannot run says so. */
  async warmUp() {
    /** @type {Extract<GenerationStep, { type: 'run' }>[]} */
    const steps = JSON.parse(this.#loop.warmUp());
    try {
      for (const { inputIds, pastLength } of steps) await this.#run(inputIds, pastLength);
    } finally {
      this.#forget();
    }
  }

  /**
   * @param {Message[]} messages
   * @param {GenerationOptions} options
   * @param {(text: string) => void} piece
   * @param {() => boolean} stopped asked between steps
   * @returns {Promise<Finish>}
   */
  async chat(messages, options, piece, stopped) {
    const loop = this.#loop;
    const seed = crypto.getRandomValues(new Uint32Array(1))[0];
    try {
      let step = read(
        loop.begin(
          JSON.stringify(this.#prompt(messages, options)),
          JSON.stringify({ seed, ...options }),
        ),
      );
      let aborted = false;
      for (;;) {
        if (!aborted && stopped() && step.type !== 'finish' && step.type !== 'error') {
          aborted = true;
          step = read(loop.abort());
        }
        switch (step.type) {
          case 'run': {
            if (step.first) this.#forget();
            const count = await this.#run(step.inputIds, step.pastLength);
            // A runtime that computes in this thread would not let the word to stop in.
            await this.#clock.breathe();
            step = read(loop.logits(count));
            break;
          }
          case 'decode':
            step = read(
              loop.text(this.#chat.tokenizer.decode(step.ids, { skip_special_tokens: true })),
            );
            break;
          case 'piece':
            piece(step.text);
            step = read(loop.next());
            break;
          case 'finish':
            return { reason: step.reason, tokens: step.tokens, ids: step.ids, text: step.text };
          case 'error':
            throw CandorError.from(step.error);
        }
      }
    } finally {
      this.#forget();
    }
  }

  /**
   * Runs the graph on `ids` after the cached tokens and leaves the raw logits of the last position in the core.
   * @param {number[]} ids
   * @param {number} pastLength
   * @returns {Promise<number>} how many logits
   */
  async #run(ids, pastLength) {
    const { Tensor } = this.#ort;
    const { inputs, outputs, dims, type, positionIds, logits } = this.#layout;
    /** @param {number} length @param {(i: number) => number} at */
    const row = (length, at) =>
      new Tensor(
        'int64',
        BigInt64Array.from({ length }, (_, i) => BigInt(at(i))),
        [1, length],
      );
    /** @type {Record<string, Tensor>} */
    const feeds = {
      input_ids: row(ids.length, (i) => ids[i]),
      attention_mask: row(pastLength + ids.length, () => 1),
    };
    if (positionIds) feeds.position_ids = row(ids.length, (i) => pastLength + i);
    inputs.forEach((name, i) => {
      feeds[name] = this.#cache[i] ?? new Tensor(type, emptyData(type), dims);
    });
    const results = await this.#session.run(feeds);
    const old = this.#cache;
    this.#cache = outputs.map((name) => /** @type {Tensor} */ (results[name]));
    for (const tensor of old) tensor.dispose();
    const output = /** @type {Tensor} */ (results[logits]);
    try {
      return await this.#takeLogits(output);
    } finally {
      output.dispose();
    }
  }

  /** @param {Tensor} output [1, n, vocabulary] */
  async #takeLogits(output) {
    const count = output.dims[output.dims.length - 1];
    const rows = output.dims.reduce((product, dim) => product * dim, 1) / count;
    const half = output.type === 'float16';
    const row =
      output.location === 'gpu-buffer'
        ? await this.#readBack(output, (rows - 1) * count, count, half)
        : /** @type {any} */ (output.data).subarray((rows - 1) * count, rows * count);
    const address = this.#loop.buffer(count) / Float32Array.BYTES_PER_ELEMENT;
    const into = this.#core.HEAPF32.subarray(address, address + count);
    if (half && row instanceof Uint16Array)
      for (let i = 0; i < count; i++) into[i] = fromHalf(row[i]);
    else into.set(row);
    return count;
  }

  /** @param {Tensor} tensor @param {number} first @param {number} count @param {boolean} half */
  async #readBack(tensor, first, count, half) {
    const device = /** @type {GPUDevice} */ (this.#device);
    const width = half ? 2 : 4;
    // Copies begin and end at multiples of 4 bytes.
    const begin = Math.floor((first * width) / 4) * 4;
    const size = Math.ceil(((first + count) * width - begin) / 4) * 4;
    if (!this.#staging || this.#staging.size < size) {
      this.#staging?.destroy();
      this.#staging = device.createBuffer({
        size,
        usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
      });
    }
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(
      /** @type {GPUBuffer} */ (/** @type {unknown} */ (tensor.gpuBuffer)),
      begin,
      this.#staging,
      0,
      size,
    );
    device.queue.submit([encoder.finish()]);
    await this.#staging.mapAsync(GPUMapMode.READ, 0, size);
    const bytes = this.#staging.getMappedRange(0, size).slice(first * width - begin);
    this.#staging.unmap();
    return half ? new Uint16Array(bytes, 0, count) : new Float32Array(bytes, 0, count);
  }

  #forget() {
    for (const tensor of this.#cache) tensor.dispose();
    this.#cache = [];
  }

  /**
   * The tokens of the chat, without its oldest messages where the context window is too small.
   * @param {Message[]} messages
   * @param {GenerationOptions} options
   */
  #prompt(messages, options) {
    for (;;) {
      const ids = this.#chat.encode(messages);
      const costs = messages.map(({ role, content }) => ({
        role,
        tokens: this.#chat.count(content),
      }));
      let drop = this.#loop.messagesToDrop(
        JSON.stringify(costs),
        ids.length,
        options.maxNewTokens ?? NaN,
      );
      if (!drop) return ids;
      messages = messages.filter(({ role }) => role === 'system' || drop-- <= 0);
    }
  }
}

/** @param {string} json @returns {GenerationStep} */
const read = (json) => JSON.parse(json);

// Where Float16Array exists, ONNX Runtime takes and gives nothing else.
const Half = /** @type {any} */ (globalThis).Float16Array ?? Uint16Array;

/** @param {CacheLayout['type']} type */
const emptyData = (type) => (type === 'float32' ? new Float32Array(0) : new Half(0));

/** IEEE 754 half precision, where the browser has no Float16Array. @param {number} bits */
export function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

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
