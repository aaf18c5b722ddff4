/** ONNX Runtime's files: written when the package is built (build.js). */
type Build = import('../bindings.d.ts').SessionPlan['runtime'];
/** Of each build its API, its glue and its WebAssembly. */
export const NAMES: Record<Build, string[]>;
/** What that WebAssembly must be. */
declare const files: Record<Build, { path: string; size: number; sha256: string }>;
export default files;
