import assert from 'node:assert/strict';
import test from 'node:test';
import { memoryStore } from '../../web/src/adapters/memory-store.js';
import { opfsStore } from '../../web/src/adapters/opfs.js';
import { StoreError, segmentsOf } from '../../web/src/store.js';
import { FakeDirectory } from './support/opfs.js';
import { bytesOf } from './support/fakes.js';

/** @type {FakeDirectory} */
let disk;

/** A store over a disk of its own. @returns {Promise<import('../../web/src/ports.d.ts').Store>} */
async function opfs() {
  disk = new FakeDirectory();
  Object.defineProperty(globalThis, 'navigator', {
    configurable: true,
    value: {
      storage: {
        getDirectory: async () => disk,
        estimate: async () => ({ quota: 100, usage: 7 }),
      },
    },
  });
  const store = await opfsStore();
  assert.ok(store);
  return store;
}

for (const [name, make] of /** @type {const} */ ([
  ['memory', async () => memoryStore()],
  ['OPFS', opfs],
])) {
  test(`${name}: what is written at a place is read from there, over the bounds of blocks`, async () => {
    const folder = await (await make()).folder('f');
    assert.equal(await folder.open(0, 'onnx/a.bin'), 0);
    const at = 2 ** 20 - 3;
    folder.write(0, at, bytesOf('abcdefgh'));
    folder.write(0, 0, bytesOf('xy'));
    folder.flush(0);
    const into = new Uint8Array(20);
    assert.equal(folder.read(0, at + 2, into), 6);
    assert.equal(new TextDecoder().decode(into.slice(0, 6)), 'cdefgh');
    assert.equal(folder.read(0, at + 8, into), 0);
    assert.equal(folder.read(0, at + 900, into), 0);
    folder.truncate(0, 1);
    folder.truncate(0, 3);
    folder.close(0);
    const blob = await folder.blob('onnx/a.bin');
    assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), Uint8Array.of(120, 0, 0));
    assert.deepEqual((await folder.readJournal()).files, [{ path: 'onnx/a.bin', size: 3 }]);
  });

  test(`${name}: a file that is closed or was never there is a StoreError`, async () => {
    const folder = await (await make()).folder('f');
    await folder.open(0, 'a');
    folder.close(0);
    folder.close(0);
    assert.equal(folder.isOpen(0), false);
    for (const use of [
      () => folder.write(0, 0, bytesOf('x')),
      () => folder.read(0, 0, new Uint8Array(1)),
      () => folder.truncate(0, 0),
    ]) {
      assert.throws(use, StoreError);
    }
    await assert.rejects(folder.blob('missing'), StoreError);
  });

  test(`${name}: paths that lead elsewhere are refused`, async () => {
    const folder = await (await make()).folder('f');
    for (const path of ['', '/', '/a', 'a/', 'a//b', '.', '../a', 'a/../../b', 'a\\b', 'a\0b']) {
      await assert.rejects(folder.open(0, path), StoreError, JSON.stringify(path));
    }
  });

  test(`${name}: the journal is the last one written, and goes with the folder`, async () => {
    const store = await make();
    const folder = await store.folder('f');
    assert.equal((await folder.readJournal()).text, null);
    for (const text of ['one', 'two, longer', '3']) await folder.writeJournal(text);
    assert.deepEqual(await folder.readJournal(), { text: '3', files: [] });
    await folder.open(0, 'a');
    await folder.remove();
    assert.equal(folder.isOpen(0), false);
    assert.deepEqual(await folder.readJournal(), { text: null, files: [] });
    await folder.open(0, 'a');
    assert.deepEqual(await (await store.folder('g')).readJournal(), { text: null, files: [] });
  });
}

test('OPFS: a journal whose writing was interrupted leaves the one before', async () => {
  const folder = await (await opfs()).folder('f');
  await folder.writeJournal('whole');
  for (const stage of /** @type {const} */ (['create', 'write', 'flush', 'remove'])) {
    disk.failNext(stage, 'journal');
    await assert.rejects(folder.writeJournal(`torn at ${stage}`), StoreError);
    const { text } = await folder.readJournal();
    // Before its end, the old one; after the flush, either is whole.
    assert.equal(text, 'whole', stage);
  }
  // Now torn ones lie beside it; a crash while all these are removed must not leave a torn one as the oldest.
  disk.failNext('write', 'journal');
  await assert.rejects(folder.writeJournal('torn again'), StoreError);
  disk.failNext('remove', 'journal.1');
  await assert.rejects(folder.writeJournal('next'), StoreError);
  assert.equal((await folder.readJournal()).text, 'whole');
  await folder.writeJournal('last');
  assert.equal((await folder.readJournal()).text, 'last');
});

test('OPFS: a full disk is quota, whichever way the browser says so', async () => {
  const folder = await (await opfs()).folder('f');
  await folder.open(0, 'a');
  disk.room = 4;
  assert.throws(() => folder.write(0, 0, bytesOf('hello')), { name: 'StoreError', kind: 'quota' });
  const quota = new DOMException('The quota has been exceeded.', 'QuotaExceededError');
  assert.equal(StoreError.from(quota).kind, 'quota');
  assert.equal(StoreError.from(new Error('No space available for this operation')).kind, 'quota');
  assert.equal(StoreError.from(new DOMException('gone', 'InvalidStateError')).kind, 'storage');
  assert.equal(StoreError.from('text').kind, 'storage');
});

test('OPFS: a file that another tab writes is said so', async () => {
  const store = await opfs();
  const [here, there] = [await store.folder('f'), await store.folder('f')];
  await here.open(0, 'a');
  await assert.rejects(there.open(0, 'a'), { name: 'StoreError', message: /another tab/ });
  here.closeAll();
  await there.open(0, 'a');
});

test('OPFS: opening the same file again gives its first handle back', async () => {
  const folder = await (await opfs()).folder('f');
  await folder.open(0, 'a');
  await folder.open(0, 'a');
  folder.write(0, 0, bytesOf('x'));
});

test('where OPFS is missing or refuses to write, there is no such store', async () => {
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: {} });
  assert.equal(await opfsStore(), null);
  const refusing = new FakeDirectory();
  refusing.room = 0;
  Object.defineProperty(globalThis, 'navigator', {
    configurable: true,
    value: { storage: { getDirectory: async () => refusing } },
  });
  assert.equal(await opfsStore(), null);
});

test('the store says what space there is, and leaves nothing of its own behind', async () => {
  const store = await opfs();
  assert.deepEqual(await store.usage(), { quota: 100, usage: 7 });
  assert.equal(store.persistent, true);
  assert.deepEqual([...disk.list()], []);
});

test('segments are what stands between the slashes', () => {
  assert.deepEqual(segmentsOf('a/b..c/.d'), ['a', 'b..c', '.d']);
});
