/** The models on offer and the picker that lists them. */
import { WORDS, formatter } from '/candor/define.js';
import { el } from './cv.js';

/**
 * @typedef {import('/candor/candor.js').Loader} Loader
 * @typedef {import('/candor/candor.js').Snapshot} Snapshot
 *
 * @typedef {object} Offer
 * @property {string} name
 * @property {string} repo
 * @property {string} about
 * @property {string} size before the server has said how large it is; approximate, and worded so
 * @property {boolean} [advanced]
 * @property {boolean} [needsGpu] too slow on a CPU to be of use
 * @property {boolean} [ownFacts] trained on this CV: needs no system message
 * @property {number} maxNewTokens
 */

/** @type {Record<string, Offer>} */
export const OFFERS = {
  mini: {
    name: 'CV mini',
    repo: new URL('/models/cv-mini', location.href).href,
    about: 'Made for this page: knows this CV and nothing else.',
    size: 'about 5 MB',
    ownFacts: true,
    maxNewTokens: 96,
  },
  smollm2: {
    name: 'SmolLM2 135M',
    repo: 'HuggingFaceTB/SmolLM2-135M-Instruct',
    about: 'A small general model. Quick, and often wrong.',
    size: 'about 120 to 180 MB',
    maxNewTokens: 192,
  },
  qwen25: {
    name: 'Qwen2.5 0.5B',
    repo: 'onnx-community/Qwen2.5-0.5B-Instruct',
    about: 'A general model that writes well for its size.',
    size: 'about 0.5 to 0.8 GB',
    maxNewTokens: 256,
  },
  phi35: {
    name: 'Phi-3.5 mini',
    repo: 'onnx-community/Phi-3.5-mini-instruct-onnx-web',
    about: 'The best answers here, for a computer with a good GPU.',
    size: 'about 2.1 GB',
    advanced: true,
    needsGpu: true,
    maxNewTokens: 256,
  },
};

/** @returns {Promise<{ webgpu: boolean, f16: boolean, text: string }>} what this browser can do, in words */
export async function describeDevice() {
  const gpu = /** @type {GPU | undefined} */ (navigator.gpu);
  const adapter = await gpu?.requestAdapter().catch(() => null);
  if (!adapter) {
    return {
      webgpu: false,
      f16: false,
      text: 'No WebGPU here: models run on the CPU, more slowly.',
    };
  }
  const f16 = adapter.features.has('shader-f16');
  const slow = adapter.info?.isFallbackAdapter
    ? ' The GPU is a software one, so models run on the CPU.'
    : '';
  const text = f16
    ? 'This device: WebGPU with half precision, so the smallest files fit.'
    : 'This device: WebGPU without half precision, so files are somewhat larger.';
  return { webgpu: true, f16, text: text + slow };
}

const isMoving = (/** @type {Snapshot} */ s) =>
  ['queued', 'downloading', 'loading'].includes(s.status);

/** The list of models with the state of each; it only shows and asks. */
export class Picker {
  #list;
  #loader;
  #ask;
  /** @type {Map<string, { row: HTMLElement, size: HTMLElement, state: HTMLElement, use: HTMLButtonElement, update: HTMLButtonElement, remove: HTMLButtonElement, about: HTMLElement }>} */
  #rows = new Map();
  /** Bytes on this device, by key. @type {Map<string, number>} */
  #stored = new Map();
  #current = '';
  #webgpu = true;

  /**
   * @param {HTMLElement} list
   * @param {Loader} loader
   * @param {(what: 'use' | 'show' | 'recover' | 'update' | 'remove', key: string) => void} ask
   */
  constructor(list, loader, ask) {
    this.#list = list;
    this.#loader = loader;
    this.#ask = ask;
    for (const key of loader.keys) {
      this.#rows.set(key, this.#makeRow(key));
      let before = '';
      loader.subscribe(key, (s) => {
        // In any other state the loader itself knows what is there.
        if (s.status !== before && s.status === 'idle') void this.measure(key);
        before = s.status;
        this.update(key);
      });
    }
  }

  /** Looks what a model takes on this device. @param {string} key */
  async measure(key) {
    // A loader that was closed meanwhile has nothing to say.
    this.#stored.set(key, (await this.#loader.stored(key).catch(() => null)) ?? 0);
    this.update(key);
  }

  /** @param {string} key */
  #makeRow(key) {
    const { name, advanced } = OFFERS[key];
    const size = el('p', 'quiet');
    const about = el('p');
    const state = el('p', 'state');
    const use = this.#button(() => this.#choose(key));
    const update = this.#button(() => this.#ask('update', key));
    const remove = this.#button(() => this.#ask('remove', key));
    const heading = el('h4', null, name, advanced && el('span', 'badge', 'Advanced'));
    heading.id = `model-${key}`;
    const row = el(
      'li',
      'model',
      heading,
      about,
      size,
      state,
      el('div', 'buttons', use, update, remove),
    );
    for (const button of [use, update, remove]) button.setAttribute('aria-describedby', heading.id);
    update.textContent = 'Update';
    remove.textContent = 'Remove';
    this.#list.append(row);
    return { row, size, state, use, update, remove, about };
  }

  /** @param {() => void} onClick */
  #button(onClick) {
    const button = document.createElement('button');
    button.type = 'button';
    button.addEventListener('click', onClick);
    return button;
  }

  /** @param {string} key */
  #choose(key) {
    const { status, can } = this.#loader.snapshot(key);
    if (status === 'failed' && can.retry) this.#ask('recover', key);
    else if (status === 'queued' || status === 'downloading' || status === 'loading') {
      this.#ask('show', key);
    } else this.#ask('use', key);
  }

  /** @param {boolean} webgpu */
  setDevice(webgpu) {
    this.#webgpu = webgpu;
    for (const key of this.#rows.keys()) this.update(key);
  }

  /** @param {string} key the model that answers */
  setCurrent(key) {
    this.#current = key;
    for (const each of this.#rows.keys()) this.update(each);
  }

  /** @param {string} key */
  update(key) {
    const row = this.#rows.get(key);
    if (!row) return;
    const offer = OFFERS[key];
    const s = this.#loader.snapshot(key);
    const current = key === this.#current && s.status === 'ready';
    const variant = s.variant
      ? ` · ${s.variant.dtype} on ${s.variant.executionProvider === 'webgpu' ? 'WebGPU' : 'the CPU'}`
      : '';
    const size = s.totalSize === null ? offer.size : formatter('en').bytes(s.totalSize);
    // Of what models write, about three words are four tokens.
    const words = s.tokensPerSecond === null ? 0 : s.tokensPerSecond * 0.75;
    const pace = words
      ? ` · about ${words < 10 ? words.toFixed(1) : Math.round(words)} words a second here, last time`
      : '';
    set(row.size, size + variant + pace);
    set(
      row.about,
      offer.about +
        (offer.needsGpu && !this.#webgpu ? ' Without WebGPU it is too slow to use.' : ''),
    );
    const stored = this.#stored.get(key) ?? 0;
    const newer = s.newer ? `. ${WORDS.newer(newerBytes(s))}` : '';
    set(row.state, stateText(s, current, stored) + newer);
    set(row.use, useText(s, current));
    row.use.disabled = current;
    row.row.toggleAttribute('data-current', current);
    row.row.dataset.status = s.status;
    row.update.hidden = !s.can.update;
    row.remove.hidden = !s.can.remove && !(s.status === 'idle' && stored > 0);
  }
}

/** @param {HTMLElement} element @param {string} text */
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Snapshot} s */
const newerBytes = (s) =>
  typeof s.newer?.bytes === 'number' ? formatter('en').bytes(s.newer.bytes) : '';

/** @param {Snapshot} s @param {boolean} current @param {number} stored bytes on this device */
function stateText(s, current, stored) {
  const f = formatter('en');
  const percent = s.progress === null ? '' : ` ${f.percent(s.progress)}`;
  const bytes = s.totalDownloaded || stored;
  const here = bytes > 0 ? `${f.bytes(bytes)} on this device` : '';
  switch (s.status) {
    case 'ready':
      return current ? 'Answers now' : 'Ready';
    case 'queued':
      return 'Waiting for its turn';
    case 'downloading':
      return `Downloading${percent}`;
    case 'loading':
      return `Starting${percent}`;
    case 'paused':
      return `Paused${percent}${here && `, ${here}`}`;
    case 'failed':
      return s.error?.message ?? 'Stopped by an error';
    default:
      return here || 'Not loaded';
  }
}

/** @param {Snapshot} s @param {boolean} current */
function useText(s, current) {
  if (current) return 'In use';
  if (s.status === 'ready') return 'Use';
  // After the last attempt, choosing it again is a new beginning.
  if (s.status === 'failed') return s.can.retry ? 'See what happened' : 'Try again';
  if (s.status === 'paused') return 'Go on';
  if (isMoving(s)) return 'Show progress';
  return s.totalDownloaded > 0 ? 'Go on' : 'Load';
}
