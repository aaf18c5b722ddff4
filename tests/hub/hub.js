// The test hub: the Hugging Face Hub's behaviour over HTTP on two local ports, with rates, faults and a ledger.

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { Limiter } from './access.js';
import { control } from './control.js';
import { FaultSet, matchesPath, parseFaults } from './faults.js';
import { Ledger } from './ledger.js';
import { Link, parseRate } from './rate.js';
import { Signer, textReply } from './resolve.js';
import { answerCdn, answerHub } from './routes.js';
import { send } from './send.js';
import { isNavigation, site, siteHeaders, strictPolicy } from './site.js';
import { Repo } from './tree.js';

/**
 * @typedef {import('node:http').IncomingMessage} IncomingMessage
 * @typedef {import('node:http').ServerResponse} ServerResponse
 * @typedef {import('./faults.js').FaultSpec & Record<string, any>} FaultSpec
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
  #limiter;
  /** @type {import('./site.js').Handler | undefined} */
  #site;
  #siteHeaders = /** @type {Record<string, string>} */ ({});

  /** @param {HubOptions} options */
  constructor(options) {
    this.#options = options;
    this.#limiter = new Limiter(options.limits ?? {});
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
    this.#limiter.clear();
    this.setOffline(false);
    this.resume();
  }

  /** @returns {import('./routes.js').Context} */
  #context() {
    return {
      options: this.#options,
      repos: this.#repos,
      faults: this.faults,
      signer: this.#signer,
      limiter: this.#limiter,
      origin: this.origin,
      cdnOrigin: this.cdnOrigin,
      siteHeaders: this.#siteHeaders,
    };
  }

  /**
   * @param {'hub' | 'cdn'} host
   * @param {IncomingMessage} req
   * @param {ServerResponse} res
   */
  async #serve(host, req, res) {
    const url = new URL(req.url ?? '/', host === 'hub' ? this.origin : this.cdnOrigin);
    if (host === 'hub' && url.pathname.startsWith('/__hub/')) {
      return control(this, url.pathname.slice('/__hub/'.length), req, res);
    }
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
      const answer = host === 'cdn' ? answerCdn : answerHub;
      const given = await answer(this.#context(), url, req);
      if (given) await this.#send(res, entry, given);
      else await this.#page(url, req, res, entry);
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
  async #page(url, req, res, entry) {
    entry.kind = 'site';
    if (this.#options.pageControls && isNavigation(req)) {
      try {
        this.#followPage(url);
      } catch (error) {
        const text = `${/** @type {Error} */ (error).message}\n`;
        const reply = textReply(400, this.#siteHeaders, text);
        return this.#send(res, entry, { kind: 'site', reply });
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
   * @param {import('./routes.js').Answer} answer
   */
  async #send(res, entry, { kind, path = '', reply, file, where, faults = [] }) {
    entry.kind = kind;
    entry.path = path;
    entry.faults.push(...faults);
    const met = this.faults.onReply(reply, {
      where: where ?? [kind],
      path,
      request: { url: entry.url, ranged: entry.range !== null, flowing: this.#running.size },
    });
    entry.faults.push(...met.applied);
    entry.status = met.reply.status;
    const carries = kind === 'file' && !met.reply.literal;
    const own = met.reply.rate === undefined ? [] : [new Link(met.reply.rate)];
    if (carries) {
      this.#running.set(res, entry);
      this.ledger.started();
    }
    try {
      entry.done = await send(res, met.reply, file, {
        links: () => (carries ? [...own, ...this.#linksOf(res)] : []),
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
