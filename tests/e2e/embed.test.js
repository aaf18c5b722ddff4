// The package in other people's pages: built by a bundler, and as static files behind a script tag. Both under the strict
// policy and without cross-origin isolation, as most pages are.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'vite';
import { createHub } from '../hub/hub.js';
import { launch } from './browsers.js';
import { QUESTION, isRight } from './visit.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const FIXTURES = path.join(import.meta.dirname, 'fixtures');
const cv = JSON.parse(await readFile(path.join(ROOT, 'web/demo/cv.json'), 'utf8'));

let built = '';
/** @type {Awaited<ReturnType<typeof createHub>>} */
let hub;
/** @type {import('puppeteer-core').Browser} */
let browser;

before(async () => {
  built = await mkdtemp(path.join(tmpdir(), 'candor-vite-'));
  const root = path.join(FIXTURES, 'vite');
  // `candor` is found through the workspace and its exports, as after an installation.
  await build({
    root,
    configFile: path.join(root, 'vite.config.js'),
    // Relative addresses: the page may lie in any folder.
    base: './',
    logLevel: 'warn',
    build: { outDir: built, emptyOutDir: true },
  });
  hub = await createHub({
    csp: true,
    mounts: {
      '/app': built,
      '/static': path.join(FIXTURES, 'plain'),
      '/static/candor': path.join(ROOT, 'web/dist'),
    },
    folders: { '/models': path.join(ROOT, 'web/models') },
  });
  browser = await launch('chromium', { webgpu: false });
});
after(async () => {
  await browser?.close();
  await hub?.close();
  await rm(built, { recursive: true, force: true });
});

for (const [title, place] of [
  ['a page that Vite built', '/app/'],
  ['static files and a script tag', '/static/'],
]) {
  test(`${title} loads the embedded model, shows its progress and answers`, async () => {
    // A storage of its own, so that each page downloads.
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    /** @type {string[]} */
    const problems = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    const from = hub.ledger.entries.length;
    await page.goto(`${hub.origin}${place}?question=${encodeURIComponent(QUESTION)}`);
    await page.waitForSelector('#answer[data-done]', { timeout: 60_000 });
    const { answer, snapshot, isolated } = await page.evaluate(() => ({
      answer: document.querySelector('#answer')?.textContent ?? '',
      snapshot: /** @type {any} */ (document.querySelector('candor-progress-dialog')).snapshot,
      isolated: crossOriginIsolated,
    }));
    assert.ok(isRight(answer, cv), answer);
    const { status, progress, variant, cached, totalDownloaded, totalSize } = snapshot;
    assert.deepEqual([status, progress, cached], ['ready', 100, 0]);
    assert.deepEqual([variant.dtype, variant.executionProvider], ['q4', 'wasm']);
    assert.equal(totalDownloaded, totalSize);
    assert.equal(isolated, false);
    // All that was asked for exists, and nothing but the model came from outside the page's own folder.
    const asked = hub.ledger.entries.slice(from);
    for (const { url, status: code } of asked) {
      assert.ok(code < 400, `${code} for ${url}`);
      assert.ok(url.startsWith(place) || url.startsWith('/models/'), url);
    }
    assert.deepEqual(problems, []);
    await context.close();
  });
}
