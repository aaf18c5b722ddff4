// One file of a model: on disk, in memory or virtual. Hashes are computed once and remembered.

import { createHash } from 'node:crypto';
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import { virtualBytes } from './virtual.js';

/**
 * @typedef {object} Opened
 * @property {(position: number, length: number) => Promise<Buffer>} read at most `length` bytes
 * @property {() => Promise<void>} close
 *
 * @typedef {object} ModelFile
 * @property {string} path inside the model, with forward slashes
 * @property {number} size bytes
 * @property {number} modified ms since 1970
 * @property {string} key equal keys mean equal content
 * @property {string} [sha256] when it is known beforehand
 * @property {() => Promise<Opened>} open
 *
 * @typedef {Buffer | string | { size: number, seed?: number, sha256?: string }} FileSpec
 */

/**
 * @param {string} folder
 * @returns {Promise<ModelFile[]>} every file below the folder, sorted by path; `.git` is left out
 */
export async function filesOfFolder(folder) {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = await Promise.all(
    found.map(async (item) => {
      const full = path.join(item.parentPath ?? item.path, item.name);
      const name = path.relative(folder, full).split(path.sep).join('/');
      if (name === '.git' || name.startsWith('.git/')) return [];
      return item.isFile() || item.isSymbolicLink() ? [await fileOnDisk(full, name)] : [];
    }),
  );
  return files
    .flat()
    .flatMap((file) => file ?? [])
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * @param {string} full the path on disk
 * @param {string} name the path inside the model
 * @returns {Promise<ModelFile | undefined>} undefined where there is no such file
 */
export async function fileOnDisk(full, name) {
  const facts = await stat(full).catch(() => undefined);
  if (!facts?.isFile()) return undefined;
  return {
    path: name,
    size: facts.size,
    modified: facts.mtimeMs,
    key: `${full}|${facts.size}|${facts.mtimeMs}`,
    open: async () => {
      const handle = await open(full);
      return {
        read: async (position, length) => {
          const { buffer, bytesRead } = await handle.read(
            Buffer.allocUnsafe(length),
            0,
            length,
            position,
          );
          return buffer.subarray(0, bytesRead);
        },
        close: () => handle.close(),
      };
    },
  };
}

/**
 * @param {string} name the path inside the model
 * @param {FileSpec} spec the bytes themselves, or the size of a virtual file
 * @returns {ModelFile}
 */
export function fileFromSpec(name, spec) {
  const modified = Date.UTC(2026, 0, 1);
  if (typeof spec === 'string' || Buffer.isBuffer(spec)) {
    const bytes = Buffer.from(spec);
    return {
      path: name,
      size: bytes.length,
      modified,
      key: createHash('sha1').update(bytes).digest('hex'),
      open: async () => ({
        read: async (position, length) => bytes.subarray(position, position + length),
        close: async () => {},
      }),
    };
  }
  const { size, seed = 1, sha256 } = spec;
  return {
    path: name,
    size,
    modified,
    key: `virtual|${size}|${seed}`,
    sha256,
    open: async () => ({
      read: async (position, length) =>
        virtualBytes(seed, position, Math.max(0, Math.min(length, size - position))),
      close: async () => {},
    }),
  };
}

/** @type {Map<string, Promise<string>>} */
const digests = new Map();

/**
 * @param {ModelFile} file
 * @returns {Promise<string>} hex
 */
export function sha256Of(file) {
  if (file.sha256) return Promise.resolve(file.sha256);
  return digestOnce(`sha256|${file.key}`, file, 'sha256', '');
}

/**
 * @param {ModelFile} file
 * @returns {Promise<string>} what git calls the blob: sha1("blob " + length + "\0" + data), hex
 */
export function gitSha1Of(file) {
  return digestOnce(`git|${file.key}`, file, 'sha1', `blob ${file.size}\0`);
}

/**
 * @param {string} key
 * @param {ModelFile} file
 * @param {string} algorithm
 * @param {string} prefix hashed before the file's bytes
 * @returns {Promise<string>}
 */
function digestOnce(key, file, algorithm, prefix) {
  let digest = digests.get(key);
  if (!digest) {
    digest = (async () => {
      const hash = createHash(algorithm).update(prefix);
      const opened = await file.open();
      try {
        for (let position = 0; position < file.size;) {
          const bytes = await opened.read(position, 1024 * 1024);
          if (bytes.length === 0) throw new Error(`${file.path} became shorter while it was read.`);
          hash.update(bytes);
          position += bytes.length;
          // A virtual file is read without waiting; others want their turn too.
          await immediate();
        }
      } finally {
        await opened.close();
      }
      return hash.digest('hex');
    })();
    digest.catch(() => digests.delete(key));
    digests.set(key, digest);
  }
  return digest;
}
