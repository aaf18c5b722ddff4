// The test hub itself: what it says over HTTP, byte by byte, and each of its faults.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { get as httpGet, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { FAULTS, matchesPath, parseFaults } from '../hub/faults.js';
import { createHub } from '../hub/hub.js';
import { answerRange } from '../hub/ranges.js';
import { Link, parseRate } from '../hub/rate.js';
import { hubOptions } from '../hub/serve.js';
import { virtualBytes } from '../hub/virtual.js';

const SIZE = 300_000;
const WEIGHTS = virtualBytes(7, 0, SIZE);
const BIG = 'onnx/model.onnx';
const CONFIG = JSON.stringify({ model_type: 'llama', note: 'x'.repeat(2000) });
const BASE = '/acme/tiny/resolve/main';

/** @type {import('../hub/hub.js').Hub} */
let hub;
/** @type {string} */
let scratch;
/** @type {Set<string>} the faults that some reply has met */
const happened = new Set();

before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'hub-test-'));
  await mkdir(path.join(scratch, 'site'));
  await mkdir(path.join(scratch, 'models/plain/onnx'), { recursive: true });
  await writeFile(path.join(scratch, 'site/index.html'), '<!doctype html><title>Hi</title>');
  await writeFile(path.join(scratch, 'site/part.wasm'), '\0asm');
  await writeFile(path.join(scratch, 'site/part.mjs'), 'export {};');
  await writeFile(path.join(scratch, 'models/plain/config.json'), CONFIG);
  await writeFile(path.join(scratch, 'models/plain', BIG), WEIGHTS);
  hub = await createHub({
    models: {
      'acme/tiny': { files: { 'config.json': CONFIG, [BIG]: { size: SIZE, seed: 7 } } },
      'acme/gated': { gated: true, files: { 'config.json': CONFIG } },
      'acme/folder': path.join(scratch, 'models/plain'),
    },
    folders: { '/models': { dir: path.join(scratch, 'models'), manifest: true } },
    mounts: { '/': path.join(scratch, 'site') },
    csp: true,
    isolation: true,
    pageControls: true,
    pageSize: 2,
  });
  const { faults } = hub;
  const onReply = faults.onReply.bind(faults);
  const onTree = faults.onTree.bind(faults);
  faults.onReply = (...args) => noted(onReply(...args));
  faults.onTree = (...args) => noted(onTree(...args));
});
afterEach(() => {
  assert.deepEqual(hub.errors, []);
  hub.reset();
});
after(async () => {
  await hub.close();
  await rm(scratch, { recursive: true });
});

/**
 * @template {{ applied: string[] }} T
 * @param {T} result
 * @returns {T}
 */
function noted(result) {
  for (const name of result.applied) happened.add(name);
  return result;
}

/**
 * @typedef {{ status: number, headers: import('node:http').IncomingHttpHeaders, body: Buffer, broken: string }} Got
 *   `broken` says how the body or the connection ended early, '' when it did not
 */

/**
 * One request on its own connection; no redirect is followed.
 * @param {string} url
 * @param {Record<string, string>} [headers]
 * @param {string} [method]
 * @returns {Promise<Got>}
 */
function ask(url, headers = {}, method = 'GET') {
  return new Promise((resolve) => {
    const absolute = new URL(url, hub.origin);
    const req = httpRequest(absolute, { headers, method, agent: false }, (res) => {
      /** @type {Buffer[]} */
      const pieces = [];
      /** @param {string} broken */
      const end = (broken) =>
        resolve({
          status: res.statusCode ?? 0,
          headers: res.headers,
          body: Buffer.concat(pieces),
          broken,
        });
      res.on('data', (piece) => pieces.push(piece));
      res.on('end', () => end(''));
      res.on('error', (error) => end(String(/** @type {any} */ (error).code)));
    });
    req.on('error', (error) =>
      resolve({
        status: 0,
        headers: {},
        body: Buffer.alloc(0),
        broken: String(/** @type {any} */ (error).code),
      }),
    );
    req.end();
  });
}

/**
 * A file through /resolve and one redirect.
 * @param {string} file
 * @param {string} [range]
 * @param {Record<string, string>} [headers]
 */
async function download(file, range, headers = {}) {
  const all = range ? { ...headers, range } : headers;
  const first = await ask(`${BASE}/${file}`, all);
  const { location } = first.headers;
  return location ? ask(new URL(location, hub.origin).href, all) : first;
}

/**
 * @param {string} url
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>}
 */
async function json(url, headers = {}) {
  return JSON.parse((await ask(url, headers)).body.toString());
}

/**
 * A download of which one reads as it comes.
 * @param {string} url
 */
async function stream(url) {
  const first = await ask(url);
  const at = new URL(first.headers.location ?? url, hub.origin);
  const state = { bytes: 0, headers: false };
  /** @type {(() => void)[]} */
  let waiting = [];
  const wake = () => waiting.splice(0).forEach((resolve) => resolve());
  const req = httpGet(at, { agent: false }, (res) => {
    state.headers = true;
    wake();
    res.on('data', (piece) => ((state.bytes += piece.length), wake()));
    res.on('error', wake);
    res.on('end', wake);
  });
  req.on('error', wake);
  return {
    state,
    stop: () => req.destroy(),
    /** @param {() => boolean} condition */
    until: async (condition) => {
      while (!condition()) await new Promise((resolve) => waiting.push(() => resolve(undefined)));
    },
  };
}

/** @param {string | Buffer} data */
const sha256 = (data) => createHash('sha256').update(data).digest('hex');

describe('the pieces', () => {
  test('a range is answered as a CDN does', () => {
    const cases = /** @type {const} */ ([
      [undefined, { kind: 'whole' }],
      ['bytes=0-0', { kind: 'part', start: 0, end: 1 }],
      ['bytes=90-', { kind: 'part', start: 90, end: 100 }],
      ['bytes=90-500', { kind: 'part', start: 90, end: 100 }],
      ['bytes=-5', { kind: 'part', start: 95, end: 100 }],
      ['bytes=100-', { kind: 'unsatisfiable' }],
      ['bytes=5-3', { kind: 'whole' }],
      ['bytes=0-1,4-5', { kind: 'whole' }],
      ['lines=1-2', { kind: 'whole' }],
      ['bytes=-', { kind: 'whole' }],
    ]);
    for (const [header, answer] of cases)
      assert.deepEqual(answerRange(header, 100), answer, header);
  });

  test('a link makes each taker wait until it has carried the bytes', async () => {
    let now = 0;
    /** @type {number[]} */
    const waits = [];
    const wait = async (/** @type {number} */ ms) => void waits.push(ms);
    const link = new Link(1000, { now: () => now, wait });
    await link.take(1000);
    await link.take(500);
    now = 10_000;
    await link.take(1000);
    assert.deepEqual(waits, [980, 1480, 980], 'no more than 20 ms of silence count as credit');
  });

  test('rates are read in words and refused when they make no sense', () => {
    assert.deepEqual(parseRate('2MB/s'), { rate: 2e6 });
    assert.deepEqual(parseRate('500kB/s/conn'), { perConnectionRate: 5e5 });
    assert.deepEqual(parseRate('64MB/s,8MiB/s/conn'), {
      rate: 64e6,
      perConnectionRate: 8 * 1024 * 1024,
    });
    for (const bad of ['fast', '0MB/s', '-1kB/s', '2MB/h', '']) {
      assert.throws(() => parseRate(bad), /is not a rate/, bad);
    }
  });

  test('a virtual file is the same bytes whatever part is asked for, and no two blocks are equal', () => {
    const whole = virtualBytes(3, 0, 400_000);
    for (const [from, length] of [
      [0, 1],
      [65_530, 20],
      [131_071, 200_000],
    ]) {
      assert.deepEqual(virtualBytes(3, from, length), whole.subarray(from, from + length));
    }
    assert.notDeepEqual(virtualBytes(4, 0, 100), whole.subarray(0, 100));
    const far = 2 ** 31;
    assert.notDeepEqual(virtualBytes(3, far, 65_536), virtualBytes(3, far + 65_536, 65_536));
  });

  test('faults are read from a page address, and unknown ones are named', () => {
    assert.deepEqual(parseFaults('drop:at=25%,times=3;503'), [
      { name: 'drop', at: '25%', times: 3 },
      { name: '503' },
    ]);
    assert.deepEqual(parseFaults('stall:ms=null,reset'), [
      { name: 'stall', ms: null, reset: true },
    ]);
    assert.throws(() => parseFaults('earthquake'), /No fault "earthquake"/);
    assert.throws(() => hub.setFault({ name: 'toString' }), /No fault "toString"/);
  });

  test('a glob matches the end of a path, folder by folder', () => {
    assert.ok(matchesPath('*.onnx', 'onnx/model.onnx'));
    assert.ok(matchesPath('onnx/*', 'tiny/onnx/model.onnx'));
    assert.ok(matchesPath('**', 'a/b'));
    assert.ok(!matchesPath('del.onnx', 'onnx/model.onnx'));
    assert.ok(!matchesPath('tiny/*', 'tiny/onnx/model.onnx'));
  });

  test('the command line names what it cannot read', () => {
    assert.throws(() => hubOptions(['--mount', '/']), /form NAME=VALUE/);
    assert.throws(() => hubOptions(['--folder', '/m=/no/such/folder']), /no folder/);
    assert.throws(() => hubOptions(['--rate', 'fast']), /is not a rate/);
    assert.throws(() => hubOptions(['--virtual', 'a/b=5']), /owner\/name\/path=BYTES/);
    const options = hubOptions(['--virtual', 'a/b/x.onnx=5:9', '--rate', '1MB/s', '--no-csp']);
    assert.deepEqual(options.models, { 'a/b': { files: { 'x.onnx': { size: 5, seed: 9 } } } });
    assert.equal(options.rate, 1e6);
    assert.equal(options.csp, false);
  });
});

describe('the API', () => {
  test('the tree gives sizes, git names, sha256 and pages', async () => {
    const first = await ask('/api/models/acme/tiny/tree/main?recursive=true');
    const link = /^<(.*)>; rel="next"$/.exec(String(first.headers.link));
    assert.ok(link);
    const entries = [...JSON.parse(first.body.toString()), ...(await json(link[1]))];
    assert.deepEqual(
      entries.map(({ type, path, size }) => [type, path, size]),
      [
        ['file', 'config.json', CONFIG.length],
        ['directory', 'onnx', 0],
        ['file', BIG, SIZE],
      ],
    );
    const blob = createHash('sha1').update(`blob ${CONFIG.length}\0${CONFIG}`).digest('hex');
    assert.equal(entries[0].oid, blob);
    assert.equal(entries[0].lfs, undefined);
    assert.deepEqual(
      { oid: entries[2].lfs.oid, size: entries[2].lfs.size },
      { oid: sha256(WEIGHTS), size: SIZE },
    );
    assert.match(entries[2].xetHash, /^[0-9a-f]{64}$/);
    assert.equal((await ask(link[1])).headers.link, undefined);
  });

  test('without recursive only one folder is listed', async () => {
    const root = await json('/api/models/acme/tiny/tree/main');
    assert.deepEqual(
      root.map((/** @type {any} */ entry) => entry.path),
      ['config.json', 'onnx'],
    );
    const folder = await json('/api/models/acme/tiny/tree/main/onnx');
    assert.deepEqual(
      folder.map((/** @type {any} */ entry) => entry.path),
      [BIG],
    );
  });

  test('the commit follows from the content, and both it and main are revisions', async () => {
    const { sha } = await json('/api/models/acme/folder/revision/main');
    assert.match(sha, /^[0-9a-f]{40}$/);
    assert.equal((await json(`/api/models/acme/folder/revision/${sha}`)).sha, sha);
    await writeFile(path.join(scratch, 'models/plain/added.json'), '{}');
    const changed = await json('/api/models/acme/folder/revision/main');
    assert.notEqual(changed.sha, sha);
    await rm(path.join(scratch, 'models/plain/added.json'));
    assert.equal((await json('/api/models/acme/folder/revision/main')).sha, sha);
  });

  test('what is missing or closed says so in X-Error-Code', async () => {
    const auth = { authorization: 'Bearer someone' };
    const cases = /** @type {const} */ ([
      ['/api/models/acme/none/tree/main', {}, 401, 'RepoNotFound'],
      ['/api/models/acme/none/tree/main', auth, 404, 'RepoNotFound'],
      ['/api/models/acme/tiny/tree/v9', {}, 404, 'RevisionNotFound'],
      ['/api/models/acme/tiny/tree/main/nowhere', {}, 404, 'EntryNotFound'],
      [`${BASE}/none.json`, {}, 404, 'EntryNotFound'],
      ['/acme/tiny/resolve/v9/config.json', {}, 404, 'RevisionNotFound'],
      ['/acme/gated/resolve/main/config.json', {}, 401, 'GatedRepo'],
      ['/acme/gated/resolve/main/config.json', auth, 403, 'GatedRepo'],
      ['/acme/gated/resolve/main/config.json', { authorization: 'Bearer hf_test' }, 307, undefined],
    ]);
    for (const [url, headers, status, code] of cases) {
      const got = await ask(url, headers);
      assert.deepEqual([got.status, got.headers['x-error-code']], [status, code], url);
    }
  });

  test('beyond the limit of a window comes 429 with Retry-After', async () => {
    const strict = await createHub({
      models: { 'a/b': { files: { 'x.json': '{}' } } },
      limits: { api: 2, window: 60 },
    });
    try {
      const statuses = [];
      for (let i = 0; i < 3; i += 1) {
        const got = await ask(`${strict.origin}/api/models/a/b/tree/main`);
        statuses.push([got.status, got.headers['retry-after'], got.headers.ratelimit]);
      }
      assert.deepEqual(statuses[1], [200, undefined, '"api";r=0;t=60']);
      assert.deepEqual(statuses[2], [429, '60', '"api";r=0;t=60']);
    } finally {
      await strict.close();
    }
  });
});

describe('files', () => {
  test('a weight file is redirected to a signed address on another origin', async () => {
    const got = await ask(`${BASE}/${BIG}`, { origin: 'https://cv.example' });
    assert.equal(got.status, 302);
    assert.equal(got.headers['cache-control'], 'no-store');
    assert.equal(got.headers['x-linked-size'], String(SIZE));
    assert.equal(got.headers['x-linked-etag'], `"${sha256(WEIGHTS)}"`);
    assert.match(String(got.headers['x-repo-commit']), /^[0-9a-f]{40}$/);
    assert.equal(got.headers['access-control-allow-origin'], 'https://cv.example');
    assert.match(String(got.headers['access-control-expose-headers']), /X-Linked-ETag/);
    const location = new URL(String(got.headers.location));
    assert.equal(location.origin, hub.cdnOrigin);
    assert.notEqual(location.origin, hub.origin);
    const file = await ask(location.href, { origin: 'null' });
    assert.equal(file.status, 200);
    assert.equal(file.headers['access-control-allow-origin'], '*');
    assert.equal(file.headers['content-length'], String(SIZE));
    assert.deepEqual(file.body, WEIGHTS);
  });

  test('a changed signature and an expired one are refused', async () => {
    const { location } = (await ask(`${BASE}/${BIG}`)).headers;
    const forged = String(location).replace(/Signature=./, 'Signature=~');
    assert.equal((await ask(forged)).status, 403);
    const brief = await createHub({
      models: { 'acme/tiny': { files: { [BIG]: { size: 10 } } } },
      lifetime: -1,
    });
    try {
      const late = await ask(`${brief.origin}${BASE}/${BIG}`);
      const refused = await ask(String(late.headers.location));
      assert.equal(refused.status, 403);
      assert.match(refused.body.toString(), /Request has expired/);
    } finally {
      await brief.close();
    }
  });

  test('a small file is redirected on the same host, and comes gzipped without a length', async () => {
    const got = await ask(`${BASE}/config.json`);
    assert.equal(got.status, 307);
    assert.match(String(got.headers.location), /^\/api\/resolve-cache\//);
    const plain = await download('config.json');
    assert.equal(plain.body.toString(), CONFIG);
    assert.equal(plain.headers['content-length'], String(CONFIG.length));
    const zipped = await download('config.json', undefined, { 'accept-encoding': 'gzip, br' });
    assert.equal(zipped.headers['content-encoding'], 'gzip');
    assert.equal(zipped.headers['content-length'], undefined);
    assert.equal(gunzipSync(zipped.body).toString(), CONFIG);
  });

  test('ranges carry exactly the bytes asked for, and are never gzipped', async () => {
    const part = await download(BIG, 'bytes=70000-140000', { 'accept-encoding': 'gzip' });
    assert.equal(part.status, 206);
    assert.equal(part.headers['content-range'], `bytes 70000-140000/${SIZE}`);
    assert.deepEqual(part.body, WEIGHTS.subarray(70_000, 140_001));
    const rest = await download(BIG, 'bytes=299990-');
    assert.deepEqual(rest.body, WEIGHTS.subarray(299_990));
    const many = await download(BIG, 'bytes=0-1,5-6');
    assert.equal(many.status, 200);
    const beyond = await download(BIG, `bytes=${SIZE}-`);
    assert.equal(beyond.status, 416);
    assert.equal(beyond.headers['content-range'], `bytes */${SIZE}`);
    const small = await download('config.json', 'bytes=2-5', { 'accept-encoding': 'gzip' });
    assert.equal(small.status, 206);
    assert.equal(small.body.toString(), CONFIG.slice(2, 6));
  });

  test('HEAD gives the headers alone', async () => {
    const { location } = (await ask(`${BASE}/${BIG}`, {}, 'HEAD')).headers;
    const got = await ask(String(location), {}, 'HEAD');
    assert.equal(got.status, 200);
    assert.equal(got.headers['content-length'], String(SIZE));
    assert.equal(got.body.length, 0);
  });

  test('a matching If-None-Match gets 304, a stale If-Range the whole file', async () => {
    const { location } = (await ask(`${BASE}/${BIG}`)).headers;
    const { etag } = (await ask(String(location), {}, 'HEAD')).headers;
    assert.equal((await ask(String(location), { 'if-none-match': String(etag) })).status, 304);
    const stale = { range: 'bytes=5-', 'if-range': '"old"' };
    assert.equal((await ask(String(location), stale)).status, 200);
    assert.equal((await ask(String(location), { ...stale, 'if-range': String(etag) })).status, 206);
  });

  test('a preflight is answered by the Hub, refused by the CDN, and recorded', async () => {
    const { location } = (await ask(`${BASE}/${BIG}`)).headers;
    assert.equal(hub.ledger.preflights.length, 0);
    const asked = { origin: 'https://cv.example', 'access-control-request-headers': 'if-range' };
    const allowed = await ask(`${BASE}/${BIG}`, asked, 'OPTIONS');
    assert.equal(allowed.status, 204);
    assert.equal(allowed.headers['access-control-allow-headers'], 'if-range');
    assert.equal((await ask(String(location), asked, 'OPTIONS')).status, 403);
    assert.deepEqual(
      hub.ledger.preflights.map(({ host }) => host),
      ['hub', 'cdn'],
    );
  });

  test('a plain folder serves files with ranges, and its manifest', async () => {
    const whole = await ask(`/models/plain/${BIG}`);
    assert.deepEqual(whole.body, WEIGHTS);
    const part = await ask(`/models/plain/${BIG}`, { range: 'bytes=5-9' });
    assert.equal(part.headers['content-range'], `bytes 5-9/${SIZE}`);
    assert.equal(part.headers['access-control-expose-headers'], undefined);
    assert.equal((await ask('/models/plain/none.json')).status, 404);
    const manifest = await json('/models/plain/candor.json');
    assert.deepEqual(manifest, {
      version: 1,
      files: [
        { path: 'config.json', size: CONFIG.length, sha256: sha256(CONFIG) },
        { path: BIG, size: SIZE, sha256: sha256(WEIGHTS) },
      ],
    });
  });

  test('nothing outside a plain folder is served', async () => {
    for (const url of ['/models/..%2fsite/index.html', '/models/%2e%2e/site/index.html', '/%']) {
      assert.ok((await ask(url)).status >= 400, url);
    }
  });

  test('the ledger counts bytes, connections and ranges', async () => {
    await download(BIG, 'bytes=0-999');
    await download(BIG, 'bytes=1000-1999');
    assert.equal(hub.ledger.bytes(BIG), 2000);
    assert.equal(hub.ledger.bytes('config.json'), 0);
    const [first, second] = hub.ledger.files(BIG);
    assert.equal(first.range, 'bytes=0-999');
    assert.ok(first.done && second.done);
    assert.notEqual(first.connection, second.connection);
    assert.equal(hub.ledger.peakReplies, 1);
  });
});

describe('rates and switches', () => {
  test('a slow link holds the bytes back until the rate is lifted', async () => {
    for (const rates of [{ rate: 2000 }, { perConnectionRate: 2000 }]) {
      hub.setRate(rates);
      const slow = await stream(`${BASE}/${BIG}`);
      await slow.until(() => slow.state.bytes > 0);
      assert.ok(slow.state.bytes < SIZE / 10, JSON.stringify(rates));
      hub.setRate({});
      await slow.until(() => slow.state.bytes === SIZE);
    }
  });

  test('a paused hub sends no byte, and a resumed one all of them', async () => {
    hub.pause();
    const held = await stream(`${BASE}/${BIG}`);
    await held.until(() => held.state.headers);
    assert.equal((await ask('/api/models/acme/tiny/revision/main')).status, 200);
    assert.equal(held.state.bytes, 0);
    hub.resume();
    await held.until(() => held.state.bytes === SIZE);
  });

  test('drop breaks the running downloads of the named files', async () => {
    hub.pause();
    const running = download(BIG);
    while (hub.ledger.files(BIG).length === 0) await ask('/api/models/acme/tiny/revision/main');
    assert.equal(hub.drop('*.json'), 0);
    assert.equal(hub.drop('*.onnx'), 1);
    assert.notEqual((await running).broken, '');
  });

  test('a stopped hub refuses connections, and started again it has the same addresses', async () => {
    const { origin } = hub;
    await hub.stop();
    assert.equal((await ask(`${BASE}/config.json`)).broken, 'ECONNREFUSED');
    await hub.start();
    assert.equal(hub.origin, origin);
    assert.deepEqual((await download(BIG)).body, WEIGHTS);
  });

  test('offline breaks every request but those of the control endpoint', async () => {
    hub.setOffline(true);
    assert.equal((await ask(`${BASE}/config.json`)).broken, 'ECONNRESET');
    assert.equal((await ask('/__hub/state')).status, 200);
    hub.setOffline(false);
    assert.equal((await ask(`${BASE}/config.json`)).status, 307);
  });

  test('the control endpoint sets, counts and clears faults, and refuses what it cannot read', async () => {
    /** @type {(call: string, body: unknown, type?: string) => Promise<Response>} */
    const post = (call, body, type = 'application/json') =>
      fetch(`${hub.origin}/__hub/${call}`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: JSON.stringify(body),
      });
    assert.equal((await post('fault', { name: '503' })).status, 200);
    assert.equal((await download(BIG)).status, 503);
    const state = await json('/__hub/state');
    assert.equal(state.faults[0].applied, 1);
    assert.equal((await json('/__hub/ledger')).at(-1).faults[0], '503');
    await post('clear', {});
    assert.equal(hub.faults.active.length, 0);
    assert.equal((await post('fault', { name: 'earthquake' })).status, 400);
    assert.equal((await post('fault', { name: '503' }, 'text/plain')).status, 400);
    assert.equal((await post('nothing', {})).status, 400);
    assert.equal((await post('stop', { ms: 1 })).status, 200);
    while ((await ask('/__hub/state')).status !== 200);
    const table = await json('/__hub/faults');
    assert.equal(table.length, Object.keys(FAULTS).length);
    assert.ok(table.every((/** @type {any} */ row) => row.says && row.where));
  });
});

describe('faults', () => {
  const half = SIZE / 2;

  test('drop closes the connection at the very byte, once', async () => {
    for (const [at, bytes] of /** @type {const} */ ([
      [0, 0],
      [1, 1],
      ['1%', SIZE / 100],
      ['50%', half],
      ['99.99%', SIZE * 0.9999],
      ['last', SIZE - 1],
      [-10, SIZE - 10],
    ])) {
      hub.setFault({ name: 'drop', at });
      const got = await download(BIG);
      assert.deepEqual([got.broken, got.body.length], ['ECONNRESET', bytes], String(at));
      assert.deepEqual((await download(BIG)).body, WEIGHTS);
    }
  });

  test('drop waits for the range that carries its byte', async () => {
    const fault = hub.setFault({ name: 'drop', at: '50%' });
    assert.equal((await download(BIG, `bytes=0-${half - 1}`)).broken, '');
    assert.equal((await download(BIG, `bytes=${half + 1}-`)).broken, '');
    assert.equal(fault.applied, 0);
    const got = await download(BIG, `bytes=${half - 5}-${half + 5}`);
    assert.equal(got.body.length, 5);
    assert.equal(fault.applied, 1);
  });

  test('a fault that the client did not wait for stays due', async () => {
    hub.setFault({ name: 'stall', after: 1000 });
    const drop = hub.setFault({ name: 'drop', at: '50%' });
    const left = await stream(`${BASE}/${BIG}`);
    await left.until(() => left.state.bytes === 1000);
    left.stop();
    while (!hub.ledger.files(BIG)[0].closed) await ask('/api/models/acme/tiny/revision/main');
    assert.equal(drop.applied, 0);
    assert.equal((await download(BIG)).body.length, half);
    assert.equal(drop.applied, 1);
  });

  test('drop can reset the connection instead of closing it', async () => {
    hub.setFault({ name: 'drop', at: 0, reset: true });
    assert.equal((await download(BIG)).broken, 'ECONNRESET');
  });

  test('drop-every lets each connection carry so many bytes', async () => {
    hub.setFault({ name: 'drop-every', after: 100_000 });
    let have = 0;
    let asked = 0;
    while (have < SIZE) {
      const got = await download(BIG, `bytes=${have}-`);
      assert.deepEqual(got.body, WEIGHTS.subarray(have, have + got.body.length));
      have += got.body.length;
      asked += 1;
    }
    assert.equal(asked, 3);
  });

  test('outage breaks every connection for a while', async () => {
    hub.setFault({ name: 'outage', at: '50%', ms: 60_000 });
    const got = await download(BIG);
    assert.equal(got.broken, 'ECONNRESET');
    assert.equal((await ask('/api/models/acme/tiny/revision/main')).broken, 'ECONNRESET');
    hub.setOffline(false);
    assert.equal((await download(BIG)).broken, '');
  });

  test('stall goes on after its time', async () => {
    const fault = hub.setFault({ name: 'stall', at: '50%', ms: 20 });
    assert.deepEqual((await download(BIG)).body, WEIGHTS);
    assert.equal(fault.applied, 1);
  });

  test('stall for ever holds one connection of several', async () => {
    hub.setFault({ name: 'stall', after: 1000, skip: 1 });
    assert.equal((await download(BIG)).body.length, SIZE);
    const held = await stream(`${BASE}/${BIG}`);
    await held.until(() => held.state.bytes === 1000);
    assert.equal((await download(BIG)).body.length, SIZE);
    assert.equal(held.state.bytes, 1000);
    held.stop();
  });

  test('hang sends no headers', async () => {
    hub.setFault({ name: 'hang' });
    const held = await stream(`${BASE}/${BIG}`);
    assert.equal((await download(BIG)).body.length, SIZE);
    assert.equal(held.state.headers, false);
    held.stop();
  });

  for (const code of [500, 502, 503]) {
    test(`${code} comes as often as it is told to`, async () => {
      hub.setFault({ name: String(code), times: 2 });
      const statuses = [];
      for (let i = 0; i < 3; i += 1) statuses.push((await download(BIG)).status);
      assert.deepEqual(statuses, [code, code, 200]);
      assert.equal((await download('config.json')).status, 200, 'small files are not meant');
      hub.setFault({ name: String(code), times: null, path: 'config.json', where: 'resolve' });
      for (let i = 0; i < 4; i += 1) {
        assert.equal((await ask(`${BASE}/config.json`)).status, code);
      }
    });
  }

  test('any status can be had anywhere', async () => {
    hub.setFault({ name: 'status', code: 504, body: 'late', retryAfter: 7, where: 'tree' });
    const got = await ask('/api/models/acme/tiny/tree/main');
    assert.deepEqual(
      [got.status, got.body.toString(), got.headers['retry-after']],
      [504, 'late', '7'],
    );
  });

  test('429 says when to come back, in seconds, as a date, or not at all', async () => {
    hub.setFault({ name: '429', retryAfter: 3 });
    hub.setFault({ name: '429', retryAfter: 3, date: true });
    hub.setFault({ name: '429', retryAfter: null });
    const first = await download(BIG);
    assert.deepEqual([first.status, first.headers['retry-after']], [429, '3']);
    const date = String((await download(BIG)).headers['retry-after']);
    assert.ok(Date.parse(date) > Date.now(), date);
    const bare = await download(BIG);
    assert.deepEqual([bare.status, bare.headers['retry-after']], [429, undefined]);
  });

  test('401, 403 and 404 carry the Hub’s error code', async () => {
    for (const [name, code] of [
      ['401', 'GatedRepo'],
      ['403', 'GatedRepo'],
      ['404', 'EntryNotFound'],
    ]) {
      hub.setFault({ name });
      const got = await download(BIG);
      assert.deepEqual([got.status, got.headers['x-error-code']], [Number(name), code]);
    }
  });

  test('416 refuses a range that exists', async () => {
    hub.setFault({ name: '416' });
    const got = await download(BIG, 'bytes=0-99');
    assert.deepEqual([got.status, got.headers['content-range']], [416, `bytes */${SIZE}`]);
  });

  test('ignore-range answers 200 and the whole file', async () => {
    hub.setFault({ name: 'ignore-range' });
    const got = await download(BIG, 'bytes=100-199');
    assert.deepEqual([got.status, got.headers['content-range']], [200, undefined]);
    assert.deepEqual(got.body, WEIGHTS);
  });

  test('wrong-total and wrong-start lie in Content-Range', async () => {
    hub.setFault({ name: 'wrong-total', by: 5 });
    const total = await download(BIG, 'bytes=0-9');
    assert.equal(total.headers['content-range'], `bytes 0-9/${SIZE + 5}`);
    hub.clearFaults();
    hub.setFault({ name: 'wrong-start', by: 5 });
    const start = await download(BIG, 'bytes=0-9');
    assert.equal(start.headers['content-range'], `bytes 5-14/${SIZE}`);
    assert.deepEqual(start.body, WEIGHTS.subarray(5, 15));
  });

  test('changed gives another content under another ETag from the told request on', async () => {
    hub.setFault({ name: 'changed', skip: 1 });
    const before = await download(BIG, 'bytes=0-9');
    const later = await download(BIG, 'bytes=0-9');
    assert.deepEqual(before.body, WEIGHTS.subarray(0, 10));
    assert.notEqual(later.headers.etag, before.headers.etag);
    assert.notDeepEqual(later.body, before.body);
    hub.clearFaults();
    hub.setFault({ name: 'changed', content: false });
    const renamed = await download(BIG, 'bytes=0-9');
    assert.notEqual(renamed.headers.etag, before.headers.etag);
    assert.deepEqual(renamed.body, before.body);
  });

  test('short ends before its Content-Length, or cleanly without one', async () => {
    hub.setFault({ name: 'short', by: 100 });
    const got = await download(BIG);
    assert.equal(got.headers['content-length'], String(SIZE));
    assert.deepEqual([got.broken, got.body.length], ['ECONNRESET', SIZE - 100]);
    hub.setFault({ name: 'short', by: 100, chunked: true });
    const clean = await download(BIG);
    assert.equal(clean.headers['content-length'], undefined);
    assert.deepEqual([clean.broken, clean.body.length], ['', SIZE - 100]);
  });

  test('longer sends more than the file has', async () => {
    hub.setFault({ name: 'longer', by: 10 });
    const got = await download(BIG, 'bytes=0-99');
    assert.equal(got.body.length, 110);
    assert.equal(got.headers['content-range'], `bytes 0-99/${SIZE}`);
    hub.setFault({ name: 'longer', by: 10, declared: true });
    const declared = await download(BIG);
    assert.equal(declared.headers['content-length'], String(SIZE + 10));
    assert.equal(declared.body.length, SIZE + 10);
    assert.deepEqual(declared.body.subarray(0, SIZE), WEIGHTS);
  });

  test('chunked leaves the length out', async () => {
    hub.setFault({ name: 'chunked' });
    const got = await download(BIG);
    assert.equal(got.headers['content-length'], undefined);
    assert.deepEqual(got.body, WEIGHTS);
  });

  test('gzip names the compressed length', async () => {
    hub.setFault({ name: 'gzip' });
    const got = await download(BIG);
    assert.equal(got.headers['content-encoding'], 'gzip');
    assert.equal(got.headers['content-length'], String(got.body.length));
    assert.deepEqual(gunzipSync(got.body), WEIGHTS);
    assert.equal((await download(BIG, 'bytes=0-9')).headers['content-encoding'], undefined);
    hub.clearFaults();
    hub.setFault({ name: 'gzip', force: true });
    const forced = await download(BIG, 'bytes=0-9');
    assert.deepEqual(gunzipSync(forced.body), WEIGHTS.subarray(0, 10));
  });

  test('truncated is a shorter file in all its headers', async () => {
    hub.setFault({ name: 'truncated', to: 1000 });
    const whole = await download(BIG);
    assert.deepEqual([whole.broken, whole.body.length], ['', 1000]);
    assert.equal(
      (await download(BIG, 'bytes=900-')).headers['content-range'],
      'bytes 900-999/1000',
    );
    const beyond = await download(BIG, 'bytes=1000-');
    assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, 'bytes */1000']);
  });

  test('html comes with 200 instead of the file', async () => {
    hub.setFault({ name: 'html' });
    const got = await download(BIG);
    assert.equal(got.status, 200);
    assert.match(String(got.headers['content-type']), /^text\/html/);
    assert.match(got.body.toString(), /^<!doctype html>/);
    assert.equal(got.headers['access-control-allow-origin'], '*');
  });

  test('no-cors hides the reply from scripts', async () => {
    hub.setFault({ name: 'no-cors' });
    assert.equal((await download(BIG)).headers['access-control-allow-origin'], undefined);
  });

  test('flip changes one bit of one byte, once or always', async () => {
    for (const [at, byte] of /** @type {const} */ ([
      [3, 3],
      [299_000, 299_000],
      ['last', SIZE - 1],
    ])) {
      hub.setFault({ name: 'flip', at, bit: 2 });
      const expected = Buffer.from(WEIGHTS);
      expected[byte] ^= 4;
      assert.deepEqual((await download(BIG)).body, expected);
      assert.deepEqual((await download(BIG)).body, WEIGHTS);
    }
    hub.setFault({ name: 'flip', at: 0, times: null });
    for (let i = 0; i < 3; i += 1) {
      assert.equal((await download(BIG, 'bytes=0-0')).body[0], WEIGHTS[0] ^ 1);
    }
  });

  test('redirect-loop redirects to itself', async () => {
    hub.setFault({ name: 'redirect-loop' });
    await assert.rejects(fetch(`${hub.origin}${BASE}/${BIG}`), /fetch failed/);
    assert.ok(hub.ledger.entries.length > 10);
  });

  test('expired hands out an expired address at each second request', async () => {
    hub.setFault({ name: 'expired' });
    const statuses = [];
    for (let i = 0; i < 4; i += 1) statuses.push((await download(BIG)).status);
    assert.deepEqual(statuses, [200, 403, 200, 403]);
  });

  test('trees lie about hashes, sizes and names', async () => {
    const tree = async () => {
      const entries = await json('/api/models/acme/tiny/tree/main?recursive=true');
      const next = await json(
        '/api/models/acme/tiny/tree/main?recursive=true&cursor=' +
          Buffer.from('2').toString('base64url'),
      );
      hub.clearFaults();
      return [...entries, ...next];
    };
    hub.setFault({ name: 'tree-sha256' });
    assert.equal((await tree())[2].lfs.oid, '0'.repeat(64));
    hub.setFault({ name: 'tree-sha256', entry: 'config.json' });
    assert.equal((await tree())[0].oid, '0'.repeat(40));
    for (const size of [2 ** 60, -1, 1.5, 'many', null]) {
      hub.setFault({ name: 'tree-size', size });
      assert.equal((await tree())[2].size, size);
    }
    for (const to of ['../../evil.onnx', '/etc/passwd', 'onnx\\..\\x', '']) {
      hub.setFault({ name: 'tree-path', to });
      assert.equal((await tree())[2].path, to);
    }
    hub.setFault({ name: 'tree-duplicate' });
    assert.deepEqual(
      (await tree()).slice(2).map(({ path, size }) => [path, size]),
      [
        [BIG, SIZE],
        [BIG, SIZE + 1],
      ],
    );
  });

  test('trees can be endless, huge, or no tree at all', async () => {
    const url = '/api/models/acme/tiny/tree/main?recursive=true';
    hub.setFault({ name: 'tree-endless' });
    const page = await ask(url);
    assert.equal(page.headers.link, `<${hub.origin}${url}>; rel="next"`);
    hub.clearFaults();
    hub.setFault({ name: 'tree-flood', entries: 9 });
    let pages = 0;
    for (let next = /** @type {string | undefined} */ (url); next; pages += 1) {
      next = /<(.*)>/.exec(String((await ask(next)).headers.link ?? ''))?.[1];
    }
    assert.equal(pages, 6);
    hub.clearFaults();
    hub.setFault({ name: 'tree-text', text: '{"error":' });
    assert.equal((await ask(url)).body.toString(), '{"error":');
  });

  test('a plain folder meets faults of files and of /resolve alike', async () => {
    hub.setFault({ name: '403' });
    hub.setFault({ name: 'flip', at: 0 });
    assert.equal((await ask(`/models/plain/${BIG}`)).status, 403);
    assert.equal((await ask(`/models/plain/${BIG}`)).body[0], WEIGHTS[0] ^ 1);
    hub.setFault({ name: '503', path: 'plain/config.json' });
    assert.equal((await ask('/models/plain/config.json')).status, 503);
  });

  test('a reply hides its facts, comes under another name, wrapped, as a pointer, or in trickles', async () => {
    const origin = { origin: 'http://page.test' };
    hub.setFault({ name: 'hidden', path: BIG });
    const hidden = await download(BIG, 'bytes=0-9', origin);
    assert.equal(hidden.headers['access-control-expose-headers'], undefined);
    assert.equal(hidden.headers['access-control-allow-origin'], '*');
    assert.equal(hidden.headers['last-modified'], undefined);
    hub.clearFaults();
    hub.setFault({ name: 'etag', path: BIG });
    const names = [await download(BIG, 'bytes=0-9'), await download(BIG, 'bytes=0-9')];
    assert.notEqual(names[0].headers.etag, names[1].headers.etag);
    assert.deepEqual(names[0].body, names[1].body);
    hub.clearFaults();
    hub.setFault({ name: 'multipart', path: BIG });
    const wrapped = await download(BIG, 'bytes=0-9');
    assert.match(String(wrapped.headers['content-type']), /^multipart\/byteranges/);
    assert.equal(wrapped.status, 206);
    hub.clearFaults();
    hub.setFault({ name: 'pointer', path: BIG });
    assert.match((await download(BIG)).body.toString(), /^version https:\/\/git-lfs/);
    hub.setFault({ name: 'trickle', path: BIG, rate: 1e9 });
    assert.deepEqual((await download(BIG)).body, WEIGHTS);
    hub.setFault({ name: 'crowd', path: BIG, connections: 0, code: 503, times: 1 });
    assert.equal((await download(BIG)).status, 503);
    hub.clearFaults();
  });

  test('every fault of the table has happened in these tests', () => {
    assert.deepEqual(
      Object.keys(FAULTS).filter((name) => !happened.has(name)),
      [],
    );
  });
});

describe('the site', () => {
  test('pages and assets come with their types, the strict policy and isolation', async () => {
    const page = await ask('/');
    assert.equal(page.status, 200);
    assert.match(String(page.headers['content-type']), /^text\/html/);
    const policy = String(page.headers['content-security-policy']);
    assert.match(policy, /script-src 'self' 'wasm-unsafe-eval';/);
    assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'/);
    assert.ok(
      policy.includes(`connect-src 'self' ${hub.origin} ${hub.otherOrigin} ${hub.cdnOrigin}`),
    );
    assert.equal(page.headers['cross-origin-opener-policy'], 'same-origin');
    assert.equal(page.headers['cross-origin-embedder-policy'], 'require-corp');
    const wasm = await ask('/part.wasm');
    assert.equal(wasm.headers['content-type'], 'application/wasm');
    const module = await ask('/part.mjs');
    assert.match(String(module.headers['content-type']), /^(text|application)\/javascript/);
    assert.equal(module.headers['cross-origin-embedder-policy'], 'require-corp');
    assert.equal((await ask('/none.js')).status, 404);
  });

  test('a page’s rate and fault hold until the next page is opened', async () => {
    const visit = { 'sec-fetch-mode': 'navigate' };
    hub.setFault({ name: '404', path: 'other.json' });
    await ask('/?rate=2000B/s&fault=503:times=2', visit);
    assert.equal((await download(BIG)).status, 503);
    await ask('/part.mjs?fault=404', { 'sec-fetch-mode': 'cors' });
    assert.equal((await download(BIG)).status, 503, 'only navigations count');
    const slow = await stream(`${BASE}/${BIG}`);
    await slow.until(() => slow.state.bytes > 0);
    assert.ok(slow.state.bytes < SIZE / 10);
    await ask('/', visit);
    await slow.until(() => slow.state.bytes === SIZE);
    assert.deepEqual(
      hub.faults.active.map(({ spec }) => spec.path),
      ['other.json'],
      'faults that a test set stay',
    );
  });

  test('a page with an unknown fault or rate gets a sentence', async () => {
    const visit = { accept: 'text/html' };
    const got = await ask('/?fault=earthquake', visit);
    assert.equal(got.status, 400);
    assert.match(got.body.toString(), /^No fault "earthquake"/);
    assert.match((await ask('/?rate=fast', visit)).body.toString(), /is not a rate/);
  });
});
