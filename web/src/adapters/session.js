/**
 * Starts the worker that holds ONNX Runtime. A failed one poisons its realm, so each attempt gets a new worker.
 *
 * @param {string | null} runtimeUrl
 * @returns {import('../ports.d.ts').SessionFactory}
 */
export const sessionWorker = (runtimeUrl) => (plan, files, on) => {
  const worker = new Worker(new URL('../session-worker.js', import.meta.url), { type: 'module' });
  /** @param {import('../protocol.d.ts').ToSession} message */
  const post = (message) => worker.postMessage(message);
  let ready = false;

  worker.addEventListener('message', ({ data }) => {
    const message = /** @type {import('../protocol.d.ts').FromSession} */ (data);
    if (message.type !== 'event') return on.reply(message);
    ready ||= message.event.type === 'sessionReady';
    on.event(message.event);
  });
  /** @param {string} message */
  const broken = (message) =>
    on.event(
      ready
        ? { type: 'sessionLost', message }
        : { type: 'sessionFailed', kind: 'runtime', message },
    );
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    broken(event.message || 'The session worker could not be started.');
  });
  worker.addEventListener('messageerror', () => broken('A message could not be read.'));

  post({ type: 'create', plan, files, runtimeUrl });
  return {
    chat: (id, messages, options) => post({ type: 'chat', id, messages, options }),
    stop: (id) => post({ type: 'stop', id }),
    close: () => worker.terminate(),
  };
};
