/**
 * The loader worker: wires the parts together.
 */
import { clock } from '../adapters/clock.js';
import { probeDevice } from '../adapters/device.js';
import { diskStore } from '../adapters/disk.js';
import { fetchReply } from '../adapters/fetch.js';
import { memoryStore } from '../adapters/memory-store.js';
import { runtimeFiles } from '../adapters/ort.js';
import { sessionWorker } from '../adapters/session.js';
import { alwaysOurTurn, takeTurn } from '../adapters/tabs.js';
import { loadCore } from '../core.js';
import { serve } from './host.js';

serve(/** @type {any} */ (self), async ({ storage, runtimeUrl }) => {
  const [core, kept] = await Promise.all([loadCore(), storage === 'memory' ? null : diskStore()]);
  const store = kept ?? memoryStore();
  return {
    core,
    runtimeFiles: runtimeFiles(runtimeUrl),
    ports: {
      clock,
      fetch: fetchReply,
      store,
      takeTurn: kept && navigator.locks ? takeTurn : alwaysOurTurn,
      probe: () => probeDevice(store),
      createSession: sessionWorker(runtimeUrl),
    },
  };
});

// What nobody expected ends the loader with an error: else it would stand still, and say nothing.
self.addEventListener('unhandledrejection', ({ reason }) => self.reportError(reason));
