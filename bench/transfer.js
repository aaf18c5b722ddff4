// How fast a model's file gets to the disk, verified, beside what else a page could do: one Chromium, one machine, one run,
// over the loopback, from the test hub in a process of its own. Every sample has a browser and a profile of its own; the
// contenders take turns, so that what else the machine does meets them all. One JSON object, last on stdout.
//
//   scripts/bench transfer [--only NAME] [--rounds 3] [--kills 20] [--profile FILE]
//
// --profile writes a CPU profile of the worker (for the browser's developer tools) of the last of Candor's samples.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { launch } from '../tests/e2e/browsers.js';
import { createHub } from '../tests/hub/hub.js';

/**
 * @typedef {import('../web/bindings.d.ts').Snapshot} Snapshot
 * @typedef {import('puppeteer-core').Page} Page
 * @typedef {import('./transfer_worker.js').Source} Source
 * @typedef {{ seconds: number, verifySeconds?: number, requests?: number, sentTwice?: number, workerPeakMiB?: number, rendererPeakMiB?: number }} Sample
 */

const ROOT = path.resolve(import.meta.dirname, '..');
const MiB = 2 ** 20;
const FILE = 'onnx/model_q4.onnx';
/** Bytes of the weights of each model of the hub. */
const SIZES = { 'bench/256': 256 * MiB, 'bench/198': 198e6, 'bench/2048': 2048 * MiB };

/** The hub's process. @param {string} built */
async function runHub(built) {
  const model = path.join(ROOT, 'web/models/cv-mini');
  /** @type {Record<string, Buffer>} */
  const settings = {};
  const names = ['config', 'generation_config', 'tokenizer', 'tokenizer_config'];
  for (const name of names) {
    settings[`${name}.json`] = await readFile(path.join(model, `${name}.json`));
  }
  const hub = await createHub({
    models: Object.fromEntries(
      Object.entries(SIZES).map(([repo, size], seed) => [
        repo,
        { files: { ...settings, [FILE]: { size, seed } } },
      ]),
    ),
    mounts: {
      '/page': path.join(ROOT, 'tests/e2e/fixtures'),
      '/candor': path.join(ROOT, 'web/dist'),
      '/built': built,
    },
  });
  process.on('disconnect', () => hub.close());
  process.send?.(hub.origin);
}

/** Loads until all is verified. Runs in the page. @param {{ host: string, repo: string }} source */
async function candorInPage({ host, repo }) {
  const { createLoader } = await import(String('/candor/candor.js'));
  const loader = await createLoader({
    models: { bench: { repo, host, executionProvider: 'wasm' } },
  });
  let lastByte = 0;
  let bytes = -1;
  const began = performance.now();
  return new Promise((resolve, reject) => {
    loader.subscribe('bench', (/** @type {Snapshot} */ shown) => {
      const now = performance.now();
      if (shown.network > bytes) [bytes, lastByte] = [shown.network, now];
      if (shown.status === 'failed') reject(new Error(shown.error?.message));
      if (shown.totalSize === null || shown.verified !== shown.totalSize) return;
      // Snapshots come every 100 ms; this one says how long ago the next phase began.
      const end = shown.phase === 'download' ? now : now - shown.phaseElapsed;
      // It would go on to a session, which noise cannot start.
      loader.cancel('bench');
      resolve({
        seconds: (end - began) / 1000,
        verifySeconds: Math.max(0, end - lastByte) / 1000,
        bytes,
      });
    });
    loader.load('bench').catch(() => {});
  });
}

/** Runs in the page. @param {string} contender @param {Source} source */
function otherInPage(contender, source) {
  const worker = new Worker('/built/transfer_worker.js', { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage({ contender, source });
  });
}

class Bench {
  /** @type {Record<string, any>} every sample, by figure */
  samples = {};
  /** @type {Record<string, number>} */
  figures = {};
  /** Of the hub's link, bytes per second. @type {{ rate?: number, perConnectionRate?: number }} */
  rate = {};

  /** @param {string} origin @param {{ rounds: number, kills: number, profile?: string }} options */
  constructor(origin, options) {
    this.origin = origin;
    this.options = options;
  }

  /** @param {string} call @param {object} [body] */
  async hub(call, body) {
    const reply = await fetch(`${this.origin}/__hub/${call}`, {
      ...(body && {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
    return reply.json();
  }

  /** Sets the link; the hub knows its files' checksums afterwards. @param {string} repo @param {object} rate */
  async prepare(repo, rate) {
    this.rate = rate;
    await this.reset();
    await (await fetch(`${this.origin}/api/models/${repo}/tree/main?recursive=true`)).json();
  }

  async reset() {
    await this.hub('reset', {});
    await this.hub('rate', this.rate);
  }

  /** @param {string} repo @returns {Source} */
  source(repo) {
    const size = SIZES[/** @type {keyof typeof SIZES} */ (repo)];
    const url = `${this.origin}/${repo}/resolve/main/${FILE}`;
    return { url, host: this.origin, repo, file: FILE, size };
  }

  /** Requests for the weights, and the bytes that were sent for them. */
  async sent() {
    const entries = (await this.hub('ledger')).filter(
      (/** @type {any} */ { kind, path }) => kind === 'file' && path === FILE,
    );
    const bytes = entries.reduce(
      (/** @type {number} */ sum, /** @type {any} */ e) => sum + e.sent,
      0,
    );
    return { requests: entries.length, bytes };
  }

  /** @param {string | undefined} [userDataDir] */
  async open(userDataDir) {
    const browser = await launch('chromium', { webgpu: false, userDataDir });
    const page = await browser.newPage();
    await page.goto(`${this.origin}/page/blank.html`);
    return { browser, page };
  }

  /** @param {string} contender @param {string} repo @param {{ memory?: boolean }} [how] @returns {Promise<Sample>} */
  async sample(contender, repo, { memory = false } = {}) {
    await this.reset();
    const { browser, page } = await this.open();
    try {
      const source = this.source(repo);
      if (contender !== 'candor') return await page.evaluate(otherInPage, contender, source);
      const watch = new Watch(page, { memory, profile: this.options.profile });
      const { bytes: _, ...times } = await page.evaluate(candorInPage, source);
      const { requests, bytes: sent } = await this.sent();
      return { ...times, ...(await watch.end()), requests, sentTwice: sent / source.size - 1 };
    } finally {
      await browser.close();
    }
  }

  /**
   * @param {string} name
   * @param {string} repo
   * @param {{ rate?: number, perConnectionRate?: number }} rate
   * @param {string[]} contenders
   */
  async race(name, repo, rate, contenders) {
    await this.prepare(repo, rate);
    /** @type {Record<string, Sample[]>} */
    const samples = Object.fromEntries(contenders.map((contender) => [contender, []]));
    const loads = [];
    for (let round = 0; round < this.options.rounds; round++) {
      for (const contender of round % 2 ? contenders.toReversed() : contenders) {
        const sample = await this.sample(contender, repo);
        samples[contender].push(sample);
        say(name, contender, JSON.stringify(sample));
      }
      loads.push(loadavg()[0]);
    }
    this.samples[name] = { bytes: this.source(repo).size, rate, load: loads, ...samples };
    return (/** @type {string} */ a, /** @type {string} */ b) =>
      median(samples[a].map(({ seconds }, i) => seconds / samples[b][i].seconds));
  }

  async unlimited() {
    const contenders = ['discard', 'opfs', 'candor', 'transformers'];
    const ratio = await this.race('unlimited', 'bench/256', {}, contenders);
    this.figures.verified_vs_discard = ratio('discard', 'candor');
    this.figures.verified_vs_transformers = ratio('transformers', 'candor');
    const { candor } = this.samples.unlimited;
    this.figures.verify_after_last_byte_s = median(
      candor.map((/** @type {Sample} */ { verifySeconds }) => verifySeconds),
    );
  }

  async link125() {
    const ratio = await this.race('link125', 'bench/256', { rate: 125e6 }, ['discard', 'candor']);
    this.figures.link125_vs_fetch = ratio('candor', 'discard');
  }

  async perconn8() {
    const contenders = ['sixRanges', 'candor', 'transformers'];
    const rate = { rate: 64e6, perConnectionRate: 8e6 };
    const ratio = await this.race('perconn8', 'bench/198', rate, contenders);
    this.figures.perconn8_vs_six_ranges = ratio('candor', 'sixRanges');
    this.figures.perconn8_vs_transformers = ratio('candor', 'transformers');
  }

  async shared20() {
    const ratio = await this.race('shared20', 'bench/198', { rate: 20e6 }, ['discard', 'candor']);
    this.figures.shared20_vs_fetch = ratio('candor', 'discard');
  }

  /** Kills the browser at a random moment, goes on in a new one, and sees what was sent twice. */
  async kill() {
    const repo = 'bench/198';
    const { size } = this.source(repo);
    const rate = { rate: 64e6, perConnectionRate: 8e6 };
    await this.prepare(repo, rate);
    const samples = [];
    for (let i = 0; i < this.options.kills; i++) {
      await this.reset();
      const profile = await mkdtemp(path.join(tmpdir(), 'candor-kill-'));
      try {
        const first = await this.open(profile);
        first.page.evaluate(candorInPage, this.source(repo)).catch(() => {});
        const goal = Math.random() * 0.96 * size + 0.02 * size;
        while ((await this.sent()).bytes < goal) await delay(20);
        const { pid } = /** @type {import('node:child_process').ChildProcess} */ (
          first.browser.process()
        );
        process.kill(/** @type {number} */ (pid), 'SIGKILL');
        await first.browser.disconnect();
        await delay(500);
        const before = (await this.sent()).bytes;
        const second = await this.open(profile);
        await second.page.evaluate(candorInPage, this.source(repo));
        await second.browser.close();
        const { bytes } = await this.sent();
        samples.push({ sentBefore: before, refetched: (bytes - size) / size });
        say('kill', JSON.stringify(samples.at(-1)));
      } finally {
        await rm(profile, { recursive: true, force: true, maxRetries: 5 });
      }
    }
    this.samples.kill = { bytes: size, rate, samples };
    this.figures.refetched_after_kill = median(samples.map(({ refetched }) => refetched));
  }

  /** @param {256 | 2048} mebibytes */
  async memory(mebibytes) {
    const repo = `bench/${mebibytes}`;
    await this.prepare(repo, {});
    const sample = await this.sample('candor', repo, { memory: true });
    say('memory', JSON.stringify(sample));
    this.samples[`memory${mebibytes}`] = { bytes: this.source(repo).size, candor: [sample] };
    this.figures[`peak_memory_mib_${mebibytes}`] = sample.workerPeakMiB ?? NaN;
  }
}

/** Watches the loader's worker from outside, and for memory the disk's worker, too. */
class Watch {
  #done = false;
  /** @type {Promise<Partial<Sample>>} */
  #result;
  #page;

  /** @param {Page} page @param {{ memory: boolean, profile?: string }} what */
  constructor(page, what) {
    this.#page = page;
    this.#result = what.memory || what.profile ? this.#watch(what) : Promise.resolve({});
    this.#result.catch(() => {});
  }

  /** @param {{ memory: boolean, profile?: string }} what */
  async #watch({ memory, profile }) {
    /** @type {import('puppeteer-core').CDPSession[]} */
    const clients = [];
    const [client] = await new Promise((resolve) =>
      this.#page.on('workercreated', (worker) => {
        // A session's begins when all is measured, and ends before the watch does.
        if (worker.url().includes('session-worker')) return;
        clients.push(worker.client);
        resolve(clients);
      }),
    );
    if (profile) {
      await client.send('Profiler.enable');
      await client.send('Profiler.setSamplingInterval', { interval: 500 });
      await client.send('Profiler.start');
    }
    // What V8 holds for the worker: its heap, the DOM's objects, and array buffers, the core's memory among them.
    const held = async () => {
      let sum = 0;
      for (const one of clients) {
        const usage = /** @type {any} */ (await one.send('Runtime.getHeapUsage'));
        sum += usage.usedSize + usage.embedderHeapUsedSize + usage.backingStorageSize;
      }
      return sum;
    };
    let start = Infinity;
    let peak = 0;
    while (!this.#done) {
      if (memory) {
        const now = await held();
        start = Math.min(start, now);
        peak = Math.max(peak, now);
      }
      await delay(25);
    }
    if (profile) {
      const { profile: recorded } = await client.send('Profiler.stop');
      await writeFile(profile, JSON.stringify(recorded));
    }
    return memory ? { workerPeakMiB: (peak - start) / MiB } : {};
  }

  end() {
    this.#done = true;
    return this.#result;
  }
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {string[]} words */
const say = (...words) => console.error(...words);

/** What measures what. @type {Record<string, (bench: Bench) => Promise<void>>} */
const RUNS = {
  unlimited: (bench) => bench.unlimited(),
  link125: (bench) => bench.link125(),
  perconn8: (bench) => bench.perconn8(),
  shared20: (bench) => bench.shared20(),
  refetched_after_kill: (bench) => bench.kill(),
  peak_memory_mib_256: (bench) => bench.memory(256),
  peak_memory_mib_2048: (bench) => bench.memory(2048),
};
/** The figures that a run gives beside the one it is named for. @type {Record<string, string>} */
const RUN_OF = {
  verified_vs_discard: 'unlimited',
  verified_vs_transformers: 'unlimited',
  verify_after_last_byte_s: 'unlimited',
  link125_vs_fetch: 'link125',
  perconn8_vs_six_ranges: 'perconn8',
  perconn8_vs_transformers: 'perconn8',
  shared20_vs_fetch: 'shared20',
};

async function main() {
  const text = /** @type {const} */ ({ type: 'string' });
  const { values } = parseArgs({
    options: { only: text, rounds: text, kills: text, profile: text },
  });
  const only = values.only && (RUN_OF[values.only] ?? values.only);
  if (only && !RUNS[only]) {
    throw new Error(`There are: ${[...Object.keys(RUN_OF), ...Object.keys(RUNS)].join(', ')}.`);
  }
  const built = await mkdtemp(path.join(tmpdir(), 'candor-bench-'));
  await build({
    entryPoints: [path.join(import.meta.dirname, 'transfer_worker.js')],
    outdir: built,
    bundle: true,
    format: 'esm',
    logLevel: 'error',
  });
  const hub = fork(import.meta.filename, ['--hub', built]);
  try {
    const [origin] = await once(hub, 'message');
    const { rounds = '3', kills = '20', profile } = values;
    const bench = new Bench(origin, { rounds: Number(rounds), kills: Number(kills), profile });
    for (const [name, run] of Object.entries(RUNS)) {
      if (!only || only === name) await run(bench);
    }
    const { figures, samples } = bench;
    console.log(JSON.stringify({ node: process.version, samples, figures }));
  } finally {
    hub.disconnect();
    await rm(built, { recursive: true, force: true });
  }
}

if (process.argv[2] === '--hub') await runHub(process.argv[3]);
else await main();
