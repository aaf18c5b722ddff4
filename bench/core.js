// What an event costs: the core natively, the core as WebAssembly, the core through `candor/core` (what JavaScript pays,
// crossings included), and the tracker that the project began with, in plain JavaScript. All in one run; one JSON object,
// last on stdout, in ns per event and as ratios to the plain JavaScript.

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { createCore } from '../web/src/core.node.js';

const ROOT = path.resolve(import.meta.dirname, '..');
const CHUNK = 65536;
const STEP_MS = 10;
const CALLS = 1_000_000;
const BATCHES = 20;

/** Of twenty batches the fastest: what else the machine does only ever makes one slower. @param {number} calls @param {(i: number) => void} call */
function nsPerCall(calls, call) {
  let best = Infinity;
  let i = 0;
  for (let batch = 1; batch <= BATCHES; batch++) {
    const before = i;
    const began = process.hrtime.bigint();
    while (i < (calls * batch) / BATCHES) call(++i);
    const took = Number(process.hrtime.bigint() - began);
    best = Math.min(best, took / (i - before));
  }
  return Math.round(best * 10) / 10;
}

/**
 * As the sketch did it: the speed of each event, the mean of the last five, a new object for each event, no throttle. Its
 * clock is the event's time.
 */
class SketchTracker {
  #lastTime = 0;
  #lastLoaded = 0;
  /** @type {number[]} */
  #speeds = [];
  /** @param {(info: object) => void} publish */
  constructor(publish) {
    this.publish = publish;
  }

  /** @param {{ status?: string, name?: string, file?: string, loaded: number, total: number }} event @param {number} now */
  handle({ status = 'download', name = 'model', file = '', loaded, total }, now) {
    /** @type {Record<string, unknown>} */
    const info = { status, name, file, loaded, total };
    info.progress = total ? Math.round((loaded / total) * 100) : 0;
    if (this.#lastTime > 0 && loaded > this.#lastLoaded) {
      this.#speeds.push((loaded - this.#lastLoaded) / ((now - this.#lastTime) / 1000));
      if (this.#speeds.length > 5) this.#speeds.shift();
      const speed = this.#speeds.reduce((sum, one) => sum + one, 0) / this.#speeds.length;
      info.speed = speed;
      info.timeRemaining = (total - loaded) / speed;
    }
    this.#lastTime = now;
    this.#lastLoaded = loaded;
    this.publish(info);
  }
}

/** @param {string} command @param {string[]} args */
const run = (command, args) => JSON.parse(execFileSync(command, args, { encoding: 'utf8' }));
const native = run(path.join(ROOT, 'build/native/bench_core'), []);
const wasm = run(process.execPath, [path.join(ROOT, 'build/wasm/bench_core.cjs')]);

const total = 2 * CALLS * CHUNK;
let sink = 0;
const sketch = new SketchTracker((info) => (sink += info ? 1 : 0));
const plain = nsPerCall(CALLS, (i) =>
  sketch.handle(
    { name: 'model', file: 'onnx/model_q4.onnx', loaded: i * CHUNK, total },
    i * STEP_MS,
  ),
);

const core = await createCore();
const tracker = core.createProgressTracker({ name: 'model', file: 'onnx/model_q4.onnx', total });
const update = nsPerCall(CALLS, (i) => tracker.update({ loaded: i * CHUNK, total }, i * STEP_MS));

// As used: the throttle lets one snapshot in ten events through.
const shown = core.createProgressTracker({ name: 'model', file: 'onnx/model_q4.onnx', total });
const throttler = core.createThrottler();
const event = nsPerCall(CALLS / 10, (i) => {
  shown.update({ loaded: i * CHUNK, total }, i * STEP_MS);
  if (throttler.push(i, i * STEP_MS) !== undefined) sink += shown.snapshot(i * STEP_MS).loaded;
});

const ratio = (/** @type {number} */ ns) => Math.round((ns / plain) * 100) / 100;
console.log(
  JSON.stringify(
    {
      node: process.version,
      nsPerEvent: {
        plainJavaScript: plain,
        native: native.updateNs,
        wasm: wasm.updateNs,
        throughJavaScript: update,
        withThrottledSnapshot: {
          native: native.eventWithThrottledSnapshotNs,
          wasm: wasm.eventWithThrottledSnapshotNs,
          throughJavaScript: event,
        },
      },
      recordAndEstimateNs: { native: native.recordAndEstimateNs, wasm: wasm.recordAndEstimateNs },
      toPlainJavaScript: {
        native: ratio(native.updateNs),
        wasm: ratio(wasm.updateNs),
        throughJavaScript: ratio(update),
        withThrottledSnapshotThroughJavaScript: ratio(event),
      },
      checksum: sink,
    },
    null,
    2,
  ),
);
