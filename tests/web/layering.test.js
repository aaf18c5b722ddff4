import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';

const root = path.resolve(import.meta.dirname, '../..');

/**
 * @param {string} folder
 * @param {RegExp} names
 * @returns {Promise<{ file: string, code: string }[]>} without comments and, where they are no imports, texts
 */
async function sources(folder, names) {
  const found = await readdir(path.join(root, folder), { recursive: true });
  const files = found.filter((name) => names.test(name)).sort();
  assert.ok(files.length > 0, `${folder} is empty`);
  return Promise.all(
    files.map(async (name) => {
      const text = await readFile(path.join(root, folder, name), 'utf8');
      const code = text.replace(/\/\*.*?\*\//gs, '').replace(/(^|\s)\/\/.*/g, '$1');
      return { file: path.posix.join(folder, name), code };
    }),
  );
}

/** @param {{ file: string, code: string }[]} files @param {RegExp} banned */
function assertNone(files, banned) {
  for (const { file, code } of files) {
    const match = banned.exec(code);
    assert.equal(match?.[0], undefined, `${file} uses ${match?.[0]}`);
  }
}

test('the core names no platform, clock, thread, file, network or console', async () => {
  const core = [...(await sources('include', /\.hpp$/)), ...(await sources('src', /\.(cpp|hpp)$/))];
  assertNone(core, /emscripten|EMSCRIPTEN|__wasm/);
  assertNone(
    core,
    /#include <(thread|mutex|atomic|condition_variable|future|fstream|filesystem|iostream|cstdio|stdio\.h|ctime|time\.h|unistd\.h|sys\/.*|random)>/,
  );
  assertNone(
    core,
    /\b(system_clock|steady_clock|high_resolution_clock|std::time|gettimeofday|printf|getenv|std::thread)\b/,
  );
});

const web = await sources('web/src', /\.js$/);
const inFolder = (/** @type {string} */ folder) =>
  web.filter(({ file }) => file.startsWith(`web/src/${folder}/`));

test('time is read in adapters only', () => {
  const others = web.filter(({ file }) => !file.startsWith('web/src/adapters/'));
  assertNone(
    others,
    /\b(Date\.now|new Date\(\)|performance\.(now|timeOrigin)|setTimeout|setInterval|requestAnimationFrame|requestIdleCallback)\b/,
  );
  // And they are read there: the rule is about code that exists.
  assert.ok(inFolder('adapters').some(({ code }) => /performance\.now/.test(code)));
});

test('the network, the disk and ONNX Runtime are touched in adapters only', () => {
  const others = web.filter(({ file }) => !/web\/src\/(adapters\/|core\.node\.js)/.test(file));
  assertNone(others, /(?<![.#\w])fetch\(|navigator\.(storage|gpu)|\bimport\('/);
});

/** @param {string} code */
const importsOf = (code) =>
  [...code.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, name]) => name);

test('the elements import nothing but each other: their data is a snapshot, their words the formatter’s', () => {
  for (const { file, code } of inFolder('elements')) {
    for (const name of importsOf(code)) {
      assert.match(name, /^\.\/[\w-]+\.js$/, `${file} imports ${name}`);
    }
  }
});

test('adapters know nothing of the loader, and only the workers and the entries know adapters', () => {
  const wiring = /web\/src\/(worker|disk-worker|session-worker|transformers)\.js$/;
  for (const { file, code } of web) {
    for (const name of importsOf(code)) {
      if (file.startsWith('web/src/adapters/')) {
        assert.doesNotMatch(name, /(runner|client|host|index|session)\.js$|elements/, file);
      } else if (!wiring.test(file)) {
        assert.doesNotMatch(name, /adapters/, `${file} imports ${name}`);
      }
    }
  }
});

test('no code of ours builds code or markup out of text', () => {
  assertNone(
    web,
    /\b(eval|new Function)\(|\.(innerHTML|outerHTML)\s*=|insertAdjacentHTML|document\.write/,
  );
});
