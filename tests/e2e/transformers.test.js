// candor/transformers beside the real Transformers.js: a page that loads the embedded model from the test hub by
// pipeline(), and whose progress_callback feeds the elements.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { createHub } from '../hub/hub.js';
import { launch } from './browsers.js';
import { QUESTION, isRight } from './visit.js';

/**
 * @typedef {import('../../web/bindings.d.ts').Snapshot} Snapshot
 * @typedef {{ dialog: string, chat: string, speed: string, here: string }} Shown
 * @typedef {{ events: any[], snapshots: Snapshot[], shown: Shown[], error: string | null, answer: string }} Seen
 */

const ROOT = path.resolve(import.meta.dirname, '../..');
const FIXTURES = path.join(import.meta.dirname, 'fixtures');
const SHOTS = path.join(import.meta.dirname, 'shots');
const MODEL = path.join(ROOT, 'web/models/cv-mini');
const cv = JSON.parse(await readFile(path.join(ROOT, 'web/demo/cv.json'), 'utf8'));
const { files: sizes } = JSON.parse(await readFile(path.join(MODEL, 'candor.json'), 'utf8'));

/** What pipeline() loads, in bytes. */
const TOTAL = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'onnx/model_q4.onnx',
]
  .map((name) => sizes.find((/** @type {{ path: string }} */ file) => file.path === name).size)
  .reduce((sum, size) => sum + size, 0);

let built = '';
/** @type {Awaited<ReturnType<typeof createHub>>} */
let hub;
/** @type {import('puppeteer-core').Browser} */
let browser;
/** @type {import('puppeteer-core').Page} */
let page;

before(async () => {
  await mkdir(SHOTS, { recursive: true });
  built = await mkdtemp(path.join(tmpdir(), 'candor-transformers-'));
  await build({
    entryPoints: [path.join(FIXTURES, 'transformers/main.js')],
    outfile: path.join(built, 'transformers.js'),
    bundle: true,
    format: 'esm',
    // Ours as it is served, not bundled into the page.
    external: ['/candor/*'],
    logLevel: 'warning',
  });
  hub = await createHub({
    csp: true,
    models: { 'candor/cv-mini': MODEL },
    mounts: {
      '/page': path.join(FIXTURES, 'transformers'),
      '/fixtures': FIXTURES,
      '/built': built,
      '/candor': path.join(ROOT, 'web/dist'),
      // The version that Transformers.js wants.
      '/ort': path.join(ROOT, 'node_modules/onnxruntime-web/dist'),
    },
  });
  browser = await launch('chromium', { webgpu: false });
  page = await browser.newPage();
});
after(async () => {
  await browser?.close();
  await hub?.close();
  await rm(built, { recursive: true, force: true });
});

/** Opens the page, of another origin than the Hub. @param {string} [question] */
const open = (question = '') =>
  page.goto(`${hub.otherOrigin}/page/?hub=${hub.origin}/&question=${encodeURIComponent(question)}`);

/** Waits for the outcome. @param {string} shot @returns {Promise<Seen>} */
async function outcome(shot) {
  await page.waitForSelector('#answer[data-done]', { timeout: 60_000 });
  // What the page knows first, the core may hear a moment later.
  await page.waitForFunction(() =>
    ['ready', 'failed'].includes(/** @type {any} */ (globalThis).seen.snapshots.at(-1)?.status),
  );
  await page.screenshot({ path: path.join(SHOTS, `transformers-${shot}.png`) });
  return page.evaluate(() => ({
    .../** @type {any} */ (globalThis).seen,
    answer: document.querySelector('#answer')?.textContent ?? '',
  }));
}

/** Whatever holds of every load that succeeds. @param {Seen} seen */
function assertHonest({ snapshots, shown, error }) {
  assert.equal(error, null);
  const known = snapshots.flatMap(({ phase, progress }) =>
    phase === 'download' && progress !== null ? [progress] : [],
  );
  assert.deepEqual(
    known,
    known.toSorted((a, b) => a - b),
    'progress never goes back',
  );
  for (const { status, progress } of snapshots) {
    assert.ok(progress !== 100 || status === 'ready', 'only what is done is at 100 %');
  }
  // One true total, from the first to the last.
  assert.deepEqual(
    [...new Set(snapshots.flatMap(({ totalSize }) => totalSize ?? []))],
    [TOTAL],
    'one true total',
  );
  for (const { network, cached, totalDownloaded, discarded } of snapshots) {
    assert.equal(network + cached, totalDownloaded);
    assert.equal(discarded, 0);
  }
  // Short ones may be skipped.
  const order = ['idle', 'queued', 'downloading', 'loading', 'ready'];
  const places = snapshots.map(({ status }) => order.indexOf(status));
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  const last = /** @type {Snapshot} */ (snapshots.at(-1));
  assert.deepEqual(
    [last.progress, last.totalDownloaded, last.filesCompleted, last.totalFiles],
    [100, TOTAL, 5, 5],
  );
  // Both elements showed each snapshot.
  snapshots.forEach(({ phase, progress }, i) => {
    if (phase !== 'download' || progress === null) return;
    assert.equal(shown[i].dialog, `${Math.floor(progress)}%`);
    assert.equal(shown[i].chat, shown[i].dialog);
  });
  assert.equal(shown.at(-1)?.dialog, '100%');
}

test('a download by pipeline() is shown with one true total and never goes back', async () => {
  hub.setRate('2.5MB/s');
  await open(QUESTION);
  await page.waitForFunction(() => {
    const { snapshots } = /** @type {any} */ (globalThis).seen;
    return snapshots.some((/** @type {Snapshot} */ { speed }) => speed !== null);
  });
  await page.screenshot({ path: path.join(SHOTS, 'transformers-downloading.png') });
  const seen = await outcome('cold');
  assertHonest(seen);
  assert.ok(isRight(seen.answer, cv), seen.answer);
  const last = /** @type {Snapshot} */ (seen.snapshots.at(-1));
  assert.deepEqual([last.network, last.cached], [TOTAL, 0]);
  assert.ok(seen.snapshots.filter(({ phase }) => phase === 'download').length > 3);
  const speeds = seen.snapshots.flatMap(({ speed }) => speed ?? []);
  assert.ok(
    speeds.every((speed) => speed > 0 && speed < 3e6),
    'no faster than the link',
  );
  assert.ok(seen.shown.some(({ speed }) => /^\d+(\.\d)? (MB|kB)\/s$/.test(speed)));
});

test('a cached load shows its bytes as already here: position, never speed', async () => {
  const from = hub.ledger.entries.length;
  await open();
  const seen = await outcome('cached');
  assert.equal(hub.ledger.entries.slice(from).filter(({ kind }) => kind === 'file').length, 0);
  // Transformers.js says the same as before, so this is not taken from its events.
  assert.ok(seen.events.some(({ status }) => status === 'download'));
  assertHonest(seen);
  for (const { network, speed, timeRemaining } of seen.snapshots) {
    assert.deepEqual([network, speed, timeRemaining], [0, null, null]);
  }
  assert.equal(seen.snapshots.at(-1)?.cached, TOTAL);
  assert.ok(seen.shown.some(({ here }) => /already here$/.test(here)));
  assert.ok(seen.shown.every(({ speed }) => speed === ''));
});

test('a load that fails ends in the recovery dialog, with the words from outside as text', async () => {
  await page.evaluate(() => caches.delete('transformers-cache'));
  hub.setRate({});
  hub.setFault({ name: 'status', code: 503, times: null });
  await open();
  const { snapshots, error } = await outcome('failed');
  hub.clearFaults();
  const last = /** @type {Snapshot} */ (snapshots.at(-1));
  assert.equal(last.status, 'failed');
  assert.equal(last.error?.detail, error);
  assert.match(String(error), /Service unavailable/);
  assert.notEqual(last.progress, 100);
  const { open: isOpen, ...parts } = await page.$eval('#recovery', (element) => {
    const part = (/** @type {string} */ name) =>
      element.shadowRoot?.querySelector(`[part=${name}]`)?.innerHTML;
    const dialog = element.shadowRoot?.querySelector('dialog');
    return { open: dialog?.open, title: part('title'), detail: part('detail') };
  });
  assert.equal(isOpen, true);
  assert.deepEqual(parts, { title: 'CV mini could not be loaded', detail: error });
});
