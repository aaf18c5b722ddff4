/**
 * One model in ONNX Runtime: its session, its tokenizer, its chat. What to run next is the core's business
 * (GenerationLoop); here it is run.
 */
import { Template } from '@huggingface/jinja';
import { Tokenizer } from '@huggingface/tokenizers';
import { CandorError, textOf } from '../errors.js';
import { nameOf, readGraph } from './graph.js';
import { StreamedFile, SyncFile } from './weights.js';

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
 * @property {(wasm: Blob) => Promise<Ort>} loadRuntime
 * @property {() => Promise<GPUDevice>} requestDevice
 * @property {(blob: Blob) => ArrayBuffer} readNow
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

/** @param {SessionPlan} plan @param {Record<string, Blob>} files @param {Runtime} runtime @returns {Promise<Session>} */
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
  const [config, generationConfig] = await Promise.all([
    readJson(files[plan.config], plan.config),
    plan.generationConfig ? readJson(files[plan.generationConfig], plan.generationConfig) : null,
  ]);

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
