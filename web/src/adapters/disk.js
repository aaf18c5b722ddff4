/**
 * Starts the worker that holds the files.
 */
import { remoteStore } from '../remote-store.js';
import { clock } from './clock.js';

/** @returns {Promise<import('../ports.d.ts').Store | null>} null where nothing can be kept */
export async function diskStore() {
  const { available, store, end } = remoteStore((failed) => {
    const worker = new Worker(new URL('../disk-worker.js', import.meta.url), { type: 'module' });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      failed(event.message || 'The disk worker could not be started.');
    });
    worker.addEventListener('messageerror', () => failed('A message could not be read.'));
    return worker;
  }, clock);
  if (await available().catch(() => false)) return store;
  end();
  return null;
}
