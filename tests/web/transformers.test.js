import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { transformersProgress } from '../../web/src/page/transformers.js';

const wasmBinary = await readFile(new URL('../../web/dist/core/candor-core.wasm', import.meta.url));
const make = () => transformersProgress({ modelKey: 'mini', name: 'Mini', core: { wasmBinary } });

/** The events of a load with two files, the small one first, as version 4 sends them. */
const EVENTS = [
  { status: 'initiate', name: 'owner/mini', file: 'config.json' },
  { status: 'download', name: 'owner/mini', file: 'config.json' },
  {
    status: 'progress',
    name: 'owner/mini',
    file: 'config.json',
    progress: 100,
    loaded: 10,
    total: 10,
  },
  { status: 'done', name: 'owner/mini', file: 'config.json' },
  { status: 'initiate', name: 'owner/mini', file: 'onnx/model_q4.onnx' },
  { status: 'download', name: 'owner/mini', file: 'onnx/model_q4.onnx' },
  {
    status: 'progress',
    name: 'owner/mini',
    file: 'onnx/model_q4.onnx',
    progress: 0,
    loaded: 0,
    total: 990,
  },
  {
    status: 'progress',
    name: 'owner/mini',
    file: 'onnx/model_q4.onnx',
    progress: 50,
    loaded: 495,
    total: 990,
  },
];
const REST = [
  {
    status: 'progress',
    name: 'owner/mini',
    file: 'onnx/model_q4.onnx',
    progress: 100,
    loaded: 990,
    total: 990,
  },
  { status: 'done', name: 'owner/mini', file: 'onnx/model_q4.onnx' },
];

test('events that come before the core is there are not lost', async () => {
  const p = make();
  EVENTS.forEach(p.callback);
  assert.equal(p.snapshot().status, 'idle');
  await p.loaded;
  const { status, phase, totalDownloaded, totalSize, files, modelKey, modelName } = p.snapshot();
  assert.deepEqual(
    [status, phase, totalDownloaded, totalSize],
    ['downloading', 'download', 505, 1000],
  );
  assert.deepEqual([modelKey, modelName], ['mini', 'Mini']);
  assert.deepEqual(
    files.map(({ file, status: state }) => [file, state]),
    [
      ['config.json', 'done'],
      ['onnx/model_q4.onnx', 'download'],
    ],
  );
  p.dispose();
});

test('what comes after the download shows no percentage, and ready is told at once', async () => {
  const p = make();
  await p.loaded;
  /** @type {import('../../web/bindings.d.ts').Snapshot[]} */
  const seen = [];
  p.subscribe('mini', (snapshot) => seen.push(snapshot));
  await p.watch(
    (async () => {
      [...EVENTS, ...REST].forEach(p.callback);
    })(),
  );
  const last = seen[seen.length - 1];
  assert.deepEqual([last.status, last.progress, last.filesCompleted], ['ready', 100, 2]);
  // One at the start, and no more than one per interval.
  assert.ok(seen.length < 8, `${seen.length} snapshots`);
  p.dispose();
});

test('a failure is said in words, its cause kept as text, and passed on', async () => {
  const p = make();
  await p.loaded;
  EVENTS.forEach(p.callback);
  const cause = new Error('<b>503</b>');
  await assert.rejects(p.watch(Promise.reject(cause)), cause);
  const { status, error } = p.snapshot();
  assert.equal(status, 'failed');
  assert.match(String(error?.message), /^[A-Z].*\.$/);
  assert.equal(error?.detail, 'Error: <b>503</b>');
  p.dispose();
});

test('one subscriber that throws keeps no other from hearing; after dispose nobody hears', async (t) => {
  const p = make();
  await p.loaded;
  globalThis.reportError = t.mock.fn();
  let broken = false;
  p.subscribe(() => {
    if (broken) throw new Error('broken');
  });
  broken = true;
  let heard = 0;
  const stop = p.subscribe(() => (heard += 1));
  assert.equal(heard, 1);
  p.complete();
  assert.equal(heard, 2);
  stop();
  p.fail('x');
  assert.equal(heard, 2);
  p.dispose();
  p.dispose();
  assert.doesNotThrow(() => p.callback(EVENTS[0]));
});

test('a core that cannot be loaded costs the progress, not the model', async () => {
  const p = transformersProgress({ modelKey: 'mini', core: { wasmBinary: new Uint8Array(4) } });
  await assert.rejects(p.loaded);
  assert.doesNotThrow(() => EVENTS.forEach(p.callback));
  assert.equal(await p.watch(Promise.resolve('model')), 'model');
  p.dispose();
});
