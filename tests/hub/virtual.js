// Files of any size that exist nowhere: every byte follows from the seed and its offset.

const BLOCK = 64 * 1024;
const BASE = 1024 * 1024;

/** @type {Map<number, Buffer>} */
const bases = new Map();

/**
 * @param {number} seed
 * @returns {Buffer} a mebibyte and a block of noise (xorshift32), from which every block is a slice
 */
function base(seed) {
  let bytes = bases.get(seed);
  if (!bytes) {
    const words = new Uint32Array((BASE + BLOCK) / 4);
    let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
    for (let i = 0; i < words.length; i += 1) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[i] = state;
    }
    bytes = Buffer.from(words.buffer);
    bases.set(seed, bytes);
  }
  return bytes;
}

/**
 * Any part of the virtual file. Block k is a slice of the noise with k in front, so no two blocks are equal and a
 * range put at a wrong place is seen.
 *
 * @param {number} seed a 32-bit integer
 * @param {number} position byte offset
 * @param {number} length bytes
 * @returns {Buffer}
 */
export function virtualBytes(seed, position, length) {
  const noise = base(seed);
  const out = Buffer.allocUnsafe(length);
  const head = Buffer.allocUnsafe(8);
  for (let done = 0; done < length;) {
    const offset = position + done;
    const block = Math.floor(offset / BLOCK);
    const inside = offset - block * BLOCK;
    const take = Math.min(BLOCK - inside, length - done);
    const from = (block * 40_503) % BASE;
    noise.copy(out, done, from + inside, from + inside + take);
    if (inside < 8) {
      head.writeBigUInt64LE(BigInt(block));
      head.copy(out, done, inside, Math.min(8, inside + take));
    }
    done += take;
  }
  return out;
}
