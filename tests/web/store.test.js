import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { memoryStore } from '../../web/src/adapters/memory-store.js';
import { opfsStore } from '../../web/src/adapters/opfs.js';
import { serveStore } from '../../web/src/disk/serve-store.js';
import { remoteStore } from '../../web/src/loader/remote-store.js';
import { StoreError, segmentsOf } from '../../web/src/store.js';
import { FakeDirectory } from './support/opfs.js';
import { bytesOf, fakeClock, settle } from './support/fakes.js';

/** @type {FakeDirectory} */
let disk;

/**
 * A store over a disk of its own.
 * @param {() => Promise<void>} [wait]
 * @returns {Promise<import('../../web/src/folder.d.ts').Store>}
 */
async function opfs(wait) {
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
  const store = await opfsStore(wait);
  assert.ok(store);
  return store;
}

/** @type {(() => void)[]} */
const ends = [];
after(() => ends.forEach((end) => end()));

/** The OPFS in another context. */
async function elsewhere() {
  const made = opfs();
  const { available, store, end } = remoteStore(() => {
    const { port1, port2 } = new MessageChannel();
    serveStore(port2, made);
    return Object.assign(port1, { terminate: () => port1.close() });
  }, fakeClock());
  ends.push(end);
  assert.equal(await available(), true);
  return store;
}

for (const [name, make] of /** @type {const} */ ([
  ['memory', async () => memoryStore()],
  ['OPFS', opfs],
  ['elsewhere', elsewhere],
])) {
  test(`${name}: what is written at a place is read from there, over the bounds of blocks`, async () => {
    const folder = (await make()).folder('f');
    assert.equal(await folder.open(0, 'onnx/a.bin'), 0);
    const at = 2 ** 20 - 3;
    const back = await folder.write(0, at, bytesOf('abcdefgh'));
    assert.equal(new TextDecoder().decode(back), 'abcdefgh');
    const read = async (/** @type {number} */ place) =>
      new TextDecoder().decode((await folder.read(0, place, new Uint8Array(20))) ?? undefined);
    assert.equal(await read(at + 2), 'cdefgh');
    assert.equal(await read(at + 8), '');
    assert.equal(await read(at + 900), '');
    // In the order in which it is asked for, without waiting.
    folder.write(0, 0, bytesOf('xyz'));
    folder.truncate(0, 1);
    folder.truncate(0, 3);
    folder.close(0);
    const blob = await folder.blob('onnx/a.bin');
    assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), Uint8Array.of(120, 0, 0));
    assert.deepEqual((await folder.readJournal()).files, [{ path: 'onnx/a.bin', size: 3 }]);
  });

  test(`${name}: a file that is closed or was never there is a StoreError`, async () => {
    const folder = (await make()).folder('f');
    await folder.open(0, 'a');
    await folder.close(0);
    await folder.close(0);
    assert.equal(await folder.read(0, 0, new Uint8Array(1)), null);
    await assert.rejects(folder.write(0, 0, bytesOf('x')), StoreError);
    await assert.rejects(folder.truncate(0, 0), StoreError);
    await assert.rejects(folder.blob('missing'), StoreError);
  });

  test(`${name}: paths that lead elsewhere are refused`, async () => {
    const folder = (await make()).folder('f');
    for (const path of ['', '/', '/a', 'a/', 'a//b', '.', '../a', 'a/../../b', 'a\\b', 'a\0b']) {
      await assert.rejects(folder.open(0, path), StoreError, JSON.stringify(path));
    }
  });

  test(`${name}: says how much a folder takes, and makes none by looking`, async () => {
    const store = await make();
    assert.equal(await store.folder('f').size(), 0);
    if (name !== 'memory') {
      const names = [];
      const root = /** @type {FakeDirectory} */ (await disk.getDirectoryHandle('candor'));
      for await (const key of root.keys()) names.push(key);
      assert.deepEqual(names, []);
    }
    const folder = store.folder('f');
    await folder.open(0, 'onnx/deep/a.bin');
    await folder.write(0, 0, bytesOf('abcdef'));
    await folder.open(1, 'b');
    await folder.write(1, 0, bytesOf('xyz'));
    // Also from beside, while the files are open.
    assert.equal(await store.folder('f').size(), 9);
    await folder.remove();
    assert.equal(await folder.size(), 0);
  });

  test(`${name}: the two places of the journal are kept apart, and go with the folder`, async () => {
    const store = await make();
    const folder = store.folder('f');
    assert.deepEqual((await folder.readJournal()).texts, [null, null]);
    await folder.writeJournal(1, 'one');
    assert.deepEqual((await folder.readJournal()).texts, [null, 'one']);
    for (const [slot, text] of /** @type {const} */ ([
      [0, 'two, longer'],
      [1, 'x'],
      [0, '3'],
    ])) {
      await folder.writeJournal(slot, text);
    }
    assert.deepEqual(await folder.readJournal(), { texts: ['3', 'x'], files: [] });
    await folder.open(0, 'a');
    await folder.remove();
    assert.equal(await folder.read(0, 0, new Uint8Array(1)), null);
    assert.deepEqual(await folder.readJournal(), { texts: [null, null], files: [] });
    await folder.open(0, 'a');
    const other = await store.folder('g').readJournal();
    assert.deepEqual(other, { texts: [null, null], files: [] });
  });
}

test('OPFS: a journal whose writing was interrupted leaves the one in the other place', async () => {
  await opfs();
  /** The worker ends and another one begins. */
  const restarted = async () => {
    disk.closeAll();
    const store = await opfsStore();
    assert.ok(store);
    return store.folder('f');
  };
  let folder = await restarted();
  await folder.writeJournal(0, 'first');
  for (const stage of /** @type {const} */ (['create', 'write', 'flush'])) {
    disk.failNext(stage, 'journal.1');
    await assert.rejects(folder.writeJournal(1, `torn at ${stage}`), StoreError);
    folder = await restarted();
    assert.equal((await folder.readJournal()).texts[0], 'first', stage);
  }
  await folder.writeJournal(1, 'second');
  folder = await restarted();
  assert.deepEqual((await folder.readJournal()).texts, ['first', 'second']);
});

test('OPFS: what was written before a journal is flushed before it, or there is no journal', async () => {
  const folder = (await opfs()).folder('f');
  await folder.open(0, 'a');
  await folder.open(1, 'b');
  await folder.write(0, 0, bytesOf('x'));
  await folder.write(1, 0, bytesOf('x'));
  await folder.writeJournal(0, 'one');
  assert.deepEqual(disk.flushed, ['a', 'b', 'journal.0']);
  await folder.write(1, 1, bytesOf('y'));
  disk.failNext('flush', 'b');
  await assert.rejects(folder.writeJournal(1, 'two'), StoreError);
  assert.deepEqual((await folder.readJournal()).texts, ['one', null]);
  await folder.writeJournal(1, 'three');
  await folder.write(0, 1, bytesOf('y'));
  await folder.close(0);
  assert.deepEqual(disk.flushed.slice(3), ['b', 'journal.1', 'a']);
});

test('OPFS: a file that cannot be flushed keeps no other one open, and can be removed', async () => {
  const store = await opfs(async () => {});
  const [folder, next] = [store.folder('f'), store.folder('f')];
  for (const [id, name] of ['a', 'b'].entries()) {
    await folder.open(id, name);
    await folder.write(id, 0, bytesOf('x'));
  }
  disk.failNext('flush', 'a');
  await assert.rejects(folder.closeAll(), StoreError);
  assert.equal(await next.open(0, 'a'), 1);
  assert.equal(await next.open(1, 'b'), 1);
  await next.write(0, 1, bytesOf('y'));
  disk.failNext('flush', 'a');
  await next.remove();
  assert.deepEqual([...disk.list()], []);
});

test('OPFS: a full disk is quota, whichever way the browser says so', async () => {
  const folder = (await opfs()).folder('f');
  await folder.open(0, 'a');
  disk.room = 4;
  await assert.rejects(folder.write(0, 0, bytesOf('hello')), { name: 'StoreError', kind: 'quota' });
  const quota = new DOMException('The quota has been exceeded.', 'QuotaExceededError');
  assert.equal(StoreError.from(quota).kind, 'quota');
  assert.equal(StoreError.from(new Error('No space available for this operation')).kind, 'quota');
  assert.equal(StoreError.from(new DOMException('gone', 'InvalidStateError')).kind, 'storage');
  assert.equal(StoreError.from('text').kind, 'storage');
});

test('OPFS: a file that another tab writes is said so', async () => {
  let waits = 0;
  const store = await opfs(async () => void waits++);
  const [here, there] = [store.folder('f'), store.folder('f')];
  await here.open(0, 'a');
  await assert.rejects(there.open(0, 'a'), { name: 'StoreError', message: /another tab/i });
  assert.equal(waits, 20, 'it might have been a tab that was just closed');
  await here.closeAll();
  await there.open(0, 'a');
});

test('OPFS: a file that a tab which was just closed still holds is waited for', async () => {
  let waits = 0;
  const store = await opfs(async () => void (++waits === 3 && disk.closeAll()));
  await store.folder('f').open(0, 'a');
  await store.folder('f').open(0, 'a');
  assert.equal(waits, 3);
});

test('OPFS: opening the same file again gives its first handle back', async () => {
  const folder = (await opfs()).folder('f');
  await folder.open(0, 'a');
  await folder.open(0, 'a');
  await folder.write(0, 0, bytesOf('x'));
});

/** @param {import('../../web/src/protocol.d.ts').Endpoint<any>} port */
const ending = (port) => Object.assign(port, { terminate() {} });

test('a store elsewhere that breaks fails what was asked of it, and is there anew for what comes', async () => {
  const store = memoryStore();
  /** @type {((message: string) => void)[]} */
  const breaks = [];
  let ended = 0;
  const remote = remoteStore((failed) => {
    const { port1, port2 } = new MessageChannel();
    breaks.push(failed);
    // The first one never answers.
    if (breaks.length > 1) serveStore(port2, Promise.resolve(store));
    return Object.assign(port1, {
      terminate() {
        ended++;
        port1.close();
      },
    });
  }, fakeClock());
  const folder = remote.store.folder('f');
  const lost = folder.open(0, 'a');
  breaks[0]('out of memory');
  await assert.rejects(lost, { name: 'StoreError', kind: 'storage', message: 'out of memory' });
  assert.equal(ended, 1);
  assert.equal(await folder.open(0, 'a'), 0);
  breaks[0]('again');
  assert.equal(ended, 1, 'the one that is gone has no say');
  remote.end();
});

test('a store elsewhere that falls silent is given up, but not for the sleep of the machine', async () => {
  const clock = fakeClock();
  const { port1 } = new MessageChannel();
  const remote = remoteStore(() => ending(port1), clock);
  const lost = remote.store.folder('f').open(0, 'a');
  const state = Promise.race([lost, settle().then(() => 'waits')]);
  clock.advance(3_600_000);
  assert.equal(await state, 'waits');
  clock.advance(30_000);
  await assert.rejects(lost, { name: 'StoreError', kind: 'storage', message: /does not answer/ });
  assert.equal(clock.waiting, 0);
  port1.close();
});

test('a store elsewhere does only what a store does', async () => {
  const { port1, port2 } = new MessageChannel();
  serveStore(port2, Promise.resolve(memoryStore()));
  const answer = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
  port1.postMessage({ id: 1, method: 'constructor', folder: 1, name: 'f', args: [] });
  assert.match((await answer).failure.message, /constructor/);
  port1.close();
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

test('OPFS: what another tab has open is not removed, and that is said', async () => {
  const store = await opfs(async () => {});
  const [here, there] = [store.folder('f'), store.folder('f')];
  await there.open(0, 'deep/a');
  await assert.rejects(here.remove(), { name: 'StoreError', message: /[Aa]nother tab/ });
  assert.deepEqual([...disk.list()], ['candor/f/deep/a']);
  await there.closeAll();
  await here.remove();
  assert.deepEqual([...disk.list()], []);
});
