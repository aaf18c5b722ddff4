/**
 * How large the package is for a visitor. `node web/size.js` prints it.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { bundle } from './build.js';

const web = path.dirname(fileURLToPath(import.meta.url));
const gzipped = (/** @type {Uint8Array} */ bytes) => gzipSync(bytes, { level: 9 }).length;

/** At most so many bytes. */
export const LIMITS = { coreGzipBytes: 115_000, webGzipBytes: 40_000 };

/**
 * Bytes after `gzip -9`. `core`: its wasm and JavaScript glue, as built. `web`: all other code of ours in the package,
 * minified as shipped; not the tokenizer, the template engine and ONNX Runtime, which are others'.
 */
export async function packageSizes() {
  const core = ['candor-core.wasm', 'candor-core.js'].map((name) =>
    readFile(path.join(web, 'dist/core', name)).then(gzipped),
  );
  const outputFiles = await bundle({ external: ['#core', '@huggingface/*'], write: false });
  const sum = (/** @type {number[]} */ list) => list.reduce((total, bytes) => total + bytes, 0);
  return {
    coreGzipBytes: sum(await Promise.all(core)),
    webGzipBytes: sum(outputFiles.map(({ contents }) => gzipped(contents))),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(JSON.stringify(await packageSizes()));
}
