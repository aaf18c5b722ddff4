// A model whose weights are noise: it arrives, byte for byte, and nothing can start it. Used by the tests of downloads.

import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * @typedef {import('../hub/hub.js').Hub} Hub
 * @typedef {import('../hub/files.js').FileSpec} FileSpec
 * @typedef {import('../../web/bindings.d.ts').Snapshot} Snapshot
 */

const MODEL = path.resolve(import.meta.dirname, '../../web/models/cv-mini');
export const WEIGHTS = 'onnx/model_q4.onnx';
export const SIZE = 3_000_000;

/** The small files of a real model. */
const settings = Object.fromEntries(
  await Promise.all(
    ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json'].map(
      async (name) => [name, await readFile(path.join(MODEL, name))],
    ),
  ),
);

/** @param {FileSpec} weights */
export const modelWith = (weights) => ({ files: { ...settings, [WEIGHTS]: weights } });

/** New noise, as a model of a hub, and its checksum. */
export function noise() {
  const weights = randomBytes(SIZE);
  const sha256 = createHash('sha256').update(weights).digest('hex');
  return { model: modelWith(weights), sha256 };
}

/**
 * Loads the model until all of it is verified, or until a person would be asked. Runs in the page.
 * @param {{ host: string, key: string, retries?: boolean, storage?: 'auto' | 'memory' }} options
 */
export async function loadInPage({ host, key, retries = false, storage = 'auto' }) {
  // A name that TypeScript doesn't follow: the module comes from the page's server.
  const { createLoader } = await import(String('/candor/candor.js'));
  const loader = await createLoader({
    models: { [key]: { repo: `fault/${key}`, host, executionProvider: 'wasm' } },
    storage,
  });
  /** @type {Record<string, any>} */
  const page = globalThis;
  (page.loaders ??= {})[key] = loader;
  /** @type {Snapshot[]} */
  const seen = [];
  const last = await new Promise((resolve) => {
    loader.subscribe(key, (/** @type {Snapshot} */ shown) => {
      seen.push(shown);
      if (shown.status === 'failed' && retries && shown.can.retry) {
        setTimeout(() => loader.retry(key), 5000);
      } else if (
        shown.status === 'loading' ||
        shown.status === 'ready' ||
        shown.status === 'failed'
      ) {
        resolve(shown);
      }
    });
    loader.load(key).catch(() => {});
  });
  await loader.dispose();
  const problems = [];
  let before = seen[0];
  for (const now of seen) {
    const { progress, totalDownloaded, totalSize, verified, network, cached, speed } = now;
    const numbers = [progress, totalDownloaded, totalSize, verified, network, cached, speed];
    if (numbers.some((n) => n !== null && !(n >= 0 && n < 1e15))) problems.push(['H2', numbers]);
    if (progress !== null && progress > 100) problems.push(['H2', progress]);
    const thrown = now.discarded > before.discarded;
    if (thrown && !now.discardedReason) problems.push(['H3 reason', now.discarded]);
    if (now.phase === before.phase && !thrown) {
      if ((progress ?? 0) < (before.progress ?? 0))
        problems.push(['H3', before.progress, progress]);
      if (totalDownloaded < before.totalDownloaded) problems.push(['H3 bytes', totalDownloaded]);
      if (verified < before.verified) problems.push(['H3 verified', verified]);
    }
    if (now.phase === 'download' && progress === 100 && verified !== totalSize) {
      problems.push(['H4', verified, totalSize]);
    }
    if (totalSize !== null && totalDownloaded > totalSize) problems.push(['H2 total', totalSize]);
    if (network + cached !== totalDownloaded)
      problems.push(['H5', network, cached, totalDownloaded]);
    before = now;
  }
  return { last, problems, frames: seen.length };
}

/** The weights on the disk. Runs in the page. @param {string} key */
export async function digestInPage(key) {
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('candor');
  for await (const [name, handle] of root.entries()) {
    if (!name.startsWith(`fault-${key}-`) || name.length !== `fault-${key}-`.length + 16) continue;
    const folder = await /** @type {FileSystemDirectoryHandle} */ (handle).getDirectoryHandle(
      'onnx',
    );
    const file = await (await folder.getFileHandle('model_q4.onnx')).getFile();
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
    return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }
  return 'no folder';
}

/** @param {string} name */
export const keyOf = (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, '-');

/** @param {Hub} hub */
export const sentBy = (hub) =>
  hub.ledger.entries
    .filter((entry) => entry.kind === 'file' && entry.path === WEIGHTS)
    .reduce((sum, entry) => sum + entry.sent, 0);
