/**
 * Honest progress for people who stay with Transformers.js: its `progress_callback` in, the elements' snapshot out.
 *
 *     const p = transformersProgress({ modelKey: 'mini', name: 'CV mini' });
 *     dialog.loader = p;
 *     const pipe = await p.watch(pipeline(task, repo, { progress_callback: p.callback }));
 */
import { clock } from '../adapters/clock.js';
import { keptAddresses } from '../adapters/transformers-cache.js';
import { createCore } from '../core.js';
import { textOf } from '../errors.js';

/**
 * @typedef {import('../../bindings.d.ts').Snapshot} Snapshot
 * @typedef {ReturnType<import('../core.js').Core['createWatchedLoad']>} WatchedLoad
 */

/** The core is there long before so many events have come. */
const MOST_EARLY = 4096;

/**
 * @typedef {object} ProgressOptions
 * @property {string} modelKey
 * @property {string} [name] what people call the model; the key if absent
 * @property {string} [revision] as given to Transformers.js; 'main'
 * @property {string | null} [cacheKey] `env.cacheKey` of Transformers.js, where that was changed; null where it keeps its
 *   files elsewhere or not at all, and then only what comes at once counts as having been here
 * @property {Parameters<typeof createCore>[0]} [core] where the core's wasm lies
 */

/**
 * Make it before the pipeline: what is in the cache by then counts as having been here.
 * @param {ProgressOptions} options
 */
export function transformersProgress(options) {
  return new TransformersProgress(options);
}

export class TransformersProgress {
  /** @type {WatchedLoad | null} */
  #load = null;
  /** What came before the core was there and the cache was looked through; null once nobody will ask for it. @type {((load: WatchedLoad) => unknown)[] | null} */
  #early = [];
  /** @type {Set<(snapshot: Snapshot) => void>} */
  #subscribers = new Set();
  /** @type {Snapshot | null} */
  #snapshot = null;
  #cancelTimer = () => {};

  /** @param {ProgressOptions} options */
  constructor({ modelKey, name, revision, cacheKey = 'transformers-cache', core: where }) {
    /**
     * Resolves when the core is there; rejects when it could not be loaded. Events wait for it meanwhile.
     * @type {Promise<void>}
     */
    this.loaded = Promise.all([
      createCore(where),
      cacheKey === null ? null : keptAddresses(cacheKey),
    ]).then(([core, kept]) => {
      if (!this.#early) return;
      const load = (this.#load = core.createWatchedLoad({ modelKey, name, revision, kept }));
      for (const told of this.#early.splice(0)) told(load);
      this.#show(load.snapshot(clock.now()));
    });
    // Whoever does not look at it still gets their model, only without progress.
    this.loaded.catch(() => {
      this.#early = null;
    });
  }

  /** For `progress_callback`. Never throws. */
  callback = (/** @type {unknown} */ event) => {
    // Counts come again with the next bytes.
    if (this.#early && this.#early.length >= MOST_EARLY && onlyCounts(event)) return;
    const now = clock.now();
    this.#tell((load) => load.handleEvent(event, now));
  };

  /** The model can be used. Transformers.js says so itself in `pipeline()`, but not everywhere. */
  complete() {
    const now = clock.now();
    this.#tell((load) => load.complete(now));
  }

  /** Transformers.js has no event for errors: say here what its promise was rejected with. @param {unknown} error */
  fail(error) {
    const now = clock.now();
    const words = textOf(error);
    this.#tell((load) => load.fail(words, now));
  }

  /**
   * complete() or fail(), as the promise turns out.
   * @template T
   * @param {Promise<T>} promise
   * @returns {Promise<T>} the same outcome
   */
  async watch(promise) {
    try {
      const result = await promise;
      this.complete();
      return result;
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /**
   * The elements' view of a loader; there is one model, whatever key they ask for.
   * @returns {Snapshot | null} null until the core is there
   */
  snapshot() {
    return this.#snapshot;
  }

  /**
   * Calls `fn` with the latest snapshot, as soon as there is one, and with each new one.
   * @overload
   * @param {(snapshot: Snapshot) => void} fn
   * @returns {() => void} unsubscribes
   */
  /**
   * @overload
   * @param {string} key the elements give one
   * @param {(snapshot: Snapshot) => void} fn
   * @returns {() => void} unsubscribes
   */
  /** @param {any[]} args */
  subscribe(...args) {
    /** @type {(snapshot: Snapshot) => void} */
    const fn = args[args.length - 1];
    const own = (/** @type {Snapshot} */ snapshot) => fn(snapshot);
    this.#subscribers.add(own);
    if (this.#snapshot) own(this.#snapshot);
    return () => void this.#subscribers.delete(own);
  }

  /** Gives the core's memory back. */
  dispose() {
    this.#cancelTimer();
    this.#subscribers.clear();
    this.#load?.dispose();
    this.#load = this.#early = null;
  }

  /** @param {(load: WatchedLoad) => Snapshot | null} event */
  #tell(event) {
    if (this.#load) this.#show(event(this.#load));
    else if (this.#early && this.#early.length < 2 * MOST_EARLY) this.#early.push(event);
  }

  /** @param {Snapshot | null} snapshot */
  #show(snapshot) {
    if (snapshot) this.#deliver(snapshot);
    this.#cancelTimer();
    // A subscriber may have disposed of this.
    const wake = this.#load?.wakeAt() ?? null;
    if (wake === null) return;
    this.#cancelTimer = clock.timer(wake - clock.now(), () => {
      if (this.#load) this.#show(this.#load.tick(clock.now()));
    });
  }

  /** @param {Snapshot} snapshot */
  #deliver(snapshot) {
    this.#snapshot = snapshot;
    for (const fn of [...this.#subscribers]) {
      try {
        fn(snapshot);
      } catch (error) {
        reportError(error);
      }
    }
  }
}

/** @param {any} event */
function onlyCounts(event) {
  try {
    return event.loaded !== undefined;
  } catch {
    return true;
  }
}
