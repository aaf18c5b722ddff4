/**
 * Loads AI models in the browser and tells the truth about it.
 */
import { connect } from './client.js';
import { CandorError } from '../errors.js';
import { base, checkOptions } from './options.js';

export { CandorError };

/**
 * @typedef {import('../../bindings.d.ts').Snapshot} Snapshot
 * @typedef {import('../../bindings.d.ts').FileProgress} FileProgress
 * @typedef {import('../../bindings.d.ts').CoreError} CoreError
 * @typedef {import('../../bindings.d.ts').ErrorCode} ErrorCode
 * @typedef {import('../../bindings.d.ts').GenerationOptions} GenerationOptions
 * @typedef {import('../protocol.d.ts').Message} Message
 * @typedef {import('../protocol.d.ts').Finish} Finish
 * @typedef {import('./client.js').Loader} Loader
 * @typedef {import('./client.js').Model} Model
 */

/**
 * @typedef {object} ModelOptions
 * @property {string} repo a Hugging Face model id, the address of its page there (also with /tree/… or /blob/…), or the URL
 *   of a folder with the same layout, whose query goes along with each request: absolute, or relative to
 *   the page when it starts with `./`, `../`, `/` or `models/` (which is no owner on the Hub) or ends with `/`
 * @property {string} [name] what people call it; the key if absent
 * @property {string | Record<string, string>} [dtype] 'auto', one name, or a map per component
 * @property {string} [file] the path of the graph, where it does not lie in the folder onnx: 'onnx/q4/model.onnx'
 * @property {'auto' | 'webgpu' | 'wasm'} [executionProvider]
 * @property {string} [revision] branch, tag or commit; 'main'
 * @property {string} [host] base URL of the Hub
 * @property {'never' | 'background' | 'before-load'} [revalidate] whether a newer version is looked for when the model is
 *   whole on this device: 'background' loads what is here and looks meanwhile (`snapshot.newer` tells what it found, and
 *   `update` fetches it), 'before-load' looks first, 'never' asks nobody. If absent: 'never' for a commit, which cannot
 *   change, else 'background'
 *
 * @typedef {object} LoaderOptions
 * @property {Record<string, ModelOptions>} models
 * @property {string} [host] base URL of the Hub; 'https://huggingface.co'
 * @property {RequestCredentials} [credentials] whether cookies go along with requests; 'same-origin' if absent: those of the
 *   page's own server do
 * @property {(url: string) => Record<string, string> | Promise<Record<string, string>>} [headers] gives the headers of each
 *   request for a model's files, anew each time, so that a token can be renewed: `(url) => ({ authorization: … })`. Nothing but
 *   `authorization` survives a redirect, which then is an error, and that one is never sent on to another origin
 * @property {string | URL} [workerUrl] where the worker lies, with the other two beside it, if not beside this module
 * @property {string | URL} [runtimeUrl] folder of ONNX Runtime's files, if not beside the worker
 * @property {'auto' | 'memory'} [storage] 'memory' keeps nothing; 'auto' keeps the files where the browser can
 */

/**
 * Starts the worker. Nothing is loaded yet.
 *
 * @param {LoaderOptions} options
 * @returns {Promise<Loader>} rejects with a CandorError (`runtime`) when the worker cannot be started
 * @throws {TypeError} (as a rejection) for options that are none
 */
export async function createLoader(options) {
  const config = checkOptions(options);
  const { workerUrl } = options;
  /** @type {import('./client.js').MakeWorker} */
  const makeWorker = (name) => {
    if (workerUrl) {
      const url = new URL(workerUrl, base());
      const file = name === 'loader' ? url : new URL(`${name}-worker.js`, url);
      return new Worker(file, { type: 'module' });
    }
    // Written like this, once each, because bundlers look for exactly this.
    switch (name) {
      case 'loader':
        return new Worker(new URL('../loader/worker.js', import.meta.url), { type: 'module' });
      case 'disk':
        return new Worker(new URL('../disk/disk-worker.js', import.meta.url), { type: 'module' });
      case 'session':
        return new Worker(new URL('../session/session-worker.js', import.meta.url), {
          type: 'module',
        });
    }
  };
  const loader = await connect(makeWorker, config);
  loader.followPage(globalThis);
  return loader;
}
