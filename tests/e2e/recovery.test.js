// What a visitor does on the demo page when things take long or go wrong: pause, cancel, failures and the ways out of
// them, and what goes on meanwhile.

import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { formatter } from '../../web/src/elements/format.js';
import { launch } from './browsers.js';
import { serveDemo } from './site.js';
import { QUESTION, isRight, watchPage } from './visit.js';

/**
 * @typedef {import('puppeteer-core').Page} Page
 * @typedef {import('../../web/bindings.d.ts').Snapshot} Snapshot
 * @typedef {{ open: boolean, title: string, message: string, attempt: string, kept: string, next: string, detail: string,
 *   buttons: string[], elements: number }} Recovery
 */

const ROOT = path.resolve(import.meta.dirname, '../..');
const SHOTS = path.join(import.meta.dirname, 'shots');
const MODEL = path.join(ROOT, 'web/models/cv-mini');
const cv = JSON.parse(await readFile(path.join(ROOT, 'web/demo/cv.json'), 'utf8'));
const WEIGHTS = 'onnx/model_q4.onnx';
const OUTSIDE = '<img src=x onerror="document.title=1">';

/** Another model on the Hub: real settings, and weights of 40 MB that are noise. */
const other = async () => ({
  files: {
    ...Object.fromEntries(
      await Promise.all(
        ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json'].map(
          async (name) => [name, await readFile(path.join(MODEL, name))],
        ),
      ),
    ),
    [WEIGHTS]: { size: 40e6 },
  },
});

/** @type {Awaited<ReturnType<typeof serveDemo>>} */
let hub;
before(async () => {
  await mkdir(SHOTS, { recursive: true });
  hub = await serveDemo({ models: { 'HuggingFaceTB/SmolLM2-135M-Instruct': await other() } });
});
after(() => hub.close());

for (const name of /** @type {const} */ (['chromium', 'firefox'])) {
  describe(`a visitor in ${name}`, { timeout: 300_000 }, () => {
    /** @type {import('puppeteer-core').Browser} */
    let browser;
    /** @type {import('puppeteer-core').BrowserContext | null} */
    let context = null;
    /** @type {Page} */
    let page;
    /** @type {string[]} */
    let problems = [];
    // What is the same code in every browser, and takes long.
    const once = { skip: name !== 'chromium' && 'shown in Chromium' };

    before(async () => {
      browser = await launch(name, { webgpu: false });
    });
    after(() => browser?.close());

    /** A visitor who was never here. @param {string} [query] */
    async function arrive(query = '') {
      await context?.close();
      context = await browser.createBrowserContext();
      page = await context.newPage();
      await page.setViewport({ width: 1200, height: 800 });
      problems = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      await watchPage(page);
      hub.reset();
      await page.goto(`${hub.origin}/?ep=wasm&host=${hub.origin}${query}`);
      await page.waitForSelector('html[data-ready]');
    }

    /** @param {string} state */
    const shot = (state) =>
      page.screenshot({ path: path.join(SHOTS, `recovery-${name}-${state}.png`) });

    /** @param {string} [key] @returns {Promise<Snapshot>} */
    const snapshot = (key = 'mini') =>
      page.$eval(
        '#progress',
        (element, model) => /** @type {any} */ (element).loader.snapshot(model),
        key,
      );

    /** Waits for a status, with so many bytes from the network. @param {string} status @param {{ key?: string, network?: number }} [more] */
    const until = (status, { key = 'mini', network = 0 } = {}) =>
      page.$eval(
        '#progress',
        (element, model, wanted, bytes) =>
          new Promise((resolve) => {
            /** @type {any} */ (element).loader.subscribe(model, (/** @type {any} */ shown) => {
              if (shown.status === wanted && shown.network >= bytes) resolve(null);
            });
          }),
        key,
        status,
        network,
      );

    /** Presses a button of a dialog. @param {string} dialog @param {string} part */
    async function press(dialog, part) {
      const handle = await page.evaluateHandle(
        (id, partName) => {
          const buttons = document.querySelector(id)?.shadowRoot?.querySelectorAll('button');
          return [...(buttons ?? [])].find((button) => button.part.contains(partName));
        },
        dialog,
        part,
      );
      await /** @type {import('puppeteer-core').ElementHandle} */ (handle.asElement()).click();
    }

    /** @param {string} text */
    async function ask(text) {
      await page.type('#question', text);
      await page.click('#send');
    }

    /** Waits until nobody answers any more. @returns {Promise<{ text: string, note: string }>} of the latest answer */
    async function answer() {
      await page.waitForFunction(() => {
        const log = document.querySelector('#log');
        const last = [...(log?.querySelectorAll('.message') ?? [])].at(-1);
        return last?.classList.contains('assistant') && !last.hasAttribute('aria-busy');
      });
      return page.$$eval('#log .message.assistant', (messages) => {
        const last = messages[messages.length - 1];
        return {
          text: last.querySelector('p:not(.who):not(.quiet)')?.textContent ?? '',
          note: last.querySelector('p.quiet')?.textContent ?? '',
        };
      });
    }

    /** @returns {Promise<any>} the record of the embedded model's download */
    const record = () =>
      page.evaluate(() => JSON.parse(localStorage.getItem('download_state_mini') ?? 'null'));

    /** What the recovery dialog says. @returns {Promise<Recovery>} */
    const recovery = () =>
      page.$eval('#recovery', (element) => {
        const root = /** @type {ShadowRoot} */ (element.shadowRoot);
        const text = (/** @type {string} */ part) => {
          const found = /** @type {HTMLElement | null} */ (root.querySelector(`[part=${part}]`));
          return !found || found.hidden ? '' : (found.textContent ?? '');
        };
        return {
          open: root.querySelector('dialog')?.open === true,
          title: text('title'),
          message: text('message'),
          attempt: text('attempt'),
          kept: text('kept'),
          next: text('next'),
          detail: text('detail'),
          elements: root.querySelectorAll('[part=detail] *, [part=message] *').length,
          buttons: [
            .../** @type {NodeListOf<HTMLElement>} */ (
              root.querySelectorAll('[part=actions] button')
            ),
          ]
            .filter((button) => !button.hidden)
            .map((button) => button.textContent ?? ''),
        };
      });

    /** Since so many entries of the ledger, no more of the weights was sent. @param {number} from @param {number} missing bytes */
    function assertOnly(from, missing) {
      const sent = hub.ledger.entries
        .slice(from)
        .filter(({ path: file }) => String(file).endsWith(WEIGHTS))
        .reduce((sum, entry) => sum + entry.sent, 0);
      // What a connection had under way when another took over its end is sent for nothing.
      assert.ok(sent <= missing + 200_000, `${sent} bytes were sent where ${missing} were missing`);
    }

    test('pauses, and resumes from what came', async () => {
      await arrive('&rate=800kB/s');
      await ask(QUESTION);
      await until('downloading', { network: 300_000 });
      await press('#progress', 'pause');
      await until('paused');
      const paused = await snapshot();
      assert.ok(paused.progress !== null && paused.progress > 0 && paused.progress < 100);
      assert.deepEqual([paused.speed, paused.stalledFor], [null, 0]);
      assert.equal((await record()).status, 'paused');
      await shot('paused');
      const carrying = hub.ledger.entries.filter(
        ({ path: file, closed }) => String(file).endsWith(WEIGHTS) && !closed,
      );
      assert.deepEqual(carrying, [], 'no connection is held while it is paused');

      hub.setRate('4MB/s');
      const from = hub.ledger.entries.length;
      await press('#progress', 'resume');
      // Not when it is ready: on a slow machine that may be more than the five seconds later, after which it goes.
      await until('loading');
      assert.equal((await record()).status, 'completed');
      await until('ready');
      const { totalSize, discarded } = await snapshot();
      assert.equal(discarded, 0);
      assertOnly(from, Number(totalSize) - paused.totalDownloaded);
      assert.ok(isRight((await answer()).text, cv));
    });

    test('goes on chatting smoothly while another model downloads', once, async () => {
      hub.setRate('1MB/s');
      await page.click('#picker-toggle');
      await page.click('#models li:nth-of-type(2) .buttons button');
      await until('downloading', { key: 'smollm2', network: 200_000 });
      await shot('two-models');
      await page.keyboard.press('Escape');
      // A busy machine may stop any task now and then; what we cause is there every time.
      const longest = [];
      let said = '';
      for (let round = 0; round < 3; round++) {
        const since = await page.evaluate(() => performance.now());
        await ask(QUESTION);
        said = (await answer()).text;
        const tasks = await page.evaluate(
          (begin) =>
            /** @type {any} */ (globalThis).longTasks
              .filter((/** @type {{ at: number }} */ { at }) => at >= begin)
              .map((/** @type {{ ms: number }} */ { ms }) => ms),
          since,
        );
        longest.push(Math.max(0, ...tasks));
        if (longest.at(-1) === 0) break;
      }
      assert.ok(isRight(said, cv), said);
      assert.ok(Math.min(...longest) <= 50, `tasks of ${longest.join(', ')} ms`);
      const { status, network } = await snapshot('smollm2');
      assert.equal(status, 'downloading');
      assert.ok(network > 200_000);
      await shot('chat-meanwhile');
      await page.evaluate(() =>
        /** @type {any} */ (document.querySelector('#progress')).loader.cancel('smollm2'),
      );
      await until('cancelled', { key: 'smollm2' });
      hub.setRate({});
    });

    test('keeps the history of the chat', async () => {
      await ask('And before that?');
      const { text } = await answer();
      assert.ok(text.includes(cv.employment[1].employer), text);
    });

    test('stops an answer at once, and asks the next question', async () => {
      await page.evaluate(() => {
        new MutationObserver((_, observer) => {
          const text = document.querySelector('#log .message[aria-busy] p:not(.who)')?.textContent;
          if (!text) return;
          observer.disconnect();
          document.querySelector('#stop')?.dispatchEvent(new MouseEvent('click'));
        }).observe(/** @type {Element} */ (document.querySelector('#log')), {
          subtree: true,
          childList: true,
          characterData: true,
        });
      });
      await ask('What did Mira study?');
      const stopped = await answer();
      assert.equal(stopped.note, 'Stopped.');
      assert.ok(stopped.text.length > 0);
      await shot('stopped');
      await ask('What did Mira study?');
      const whole = await answer();
      assert.equal(whole.note, '');
      assert.ok(whole.text.startsWith(stopped.text), `${stopped.text} | ${whole.text}`);
      assert.ok(whole.text.length > stopped.text.length);
    });

    test(
      'leaves no record of a completed download after five seconds, and keeps its files',
      once,
      async () => {
        await page.waitForFunction(() => localStorage.getItem('download_state_mini') === null);
        const kept = await page.evaluate(async () => {
          /** @type {Record<string, number>} */
          const files = {};
          const walk = async (/** @type {FileSystemDirectoryHandle} */ folder) => {
            for await (const handle of folder.values()) {
              if (handle.kind === 'directory') {
                await walk(/** @type {FileSystemDirectoryHandle} */ (handle));
              } else {
                const file = await /** @type {FileSystemFileHandle} */ (handle).getFile();
                files[handle.name] = Math.max(files[handle.name] ?? 0, file.size);
              }
            }
          };
          await walk(await navigator.storage.getDirectory());
          return files;
        });
        assert.ok(kept['model_q4.onnx'] > 3e6, JSON.stringify(kept));
        assert.deepEqual(problems, []);
      },
    );

    test('finds a paused download again after a reload', once, async () => {
      await arrive('&rate=800kB/s');
      await ask(QUESTION);
      await until('downloading', { network: 300_000 });
      await press('#progress', 'pause');
      await until('paused');
      const { totalDownloaded } = await snapshot();
      await page.reload();
      await page.waitForSelector('html[data-ready]');
      const found = await snapshot();
      assert.equal(found.status, 'paused');
      assert.deepEqual([found.cached, found.network], [found.totalDownloaded, 0]);
      assert.ok(found.cached > 0 && found.cached <= totalDownloaded);
      await press('candor-chat-progress', 'open');
      await shot('paused-reload');
      hub.setRate('4MB/s');
      const from = hub.ledger.entries.length;
      await press('#progress', 'resume');
      await until('ready');
      const { cached, totalSize } = await snapshot();
      assert.ok(cached >= 200_000, `${cached} were here`);
      assertOnly(from, Number(totalSize) - cached);
      assert.deepEqual(problems, []);
    });

    test('cancels, and the next load goes on from what is on disk', once, async () => {
      await arrive('&rate=800kB/s');
      await ask(QUESTION);
      await until('downloading', { network: 300_000 });
      await press('#progress', 'cancel');
      await until('cancelled');
      const cancelled = await snapshot();
      assert.ok(cancelled.totalDownloaded >= 300_000);
      await page.waitForFunction(() => !document.querySelector('#progress')?.hasAttribute('open'));
      const question = await page.$eval('#question', (field) => /** @type {any} */ (field).value);
      assert.equal(question, QUESTION, 'the question is given back');
      await page.click('#picker-toggle');
      await shot('cancelled');
      await page.click('#picker-toggle');
      hub.setRate('4MB/s');
      const from = hub.ledger.entries.length;
      await page.click('#send');
      await until('ready');
      const { cached, totalSize } = await snapshot();
      assert.ok(cached >= 300_000, `${cached} were here`);
      assertOnly(from, Number(totalSize) - cached);
      assert.ok(isRight((await answer()).text, cv));
      assert.deepEqual(problems, []);
    });

    test('is told what happened and what is kept, and Retry goes on from there', once, async () => {
      await arrive('&rate=3MB/s');
      // The connection breaks halfway, and whoever asks again, or for more, is told to come back in an hour.
      hub.setFault({ name: 'drop', at: '50%' });
      hub.setFault({ name: '429', retryAfter: 3600, skip: 1, times: null });
      await ask(QUESTION);
      await until('failed');
      const { error, maxAttempts } = await snapshot();
      assert.equal(error?.code, 'rate_limited');
      const kept = Number(error?.kept);
      assert.ok(kept > 100_000, `more than the settings: ${kept}`);
      const first = await recovery();
      assert.deepEqual(first, {
        open: true,
        title: 'Download interrupted',
        message: 'The server asks us to wait before fetching more.',
        attempt: `Attempt 1 of ${maxAttempts}.`,
        kept: `${formatter('en').bytes(kept)} are kept on this device.`,
        next: 'Retry goes on from what is kept.',
        detail: first.detail,
        elements: 0,
        buttons: ['Retry', 'Use a different model'],
      });
      await shot('interrupted');
      hub.clearFaults();
      hub.setRate('4MB/s');
      const from = hub.ledger.entries.length;
      await press('#recovery', 'retry');
      await until('ready');
      const { totalSize, cached, network } = await snapshot();
      assert.equal((await recovery()).open, false);
      assert.equal(cached + network, totalSize);
      assertOnly(from, Number(totalSize) - kept);
      assert.ok(isRight((await answer()).text, cv));
      assert.deepEqual(problems, []);
    });

    test('after the third failed attempt is offered another model, and may begin anew', async () => {
      await arrive();
      hub.setFault({ name: 'flip', times: null });
      await ask(QUESTION);
      for (let attempt = 1; attempt <= 3; attempt++) {
        await page.$eval(
          '#progress',
          (element, wanted) =>
            new Promise((resolve) => {
              /** @type {any} */ (element).loader.subscribe('mini', (/** @type {any} */ shown) => {
                if (shown.status === 'failed' && shown.attempt === wanted) resolve(null);
              });
            }),
          attempt,
        );
        const { open, title, attempt: said, buttons } = await recovery();
        assert.equal(open, true);
        if (attempt < 3) {
          assert.deepEqual([title, said], ['Download interrupted', `Attempt ${attempt} of 3.`]);
          assert.deepEqual(buttons, ['Retry', 'Use a different model']);
          await press('#recovery', 'retry');
        }
      }
      const final = await recovery();
      assert.equal(final.title, 'CV mini could not be loaded');
      assert.equal(final.attempt, 'It was tried 3 times.');
      assert.match(final.message, /damaged/);
      assert.deepEqual(final.buttons, ['Use a different model']);
      await shot('final');
      await press('#recovery', 'different');
      assert.equal(
        await page.$eval('#picker', (picker) => /** @type {any} */ (picker).hidden),
        false,
      );
      assert.equal((await recovery()).open, false);
      const question = await page.$eval('#question', (field) => /** @type {any} */ (field).value);
      assert.equal(question, QUESTION, 'the question waits for whoever comes next');
      await shot('different');

      // Who chooses the same model once more begins anew.
      hub.clearFaults();
      await page.click('#models button');
      await until('ready');
      assert.equal((await snapshot()).attempt, 1);
      assert.deepEqual(problems, []);
    });

    test('sees words from outside as text', async () => {
      await arrive('&model=smollm2');
      hub.setFault({ name: 'status', where: 'resolve', code: 404, message: OUTSIDE, times: null });
      await ask(QUESTION);
      await until('failed', { key: 'smollm2' });
      const { message, detail, elements, title, next } = await recovery();
      assert.equal(title, 'SmolLM2 135M could not be loaded');
      assert.match(message, /is not at this address/);
      assert.ok(detail.includes(OUTSIDE), detail);
      assert.equal(elements, 0);
      assert.ok(next.length > 0);
      await page.$eval('#recovery', (element) => {
        /** @type {any} */ (element.shadowRoot?.querySelector('details')).open = true;
      });
      await shot('outside');
      assert.notEqual(await page.title(), '1');
      assert.equal(await page.$$eval('img[src=x]', (images) => images.length), 0);
      assert.deepEqual(problems, []);
    });
  });
}
