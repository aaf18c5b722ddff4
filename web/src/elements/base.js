import { formatter } from './format.js';

/**
 * @typedef {import('../../bindings.d.ts').Snapshot} Snapshot
 *
 * What the elements need of a loader; `createLoader` gives it, and so may anything else.
 * @typedef {object} LoaderLike
 * @property {(modelKey: string, fn: (snapshot: Snapshot) => void) => () => void} subscribe calls `fn` at once with the latest
 *   snapshot, then with each new one
 * @property {(modelKey: string) => unknown} [pause]
 * @property {(modelKey: string) => unknown} [resume]
 * @property {(modelKey: string) => unknown} [cancel]
 * @property {(modelKey: string) => unknown} [retry]
 * @property {(modelKey: string) => unknown} [remove]
 * @property {(modelKey: string) => unknown} [update]
 *
 * @typedef {CustomEvent<{ modelKey: string, snapshot: Snapshot | null }>} CandorEvent every `candor-…` event
 *
 * @typedef {'pause' | 'resume' | 'cancel' | 'retry' | 'remove' | 'update'} LoaderAction
 */

// Outside a browser (Node, server rendering) the modules can be imported; only `define` needs a DOM.
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

/**
 * The last thing said about each model, so that a dialog and an indicator on one page do not both say it.
 * @type {Map<string, string>}
 */
const said = new Map();

/** A shadow root that shows one snapshot, from a loader or given. */
export class SnapshotElement extends Base {
  static observedAttributes = ['model-key', 'lang'];

  /** @type {LoaderLike | null} */
  #loader = null;
  /** @type {Snapshot | null} */
  #snapshot = null;
  /** @type {(() => void) | null} */
  #unsubscribe = null;
  /** @type {HTMLElement | null} */
  #live = null;
  /** Waits for the first frame that the region is in. @type {IntersectionObserver | null} */
  #listening = null;
  #announced = '';
  #words = '';

  /** @param {string} css */
  constructor(css) {
    super();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet(css)];
  }

  connectedCallback() {
    // A property set before the element was defined sits on the instance and hides the accessor.
    for (const name of /** @type {const} */ (['loader', 'snapshot'])) {
      if (Object.hasOwn(this, name)) {
        const value = /** @type {any} */ (this)[name];
        delete (/** @type {any} */ (this)[name]);
        /** @type {any} */ (this)[name] = value;
      }
    }
    this.#prepareToSpeak();
    this.#subscribe();
    this.#update();
  }

  disconnectedCallback() {
    this.#listening?.disconnect();
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    if (!this.isConnected) return;
    if (name === 'model-key') this.#subscribe();
    this.#update();
  }

  /** Where snapshots come from and buttons go to. @returns {LoaderLike | null} */
  get loader() {
    return this.#loader;
  }
  set loader(loader) {
    this.#loader = loader;
    if (this.isConnected) this.#subscribe();
  }

  /** The model shown; the `model-key` attribute. */
  get modelKey() {
    return this.getAttribute('model-key') ?? this.#snapshot?.modelKey ?? '';
  }
  set modelKey(key) {
    this.setAttribute('model-key', key);
  }

  /** @returns {Snapshot | null} */
  get snapshot() {
    return this.#snapshot;
  }
  set snapshot(snapshot) {
    this.#snapshot = snapshot;
    this.#update();
  }

  /** The formatter of the nearest `lang`. */
  get formatter() {
    const lang = this.closest('[lang]')?.getAttribute('lang');
    return formatter(lang || 'en');
  }

  #subscribe() {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    const key = this.getAttribute('model-key');
    if (!this.#loader || !key) return;
    this.#unsubscribe = this.#loader.subscribe(key, (snapshot) => {
      this.snapshot = snapshot;
    });
  }

  #update() {
    if (this.isConnected && this.#snapshot) this.render(this.#snapshot);
  }

  /** @param {Snapshot} snapshot */
  render(snapshot) {
    void snapshot;
  }

  /**
   * Dispatches `candor-<name>`; every event bubbles, crosses shadow roots and can be cancelled.
   * @param {string} name
   * @returns {boolean} false when a listener called preventDefault()
   */
  emit(name) {
    return this.dispatchEvent(
      new CustomEvent(`candor-${name}`, {
        bubbles: true,
        composed: true,
        cancelable: true,
        detail: { modelKey: this.modelKey, snapshot: this.#snapshot },
      }),
    );
  }

  /**
   * Announces the wish and, unless a listener prevents it, tells the loader.
   * @param {LoaderAction} action
   * @returns {boolean} whether it was carried out
   */
  act(action) {
    if (!this.emit(action)) return false;
    // The loader reports what went wrong in the next snapshot, which is what is shown.
    Promise.resolve(this.#loader?.[action]?.(this.modelKey)).catch(() => {});
    return true;
  }

  /**
   * Says a sentence to screen readers when `key` changes, unless another element of this page just said it.
   * @param {{ key: string, text: string }} announcement
   */
  announce({ key, text }) {
    if (key === this.#announced) return;
    this.#announced = key;
    if (said.get(this.modelKey) === text) return;
    said.set(this.modelKey, text);
    this.#words = text;
    if (this.#live && !this.#listening) setText(this.#live, text);
  }

  /** A screen reader says what changes in a region that it knows: one that comes with its words is silent. */
  #prepareToSpeak() {
    this.#live ??= h('p', { class: 'live', 'aria-live': 'polite' });
    setText(this.#live, '');
    this.shadowRoot?.append(this.#live);
    this.#words = '';
    // Tells after the next frame, whether the region is in view or not.
    this.#listening = new IntersectionObserver((_, observer) => {
      observer.disconnect();
      this.#listening = null;
      if (this.#live) setText(this.#live, this.#words);
    });
    this.#listening.observe(this.#live);
  }
}

/** @type {Map<string, CSSStyleSheet>} */
const sheets = new Map();

/**
 * One constructed sheet for all elements of a kind: works under a Content-Security-Policy without 'unsafe-inline'.
 * @param {string} css
 */
function sheet(css) {
  let found = sheets.get(css);
  if (!found) {
    found = new CSSStyleSheet();
    found.replaceSync(css);
    sheets.set(css, found);
  }
  return found;
}

/**
 * Makes an element. Text is only ever text.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * @param {string} part
 * @param {() => void} onClick
 */
export function button(part, onClick) {
  const element = h('button', { type: 'button', part: `button ${part}` });
  element.addEventListener('click', onClick);
  return element;
}

// Setters that write only what changed: a frame that changes one number touches one text node.

/** @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Element} element @param {string} name @param {string | null} value null removes it */
export function setAttr(element, name, value) {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

/** @param {HTMLElement} element @param {boolean} visible */
export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/** @param {HTMLElement} element @param {number} percent */
export function setWidth(element, percent) {
  const width = `${percent}%`;
  if (element.style.width !== width) element.style.setProperty('width', width);
}

/** A progress bar whose fill has a share that was already here. */
export class Bar {
  cached = h('div', { part: 'cached' });
  fill = h('div', { part: 'fill' }, this.cached);
  element = h('div', { part: 'bar', role: 'progressbar' }, this.fill);

  /**
   * @param {string} label
   * @param {{ value: number | null, bar: boolean, percent: string, cachedShare: number, phase: string }} d
   * @param {string} status
   */
  update(label, d, status) {
    const { element, fill, cached } = this;
    show(element, d.bar);
    setAttr(element, 'aria-label', label);
    setAttr(element, 'data-status', status);
    setAttr(element, 'aria-valuemin', d.value === null ? null : '0');
    setAttr(element, 'aria-valuemax', d.value === null ? null : '100');
    // The same rounding as the words, so that both say 99 until it is done.
    setAttr(element, 'aria-valuenow', d.value === null ? null : String(Math.floor(d.value)));
    setAttr(element, 'aria-valuetext', d.value === null ? d.phase : `${d.phase}, ${d.percent}`);
    setWidth(fill, d.value ?? 100);
    setWidth(cached, d.value ? (d.cachedShare / d.value) * 100 : 0);
  }
}
