// Both contenders of the benchmarks of a loaded model, as a page has them: the same calls, the same answers.

import { env, pipeline, TextStreamer } from '@huggingface/transformers';

/**
 * @typedef {import('../web/bindings.d.ts').Snapshot} Snapshot
 * @typedef {{ role: string, content: string }} Message
 * @typedef {{ host: string, repo: string, device: 'wasm' | 'webgpu', threads: number | null }} Source
 * @typedef {{ first: number, tokensPerSecond: number | null, timeToFirstToken: number, text: string, ids: number[], read: number }} Answer
 */

const question = (/** @type {Message[]} */ messages) => structuredClone(messages);

class Candor {
  #loader = /** @type {any} */ (null);
  #model = /** @type {any} */ (null);
  #silence = 0;
  #lastByte = 0;
  #readyAt = 0;

  /** @param {Source} source */
  async load({ host, repo, device }) {
    const { createLoader } = await import(String('/candor/candor.js'));
    this.#loader = await createLoader({
      models: { bench: { repo, host, dtype: 'q4', executionProvider: device } },
    });
    let shown = '';
    let changed = performance.now();
    let bytes = -1;
    this.#loader.subscribe('bench', (/** @type {Snapshot} */ snapshot) => {
      const { status, phase, progress, totalDownloaded, verified, resident, network } = snapshot;
      const now = performance.now();
      if (network > bytes) [bytes, this.#lastByte] = [network, now];
      const next = JSON.stringify([status, phase, progress, totalDownloaded, verified, resident]);
      if (next === shown) return;
      if (shown && !this.#readyAt) this.#silence = Math.max(this.#silence, now - changed);
      [shown, changed] = [next, now];
      if (status === 'ready') this.#readyAt = now;
    });
    this.#model = await this.#loader.load('bench');
    return {
      ready: this.#readyAt,
      silence: this.#silence / 1000,
      afterLastByte: (this.#readyAt - this.#lastByte) / 1000,
      variant: this.#loader.snapshot('bench').variant,
    };
  }

  /** @param {Message[]} messages @param {number} maxNewTokens @returns {Promise<Answer>} */
  async ask(messages, maxNewTokens) {
    const answer = this.#model.chat(question(messages), { temperature: 0, maxNewTokens });
    await answer.next();
    const first = performance.now();
    const { text, ids, tokensPerSecond, timeToFirstToken, promptTokens, reusedTokens } =
      await answer.finish;
    return {
      first,
      tokensPerSecond,
      timeToFirstToken,
      text,
      ids,
      read: promptTokens - reusedTokens,
    };
  }

  /** @param {Message[]} messages */
  prepare(messages) {
    return this.#model.prepare(messages);
  }

  async dispose() {
    await this.#model.dispose();
  }
}

class Transformers {
  #generate = /** @type {any} */ (null);

  /** @param {Source} source */
  async load({ host, repo, device, threads }) {
    env.remoteHost = host;
    env.allowLocalModels = false;
    const { wasm } = /** @type {any} */ (env.backends.onnx);
    wasm.wasmPaths = '/ort/';
    if (threads) wasm.numThreads = threads;
    /** @type {any} */ (env).useWasmCache = false;
    this.#generate = await pipeline('text-generation', repo, { dtype: 'q4', device });
    return { ready: performance.now() };
  }

  /** @param {Message[]} messages @param {number} maxNewTokens @returns {Promise<Answer>} */
  async ask(messages, maxNewTokens) {
    /** @type {number[]} */
    const times = [];
    /** @type {number[]} */
    const ids = [];
    const began = performance.now();
    const [{ generated_text: said }] = await this.#generate(question(messages), {
      max_new_tokens: maxNewTokens,
      do_sample: false,
      streamer: new TextStreamer(this.#generate.tokenizer, {
        skip_prompt: true,
        callback_function: () => {},
        token_callback_function: (/** @type {any} */ tokens) => {
          times.push(performance.now());
          ids.push(...tokens.map(Number));
        },
      }),
    });
    const [first, last] = [times[0], times[times.length - 1]];
    return {
      first,
      timeToFirstToken: first - began,
      tokensPerSecond: times.length > 1 ? (1000 * (times.length - 1)) / (last - first) : null,
      text: said.at(-1).content,
      ids,
      read: NaN,
    };
  }

  async dispose() {
    await this.#generate.dispose();
  }
}

Object.assign(globalThis, {
  contenders: { candor: new Candor(), transformers: new Transformers() },
});
