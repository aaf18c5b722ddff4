import assert from 'node:assert/strict';
import test, { beforeEach } from 'node:test';
import { takeTurn } from '../../web/src/adapters/tabs.js';
import { settle } from './support/fakes.js';

/** As much of the Web Locks as tabs use. */
class FakeLocks {
  /** @type {Map<string, { mode: string, run(): void }[]>} */
  #waiting = new Map();
  /** @type {Map<string, string[]>} */
  #held = new Map();

  /** @param {string} name @param {LockOptions} options @param {(lock: object | null) => Promise<void>} work */
  request(name, { mode = 'exclusive', ifAvailable = false, signal }, work) {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(name) ?? [];
      this.#waiting.set(name, waiting);
      const entry = {
        mode,
        run: () => {
          const held = this.#held.get(name) ?? [];
          this.#held.set(name, held);
          held.push(mode);
          void Promise.resolve({ name, mode })
            .then(work)
            .then(() => {
              held.splice(held.indexOf(mode), 1);
              resolve(undefined);
              this.#next(name);
            });
        },
      };
      if (ifAvailable && (waiting.length || !this.#isFree(name, mode))) {
        return void Promise.resolve(null).then(work).then(resolve, reject);
      }
      waiting.push(entry);
      signal?.addEventListener('abort', () => {
        waiting.splice(waiting.indexOf(entry), 1);
        reject(new DOMException('aborted', 'AbortError'));
      });
      this.#next(name);
    });
  }

  /** @param {string} name @param {string} mode */
  #isFree(name, mode) {
    const held = this.#held.get(name) ?? [];
    return mode === 'shared' ? !held.includes('exclusive') : !held.length;
  }

  /** @param {string} name */
  #next(name) {
    const waiting = this.#waiting.get(name) ?? [];
    while (waiting.length && this.#isFree(name, waiting[0].mode)) waiting.shift()?.run();
  }
}

beforeEach(() => {
  const locks = new FakeLocks();
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { locks } });
});

/** @param {{ toRemove?: boolean, signal?: AbortSignal, heard?: (text: string) => void }} [options] */
const take = ({ toRemove = false, signal = new AbortController().signal, heard = () => {} } = {}) =>
  takeTurn('f', { signal, heard, toRemove });

test('one tab has the folder, the next one hears it and comes when it ends', async () => {
  const first = await take();
  let came = false;
  /** @type {Promise<Awaited<ReturnType<typeof take>>>} */
  let second = Promise.resolve(null);
  const told = new Promise((resolve) => (second = take({ heard: resolve })));
  void second.then(() => (came = true));
  await settle();
  first?.tell('{}');
  assert.equal(await told, '{}');
  assert.equal(came, false);
  await first?.end();
  await (await second)?.end();
});

test('who stops waiting is not in the way of the next one', async () => {
  const first = await take();
  const controller = new AbortController();
  const second = take({ signal: controller.signal });
  const third = take();
  controller.abort();
  await assert.rejects(second, { name: 'AbortError' });
  await first?.end();
  await (await third)?.end();
});

test('a folder that is shared is had by the next tab, and removed by none', async () => {
  const first = await take();
  assert.equal(await take({ toRemove: true }), null, 'it is had');
  first?.share();
  // At no time in between either.
  for (let i = 0; i < 5; i++) {
    assert.equal(await take({ toRemove: true }), null);
    await Promise.resolve();
  }
  const second = await take();
  first?.tell('what the next one tells counts');
  second?.share();
  const third = await take();
  await third?.end();
  assert.equal(await take({ toRemove: true }), null, 'it is read');
  await first?.end();
  assert.equal(await take({ toRemove: true }), null, 'it is still read');
  await second?.end();
  const alone = await take({ toRemove: true });
  assert.ok(alone);
  assert.equal(await take({ toRemove: true }), null);
  let came = false;
  const next = take();
  void next.then(() => (came = true));
  await settle();
  assert.equal(came, false, 'who removes is alone');
  await alone.end();
  await (await next)?.end();
});

test('a turn that ends as it begins to be shared ends wholly', async () => {
  const first = await take();
  first?.share();
  await first?.end();
  await (await take({ toRemove: true }))?.end();
});
