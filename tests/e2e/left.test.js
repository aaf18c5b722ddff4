// A page that was left and is shown again: its worker is a new one, and what is asked for meanwhile is done.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch } from './browsers.js';
import { serveDemo } from './site.js';

/** @typedef {import('puppeteer-core').Page} Page */

const MOUNTS = { '/fixtures': path.join(import.meta.dirname, 'fixtures') };

/** A loader of the embedded model, as `loader`. Runs in the page. */
async function connectInPage() {
  const { createLoader } = await import(String('/candor/candor.js'));
  const loader = await createLoader({
    models: { mini: { repo: '/models/cv-mini', executionProvider: 'wasm' } },
  });
  Object.assign(globalThis, { loader });
}

for (const name of /** @type {const} */ (['chromium', 'firefox'])) {
  describe(`a page that comes back, in ${name}`, { timeout: 200_000 }, () => {
    /** @type {Awaited<ReturnType<typeof serveDemo>>} */
    let hub;
    /** @type {import('puppeteer-core').Browser} */
    let browser;
    /** @type {Page} */
    let page;
    before(async () => {
      hub = await serveDemo({ mounts: MOUNTS });
      browser = await launch(name, { webgpu: false });
      page = await browser.newPage();
      await page.goto(`${hub.origin}/fixtures/blank.html`);
      await page.evaluate(connectInPage);
    });
    after(async () => {
      await browser?.close();
      await hub?.close();
    });

    test('its model is loaded again, and answers who had it', async () => {
      const answer = await page.evaluate(async () => {
        const { loader } = /** @type {any} */ (globalThis);
        const model = await loader.load('mini');
        dispatchEvent(new Event('pagehide'));
        dispatchEvent(new Event('pageshow'));
        const left = loader.snapshot('mini');
        // Asked for before the new worker has started.
        const early = await model
          .chat([{ role: 'user', content: 'Hi' }])
          .next()
          .catch((/** @type {any} */ error) => error.code);
        await new Promise((resolve) => {
          loader.subscribe('mini', (/** @type {any} */ now) => {
            if (now.status === 'ready' && now !== left) resolve(null);
          });
        });
        const pieces = model.chat([{ role: 'user', content: 'Hi' }], { maxNewTokens: 4 });
        return [early, typeof (await pieces.next()).value];
      });
      assert.deepEqual(answer, ['runtime', 'string']);
    });

    test('what it removes at once is gone', async () => {
      const room = await page.evaluate(async () => {
        const { loader } = /** @type {any} */ (globalThis);
        dispatchEvent(new Event('pagehide'));
        dispatchEvent(new Event('pageshow'));
        await loader.remove('mini');
        return [loader.snapshot('mini').status, await loader.stored('mini')];
      });
      assert.deepEqual(room, ['idle', 0]);
    });

    test('a loader that is closed while the page is left stays closed', async () => {
      const code = await page.evaluate(async () => {
        const { loader } = /** @type {any} */ (globalThis);
        dispatchEvent(new Event('pagehide'));
        await loader.dispose();
        dispatchEvent(new Event('pageshow'));
        return loader.load('mini').catch((/** @type {any} */ error) => error.code);
      });
      assert.equal(code, 'aborted');
    });
  });
}
