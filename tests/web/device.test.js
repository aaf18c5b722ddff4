import assert from 'node:assert/strict';
import test from 'node:test';
import { probeDevice, probeGpu } from '../../web/src/adapters/device.js';

/** @param {import('node:test').TestContext} t @param {() => Promise<unknown>} requestAdapter */
const withGpu = (t, requestAdapter) =>
  t.mock.getter(/** @type {any} */ (globalThis), 'navigator', () => ({ gpu: { requestAdapter } }));

test('a graphics driver that never answers counts as none', async (t) => {
  Object.defineProperty(globalThis, 'navigator', { configurable: true, get: () => undefined });
  t.mock.timers.enable({ apis: ['setTimeout'] });
  withGpu(t, () => new Promise(() => {}));
  const probed = probeGpu();
  t.mock.timers.tick(60_000);
  assert.equal((await probed).webgpu, false);
});

test('what an adapter says is passed on, and one that throws counts as none', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  Object.defineProperty(globalThis, 'navigator', { configurable: true, get: () => undefined });
  const mocked = withGpu(t, async () => ({
    features: new Set(['shader-f16']),
    limits: { maxBufferSize: 1, maxStorageBufferBindingSize: 2 },
    info: { vendor: 'v', architecture: '', description: 'd' },
  }));
  const { webgpu, shaderF16, maxBufferSize, adapter } = await probeGpu();
  assert.deepEqual([webgpu, shaderF16, maxBufferSize, adapter], [true, true, 1, 'v d']);
  mocked.mock.restore();
  withGpu(t, () => Promise.reject(new Error('lost')));
  assert.equal((await probeGpu()).webgpu, false);
});

test('an engine that suspends WebAssembly is told from one that does not', async (t) => {
  Object.defineProperty(globalThis, 'navigator', { configurable: true, get: () => undefined });
  withGpu(t, async () => null);
  const store = /** @type {any} */ ({ persistent: true, usage: async () => ({}) });
  const engine = /** @type {any} */ (WebAssembly);
  const before = Object.getOwnPropertyDescriptor(engine, 'Suspending');
  t.after(() => before && Object.defineProperty(engine, 'Suspending', before));
  delete engine.Suspending;
  assert.equal((await probeDevice(store)).jspi, false);
  Object.defineProperty(engine, 'Suspending', { configurable: true, value: class {} });
  assert.equal((await probeDevice(store)).jspi, true);
  delete engine.Suspending;
});
