/**
 * The one place where time is read.
 *
 * @typedef {import('../ports.d.ts').Clock} Clock
 */

/** Lets other tasks go first without the 4 ms that nested timers cost. */
const breathe = () =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve(undefined);
    };
    port2.postMessage(null);
  });

/** @type {Clock} */
export const clock = {
  // Like Date.now(), so that records of different visits can be compared, but it never runs backwards.
  now: () => performance.timeOrigin + performance.now(),
  timer(ms, fn) {
    // Above 2^31 - 1 ms, timers fire at once.
    const id = setTimeout(fn, Math.min(Math.max(ms, 0), 2 ** 31 - 1));
    return () => clearTimeout(id);
  },
  breathe: () => /** @type {Promise<void>} */ (breathe()),
};
