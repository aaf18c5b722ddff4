/**
 * The whole loader without a browser: the page's side, the worker's side, the real core, the test hub, real fetch. Only
 * the disk and ONNX Runtime are stood in for.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { clock } from '../../web/src/adapters/clock.js';
import { fetchWith } from '../../web/src/adapters/fetch.js';
import { memoryStore } from '../../web/src/adapters/memory-store.js';
import { alwaysOurTurn } from '../../web/src/adapters/tabs.js';
import { connect } from '../../web/src/page/client.js';
import { loadCore } from '../../web/src/core.node.js';
import { serve } from '../../web/src/loader/host.js';
import { CandorError } from '../../web/src/page/index.js';
import { checkOptions } from '../../web/src/page/options.js';
import { createHub } from '../hub/hub.js';
import { virtualBytes } from '../hub/virtual.js';
import { DEVICE, FINISH, nothingWrong } from './support/fakes.js';

/** @typedef {import('../../web/bindings.d.ts').Snapshot} Snapshot */

const WEIGHTS = { size: 12_000_000, seed: 7 };
const MODEL = {
  files: {
    'config.json': JSON.stringify({ model_type: 'llama' }),
    'tokenizer.json': '{}',
    'tokenizer_config.json': '{}',
    'onnx/model_q4.onnx': WEIGHTS,
  },
};
const core = await loadCore();
const sha256 = (/** @type {Uint8Array} */ bytes) =>
  createHash('sha256').update(bytes).digest('hex');
const RIGHT = sha256(virtualBytes(WEIGHTS.seed, 0, WEIGHTS.size));

/**
 * A visit: a page and its worker, over a disk that may be that of an earlier visit.
 * @param {object} options
 * @param {import('../hub/hub.js').Hub} options.hub
 * @param {import('../../web/src/folder.d.ts').Store} [options.store]
 * @param {Map<string, string>} [options.records]
 * @param {import('../../web/src/page/index.js').ModelOptions} [options.model]
 * @param {(on: { event(event: any): void, reply(reply: any): void }) => void} [options.session] what a new session does
 * @param {(id: number, on: { event(event: any): void }) => boolean} [options.dies] whether the runtime dies of an answer
 * @param {import('../../web/src/ports.d.ts').TakeTurn} [options.takeTurn]
 */
async function visit({
  hub,
  store = keeping(memoryStore()),
  records = new Map(),
  model = { repo: 'owner/model' },
  session = (on) => on.event({ type: 'sessionReady' }),
  dies = () => false,
  takeTurn = alwaysOurTurn,
}) {
  const { port1, port2 } = new MessageChannel();
  /** @type {Record<string, Blob>[]} */
  const sessions = [];
  serve(port2, async () => ({
    core,
    ports: {
      clock,
      fetch: fetchWith('omit', null),
      examine: nothingWrong,
      store,
      takeTurn,
      probe: async () => DEVICE,
      createSession(_plan, files, on) {
        sessions.push(files);
        queueMicrotask(() => session(on));
        return {
          chat(id, messages) {
            if (dies(id, on)) return;
            const text = `You said ${messages[messages.length - 1].content}.`;
            on.reply({ type: 'piece', id, text });
            on.reply({ type: 'finish', id, ...FINISH, text });
          },
          stop() {},
          close() {},
        };
      },
    },
  }));
  const loader = await connect(() => port1, {
    ...checkOptions({ host: hub.origin, models: { m: model } }),
    records: {
      getItem: (key) => records.get(key) ?? null,
      setItem: (key, value) => void records.set(key, value),
      removeItem: (key) => void records.delete(key),
    },
  });
  /** @type {Snapshot[]} */
  const seen = [];
  loader.subscribe('m', (snapshot) => seen.push(snapshot));
  /** @param {(snapshot: Snapshot) => boolean} what @returns {Promise<Snapshot>} */
  const until = (what) =>
    new Promise((resolve) => {
      const stop = loader.subscribe('m', (snapshot) => {
        if (!what(snapshot)) return;
        resolve(snapshot);
        queueMicrotask(() => stop());
      });
    });
  return { loader, seen, sessions, store, records, until };
}

/** The store in memory as if it were a disk. @param {import('../../web/src/folder.d.ts').Store} store */
const keeping = (store) => ({ ...store, persistent: true });

/** @param {import('node:test').TestContext} t @param {import('../hub/hub.js').HubOptions} [options] */
async function hubFor(t, options = {}) {
  const hub = await createHub({ models: { 'owner/model': MODEL }, ...options });
  t.after(() => hub.close());
  return hub;
}

/** H2, H3 and H4, of every snapshot that was shown. @param {Snapshot[]} seen */
function assertHonest(seen) {
  let before = seen[0];
  for (const snapshot of seen) {
    const { progress, phase, status } = snapshot;
    assert.ok(progress === null || (progress >= 0 && progress <= 100), `progress ${progress}`);
    if (
      phase === 'download' &&
      status === 'downloading' &&
      snapshot.filesCompleted < snapshot.totalFiles
    ) {
      assert.notEqual(progress, 100);
    }
    if (
      phase === before.phase &&
      snapshot.discarded === before.discarded &&
      before.progress !== null
    ) {
      assert.ok(
        progress === null || progress >= before.progress,
        `${before.progress} → ${progress}`,
      );
    }
    assert.ok(snapshot.totalSize === null || snapshot.totalDownloaded <= snapshot.totalSize);
    before = snapshot;
  }
}

test('a model of the Hub is downloaded whole, verified, handed to its session, and answers', async (t) => {
  const hub = await hubFor(t);
  const { loader, seen, sessions } = await visit({ hub });
  const model = await loader.load('m');
  const weights = new Uint8Array(await sessions[0]['onnx/model_q4.onnx'].arrayBuffer());
  assert.equal(sha256(weights), RIGHT);
  assert.equal(await sessions[0]['config.json'].text(), MODEL.files['config.json']);

  const snapshot = loader.snapshot('m');
  assert.equal(snapshot.status, 'ready');
  assert.equal(snapshot.filesCompleted, snapshot.totalFiles);
  assert.equal(snapshot.totalDownloaded, snapshot.totalSize);
  assert.equal(snapshot.variant?.dtype, 'q4');
  assertHonest(seen);

  let answer = '';
  for await (const piece of model.chat([{ role: 'user', content: 'Hi' }])) answer += piece;
  assert.equal(answer, 'You said Hi.');
  await loader.dispose();
});

test('a folder with a list of its files works like the Hub, and so does one without', async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'candor-'));
  t.after(() => rm(dir, { recursive: true }));
  for (const [name, content] of Object.entries(MODEL.files)) {
    const file = path.join(dir, 'mini', name);
    await mkdir(path.dirname(file), { recursive: true });
    const bytes =
      typeof content === 'string' ? content : virtualBytes(content.seed, 0, content.size);
    await writeFile(file, bytes);
  }
  for (const manifest of [true, false]) {
    const hub = await hubFor(t, { folders: { '/models': { dir, manifest } } });
    const { loader, seen, sessions } = await visit({
      hub,
      model: { repo: `${hub.origin}/models/mini` },
    });
    await loader.load('m');
    const weights = await sessions[0]['onnx/model_q4.onnx'].arrayBuffer();
    assert.equal(sha256(new Uint8Array(weights)), RIGHT);
    assertHonest(seen);
    await loader.dispose();
  }
});

test('the next visit loads without the network', async (t) => {
  const hub = await hubFor(t);
  const first = await visit({ hub });
  await first.loader.load('m');
  await first.loader.dispose();
  hub.ledger.clear();

  const second = await visit({ hub, store: first.store, records: first.records });
  await second.loader.load('m');
  assert.equal(hub.ledger.entries.length, 0);
  const weights = await second.sessions[0]['onnx/model_q4.onnx'].arrayBuffer();
  assert.equal(sha256(new Uint8Array(weights)), RIGHT);
  assert.equal(second.loader.snapshot('m').network, 0);
  assertHonest(second.seen);
  await second.loader.dispose();
});

test('a visit that ends in the middle is gone on with: what is on disk is not asked for again', async (t) => {
  const hub = await hubFor(t, { rate: 6_000_000 });
  const first = await visit({ hub });
  const load = first.loader.load('m');
  load.catch(() => {});
  await first.until(({ totalDownloaded }) => totalDownloaded > 5_000_000);
  await first.loader.dispose();
  await assert.rejects(load, { code: 'aborted' });
  assert.ok(first.records.has('download_state_m'));

  const second = await visit({ hub, store: first.store, records: first.records });
  const restored = second.loader.snapshot('m');
  assert.ok(restored.totalDownloaded > 0, 'the record says what is on disk');
  await second.loader.load('m');
  const { network, cached, totalSize } = second.loader.snapshot('m');
  assert.ok(cached > 4_000_000, `cached ${cached}`);
  assert.ok(network <= Number(totalSize) - cached, `network ${network}`);
  const weights = await second.sessions[0]['onnx/model_q4.onnx'].arrayBuffer();
  assert.equal(sha256(new Uint8Array(weights)), RIGHT);
  await second.loader.dispose();
});

test('a connection that breaks is gone on with by itself', async (t) => {
  const hub = await hubFor(t, { fault: [{ name: 'drop', at: '50%', reset: true }] });
  const { loader, seen, sessions } = await visit({ hub });
  await loader.load('m');
  const weights = await sessions[0]['onnx/model_q4.onnx'].arrayBuffer();
  assert.equal(sha256(new Uint8Array(weights)), RIGHT);
  assertHonest(seen);
  await loader.dispose();
});

test('pause stops the bytes, resume goes on, and the load’s promise waits', async (t) => {
  const hub = await hubFor(t, { rate: 6_000_000 });
  const { loader, until, seen } = await visit({ hub });
  const load = loader.load('m');
  await until(({ totalDownloaded }) => totalDownloaded > 2_000_000);
  loader.pause('m');
  const paused = await until(({ status }) => status === 'paused');
  assert.deepEqual([paused.can.pause, paused.can.resume, paused.speed], [false, true, null]);
  loader.resume('m');
  await load;
  assertHonest(seen);
  await loader.dispose();
});

test('cancel, or the signal, rejects the load as aborted and keeps what is on disk', async (t) => {
  const hub = await hubFor(t, { rate: 6_000_000 });
  const { loader, until } = await visit({ hub });
  const controller = new AbortController();
  const load = loader.load('m', { signal: controller.signal });
  await until(({ totalDownloaded }) => totalDownloaded > 3_000_000);
  controller.abort();
  await assert.rejects(load, (/** @type {any} */ error) => {
    assert.ok(error instanceof CandorError);
    return error.code === 'aborted';
  });
  assert.equal(loader.snapshot('m').status, 'cancelled');
  await loader.load('m');
  assert.ok(loader.snapshot('m').cached > 1_000_000);
  await assert.rejects(loader.load('m', { signal: controller.signal }), { code: 'aborted' });
  await loader.dispose();
});

test('remove deletes the files and the record', async (t) => {
  const hub = await hubFor(t);
  const { loader, store, records } = await visit({ hub });
  await loader.load('m');
  await loader.remove('m');
  const { status, totalDownloaded } = loader.snapshot('m');
  assert.deepEqual([status, totalDownloaded], ['idle', 0]);
  assert.equal(records.has('download_state_m'), false);
  const again = await visit({ hub, store, records });
  hub.ledger.clear();
  await again.loader.load('m');
  assert.ok(hub.ledger.entries.some(({ path, sent }) => path === 'onnx/model_q4.onnx' && sent > 0));
  await loader.dispose();
  await again.loader.dispose();
});

test('the room that a model takes is known on the next visit, and none after remove', async (t) => {
  const hub = await hubFor(t);
  const first = await visit({ hub });
  assert.equal(await first.loader.stored('m'), 0);
  await first.loader.load('m');
  await first.loader.dispose();
  await assert.rejects(first.loader.stored('m'), { code: 'aborted' });

  const { store, records } = first;
  const { loader } = await visit({ hub, store, records });
  const bytes = await loader.stored('m');
  assert.ok(bytes && bytes >= WEIGHTS.size, String(bytes));
  assert.equal(loader.snapshot('m').status, 'idle');
  await loader.remove('m');
  assert.equal(await loader.stored('m'), 0);
  await assert.rejects(loader.stored('other'), TypeError);
  await loader.dispose();
});

test('the room of a disk that cannot be looked at is not known', async (t) => {
  const hub = await hubFor(t);
  const broken = memoryStore();
  const folder = broken.folder.bind(broken);
  broken.folder = (name) => ({ ...folder(name), size: () => Promise.reject(new Error('no')) });
  const { loader } = await visit({ hub, store: broken });
  assert.equal(await loader.stored('m'), null);
  await loader.dispose();
});

test('a model that does not exist, is gated, or is an HTML page fails with its own code and a sentence', async (t) => {
  const hub = await hubFor(t, {
    models: { 'owner/model': MODEL, 'owner/gated': { ...MODEL, gated: true } },
  });
  for (const [repo, code, fault] of /** @type {const} */ ([
    ['owner/none', 'not_found', null],
    ['owner/gated', 'gated', null],
    ['owner/model', 'integrity', { name: 'html', times: null }],
  ])) {
    if (fault) hub.faults.add?.(fault);
    const { loader, until } = await visit({ hub, model: { repo } });
    loader.load('m').catch(() => {});
    const { error } = await until(({ status }) => status === 'failed');
    assert.equal(error?.code, code);
    assert.match(error?.message ?? '', /^[A-Z].*[.!]$/);
    await loader.dispose();
  }
});

test('a session that fails is shown, waits for the visitor, and a retry does not download again', async (t) => {
  const hub = await hubFor(t);
  let attempts = 0;
  const { loader, until } = await visit({
    hub,
    session(on) {
      attempts += 1;
      if (attempts > 1) return on.event({ type: 'sessionReady' });
      on.event({ type: 'sessionFailed', kind: null, message: 'std::bad_alloc' });
    },
  });
  const load = loader.load('m');
  const { error, can } = await until(({ status }) => status === 'failed');
  assert.equal(error?.code, 'out_of_memory');
  assert.equal(error?.detail, 'std::bad_alloc');
  assert.equal(can.retry, true);
  hub.ledger.clear();
  loader.retry('m');
  await load;
  assert.equal(hub.ledger.entries.length, 0);
  await loader.dispose();
});

test('a runtime that dies of an answer ends the answer and the session, and is loaded anew from the disk', async (t) => {
  const hub = await hubFor(t);
  let lives = 0;
  const { loader, until, sessions } = await visit({
    hub,
    dies: (chat, on) => {
      if (lives++) return false;
      const message = 'RuntimeError: Aborted(OOM). Build with -sASSERTIONS for more info.';
      on.event({ type: 'answerFailed', chat, message });
      return true;
    },
  });
  const model = await loader.load('m');
  hub.ledger.clear();
  const hi = [{ role: 'user', content: 'Hi' }];
  await assert.rejects(model.chat(hi).next(), { name: 'CandorError', code: 'out_of_memory' });
  const { status, can } = await until((shown) => shown.status !== 'ready');
  if (status === 'failed') {
    assert.equal(can.retry, true);
    loader.retry('m');
  }
  await until((shown) => shown.status === 'ready');
  assert.equal(sessions.length, 2);
  assert.equal((await model.chat(hi).next()).value, 'You said Hi.');
  assert.ok(!hub.ledger.entries.some(({ path, sent }) => path === 'onnx/model_q4.onnx' && sent));
  await loader.dispose();
});

test('an answer that fails with the runtime alive leaves the model ready', async (t) => {
  const hub = await hubFor(t);
  let asked = 0;
  const { loader } = await visit({
    hub,
    dies: (chat, on) => {
      if (asked++) return false;
      on.event({ type: 'answerFailed', chat, message: 'Error: ERROR_CODE: 2, Invalid rank' });
      return true;
    },
  });
  const model = await loader.load('m');
  const hi = [{ role: 'user', content: 'Hi' }];
  await assert.rejects(model.chat(hi).next(), { code: 'runtime', message: /^[A-Z].*\.$/ });
  assert.equal(loader.snapshot('m').status, 'ready');
  assert.equal((await model.chat(hi).next()).value, 'You said Hi.');
  await loader.dispose();
});

test('what another tab is using is not removed, and the visitor is told', async (t) => {
  const hub = await hubFor(t);
  const first = await visit({ hub });
  await first.loader.load('m');
  await first.loader.dispose();
  const { store, records } = first;
  const { loader } = await visit({
    hub,
    store,
    records,
    takeTurn: async (folder, options) => (options.toRemove ? null : alwaysOurTurn(folder, options)),
  });
  await assert.rejects(loader.remove('m'), (/** @type {any} */ error) => {
    assert.ok(error instanceof CandorError);
    return /^[A-Z].*other tab.*\.$/.test(error.message);
  });
  assert.ok(Number(await loader.stored('m')) > WEIGHTS.size);
  await loader.load('m');
  await loader.dispose();
});

test('a session whose model is cancelled at the last moment is not born', async (t) => {
  const hub = await hubFor(t);
  const store = keeping(memoryStore());
  const { loader, sessions, until } = await visit({ hub, store });
  const folder = store.folder.bind(store);
  let cancelled = false;
  store.folder = (name) => {
    const real = folder(name);
    const blob = real.blob.bind(real);
    real.blob = async (path) => {
      if (!cancelled) loader.cancel('m');
      cancelled = true;
      await until(({ status }) => status === 'cancelled');
      return blob(path);
    };
    return real;
  };
  await assert.rejects(loader.load('m'), { code: 'aborted' });
  await loader.stored('m');
  assert.equal(sessions.length, 0);
  await loader.dispose();
});
