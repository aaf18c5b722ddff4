/** The origin private file system in memory, as much of it as a worker uses, with a disk that can fail. */

/** @typedef {'create' | 'write' | 'flush' | 'truncate'} Stage */

class Disk {
  /** Bytes that still fit. */
  room = Infinity;
  /** @type {{ stage: Stage, name: string } | null} */
  failure = null;
  /** Names of files, in order. @type {string[]} */
  flushed = [];

  /** @param {Stage} stage @param {string} name */
  at(stage, name) {
    if (this.failure?.stage !== stage || !name.startsWith(this.failure.name)) return;
    this.failure = null;
    throw new DOMException('The tab was closed.', 'AbortError');
  }
}

class FakeFile {
  kind = 'file';
  bytes = new Uint8Array(0);
  locked = false;
  /** @param {string} name @param {Disk} disk */
  constructor(name, disk) {
    this.name = name;
    this.disk = disk;
  }

  async getFile() {
    return new Blob([this.bytes]);
  }

  async createSyncAccessHandle() {
    if (this.locked) throw new DOMException('locked', 'NoModificationAllowedError');
    this.locked = true;
    const resize = (/** @type {number} */ size) => {
      const bytes = new Uint8Array(size);
      bytes.set(this.bytes.subarray(0, size));
      this.bytes = bytes;
    };
    return {
      getSize: () => this.bytes.length,
      /** @param {Uint8Array} from @param {{ at: number }} options */
      write: (from, { at }) => {
        const take = Math.min(from.length, this.disk.room);
        // A crash in the middle leaves the first half.
        const torn = this.disk.failure?.stage === 'write';
        const part = from.subarray(0, torn ? take / 2 : take);
        if (at + part.length > this.bytes.length) resize(at + part.length);
        this.bytes.set(part, at);
        this.disk.at('write', this.name);
        this.disk.room -= take;
        return take;
      },
      /** @param {Uint8Array} into @param {{ at: number }} options */
      read: (into, { at }) => {
        const part = this.bytes.subarray(at, at + into.length);
        into.set(part);
        return part.length;
      },
      truncate: (/** @type {number} */ size) => {
        // The one that only cuts what was written to its end cannot go wrong.
        if (size !== this.bytes.length) this.disk.at('truncate', this.name);
        resize(size);
      },
      flush: () => {
        this.disk.at('flush', this.name);
        this.disk.flushed.push(this.name);
      },
      close: () => void (this.locked = false),
    };
  }
}

export class FakeDirectory {
  kind = 'directory';
  /** @type {Map<string, FakeFile | FakeDirectory>} */
  #entries = new Map();
  #disk;

  constructor(disk = new Disk()) {
    this.#disk = disk;
  }

  /** @param {number} bytes */
  set room(bytes) {
    this.#disk.room = bytes;
  }

  /** The next such step with a file whose name begins so fails. @param {Stage} stage @param {string} name */
  failNext(stage, name) {
    this.#disk.failure = { stage, name };
  }

  get flushed() {
    return this.#disk.flushed;
  }

  /** What the browser does when the worker ends. */
  closeAll() {
    for (const entry of this.#entries.values()) {
      if (entry instanceof FakeDirectory) entry.closeAll();
      else entry.locked = false;
    }
  }

  /** Every file below. @param {string} [prefix] @returns {Generator<string>} */
  *list(prefix = '') {
    for (const [name, entry] of this.#entries) {
      if (entry instanceof FakeDirectory) yield* entry.list(`${prefix}${name}/`);
      else yield prefix + name;
    }
  }

  /** @param {string} name @param {{ create?: boolean }} [options] @param {() => FakeFile | FakeDirectory} [make] */
  #get(name, { create = false } = {}, make) {
    const found = this.#entries.get(name);
    if (found) return found;
    if (!create || !make) throw new DOMException(`${name} is not there`, 'NotFoundError');
    this.#disk.at('create', name);
    const made = make();
    this.#entries.set(name, made);
    return made;
  }

  /** @param {string} name @param {{ create?: boolean }} [options] */
  async getDirectoryHandle(name, options) {
    return this.#get(name, options, () => new FakeDirectory(this.#disk));
  }

  /** @param {string} name @param {{ create?: boolean }} [options] */
  async getFileHandle(name, options) {
    return this.#get(name, options, () => new FakeFile(name, this.#disk));
  }

  /** Whether a file in it is open. @returns {boolean} */
  get locked() {
    return [...this.#entries.values()].some(({ locked }) => locked);
  }

  /** @param {string} name */
  async removeEntry(name) {
    if (this.#entries.get(name)?.locked) {
      throw new DOMException(name, 'NoModificationAllowedError');
    }
    if (!this.#entries.delete(name)) throw new DOMException(name, 'NotFoundError');
  }

  async *entries() {
    yield* [...this.#entries];
  }

  async *keys() {
    yield* [...this.#entries.keys()];
  }
}
