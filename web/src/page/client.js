/**
 * The page's side: hands commands to the worker and snapshots to whoever wants them. It decides nothing.
 */
import { sayError, saySnapshot } from '../elements/sentences.js';
import { CandorError, textOf } from '../errors.js';

/**
 * @typedef {import('../../bindings.d.ts').Snapshot} Snapshot
 * @typedef {import('../../bindings.d.ts').ModelConfig} ModelConfig
 * @typedef {import('../../bindings.d.ts').GenerationOptions} GenerationOptions
 * @typedef {import('../protocol.d.ts').Command} Command
 * @typedef {import('../protocol.d.ts').Finish} Finish
 * @typedef {import('../protocol.d.ts').FromWorker} FromWorker
 * @typedef {import('../protocol.d.ts').Message} Message
 * @typedef {import('../protocol.d.ts').ToWorker} ToWorker
 * @typedef {import('../protocol.d.ts').HelperName} HelperName
 * @typedef {import('../protocol.d.ts').Endpoint<any> & { terminate?(): void, close?(): void }} WorkerLike
 * @typedef {(name: 'loader' | HelperName) => WorkerLike} MakeWorker
 *
 * @typedef {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} Records
 *
 * @typedef {object} ConnectOptions
 * @property {Omit<ModelConfig, 'record' | 'timings' | 'runtimeFiles'>[]} models
 * @property {string | null} runtimeUrl
 * @property {'auto' | 'memory'} storage
 * @property {Records | null} records where the records of downloads are kept
 * @property {RequestCredentials} [credentials] of each request; 'same-origin' if absent
 * @property {(url: string) => Record<string, string> | Promise<Record<string, string>>} [headers] asked before each request
 * @property {() => void} [keep] asks the browser not to clear the storage by itself
 *
 * @typedef {AsyncIterableIterator<string, Finish | undefined> & { readonly finish: Promise<Finish> }} Answer pieces, and
 *   how it ended: asking for `finish` begins the answer, too
 *
 * @typedef {object} ChatOptions
 * @property {AbortSignal} [signal]
 * @property {(read: { tokens: number, total: number }) => void} [onReading] how much of the prompt was read so far
 *
 * @typedef {{ resolve(bytes?: number | null): void, reject(error: CandorError): void }} Waiting
 * @typedef {{ resolve(result: IteratorResult<string, Finish | undefined>): void, reject(error: CandorError): void }} Reader
 *
 * @typedef {object} Load one try to get a model ready, for all who want it
 * @property {Promise<void>} promise
 * @property {() => void} resolve
 * @property {(error: CandorError) => void} reject
 * @property {Set<Model>} owners who has the model, or waits for it
 * @property {boolean} told the worker has taken the command: snapshots are news from now on
 */

/**
 * One owner's hold on a model that is loaded. If its session is lost and loaded again, the same object goes on working.
 */
export class Model {
  #loader;
  #disposed = false;
  /** @param {Loader} loader @param {string} key */
  constructor(loader, key) {
    this.#loader = loader;
    this.key = key;
  }

  /**
   * Answers the last message, piece by piece. Begins when the first piece is asked for; leaving the loop stops it. One
   * model answers one chat at a time, in the order they were begun. The oldest messages are left out where
   * the model's context window is too small for all.
   *
   * What the conversation has in common with the one before isn't read again.
   *
   * @param {Message[]} messages
   * @param {GenerationOptions & ChatOptions} [options] temperature 0 (greedy) .. 2; maxNewTokens; topK; topP;
   *   minP; repetitionPenalty; seed; stop (texts that end the answer)
   * @returns {Answer} rejects with a CandorError; `aborted` for `signal`
   * @throws {TypeError} for messages or options that are none
   * @throws {CandorError} `aborted` after dispose()
   */
  chat(messages, options = {}) {
    const signal = signalOf(options, 'chat()');
    const { signal: _, onReading, ...generation } = options;
    checkOptions(generation);
    return this.#ask(messages, generation, { signal, onReading });
  }

  /**
   * Reads ahead what a chat will begin with (a system prompt, say), so that its first answer comes sooner. A chat that
   * begins meanwhile goes first, and uses what was read by then.
   *
   * @param {Message[]} messages
   * @param {ChatOptions} [options]
   * @returns {Promise<{ tokens: number, whole: boolean }>} how many tokens they are; whether all were read
   * @throws {TypeError} for messages that are none
   * @throws {CandorError} `aborted` after dispose()
   */
  async prepare(messages, options = {}) {
    const { promptTokens, reason } = await this.#ask(messages, { maxNewTokens: 0 }, options).finish;
    return { tokens: promptTokens, whole: reason !== 'abort' };
  }

  /** @param {Message[]} messages @param {GenerationOptions} generation @param {ChatOptions} options */
  #ask(messages, generation, options) {
    checkMessages(messages);
    if (this.#disposed) throw new CandorError('aborted', 'This model was given back.');
    const plain = messages.map(({ role, content }) => ({ role, content }));
    return this.#loader.chat(this.key, plain, generation, options);
  }

  /** Gives this hold on the model back, and with the last one its memory; the files stay. */
  async dispose() {
    this.#disposed = true;
    await this.#loader.leave(this.key, this);
  }
}

export class Loader {
  #makeWorker;
  #options;
  /** @type {WorkerLike | null} */
  #worker = null;
  /** What waits until the worker has started; null once it has. @type {ToWorker[] | null} */
  #outbox = null;
  /** What the worker asked for. @type {Map<number, WorkerLike>} */
  #helpers = new Map();
  /** @type {Map<string, Snapshot>} */
  #snapshots = new Map();
  /** @type {Map<string, Set<(snapshot: Snapshot) => void>>} */
  #subscribers = new Map();
  /** @type {Map<string, Load>} */
  #loads = new Map();
  /** @type {Map<number, Waiting>} */
  #commands = new Map();
  /** @type {Map<number, Chat>} */
  #chats = new Map();
  #nextId = 1;
  /** @type {CandorError | null} */
  #broken = null;
  /** It was the worker that broke: a new one can be made. */
  #crashed = false;
  /** @type {Waiting | null} */
  #starting = null;
  /** @type {Waiting | null} */
  #closing = null;
  /** @type {Promise<void> | null} */
  #disposing = null;
  #ended = new AbortController();

  /** @param {MakeWorker} makeWorker @param {ConnectOptions} options */
  constructor(makeWorker, options) {
    this.#makeWorker = makeWorker;
    this.#options = options;
  }

  async start() {
    const { models, runtimeUrl, storage, credentials = 'same-origin', headers } = this.#options;
    let worker;
    try {
      worker = this.#makeWorker('loader');
    } catch (error) {
      this.#fail('The loader’s worker could not be started.', textOf(error));
      throw this.#broken;
    }
    this.#worker = worker;
    this.#outbox = [];
    worker.addEventListener('message', (event) => {
      if (worker === this.#worker) this.#receive(event.data);
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault?.();
      if (worker !== this.#worker) return;
      this.#fail('The loader’s worker could not be started or has crashed.', event.message);
    });
    worker.addEventListener('messageerror', () => {
      if (worker !== this.#worker) return;
      this.#fail('A message from the loader’s worker could not be read.', '');
    });
    worker.start?.();
    await new Promise((resolve, reject) => {
      this.#starting = { resolve: () => resolve(undefined), reject };
      worker.postMessage({
        type: 'start',
        models: models.map((model) => ({
          ...model,
          record: this.#record(`download_state_${model.modelKey}`),
          timings: this.#record(`candor_timings_${model.modelKey}`),
        })),
        runtimeUrl,
        storage,
        credentials,
        headers: headers !== undefined,
      });
    });
  }

  /** @param {Pick<EventTarget, 'addEventListener'>} page whose comings and goings this loader follows */
  followPage(page) {
    const { signal } = this.#ended;
    page.addEventListener('pagehide', () => this.suspend(), { signal });
    page.addEventListener('pageshow', () => void this.restart(), { signal });
    for (const type of /** @type {const} */ (['online', 'offline'])) {
      page.addEventListener(type, () => this.#post({ type }), { signal });
    }
  }

  /**
   * The page is left. A browser may keep it, frozen, for the way back, and with it every connection and every lock on a
   * file: then the page that comes next, if it is of the same site, waits for them for ever.
   */
  suspend() {
    if (this.#broken || !this.#worker) return;
    this.#stopWorker();
    this.#abandon(left());
  }

  /** The page is shown again: goes on from what is on disk. */
  async restart() {
    if (this.#broken || this.#disposing || this.#worker) return;
    const loads = [...this.#loads].map(([key, load]) => {
      // What the worker never took is asked for again.
      const goesOn = !load.told || this.snapshot(key).goesOn;
      load.told = false;
      return { key, load, goesOn };
    });
    const started = this.start();
    // Before all that is asked for from now on.
    for (const { key, load, goesOn } of loads) if (goesOn) this.#request(key, load, 'load');
    try {
      await started;
    } catch {
      return; // Whoever waits for a load has been told why.
    }
    for (const { key, load, goesOn } of loads) {
      if (goesOn || this.#loads.get(key) !== load) continue;
      load.told = true;
      this.#settle(key);
    }
  }

  /** The keys of all models, in the order they were given. */
  get keys() {
    return [...this.#snapshots.keys()];
  }

  /**
   * The latest state of a model: plain data, a new object each time it changes.
   * @param {string} key
   * @returns {Snapshot}
   */
  snapshot(key) {
    const snapshot = this.#snapshots.get(key);
    if (!snapshot) throw new TypeError(`There is no model "${key}".`);
    return snapshot;
  }

  /**
   * Calls `fn` at once with the latest snapshot and then at most every 100 ms, the last one always.
   * @param {string} key
   * @param {(snapshot: Snapshot) => void} fn
   * @returns {() => void} unsubscribes
   */
  subscribe(key, fn) {
    const snapshot = this.snapshot(key);
    if (typeof fn !== 'function') throw new TypeError('subscribe() needs a function.');
    const subscribers = this.#subscribers.get(key) ?? new Set();
    this.#subscribers.set(key, subscribers);
    // The same function may subscribe twice.
    const own = (/** @type {Snapshot} */ next) => fn(next);
    subscribers.add(own);
    deliver(own, snapshot);
    return () => void subscribers.delete(own);
  }

  /**
   * Loads a model, going on from what is on disk. Each call gives a hold of its own on the one model: it is in memory until
   * the last of them is disposed of. The promise stays pending while a failure waits for the visitor (see `retry`) or while
   * the download is paused.
   *
   * @param {string} key
   * @param {{ signal?: AbortSignal }} [options] aborting gives this call up, and cancels the load if nobody else waits for it
   * @returns {Promise<Model>} rejects with a CandorError: `aborted` when cancelled, else the cause of a final failure
   */
  load(key, options = {}) {
    const signal = signalOf(options, 'load()');
    this.snapshot(key);
    this.#revive();
    if (signal?.aborted) return Promise.reject(cancelled());
    const load = this.#loads.get(key) ?? this.#begin(key, 'load');
    const model = new Model(this, key);
    load.owners.add(model);
    /** @type {Promise<Model>} */
    const promise = new Promise((resolve, reject) => {
      const abort = () => {
        // The last one is told when all is stopped.
        if (this.#worker && this.#loads.get(key)?.owners.size === 1) return this.cancel(key);
        reject(cancelled());
        void this.leave(key, model);
      };
      signal?.addEventListener('abort', abort, { once: true });
      const settled = () => signal?.removeEventListener('abort', abort);
      load.promise.then(() => resolve(model), reject).then(settled);
    });
    // Whoever holds the promise handles it; nobody has to.
    promise.catch(() => {});
    return promise;
  }

  /**
   * Fetches the newer version of a model that the snapshot tells of (`newer`, `can.update`), and loads it: what did not
   * change is kept. Who has the model goes on with the new one.
   *
   * @param {string} key
   * @returns {Promise<void>} settles as that of load() does; at once where nothing is newer
   */
  update(key) {
    this.snapshot(key);
    return this.#begin(key, 'update').promise;
  }

  /** @param {string} key */
  pause(key) {
    this.#tell(key, 'pause');
  }

  /** @param {string} key */
  resume(key) {
    this.#tell(key, 'resume');
  }

  /** After a failure: tries again from what is on disk. @param {string} key */
  retry(key) {
    // A worker that is gone knows of no failure.
    if (this.#crashed) void this.load(key);
    else this.#tell(key, 'retry');
  }

  /** Gives up; what is on disk stays. @param {string} key */
  cancel(key) {
    this.#tell(key, 'cancel');
  }

  /**
   * Deletes the model's files and record.
   * @param {string} key
   * @returns {Promise<void>} rejects with a CandorError where nothing could be removed: another tab is using the files, say
   */
  async remove(key) {
    this.snapshot(key);
    await this.#command(key, 'remove');
  }

  /**
   * How much room a model takes on this device, all its variants together: what remove() frees. Looks at the disk, so it
   * is also right for what an earlier visit or another tab left there. A file that is not whole yet counts up to its last
   * byte, as the disk has it.
   *
   * @param {string} key
   * @returns {Promise<number | null>} bytes; null where the browser does not say
   */
  async stored(key) {
    this.snapshot(key);
    return (await this.#ask((id) => ({ type: 'measure', id, key }))) ?? null;
  }

  /** Stops everything and gives the worker back; what is on disk stays. */
  dispose() {
    return (this.#disposing ??= this.#close());
  }

  async #close() {
    // A worker that is not there, or has not begun, has nothing to bring to an end.
    if (this.#worker && !this.#outbox) {
      const closed = new Promise((resolve) => {
        this.#closing = { resolve: () => resolve(undefined), reject: () => resolve(undefined) };
      });
      this.#post({ type: 'close' });
      await closed;
    }
    this.#end(new CandorError('aborted', 'The loader was closed.'));
    this.#ended.abort();
    this.#subscribers.clear();
  }

  /**
   * One who has a model, or waits for it, wants it no more.
   * @param {string} key
   * @param {Model} model
   */
  async leave(key, model) {
    const load = this.#loads.get(key);
    if (!load?.owners.delete(model) || load.owners.size) return;
    this.#loads.delete(key);
    // An update of it is given up, too.
    load.reject(cancelled());
    // Without a worker there is nothing left of it.
    await this.#command(key, 'dispose').catch(() => {});
  }

  /**
   * @param {string} key
   * @param {Message[]} messages
   * @param {GenerationOptions} options
   * @param {ChatOptions} [of]
   */
  chat(key, messages, options, { signal, onReading } = {}) {
    const id = this.#nextId++;
    const chat = new Chat({
      begin: () => {
        if (this.#broken) throw this.#broken;
        if (!this.#worker) throw left();
        this.#chats.set(id, chat);
        this.#post({ type: 'chat', id, key, messages, options });
      },
      stop: () => this.#post({ type: 'stop', id, key }),
      reading: (tokens, total) => onReading && deliver(onReading, { tokens, total }),
      signal,
    });
    return chat;
  }

  /** @param {ToWorker} message */
  #post(message) {
    if (this.#broken) return;
    // Before it has started, the worker knows of no model.
    if (this.#outbox) this.#outbox.push(message);
    else this.#worker?.postMessage(message);
  }

  /** @param {string} key @param {'load' | 'update'} command */
  #begin(key, command) {
    const before = this.#loads.get(key);
    const load = this.#newLoad(before?.owners);
    this.#loads.set(key, load);
    if (before) load.promise.then(before.resolve, before.reject);
    this.#options.keep?.();
    this.#request(key, load, command);
    return load;
  }

  /** @param {string} key @param {Load} load @param {'load' | 'update'} command */
  #request(key, load, command) {
    this.#command(key, command).then(
      () => {
        load.told = true;
        if (this.#loads.get(key) === load) this.#settle(key);
      },
      // A page that was only left asks again when it is shown again.
      (error) => this.#broken && load.reject(error),
    );
  }

  /** @param {string} key @param {Command} command */
  #tell(key, command) {
    this.snapshot(key);
    // Whoever cares about the outcome watches the snapshot.
    this.#command(key, command).catch(() => {});
  }

  /** @param {string} key @param {Command} command */
  #command(key, command) {
    return this.#ask((id) => ({ type: 'command', id, key, command }));
  }

  /** @param {(id: number) => ToWorker} message one that `done` answers @returns {Promise<number | null | undefined>} */
  #ask(message) {
    if (this.#broken) return Promise.reject(this.#broken);
    if (!this.#worker) return Promise.reject(left());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#commands.set(id, { resolve, reject });
      this.#post(message(id));
    });
  }

  /** @param {Set<Model>} [owners] @returns {Load} */
  #newLoad(owners = new Set()) {
    /** @type {any} */
    const load = { told: false, owners };
    load.promise = new Promise((resolve, reject) => Object.assign(load, { resolve, reject }));
    load.promise.catch(() => {});
    return load;
  }

  /** @param {FromWorker} message */
  #receive(message) {
    switch (message.type) {
      case 'started':
        for (const message of this.#outbox ?? []) this.#worker?.postMessage(message);
        this.#outbox = null;
        for (const snapshot of message.snapshots) this.#take(snapshot);
        return this.#starting?.resolve();
      case 'broken':
        return this.#end(said(message.error));
      case 'snapshot': {
        this.#take(message.snapshot);
        return this.#settle(message.snapshot.modelKey);
      }
      case 'done': {
        const { id, bytes, error } = message;
        const waiting = this.#commands.get(id);
        if (error) waiting?.reject(said(error));
        else waiting?.resolve(bytes);
        return void this.#commands.delete(id);
      }
      case 'persist':
        // Full or forbidden storage costs the record, not the download.
        return void attempt(() => this.#options.records?.setItem(message.key, message.json));
      case 'unpersist':
        return void attempt(() => this.#options.records?.removeItem(message.key));
      case 'reading':
        return this.#chats.get(message.id)?.reading(message.read, message.total);
      case 'piece':
        return this.#chats.get(message.id)?.piece(message.text);
      case 'finish': {
        const { type, id, ...finish } = message;
        this.#chats.get(id)?.end(finish);
        return void this.#chats.delete(id);
      }
      case 'chatFailed':
        this.#chats.get(message.id)?.fail(said(message.error));
        return void this.#chats.delete(message.id);
      case 'headersFor':
        return void this.#headersFor(message);
      case 'startHelper':
        return this.#startHelper(message);
      case 'endHelper':
        this.#helpers.get(message.id)?.terminate?.();
        return void this.#helpers.delete(message.id);
      case 'closed':
        return this.#closing?.resolve();
    }
  }

  /** @param {Extract<FromWorker, { type: 'headersFor' }>} message */
  async #headersFor({ id, url }) {
    const worker = this.#worker;
    let [headers, error] = [/** @type {Record<string, string>} */ ({}), ''];
    try {
      headers = Object.fromEntries(new Headers(await this.#options.headers?.(url)));
    } catch (thrown) {
      error = textOf(thrown) || 'unknown error';
    }
    worker?.postMessage({ type: 'headers', id, headers, error });
  }

  /** @param {Extract<FromWorker, { type: 'startHelper' }>} message */
  #startHelper({ id, name, port }) {
    // At once: before it has started, the worker may be waiting for just this helper.
    const failed = (/** @type {unknown} */ words) =>
      this.#worker?.postMessage({ type: 'helperFailed', id, message: String(words ?? '') });
    try {
      const helper = this.#makeWorker(name);
      this.#helpers.set(id, helper);
      helper.addEventListener('error', (event) => {
        event.preventDefault?.();
        failed(event.message);
      });
      helper.postMessage({ port }, [port]);
    } catch (error) {
      failed(textOf(error));
    }
  }

  /** @param {Snapshot} fromWorker */
  #take(fromWorker) {
    const snapshot = saySnapshot(fromWorker);
    this.#snapshots.set(snapshot.modelKey, snapshot);
    for (const fn of [...(this.#subscribers.get(snapshot.modelKey) ?? [])]) {
      // One subscriber may remove another.
      if (this.#subscribers.get(snapshot.modelKey)?.has(fn)) deliver(fn, snapshot);
    }
  }

  /** Settles a load once its outcome is certain. @param {string} key */
  #settle(key) {
    const load = this.#loads.get(key);
    if (!load?.told) return;
    const { status, error, can } = this.snapshot(key);
    if (status === 'ready') return load.resolve();
    if (status === 'cancelled' || status === 'idle') load.reject(cancelled());
    else if (status === 'failed' && !can.retry) {
      load.reject(
        error ? CandorError.from(error) : new CandorError('runtime', 'The model failed to load.'),
      );
    } else return;
    this.#loads.delete(key);
  }

  /** @param {string} message @param {unknown} detail */
  #fail(message, detail) {
    if (this.#broken) return;
    const error = new CandorError('runtime', message, {
      retryable: true,
      detail: String(detail ?? ''),
    });
    // What has not begun yet is told to who made the loader.
    this.#crashed = !this.#outbox;
    this.#end(error);
    if (!this.#crashed) return;
    for (const snapshot of [...this.#snapshots.values()]) this.#take(deadSnapshot(snapshot, error));
  }

  /** Makes a new worker where the last one broke. */
  #revive() {
    if (!this.#crashed || this.#disposing) return;
    this.#crashed = false;
    this.#broken = null;
    // Whoever waits for a load is told why, if it cannot be started.
    this.start().catch(() => {});
  }

  /** @param {CandorError} error */
  #end(error) {
    if (this.#broken) return;
    this.#broken = error;
    // The page is still followed where a retry may come.
    if (!this.#crashed) this.#ended.abort();
    this.#stopWorker();
    this.#abandon(error);
    for (const { reject } of this.#loads.values()) reject(error);
    this.#loads.clear();
  }

  #stopWorker() {
    for (const helper of this.#helpers.values()) helper.terminate?.();
    this.#helpers.clear();
    (this.#worker?.terminate ?? this.#worker?.close)?.call(this.#worker);
    this.#worker = null;
    this.#outbox = null;
  }

  /** Nobody will answer what was asked so far. @param {CandorError} error */
  #abandon(error) {
    this.#starting?.reject(error);
    this.#closing?.reject(error);
    for (const { reject } of this.#commands.values()) reject(error);
    for (const chat of this.#chats.values()) chat.fail(error);
    this.#commands.clear();
    this.#chats.clear();
  }

  /** What the core had stored in an earlier visit. @param {string} key */
  #record(key) {
    const text = attempt(() => this.#options.records?.getItem(key)) ?? null;
    return text !== null && text.length <= RECORD_LIMIT ? text : null;
  }
}

/**
 * One answer. Not an async generator: those queue return() behind a pending next(), and Stop must work at once.
 *
 * @implements {AsyncIterableIterator<string, Finish | undefined>}
 */
class Chat {
  #begin;
  #stop;
  #signal;
  /** How it ended, whether or not anybody read it to its end. */
  #outcome =
    /** @type {{ resolve(finish: Finish): void, reject(error: CandorError): void }} */ ({});
  /** @type {Promise<Finish>} */
  #finish = new Promise((resolve, reject) => (this.#outcome = { resolve, reject }));
  #begun = false;
  #text = '';
  /** @type {Finish | undefined} */
  #result;
  #ended = false;
  /** @type {CandorError | null} */
  #error = null;
  /** @type {Reader[]} */
  #readers = [];
  #abort = () => {
    this.#halt();
    this.fail(cancelled());
  };

  /**
   * @param {{ begin(): void, stop(): void, reading(tokens: number, total: number): void, signal?: AbortSignal }} options
   */
  constructor({ begin, stop, reading, signal }) {
    this.#begin = begin;
    this.#stop = stop;
    this.reading = reading;
    this.#signal = signal;
    // Nobody has to ask for it.
    this.#finish.catch(() => {});
  }

  get finish() {
    this.#start();
    return this.#finish;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @returns {Promise<IteratorResult<string, Finish | undefined>>} */
  async next() {
    this.#start();
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
      this.#serve();
    });
  }

  #start() {
    if (this.#begun) return;
    this.#begun = true;
    if (this.#signal?.aborted) this.fail(cancelled());
    else if (!this.#ended) {
      this.#signal?.addEventListener('abort', this.#abort, { once: true });
      try {
        this.#begin();
      } catch (error) {
        this.fail(CandorError.from(/** @type {CandorError} */ (error)));
      }
    }
  }

  /** Stops the answer. */
  async return() {
    this.#halt();
    if (!this.#begun) this.#outcome.reject(cancelled());
    this.#text = '';
    this.#close();
    return { done: /** @type {const} */ (true), value: this.#result };
  }

  /** @param {unknown} error @returns {Promise<never>} */
  async throw(error) {
    await this.return();
    throw error;
  }

  /** @param {string} text */
  piece(text) {
    if (this.#ended) return;
    this.#text += text;
    this.#serve();
  }

  /** @param {Finish} result */
  end(result) {
    this.#outcome.resolve(result);
    if (this.#ended) return;
    this.#result = result;
    this.#close();
  }

  /** @param {CandorError} error */
  fail(error) {
    this.#outcome.reject(error);
    if (this.#ended) return;
    this.#error = error;
    this.#close();
  }

  #halt() {
    if (this.#begun && !this.#ended) this.#stop();
  }

  #close() {
    this.#ended = true;
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#serve();
  }

  #serve() {
    while (this.#readers.length && (this.#text || this.#ended)) {
      const reader = /** @type {Reader} */ (this.#readers.shift());
      if (this.#text) {
        // Whatever came since the last call, in one piece.
        reader.resolve({ done: false, value: this.#text });
        this.#text = '';
      } else if (this.#error) {
        reader.reject(this.#error);
        this.#error = null;
      } else reader.resolve({ done: true, value: this.#result });
    }
  }
}

/**
 * @param {MakeWorker} makeWorker gives anything that carries messages and serves the protocol
 * @param {ConnectOptions} options
 * @returns {Promise<Loader>}
 */
export async function connect(makeWorker, options) {
  const loader = new Loader(makeWorker, options);
  await loader.start();
  return loader;
}

/** @param {Parameters<typeof CandorError.from>[0]} error as it came from the worker */
const said = (error) => CandorError.from(sayError(error));

const left = () => new CandorError('aborted', 'The page was left.', { retryable: true });

const cancelled = () => new CandorError('aborted', 'Cancelled.', { retryable: true });

// Ours take some hundred characters.
const RECORD_LIMIT = 64 << 10;

/**
 * The caller's own, not one that a prototype has.
 *
 * @param {{ signal?: AbortSignal } | null | undefined} options
 * @param {string} where
 */
function signalOf(options, where) {
  const signal = options && Object.hasOwn(options, 'signal') ? options.signal : undefined;
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw new TypeError(`The option "signal" of ${where} is an AbortSignal.`);
}

/**
 * What is shown of a model whose worker is gone: nothing goes on, and a retry makes a new worker.
 *
 * @param {Snapshot} snapshot
 * @param {CandorError} error
 * @returns {Snapshot}
 */
const deadSnapshot = (snapshot, error) => ({
  ...snapshot,
  status: 'failed',
  speed: null,
  timeRemaining: null,
  etaLow: null,
  etaHigh: null,
  eta: { kind: /** @type {const} */ ('none'), low: 0, high: 0 },
  stalledFor: 0,
  resident: 0,
  elsewhere: false,
  goesOn: false,
  error: { ...error.toJSON(), kept: snapshot.totalDownloaded, retryIn: null },
  can: { pause: false, resume: false, cancel: false, retry: true, update: false, remove: false },
});

/** @template T @param {(news: T) => void} fn @param {T} news */
function deliver(fn, news) {
  try {
    fn(news);
  } catch (error) {
    // A broken subscriber is its owner's to see, and must not keep the others from hearing.
    reportError(error);
  }
}

/** @template T @param {() => T} work @returns {T | undefined} */
function attempt(work) {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** @param {unknown} messages */
function checkMessages(messages) {
  const good =
    Array.isArray(messages) &&
    messages.length > 0 &&
    messages.every(
      (message) =>
        message && typeof message.role === 'string' && typeof message.content === 'string',
    );
  if (!good) {
    throw new TypeError(
      'chat() needs at least one message of the form { role, content }, both strings.',
    );
  }
}

/** What each option of a generation must be. @type {Record<keyof GenerationOptions, (value: any) => boolean>} */
const OPTIONS = {
  maxNewTokens: (value) => Number.isSafeInteger(value) && value > 0,
  temperature: (value) => Number.isFinite(value) && value >= 0,
  topK: (value) => Number.isSafeInteger(value) && value >= 0,
  topP: (value) => value > 0 && value <= 1,
  minP: (value) => value >= 0 && value <= 1,
  repetitionPenalty: (value) => Number.isFinite(value) && value > 0,
  seed: (value) => Number.isSafeInteger(value) && value >= 0,
  stop: (value) =>
    Array.isArray(value) && value.every((text) => typeof text === 'string' && text !== ''),
};

/** @param {Record<string, unknown>} options */
function checkOptions(options) {
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(OPTIONS, name)
      ? OPTIONS[/** @type {keyof GenerationOptions} */ (name)]
      : undefined;
    if (!check) throw new TypeError(`chat() knows no option "${name}".`);
    if (value !== undefined && !check(value)) {
      throw new TypeError(`The option "${name}" of chat() cannot be ${textOf(value)}.`);
    }
  }
}
