/**
 * The core's objects for people who bring their own events: progress trackers, a throttle and the states of downloads.
 * Time comes in with each call (`nowMs`, milliseconds of any steady clock, the same one for each object); nothing here
 * reads a clock. Every object holds memory of the core until its dispose().
 */
import createCoreModule from '#core';
import { say, saySnapshot } from './elements/sentences.js';
import { textOf } from './errors.js';

/**
 * @typedef {import('../bindings.d.ts').CoreModule} CoreModule
 * @typedef {import('../bindings.d.ts').ProgressInfo} ProgressInfo
 * @typedef {import('../bindings.d.ts').AggregateProgressInfo} AggregateProgressInfo
 * @typedef {import('../bindings.d.ts').DownloadState} DownloadState
 * @typedef {import('../bindings.d.ts').Snapshot} Snapshot
 */

/**
 * @param {{ wasmBinary?: ArrayBuffer | Uint8Array, wasmUrl?: string | URL }} [options] the core's bytes, or where they lie if not
 *   beside this module
 * @returns {Promise<CoreModule>}
 */
export function loadCore({ wasmBinary, wasmUrl } = {}) {
  const url = wasmUrl ?? new URL('../dist/core/candor-core.wasm', import.meta.url);
  return createCoreModule({ wasmBinary, locateFile: () => String(url) });
}

/** @param {Parameters<typeof loadCore>[0]} [options] */
export async function createCore(options) {
  return new Core(await loadCore(options));
}

export class Core {
  #module;
  /** @param {CoreModule} module */
  constructor(module) {
    this.#module = module;
  }

  /**
   * One stream of progress: of one file, or all events of one `progress_callback`.
   * @param {{ name?: string, file?: string, total?: number | null }} [options] total in bytes
   */
  createProgressTracker({ name = '', file = '', total = null } = {}) {
    return new ProgressTracker(
      new this.#module.ProgressTracker(textOf(name), textOf(file), number(total)),
    );
  }

  /** Several files as one honest total. */
  createMultiFileAggregator() {
    return new MultiFileAggregator(new this.#module.MultiFileAggregator());
  }

  /**
   * A load that somebody else performs, as the elements show it.
   * @param {{ modelKey: string, name?: string, revision?: string, kept?: Iterable<string> | null }} options kept: the
   *   addresses that were in the cache before; null where nobody knows
   */
  createWatchedLoad({ modelKey, name = modelKey, revision = 'main', kept = null }) {
    const known = kept !== null;
    const load = new this.#module.WatchedLoad(
      textOf(modelKey),
      textOf(name),
      encodeURIComponent(revision),
      known,
    );
    for (const address of kept ?? []) load.kept(textOf(address));
    return new WatchedLoad(load);
  }

  /**
   * At most one value per interval, the last one always.
   * @param {{ intervalMs?: number }} [options] 100 if absent
   */
  createThrottler({ intervalMs = 100 } = {}) {
    return new Throttler(new this.#module.Throttler(number(intervalMs)));
  }

  /** The states of downloads, and their records under `download_state_${modelKey}`. */
  createStateManager() {
    return new StateManager(new this.#module.StateManager());
  }
}

/** @template {import('../bindings.d.ts').Bound} T */
class Handle {
  /** @type {T | null} */
  #bound;
  /** @param {T} bound */
  constructor(bound) {
    this.#bound = bound;
  }

  /** @protected @returns {T} */
  get bound() {
    if (!this.#bound) throw new Error(`This ${this.constructor.name} was disposed.`);
    return this.#bound;
  }

  /** Gives the memory back; may be called any number of times. */
  dispose() {
    this.#bound?.delete();
    this.#bound = null;
  }
}

/** @extends {Handle<import('../bindings.d.ts').ProgressTrackerHandle>} */
class ProgressTracker extends Handle {
  /**
   * The position of the tracker's own file, in bytes from its start. Anything but a number ≥ 0 counts as unknown.
   * @param {{ loaded?: number | null, total?: number | null }} position
   * @param {number} nowMs
   */
  update(position, nowMs) {
    const read = reader(position);
    this.bound.update(number(read('loaded')), number(read('total')), number(nowMs));
  }

  /** One event of Transformers.js, as it came. Never throws for what is in it. @param {unknown} event @param {number} nowMs */
  handleTransformersProgress(event, nowMs) {
    this.bound.handleTransformersProgress(eventJson(event), number(nowMs));
  }

  /** Every byte is here and good. @param {number} nowMs */
  complete(nowMs) {
    this.bound.complete(number(nowMs));
  }

  /** @param {unknown} error @param {number} nowMs */
  fail(error, nowMs) {
    this.bound.fail(errorText(error), number(nowMs));
  }

  /** @param {number} nowMs @returns {ProgressInfo} absent values are null */
  snapshot(nowMs) {
    return JSON.parse(this.bound.snapshot(number(nowMs)));
  }
}

/** @extends {Handle<import('../bindings.d.ts').MultiFileAggregatorHandle>} */
class MultiFileAggregator extends Handle {
  /** One event of Transformers.js, as it came. Never throws for what is in it. @param {unknown} event @param {number} nowMs */
  handleFileProgress(event, nowMs) {
    this.bound.handleFileProgress(eventJson(event), number(nowMs));
  }

  /** Every file is here and good. @param {number} nowMs */
  complete(nowMs) {
    this.bound.complete(number(nowMs));
  }

  /** @param {unknown} error @param {number} nowMs */
  fail(error, nowMs) {
    this.bound.fail(errorText(error), number(nowMs));
  }

  /** @param {number} nowMs @returns {AggregateProgressInfo} absent values are null */
  snapshot(nowMs) {
    return JSON.parse(this.bound.snapshot(number(nowMs)));
  }
}

/**
 * Whatever happens is answered by the snapshot to show now, or null: at most one per 100 ms, the last one always.
 * @extends {Handle<import('../bindings.d.ts').WatchedLoadHandle>}
 */
class WatchedLoad extends Handle {
  /** One event of Transformers.js, as it came. Never throws for what is in it. @param {unknown} event @param {number} nowMs */
  handleEvent(event, nowMs) {
    return snapshotOf(this.bound.handleEvent(eventJson(event), number(nowMs)));
  }

  /** The model can be used. @param {number} nowMs */
  complete(nowMs) {
    return snapshotOf(this.bound.complete(number(nowMs)));
  }

  /** @param {unknown} error @param {number} nowMs */
  fail(error, nowMs) {
    return snapshotOf(this.bound.fail(errorText(error), number(nowMs)));
  }

  /** @param {number} nowMs */
  tick(nowMs) {
    return snapshotOf(this.bound.tick(number(nowMs)));
  }

  /** When to call tick(), in ms; null for never. */
  wakeAt() {
    return orNull(this.bound.wakeAt());
  }

  /** @param {number} nowMs @returns {Snapshot} */
  snapshot(nowMs) {
    return saySnapshot(JSON.parse(this.bound.snapshot(number(nowMs))));
  }
}

/** @param {string} json @returns {Snapshot | null} */
const snapshotOf = (json) => (json ? saySnapshot(JSON.parse(json)) : null);

/** A `status` that nothing follows, or that a person must see at once. */
const FINAL = new Set(['ready', 'completed', 'failed', 'cancelled', 'error']);

/** @extends {Handle<import('../bindings.d.ts').ThrottlerHandle>} */
class Throttler extends Handle {
  /** @type {any} */
  #kept;

  /**
   * @template T
   * @param {T} value
   * @param {number} nowMs
   * @param {{ final?: boolean }} [options] final values are never held back; by default those whose `status` is ready,
   *   completed, failed, cancelled or error
   * @returns {T | undefined} the value to deliver now
   */
  push(value, nowMs, { final = FINAL.has(/** @type {any} */ (reader(value)('status'))) } = {}) {
    if (this.bound.push(final, number(nowMs))) {
      this.#kept = undefined;
      return value;
    }
    this.#kept = value;
    return undefined;
  }

  /** @param {number} nowMs @returns {any} the value that was held back, once it is time */
  poll(nowMs) {
    if (!this.bound.poll(number(nowMs))) return undefined;
    const value = this.#kept;
    this.#kept = undefined;
    return value;
  }

  /** When poll() will have something, in ms; null when nothing waits. */
  wakeAt() {
    return orNull(this.bound.wakeAt());
  }
}

/**
 * Legal transitions only. Methods that change something return null, or the reason why nothing was changed.
 * @extends {Handle<import('../bindings.d.ts').StateManagerHandle>}
 */
class StateManager extends Handle {
  /** @param {string} modelKey @param {string} modelName @param {number} nowMs */
  startDownload(modelKey, modelName, nowMs) {
    return refusal(this.bound.startDownload(textOf(modelKey), textOf(modelName), number(nowMs)));
  }

  /** @param {string} modelKey @param {unknown} info a snapshot of a tracker, an aggregator or a loader @param {number} nowMs */
  updateDownload(modelKey, info, nowMs) {
    return refusal(this.bound.updateDownload(textOf(modelKey), infoJson(info), number(nowMs)));
  }

  /** @param {string} modelKey @param {number} nowMs */
  completeDownload(modelKey, nowMs) {
    return refusal(this.bound.completeDownload(textOf(modelKey), number(nowMs)));
  }

  /** @param {string} modelKey @param {unknown} error @param {number} nowMs */
  failDownload(modelKey, error, nowMs) {
    return refusal(this.bound.failDownload(textOf(modelKey), errorText(error), number(nowMs)));
  }

  /** @param {string} modelKey @param {number} nowMs */
  pauseDownload(modelKey, nowMs) {
    return refusal(this.bound.pauseDownload(textOf(modelKey), number(nowMs)));
  }

  /** @param {string} modelKey @param {number} nowMs */
  resumeDownload(modelKey, nowMs) {
    return refusal(this.bound.resumeDownload(textOf(modelKey), number(nowMs)));
  }

  /** @param {string} modelKey @param {number} nowMs */
  removeDownload(modelKey, nowMs) {
    return refusal(this.bound.removeDownload(textOf(modelKey), number(nowMs)));
  }

  /** @param {string} modelKey @returns {DownloadState | null} */
  state(modelKey) {
    const json = this.bound.state(textOf(modelKey));
    return json ? JSON.parse(json) : null;
  }

  /**
   * Calls fn after every change. It may subscribe, unsubscribe and change states; what it throws is reported as an
   * uncaught error, and the others hear all the same.
   * @param {string} modelKey
   * @param {(state: DownloadState) => void} fn
   * @returns {() => void} unsubscribes
   */
  subscribe(modelKey, fn) {
    const id = this.bound.subscribe(textOf(modelKey), (json) => {
      try {
        fn(JSON.parse(json));
      } catch (error) {
        // Thrown from here it would unwind through the core, which knows no exceptions.
        queueMicrotask(() => {
          throw error;
        });
      }
    });
    const { bound } = this;
    return () => {
      if (!bound.isDeleted()) bound.unsubscribe(id);
    };
  }

  /** @param {string} modelKey @returns {string | null} the record to keep */
  serialize(modelKey) {
    return this.bound.serialize(textOf(modelKey)) || null;
  }

  /**
   * Takes over a record of an earlier visit. A bad one changes nothing.
   * @param {unknown} json
   * @param {number} nowMs
   * @returns {{ state: DownloadState, error?: undefined } | { state?: undefined, error: string }}
   */
  restore(json, nowMs) {
    const restored = JSON.parse(
      this.bound.restore(typeof json === 'string' ? json : '', number(nowMs)),
    );
    return restored.error ? { error: say(restored.error) } : restored;
  }

  /**
   * What to store or to remove by now.
   * @param {number} nowMs
   * @returns {({ type: 'persist', key: string, json: string } | { type: 'unpersist', key: string })[]}
   */
  poll(nowMs) {
    return JSON.parse(this.bound.poll(number(nowMs)));
  }

  /** When poll() will next have something, in ms; null for never. */
  wakeAt() {
    return orNull(this.bound.wakeAt());
  }
}

// --- outside values, made safe to hand over ---

/** @param {unknown} value @returns {number} NaN for what is no number */
const number = (value) => (typeof value === 'number' ? value : NaN);

/** @param {string} words '' for none */
const refusal = (words) => (words ? say(words) : null);

/** @param {number} value */
const orNull = (value) => (Number.isNaN(value) ? null : value);

/** @param {unknown} error @returns {string} */
const errorText = (error) => {
  const message = reader(error)('message');
  return typeof message === 'string' ? message : textOf(error);
};

/**
 * Reads properties of outside objects, whose getters may throw.
 * @param {unknown} object
 * @returns {(name: string) => unknown}
 */
const reader = (object) => (name) => {
  try {
    return /** @type {any} */ (object)?.[name];
  } catch {
    return undefined;
  }
};

/** @param {unknown} value @returns {string | number | boolean | null} what JSON can say */
function scalar(value) {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'string') return value.slice(0, 4096);
  return typeof value === 'boolean' ? value : null;
}

/** @param {unknown} object @param {string[]} names */
function pick(object, names) {
  const read = reader(object);
  return Object.fromEntries(names.map((name) => [name, scalar(read(name))]));
}

/** The part of an event that counts, so that cycles and the like never matter. @param {unknown} event */
function eventJson(event) {
  const out = /** @type {Record<string, unknown>} */ (
    pick(event, ['status', 'name', 'file', 'progress', 'loaded', 'total', 'cached'])
  );
  const files = reader(event)('files');
  if (typeof files === 'object' && files !== null) {
    const read = reader(files);
    try {
      const names = Object.keys(files).slice(0, 4096);
      out.files = Object.fromEntries(
        names.map((name) => [name, pick(read(name), ['loaded', 'total'])]),
      );
    } catch {
      // A proxy that will not be listed has no files.
    }
  }
  return JSON.stringify(out);
}

/** @param {unknown} info */
const infoJson = (info) =>
  JSON.stringify(
    pick(info, [
      'progress',
      'loaded',
      'total',
      'speed',
      'timeRemaining',
      'overallProgress',
      'totalDownloaded',
      'totalSize',
      'phase',
    ]),
  );
