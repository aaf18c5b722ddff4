/**
 * One tab at a time for a model's folder: a Web Lock says whose turn it is, a BroadcastChannel what that tab shows.
 * The browser takes the lock from a tab that dies.
 *
 * @type {import('../ports.d.ts').TakeTurn}
 */
export async function takeTurn(folder, { signal, heard }) {
  const name = `candor/${folder}`;
  const channel = new BroadcastChannel(name);
  channel.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') heard(data);
  });
  let release = () => {};
  const held = new Promise((resolve) => (release = () => resolve(undefined)));
  try {
    await new Promise((resolve, reject) => {
      navigator.locks
        .request(name, { signal }, () => {
          resolve(undefined);
          return held;
        })
        .catch(reject);
    });
  } catch (error) {
    channel.close();
    throw error;
  }
  return {
    tell: (text) => channel.postMessage(text),
    end() {
      channel.close();
      release();
    },
  };
}

/**
 * Where nothing is shared, nobody has to wait.
 *
 * @type {import('../ports.d.ts').TakeTurn}
 */
export const alwaysOurTurn = async () => ({ tell() {}, end() {} });
