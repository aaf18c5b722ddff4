/**
 * Starts the worker that holds the files.
 */
import { remoteStore } from '../loader/remote-store.js';
import { clock } from './clock.js';
import { startHelper } from './helper.js';

/** @returns {Promise<import('../folder.d.ts').Store | null>} null where nothing can be kept */
export async function diskStore() {
  const { available, store, end } = remoteStore((failed) => startHelper('disk', failed), clock);
  if (await available().catch(() => false)) return store;
  end();
  return null;
}
