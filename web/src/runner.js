/**
 * Performs what the core asks for one model, and tells it what came of it. Nothing is decided here.
 */
import { CandorError, textOf } from './errors.js';
import { StoreError } from './store.js';

/**
 * @typedef {import('../bindings.d.ts').CoreAction} CoreAction
 * @typedef {import('../bindings.d.ts').CoreEvent} CoreEvent
 * @typedef {import('../bindings.d.ts').CoreModule} CoreModule
 * @typedef {import('../bindings.d.ts').ModelConfig} ModelConfig
 * @typedef {import('../bindings.d.ts').Snapshot} Snapshot
 * @typedef {import('../bindings.d.ts').SessionPlan} SessionPlan
 * @typedef {import('./ports.d.ts').Folder} Folder
 * @typedef {import('./ports.d.ts').Ports} Ports
 * @typedef {import('./ports.d.ts').Reply} Reply
 * @typedef {import('./ports.d.ts').Session} Session
 * @typedef {import('./ports.d.ts').Sink} Sink
 * @typedef {import('./ports.d.ts').Turn} Turn
 * @typedef {{ file: number, offset: number, length: number }} Target
 * @typedef {Extract<CoreAction, { type: 'fetch' }>} FetchAction
 */

// How much crosses into the core at once: enough to make the crossing cheap, little enough to keep the core answering.
const SLICE = 1 << 20;

class Request {
  controller = new AbortController();
  /** @type {(target: Target) => void} */
  accept = () => {};
  /** @type {Promise<Target>} */
  accepted = new Promise((resolve) => (this.accept = resolve));
  aborted = new Promise((resolve) => {
    this.controller.signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}

export class Runner {
  #core;
  #ports;
  #sink;
  #loader;
  /** @type {Folder | null} */
  #folder = null;
  /** Ends the wait for the folder, or our turn. */
  #leave = () => {};
  /** @type {Turn | null} */
  #turn = null;
  /** @type {Session | null} */
  #session = null;
  /** Chats in flight: only their session can answer them. @type {Set<number>} */
  #chats = new Set();
  /** @type {Map<number, Request>} */
  #requests = new Map();
  /** @type {CoreAction[]} */
  #queue = [];
  /** @type {Promise<void> | null} */
  #working = null;
  /** The journal that waits to be written; a newer one takes its place. @type {string | null} */
  #journal = null;
  /** @type {Promise<void> | null} */
  #writing = null;
  #closed = false;
  #wake = NaN;
  #cancelTimer = () => {};

  /**
   * @param {CoreModule} core
   * @param {ModelConfig} config
   * @param {Ports} ports
   * @param {Sink} sink
   */
  constructor(core, config, ports, sink) {
    this.#core = core;
    this.#ports = ports;
    this.#sink = sink;
    this.#loader = new core.ModelLoader(JSON.stringify(config));
  }

  /** @param {CoreEvent} event */
  send(event) {
    if (this.#closed) return;
    this.#take(this.#loader.on(JSON.stringify(event), this.#ports.clock.now()));
  }

  /** @returns {Snapshot} */
  snapshot() {
    return JSON.parse(this.#loader.snapshot(this.#ports.clock.now()));
  }

  /** Resolves when every action so far, and what they led to at once, has been performed. */
  async idle() {
    while (this.#working || this.#writing) await (this.#working ?? this.#writing);
  }

  /**
   * @param {number} id
   * @param {import('./protocol.d.ts').Message[]} messages
   * @param {import('../bindings.d.ts').GenerationOptions} options
   */
  chat(id, messages, options) {
    if (!this.#session || this.snapshot().status !== 'ready') {
      const error = new CandorError('runtime', 'The model is not ready yet.', { retryable: true });
      this.#sink.reply({ type: 'chatFailed', id, error: error.toJSON() });
      return;
    }
    this.#chats.add(id);
    this.#session.chat(id, messages, options);
  }

  /** @param {number} id */
  stop(id) {
    this.#session?.stop(id);
  }

  /** Gives everything back. What is on disk stays. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTimer();
    this.#queue.length = 0;
    for (const { controller } of this.#requests.values()) controller.abort();
    this.#endSession('aborted', 'The loader was closed.');
    this.#folder?.closeAll();
    this.#leave();
    this.#loader.delete();
  }

  /** @param {string} actionsJson '' for none */
  #take(actionsJson) {
    if (actionsJson) {
      for (const action of /** @type {CoreAction[]} */ (JSON.parse(actionsJson))) {
        // Nothing depends on these, and a slow disk must not make them old news.
        if (action.type === 'publish') {
          this.#sink.snapshot(action.snapshot);
          this.#turn?.tell(JSON.stringify(action.snapshot));
        } else if (action.type === 'persist') this.#sink.persist(action.key, action.json);
        else if (action.type === 'unpersist') this.#sink.unpersist(action.key);
        else {
          // At once, or a request that the core has given up would go on writing while the queue waits for the disk.
          if (action.type === 'abort') this.#requests.get(action.request)?.controller.abort();
          this.#queue.push(action);
        }
      }
      if (this.#queue.length && !this.#working) this.#working = this.#work();
    }
    const wake = this.#loader.wakeAt();
    if (Object.is(wake, this.#wake)) return;
    this.#wake = wake;
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    if (Number.isNaN(wake)) return;
    this.#cancelTimer = this.#ports.clock.timer(wake - this.#ports.clock.now(), () => {
      this.#wake = NaN;
      this.send({ type: 'tick' });
    });
  }

  async #work() {
    for (let action = this.#queue.shift(); action; action = this.#queue.shift()) {
      try {
        await this.#perform(action);
      } catch (error) {
        this.#storeFailed('file' in action ? action.file : null, error);
      }
    }
    this.#working = null;
  }

  /** @param {CoreAction} action @returns {Promise<void> | void} */
  #perform(action) {
    switch (action.type) {
      case 'probe':
        void this.#ports.probe().then((device) => this.send({ type: 'probed', device }));
        return;
      case 'lock':
        void this.#lock(action.folder);
        return;
      case 'unlock':
        return this.#unlock();
      case 'useFolder':
        return this.#useFolder(action.folder);
      case 'readJournal':
        return this.#readJournal();
      case 'fetch':
        void this.#fetch(action);
        return;
      case 'accept':
        this.#requests.get(action.request)?.accept(action);
        return;
      case 'abort':
        this.#requests.get(action.request)?.controller.abort();
        this.#requests.delete(action.request);
        return;
      case 'open':
        return this.#open(action.file, action.path);
      case 'truncate':
        return this.#store.truncate(action.file, action.size);
      case 'flush':
        return this.#store.flush(action.file);
      case 'close':
        return this.#store.close(action.file);
      case 'read':
        void this.#read(action.file, action.offset, action.length);
        return;
      case 'writeJournal':
        this.#journal = action.text;
        this.#writing ??= this.#writeJournals();
        return;
      case 'removeFolder':
        return this.#removeFolder();
      case 'createSession':
        void this.#createSession(action.plan);
        return;
      case 'closeSession':
        return this.#endSession('aborted', 'The model was closed.');
    }
  }

  get #store() {
    if (!this.#folder) throw new StoreError('storage', 'No folder was named.');
    return this.#folder;
  }

  /** Beside the queue: it is the slowest thing a disk is asked to do, and bytes must not wait for it. */
  async #writeJournals() {
    try {
      while (this.#journal !== null) {
        const text = this.#journal;
        this.#journal = null;
        await this.#store.writeJournal(text);
      }
    } catch (error) {
      this.#storeFailed(null, error);
    }
    this.#writing = null;
  }

  /** @param {number | null} file @param {unknown} thrown */
  #storeFailed(file, thrown) {
    const { kind, message } = StoreError.from(thrown);
    this.send({ type: 'storeFailed', file, kind, message });
  }

  /** @param {string} folder */
  async #lock(folder) {
    const waiting = new AbortController();
    this.#leave = () => waiting.abort();
    const { signal } = waiting;
    try {
      const turn = await this.#ports.takeTurn(folder, {
        signal,
        heard: (text) => {
          if (!this.#turn && !signal.aborted) this.send({ type: 'peer', text });
        },
      });
      if (signal.aborted) return turn.end();
      this.#turn = turn;
      this.#leave = () => {
        this.#turn = null;
        turn.end();
      };
      this.send({ type: 'locked' });
    } catch (error) {
      if (!signal.aborted) this.#storeFailed(null, error);
    }
  }

  async #unlock() {
    await this.#writing;
    this.#folder?.closeAll();
    this.#leave();
    this.#leave = () => {};
  }

  /** @param {string} name */
  async #useFolder(name) {
    await this.#writing;
    this.#folder?.closeAll();
    this.#folder = await this.#ports.store.folder(name);
  }

  async #readJournal() {
    await this.#writing;
    this.send({ type: 'journal', ...(await this.#store.readJournal()) });
  }

  /** @param {number} file @param {string} path */
  async #open(file, path) {
    const size = await this.#store.open(file, path);
    // Closed while the browser was opening it: nobody would give the handle back.
    if (this.#closed) this.#store.closeAll();
    this.send({ type: 'opened', file, size });
  }

  async #removeFolder() {
    this.#journal = null;
    await this.#writing;
    await this.#store.remove();
    this.send({ type: 'removed' });
  }

  /** @param {FetchAction} action */
  async #fetch({ request, url, range, body, limit }) {
    const entry = new Request();
    this.#requests.set(request, entry);
    const { signal } = entry.controller;
    /** @type {Reply['body']} */
    let reader = null;
    try {
      const reply = await this.#ports.fetch(url, { range, signal });
      reader = reply.body;
      if (signal.aborted) return;
      const { status, redirected, headers } = reply;
      this.send({ type: 'head', request, status, redirected, headers });
      if (body === 'text') {
        const text = await readText(reader, limit);
        if (!signal.aborted) this.send({ type: 'text', request, body: text });
      } else {
        const target = await Promise.race([entry.accepted, entry.aborted]);
        if (target && !signal.aborted) await this.#stream(request, entry, reader, target);
      }
    } catch (error) {
      if (signal.aborted || this.#closed) return;
      this.send({ type: 'fetchFailed', request, kind: 'network', message: textOf(error) });
    } finally {
      if (this.#requests.get(request) === entry) this.#requests.delete(request);
      // The rest of the body, if any, is of no use to anybody.
      reader?.cancel().catch(() => {});
    }
  }

  /**
   * @param {number} request
   * @param {Request} entry
   * @param {Reply['body']} reader
   * @param {Target} target
   */
  async #stream(request, { controller: { signal } }, reader, { file, offset, length }) {
    let done = 0;
    while (reader && done < length) {
      const { value } = await reader.read();
      if (signal.aborted || this.#closed) return;
      if (!value) break;
      const end = Math.min(value.length, length - done);
      for (let at = 0; at < end; at += SLICE) {
        const slice = value.subarray(at, Math.min(at + SLICE, end));
        try {
          this.#store.write(file, offset + done, slice);
        } catch (error) {
          this.#storeFailed(file, error);
          return;
        }
        done += slice.length;
        this.#fill(slice.length, (bytes) => bytes.set(slice));
        this.#take(this.#loader.received(request, slice.length, this.#ports.clock.now()));
        // Any of these calls may end the request.
        if (signal.aborted || this.#closed) return;
      }
    }
    this.send({ type: 'end', request });
  }

  /**
   * @template T
   * @param {number} length
   * @param {(bytes: Uint8Array) => T} work gets the core's own memory
   */
  #fill(length, work) {
    const address = this.#loader.buffer(length);
    return work(this.#core.HEAPU8.subarray(address, address + length));
  }

  /** @param {number} file @param {number} offset @param {number} length */
  async #read(file, offset, length) {
    const end = offset + length;
    try {
      for (let at = offset; at < end;) {
        // Between slices, what the visitor wants comes first; the file may be gone by then.
        await this.#ports.clock.breathe();
        if (this.#closed || !this.#folder?.isOpen(file)) return;
        const folder = this.#folder;
        const read = this.#fill(Math.min(SLICE, end - at), (bytes) => folder.read(file, at, bytes));
        this.#take(this.#loader.hashed(file, at, read, this.#ports.clock.now()));
        if (!read) return;
        at += read;
      }
    } catch (error) {
      this.#storeFailed(file, error);
    }
  }

  /** @param {SessionPlan} plan */
  async #createSession(plan) {
    this.#endSession('aborted', 'The model is loaded anew.');
    const paths = [
      plan.graph,
      ...plan.externalData,
      plan.config,
      plan.tokenizer,
      plan.generationConfig,
      plan.tokenizerConfig,
      plan.chatTemplate,
    ].filter((path) => path !== null);
    /** @type {Record<string, Blob>} */
    const files = {};
    try {
      for (const path of paths) files[path] = await this.#store.blob(path);
    } catch (error) {
      this.#storeFailed(null, error);
      return;
    }
    if (this.#closed) return;
    /** @type {Session} */
    const session = this.#ports.createSession(plan, files, {
      event: (event) => {
        if (this.#session !== session) return;
        if (event.type === 'sessionLost') this.#failChats('device_lost', event.message);
        this.send(event);
      },
      reply: (reply) => {
        if (reply.type !== 'piece') this.#chats.delete(reply.id);
        this.#sink.reply(reply);
      },
    });
    this.#session = session;
  }

  /** @param {import('./errors.js').ErrorCode} code @param {string} message */
  #endSession(code, message) {
    this.#failChats(code, message);
    this.#session?.close();
    this.#session = null;
  }

  /** @param {import('./errors.js').ErrorCode} code @param {string} message */
  #failChats(code, message) {
    for (const id of this.#chats) {
      const error = new CandorError(code, message);
      this.#sink.reply({ type: 'chatFailed', id, error: error.toJSON() });
    }
    this.#chats.clear();
  }
}

/**
 * @param {Reply['body']} reader
 * @param {number} limit bytes; what is longer is cut, and no longer what it claims to be
 */
async function readText(reader, limit) {
  const decoder = new TextDecoder();
  let text = '';
  for (let left = limit; reader && left > 0;) {
    const { value } = await reader.read();
    if (!value) break;
    text += decoder.decode(value.subarray(0, left), { stream: true });
    left -= value.length;
  }
  return text + decoder.decode();
}
