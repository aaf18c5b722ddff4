/**
 * Files in memory, for where nothing can be kept.
 */
import { StoreError, segmentsOf } from '../store.js';

/**
 * @typedef {import('../folder.d.ts').Folder} Folder
 * @typedef {import('../folder.d.ts').Store} Store
 */

// Grown by blocks: one large array would have to be copied each time it grows.
const BLOCK = 1 << 20;

class MemoryFile {
  size = 0;
  /** @type {Uint8Array<ArrayBuffer>[]} */
  blocks = [];

  /** @param {number} offset @param {Uint8Array} bytes */
  write(offset, bytes) {
    this.#reserve(offset + bytes.length);
    for (let done = 0; done < bytes.length;) {
      const at = offset + done;
      const inside = at % BLOCK;
      const part = bytes.subarray(done, done + BLOCK - inside);
      this.blocks[Math.floor(at / BLOCK)].set(part, inside);
      done += part.length;
    }
    this.size = Math.max(this.size, offset + bytes.length);
  }

  /** @param {number} offset @param {Uint8Array} into */
  read(offset, into) {
    const length = Math.max(0, Math.min(into.length, this.size - offset));
    for (let done = 0; done < length;) {
      const at = offset + done;
      const inside = at % BLOCK;
      const part = this.blocks[Math.floor(at / BLOCK)].subarray(
        inside,
        Math.min(BLOCK, inside + length - done),
      );
      into.set(part, done);
      done += part.length;
    }
    return length;
  }

  /** @param {number} size */
  truncate(size) {
    this.#reserve(size);
    this.blocks.length = Math.ceil(size / BLOCK);
    // What is cut off must read as zeros if the file grows again.
    if (size < this.size && size % BLOCK) this.blocks[this.blocks.length - 1].fill(0, size % BLOCK);
    this.size = size;
  }

  blob() {
    return new Blob(
      this.blocks.map((block, i) =>
        i === this.blocks.length - 1 ? block.subarray(0, this.size - i * BLOCK) : block,
      ),
    );
  }

  /** @param {number} size */
  #reserve(size) {
    try {
      while (this.blocks.length * BLOCK < size) this.blocks.push(new Uint8Array(BLOCK));
    } catch (error) {
      throw new StoreError('quota', String(error));
    }
  }
}

/** @implements {Folder} */
class MemoryFolder {
  /** @type {Map<string, MemoryFile>} */
  #files = new Map();
  /** @type {Map<number, MemoryFile>} */
  #open = new Map();
  /** @type {[string | null, string | null]} */
  #journals = [null, null];

  async readJournal() {
    const files = [...this.#files].map(([path, { size }]) => ({ path, size }));
    return { texts: /** @type {[string | null, string | null]} */ ([...this.#journals]), files };
  }

  /** @param {number} slot @param {string} text */
  async writeJournal(slot, text) {
    this.#journals[slot] = text;
  }

  /** @param {number} id @param {string} path */
  async open(id, path) {
    const name = segmentsOf(path).join('/');
    const file = this.#files.get(name) ?? new MemoryFile();
    this.#files.set(name, file);
    this.#open.set(id, file);
    return file.size;
  }

  /** @param {number} id */
  #at(id) {
    const file = this.#open.get(id);
    if (!file) throw new StoreError('storage', `File ${id} is not open.`);
    return file;
  }

  /** @param {number} id @param {number} offset @param {Uint8Array<ArrayBuffer>} bytes */
  async write(id, offset, bytes) {
    this.#at(id).write(offset, bytes);
    return bytes;
  }

  /** @param {number} id @param {number} offset @param {Uint8Array<ArrayBuffer>} into */
  async read(id, offset, into) {
    const file = this.#open.get(id);
    return file ? into.subarray(0, file.read(offset, into)) : null;
  }

  /** @param {number} id @param {number} size */
  async truncate(id, size) {
    this.#at(id).truncate(size);
  }

  /** @param {number} id */
  async close(id) {
    this.#open.delete(id);
  }

  async closeAll() {
    this.#open.clear();
  }

  /** @param {string} path */
  async blob(path) {
    const file = this.#files.get(path);
    if (!file) throw new StoreError('storage', `${path} is not stored.`);
    return file.blob();
  }

  async size() {
    return [...this.#files.values()].reduce((sum, { size }) => sum + size, 0);
  }

  async remove() {
    this.#open.clear();
    this.#files.clear();
    this.#journals = [null, null];
  }
}

/** @returns {Store} */
export function memoryStore() {
  /** @type {Map<string, MemoryFolder>} */
  const folders = new Map();
  return {
    persistent: false,
    folder(name) {
      const folder = folders.get(name) ?? new MemoryFolder();
      folders.set(name, folder);
      return folder;
    },
    usage: async () => ({ quota: null, usage: null }),
  };
}
