import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { createCore } from '../../web/src/core.node.js';

const core = await createCore();

test('a tracker turns positions into honest numbers', () => {
  const tracker = core.createProgressTracker({ name: 'mini', file: 'a.onnx', total: 1000 });
  assert.equal(tracker.snapshot(0).speed, null);
  tracker.update({ loaded: 0, total: 1000 }, 0);
  for (let i = 1; i <= 10; i++) tracker.update({ loaded: i * 50, total: 1000 }, i * 1000);
  const snapshot = tracker.snapshot(10_000);
  assert.deepEqual([snapshot.name, snapshot.file, snapshot.loaded], ['mini', 'a.onnx', 500]);
  assert.equal(snapshot.progress, 50);
  assert.ok(Math.abs(Number(snapshot.speed) - 50) < 5, `speed ${snapshot.speed}`);
  assert.ok(Math.abs(Number(snapshot.timeRemaining) - 10) < 3, `${snapshot.timeRemaining} s`);
  tracker.complete(11_000);
  assert.equal(tracker.snapshot(11_000).progress, 100);
  tracker.dispose();
});

test('unknown is null, not zero', () => {
  const tracker = core.createProgressTracker();
  tracker.update({ loaded: 42 }, 0);
  const { total, progress, speed, timeRemaining, loaded } = tracker.snapshot(0);
  assert.deepEqual(
    { total, progress, speed, timeRemaining },
    {
      total: null,
      progress: null,
      speed: null,
      timeRemaining: null,
    },
  );
  assert.equal(loaded, 42);
  tracker.dispose();
});

test('predictions are those of the native core, to a billionth', async () => {
  const text = await readFile(
    new URL('../core/progress/eta_sequence.txt', import.meta.url),
    'utf8',
  );
  const rows = [...text.matchAll(/^\{(.+)\},$/gm)].map(([, row]) => row.split(',').map(Number));
  assert.ok(rows.length > 100);
  const tracker = core.createProgressTracker({ name: 'Phi-3', total: 250e6 });
  for (const [ms, loaded, ...expected] of rows) {
    tracker.update({ loaded, total: 250e6 }, ms);
    const { timeRemaining, etaLow, etaHigh } = tracker.snapshot(ms);
    [timeRemaining, etaLow, etaHigh].forEach((got, i) => {
      const near = Math.abs((got ?? -1) - expected[i]) <= 1e-9 * Math.abs(expected[i]);
      assert.ok(near, `${got} is not ${expected[i]} after ${ms} ms`);
    });
  }
  tracker.dispose();
});

test('several files make one total', () => {
  const files = core.createMultiFileAggregator();
  const event = { status: 'progress', name: 'm' };
  files.handleFileProgress({ ...event, file: 'a.onnx', loaded: 0, total: 100, progress: 0 }, 0);
  files.handleFileProgress({ ...event, file: 'b.onnx', loaded: 0, total: 300, progress: 0 }, 0);
  files.handleFileProgress(
    { ...event, file: 'b.onnx', loaded: 150, total: 300, progress: 50 },
    500,
  );
  files.handleFileProgress(
    { ...event, file: 'a.onnx', loaded: 100, total: 100, progress: 100 },
    900,
  );
  files.handleFileProgress({ status: 'done', name: 'm', file: 'a.onnx' }, 900);
  const snapshot = files.snapshot(1000);
  assert.deepEqual(
    [snapshot.totalFiles, snapshot.filesCompleted, snapshot.totalDownloaded, snapshot.totalSize],
    [2, 1, 250, 400],
  );
  assert.equal(snapshot.overallProgress, 62.5);
  assert.deepEqual(
    snapshot.files.map(({ file }) => file),
    ['a.onnx', 'b.onnx'],
  );
  files.dispose();
});

/** Objects that try to break whoever reads them. */
const hostile = () => {
  const cyclic = /** @type {any} */ ({ status: 'progress', file: 'a' });
  cyclic.self = cyclic;
  cyclic.files = { a: cyclic };
  const thrower = new Proxy(
    {},
    {
      get() {
        throw new Error('get');
      },
      ownKeys() {
        throw new Error('ownKeys');
      },
    },
  );
  const numbers = [NaN, Infinity, -1, 2 ** 60, 10n, '12', '', 'x', {}, [], null, undefined, true];
  return [
    undefined,
    null,
    7,
    'progress',
    10n,
    Symbol('x'),
    () => {},
    [],
    Object.create(null),
    thrower,
    { status: 'progress', file: 'a', loaded: thrower, total: thrower, files: thrower },
    { status: thrower, file: thrower, toJSON: thrower },
    { toJSON: () => assert.fail('an event is not asked how it would like to be read') },
    cyclic,
    { status: 'progress', file: 'é'.repeat(100_000), loaded: 1, total: 2 },
    { status: 'progress', file: '\ud800', name: '\0', loaded: 1, total: 2 },
    {
      status: 'progress_total',
      files: JSON.parse('{"__proto__":{"loaded":1,"total":2}}'),
    },
    ...numbers.flatMap((loaded) =>
      numbers.map((total) => ({ status: 'progress', file: 'a', progress: loaded, loaded, total })),
    ),
  ];
};

/** @param {unknown} value every number in it is finite and not negative */
function assertSane(value) {
  if (typeof value === 'number') assert.ok(Number.isFinite(value) && value >= 0, String(value));
  else if (typeof value === 'object' && value !== null) Object.values(value).forEach(assertSane);
}

test('whatever comes as an event, nothing throws and every number stays sane', () => {
  const tracker = core.createProgressTracker({ name: 'm' });
  const files = core.createMultiFileAggregator();
  let now = 0;
  for (const event of hostile()) {
    tracker.handleTransformersProgress(event, now);
    files.handleFileProgress(event, now);
    assertSane({ ...tracker.snapshot(now), startTime: 0 });
    assertSane(files.snapshot(now));
    now += 10;
  }
  for (const time of [NaN, -Infinity, Infinity, /** @type {any} */ ('now'), 5]) {
    files.handleFileProgress({ status: 'progress', file: 'z', loaded: 1, total: 9 }, time);
    assertSane(files.snapshot(time));
  }
  tracker.dispose();
  files.dispose();
});

test('whatever is thrown becomes a text', () => {
  const tracker = core.createProgressTracker();
  for (const [error, text] of /** @type {[unknown, RegExp][]} */ ([
    [new Error('boom'), /^boom$/],
    ['plain', /^plain$/],
    [Object.create(null), /.+/],
    [undefined, /.+/],
    [10n, /^10$/],
  ])) {
    tracker.fail(error, 0);
    const { status, error: shown } = tracker.snapshot(0);
    assert.equal(status, 'failed');
    assert.match(String(shown), text);
  }
  tracker.dispose();
});

test('the throttle lets one value through per interval, keeps the last, and never holds a final one', () => {
  const throttler = core.createThrottler({ intervalMs: 100 });
  const [a, b, c, end] = [{ n: 1 }, { n: 2 }, { n: 3 }, { status: 'ready' }];
  assert.equal(throttler.push(a, 0), a);
  assert.equal(throttler.push(b, 10), undefined);
  assert.equal(throttler.push(c, 20), undefined);
  assert.equal(throttler.wakeAt(), 100);
  assert.equal(throttler.poll(99), undefined);
  assert.equal(throttler.poll(100), c);
  assert.equal(throttler.wakeAt(), null);
  assert.equal(throttler.push(a, 110), undefined);
  assert.equal(throttler.push(end, 120), end);
  assert.equal(throttler.poll(1000), undefined);
  assert.equal(throttler.push(b, 1000), b);
  assert.equal(throttler.push(c, 1001, { final: true }), c);
  throttler.dispose();
});

test('states change legally only, are told to subscribers, and survive a restart', () => {
  const states = core.createStateManager();
  /** @type {string[]} */
  const heard = [];
  const stop = states.subscribe('m', ({ status }) => heard.push(status));
  assert.equal(states.startDownload('m', 'Mini', 1000), null);
  assert.equal(
    states.updateDownload('m', { totalDownloaded: 5, totalSize: 10, overallProgress: 50 }, 1001),
    null,
  );
  assert.equal(states.pauseDownload('m', 1002), null);
  assert.match(String(states.completeDownload('m', 1003)), /^[A-Z].*\.$/);
  assert.deepEqual(heard, ['downloading', 'downloading', 'paused']);
  stop();
  const record = states.serialize('m');
  const stored = states.poll(2000);
  assert.deepEqual(stored, [{ type: 'persist', key: 'download_state_m', json: record }]);

  const later = core.createStateManager();
  const { state } = later.restore(record, 5000);
  assert.deepEqual([state?.status, state?.bytesDownloaded, state?.progress], ['paused', 5, 50]);
  for (const bad of [
    '',
    '{',
    '[]',
    '{}',
    'null',
    null,
    undefined,
    7,
    '{"version":99,"modelKey":"m"}',
  ]) {
    assert.match(String(later.restore(bad, 5000).error), /^[A-Z].*\.$/);
  }
  assert.equal(later.resumeDownload('m', 6000), null);
  assert.equal(later.completeDownload('m', 7000), null);
  assert.ok(later.poll(7000).some(({ type }) => type === 'persist'));
  assert.equal(later.wakeAt(), 12_000);
  assert.deepEqual(later.poll(12_000), [{ type: 'unpersist', key: 'download_state_m' }]);
  assert.equal(later.state('m'), null);
  assert.equal(later.serialize('m'), null);
  states.dispose();
  later.dispose();
});

test('subscribers may come, go and change states while they are told', () => {
  const states = core.createStateManager();
  /** @type {string[]} */
  const heard = [];
  const stop = states.subscribe('m', ({ status }) => {
    heard.push(`first ${status}`);
    stop();
    states.subscribe('m', (state) => heard.push(`late ${state.status}`));
    states.pauseDownload('m', 2);
  });
  states.subscribe('m', ({ status }) => heard.push(`second ${status}`));
  states.startDownload('m', 'Mini', 1);
  assert.deepEqual(heard, [
    'first downloading',
    'second downloading',
    'second paused',
    'late paused',
  ]);
  states.dispose();
  assert.doesNotThrow(stop);
});

test('what was disposed says so, and disposing twice does nothing', () => {
  const tracker = core.createProgressTracker();
  const made = [
    tracker,
    core.createMultiFileAggregator(),
    core.createThrottler(),
    core.createStateManager(),
  ];
  for (const handle of made) {
    handle.dispose();
    handle.dispose();
  }
  assert.throws(() => tracker.snapshot(0), /disposed/);
});
