/** What the tests of the worker's side stand in for: clock, network, session, and a core that does as it is told. */

/**
 * A clock that moves only by advance().
 * @returns {import('../../../web/src/ports.d.ts').Clock & { advance(ms: number): void, waiting: number }}
 */
export function fakeClock() {
  let now = 1000;
  /** @type {Set<{ at: number, fn: () => void }>} */
  const timers = new Set();
  return {
    now: () => now,
    timer(ms, fn) {
      const timer = { at: now + ms, fn };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
    get waiting() {
      return timers.size;
    },
    advance(ms) {
      now += ms;
      for (const timer of [...timers]) {
        if (timer.at > now || !timers.delete(timer)) continue;
        timer.fn();
      }
    },
  };
}

/** Nothing is wrong with the model's files. @type {import('../../../web/src/ports.d.ts').Examine} */
export const nothingWrong = async () => ({
  kind: null,
  message: '',
  file: '',
  detail: '',
  external: null,
});
/** What an answer of three tokens ends with. @type {Omit<import('../../../web/src/protocol.d.ts').Finish, 'text'>} */
export const FINISH = {
  reason: 'eos',
  tokens: 3,
  ids: [1, 2, 3],
  promptTokens: 9,
  reusedTokens: 0,
  timeToFirstToken: 20,
  tokensPerSecond: 5,
};

/** @type {import('../../../web/bindings.d.ts').DeviceFacts} */
export const DEVICE = {
  webgpu: false,
  shaderF16: false,
  fallbackAdapter: false,
  maxBufferSize: null,
  maxStorageBufferBindingSize: null,
  subgroupMinSize: null,
  adapter: '',
  deviceMemory: 8,
  cores: 2,
  crossOriginIsolated: false,
  jspi: false,
  persistent: true,
  quota: null,
  usage: null,
  online: true,
};

/**
 * A body that gives its chunks one by one, then ends, hangs or breaks.
 * @param {Uint8Array[]} chunks
 * @param {'end' | 'hang' | 'break'} [then]
 */
export function bodyOf(chunks, then = 'end') {
  const left = [...chunks];
  const body = {
    cancelled: false,
    /** @returns {Promise<any>} */
    async read() {
      const value = left.shift();
      if (value) return { done: false, value };
      if (then === 'break') throw new TypeError('network error');
      if (then === 'hang') return new Promise(() => {});
      return { done: true, value: undefined };
    },
    async cancel() {
      body.cancelled = true;
    },
  };
  return body;
}

/** @param {string} text */
export const bytesOf = (text) => new TextEncoder().encode(text);

/**
 * A module with a ModelLoader whose answers the test gives: `answer(call)` gets what was asked and returns actions.
 * Calls are noted in `calls`.
 * @param {(call: any) => any[] | void} answer
 */
export function scriptedCore(answer) {
  /** @type {any[]} */
  const calls = [];
  const memory = new Uint8Array(4 << 20);
  const core = {
    calls,
    wake: NaN,
    deleted: false,
    HEAPU8: memory,
    HEAPF32: new Float32Array(memory.buffer),
    /** @param {any} call */
    take(call) {
      calls.push(call);
      const actions = answer(call) ?? [];
      return actions.length ? JSON.stringify(actions) : '';
    },
    ModelLoader: class {
      /** @param {string} json */
      on(json) {
        return core.take(JSON.parse(json));
      }
      buffer() {
        return 16;
      }
      /** @param {number} request @param {number} length */
      received(request, length) {
        const bytes = new TextDecoder().decode(memory.slice(16, 16 + Math.min(length, 64)));
        return core.take({ type: 'received', request, length, bytes });
      }
      /** @param {number} file @param {number} offset @param {number} length */
      hashed(file, offset, length) {
        return core.take({ type: 'hashed', file, offset, length });
      }
      folder() {
        return 'f';
      }
      wakeAt() {
        return core.wake;
      }
      snapshot() {
        return JSON.stringify({ modelKey: 'm', status: 'ready', goesOn: true });
      }
      delete() {
        core.deleted = true;
      }
    },
  };
  return core;
}

/** Lets everything that is ready to run, run. */
export async function settle() {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}
