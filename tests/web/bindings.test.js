import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { loadCore } from '../../web/src/core.node.js';

const declared = await readFile(new URL('../../web/bindings.d.ts', import.meta.url), 'utf8');
const core = await loadCore();

/**
 * The members of an interface of bindings.d.ts, without comments.
 * @param {string} name
 * @returns {string[]} sorted
 */
function membersOf(name) {
  const match = new RegExp(`export interface ${name}( extends \\w+)? \\{\\n(.*?)\\n\\}`, 's').exec(
    declared,
  );
  assert.ok(match, `bindings.d.ts has no interface ${name}`);
  const body = match[2].replace(/\/\*.*?\*\//gs, '').replace(/\/\/.*/g, '');
  return [...body.matchAll(/^ {2}(\w+)\??[:(]/gm)].map(([, member]) => member).sort();
}

/** @param {object} value */
const keys = (value) => Object.keys(value).sort();

// Embind gives these to every class.
const OF_EMBIND = ['constructor', 'isAliasOf', 'clone', 'delete', 'isDeleted', 'deleteLater'];

const classes = membersOf('CoreModule').filter((name) => !name.startsWith('HEAP'));

test('the module binds exactly the classes that bindings.d.ts names', () => {
  // Embind's classes can be told by a method that all have.
  const bound = keys(core).filter((name) => /** @type {any} */ (core)[name]?.prototype?.isAliasOf);
  assert.deepEqual(bound, classes);
  assert.equal(classes.length, 8);
});

for (const name of classes) {
  test(`${name} has exactly the methods that bindings.d.ts names`, () => {
    const { prototype } = /** @type {any} */ (core)[name];
    const bound = Object.getOwnPropertyNames(prototype).filter((key) => !OF_EMBIND.includes(key));
    assert.deepEqual(bound.sort(), membersOf(`${name}Handle`));
  });
}

/** @type {import('../../web/bindings.d.ts').ModelConfig} */
const CONFIG = {
  modelKey: 'mini',
  modelName: 'Mini',
  repo: 'owner/name',
  revision: 'main',
  host: 'https://hub.test',
  dtype: 'auto',
  file: '',
  executionProvider: 'auto',
  runtimeFiles: [],
  record: null,
  timings: null,
  revalidate: 'default',
  seed: 1,
};

test('a snapshot has exactly the fields that bindings.d.ts names', () => {
  const loader = new core.ModelLoader(JSON.stringify(CONFIG));
  const snapshot = JSON.parse(loader.snapshot(0));
  assert.deepEqual(keys(snapshot), membersOf('Snapshot'));
  assert.deepEqual(keys(snapshot.eta), membersOf('EtaDisplay'));
  loader.delete();
});

test('every snapshot that crosses in an action has the same fields, and an error its own', () => {
  const loader = new core.ModelLoader(JSON.stringify(CONFIG));
  /** @type {any[]} */
  const actions = [];
  const send = (/** @type {object} */ event) => {
    const json = loader.on(JSON.stringify(event), actions.length);
    actions.push(...(json ? JSON.parse(json) : []));
  };
  send({ type: 'load' });
  send({ type: 'locked', visit: 1 });
  send({
    type: 'storeFailed',
    visit: 1,
    work: 'journal',
    file: null,
    kind: 'storage',
    message: 'no disk',
  });
  const published = actions.filter(({ type }) => type === 'publish');
  assert.ok(published.length > 0);
  for (const { snapshot } of published) assert.deepEqual(keys(snapshot), membersOf('Snapshot'));
  const { error } = JSON.parse(loader.snapshot(10));
  assert.deepEqual(keys(error), membersOf('CoreError'));
  loader.delete();
});

test('the numbers of trackers, aggregates and records have exactly the fields that bindings.d.ts names', () => {
  const event = JSON.stringify({ status: 'progress', name: 'm', file: 'a', loaded: 1, total: 9 });
  const tracker = new core.ProgressTracker('m', 'a', 9);
  assert.deepEqual(keys(JSON.parse(tracker.snapshot(0))), membersOf('ProgressInfo'));
  const files = new core.MultiFileAggregator();
  files.handleFileProgress(event, 0);
  const aggregate = JSON.parse(files.snapshot(0));
  assert.deepEqual(keys(aggregate), membersOf('AggregateProgressInfo'));
  const ofSet = 'etaLow etaHigh stalledFor eta throughput secondsPerPoint error'.split(' ');
  assert.deepEqual(
    keys(aggregate.files[0]),
    membersOf('ProgressInfo').filter((key) => !ofSet.includes(key)),
  );
  const states = new core.StateManager();
  states.startDownload('m', 'M', 0);
  assert.deepEqual(keys(JSON.parse(states.state('m'))), membersOf('DownloadState'));
  const load = new core.WatchedLoad('m', 'M', 'main', false);
  assert.deepEqual(keys(JSON.parse(load.handleEvent(event, 0))), membersOf('Snapshot'));
  for (const handle of [tracker, files, states, load]) handle.delete();
});

test('bytes put into the core’s buffer are the ones it hashes, whatever the size of its memory', () => {
  const loader = new core.ModelLoader(JSON.stringify(CONFIG));
  // Larger than the memory at the start, so that it has to grow.
  for (const length of [1, 1 << 20, 1 << 26]) {
    const address = loader.buffer(length);
    assert.ok(address > 0 && address + length <= core.HEAPU8.length);
    core.HEAPU8[address + length - 1] = 7;
  }
  loader.delete();
});

test('JavaScript sees the core’s memory, before it grows and after', () => {
  const bytes = core.HEAPU8;
  assert.ok(bytes instanceof Uint8Array && core.HEAPF32 instanceof Float32Array);
  assert.equal(bytes.buffer, core.HEAPF32.buffer);
  const loop = new core.GenerationLoop('{}');
  const count = bytes.length;
  const address = loop.buffer(count);
  assert.notEqual(core.HEAPU8, bytes, 'it grew');
  core.HEAPF32[address / 4 + count - 1] = 0.5;
  assert.equal(core.HEAPU8[address + 4 * count - 1], 0x3f);
  loop.delete();
});

test('the core reads a number of JSON as JavaScript does, to the last bit', () => {
  const states = new core.StateManager();
  let seed = 5;
  const random = (/** @type {number} */ below) => {
    seed = (seed * 16807) % 2147483647;
    return seed % below;
  };
  const digits = (/** @type {number} */ count) =>
    Array.from({ length: count }, () => random(10)).join('');
  states.startDownload('m', 'M', 0);
  for (let round = 0; round < 2000; round++) {
    // Around 1e14 the last bit is a hundredth, so that it is seen in what the core writes.
    const fraction = `${digits(random(24))}1`;
    const whole = `${1 + random(7)}${digits(14)}`;
    const text = [
      `${whole}.${fraction}`,
      `${whole[0]}.${whole.slice(1)}${fraction}e14`,
      `${whole}${fraction}e-${fraction.length}`,
      `${whole}`,
      `0.${whole}${fraction}E+15`,
    ][round % 5];
    states.updateDownload('m', `{"speed":${text}}`, round);
    assert.equal(JSON.parse(states.state('m')).speed, Number(text), text);
  }
  states.delete();
});

test('what is no event changes nothing and asks for nothing', () => {
  const loader = new core.ModelLoader(JSON.stringify(CONFIG));
  const before = loader.snapshot(0);
  for (const text of ['', '{', 'null', '[]', '{"type":"nonsense"}', '{"type":7}', '"load"']) {
    assert.equal(loader.on(text, 0), '');
  }
  assert.equal(loader.snapshot(0), before);
  loader.delete();
});
