/**
 * One tab at a time for a model's folder: a Web Lock says whose turn it is, a BroadcastChannel what that tab shows. A
 * second lock, which many may hold, says who reads what is there. The browser takes the locks from a tab that dies.
 *
 * @type {import('../ports.d.ts').TakeTurn}
 */
export async function takeTurn(folder, { signal, heard, toRemove }) {
  const name = `candor/${folder}`;
  const readers = `${name}/readers`;
  if (toRemove) {
    const alone = await hold(name, { ifAvailable: true });
    const unread = alone && (await hold(readers, { ifAvailable: true }));
    if (!unread) {
      await alone?.();
      return null;
    }
    const end = async () => void (await Promise.all([unread(), alone()]));
    return { tell() {}, share() {}, end };
  }

  const channel = new BroadcastChannel(name);
  channel.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') heard(data);
  });
  let release = await hold(name, { signal }).catch((error) => {
    channel.close();
    throw error;
  });
  let telling = true;
  const silence = () => {
    telling = false;
    channel.close();
  };
  let shared = Promise.resolve();
  return {
    tell: (text) => telling && channel.postMessage(text),
    share() {
      // Who has the folder next tells the others.
      silence();
      // Nobody can take it to remove it in between: for that, both locks are needed.
      shared = hold(readers, { mode: 'shared' }).then(
        async (reading) => {
          const alone = /** @type {Release} */ (release);
          release = reading;
          await alone();
        },
        // Then it stays this tab's alone.
        () => {},
      );
    },
    async end() {
      silence();
      await shared;
      await release?.();
    },
  };
}

/** @typedef {() => Promise<void>} Release resolves when the lock is free */

/**
 * @param {string} name
 * @param {LockOptions} options
 * @returns {Promise<Release | null>} null: not available
 */
function hold(name, options) {
  return new Promise((resolve, reject) => {
    const over = navigator.locks.request(name, options, (lock) => {
      if (!lock) return resolve(null);
      return new Promise((/** @type {(none: void) => void} */ end) => {
        resolve(() => {
          end();
          return /** @type {Promise<void>} */ (over);
        });
      });
    });
    over.catch(reject);
  });
}

/**
 * Where nothing is shared, nobody has to wait.
 *
 * @type {import('../ports.d.ts').TakeTurn}
 */
export const alwaysOurTurn = async () => ({ tell() {}, share() {}, async end() {} });
