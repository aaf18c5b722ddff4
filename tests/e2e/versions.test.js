// A model that is published anew at its old address: the old one loads at once, the page says that there is a newer one,
// and an update fetches what changed.

import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch } from './browsers.js';
import { serveDemo } from './site.js';

/** @typedef {import('../../web/bindings.d.ts').Snapshot} Snapshot */

const MODEL = path.resolve(import.meta.dirname, '../../web/models/cv-mini');
const MOUNTS = { '/fixtures': path.join(import.meta.dirname, 'fixtures') };
const CHANGED = 'generation_config.json';

/**
 * Loads the model and tells what is shown when it is ready. Runs in the page.
 * @param {string} revalidate
 * @returns {Promise<Snapshot>}
 */
async function loadInPage(revalidate) {
  const { createLoader } = await import(String('/candor/candor.js'));
  const loader = await createLoader({
    models: { mini: { repo: '/changing/mini', executionProvider: 'wasm', revalidate } },
  });
  Object.assign(globalThis, { loader });
  await loader.load('mini');
  return loader.snapshot('mini');
}

/** What is shown once the page says that there is a newer version. Runs in the page. @returns {Promise<Snapshot>} */
const newerInPage = () =>
  new Promise((resolve) => {
    const { loader } = /** @type {any} */ (globalThis);
    loader.subscribe('mini', (/** @type {Snapshot} */ shown) => {
      if (shown.newer) resolve(shown);
    });
  });

for (const name of /** @type {const} */ (['chromium', 'firefox'])) {
  describe(`a model that is published anew, in ${name}`, { timeout: 200_000 }, () => {
    /** @type {string} */
    let dir;
    /** @type {Awaited<ReturnType<typeof serveDemo>>} */
    let hub;
    /** @type {import('puppeteer-core').Browser} */
    let browser;
    before(async () => {
      dir = await mkdtemp(path.join(tmpdir(), 'candor-'));
      await cp(MODEL, path.join(dir, 'mini'), { recursive: true });
      // The list is made anew, then, from what lies there.
      await rm(path.join(dir, 'mini/candor.json'));
      hub = await serveDemo({ mounts: MOUNTS, folders: { '/changing': { dir, manifest: true } } });
      browser = await launch(name, { webgpu: false });
    });
    after(async () => {
      await browser?.close();
      await hub?.close();
      await rm(dir, { recursive: true });
    });

    /** Publishes another version of one small file. */
    async function publish() {
      const file = path.join(dir, 'mini', CHANGED);
      await writeFile(file, `${await readFile(file, 'utf8')} `);
      hub.ledger.clear();
    }

    /** Files of the model that were sent since it was published, without the list. */
    const fetched = () => [
      ...new Set(
        hub.ledger.entries
          .filter(
            ({ kind, path: file, sent }) => kind === 'file' && sent && /^mini\//.test(String(file)),
          )
          .map(({ path: file }) => file),
      ),
    ];

    const open = async () => {
      const page = await browser.newPage();
      await page.goto(`${hub.origin}/fixtures/blank.html`);
      return page;
    };

    test('loads at once, says that it is there, and an update fetches what changed', async () => {
      const first = await open();
      await first.evaluate(loadInPage, 'background');
      await first.close();
      await publish();

      const page = await open();
      const ready = await page.evaluate(loadInPage, 'background');
      assert.equal(ready.network, 0);
      const shown = await page.evaluate(newerInPage);
      const { size } = await (await fetch(`${hub.origin}/changing/mini/${CHANGED}`)).blob();
      assert.deepEqual(
        [shown.status, shown.newer, shown.can.update],
        ['ready', { bytes: size }, true],
      );
      hub.ledger.clear();
      const after = await page.evaluate(async () => {
        const { loader } = /** @type {any} */ (globalThis);
        await loader.update('mini');
        return loader.snapshot('mini');
      });
      assert.deepEqual([after.status, after.newer, after.error], ['ready', null, null]);
      assert.deepEqual(fetched(), [`mini/${CHANGED}`]);
      await page.close();
    });

    test('is not asked for by who never looks, and is loaded at once by who looks before', async () => {
      await publish();
      const never = await open();
      await never.evaluate(loadInPage, 'never');
      assert.deepEqual(
        hub.ledger.entries.filter(({ path: file }) => /^mini\//.test(String(file))),
        [],
      );
      await never.close();
      const before = await open();
      const { newer } = await before.evaluate(loadInPage, 'before-load');
      assert.equal(newer, null);
      assert.deepEqual(fetched(), [`mini/${CHANGED}`]);
      await before.close();
    });
  });
}
