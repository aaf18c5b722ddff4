/**
 * The session worker: one model in ONNX Runtime, from birth to death. Wires the parts together.
 */
import { clock } from '../adapters/clock.js';
import { loadRuntime, requestDevice } from '../adapters/ort.js';
import { readNow } from '../adapters/read-now.js';
import { loadCore } from '../core.js';
import { CandorError, textOf } from '../errors.js';
import { createSession, examine, failureOf } from './session.js';

/**
 * @typedef {import('../protocol.d.ts').FromSession} FromSession
 * @typedef {import('../protocol.d.ts').ToSession} ToSession
 */

/** To the loader worker. @type {MessagePort} */
let port;
/** @param {FromSession} message */
const post = (message) => port.postMessage(message);

/** @type {Promise<import('./conversation.js').Conversation>} */
let session;
/** One answer at a time. @type {Promise<void>} */
let turn = Promise.resolve();
/** @type {Set<number>} */
const stopped = new Set();
/** Chats that are only read ahead: whoever asks something goes first. @type {Set<number>} */
const ahead = new Set();

/** @param {Extract<ToSession, { type: 'create' }>} message */
async function create({ plan, files, runtimeUrl }) {
  return createSession(plan, files, {
    core: await loadCore(),
    loadRuntime: (wasm) => loadRuntime({ ...plan, runtimeUrl, wasm }),
    requestDevice: () => requestDevice(plan.subgroups),
    readNow,
    report: (event) => post({ type: 'event', event }),
    clock,
  });
}

/** @param {Extract<ToSession, { type: 'chat' }>} message @param {number} began */
async function chat({ id, messages, options }, began) {
  try {
    const model = await session;
    const finish = await model.chat(messages, options, {
      piece: (text) => post({ type: 'piece', id, text }),
      reading: (read, total) => post({ type: 'reading', id, read, total }),
      stopped: () => stopped.has(id),
      began,
    });
    post({ type: 'finish', id, ...finish });
  } catch (thrown) {
    if (thrown instanceof CandorError) post({ type: 'chatFailed', id, error: thrown.toJSON() });
    else
      post({ type: 'event', event: { type: 'answerFailed', chat: id, message: textOf(thrown) } });
  }
  stopped.delete(id);
  ahead.delete(id);
}

/** @param {ToSession} message */
function receive(message) {
  if (message.type === 'create') {
    session = create(message);
    session.catch((thrown) => post({ type: 'event', event: failureOf(thrown) }));
  } else if (message.type === 'examine') {
    void examine(message.plan, message.files, message.graph).then((found) =>
      post({ type: 'examined', ...found }),
    );
  } else if (message.type === 'chat') {
    for (const id of ahead) stopped.add(id);
    if (message.options.maxNewTokens === 0) ahead.add(message.id);
    const began = clock.now();
    turn = turn.then(() => chat(message, began));
  } else {
    stopped.add(message.id);
  }
}

self.addEventListener(
  'message',
  ({ data }) => {
    port = data.port;
    port.onmessage = (event) => receive(event.data);
  },
  { once: true },
);
