/**
 * Starts the worker that holds ONNX Runtime. A failed one poisons its realm, so each attempt gets a new worker.
 */
import { startHelper } from './helper.js';

/**
 * @param {string | null} runtimeUrl
 * @returns {import('../ports.d.ts').SessionFactory}
 */
export const sessionWorker = (runtimeUrl) => (plan, files, on) => {
  let ready = false;
  const worker = startHelper('session', (words) => {
    const message = words || 'The session worker could not be started.';
    on.event(
      ready
        ? { type: 'sessionLost', message }
        : { type: 'sessionFailed', kind: null, message, file: '', detail: '' },
    );
  });
  /** @param {import('../protocol.d.ts').ToSession} message */
  const post = (message) => worker.postMessage(message);
  worker.addEventListener('message', ({ data }) => {
    const message = /** @type {import('../protocol.d.ts').FromSession} */ (data);
    if (message.type === 'examined') return;
    if (message.type !== 'event') return on.reply(message);
    ready ||= message.event.type === 'sessionReady';
    on.event(message.event);
  });
  worker.start?.();
  post({ type: 'create', plan, files, runtimeUrl });
  return {
    chat: (id, messages, options) => post({ type: 'chat', id, messages, options }),
    stop: (id) => post({ type: 'stop', id }),
    close: () => worker.terminate(),
  };
};

/**
 * Judges a model's small files in a worker of its own, which has all that reads them.
 *
 * @type {import('../ports.d.ts').Examine}
 */
export const examineInWorker = (plan, files, graph) =>
  new Promise((resolve) => {
    const worker = startHelper('session', (words) => end({ ...UNSEEN, message: words }));
    /** @param {import('../protocol.d.ts').Examination} found */
    function end(found) {
      worker.terminate();
      resolve(found);
    }
    worker.addEventListener('message', ({ data: { type, ...found } }) => {
      if (type === 'examined') end(found);
    });
    worker.start?.();
    worker.postMessage({ type: 'examine', plan, files, graph });
  });

const UNSEEN = { kind: null, message: '', file: '', detail: '', external: null };
