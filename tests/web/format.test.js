import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { Formatter, formatter } from '../../web/src/elements/format.js';

const f = formatter('en');
/** @type {any[]} */
const UNKNOWN = [null, undefined, NaN, Infinity, -Infinity, -1, -0.001, '12', 12n, {}];

const rows = await readFile(new URL('./byte_words.txt', import.meta.url), 'utf8');

describe('bytes', () => {
  const cases = [...rows.matchAll(/^\{(\d+), "(.+)"\},$/gm)];
  assert.ok(cases.length > 20);
  for (const [, count, text] of cases) {
    it(`says ${text} for ${count}`, () => assert.equal(f.bytes(Number(count)), text));
  }

  it('groups the digits of what is larger than any model', () => {
    assert.equal(f.bytes(Number.MAX_SAFE_INTEGER), '9,007.20 TB');
  });

  it('rounds down a part that is shown beside its whole', () => {
    assert.equal(f.bytes(99_960_000), '100.0 MB');
    assert.equal(f.bytes(99_960_000, { floor: true }), '99.9 MB');
    assert.equal(f.bytes(999_999, { floor: true }), '999 kB');
    assert.equal(f.bytes(999_999_999, { floor: true }), '999.9 MB');
    assert.equal(f.bytes(12_300_000, { floor: true }), '12.3 MB');
    assert.equal(f.bytes(1_000_000, { floor: true }), '1.0 MB');
  });

  it('says every whole tenth of a megabyte as itself when rounding down', () => {
    for (let i = 10; i < 9990; ++i) {
      assert.equal(f.bytes(i * 100_000, { floor: true }), f.bytes(i * 100_000));
    }
  });

  it('has a word for what is unknown', () => {
    for (const value of UNKNOWN) assert.equal(f.bytes(value), 'unknown');
  });
});

describe('speed', () => {
  for (const [value, text] of /** @type {[number, string][]} */ ([
    [0, '0 kB/s'],
    [0.2, '1 byte/s'],
    [40, '40 byte/s'],
    [50, '0.1 kB/s'],
    [400, '0.4 kB/s'],
    [9_940, '9.9 kB/s'],
    [9_960, '10 kB/s'],
    [340_400, '340 kB/s'],
    [999_400, '999 kB/s'],
    [999_600, '1.0 MB/s'],
    [1_000_000, '1.0 MB/s'],
    [3_249_000, '3.2 MB/s'],
    [1_250_000_000, '1,250.0 MB/s'],
  ])) {
    it(`says ${text} for ${value} bytes a second`, () => assert.equal(f.speed(value), text));
  }

  it('has a word for what is unknown', () => {
    for (const value of UNKNOWN) assert.equal(f.speed(value), 'unknown');
  });
});

describe('duration', () => {
  for (const [seconds, text] of /** @type {[number, string][]} */ ([
    [0, '0s'],
    [0.4, '0s'],
    [0.5, '1s'],
    [42, '42s'],
    [59.4, '59s'],
    [59.6, '1m 0s'],
    [60, '1m 0s'],
    [185, '3m 5s'],
    [3599.4, '59m 59s'],
    [3599.7, '1h 0m'],
    [3629, '1h 0m'],
    [3630, '1h 1m'],
    [4320, '1h 12m'],
    [7199, '2h 0m'],
    [86_399, '1d 0h'],
    [86_400 * 2 + 3 * 3600 + 1700, '2d 3h'],
  ])) {
    it(`says ${text} for ${seconds} s`, () => assert.equal(f.duration(seconds), text));
  }

  it('has a word for what is unknown', () => {
    for (const value of UNKNOWN) assert.equal(f.duration(value), 'unknown');
  });

  it('never shows a sixtieth second or minute', () => {
    for (let s = 0; s < 90_000; s += 0.7) assert.doesNotMatch(f.duration(s), /\b60[sm]/);
  });
});

describe('percent', () => {
  it('rounds down, so that 100% means done', () => {
    assert.equal(f.percent(0), '0%');
    assert.equal(f.percent(0.99), '0%');
    assert.equal(f.percent(99.97), '99%');
    assert.equal(f.percent(99.999999999), '99%');
    assert.equal(f.percent(100), '100%');
  });

  it('says every whole percent as itself', () => {
    for (let p = 0; p <= 100; ++p) assert.equal(f.percent(p), `${p}%`);
  });

  it('has a word for what is unknown or impossible', () => {
    for (const value of [...UNKNOWN, 100.001, 4200]) assert.equal(f.percent(value), 'unknown');
  });
});

describe('eta', () => {
  /** @param {any} kind @param {any} low @param {any} [high] */
  const eta = (kind, low, high = low) => f.eta({ kind, low, high });

  it('says an exact time as a duration', () => {
    assert.equal(eta('exact', 42), '42s');
    assert.equal(eta('exact', 185), '3m 5s');
    assert.equal(eta('exact', 0), 'a moment');
  });

  it('says about how long', () => {
    assert.equal(eta('about', 40), 'about 40 sec');
    assert.equal(eta('about', 180), 'about 3 min');
    assert.equal(eta('about', 5400), 'about 1h 30m');
    assert.equal(eta('about', 0), 'a moment');
  });

  it('says a range in one unit, in two, or as one number when both ends agree', () => {
    assert.equal(eta('range', 120, 240), '2–4 min');
    assert.equal(eta('range', 20, 40), '20–40 sec');
    assert.equal(eta('range', 45, 120), '45 sec – 2 min');
    assert.equal(eta('range', 3000, 4800), '50 min – 1h 20m');
    assert.equal(eta('range', 4200, 6000), '1h 10m – 1h 40m');
    assert.equal(eta('range', 175, 185), 'about 3 min');
    assert.equal(eta('range', 7200, 7210), 'about 2h 0m');
  });

  it('never shows a range that runs backwards', () => {
    assert.equal(eta('range', 240, 120), 'about 4 min');
    assert.equal(eta('range', 240, NaN), 'about 4 min');
  });

  it('has a word for what is unknown', () => {
    assert.equal(eta('none', 0), 'unknown');
    assert.equal(eta('stalled', 0), 'unknown');
    assert.equal(f.eta(null), 'unknown');
    for (const value of UNKNOWN) assert.equal(eta('range', value), 'unknown');
  });
});

describe('locales', () => {
  it('follow the tag', () => {
    assert.equal(formatter('de').bytes(12_340_000), '12,3 MB');
    assert.match(formatter('de').percent(42), /^42\s%$/);
  });

  it('fall back to English where the tag is not one', () => {
    for (const tag of ['', '!!', 'a', 'en_US', '<b>']) {
      assert.equal(new Formatter(tag).bytes(12_340_000), '12.3 MB');
    }
  });

  it('are made once', () => assert.equal(formatter('fr'), formatter('fr')));
});
