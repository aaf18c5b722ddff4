// Rates: a link of so many bytes a second, shared by all replies or one for each connection.

import { setTimeout as delay } from 'node:timers/promises';

const UNITS = /** @type {Record<string, number>} */ ({
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
});

/**
 * Reads `2MB/s`, `500kB/s`, `8MB/s/conn`, or both kinds with a comma between them.
 *
 * @param {string} text
 * @returns {{ rate?: number, perConnectionRate?: number }} bytes per second; absent means unlimited
 * @throws {Error} with a sentence that names the part that cannot be read
 */
export function parseRate(text) {
  /** @type {{ rate?: number, perConnectionRate?: number }} */
  const rates = {};
  for (const part of text.split(',')) {
    const match = /^\s*(\d+(?:\.\d+)?)\s*([kmg]?i?b)(?:\/s)?(\/conn)?\s*$/i.exec(part);
    const value = match && Number(match[1]) * UNITS[match[2].toLowerCase()];
    if (!match || !value) {
      throw new Error(`"${part}" is not a rate; write 2MB/s, 500kB/s or 8MB/s/conn.`);
    }
    rates[match[3] ? 'perConnectionRate' : 'rate'] = value;
  }
  return rates;
}

/**
 * @typedef {object} Clock
 * @property {() => number} now ms
 * @property {(ms: number, signal?: AbortSignal) => Promise<void>} wait
 */

/** @type {Clock} */
const SYSTEM_CLOCK = {
  now: () => performance.now(),
  wait: (ms, signal) => delay(ms, undefined, { signal }),
};

// Timers are late by a millisecond or more. A little credit for that time keeps the long-run rate exact.
const CREDIT_MS = 20;

/** A link that carries `bytesPerSecond`; whoever takes bytes waits until the link has carried them. */
export class Link {
  #freeAt = -Infinity;
  #clock;

  /**
   * @param {number | undefined} bytesPerSecond undefined is unlimited
   * @param {Clock} [clock]
   */
  constructor(bytesPerSecond, clock = SYSTEM_CLOCK) {
    this.bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
  }

  /** @returns {number} how many bytes to take at once, so that no piece keeps the link for over 10 ms */
  get piece() {
    return this.bytesPerSecond === undefined
      ? Infinity
      : Math.max(256, Math.floor(this.bytesPerSecond / 100));
  }

  /**
   * @param {number} bytes
   * @param {AbortSignal} [signal] ends the wait with an AbortError
   * @returns {Promise<void>} when the link has carried the bytes
   */
  async take(bytes, signal) {
    if (this.bytesPerSecond === undefined) return;
    const now = this.#clock.now();
    const from = Math.max(this.#freeAt, now - CREDIT_MS);
    this.#freeAt = from + (bytes / this.bytesPerSecond) * 1000;
    if (this.#freeAt > now) await this.#clock.wait(this.#freeAt - now, signal);
  }
}
