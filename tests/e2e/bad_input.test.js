// Models, lists and servers that are not what they should be: each ends in an error with its code and a sentence for the
// visitor, and when the server is mended the same load succeeds, so nothing bad was kept as good.

import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch } from './browsers.js';
import { serveDemo } from './site.js';
import { QUESTION, isRight } from './visit.js';

/**
 * @typedef {import('../../web/bindings.d.ts').ErrorCode} ErrorCode
 * @typedef {{ path: string, size: unknown, sha256: unknown }} Listed
 * @typedef {{ code: string, message: string, detail: string, kept: number, attempt: number, rejection: string,
 *   isCandorError: boolean }} Outcome
 *
 * @typedef {object} Case
 * @property {string} name
 * @property {ErrorCode} code
 * @property {RegExp} says
 * @property {boolean} [starts] whether the mended model is started, too; else it is enough that all its bytes are verified
 * @property {boolean} [impatient] the visitor gives up at the first question, since attempts are far apart
 * @property {Record<string, Buffer | string>} [files] instead of the model's own
 * @property {(list: { version: unknown, files: Listed[] }) => unknown} [list] instead of a true candor.json; a text stays as it is
 * @property {boolean} [unlisted] a folder without candor.json: files are found by asking for each
 * @property {import('../hub/faults.js').FaultSpec & Record<string, unknown>} [fault] `path` is below the model's folder
 * @property {Record<string, import('../hub/tree.js').FileSpec>} [hub] further files of a model on the Hub, instead of a folder
 */

const ROOT = path.resolve(import.meta.dirname, '../..');
const MODEL = path.join(ROOT, 'web/models/cv-mini');
const cv = JSON.parse(await readFile(path.join(ROOT, 'web/demo/cv.json'), 'utf8'));
const WEIGHTS = 'onnx/model_q4.onnx';
const FILES = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  WEIGHTS,
];
const weights = await readFile(path.join(MODEL, WEIGHTS));

/** The graph with an input that no chat model has, renamed in place. */
const strange = Buffer.from(
  weights.toString('latin1').replaceAll('attention_mask', 'attention_wisk'),
  'latin1',
);

/** Changes one entry of the list. @param {string} name @param {Partial<Listed>} change @returns {Case['list']} */
const entry = (name, change) => (list) => ({
  ...list,
  files: list.files.map((file) => (file.path === name ? { ...file, ...change } : file)),
});

/** Adds an entry. @param {Partial<Listed>} more @returns {Case['list']} */
const added = (more) => (list) => ({
  ...list,
  files: [...list.files, { path: 'x', size: 1, sha256: '0'.repeat(64), ...more }],
});

/** @type {Record<string, Case>} */
const CASES = {
  leaving: {
    name: 'a list with a path that leaves the folder',
    list: added({ path: 'onnx/../../evil.onnx' }),
    code: 'unsupported',
    says: /leaves the folder/,
  },
  absolute: {
    name: 'a list with an absolute path',
    list: added({ path: '/etc/passwd' }),
    code: 'unsupported',
    says: /is absolute/,
  },
  twice: {
    name: 'a list that names a file twice',
    list: added({ path: 'config.json' }),
    code: 'unsupported',
    says: /same file twice/,
  },
  absurd: {
    name: 'a list with a size that cannot be real',
    list: entry(WEIGHTS, { size: 2 ** 60 }),
    code: 'unsupported',
    says: /cannot be real|usable size/,
  },
  negative: {
    name: 'a list with a negative size',
    list: entry(WEIGHTS, { size: -1 }),
    code: 'unsupported',
    says: /usable size/,
  },
  large: {
    name: 'a list with a size that no browser can hold',
    list: entry(WEIGHTS, { size: 2 ** 41 }),
    code: 'unsupported',
    says: /more than a browser can hold/,
  },
  checksum: {
    starts: true,
    name: 'a list with a wrong checksum',
    list: entry('config.json', { sha256: '0'.repeat(64) }),
    code: 'integrity',
    says: /does not match its checksum/,
  },
  noChecksum: {
    name: 'a list with a checksum that is none',
    list: entry('config.json', { sha256: 'abc' }),
    code: 'unsupported',
    says: /not a SHA-256/,
  },
  cut: {
    name: 'a list that ends in the middle',
    list: (list) => JSON.stringify(list).slice(0, 200),
    code: 'unsupported',
    says: /not readable JSON/,
  },
  hubLeaving: {
    name: 'a Hub whose list has a path that leaves the folder',
    hub: { '../../evil.onnx': 'x' },
    code: 'unsupported',
    says: /leaves the folder/,
  },
  hubAbsurd: {
    name: 'a Hub whose list has a size that cannot be real',
    hub: { [WEIGHTS]: { size: 2 ** 60, sha256: '0'.repeat(64) } },
    code: 'unsupported',
    says: /cannot be real|usable size/,
  },
  page: {
    starts: true,
    impatient: true,
    name: 'a web page in place of the weights',
    fault: { name: 'html', path: WEIGHTS, times: null },
    code: 'integrity',
    says: /web page came instead/,
  },
  pages: {
    name: 'a server that answers everything with its page',
    fault: { name: 'html', path: '**', times: null },
    unlisted: true,
    impatient: true,
    code: 'network',
    says: /this network asks for a login/,
  },
  truncated: {
    starts: true,
    name: 'weights that end in the middle',
    files: { [WEIGHTS]: weights.subarray(0, 1_000_000) },
    unlisted: true,
    code: 'integrity',
    says: /cannot be read/,
  },
  published: {
    starts: true,
    name: 'weights that were published damaged',
    files: { [WEIGHTS]: weights.subarray(0, 1_000_000) },
    code: 'unsupported',
    says: /complete, but the runtime cannot read/,
  },
  foreign: {
    name: 'weights that are something else',
    files: { [WEIGHTS]: Buffer.alloc(200_000, 'not a model ') },
    code: 'unsupported',
    says: /complete, but the runtime cannot read/,
  },
  tokenizer: {
    name: 'a tokenizer.json that is not JSON',
    files: { 'tokenizer.json': '{"model": ' },
    code: 'unsupported',
    says: /cannot be run here\. Its tokenizer\.json is not JSON\.$/,
  },
  otherTokenizer: {
    name: 'a tokenizer.json that holds no tokenizer',
    files: { 'tokenizer.json': '{"model": {"type": "Nothing"}}' },
    code: 'unsupported',
    says: /cannot be run here\. Its tokenizer\.json is no tokenizer\.$/,
  },
  config: {
    name: 'a config.json that is not JSON',
    files: { 'config.json': '{"model_type": ' },
    code: 'unsupported',
    says: /cannot be run here\. Its config\.json is not JSON\.$/,
  },
  template: {
    name: 'a model without a chat template',
    files: { 'tokenizer_config.json': '{}' },
    code: 'unsupported',
    says: /cannot be run here\. The model brings no chat template\.$/,
  },
  pointer: {
    starts: true,
    name: 'a Git LFS pointer in place of the weights',
    fault: { name: 'pointer', path: WEIGHTS, times: null },
    code: 'integrity',
    says: /onnx\/model_q4\.onnx is a Git LFS pointer, not the file\.$/,
  },
  published_pointer: {
    name: 'a Git LFS pointer that was published as the tokenizer',
    files: {
      'tokenizer.json': `version https://git-lfs.github.com/spec/v1\noid sha256:${'4'.repeat(64)}\nsize 9\n`,
    },
    code: 'integrity',
    says: /tokenizer\.json is a Git LFS pointer, not the file\.$/,
  },
  zip: {
    name: 'an archive in place of the weights',
    files: { [WEIGHTS]: Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(200_000)]) },
    code: 'integrity',
    says: /is an archive, not the file\.$/,
  },
  inputs: {
    starts: true,
    name: 'a graph whose inputs nobody knows',
    files: { [WEIGHTS]: strange },
    code: 'unsupported',
    says: /cannot be run here/,
  },
};

describe('bad input', { timeout: 300_000 }, () => {
  let folder = '';
  /** @type {Awaited<ReturnType<typeof serveDemo>>} */
  let hub;
  /** @type {import('puppeteer-core').Browser} */
  let browser;
  /** @type {import('puppeteer-core').Page} */
  let page;
  /** @type {Record<string, Outcome>} */
  let outcomes = {};

  /** @param {string} key */
  const dirOf = (key) => path.join(folder, CASES[key].unlisted ? 'unlisted' : 'listed', key);

  /** The model as it should be, with other files here and there. @param {string} key @param {Case['files']} [files] */
  async function lay(key, files = {}) {
    const dir = dirOf(key);
    await rm(dir, { recursive: true, force: true });
    await mkdir(path.join(dir, 'onnx'), { recursive: true });
    for (const name of FILES) {
      const place = path.join(dir, name);
      if (files[name] === undefined) await symlink(path.join(MODEL, name), place);
      else await writeFile(place, files[name]);
    }
  }

  /** @param {Record<string, import('../hub/tree.js').FileSpec>} more */
  async function onHub(more) {
    const files = await Promise.all(
      FILES.map(async (name) => [name, await readFile(path.join(MODEL, name))]),
    );
    return { files: { ...Object.fromEntries(files), ...more } };
  }

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'candor-bad-'));
    await mkdir(path.join(folder, 'listed'));
    await mkdir(path.join(folder, 'unlisted'));
    hub = await serveDemo({
      mounts: {
        '/fixtures': path.join(import.meta.dirname, 'fixtures'),
        '/copy': path.join(folder, 'copy'),
        '/faulty': path.join(folder, 'faulty'),
      },
      folders: {
        '/listed': { dir: path.join(folder, 'listed'), manifest: true },
        '/unlisted': path.join(folder, 'unlisted'),
      },
    });
    /** @type {Record<string, object>} */
    const models = {};
    for (const [key, { files, list, unlisted, fault, hub: more }] of Object.entries(CASES)) {
      if (more) {
        hub.setModel(`bad/${key}`, await onHub(more));
        models[key] = { repo: `bad/${key}`, executionProvider: 'wasm', dtype: 'q4' };
        continue;
      }
      const place = unlisted ? 'unlisted' : 'listed';
      models[key] = { repo: `${hub.origin}/${place}/${key}`, executionProvider: 'wasm' };
      await lay(key, files);
      if (list) {
        const truth = await (await fetch(`${hub.origin}/listed/${key}/candor.json`)).json();
        const made = list(truth);
        await writeFile(
          path.join(dirOf(key), 'candor.json'),
          typeof made === 'string' ? made : JSON.stringify(made),
        );
      }
      if (fault) hub.setFault({ ...fault, path: `${key}/${fault.path}` });
    }
    browser = await launch('chromium', { webgpu: false });
    page = await browser.newPage();
    await page.goto(`${hub.origin}/fixtures/blank.html`);
    // All at once: some wait between their attempts.
    outcomes = await page.evaluate(
      async ({ models, host, impatient }) => {
        // A name that TypeScript doesn't follow: the module comes from the page's server.
        const { createLoader, CandorError } = await import(String('/candor/candor.js'));
        const loader = await createLoader({ models, host });
        Object.assign(globalThis, { loader });
        /** @param {string} key */
        const fail = async (key) => {
          /** @type {any} */
          let last = null;
          const stop = loader.subscribe(key, (/** @type {any} */ shown) => {
            if (shown.status !== 'failed') return;
            last = { ...shown.error, attempt: shown.attempt };
            if (!shown.can.retry) return;
            if (impatient.includes(key)) loader.cancel(key);
            else loader.retry(key);
          });
          const error = await loader.load(key).then(
            () => ({ code: 'none' }),
            (/** @type {any} */ thrown) => thrown,
          );
          stop();
          const isCandorError = error instanceof CandorError;
          return { ...last, rejection: error.code, isCandorError };
        };
        const keys = Object.keys(models);
        const ends = await Promise.all(keys.map(fail));
        return Object.fromEntries(keys.map((key, i) => [key, /** @type {any} */ (ends[i])]));
      },
      {
        models,
        host: hub.origin,
        impatient: Object.keys(CASES).filter((key) => CASES[key].impatient),
      },
    );
    hub.clearFaults();
  });
  after(async () => {
    await browser?.close();
    await hub?.close();
    await rm(folder, { recursive: true, force: true });
  });

  for (const [key, one] of Object.entries(CASES)) {
    const { name, code, says, files, hub: more, starts = false, impatient } = one;
    test(`${name}: an error with its code, and what is mended loads`, async () => {
      const { message, attempt, ...outcome } = outcomes[key];
      assert.equal(outcome.code, code, `${message} (${outcome.detail})`);
      assert.equal(outcome.rejection, impatient ? 'aborted' : code);
      assert.ok(outcome.isCandorError);
      assert.match(message, says);
      assert.match(message, /^[A-Z][^<>]*\.$/, 'a sentence');
      assert.ok(attempt <= 3);

      if (more) hub.setModel(`bad/${key}`, await onHub({}));
      else await lay(key);
      const { answer, snapshot } = await page.evaluate(
        async ({ key, question, starts }) => {
          const { loader } = /** @type {any} */ (globalThis);
          const loading = loader.load(key);
          const verified = new Promise((resolve) => {
            loader.subscribe(key, (/** @type {any} */ shown) => {
              if (shown.status === 'loading') resolve(shown);
            });
          });
          // A failure ends the wait, too.
          const snapshot = await Promise.race([verified, loading]);
          let answer = '';
          if (starts) {
            const model = await loading;
            const messages = [{ role: 'user', content: question }];
            for await (const piece of model.chat(messages, { temperature: 0 })) answer += piece;
            await model.dispose();
          } else {
            loading.catch(() => {});
            loader.cancel(key);
          }
          return { answer, snapshot };
        },
        { key, question: QUESTION, starts },
      );
      assert.equal(snapshot.verified, snapshot.totalSize);
      if (files) assert.ok(snapshot.network > 0, 'what was bad is fetched again');
      assert.ok(snapshot.cached <= outcome.kept, 'no more was here than was said to be kept');
      if (starts) assert.ok(isRight(answer, cv), answer);
    });
  }

  test('a worker script that is not there rejects the loader', async () => {
    const outcome = await page.evaluate(async () => {
      const { createLoader, CandorError } = await import(String('/candor/candor.js'));
      const models = { m: { repo: '/models/cv-mini' } };
      return createLoader({ models, workerUrl: '/nothing/worker.js' }).then(
        () => null,
        (/** @type {any} */ error) => ({
          code: error.code,
          message: error.message,
          isCandorError: error instanceof CandorError,
        }),
      );
    });
    assert.equal(outcome?.code, 'runtime');
    assert.ok(outcome?.isCandorError);
    assert.match(outcome?.message, /^The loader’s worker could not be started/);
  });

  test('an error in the worker that nobody foresaw is told, and nothing waits for ever', async () => {
    await mkdir(path.join(folder, 'faulty'));
    await writeFile(
      path.join(folder, 'faulty/worker.js'),
      `import '/candor/worker.js';
      self.addEventListener('message', ({ data }) => {
        if (data.command === 'load') Promise.reject(new Error('unforeseen'));
      });`,
    );
    const error = await page.evaluate(async () => {
      const { createLoader } = await import(String('/candor/candor.js'));
      const models = { m: { repo: '/models/nothing' } };
      const loader = await createLoader({ models, workerUrl: '/faulty/worker.js' });
      return loader.load('m').then(
        () => null,
        (/** @type {any} */ { code, message, detail }) => ({ code, message, detail }),
      );
    });
    assert.equal(error?.code, 'runtime');
    assert.match(error?.message, /has crashed/);
    assert.match(error?.detail, /unforeseen/);
  });

  test('a session worker that is not there fails the load, whose files stay for the next try', async () => {
    const copy = path.join(folder, 'copy');
    for (const name of ['worker.js', 'disk-worker.js']) {
      await cp(path.join(ROOT, 'web/dist', name), path.join(copy, name));
    }
    for (const name of ['core', 'ort']) {
      await cp(path.join(ROOT, 'web/dist', name), path.join(copy, name), { recursive: true });
    }
    const outcome = await page.evaluate(
      async ({ question }) => {
        const { createLoader } = await import(String('/candor/candor.js'));
        const models = { m: { repo: '/models/cv-mini', executionProvider: 'wasm' } };
        const options = { models, workerUrl: '/copy/worker.js' };
        const broken = await createLoader(options);
        broken.subscribe('m', (/** @type {any} */ shown) => {
          if (shown.can.retry) broken.retry('m');
        });
        const error = await broken.load('m').then(
          () => null,
          (/** @type {any} */ error) => ({ code: error.code, message: error.message }),
        );
        await broken.dispose();
        const loader = await createLoader({ models });
        const model = await loader.load('m');
        const { cached, totalSize } = loader.snapshot('m');
        let answer = '';
        const messages = [{ role: 'user', content: question }];
        for await (const piece of model.chat(messages, { temperature: 0 })) answer += piece;
        await loader.dispose();
        return { error, cached, totalSize, answer };
      },
      { question: QUESTION },
    );
    assert.deepEqual(outcome.error, {
      code: 'runtime',
      message: 'The model is on this device, but it could not be started.',
    });
    assert.equal(outcome.cached, outcome.totalSize);
    assert.ok(isRight(outcome.answer, cv), outcome.answer);
  });

  test('nothing was written outside the models’ own folders', async () => {
    const roots = await page.evaluate(async () => {
      const names = [];
      for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name);
      return names;
    });
    assert.deepEqual(roots, ['candor']);
  });
});
