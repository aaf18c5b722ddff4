// The static part: pages, modules and assets, under a strict policy.

import sirv from 'sirv';

/**
 * @typedef {import('node:http').IncomingMessage} IncomingMessage
 * @typedef {import('node:http').ServerResponse} ServerResponse
 * @typedef {(req: IncomingMessage, res: ServerResponse, next: () => void) => void} Handler
 */

/**
 * @param {string[]} connect origins that scripts may fetch from, beside their own
 * @returns {string} a Content-Security-Policy without unsafe-inline and unsafe-eval
 */
export function strictPolicy(connect) {
  return [
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src ${["'self'", ...connect].join(' ')}`,
    "object-src 'none'",
    "base-uri 'none'",
  ].join('; ');
}

/**
 * @param {{ csp: string | undefined, isolation: boolean }} options
 * @returns {Record<string, string>} for every reply of the site: workers take their policy from their own script's reply
 */
export function siteHeaders({ csp, isolation }) {
  return {
    ...(csp && { 'content-security-policy': csp }),
    ...(isolation && {
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    }),
    'cross-origin-resource-policy': 'cross-origin',
    'x-content-type-options': 'nosniff',
  };
}

/**
 * @param {Record<string, string | string[]>} mounts URL prefix ('/', '/vendor') to a folder or several; the longest
 *   prefix that fits is looked at first, and the next folder where one has no such file
 * @param {Record<string, string>} headers
 * @returns {Handler}
 */
export function site(mounts, headers) {
  const rooms = Object.entries(mounts)
    .flatMap(([prefix, dirs]) => [dirs].flat().map((dir) => ({ prefix, dir })))
    .map(({ prefix, dir }) => ({
      prefix: prefix.replace(/\/+$/, ''),
      // `dev` looks at the disk at every request, so that an edited file is served at once.
      serve: sirv(dir, { dev: true, etag: true }),
    }))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  return (req, res, next) => {
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
    const url = req.url ?? '/';
    const fitting = rooms.filter(({ prefix }) => url.startsWith(`${prefix}/`));
    const tryNext = () => {
      const room = fitting.shift();
      req.url = room ? url.slice(room.prefix.length) : url;
      if (room) room.serve(req, res, tryNext);
      else next();
    };
    tryNext();
  };
}

/**
 * @param {IncomingMessage} req
 * @returns {boolean} whether a visitor opens a page with it
 */
export function isNavigation(req) {
  const mode = req.headers['sec-fetch-mode'];
  if (mode !== undefined) return mode === 'navigate';
  return req.method === 'GET' && (req.headers.accept ?? '').startsWith('text/html');
}
