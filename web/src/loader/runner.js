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
 * @typedef {import('../folder.d.ts').Folder} Folder
 * @typedef {import('../ports.d.ts').Ports} Ports
 * @typedef {import('../ports.d.ts').Reply} Reply
 * @typedef {import('../ports.d.ts').Session} Session
 * @typedef {import('../ports.d.ts').Sink} Sink
 * @typedef {import('../ports.d.ts').Turn} Turn
 * @typedef {{ file: number, offset: number, length: number }} Target
 * @typedef {Extract<CoreAction, { type: 'fetch' }>} FetchAction
 * @typedef {Extract<CoreEvent, { type: 'storeFailed' }>['work']} StoreWork
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
  /** The number of the visit that the folder was named for: what it answers is of that visit. */
  #visit = 0;
  /** The same folder, which is only looked at. @type {Folder | null} */
  #measured = null;
  /** While another tab has the folder. @type {AbortController | null} */
  #waiting = null;
  /** @type {Turn | null} */
  #turn = null;
  /** The turn that is being taken. */
  #taken = Promise.resolve();
  /** The turn that is being given back: whoever takes the next one must not meet it. */
  #given = Promise.resolve();
  /** @type {Session | null} */
  #session = null;
  /** The number of the session that there is or shall be; null after it was closed. @type {number | null} */
  #wanted = null;
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
    const json = JSON.stringify(event);
    this.#take(this.#call(() => this.#loader.on(json, this.#ports.clock.now())));
  }

  /**
   * What the core throws (its memory is at an end, say) is told as that, and not taken for what it was doing.
   *
   * @template T
   * @param {() => T} work
   * @returns {T}
   */
  #call(work) {
    try {
      return work();
    } catch (thrown) {
      this.#closed = true;
      this.#cancelTimer();
      for (const { controller } of this.#requests.values()) controller.abort();
      this.#sink.broken(thrown);
      throw thrown;
    }
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
    this.#endSession('The loader was closed.');
    this.#loader.delete();
    await this.#unlock(this.#given);
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
        void this.#ports
          .probe()
          .then((device) => this.send({ type: 'probed', visit: action.visit, device }));
        return;
      case 'lock':
        this.#taken = this.#lock(action, this.#given);
        return;
      case 'share':
        return this.#turn?.share();
      case 'unlock':
        this.#given = this.#unlock(this.#given);
        return;
      case 'useFolder':
        void this.#folder?.closeAll().catch(() => {});
        this.#folder = this.#ports.store.folder(action.folder);
        this.#visit = action.visit;
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
        return this.#ask('journal', null, async (folder, visit) => {
          const found = await folder.readJournal();
          this.send({ type: 'journal', visit, ...found });
        });
      case 'writeJournal':
        return this.#ask('journal', null, async (folder, visit) => {
          await folder.writeJournal(action.slot, action.text);
          this.send({ type: 'journaled', visit });
        });
      case 'open':
        return this.#ask('file', action.file, async (folder, visit) => {
          const size = await folder.open(action.file, action.path);
          this.send({ type: 'opened', visit, file: action.file, size });
        });
      case 'truncate':
        return this.#ask('file', action.file, (folder) =>
          folder.truncate(action.file, action.size),
        );
      case 'close':
        return this.#ask('file', action.file, (folder) => folder.close(action.file));
      case 'read':
        return this.#ask('file', action.file, (folder) => this.#read(folder, action));
      case 'removeFolder':
        return this.#ask('remove', null, async (folder, visit) => {
          await folder.remove();
          this.send({ type: 'removed', visit });
        });
      case 'examine':
        return void this.#ask('session', null, (folder) => this.#examine(folder, action));
      case 'createSession':
        return this.#ask('session', null, (folder) => this.#createSession(folder, action));
      case 'closeSession':
        return this.#endSession('The model was closed.');
      case 'rejectChat':
        return this.#failChat(action.chat, CandorError.from(action.error));
      case 'done':
        // The page must not judge by a snapshot from before.
        this.#sink.snapshot(this.snapshot());
        return this.#sink.done(
          action.ticket,
          action.error && CandorError.from(action.error).toJSON(),
        );
    }
  }

  /**
   * The disk does one thing after the other, in this order, and nothing here waits for it. What fails is the core's to
   * judge.
   *
   * @param {StoreWork} work what it is for
   * @param {number | null} file
   * @param {(folder: Folder, visit: number) => Promise<void>} perform
   */
  #ask(work, file, perform) {
    const visit = this.#visit;
    const asked = this.#folder
      ? perform(this.#folder, visit)
      : Promise.reject(new StoreError('storage', 'No folder was named.'));
    /** @type {Promise<void>} */
    const done = asked
      .catch((thrown) => this.#storeFailed(visit, work, file, thrown))
      .finally(() => this.#asked.delete(done));
    this.#asked.add(done);
    return done;
  }

  /** @param {number} visit @param {StoreWork} work @param {number | null} file @param {unknown} thrown */
  #storeFailed(visit, work, file, thrown) {
    const { kind, message } = StoreError.from(thrown);
    this.send({ type: 'storeFailed', visit, work, file, kind, message });
  }

  /** @param {Extract<CoreAction, { type: 'lock' }>} action @param {Promise<void>} given the turn before */
  async #lock({ visit, folder, toRemove }, given) {
    const waiting = new AbortController();
    this.#waiting = waiting;
    const { signal } = waiting;
    try {
      await given;
      if (signal.aborted) return;
      const turn = await this.#ports.takeTurn(folder, {
        signal,
        heard: (text) => {
          if (!this.#turn && !signal.aborted) this.send({ type: 'peer', visit, text });
        },
        toRemove,
      });
      if (signal.aborted) return await turn?.end();
      this.#turn = turn;
      this.send({ type: turn ? 'locked' : 'busy', visit });
    } catch (error) {
      if (!signal.aborted) {
        this.#storeFailed(visit, toRemove ? 'remove' : 'journal', null, error);
      }
    }
  }

  /** @param {Promise<void>} given the turn before */
  async #unlock(given) {
    this.#waiting?.abort();
    const turn = this.#turn;
    this.#turn = null;
    const taken = this.#taken;
    // The next tab must be able to open the files.
    await this.#folder?.closeAll().catch(() => {});
    await turn?.end();
    await given;
    await taken;
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
        const text = await readText(reader, limit, () => {
          if (!signal.aborted) this.send({ type: 'heard', request });
        });
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
        written = this.#ask('file', file, async (folder) => {
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
      const actions = this.#call(() => {
        this.#fill(slice.length, (into) => into.set(slice));
        return this.#loader.received(request, slice.length, this.#ports.clock.now());
      });
      this.#take(actions);
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
      const actions = this.#call(() => {
        this.#fill(read.length, (bytes) => bytes.set(read));
        return this.#loader.hashed(file, at, read.length, this.#ports.clock.now());
      });
      this.#readBuffer = read.buffer;
      this.#take(actions);
      if (!read.length) return;
      at += read.length;
    }
  }

  /** @param {Folder} folder @param {Extract<CoreAction, { type: 'examine' }>} action */
  async #examine(folder, { examination, plan, graph }) {
    const files = await blobsOf(folder, graph ? [plan.graph] : smallFiles(plan));
    const found = await this.#ports.examine(plan, files, graph);
    this.send({ type: 'examined', examination, ...found });
  }

  /** @param {Folder} folder @param {Extract<CoreAction, { type: 'createSession' }>} action */
  async #createSession(folder, { session: number, plan }) {
    this.#endSession('The model is loaded anew.');
    this.#wanted = number;
    const paths = [plan.graph, ...plan.externalData, ...smallFiles(plan)];
    if (plan.runtimeFile) paths.push(plan.runtimeFile);
    const files = await blobsOf(folder, paths);
    // Closed while its files were looked for: it must not be born.
    if (this.#wanted !== number) return;
    this.#session = this.#ports.createSession(plan, files, {
      event: (event) => {
        if (this.#wanted !== number) return;
        if (event.type === 'sessionLost') {
          // Its answers end with it, and for the reason that it ended for.
          for (const chat of [...this.#chats]) {
            this.send({
              type: 'answerFailed',
              session: number,
              chat,
              message: event.message,
            });
          }
        }
        this.send(/** @type {CoreEvent} */ ({ ...event, session: number }));
      },
      reply: (reply) => {
        // A chat that was rejected has nothing more to say.
        if (!this.#chats.has(reply.id)) return;
        if (reply.type === 'finish' || reply.type === 'chatFailed') this.#chats.delete(reply.id);
        this.#sink.reply(reply);
        if (reply.type !== 'finish') return;
        const { tokens, tokensPerSecond } = reply;
        this.send({ type: 'answered', session: number, tokens, tokensPerSecond });
      },
    });
  }

  /** @param {string} message what is said to those whose chats end with it */
  #endSession(message) {
    this.#wanted = null;
    for (const id of [...this.#chats]) {
      this.#failChat(id, new CandorError('aborted', message, { retryable: true }));
    }
    this.#session?.close();
    this.#session = null;
  }

  /** @param {number} id @param {CandorError} error */
  #failChat(id, error) {
    if (!this.#chats.delete(id)) return;
    this.#sink.reply({ type: 'chatFailed', id, error: error.toJSON() });
  }
}

/** @param {import('../../bindings.d.ts').SessionPlan} plan */
const smallFiles = (plan) =>
  [
    plan.config,
    plan.tokenizer,
    plan.generationConfig,
    plan.tokenizerConfig,
    plan.chatTemplate,
  ].filter((path) => path !== null);

/** @param {Folder} folder @param {string[]} paths */
async function blobsOf(folder, paths) {
  /** @type {Record<string, Blob>} */
  const files = {};
  for (const path of paths) files[path] = await folder.blob(path);
  return files;
}

/**
 * @param {Reply['body']} reader
 * @param {number} limit bytes; what is longer is cut, and no longer what it claims to be
 * @param {() => void} heard more came
 */
async function readText(reader, limit, heard) {
  const decoder = new TextDecoder();
  let text = '';
  let buffer = new ArrayBuffer(BUFFER);
  for (let left = limit; reader && left > 0;) {
    const { value } = await reader.read(buffer);
    if (!value) break;
    buffer = value.buffer;
    heard();
    text += decoder.decode(value.subarray(0, left), { stream: true });
    left -= value.length;
  }
  return text + decoder.decode();
}
