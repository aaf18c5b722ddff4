/** Wires the page: the CV, the chat, the models. */
import { createLoader } from '/candor/candor.js';
import '/candor/define.js';
import { Chat } from './chat.js';
import { el, loadCv, renderCv, systemMessage } from './cv.js';
import { OFFERS, Picker, describeDevice } from './models.js';

/**
 * @typedef {import('/candor/candor.js').Snapshot} Snapshot
 * @typedef {import('/candor/candor.js').Model} Model
 * @typedef {import('/candor/candor.js').Loader} Loader
 * @typedef {import('./cv.js').Cv} Cv
 * @typedef {import('/candor/define.js').CandorEvent} CandorEvent
 * @typedef {import('/candor/define.js').CandorProgressDialog} CandorProgressDialog
 * @typedef {import('/candor/define.js').CandorRecoveryDialog} CandorRecoveryDialog
 * @typedef {import('/candor/define.js').CandorChatProgress} CandorChatProgress
 */

/** Characters of facts for a general model, four to a token: all are read before the first word, slowly on a CPU. */
const FACTS_BUDGET = { webgpu: 3600, wasm: 1800 };

/** @template {HTMLElement} [E=HTMLElement] @param {string} id @returns {E} */
const byId = (id) => /** @type {E} */ (document.getElementById(id));

const query = new URLSearchParams(location.search);

/** For trying out: `?host=`, `?dtype=`, `?ep=`, `?model=`; without them, everything is chosen by itself. */
function loaderOptions() {
  const ep = query.get('ep');
  const executionProvider = ep === 'webgpu' || ep === 'wasm' ? ep : 'auto';
  /** @type {Record<string, import('/candor/candor.js').ModelOptions>} */
  const models = {};
  for (const [key, { name, repo }] of Object.entries(OFFERS)) {
    models[key] = { name, repo, dtype: query.get('dtype') || 'auto', executionProvider };
  }
  const host = query.get('host');
  return host ? { models, host } : { models };
}

class Demo {
  #loader;
  #cv;
  #chat;
  #picker;
  #progress = /** @type {CandorProgressDialog} */ (byId('progress'));
  #recovery = /** @type {CandorRecoveryDialog} */ (byId('recovery'));
  /** @type {Map<string, CandorChatProgress>} */
  #indicators = new Map();
  /** @type {Map<string, Snapshot['status']>} */
  #before = new Map();
  /** One hold on each model that is wanted. @type {Map<string, Promise<Model>>} */
  #models = new Map();
  /** @type {{ key: string, model: Model } | null} */
  #current = null;
  /** The model that the visitor chose last; it answers as soon as it is ready. */
  #wanted;

  /** @param {Loader} loader @param {Cv} cv */
  constructor(loader, cv) {
    this.#loader = loader;
    this.#cv = cv;
    const asked = query.get('model') ?? '';
    this.#wanted = Object.hasOwn(OFFERS, asked) ? asked : 'mini';
    this.#chat = new Chat({
      scroller: byId('scroller'),
      log: byId('log'),
      suggestions: byId('suggestions'),
      composer: byId('composer'),
      question: byId('question'),
      send: byId('send'),
      stop: byId('stop'),
      onWaiting: () => this.use(this.#wanted),
    });
    this.#picker = new Picker(byId('models'), loader, (what, key) => {
      if (what === 'use') this.use(key);
      else if (what === 'show') this.#show(key);
      else if (what === 'recover') this.#recover(key);
      else if (what === 'update') this.#update(key);
      else void this.#remove(key);
    });
    this.#progress.loader = loader;
    this.#recovery.loader = loader;
    this.#listen();
    for (const key of loader.keys) loader.subscribe(key, (snapshot) => this.#follow(key, snapshot));
  }

  #listen() {
    document.addEventListener('candor-open', (event) => {
      const { modelKey } = /** @type {CandorEvent} */ (event).detail;
      if (this.#loader.snapshot(modelKey).status === 'failed') this.#recover(modelKey);
      else this.#show(modelKey);
    });
    this.#recovery.addEventListener('candor-use-different-model', () => openPicker(true));
    this.#recovery.addEventListener('candor-retry', (event) => {
      this.#show(/** @type {CandorEvent} */ (event).detail.modelKey);
    });
    byId('picker').addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      openPicker(false);
      byId('picker-toggle').focus();
    });
    byId('picker-toggle').addEventListener('click', () =>
      openPicker(Boolean(byId('picker').hidden)),
    );
  }

  start() {
    this.#nameModel();
    this.#chat.suggest(suggestions(this.#cv));
    for (const key of this.#loader.keys) {
      const { goesOn, status } = this.#loader.snapshot(key);
      if (goesOn) {
        this.#chat.note(`${OFFERS[key].name} goes on from what your last visit left here.`);
        this.#load(key);
      } else if (status === 'paused') this.#indicate(key);
    }
  }

  /** @param {{ webgpu: boolean, text: string }} device */
  setDevice(device) {
    byId('device').textContent = device.text;
    this.#picker.setDevice(device.webgpu);
  }

  /** The visitor wants this model to answer. @param {string} key */
  use(key) {
    this.#wanted = key;
    this.#nameModel();
    const { status, can } = this.#loader.snapshot(key);
    openPicker(false);
    if (status === 'failed' && can.retry) return this.#recover(key);
    this.#load(key);
    if (status !== 'ready') this.#show(key);
  }

  /** @param {string} key */
  #load(key) {
    const { status } = this.#loader.snapshot(key);
    if (status !== 'ready') this.#indicate(key);
    if (status === 'paused') this.#loader.resume(key);
    this.#hold(key).then(
      (model) => this.#offer(key, model),
      () => {
        // The snapshot says why, and the dialogs show it. A question that waited for this model waits no more.
        if (key === this.#wanted) this.#chat.giveBack();
      },
    );
  }

  /** @param {string} key */
  #hold(key) {
    const held = this.#models.get(key);
    if (held) return held;
    const model = this.#loader.load(key);
    this.#models.set(key, model);
    model.catch(() => this.#letGo(key, model));
    return model;
  }

  /** @param {string} key @param {Promise<Model>} [model] only if it is this one */
  #letGo(key, model = this.#models.get(key)) {
    if (this.#models.get(key) === model) this.#models.delete(key);
  }

  /** A model is ready: it answers if the visitor wants it to, or if nobody else can. @param {string} key @param {Model} model */
  #offer(key, model) {
    if (key === this.#wanted || !this.#current) this.#answerWith(key, model);
  }

  /** @param {string} key @param {Model} model */
  #answerWith(key, model) {
    if (this.#current?.key === key && this.#current.model === model) return;
    const before = this.#current;
    this.#current = { key, model };
    const { name, ownFacts, maxNewTokens } = OFFERS[key];
    this.#picker.setCurrent(key);
    this.#nameModel();
    if (before && before.key !== key) {
      this.#chat.note(`${name} answers from here on.`);
      // Two general models at once are more than most devices have memory for; the small one may stay.
      if (before.key !== 'mini') {
        this.#letGo(before.key);
        void before.model.dispose();
      }
    }
    const provider = this.#loader.snapshot(key).variant?.executionProvider ?? 'wasm';
    const facts = systemMessage(this.#cv, FACTS_BUDGET[provider]);
    this.#chat.setAnswerer({
      name,
      model,
      preface: ownFacts ? [] : [{ role: 'system', content: facts }],
      wait: ownFacts ? '…' : 'Reading the CV …',
      options: { maxNewTokens, temperature: 0 },
    });
  }

  /** @param {string} key @param {Snapshot} snapshot */
  #follow(key, snapshot) {
    const before = this.#before.get(key);
    const { status } = snapshot;
    if (before === status) return;
    this.#before.set(key, status);
    if (status !== 'idle' && !snapshot.persistent) {
      const notice = byId('notice');
      notice.hidden = false;
      notice.textContent =
        'This browser lets the page store nothing, so models are kept only until it closes.';
    }
    const shown = this.#progress.modelKey === key;
    if (status === 'failed') {
      if (shown) this.#progress.minimize();
      this.#recovery.modelKey = key;
    }
    if (status === 'ready') {
      if (shown) this.#progress.minimize();
      // Also after a session was lost and loaded again, when nobody waits for a load.
      this.#hold(key).then(
        (model) => this.#offer(key, model),
        () => {},
      );
    } else if (this.#current?.key === key) {
      this.#current = null;
      this.#chat.setAnswerer(null);
      this.#picker.setCurrent('');
    }
    // After its end, the next load is a new one.
    if (status === 'failed' && !snapshot.can.retry) this.#letGo(key);
    if (status === 'cancelled' || status === 'idle') {
      this.#letGo(key);
      if (shown) this.#progress.minimize();
      this.#indicators.get(key)?.parentElement?.remove();
      this.#indicators.delete(key);
    }
    this.#nameModel();
  }

  /** Puts the small progress display at the end of the conversation. @param {string} key */
  #indicate(key) {
    this.#indicators.get(key)?.parentElement?.remove();
    const element = /** @type {CandorChatProgress} */ (
      document.createElement('candor-chat-progress')
    );
    element.loader = this.#loader;
    element.modelKey = key;
    this.#indicators.set(key, element);
    this.#chat.note(element, 'progress');
  }

  /** @param {string} key */
  #show(key) {
    this.#progress.modelKey = key;
    this.#progress.show();
  }

  /** @param {string} key */
  #recover(key) {
    this.#recovery.modelKey = key;
    this.#recovery.show();
  }

  /** @param {string} key */
  async #remove(key) {
    try {
      await this.#loader.remove(key);
      await this.#picker.measure(key);
    } catch (error) {
      this.#chat.note(/** @type {Error} */ (error).message);
    }
  }

  /** @param {string} key */
  #update(key) {
    this.#indicate(key);
    // The snapshot says what goes wrong.
    this.#loader.update(key).catch(() => {});
    this.#show(key);
  }

  #nameModel() {
    const { name, size } = OFFERS[this.#wanted];
    byId('picker-name').textContent = this.#current ? OFFERS[this.#current.key].name : name;
    const offer = byId('offer');
    offer.hidden = this.#loader.snapshot(this.#wanted).status !== 'idle';
    offer.textContent = `The first question loads ${name}, ${size}. You can choose another model above.`;
  }
}

/** @param {boolean} open */
function openPicker(open) {
  const picker = byId('picker');
  if (picker.hidden !== open) return;
  picker.hidden = !open;
  byId('picker-toggle').setAttribute('aria-expanded', String(open));
  if (open) {
    openChat(true);
    byId('picker').querySelector('button')?.focus();
  } else if (document.activeElement === document.body) byId('picker-toggle').focus();
}

/** On narrow screens the chat is a sheet that opens from the bottom. @param {boolean} open */
function openChat(open) {
  byId('chat').toggleAttribute('data-open', open);
  byId('chat-toggle').setAttribute('aria-expanded', String(open));
}

/** Questions that this CV can answer. @param {Cv} cv */
function suggestions(cv) {
  const name = cv.firstName ?? cv.name;
  const job = cv.employment?.[0];
  return [
    job && `What does ${name} do at ${job.employer}?`,
    cv.education?.length && `What did ${name} study?`,
    cv.languages?.length && 'Which languages are spoken?',
    cv.availability && `When is ${name} available?`,
  ].filter((text) => typeof text === 'string');
}

async function main() {
  const cvPlace = byId('cv');
  /** @type {Cv} */
  let cv;
  try {
    cv = await loadCv('./cv.json');
    renderCv(cv, cvPlace);
  } catch (error) {
    const sentence = el('p', 'plain', /** @type {Error} */ (error).message);
    sentence.setAttribute('role', 'alert');
    cvPlace.replaceChildren(sentence);
    return;
  } finally {
    cvPlace.removeAttribute('aria-busy');
  }

  byId('chat').hidden = false;
  byId('chat-name').textContent = `Ask about ${cv.firstName ?? cv.name}`;
  byId('chat-toggle').addEventListener('click', () => {
    openChat(!byId('chat').hasAttribute('data-open'));
  });

  try {
    const demo = new Demo(await createLoader(loaderOptions()), cv);
    demo.start();
    // A browser takes its time for this, and the page is usable without.
    void describeDevice().then((device) => demo.setDevice(device));
  } catch (error) {
    const notice = byId('notice');
    notice.hidden = false;
    notice.textContent = `The chat is not available: ${/** @type {Error} */ (error).message}`;
    for (const id of ['question', 'send', 'picker-toggle']) byId(id).setAttribute('disabled', '');
    console.error(error);
  }
}

await main();
document.documentElement.dataset.ready = '';
