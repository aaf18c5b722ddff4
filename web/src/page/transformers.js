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
 * @typedef {import('../../bindings.d.ts').AggregateProgressInfo} AggregateProgressInfo
 * @typedef {import('../core.js').Core} Core
 */

/** How the states of a set of files read in a snapshot. @type {Record<AggregateProgressInfo['status'], Snapshot['status']>} */
const STATUS = {
  initiate: 'queued',
  download: 'downloading',
  paused: 'paused',
  loading: 'loading',
  done: 'loading',
  ready: 'ready',
  failed: 'failed',
};

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
  #files = /** @type {ReturnType<Core['createMultiFileAggregator']> | null} */ (null);
  #throttler = /** @type {ReturnType<Core['createThrottler']> | null} */ (null);
  /** What came before the core was there and the cache was looked through. @type {(() => void)[]} */
  #early = [];
  #revision;
  /** The addresses in the cache before anything was fetched; null where nobody knows. @type {Set<string> | null} */
  #kept = null;
  /** @type {Set<(snapshot: Snapshot) => void>} */
  #subscribers = new Set();
  /** @type {Snapshot} */
  #snapshot;
  #phaseBegan = clock.now();
  #cancelTimer = () => {};
  #disposed = false;

  /** @param {ProgressOptions} options */
  constructor({
    modelKey,
    name = modelKey,
    revision = 'main',
    cacheKey = 'transformers-cache',
    core: where,
  }) {
    this.#revision = encodeURIComponent(revision);
    this.#snapshot = emptySnapshot(modelKey, name, clock.now());
    /**
     * Resolves when the core is there; rejects when it could not be loaded. Events wait for it meanwhile.
     * @type {Promise<void>}
     */
    this.loaded = Promise.all([
      createCore(where),
      cacheKey === null ? null : keptAddresses(cacheKey),
    ]).then(([core, kept]) => {
      if (this.#disposed) return;
      this.#kept = kept;
      this.#files = core.createMultiFileAggregator();
      this.#throttler = core.createThrottler();
      for (const event of this.#early.splice(0)) event();
      this.#update(false);
    });
    // Whoever does not look at it still gets their model, only without progress.
    this.loaded.catch(() => {});
  }

  /** For `progress_callback`. Never throws. */
  callback = (/** @type {unknown} */ event) => {
    const now = clock.now();
    this.#then(() => this.#files?.handleFileProgress(this.#toldCached(event), now));
  };

  /** The model can be used. Transformers.js says so itself in `pipeline()`, but not everywhere. */
  complete() {
    const now = clock.now();
    this.#then(() => this.#files?.complete(now));
  }

  /** Transformers.js has no event for errors: say here what its promise was rejected with. @param {unknown} error */
  fail(error) {
    const now = clock.now();
    this.#then(() => this.#files?.fail(textOf(error), now));
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

  /** The elements' view of a loader; there is one model, whatever key they ask for. @returns {Snapshot} */
  snapshot() {
    return this.#snapshot;
  }

  /**
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
    own(this.#snapshot);
    return () => void this.#subscribers.delete(own);
  }

  /** Gives the core's memory back. */
  dispose() {
    this.#disposed = true;
    this.#cancelTimer();
    this.#subscribers.clear();
    this.#files?.dispose();
    this.#throttler?.dispose();
    this.#files = this.#throttler = null;
  }

  /** The event with what it does not say itself. @param {unknown} event */
  #toldCached(event) {
    if (!this.#kept) return event;
    try {
      const told = /** @type {Record<string, any>} */ ({ ...Object(event) });
      if (told.files) {
        // The counts of each file have come in its own events.
        told.files = Object.fromEntries(
          Object.entries(told.files).map(([file, { total }]) => [file, { total }]),
        );
      } else if (told.file) {
        const { name, file } = told;
        told.cached ??= [...this.#kept].some(
          (url) =>
            url.endsWith(`/${name}/resolve/${this.#revision}/${file}`) ||
            // Models of the page's own server, and models named by their address.
            `/${url}`.endsWith(`/${name}/${file}`),
        );
      }
      return told;
    } catch {
      return event;
    }
  }

  /** @param {() => void} event */
  #then(event) {
    if (this.#disposed) return;
    if (!this.#files) return void this.#early.push(event);
    event();
    this.#update(true);
  }

  /** @param {boolean} throttled */
  #update(throttled) {
    if (!this.#files || !this.#throttler) return;
    const now = clock.now();
    const next = this.#read(this.#files, now);
    const deliver = this.#throttler.push(next, now, throttled ? {} : { final: true });
    if (deliver) this.#publish(deliver);
    this.#schedule();
  }

  #schedule() {
    this.#cancelTimer();
    const wake = this.#throttler?.wakeAt() ?? null;
    const now = clock.now();
    // While bytes are expected, silence is news too.
    const idle = this.#snapshot.status === 'downloading' || this.#snapshot.status === 'loading';
    if (wake === null && !idle) return;
    this.#cancelTimer = clock.timer(wake === null ? 1000 : wake - now, () => {
      if (!this.#files || !this.#throttler) return;
      const later = clock.now();
      const kept = wake === null ? this.#read(this.#files, later) : this.#throttler.poll(later);
      if (kept) this.#publish(kept);
      this.#schedule();
    });
  }

  /** @param {Snapshot} snapshot */
  #publish(snapshot) {
    this.#snapshot = snapshot;
    for (const fn of [...this.#subscribers]) {
      try {
        fn(snapshot);
      } catch (error) {
        reportError(error);
      }
    }
  }

  /** @param {ReturnType<Core['createMultiFileAggregator']>} files @param {number} now @returns {Snapshot} */
  #read(files, now) {
    const info = files.snapshot(now);
    const before = this.#snapshot;
    const status = STATUS[info.status];
    const phase = status === 'downloading' ? 'download' : status === 'loading' ? 'create' : null;
    if (phase !== before.phase) this.#phaseBegan = now;
    const { speed, timeRemaining, etaLow, etaHigh, eta, stalledFor, throughput } = info;
    return {
      ...before,
      status,
      phase,
      // Of what comes after the download, Transformers.js tells nothing.
      progress: status === 'loading' ? null : info.overallProgress,
      totalDownloaded: info.totalDownloaded,
      totalSize: info.totalSize,
      network: info.network,
      cached: info.cached,
      verified: info.verified,
      discarded: info.discarded,
      speed,
      timeRemaining,
      etaLow,
      etaHigh,
      eta,
      stalledFor,
      throughput,
      phaseElapsed: phase ? now - this.#phaseBegan : 0,
      filesCompleted: info.filesCompleted,
      totalFiles: info.totalFiles,
      currentFile: info.currentFile,
      files: info.files.map((file) => ({
        status: FILE_STATUS[file.status],
        name: file.name,
        file: file.file,
        progress: file.progress,
        loaded: file.loaded,
        total: file.total,
        cached: file.cached,
        speed: file.speed,
        timeRemaining: file.timeRemaining,
      })),
      error:
        info.error === null
          ? null
          : {
              code: 'runtime',
              message: 'Something went wrong on the way.',
              // Not by us, and nobody knows whether it would help.
              retryable: true,
              // Transformers.js keeps whole files only.
              kept: this.#kept
                ? info.files.reduce(
                    (sum, file) => sum + (file.status === 'done' ? file.loaded : 0),
                    0,
                  )
                : 0,
              detail: info.error,
              retryIn: null,
            },
      lastUpdate: now,
    };
  }
}

/** @type {Record<AggregateProgressInfo['status'], Snapshot['files'][0]['status']>} */
const FILE_STATUS = {
  initiate: 'initiate',
  download: 'download',
  paused: 'download',
  loading: 'verify',
  done: 'done',
  ready: 'done',
  failed: 'failed',
};

/** @param {string} modelKey @param {string} modelName @param {number} now @returns {Snapshot} */
function emptySnapshot(modelKey, modelName, now) {
  return {
    modelKey,
    modelName,
    status: 'idle',
    phase: null,
    progress: null,
    totalDownloaded: 0,
    totalSize: null,
    network: 0,
    cached: 0,
    verified: 0,
    resident: 0,
    speed: null,
    timeRemaining: null,
    etaLow: null,
    etaHigh: null,
    eta: { kind: 'none', low: 0, high: 0 },
    stalledFor: 0,
    phaseElapsed: 0,
    phaseLastTime: null,
    discarded: 0,
    discardedReason: null,
    filesCompleted: 0,
    totalFiles: 0,
    currentFile: '',
    files: [],
    throughput: [],
    variant: null,
    persistent: true,
    elsewhere: false,
    attempt: 1,
    maxAttempts: 1,
    error: null,
    // Transformers.js can neither be paused nor cancelled.
    can: { pause: false, resume: false, cancel: false, retry: false, remove: false },
    startTime: now,
    lastUpdate: now,
  };
}
