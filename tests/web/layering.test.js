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

/** The rooms of the core, and which each may use. `io` may use the plain data of others, file by file. */
const ROOMS = /** @type {Record<string, string[]>} */ ({
  base: [],
  progress: ['base'],
  state: ['base', 'progress'],
  io: ['base', 'model/device_profile', 'model/variant', 'progress/eta'],
  transfer: ['base', 'io'],
  model: ['base'],
  inference: ['base', 'io'],
  loader: ['base', 'progress', 'state', 'io', 'transfer', 'model', 'inference'],
  wire: ['base', 'progress', 'state', 'io', 'transfer', 'model', 'inference', 'loader'],
});

/** @param {{ file: string, code: string }[]} files @returns {string[]} the arrows that no room may have */
function badArrows(files) {
  const bad = [];
  for (const { file, code } of files) {
    const room = file.replace(/^(include\/candor|src|tests\/core)\//, '').split('/')[0];
    if (!Object.hasOwn(ROOMS, room)) bad.push(`${file} is in no room`);
    for (const [, header] of code.matchAll(/#include "(?:candor\/)?([\w/]+)\.hpp"/g)) {
      const to = header.split('/')[0];
      if (to !== room && !ROOMS[room]?.includes(to) && !ROOMS[room]?.includes(header)) {
        bad.push(`${file} uses ${header}`);
      }
    }
  }
  return bad;
}

test('each room of the core uses only the rooms that it may', async () => {
  const core = [
    ...(await sources('include/candor', /\.hpp$/)),
    ...(await sources('src', /\.[ch]pp$/)),
  ];
  assert.deepEqual(badArrows(core), []);
  // And the test sees a wrong arrow.
  const wrong = { file: 'src/base/time.cpp', code: '#include "candor/transfer/download.hpp"' };
  assert.deepEqual(badArrows([wrong]), ['src/base/time.cpp uses transfer/download']);
});

test('wire is nobody’s public business, and every header of a room has its own folder', async () => {
  const found = await readdir(path.join(root, 'include/candor'), { withFileTypes: true });
  assert.deepEqual(
    found.map(({ name }) => name).sort(),
    Object.keys(ROOMS)
      .filter((room) => room !== 'wire')
      .sort(),
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
  const wiring =
    /web\/src\/(loader\/worker|disk\/disk-worker|session\/session-worker|page\/transformers)\.js$/;
  for (const { file, code } of web) {
    for (const name of importsOf(code)) {
      if (file.startsWith('web/src/adapters/')) {
        assert.doesNotMatch(name, /(runner|client|host|index|\/session)\.js$|elements/, file);
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
