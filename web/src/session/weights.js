/**
 * A model's weights as ONNX Runtime takes them: it gets the graph without them, and reads each tensor from its file when
 * it needs it, so that the whole never lies in memory, and every byte is seen on its way.
 */

/** How much is read at a time, bytes. */
export const PIECE = 1 << 20;

/** Gives the memory back now, and not at some collection of garbage later. @param {Uint8Array<ArrayBuffer>} bytes */
const free = (bytes) => void bytes.buffer.transfer?.(0);

/** @typedef {(bytes: number) => void} Handed so many more bytes went to the runtime; 0 where a tensor begins */

/**
 * As the JSPI build reads external data: one `slice(begin, end).stream()` a tensor, and meanwhile this thread goes on.
 *
 * Not the Blob's own streams: while a "byob" reader waits for one of those, nothing holds either (Chromium 156, WebKit bug
 * 302685), and a garbage collection at that moment leaves the runtime waiting for ever. `arrayBuffer()` is held until it
 * answers.
 */
export class StreamedFile extends Blob {
  #handed;

  /** @param {Blob} file @param {Handed} handed */
  constructor(file, handed) {
    super([file]);
    this.#handed = handed;
  }

  /** @param {number} [begin] @param {number} [end] */
  slice(begin, end) {
    return new StreamedFile(super.slice(begin, end), this.#handed);
  }

  /** Not a byte stream: ONNX Runtime, refused a "byob" reader, takes the other. */
  stream() {
    const read = (/** @type {number} */ at) => super.slice(at, at + PIECE).arrayBuffer();
    this.#handed(0);
    let at = 0;
    return new ReadableStream({
      pull: async (controller) => {
        if (at < this.size) {
          const bytes = new Uint8Array(await read(at));
          controller.enqueue(bytes);
          this.#handed(bytes.length);
        }
        at += PIECE;
        if (at >= this.size) controller.close();
      },
    });
  }
}

/**
 * As the other builds read it: `subarray(begin, end)` a tensor, answered at once. They take it for the file's bytes, but it
 * has none of its own, and reads what it is asked for.
 */
export class SyncFile extends Uint8Array {
  #file;
  #readNow;
  #handed;
  /** Used again and again, as large as the largest tensor. */
  #scratch = new Uint8Array(0);

  /** @param {Blob} file @param {(blob: Blob) => ArrayBuffer} readNow @param {Handed} handed */
  constructor(file, readNow, handed) {
    super(0);
    this.#file = file;
    this.#readNow = readNow;
    this.#handed = handed;
  }

  // What TypedArray's own methods make of it are arrays of bytes.
  static get [Symbol.species]() {
    return Uint8Array;
  }

  get byteLength() {
    return this.#file.size;
  }

  /** @param {number} [begin] @param {number} [end] @returns {Uint8Array<ArrayBuffer>} until the next call */
  subarray(begin = 0, end = this.byteLength) {
    const length = end - begin;
    this.#handed(0);
    if (this.#scratch.length < length) {
      this.forget();
      this.#scratch = new Uint8Array(length);
    }
    for (let at = begin; at < end; at += PIECE) {
      const bytes = new Uint8Array(this.#readNow(this.#file.slice(at, Math.min(end, at + PIECE))));
      this.#scratch.set(bytes, at - begin);
      this.#handed(bytes.length);
      free(bytes);
    }
    return this.#scratch.subarray(0, length);
  }

  /** Gives the memory back; the file can still be read. */
  forget() {
    free(this.#scratch);
    this.#scratch = new Uint8Array(0);
  }
}
