import { SnapshotElement, button, h, setAttr, setText, show } from './base.js';
import { DialogController, icon } from './dialog.js';
import { DIALOG, SHARED } from './sheet.js';
import { WORDS, describeFailure } from './words.js';

/** @typedef {import('../../bindings.d.ts').Snapshot} Snapshot */

const CSS = `${SHARED}${DIALOG}
dialog{border-top:4px solid var(--d)}
[part=facts]{display:grid;gap:.25rem;color:var(--m);font-size:.9375em}
summary{cursor:pointer;font-size:.875em;color:var(--m)}
[part=detail]{max-height:10rem;overflow:auto;margin:.4rem 0 0;padding:.6rem .75rem;border-radius:calc(var(--r)*.5);background:var(--k);
font:.8125em/1.5 ui-monospace,monospace;white-space:pre-wrap}
`;

/**
 * `<candor-recovery-dialog>`: what happened, what was kept, what happens next. It opens by itself when its model fails and
 * closes when the model goes on; when nothing is left to retry it is the final dialog.
 *
 * @attr model-key - the model shown (with a `loader`)
 * @attr open - present while it is open
 * @attr lang - locale of the numbers; the nearest `lang` counts
 * @prop loader - from `createLoader`; *Retry* acts on it
 * @prop snapshot - for those who bring their own data
 * @fires candor-retry - before the loader is told; preventDefault() stops that
 * @fires candor-use-different-model, candor-close - before it closes; preventDefault() keeps it open
 * @csspart dialog, header, title, body, message, facts, attempt, kept, next, detail, actions, button, primary, retry,
 *   different, dismiss
 * @cssprop the colours, radius, font, width and z-index of `<candor-progress-dialog>`
 */
export class CandorRecoveryDialog extends SnapshotElement {
  static observedAttributes = [...SnapshotElement.observedAttributes, 'open'];

  #title = h('h2', { id: 'title', part: 'title' });
  #message = h('p', { part: 'message' });
  #attempt = h('p', { part: 'attempt' });
  #kept = h('p', { part: 'kept' });
  #next = h('p', { part: 'next' });
  #summary = h('summary');
  #detail = h('pre', { part: 'detail', tabindex: '0', dir: 'auto' });
  #details = h('details', {}, this.#summary, this.#detail);
  #retry = button('retry', () => this.act('retry') && (this.open = false));
  #different = button('different', () => this.#hide('use-different-model'));
  #dismiss = button('dismiss', () => this.#hide('close'));
  #actions = h('div', { part: 'actions' }, this.#retry, this.#different);
  #dialog;
  /** @type {string | null} The failure that was shown, so that a closed dialog stays closed until the next one. */
  #shown = null;

  constructor() {
    super(CSS);
    this.#dismiss.append(icon('M6 6l12 12M18 6L6 18'));
    const facts = h('div', { part: 'facts' }, this.#attempt, this.#kept, this.#next);
    const body = h('div', { part: 'body' }, this.#message, facts, this.#details, this.#actions);
    const header = h('div', { part: 'header' }, this.#title, this.#dismiss);
    this.#dialog = new DialogController(
      this,
      [header, body],
      () => this.#hide('close'),
      'alertdialog',
    );
    this.#dialog.element.setAttribute('aria-describedby', 'message');
    this.#message.id = 'message';
    this.#message.setAttribute('role', 'alert');
  }

  connectedCallback() {
    super.connectedCallback();
    this.#dialog.sync();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#dialog.disconnect();
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    super.attributeChangedCallback(name);
    this.#dialog.sync();
  }

  get open() {
    return this.hasAttribute('open');
  }
  set open(open) {
    this.toggleAttribute('open', open);
  }

  /** Opens it again, after it was closed. */
  show() {
    this.open = true;
  }

  /** @param {'use-different-model' | 'close'} how */
  #hide(how) {
    if (this.emit(how)) this.open = false;
  }

  /** @param {Snapshot} s */
  render(s) {
    if (s.status !== 'failed' || !s.error) {
      this.#shown = null;
      this.open = false;
      return;
    }
    const f = this.formatter;
    const d = describeFailure(s, f);
    const words = WORDS.buttons;
    setText(this.#title, d.title);
    for (const [element, text] of /** @type {const} */ ([
      [this.#attempt, d.attempt],
      [this.#kept, d.kept],
      [this.#next, d.next],
    ])) {
      setText(element, text);
      show(element, text !== '');
    }
    setText(this.#summary, WORDS.recovery.details);
    setText(this.#detail, d.detail);
    show(this.#details, d.detail !== '');
    setAttr(this.#dismiss, 'aria-label', words.close);
    setAttr(this.#dismiss, 'title', words.close);
    setAttr(this.#retry, 'part', 'button primary retry');
    setAttr(this.#different, 'part', `button different${s.can.retry ? '' : ' primary'}`);
    this.#dialog.showButtons([
      [this.#retry, words.retry, s.can.retry],
      [this.#different, words.different, true],
    ]);
    const failure = [s.modelKey, s.attempt, s.error.code, s.startTime].join();
    if (failure !== this.#shown) {
      this.#shown = failure;
      this.open = true;
    }
    // Last, so that the alert is in view when its words arrive and is read.
    setText(this.#message, d.message);
  }
}
