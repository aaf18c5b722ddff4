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
  const {
    models,
    host = 'https://huggingface.co',
    runtimeUrl,
    storage = 'auto',
    credentials = 'same-origin',
    headers,
  } = options ?? {};
  if (!isPlain(models) || !Object.keys(models).length) {
    throw new TypeError('createLoader() needs `models`: an object of at least one model.');
  }
  if (storage !== 'auto' && storage !== 'memory') {
    throw new TypeError('`storage` is "auto" or "memory".');
  }
  if (!['omit', 'same-origin', 'include'].includes(credentials)) {
    throw new TypeError('`credentials` is "omit", "same-origin" or "include".');
  }
  if (headers !== undefined && typeof headers !== 'function') {
    throw new TypeError('`headers` is a function that gives the headers for an address.');
  }
  return {
    models: Object.entries(models).map(([key, model]) => checkModel(key, model, host)),
    runtimeUrl: runtimeUrl === undefined ? null : address(runtimeUrl, '`runtimeUrl`'),
    storage,
    credentials,
    headers,
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
    file = '',
    host = defaultHost,
    revalidate = 'default',
  } = model;
  const hub = address(host, `${where}: \`host\``).replace(/\/+$/, '');
  const place = typeof repo === 'string' ? placeOf(repo.trim(), where, hub) : { repo };
  const { revision = place.revision ?? 'main' } = model;
  if (typeof file !== 'string' || (file && !file.endsWith('.onnx'))) {
    throw new TypeError(
      `${where}: \`file\` is the path of an .onnx file below the model's folder.`,
    );
  }
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
    repo: place.repo,
    revision,
    host: hub,
    dtype,
    file: file || (place.file ?? ''),
    executionProvider,
    revalidate: /** @type {import('../../bindings.d.ts').ModelConfig['revalidate']} */ (revalidate),
    seed: crypto.getRandomValues(new Uint32Array(1))[0],
  };
}

// The Hub's page of a model, with or without what a browser shows before it.
const HUB = /^(?:https?:\/\/)?(?:www\.)?(?:huggingface\.co|hf\.co)\//i;
const NAME = /^[\w.-]+\/[\w.-]+$/;

/**
 * What a `repo` means: people have the name of a model, the address of its page or of a file in it, or that of a folder.
 *
 * @param {string} repo
 * @param {string} where
 * @param {string} host
 * @returns {{ repo: string, revision?: string, file?: string }}
 */
function placeOf(repo, where, host) {
  if (NAME.test(repo) && !HUB.test(`${repo}/`) && !/^(\.{1,2}|models)\//.test(repo))
    return { repo };
  const onHub = HUB.test(repo) ? repo.replace(HUB, '') : behind(repo, `${host}/`);
  if (onHub !== null) {
    const [owner, name, kind, revision, ...path] = onHub
      .replace(/[?#].*$/, '')
      .split('/')
      .filter(Boolean);
    // Another host may have folders beside the Hub's names; a page of a model it has only as a Hub.
    const isPage = ['tree', 'blob', 'resolve'].includes(kind);
    if (
      name &&
      (isPage || (kind === undefined && HUB.test(repo))) &&
      NAME.test(`${owner}/${name}`) &&
      !['datasets', 'spaces', 'api'].includes(owner)
    ) {
      const file = path.map(decodeURIComponent).join('/');
      return {
        repo: `${owner}/${name}`,
        ...(revision && { revision: decodeURIComponent(revision) }),
        ...(file.endsWith('.onnx') && { file }),
      };
    }
    if (HUB.test(repo)) {
      throw new TypeError(
        `${where}: a model on the Hub is "owner/name", or the address of its page, https://huggingface.co/owner/name.`,
      );
    }
  }
  if (/^[a-z][a-z0-9+.-]*:/i.test(repo) || /^(\.{0,2}\/|models\/)|\/$/.test(repo)) {
    const url = new URL(address(repo, `${where}: \`repo\``));
    url.pathname = url.pathname.replace(/\/+$/, '');
    url.hash = '';
    return { repo: url.href.replace(/\/(?=$|\?)/, '') };
  }
  throw new TypeError(
    `${where}: \`repo\` is "owner/name" on the Hub, the address of the model's page there, or the address of a folder ` +
      '(https://…, or relative to the page as ./folder).',
  );
}

/** What comes after `start` in `text`; null where it begins otherwise. @param {string} text @param {string} start */
const behind = (text, start) => (text.startsWith(start) ? text.slice(start.length) : null);

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
