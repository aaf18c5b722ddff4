// What a CDN makes of a Range header.

/**
 * @typedef {{ kind: 'whole' } | { kind: 'part', start: number, end: number } | { kind: 'unsatisfiable' }} RangeAnswer
 *   `start` and `end` are byte offsets, `end` exclusive.
 */

/**
 * Reads a Range header as S3 and CloudFront do: one range is served, several ranges and bad syntax are ignored (the
 * whole file comes with 200), and a range that begins past the end is refused with 416 (RFC 9110, section 14).
 *
 * @param {string | undefined} header the value of Range
 * @param {number} size the file's size in bytes
 * @returns {RangeAnswer}
 */
export function answerRange(header, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return { kind: 'whole' };
  const [, first, last] = match;
  if (first === '') {
    const count = Number(last);
    if (count === 0 || size === 0) return { kind: 'unsatisfiable' };
    return { kind: 'part', start: Math.max(0, size - count), end: size };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(size, Number(last) + 1);
  if (last !== '' && Number(last) < start) return { kind: 'whole' };
  if (start >= size) return { kind: 'unsatisfiable' };
  return { kind: 'part', start, end };
}
