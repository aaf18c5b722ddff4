/**
 * Workers beside this one, made by the page. A worker may make workers itself, but in Firefox 153 it then waits for the
 * main thread on the same condition that the new worker waits on for work, only one of them is woken, and once in some
 * hundred times, on a busy machine, it is the wrong one.
 */

let count = 0;

/**
 * @param {import('../protocol.d.ts').HelperName} name
 * @param {(message: string) => void} failed it could not be started, or has crashed
 * @returns {import('../protocol.d.ts').Endpoint<any> & { terminate(): void }}
 */
export function startHelper(name, failed) {
  const id = ++count;
  const { port1, port2 } = new MessageChannel();
  /** @param {import('../protocol.d.ts').FromWorker} message @param {Transferable[]} [transfer] */
  const tellPage = (message, transfer = []) =>
    /** @type {any} */ (self).postMessage(message, transfer);
  const listener = (/** @type {MessageEvent} */ { data }) => {
    const message = /** @type {import('../protocol.d.ts').ToWorker} */ (data);
    if (message.type === 'helperFailed' && message.id === id) failed(message.message);
  };
  self.addEventListener('message', listener);
  port1.addEventListener('messageerror', () => failed('A message could not be read.'));
  tellPage({ type: 'startHelper', id, name, port: port2 }, [port2]);
  return {
    postMessage: (message, transfer = []) => port1.postMessage(message, transfer),
    addEventListener: port1.addEventListener.bind(port1),
    start: () => port1.start(),
    terminate() {
      self.removeEventListener('message', listener);
      port1.close();
      tellPage({ type: 'endHelper', id });
    },
  };
}
