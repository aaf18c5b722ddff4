// What a conversation costs: the first token of a later turn beside the first turn's, of a question after a long preface
// with and without what was read before. One Chromium, one machine, one run; Transformers.js' turns beside ours. One JSON
// object, last on stdout.
//
//   scripts/bench chat [--model DIR] [--rounds 2]

import { median, run, say } from './model_bench.js';

/** @typedef {import('./model_bench.js').Contender} Contender @typedef {import('./model_bench.js').Lab} Lab */

/** About 900 tokens. */
const PREFACE = {
  role: 'system',
  content: Array.from(
    { length: 44 },
    (_, i) => `Fact ${i + 1}: in ${1970 + i}, she worked on bridge number ${i * 7 + 3}.`,
  ).join(' '),
};
const user = (/** @type {string} */ content) => ({ role: 'user', content });
const assistant = (/** @type {string} */ content) => ({ role: 'assistant', content });
const TURNS = [
  'Hello!',
  'What is a bridge?',
  'Name one.',
  'Why that one?',
  'How long is it?',
  'Who built it?',
];

/** First tokens of six turns, ms. @param {Lab} lab @param {Contender} contender */
function turns(lab, contender) {
  return lab.visit(async (visit) => {
    await visit.navigate(contender);
    await visit.load(2);
    const messages = [];
    const times = [];
    for (const turn of TURNS) {
      messages.push(user(turn));
      const { timeToFirstToken, text, read } = await visit.ask(messages, 24);
      messages.push(assistant(text));
      times.push({ ms: timeToFirstToken, read });
    }
    return times;
  });
}

/** Questions after the preface, ms to the first token. @param {Lab} lab */
async function preface(lab) {
  const first = [PREFACE, user('Who is she?')];
  const cold = await lab.visit(async (visit) => {
    await visit.navigate('candor');
    await visit.load();
    const one = await visit.ask(first, 8);
    const second = [...first, assistant(one.text), user('What did she do in 1980?')];
    const reused = await visit.ask(second, 8);
    return { first: one, second, reused };
  });
  const again = await lab.visit(async (visit) => {
    await visit.navigate('candor');
    await visit.load();
    return visit.ask(cold.second, 8);
  });
  const prepared = await lab.visit(async (visit) => {
    await visit.navigate('candor');
    await visit.load();
    await visit.call('prepare', [PREFACE]);
    return visit.ask(first, 8);
  });
  return {
    first: cold.first.timeToFirstToken,
    reused: cold.reused.timeToFirstToken,
    again: again.timeToFirstToken,
    prepared: prepared.timeToFirstToken,
    read: [cold.first.read, cold.reused.read, again.read, prepared.read],
    same:
      JSON.stringify([cold.reused.ids, cold.first.ids]) ===
      JSON.stringify([again.ids, prepared.ids]),
  };
}

await run(async (lab) => {
  const samples = {
    turns: /** @type {Awaited<ReturnType<typeof turns>>[]} */ ([]),
    theirTurns: /** @type {Awaited<ReturnType<typeof turns>>[]} */ ([]),
    preface: /** @type {Awaited<ReturnType<typeof preface>>[]} */ ([]),
  };
  for (let round = 0; round < lab.rounds; round++) {
    say(`round ${round + 1} of ${lab.rounds}`);
    samples.turns.push(await turns(lab, 'candor'));
    samples.theirTurns.push(await turns(lab, 'transformers'));
    samples.preface.push(await preface(lab));
  }
  const last = (/** @type {{ ms: number }[][]} */ all) =>
    median(all.map((times) => times[5].ms / times[0].ms));
  const figures = {
    second_turn: median(samples.preface.map(({ reused, again }) => reused / again)),
    sixth_turn: last(samples.turns),
    sixth_turn_of_transformers: last(samples.theirTurns),
    prepared: median(samples.preface.map(({ prepared, first }) => prepared / first)),
    same_tokens: Number(samples.preface.every(({ same }) => same)),
  };
  return { samples, figures };
});
