/**
 * Performs what the core asks for one model, and tells it what came of it. Nothing is decided here.
 */
import { CandorError, textOf } from '../errors.js';
import { StoreError } from '../store.js';

/**
 * @typedef {import('../../bindings.d.ts').CoreAction} CoreAction
 * @typedef {import('../../bindings.d.ts').CoreEvent} CoreEvent
 * @typedef {import('../../bindings.d.ts').CoreModule} CoreModule
 * @typedef {import('../../bindings.d.ts').ModelConfig} ModelConfig
 * @typedef {import('../../bindings.d.ts').Snapshot} Snapshot
 * @typedef {import('../../bindings.d.ts').SessionPlan} SessionPlan
 * @typedef {import('../folder.d.ts').Folder} Folder
 * @typedef {import('../ports.d.ts').Ports} Ports
 * @typedef {import('../ports.d.ts').Reply} Reply
 * @typedef {import('../ports.d.ts').Session} Session
 * @typedef {import('../ports.d.ts').Sink} Sink
 * @typedef {import('../ports.d.ts').Turn} Turn
 * @typedef {{ file: number, offset: number, length: number }} Target
 * @typedef {Extract<CoreAction, { type: 'fetch' }>} FetchAction
 */

// How much crosses into the core at once: enough to make the crossing cheap, little enough to keep the core answering.
const SLICE = 1 << 20;
// What is on its way from the network to the disk: enough to go on while the disk flushes, and a bound for memory. Each of
// six connections may hold one that it waits for. Large, because what crosses in many pieces leaves much to collect.
const BUFFER = SLICE;
const BUFFERS = 12;

/** Memory that is used again and again, of a bounded amount. */
class Buffers {
  #free = BUFFERS;
  /** @type {ArrayBuffer[]} */
  #spare = [];
  /** @type {(() => void)[]} */
  #waiting = [];

  /** @returns {Promise<ArrayBuffer>} */
  async take() {
    if (this.#free) this.#free--;
    else await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
    return this.#spare.pop() ?? new ArrayBuffer(BUFFER);
  }

  /** @param {ArrayBuffer | undefined} buffer what is left of it */
  giveBack(buffer) {
    if (buffer?.byteLength === BUFFER) this.#spare.push(buffer);
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }

  /** Gives the memory back. */
  drop() {
    this.#spare = [];
  }
}

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
  /** The same folder, which is only looked at. @type {Folder | null} */
  #measured = null;
  /** While another tab has the folder. @type {AbortController | null} */
  #waiting = null;
  /** @type {Turn | null} */
  #turn = null;
  /** @type {Session | null} */
  #session = null;
  /** Chats in flight: only their session can answer them. @type {Set<number>} */
  #chats = new Set();
  /** @type {Map<number, Request>} */
  #requests = new Map();
  #buffers = new Buffers();
  /** What is read back from the disk comes in this. @type {ArrayBuffer | null} */
  #readBuffer = null;
  /** What the disk was asked and has not done yet. @type {Set<Promise<void>>} */
  #asked = new Set();
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

  /** Bytes that the model's folder takes, whoever has it. */
  async stored() {
    this.#measured ??= this.#ports.store.folder(this.#loader.folder());
    return this.#measured.size();
  }

  /** Resolves when every action so far, and what they led to at once, has been performed. */
  async idle() {
    while (this.#asked.size) await Promise.all(this.#asked);
  }

  /**
   * @param {number} id
   * @param {import('../protocol.d.ts').Message[]} messages
   * @param {import('../../bindings.d.ts').GenerationOptions} options
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
  async close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTimer();
    for (const { controller } of this.#requests.values()) controller.abort();
    this.#endSession('aborted', 'The loader was closed.');
    this.#loader.delete();
    await this.#unlock();
  }

  /** @param {string} actionsJson '' for none */
  #take(actionsJson) {
    if (actionsJson) {
      for (const action of /** @type {CoreAction[]} */ (JSON.parse(actionsJson))) {
        this.#perform(action);
      }
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

  /** @param {CoreAction} action */
  #perform(action) {
    switch (action.type) {
      case 'publish':
        this.#sink.snapshot(action.snapshot);
        this.#turn?.tell(JSON.stringify(action.snapshot));
        return;
      case 'persist':
        return this.#sink.persist(action.key, action.json);
      case 'unpersist':
        return this.#sink.unpersist(action.key);
      case 'probe':
        void this.#ports.probe().then((device) => this.send({ type: 'probed', device }));
        return;
      case 'lock':
        void this.#lock(action.folder);
        return;
      case 'unlock':
        void this.#unlock();
        return;
      case 'useFolder':
        void this.#folder?.closeAll().catch(() => {});
        this.#folder = this.#ports.store.folder(action.folder);
        return;
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
      case 'readJournal':
        return this.#ask(null, async (folder) => {
          const found = await folder.readJournal();
          this.send({ type: 'journal', ...found });
        });
      case 'writeJournal':
        return this.#ask(null, async (folder) => {
          await folder.writeJournal(action.text);
          this.send({ type: 'journaled' });
        });
      case 'open':
        return this.#ask(action.file, async (folder) => {
          const size = await folder.open(action.file, action.path);
          this.send({ type: 'opened', file: action.file, size });
        });
      case 'truncate':
        return this.#ask(action.file, (folder) => folder.truncate(action.file, action.size));
      case 'close':
        return this.#ask(action.file, (folder) => folder.close(action.file));
      case 'read':
        return this.#ask(action.file, (folder) => this.#read(folder, action));
      case 'removeFolder':
        return this.#ask(null, async (folder) => {
          await folder.remove();
          this.send({ type: 'removed' });
        });
      case 'createSession':
        return this.#ask(null, (folder) => this.#createSession(folder, action.plan));
      case 'closeSession':
        return this.#endSession('aborted', 'The model was closed.');
    }
  }

  /**
   * The disk does one thing after the other, in this order, and nothing here waits for it. What fails is the core's to
   * judge.
   *
   * @param {number | null} file
   * @param {(folder: Folder) => Promise<void>} work
   */
  #ask(file, work) {
    const asked = this.#folder
      ? work(this.#folder)
      : Promise.reject(new StoreError('storage', 'No folder was named.'));
    /** @type {Promise<void>} */
    const done = asked
      .catch((thrown) => this.#storeFailed(file, thrown))
      .finally(() => this.#asked.delete(done));
    this.#asked.add(done);
    return done;
  }

  /** @param {number | null} file @param {unknown} thrown */
  #storeFailed(file, thrown) {
    const { kind, message } = StoreError.from(thrown);
    this.send({ type: 'storeFailed', file, kind, message });
  }

  /** @param {string} folder */
  async #lock(folder) {
    const waiting = new AbortController();
    this.#waiting = waiting;
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
      this.send({ type: 'locked' });
    } catch (error) {
      if (!signal.aborted) this.#storeFailed(null, error);
    }
  }

  async #unlock() {
    this.#waiting?.abort();
    const turn = this.#turn;
    this.#turn = null;
    // The next tab must be able to open the files.
    await this.#folder?.closeAll().catch(() => {});
    turn?.end();
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
      if (!this.#requests.size) this.#buffers.drop();
      // The rest of the body, if any, is of no use to anybody.
      reader?.cancel().catch(() => {});
    }
  }

  /**
   * The core hears of bytes when they are written, and meanwhile more are read.
   *
   * @param {number} request
   * @param {Request} entry
   * @param {Reply['body']} reader
   * @param {Target} target
   */
  async #stream(request, { controller }, reader, { file, offset, length }) {
    const { signal } = controller;
    const end = offset + length;
    /** @type {Promise<void>} */
    let written = Promise.resolve();
    try {
      for (let at = offset; reader && at < end;) {
        const value = await this.#readBody(reader, signal);
        if (!value) break;
        const [place, bytes] = [at, value.subarray(0, end - at)];
        at += bytes.length;
        written = this.#ask(file, async (folder) => {
          let back;
          try {
            back = await folder.write(file, place, bytes);
            this.#received(request, signal, back);
          } catch (error) {
            if (signal.aborted) return;
            controller.abort();
            throw error;
          } finally {
            this.#buffers.giveBack(back?.buffer);
          }
        });
      }
    } finally {
      // Whatever became of the rest, this much has come.
      await written;
    }
    if (!signal.aborted && !this.#closed) this.send({ type: 'end', request });
  }

  /** @param {NonNullable<Reply['body']>} reader @param {AbortSignal} signal */
  async #readBody(reader, signal) {
    const buffer = await this.#buffers.take();
    try {
      const { value } = signal.aborted ? {} : await reader.read(buffer);
      if (value && !signal.aborted && !this.#closed) return value;
    } catch (error) {
      this.#buffers.giveBack(undefined);
      throw error;
    }
    this.#buffers.giveBack(undefined);
    return null;
  }

  /** @param {number} request @param {AbortSignal} signal @param {Uint8Array} bytes */
  #received(request, signal, bytes) {
    for (let at = 0; at < bytes.length; at += SLICE) {
      // Any of these calls may end the request.
      if (signal.aborted || this.#closed) return;
      const slice = bytes.subarray(at, at + SLICE);
      this.#fill(slice.length, (into) => into.set(slice));
      this.#take(this.#loader.received(request, slice.length, this.#ports.clock.now()));
    }
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

  /** @param {Folder} folder @param {{ file: number, offset: number, length: number }} what */
  async #read(folder, { file, offset, length }) {
    const end = offset + length;
    for (let at = offset; at < end;) {
      // Between slices, what the visitor wants comes first, though the store may be one that answers at once; the file
      // may be gone by then.
      await this.#ports.clock.breathe();
      const buffer = this.#readBuffer ?? new ArrayBuffer(SLICE);
      this.#readBuffer = null;
      const into = new Uint8Array(buffer, 0, Math.min(SLICE, end - at));
      const read = await folder.read(file, at, into);
      if (!read || this.#closed) return;
      this.#fill(read.length, (bytes) => bytes.set(read));
      this.#readBuffer = read.buffer;
      this.#take(this.#loader.hashed(file, at, read.length, this.#ports.clock.now()));
      if (!read.length) return;
      at += read.length;
    }
  }

  /** @param {Folder} folder @param {SessionPlan} plan */
  async #createSession(folder, plan) {
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
    for (const path of paths) files[path] = await folder.blob(path);
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

  /** @param {import('../errors.js').ErrorCode} code @param {string} message */
  #endSession(code, message) {
    this.#failChats(code, message);
    this.#session?.close();
    this.#session = null;
  }

  /** @param {import('../errors.js').ErrorCode} code @param {string} message */
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
  let buffer = new ArrayBuffer(BUFFER);
  for (let left = limit; reader && left > 0;) {
    const { value } = await reader.read(buffer);
    if (!value) break;
    buffer = value.buffer;
    text += decoder.decode(value.subarray(0, left), { stream: true });
    left -= value.length;
  }
  return text + decoder.decode();
}
