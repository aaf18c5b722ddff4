/**
 * The keys and values of the tokens so far, where the runtime left them: in this thread's memory or in the GPU's.
 *
 * @typedef {import('../../bindings.d.ts').CacheLayout} CacheLayout
 * @typedef {import('onnxruntime-web').Tensor} Tensor
 */

// Where Float16Array exists, ONNX Runtime takes and gives nothing else.
const Half = /** @type {any} */ (globalThis).Float16Array ?? Uint16Array;

export class KeyValueCache {
  #Tensor;
  #layout;
  #device;
  /** @type {Tensor[]} */
  #tensors = [];
  /** Tokens. */
  #length = 0;

  /** @param {typeof import('onnxruntime-web').Tensor} Tensor @param {CacheLayout} layout @param {GPUDevice | null} device */
  constructor(Tensor, layout, device) {
    this.#Tensor = Tensor;
    this.#layout = layout;
    this.#device = device;
  }

  /** What a run is given. @returns {Record<string, Tensor>} */
  feeds() {
    const { inputs, type, dims } = this.#layout;
    const none = () =>
      new this.#Tensor(type, type === 'float32' ? new Float32Array(0) : new Half(0), dims);
    return Object.fromEntries(inputs.map((name, i) => [name, this.#tensors[i] ?? none()]));
  }

  /** Holds what a run gave in place of what it was given. @param {Tensor[]} tensors @param {number} length tokens in them */
  take(tensors, length) {
    this.forget();
    this.#tensors = tensors;
    this.#length = length;
  }

  /** Keeps the first `length` tokens. @param {number} length */
  cut(length) {
    if (length >= this.#length) return;
    if (length === 0) return this.forget();
    const cut = this.#device ? this.#cutOnGpu(this.#device, length) : this.#cutHere(length);
    this.take(cut, length);
  }

  forget() {
    for (const tensor of this.#tensors) tensor.dispose();
    this.#tensors = [];
    this.#length = 0;
  }

  /** @param {number} length */
  #cutHere(length) {
    return this.#tensors.map(({ type, dims, data }) => {
      const [batch, heads, tokens, size] = dims;
      const all = /** @type {Float32Array} */ (data);
      const kept = new /** @type {any} */ (all.constructor)(heads * length * size);
      for (let head = 0; head < heads; head++) {
        const from = head * tokens * size;
        kept.set(all.subarray(from, from + length * size), head * length * size);
      }
      return new this.#Tensor(type, kept, [batch, heads, length, size]);
    });
  }

  /** @param {GPUDevice} device @param {number} length */
  #cutOnGpu(device, length) {
    const encoder = device.createCommandEncoder();
    const cut = this.#tensors.map((tensor) => {
      const [batch, heads, tokens, size] = tensor.dims;
      const row = size * (tensor.type === 'float16' ? 2 : 4);
      const buffer = device.createBuffer({
        // As the runtime's own: multiples of 16 bytes.
        size: Math.ceil((heads * length * row) / 16) * 16,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      });
      const from = /** @type {GPUBuffer} */ (/** @type {unknown} */ (tensor.gpuBuffer));
      for (let head = 0; head < heads; head++) {
        const [begin, to] = [head * tokens * row, head * length * row];
        encoder.copyBufferToBuffer(from, begin, buffer, to, length * row);
      }
      return this.#Tensor.fromGpuBuffer(/** @type {any} */ (buffer), {
        dataType: /** @type {'float32' | 'float16'} */ (tensor.type),
        dims: [batch, heads, length, size],
        dispose: () => buffer.destroy(),
      });
    });
    device.queue.submit([encoder.finish()]);
    return cut;
  }
}
