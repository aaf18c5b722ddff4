import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { transformersProgress } from '../../web/src/page/transformers.js';

const wasmBinary = await readFile(new URL('../../web/dist/core/candor-core.wasm', import.meta.url));
/** @param {ReturnType<typeof make>} p @returns {import('../../web/bindings.d.ts').Snapshot} */
const shown = (p) => /** @type {any} */ (p.snapshot());
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
  assert.equal(p.snapshot(), null, 'nobody knows anything yet');
  await p.loaded;
  const { status, phase, totalDownloaded, totalSize, files, modelKey, modelName } = shown(p);
  assert.deepEqual(
    [status, phase, totalDownloaded, totalSize],
    ['downloading', 'download', 505, 1000],
  );
  assert.deepEqual([modelKey, modelName], ['mini', 'Mini']);
  assert.deepEqual(
    files.map(({ file, status: state }) => [file, state]),
    [
      ['config.json', 'done'],
      ['onnx/model_q4.onnx', 'progress'],
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
  const { status, error } = shown(p);
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

test('before anything is heard the model is idle, and a subscriber hears of it when the core is there', async () => {
  const p = make();
  /** @type {string[]} */
  const heard = [];
  p.subscribe('mini', ({ status }) => heard.push(status));
  assert.deepEqual(heard, []);
  await p.loaded;
  assert.deepEqual(heard, ['idle']);
  p.dispose();
});

test('a core that cannot be loaded costs the progress, not the model', async () => {
  const p = transformersProgress({ modelKey: 'mini', core: { wasmBinary: new Uint8Array(4) } });
  await assert.rejects(p.loaded);
  assert.doesNotThrow(() => EVENTS.forEach(p.callback));
  assert.equal(await p.watch(Promise.resolve('model')), 'model');
  assert.equal(p.snapshot(), null);
  p.dispose();
});

/** Whether the event lives on after it was told. @param {(event: object) => void} tell */
async function isHeld(tell) {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  const held = new WeakRef({ status: 'initiate', name: 'owner/mini', file: 'config.json' });
  tell(/** @type {object} */ (held.deref()));
  // A WeakRef holds its target until the end of the task.
  await new Promise((resolve) => setImmediate(resolve));
  gc();
  return held.deref() !== undefined;
}

test('once the core cannot come, or nobody wants to see it, events are held by nobody', async () => {
  const p = transformersProgress({ modelKey: 'mini', core: { wasmBinary: new Uint8Array(4) } });
  await assert.rejects(p.loaded);
  assert.equal(await isHeld(p.callback), false);
  const good = make();
  good.callback(EVENTS[0]);
  good.dispose();
  assert.equal(await isHeld(good.callback), false, 'after dispose');
  p.dispose();
});

test('however many events come before the core, a bounded number waits for it, and no end of a file is lost', async () => {
  const p = make();
  const [initiate, download] = EVENTS.slice(4);
  p.callback(initiate);
  p.callback(download);
  let read = 0;
  for (let i = 1; i <= 100_000; i++) {
    p.callback({
      get status() {
        read += 1;
        return 'progress';
      },
      name: 'owner/mini',
      file: 'onnx/model_q4.onnx',
      loaded: i * 10,
      total: 1_000_000,
    });
  }
  p.callback({ status: 'done', name: 'owner/mini', file: 'onnx/model_q4.onnx' });
  await p.loaded;
  assert.ok(read > 0 && read < 10_000, `${read} events waited`);
  const { status, totalDownloaded, filesCompleted } = shown(p);
  assert.deepEqual([status, totalDownloaded, filesCompleted], ['loading', 1_000_000, 1]);
  p.dispose();
});
