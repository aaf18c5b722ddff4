import { clock } from './clock.js';

/**
 * What this device can do, as far as a browser says.
 *
 * @param {import('../folder.d.ts').Store} store
 * @returns {Promise<import('../../bindings.d.ts').DeviceFacts>}
 */
export async function probeDevice(store) {
  const [gpu, space] = await Promise.all([
    probeGpu(),
    store.usage().catch(() => ({ quota: null, usage: null })),
  ]);
  const { deviceMemory = null, hardwareConcurrency = null } =
    /** @type {Navigator & { deviceMemory?: number }} */ (navigator);
  return {
    ...gpu,
    ...space,
    deviceMemory,
    cores: hardwareConcurrency,
    crossOriginIsolated: globalThis.crossOriginIsolated === true,
    jspi: 'Suspending' in WebAssembly,
    persistent: store.persistent,
    online: navigator.onLine !== false,
  };
}

/** Generous, since giving up costs the visitor the GPU; an estimate, as no browser promises a limit. */
const PROBE_LIMIT_MS = 10_000;

export async function probeGpu() {
  const none = {
    webgpu: false,
    shaderF16: false,
    fallbackAdapter: false,
    maxBufferSize: null,
    maxStorageBufferBindingSize: null,
    subgroupMinSize: null,
    adapter: '',
  };
  try {
    const adapter = await Promise.race([
      navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' }),
      // A driver that hangs must not keep the model from being downloaded and run on the CPU.
      new Promise((/** @type {(none: null) => void} */ resolve) => {
        clock.timer(PROBE_LIMIT_MS, () => resolve(null));
      }),
    ]);
    if (!adapter) return none;
    const {
      vendor = '',
      architecture = '',
      description = '',
      subgroupMinSize = null,
    } = adapter.info ?? {};
    return {
      webgpu: true,
      shaderF16: adapter.features.has('shader-f16'),
      fallbackAdapter:
        adapter.info?.isFallbackAdapter ?? /** @type {any} */ (adapter).isFallbackAdapter ?? false,
      maxBufferSize: adapter.limits.maxBufferSize,
      maxStorageBufferBindingSize: adapter.limits.maxStorageBufferBindingSize,
      subgroupMinSize: adapter.features.has('subgroups') ? subgroupMinSize : null,
      adapter: [vendor, architecture, description].filter(Boolean).join(' '),
    };
  } catch {
    return none;
  }
}
