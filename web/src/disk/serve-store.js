/**
 * The store as it is served to another context: what is asked over a port is done, in that order.
 */
import { METHODS, StoreError, memoryOf } from '../store.js';

/**
 * @typedef {import('../folder.d.ts').Folder} Folder
 * @typedef {import('../folder.d.ts').Store} Store
 * @typedef {import('../protocol.d.ts').ToDisk} ToDisk
 * @typedef {import('../protocol.d.ts').FromDisk} FromDisk
 */

/**
 * @param {import('../protocol.d.ts').Endpoint<FromDisk>} endpoint
 * @param {Promise<Store | null>} made
 */
export function serveStore(endpoint, made) {
  /** @type {Map<number, Folder>} */
  const folders = new Map();

  /** @param {ToDisk} message @returns {Promise<any>} */
  async function perform(message) {
    const store = await made;
    if (message.method === 'available') return store !== null;
    if (!store) throw new StoreError('storage', 'Nothing can be kept here.');
    if (!('args' in message)) return store.usage();
    const { method, folder: number, name, args } = message;
    if (!METHODS.includes(method)) throw new StoreError('storage', `There is no "${method}".`);
    const folder = folders.get(number) ?? store.folder(name);
    folders.set(number, folder);
    return /** @type {any} */ (folder)[method](...args);
  }

  endpoint.addEventListener('message', async ({ data }) => {
    const { id } = /** @type {ToDisk} */ (data);
    try {
      const value = await perform(data);
      endpoint.postMessage({ id, value }, memoryOf([value]));
    } catch (error) {
      const { kind, message } = StoreError.from(error);
      endpoint.postMessage({ id, failure: { kind, message } });
    }
  });
  endpoint.start?.();
}
