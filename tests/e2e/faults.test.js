// The fault matrix in real browsers: whatever goes wrong on the way, the weights on the disk are those of the server, byte
// for byte, or the load says why not; and the numbers shown meanwhile were honest (H1 to H5).

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createHub } from '../hub/hub.js';
import { launch } from './browsers.js';
import { SIZE, digestInPage, keyOf, loadInPage, noise, sentBy } from './noise.js';
import { serveDemo } from './site.js';

/**
 * @typedef {import('puppeteer-core').Page} Page
 * @typedef {import('../hub/hub.js').Hub} Hub
 * @typedef {import('../hub/hub.js').HubOptions} HubOptions
 * @typedef {import('../hub/faults.js').FaultSpec & Record<string, unknown>} Fault
 *
 * @typedef {object} Case
 * @property {Fault | Fault[]} [fault]
 * @property {string | { chromium: string, firefox?: string }} [fails] the code that it ends with; absent: every byte arrives
 * @property {number} [atMost] weights sent by the server, as a multiple of their size
 * @property {boolean} [retries] a visitor who is asked tries again
 * @property {boolean} [slow] waits for half a minute or more: begun first
 * @property {(hub: Hub, moment: Promise<unknown>) => Promise<unknown>} [meanwhile] `moment` is when half of the file is there
 * @property {HubOptions} [hub]
 */

const { model, sha256 } = noise();

/** @type {Record<string, Case>} */
const CASES = {
  'a stall of 60 s that goes on': { slow: true, fault: { name: 'stall', at: '50%', ms: 60_000 } },
  'a stall for ever of one connection': { slow: true, fault: { name: 'stall', at: '30%' } },
  'no headers for ever, once': { slow: true, fault: { name: 'hang' } },
  'a server that is gone for two seconds': {
    slow: true,
    fault: { name: 'outage', at: '50%', ms: 2000 },
  },
  'a server that is gone for longer, until the visitor tries again': {
    slow: true,
    retries: true,
    fault: { name: 'outage', at: '50%', ms: 9000 },
  },
  'a server that is killed and started again': {
    slow: true,
    hub: { rate: 1e6 },
    async meanwhile(hub, moment) {
      await moment;
      await hub.stop();
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await hub.start();
    },
  },
  'five times 500': { slow: true, fault: { name: '500', times: 5 }, fails: 'http' },
  '502 for ever': { slow: true, fault: { name: '502', times: null }, fails: 'http' },
  'a redirect loop': { slow: true, fault: { name: 'redirect-loop' }, fails: 'network' },
  'a server without CORS': {
    slow: true,
    fault: { name: 'no-cors', times: null },
    fails: 'network',
  },
  '429 with Retry-After in seconds': { slow: true, fault: { name: '429', retryAfter: 1 } },
  '429 with Retry-After as a date': {
    slow: true,
    fault: { name: '429', retryAfter: 1, date: true },
  },
  'a drop at the first byte': { fault: { name: 'drop', at: 0 }, atMost: 1.4 },
  'a drop at 1 %': { fault: { name: 'drop', at: '1%' }, atMost: 1.4 },
  'a drop at 50 %': { fault: { name: 'drop', at: '50%' }, atMost: 1.4 },
  'a reset at 50 %': { fault: { name: 'drop', at: '50%', reset: true }, atMost: 1.4 },
  'a drop at 99.99 %': { fault: { name: 'drop', at: '99.99%' }, atMost: 1.4 },
  // Browsers throw away what they have not handed over when the connection breaks, so not too fast.
  'a drop every 64 KiB': { fault: { name: 'drop-every', after: 65536 }, hub: { rate: 2e6 } },
  '500 once': { fault: { name: '500' } },
  '502 once': { fault: { name: '502' } },
  '503 once': { fault: { name: '503' } },
  401: { fault: { name: '401', times: null }, fails: 'gated' },
  403: { fault: { name: '403', times: null }, fails: 'gated' },
  404: { fault: { name: '404', times: null }, fails: 'not_found' },
  '416 to a range that exists': { fault: { name: '416' } },
  '200 to a range': { fault: { name: 'ignore-range' }, atMost: 2.4 },
  '200 to every range': { fault: { name: 'ignore-range', times: null }, atMost: 2.4 },
  'a Content-Range with another total': { fault: { name: 'wrong-total' } },
  'a Content-Range of other bytes': { fault: { name: 'wrong-start' } },
  'an ETag that changes once': { fault: { name: 'changed', times: 1 } },
  'a short body': { fault: { name: 'short' }, atMost: 1.4 },
  'a short body that ends cleanly': { fault: { name: 'short', chunked: true }, atMost: 1.4 },
  'a body that is longer': { fault: { name: 'longer' } },
  'a body that says that it is longer': { fault: { name: 'longer', declared: true } },
  'no Content-Length': { fault: { name: 'chunked' }, atMost: 1.4 },
  // Who asks for a range asks for it as it is, and a server that compresses all the same breaks HTTP: Chromium refuses such
  // a reply; Firefox decodes it, and the length that does not fit is taken for another file's unless it is a part's.
  'gzip with the compressed length': {
    slow: true,
    fault: [
      { name: 'ignore-range', times: null },
      { name: 'gzip', force: true },
    ],
    fails: { chromium: 'network', firefox: 'changed' },
  },
  'gzip of each range': {
    slow: true,
    fault: { name: 'gzip', force: true },
    fails: { chromium: 'network' },
  },
  'a flipped bit early': { fault: { name: 'flip', at: 100 }, atMost: 2.4 },
  'a flipped bit late': { fault: { name: 'flip', at: '90%' }, atMost: 2.4 },
  'a flipped bit in the last byte': { fault: { name: 'flip', at: 'last' }, atMost: 2.4 },
  'a wrong checksum in the tree': { fault: { name: 'tree-sha256' }, fails: 'integrity' },
  'an address that has expired, each second time': { fault: { name: 'expired' } },
  'a web page instead of the file, once': { fault: { name: 'html' } },
  'a file that ends half way': { fault: { name: 'truncated' }, fails: 'changed' },
  'a tree without end': { fault: { name: 'tree-endless' }, fails: 'unsupported' },
  'a tree with 100,000 more files': { fault: { name: 'tree-flood' } },
};

/** Resolves when the hub has sent half of the weights. @param {Hub} hub */
async function half(hub) {
  while (sentBy(hub) < SIZE / 2) await new Promise((resolve) => setTimeout(resolve, 20));
}

// Most of the time nothing happens, in both at once.
describe('the fault matrix', { concurrency: 2 }, () => {
  for (const browserName of /** @type {const} */ (['chromium', 'firefox'])) {
    describe(`in ${browserName}`, { concurrency: 8, timeout: 400_000 }, () => {
      /** @type {import('puppeteer-core').Browser} */
      let browser;
      /** @type {Awaited<ReturnType<typeof serveDemo>>} */
      let site;
      /** @type {Page} */
      let page;
      before(async () => {
        site = await serveDemo({
          connectSrc: ['http://127.0.0.1:*'],
          mounts: { '/fixtures': path.join(import.meta.dirname, 'fixtures') },
        });
        browser = await launch(browserName, { webgpu: false });
        page = await browser.newPage();
        await page.goto(`${site.origin}/fixtures/blank.html`);
      });
      after(async () => {
        await browser?.close();
        await site?.close();
      });

      const ordered = Object.entries(CASES).sort(
        ([, a], [, b]) => Number(b.slow ?? 0) - Number(a.slow ?? 0),
      );
      for (const [
        name,
        { fault, fails: ends, atMost, retries, meanwhile, hub: options },
      ] of ordered) {
        const fails = typeof ends === 'object' ? ends[browserName] : ends;
        test(`${name}: ${fails ? `ends as ${fails}` : 'every byte arrives'}`, async () => {
          const key = keyOf(name);
          const hub = await createHub({
            // So that what is sent and never read, in the buffers on the way, is little.
            ...(atMost && { rate: 2e6 }),
            ...options,
            models: { [`fault/${key}`]: model },
            ...(fault && { fault }),
          });
          try {
            const loading = page.evaluate(loadInPage, { host: hub.origin, key, retries });
            await meanwhile?.(hub, half(hub));
            const { last, problems, frames } = await loading;
            assert.deepEqual(problems, []);
            assert.ok(frames > 1);
            if (fails) {
              assert.equal(last.status, 'failed');
              assert.equal(last.error?.code, fails);
              assert.match(String(last.error?.message), /^[A-Z].*[.!]$/s);
              assert.ok(last.verified < Number(last.totalSize ?? 1), 'nothing bad counts as good');
              return;
            }
            assert.equal(last.error, null);
            assert.equal(last.verified, last.totalSize);
            assert.equal(await page.evaluate(digestInPage, key), sha256);
            if (atMost) assert.ok(sentBy(hub) <= atMost * SIZE, `${sentBy(hub)} bytes were sent`);
          } finally {
            await hub.close();
          }
        });
      }
    });
  }
});
