// What Candor's downloads are compared with, each in a worker of its own, from the request to the last byte.

/**
 * @typedef {{ url: string, host: string, repo: string, file: string, size: number }} Source
 */

/** @param {ReadableStream<Uint8Array> | null} body @param {(bytes: Uint8Array) => void} [take] */
async function drain(body, take = () => {}) {
  let bytes = 0;
  const reader = body?.getReader();
  for (;;) {
    const { value } = (await reader?.read()) ?? {};
    if (!value) return bytes;
    bytes += value.length;
    take(value);
  }
}

/** @type {Record<string, (source: Source) => Promise<number>>} → bytes */
const contenders = {
  async discard({ url }) {
    return drain((await fetch(url, { cache: 'no-store' })).body);
  },

  async opfs({ url }) {
    const root = await navigator.storage.getDirectory();
    const file = await root.getFileHandle('bench', { create: true });
    const handle = await file.createSyncAccessHandle();
    let at = 0;
    await drain((await fetch(url, { cache: 'no-store' })).body, (bytes) => {
      at += handle.write(/** @type {Uint8Array<ArrayBuffer>} */ (bytes), { at });
    });
    handle.flush();
    handle.close();
    return at;
  },

  async sixRanges({ url, size }) {
    const part = Math.ceil(size / 6);
    const parts = await Promise.all(
      [0, 1, 2, 3, 4, 5].map(async (i) => {
        const last = Math.min(size, (i + 1) * part) - 1;
        const headers = { Range: `bytes=${i * part}-${last}` };
        return drain((await fetch(url, { cache: 'no-store', headers })).body);
      }),
    );
    return parts.reduce((sum, bytes) => sum + bytes);
  },

  /** Until the file is in the Cache API; what follows, creating a session from noise, is of no interest. */
  async transformers({ host, repo, file, size }) {
    const { AutoModelForCausalLM, env } = await import('@huggingface/transformers');
    env.remoteHost = host;
    env.allowLocalModels = false;
    env.useWasmCache = false;
    began = performance.now();
    return new Promise((resolve, reject) => {
      AutoModelForCausalLM.from_pretrained(repo, {
        dtype: 'q4',
        device: 'wasm',
        progress_callback: (event) => {
          if (event.status === 'done' && event.file === file) resolve(size);
        },
      }).catch(reject);
    });
  },
};

let began = 0;
self.addEventListener('message', async ({ data: { contender, source } }) => {
  try {
    began = performance.now();
    const bytes = await contenders[contender](source);
    const seconds = (performance.now() - began) / 1000;
    if (bytes !== source.size) throw new Error(`${contender} got ${bytes} of ${source.size} bytes`);
    self.postMessage({ seconds });
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
});

export {};
