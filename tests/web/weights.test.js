import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadCore } from '../../web/src/core.node.js';
import { readGraph } from '../../web/src/session/graph.js';
import { PIECE, StreamedFile, SyncFile } from '../../web/src/session/weights.js';
import { graphPlan, onnx } from './support/onnx.js';

const bytes = new Uint8Array(2 * PIECE + 3).map((_, index) => index % 251);
const RANGES = [
  { range: [0, bytes.length], expected: [PIECE, PIECE, 3] },
  { range: [5, 5 + PIECE], expected: [PIECE] },
  { range: [PIECE - 1, 2 * PIECE], expected: [PIECE, 1] },
  { range: [7, 7], expected: [] },
];

/** @param {ReadableStream<Uint8Array>} stream */
async function lengthsAndBytes(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return { lengths: pieces.map(({ length }) => length), read: Buffer.concat(pieces) };
}

test('a part is streamed as it lies in the file, a piece at a time, and counted', async () => {
  for (const { range, expected } of RANGES) {
    /** @type {number[]} */
    const handed = [];
    const file = new StreamedFile(new Blob([bytes]), (count) => handed.push(count));
    const { lengths, read } = await lengthsAndBytes(file.slice(...range).stream());
    assert.deepEqual(lengths, expected);
    assert.deepEqual(handed, [0, ...expected]);
    assert.ok(read.equals(bytes.subarray(...range)));
  }
});

test('a streamed file is a Blob of the same size, whose streams refuse the readers that hang', () => {
  const file = new StreamedFile(new Blob([bytes]), () => {});
  assert.ok(file instanceof Blob);
  assert.equal(file.size, bytes.length);
  assert.throws(() => file.slice(0, 9).stream().getReader({ mode: 'byob' }), TypeError);
});

test('a file that can no longer be read is an error, not an end', async () => {
  const gone = new StreamedFile(new Blob([bytes]), () => {});
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

test('a file that is read at once passes for its bytes and holds none', () => {
  for (const { range, expected } of RANGES) {
    /** @type {number[]} */
    const handed = [];
    // Stands in for a file: what is sliced of it is read at once.
    const file = /** @type {any} */ ({
      size: bytes.length,
      slice: (/** @type {number} */ begin, /** @type {number} */ end) => bytes.slice(begin, end),
    });
    const sync = new SyncFile(
      file,
      (blob) => /** @type {any} */ (blob).buffer,
      (count) => handed.push(count),
    );
    assert.ok(sync instanceof Uint8Array);
    assert.equal(sync.byteLength, bytes.length);
    assert.ok(Buffer.from(sync.subarray(...range)).equals(bytes.subarray(...range)));
    assert.deepEqual(handed, [0, ...expected]);
    sync.forget();
    assert.ok(Buffer.from(sync.subarray(1, 4)).equals(bytes.subarray(1, 4)));
  }
});

test('a graph is read without its weights, and says how many there are', async () => {
  const core = await loadCore();
  const weights = new Uint8Array(3_000_000).fill(7);
  const file = new Blob([onnx([{ name: 'w', raw: weights }])]);
  let read = 0;
  const counted = /** @type {any} */ ({
    size: file.size,
    slice(/** @type {number} */ begin, /** @type {number} */ end) {
      const part = file.slice(begin, end);
      read += part.size;
      return part;
    },
  });
  const { graph, weightBytes, fault } = await readGraph(core, graphPlan('onnx/m.onnx'), {
    'onnx/m.onnx': counted,
  });
  assert.equal(fault, '');
  assert.equal(weightBytes, weights.length);
  assert.ok(graph.length < 300);
  assert.ok(read < 100_000, `${read} bytes were read`);
  assert.match(
    Buffer.from(graph).toString('latin1'),
    /location.*m\.onnx.*offset.*length.*3000000/s,
  );
});

test('a file that is no graph has a fault', async () => {
  const core = await loadCore();
  const { fault } = await readGraph(core, graphPlan('m.onnx'), {
    'm.onnx': new Blob(['<!doctype html><title>Not found</title>']),
  });
  assert.match(fault, /^m\.onnx is no model: [a-z ]+\.$/);
});
