import assert from 'node:assert/strict';
import test from 'node:test';
import { memoryStore } from '../../web/src/adapters/memory-store.js';
import { alwaysOurTurn } from '../../web/src/adapters/tabs.js';
import { Runner } from '../../web/src/loader/runner.js';
import { StoreError } from '../../web/src/store.js';
import {
  DEVICE,
  bodyOf,
  bytesOf,
  fakeClock,
  scriptedCore,
  settle,
  nothingWrong,
} from './support/fakes.js';

/**
 * A runner over a scripted core; `then` says what the core answers to each kind of call.
 * @param {Record<string, (call: any) => any[] | void>} then
 * @param {Partial<import('../../web/src/ports.d.ts').Ports>} [ports]
 */
function setUp(then, ports = {}) {
  const core = scriptedCore((call) => then[call.type]?.(call));
  const clock = fakeClock();
  /** @type {any[]} */
  const reports = [];
  /** @param {string} type */
  const note =
    (type) =>
    (/** @type {any[]} */ ...args) =>
      void reports.push([type, ...args]);
  const runner = new Runner(
    /** @type {any} */ (core),
    /** @type {any} */ ({ modelKey: 'm' }),
    {
      clock,
      store: memoryStore(),
      fetch: async () => assert.fail('nothing should be fetched'),
      takeTurn: alwaysOurTurn,
      probe: async () => DEVICE,
      createSession: () => assert.fail('no session should be made'),
      examine: nothingWrong,
      ...ports,
    },
    {
      snapshot: note('snapshot'),
      persist: note('persist'),
      unpersist: note('unpersist'),
      reply: note('reply'),
      broken: note('broken'),
      done: note('done'),
    },
  );
  const events = () => core.calls.map(({ type }) => type);
  return { core, clock, runner, reports, events };
}

/** @param {any} body */
const reply = (body, status = 200) => ({
  status,
  redirected: false,
  headers: { etag: '"1"' },
  body,
});

const OPEN = [
  { type: 'useFolder', visit: 3, folder: 'f' },
  { type: 'open', file: 0, path: 'a/b.bin' },
];
const FETCH = { type: 'fetch', request: 1, url: 'u', range: null, body: 'stream', limit: 9 };

test('actions are performed in order, one waiting for the other', async () => {
  const { core, runner } = setUp({
    load: () => [...OPEN, { type: 'readJournal' }, { type: 'truncate', file: 0, size: 7 }],
    journal: ({ files }) => (files[0].size ? [] : [{ type: 'readJournal' }]),
  });
  runner.send({ type: 'load' });
  await settle();
  assert.deepEqual(core.calls.slice(1, 4), [
    { type: 'opened', visit: 3, file: 0, size: 0 },
    { type: 'journal', visit: 3, texts: [null, null], files: [{ path: 'a/b.bin', size: 0 }] },
    { type: 'journal', visit: 3, texts: [null, null], files: [{ path: 'a/b.bin', size: 7 }] },
  ]);
});

test('a body is written at its place, handed to the core in slices, and cut at the accepted length', async () => {
  const body = bodyOf([bytesOf('hello '), bytesOf('world, and more')], 'hang');
  const store = memoryStore();
  const { core, runner } = setUp(
    {
      load: () => OPEN,
      opened: () => [FETCH],
      head: () => [{ type: 'accept', request: 1, file: 0, offset: 3, length: 11 }],
    },
    { store, fetch: async () => reply(body) },
  );
  runner.send({ type: 'load' });
  await settle();
  assert.deepEqual(core.calls.slice(2), [
    { type: 'head', request: 1, status: 200, redirected: false, headers: { etag: '"1"' } },
    { type: 'received', request: 1, length: 6, bytes: 'hello ' },
    { type: 'received', request: 1, length: 5, bytes: 'world' },
    { type: 'end', request: 1 },
  ]);
  assert.equal(body.cancelled, true);
  const blob = await store.folder('f').blob('a/b.bin');
  assert.equal(await blob.text(), '\0\0\0hello world');
});

test('a chunk larger than a slice reaches the core in slices of at most 1 MiB', async () => {
  const body = bodyOf([new Uint8Array(2.5 * 2 ** 20)]);
  const { core, runner } = setUp(
    {
      load: () => OPEN,
      opened: () => [FETCH],
      head: () => [{ type: 'accept', request: 1, file: 0, offset: 0, length: 2 ** 30 }],
    },
    { fetch: async () => reply(body) },
  );
  runner.send({ type: 'load' });
  await settle();
  const lengths = core.calls.filter(({ type }) => type === 'received').map(({ length }) => length);
  assert.deepEqual(lengths, [2 ** 20, 2 ** 20, 2 ** 19]);
});

test('a text body arrives whole, and is cut at its limit', async () => {
  for (const [limit, expected] of /** @type {const} */ ([
    [100, '{"a":"é"}'],
    [3, '{"a'],
  ])) {
    const { core, runner } = setUp(
      { load: () => [{ ...FETCH, body: 'text', limit }] },
      { fetch: async () => reply(bodyOf([...bytesOf('{"a":"é"}')].map((b) => Uint8Array.of(b)))) },
    );
    runner.send({ type: 'load' });
    await settle();
    assert.deepEqual(core.calls.at(-1), { type: 'text', request: 1, body: expected });
    // Each byte came by itself, and each of them was heard of.
    const heard = core.calls.filter(({ type }) => type === 'heard');
    assert.deepEqual(heard, Array(Math.min(limit, 10)).fill({ type: 'heard', request: 1 }));
  }
});

test('a request that fails, before or in its body, is reported once and with its words', async () => {
  for (const fetch of [
    async () => {
      throw new TypeError('no route');
    },
    async () => reply(bodyOf([bytesOf('x')], 'break')),
  ]) {
    const { core, runner } = setUp(
      {
        load: () => OPEN,
        opened: () => [FETCH],
        head: () => [{ type: 'accept', request: 1, file: 0, offset: 0, length: 9 }],
      },
      { fetch },
    );
    runner.send({ type: 'load' });
    await settle();
    const failures = core.calls.filter(({ type }) => type === 'fetchFailed');
    assert.equal(failures.length, 1);
    assert.match(failures[0].message, /no route|network error/);
    assert.ok(!core.calls.some(({ type }) => type === 'end'));
  }
});

test('an aborted request says nothing more and its body is cancelled', async () => {
  const body = bodyOf([bytesOf('x')], 'hang');
  const { core, runner, events } = setUp(
    {
      load: () => OPEN,
      opened: () => [FETCH],
      head: () => [{ type: 'abort', request: 1 }],
    },
    { fetch: async () => reply(body) },
  );
  runner.send({ type: 'load' });
  await settle();
  assert.deepEqual(events(), ['load', 'opened', 'head']);
  assert.equal(body.cancelled, true);
  assert.equal(core.calls.length, 3);
});

test('a failing write ends the request and says which file and why', async () => {
  const store = memoryStore();
  const folder = store.folder('f');
  folder.write = async () => {
    throw new StoreError('quota', 'disk full');
  };
  const body = bodyOf([bytesOf('x'), bytesOf('y')], 'hang');
  const { core, runner } = setUp(
    {
      load: () => OPEN,
      opened: () => [FETCH],
      head: () => [{ type: 'accept', request: 1, file: 0, offset: 0, length: 9 }],
    },
    { store, fetch: async () => reply(body) },
  );
  runner.send({ type: 'load' });
  await settle();
  assert.deepEqual(core.calls.slice(3), [
    { type: 'storeFailed', visit: 3, work: 'file', file: 0, kind: 'quota', message: 'disk full' },
  ]);
  assert.equal(body.cancelled, true);
});

test('an action that cannot be performed is reported, and the next ones are performed', async () => {
  const { core, runner } = setUp({
    load: () => [
      { type: 'useFolder', visit: 3, folder: 'f' },
      { type: 'open', file: 0, path: '../escape' },
      { type: 'readJournal' },
    ],
  });
  runner.send({ type: 'load' });
  await settle();
  const failure = core.calls.find(({ type }) => type === 'storeFailed');
  assert.equal(failure.file, 0);
  assert.match(failure.message, /escape/);
  const journal = core.calls.find(({ type }) => type === 'journal');
  assert.deepEqual(journal, { type: 'journal', visit: 3, texts: [null, null], files: [] });
});

test('reading back goes in ascending slices and ends at the end of the file', async () => {
  const store = memoryStore();
  const folder = store.folder('f');
  await folder.open(9, 'a/b.bin');
  await folder.write(9, 0, new Uint8Array(2 ** 20 + 5));
  const { core, runner } = setUp(
    { load: () => OPEN, opened: () => [{ type: 'read', file: 0, offset: 3, length: 2 ** 22 }] },
    { store },
  );
  runner.send({ type: 'load' });
  await settle();
  assert.deepEqual(core.calls.slice(2), [
    { type: 'hashed', file: 0, offset: 3, length: 2 ** 20 },
    { type: 'hashed', file: 0, offset: 3 + 2 ** 20, length: 2 },
    { type: 'hashed', file: 0, offset: 5 + 2 ** 20, length: 0 },
  ]);
});

test('what the visitor wants comes between two slices that are read back', async () => {
  const store = memoryStore();
  const folder = store.folder('f');
  await folder.open(9, 'a/b.bin');
  await folder.write(9, 0, new Uint8Array(2 ** 22));
  const { runner, events } = setUp(
    { load: () => OPEN, opened: () => [{ type: 'read', file: 0, offset: 0, length: 2 ** 22 }] },
    { store },
  );
  runner.send({ type: 'load' });
  while (!events().includes('hashed')) await new Promise((resolve) => setImmediate(resolve));
  runner.send({ type: 'pause' });
  await settle();
  assert.equal(events().filter((type) => type === 'hashed').length, 4);
  assert.ok(events().lastIndexOf('hashed') > events().indexOf('pause'));
});

test('reading back stops when the file is closed meanwhile', async () => {
  const store = memoryStore();
  const folder = store.folder('f');
  await folder.open(9, 'a/b.bin');
  await folder.write(9, 0, new Uint8Array(2 ** 22));
  const { core, runner } = setUp(
    {
      load: () => OPEN,
      opened: () => [{ type: 'read', file: 0, offset: 0, length: 2 ** 22 }],
      pause: () => [{ type: 'close', file: 0 }],
    },
    { store },
  );
  runner.send({ type: 'load' });
  while (!core.calls.some(({ type }) => type === 'hashed')) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  runner.send({ type: 'pause' });
  await settle();
  assert.deepEqual(core.calls.at(-1), { type: 'pause' });
});

test('snapshots and records go out at once, not behind a slow disk', async () => {
  const store = memoryStore();
  const never = new Promise(() => {});
  const { runner, reports } = setUp(
    {
      load: () => [
        { type: 'useFolder', visit: 3, folder: 'f' },
        { type: 'publish', snapshot: { modelKey: 'm' } },
        { type: 'persist', key: 'k', json: '{}' },
        { type: 'unpersist', key: 'k' },
      ],
    },
    { store: { ...store, folder: () => /** @type {any} */ (never) } },
  );
  runner.send({ type: 'load' });
  assert.deepEqual(reports, [
    ['snapshot', { modelKey: 'm' }],
    ['persist', 'k', '{}'],
    ['unpersist', 'k'],
  ]);
});

/** A folder whose calls are noted and wait until they are let go, each in its turn. */
function slowStore() {
  const store = memoryStore();
  const folder = store.folder('f');
  /** @type {string[]} */
  const log = [];
  /** @type {(() => void)[]} */
  const held = [];
  const methods = ['open', 'write', 'truncate', 'writeJournal', 'close', 'closeAll'];
  for (const method of methods) {
    const real = /** @type {any} */ (folder)[method].bind(folder);
    /** @type {any} */ (folder)[method] = async (/** @type {any[]} */ ...args) => {
      log.push(method);
      await new Promise((resolve) => held.push(() => resolve(undefined)));
      return real(...args);
    };
  }
  /** @param {number} [count] */
  async function letGo(count = Infinity) {
    for (; count > 0; count--) {
      await settle();
      const next = held.shift();
      if (!next) return;
      next();
    }
    await settle();
  }
  return { store, log, letGo };
}

test('the disk is asked at once and in order, and the core hears what is done when it is done', async () => {
  const { store, log, letGo } = slowStore();
  const { core, runner, events } = setUp(
    {
      load: () => [...OPEN, { type: 'truncate', file: 0, size: 1 }],
      opened: () => [{ type: 'writeJournal', slot: 1, text: '1' }],
    },
    { store },
  );
  runner.send({ type: 'load' });
  assert.deepEqual(log, ['open', 'truncate']);
  await letGo(2);
  assert.deepEqual(log, ['open', 'truncate', 'writeJournal']);
  assert.deepEqual(events(), ['load', 'opened']);
  await letGo();
  await runner.idle();
  assert.deepEqual(core.calls.at(-1), { type: 'journaled', visit: 3 });
});

test('bytes are read while others are written, but only so many; the core hears of those that are written', async () => {
  const { store, letGo, log } = slowStore();
  let reads = 0;
  const body = {
    read: async () => ({ value: reads++ < 100 ? new Uint8Array(2 ** 18).fill(reads) : undefined }),
    cancel: async () => {},
  };
  const { runner, events, core } = setUp(
    {
      load: () => OPEN,
      opened: () => [FETCH],
      head: () => [{ type: 'accept', request: 1, file: 0, offset: 0, length: 2 ** 30 }],
    },
    { store, fetch: async () => reply(body) },
  );
  runner.send({ type: 'load' });
  await letGo(1);
  await settle();
  assert.equal(log.length, 1 + 12, 'so many buffers are on their way');
  assert.deepEqual(events(), ['load', 'opened', 'head']);
  await letGo(1);
  assert.equal(events().at(-1), 'received');
  await letGo();
  assert.equal(core.calls.filter(({ type }) => type === 'received').length, 100);
  assert.equal(events().at(-1), 'end');
});

test('what came before a connection broke is told before the failure', async () => {
  const { store, letGo } = slowStore();
  const { runner, events } = setUp(
    {
      load: () => OPEN,
      opened: () => [FETCH],
      head: () => [{ type: 'accept', request: 1, file: 0, offset: 0, length: 9 }],
    },
    { store, fetch: async () => reply(bodyOf([bytesOf('x'), bytesOf('y')], 'break')) },
  );
  runner.send({ type: 'load' });
  await letGo();
  assert.deepEqual(events().slice(3), ['received', 'received', 'fetchFailed']);
});

test('the folder is another tab’s only when its files are closed', async () => {
  const { store, log, letGo } = slowStore();
  const { runner } = setUp(
    {
      load: () => [{ type: 'lock', visit: 2, folder: 'f', toRemove: false }],
      locked: () => OPEN,
      cancel: () => [{ type: 'close', file: 0 }, { type: 'unlock' }],
    },
    {
      store,
      takeTurn: async () => ({ tell() {}, share() {}, end: async () => void log.push('end') }),
    },
  );
  runner.send({ type: 'load' });
  await letGo();
  runner.send({ type: 'cancel' });
  await settle();
  assert.deepEqual(log, ['open', 'close', 'closeAll']);
  await letGo();
  assert.deepEqual(log, ['open', 'close', 'closeAll', 'end']);
});

test('the core is woken when it asked to be, once, and not after it changed its mind', () => {
  const { core, clock, runner, events } = setUp({});
  core.wake = clock.now() + 50;
  runner.send({ type: 'load' });
  clock.advance(49);
  assert.deepEqual(events(), ['load']);
  core.wake = NaN;
  clock.advance(1);
  assert.deepEqual(events(), ['load', 'tick']);
  assert.equal(clock.waiting, 0);
  core.wake = clock.now() + 50;
  runner.send({ type: 'pause' });
  core.wake = NaN;
  runner.send({ type: 'resume' });
  clock.advance(100);
  assert.deepEqual(events(), ['load', 'tick', 'pause', 'resume']);
});

/** @param {any[]} log */
const sessionFactory =
  (log) => (/** @type {any} */ plan, /** @type {any} */ files, /** @type {any} */ on) => {
    const session = {
      plan,
      files,
      on,
      closed: false,
      chat: (/** @type {any[]} */ ...args) => void log.push(['chat', ...args]),
      stop: (/** @type {number} */ id) => void log.push(['stop', id]),
      close: () => void (session.closed = true),
    };
    log.push(session);
    return session;
  };

const PLAN = {
  executionProvider: 'wasm',
  dtype: 'q4',
  graph: 'a/b.bin',
  externalData: [],
  config: 'a/b.bin',
  generationConfig: null,
  tokenizer: 'a/b.bin',
  tokenizerConfig: null,
  chatTemplate: null,
  threads: 1,
  runtime: 'asyncify',
};

const LOST = {
  code: 'device_lost',
  message: 'The graphics device was lost.',
  retryable: true,
  kept: 0,
  detail: 'gone',
  retryIn: null,
};

test('a session gets its files, and a chat in flight fails when it is lost', async () => {
  /** @type {any[]} */
  const log = [];
  const { core, runner, reports } = setUp(
    {
      load: () => OPEN,
      opened: () => [{ type: 'createSession', session: 5, plan: PLAN }],
      answerFailed: ({ chat }) => [{ type: 'rejectChat', chat, error: LOST }],
    },
    { createSession: sessionFactory(log) },
  );
  runner.send({ type: 'load' });
  await settle();
  const [session] = log;
  assert.deepEqual(Object.keys(session.files), ['a/b.bin']);
  runner.chat(7, [{ role: 'user', content: 'Hi' }], {});
  session.on.reply({ type: 'piece', id: 7, text: 'Hel' });
  session.on.event({ type: 'sessionLost', message: 'gone' });
  assert.deepEqual(core.calls.slice(-2), [
    { type: 'answerFailed', session: 5, chat: 7, message: 'gone' },
    { type: 'sessionLost', message: 'gone', session: 5 },
  ]);
  assert.equal(reports[0][1].type, 'piece');
  assert.equal(reports[1][1].type, 'chatFailed');
  assert.equal(reports[1][1].error.code, 'device_lost');
});

test('a new attempt closes the old session, which has no say any more', async () => {
  /** @type {any[]} */
  const log = [];
  const { core, runner } = setUp(
    {
      load: () => OPEN,
      opened: () => [{ type: 'createSession', session: 1, plan: PLAN }],
      retry: () => [{ type: 'createSession', session: 2, plan: PLAN }],
    },
    { createSession: sessionFactory(log) },
  );
  runner.send({ type: 'load' });
  await settle();
  runner.send({ type: 'retry' });
  await settle();
  const [first, second] = log;
  assert.equal(first.closed, true);
  assert.equal(second.closed, false);
  const before = core.calls.length;
  first.on.event({ type: 'sessionReady' });
  assert.equal(core.calls.length, before);
  second.on.event({ type: 'sessionReady' });
  assert.deepEqual(core.calls.at(-1), { type: 'sessionReady', session: 2 });
});

test('a plan that names a file which is not there is the store’s failure', async () => {
  const { core, runner } = setUp({
    load: () => [
      { type: 'useFolder', visit: 3, folder: 'f' },
      { type: 'createSession', session: 1, plan: { ...PLAN, graph: 'missing.onnx' } },
    ],
  });
  runner.send({ type: 'load' });
  await settle();
  const { type, visit, work, message } = core.calls.at(-1);
  assert.deepEqual([type, visit, work], ['storeFailed', 3, 'session']);
  assert.match(message, /missing\.onnx/);
});

test('a chat before the model is ready is refused with a sentence', () => {
  const { runner, reports } = setUp({});
  runner.chat(1, [{ role: 'user', content: 'Hi' }], {});
  assert.equal(reports[0][1].type, 'chatFailed');
  assert.match(reports[0][1].error.message, /not ready/);
});

test('closing ends requests, session and timer, gives the core’s memory back, and nothing follows', async () => {
  /** @type {any[]} */
  const log = [];
  const body = bodyOf([], 'hang');
  const { core, clock, runner } = setUp(
    {
      load: () => OPEN,
      opened: () => [{ type: 'createSession', session: 1, plan: PLAN }, FETCH],
    },
    { createSession: sessionFactory(log), fetch: async () => reply(body) },
  );
  core.wake = clock.now() + 10;
  runner.send({ type: 'load' });
  await settle();
  runner.close();
  await settle();
  const calls = core.calls.length;
  runner.send({ type: 'tick' });
  clock.advance(100);
  assert.equal(core.calls.length, calls);
  assert.equal(core.deleted, true);
  assert.equal(log[0].closed, true);
  assert.equal(body.cancelled, true);
});

test('while another tab has the folder, what it tells goes to the core, and nothing is told to it', async () => {
  /** @type {any} */
  let asked;
  /** @type {string[]} */
  const log = [];
  const turn = {
    tell: (/** @type {string} */ text) => log.push(text),
    share: () => log.push('share'),
    end: async () => void log.push('end'),
  };
  const { core, runner, events } = setUp(
    {
      load: () => [{ type: 'lock', visit: 2, folder: 'f', toRemove: false }],
      peer: () => [{ type: 'publish', snapshot: { modelKey: 'waits' } }],
      locked: () => [{ type: 'publish', snapshot: { modelKey: 'm' } }],
      cancel: () => [{ type: 'unlock' }],
    },
    {
      takeTurn: (folder, options) =>
        new Promise((resolve) => {
          asked = { folder, ...options, resolve };
        }),
    },
  );
  runner.send({ type: 'load' });
  await settle();
  assert.equal(asked.folder, 'f');
  asked.heard('{"totalDownloaded":5}');
  assert.deepEqual(core.calls.at(-1), { type: 'peer', visit: 2, text: '{"totalDownloaded":5}' });
  asked.resolve(turn);
  await settle();
  assert.deepEqual(log, ['{"modelKey":"m"}']);
  asked.heard('{"totalDownloaded":6}');
  runner.send({ type: 'cancel' });
  await settle();
  assert.deepEqual(events(), ['load', 'peer', 'locked', 'cancel']);
  assert.deepEqual(log, ['{"modelKey":"m"}', 'end']);
  runner.close();
  assert.equal(log.length, 2, 'a turn ends once');
});

test('who stops waiting for the folder gives a turn back that comes too late', async () => {
  /** @type {any} */
  let asked;
  let ended = 0;
  const { runner, events } = setUp(
    {
      load: () => [{ type: 'lock', visit: 2, folder: 'f', toRemove: false }],
      cancel: () => [{ type: 'unlock' }],
    },
    {
      takeTurn: (folder, options) =>
        new Promise((resolve) => {
          asked = { ...options, resolve };
        }),
    },
  );
  runner.send({ type: 'load' });
  await settle();
  runner.send({ type: 'cancel' });
  await settle();
  assert.equal(asked.signal.aborted, true);
  asked.resolve({ tell() {}, share() {}, end: async () => void ended++ });
  await settle();
  assert.equal(ended, 1);
  assert.deepEqual(events(), ['load', 'cancel']);
});

test('the store’s answers are of the visit that they were asked in, though another one has begun', async () => {
  const { store, letGo } = slowStore();
  const { core, runner } = setUp(
    {
      load: () => OPEN,
      retry: () => [
        { type: 'useFolder', visit: 4, folder: 'g' },
        { type: 'open', file: 0, path: 'c' },
      ],
    },
    { store },
  );
  runner.send({ type: 'load' });
  runner.send({ type: 'retry' });
  await letGo();
  const opened = core.calls.filter(({ type }) => type === 'opened');
  assert.deepEqual(opened.map(({ visit }) => visit).sort(), [3, 4]);
});

test('a probe and a lock are answered with their number, and the lock that fails with what it was for', async () => {
  for (const [toRemove, work] of /** @type {const} */ ([
    [false, 'journal'],
    [true, 'remove'],
  ])) {
    const { core, runner } = setUp(
      {
        load: () => [
          { type: 'probe', visit: 8 },
          { type: 'lock', visit: 9, folder: 'f', toRemove },
        ],
      },
      { takeTurn: () => Promise.reject(new DOMException('no locks', 'SecurityError')) },
    );
    runner.send({ type: 'load' });
    await settle();
    assert.deepEqual(core.calls.slice(1), [
      { type: 'probed', visit: 8, device: DEVICE },
      {
        type: 'storeFailed',
        visit: 9,
        work,
        file: null,
        kind: 'storage',
        message: 'SecurityError: no locks',
      },
    ]);
  }
});

test('a folder that another tab uses is busy for who wants to remove it', async () => {
  /** @type {boolean[]} */
  const asked = [];
  const { core, runner } = setUp(
    { remove: () => [{ type: 'lock', visit: 6, folder: 'f', toRemove: true }] },
    {
      takeTurn: async (_folder, { toRemove }) => {
        asked.push(toRemove);
        return null;
      },
    },
  );
  runner.send({ type: 'remove', ticket: 1 });
  await settle();
  assert.deepEqual(asked, [true]);
  assert.deepEqual(core.calls.at(-1), { type: 'busy', visit: 6 });
});

test('who shares its folder and then wants it alone has given back its own part first', async () => {
  /** @type {string[]} */
  const log = [];
  const { runner } = setUp(
    {
      load: () => [{ type: 'lock', visit: 1, folder: 'f', toRemove: false }],
      locked: ({ visit }) => (visit === 1 ? [{ type: 'share' }] : []),
      remove: () => [{ type: 'unlock' }, { type: 'lock', visit: 2, folder: 'f', toRemove: true }],
    },
    {
      takeTurn: async () => {
        log.push('take');
        return {
          tell() {},
          share: () => void log.push('share'),
          async end() {
            await settle();
            log.push('end');
          },
        };
      },
    },
  );
  runner.send({ type: 'load' });
  await settle();
  runner.send({ type: 'remove', ticket: 1 });
  await settle();
  await settle();
  assert.deepEqual(log, ['take', 'share', 'end', 'take']);
});

test('a session that was closed while its files were looked for is never born', async () => {
  const store = memoryStore();
  const folder = store.folder('f');
  /** @type {() => void} */
  let letGo = () => {};
  const blob = folder.blob.bind(folder);
  folder.blob = async (path) => {
    await new Promise((resolve) => (letGo = () => resolve(undefined)));
    return blob(path);
  };
  /** @type {any[]} */
  const log = [];
  const { runner } = setUp(
    {
      load: () => OPEN,
      opened: () => [{ type: 'createSession', session: 1, plan: PLAN }],
      cancel: () => [{ type: 'closeSession' }],
    },
    { store, createSession: sessionFactory(log) },
  );
  runner.send({ type: 'load' });
  await settle();
  runner.send({ type: 'cancel' });
  for (let i = 0; i < 3; i++) {
    letGo();
    await settle();
  }
  assert.deepEqual(log, []);
});

test('an answer that fails is the core’s to judge, with the runtime’s words', async () => {
  /** @type {any[]} */
  const log = [];
  const { core, runner, reports } = setUp(
    {
      load: () => OPEN,
      opened: () => [{ type: 'createSession', session: 2, plan: PLAN }],
      answerFailed: ({ chat }) => [
        { type: 'rejectChat', chat, error: { ...LOST, code: 'out_of_memory' } },
        { type: 'closeSession' },
      ],
    },
    { createSession: sessionFactory(log) },
  );
  runner.send({ type: 'load' });
  await settle();
  const [session] = log;
  for (const id of [7, 8]) runner.chat(id, [{ role: 'user', content: 'Hi' }], {});
  session.on.event({ type: 'answerFailed', chat: 7, message: 'std::bad_alloc' });
  assert.deepEqual(core.calls.at(-1), {
    type: 'answerFailed',
    chat: 7,
    message: 'std::bad_alloc',
    session: 2,
  });
  // The one that waited for its turn ends with the session.
  assert.deepEqual(
    reports.map(([, { type, id, error }]) => [type, id, error.code]),
    [
      ['chatFailed', 7, 'out_of_memory'],
      ['chatFailed', 8, 'aborted'],
    ],
  );
  assert.equal(session.closed, true);
  session.on.reply({ type: 'piece', id: 7, text: 'late' });
  assert.equal(reports.length, 2);
});

test('a device that is lost while its model is loaded is passed on', async () => {
  /** @type {any[]} */
  const log = [];
  const { core, runner } = setUp(
    { load: () => OPEN, opened: () => [{ type: 'createSession', session: 1, plan: PLAN }] },
    { createSession: sessionFactory(log) },
  );
  runner.send({ type: 'load' });
  await settle();
  log[0].on.event({ type: 'sessionLost', message: 'The device was lost' });
  assert.deepEqual(core.calls.at(-1), {
    type: 'sessionLost',
    message: 'The device was lost',
    session: 1,
  });
});

test('what became of a removal is told with the newest snapshot before it', async () => {
  const { runner, reports } = setUp({
    remove: ({ ticket }) => [
      { type: 'done', ticket, error: ticket === 1 ? null : { ...LOST, code: 'storage' } },
    ],
  });
  runner.send({ type: 'remove', ticket: 1 });
  runner.send({ type: 'remove', ticket: 2 });
  assert.deepEqual(
    reports.map(([type]) => type),
    ['snapshot', 'done', 'snapshot', 'done'],
  );
  assert.deepEqual(reports[1].slice(1), [1, null]);
  assert.equal(reports[3][2].code, 'storage');
});

test('what the core throws is told as its own end, not as the network’s', async () => {
  const { core, runner, reports, events } = setUp(
    {
      load: () => [{ ...FETCH, body: 'text', limit: 99 }],
      head: () => {
        throw new WebAssembly.RuntimeError('unreachable');
      },
    },
    { fetch: async () => reply(bodyOf([bytesOf('x')])) },
  );
  runner.send({ type: 'load' });
  await settle();
  assert.ok(!events().includes('fetchFailed'));
  assert.deepEqual(
    reports.filter(([type]) => type === 'broken').map(([, thrown]) => String(thrown)),
    ['RuntimeError: unreachable'],
  );
  const calls = core.calls.length;
  runner.send({ type: 'tick' });
  assert.equal(core.calls.length, calls);
});

test('an examination reads the small files, or the graph, and its answer carries its number', async () => {
  const plan = {
    graph: 'g.onnx',
    externalData: [],
    config: 'c.json',
    tokenizer: 't.json',
    generationConfig: null,
    tokenizerConfig: null,
    chatTemplate: null,
  };
  /** @type {any[]} */
  const asked = [];
  const store = memoryStore();
  const folder = store.folder('f');
  for (const [id, path] of ['c.json', 't.json', 'g.onnx'].entries()) {
    await folder.open(id, path);
    await folder.write(id, 0, bytesOf(path));
  }
  await folder.closeAll();
  const { core, runner } = setUp(
    {
      load: () => [
        { type: 'useFolder', visit: 3, folder: 'f' },
        { type: 'examine', examination: 1, plan, graph: false },
        { type: 'examine', examination: 2, plan, graph: true },
      ],
    },
    {
      store,
      examine: async (_plan, files, graph) => {
        asked.push([Object.keys(files), graph]);
        return { ...(await nothingWrong(/** @type {any} */ (null), {}, graph)), external: ['w'] };
      },
    },
  );
  runner.send({ type: 'load' });
  await settle();
  assert.deepEqual(
    asked.toSorted(),
    [
      [['c.json', 't.json'], false],
      [['g.onnx'], true],
    ].toSorted(),
  );
  const found = core.calls.filter(({ type }) => type === 'examined');
  assert.deepEqual(found.map(({ examination, external }) => [examination, external]).toSorted(), [
    [1, ['w']],
    [2, ['w']],
  ]);
});
