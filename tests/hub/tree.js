// Repositories and the Hub's API about them: commit, file tree, pages.

import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { fileFromSpec, filesOfFolder, gitSha1Of, sha256Of } from './files.js';

/**
 * @typedef {import('./files.js').ModelFile} ModelFile
 * @typedef {import('./files.js').FileSpec} FileSpec
 *
 * @typedef {object} ModelSpec
 * @property {string} [dir] a folder in Hugging Face layout; read anew whenever a file in it changes
 * @property {Record<string, FileSpec>} [files] path to content, instead of a folder
 * @property {boolean} [gated] 401 without the hub's token, 403 GatedRepo with another one
 *
 * @typedef {object} TreeEntry
 * @property {'file' | 'directory'} type
 * @property {unknown} oid git's name of the blob (for LFS files, of the pointer)
 * @property {unknown} size bytes
 * @property {unknown} path
 * @property {{ oid: unknown, size: unknown, pointerSize: number }} [lfs] oid is the content's sha256
 * @property {string} [xetHash]
 *
 * @typedef {object} RepoFile
 * @property {ModelFile} file
 * @property {string} oid git blob name, hex
 * @property {string} [sha256] LFS files only
 * @property {string} [xetHash] LFS files only; the CDN's ETag
 *
 * @typedef {{ commit: string, files: Map<string, RepoFile>, entries: TreeEntry[] }} Snapshot
 */

const WEIGHTS = /\.(onnx|onnx_data(_\d+)?|safetensors|bin|gguf|pt|npz|tflite)$/;
const LFS_FROM = 10 * 1024 * 1024;

/**
 * @param {string} path
 * @param {number} size bytes
 * @returns {boolean} whether the Hub would keep the file outside git: by its usual .gitattributes, or above 10 MiB
 */
export function isLfs(path, size) {
  return WEIGHTS.test(path) || size >= LFS_FROM;
}

/** One model repository at its newest commit. */
export class Repo {
  /** @type {{ signature: string, snapshot: Promise<Snapshot> } | undefined} */
  #last;

  /**
   * @param {string} name owner/name
   * @param {ModelSpec} spec
   */
  constructor(name, spec) {
    this.name = name;
    this.spec = spec;
  }

  /** @returns {Promise<Snapshot>} the files now; the commit follows from their names and content alone */
  async snapshot() {
    const { dir, files = {} } = this.spec;
    const list = dir
      ? await filesOfFolder(dir)
      : Object.entries(files).map(([path, spec]) => fileFromSpec(path, spec));
    const signature = list.map((file) => `${file.path}|${file.key}`).join('\n');
    if (this.#last?.signature === signature) return this.#last.snapshot;
    const snapshot = takeSnapshot(list);
    snapshot.catch(() => (this.#last = undefined));
    this.#last = { signature, snapshot };
    return snapshot;
  }
}

/**
 * @param {ModelFile[]} list
 * @returns {Promise<Snapshot>}
 */
async function takeSnapshot(list) {
  /** @type {Map<string, RepoFile>} */
  const files = new Map();
  /** @type {Map<string, TreeEntry>} */
  const entries = new Map();
  for (const file of list) {
    const parts = file.path.split('/');
    for (let depth = 1; depth < parts.length; depth += 1) {
      const path = parts.slice(0, depth).join('/');
      entries.set(path, { type: 'directory', oid: sha1(`tree ${path}`), size: 0, path });
    }
    const { path, size } = file;
    if (isLfs(path, size)) {
      const sha256 = await sha256Of(file);
      const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${size}\n`;
      const oid = sha1(`blob ${pointer.length}\0${pointer}`);
      const xetHash = createHash('sha256').update(`xet ${sha256}`).digest('hex');
      files.set(path, { file, oid, sha256, xetHash });
      const lfs = { oid: sha256, size, pointerSize: pointer.length };
      entries.set(path, { type: 'file', oid, size, path, lfs, xetHash });
    } else {
      const oid = await gitSha1Of(file);
      files.set(path, { file, oid });
      entries.set(path, { type: 'file', oid, size, path });
    }
  }
  const content = [...files].map(([path, { oid }]) => `${oid} ${path}`).join('\n');
  return { commit: sha1(`commit\n${content}`), files, entries: [...entries.values()] };
}

/**
 * @param {string} text
 * @returns {string} hex
 */
function sha1(text) {
  return createHash('sha1').update(text).digest('hex');
}

/**
 * One page of the tree.
 *
 * @param {TreeEntry[]} entries the whole tree
 * @param {URL} url the request, with `recursive`, `limit` and `cursor`
 * @param {string} under the folder asked for, '' for the root
 * @param {number} pageSize the most entries a page holds
 * @returns {{ page: TreeEntry[], next?: string }} `next` is the address of the next page
 */
export function treePage(entries, url, under, pageSize) {
  const recursive = url.searchParams.get('recursive') === 'true';
  const prefix = under === '' ? '' : `${under}/`;
  const asked = entries.filter(({ path }) => {
    const name = String(path);
    return name.startsWith(prefix) && (recursive || !name.slice(prefix.length).includes('/'));
  });
  const size = Math.min(pageSize, Number(url.searchParams.get('limit')) || pageSize);
  const from = Number(Buffer.from(url.searchParams.get('cursor') ?? '', 'base64url').toString());
  const page = asked.slice(from, from + size);
  if (from + size >= asked.length) return { page };
  const next = new URL(url);
  next.searchParams.set('cursor', Buffer.from(String(from + size)).toString('base64url'));
  return { page, next: next.href };
}

/**
 * What `candor.json` beside a plain folder holds.
 *
 * @param {string} dir
 * @returns {Promise<{ version: 1, files: { path: string, size: number, sha256: string }[] }>}
 */
export async function folderManifest(dir) {
  await stat(dir);
  const list = (await filesOfFolder(dir)).filter(({ path }) => path !== 'candor.json');
  const files = await Promise.all(
    list.map(async (file) => ({
      path: file.path,
      size: file.size,
      sha256: await sha256Of(file),
    })),
  );
  return { version: 1, files };
}
