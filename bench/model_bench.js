// What the benchmarks of a loaded model share: the hub with the model and the page, browsers of their own for each sample,
// the memory of all their processes.

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { launch } from '../tests/e2e/browsers.js';
import { createHub } from '../tests/hub/hub.js';

/**
 * @typedef {import('puppeteer-core').Page} Page
 * @typedef {'candor' | 'transformers'} Contender
 * @typedef {import('./model_page.js').Source} Source
 */

const ROOT = path.resolve(import.meta.dirname, '..');
const SMOLLM = path.resolve(ROOT, '../shared/models/smollm2-135m-instruct');
const REPO = 'bench/model';
/** The link, bytes per second. */
export const RATE = 50e6;

export const say = (/** @type {string[]} */ ...words) => console.error(...words);

/** @param {number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Bytes that a process and all that it started hold, what they share counted once (Pss). @param {number} root */
export async function memoryOf(root) {
  /** @type {Map<number, number[]>} */
  const children = new Map();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // A process may end while its numbers are read.
    const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const parent = Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  let bytes = 0;
  for (const queue = [root]; queue.length;) {
    const pid = /** @type {number} */ (queue.pop());
    queue.push(...(children.get(pid) ?? []));
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
    bytes += Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
  }
  return bytes;
}

export class Lab {
  /** @param {string} model @param {string} built @param {'wasm' | 'webgpu'} device @param {number} rounds */
  constructor(model, built, device, rounds) {
    this.model = model;
    this.built = built;
    this.device = device;
    this.rounds = rounds;
  }

  async start() {
    this.hub = await createHub({
      isolation: true,
      models: { [REPO]: this.model },
      mounts: {
        '/page': path.join(ROOT, 'tests/e2e/fixtures'),
        '/candor': path.join(ROOT, 'web/dist'),
        '/built': this.built,
        '/ort': path.join(ROOT, 'node_modules/onnxruntime-web/dist'),
      },
    });
    this.hub.setRate({ rate: RATE });
    this.weights = (await stat(path.join(this.model, 'onnx/model_q4.onnx'))).size;
  }

  /** A browser and a profile of its own. @template T @param {(visit: Visit) => Promise<T>} sample @returns {Promise<T>} */
  async visit(sample) {
    const profile = await mkdtemp(path.join(tmpdir(), 'candor-bench-profile-'));
    const browser = await launch('chromium', {
      webgpu: this.device === 'webgpu',
      userDataDir: profile,
    });
    try {
      const page = await browser.newPage();
      await page.evaluateOnNewDocument(() => {
        const tasks = /** @type {number[]} */ ([]);
        Object.assign(globalThis, { longTasks: tasks });
        new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) tasks.push(duration);
        }).observe({ type: 'longtask', buffered: true });
      });
      return await sample(new Visit(this, page, Number(browser.process()?.pid)));
    } finally {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    }
  }
}

/** One browser. All times are ms after the navigation. */
export class Visit {
  /** @param {Lab} lab @param {Page} page @param {number} pid */
  constructor(lab, page, pid) {
    this.lab = lab;
    this.page = page;
    this.pid = pid;
  }

  memory() {
    return memoryOf(this.pid);
  }

  /** @param {Contender} contender */
  async navigate(contender) {
    const origin = /** @type {any} */ (this.lab.hub).origin;
    this.contender = contender;
    await this.page.goto(`${origin}/page/blank.html`);
    await this.page.evaluate(() => import(String('/built/model_page.js')));
  }

  /** @param {number | null} [threads] */
  load(threads = null) {
    const { hub, device } = this.lab;
    const source = { host: /** @type {any} */ (hub).origin, repo: REPO, device, threads };
    return this.call('load', source);
  }

  /** @param {{ role: string, content: string }[]} messages @param {number} tokens @returns {Promise<import('./model_page.js').Answer>} */
  ask(messages, tokens) {
    return this.call('ask', messages, tokens);
  }

  /** @param {string} method @param {unknown[]} args @returns {Promise<any>} */
  call(method, ...args) {
    return this.page.evaluate(
      (contender, name, given) =>
        /** @type {any} */ (globalThis).contenders[contender][name](...given),
      /** @type {Contender} */ (this.contender),
      method,
      args,
    );
  }

  longestTask() {
    return this.page.evaluate(() =>
      Math.max(
        0,
        .../** @type {{ longTasks: number[] }} */ (/** @type {any} */ (globalThis)).longTasks,
      ),
    );
  }
}

/**
 * Runs a benchmark and prints its JSON.
 * @param {(lab: Lab) => Promise<{ samples: object, figures: Record<string, number | null> }>} bench
 */
export async function run(bench) {
  const text = /** @type {const} */ ({ type: 'string' });
  const { values } = parseArgs({ options: { model: text, device: text, rounds: text } });
  const embedded = path.join(ROOT, 'web/models/cv-mini');
  const model = path.resolve(values.model ?? (existsSync(SMOLLM) ? SMOLLM : embedded));
  const device = values.device === 'webgpu' ? 'webgpu' : 'wasm';
  const built = await mkdtemp(path.join(tmpdir(), 'candor-bench-'));
  const lab = new Lab(model, built, device, Number(values.rounds ?? 2));
  try {
    await build({
      entryPoints: [path.join(import.meta.dirname, 'model_page.js')],
      outdir: built,
      bundle: true,
      format: 'esm',
      logLevel: 'error',
    });
    await lab.start();
    const load = loadavg()[0];
    const { samples, figures } = await bench(lab);
    const machine = { loadAtStart: load, loadAtEnd: loadavg()[0] };
    console.log(
      JSON.stringify({
        model: path.basename(model),
        device,
        bytes: lab.weights,
        machine,
        samples,
        figures,
      }),
    );
  } finally {
    await lab.hub?.close();
    await rm(built, { recursive: true, force: true });
  }
}
