// The whole visit on the demo page: what a visitor sees and does while a model loads.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch } from './browsers.js';
import { serveDemo } from './site.js';
import { QUESTION, askOnPage, isRight, watchPage } from './visit.js';

/** @typedef {import('puppeteer-core').Page} Page */

const ROOT = path.resolve(import.meta.dirname, '../..');
const cv = JSON.parse(await readFile(path.join(ROOT, 'web/demo/cv.json'), 'utf8'));
/** The weights that the wasm provider takes. */
const WEIGHTS = 'onnx/model_q4.onnx';

/** The latest snapshot of the embedded model. @param {Page} page */
const snapshot = (page) =>
  page.$eval('#progress', (element) => /** @type {any} */ (element).loader.snapshot('mini'));

/** Waits for the embedded model to come to a status, with so many bytes from the network. @param {Page} page @param {string} status */
async function until(page, status, network = 0) {
  await page.waitForSelector('html[data-ready]');
  await page.$eval(
    '#progress',
    (element, wanted, bytes) =>
      new Promise((resolve) => {
        /** @type {any} */ (element).loader.subscribe('mini', (/** @type {any} */ shown) => {
          if (shown.status === wanted && shown.network >= bytes) resolve(null);
        });
      }),
    status,
    network,
  );
}

for (const name of /** @type {const} */ (['chromium', 'firefox'])) {
  describe(`a visit in ${name}`, { timeout: 600_000 }, () => {
    /** @type {Awaited<ReturnType<typeof serveDemo>>} */
    let hub;
    /** @type {import('puppeteer-core').Browser} */
    let browser;
    /** @type {Page} */
    let page;
    /** @type {string[]} */
    const problems = [];
    /** Bytes of the weights that were sent since `from` entries of the ledger. @param {number} from */
    const sent = (from) =>
      hub.ledger.entries
        .slice(from)
        .filter((entry) => String(entry.path).endsWith(WEIGHTS))
        .reduce((sum, entry) => sum + entry.sent, 0);

    before(async () => {
      hub = await serveDemo();
      browser = await launch(name);
      page = await browser.newPage();
      await watchPage(page);
      page.on('pageerror', (error) => problems.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(message.text());
      });
    });
    after(async () => {
      await browser.close();
      await hub.close();
    });

    test('a reload in mid-download goes on from what is on disk', async () => {
      await page.goto(`${hub.origin}/?ep=wasm&rate=600kB/s`);
      await page.waitForSelector('html[data-ready]');
      await page.type('#question', QUESTION);
      await page.click('#send');
      await until(page, 'downloading', 1e6);
      const before = await snapshot(page);
      assert.ok(before.progress > 0 && before.progress < 100);
      assert.equal(before.totalSize > 3e6, true);
      await page.keyboard.press('Escape');
      const open = await page.$eval('#progress', (element) => element.hasAttribute('open'));
      assert.equal(open, false, 'Esc minimises the dialog');

      const from = hub.ledger.entries.length;
      await page.goto(`${hub.origin}/?ep=wasm`);
      await until(page, 'ready');
      const { cached, totalSize } = await snapshot(page);
      assert.ok(cached > 0, 'bytes of the first visit count as already here');
      assert.ok(sent(from) < totalSize - cached + 200_000, `sent ${sent(from)} again`);
    });

    test('the model answers with the fact', async () => {
      const { answer, variant } = await askOnPage(page, QUESTION);
      assert.ok(isRight(answer, cv), answer);
      assert.equal(variant.executionProvider, 'wasm');
    });

    test('the next visit loads without the network', async () => {
      const from = hub.ledger.entries.length;
      await page.goto(`${hub.origin}/?ep=wasm`);
      await page.waitForSelector('html[data-ready]');
      await page.click('#picker-toggle');
      await page.waitForFunction(
        () => document.querySelector('#models .state')?.textContent !== 'Not loaded',
      );
      const state = await page.$eval('#models .state', ({ textContent }) => textContent);
      // The model's, and the runtime's own.
      assert.match(String(state), /^17\.\d MB on this device$/);
      const free = await page.$eval(
        '#models .buttons :last-child',
        (b) => !b.hasAttribute('hidden'),
      );
      assert.ok(free, 'a button frees the space');
      await page.click('#picker-toggle');
      await page.type('#question', QUESTION);
      await page.click('#send');
      await until(page, 'ready');
      assert.equal(sent(from), 0);
    });

    test('nothing broke the strict policy or the page', () => {
      assert.deepEqual(problems, []);
    });
  });
}
