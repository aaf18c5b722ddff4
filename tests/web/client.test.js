import assert from 'node:assert/strict';
import test from 'node:test';
import { memoryStore } from '../../web/src/adapters/memory-store.js';
import { alwaysOurTurn } from '../../web/src/adapters/tabs.js';
import { serve } from '../../web/src/loader/host.js';
import { connect } from '../../web/src/page/client.js';
import { CandorError, createLoader } from '../../web/src/page/index.js';
import { checkOptions } from '../../web/src/page/options.js';
import { DEVICE, FINISH, fakeClock, scriptedCore, settle, nothingWrong } from './support/fakes.js';

/** @param {string} status @param {object} [more] */
const snapshotOf = (status, more = {}) => ({
  modelKey: 'm',
  status,
  error: null,
  can: { retry: false },
  goesOn: ['queued', 'downloading', 'loading', 'ready'].includes(status),
  ...more,
});

/**
 * A client, and the other end of its channel as the test plays it.
 * @param {Partial<import('../../web/src/page/client.js').ConnectOptions>} [options]
 */
async function setUp(options = {}) {
  const { port1, port2 } = new MessageChannel();
  /** @type {any[]} */
  const got = [];
  const post = (/** @type {any} */ message) => port2.postMessage(message);
  port2.addEventListener('message', ({ data }) => {
    got.push(data);
    if (data.type === 'start') post({ type: 'started', snapshots: [snapshotOf('idle')] });
    if (data.type === 'close') post({ type: 'closed' });
  });
  port2.start();
  const loader = await connect(() => port1, {
    models: [/** @type {any} */ ({ modelKey: 'm' })],
    runtimeUrl: null,
    storage: 'auto',
    records: null,
    ...options,
  });
  /** Answers the last command, after it has arrived, as the worker does: first the news, then that it is done. */
  const done = async () => {
    await settle();
    post({ type: 'snapshot', snapshot: snapshotOf('queued') });
    post({ type: 'done', id: got.at(-1).id });
    await settle();
  };
  const say = async (/** @type {any} */ message) => {
    post(message);
    await settle();
  };
  return { loader, got, post, say, done, port2 };
}

/** A ready model. */
async function ready() {
  const all = await setUp();
  const load = all.loader.load('m');
  await all.done();
  await all.say({ type: 'snapshot', snapshot: snapshotOf('ready') });
  return { ...all, model: await load };
}

const HI = [{ role: 'user', content: 'Hi' }];

test('the records of earlier visits go along with the start, and broken storage costs nothing', async () => {
  const kept = new Map([
    ['download_state_m', 'old'],
    ['candor_timings_m', 'times'],
  ]);
  const { got, say, loader } = await setUp({
    records: {
      getItem: (key) => kept.get(key) ?? null,
      setItem() {
        throw new DOMException('full', 'QuotaExceededError');
      },
      removeItem: (key) => void kept.delete(key),
    },
  });
  assert.deepEqual([got[0].models[0].record, got[0].models[0].timings], ['old', 'times']);
  await say({ type: 'persist', key: 'download_state_m', json: '{}' });
  await say({ type: 'unpersist', key: 'download_state_m' });
  assert.equal(kept.has('download_state_m'), false);
  await loader.dispose();
});

test('subscribers hear at once, then each change; one that throws or is removed disturbs no other', async (t) => {
  const { loader, say } = await setUp();
  /** @type {string[]} */
  const heard = [];
  const reported = t.mock.fn();
  globalThis.reportError = reported;
  const stopBad = loader.subscribe('m', () => {
    throw new Error('broken');
  });
  /** @type {() => void} */
  let stopThird = () => {};
  const stop = loader.subscribe('m', ({ status }) => {
    heard.push(status);
    if (status === 'queued') stopThird();
  });
  stopThird = loader.subscribe('m', ({ status }) => heard.push(`third ${status}`));
  await say({ type: 'snapshot', snapshot: snapshotOf('queued') });
  stop();
  stopBad();
  await say({ type: 'snapshot', snapshot: snapshotOf('downloading') });
  assert.deepEqual(heard, ['idle', 'third idle', 'queued']);
  assert.equal(reported.mock.callCount(), 2);
  await loader.dispose();
});

test('load resolves when the model is ready, is asked for once, and gives each who asks a hold of its own', async () => {
  const { loader, got, say, done } = await setUp();
  const load = loader.load('m');
  const other = loader.load('m');
  await done();
  assert.deepEqual(
    got.slice(1).map(({ command }) => command),
    ['load'],
  );
  await say({ type: 'snapshot', snapshot: snapshotOf('ready') });
  const model = await load;
  assert.equal(model.key, 'm');
  assert.notEqual(await other, model);
  assert.notEqual(await loader.load('m'), model);
  await loader.dispose();
});

test('the first load of each model asks the browser to keep the storage', async (t) => {
  const keep = t.mock.fn();
  const { loader } = await setUp({ keep });
  assert.equal(keep.mock.callCount(), 0);
  loader.load('m').catch(() => {});
  loader.load('m').catch(() => {});
  assert.equal(keep.mock.callCount(), 1);
  await loader.dispose();
});

test('load is not settled by a snapshot from before the worker heard of it', async () => {
  const { loader, say, done } = await setUp();
  await say({ type: 'snapshot', snapshot: snapshotOf('cancelled') });
  let settled = false;
  const load = loader.load('m');
  load.then(
    () => (settled = true),
    () => (settled = true),
  );
  await say({ type: 'snapshot', snapshot: snapshotOf('cancelled') });
  assert.equal(settled, false);
  await done();
  assert.equal(settled, false);
  await say({ type: 'snapshot', snapshot: snapshotOf('ready') });
  assert.equal(settled, true);
  await loader.dispose();
});

test('load waits while a failure may be retried, and rejects with its cause when it is final', async () => {
  const { loader, got, say, done } = await setUp();
  const load = loader.load('m');
  await done();
  const error = { code: 'network', message: 'No network.', retryable: true, kept: 5, detail: 'x' };
  let settled = false;
  load.catch(() => (settled = true));
  await say({ type: 'snapshot', snapshot: snapshotOf('failed', { error, can: { retry: true } }) });
  assert.equal(settled, false);
  await say({ type: 'snapshot', snapshot: snapshotOf('failed', { error, can: { retry: false } }) });
  await assert.rejects(load, (/** @type {any} */ thrown) => {
    assert.ok(thrown instanceof CandorError);
    assert.deepEqual(thrown.toJSON(), error);
    return true;
  });
  // The next load is a new one.
  loader.load('m');
  await settle();
  assert.equal(got.filter(({ command }) => command === 'load').length, 2);
  await loader.dispose();
});

test('chat gives pieces as they come, joined when nobody asked meanwhile, and its outcome at the end', async () => {
  const { model, got, say, loader } = await ready();
  const chat = model.chat(HI, { temperature: 0, maxNewTokens: 5 });
  assert.notEqual(got.at(-1).type, 'chat');
  const first = chat.next();
  await settle();
  const { id, messages, options } = got.at(-1);
  assert.deepEqual([messages, options], [HI, { temperature: 0, maxNewTokens: 5 }]);
  await say({ type: 'piece', id, text: 'Hel' });
  assert.deepEqual(await first, { done: false, value: 'Hel' });
  await say({ type: 'piece', id, text: 'lo ' });
  await say({ type: 'piece', id, text: 'you' });
  assert.deepEqual(await chat.next(), { done: false, value: 'lo you' });
  await say({ type: 'finish', id, reason: 'eos', tokens: 3, ids: [1, 2, 3], text: 'Hello you' });
  const outcome = { reason: 'eos', tokens: 3, ids: [1, 2, 3], text: 'Hello you' };
  assert.deepEqual(await chat.next(), { done: true, value: outcome });
  await loader.dispose();
});

test('how an answer ended is told to those who left the loop, and to those who never entered it', async () => {
  const { model, got, say, loader } = await ready();
  const answer = model.chat(HI);
  await Promise.all([
    answer.next(),
    settle().then(() => say({ type: 'piece', id: got.at(-1).id, text: 'a' })),
  ]);
  const { id } = got.at(-1);
  await answer.return?.();
  await say({ type: 'finish', id, ...FINISH, reason: 'abort', text: 'a' });
  assert.deepEqual(await answer.finish, { ...FINISH, reason: 'abort', text: 'a' });

  const unread = model.chat(HI);
  const { finish } = unread;
  await settle();
  await say({ type: 'finish', id: got.at(-1).id, ...FINISH, text: 'b' });
  assert.equal((await finish).text, 'b');

  const failed = model.chat(HI).finish;
  await settle();
  const error = { code: 'runtime', message: 'No.', retryable: true, detail: '', kept: 0 };
  await say({ type: 'chatFailed', id: got.at(-1).id, error });
  await assert.rejects(failed, { code: 'runtime' });

  const never = model.chat(HI);
  await never.return?.();
  await assert.rejects(never.finish, { code: 'aborted' });
  await loader.dispose();
});

test('prepare() reads ahead, tells how far it is, and whether all was read', async () => {
  const { model, got, say, loader } = await ready();
  /** @type {object[]} */
  const told = [];
  const onReading = (/** @type {object} */ read) => void told.push(read);
  const prepared = model.prepare(HI, { onReading });
  await settle();
  const { id, options } = got.at(-1);
  assert.deepEqual(options, { maxNewTokens: 0 });
  await say({ type: 'reading', id, read: 4, total: 9 });
  await say({ type: 'finish', id, ...FINISH, reason: 'abort', text: '' });
  assert.deepEqual(await prepared, { tokens: 9, whole: false });
  assert.deepEqual(told, [{ tokens: 4, total: 9 }]);
  await assert.rejects(model.prepare([]), TypeError);
  await loader.dispose();
});

test('return() stops at once, even while a piece is waited for', async () => {
  const { model, got, loader } = await ready();
  const chat = model.chat(HI);
  const waiting = chat.next();
  await settle();
  const { id } = got.at(-1);
  assert.equal((await chat.return?.())?.done, true);
  assert.equal((await waiting).done, true);
  await settle();
  assert.deepEqual(got.at(-1), { type: 'stop', id, key: 'm' });
  await loader.dispose();
});

test('leaving the loop stops the answer; an aborted signal stops it with an error', async () => {
  const { model, got, say, loader } = await ready();
  const loop = (async () => {
    for await (const piece of model.chat(HI)) {
      assert.equal(piece, 'x');
      break;
    }
  })();
  await settle();
  await say({ type: 'piece', id: got.at(-1).id, text: 'x' });
  await loop;
  await settle();
  assert.equal(got.at(-1).type, 'stop');

  const controller = new AbortController();
  const next = model.chat(HI, { signal: controller.signal }).next();
  await settle();
  controller.abort();
  await assert.rejects(next, { name: 'CandorError', code: 'aborted' });
  await assert.rejects(model.chat(HI, { signal: controller.signal }).next(), { code: 'aborted' });
  await loader.dispose();
});

test('a chat that fails rejects with its code, after the pieces that came before', async () => {
  const { model, got, say, loader } = await ready();
  const chat = model.chat(HI);
  const first = chat.next();
  await settle();
  const { id } = got.at(-1);
  await say({ type: 'piece', id, text: 'x' });
  assert.equal((await first).value, 'x');
  const error = { code: 'device_lost', message: 'noAnswer', retryable: true, detail: '', kept: 0 };
  await say({ type: 'chatFailed', id, error });
  // What the core named is said.
  await assert.rejects(chat.next(), {
    code: 'device_lost',
    message: 'The model could not answer.',
  });
  assert.deepEqual(await chat.next(), { done: true, value: undefined });
  await loader.dispose();
});

test('what the core names in a snapshot is said to whoever looks', async () => {
  const { loader, say } = await setUp();
  /** @type {import('../../web/bindings.d.ts').Snapshot[]} */
  const heard = [];
  loader.subscribe('m', (snapshot) => heard.push(snapshot));
  const error = {
    code: 'unsupported',
    message: 'cannotRunHere',
    retryable: false,
    kept: 0,
    detail: '\tcacheDimensions\tx',
    retryIn: null,
  };
  const fields = { error, discardedReason: 'notFlushed' };
  await say({ type: 'snapshot', snapshot: { ...snapshotOf('failed'), ...fields } });
  const snapshot = loader.snapshot('m');
  assert.equal(heard.at(-1), snapshot);
  assert.deepEqual(
    [snapshot.error?.message, snapshot.error?.detail, snapshot.discardedReason],
    [
      'This model cannot be run here.',
      'The cache input x does not have 4 dimensions.',
      'The last bytes of the earlier download had not reached the disk.',
    ],
  );
  await loader.dispose();
});

test('messages and options that are none are refused before anything is sent', async () => {
  const { model, got, loader } = await ready();
  const before = got.length;
  for (const messages of [
    [],
    null,
    'Hi',
    [{ role: 'user' }],
    [{ role: 1, content: 'x' }],
    [null],
  ]) {
    assert.throws(() => model.chat(/** @type {any} */ (messages)), TypeError);
  }
  for (const options of [
    { temperature: -1 },
    { temperature: NaN },
    { maxNewTokens: 0 },
    { maxNewTokens: 1.5 },
    { topP: 0 },
    { minP: 2 },
    { repetitionPenalty: 0 },
    { stop: [''] },
    { stop: 'x' },
    { seed: -1 },
    { constructor: 1 },
    { temprature: 1 },
  ]) {
    assert.throws(() => model.chat(HI, /** @type {any} */ (options)), TypeError);
  }
  await settle();
  assert.equal(got.length, before);
  await loader.dispose();
});

test('a worker that cannot be started, or crashes, rejects everything with a CandorError', async () => {
  const target = new EventTarget();
  const worker = Object.assign(target, { postMessage() {}, terminated: false, terminate() {} });
  const starting = connect(() => /** @type {any} */ (worker), {
    models: [],
    runtimeUrl: null,
    storage: 'auto',
    records: null,
  });
  worker.dispatchEvent(Object.assign(new Event('error'), { message: '404' }));
  await assert.rejects(starting, (/** @type {any} */ error) => {
    assert.ok(error instanceof CandorError);
    assert.deepEqual([error.code, error.detail], ['runtime', '404']);
    return /^[A-Z].*\.$/.test(error.message);
  });
});

test('what the worker says it could not do in starting is what createLoader rejects with', async () => {
  const { port1, port2 } = new MessageChannel();
  const error = { code: 'runtime', message: 'No core.', retryable: true, detail: 'x', kept: 0 };
  port2.onmessage = () => port2.postMessage({ type: 'broken', error });
  const options = { models: [], runtimeUrl: null, storage: 'auto', records: null };
  await assert.rejects(
    connect(() => port1, /** @type {any} */ (options)),
    {
      code: 'runtime',
      detail: 'x',
    },
  );
});

test('a page that is left holds no worker, and goes on with its loads when it is shown again', async () => {
  const page = new EventTarget();
  /** @type {{ got: any[], post(message: any): void, closed: boolean }[]} */
  const workers = [];
  const kept = new Map();
  const loader = await connect(
    () => {
      const { port1, port2 } = new MessageChannel();
      const post = (/** @type {any} */ message) => port2.postMessage(message);
      const worker = { got: /** @type {any[]} */ ([]), post, closed: false };
      port2.addEventListener('message', ({ data }) => {
        worker.got.push(data);
        if (data.type === 'start') {
          const status = data.models[0].record ? 'paused' : 'idle';
          const other = snapshotOf('idle', { modelKey: 'n' });
          post({ type: 'started', snapshots: [snapshotOf(status), other] });
        }
        if (data.type === 'close') post({ type: 'closed' });
      });
      port2.addEventListener('close', () => (worker.closed = true));
      port2.start();
      workers.push(worker);
      return /** @type {any} */ (port1);
    },
    {
      models: [/** @type {any} */ ({ modelKey: 'm' })],
      runtimeUrl: null,
      storage: 'auto',
      records: {
        getItem: (key) => kept.get(key) ?? null,
        setItem: (key, value) => void kept.set(key, value),
        removeItem: (key) => void kept.delete(key),
      },
    },
  );
  loader.followPage(page);
  const load = loader.load('m');
  await settle();
  workers[0].post({ type: 'snapshot', snapshot: snapshotOf('downloading') });
  workers[0].post({ type: 'persist', key: 'download_state_m', json: '{}' });
  await settle();
  page.dispatchEvent(new Event('pagehide'));
  await settle();
  assert.equal(workers[0].closed, true);
  await assert.rejects(loader.remove('m'), { code: 'aborted', retryable: true });

  page.dispatchEvent(new Event('pageshow'));
  await settle();
  page.dispatchEvent(new Event('pageshow'));
  await settle();
  assert.equal(workers.length, 2);
  assert.equal(workers[1].got[0].models[0].record, '{}');
  assert.deepEqual(
    workers[1].got.slice(1).map(({ command }) => command),
    ['load'],
  );
  workers[1].post({ type: 'done', id: workers[1].got.at(-1).id });
  workers[1].post({ type: 'snapshot', snapshot: snapshotOf('ready') });
  const model = await load;

  // Left again with a model that is ready, in the middle of an answer: the answer ends, the model comes back.
  const piece = model.chat(HI).next();
  await settle();
  page.dispatchEvent(new Event('pagehide'));
  await assert.rejects(piece, { code: 'aborted' });
  page.dispatchEvent(new Event('pageshow'));
  // Asked for while the new worker starts: not a load of before, and not over because nothing has begun yet.
  let over = false;
  loader.load('n').catch(() => (over = true));
  await settle();
  assert.equal(workers[2].got.at(-1).command, 'load');
  assert.equal(over, false);
  await loader.dispose();
});

/**
 * The real client joined to the real host, which starts when it is told to, over a core that says what it is told to.
 * @param {(call: any) => any[] | void} [answer]
 */
async function joined(answer = () => []) {
  const page = new EventTarget();
  /** @type {{ calls: any[], begin(): void }[]} */
  const workers = [];
  const makeWorker = () => {
    const { port1, port2 } = new MessageChannel();
    const core = scriptedCore(answer);
    let begin = () => {};
    const held = new Promise((resolve) => (begin = () => resolve(undefined)));
    serve(port2, async () => {
      await held;
      return {
        core: /** @type {any} */ (core),
        ports: {
          clock: fakeClock(),
          store: memoryStore(),
          fetch: async () => assert.fail('nothing should be fetched'),
          takeTurn: alwaysOurTurn,
          probe: async () => DEVICE,
          createSession: () => assert.fail('no session should be made'),
          examine: nothingWrong,
        },
      };
    });
    if (!workers.length) begin();
    workers.push({ calls: core.calls, begin });
    return port1;
  };
  const loader = await connect(makeWorker, {
    models: [/** @type {any} */ ({ modelKey: 'm' })],
    runtimeUrl: null,
    storage: 'auto',
    records: null,
  });
  loader.followPage(page);
  const hide = () => page.dispatchEvent(new Event('pagehide'));
  const show = () => page.dispatchEvent(new Event('pageshow'));
  return { loader, workers, hide, show };
}

test('what is asked for while a page that was left comes back is done when its worker has started', async () => {
  const { loader, workers, hide, show } = await joined(({ type, ticket }) =>
    type === 'remove' ? [{ type: 'done', ticket, error: null }] : [],
  );
  hide();
  show();
  const removed = loader.remove('m');
  const model = loader.load('m');
  loader.pause('m');
  const room = loader.stored('m');
  let over = false;
  for (const each of [removed, model, room]) each.then(() => (over = true));
  await settle();
  assert.equal(over, false);
  workers[1].begin();
  await removed;
  assert.equal(await room, 0);
  const chat = (await model).chat(HI).next();
  await assert.rejects(chat, { message: /not ready yet/ });
  assert.deepEqual(
    workers[1].calls.map(({ type }) => type),
    ['remove', 'load', 'pause'],
  );
  await loader.dispose();
});

test('a chat that is begun while the page comes back is answered, and one of a page that is left is refused', async () => {
  const { loader, workers, hide, show } = await joined();
  const model = await loader.load('m');
  hide();
  await assert.rejects(model.chat(HI).next(), { code: 'aborted', retryable: true });
  show();
  const piece = model.chat(HI).next();
  workers[1].begin();
  await assert.rejects(piece, { message: /not ready yet/ });
  await loader.dispose();
});

test('a load that the worker never took, because the page was left, is asked for when it is shown again', async () => {
  const { loader, workers, hide, show } = await joined();
  hide();
  const model = loader.load('m');
  await settle();
  show();
  workers[1].begin();
  await model;
  assert.deepEqual(
    workers[1].calls.map(({ type }) => type),
    ['load'],
  );
  await loader.dispose();
});

test('a loader that is closed while its page is left, or comes back, is closed for good', async () => {
  for (const again of [false, true]) {
    const { loader, workers, hide, show } = await joined();
    hide();
    if (again) show();
    const load = loader.load('m');
    await Promise.all([loader.dispose(), loader.dispose()]);
    await assert.rejects(load, { code: 'aborted' });
    const before = workers.length;
    hide();
    show();
    await settle();
    assert.equal(workers.length, before);
    await assert.rejects(loader.load('m'), { code: 'aborted' });
  }
});

test('a loader whose page is left while it closes is closed', async () => {
  const { loader, workers, hide, show } = await joined();
  const closed = Promise.all([loader.dispose(), loader.dispose()]);
  hide();
  show();
  await closed;
  assert.equal(workers.length, 1);
});

test('a removal that failed rejects with its reason', async () => {
  const error = {
    code: 'storage',
    message: 'usedElsewhere',
    retryable: true,
    kept: 5,
    detail: '',
    retryIn: null,
  };
  const { loader } = await joined(({ type, ticket }) =>
    type === 'remove' ? [{ type: 'done', ticket, error }] : [],
  );
  await assert.rejects(loader.remove('m'), (/** @type {any} */ thrown) => {
    assert.ok(thrown instanceof CandorError);
    const message = 'Another tab is using this model, so its files were not removed.';
    assert.deepEqual([thrown.code, thrown.message, thrown.kept], ['storage', message, 5]);
    return true;
  });
  await loader.dispose();
});

test('a model lives until the last who has it gives it back', async () => {
  const { loader, model, got } = await ready();
  const other = await loader.load('m');
  const before = got.length;
  await model.dispose();
  await model.dispose();
  assert.equal(got.length, before);
  assert.throws(() => model.chat(HI), { code: 'aborted' });
  const disposed = other.dispose();
  await settle();
  assert.equal(got.at(-1).command, 'dispose');
  await loader.dispose();
  await disposed;
});

test('who gives a model back that was cancelled meanwhile does not disturb who loads it anew', async () => {
  const { loader, model, say, done, got } = await ready();
  loader.cancel('m');
  await settle();
  await say({ type: 'snapshot', snapshot: snapshotOf('cancelled') });
  const again = loader.load('m');
  await done();
  await model.dispose();
  assert.ok(!got.some(({ command }) => command === 'dispose'));
  await say({ type: 'snapshot', snapshot: snapshotOf('ready') });
  assert.equal((await again).key, 'm');
  await loader.dispose();
});

test('a signal gives up one call, and cancels the load when nobody else waits for it', async () => {
  const { loader, got, say, done } = await setUp();
  const [one, two] = [new AbortController(), new AbortController()];
  const first = loader.load('m', { signal: one.signal });
  const second = loader.load('m', { signal: two.signal });
  await done();
  one.abort();
  await assert.rejects(first, { code: 'aborted' });
  await settle();
  assert.deepEqual(
    got.slice(1).map(({ command }) => command),
    ['load'],
  );
  two.abort();
  await settle();
  assert.equal(got.at(-1).command, 'cancel');
  await say({ type: 'snapshot', snapshot: snapshotOf('cancelled') });
  await assert.rejects(second, { code: 'aborted' });
  await loader.dispose();
});

test('a model that is given back while its page is left is not loaded when it is shown again', async () => {
  const { loader, workers, hide, show } = await joined();
  const model = await loader.load('m');
  hide();
  await model.dispose();
  show();
  workers[1].begin();
  await settle();
  assert.deepEqual(workers[1].calls, []);
  await loader.dispose();
});

test('an update is over when the new version is ready, and who had the old one has the new one', async () => {
  const { loader, model, got, say, done } = await ready();
  let over = false;
  const update = loader.update('m').then(() => (over = true));
  await done();
  assert.equal(got.at(-1).command, 'update');
  const waiting = loader.load('m');
  await say({ type: 'snapshot', snapshot: snapshotOf('downloading') });
  assert.equal(over, false);
  await say({ type: 'snapshot', snapshot: snapshotOf('ready') });
  await update;
  await (await waiting).dispose();
  assert.ok(!got.some(({ command }) => command === 'dispose'));
  const chat = model.chat(HI).next();
  await settle();
  assert.equal(got.at(-1).type, 'chat');
  await loader.dispose();
  await assert.rejects(chat, { code: 'aborted' });
});

test('the worker hears from the page that the network went away, and that it is back', async () => {
  const { loader, got } = await setUp();
  const page = new EventTarget();
  loader.followPage(page);
  for (const type of ['offline', 'online']) page.dispatchEvent(new Event(type));
  await settle();
  assert.deepEqual(
    got.slice(1).map(({ type }) => type),
    ['offline', 'online'],
  );
  await loader.dispose();
});

test('dispose settles everything that waits, and nothing works afterwards', async () => {
  const { loader, model, got } = await ready();
  const chat = model.chat(HI).next();
  const removing = loader.remove('m');
  await settle();
  await loader.dispose();
  await assert.rejects(chat, { code: 'aborted' });
  await assert.rejects(removing, { code: 'aborted' });
  await assert.rejects(
    loader.load('m').catch((error) => Promise.reject(error)),
    { code: 'aborted' },
  );
  await assert.rejects(model.chat(HI).next(), { code: 'aborted' });
  await loader.dispose();
  assert.equal(got.at(-1).type, 'close');
});

test('an unknown model is a TypeError that names it', async () => {
  const { loader } = await setUp();
  for (const call of /** @type {const} */ ([
    'snapshot',
    'pause',
    'resume',
    'retry',
    'cancel',
    'update',
  ])) {
    assert.throws(() => loader[call]('other'), { name: 'TypeError', message: /"other"/ });
  }
  assert.throws(() => loader.load('other'), TypeError);
  assert.throws(() => loader.subscribe('m', /** @type {any} */ (null)), TypeError);
  await loader.dispose();
});

test('createLoader’s options are checked, and each complaint says which', () => {
  const good = { repo: 'owner/name' };
  /** @type {[any, RegExp][]} */
  const bad = [
    [undefined, /models/],
    [{}, /models/],
    [{ models: {} }, /at least one/],
    [{ models: { '': good } }, /key/],
    [{ models: { a: null } }, /"a"/],
    [{ models: { a: {} } }, /`repo`/],
    [{ models: { a: { repo: 'no-slash' } } }, /`repo`/],
    [{ models: { a: { repo: 'a/b/c' } } }, /`repo`/],
    [{ models: { a: { repo: 'file:///etc/' } } }, /http/],
    [{ models: { a: { ...good, dtype: 4 } } }, /`dtype`/],
    [{ models: { a: { ...good, dtype: { x: 1 } } } }, /`dtype`/],
    [{ models: { a: { ...good, executionProvider: 'cuda' } } }, /`executionProvider`/],
    [{ models: { a: { ...good, revision: ' ' } } }, /`revision`/],
    [{ models: { a: { ...good, revalidate: 'always' } } }, /`revalidate`/],
    [{ models: { a: { ...good, revalidate: true } } }, /`revalidate`/],
    [{ models: { a: { ...good, host: 'javascript:1' } } }, /`host`/],
    [{ models: { a: good }, runtimeUrl: 'http://[' }, /`runtimeUrl`/],
    [{ models: { a: good }, storage: 'disk' }, /`storage`/],
  ];
  for (const [options, message] of bad) {
    assert.throws(() => checkOptions(options), { name: 'TypeError', message });
  }
});

test('a repo is an id on the Hub, or an address relative to the page', () => {
  const repoOf = (/** @type {string} */ repo) =>
    checkOptions({ models: { m: { repo } } }).models[0].repo;
  assert.equal(repoOf('owner/name.v1'), 'owner/name.v1');
  assert.equal(repoOf('models/cv-mini'), 'http://localhost/models/cv-mini');
  assert.equal(repoOf('./a/b/'), 'http://localhost/a/b');
  assert.equal(repoOf('/a'), 'http://localhost/a');
  assert.equal(repoOf('https://cdn.test/x/'), 'https://cdn.test/x');
});

test('where there is no Worker, createLoader rejects with a CandorError', async () => {
  await assert.rejects(createLoader({ models: { m: { repo: 'a/b' } } }), {
    name: 'CandorError',
    code: 'runtime',
  });
});

test('helpers are made as the worker asks, get their port, and go when it ends or the page is left', async () => {
  const { port1, port2 } = new MessageChannel();
  /** @type {any[]} */
  const told = [];
  port2.addEventListener('message', ({ data }) => {
    told.push(data);
    if (data.type === 'start') port2.postMessage({ type: 'started', snapshots: [] });
  });
  port2.start();
  /** @type {any[]} */
  const helpers = [];
  const loader = await connect(
    (name) => {
      if (name === 'loader') return port1;
      if (helpers.length === 2) throw new Error('no more');
      const helper = {
        name,
        ended: false,
        /** @type {any} */ listeners: {},
        addEventListener: (/** @type {string} */ type, /** @type {any} */ listener) =>
          (helper.listeners[type] = listener),
        postMessage: (/** @type {any} */ message) => (helper.message = message),
        terminate: () => (helper.ended = true),
        /** @type {any} */ message: null,
      };
      helpers.push(helper);
      return helper;
    },
    { models: [], runtimeUrl: null, storage: 'auto', records: null },
  );
  const ask = async (/** @type {number} */ id, /** @type {string} */ name) => {
    const { port1: port } = new MessageChannel();
    port2.postMessage({ type: 'startHelper', id, name, port }, [port]);
    await settle();
  };
  await ask(1, 'disk');
  await ask(2, 'session');
  await ask(3, 'session');
  assert.deepEqual(
    helpers.map(({ name }) => name),
    ['disk', 'session'],
  );
  assert.ok(helpers[0].message.port instanceof MessagePort);
  assert.deepEqual(told.at(-1), { type: 'helperFailed', id: 3, message: 'Error: no more' });
  helpers[1].listeners.error({ message: 'out of memory' });
  await settle();
  assert.deepEqual(told.at(-1), { type: 'helperFailed', id: 2, message: 'out of memory' });
  port2.postMessage({ type: 'endHelper', id: 2 });
  await settle();
  assert.deepEqual(
    helpers.map(({ ended }) => ended),
    [false, true],
  );
  loader.suspend();
  assert.equal(helpers[0].ended, true);
  port2.close();
});

test('a helper that fails before the worker has started is told at once: the worker may be waiting for it', async () => {
  const { port1, port2 } = new MessageChannel();
  port2.addEventListener('message', ({ data }) => {
    if (data.type === 'start') {
      const { port1: port } = new MessageChannel();
      port2.postMessage({ type: 'startHelper', id: 3, name: 'disk', port }, [port]);
    }
    if (data.type === 'helperFailed') {
      assert.equal(data.id, 3);
      port2.postMessage({ type: 'started', snapshots: [snapshotOf('idle')] });
    }
    if (data.type === 'close') port2.postMessage({ type: 'closed' });
  });
  port2.start();
  const loader = await connect(
    (name) => {
      if (name === 'loader') return port1;
      throw new Error('no such file');
    },
    {
      models: [/** @type {any} */ ({ modelKey: 'm' })],
      runtimeUrl: null,
      storage: 'auto',
      records: null,
    },
  );
  await loader.dispose();
});

test('after the worker’s death nothing is said to go on, and a retry makes a new worker', async () => {
  /** @type {any[]} */
  const workers = [];
  const makeWorker = () => {
    const worker = {
      got: /** @type {any[]} */ ([]),
      listeners: /** @type {Record<string, (event: any) => void>} */ ({}),
      terminated: false,
      addEventListener(/** @type {string} */ type, /** @type {(event: any) => void} */ listener) {
        worker.listeners[type] = listener;
      },
      postMessage(/** @type {any} */ message) {
        worker.got.push(message);
        const snapshots = [snapshotOf('idle'), snapshotOf('idle', { modelKey: 'n' })];
        if (message.type === 'start')
          queueMicrotask(() => worker.say({ type: 'started', snapshots }));
      },
      say: (/** @type {any} */ data) => worker.listeners.message({ data }),
      terminate: () => (worker.terminated = true),
    };
    workers.push(worker);
    return worker;
  };
  const loader = await connect(/** @type {any} */ (makeWorker), {
    models: [],
    runtimeUrl: null,
    storage: 'auto',
    records: null,
  });
  /** @type {any[]} */
  const seen = [];
  loader.subscribe('m', (snapshot) => seen.push(snapshot));
  const [worker] = workers;
  const loading = loader.load('m');
  worker.say({
    type: 'snapshot',
    snapshot: snapshotOf('downloading', { totalDownloaded: 7, speed: 5 }),
  });
  worker.listeners.error({ message: 'unreachable' });
  await assert.rejects(loading, { code: 'runtime', message: /has crashed/, retryable: true });
  assert.ok(worker.terminated);
  for (const key of ['m', 'n']) {
    const { status, speed, goesOn, can, error } = loader.snapshot(key);
    assert.deepEqual(
      [status, speed, goesOn, can.retry, can.cancel],
      ['failed', null, false, true, false],
    );
    assert.equal(error?.code, 'runtime');
  }
  assert.equal(seen.at(-1).error.kept, 7);
  // A second death says nothing new.
  worker.listeners.error({ message: 'again' });
  loader.retry('m');
  await settle();
  assert.equal(workers.length, 2);
  assert.deepEqual(
    workers[1].got.map((/** @type {any} */ { type, command, key }) => [type, command, key]),
    [
      ['start', undefined, undefined],
      ['command', 'load', 'm'],
    ],
  );
  assert.equal(loader.snapshot('m').status, 'idle');
  const again = loader.load('m');
  workers[1].say({ type: 'done', id: workers[1].got[1].id });
  workers[1].say({ type: 'snapshot', snapshot: snapshotOf('ready') });
  assert.equal((await again).key, 'm');
});

test('a signal is an AbortSignal of the caller’s own, or the call fails before anything begins', async () => {
  const { loader, got } = await setUp();
  const sent = got.length;
  assert.throws(() => loader.load('m', /** @type {any} */ ({ signal: 'x' })), TypeError);
  assert.equal(got.length, sent);
  // What a prototype has was not asked for.
  void loader.load('m', /** @type {any} */ (Object.create({ signal: 'x' })));
  void loader.load('m', /** @type {any} */ (null));
  await settle();
  assert.equal(got.length, sent + 1);
  await loader.dispose();
});

test('a record that cannot be ours counts as absent', async () => {
  const records = {
    getItem: (/** @type {string} */ key) => (key.startsWith('download') ? '"'.repeat(5e6) : '{}'),
    setItem() {},
    removeItem() {},
  };
  const { loader, got } = await setUp({ records });
  assert.deepEqual([got[0].models[0].record, got[0].models[0].timings], [null, '{}']);
  await loader.dispose();
});

test('the page’s own headers are asked for before each request, and go back to the worker', async () => {
  let token = 0;
  const { loader, got, say } = await setUp({
    headers: async (url) => {
      if (url.endsWith('bad')) throw new Error('no token');
      return { Authorization: `Bearer ${++token}` };
    },
  });
  assert.deepEqual([got[0].headers, got[0].credentials], [true, 'same-origin']);
  await say({ type: 'headersFor', id: 1, url: 'https://h/a' });
  await say({ type: 'headersFor', id: 2, url: 'https://h/b' });
  await say({ type: 'headersFor', id: 3, url: 'https://h/bad' });
  const answers = got.filter(({ type }) => type === 'headers');
  assert.deepEqual(answers, [
    { type: 'headers', id: 1, headers: { authorization: 'Bearer 1' }, error: '' },
    { type: 'headers', id: 2, headers: { authorization: 'Bearer 2' }, error: '' },
    { type: 'headers', id: 3, headers: {}, error: 'Error: no token' },
  ]);
  await loader.dispose();
});
