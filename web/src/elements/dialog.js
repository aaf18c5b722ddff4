import { h, setText, show } from './base.js';

/** @param {string} path */
export function icon(path) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(space, 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

/** Keys pressed here belong to what is being written, so the focus stays. @param {Element | null} element */
function isWriting(element) {
  return (
    element instanceof HTMLElement &&
    (element.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(element.tagName))
  );
}

/** @returns {Element | null} the focused element, looking into open shadow roots */
function focused() {
  let element = document.activeElement;
  for (let inner; (inner = element?.shadowRoot?.activeElement);) element = inner;
  return element;
}

/**
 * Keeps a non-modal `<dialog>` in step with its host's `open` attribute: focus in and back, Esc anywhere on the page.
 * Not modal, because the page must stay usable while a model loads.
 */
export class DialogController {
  #host;
  #onEscape;
  /** @type {HTMLElement | null} */
  #before = null;
  element;

  /**
   * @param {HTMLElement} host
   * @param {Node[]} children the first contains the element with the id "title"
   * @param {() => void} onEscape
   * @param {string} [role]
   */
  constructor(host, children, onEscape, role = 'dialog') {
    this.#host = host;
    this.#onEscape = onEscape;
    // A dialog of its own is focusable, so that opening it moves the reader there and not onto a button by accident.
    this.element = h(
      'dialog',
      { part: 'dialog', role, 'aria-labelledby': 'title', tabindex: '-1' },
      ...children,
    );
    host.shadowRoot?.append(this.element);
  }

  /** Follows the host's attribute. */
  sync() {
    const open = this.#host.hasAttribute('open') && this.#host.isConnected;
    if (open === this.element.open) return;
    if (open) {
      const active = focused();
      const writing = isWriting(active);
      this.element.show();
      document.addEventListener('keydown', this.#keydown);
      if (writing) /** @type {HTMLElement} */ (active).focus();
      else {
        this.#before = active instanceof HTMLElement && active !== document.body ? active : null;
        this.element.focus();
      }
    } else {
      const inside = this.#host.shadowRoot?.activeElement;
      document.removeEventListener('keydown', this.#keydown);
      this.element.close();
      if (inside && this.#before?.isConnected) this.#before.focus();
      this.#before = null;
    }
  }

  disconnect() {
    document.removeEventListener('keydown', this.#keydown);
    this.element.close();
  }

  #keydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Escape' || event.defaultPrevented || event.isComposing) return;
    // A modal dialog of the page comes first.
    if (document.querySelector('dialog:modal')) return;
    event.preventDefault();
    this.#onEscape();
  };

  /**
   * Shows exactly the buttons asked for. A focused button that goes hands its focus on.
   * @param {[HTMLButtonElement, string, boolean][]} buttons with label and visibility
   */
  showButtons(buttons) {
    const active = this.#host.shadowRoot?.activeElement;
    for (const [element, label, visible] of buttons) {
      setText(element, label);
      show(element, visible);
    }
    if (
      active instanceof HTMLElement &&
      active.hidden &&
      buttons.some(([element]) => element === active)
    ) {
      const next = buttons.find(([element]) => !element.hidden);
      (next ? next[0] : this.element).focus();
    }
  }
}
