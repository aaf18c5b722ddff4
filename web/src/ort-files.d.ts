/** What ONNX Runtime's WebAssembly must be: written when the package is built (build.js). */
declare const files: Record<
  import('../bindings.d.ts').SessionPlan['runtime'],
  { path: string; size: number; sha256: string }
>;
export default files;
