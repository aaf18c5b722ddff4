/**
 * Files in the origin private file system: `candor/<model's folder>/…`.
 */
import { StoreError, segmentsOf } from '../store.js';

/**
 * @typedef {import('../ports.d.ts').Folder} Folder
 * @typedef {import('../ports.d.ts').Store} Store
 */

const ROOT = 'candor';
// A journal is written to a file of the next number, and only when that is flushed are the older ones removed: so the
// one with the lowest number is always whole.
const JOURNAL = /^journal\.(\d{1,15})$/;

/** @template T @param {() => Promise<T>} work */
async function guarded(work) {
  try {
    return await work();
  } catch (error) {
    throw StoreError.from(error);
  }
}

/** @implements {Folder} */
class OpfsFolder {
  #root;
  #name;
  #folder;
  /** @type {Map<number, FileSystemSyncAccessHandle>} */
  #open = new Map();

  /**
   * @param {FileSystemDirectoryHandle} root
   * @param {string} name
   * @param {FileSystemDirectoryHandle} folder
   */
  constructor(root, name, folder) {
    this.#root = root;
    this.#name = name;
    this.#folder = folder;
  }

  async readJournal() {
    return guarded(async () => {
      /** @type {{ path: string, size: number }[]} */
      const files = [];
      /** @type {{ number: number, file: File }[]} */
      const journals = [];
      /** @param {FileSystemDirectoryHandle} folder @param {string} prefix */
      const walk = async (folder, prefix) => {
        for await (const [name, handle] of folder.entries()) {
          if (handle.kind === 'directory') {
            await walk(/** @type {FileSystemDirectoryHandle} */ (handle), `${prefix}${name}/`);
            continue;
          }
          const file = await /** @type {FileSystemFileHandle} */ (handle).getFile();
          const match = prefix ? null : JOURNAL.exec(name);
          if (match) journals.push({ number: Number(match[1]), file });
          else files.push({ path: prefix + name, size: file.size });
        }
      };
      await walk(this.#folder, '');
      journals.sort((a, b) => a.number - b.number);
      return { text: journals.length ? await journals[0].file.text() : null, files };
    });
  }

  /** @param {string} text */
  async writeJournal(text) {
    await guarded(async () => {
      /** @type {{ name: string, number: number }[]} */
      const old = [];
      for await (const name of this.#folder.keys()) {
        const match = JOURNAL.exec(name);
        if (match) old.push({ name, number: Number(match[1]) });
      }
      const next = Math.max(0, ...old.map(({ number }) => number)) + 1;
      const file = await this.#folder.getFileHandle(`journal.${next}`, { create: true });
      const handle = await file.createSyncAccessHandle();
      try {
        writeAll(handle, 0, new TextEncoder().encode(text));
        handle.flush();
      } finally {
        handle.close();
      }
      // The oldest is the one that is surely whole, so it goes last.
      old.sort((a, b) => b.number - a.number);
      for (const { name } of old) await this.#folder.removeEntry(name);
    });
  }

  /** @param {number} id @param {string} path */
  async open(id, path) {
    const [name, ...parents] = segmentsOf(path).reverse();
    return guarded(async () => {
      this.close(id);
      let folder = this.#folder;
      for (const parent of parents.reverse()) {
        folder = await folder.getDirectoryHandle(parent, { create: true });
      }
      const file = await folder.getFileHandle(name, { create: true });
      let handle;
      try {
        handle = await file.createSyncAccessHandle();
      } catch (error) {
        if (error instanceof DOMException && error.name === 'NoModificationAllowedError') {
          throw new StoreError('storage', 'This model is being downloaded in another tab.');
        }
        throw error;
      }
      this.#open.set(id, handle);
      return handle.getSize();
    });
  }

  /** @param {number} id */
  isOpen(id) {
    return this.#open.has(id);
  }

  /**
   * @template T
   * @param {number} id
   * @param {(handle: FileSystemSyncAccessHandle) => T} work
   */
  #with(id, work) {
    const handle = this.#open.get(id);
    if (!handle) throw new StoreError('storage', `File ${id} is not open.`);
    try {
      return work(handle);
    } catch (error) {
      throw StoreError.from(error);
    }
  }

  /** @param {number} id @param {number} offset @param {Uint8Array} bytes */
  write(id, offset, bytes) {
    this.#with(id, (handle) => writeAll(handle, offset, bytes));
  }

  /** @param {number} id @param {number} offset @param {Uint8Array} into */
  read(id, offset, into) {
    return this.#with(id, (handle) => handle.read(into, { at: offset }));
  }

  /** @param {number} id @param {number} size */
  truncate(id, size) {
    this.#with(id, (handle) => handle.truncate(size));
  }

  /** @param {number} id */
  flush(id) {
    this.#with(id, (handle) => handle.flush());
  }

  /** @param {number} id */
  close(id) {
    this.#open.get(id)?.close();
    this.#open.delete(id);
  }

  closeAll() {
    for (const id of [...this.#open.keys()]) this.close(id);
  }

  /** @param {string} path */
  async blob(path) {
    const [name, ...parents] = segmentsOf(path).reverse();
    return guarded(async () => {
      let folder = this.#folder;
      for (const parent of parents.reverse()) folder = await folder.getDirectoryHandle(parent);
      return (await folder.getFileHandle(name)).getFile();
    });
  }

  async remove() {
    this.closeAll();
    await guarded(async () => {
      await this.#root.removeEntry(this.#name, { recursive: true });
      this.#folder = await this.#root.getDirectoryHandle(this.#name, { create: true });
    });
  }
}

/** @param {FileSystemSyncAccessHandle} handle @param {number} offset @param {Uint8Array} bytes */
function writeAll(handle, offset, bytes) {
  for (let done = 0; done < bytes.length;) {
    const written = handle.write(/** @type {Uint8Array<ArrayBuffer>} */ (bytes.subarray(done)), {
      at: offset + done,
    });
    // A full disk may write less instead of throwing.
    if (!(written > 0)) throw new StoreError('quota', 'The disk took no more bytes.');
    done += written;
  }
}

/**
 * Proves by writing a byte that files can be kept; private windows and old browsers refuse in different ways.
 *
 * @returns {Promise<Store | null>}
 */
export async function opfsStore() {
  try {
    const top = await navigator.storage.getDirectory();
    const root = await top.getDirectoryHandle(ROOT, { create: true });
    // A name of its own, so that two tabs can try at the same time.
    const name = `probe-${crypto.randomUUID()}`;
    const handle = await (
      await root.getFileHandle(name, { create: true })
    ).createSyncAccessHandle();
    try {
      writeAll(handle, 0, new Uint8Array(1));
    } finally {
      handle.close();
      await root.removeEntry(name);
    }
    return {
      persistent: true,
      async folder(folderName) {
        const [single, ...rest] = segmentsOf(folderName);
        if (rest.length) throw new StoreError('storage', `"${folderName}" is not one folder.`);
        return guarded(
          async () =>
            new OpfsFolder(root, single, await root.getDirectoryHandle(single, { create: true })),
        );
      },
      async usage() {
        const { quota = null, usage = null } = await navigator.storage.estimate();
        return { quota, usage };
      },
    };
  } catch {
    return null;
  }
}
