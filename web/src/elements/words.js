/**
 * Words for a snapshot: every sentence that the elements say stands in WORDS, and `describe` picks among them. Nothing
 * here computes progress; numbers go through the formatter as they came.
 */

import { SENTENCES } from './sentences.js';

/**
 * @typedef {import('../../bindings.d.ts').Snapshot} Snapshot
 * @typedef {import('../../bindings.d.ts').FileProgress} FileProgress
 * @typedef {import('./format.js').Formatter} Formatter
 */

/** English. Replace any of them with `setWords`. */
export const WORDS = {
  titles: {
    idle: (/** @type {string} */ name) => name,
    queued: (/** @type {string} */ name) => `${name} is waiting its turn`,
    downloading: (/** @type {string} */ name) => `Downloading ${name}`,
    paused: (/** @type {string} */ name) => `${name} is paused`,
    loading: (/** @type {string} */ name) => `Starting ${name}`,
    ready: (/** @type {string} */ name) => `${name} is ready`,
    failed: (/** @type {string} */ name) => `${name} stopped`,
    cancelled: (/** @type {string} */ name) => `${name} was cancelled`,
  },
  status: {
    idle: 'Not started',
    queued: 'Waiting for its turn',
    downloading: 'Downloading',
    paused: 'Paused',
    loading: 'Starting',
    ready: 'Ready: the model runs on this device',
    failed: 'Stopped by an error',
    cancelled: 'Cancelled',
  },
  phases: {
    resolve: 'Looking up the files',
    download: 'Downloading the files',
    verify: 'Checking the files',
    create: 'Preparing the model',
    upload: 'Moving the weights onto the device',
    warmup: 'Compiling and warming up',
  },
  stages: { download: 'Download', load: 'Load', warmup: 'Warm up' },
  files: {
    initiate: 'waiting',
    download: 'downloading',
    progress: 'downloading',
    verify: 'checking',
    done: 'done',
    failed: 'failed',
  },
  speed: 'Speed',
  timeRemaining: 'Time remaining',
  downloaded: 'Downloaded',
  checked: 'Checked',
  onDevice: 'Moved to the device',
  onDisk: 'On this device',
  elapsed: 'Elapsed',
  lastTime: 'Last time on this device',
  notKnown: 'not known yet',
  unnamed: 'The model',
  waiting: 'Waiting to try again',
  stalled: (/** @type {string} */ time) => `stalled for ${time}`,
  left: (/** @type {string} */ time) => `${time} left`,
  of: (/** @type {string} */ part, /** @type {string} */ whole) => `${part} of ${whole}`,
  soFar: (/** @type {string} */ part) => `${part} so far`,
  here: 'already here',
  someHere: (/** @type {string} */ amount) => `${amount} already here`,
  allHere: (/** @type {string} */ amount) => `${amount} already here, nothing to download.`,
  hereSentence: (/** @type {string} */ amount, /** @type {string} */ network) =>
    `${amount} already here, ${network} from the network.`,
  discarded: (/** @type {string} */ amount, /** @type {string | null} */ reason) =>
    `${amount} were thrown away, to be fetched again. ${reason ?? ''}`.trimEnd(),
  elsewhere:
    'This model is being loaded in another tab. This tab goes on when that one is done with it or closed.',
  stoppedElsewhere:
    'Another tab has this model and has stopped: it is paused, or asks what to do. Go on there, or close it to go on here.',
  notKept: 'This browser offers no storage: nothing will be kept after this visit.',
  newer: (/** @type {string} */ amount) =>
    amount ? `A newer version is there: updating fetches ${amount}.` : 'A newer version is there.',
  attempt: (/** @type {number} */ n, /** @type {number} */ max) => `Attempt ${n} of ${max}.`,
  retryIn: (/** @type {string} */ time) => `It goes on by itself in ${time}.`,
  percent: (/** @type {string} */ percent) => `${percent} done`,
  tip: 'You can go on using the page meanwhile.',
  chatTip: 'Meanwhile you can go on chatting with any model that is ready.',
  running: (/** @type {string} */ dtype, /** @type {string} */ provider) =>
    `${dtype} on ${provider}`,
  providers: { webgpu: 'WebGPU', wasm: 'the CPU (WebAssembly)' },
  fileList: 'Files',
  filesDone: (/** @type {number} */ done, /** @type {number} */ all) =>
    `${done} of ${all} files complete`,
  throughput: 'Throughput',
  peak: (/** @type {string} */ speed) => `highest ${speed}`,
  buttons: {
    background: 'Continue in background',
    showDetails: 'Show details',
    hideDetails: 'Hide details',
    minimize: 'Minimise',
    close: 'Close',
    pause: 'Pause',
    resume: 'Resume',
    cancel: 'Cancel',
    retry: 'Retry',
    update: 'Update',
    remove: 'Remove from this device',
    different: 'Use a different model',
    open: 'Show progress',
    openError: 'See what happened',
  },
  recovery: {
    interrupted: 'Download interrupted',
    notStarted: (/** @type {string} */ name) => `${name} did not start`,
    final: (/** @type {string} */ name) => `${name} could not be loaded`,
    unknownError: 'Something went wrong.',
    kept: (/** @type {string} */ amount) => `${amount} are kept on this device.`,
    keptNothing: 'Nothing of it is kept on this device.',
    keptInMemory: (/** @type {string} */ amount) => `${amount} are kept until this page closes.`,
    next: 'Retry goes on from what is kept.',
    nextFresh: 'Retry starts from the beginning.',
    nextFinal: 'Trying again would not help now. Another model may work.',
    nextReload: 'Reload the page to try again, or use another model.',
    tried: (/** @type {number} */ n) => `It was tried ${n} times.`,
    details: 'Technical details',
  },
  /** The core's: errors, reasons. */
  sentences: SENTENCES,
};

/**
 * Replaces words, for another language or another tone; groups are merged one level deep.
 * @param {{ [K in keyof typeof WORDS]?: Partial<(typeof WORDS)[K]> }} words
 */
export function setWords(words) {
  const table = /** @type {Record<string, any>} */ (WORDS);
  for (const [key, value] of Object.entries(words)) {
    if (value && typeof value === 'object') Object.assign(table[key], value);
    else table[key] = value;
  }
}

/** @param {Snapshot} s */
const nameOf = (s) => s.modelName || s.modelKey || WORDS.unnamed;

/** @param {Snapshot} s */
export const isActive = (s) => ['queued', 'downloading', 'paused', 'loading'].includes(s.status);

/** @param {number | null} part @param {number | null} whole @param {Formatter} f */
function ofWhole(part, whole, f) {
  if (part !== null && part === whole) return f.bytes(whole);
  return whole === null
    ? WORDS.soFar(f.bytes(part))
    : WORDS.of(f.bytes(part, { floor: true }), f.bytes(whole));
}

/**
 * Rounded as the position beside it, so that equal amounts read the same.
 * @param {number} amount @param {Snapshot} s @param {Formatter} f
 */
const part = (amount, s, f) =>
  f.bytes(amount, { floor: s.totalSize !== null && amount !== s.totalSize });

/**
 * The stage of three that the phase belongs to, for the strip above the bar; null where none is under way.
 * @param {Snapshot} s
 * @returns {'download' | 'load' | 'warmup' | null}
 */
export function stageOf(s) {
  if (!isActive(s) && s.status !== 'failed') return null;
  if (s.phase === 'create' || s.phase === 'upload') return 'load';
  if (s.phase === 'warmup') return 'warmup';
  return s.phase && 'download';
}

/**
 * What is left, in words: never a number that was not measured.
 * @param {Snapshot} s @param {Formatter} f
 */
export function timeLeft(s, f) {
  if (s.eta.kind === 'stalled') return WORDS.stalled(f.duration(s.stalledFor / 1000));
  return s.eta.kind === 'none' ? WORDS.notKnown : f.eta(s.eta);
}

/**
 * @typedef {object} Description words and widths of one snapshot
 * @property {string} title
 * @property {string} phase
 * @property {number | null} value 0..100 for the bar; null: indeterminate, or no bar at all when `bar` is false
 * @property {boolean} bar
 * @property {string} percent '' while unknown
 * @property {number} cachedShare 0..100, how much of the bar was already here
 * @property {[string, string][]} stats label and value
 * @property {string[]} notices
 * @property {string} variant
 */

/**
 * @param {Snapshot} s
 * @param {Formatter} f
 * @returns {Description}
 */
export function describe(s, f) {
  const active = isActive(s);
  const transferring = s.phase === 'download' || s.phase === null;
  const waiting = active && s.error !== null && s.error.retryIn !== null;
  /** @type {[string, string][]} */
  const stats = [];
  const moving = s.status === 'loading' && s.phase === 'upload';
  if ((s.status === 'downloading' && transferring && !waiting) || moving) {
    stats.push([WORDS.speed, s.speed === null ? WORDS.notKnown : f.speed(s.speed)]);
    stats.push([WORDS.timeRemaining, timeLeft(s, f)]);
  }
  if (transferring || s.phase === 'resolve' || !active) {
    if (s.totalDownloaded > 0 || s.totalSize !== null) {
      stats.push([
        active ? WORDS.downloaded : WORDS.onDisk,
        ofWhole(s.totalDownloaded, s.totalSize, f),
      ]);
    }
  } else if (s.phase === 'verify') {
    stats.push([WORDS.checked, ofWhole(s.verified, s.totalSize, f)]);
  } else {
    if (moving) stats.push([WORDS.onDevice, ofWhole(s.resident, s.residentTotal, f)]);
    stats.push([WORDS.elapsed, f.duration(s.phaseElapsed / 1000)]);
    if (s.phaseLastTime !== null) stats.push([WORDS.lastTime, f.duration(s.phaseLastTime / 1000)]);
  }

  const notices = [];
  if (s.error) {
    notices.push(s.error.message || WORDS.recovery.unknownError);
    if (s.error.retryIn !== null) {
      notices.push(WORDS.retryIn(f.duration(s.error.retryIn / 1000)));
    }
  }
  if (active && s.attempt > 1) notices.push(WORDS.attempt(s.attempt, s.maxAttempts));
  if (active && s.cached > 0) {
    const cached = part(s.cached, s, f);
    notices.push(
      s.network > 0
        ? WORDS.hereSentence(cached, part(s.network, s, f))
        : s.cached === s.totalSize
          ? WORDS.allHere(cached)
          : `${WORDS.someHere(cached)}.`,
    );
  }
  if (s.discarded > 0) notices.push(WORDS.discarded(f.bytes(s.discarded), s.discardedReason));
  if (s.newer) {
    notices.push(WORDS.newer(s.newer.bytes === null ? '' : f.bytes(s.newer.bytes)));
  }
  if (!s.persistent) notices.push(WORDS.notKept);
  if (s.elsewhere) {
    notices.push(s.status === 'queued' ? WORDS.stoppedElsewhere : WORDS.elsewhere);
  }

  const bar = active || s.status === 'failed' || s.status === 'ready';
  const value = s.status === 'ready' ? 100 : s.progress;
  const cachedOfTotal = s.totalSize ? (s.cached / s.totalSize) * 100 : 0;
  return {
    title: WORDS.titles[s.status](nameOf(s)),
    phase: waiting
      ? WORDS.waiting
      : s.phase !== null && (s.status === 'downloading' || s.status === 'loading')
        ? WORDS.phases[s.phase]
        : WORDS.status[s.status],
    value,
    // An error with nothing measured has no bar: an indeterminate one would say that something goes on.
    bar: bar && (value !== null || s.status === 'downloading' || s.status === 'loading'),
    percent: value === null ? '' : f.percent(value),
    cachedShare: transferring && s.progress !== null ? Math.min(cachedOfTotal, s.progress) : 0,
    stats,
    notices,
    variant: s.variant
      ? WORDS.running(s.variant.dtype, WORDS.providers[s.variant.executionProvider])
      : '',
  };
}

/**
 * The line under a small bar.
 * @param {Snapshot} s @param {Formatter} f
 * @returns {{ speed: string, time: string, here: string }} '' where there is nothing to say
 */
export function brief(s, f) {
  const here = isActive(s) && s.cached > 0 ? WORDS.someHere(part(s.cached, s, f)) : '';
  if (s.status !== 'downloading' || (s.phase !== 'download' && s.phase !== null)) {
    return { speed: '', time: '', here };
  }
  const time = timeLeft(s, f);
  return {
    speed: s.speed === null ? '' : f.speed(s.speed),
    time: s.eta.kind === 'stalled' ? time : s.eta.kind === 'none' ? '' : WORDS.left(time),
    here,
  };
}

/**
 * What a screen reader says: changes with the status, the phase and every quarter, not with every frame.
 * @param {Snapshot} s @param {Formatter} f
 * @returns {{ key: string, text: string }}
 */
export function announcement(s, f) {
  const quarter = s.progress === null ? -1 : Math.floor(s.progress / 25);
  const stalled = s.eta.kind === 'stalled';
  const { title, phase, percent } = describe(s, f);
  const time = brief(s, f).time;
  const parts = [title, phase];
  if (percent && s.status !== 'ready') parts.push(percent);
  if (time) parts.push(time);
  if (s.error) parts.push(s.error.message);
  return {
    key: [s.status, s.phase, quarter, stalled, s.error?.code].join(),
    text: parts.filter(Boolean).join('. '),
  };
}

/**
 * One row of the file list.
 * @param {FileProgress} file @param {Formatter} f
 */
export function describeFile(file, f) {
  const bytes = file.total === null && file.loaded === 0 ? '' : ofWhole(file.loaded, file.total, f);
  return {
    name: file.file || file.name,
    bytes,
    percent: file.progress === null ? '' : f.percent(file.progress),
    state: WORDS.files[file.status],
    speed: file.speed === null ? '' : f.speed(file.speed),
    time: file.timeRemaining === null ? '' : WORDS.left(f.duration(file.timeRemaining)),
    here:
      file.cached === 0
        ? ''
        : file.cached === file.total
          ? WORDS.here
          : WORDS.someHere(f.bytes(file.cached)),
  };
}

/**
 * @param {Snapshot} s @param {Formatter} f
 * @returns {{ final: boolean, title: string, message: string, attempt: string, kept: string, next: string, detail: string }}
 */
export function describeFailure(s, f) {
  const words = WORDS.recovery;
  const error = s.error;
  const final = !s.can.retry && (error?.retryIn ?? null) === null;
  const transfer = stageOf(s) !== 'load' && s.phase !== 'warmup';
  const kept = error?.kept ?? 0;
  return {
    final,
    title: final
      ? words.final(nameOf(s))
      : transfer
        ? words.interrupted
        : words.notStarted(nameOf(s)),
    message: error?.message || words.unknownError,
    attempt: final
      ? s.attempt > 1
        ? words.tried(s.attempt)
        : ''
      : WORDS.attempt(s.attempt, s.maxAttempts),
    kept:
      kept > 0
        ? (s.persistent ? words.kept : words.keptInMemory)(f.bytes(kept))
        : words.keptNothing,
    next:
      error && error.retryIn !== null
        ? WORDS.retryIn(f.duration(error.retryIn / 1000))
        : final
          ? error?.retryable
            ? words.nextReload
            : words.nextFinal
          : kept > 0
            ? words.next
            : words.nextFresh,
    detail: error?.detail ?? '',
  };
}
