/**
 * The loader worker's side of the protocol: one core, one runner per model.
 */
import { CandorError, textOf } from '../errors.js';
import { Runner } from './runner.js';

/**
 * @typedef {import('../protocol.d.ts').ToWorker} ToWorker
 * @typedef {import('../protocol.d.ts').FromWorker} FromWorker
 * @typedef {import('../ports.d.ts').Ports} Ports
 */

/**
 * @param {import('../protocol.d.ts').Endpoint<FromWorker>} endpoint
 * @param {(start: Extract<ToWorker, { type: 'start' }>) => Promise<{
 *   core: import('../../bindings.d.ts').CoreModule, ports: Ports,
 *   runtimeFiles?: import('../../bindings.d.ts').RuntimeFile[] }>} prepare
 */
export function serve(endpoint, prepare) {
  /** @type {Map<string, Runner>} */
  const runners = new Map();

  /** @param {Extract<ToWorker, { type: 'start' }>} message */
  async function start(message) {
    try {
      const { core, ports, runtimeFiles = [] } = await prepare(message);
      /** @type {import('../ports.d.ts').Sink} */
      const sink = {
        snapshot: (snapshot) => endpoint.postMessage({ type: 'snapshot', snapshot }),
        persist: (key, json) => endpoint.postMessage({ type: 'persist', key, json }),
        unpersist: (key) => endpoint.postMessage({ type: 'unpersist', key }),
        broken: (thrown) => self.reportError?.(thrown),
        reply: (reply) => endpoint.postMessage(reply),
        done: (id, error) => endpoint.postMessage({ type: 'done', id, error }),
      };
      for (const config of message.models) {
        runners.set(config.modelKey, new Runner(core, { ...config, runtimeFiles }, ports, sink));
      }
      const snapshots = [...runners.values()].map((runner) => runner.snapshot());
      endpoint.postMessage({ type: 'started', snapshots });
    } catch (thrown) {
      const error = new CandorError('runtime', 'The loader could not be started.', {
        retryable: true,
        detail: textOf(thrown),
      });
      endpoint.postMessage({ type: 'broken', error: error.toJSON() });
    }
  }

  /** @param {Extract<ToWorker, { type: 'command' }>} message */
  async function command({ id, key, command: type }) {
    const runner = runners.get(key);
    if (runner) {
      // Its own answer says when it is done.
      if (type === 'remove') return runner.send({ type, ticket: id });
      runner.send({ type });
      if (type === 'dispose') await runner.idle();
      // The page must not judge by a snapshot from before this command.
      endpoint.postMessage({ type: 'snapshot', snapshot: runner.snapshot() });
    }
    endpoint.postMessage({ type: 'done', id });
  }

  /** @param {Extract<ToWorker, { type: 'measure' }>} message */
  async function measure({ id, key }) {
    const bytes = await runners
      .get(key)
      ?.stored()
      .catch(() => null);
    endpoint.postMessage({ type: 'done', id, bytes });
  }

  async function close() {
    const all = [...runners.values()];
    runners.clear();
    // The core has the journal brought up to date before the files are let go.
    for (const runner of all) runner.send({ type: 'dispose' });
    for (const runner of all) await runner.idle();
    await Promise.all(all.map((runner) => runner.close()));
    endpoint.postMessage({ type: 'closed' });
  }

  endpoint.addEventListener('message', (event) => {
    const message = /** @type {ToWorker} */ (event.data);
    switch (message.type) {
      case 'start':
        return void start(message);
      case 'command':
        return void command(message);
      case 'measure':
        return void measure(message);
      case 'chat':
        return runners.get(message.key)?.chat(message.id, message.messages, message.options);
      case 'stop':
        return runners.get(message.key)?.stop(message.id);
      case 'online':
      case 'offline':
        for (const runner of runners.values()) runner.send(message);
        return;
      case 'close':
        return void close();
    }
  });
  endpoint.start?.();
}
