// Puts a reply on the wire: at the link's rate, with its faults, until the client goes away.

import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const compress = promisify(gzip);
const PIECE = 256 * 1024;

/**
 * @typedef {import('./faults.js').Reply} Reply
 *
 * @typedef {object} Flow
 * @property {() => import('./rate.js').Link[]} links that every byte passes, asked anew for every piece
 * @property {() => Promise<void> | undefined} gate what to wait for while the hub is paused
 * @property {(bytes: number) => void} sent
 * @property {(ms: number) => void} offline breaks every connection for that long
 */

/**
 * @param {number} ms Infinity waits for the signal
 * @param {AbortSignal} signal
 */
async function wait(ms, signal) {
  if (ms === Infinity) await once(signal, 'abort').then(() => signal.throwIfAborted());
  else await delay(ms, undefined, { signal });
}

/**
 * @param {import('node:http').ServerResponse} res
 * @param {Reply} reply
 * @param {import('./files.js').ModelFile | undefined} file where the bytes come from, unless the reply is literal
 * @param {Flow} flow
 * @returns {Promise<boolean>} whether the whole body went out; false when cut or when the client went away
 */
export async function send(res, reply, file, flow) {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  try {
    if (reply.waitBefore !== undefined) await wait(reply.waitBefore, gone.signal);
    const head = res.req.method === 'HEAD';
    let { literal } = reply;
    if (reply.gzip && file && !literal) {
      literal = await compress(await readAll(file, reply));
      if (reply.headers['content-length']) {
        reply = {
          ...reply,
          headers: { ...reply.headers, 'content-length': String(literal.length) },
        };
      }
    }
    res.writeHead(reply.status, reply.headers);
    if (literal && !head) {
      res.write(literal);
      flow.sent(literal.length);
    } else if (file && !head) {
      res.flushHeaders();
      if (!(await sendBytes(res, reply, file, flow, gone.signal))) return false;
    }
    res.end();
    return true;
  } catch (error) {
    if (gone.signal.aborted) return false;
    throw error;
  }
}

/**
 * @param {import('node:http').ServerResponse} res
 * @param {Reply} reply
 * @param {import('./files.js').ModelFile} file
 * @param {Flow} flow
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>} false when the connection was closed on purpose
 */
async function sendBytes(res, reply, file, flow, signal) {
  const opened = await file.open();
  const { cut, stall } = reply;
  const end = reply.end + (reply.extra ?? 0);
  let stalled = stall === undefined;
  try {
    for (let position = reply.start; position < end || cut?.at === position;) {
      await flow.gate();
      signal.throwIfAborted();
      if (stall && !stalled && position === stall.at) {
        stalled = true;
        await wait(stall.ms, signal);
      }
      if (cut?.at === position) {
        if (cut.how === 'end') return true;
        if (cut.offlineFor !== undefined) flow.offline(cut.offlineFor);
        if (cut.how === 'reset') res.socket?.resetAndDestroy();
        // Ends after what was written has left this process, so that the cut is at this very byte.
        else res.socket?.end(() => res.socket?.destroy());
        return false;
      }
      const links = flow.links();
      const marks = [cut?.at, stalled ? undefined : stall?.at, reply.end];
      const stop = marks.reduce(
        (/** @type {number} */ least, mark) =>
          mark !== undefined && mark > position ? Math.min(least, mark) : least,
        end,
      );
      const length = Math.min(PIECE, stop - position, ...links.map(({ piece }) => piece));
      const bytes =
        position < reply.end
          ? spoil(await opened.read(position, length), position, reply)
          : Buffer.alloc(length, 0x21);
      if (bytes.length === 0) throw new Error(`${file.path} ended at byte ${position}.`);
      await Promise.all(links.map((link) => link.take(bytes.length, signal)));
      flow.sent(bytes.length);
      position += bytes.length;
      if (!res.write(bytes)) await once(res, 'drain', { signal });
    }
    return true;
  } finally {
    await opened.close();
  }
}

/**
 * @param {Buffer} bytes
 * @param {number} position their offset in the file
 * @param {Reply} reply
 * @returns {Buffer} the same, or a damaged copy
 */
function spoil(bytes, position, { mask, flips = [] }) {
  const hits = flips.filter(({ at }) => at >= position && at < position + bytes.length);
  if (!mask && hits.length === 0) return bytes;
  const copy = mask ? Buffer.from(bytes.map((byte) => byte ^ mask)) : Buffer.from(bytes);
  for (const hit of hits) copy[hit.at - position] ^= hit.mask;
  return copy;
}

/**
 * @param {import('./files.js').ModelFile} file
 * @param {Reply} reply
 * @returns {Promise<Buffer>} the reply's part of the file
 */
async function readAll(file, reply) {
  const opened = await file.open();
  try {
    const bytes = await opened.read(reply.start, reply.end - reply.start);
    return spoil(bytes, reply.start, reply);
  } finally {
    await opened.close();
  }
}
