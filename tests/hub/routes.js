// Which reply an address gets: the API, /resolve and where it redirects to, the CDN, plain folders.

import path from 'node:path';
import { Limiter, refusal } from './access.js';
import { fileOnDisk } from './files.js';
import {
  CDN_HEADERS,
  errorReply,
  fileReply,
  hubHeaders,
  resolveReply,
  textReply,
  typeOf,
} from './resolve.js';
import { folderManifest, treePage } from './tree.js';

/**
 * @typedef {import('node:http').IncomingMessage} IncomingMessage
 * @typedef {import('./faults.js').Reply} Reply
 *
 * @typedef {object} Answer
 * @property {import('./ledger.js').Entry['kind']} kind
 * @property {Reply} reply
 * @property {string} [path] within the model
 * @property {import('./files.js').ModelFile} [file] where the reply's bytes come from
 * @property {string[]} [where] what the faults take it for; default: its kind
 * @property {string[]} [faults] that have met it already
 *
 * @typedef {object} Context
 * @property {import('./hub.js').HubOptions} options
 * @property {Map<string, import('./tree.js').Repo>} repos
 * @property {import('./faults.js').FaultSet} faults
 * @property {import('./resolve.js').Signer} signer
 * @property {Limiter} limiter
 * @property {string} origin
 * @property {string} cdnOrigin
 * @property {Record<string, string>} siteHeaders
 */

const API = /^\/api\/models\/((?:[^/]+\/)?[^/]+?)(?:\/(tree|revision)\/([^/]+)(?:\/(.*))?)?$/;
const SMALL_FILE = /^\/api\/resolve-cache\/models\/([^/]+\/[^/]+)\/([^/]+)\/(.+)$/;
const RESOLVE = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/;

/**
 * @param {Context} context
 * @param {URL} url
 * @param {IncomingMessage} req
 * @returns {Promise<Answer | undefined>} undefined where the static site comes next
 */
export async function answerHub(context, url, req) {
  const headers = hubHeaders(req, context.origin);
  if (req.method === 'OPTIONS') {
    const allowed = {
      'access-control-allow-methods': 'GET,HEAD,PUT,PATCH,POST,DELETE',
      'access-control-allow-headers': String(req.headers['access-control-request-headers'] ?? ''),
    };
    return { kind: 'preflight', reply: textReply(204, { ...headers, ...allowed }, '') };
  }
  const pathname = decodePath(url.pathname);
  if (pathname === undefined) {
    return { kind: 'other', reply: errorReply(400, headers, '', 'Bad path') };
  }
  const api = API.exec(pathname);
  if (api) return answerApi(context, api, url, req, headers);
  const small = SMALL_FILE.exec(pathname);
  if (small) return answerSmallFile(context, small, req, headers);
  const resolve = RESOLVE.exec(pathname);
  if (resolve) return answerResolve(context, resolve, req, headers);
  return answerFolder(context, pathname, req);
}

/**
 * @param {Context} context
 * @param {string[]} match of API
 * @param {URL} url
 * @param {IncomingMessage} req
 * @param {Record<string, string>} headers
 * @returns {Promise<Answer>}
 */
async function answerApi(context, match, url, req, headers) {
  const { options, repos, faults, limiter } = context;
  const [, name, call, revision = 'main', under = ''] = match;
  const kind = call === 'tree' ? 'tree' : 'revision';
  /** @type {(status: number, code: Parameters<typeof errorReply>[2], message: string) => Reply} */
  const error = (status, code, message) => errorReply(status, headers, code, message, true);
  const { authorization } = req.headers;
  const repo = repos.get(name);
  const refused =
    limiter.count('api', headers) ??
    refusal(name, repo, authorization, options.token ?? 'hf_test', error);
  if (refused) return { kind, reply: refused };
  const snapshot = await repo?.snapshot();
  if (!snapshot || !isRevision(revision, snapshot.commit)) {
    return { kind, reply: error(404, 'RevisionNotFound', `Invalid rev id: ${revision}`) };
  }
  /** @type {(value: unknown) => Reply} */
  const json = (value) =>
    textReply(
      200,
      { ...headers, 'content-type': 'application/json; charset=utf-8' },
      JSON.stringify(value),
    );
  if (kind === 'revision') {
    const siblings = [...snapshot.files.keys()].map((rfilename) => ({ rfilename }));
    const { gated = false } = repo?.spec ?? {};
    return {
      kind,
      reply: json({ id: name, sha: snapshot.commit, private: false, gated, siblings }),
    };
  }
  const { tree, endless, applied } = faults.onTree(snapshot.entries);
  if (typeof tree === 'string') {
    const page = { ...headers, 'content-type': 'text/html; charset=utf-8' };
    return { kind, reply: textReply(200, page, tree), faults: applied };
  }
  const { page, next } = treePage(tree, url, under, options.pageSize ?? 1000);
  if (under && page.length === 0) {
    return {
      kind,
      reply: error(404, 'EntryNotFound', `${under} does not exist on "${revision}"`),
    };
  }
  const link = endless ? url.href : next;
  if (link) headers.link = `<${link}>; rel="next"`;
  return { kind, reply: json(page), faults: applied };
}

/**
 * @param {Context} context
 * @param {string[]} match of RESOLVE
 * @param {IncomingMessage} req
 * @param {Record<string, string>} headers
 * @returns {Promise<Answer>}
 */
async function answerResolve(context, [, name, revision, file], req, headers) {
  const { options, repos, limiter, signer, cdnOrigin } = context;
  const kind = 'resolve';
  /** @type {(status: number, code: Parameters<typeof errorReply>[2], message: string) => Reply} */
  const error = (status, code, message) => errorReply(status, headers, code, message);
  const repo = repos.get(name);
  const refused =
    limiter.count('resolvers', headers) ??
    refusal(name, repo, req.headers.authorization, options.token ?? 'hf_test', error);
  if (refused) return { kind, path: file, reply: refused };
  const snapshot = await repo?.snapshot();
  if (!snapshot || !isRevision(revision, snapshot.commit)) {
    const reply = error(404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
    return { kind, path: file, reply };
  }
  const { commit, files } = snapshot;
  const found = files.get(file);
  if (!found) {
    headers['x-repo-commit'] = commit;
    return { kind, path: file, reply: error(404, 'EntryNotFound', 'Entry not found') };
  }
  const lifetime = options.lifetime ?? 3600;
  const facts = { repo: name, commit, found, cdnOrigin, signer, lifetime, headers };
  return { kind, path: file, reply: resolveReply(facts) };
}

/**
 * A small file where the Hub's own redirect points.
 * @param {Context} context
 * @param {string[]} match of SMALL_FILE
 * @param {IncomingMessage} req
 * @param {Record<string, string>} headers
 * @returns {Promise<Answer>}
 */
async function answerSmallFile({ options, repos }, [, name, commit, path], req, headers) {
  const kind = 'file';
  const repo = repos.get(name);
  const { authorization } = req.headers;
  const refused = refusal(
    name,
    repo,
    authorization,
    options.token ?? 'hf_test',
    (status, code, message) => errorReply(status, headers, code, message),
  );
  if (refused) return { kind, path, reply: refused };
  const snapshot = await repo?.snapshot();
  const found = snapshot?.commit === commit ? snapshot.files.get(path) : undefined;
  if (!found) {
    return { kind, path, reply: errorReply(404, headers, 'EntryNotFound', 'Entry not found') };
  }
  const { file, oid } = found;
  const reply = fileReply(req, {
    size: file.size,
    etag: `"${oid}"`,
    headers: {
      ...headers,
      'content-type': 'text/plain; charset=utf-8',
      'x-repo-commit': commit,
      ...caching(options),
    },
  });
  const zips = options.gzip !== false && /\bgzip\b/.test(String(req.headers['accept-encoding']));
  if (reply.status === 200 && zips && file.size > 0) {
    delete reply.headers['content-length'];
    reply.headers['content-encoding'] = 'gzip';
    reply.headers.etag = `W/"${oid}"`;
    reply.gzip = true;
  }
  return { kind, path, reply, file };
}

/**
 * @param {Context} context
 * @param {URL} url
 * @param {IncomingMessage} req
 * @returns {Promise<Answer>}
 */
export async function answerCdn({ options, repos, signer }, url, req) {
  if (req.method === 'OPTIONS') {
    return { kind: 'preflight', reply: textReply(403, {}, 'This CDN answers no preflight.') };
  }
  const kind = 'file';
  const [, owner, name, commit, sha256, ...rest] = (decodePath(url.pathname) ?? '').split('/');
  const path = rest.join('/');
  const signature = signer.check(url);
  if (signature !== 'good') {
    const text =
      signature === 'expired' ? 'Request has expired' : 'The signature does not match the address';
    const body = `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>${text}</Message></Error>`;
    const headers = { ...CDN_HEADERS, 'content-type': 'application/xml' };
    return { kind, path, reply: textReply(403, headers, body) };
  }
  const snapshot = await repos.get(`${owner}/${name}`)?.snapshot();
  const found = snapshot?.commit === commit ? snapshot.files.get(path) : undefined;
  if (!found || found.sha256 !== sha256) {
    return { kind, path, reply: textReply(404, CDN_HEADERS, 'No such object') };
  }
  const { file, xetHash } = found;
  const reply = fileReply(req, {
    size: file.size,
    etag: `"${xetHash}"`,
    headers: {
      ...CDN_HEADERS,
      'content-type': 'application/octet-stream',
      'last-modified': new Date(file.modified).toUTCString(),
      ...caching(options),
    },
  });
  return { kind, path, reply, file };
}

/**
 * A plain folder, as any static server has it.
 * @param {Context} context
 * @param {string} pathname decoded
 * @param {IncomingMessage} req
 * @returns {Promise<Answer | undefined>} undefined where it lies in no such folder
 */
async function answerFolder({ options, siteHeaders }, pathname, req) {
  /** @type {Answer | undefined} */
  let missing;
  for (const [prefix, spec] of Object.entries(options.folders ?? {})) {
    const { dir, manifest = false } = typeof spec === 'string' ? { dir: spec } : spec;
    const root = `${prefix.replace(/\/+$/, '')}/`;
    const name = pathname.slice(root.length);
    if (!pathname.startsWith(root) || name.split('/').includes('..')) continue;
    const full = path.join(path.resolve(dir), name);
    const headers = {
      ...siteHeaders,
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'content-type': typeOf(name),
      ...caching(options),
    };
    const file = await fileOnDisk(full, name);
    if (file) {
      const etag = `"${file.size.toString(16)}-${Math.floor(file.modified).toString(16)}"`;
      const modified = new Date(file.modified).toUTCString();
      const facts = { size: file.size, etag, headers: { ...headers, 'last-modified': modified } };
      const reply = fileReply(req, facts);
      return { kind: 'file', path: name, reply, file, where: ['resolve', 'file'] };
    }
    if (manifest && /^[^/]+\/candor\.json$/.test(name)) {
      const list = await folderManifest(path.dirname(full)).catch(() => undefined);
      if (list) return { kind: 'other', reply: textReply(200, headers, JSON.stringify(list)) };
    }
    const reply = textReply(404, { ...headers, 'content-type': 'text/plain' }, 'Not found');
    missing = { kind: 'other', path: name, reply, where: ['resolve', 'file'] };
  }
  return missing;
}

/**
 * @param {import('./hub.js').HubOptions} options
 * @returns {Record<string, string>}
 */
function caching({ cacheable = false }) {
  return { 'cache-control': cacheable ? 'public, max-age=31536000' : 'no-store' };
}

/**
 * @param {string} revision
 * @param {string} commit
 */
function isRevision(revision, commit) {
  return revision === 'main' || revision === commit;
}

/**
 * @param {string} pathname
 * @returns {string | undefined} undefined where the percent signs make no sense
 */
function decodePath(pathname) {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
}
