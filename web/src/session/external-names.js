/**
 * What a graph names as its external data, from the protobuf of an .onnx file: ModelProto.graph (7), GraphProto.node (1) and
 * .initializer (5), NodeProto.attribute (5), AttributeProto.t (5) and .g (6), TensorProto.external_data (13).
 */

// A graph that has its weights elsewhere is small; from larger ones the runtime itself finds out.
const LIMIT = 64 << 20;
// Graphs in graphs: a real one has a few.
const DEPTH = 8;

/** Of each message: its fields that lead on. @type {Record<string, Record<number, string>>} */
const SHAPE = {
  model: { 7: 'graph' },
  graph: { 1: 'node', 5: 'tensor' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph' },
  tensor: { 13: 'entry' },
};

/**
 * @param {Blob} file
 * @returns {Promise<string[] | null>} each name once; null where the file is too large, or no protobuf
 */
export async function externalNames(file) {
  if (file.size > LIMIT) return null;
  const bytes = new Uint8Array(await file.arrayBuffer());
  /** @type {Set<string>} */
  const names = new Set();
  try {
    walk(bytes, 'model', names, DEPTH);
  } catch {
    return null;
  }
  return [...names];
}

/** @param {Uint8Array} bytes @param {string} kind @param {Set<string>} names @param {number} depth */
function walk(bytes, kind, names, depth) {
  const entry = { key: '', value: '' };
  for (const [field, part] of fieldsOf(bytes)) {
    if (kind === 'entry') {
      if (field === 1) entry.key = textOf(part);
      if (field === 2) entry.value = textOf(part);
      continue;
    }
    const next = SHAPE[kind][field];
    if (next === 'graph' && depth === 0) throw new RangeError('Too many graphs in graphs.');
    if (next) walk(part, next, names, next === 'graph' ? depth - 1 : depth);
  }
  if (entry.key === 'location' && entry.value) names.add(entry.value);
}

/** @param {Uint8Array} bytes */
const textOf = (bytes) => new TextDecoder().decode(bytes.subarray(0, 1024));

/** The fields of a message that have a length. @param {Uint8Array} bytes @returns {Generator<[number, Uint8Array]>} */
function* fieldsOf(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 63) throw new RangeError('No number.');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    switch (tag % 8) {
      case 0:
        varint();
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = varint();
        if (at + length > bytes.length) throw new RangeError('No field.');
        yield [Math.floor(tag / 8), bytes.subarray(at, at + length)];
        at += length;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw new RangeError('No field.');
    }
  }
}
