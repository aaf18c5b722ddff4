import { Bar, SnapshotElement, button, h, setAttr, setText, show } from './base.js';
import { SHARED } from './sheet.js';
import { WORDS, announcement, brief, describe, isActive } from './words.js';

/** @typedef {import('../../bindings.d.ts').Snapshot} Snapshot */

const CSS = `${SHARED}
:host{display:block}
[part=base]{display:grid;grid-template-columns:minmax(0,1fr);gap:.5rem;padding:.8rem 1rem;border:1px solid var(--l);border-radius:var(--r);background:var(--b)}
[part=message]{font-weight:600;overflow-wrap:anywhere}
[part=bar]{height:var(--candor-bar-height,6px)}
[part=stats]{display:flex;flex-wrap:wrap;gap:.1rem 1rem;font-size:.875em;color:var(--m)}
[part=stats]>:first-child{color:var(--t);font-weight:600}
.line{display:flex;flex-wrap:wrap;gap:.4rem 1rem;align-items:center;justify-content:space-between}
[part=tip]{flex:1 1 12rem;overflow-wrap:anywhere;font-size:.8125em;color:var(--m)}
button{min-height:2.2em;padding:.2em .8em;font-size:.875em}
@media print{:host{display:none}}
`;

/**
 * `<candor-chat-progress>`: the same state in small, for a conversation. Its button opens the dialog whose id is in
 * `for`; listen to `candor-open` to do something else.
 *
 * @attr model-key - the model shown (with a `loader`)
 * @attr for - id of the `<candor-progress-dialog>` to open
 * @attr lang - locale of the numbers; the nearest `lang` counts
 * @prop loader - from `createLoader`
 * @prop snapshot - for those who bring their own data
 * @fires candor-open - before the dialog opens; preventDefault() stops that
 * @csspart base, message, bar, fill, cached, stats, percentage, speed, time, here, tip, button, open
 * @cssprop the colours, radius and font of `<candor-progress-dialog>`
 */
export class CandorChatProgress extends SnapshotElement {
  #message = h('p', { part: 'message' });
  #bar = new Bar();
  #percent = h('span', { part: 'percentage', class: 'num' });
  #speed = h('span', { part: 'speed', class: 'num' });
  #time = h('span', { part: 'time', class: 'num' });
  #here = h('span', { part: 'here', class: 'num' });
  #stats = h('p', { part: 'stats' }, this.#percent, this.#speed, this.#time, this.#here);
  #tip = h('p', { part: 'tip' });
  #open = button('open', () => this.#onOpen());

  constructor() {
    super(CSS);
    const line = h('div', { class: 'line' }, this.#tip, this.#open);
    // Off: in a conversation that is itself a live region, every frame would be read out. What is worth hearing is
    // announced from outside this part.
    const base = h(
      'div',
      { part: 'base', 'aria-live': 'off' },
      this.#message,
      this.#bar.element,
      this.#stats,
      line,
    );
    this.shadowRoot?.append(base);
  }

  #onOpen() {
    if (!this.emit('open')) return;
    const root = /** @type {Document | ShadowRoot} */ (this.getRootNode());
    const dialog = root.getElementById(this.getAttribute('for') ?? '');
    if (dialog && 'show' in dialog) /** @type {{ show(): void }} */ (dialog).show();
  }

  /** @param {Snapshot} s */
  render(s) {
    const f = this.formatter;
    const d = describe(s, f);
    const { speed, time, here } = brief(s, f);
    this.announce(announcement(s, f));
    setText(this.#message, d.title);
    this.#bar.update(d.title, d, s.status);
    show(this.#bar.element, d.bar && s.status !== 'ready');
    const words = s.status === 'ready' ? '' : d.percent || d.phase;
    setText(this.#percent, words);
    setText(this.#speed, speed);
    // Outside the download the phase says more than a time that is not known.
    setText(this.#time, time || (d.percent && d.phase !== d.title ? d.phase : ''));
    setText(this.#here, here);
    for (const part of [this.#percent, this.#speed, this.#time, this.#here])
      show(part, part.textContent !== '');
    show(this.#stats, s.status !== 'ready');
    const tip = s.error ? s.error.message : s.status === 'ready' ? d.variant : WORDS.chatTip;
    setText(this.#tip, tip);
    // Nothing goes on meanwhile in a pause.
    const goesOn = isActive(s) && s.status !== 'paused';
    show(this.#tip, s.error !== null || goesOn || s.status === 'ready');
    setText(this.#open, s.status === 'failed' ? WORDS.buttons.openError : WORDS.buttons.open);
    show(this.#open, s.status !== 'ready');
    setAttr(this, 'data-status', s.status);
  }
}
