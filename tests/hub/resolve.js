// Replies with files: /resolve and its redirects, the CDN with its signed addresses, and plain ranges.

import { createHmac } from 'node:crypto';
import { answerRange } from './ranges.js';

/**
 * @typedef {import('./faults.js').Reply} Reply
 * @typedef {import('./tree.js').RepoFile} RepoFile
 * @typedef {import('node:http').IncomingMessage} IncomingMessage
 */

/** What the Hub lets scripts of other origins read, beside the safelisted headers. */
const HUB_EXPOSES =
  'X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,' +
  'Content-Range,X-Linked-Size,X-Linked-ETag,X-Xet-Hash';
const CDN_EXPOSES = 'Accept-Ranges,Content-Length,Content-Range,Content-Type,ETag';

/**
 * @param {IncomingMessage} req
 * @param {string} ownOrigin named where the request has no Origin
 * @returns {Record<string, string>}
 */
export function hubHeaders(req, ownOrigin) {
  return {
    'access-control-allow-origin': req.headers.origin ?? ownOrigin,
    'access-control-expose-headers': HUB_EXPOSES,
    'access-control-max-age': '86400',
    vary: 'Origin',
  };
}

/** @type {Record<string, string>} any origin: after the redirect from the Hub a browser sends `Origin: null` */
export const CDN_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': CDN_EXPOSES,
  'cross-origin-resource-policy': 'cross-origin',
  vary: 'Origin',
};

/**
 * @param {number} status
 * @param {Record<string, string>} headers
 * @param {string} text
 * @param {number} [size] of the file this reply stands for
 * @returns {Reply}
 */
export function textReply(status, headers, text, size = 0) {
  const literal = Buffer.from(text);
  return {
    status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(literal.length),
      ...headers,
    },
    start: 0,
    end: 0,
    size,
    literal,
  };
}

/**
 * @param {number} status
 * @param {Record<string, string>} headers
 * @param {'GatedRepo' | 'RepoNotFound' | 'EntryNotFound' | 'RevisionNotFound' | ''} code
 * @param {string} message
 * @param {boolean} [json] the API answers in JSON, /resolve in plain text
 * @returns {Reply}
 */
export function errorReply(status, headers, code, message, json = false) {
  return textReply(
    status,
    {
      ...headers,
      'x-error-message': message,
      ...(code && { 'x-error-code': code }),
      ...(json && { 'content-type': 'application/json; charset=utf-8' }),
    },
    json ? JSON.stringify({ error: message }) : message,
  );
}

/**
 * A file or the asked-for part of it.
 *
 * @param {IncomingMessage} req
 * @param {{ size: number, etag: string, headers: Record<string, string> }} facts
 * @returns {Reply} 200, 206, 304 or 416
 */
export function fileReply(req, { size, etag, headers }) {
  const all = { ...headers, etag, 'accept-ranges': 'bytes' };
  const whole = { start: 0, end: size, size };
  if (req.headers['if-none-match'] === etag) {
    return { status: 304, headers: all, ...whole, literal: Buffer.alloc(0) };
  }
  const ifRange = req.headers['if-range'];
  const range =
    ifRange === undefined || ifRange === etag
      ? answerRange(req.headers.range, size)
      : /** @type {const} */ ({ kind: 'whole' });
  switch (range.kind) {
    case 'whole':
      return { status: 200, headers: { ...all, 'content-length': String(size) }, ...whole };
    case 'part': {
      const { start, end } = range;
      const length = { 'content-length': String(end - start) };
      const part = { 'content-range': `bytes ${start}-${end - 1}/${size}` };
      return { status: 206, headers: { ...all, ...length, ...part }, start, end, size };
    }
    case 'unsatisfiable':
      return textReply(
        416,
        { ...headers, 'content-range': `bytes */${size}` },
        'Range Not Satisfiable',
        size,
      );
  }
}

/** @type {Record<string, string>} */
const TYPES = {
  json: 'application/json; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  md: 'text/markdown; charset=utf-8',
  wasm: 'application/wasm',
};

/**
 * @param {string} path
 * @returns {string} a media type, as a simple static server gives it
 */
export function typeOf(path) {
  return TYPES[path.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
}

/** Signed addresses that expire. */
export class Signer {
  #secret;

  /** @param {string} secret */
  constructor(secret) {
    this.#secret = secret;
  }

  /**
   * @param {string} path of the CDN
   * @param {number} seconds the address is good for
   * @returns {string} path and query
   */
  sign(path, seconds) {
    const expires = Math.floor(Date.now() / 1000 + seconds);
    return `${path}?Expires=${expires}&Signature=${this.#signature(path)}&Key-Pair-Id=TEST`;
  }

  /**
   * @param {URL} url
   * @returns {'good' | 'expired' | 'wrong'}
   */
  check(url) {
    if (url.searchParams.get('Signature') !== this.#signature(url.pathname)) return 'wrong';
    return Number(url.searchParams.get('Expires')) * 1000 > Date.now() ? 'good' : 'expired';
  }

  /** @param {string} path */
  #signature(path) {
    return createHmac('sha256', this.#secret).update(path).digest('base64url');
  }
}

/**
 * What /resolve says: 302 to the CDN for an LFS file, 307 on the same host for a small one.
 *
 * @param {{ repo: string, commit: string, found: RepoFile, cdnOrigin: string, signer: Signer, lifetime: number,
 *   headers: Record<string, string> }} facts `lifetime` in seconds
 * @returns {Reply}
 */
export function resolveReply({ repo, commit, found, cdnOrigin, signer, lifetime, headers }) {
  const { file, oid, sha256, xetHash } = found;
  const path = encodePath(file.path);
  const name = file.path.split('/').at(-1) ?? '';
  const common = {
    ...headers,
    vary: 'Origin, Accept',
    'x-repo-commit': commit,
    'x-linked-etag': `"${sha256 ?? oid}"`,
    'accept-ranges': 'bytes',
    'content-disposition': `inline; filename*=UTF-8''${encodeURIComponent(name)}`,
  };
  if (sha256) {
    const location = cdnOrigin + signer.sign(`/${repo}/${commit}/${sha256}/${path}`, lifetime);
    return textReply(
      302,
      {
        ...common,
        location,
        'cache-control': 'no-store',
        'x-linked-size': String(file.size),
        'x-xet-hash': String(xetHash),
      },
      `Found. Redirecting to ${location}`,
      file.size,
    );
  }
  const location = `/api/resolve-cache/models/${repo}/${commit}/${path}?etag=${encodeURIComponent(`"${oid}"`)}`;
  return textReply(
    307,
    { ...common, location },
    `Temporary Redirect. Redirecting to ${location}`,
    file.size,
  );
}

/**
 * @param {string} path
 * @returns {string} safe in an address, slashes kept
 */
function encodePath(path) {
  return path.split('/').map(encodeURIComponent).join('/');
}
