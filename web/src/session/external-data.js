/**
 * A file as ONNX Runtime reads a model's external data from it: one `slice(begin, end).stream()` a tensor, so that the
 * whole never lies in memory.
 *
 * Not the Blob's own streams: while a "byob" reader waits for one of those, nothing holds either (Chromium 156, WebKit bug
 * 302685), and a garbage collection at that moment leaves the runtime waiting for ever. `arrayBuffer()` is held until it
 * answers.
 */
export class ExternalData extends Blob {
  /** How much is read at a time, bytes: what ONNX Runtime's own buffer would take. */
  static PIECE = 1 << 20;

  /** @param {Blob} file */
  constructor(file) {
    super([file]);
  }

  /** @param {number} [begin] @param {number} [end] */
  slice(begin, end) {
    return new ExternalData(super.slice(begin, end));
  }

  /** Not a byte stream: ONNX Runtime, refused a "byob" reader, takes the other. */
  stream() {
    const read = (/** @type {number} */ at) =>
      super.slice(at, at + ExternalData.PIECE).arrayBuffer();
    let at = 0;
    return new ReadableStream({
      pull: async (controller) => {
        if (at < this.size) controller.enqueue(new Uint8Array(await read(at)));
        at += ExternalData.PIECE;
        if (at >= this.size) controller.close();
      },
    });
  }
}
