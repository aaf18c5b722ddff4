import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExternalData } from '../../web/src/session/external-data.js';

const bytes = new Uint8Array(2 * ExternalData.PIECE + 3).map((_, index) => index % 251);
const file = new ExternalData(new Blob([bytes]));

/** @param {ReadableStream<Uint8Array>} stream */
async function lengthsAndBytes(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return { lengths: pieces.map(({ length }) => length), read: Buffer.concat(pieces) };
}

test('a part is read as it lies in the file, a piece at a time', async () => {
  const { PIECE } = ExternalData;
  for (const { range, expected } of [
    { range: [0, bytes.length], expected: [PIECE, PIECE, 3] },
    { range: [5, 5 + PIECE], expected: [PIECE] },
    { range: [PIECE - 1, 2 * PIECE], expected: [PIECE, 1] },
    { range: [7, 7], expected: [] },
  ]) {
    const { lengths, read } = await lengthsAndBytes(file.slice(...range).stream());
    assert.deepEqual(lengths, expected);
    assert.ok(read.equals(bytes.subarray(...range)));
  }
});

test('is a Blob of the same size, whose streams refuse the readers that hang', () => {
  assert.ok(file instanceof Blob);
  assert.equal(file.size, bytes.length);
  assert.throws(() => file.slice(0, 9).stream().getReader({ mode: 'byob' }), TypeError);
});

test('a file that can no longer be read is an error, not an end', async () => {
  const gone = new ExternalData(new Blob([bytes]));
  const failing = gone.slice(0, 9);
  const { slice } = Blob.prototype;
  Blob.prototype.slice = () =>
    /** @type {any} */ ({ arrayBuffer: () => Promise.reject(new Error('gone')) });
  try {
    await assert.rejects(lengthsAndBytes(failing.stream()), /gone/);
  } finally {
    Blob.prototype.slice = slice;
  }
});
