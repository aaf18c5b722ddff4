/** The conversation: messages, the composer, one answer at a time. */
import { el } from './cv.js';

/**
 * @typedef {import('/candor/candor.js').Model} Model
 * @typedef {import('/candor/candor.js').Message} Message
 * @typedef {import('/candor/candor.js').GenerationOptions} GenerationOptions
 *
 * @typedef {object} Answerer who answers now
 * @property {string} name
 * @property {Model} model
 * @property {Message[]} preface said before the conversation; may be empty
 * @property {string} wait what to say until the first word comes
 * @property {GenerationOptions} options
 *
 * @typedef {object} ChatOptions
 * @property {HTMLElement} scroller
 * @property {HTMLElement} log
 * @property {HTMLElement} suggestions
 * @property {HTMLFormElement} composer
 * @property {HTMLTextAreaElement} question
 * @property {HTMLButtonElement} send
 * @property {HTMLButtonElement} stop
 * @property {() => void} onWaiting a question came while nobody can answer
 */

const STOPPED = {
  length: 'The answer was cut off at its longest allowed length.',
  context: 'The answer was cut off: this model cannot keep more text in mind.',
  abort: 'Stopped.',
};

export class Chat {
  #ui;
  /** @type {Answerer | null} */
  #answerer = null;
  /** @type {Message[]} what was said, oldest first; the loader leaves out what a model cannot keep in mind */
  #history = [];
  /** @type {{ text: string, message: HTMLElement } | null} a question that waits for a model */
  #waiting = null;
  /** @type {AbortController | null} */
  #answering = null;

  /** @param {ChatOptions} ui */
  constructor(ui) {
    this.#ui = ui;
    ui.composer.addEventListener('submit', (event) => {
      event.preventDefault();
      this.ask(ui.question.value);
    });
    ui.question.addEventListener('keydown', (event) => {
      // Enter inside an input method's word belongs to the input method.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.ask(ui.question.value);
    });
    ui.question.addEventListener('input', () => this.#fit());
    ui.stop.addEventListener('click', () => this.#answering?.abort());
    this.#fit();
  }

  get isWaiting() {
    return this.#waiting !== null;
  }

  /** @param {Answerer | null} answerer */
  setAnswerer(answerer) {
    this.#answerer = answerer;
    if (answerer && this.#waiting !== null && !this.#answering) {
      this.#waiting = null;
      void this.#answer();
    } else if (answerer?.preface.length) {
      // Read while the visitor thinks of a question, which goes first when it comes.
      answerer.model.prepare(answerer.preface).catch(() => {});
    }
  }

  /** @param {string[]} questions */
  suggest(questions) {
    this.#ui.suggestions.replaceChildren(
      ...questions.map((text) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = text;
        button.addEventListener('click', () => {
          // Where the keyboard is on the screen, focus would open it over the answer.
          if (matchMedia('(pointer: fine)').matches) this.#ui.question.focus();
          else this.#ui.scroller.focus();
          this.ask(text);
        });
        return el('li', null, button);
      }),
    );
  }

  /** @param {string} text */
  ask(text) {
    const question = text.trim();
    if (!question || this.#answering || this.#waiting !== null) return;
    this.#ui.question.value = '';
    this.#fit();
    this.#ui.suggestions.hidden = true;
    this.#history.push({ role: 'user', content: question });
    const message = this.#message('user', question);
    if (this.#answerer) void this.#answer();
    else {
      this.#waiting = { text: question, message };
      this.#fit();
      this.#ui.onWaiting();
    }
  }

  /** Gives a waiting question back to the composer, when no model will come. */
  giveBack() {
    if (this.#waiting === null) return;
    this.#history.pop();
    this.#waiting.message.remove();
    this.#ui.question.value ||= this.#waiting.text;
    this.#waiting = null;
    this.#fit();
  }

  /** @param {Node | string} content @param {string} [className] */
  note(content, className = '') {
    return this.#append(el('div', `note ${className}`, content));
  }

  async #answer() {
    const answerer = this.#answerer;
    if (!answerer) return;
    const { model, name, preface, wait, options } = answerer;
    const abort = new AbortController();
    this.#answering = abort;
    this.#fit();
    const text = document.createTextNode('');
    const body = el('p', 'thinking', text);
    body.dataset.wait = wait;
    const message = this.#append(el('div', 'message assistant', el('p', 'who', name), body));
    // A reader hears the answer when it is whole, not token by token.
    message.setAttribute('aria-busy', 'true');
    let answer = '';
    let note = '';
    let frame = 0;
    const draw = () => {
      frame = 0;
      const follow = this.#isAtEnd();
      body.classList.toggle('thinking', answer === '');
      text.data = answer;
      if (follow) this.#toEnd();
    };
    try {
      const pieces = model.chat([...preface, ...this.#history], {
        ...options,
        signal: abort.signal,
        onReading: ({ tokens, total }) => {
          if (preface.length) body.dataset.wait = `${wait} ${tokens} of ${total} tokens`;
        },
      });
      for (;;) {
        const { done, value } = await pieces.next();
        if (done) {
          const reason = value && typeof value === 'object' ? value.reason : 'eos';
          note = STOPPED[/** @type {keyof typeof STOPPED} */ (reason)] ?? '';
          break;
        }
        answer += value;
        // One write a frame, however many tokens a frame brings.
        frame ||= requestAnimationFrame(draw);
      }
    } catch (error) {
      const { code, message: why } = /** @type {{ code?: string, message?: string }} */ (error);
      note = code === 'aborted' || abort.signal.aborted ? STOPPED.abort : (why ?? String(error));
    }
    cancelAnimationFrame(frame);
    answer = answer.trim();
    draw();
    if (answer) this.#history.push({ role: 'assistant', content: answer });
    else {
      // An unanswered question would stand in the way of the next.
      this.#history.pop();
      body.remove();
      note ||= 'The model had nothing to say.';
    }
    if (note) message.append(el('p', 'quiet', note));
    message.removeAttribute('aria-busy');
    this.#answering = null;
    this.#fit();
    this.#toEnd();
  }

  /** @param {'user' | 'assistant'} role @param {string} text */
  #message(role, text) {
    return this.#append(el('div', `message ${role}`, el('p', null, text)));
  }

  /** @template {HTMLElement} E @param {E} element @returns {E} */
  #append(element) {
    this.#ui.log.append(element);
    this.#toEnd();
    return element;
  }

  #isAtEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.#ui.scroller;
    return scrollHeight - scrollTop - clientHeight < 48;
  }

  #toEnd() {
    this.#ui.scroller.scrollTop = this.#ui.scroller.scrollHeight;
  }

  #fit() {
    const { question, send, stop } = this.#ui;
    const hadFocus = document.activeElement === stop || document.activeElement === send;
    const busy = this.#answering !== null;
    send.hidden = busy;
    stop.hidden = !busy;
    send.disabled = this.#waiting !== null || question.value.trim() === '';
    if (hadFocus) (busy ? stop : question).focus();
    question.style.setProperty('height', 'auto');
    // Nothing to measure while the panel is folded.
    if (question.scrollHeight) question.style.setProperty('height', `${question.scrollHeight}px`);
  }
}
