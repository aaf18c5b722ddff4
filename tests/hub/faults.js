// Everything that can go wrong on the way, by name. FAULTS is the table; each row is a pure function over the reply
// that would have been sent, or over the tree.

import { isLfs } from './tree.js';

/**
 * Where a request stands: the tree API, the revision API, /resolve (which redirects), or the reply with the bytes. A
 * plain folder has no /resolve, so faults of both kinds meet its one reply.
 * @typedef {'tree' | 'revision' | 'resolve' | 'file'} Where
 *
 * A reply that is about to be sent. Offsets are offsets in the file, so that a fault at 50 % happens in whichever
 * range carries that byte.
 * @typedef {object} Reply
 * @property {number} status
 * @property {Record<string, string>} headers lower-case names
 * @property {number} start first byte of the file in the body
 * @property {number} end one past the last
 * @property {number} size the file's size
 * @property {Buffer} [literal] a body that is not the file
 * @property {{ at: number, how: 'close' | 'reset' | 'end', offlineFor?: number }} [cut] stop before this byte:
 *   close the connection, reset it, or end the body as if it were whole; the whole hub may be gone for some ms then
 * @property {{ at: number, ms: number }} [stall] wait before this byte
 * @property {number} [waitBefore] ms before the headers
 * @property {{ at: number, mask: number }[]} [flips]
 * @property {number} [mask] every byte of the body is xor-ed with this
 * @property {number} [extra] bytes sent after the end
 * @property {boolean} [gzip]
 * @property {number} [rate] bytes per second of this reply alone
 *
 * @typedef {object} Request
 * @property {string} url path and query as asked for
 * @property {boolean} ranged whether it asks for a range
 * @property {number} flowing other bodies with file bytes that are under way
 *
 * @typedef {Record<string, any>} Params
 *
 * @typedef {object} Fault
 * @property {Where} where
 * @property {string} says one line for people
 * @property {Params} [defaults]
 * @property {(reply: Reply, params: Params, request: Request) => Reply | undefined} [reply] undefined: not in this one
 * @property {boolean} [placed] it happens at one byte, and only counts when the reply comes that far
 * @property {(entries: any[], params: Params) => any} [tree]
 *
 * @typedef {object} FaultSpec
 * @property {string} name a row of FAULTS
 * @property {string} [path] a glob (`*`, `**`) that the end of the file's path must match; default: weight files only
 * @property {number | null} [times] how often it happens; default 1, null for ever
 * @property {number} [skip] how many matching requests pass before the first
 * @property {number} [every] then only each so-many-th request
 * @property {Where} [where] instead of the row's own
 */

/**
 * @param {Reply} reply
 * @param {Params} params `after` (bytes into this reply), or `at`: an offset in the file, a percentage such as '50%',
 *   'last', or a negative offset from the end
 * @returns {number | undefined} the offset in the file, if this reply carries it
 */
function place(reply, params) {
  const { at, after } = params;
  const offset = () => {
    if (after !== undefined) return reply.start + after;
    if (at === 'last') return reply.size - 1;
    if (typeof at === 'string') return Math.floor((reply.size * parseFloat(at)) / 100);
    return at < 0 ? reply.size + at : at;
  };
  const found = offset();
  return found >= reply.start && found < reply.end ? found : undefined;
}

/**
 * @param {Reply} reply
 * @param {Record<string, string | undefined>} changes undefined removes the header
 * @returns {Reply}
 */
function withHeaders(reply, changes) {
  /** @type {Record<string, string>} */
  const headers = {};
  for (const [name, value] of Object.entries({ ...reply.headers, ...changes })) {
    if (value !== undefined) headers[name] = value;
  }
  return { ...reply, headers };
}

/**
 * @param {Reply} reply
 * @param {number} status
 * @param {string} text
 * @param {Record<string, string>} [headers]
 * @returns {Reply} an answer that is not the file; CORS headers stay
 */
function instead(reply, status, text, headers = {}) {
  const literal = Buffer.from(text);
  const kept = Object.entries(reply.headers).filter(([name]) =>
    /^(access-control|vary)/.test(name),
  );
  return {
    status,
    headers: {
      ...Object.fromEntries(kept),
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(literal.length),
      ...headers,
    },
    start: 0,
    end: 0,
    size: reply.size,
    literal,
  };
}

/** @type {(status: number, text: string, where: Where, code?: string) => Fault} */
const status = (number, text, where, code) => ({
  where,
  says: `${number}${code ? ` with X-Error-Code ${code}` : ''}`,
  reply: (reply) =>
    instead(reply, number, text, code ? { 'x-error-code': code, 'x-error-message': text } : {}),
});

/** @type {(change: (entry: any, params: Params) => any[]) => (entries: any[], params: Params) => any[]} */
const onEntry = (change) => (entries, params) => {
  const index = entries.findIndex((entry) =>
    params.entry ? entry.path === params.entry : entry.lfs,
  );
  return index < 0 ? entries : entries.toSpliced(index, 1, ...change(entries[index], params));
};

/** @type {Record<string, Fault>} */
export const FAULTS = {
  // Connections
  drop: {
    where: 'file',
    placed: true,
    says: 'the connection closes before a byte: at (offset, "50%", "last", -n) or after (bytes of the reply); reset: true for RST',
    defaults: { at: '50%' },
    reply(reply, params) {
      const at = place(reply, params);
      return at === undefined
        ? undefined
        : { ...reply, cut: { at, how: params.reset ? 'reset' : 'close' } };
    },
  },
  outage: {
    where: 'file',
    placed: true,
    says: 'before a byte (at or after, as in drop) every connection breaks, and none succeeds for ms',
    defaults: { at: '50%', ms: 10_000 },
    reply(reply, params) {
      const at = place(reply, params);
      return at === undefined
        ? undefined
        : { ...reply, cut: { at, how: 'close', offlineFor: params.ms } };
    },
  },
  'drop-every': {
    where: 'file',
    placed: true,
    says: 'every connection closes after so many bytes',
    defaults: { after: 64 * 1024, times: null },
    reply: (reply, params) =>
      FAULTS.drop.reply?.(reply, params, { url: '', ranged: false, flowing: 0 }),
  },
  stall: {
    where: 'file',
    placed: true,
    says: 'no byte for ms (null: for ever) before a byte: at or after, as in drop; skip: k for the k+1st reply only',
    defaults: { at: '50%', ms: null },
    reply(reply, params) {
      const at = place(reply, params);
      return at === undefined ? undefined : { ...reply, stall: { at, ms: params.ms ?? Infinity } };
    },
  },
  hang: {
    where: 'file',
    says: 'no headers for ms (null: for ever)',
    defaults: { ms: null },
    reply: (reply, params) => ({ ...reply, waitBefore: params.ms ?? Infinity }),
  },

  // Statuses
  status: {
    where: 'file',
    says: 'any status: code, body, message (X-Error-Message) and retryAfter (seconds)',
    defaults: { code: 503, body: 'Service Unavailable' },
    reply: (reply, { code, body, message, retryAfter }) =>
      instead(reply, code, body, {
        ...(message !== undefined && { 'x-error-message': message }),
        ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
      }),
  },
  500: status(500, 'Internal Server Error', 'file'),
  502: status(502, 'Bad Gateway', 'file'),
  503: status(503, 'Service Unavailable', 'file'),
  429: {
    where: 'resolve',
    says: '429 with Retry-After in seconds (retryAfter); date: true writes it as an HTTP date; retryAfter: null leaves it out',
    defaults: { retryAfter: 1 },
    reply(reply, { retryAfter, date }) {
      const value = date ? new Date(Date.now() + retryAfter * 1000).toUTCString() : `${retryAfter}`;
      const text =
        'We had to rate limit your IP. To continue using our service, create an account.';
      return instead(reply, 429, text, retryAfter === null ? {} : { 'retry-after': value });
    },
  },
  401: status(401, 'Access to this model is restricted. Please log in.', 'resolve', 'GatedRepo'),
  403: status(403, 'You are not in the authorized list for this model.', 'resolve', 'GatedRepo'),
  404: status(404, 'Entry not found', 'resolve', 'EntryNotFound'),
  416: {
    where: 'file',
    says: '416 to a range that exists',
    reply: (reply) =>
      instead(reply, 416, 'Range Not Satisfiable', { 'content-range': `bytes */${reply.size}` }),
  },

  // Replies that contradict themselves
  'ignore-range': {
    where: 'file',
    says: '200 and the whole file to a range',
    reply: (reply) =>
      reply.status !== 206
        ? undefined
        : withHeaders(
            { ...reply, status: 200, start: 0, end: reply.size },
            { 'content-range': undefined, 'content-length': String(reply.size) },
          ),
  },
  'wrong-total': {
    where: 'file',
    says: 'Content-Range names a total that is off by `by` bytes',
    defaults: { by: 1 },
    reply: (reply, { by }) =>
      reply.status !== 206
        ? undefined
        : withHeaders(reply, {
            'content-range': `bytes ${reply.start}-${reply.end - 1}/${reply.size + by}`,
          }),
  },
  'wrong-start': {
    where: 'file',
    says: 'Content-Range and the bytes are those of a range `by` bytes further on',
    defaults: { by: 1 },
    reply(reply, { by }) {
      if (reply.status !== 206) return undefined;
      const start = Math.min(reply.start + by, reply.size - 1);
      const end = Math.max(start + 1, Math.min(reply.end + by, reply.size));
      return withHeaders(
        { ...reply, start, end },
        {
          'content-range': `bytes ${start}-${end - 1}/${reply.size}`,
          'content-length': String(end - start),
        },
      );
    },
  },
  changed: {
    where: 'file',
    says: 'another content under another ETag from here on (content: false changes the ETag only)',
    defaults: { times: null, content: true },
    reply: (reply, { content }) =>
      withHeaders(content ? { ...reply, mask: 0x5a } : reply, {
        etag: '"changed-in-the-meantime"',
      }),
  },
  short: {
    where: 'file',
    says: 'the body ends early, `by` bytes under its Content-Length; chunked: true ends it cleanly, without a length',
    defaults: { by: 1000 },
    reply(reply, { by, chunked }) {
      const at = Math.max(reply.start, reply.end - by);
      return chunked
        ? withHeaders({ ...reply, cut: { at, how: 'end' } }, { 'content-length': undefined })
        : { ...reply, cut: { at, how: 'close' } };
    },
  },
  longer: {
    where: 'file',
    says: '`by` bytes too many; declared: true counts them in Content-Length, else there is none',
    defaults: { by: 1000 },
    reply: (reply, { by, declared }) =>
      withHeaders(
        { ...reply, extra: by },
        { 'content-length': declared ? String(reply.end - reply.start + by) : undefined },
      ),
  },
  chunked: {
    where: 'file',
    says: 'no Content-Length',
    defaults: { times: null },
    reply: (reply) => withHeaders(reply, { 'content-length': undefined }),
  },
  gzip: {
    where: 'file',
    says: 'gzip with the compressed length as Content-Length; force: true does it to ranges too. Up to 64 MiB',
    defaults: { times: null },
    reply(reply, { force }, { ranged }) {
      if ((ranged && !force) || reply.end - reply.start > 64 * 1024 * 1024) return undefined;
      return withHeaders({ ...reply, gzip: true }, { 'content-encoding': 'gzip' });
    },
  },
  truncated: {
    where: 'file',
    says: 'the file ends at `to` ("50%" or bytes), and all headers agree with that',
    defaults: { to: '50%', times: null },
    reply(reply, { to }) {
      const size =
        typeof to === 'string' ? Math.floor((reply.size * parseFloat(to)) / 100) : Number(to);
      if (reply.status !== 206) {
        return withHeaders({ ...reply, end: size, size }, { 'content-length': String(size) });
      }
      if (reply.start >= size) {
        return instead(reply, 416, 'Range Not Satisfiable', { 'content-range': `bytes */${size}` });
      }
      const end = Math.min(reply.end, size);
      return withHeaders(
        { ...reply, end, size },
        {
          'content-length': String(end - reply.start),
          'content-range': `bytes ${reply.start}-${end - 1}/${size}`,
        },
      );
    },
  },
  html: {
    where: 'file',
    says: '200 and an HTML page instead of the file',
    reply: (reply) =>
      instead(
        reply,
        200,
        '<!doctype html><title>Sign in</title><script>alert(1)</script><p>Please sign in to this network.',
        { 'content-type': 'text/html; charset=utf-8' },
      ),
  },
  'no-cors': {
    where: 'file',
    says: 'no CORS headers, so that a script on another origin sees a network error',
    reply: (reply) =>
      withHeaders(reply, {
        'access-control-allow-origin': undefined,
        'access-control-expose-headers': undefined,
      }),
  },

  hidden: {
    where: 'file',
    says: 'Access-Control-Allow-Origin: * alone, so that a script on another origin sees type and length only',
    defaults: { times: null },
    reply: (reply) =>
      withHeaders(reply, {
        'access-control-allow-origin': '*',
        'access-control-expose-headers': undefined,
        'last-modified': undefined,
      }),
  },
  trickle: {
    where: 'file',
    says: 'the reply comes at `rate` bytes per second',
    defaults: { rate: 400 },
    reply: (reply, { rate }) => ({ ...reply, rate }),
  },
  etag: {
    where: 'file',
    says: 'another ETag for the same bytes, each time another one',
    defaults: { times: null },
    reply: (reply) => withHeaders(reply, { etag: `"node-${Math.random()}"` }),
  },
  multipart: {
    where: 'file',
    says: 'a range comes in a wrapper (multipart/byteranges)',
    reply(reply) {
      if (reply.status !== 206) return undefined;
      const { 'content-range': range, 'content-length': _, ...rest } = reply.headers;
      const text = `--x\r\nContent-Range: ${range}\r\n\r\nwhatever\r\n--x--\r\n`;
      const wrapped = instead(reply, 206, text, {
        'content-type': 'multipart/byteranges; boundary=x',
      });
      return { ...wrapped, headers: { ...rest, ...wrapped.headers } };
    },
  },
  pointer: {
    where: 'file',
    says: 'a Git LFS pointer instead of the file',
    reply: (reply) =>
      instead(
        reply,
        200,
        `version https://git-lfs.github.com/spec/v1\noid sha256:${'4'.repeat(64)}\nsize ${reply.size}\n`,
        { 'content-type': 'application/octet-stream' },
      ),
  },
  crowd: {
    where: 'file',
    says: 'beside `connections` bodies that flow, others are answered with `code` (0: reset)',
    defaults: { connections: 1, code: 503, times: null },
    reply(reply, { connections, code }, { flowing }) {
      if (flowing < connections) return undefined;
      return code
        ? instead(reply, code, 'Too many connections')
        : { ...reply, cut: { at: reply.start, how: 'reset' } };
    },
  },

  // Damage that only a hash can see
  flip: {
    where: 'file',
    placed: true,
    says: 'bit `bit` of one byte is flipped: at, as in drop; times: null does it always',
    defaults: { at: '50%', bit: 0 },
    reply(reply, params) {
      const at = place(reply, params);
      return at === undefined
        ? undefined
        : { ...reply, flips: [...(reply.flips ?? []), { at, mask: 1 << params.bit }] };
    },
  },

  // Redirects
  'redirect-loop': {
    where: 'resolve',
    says: '/resolve redirects to itself for ever',
    defaults: { times: null },
    reply: (reply, _, { url }) => instead(reply, 302, 'Found', { location: url }),
  },
  expired: {
    where: 'resolve',
    says: 'the signed address of each second /resolve has expired when it is handed out; every: 1 for all',
    defaults: { every: 2, times: null },
    reply(reply) {
      const { location } = reply.headers;
      if (!location?.includes('Expires=')) return undefined;
      return withHeaders(reply, { location: location.replace(/Expires=\d+/, 'Expires=1') });
    },
  },

  // Trees
  'tree-sha256': {
    where: 'tree',
    says: 'a file (entry, default the first weight file) has another sha256 in the tree',
    defaults: { times: null },
    tree: onEntry((entry) => [
      { ...entry, oid: '0'.repeat(40), lfs: entry.lfs && { ...entry.lfs, oid: '0'.repeat(64) } },
    ]),
  },
  'tree-size': {
    where: 'tree',
    says: 'a file has another size in the tree: size (a number, a string, null)',
    defaults: { size: 2 ** 60, times: null },
    tree: onEntry((entry, { size }) => [
      { ...entry, size, lfs: entry.lfs && { ...entry.lfs, size } },
    ]),
  },
  'tree-path': {
    where: 'tree',
    says: 'a file has the name `to`: "../../evil.onnx", "/etc/passwd", "onnx\\\\..\\\\x"',
    defaults: { to: '../../evil.onnx', times: null },
    tree: onEntry((entry, { to }) => [{ ...entry, path: to }]),
  },
  'tree-duplicate': {
    where: 'tree',
    says: 'a file is listed twice, the second time with another size',
    defaults: { times: null },
    tree: onEntry((entry) => [entry, { ...entry, size: entry.size + 1 }]),
  },
  'tree-endless': {
    where: 'tree',
    says: 'the pages of the tree never end: Link points at the same page again',
    defaults: { times: null },
    tree: (entries) => entries,
  },
  'tree-flood': {
    where: 'tree',
    says: 'so many more entries',
    defaults: { entries: 100_000, times: null },
    tree: (entries, params) => [
      ...entries,
      ...Array.from({ length: params.entries }, (_, i) => ({
        type: 'file',
        oid: '0'.repeat(40),
        size: 1,
        path: `flood/${i}.txt`,
      })),
    ],
  },
  'tree-text': {
    where: 'tree',
    says: 'the API answers 200 with `text`, which is not a tree',
    defaults: { text: '<!doctype html><p>Please sign in to this network.' },
    tree: (_, { text }) => String(text),
  },
};

/**
 * @param {string} glob `*` within a folder, `**` across folders; it may begin at any folder
 * @param {string} path
 * @returns {boolean}
 */
export function matchesPath(glob, path) {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\?]/g, '\\$&')
    .replace(/\*\*|\*/g, (stars) => (stars === '**' ? '.*' : '[^/]*'));
  return new RegExp(`(^|/)${pattern}$`).test(path);
}

/**
 * Reads `drop`, `drop:at=25%,times=3` or several of them with semicolons, as in a page's `?fault=`.
 *
 * @param {string} text
 * @returns {FaultSpec[]}
 * @throws {Error} with a sentence that names what cannot be read
 */
export function parseFaults(text) {
  return text.split(';').map((part) => {
    const [name, list = ''] = part.trim().split(/:(.*)/s);
    const params = list.split(',').flatMap((pair) => {
      if (pair === '') return [];
      const [key, value = 'true'] = pair.split(/=(.*)/s);
      const plain = /^(-?\d+(\.\d+)?|true|false|null)$/.test(value);
      return [[key.trim(), plain ? JSON.parse(value) : value]];
    });
    const spec = { ...Object.fromEntries(params), name };
    checkFault(spec);
    return spec;
  });
}

/**
 * @param {any} spec
 * @throws {Error} when there is no such fault
 */
function checkFault(spec) {
  if (!Object.hasOwn(FAULTS, String(spec?.name))) {
    throw new Error(`No fault "${spec?.name}"; there are: ${Object.keys(FAULTS).join(', ')}.`);
  }
}

/**
 * @typedef {{ id: number, spec: FaultSpec & Params, seen: number, applied: number, owner: string }} ActiveFault
 *   `seen` counts the requests it could have met, `applied` those that it did
 */

/** The faults that are set, and how often each has happened. */
export class FaultSet {
  #nextId = 1;
  /** @type {ActiveFault[]} */
  active = [];

  /**
   * @param {FaultSpec & Params} spec
   * @param {string} [owner] who may clear it; the page's faults go with the page's next navigation
   * @returns {ActiveFault} live: its counters go on
   */
  add(spec, owner = 'test') {
    checkFault(spec);
    const fault = {
      id: this.#nextId++,
      spec: { times: 1, ...FAULTS[spec.name].defaults, ...spec },
      seen: 0,
      applied: 0,
      owner,
    };
    this.active.push(fault);
    return fault;
  }

  /** @param {string} [owner] only this one's */
  clear(owner) {
    this.active = this.active.filter((fault) => owner !== undefined && fault.owner !== owner);
  }

  /**
   * @param {Reply} reply
   * @param {{ where: string[], path: string, request: Request }} context what stands where the reply comes from,
   *   and `path` within the model
   * @returns {{ reply: Reply, applied: string[], reached: (position: number) => void }} call `reached` with the byte
   *   of the file the reply came to: a fault that waited further on has not happened, and stays due
   */
  onReply(reply, { where, path, request }) {
    /** @type {string[]} */
    const applied = [];
    /** @type {{ fault: ActiveFault, at: number }[]} */
    const placed = [];
    for (const fault of this.active) {
      const row = FAULTS[fault.spec.name];
      if (!row.reply || !where.includes(fault.spec.where ?? row.where)) continue;
      if (!this.#meets(fault.spec, where, path, reply.size)) continue;
      const changed = this.#due(fault) ? row.reply(reply, fault.spec, request) : undefined;
      if (!changed) continue;
      fault.applied += 1;
      applied.push(fault.spec.name);
      const at = row.placed && place(reply, fault.spec);
      if (at) placed.push({ fault, at });
      reply = changed;
      if (reply.literal) break;
    }
    /** @param {number} position */
    const reached = (position) => {
      for (const { fault, at } of placed) if (position < at) fault.applied -= 1;
    };
    return { reply, applied, reached };
  }

  /**
   * @param {any[]} entries
   * @returns {{ tree: any, endless: boolean, applied: string[] }}
   */
  onTree(entries) {
    const applied = [];
    let endless = false;
    /** @type {any} */
    let tree = entries;
    for (const fault of this.active) {
      const row = FAULTS[fault.spec.name];
      if (!row.tree || !Array.isArray(tree) || !this.#due(fault)) continue;
      tree = row.tree(tree, fault.spec);
      endless ||= fault.spec.name === 'tree-endless';
      fault.applied += 1;
      applied.push(fault.spec.name);
    }
    return { tree, endless, applied };
  }

  /**
   * @param {FaultSpec} spec
   * @param {string[]} where
   * @param {string} path
   * @param {number} size
   */
  #meets(spec, where, path, size) {
    if (where.includes('tree') || where.includes('revision')) return true;
    return spec.path === undefined ? isLfs(path, size) : matchesPath(spec.path, path);
  }

  /**
   * Counts the request, and says whether the fault is due. A fault that is due but finds its byte in another range
   * stays due.
   * @param {ActiveFault} fault
   */
  #due(fault) {
    const { times, skip = 0, every = 1 } = fault.spec;
    fault.seen += 1;
    if (times != null && fault.applied >= times) return false;
    return fault.seen > skip && (fault.seen - skip) % every === 0;
  }
}
