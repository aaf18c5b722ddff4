/**
 * Makes web/dist: the package for pages without a bundler (no bare imports, since import maps don't apply in workers),
 * the core, and ONNX Runtime's files. `node web/build.js`, after the core was built; CANDOR_CORE_DIR says where.
 * `--types` makes the declarations, too.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { minify } from 'terser';

const web = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(web, 'dist');

/** Each becomes dist/<name>.js. */
const PAGE = {
  candor: 'src/page/index.js',
  define: 'src/page/define.js',
  transformers: 'src/page/transformers.js',
};
const WORKERS = {
  worker: 'src/loader/worker.js',
  'disk-worker': 'src/disk/disk-worker.js',
  'session-worker': 'src/session/session-worker.js',
};

/** Addresses relative to a module in src/, made relative to dist/, where all that they name lies. */
const relocate = {
  name: 'relocate',
  /** @param {import('esbuild').PluginBuild} builder */
  setup(builder) {
    builder.onLoad({ filter: /[\\/]web[\\/]src[\\/].*\.js$/ }, async ({ path: file }) => {
      const text = await readFile(file, 'utf8');
      const contents = text.replace(
        /new URL\('([^']+)',\s*import\.meta\.url\)/g,
        (_, /** @type {string} */ address) => {
          const target = path.resolve(path.dirname(file), address);
          const inDist = path.relative(dist, target).split(path.sep).join('/');
          // A worker's source becomes dist/<name>.js.
          const to = inDist.startsWith('..') ? path.basename(target) : inDist;
          return `new URL('./${to}', import.meta.url)`;
        },
      );
      return { contents, loader: 'js' };
    });
  },
};

/**
 * What the page's files share lies in files beside them, dist/page-<hash>.js: it must be there once, or words that are
 * replaced for one of them were not for the others. A worker is one file.
 * @param {object} [options]
 * @param {string[]} [options.external]
 * @param {boolean} [options.write]
 * @returns {Promise<import('esbuild').OutputFile[]>} those that were not written
 */
export async function bundle({ external = [], write = true } = {}) {
  const builds = [PAGE, WORKERS].map((entryPoints) =>
    build({
      absWorkingDir: web,
      entryPoints,
      splitting: entryPoints === PAGE,
      chunkNames: 'page-[hash]',
      outdir: dist,
      bundle: true,
      format: 'esm',
      target: 'es2022',
      minify: true,
      legalComments: 'none',
      plugins: [relocate],
      external,
      write,
      logLevel: 'warning',
    }),
  );
  return (await Promise.all(builds)).flatMap(({ outputFiles }) => outputFiles ?? []);
}

/**
 * Three builds of ONNX Runtime: two with WebGPU, for engines that can suspend WebAssembly and for the others, and one for
 * the processor. Of each its scripts and its WebAssembly, which is loaded as a file of the model.
 */
const ORT = {
  jspi: ['ort.jspi.min.mjs', 'ort-wasm-simd-threaded.jspi.mjs', 'ort-wasm-simd-threaded.jspi.wasm'],
  asyncify: [
    'ort.webgpu.min.mjs',
    'ort-wasm-simd-threaded.asyncify.mjs',
    'ort-wasm-simd-threaded.asyncify.wasm',
  ],
  plain: ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'],
};

/** Copies ONNX Runtime's files, and writes down their names and what its WebAssembly must be. */
async function copyRuntime() {
  const from = path.dirname(createRequire(import.meta.url).resolve('onnxruntime-web/webgpu'));
  const { version } = JSON.parse(await readFile(path.join(from, '../package.json'), 'utf8'));
  /** @type {Record<string, { path: string, size: number, sha256: string }>} */
  const files = {};
  for (const [build, names] of Object.entries(ORT)) {
    for (const name of names) await cp(path.join(from, name), path.join(dist, 'ort', name));
    const wasm = /** @type {string} */ (names.at(-1));
    const bytes = await readFile(path.join(from, wasm));
    files[build] = {
      path: `onnxruntime-web-${version}/${wasm}`,
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    };
  }
  const text = `export const NAMES = ${JSON.stringify(ORT)};\nexport default ${JSON.stringify(files)};\n`;
  await writeFile(path.join(dist, 'ort/files.js'), text);
}

/** For those who install the package: declarations from the JSDoc, and the hand-written ones beside them. */
async function declarations() {
  const types = path.join(dist, 'types');
  const tsc = createRequire(import.meta.url).resolve('typescript/package.json');
  execFileSync(process.execPath, [path.join(tsc, '../bin/tsc'), '-p', web], { stdio: 'inherit' });
  await cp(path.join(web, 'bindings.d.ts'), path.join(types, 'bindings.d.ts'));
  for (const name of await readdir(path.join(web, 'src'))) {
    if (!name.endsWith('.d.ts') || name === 'ambient.d.ts') continue;
    await cp(path.join(web, 'src', name), path.join(types, 'src', name));
  }
}

async function main() {
  const core = process.env.CANDOR_CORE_DIR ?? path.join(web, '../build/wasm');
  await mkdir(path.join(dist, 'core'), { recursive: true });
  await cp(path.join(core, 'candor-core.wasm'), path.join(dist, 'core/candor-core.wasm'));
  const glue = await readFile(path.join(core, 'candor-core.js'), 'utf8');
  // A tenth smaller than esbuild makes it, which has one pass.
  const { code } = await minify(glue, {
    module: true,
    ecma: 2020,
    compress: { passes: 5, keep_fargs: false },
  });
  await writeFile(path.join(dist, 'core/candor-core.js'), code ?? '');
  await copyRuntime();
  for (const name of await readdir(dist)) {
    if (name.startsWith('page-')) await rm(path.join(dist, name));
  }
  await bundle();
  if (process.argv.includes('--types')) await declarations();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
