import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { launch } from './browsers.js';
import { SNAPSHOTS } from './fixtures/snapshots.js';
import { serveDemo } from './site.js';

/**
 * @typedef {import('puppeteer-core').Page} Page
 * @typedef {import('../../web/bindings.d.ts').Snapshot} Snapshot
 */

const SHOTS = path.join(import.meta.dirname, 'shots');

/** @type {Awaited<ReturnType<typeof serveDemo>>} */
let hub;
before(async () => {
  hub = await serveDemo({ mounts: { '/fixtures': path.join(import.meta.dirname, 'fixtures') } });
});
after(() => hub.close());

for (const name of /** @type {const} */ (['chromium', 'firefox'])) {
  describe(`the elements in ${name}`, { timeout: 600_000 }, () => {
    /** @type {import('puppeteer-core').Browser} */
    let browser;
    /** @type {Page} */
    let page;
    /** @type {string[]} */
    const problems = [];

    before(async () => {
      browser = await launch(name, { webgpu: false });
      page = await browser.newPage();
      page.on('pageerror', (error) => problems.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(message.text());
      });
    });
    after(() => browser.close());

    /** @param {string} state @param {string} [more] */
    async function open(state, more = '') {
      await page.goto(
        `${hub.origin}/fixtures/elements.html?state=${encodeURIComponent(state)}${more}`,
      );
      await page.waitForSelector('[data-shown]');
    }

    /** Visible texts of the buttons of a dialog. @param {string} id */
    const buttons = (id) =>
      page.$eval(`#${id}`, (element) =>
        [
          .../** @type {ShadowRoot} */ (element.shadowRoot).querySelectorAll(
            '[part=actions] button',
          ),
        ]
          .filter((button) => !(/** @type {HTMLElement} */ (button).hidden))
          .map((button) => button.textContent),
      );

    /** @param {string} id @param {string} part @param {string} [attribute] */
    const read = (id, part, attribute) =>
      page.$eval(
        id,
        (element, selector, name) => {
          const found = element.shadowRoot?.querySelector(selector);
          return name ? (found?.getAttribute(name) ?? null) : (found?.textContent ?? null);
        },
        `[part~=${part}]`,
        attribute ?? '',
      );

    /** @param {string} id @param {string} part */
    const press = async (id, part) => {
      const handle = await page.evaluateHandle(
        (selector, partName) =>
          document.querySelector(selector)?.shadowRoot?.querySelector(`[part~=${partName}]`),
        id,
        part,
      );
      await /** @type {import('puppeteer-core').ElementHandle} */ (handle.asElement()).click();
    };

    /** @param {string} id */
    const isOpen = (id) =>
      page.$eval(`#${id}`, (element) => element.shadowRoot?.querySelector('dialog')?.open);

    it('show exactly the buttons that the snapshot allows', async () => {
      await open('resolve');
      for (const [state, more] of Object.entries({
        resolve: ['Cancel'],
        download: ['Pause', 'Cancel'],
        warmup: ['Cancel'],
      })) {
        await page.select('#state', state);
        assert.deepEqual(await buttons('progress'), [
          'Continue in background',
          'Show details',
          ...more,
        ]);
      }
      await page.select('#state', 'paused');
      assert.deepEqual(await buttons('progress'), ['Resume', 'Show details', 'Cancel']);
      await page.select('#state', 'ready');
      assert.deepEqual(await buttons('progress'), ['Close', 'Show details']);
      await page.select('#state', 'newer version');
      assert.deepEqual(await buttons('progress'), ['Close', 'Update', 'Show details']);
      await page.select('#state', 'failed');
      assert.deepEqual(await buttons('recovery'), ['Retry', 'Use a different model']);
      await page.select('#state', 'final');
      assert.deepEqual(await buttons('recovery'), ['Use a different model']);
    });

    it('speak in a region that was there before its words', async () => {
      await open('download');
      const said = await page.evaluate(async () => {
        const element = /** @type {any} */ (document.createElement('candor-chat-progress'));
        const { snapshot } = /** @type {any} */ (document.querySelector('#progress'));
        element.snapshot = { ...snapshot, modelKey: 'spoken', modelName: 'Spoken' };
        /** @type {string[]} */
        const texts = [];
        for (let time = 0; time < 2; time++) {
          // Also when it is put elsewhere, with other words.
          element.remove();
          if (time) element.snapshot = { ...element.snapshot, status: 'paused' };
          document.body.append(element);
          const live = element.shadowRoot.querySelector('[aria-live=polite]');
          texts.push(live?.textContent);
          const until = performance.now() + 5000;
          while (!live.textContent && performance.now() < until) {
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
          texts.push(live.textContent);
        }
        element.remove();
        return texts;
      });
      assert.deepEqual([said[0], said[2]], ['', '']);
      assert.match(said[1], /^Downloading Spoken\. /);
      assert.match(said[3], /^Spoken is paused\. /);
    });

    it('give the bar a value only where there is one', async () => {
      await open('almost done');
      assert.equal(await read('#progress', 'bar', 'role'), 'progressbar');
      assert.equal(await read('#progress', 'bar', 'aria-valuenow'), '99');
      await open('unknown total');
      assert.equal(await read('#progress', 'bar', 'aria-valuenow'), null);
      assert.equal(await read('#progress', 'bar', 'aria-valuetext'), 'Downloading the files');
    });

    it('hide on Esc, wherever the focus is, and open again from the conversation', async () => {
      await open('download');
      assert.equal(await isOpen('progress'), true);
      await page.click('#field');
      await page.keyboard.press('Escape');
      assert.equal(await isOpen('progress'), false);
      await press('candor-chat-progress', 'open');
      assert.equal(await isOpen('progress'), true);
      await page.keyboard.press('Escape');
      assert.equal(await isOpen('progress'), false);
      const focused = await page.evaluate(() =>
        document.activeElement?.shadowRoot?.activeElement?.getAttribute('part'),
      );
      assert.equal(focused, 'button open', 'the focus is back where it came from');
    });

    it('leave the page usable: one can write beside the dialog, and it takes no focus from that', async () => {
      await open('download');
      await page.keyboard.press('Escape');
      await page.click('#field');
      await page.evaluate(() => /** @type {any} */ (document.querySelector('#progress')).show());
      assert.equal(await isOpen('progress'), true);
      await page.keyboard.type('hello');
      assert.equal(
        await page.$eval('#field', (field) => /** @type {any} */ (field).value),
        'hello',
      );
    });

    it('hand the focus on when the button that has it goes away', async () => {
      await open('download');
      await press('#progress', 'pause');
      await page.evaluate((snapshot) => {
        Object.assign(/** @type {any} */ (document.querySelector('#progress')), { snapshot });
      }, SNAPSHOTS.verify);
      const focused = await page.evaluate(
        () => document.activeElement?.shadowRoot?.activeElement?.textContent,
      );
      assert.equal(focused, 'Continue in background');
    });

    it('tell a loader what was pressed, unless a listener prevents it', async () => {
      await open('download');
      const told = await page.evaluate((snapshot) => {
        const dialog = /** @type {any} */ (document.querySelector('#progress'));
        /** @type {string[]} */
        const calls = [];
        const loader = {
          subscribe(/** @type {string} */ key, /** @type {(s: unknown) => void} */ fn) {
            calls.push(`subscribe ${key}`);
            fn(snapshot);
            return () => calls.push(`unsubscribe ${key}`);
          },
          pause: (/** @type {string} */ key) => calls.push(`pause ${key}`),
          cancel: (/** @type {string} */ key) => Promise.reject(calls.push(`cancel ${key}`)),
        };
        dialog.loader = loader;
        dialog.modelKey = 'smollm';
        /** @param {string} part */
        const click = (part) => dialog.shadowRoot.querySelector(`[part~=${part}]`).click();
        document.addEventListener('candor-pause', (event) => event.preventDefault(), {
          once: true,
        });
        click('pause');
        click('pause');
        click('cancel');
        dialog.remove();
        return calls;
      }, SNAPSHOTS.download);
      assert.deepEqual(told, [
        'subscribe smollm',
        'pause smollm',
        'cancel smollm',
        'unsubscribe smollm',
      ]);
    });

    it('take properties that were set before they were defined', async () => {
      await open('download');
      const title = await page.evaluate(async (snapshot) => {
        const early = document.createElement('candor-later');
        Object.assign(early, { snapshot });
        document.body.append(early);
        const { CandorChatProgress } = await import(
          /** @type {any} */ ('/candor/elements/index.js')
        );
        customElements.define('candor-later', class extends CandorChatProgress {});
        return early.shadowRoot?.querySelector('[part=message]')?.textContent;
      }, SNAPSHOTS.paused);
      assert.equal(title, 'SmolLM2 135M is paused');
    });

    it('write nothing when nothing changed', async () => {
      await open('download', '&details');
      const writes = await page.evaluate(async (snapshot) => {
        const dialog = /** @type {any} */ (document.querySelector('#progress'));
        let count = 0;
        const observer = new MutationObserver((records) => (count += records.length));
        observer.observe(dialog.shadowRoot, {
          subtree: true,
          childList: true,
          attributes: true,
          characterData: true,
        });
        dialog.snapshot = structuredClone(snapshot);
        await new Promise((resolve) => requestAnimationFrame(resolve));
        const same = count;
        dialog.snapshot = { ...snapshot, speed: 5e6 };
        await new Promise((resolve) => requestAnimationFrame(resolve));
        return { same, speed: count - same };
      }, SNAPSHOTS.download);
      assert.deepEqual(writes, { same: 0, speed: 1 });
    });

    it('announce politely, once for dialog and indicator together, and not every frame', async () => {
      await open('download');
      const spoken = await page.evaluate(async (snapshot) => {
        const elements = /** @type {any[]} */ ([
          document.querySelector('#progress'),
          document.querySelector('candor-chat-progress'),
        ]);
        let count = 0;
        const observer = new MutationObserver((records) => (count += records.length));
        for (const element of elements) {
          const live = element.shadowRoot.querySelector('[aria-live=polite]');
          if (live) observer.observe(live, { childList: true, characterData: true, subtree: true });
        }
        for (let progress = 50; progress < 75; progress += 0.25) {
          for (const element of elements) element.snapshot = { ...snapshot, progress };
        }
        await new Promise((resolve) => requestAnimationFrame(resolve));
        return count;
      }, SNAPSHOTS.download);
      assert.equal(spoken, 1);
    });

    it('open the recovery dialog once a failure, and close it when the model goes on', async () => {
      await open('download');
      assert.equal(await isOpen('recovery'), false);
      /** @param {Snapshot} snapshot */
      const set = (snapshot) =>
        page.evaluate((value) => {
          Object.assign(/** @type {any} */ (document.querySelector('#recovery')), {
            snapshot: value,
          });
        }, snapshot);
      await set(SNAPSHOTS.failed);
      assert.equal(await isOpen('recovery'), true);
      assert.equal(await read('#recovery', 'attempt'), 'Attempt 2 of 3.');
      await press('#recovery', 'dismiss');
      assert.equal(await isOpen('recovery'), false);
      await set({ ...SNAPSHOTS.failed, lastUpdate: 19_000 });
      assert.equal(await isOpen('recovery'), false, 'the same failure stays dismissed');
      await set({ ...SNAPSHOTS.failed, attempt: 3 });
      assert.equal(await isOpen('recovery'), true);
      await set(SNAPSHOTS.download);
      assert.equal(await isOpen('recovery'), false);
    });

    it('show what comes from outside as text', async () => {
      await open('hostile', '&progress&details');
      const made = await page.evaluate(
        () =>
          ['#progress', '#recovery', 'candor-chat-progress'].flatMap((selector) => [
            ...(document.querySelector(selector)?.shadowRoot?.querySelectorAll('img, script, b') ??
              []),
          ]).length,
      );
      assert.equal(made, 0);
      assert.equal(await page.title(), 'Every state of the elements');
      assert.match(String(await read('#recovery', 'detail')), /^<script>alert\(1\)<\/script>/);
    });

    it('stay inside a narrow screen, in every state', async () => {
      await page.setViewport({ width: 320, height: 560 });
      await open('download', '&details');
      for (const state of Object.keys(SNAPSHOTS)) {
        await page.select('#state', state);
        const wide = await page.evaluate(() => {
          const scroller = /** @type {Element} */ (document.scrollingElement);
          const inside = ['#progress', '#recovery'].map((id) =>
            document.querySelector(id)?.shadowRoot?.querySelector('dialog'),
          );
          return [scroller, ...inside].some(
            (element) => element && element.scrollWidth > element.clientWidth,
          );
        });
        assert.equal(wide, false, state);
      }
      await page.setViewport({ width: 900, height: 640 });
    });

    it('lie wholly in the window, in every state (pictures in tests/e2e/shots)', async () => {
      await mkdir(SHOTS, { recursive: true });
      await open('download');
      for (const state of Object.keys(SNAPSHOTS)) {
        await page.select('#state', state);
        await page.screenshot({
          path: path.join(SHOTS, `elements-${name}-${state.replaceAll(' ', '-')}.png`),
        });
        const outside = await page.evaluate(() =>
          ['#progress', '#recovery'].filter((id) => {
            const dialog = document.querySelector(id)?.shadowRoot?.querySelector('dialog[open]');
            if (!dialog) return false;
            const { left, top, right, bottom } = dialog.getBoundingClientRect();
            return left < 0 || top < 0 || right > innerWidth || bottom > innerHeight;
          }),
        );
        assert.deepEqual(outside, [], state);
      }
    });

    it('broke no rule of the strict policy and threw nothing', () =>
      assert.deepEqual(problems, []));
  });
}
