/**
 * A store in another context: a disk takes its time, and bytes from the network must not wait for it.
 */
import { METHODS, StoreError, memoryOf } from '../store.js';

/**
 * @typedef {import('../folder.d.ts').Store} Store
 * @typedef {import('../protocol.d.ts').ToDisk} ToDisk
 * @typedef {import('../protocol.d.ts').FromDisk} FromDisk
 */

// A disk may be slow, but one that has not answered for two times this long does not work. Two times, because the first
// may just have been the sleep of the machine.
const PATIENCE_MS = 30_000;

/**
 * A disk that breaks or falls silent is given up, what was asked of it fails, and a new one is
 * connected for what is asked next.
 *
 * @param {(failed: (message: string) => void) => import('../protocol.d.ts').Endpoint<ToDisk> & { terminate(): void }} connect
 * @param {import('../ports.d.ts').Clock} clock
 * @returns {{ available(): Promise<boolean>, store: Store, end(): void }}
 */
export function remoteStore(connect, clock) {
  /** @type {ReturnType<typeof connect> | null} */
  let disk = null;
  /** @type {Map<number, { resolve(value: any): void, reject(error: StoreError): void }>} */
  const waiting = new Map();
  let cancelTimer = () => {};
  let calls = 0;
  let folders = 0;

  /** @param {string} message */
  function giveUp(message) {
    disk?.terminate();
    disk = null;
    cancelTimer();
    const lost = [...waiting.values()];
    waiting.clear();
    for (const { reject } of lost) reject(new StoreError('storage', message));
  }

  function watch(patience = 2) {
    cancelTimer();
    if (!waiting.size) return;
    cancelTimer = clock.timer(PATIENCE_MS, () => {
      if (patience > 1) watch(patience - 1);
      else giveUp('The disk does not answer.');
    });
  }

  function connected() {
    if (disk) return disk;
    const made = connect((message) => {
      if (disk === made) giveUp(message);
    });
    disk = made;
    made.addEventListener('message', ({ data }) => {
      if (disk !== made) return;
      const { id, value, failure } = /** @type {FromDisk} */ (data);
      const asked = waiting.get(id);
      waiting.delete(id);
      watch();
      if (failure) asked?.reject(new StoreError(failure.kind, failure.message));
      else asked?.resolve(value);
    });
    made.start?.();
    return disk;
  }

  /** @param {import('../protocol.d.ts').DiskCall} call @returns {Promise<any>} */
  function ask(call) {
    return new Promise((resolve, reject) => {
      const id = ++calls;
      waiting.set(id, { resolve, reject });
      connected().postMessage({ id, ...call }, 'args' in call ? memoryOf(call.args) : []);
      if (waiting.size === 1) watch();
    });
  }

  return {
    available: () => ask({ method: 'available' }),
    end: () => giveUp('The store was closed.'),
    store: {
      persistent: true,
      folder(name) {
        const folder = ++folders;
        const methods = METHODS.map((method) => [
          method,
          (/** @type {unknown[]} */ ...args) => ask({ method, folder, name, args }),
        ]);
        return Object.fromEntries(methods);
      },
      usage: () => ask({ method: 'usage' }),
    },
  };
}
