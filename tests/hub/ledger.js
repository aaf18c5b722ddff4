// What was asked and what was sent.

/**
 * @typedef {object} Entry
 * @property {number} id
 * @property {number} at ms since the hub began
 * @property {string} method
 * @property {'hub' | 'cdn'} host
 * @property {string} url path and query
 * @property {'tree' | 'revision' | 'resolve' | 'file' | 'preflight' | 'site' | 'other'} kind
 * @property {string} path within the model, '' where there is none
 * @property {string | null} range the Range header
 * @property {string | null} origin the Origin header
 * @property {number} connection counts TCP connections
 * @property {number} status 0 until there are headers
 * @property {number} sent bytes of the body handed to the system; the socket's buffers may hold some of them
 * @property {boolean} done the whole body went out
 * @property {boolean} closed the reply is over, whole or not
 * @property {string[]} faults that met this reply
 */

const KEPT = 20_000;

export class Ledger {
  /** @type {Entry[]} the newest 20,000 */
  entries = [];
  /** The most replies with file bytes that were under way at once. */
  peakReplies = 0;
  #nextId = 1;
  #running = 0;
  #began = performance.now();

  /**
   * @param {Omit<Entry, 'id' | 'at' | 'status' | 'sent' | 'done' | 'closed' | 'faults'>} facts
   * @returns {Entry} live
   */
  open(facts) {
    const at = performance.now() - this.#began;
    const entry = { id: this.#nextId++, at, ...facts };
    const live = { ...entry, status: 0, sent: 0, done: false, closed: false, faults: [] };
    this.entries.push(live);
    if (this.entries.length > KEPT) this.entries.shift();
    return live;
  }

  /** Counts a reply with file bytes; `finished` ends it. */
  started() {
    this.#running += 1;
    this.peakReplies = Math.max(this.peakReplies, this.#running);
  }

  finished() {
    this.#running -= 1;
  }

  /** Forgets what was. */
  clear() {
    this.entries = [];
    this.peakReplies = this.#running;
  }

  /** @returns {Entry[]} CORS preflights: a browser asked for leave first, which CDNs may refuse */
  get preflights() {
    return this.entries.filter(({ kind }) => kind === 'preflight');
  }

  /**
   * @param {string} [path] within the model; default all files
   * @returns {Entry[]} replies that were to carry a file's bytes
   */
  files(path) {
    return this.entries.filter(
      (entry) => entry.kind === 'file' && (path === undefined || entry.path === path),
    );
  }

  /**
   * @param {string} [path]
   * @returns {number} body bytes sent
   */
  bytes(path) {
    return this.files(path).reduce((sum, { sent }) => sum + sent, 0);
  }
}
