// Several tabs that want one model: one downloads, the others show its progress and go on when it is gone.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createHub } from '../hub/hub.js';
import { launch } from './browsers.js';
import { SIZE, digestInPage, keyOf, noise, sentBy } from './noise.js';
import { serveDemo } from './site.js';

/**
 * @typedef {import('puppeteer-core').Page} Page
 * @typedef {import('puppeteer-core').Browser} Browser
 * @typedef {import('../hub/hub.js').Hub} Hub
 * @typedef {import('../../web/bindings.d.ts').Snapshot} Snapshot
 */

const MOUNTS = { '/fixtures': path.join(import.meta.dirname, 'fixtures') };

/** Begins to load and keeps what is shown. Runs in the page. @param {{ host: string, key: string }} options */
async function beginInPage({ host, key }) {
  const { createLoader } = await import(String('/candor/candor.js'));
  const loader = await createLoader({
    models: { [key]: { repo: `fault/${key}`, host, executionProvider: 'wasm' } },
  });
  /** @type {Snapshot[]} */
  const seen = [];
  Object.assign(globalThis, { loader, seen });
  loader.subscribe(key, (/** @type {Snapshot} */ shown) => seen.push(shown));
  loader.load(key).catch(() => {});
}

/**
 * Waits for a frame. Runs in the page.
 * @param {{ on: 'elsewhere' | 'here' | 'whole', bytes: number }} options
 * @returns {Promise<Snapshot>}
 */
async function waitInPage({ on, bytes }) {
  for (;;) {
    const { seen } = /** @type {{ seen: Snapshot[] }} */ (/** @type {any} */ (globalThis));
    // A tab in the background looks once a second, and noise does not stay "loading" for that long.
    const end = seen.find(({ status }) => status === 'loading' || status === 'failed');
    if (end) return end;
    const shown = /** @type {Snapshot} */ (seen.at(-1));
    // A tab that opens late knows from the record what is there before the other tab tells it.
    const told = shown.elsewhere === (on === 'elsewhere') && shown.status === 'downloading';
    if (on !== 'whole' && told && shown.totalDownloaded >= bytes) return shown;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Wants to remove a model that this tab does not load. Runs in the page. @param {{ host: string, key: string }} options */
async function removeInPage({ host, key }) {
  const { createLoader } = await import(String('/candor/candor.js'));
  const loader = await createLoader({ models: { [key]: { repo: `fault/${key}`, host } } });
  const error = await loader.remove(key).catch((/** @type {unknown} */ thrown) => thrown);
  await loader.dispose();
  return { code: error?.code ?? null, message: error?.message ?? '' };
}

/** Every step back that a tab showed without a reason. Runs in the page. */
function stepsBackInPage() {
  const { seen } = /** @type {{ seen: Snapshot[] }} */ (/** @type {any} */ (globalThis));
  return seen.flatMap((now, i) => {
    const before = seen[Math.max(0, i - 1)];
    const explained = now.discarded > before.discarded && now.discardedReason;
    return now.totalDownloaded < before.totalDownloaded && !explained
      ? [[before.totalDownloaded, now.totalDownloaded]]
      : [];
  });
}

for (const browserName of /** @type {const} */ (['chromium', 'firefox'])) {
  describe(`one download for all tabs, in ${browserName}`, { timeout: 120_000 }, () => {
    /** @type {Browser} */
    let browser;
    /** @type {Awaited<ReturnType<typeof serveDemo>>} */
    let pages;
    before(async () => {
      pages = await serveDemo({ connectSrc: ['http://127.0.0.1:*'], mounts: MOUNTS });
      browser = await launch(browserName, { webgpu: false });
    });
    after(async () => {
      await browser?.close();
      await pages?.close();
    });

    /** @param {string} name @param {number} tabs @param {(tabs: Page[], hub: Hub) => Promise<Page[]>} visit gives the tabs that are left @param {number} [rate] of the hub's line, bytes per second */
    const visiting = (name, tabs, visit, rate = 1e6) =>
      test(name, async () => {
        const key = keyOf(name);
        const { model, sha256 } = noise();
        const hub = await createHub({ models: { [`fault/${key}`]: model }, rate });
        /** @type {Page[]} */
        const open = [];
        try {
          for (let i = 0; i < tabs; ++i) {
            const page = await browser.newPage();
            open.push(page);
            await page.goto(`${pages.origin}/fixtures/blank.html`);
            await page.evaluate(beginInPage, { host: hub.origin, key });
          }
          const left = await visit(open, hub);
          for (const page of left) {
            const last = await page.evaluate(waitInPage, {
              on: /** @type {const} */ ('whole'),
              bytes: 0,
            });
            assert.equal(last.error, null);
            assert.equal(last.verified, last.totalSize);
            assert.deepEqual(await page.evaluate(stepsBackInPage), []);
          }
          assert.equal(await left[0].evaluate(digestInPage, key), sha256);
        } finally {
          for (const page of open) await page.close().catch(() => {});
          await hub.close();
        }
      });

    for (const tabs of [2, 5]) {
      visiting(
        `${tabs} tabs fetch once and show the same`,
        tabs,
        async (open, hub) => {
          const shown = await Promise.all(
            open.slice(1).map((page) =>
              page.evaluate(waitInPage, {
                on: /** @type {const} */ ('elsewhere'),
                bytes: 0.3 * SIZE,
              }),
            ),
          );
          for (const snapshot of shown) {
            assert.ok(snapshot.elsewhere, snapshot.status);
            assert.equal(snapshot.status, 'downloading');
            assert.ok(snapshot.totalSize && snapshot.totalSize > SIZE);
            // The runtime's code is a part of the whole.
            const least = (25 * SIZE) / snapshot.totalSize;
            assert.ok(Number(snapshot.progress) > least && Number(snapshot.progress) < 100);
            assert.ok(Number(snapshot.speed) > 0);
          }
          await open[0].evaluate(waitInPage, { on: /** @type {const} */ ('whole'), bytes: 0 });
          assert.ok(sentBy(hub) <= 1.4 * SIZE, `${sentBy(hub)} bytes were sent`);
          return open;
        },
        1.5e6 / tabs,
      ); // All must be open before the end, and a browser takes its time for each.
    }

    visiting(
      'a tab that waits says that the other one is paused',
      2,
      async (open) => {
        const [first, second] = open;
        await second.evaluate(waitInPage, {
          on: /** @type {const} */ ('elsewhere'),
          bytes: 0.1 * SIZE,
        });
        /** @param {string} call */
        const act = (call) =>
          first.evaluate((name) => {
            const { loader, seen } = /** @type {any} */ (globalThis);
            loader[name](seen.at(-1).modelKey);
          }, call);
        const told = (/** @type {string} */ status) =>
          second.waitForFunction(
            (expected) => {
              const { elsewhere, status, speed } = /** @type {any} */ (globalThis).seen.at(-1);
              return (
                elsewhere && status === expected && (status === 'downloading' || speed === null)
              );
            },
            { timeout: 20_000 },
            status,
          );
        // Also of files that the other tab holds open.
        const stored = await second.evaluate(() => {
          const { loader, seen } = /** @type {any} */ (globalThis);
          return loader.stored(seen.at(-1).modelKey);
        });
        assert.ok(stored >= 0.1 * SIZE && stored < 2 * SIZE, `${stored} bytes are stored`);
        await act('pause');
        await told('queued');
        await act('resume');
        await told('downloading');
        return open;
      },
      5e5,
    );

    visiting('what a tab is downloading is not removed by another one', 1, async (open, hub) => {
      const page = await browser.newPage();
      open.push(page);
      await page.goto(`${pages.origin}/fixtures/blank.html`);
      const key = await open[0].evaluate(
        () => /** @type {any} */ (globalThis).seen.at(-1).modelKey,
      );
      await open[0].evaluate(waitInPage, { on: /** @type {const} */ ('here'), bytes: 0.3 * SIZE });
      const refused = await page.evaluate(removeInPage, { host: hub.origin, key });
      assert.equal(refused.code, 'storage');
      assert.match(refused.message, /another tab/i);
      return open.slice(0, 1);
    });

    test('what a tab is loading from is not removed by another one, and what only runs there is', async () => {
      const [one, two] = [await browser.newPage(), await browser.newPage()];
      for (const page of [two, one]) {
        await page.goto(`${pages.origin}/fixtures/blank.html`);
        await page.evaluate(async () => {
          const { createLoader } = await import(String('/candor/candor.js'));
          const loader = await createLoader({
            models: { mini: { repo: '/models/cv-mini', executionProvider: 'wasm' } },
          });
          Object.assign(globalThis, { loader });
        });
      }
      const remove = () =>
        two.evaluate(() =>
          /** @type {any} */ (globalThis).loader.remove('mini').then(
            () => 'removed',
            (/** @type {any} */ error) => error.code,
          ),
        );
      await two.evaluate(() => /** @type {any} */ (globalThis).loader.load('mini'));
      await one.evaluate(() => {
        const { loader } = /** @type {any} */ (globalThis);
        const loading = new Promise((resolve) => {
          loader.subscribe('mini', (/** @type {any} */ { status }) => {
            if (status === 'loading') resolve(null);
          });
        });
        Object.assign(globalThis, { loaded: loader.load('mini') });
        return loading;
      });
      assert.equal(await remove(), 'storage');
      await one.evaluate(() => /** @type {any} */ (globalThis).loaded.then(() => null));
      assert.equal(await remove(), 'removed');
      const room = await two.evaluate(() => /** @type {any} */ (globalThis).loader.stored('mini'));
      assert.equal(room, 0);
      await one.close();
      await two.close();
    });

    visiting(
      'another tab takes over when the one that downloads is closed',
      3,
      async (open, hub) => {
        await open[1].evaluate(waitInPage, {
          on: /** @type {const} */ ('elsewhere'),
          bytes: 0.5 * SIZE,
        });
        await open[0].close();
        const takesOver = await open[1].evaluate(waitInPage, {
          on: /** @type {const} */ ('here'),
          bytes: 0.6 * SIZE,
        });
        assert.equal(takesOver.elsewhere, false);
        await open[1].evaluate(waitInPage, { on: /** @type {const} */ ('whole'), bytes: 0 });
        assert.ok(sentBy(hub) <= 1.9 * SIZE, `${sentBy(hub)} bytes were sent`);
        return open.slice(1);
      },
    );
  });
}
