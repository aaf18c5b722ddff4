// From the navigation to the first token: Candor beside Transformers.js, on the same files from the same server at 50 MB/s,
// in one Chromium on one machine in one run. Every cold sample has a browser and a profile of its own; the contenders take
// turns. One JSON object, last on stdout.
//
//   scripts/bench load [--model DIR] [--device wasm|webgpu] [--rounds 2]
//
// DIR: default SmolLM2 where it lies beside this repository, else the embedded model. `webgpu` is software here.

import { setTimeout as delay } from 'node:timers/promises';
import { median, run, say } from './model_bench.js';

/** @typedef {import('./model_bench.js').Contender} Contender @typedef {import('./model_bench.js').Lab} Lab */

const SYSTEM = { role: 'system', content: 'You are a helpful assistant.' };
const MESSAGES = [SYSTEM, { role: 'user', content: 'Name three colours of the rainbow.' }];

/** @param {Lab} lab @param {Contender} contender @param {number | null} threads */
function sample(lab, contender, threads) {
  // WebGPU in software computes a token in seconds.
  const tokens = lab.device === 'webgpu' ? 2 : 24;
  return lab.visit(async (visit) => {
    await visit.page.goto('about:blank');
    const before = await visit.memory();
    await visit.navigate(contender);
    const loaded = await visit.load(threads);
    const [cold, ready] = await Promise.all([visit.ask(MESSAGES, tokens), visit.memory()]);
    const longestTask = await visit.longestTask();
    await visit.call('dispose');
    await delay(10_000);
    const afterDispose = await visit.memory();
    await visit.navigate(contender);
    const again = await visit.load(threads);
    const warm = await visit.ask(MESSAGES, tokens);
    return {
      threads,
      loaded,
      readyWarm: again.ready,
      firstTokenCold: cold.first,
      firstTokenWarm: warm.first,
      tokensPerSecond: Math.max(cold.tokensPerSecond ?? 0, warm.tokensPerSecond ?? 0),
      memoryReady: ready - before,
      memoryAfterDispose: afterDispose - before,
      longestTask,
      ids: cold.ids,
    };
  });
}

/** With the system prompt read ahead, as a page does that warms up by it. @param {Lab} lab @param {boolean} ahead */
function warmup(lab, ahead) {
  return lab.visit(async (visit) => {
    await visit.navigate('candor');
    await visit.load();
    const prepared = ahead ? visit.call('prepare', [SYSTEM]) : null;
    const { first } = await visit.ask(MESSAGES, 1);
    await prepared;
    return first;
  });
}

await run(async (lab) => {
  /** @type {Record<'ours' | 'theirsEqual' | 'theirsDefault', Awaited<ReturnType<typeof sample>>[]>} */
  const samples = { ours: [], theirsEqual: [], theirsDefault: [] };
  const warmups = { with: /** @type {number[]} */ ([]), without: /** @type {number[]} */ ([]) };
  for (let round = 0; round < lab.rounds; round++) {
    say(`round ${round + 1} of ${lab.rounds}`);
    samples.ours.push(await sample(lab, 'candor', null));
    samples.theirsEqual.push(await sample(lab, 'transformers', 2));
    if (lab.device === 'wasm') samples.theirsDefault.push(await sample(lab, 'transformers', null));
    /** @type {('with' | 'without')[]} */
    const order = round % 2 ? ['with', 'without'] : ['without', 'with'];
    for (const key of order) {
      warmups[key].push(await warmup(lab, key === 'with'));
    }
  }
  const { ours, theirsEqual: equal, theirsDefault: usual } = samples;
  /** @template T @param {T[]} all @param {(one: T) => number} of */
  const of = (all, of) => (all.length ? median(all.map(of)) : NaN);
  const ratio = (/** @type {keyof typeof ours[0]} */ key, theirs = equal) =>
    of(ours, (one) => Number(one[key])) / of(theirs, (one) => Number(one[key]));
  const share = (/** @type {keyof typeof ours[0]} */ key) =>
    of(ours, (one) => Number(one[key])) / Number(lab.weights);
  const figures = {
    [`first_token_cold`]: ratio('firstTokenCold'),
    [`first_token_warm`]: ratio('firstTokenWarm'),
    tokens_equal_threads: ratio('tokensPerSecond'),
    tokens_default: usual.length ? ratio('tokensPerSecond', usual) : null,
    [`memory_${lab.device}`]: share('memoryReady'),
    silence_single_s: of(ours, ({ loaded }) => loaded.silence),
    ready_after_last_byte_s: of(ours, ({ loaded }) => loaded.afterLastByte),
    longest_task_ms: of(ours, ({ longestTask }) => longestTask),
    [`warmup_cost_${lab.device}`]: median(warmups.with) / median(warmups.without),
    memory_after_dispose: share('memoryAfterDispose'),
    same_tokens: Number(
      JSON.stringify(ours[0].ids) === JSON.stringify(equal[0].ids.slice(0, ours[0].ids.length)),
    ),
  };
  return { samples: { ...samples, warmups }, figures };
});
