// The test hub: the Hugging Face Hub's behaviour over HTTP on two local ports, with rates, faults and a ledger.

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import path from 'node:path';
import { FAULTS, FaultSet, matchesPath, parseFaults } from './faults.js';
import { fileOnDisk } from './files.js';
import { Ledger } from './ledger.js';
import { Link, parseRate } from './rate.js';
import {
  CDN_HEADERS,
  Signer,
  errorReply,
  fileReply,
  hubHeaders,
  resolveReply,
  textReply,
  typeOf,
} from './resolve.js';
import { send } from './send.js';
import { isNavigation, site, siteHeaders, strictPolicy } from './site.js';
import { Repo, folderManifest, treePage } from './tree.js';

/**
 * @typedef {import('node:http').IncomingMessage} IncomingMessage
 * @typedef {import('node:http').ServerResponse} ServerResponse
 * @typedef {import('./faults.js').Reply} Reply
 * @typedef {import('./faults.js').Where} Where
 * @typedef {import('./faults.js').FaultSpec & Record<string, any>} FaultSpec
 * @typedef {import('./files.js').ModelFile} ModelFile
 * @typedef {import('./tree.js').ModelSpec} ModelSpec
 * @typedef {import('./ledger.js').Entry} Entry
 *
 * @typedef {object} HubOptions
 * @property {Record<string, string | ModelSpec>} [models] owner/name to a folder or a ModelSpec
 * @property {Record<string, string | { dir: string, manifest?: boolean }>} [folders] URL prefix to a plain folder of
 *   models, without API but with rate and faults; `manifest` answers `candor.json` for each first-level folder that
 *   has no such file of its own
 * @property {Record<string, string | string[]>} [mounts] URL prefix to folders of the static site, without rate and
 *   faults
 * @property {number} [rate] bytes per second of all replies together; absent: unlimited
 * @property {number} [perConnectionRate] bytes per second of each connection
 * @property {FaultSpec | FaultSpec[]} [fault]
 * @property {number} [port] 0, the default, takes a free one
 * @property {number} [cdnPort]
 * @property {boolean | string} [csp] true: the strict policy; a string: that one; default none
 * @property {string[]} [connectSrc] further origins for the strict policy
 * @property {boolean} [isolation] COOP and COEP, so that pages are cross-origin isolated
 * @property {boolean} [pageControls] `?rate=` and `?fault=` of the page that a visitor opens hold until the next page
 *   is opened
 * @property {number} [pageSize] entries of one page of the tree; default 1000
 * @property {number} [lifetime] seconds a signed address is good for; default 3600
 * @property {boolean} [cacheable] files may be kept by HTTP caches; default false: no-store
 * @property {boolean} [gzip] small files come gzipped without a length where the client takes that; default true
 * @property {string} [token] the bearer token that opens gated models; default 'hf_test'
 * @property {{ api?: number, resolvers?: number, window?: number }} [limits] requests per window (seconds, default
 *   300); beyond them 429. Default none
 */

/** A running hub. `createHub` makes one. */
export class Hub {
  /** What is set to go wrong. */
  faults = new FaultSet();
  /** What was asked and sent. */
  ledger = new Ledger();
  /** @type {Error[]} what went wrong in the hub itself; a test may demand that this is empty */
  errors = [];

  #options;
  #signer = new Signer(randomBytes(16).toString('hex'));
  /** @type {Map<string, Repo>} */
  #repos = new Map();
  #hubServer = createServer((req, res) => this.#serve('hub', req, res));
  #cdnServer = createServer((req, res) => this.#serve('cdn', req, res));
  #ports = { hub: 0, cdn: 0 };
  #total = new Link(undefined);
  /** @type {number | undefined} */
  #perConnectionRate;
  /** @type {WeakMap<object, Link>} */
  #connectionLinks = new WeakMap();
  /** @type {WeakMap<object, number>} */
  #connectionIds = new WeakMap();
  #connections = 0;
  #offline = false;
  /** @type {NodeJS.Timeout | undefined} */
  #backOnline;
  /** @type {{ promise: Promise<void>, open: () => void } | undefined} */
  #gate;
  /** @type {Map<ServerResponse, Entry>} replies with file bytes under way */
  #running = new Map();
  /** @type {Map<string, { count: number, endsAt: number }>} */
  #windows = new Map();
  /** @type {import('./site.js').Handler | undefined} */
  #site;
  #siteHeaders = /** @type {Record<string, string>} */ ({});

  /** @param {HubOptions} options */
  constructor(options) {
    this.#options = options;
    for (const [name, spec] of Object.entries(options.models ?? {})) this.setModel(name, spec);
    for (const fault of [options.fault ?? []].flat()) this.setFault(fault);
    this.setRate(options);
    for (const server of [this.#hubServer, this.#cdnServer]) {
      server.keepAliveTimeout = 60_000;
      server.on('connection', (socket) => {
        this.#connections += 1;
        this.#connectionIds.set(socket, this.#connections);
      });
    }
  }

  /** The Hub's address, which is also the site's; `http://127.0.0.1:PORT` */
  get origin() {
    return `http://127.0.0.1:${this.#ports.hub}`;
  }

  /** The same server under another origin, for pages that must be of another origin than the Hub. */
  get otherOrigin() {
    return `http://localhost:${this.#ports.hub}`;
  }

  /** Where the signed addresses point. */
  get cdnOrigin() {
    return `http://127.0.0.1:${this.#ports.cdn}`;
  }

  /** Listens; after `stop`, on the same ports as before. */
  async start() {
    const { port = 0, cdnPort = 0 } = this.#options;
    await listen(this.#cdnServer, this.#ports.cdn || cdnPort);
    await listen(this.#hubServer, this.#ports.hub || port);
    this.#ports = { hub: portOf(this.#hubServer), cdn: portOf(this.#cdnServer) };
    const { mounts, csp, connectSrc = [], isolation = false } = this.#options;
    const policy =
      csp === true
        ? strictPolicy([this.origin, this.otherOrigin, this.cdnOrigin, ...connectSrc])
        : csp || undefined;
    this.#siteHeaders = siteHeaders({ csp: policy, isolation });
    this.#site = mounts && site(mounts, this.#siteHeaders);
  }

  /** As if the process were killed: every connection is reset, and new ones are refused. */
  async stop() {
    const closed = [this.#hubServer, this.#cdnServer]
      .filter((server) => server.listening)
      .map((server) => new Promise((resolve) => server.close(resolve)));
    this.#hubServer.closeAllConnections();
    this.#cdnServer.closeAllConnections();
    await Promise.all(closed);
  }

  /** Ends the hub. */
  async close() {
    clearTimeout(this.#backOnline);
    this.resume();
    await this.stop();
  }

  /**
   * @param {string} name owner/name
   * @param {string | ModelSpec | undefined} spec undefined removes the model; another one is a new commit
   */
  setModel(name, spec) {
    if (spec === undefined) this.#repos.delete(name);
    else this.#repos.set(name, new Repo(name, typeof spec === 'string' ? { dir: spec } : spec));
  }

  /**
   * @param {FaultSpec | string} spec an object, or the text of a `?fault=`
   * @returns {import('./faults.js').ActiveFault} the (last) fault, with its counters
   * @throws {Error} where there is no such fault
   */
  setFault(spec) {
    const specs = typeof spec === 'string' ? parseFaults(spec) : [spec];
    return specs.map((one) => this.faults.add(one))[specs.length - 1];
  }

  /** Nothing goes wrong any more; what has begun to go wrong still does. */
  clearFaults() {
    this.faults.clear();
  }

  /** @param {{ rate?: number, perConnectionRate?: number } | string} rates bytes per second, or `2MB/s,500kB/s/conn` */
  setRate(rates) {
    const { rate, perConnectionRate } = typeof rates === 'string' ? parseRate(rates) : rates;
    this.#total = new Link(rate);
    this.#perConnectionRate = perConnectionRate;
    this.#connectionLinks = new WeakMap();
  }

  /**
   * Drops the connections that carry file bytes now.
   * @param {string} [glob] only those of such files
   * @returns {number} how many
   */
  drop(glob) {
    const hit = [...this.#running].filter(
      ([, entry]) => glob === undefined || matchesPath(glob, entry.path),
    );
    for (const [res] of hit) res.socket?.destroy();
    return hit.length;
  }

  /** No body goes on until `resume`; connections stay open. */
  pause() {
    if (this.#gate) return;
    let open = () => {};
    const promise = new Promise((/** @type {(value: void) => void} */ resolve) => (open = resolve));
    this.#gate = { promise, open };
  }

  resume() {
    this.#gate?.open();
    this.#gate = undefined;
  }

  /** @param {boolean} offline true: every connection breaks, and every request but the control ones breaks at once */
  setOffline(offline) {
    clearTimeout(this.#backOnline);
    this.#offline = offline;
    if (!offline) return;
    this.#hubServer.closeAllConnections();
    this.#cdnServer.closeAllConnections();
  }

  /** No faults, no counts, the rates of the options, online and flowing. */
  reset() {
    this.clearFaults();
    this.ledger.clear();
    this.setRate(this.#options);
    this.#windows.clear();
    this.setOffline(false);
    this.resume();
  }

  /**
   * @param {'hub' | 'cdn'} host
   * @param {IncomingMessage} req
   * @param {ServerResponse} res
   */
  async #serve(host, req, res) {
    const url = new URL(req.url ?? '/', host === 'hub' ? this.origin : this.cdnOrigin);
    if (host === 'hub' && url.pathname.startsWith('/__hub/')) return this.#control(url, req, res);
    const entry = this.ledger.open({
      method: req.method ?? '',
      host,
      url: req.url ?? '',
      kind: req.method === 'OPTIONS' ? 'preflight' : 'other',
      path: '',
      range: req.headers.range ?? null,
      origin: req.headers.origin ?? null,
      connection: this.#connectionIds.get(req.socket) ?? 0,
    });
    res.once('close', () => (entry.closed = true));
    if (this.#offline) return req.socket.destroy();
    try {
      if (host === 'cdn') await this.#cdn(url, req, res, entry);
      else await this.#route(url, req, res, entry);
    } catch (error) {
      this.errors.push(/** @type {Error} */ (error));
      console.error(error);
      res.socket?.destroy();
    }
    entry.status = res.statusCode;
  }

  /**
   * @param {URL} url
   * @param {IncomingMessage} req
   * @param {ServerResponse} res
   * @param {Entry} entry
   */
  async #route(url, req, res, entry) {
    const headers = hubHeaders(req, this.origin);
    const pathname = decodePath(url.pathname);
    if (pathname === undefined)
      return this.#send(res, entry, errorReply(400, headers, '', 'Bad path'));
    if (req.method === 'OPTIONS') {
      return this.#send(res, entry, textReply(204, { ...headers, ...preflightHeaders(req) }, ''));
    }
    const api =
      /^\/api\/models\/((?:[^/]+\/)?[^/]+?)(?:\/(tree|revision)\/([^/]+)(?:\/(.*))?)?$/.exec(
        pathname,
      );
    if (api) return this.#api(api, url, req, res, entry, headers);
    const small = /^\/api\/resolve-cache\/models\/([^/]+\/[^/]+)\/([^/]+)\/(.+)$/.exec(pathname);
    if (small) return this.#small(small, req, res, entry, headers);
    const resolve = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(pathname);
    if (resolve) return this.#resolve(resolve, req, res, entry, headers);
    if (await this.#folder(pathname, req, res, entry)) return;
    await this.#page(url, req, res, entry);
  }

  /**
   * @param {string[]} match
   * @param {URL} url
   * @param {IncomingMessage} req
   * @param {ServerResponse} res
   * @param {Entry} entry
   * @param {Record<string, string>} headers
   */
  async #api(
    [, name, call = 'revision', revision = 'main', under = ''],
    url,
    req,
    res,
    entry,
    headers,
  ) {
    entry.kind = call === 'tree' ? 'tree' : 'revision';
    const refused = this.#limit('api', headers) ?? this.#closed(name, req, headers, true);
    if (refused) return this.#send(res, entry, refused);
    const snapshot = await this.#repos.get(name)?.snapshot();
    if (!snapshot || !isRevision(revision, snapshot.commit)) {
      const text = `Invalid rev id: ${revision}`;
      return this.#send(res, entry, errorReply(404, headers, 'RevisionNotFound', text, true));
    }
    /** @param {unknown} value */
    const json = (value) =>
      textReply(
        200,
        { ...headers, 'content-type': 'application/json; charset=utf-8' },
        JSON.stringify(value),
      );
    if (call === 'revision') {
      const siblings = [...snapshot.files.keys()].map((rfilename) => ({ rfilename }));
      const { gated = false } = this.#repos.get(name)?.spec ?? {};
      return this.#send(
        res,
        entry,
        json({ id: name, modelId: name, sha: snapshot.commit, private: false, gated, siblings }),
      );
    }
    const { tree, endless, applied } = this.faults.onTree(snapshot.entries);
    entry.faults.push(...applied);
    if (typeof tree === 'string') {
      return this.#send(
        res,
        entry,
        textReply(200, { ...headers, 'content-type': 'text/html' }, tree),
      );
    }
    const { page, next } = treePage(tree, url, under, this.#options.pageSize ?? 1000);
    if (under && page.length === 0) {
      const text = `${under} does not exist on "${revision}"`;
      return this.#send(res, entry, errorReply(404, headers, 'EntryNotFound', text, true));
    }
    const link = endless ? url.href : next;
    if (link) headers = { ...headers, link: `<${link}>; rel="next"` };
    return this.#send(res, entry, json(page));
  }

  /**
   * @param {string[]} match
   * @param {IncomingMessage} req
   * @param {ServerResponse} res
   * @param {Entry} entry
   * @param {Record<string, string>} headers
   */
  async #resolve([, name, revision, file], req, res, entry, headers) {
    entry.kind = 'resolve';
    entry.path = file;
    const refused = this.#limit('resolvers', headers) ?? this.#closed(name, req, headers, false);
    if (refused) return this.#send(res, entry, refused);
    const snapshot = await this.#repos.get(name)?.snapshot();
    if (!snapshot || !isRevision(revision, snapshot.commit)) {
      const text = `Invalid rev id: ${revision}`;
      return this.#send(res, entry, errorReply(404, headers, 'RevisionNotFound', text));
    }
    const found = snapshot.files.get(file);
    if (!found) {
      const commit = { ...headers, 'x-repo-commit': snapshot.commit };
      return this.#send(res, entry, errorReply(404, commit, 'EntryNotFound', 'Entry not found'));
    }
    return this.#send(
      res,
      entry,
      resolveReply({
        repo: name,
        commit: snapshot.commit,
        found,
        cdnOrigin: this.cdnOrigin,
        signer: this.#signer,
        lifetime: this.#options.lifetime ?? 3600,
        headers,
      }),
    );
  }

  /**
   * A small file where the Hub's own redirect points.
   * @param {string[]} match
   * @param {IncomingMessage} req
   * @param {ServerResponse} res
   * @param {Entry} entry
   * @param {Record<string, string>} headers
   */
  async #small([, name, commit, file], req, res, entry, headers) {
    entry.kind = 'file';
    entry.path = file;
    const refused = this.#closed(name, req, headers, false);
    if (refused) return this.#send(res, entry, refused);
    const snapshot = await this.#repos.get(name)?.snapshot();
    const found = snapshot?.commit === commit ? snapshot.files.get(file) : undefined;
    if (!found)
      return this.#send(res, entry, errorReply(404, headers, 'EntryNotFound', 'Entry not found'));
    const reply = fileReply(req, {
      size: found.file.size,
      etag: `"${found.oid}"`,
      headers: {
        ...headers,
        'content-type': 'text/plain; charset=utf-8',
        'x-repo-commit': commit,
        ...this.#caching(),
      },
    });
    const zips = /\bgzip\b/.test(String(req.headers['accept-encoding']));
    if (reply.status === 200 && zips && this.#options.gzip !== false && found.file.size > 0) {
      delete reply.headers['content-length'];
      reply.headers['content-encoding'] = 'gzip';
      reply.headers.etag = `W/"${found.oid}"`;
      reply.gzip = true;
    }
    return this.#send(res, entry, reply, found.file);
  }

  /**
   * @param {URL} url
   * @param {IncomingMessage} req
   * @param {ServerResponse} res
   * @param {Entry} entry
   */
  async #cdn(url, req, res, entry) {
    if (req.method === 'OPTIONS') {
      return this.#send(res, entry, textReply(403, {}, 'This CDN answers no preflight.'));
    }
    entry.kind = 'file';
    const [, owner, name, commit, sha256, ...rest] = (decodePath(url.pathname) ?? '').split('/');
    entry.path = rest.join('/');
    const signature = this.#signer.check(url);
    if (signature !== 'good') {
      const text =
        signature === 'expired'
          ? 'Request has expired'
          : 'The signature does not match the address';
      const body = `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>${text}</Message></Error>`;
      const headers = { ...CDN_HEADERS, 'content-type': 'application/xml' };
      return this.#send(res, entry, textReply(403, headers, body));
    }
    const snapshot = await this.#repos.get(`${owner}/${name}`)?.snapshot();
    const found = snapshot?.commit === commit ? snapshot.files.get(entry.path) : undefined;
    if (found?.sha256 !== sha256 || !found) {
      return this.#send(res, entry, textReply(404, CDN_HEADERS, 'No such object'));
    }
    const reply = fileReply(req, {
      size: found.file.size,
      etag: `"${found.xetHash}"`,
      headers: {
        ...CDN_HEADERS,
        'content-type': 'application/octet-stream',
        'last-modified': new Date(found.file.modified).toUTCString(),
        ...this.#caching(),
      },
    });
    return this.#send(res, entry, reply, found.file);
  }

  /**
   * A plain folder, as any static server has it.
   * @param {string} pathname decoded
   * @param {IncomingMessage} req
   * @param {ServerResponse} res
   * @param {Entry} entry
   * @returns {Promise<boolean>} false where no folder has such a file
   */
  async #folder(pathname, req, res, entry) {
    for (const [prefix, spec] of Object.entries(this.#options.folders ?? {})) {
      const root = `${prefix.replace(/\/+$/, '')}/`;
      if (!pathname.startsWith(root)) continue;
      const { dir, manifest = false } = typeof spec === 'string' ? { dir: spec } : spec;
      const name = pathname.slice(root.length);
      const full = path.join(dir, name);
      if (!full.startsWith(path.resolve(dir) + path.sep) || name.split('/').includes('..'))
        continue;
      const file = await fileOnDisk(full, name);
      const headers = {
        ...this.#siteHeaders,
        'access-control-allow-origin': '*',
        'cross-origin-resource-policy': 'cross-origin',
        'content-type': typeOf(name),
        ...this.#caching(),
      };
      if (file) {
        entry.kind = 'file';
        entry.path = name;
        const etag = `"${file.size.toString(16)}-${Math.floor(file.modified).toString(16)}"`;
        const modified = new Date(file.modified).toUTCString();
        const facts = { size: file.size, etag, headers: { ...headers, 'last-modified': modified } };
        await this.#send(res, entry, fileReply(req, facts), file, ['resolve', 'file']);
        return true;
      }
      if (manifest && /^[^/]+\/candor\.json$/.test(name)) {
        const list = await folderManifest(path.dirname(full)).catch(() => undefined);
        if (!list) continue;
        await this.#send(res, entry, textReply(200, headers, JSON.stringify(list)));
        return true;
      }
    }
    return false;
  }

  /**
   * @param {URL} url
   * @param {IncomingMessage} req
   * @param {ServerResponse} res
   * @param {Entry} entry
   */
  async #page(url, req, res, entry) {
    entry.kind = 'site';
    if (this.#options.pageControls && isNavigation(req)) {
      try {
        this.#followPage(url);
      } catch (error) {
        const text = `${/** @type {Error} */ (error).message}\n`;
        return this.#send(res, entry, textReply(400, this.#siteHeaders, text));
      }
    }
    const missing = () => {
      res.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
      res.end('Not found\n');
    };
    if (this.#site) this.#site(req, res, missing);
    else missing();
  }

  /** @param {URL} url of the page a visitor opens */
  #followPage(url) {
    const rate = url.searchParams.get('rate');
    const fault = url.searchParams.getAll('fault').join(';');
    const rates = rate ? parseRate(rate) : this.#options;
    const specs = fault ? parseFaults(fault) : [];
    this.setRate(rates);
    this.faults.clear('page');
    for (const spec of specs) this.faults.add(spec, 'page');
  }

  /**
   * @param {ServerResponse} res
   * @param {Entry} entry
   * @param {Reply} reply
   * @param {ModelFile} [file]
   * @param {Where[]} [where] default: where the entry says
   */
  async #send(res, entry, reply, file, where) {
    const { kind } = entry;
    const place =
      where ??
      (kind === 'tree' || kind === 'revision' || kind === 'resolve' || kind === 'file'
        ? [kind]
        : []);
    const met = this.faults.onReply(reply, {
      where: place,
      path: entry.path,
      request: { url: entry.url, ranged: entry.range !== null },
    });
    entry.faults.push(...met.applied);
    entry.status = met.reply.status;
    const carries = kind === 'file' && !met.reply.literal;
    if (carries) {
      this.#running.set(res, entry);
      this.ledger.started();
    }
    try {
      entry.done = await send(res, met.reply, file, {
        links: () => (carries ? this.#linksOf(res) : []),
        gate: () => this.#gate?.promise,
        sent: (bytes) => (entry.sent += bytes),
        offline: (ms) => {
          this.setOffline(true);
          this.#backOnline = setTimeout(() => this.setOffline(false), ms);
        },
      });
    } finally {
      if (carries) {
        met.reached(met.reply.start + entry.sent);
        this.#running.delete(res);
        this.ledger.finished();
      }
    }
  }

  /** @param {ServerResponse} res */
  #linksOf(res) {
    if (this.#perConnectionRate === undefined || !res.socket) return [this.#total];
    let link = this.#connectionLinks.get(res.socket);
    if (!link) {
      link = new Link(this.#perConnectionRate);
      this.#connectionLinks.set(res.socket, link);
    }
    return [this.#total, link];
  }

  /** @returns {Record<string, string>} */
  #caching() {
    return {
      'cache-control': this.#options.cacheable ? 'public, max-age=31536000' : 'no-store',
    };
  }

  /**
   * @param {string} name
   * @param {IncomingMessage} req
   * @param {Record<string, string>} headers
   * @param {boolean} json
   * @returns {Reply | undefined} the refusal, if the request may not see the repository
   */
  #closed(name, req, headers, json) {
    const repo = this.#repos.get(name);
    const { authorization } = req.headers;
    if (!repo) {
      // To the anonymous the Hub does not tell whether a repository is private or missing.
      const status = authorization ? 404 : 401;
      const text = authorization ? 'Repository not found' : 'Invalid username or password.';
      return errorReply(status, headers, 'RepoNotFound', text, json);
    }
    if (!repo.spec.gated || authorization === `Bearer ${this.#options.token ?? 'hf_test'}`) return;
    return authorization
      ? errorReply(
          403,
          headers,
          'GatedRepo',
          `Access to model ${name} is restricted and you are not in the authorized list.`,
          json,
        )
      : errorReply(
          401,
          headers,
          'GatedRepo',
          `Access to model ${name} is restricted. Please log in.`,
          json,
        );
  }

  /**
   * @param {'api' | 'resolvers'} kind
   * @param {Record<string, string>} headers gains the RateLimit headers
   * @returns {Reply | undefined} 429 beyond the limit
   */
  #limit(kind, headers) {
    const { [kind]: quota, window = 300 } = this.#options.limits ?? {};
    if (quota === undefined) return undefined;
    const now = performance.now();
    let state = this.#windows.get(kind);
    if (!state || state.endsAt <= now) {
      state = { count: 0, endsAt: now + window * 1000 };
      this.#windows.set(kind, state);
    }
    state.count += 1;
    const left = Math.max(0, quota - state.count);
    const seconds = Math.ceil((state.endsAt - now) / 1000);
    headers.ratelimit = `"${kind}";r=${left};t=${seconds}`;
    headers['ratelimit-policy'] = `"fixed window";"${kind}";q=${quota};w=${window}`;
    if (state.count <= quota) return undefined;
    const text = 'We had to rate limit your IP.';
    return errorReply(
      429,
      { ...headers, 'retry-after': String(seconds) },
      '',
      text,
      kind === 'api',
    );
  }

  /**
   * The control endpoint, for tests that hold the hub in another process: GET state, ledger, faults; POST fault, rate,
   * clear, drop, pause, resume, offline, stop, reset. Bodies are JSON, so that no page of another origin can post.
   * @param {URL} url
   * @param {IncomingMessage} req
   * @param {ServerResponse} res
   */
  async #control(url, req, res) {
    const call = `${req.method} ${url.pathname.slice('/__hub/'.length)}`;
    /** @type {Record<string, (body: any) => unknown>} */
    const calls = {
      'GET state': () => ({
        origin: this.origin,
        cdnOrigin: this.cdnOrigin,
        faults: this.faults.active,
        errors: this.errors.map(String),
        peakReplies: this.ledger.peakReplies,
        preflights: this.ledger.preflights.length,
        bytes: this.ledger.bytes(),
      }),
      'GET ledger': () => this.ledger.entries,
      'GET faults': () =>
        Object.entries(FAULTS).map(([name, { where, says, defaults }]) => ({
          name,
          where,
          says,
          defaults,
        })),
      'POST fault': (body) => this.setFault(body),
      'POST rate': (body) => this.setRate(body),
      'POST clear': () => this.clearFaults(),
      'POST drop': ({ path: glob }) => ({ dropped: this.drop(glob) }),
      'POST pause': () => this.pause(),
      'POST resume': () => this.resume(),
      'POST offline': ({ offline = true }) => this.setOffline(offline),
      'POST reset': () => this.reset(),
      'POST stop': ({ ms = 1000 }) => {
        // After this reply is out.
        res.once('finish', async () => {
          await this.stop();
          setTimeout(() => this.start(), ms);
        });
      },
    };
    try {
      if (!calls[call]) throw new Error(`There are: ${Object.keys(calls).join(', ')}.`);
      if (
        req.method === 'POST' &&
        !/^application\/json\b/.test(req.headers['content-type'] ?? '')
      ) {
        throw new Error('Post JSON, with its content type.');
      }
      /** @type {Buffer[]} */
      const pieces = [];
      for await (const piece of req) pieces.push(piece);
      const text = Buffer.concat(pieces).toString();
      const answer = calls[call](text ? JSON.parse(text) : {}) ?? {};
      res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      res.end(JSON.stringify(answer));
    } catch (error) {
      res.writeHead(400, { 'content-type': 'application/json' });
      res.end(JSON.stringify({ error: /** @type {Error} */ (error).message }));
    }
  }
}

/**
 * Starts a hub on 127.0.0.1.
 *
 * @param {HubOptions} [options]
 * @returns {Promise<Hub>}
 */
export async function createHub(options = {}) {
  const hub = new Hub(options);
  await hub.start();
  return hub;
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

/**
 * @param {IncomingMessage} req
 * @returns {Record<string, string>}
 */
function preflightHeaders(req) {
  return {
    'access-control-allow-methods': 'GET,HEAD,PUT,PATCH,POST,DELETE',
    'access-control-allow-headers': String(req.headers['access-control-request-headers'] ?? ''),
  };
}

/**
 * @param {import('node:http').Server} server
 * @param {number} port
 * @returns {Promise<void>}
 */
function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** @param {import('node:http').Server} server */
function portOf(server) {
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}
