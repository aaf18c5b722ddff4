/** The least of ONNX files: Protocol Buffers by hand. */

/** @param {number} value @returns {number[]} */
const varint = (value) =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];

/** @param {number} field @param {Uint8Array | string} content */
function part(field, content) {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(bytes.length)]), bytes]);
}

/** @param {number} field @param {number} value */
const number = (field, value) => Buffer.from([...varint(field * 8), ...varint(value)]);

/**
 * A model of initializers only.
 * @param {{ name: string, raw?: Uint8Array, external?: { location: string, offset: number, length: number } }[]} tensors
 */
export function onnx(tensors) {
  const initializers = tensors.map(({ name, raw, external }) => {
    const entries = Object.entries(external ?? {}).map(([key, value]) =>
      part(13, Buffer.concat([part(1, key), part(2, String(value))])),
    );
    const data = raw ? [part(9, raw)] : [...entries, number(14, 1)];
    return part(5, Buffer.concat([number(2, 2), part(8, name), ...data]));
  });
  return Buffer.concat([number(1, 8), part(7, Buffer.concat(initializers))]);
}

/** A plan as far as reading the graph needs it. @param {string} graph @param {string[]} [externalData] @returns {any} */
export const graphPlan = (graph, externalData = []) => ({ graph, externalData });
