/**
 * ONNX Runtime: its builds, their files, its device.
 */
import FILES, { NAMES } from '#ort';

/**
 * @typedef {import('../../bindings.d.ts').SessionPlan['runtime']} Build
 * @typedef {typeof import('onnxruntime-web')} Ort
 */

// Written out one by one, because bundlers copy exactly such addresses.
const BESIDE = {
  jspi: [
    new URL('../../dist/ort/ort.jspi.min.mjs', import.meta.url),
    new URL('../../dist/ort/ort-wasm-simd-threaded.jspi.mjs', import.meta.url),
    new URL('../../dist/ort/ort-wasm-simd-threaded.jspi.wasm', import.meta.url),
  ],
  asyncify: [
    new URL('../../dist/ort/ort.webgpu.min.mjs', import.meta.url),
    new URL('../../dist/ort/ort-wasm-simd-threaded.asyncify.mjs', import.meta.url),
    new URL('../../dist/ort/ort-wasm-simd-threaded.asyncify.wasm', import.meta.url),
  ],
  plain: [
    new URL('../../dist/ort/ort.wasm.min.mjs', import.meta.url),
    new URL('../../dist/ort/ort-wasm-simd-threaded.mjs', import.meta.url),
    new URL('../../dist/ort/ort-wasm-simd-threaded.wasm', import.meta.url),
  ],
};

/** @param {string | null} runtimeUrl @param {Build} build @returns {URL[]} of its API, its glue and its wasm */
function addresses(runtimeUrl, build) {
  if (runtimeUrl === null) return BESIDE[build];
  const folder = runtimeUrl.replace(/\/*$/, '/');
  return NAMES[build].map((name) => new URL(name, folder));
}

/**
 * Each build's WebAssembly, as a file that every model needs.
 * @param {string | null} runtimeUrl
 * @returns {import('../../bindings.d.ts').RuntimeFile[]}
 */
export const runtimeFiles = (runtimeUrl) =>
  /** @type {Build[]} */ (Object.keys(FILES)).map((runtime) => ({
    runtime,
    url: addresses(runtimeUrl, runtime)[2].href,
    ...FILES[runtime],
  }));

/**
 * Its scripts come as scripts: a page whose policy is strict takes none from a store.
 *
 * @param {object} options
 * @param {string | null} options.runtimeUrl
 * @param {Build} options.runtime
 * @param {number} options.threads
 * @param {Blob} options.wasm the build's WebAssembly
 * @returns {Promise<Ort>}
 */
export async function loadRuntime({ runtimeUrl, runtime, threads, wasm }) {
  const [api, glue, wasmUrl] = addresses(runtimeUrl, runtime);
  const [module, wasmBinary] = await Promise.all([
    /** @type {Promise<Ort>} */ (import(/* @vite-ignore */ api.href)),
    wasm.arrayBuffer(),
  ]);
  const ort = /** @type {Ort} */ (/** @type {any} */ (module).default ?? module);
  ort.env.logLevel = 'error';
  ort.env.wasm.wasmPaths = { mjs: glue.href, wasm: wasmUrl.href };
  ort.env.wasm.wasmBinary = wasmBinary;
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.proxy = false;
  return ort;
}

const LIMITS = /** @type {const} */ ([
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
]);

/**
 * A device with all that the adapter has.
 *
 * @param {boolean} subgroups whether its subgroups are good for anything
 * @returns {Promise<GPUDevice>}
 */
export async function requestDevice(subgroups) {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('WebGPU gave no adapter.');
  return adapter.requestDevice({
    requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])),
    requiredFeatures: /** @type {GPUFeatureName[]} */ (
      subgroups ? ['shader-f16', 'subgroups'] : ['shader-f16']
    ).filter((name) => adapter.features.has(name)),
  });
}
