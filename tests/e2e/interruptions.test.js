// Tabs and browsers that are killed, disks that are full, changed or missing: the next load goes on from what is really
// there, and what is on the disk in the end is the server's file.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createHub } from '../hub/hub.js';
import { sha256Of, fileFromSpec } from '../hub/files.js';
import { launch } from './browsers.js';
import { SIZE, WEIGHTS, digestInPage, loadInPage, modelWith, noise, sentBy } from './noise.js';
import { serveDemo } from './site.js';

/**
 * @typedef {import('puppeteer-core').Page} Page
 * @typedef {import('puppeteer-core').Browser} Browser
 * @typedef {import('../hub/hub.js').Hub} Hub
 * @typedef {import('../../web/bindings.d.ts').Snapshot} Snapshot
 */

const KEY = 'noise';
const MOUNTS = { '/fixtures': path.join(import.meta.dirname, 'fixtures') };
const site = () => serveDemo({ connectSrc: ['http://127.0.0.1:*'], mounts: MOUNTS });

/** Begins to load; resolves when so many bytes have come over the network. Runs in the page. @param {{ host: string, key: string, bytes: number }} options */
async function beginInPage({ host, key, bytes }) {
  const { createLoader } = await import(String('/candor/candor.js'));
  const loader = await createLoader({
    models: { [key]: { repo: `fault/${key}`, host, executionProvider: 'wasm' } },
  });
  Object.assign(globalThis, { loader });
  const began = await new Promise((resolve) => {
    loader.subscribe(key, (/** @type {Snapshot} */ shown) => {
      if (shown.network >= bytes || shown.status === 'loading' || shown.status === 'failed') {
        resolve(shown);
      }
    });
    loader.load(key).catch(() => {});
  });
  return /** @type {Snapshot} */ (began);
}

/** Waits until the download is over, or else until it says that it waits for the network. Runs in the page. @param {string} key @param {boolean} orOffline */
async function waitInPage(key, orOffline) {
  for (;;) {
    const shown = /** @type {Snapshot} */ (/** @type {any} */ (globalThis).loader.snapshot(key));
    const said = shown.error?.message.includes('This device is offline');
    if (shown.status !== 'downloading' || (orOffline && said)) return shown;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Changes a file in the model's folder. Runs in the page. @param {string} key @param {string} name @param {string} how */
async function tamperInPage(key, name, how) {
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('candor');
  for await (const [folderName, handle] of root.entries()) {
    if (!folderName.startsWith(`fault-${key}-`)) continue;
    let folder = /** @type {FileSystemDirectoryHandle} */ (handle);
    const [file, ...parents] = name.split('/').reverse();
    for (const parent of parents.reverse()) folder = await folder.getDirectoryHandle(parent);
    for await (const [entry, one] of folder.entries()) {
      if (one.kind !== 'file' || !entry.startsWith(file)) continue;
      const bytes = await /** @type {FileSystemFileHandle} */ (one).getFile();
      const half = bytes.slice(0, bytes.size / 2);
      const changed = {
        half: [half],
        longer: [bytes, 'more'],
        other: ['{"version":99}'],
        none: [],
      };
      const stream = await /** @type {FileSystemFileHandle} */ (one).createWritable();
      await stream.write(new Blob(changed[/** @type {keyof typeof changed} */ (how)]));
      await stream.close();
    }
  }
}

for (const name of /** @type {const} */ (['chromium', 'firefox'])) {
  describe(`what is on the disk, in ${name}`, { timeout: 200_000 }, () => {
    /** @type {Browser} */
    let browser;
    /** @type {Awaited<ReturnType<typeof serveDemo>>} */
    let pages;
    /** @type {Hub} */
    let hub;
    let { model, sha256 } = noise();
    before(async () => {
      pages = await site();
      hub = await createHub({ models: { [`fault/${KEY}`]: model } });
      browser = await launch(name, { webgpu: false });
    });
    after(async () => {
      await browser?.close();
      await pages?.close();
      await hub?.close();
    });

    const open = async () => {
      const page = await browser.newPage();
      await page.goto(`${pages.origin}/fixtures/blank.html`);
      return page;
    };

    /** Loads once more and checks all of it. @param {Page} page @param {number} atMost bytes of the weights sent for it */
    async function loadsWell(page, atMost) {
      hub.ledger.clear();
      const { last, problems } = await page.evaluate(loadInPage, { host: hub.origin, key: KEY });
      assert.deepEqual(problems, []);
      assert.deepEqual([last.error, last.verified], [null, last.totalSize]);
      assert.equal(await page.evaluate(digestInPage, KEY), sha256);
      assert.ok(sentBy(hub) <= atMost, `${sentBy(hub)} bytes were sent, at most ${atMost} wanted`);
      return last;
    }

    test('nothing is sent for what is there', async () => {
      const page = await open();
      await loadsWell(page, 1.7 * SIZE);
      await loadsWell(page, 0);
      await page.close();
    });

    for (const [what, file, how, atMost] of /** @type {const} */ ([
      ['a file shorter than the journal says', WEIGHTS, 'half', 0.9 * SIZE],
      ['a file longer than the journal says', WEIGHTS, 'longer', 0],
      ['an empty file', WEIGHTS, 'none', 1.7 * SIZE],
      ['a journal that ends half way', 'journal', 'half', 1.7 * SIZE],
      ['a journal of another version', 'journal', 'other', 1.7 * SIZE],
      ['an empty journal', 'journal', 'none', 1.7 * SIZE],
    ])) {
      test(`${what} is found and mended`, async () => {
        const page = await open();
        await page.evaluate(tamperInPage, KEY, file, how);
        await loadsWell(page, atMost);
        await page.close();
      });
    }

    test('a journal of another commit is of no use for a file that changed, and kept for those that did not', async () => {
      const page = await open();
      hub.setRate({ rate: 2e6 });
      await page.evaluate(beginInPage, { host: hub.origin, key: KEY, bytes: 0 });
      await page.close();
      hub.setRate({});
      ({ model, sha256 } = noise());
      hub.setModel(`fault/${KEY}`, model);
      const next = await open();
      // What is complete is loaded without asking; the visitor removes it, or half of it is missing.
      await next.evaluate(tamperInPage, KEY, WEIGHTS, 'half');
      const last = await loadsWell(next, 1.7 * SIZE);
      assert.ok(last.cached > 0, 'the small files are the same');
      await next.close();
    });

    test('a device that goes offline waits for its network and then goes on by itself', async () => {
      ({ model, sha256 } = noise());
      hub.setModel(`fault/${KEY}`, model);
      hub.setRate({ rate: 1e6 });
      const page = await open();
      await page.evaluate(tamperInPage, KEY, WEIGHTS, 'none');
      const began = await page.evaluate(beginInPage, { host: hub.origin, key: KEY, bytes: 5e5 });
      // A browser's switch tells the page, and leaves alone what its workers fetch: the network is cut here.
      await page.setOfflineMode(true);
      hub.setOffline(true);
      const offline = await page.evaluate(waitInPage, KEY, true);
      assert.deepEqual([offline.status, offline.attempt], ['downloading', 1]);
      assert.ok(offline.totalDownloaded >= began.totalDownloaded);
      hub.setRate({});
      hub.setOffline(false);
      await page.setOfflineMode(false);
      const end = await page.evaluate(waitInPage, KEY, false);
      assert.deepEqual([end.error, end.verified], [null, end.totalSize]);
      assert.equal(await page.evaluate(digestInPage, KEY), sha256);
      await page.close();
    });

    test('a model that will not fit is refused before its first byte', async (t) => {
      const size = 4e12;
      // Weights of this size would be refused for what they are.
      const tokenizer = { size, sha256: 'a'.repeat(64) };
      hub.setModel('fault/large', { files: { ...model.files, 'tokenizer.json': tokenizer } });
      hub.ledger.clear();
      const page = await open();
      const quota = await page.evaluate(async () => (await navigator.storage.estimate()).quota);
      if (Number(quota) > size) return t.skip('this browser gives a site more than 4 TB');
      const { last, problems } = await page.evaluate(loadInPage, {
        host: hub.origin,
        key: 'large',
      });
      assert.deepEqual([last.error?.code, last.network, problems], ['quota', 0, []]);
      assert.match(
        String(last.error?.message),
        /not enough room: the download needs 4(\.0+)? TB, and this site may store .* more/,
      );
      assert.equal(sentBy(hub), 0);
      await page.close();
    });

    test('a page that crashes or is closed in mid-download loses little', async () => {
      ({ model, sha256 } = noise());
      hub.setModel(`fault/${KEY}`, model);
      hub.setRate({ rate: 2e6 });
      const page = await open();
      await page.evaluate(tamperInPage, KEY, WEIGHTS, 'none');
      await page.evaluate(beginInPage, { host: hub.origin, key: KEY, bytes: 1.8e6 });
      if (name === 'chromium') {
        const crashed = new Promise((resolve) => page.once('error', resolve));
        page.goto('chrome://crash').catch(() => {});
        await crashed;
      }
      await page.close();
      hub.setRate({});
      const next = await open();
      const last = await loadsWell(next, 1.7 * SIZE);
      assert.ok(last.cached > 0, `${last.cached} bytes were kept`);
      await next.close();
    });
  });
}

test('a disk that is full in mid-file is told, and goes on when there is room', async () => {
  const pages = await site();
  const { model, sha256 } = noise();
  const hub = await createHub({ models: { [`fault/${KEY}`]: model } });
  const browser = await launch('chromium', { webgpu: false });
  try {
    const page = await browser.newPage();
    await page.goto(`${pages.origin}/fixtures/blank.html`);
    const session = await page.createCDPSession();
    // What is enforced; navigator.storage.estimate() goes on promising more.
    const quota = (/** @type {number | undefined} */ quotaSize) =>
      session.send('Storage.overrideQuotaForOrigin', { origin: pages.origin, quotaSize });
    const options = { host: hub.origin, key: KEY };
    await quota(2.5e6);
    const full = await page.evaluate(loadInPage, options);
    assert.deepEqual([full.last.error?.code, full.problems], ['quota', []]);
    assert.match(String(full.last.error?.message), /room/);

    await quota(undefined);
    const end = await page.evaluate(loadInPage, options);
    assert.deepEqual([end.last.error, end.problems, end.last.persistent], [null, [], true]);
    assert.equal(await page.evaluate(digestInPage, KEY), sha256);
  } finally {
    await browser.close();
    await hub.close();
    await pages.close();
  }
});

test('where there is no file system, the model is kept in memory and the snapshot says so', async () => {
  const pages = await site();
  const hub = await createHub({ models: { [`fault/${KEY}`]: noise().model } });
  const browser = await launch('chromium', {
    webgpu: false,
    args: ['--host-resolver-rules=MAP candor.test 127.0.0.1'],
  });
  try {
    const page = await browser.newPage();
    // A page without TLS from another host than this one is no secure context, and has no storage.
    await page.goto(`${pages.origin.replace('127.0.0.1', 'candor.test')}/fixtures/blank.html`);
    assert.equal(await page.evaluate(() => typeof navigator.storage), 'undefined');
    const { last, problems } = await page.evaluate(loadInPage, { host: hub.origin, key: KEY });
    assert.deepEqual([last.error, problems, last.persistent], [null, [], false]);
    assert.equal(last.verified, last.totalSize);
  } finally {
    await browser.close();
    await hub.close();
    await pages.close();
  }
});

test('a browser that is killed twenty times in one download goes on each time', async () => {
  const size = 48_000_000;
  const rate = 12e6;
  const weights = { size, seed: 7 };
  const sha256 = await sha256Of(fileFromSpec(WEIGHTS, weights));
  const pages = await site();
  const hub = await createHub({ models: { [`fault/${KEY}`]: modelWith(weights) }, rate });
  const userDataDir = await mkdtemp(path.join(tmpdir(), 'candor-'));
  try {
    let kept = 0;
    for (let i = 1; i <= 20; i++) {
      const browser = await launch('chromium', { webgpu: false, userDataDir });
      const page = await browser.newPage();
      await page.goto(`${pages.origin}/fixtures/blank.html`);
      // Between a moment and a quarter of a second of this rate.
      const bytes = 1 + Math.random() * 0.25 * rate;
      const { cached, error } = await page.evaluate(beginInPage, {
        host: hub.origin,
        key: KEY,
        bytes,
      });
      assert.equal(error, null);
      assert.ok(cached >= kept, `${cached} bytes were kept, and ${kept} the time before`);
      kept = cached;
      const gone = new Promise((resolve) => browser.process()?.once('exit', resolve));
      browser.process()?.kill('SIGKILL');
      await gone;
    }
    assert.ok(kept > 0);
    hub.setRate({});
    const browser = await launch('chromium', { webgpu: false, userDataDir });
    const page = await browser.newPage();
    await page.goto(`${pages.origin}/fixtures/blank.html`);
    const { last, problems } = await page.evaluate(loadInPage, { host: hub.origin, key: KEY });
    assert.deepEqual([last.error, problems], [null, []]);
    assert.equal(await page.evaluate(digestInPage, KEY), sha256);
    await browser.close();
  } finally {
    await hub.close();
    await pages.close();
    await rm(userDataDir, { recursive: true, force: true, maxRetries: 5 });
  }
});
