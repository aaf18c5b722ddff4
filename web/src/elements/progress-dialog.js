import { Bar, SnapshotElement, button, h, setAttr, setText, setWidth, show } from './base.js';
import { DIALOG, SHARED } from './sheet.js';
import { DialogController, icon } from './dialog.js';
import { WORDS, announcement, describe, describeFile, isActive, stageOf } from './words.js';

/**
 * @typedef {import('../../bindings.d.ts').Snapshot} Snapshot
 * @typedef {import('../../bindings.d.ts').FileProgress} FileProgress
 */

const CSS = `${SHARED}${DIALOG}
[part=stages]{display:flex;flex-wrap:wrap;gap:.15rem .5rem;font-size:.8125em;color:var(--m)}
[part=stages] li:not(:last-child)::after{content:"›" / "";margin-inline-start:.5rem}
[part=stages] [aria-current]{color:var(--t);font-weight:650}
.line{display:flex;gap:1rem;justify-content:space-between;align-items:baseline}
[part=percentage]{font-size:1.5em;font-weight:650;line-height:1.1}
[part=phase]{overflow-wrap:anywhere}
[part=stats]{display:grid;gap:.15rem}
[part=stats] div{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem}
[part=stats] dt{color:var(--m)}
[part=stats] dd{text-align:end}
[part=notices]{font-size:.875em;color:var(--m)}
[part=notices][data-error] li:first-child{color:var(--d)}
[part=tip]{font-size:.875em;color:var(--m)}
[part=details]{display:grid;gap:.6rem;padding-top:.8rem;border-top:1px solid var(--l);font-size:.875em}
[part=details]:not([hidden])+[part=actions]{border-top:1px solid var(--l);padding-top:.7rem}
[part=files]{display:grid;gap:.55rem}
[part=file]{display:grid;grid-template-columns:1fr auto;gap:.1rem .75rem;overflow-wrap:anywhere}
[part=file]>:nth-child(1){font-weight:550}
[part=file]>:nth-child(2){text-align:end;font-variant-numeric:tabular-nums}
[part=file]>:nth-child(3){color:var(--m);font-variant-numeric:tabular-nums}
[part=file]>:nth-child(4){color:var(--m);text-align:end}
[part=file]>div{grid-column:1/-1;height:3px;border-radius:9px;background:var(--k);overflow:hidden}
[part=file]>div>div{height:100%;background:var(--a)}
[part=file][data-status=failed]>:nth-child(4){color:var(--d)}
[part=sparkline]{display:block;width:100%;height:44px;overflow:visible}
[part=sparkline] polyline{fill:none;stroke:var(--a);stroke-width:1.5;vector-effect:non-scaling-stroke;stroke-linejoin:round}
[part=sparkline] polygon{fill:color-mix(in srgb,var(--a) 16%,transparent)}
@media (forced-colors:active){[part=file]>div>div{forced-color-adjust:none;background:Highlight}
[part=sparkline] polyline{stroke:CanvasText}}
`;

/** A row of the file list; keeps its nodes from frame to frame. */
class FileRow {
  #name = h('span', { dir: 'auto' });
  #percent = h('span');
  #bytes = h('span');
  #state = h('span');
  #fill = h('div');
  #track = h('div', { 'aria-hidden': 'true' }, this.#fill);
  element = h(
    'li',
    { part: 'file' },
    this.#name,
    this.#percent,
    this.#bytes,
    this.#state,
    this.#track,
  );

  /** @param {FileProgress} file @param {import('./format.js').Formatter} f */
  update(file, f) {
    const d = describeFile(file, f);
    setText(this.#name, d.name);
    setText(this.#percent, d.percent);
    setText(this.#bytes, [d.bytes, d.here, d.speed, d.time].filter(Boolean).join(' · '));
    setText(this.#state, d.state);
    setAttr(this.element, 'data-status', file.status);
    show(this.#track, file.progress !== null && file.status !== 'done');
    setWidth(this.#fill, file.progress ?? 0);
  }
}

/** Bytes per second over time, drawn to the height of the highest point. */
class Sparkline {
  #line = svg('polyline');
  #area = svg('polygon');
  #caption = h('p', { class: 'muted num' });
  #image = svg('svg', {
    part: 'sparkline',
    viewBox: '0 0 100 40',
    preserveAspectRatio: 'none',
    role: 'img',
  });
  element = h('div');

  constructor() {
    this.#image.append(this.#area, this.#line);
    this.element.append(this.#image, this.#caption);
  }

  /** @param {number[]} points @param {import('./format.js').Formatter} f */
  update(points, f) {
    show(this.element, points.length > 1);
    if (points.length < 2) return;
    const highest = Math.max(...points);
    const coordinates = points
      .map((value, i) => {
        const x = (i / (points.length - 1)) * 100;
        return `${x.toFixed(2)},${(40 - (highest > 0 ? value / highest : 0) * 38).toFixed(2)}`;
      })
      .join(' ');
    const caption = `${WORDS.throughput}: ${WORDS.peak(f.speed(highest))}`;
    setAttr(this.#line, 'points', coordinates);
    setAttr(this.#area, 'points', `0,40 ${coordinates} 100,40`);
    setAttr(this.#image, 'aria-label', caption);
    setText(this.#caption, caption);
  }
}

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string>} [attributes]
 * @returns {SVGElementTagNameMap[K]}
 */
function svg(tag, attributes = {}) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/**
 * `<candor-progress-dialog>`: everything about one model's load, in a dialog that leaves the page usable. `show()` opens
 * it; *Continue in background*, *Minimise* and Esc hide it, and the load goes on. Place it near the end of the body.
 *
 * @attr model-key - the model shown (with a `loader`)
 * @attr open - present while it is open
 * @attr lang - locale of the numbers; the nearest `lang` counts
 * @prop loader - from `createLoader`; buttons act on it
 * @prop snapshot - for those who bring their own data
 * @fires candor-pause, candor-resume, candor-cancel, candor-retry, candor-update, candor-remove - before the loader is told;
 *   preventDefault() stops that
 * @fires candor-minimize, candor-background, candor-close - before it hides; preventDefault() keeps it open
 * @csspart dialog, header, title, body, stages, phase, percentage, bar, fill, cached, stats, notices, details, sparkline,
 *   files, file, tip, actions, button, primary, minimize, background, toggle-details, pause, resume, cancel, retry, remove,
 *   update, close
 * @cssprop --candor-accent, --candor-accent-text, --candor-background, --candor-text, --candor-muted, --candor-border,
 *   --candor-track, --candor-danger, --candor-radius, --candor-font, --candor-bar-height, --candor-width, --candor-z-index
 */
export class CandorProgressDialog extends SnapshotElement {
  static observedAttributes = [...SnapshotElement.observedAttributes, 'open'];

  #title = h('h2', { id: 'title', part: 'title' });
  #stages = /** @type {const} */ (['download', 'load', 'warmup']).map((stage) => ({
    stage,
    element: h('li', {}, WORDS.stages[stage]),
  }));
  #stageList = h('ol', { part: 'stages' }, ...this.#stages.map(({ element }) => element));
  #phase = h('p', { part: 'phase' });
  #percent = h('p', { part: 'percentage', class: 'num' });
  #bar = new Bar();
  #stats = h('dl', { part: 'stats' });
  #notices = h('ul', { part: 'notices' });
  #variant = h('p');
  #sparkline = new Sparkline();
  #filesDone = h('p', { class: 'muted' });
  /** @type {FileRow[]} */
  #rows = [];
  #files = h('ul', { part: 'files', 'aria-label': WORDS.fileList });
  #remove = button('remove', () => this.act('remove'));
  #details = h(
    'section',
    { part: 'details', id: 'details', hidden: '' },
    this.#variant,
    this.#sparkline.element,
    this.#filesDone,
    this.#files,
    this.#remove,
  );
  #tip = h('p', { part: 'tip' });
  #minimize = button('minimize', () => this.#hide('minimize'));
  #background = button('primary background', () => this.#hide('background'));
  #close = button('primary close', () => this.#hide('close'));
  #retry = button('primary retry', () => this.act('retry'));
  #update = button('primary update', () => this.act('update'));
  #toggle = button('toggle-details', () => this.#toggleDetails());
  #pause = button('pause', () => this.act('pause'));
  #resume = button('primary resume', () => this.act('resume'));
  #cancel = button('cancel', () => this.act('cancel'));
  #actions = h(
    'div',
    { part: 'actions' },
    this.#background,
    this.#close,
    this.#retry,
    this.#resume,
    this.#update,
    this.#toggle,
    this.#pause,
    this.#cancel,
  );
  #dialog;

  constructor() {
    super(CSS);
    this.#minimize.append(icon('M6 12h12'));
    const body = h(
      'div',
      { part: 'body' },
      this.#stageList,
      h('div', { class: 'line' }, this.#phase, this.#percent),
      this.#bar.element,
      this.#stats,
      this.#notices,
      this.#tip,
      this.#details,
      this.#actions,
    );
    const header = h('div', { part: 'header' }, this.#title, this.#minimize);
    this.#toggle.setAttribute('aria-controls', 'details');
    this.#dialog = new DialogController(this, [header, body], () => this.#hide('minimize'));
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#dialog.disconnect();
  }

  connectedCallback() {
    super.connectedCallback();
    this.#dialog.sync();
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

  /** Opens it and moves the focus into it, unless the visitor is writing. */
  show() {
    this.open = true;
  }

  /** Hides it; the load goes on. */
  minimize() {
    this.open = false;
  }

  /** @param {'minimize' | 'background' | 'close'} how */
  #hide(how) {
    if (this.emit(how)) this.open = false;
  }

  #toggleDetails() {
    this.#details.hidden = !this.#details.hidden;
    if (this.snapshot) this.render(this.snapshot);
  }

  /** @param {Snapshot} s */
  render(s) {
    const f = this.formatter;
    this.announce(announcement(s, f));
    if (!this.open) return; // Nobody sees it; show() renders the latest.
    const d = describe(s, f);
    setText(this.#title, d.title);
    const stage = stageOf(s);
    show(this.#stageList, stage !== null);
    for (const { stage: own, element } of this.#stages) {
      setText(element, WORDS.stages[own]);
      setAttr(element, 'aria-current', own === stage ? 'step' : null);
    }
    setText(this.#phase, d.phase);
    setText(this.#percent, d.percent);
    this.#bar.update(d.title, d, s.status);
    this.#renderStats(d.stats);
    renderList(this.#notices, d.notices);
    setAttr(this.#notices, 'data-error', s.error ? '' : null);

    const moving = isActive(s) && s.status !== 'paused';
    setText(this.#tip, WORDS.tip);
    show(this.#tip, moving);
    const words = WORDS.buttons;
    setText(this.#toggle, this.#details.hidden ? words.showDetails : words.hideDetails);
    setAttr(this.#toggle, 'aria-expanded', String(!this.#details.hidden));
    setAttr(this.#minimize, 'aria-label', words.minimize);
    setAttr(this.#minimize, 'title', words.minimize);
    this.#dialog.showButtons([
      [this.#background, words.background, moving],
      [this.#close, words.close, !moving && !s.can.resume && !s.can.retry],
      [this.#retry, words.retry, s.can.retry],
      [this.#resume, words.resume, s.can.resume],
      [this.#update, words.update, s.can.update],
      [this.#pause, words.pause, s.can.pause],
      [this.#cancel, words.cancel, s.can.cancel],
    ]);
    if (!this.#details.hidden) this.#renderDetails(s, d.variant, f);
  }

  /** @param {[string, string][]} stats */
  #renderStats(stats) {
    show(this.#stats, stats.length > 0);
    while (this.#stats.children.length > stats.length) this.#stats.lastElementChild?.remove();
    while (this.#stats.children.length < stats.length) {
      this.#stats.append(h('div', {}, h('dt'), h('dd')));
    }
    stats.forEach(([label, value], i) => {
      const [dt, dd] = this.#stats.children[i].children;
      setText(dt, label);
      setText(dd, value);
    });
  }

  /** @param {Snapshot} s @param {string} variant @param {import('./format.js').Formatter} f */
  #renderDetails(s, variant, f) {
    show(this.#variant, variant !== '');
    setText(this.#variant, [variant, s.variant?.reason].filter(Boolean).join(': '));
    this.#sparkline.update(s.throughput, f);
    show(this.#filesDone, s.totalFiles > 0);
    setText(this.#filesDone, WORDS.filesDone(s.filesCompleted, s.totalFiles));
    while (this.#rows.length > s.files.length) this.#rows.pop()?.element.remove();
    while (this.#rows.length < s.files.length) {
      const row = new FileRow();
      this.#rows.push(row);
      this.#files.append(row.element);
    }
    s.files.forEach((file, i) => this.#rows[i].update(file, f));
    show(this.#files, s.files.length > 0);
    setText(this.#remove, WORDS.buttons.remove);
    show(this.#remove, s.can.remove);
  }
}

/** @param {HTMLElement} list @param {string[]} lines */
function renderList(list, lines) {
  while (list.children.length > lines.length) list.lastElementChild?.remove();
  while (list.children.length < lines.length) list.append(h('li'));
  lines.forEach((line, i) => setText(list.children[i], line));
}
