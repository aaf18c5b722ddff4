// The control endpoint, /__hub/…, for tests that hold the hub in another process.

import { FAULTS } from './faults.js';

/**
 * @typedef {import('./hub.js').Hub} Hub
 * @typedef {import('node:http').IncomingMessage} IncomingMessage
 * @typedef {import('node:http').ServerResponse} ServerResponse
 */

/** @type {Record<string, (hub: Hub, body: any, res: ServerResponse) => unknown>} method and name to what it does */
const CALLS = {
  'GET state': (hub) => ({
    origin: hub.origin,
    cdnOrigin: hub.cdnOrigin,
    faults: hub.faults.active,
    errors: hub.errors.map(String),
    peakReplies: hub.ledger.peakReplies,
    preflights: hub.ledger.preflights.length,
    bytes: hub.ledger.bytes(),
  }),
  'GET ledger': (hub) => hub.ledger.entries,
  'GET faults': () =>
    Object.entries(FAULTS).map(([name, { where, says, defaults }]) => ({
      name,
      where,
      says,
      defaults,
    })),
  'POST fault': (hub, body) => hub.setFault(body),
  'POST rate': (hub, body) => hub.setRate(body),
  'POST clear': (hub) => hub.clearFaults(),
  'POST drop': (hub, { path }) => ({ dropped: hub.drop(path) }),
  'POST pause': (hub) => hub.pause(),
  'POST resume': (hub) => hub.resume(),
  'POST offline': (hub, { offline = true }) => hub.setOffline(offline),
  'POST reset': (hub) => hub.reset(),
  'POST stop': (hub, { ms = 1000 }, res) => {
    // After this reply is out.
    res.once('finish', async () => {
      await hub.stop();
      setTimeout(() => hub.start(), ms);
    });
  },
};

/**
 * Bodies are JSON objects; POST wants the JSON content type, so that no page of another origin can post unasked.
 *
 * @param {Hub} hub
 * @param {string} name what follows /__hub/
 * @param {IncomingMessage} req
 * @param {ServerResponse} res 200 with JSON, or 400 with `{ error }`
 */
export async function control(hub, name, req, res) {
  let status = 200;
  /** @type {unknown} */
  let answer;
  try {
    const call = CALLS[`${req.method} ${name}`];
    if (!call) throw new Error(`There are: ${Object.keys(CALLS).join(', ')}.`);
    const type = req.headers['content-type'] ?? '';
    if (req.method === 'POST' && !/^application\/json\b/.test(type)) {
      throw new Error('Post JSON, with its content type.');
    }
    /** @type {Buffer[]} */
    const pieces = [];
    for await (const piece of req) pieces.push(piece);
    const text = Buffer.concat(pieces).toString();
    answer = call(hub, text ? JSON.parse(text) : {}, res) ?? {};
  } catch (error) {
    status = 400;
    answer = { error: /** @type {Error} */ (error).message };
  }
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  res.end(JSON.stringify(answer));
}
