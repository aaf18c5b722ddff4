// How the world's ways of going wrong are met: one Chromium, one machine, one run, over the loopback, from the test hub in this
// process. Every sample has a browser of its own. One JSON object, last on stdout.
//
//   scripts/bench world [--only NAME]

import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { launch } from '../tests/e2e/browsers.js';
import { createHub } from '../tests/hub/hub.js';

/** @typedef {import('../web/bindings.d.ts').Snapshot} Snapshot */

const ROOT = path.resolve(import.meta.dirname, '..');
const WEIGHTS = 'onnx/model_q4.onnx';
const SIZE = 24_000_000;
const MODEL = path.join(ROOT, 'web/models/cv-mini');
const TEXTS = ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json'];

/** @returns {Promise<Record<string, Buffer>>} */
const texts = async () =>
  Object.fromEntries(
    await Promise.all(TEXTS.map(async (name) => [name, await readFile(path.join(MODEL, name))])),
  );

/**
 * Loads until all is verified, or it fails. Runs in the page.
 *
 * @param {{ model: object, host: string, until: number }} what until: a visitor leaves at so many bytes
 */
async function loadInPage({ model, host, until }) {
  const { createLoader } = await import(String('/candor/candor.js'));
  const loader = await createLoader({
    models: { m: { executionProvider: 'wasm', ...model } },
    host,
  });
  const began = performance.now();
  let totalSeen = false;
  /** @type {{ seconds: number, failed: string | null, totalSeen: boolean, discarded: number }} */
  const result = await new Promise((resolve) => {
    loader.subscribe('m', (/** @type {Snapshot} */ shown) => {
      totalSeen ||= shown.totalSize !== null && shown.verified !== shown.totalSize;
      const failed = shown.status === 'failed' ? (shown.error?.message ?? '') : null;
      const over = shown.totalSize !== null && shown.verified === shown.totalSize;
      if (failed === null && !over && shown.totalDownloaded < until) return;
      const seconds = (performance.now() - began) / 1000;
      resolve({ seconds, failed, totalSeen, discarded: shown.discarded });
    });
    loader.load('m').catch(() => {});
  });
  if (result.failed === null) loader.cancel('m');
  await loader.dispose();
  return result;
}

class Bench {
  /** @type {Record<string, any>} */
  samples = {};
  /** @type {Record<string, number>} */
  figures = {};

  /** @param {import('../tests/hub/hub.js').Hub} hub @param {string} folder */
  constructor(hub, folder) {
    this.hub = hub;
    this.folder = folder;
  }

  /** Bytes of the weights that were sent so far, and of everything. */
  sent(all = false) {
    return this.hub.ledger.entries
      .filter(({ kind, path: file }) => kind === 'file' && (all || file.endsWith(WEIGHTS)))
      .reduce((sum, { sent }) => sum + sent, 0);
  }

  /**
   * @param {object} model
   * @param {{ faults?: object[], rate?: object, until?: number, visits?: number }} [how] until: leaves at so many bytes, in all
   *   visits but the last
   */
  async load(model, { faults = [], rate = {}, until = 1e15, visits = 1 } = {}) {
    this.hub.reset();
    this.hub.setRate(rate);
    for (const fault of faults) this.hub.setFault(/** @type {any} */ (fault));
    const browser = await launch('chromium', { webgpu: false });
    try {
      const page = await browser.newPage();
      // Of another origin than the files, as most pages are.
      await page.goto(`${this.hub.otherOrigin}/page/blank.html`);
      let result;
      for (let visit = 1; visit <= visits; visit++) {
        const stop = visit < visits ? until : 1e15;
        result = await page.evaluate(loadInPage, { model, host: this.hub.origin, until: stop });
        if (visit < visits) this.hub.setFault({ name: 'etag' });
      }
      return /** @type {NonNullable<typeof result>} */ (result);
    } finally {
      await browser.close();
    }
  }

  /** One of the connections trickles: how much longer does it take? */
  async trickle() {
    const rate = { rate: 8e6, perConnectionRate: 2e6 };
    const model = { repo: 'bench/world', dtype: 'q4' };
    const without = await this.load(model, { rate });
    const samples = [];
    for (const skip of [0, 1, 2]) {
      const fault = { name: 'trickle', rate: 400, skip, times: 1, path: WEIGHTS };
      samples.push(await this.load(model, { rate, faults: [fault] }));
    }
    this.samples.trickle = { without, with: samples };
    const slowest = Math.max(...samples.map(({ seconds }) => seconds));
    this.figures.trickle_ratio = slowest / without.seconds;
  }

  /** Left at half, and the CDN has another name for the same bytes. */
  async etag() {
    const model = { repo: 'bench/world', dtype: 'q4' };
    const sample = await this.load(model, { rate: { rate: 8e6 }, until: SIZE / 2, visits: 2 });
    this.samples.etag = { ...sample, sent: this.sent() };
    this.figures.etag_refetched = this.sent() / SIZE - 1;
  }

  /** A plain folder that shows scripts type and length, and whose connections break four times. */
  async noHeaders() {
    const model = { repo: `${this.hub.origin}/plain/m`, dtype: 'q4' };
    const breaks = ['20%', '40%', '60%', '80%'].map((at) => ({ name: 'drop', path: WEIGHTS, at }));
    const faults = [{ name: 'hidden', path: '**' }, ...breaks];
    const sample = await this.load(model, { rate: { rate: 8e6 }, faults });
    this.samples.no_headers = { ...sample, sent: this.sent() };
    this.figures.no_headers_refetched =
      sample.failed === null && sample.totalSeen ? this.sent() / SIZE - 1 : NaN;
  }

  /** A model without a chat template. */
  async template() {
    const sample = await this.load({ repo: 'bench/mute', dtype: 'q4' }, { rate: { rate: 20e6 } });
    this.samples.small_first = { ...sample, sent: this.sent(true) };
    this.figures.small_first_bytes = /chat template/.test(sample.failed ?? '')
      ? this.sent(true)
      : NaN;
  }

  /** A host that takes one connection of each client. */
  async oneConnection() {
    const samples = [];
    for (const code of [503, 403, 0]) {
      const faults = [{ name: 'crowd', connections: 1, code, path: '**' }];
      samples.push(
        await this.load({ repo: 'bench/world', dtype: 'q4' }, { rate: { rate: 20e6 }, faults }),
      );
    }
    this.samples.one_connection = samples;
    this.figures.one_connection_failed = samples.filter(({ failed }) => failed !== null).length;
  }
}

/** @type {Record<string, (bench: Bench) => Promise<void>>} */
const RUNS = {
  trickle_ratio: (bench) => bench.trickle(),
  etag_refetched: (bench) => bench.etag(),
  no_headers_refetched: (bench) => bench.noHeaders(),
  small_first_bytes: (bench) => bench.template(),
  one_connection_failed: (bench) => bench.oneConnection(),
};

const { values } = parseArgs({ options: { only: { type: 'string' } } });
if (values.only && !RUNS[values.only])
  throw new Error(`There are: ${Object.keys(RUNS).join(', ')}.`);
const folder = await mkdtemp(path.join(tmpdir(), 'candor-world-'));
const small = await texts();
const weights = { size: SIZE, seed: 7 };
await mkdir(path.join(folder, 'm/onnx'), { recursive: true });
for (const [name, text] of Object.entries(small))
  await writeFile(path.join(folder, 'm', name), text);
await writeFile(path.join(folder, 'm', WEIGHTS), Buffer.alloc(SIZE, 'weights of noise '));
const hub = await createHub({
  models: {
    'bench/world': { files: { ...small, [WEIGHTS]: weights } },
    'bench/mute': { files: { ...small, 'tokenizer_config.json': '{}', [WEIGHTS]: weights } },
  },
  folders: { '/plain': folder },
  mounts: {
    '/page': path.join(ROOT, 'tests/e2e/fixtures'),
    '/candor': path.join(ROOT, 'web/dist'),
  },
});
try {
  const bench = new Bench(hub, folder);
  for (const [name, run] of Object.entries(RUNS)) {
    if (values.only && values.only !== name) continue;
    await run(bench);
    console.error(name, bench.figures[name]);
  }
  const { figures, samples } = bench;
  console.log(JSON.stringify({ node: process.version, samples, figures }));
} finally {
  await hub.close();
  await rm(folder, { recursive: true, force: true });
}
