// Greedy decoding must give the same tokens on every provider, with every kind of weights, in both browsers.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch } from './browsers.js';
import { serveDemo } from './site.js';
import { watchPage } from './visit.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const FAMILIES = path.resolve(ROOT, '../shared/models/families');
const SMOLLM = path.resolve(ROOT, '../shared/models/smollm2-135m-instruct');

/** @typedef {{ messages: { role: string, content: string }[], tokens: number[], text: string, min_margin: number }} Case */

/** @param {string} folder @returns {Promise<Case[]>} */
async function reference(folder) {
  const read = (/** @type {string} */ name) =>
    readFile(path.join(folder, name), 'utf8').then(JSON.parse);
  const { eos_token_id: eos } = await read('generation_config.json');
  const { cases } = await read('reference.json');
  // The token that ends an answer is not part of what the loader gives.
  return cases.map((/** @type {Case} */ one) => ({
    ...one,
    tokens: one.tokens.filter((id) => ![eos].flat().includes(id)),
  }));
}

/**
 * Loads a model in a page and answers each case greedily.
 * @param {import('puppeteer-core').Page} page
 * @param {{ repo: string, dtype?: string, executionProvider?: 'auto' | 'webgpu' | 'wasm' }} model
 * @param {Case[]} cases
 */
function answer(page, model, cases) {
  return page.evaluate(
    async ({ model, cases }) => {
      // A name that TypeScript doesn't follow: the module comes from the page's server.
      const { createLoader } = await import(String('/candor/candor.js'));
      const repo = new URL(model.repo, location.href).href;
      const loader = await createLoader({ models: { m: { name: 'm', ...model, repo } } });
      const loaded = await loader.load('m');
      const { variant } = loader.snapshot('m');
      const answers = [];
      const reused = [];
      for (const { messages, tokens } of cases) {
        const { ids, reusedTokens } = await loaded.chat(messages, {
          temperature: 0,
          maxNewTokens: tokens.length,
        }).finish;
        answers.push(ids);
        reused.push(reusedTokens);
      }
      await loader.dispose();
      const { longTasks = [] } = /** @type {{ longTasks?: { ms: number }[] }} */ (globalThis);
      const longestTaskMs = Math.round(Math.max(0, ...longTasks.map(({ ms }) => ms)));
      return { variant, answers, reused, longestTaskMs };
    },
    { model, cases },
  );
}

let hub = /** @type {import('../hub/hub.js').Hub} */ (/** @type {unknown} */ (null));
before(async () => {
  hub = await serveDemo({
    mounts: { '/fixtures': path.join(import.meta.dirname, 'fixtures') },
    folders: existsSync(SMOLLM)
      ? { '/shared-models': path.dirname(SMOLLM), '/shared-families': FAMILIES }
      : {},
  });
});
after(() => hub.close());

for (const { browser: name, runs } of /** @type {const} */ ([
  {
    browser: 'chromium',
    runs: [
      { dtype: 'auto', executionProvider: 'auto', expect: 'q4 wasm' },
      { dtype: 'auto', executionProvider: 'webgpu', expect: 'q4 webgpu' },
      { dtype: 'q4f16', executionProvider: 'wasm', expect: 'q4f16 wasm' },
      { dtype: 'fp16', executionProvider: 'wasm', expect: 'fp16 wasm' },
    ],
  },
  {
    browser: 'firefox',
    runs: [
      { dtype: 'auto', executionProvider: 'auto', expect: 'q4 wasm' },
      { dtype: 'q4f16', executionProvider: 'webgpu', expect: 'q4f16 webgpu' },
      { dtype: 'fp16', executionProvider: 'webgpu', expect: 'fp16 webgpu' },
    ],
  },
])) {
  describe(`the embedded model in ${name}`, () => {
    let browser = /** @type {import('puppeteer-core').Browser} */ (/** @type {unknown} */ (null));
    before(async () => {
      browser = await launch(name);
    });
    after(() => browser.close());

    for (const { expect, ...options } of runs) {
      test(`gives the reference's tokens as ${expect}`, async () => {
        // WebGPU on a CPU computes a token a second: three chats there, all ten on the CPU proper.
        const cases = (await reference(path.join(ROOT, 'web/models/cv-mini'))).slice(
          0,
          expect.endsWith('webgpu') ? 3 : undefined,
        );
        const page = await browser.newPage();
        await page.goto(`${hub.origin}/fixtures/blank.html`);
        const { variant, answers, reused } = await answer(
          page,
          { repo: '/models/cv-mini', ...options },
          cases,
        );
        // Each question cuts the conversation before it back to what both begin with.
        assert.equal(reused[0], 0);
        assert.ok(reused.slice(1).every((/** @type {number} */ tokens) => tokens > 0));
        assert.equal(`${variant.dtype} ${variant.executionProvider}`, expect);
        assert.deepEqual(
          answers,
          cases.map(({ tokens }) => tokens),
        );
        await page.close();
      });
    }
  });
}

test('two models at once answer as each alone', { timeout: 120_000 }, async () => {
  const cases = (await reference(path.join(ROOT, 'web/models/cv-mini'))).slice(0, 2);
  const browser = await launch('chromium', { webgpu: false });
  try {
    const page = await browser.newPage();
    await page.goto(`${hub.origin}/fixtures/blank.html`);
    const answers = await page.evaluate(async (cases) => {
      const { createLoader } = await import(String('/candor/candor.js'));
      const repo = new URL('/models/cv-mini', location.href).href;
      const models = { one: { repo, dtype: 'q4' }, other: { repo, dtype: 'fp16' } };
      const loader = await createLoader({ models });
      const loaded = await Promise.all(Object.keys(models).map((key) => loader.load(key)));
      const finishes = loaded.map(async (model, i) => {
        const { messages, tokens } = cases[i];
        const options = { temperature: 0, maxNewTokens: tokens.length };
        const { ids } = await model.chat(messages, options).finish;
        // One that is given back takes nothing from the other.
        await model.dispose();
        return ids;
      });
      return Promise.all(finishes);
    }, cases);
    assert.deepEqual(
      answers,
      cases.map(({ tokens }) => tokens),
    );
  } finally {
    await browser.close();
  }
});

test(
  'collections of garbage never leave ONNX Runtime waiting for external data',
  { timeout: 120_000 },
  async (t) => {
    const browser = await launch('chromium', { webgpu: false });
    t.after(() => browser.close());
    const page = await browser.newPage();
    let collected = 0;
    page.on('workercreated', async (worker) => {
      if (!worker.url().endsWith('/session-worker.js')) return;
      try {
        for (; ; ++collected) await worker.client.send('HeapProfiler.collectGarbage');
      } catch {
        // The worker ended.
      }
    });
    await page.goto(`${hub.origin}/fixtures/blank.html`);
    const model = {
      repo: '/models/cv-mini',
      dtype: 'fp16',
      executionProvider: /** @type {const} */ ('wasm'),
    };
    const { variant } = await answer(page, model, []);
    assert.equal(variant.dtype, 'fp16');
    assert.ok(collected > 0);
  },
);

// What the exporters of today make, and the plain build of the runtime alone runs on the processor.
for (const name of /** @type {const} */ (['chromium', 'firefox'])) {
  for (const family of ['gather-block-quantized', 'num-logits-to-keep']) {
    test(
      `${family} gives its reference tokens on the processor in ${name}`,
      { skip: !existsSync(FAMILIES) && 'the models are not on this machine' },
      async () => {
        const { cases } = JSON.parse(
          await readFile(path.join(FAMILIES, family, 'reference.json'), 'utf8'),
        );
        const browser = await launch(name, { webgpu: false });
        try {
          const page = await browser.newPage();
          await page.goto(`${hub.origin}/fixtures/blank.html`);
          const { variant, answers } = await answer(
            page,
            { repo: `/shared-families/${family}` },
            cases,
          );
          assert.equal(variant.executionProvider, 'wasm');
          assert.deepEqual(
            answers,
            cases.map((/** @type {Case} */ { tokens }) => tokens),
          );
        } finally {
          await browser.close();
        }
      },
    );
  }
}

test(
  'SmolLM2-135M-Instruct gives its reference tokens on the wasm provider',
  { skip: !existsSync(SMOLLM) && 'the model is not on this machine' },
  async (t) => {
    // Only cases whose margins are wide, since another runtime may differ where they are small; a few, and cut to a few
    // tokens, since this is slow on a CPU.
    const cases = (await reference(SMOLLM))
      .filter(({ min_margin }) => min_margin > 0.5)
      .slice(0, 3)
      .map((one) => ({ ...one, tokens: one.tokens.slice(0, 8) }));
    assert.ok(cases.length > 0);
    const browser = await launch('chromium');
    try {
      const page = await browser.newPage();
      await watchPage(page);
      await page.goto(`${hub.origin}/fixtures/blank.html`);
      const repo = `/shared-models/${path.basename(SMOLLM)}`;
      const model = { repo, executionProvider: /** @type {const} */ ('wasm') };
      const { variant, answers, longestTaskMs } = await answer(page, model, cases);
      // Not asserted: a busy machine stops any task for a while.
      t.diagnostic(
        `longest task of the main thread, from load to the last token: ${longestTaskMs} ms`,
      );
      assert.equal(variant.executionProvider, 'wasm');
      assert.deepEqual(
        answers,
        cases.map(({ tokens }) => tokens),
      );
    } finally {
      await browser.close();
    }
  },
);
