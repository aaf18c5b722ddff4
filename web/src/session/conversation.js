/**
 * What is said to one model and what it answers. What to run next is the core's business (GenerationLoop); here it is run.
 */
import { CandorError } from '../errors.js';
import { KeyValueCache } from './key-value-cache.js';

/**
 * @typedef {import('../../bindings.d.ts').CacheLayout} CacheLayout
 * @typedef {import('../../bindings.d.ts').CoreModule} CoreModule
 * @typedef {import('../../bindings.d.ts').GenerationLoopHandle} GenerationLoopHandle
 * @typedef {import('../../bindings.d.ts').GenerationOptions} GenerationOptions
 * @typedef {import('../../bindings.d.ts').GenerationStep} GenerationStep
 * @typedef {import('../protocol.d.ts').Finish} Finish
 * @typedef {import('../protocol.d.ts').Message} Message
 * @typedef {import('../adapters/ort.js').Ort} Ort
 * @typedef {import('./session.js').ChatFiles} ChatFiles
 * @typedef {import('onnxruntime-web').InferenceSession} InferenceSession
 * @typedef {import('onnxruntime-web').Tensor} Tensor
 */

/**
 * @typedef {object} Talk what an answer tells while it is made
 * @property {(text: string) => void} piece
 * @property {(read: number, total: number) => void} reading tokens of the prompt
 * @property {() => boolean} stopped asked between steps
 * @property {number} began ms, by the clock: from when the time to the first token counts
 */

export class Conversation {
  #core;
  #ort;
  #session;
  #loop;
  #layout;
  #chat;
  #device;
  #clock;
  #cache;
  /** Forgets the timer that gives the cache back. */
  #unused = () => {};
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
    this.#cache = new KeyValueCache(ort.Tensor, layout, device);
  }

  /**
   * @param {Message[]} messages
   * @param {GenerationOptions} options maxNewTokens 0: the messages are only read, as the beginning of what will be said
   * @param {Talk} talk
   * @returns {Promise<Finish>}
   */
  async chat(messages, options, talk) {
    this.#unused();
    this.#unused = () => {};
    try {
      return await this.#answer(messages, options, talk);
    } catch (error) {
      // Nobody knows what a run that failed has left behind.
      this.#loop.forget();
      this.#cache.forget();
      throw error;
    }
  }

  /** @param {Message[]} messages @param {GenerationOptions} options @param {Talk} talk @returns {Promise<Finish>} */
  async #answer(messages, options, { piece, reading, stopped, began }) {
    const loop = this.#loop;
    const seed = crypto.getRandomValues(new Uint32Array(1))[0];
    const prompt =
      options.maxNewTokens === 0 ? this.#beginning(messages) : this.#prompt(messages, options);
    let step = read(loop.begin(JSON.stringify(prompt), JSON.stringify({ seed, ...options })));
    let aborted = false;
    /** When the first token came, and the last one. @type {number | null} */
    let first = null;
    let last = 0;
    let runs = 0;
    for (;;) {
      if (!aborted && stopped() && step.type !== 'finish' && step.type !== 'error') {
        aborted = true;
        step = read(loop.abort());
      }
      switch (step.type) {
        case 'run': {
          const count = await this.#run(step);
          if (step.promptLength) reading(step.pastLength + step.inputIds.length, step.promptLength);
          // A runtime that computes in this thread would not let the word to stop in.
          await this.#clock.breathe();
          if (step.logits) {
            last = this.#clock.now();
            first ??= last;
            runs++;
          }
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
        case 'finish': {
          const { type, keep, keepFor, ...result } = step;
          await this.#cache.cut(keep);
          this.#unused = this.#clock.timer(keepFor, () => {
            loop.forget();
            this.#cache.forget();
          });
          return {
            ...result,
            timeToFirstToken: first === null ? null : first - began,
            tokensPerSecond:
              first !== null && last > first ? (1000 * (runs - 1)) / (last - first) : null,
          };
        }
        case 'error':
          throw CandorError.from(step.error);
      }
    }
  }

  /**
   * Runs the graph and leaves the raw logits of the last position, if they are wanted, in the core.
   * @param {Extract<GenerationStep, { type: 'run' }>} step
   * @returns {Promise<number>} how many logits
   */
  async #run({ inputIds: ids, pastLength, logits: wanted }) {
    await this.#cache.cut(pastLength);
    const { Tensor } = this.#ort;
    const { outputs, positionIds, logits, logitsToKeep } = this.#layout;
    /** @param {number[]} dims @param {(i: number) => number} at */
    const integers = (dims, at) =>
      new Tensor(
        'int64',
        BigInt64Array.from({ length: dims[1] ?? 1 }, (_, i) => BigInt(at(i))),
        dims,
      );
    /** @type {Record<string, Tensor>} */
    const feeds = {
      input_ids: integers([1, ids.length], (i) => ids[i]),
      attention_mask: integers([1, pastLength + ids.length], () => 1),
      ...this.#cache.feeds(),
    };
    if (positionIds) feeds.position_ids = integers([1, ids.length], (i) => pastLength + i);
    if (logitsToKeep) feeds.num_logits_to_keep = integers(logitsToKeep, () => 1);
    // What is not asked for is not copied out of the runtime.
    const results = await this.#session.run(feeds, wanted ? [logits, ...outputs] : outputs);
    this.#cache.take(
      outputs.map((name) => /** @type {Tensor} */ (results[name])),
      pastLength + ids.length,
    );
    if (!wanted) return 0;
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

  /**
   * The tokens that every chat begins with which begins with these messages.
   * @param {Message[]} messages
   */
  #beginning(messages) {
    if (messages.at(-1)?.role === 'user') return this.#prompt(messages, {});
    // What comes next is asked by a user; what two different questions share is before them.
    const [one, other] = ['a', '1'].map((content) =>
      this.#prompt([...messages, { role: 'user', content }], {}),
    );
    const differs = one.findIndex((id, i) => id !== other[i]);
    return differs < 0 ? one : one.slice(0, differs);
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

/** IEEE 754 half precision, where the browser has no Float16Array. @param {number} bits */
export function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
