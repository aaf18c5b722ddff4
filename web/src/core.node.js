/**
 * `candor/core` in Node, where the core's bytes come from the disk.
 */
import { readFile } from 'node:fs/promises';
import { Core, loadCore as load } from './core.js';

export { Core };

/** @type {typeof load} */
export async function loadCore({ wasmBinary, wasmUrl } = {}) {
  const url = wasmUrl ?? new URL('../dist/core/candor-core.wasm', import.meta.url);
  return load({ wasmBinary: wasmBinary ?? (await readFile(url)) });
}

/** @param {Parameters<typeof loadCore>[0]} [options] */
export async function createCore(options) {
  return new Core(await loadCore(options));
}
