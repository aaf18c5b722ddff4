// Repositories as people publish them and servers as they are: each loads and answers, or says truly why not. The page is of
// another origin than the files.

import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch } from './browsers.js';
import { serveDemo } from './site.js';
import { QUESTION, isRight } from './visit.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const MODEL = path.join(ROOT, 'web/models/cv-mini');
const cv = JSON.parse(await readFile(path.join(ROOT, 'web/demo/cv.json'), 'utf8'));
const WEIGHTS = 'onnx/model_q4.onnx';
const TEXTS = ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json'];

/** @typedef {Record<string, import('../hub/tree.js').FileSpec>} Files */

/** @returns {Promise<Files>} */
async function mini() {
  const names = [...TEXTS, WEIGHTS];
  const read = names.map(async (name) => [name, await readFile(path.join(MODEL, name))]);
  return Object.fromEntries(await Promise.all(read));
}

describe('the world as it is', { timeout: 300_000 }, () => {
  let folder = '';
  /** @type {Awaited<ReturnType<typeof serveDemo>>} */
  let hub;
  /** @type {import('puppeteer-core').Browser} */
  let browser;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'candor-world-'));
    await mkdir(path.join(folder, 'plain'));
    hub = await serveDemo({
      csp: false,
      mounts: { '/fixtures': path.join(import.meta.dirname, 'fixtures') },
      folders: { '/plain': path.join(folder, 'plain') },
    });
    browser = await launch('chromium', { webgpu: false });
  });
  after(async () => {
    await browser?.close();
    await hub?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /**
   * Loads a model in a page of its own and asks it, or says what went wrong.
   * @param {object} model
   * @param {{ options?: string }} [how] options: of createLoader, as source
   */
  async function visit(model, { options = '{}' } = {}) {
    const context = await browser.createBrowserContext();
    try {
      const page = await context.newPage();
      await page.goto(`${hub.otherOrigin}/fixtures/blank.html`);
      return await page.evaluate(
        async ({ model, host, question, options }) => {
          const { createLoader } = await import(String('/candor/candor.js'));
          const loader = await createLoader({
            models: { m: { executionProvider: 'wasm', ...model } },
            host,
            ...(0, eval)(`(${options})`),
          });
          try {
            const loading = loader.load('m');
            loader.subscribe('m', (/** @type {any} */ shown) => {
              if (shown.can.retry) loader.cancel('m');
            });
            const ready = await loading;
            let answer = '';
            const messages = [{ role: 'user', content: question }];
            for await (const piece of ready.chat(messages, { temperature: 0 })) answer += piece;
            return { answer, message: '', code: '' };
          } catch (error) {
            const { error: shown } = loader.snapshot('m');
            const { code, message } = shown ?? /** @type {any} */ (error);
            return { answer: '', message, code };
          } finally {
            await loader.dispose();
          }
        },
        { model, host: hub.origin, question: QUESTION, options },
      );
    } finally {
      await context.close();
    }
  }

  /** @param {{ answer: string, message: string }} outcome */
  const answers = ({ answer, message }) => assert.ok(isRight(answer, cv), `${answer} ${message}`);

  test('a repository with all that people leave in one loads', async () => {
    hub.setModel('world/mess', {
      files: {
        ...(await mini()),
        'README.md': 'a',
        'readme.md': 'b',
        'runs/12:30:00/events.log': 'c',
        'a\\b.txt': 'd',
        'Icon\r': 'e',
        [`${'n'.repeat(256)}.txt`]: 'f',
        Assets: 'g',
        'assets/a.png': 'h',
        'Config.json': '{}',
      },
    });
    answers(await visit({ repo: 'world/mess', dtype: 'q4' }));
  });

  test('empty files that nobody needs, and JSON of Python’s, load', async () => {
    const files = await mini();
    const config = String(files['config.json']).replace(
      '{',
      '\ufeff{"rope_limit": Infinity, "x": NaN,',
    );
    hub.setModel('world/python', {
      files: {
        ...files,
        'config.json': config,
        'generation_config.json': '',
        'chat_template.jinja': '',
      },
    });
    answers(await visit({ repo: 'world/python', dtype: 'q4' }));
  });

  test('a graph elsewhere says which option names it, and loads when it is named', async () => {
    const { [WEIGHTS]: weights, ...texts } = await mini();
    hub.setModel('world/elsewhere', { files: { ...texts, 'onnx/q4/model.onnx': weights } });
    const outcome = await visit({ repo: 'world/elsewhere' });
    assert.equal(outcome.code, 'not_found');
    assert.match(outcome.message, /do not lie in its folder onnx.*`file`/);
    answers(await visit({ repo: 'world/elsewhere', file: 'onnx/q4/model.onnx' }));
    hub.setModel('world/merged', {
      files: { ...texts, 'onnx/decoder_model_merged_q4.onnx': weights },
    });
    answers(await visit({ repo: 'world/merged', dtype: 'q4' }));
  });

  test('a gated model loads for who has a token, which is asked for each time and sent nowhere else', async () => {
    hub.setModel('world/gated', { gated: true, files: await mini() });
    const stranger = await visit({ repo: 'world/gated', dtype: 'q4' });
    assert.equal(stranger.code, 'gated');
    const options = '{ headers: async () => ({ authorization: "Bearer hf_test" }) }';
    answers(await visit({ repo: 'world/gated', dtype: 'q4' }, { options }));
  });

  test('a host that takes one connection, one that hides its headers and one that breaks all load', async () => {
    const dir = path.join(folder, 'plain/m');
    await cp(MODEL, dir, { recursive: true });
    for (const fault of [
      { name: 'crowd', code: 503, path: '**' },
      { name: 'crowd', code: 0, path: '**' },
      { name: 'hidden', path: '**' },
    ]) {
      hub.setFault(fault);
      answers(await visit({ repo: `${hub.origin}/plain/m`, dtype: 'q4' }));
      hub.clearFaults();
    }
  });

  test('a list of pages that a mirror points elsewhere for is read from the mirror', async () => {
    const small = await serveDemo({
      csp: false,
      pageSize: 3,
      models: { 'world/pages': { files: await mini() } },
    });
    try {
      answers(await visit({ repo: 'world/pages', dtype: 'q4', host: small.origin }));
    } finally {
      await small.close();
    }
  });
});
