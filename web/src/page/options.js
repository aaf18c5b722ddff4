/**
 * What createLoader takes, checked: each complaint names what is wrong.
 */

/** What relative addresses are relative to. */
export const base = () =>
  globalThis.document?.baseURI ?? globalThis.location?.href ?? 'http://localhost/';

/**
 * @param {import('./index.js').LoaderOptions} options
 * @returns {import('./client.js').ConnectOptions}
 */
export function checkOptions(options) {
  const { models, host = 'https://huggingface.co', runtimeUrl, storage = 'auto' } = options ?? {};
  if (!isPlain(models) || !Object.keys(models).length) {
    throw new TypeError('createLoader() needs `models`: an object of at least one model.');
  }
  if (storage !== 'auto' && storage !== 'memory') {
    throw new TypeError('`storage` is "auto" or "memory".');
  }
  return {
    models: Object.entries(models).map(([key, model]) => checkModel(key, model, host)),
    runtimeUrl: runtimeUrl === undefined ? null : address(runtimeUrl, '`runtimeUrl`'),
    storage,
    records: records(),
    keep: storage === 'auto' ? keep : undefined,
  };
}

/**
 * @param {string} key
 * @param {import('./index.js').ModelOptions} model
 * @param {string} defaultHost
 */
function checkModel(key, model, defaultHost) {
  const where = `The model "${key}"`;
  if (!key) throw new TypeError('A model needs a key that is not empty.');
  if (!isPlain(model)) throw new TypeError(`${where} must be an object.`);
  const {
    repo,
    name = key,
    dtype = 'auto',
    executionProvider = 'auto',
    revision = 'main',
    host = defaultHost,
    revalidate = 'default',
  } = model;
  for (const [field, value] of Object.entries({ repo, name, revision })) {
    if (typeof value !== 'string' || !value.trim()) {
      throw new TypeError(`${where} needs a \`${field}\` that is a text.`);
    }
  }
  const isName = (/** @type {unknown} */ value) => typeof value === 'string' && value !== '';
  if (!isName(dtype) && !(isPlain(dtype) && Object.values(dtype).every(isName))) {
    throw new TypeError(`${where}: \`dtype\` is "auto", a name, or a map of names per component.`);
  }
  if (!['auto', 'webgpu', 'wasm'].includes(executionProvider)) {
    throw new TypeError(`${where}: \`executionProvider\` is "auto", "webgpu" or "wasm".`);
  }
  if (!['default', 'never', 'background', 'before-load'].includes(revalidate)) {
    throw new TypeError(`${where}: \`revalidate\` is "never", "background" or "before-load".`);
  }
  return {
    modelKey: key,
    modelName: name,
    repo: resolveRepo(repo, where),
    revision,
    host: address(host, `${where}: \`host\``).replace(/\/+$/, ''),
    dtype,
    executionProvider,
    revalidate: /** @type {import('../../bindings.d.ts').ModelConfig['revalidate']} */ (revalidate),
    seed: crypto.getRandomValues(new Uint32Array(1))[0],
  };
}

/** @param {string} repo @param {string} where */
function resolveRepo(repo, where) {
  const isUrl = /^[a-z][a-z0-9+.-]*:/i.test(repo);
  if (isUrl || /^(\.{0,2}\/|models\/)|\/$/.test(repo)) {
    return address(repo, `${where}: \`repo\``).replace(/\/+$/, '');
  }
  if (/^[\w.-]+\/[\w.-]+$/.test(repo)) return repo;
  throw new TypeError(`${where}: \`repo\` is "owner/name" on the Hub, or the URL of a folder.`);
}

/** @param {string | URL} value @param {string} where @returns {string} an absolute http(s) URL */
function address(value, where) {
  let url;
  try {
    url = new URL(value, base());
  } catch {
    throw new TypeError(`${where} is no URL.`);
  }
  if (!/^https?:$/.test(url.protocol)) throw new TypeError(`${where} must be http or https.`);
  return url.href;
}

/** @param {unknown} value @returns {value is Record<string, any>} */
const isPlain = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Some browsers decide by themselves, some ask the visitor; a no costs nothing but safety, so nobody waits for the answer. */
const keep = () => void globalThis.navigator?.storage?.persist?.().catch(() => {});

/** localStorage, where the browser lets us have it. */
function records() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
