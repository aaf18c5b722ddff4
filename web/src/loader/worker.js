/**
 * The loader worker: wires the parts together.
 */
import { clock } from '../adapters/clock.js';
import { probeDevice } from '../adapters/device.js';
import { diskStore } from '../adapters/disk.js';
import { fetchWith } from '../adapters/fetch.js';
import { memoryStore } from '../adapters/memory-store.js';
import { runtimeFiles } from '../adapters/ort.js';
import { examineInWorker, sessionWorker } from '../adapters/session.js';
import { alwaysOurTurn, takeTurn } from '../adapters/tabs.js';
import { loadCore } from '../core.js';
import { serve } from './host.js';

serve(/** @type {any} */ (self), async ({ storage, runtimeUrl, credentials, headers }) => {
  const [core, kept] = await Promise.all([loadCore(), storage === 'memory' ? null : diskStore()]);
  const store = kept ?? memoryStore();
  return {
    core,
    runtimeFiles: runtimeFiles(runtimeUrl),
    ports: {
      clock,
      fetch: fetchWith(credentials, headers ? headersFromPage : null),
      store,
      takeTurn: kept && navigator.locks ? takeTurn : alwaysOurTurn,
      probe: () => probeDevice(store),
      createSession: sessionWorker(runtimeUrl),
      examine: examineInWorker,
    },
  };
});

/** @type {Map<number, { resolve(headers: Record<string, string>): void, reject(error: Error): void }>} */
const asked = new Map();
let questions = 0;

/** @param {string} url @returns {Promise<Record<string, string>>} */
function headersFromPage(url) {
  const id = ++questions;
  const answer = new Promise((resolve, reject) => {
    asked.set(id, /** @type {any} */ ({ resolve, reject }));
  });
  self.postMessage({ type: 'headersFor', id, url });
  return answer;
}

self.addEventListener('message', ({ data }) => {
  const { type, id, headers, error } = data;
  if (type !== 'headers') return;
  if (error) asked.get(id)?.reject(new Error(error));
  else asked.get(id)?.resolve(headers);
  asked.delete(id);
});

// What nobody expected ends the loader with an error: else it would stand still, and say nothing.
self.addEventListener('unhandledrejection', ({ reason }) => self.reportError(reason));
