/**
 * A model's graph without its weights. Where those lie is the core's to find out (OnnxIndex); here the file is read.
 */

// As much as goes between two tensors of most graphs; what is read of a tensor besides is in vain.
const PIECE = 1 << 14;

/** The graph names its files relative to itself. @param {string} path */
export const nameOf = (path) => path.slice(path.lastIndexOf('/') + 1);

/**
 * @param {import('../../bindings.d.ts').CoreModule} core
 * @param {import('../../bindings.d.ts').SessionPlan} plan
 * @param {Record<string, Blob>} files
 * @returns {Promise<{ graph: Uint8Array, weightBytes: number, fault: string }>} weightBytes: of all the tensors that the
 *   graph refers to, in `plan.graph` itself and in its external data; fault: what is wrong with it, or ''
 */
export async function readGraph(core, plan, files) {
  const file = files[plan.graph];
  const index = new core.OnnxIndex(nameOf(plan.graph), file.size);
  try {
    for (const path of plan.externalData) index.external(nameOf(path), files[path].size);
    for (let at = index.next(); !Number.isNaN(at); at = index.next()) {
      const bytes = new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer());
      // The memory may move to make room.
      const into = index.buffer(bytes.length);
      core.HEAPU8.set(bytes, into);
      index.add(bytes.length);
    }
    const address = index.graph();
    const graph = core.HEAPU8.slice(address, address + index.graphBytes());
    return { graph, weightBytes: index.weightBytes(), fault: index.fault() };
  } finally {
    index.delete();
  }
}
