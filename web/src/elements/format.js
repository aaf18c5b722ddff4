/**
 * The one formatter: every number that a visitor sees passes through here. Units are decimal everywhere
 * (1 kB = 1000 bytes, 1 MB = 1000 kB, 1 GB = 1000 MB). Unknown values (null, undefined, NaN, infinite, negative) become a
 * word, never a 0.
 */

/**
 * @typedef {import('../../bindings.d.ts').EtaDisplay} EtaDisplay
 *
 * @typedef {object} FormatWords the words that `Intl` does not bring
 * @property {string} unknown
 * @property {string} moment
 * @property {(time: string) => string} about
 */

/** @type {FormatWords} */
const ENGLISH = { unknown: 'unknown', moment: 'a moment', about: (time) => `about ${time}` };

const UNITS = /** @type {const} */ ([
  // unit, its size in bytes, decimals shown
  ['byte', 1, 0],
  ['kilobyte', 1e3, 0],
  ['megabyte', 1e6, 1],
  ['gigabyte', 1e9, 2],
  ['terabyte', 1e12, 2],
]);

/** @param {unknown} value @returns {value is number} */
const known = (value) => typeof value === 'number' && value >= 0 && value < Infinity;

export class Formatter {
  #locale;
  #words;
  /** @type {Map<string, Intl.NumberFormat>} */
  #cache = new Map();

  /**
   * @param {string} [locale] BCP 47 tag; one that `Intl` refuses counts as English
   * @param {FormatWords} [words]
   */
  constructor(locale = 'en', words = ENGLISH) {
    try {
      this.#locale = Intl.getCanonicalLocales(locale)[0] ?? 'en';
    } catch {
      this.#locale = 'en';
    }
    this.#words = words;
  }

  /** @param {string} unit @param {'short' | 'narrow' | 'long'} display @param {number} decimals */
  #unit(unit, display, decimals) {
    const key = unit + display + decimals;
    let format = this.#cache.get(key);
    if (!format) {
      const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
      format = new Intl.NumberFormat(
        this.#locale,
        unit === 'percent'
          ? { style: 'percent', ...digits }
          : { style: 'unit', unit, unitDisplay: display, ...digits },
      );
      this.#cache.set(key, format);
    }
    return format;
  }

  /** @param {number} bytes @param {number} least index of the smallest unit allowed @param {boolean} floor */
  #scale(bytes, least, floor) {
    for (let i = least; ; ++i) {
      const [unit, size, decimals] = UNITS[i];
      const step = 10 ** decimals;
      // One division by a whole number, so that halves are halves.
      const scaled = bytes / (size / step);
      const value = (floor ? Math.floor(scaled) : Math.round(scaled)) / step;
      if (value < 1000 || i === UNITS.length - 1) return { unit, value, decimals };
    }
  }

  /**
   * @param {number | null | undefined} count bytes
   * @param {{ floor?: boolean }} [options] floor: round down, for a part shown beside its whole
   * @returns {string} `512 bytes`, `340 kB`, `12.3 MB`, `2.34 GB`
   */
  bytes(count, { floor = false } = {}) {
    if (!known(count)) return this.#words.unknown;
    const { unit, value, decimals } = this.#scale(count, 0, floor);
    return this.#unit(unit, unit === 'byte' ? 'long' : 'short', decimals).format(value);
  }

  /**
   * @param {number | null | undefined} bytesPerSecond
   * @returns {string} MB/s from 1 MB/s on, else kB/s
   */
  speed(bytesPerSecond) {
    if (!known(bytesPerSecond)) return this.#words.unknown;
    // A trickle must not read as 0.
    if (bytesPerSecond > 0 && bytesPerSecond < 50) {
      return this.#unit('byte-per-second', 'short', 0).format(Math.ceil(bytesPerSecond));
    }
    const slow = Math.round(bytesPerSecond / 1e3) < 1000;
    const value = bytesPerSecond / (slow ? 1e3 : 1e6);
    const decimals = slow ? (value > 0 && value < 9.95 ? 1 : 0) : 1;
    const unit = slow ? 'kilobyte-per-second' : 'megabyte-per-second';
    return this.#unit(unit, 'short', decimals).format(value);
  }

  /**
   * Rounded to the nearest unit shown: truncation would understate what is left.
   * @param {number | null | undefined} seconds
   * @returns {string} `42s`, `3m 5s`, `1h 12m`, `2d 3h`
   */
  duration(seconds) {
    if (!known(seconds)) return this.#words.unknown;
    const s = Math.round(seconds);
    if (s < 60) return this.#unit('second', 'narrow', 0).format(s);
    if (s < 3600) return this.#pair('minute', Math.floor(s / 60), 'second', s % 60);
    const m = Math.round(seconds / 60);
    if (m < 1440) return this.#pair('hour', Math.floor(m / 60), 'minute', m % 60);
    const h = Math.round(seconds / 3600);
    return this.#pair('day', Math.floor(h / 24), 'hour', h % 24);
  }

  /** @param {string} big @param {number} a @param {string} small @param {number} b */
  #pair(big, a, small, b) {
    const left = this.#unit(big, 'narrow', 0).format(a);
    return `${left} ${this.#unit(small, 'narrow', 0).format(b)}`;
  }

  /**
   * Whole percents, rounded down, so that 100 % appears only when it is done.
   * @param {number | null | undefined} percent 0..100
   */
  percent(percent) {
    if (!known(percent) || percent > 100) return this.#words.unknown;
    return this.#unit('percent', 'short', 0).format(Math.floor(percent) / 100);
  }

  /**
   * @param {EtaDisplay | null | undefined} eta seconds, rounded by the core
   * @returns {string} `3m 5s`, `about 3 min`, `2–4 min`, or the word for unknown
   */
  eta(eta) {
    if (!eta || !known(eta.low)) return this.#words.unknown;
    const { kind, low } = eta;
    const high = known(eta.high) ? Math.max(eta.high, low) : low;
    if (kind === 'exact') return low < 0.5 ? this.#words.moment : this.duration(low);
    if (kind === 'about') return high < 0.5 ? this.#words.moment : this.#about(high);
    if (kind !== 'range') return this.#words.unknown;
    if (high < 0.5) return this.#words.moment;
    const [from, to] = [this.#coarse(low), this.#coarse(high)];
    if (!from.unit || !to.unit || from.unit !== to.unit) {
      return from.text === to.text ? this.#about(high) : `${from.text} – ${to.text}`;
    }
    if (from.value === to.value) return this.#about(high);
    const format = this.#unit(to.unit, 'short', 0);
    // Browsers that cannot format ranges get the two ends.
    return format.formatRange?.(from.value, to.value) ?? `${from.text} – ${to.text}`;
  }

  /** @param {number} seconds */
  #about(seconds) {
    return this.#words.about(this.#coarse(seconds).text);
  }

  /**
   * Seconds below a minute, whole minutes below an hour, then hours and minutes.
   * @param {number} seconds
   * @returns {{ text: string, unit?: string, value?: number } & ({ unit: string, value: number } | { unit?: undefined })}
   */
  #coarse(seconds) {
    const s = Math.round(seconds);
    if (Math.round(seconds / 60) >= 60) return { text: this.duration(seconds) };
    const unit = s < 60 ? 'second' : 'minute';
    const value = s < 60 ? s : Math.round(seconds / 60);
    return { text: this.#unit(unit, 'short', 0).format(value), unit, value };
  }
}

/** @type {Map<string, Formatter>} */
const formatters = new Map();

/**
 * The formatter of a locale, made once.
 * @param {string} [locale]
 */
export function formatter(locale = 'en') {
  let found = formatters.get(locale);
  if (!found) formatters.set(locale, (found = new Formatter(locale)));
  return found;
}
