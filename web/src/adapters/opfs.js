/**
 * Files in the origin private file system: `candor/<model's folder>/…`.
 */
import { StoreError, segmentsOf } from '../store.js';
import { clock } from './clock.js';

/**
 * @typedef {import('../folder.d.ts').Folder} Folder
 * @typedef {import('../folder.d.ts').Store} Store
 */

const ROOT = 'candor';
// The worker of a tab that was closed may hold a file for a moment after the tab's lock has gone.
const TRIES = 20;
const TRY_AGAIN_MS = 100;
// The two places of the journal.
const JOURNALS = ['journal.0', 'journal.1'];
// Ours are a small part of that: what is larger, or far more, is of somebody else.
const JOURNAL_LIMIT = 4 << 20;
const FILES_LIMIT = 50_000;

/** @param {unknown} error @param {string} name */
const isCalled = (error, name) => error instanceof DOMException && error.name === name;

/** @template T @param {() => Promise<T>} work */
async function guarded(work) {
  try {
    return await work();
  } catch (error) {
    throw StoreError.from(error);
  }
}

/**
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} [prefix]
 * @returns {AsyncGenerator<{ path: string, file: File }>} of its folders, too
 */
async function* filesIn(folder, prefix = '') {
  for await (const [name, handle] of folder.entries()) {
    const path = prefix + name;
    if (handle.kind === 'directory') {
      yield* filesIn(/** @type {FileSystemDirectoryHandle} */ (handle), `${path}/`);
    } else {
      yield { path, file: await /** @type {FileSystemFileHandle} */ (handle).getFile() };
    }
  }
}

/** @implements {Folder} */
class OpfsFolder {
  #root;
  #name;
  #inTurn;
  #wait;
  /** @type {FileSystemDirectoryHandle | null} */
  #folder = null;
  /** @type {Map<number, FileSystemSyncAccessHandle>} */
  #open = new Map();
  /** Files with bytes that may not have reached the disk. @type {Set<number>} */
  #dirty = new Set();
  /** Kept open while journals are written. @type {FileSystemSyncAccessHandle[]} */
  #journals = [];

  /**
   * @param {FileSystemDirectoryHandle} root
   * @param {string} name
   * @param {<T>(work: () => Promise<T>) => Promise<T>} inTurn performs one thing after the other
   * @param {(ms: number) => Promise<void>} wait
   */
  constructor(root, name, inTurn, wait) {
    this.#wait = wait;
    this.#root = root;
    this.#name = name;
    this.#inTurn = (/** @type {() => Promise<any>} */ work) => inTurn(() => guarded(work));
  }

  readJournal() {
    return this.#inTurn(async () => {
      this.#closeJournals();
      /** @type {{ path: string, size: number }[]} */
      const files = [];
      /** @type {[string | null, string | null]} */
      const texts = [null, null];
      for await (const { path, file } of filesIn(await this.#directory())) {
        const slot = JOURNALS.indexOf(path);
        if (slot >= 0) texts[slot] = file.size > JOURNAL_LIMIT ? null : (await file.text()) || null;
        else if (files.length < FILES_LIMIT) files.push({ path, size: file.size });
      }
      return { texts, files };
    });
  }

  /** @param {number} slot @param {string} text */
  writeJournal(slot, text) {
    return this.#inTurn(async () => {
      for (const id of this.#dirty) this.#flush(id);
      const journal = (this.#journals[slot] ??= await this.#access(
        await this.#directory(),
        JOURNALS[slot],
      ));
      const bytes = new TextEncoder().encode(text);
      writeAll(journal, 0, bytes);
      journal.truncate(bytes.length);
      journal.flush();
    });
  }

  #closeJournals() {
    // One of them may not be there.
    for (const journal of this.#journals.splice(0)) journal?.close();
  }

  async #directory() {
    const [single, ...rest] = segmentsOf(this.#name);
    if (rest.length) throw new StoreError('storage', `"${this.#name}" is not one folder.`);
    return (this.#folder ??= await this.#root.getDirectoryHandle(single, { create: true }));
  }

  /** @param {FileSystemDirectoryHandle} folder @param {string} name */
  async #access(folder, name) {
    const file = await folder.getFileHandle(name, { create: true });
    return this.#patiently(() => file.createSyncAccessHandle());
  }

  /** @template T @param {() => Promise<T>} work that cannot be done while another tab has a file open */
  async #patiently(work) {
    for (let tries = TRIES; ; tries--) {
      try {
        return await work();
      } catch (error) {
        if (!isCalled(error, 'NoModificationAllowedError')) throw error;
      }
      if (!tries) throw new StoreError('storage', 'Another tab is using the files of this model.');
      await this.#wait(TRY_AGAIN_MS);
    }
  }

  /** @param {string} path @param {boolean} create @returns {Promise<[FileSystemDirectoryHandle, string]>} */
  async #parentOf(path, create) {
    const segments = segmentsOf(path);
    const name = /** @type {string} */ (segments.pop());
    let folder = await this.#directory();
    for (const segment of segments) folder = await folder.getDirectoryHandle(segment, { create });
    return [folder, name];
  }

  /** @param {number} id @param {string} path */
  open(id, path) {
    return this.#inTurn(async () => {
      this.#close(id);
      const [folder, name] = await this.#parentOf(path, true);
      const handle = await this.#access(folder, name);
      this.#open.set(id, handle);
      return handle.getSize();
    });
  }

  /** @param {number} id */
  #at(id) {
    const handle = this.#open.get(id);
    if (!handle) throw new StoreError('storage', `File ${id} is not open.`);
    return handle;
  }

  /** @param {number} id @param {number} offset @param {Uint8Array<ArrayBuffer>} bytes */
  write(id, offset, bytes) {
    return this.#inTurn(async () => {
      const handle = this.#at(id);
      this.#dirty.add(id);
      writeAll(handle, offset, bytes);
      return bytes;
    });
  }

  /** @param {number} id @param {number} offset @param {Uint8Array<ArrayBuffer>} into */
  read(id, offset, into) {
    return this.#inTurn(async () => {
      const handle = this.#open.get(id);
      return handle ? into.subarray(0, handle.read(into, { at: offset })) : null;
    });
  }

  /** @param {number} id @param {number} size */
  truncate(id, size) {
    return this.#inTurn(async () => {
      this.#at(id).truncate(size);
      this.#dirty.add(id);
    });
  }

  /** @param {number} id */
  #flush(id) {
    this.#at(id).flush();
    this.#dirty.delete(id);
  }

  /** @param {number} id */
  #close(id) {
    const handle = this.#open.get(id);
    try {
      if (this.#dirty.has(id)) this.#flush(id);
    } finally {
      this.#open.delete(id);
      this.#dirty.delete(id);
      handle?.close();
    }
  }

  /** @param {number} id */
  close(id) {
    return this.#inTurn(async () => this.#close(id));
  }

  /** What cannot be flushed keeps nothing else open: the next tab must be able to open the files. */
  #closeAll() {
    this.#closeJournals();
    /** @type {unknown[]} */
    const failures = [];
    for (const id of [...this.#open.keys()]) {
      try {
        this.#close(id);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length) throw failures[0];
  }

  closeAll() {
    return this.#inTurn(async () => this.#closeAll());
  }

  /** @param {string} path */
  blob(path) {
    return this.#inTurn(async () => {
      const [folder, name] = await this.#parentOf(path, false);
      return (await folder.getFileHandle(name)).getFile();
    });
  }

  size() {
    return this.#inTurn(async () => {
      let folder;
      try {
        folder = await this.#root.getDirectoryHandle(this.#name);
      } catch (error) {
        if (isCalled(error, 'NotFoundError')) return 0;
        throw error;
      }
      let bytes = 0;
      for await (const { file } of filesIn(folder)) bytes += file.size;
      return bytes;
    });
  }

  remove() {
    return this.#inTurn(async () => {
      // Nothing that goes away has to reach the disk first.
      this.#dirty.clear();
      this.#closeAll();
      await this.#directory();
      this.#folder = null;
      await this.#patiently(() => this.#root.removeEntry(this.#name, { recursive: true }));
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
 * @param {(ms: number) => Promise<void>} [wait]
 * @returns {Promise<Store | null>}
 */
export async function opfsStore(wait = (ms) => new Promise((done) => clock.timer(ms, done))) {
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
    // One thing at a time, for all folders.
    /** @type {Promise<unknown>} */
    let last = Promise.resolve();
    /** @template T @param {() => Promise<T>} work */
    const inTurn = (work) => {
      const result = last.then(work);
      last = result.catch(() => {});
      return result;
    };
    return {
      persistent: true,
      folder: (folderName) => new OpfsFolder(root, folderName, inTurn, wait),
      async usage() {
        const { quota = null, usage = null } = await navigator.storage.estimate();
        return { quota, usage };
      },
    };
  } catch {
    return null;
  }
}
