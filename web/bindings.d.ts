/**
 * The contract between the C++ core (`bindings.cpp`) and JavaScript. Structured data crosses as JSON text: one crossing a
 * frame, nothing to free, and absent values survive (`null`), which Embind's value objects cannot say in every supported
 * Emscripten. Bulk bytes cross through the module's memory. A test compares this file with the module.
 *
 * Sentences (messages, reasons, refusals) come by name: an id and its parameters, each behind a tab, which
 * src/elements/sentences.js puts into words before anybody sees them. In a detail, which is text from outside, ours begins
 * with a tab.
 *
 * Units: bytes, milliseconds (`nowMs`, from any steady epoch), bytes per second; `timeRemaining`, `etaLow`, `etaHigh` in seconds.
 */

/** Everything the page may show about one model; plain data. See the README for the meaning of each field. */
export interface Snapshot {
  modelKey: string;
  modelName: string;
  status:
    'idle' | 'queued' | 'downloading' | 'paused' | 'loading' | 'ready' | 'failed' | 'cancelled';
  phase: 'resolve' | 'download' | 'verify' | 'create' | 'upload' | 'warmup' | null;
  /** 0..100 of this phase; null while it can't be known. */
  progress: number | null;
  /** Position in bytes (network + cached); falls only when bytes were thrown away. */
  totalDownloaded: number;
  totalSize: number | null;
  network: number;
  cached: number;
  verified: number;
  resident: number;
  residentTotal: number | null;
  speed: number | null;
  timeRemaining: number | null;
  etaLow: number | null;
  etaHigh: number | null;
  /** What to say about the time left, already rounded as people round (seconds). */
  eta: EtaDisplay;
  /** ms without a byte while bytes are expected; 0 while they flow. */
  stalledFor: number;
  /** ms since this phase began (H8), and what the phase took last time on this device, if known. */
  phaseElapsed: number;
  phaseLastTime: number | null;
  /** Bytes thrown away since the start (corrupt or changed), with the reason of the last time; 0 and null normally. */
  discarded: number;
  discardedReason: string | null;
  filesCompleted: number;
  totalFiles: number;
  currentFile: string;
  files: FileProgress[];
  /** At most 120 points of bytes per second, evenly spaced in time, oldest first. */
  throughput: number[];
  variant: { dtype: string; executionProvider: 'webgpu' | 'wasm'; reason: string } | null;
  /** Of the last answer on this device, with the weights and the engine that were used last; null while unknown. */
  tokensPerSecond: number | null;
  /** A newer version of a model that is here: `update` fetches it. bytes: to be fetched; null while unknown. */
  newer: { bytes: number | null } | null;
  /** False where nothing will be kept (no OPFS). */
  persistent: boolean;
  /** Another tab has the model's folder: its numbers are shown, and this tab goes on when the folder is free. */
  elsewhere: boolean;
  attempt: number;
  maxAttempts: number;
  error: CoreError | null;
  /** What the visitor may do now, decided by the core: the UI shows exactly these buttons. */
  can: {
    pause: boolean;
    resume: boolean;
    cancel: boolean;
    retry: boolean;
    remove: boolean;
    update: boolean;
  };
  /** A page that was left goes on with this model by itself when it is shown again. */
  goesOn: boolean;
  startTime: number;
  lastUpdate: number;
}

export interface EtaDisplay {
  kind: 'none' | 'exact' | 'about' | 'range' | 'stalled';
  low: number;
  high: number;
}

export interface FileProgress {
  status: 'initiate' | 'download' | 'progress' | 'verify' | 'done' | 'failed';
  name: string;
  file: string;
  progress: number | null;
  loaded: number;
  total: number | null;
  cached: number;
  speed: number | null;
  timeRemaining: number | null;
}

/** Of a ProgressTracker: one file, or one stream of events. Absent values are null. */
export interface ProgressInfo {
  status: 'initiate' | 'download' | 'paused' | 'loading' | 'done' | 'ready' | 'failed';
  name: string;
  file: string;
  progress: number | null;
  loaded: number;
  total: number | null;
  speed: number | null;
  timeRemaining: number | null;
  etaLow: number | null;
  etaHigh: number | null;
  stalledFor: number;
  network: number;
  cached: number;
  verified: number;
  discarded: number;
  fromCache: boolean;
  eta: EtaDisplay;
  throughput: number[];
  secondsPerPoint: number;
  error: string | null;
}

/** Of a MultiFileAggregator. Absent values are null. */
export interface AggregateProgressInfo {
  status: ProgressInfo['status'];
  overallProgress: number | null;
  filesCompleted: number;
  totalFiles: number;
  currentFile: string;
  totalDownloaded: number;
  totalSize: number | null;
  speed: number | null;
  timeRemaining: number | null;
  etaLow: number | null;
  etaHigh: number | null;
  stalledFor: number;
  network: number;
  cached: number;
  verified: number;
  discarded: number;
  eta: EtaDisplay;
  throughput: number[];
  secondsPerPoint: number;
  error: string | null;
  files: FileProgressInfo[];
}

/** One file of a MultiFileAggregator: a speed and a time left while bytes of it come. */
export type FileProgressInfo = Omit<
  ProgressInfo,
  'etaLow' | 'etaHigh' | 'stalledFor' | 'eta' | 'throughput' | 'secondsPerPoint' | 'error'
>;

/** What is known of one download; its record adds a `version`. Absent values are null. */
export interface DownloadState {
  modelKey: string;
  modelName: string;
  status: 'downloading' | 'completed' | 'failed' | 'paused';
  progress: number | null;
  startTime: number;
  lastUpdate: number;
  speed: number | null;
  bytesDownloaded: number;
  totalBytes: number | null;
  timeRemaining: number | null;
  error: string | null;
  phase: string;
  attempt: number;
}

export type ErrorCode =
  | 'network'
  | 'http'
  | 'gated'
  | 'not_found'
  | 'rate_limited'
  | 'integrity'
  | 'changed'
  | 'quota'
  | 'storage'
  | 'unsupported'
  | 'out_of_memory'
  | 'device_lost'
  | 'runtime'
  | 'aborted';

/** message: a sentence for the visitor, by name. kept: bytes on disk that the next try starts from. detail: text from outside (show as text). */
export interface CoreError {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  kept: number;
  detail: string;
  /** ms until the core tries again by itself; null when it waits for the visitor. */
  retryIn: number | null;
}

/** What the core is told about one model when its loader is made. */
export interface ModelConfig {
  modelKey: string;
  modelName: string;
  /** Hub id (`owner/name`) or absolute URL of a folder with the same layout. */
  repo: string;
  revision: string; // 'main'
  host: string; // 'https://huggingface.co'
  dtype: string | Record<string, string>; // 'auto' | name | per component
  file: string; // the graph's path, wherever it lies; '' for the conventions
  executionProvider: 'auto' | 'webgpu' | 'wasm';
  /** The code of each build of the runtime that a device may need; loaded with the model, as one of its files. */
  runtimeFiles: RuntimeFile[];
  /** The record saved under download_state_${modelKey} by an earlier visit, as found; hostile until checked. */
  record: string | null;
  /** The record under candor_timings_${modelKey}, likewise: how long the phases took last time on this device. */
  timings: string | null;
  /**
   * Whether a model that is whole on disk is asked for again: 'background' looks for a newer version while the model loads,
   * 'before-load' before; 'default' is 'background', and 'never' for a commit, which cannot change.
   */
  revalidate: 'default' | 'never' | 'background' | 'before-load';
  /** Seed for jitter. */
  seed: number;
}

export interface RuntimeFile {
  runtime: SessionPlan['runtime'];
  /** Below the model's folder; it names the version. */
  path: string;
  url: string;
  size: number;
  sha256: string;
}

/** What a device can do, as probed. Unknown numbers are null. */
export interface DeviceFacts {
  webgpu: boolean;
  shaderF16: boolean;
  fallbackAdapter: boolean;
  maxBufferSize: number | null;
  maxStorageBufferBindingSize: number | null;
  /** Invocations in a subgroup at least; null where the adapter has no `subgroups`. */
  subgroupMinSize: number | null;
  adapter: string; // vendor/architecture text for the details view
  deviceMemory: number | null; // GiB
  cores: number | null;
  crossOriginIsolated: boolean;
  jspi: boolean; // WebAssembly can be suspended while JavaScript works (JavaScript Promise Integration)
  persistent: boolean; // OPFS sync access handles work
  quota: number | null;
  usage: number | null;
  online: boolean;
}

/**
 * JavaScript → core. `visit` is that of the action that was answered (of `useFolder` for what the store says), `session`
 * that of `createSession`: what belongs to an earlier one is ignored.
 */
export type CoreEvent =
  | { type: 'load' }
  | { type: 'pause' }
  | { type: 'resume' }
  | { type: 'retry' }
  | { type: 'cancel' }
  /** Answered by the action `done`. */
  | { type: 'remove'; ticket: number }
  | { type: 'update' }
  | { type: 'dispose' }
  | { type: 'tick' }
  | { type: 'online' }
  | { type: 'offline' }
  /** No other tab has the model's folder now. */
  | { type: 'locked'; visit: number }
  /** Another tab is using the folder, which was asked for only if it is free. */
  | { type: 'busy'; visit: number }
  /** The JSON of the snapshot that the tab which has the folder shows. */
  | { type: 'peer'; visit: number; text: string }
  | { type: 'probed'; visit: number; device: DeviceFacts }
  /** What lies in the two places of the journal, null for nothing. files: what is really on disk below the model's folder. */
  | {
      type: 'journal';
      visit: number;
      texts: [string | null, string | null];
      files: { path: string; size: number }[];
    }
  | { type: 'opened'; visit: number; file: number; size: number }
  | { type: 'journaled'; visit: number }
  | {
      type: 'storeFailed';
      visit: number;
      /** What could not be done. */
      work: 'journal' | 'file' | 'remove' | 'session';
      file: number | null;
      kind: 'quota' | 'storage';
      message: string;
    }
  | { type: 'removed'; visit: number }
  | {
      type: 'head';
      request: number;
      status: number;
      redirected: boolean;
      headers: Record<string, string>;
    }
  /** More of a body asked for as a text came. */
  | { type: 'heard'; request: number }
  | { type: 'text'; request: number; body: string }
  | { type: 'end'; request: number }
  /** The request failed before or during the body. */
  | { type: 'fetchFailed'; request: number; kind: 'network' | 'aborted'; message: string }
  /** From the session worker. */
  | {
      type: 'sessionProgress';
      session: number;
      stage: 'create' | 'upload' | 'warmup';
      loaded: number;
      total: number | null;
    }
  | { type: 'sessionReady'; session: number }
  | {
      type: 'sessionFailed';
      session: number;
      /** What our own code found out about the model's files; null: the words are the runtime's, and the core judges them. */
      kind: 'unsupported' | 'integrity' | null;
      message: string;
      file: string;
      detail: string;
    }
  /** Answers `examine`; without a kind nothing was found. external: names relative to the graph; null: not known. */
  | {
      type: 'examined';
      examination: number;
      kind: 'unsupported' | 'integrity' | null;
      message: string;
      file: string;
      detail: string;
      external: string[] | null;
    }
  | { type: 'sessionLost'; session: number; message: string }
  /** A chat ended as it should. tokensPerSecond: of those after the first. */
  | { type: 'answered'; session: number; tokens: number; tokensPerSecond: number | null }
  /** A chat ended in an error of the runtime. The core says what it means by `rejectChat`. */
  | { type: 'answerFailed'; session: number; chat: number; message: string };

/** Core → JavaScript, performed in order. */
export type CoreAction =
  | { type: 'probe'; visit: number }
  /**
   * Wait until no other tab has the folder, then send locked; meanwhile pass on what that tab says. toRemove: only if no
   * other tab even reads it, else send busy at once.
   */
  | { type: 'lock'; visit: number; folder: string; toRemove: boolean }
  /** Other tabs may read the files, too, and write none of them, until unlock. */
  | { type: 'share' }
  /** Close the folder's files and give it to the next tab, or stop waiting. */
  | { type: 'unlock' }
  | { type: 'readJournal' }
  /** Store folder of this model (one path segment, safe for any file system); sent before any other store action. */
  | { type: 'useFolder'; visit: number; folder: string }
  /** body 'text': the whole body, at most limit bytes, comes back as one text event. 'stream': wait for accept after head. */
  | {
      type: 'fetch';
      request: number;
      url: string;
      range: [number, number | null] | null;
      body: 'text' | 'stream';
      limit: number;
    }
  /** Write this request's body into `file` from `offset`, at most `length` bytes; report each chunk by received(). */
  | { type: 'accept'; request: number; file: number; offset: number; length: number }
  | { type: 'abort'; request: number }
  | { type: 'open'; file: number; path: string }
  | { type: 'truncate'; file: number; size: number }
  /** Read back and report by hashed() in pieces, ascending. */
  | { type: 'read'; file: number; offset: number; length: number }
  | { type: 'close'; file: number }
  /** Into place 0 or 1, the other stays; only after all that was written before is flushed; then journaled. */
  | { type: 'writeJournal'; slot: number; text: string }
  | { type: 'removeFolder' }
  | { type: 'persist'; key: string; json: string }
  | { type: 'unpersist'; key: string }
  /** Read what is small of the model, and judge it; graph: also what the graph names as its external data. */
  | { type: 'examine'; examination: number; plan: SessionPlan; graph: boolean }
  | { type: 'createSession'; session: number; plan: SessionPlan }
  | { type: 'closeSession' }
  | { type: 'rejectChat'; chat: number; error: CoreError }
  /** Answers remove; error: nothing was removed. */
  | { type: 'done'; ticket: number; error: CoreError | null }
  | { type: 'publish'; snapshot: Snapshot };

/** What the session worker needs: paths are below the model's folder. */
export interface SessionPlan {
  executionProvider: 'webgpu' | 'wasm';
  dtype: string;
  graph: string; // onnx/model_q4.onnx
  externalData: string[]; // onnx/model_q4.onnx_data …
  config: string;
  generationConfig: string | null;
  tokenizer: string;
  tokenizerConfig: string | null;
  chatTemplate: string | null; // chat_template.jinja
  threads: number;
  /** The build of ONNX Runtime Web. */
  runtime: 'jspi' | 'asyncify' | 'plain';
  /** A device may be requested with the feature `subgroups`. */
  subgroups: boolean;
  /** Its WebAssembly; '' where no RuntimeFile is of this build. */
  runtimeFile: string;
}

/** The next step of a generation, from GenerationLoop. */
export type GenerationStep =
  /**
   * Run the graph: inputIds [1, n] after the first pastLength tokens of the cache (what it holds beyond is cut off);
   * attention_mask is ones [1, pastLength + n]; position_ids pastLength... logits: those of the last position are wanted.
   * promptLength: while the prompt is read, how long it is in all; else 0.
   */
  | {
      type: 'run';
      inputIds: number[];
      pastLength: number;
      positionIds: boolean;
      logits: boolean;
      promptLength: number;
    }
  /** Decode these token ids without special tokens and hand the text to text(). */
  | { type: 'decode'; ids: number[] }
  /** Show this piece, then call next(). */
  | { type: 'piece'; text: string }
  | {
      type: 'finish';
      reason: 'eos' | 'stop' | 'length' | 'context' | 'abort';
      tokens: number;
      ids: number[];
      text: string;
      /** Tokens of the prompt, and how many of them the cache had already. */
      promptTokens: number;
      reusedTokens: number;
      /** Tokens of the cache that stay for the next prompt; the rest is cut off. */
      keep: number;
      /** ms without use after which they go, too. */
      keepFor: number;
    }
  | { type: 'error'; error: CoreError };

/** What GenerationLoop is made from: ONNX Runtime's metadata and the model's own files, parsed but not judged. */
export interface GraphFacts {
  config: unknown; // config.json
  generationConfig: unknown; // generation_config.json or null
  eos: number[]; // what the tokenizer calls the end of a sequence
  /** shape: a string or null is a symbolic dimension. */
  inputs: { name: string; type: string; shape: (number | string | null)[] }[];
  outputs: { name: string; type: string; shape: (number | string | null)[] }[];
}

/** One message of a chat and the tokens of its content alone. */
export interface MessageCost {
  role: string;
  tokens: number;
}

/** How the cache tensors of a graph are called and shaped. dims has 0 for the past length. */
export interface CacheLayout {
  inputs: string[];
  outputs: string[];
  dims: [number, number, number, number];
  type: 'float32' | 'float16';
  positionIds: boolean;
  logits: string;
  /** Shape of the input num_logits_to_keep (int64); null where the graph has none. */
  logitsToKeep: number[] | null;
}

export interface GenerationOptions {
  /** 0: the prompt is only read, and kept for the next one. */
  maxNewTokens?: number;
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  repetitionPenalty?: number;
  seed?: number;
  stop?: string[];
}

/** A class bound by Embind. */
export interface Bound {
  delete(): void;
  isDeleted(): boolean;
}

export interface ModelLoaderHandle extends Bound {
  /** One CoreEvent as JSON → CoreAction[] as JSON. */
  on(eventJson: string, nowMs: number): string;
  /** Address of `length` writable bytes, valid until the next call into this object. */
  buffer(length: number): number;
  /** A chunk of request's body was written at its place; its bytes lie in buffer(). → CoreAction[] as JSON, '' for none. */
  received(request: number, length: number, nowMs: number): string;
  /** A piece asked for by `read` lies in buffer(); length 0: nothing more on disk. → CoreAction[] as JSON, '' for none. */
  hashed(file: number, offset: number, length: number, nowMs: number): string;
  /** When to send the next tick; NaN for never. */
  wakeAt(): number;
  snapshot(nowMs: number): string;
  /** The name of the model's folder in the store, the same on every visit. */
  folder(): string;
}

export interface GenerationLoopHandle extends Bound {
  /** CacheLayout as JSON, or {error: CoreError}. */
  layout(): string;
  /** promptIds as a JSON array; options: GenerationOptions as JSON. */
  begin(promptIds: string, options: string): string;
  /**
   * How many of the oldest messages that are no system messages to leave out: MessageCost[] as JSON; promptTokens: of all
   * messages as the template renders them; maxNewTokens: the answer's limit, NaN for none.
   */
  messagesToDrop(costs: string, promptTokens: number, maxNewTokens: number): number;
  /** Address of `count` float32 for the last position's raw logits. */
  buffer(count: number): number;
  /** Answers `run`; count is 0 where no logits were wanted. */
  logits(count: number): string;
  text(decoded: string): string;
  next(): string;
  abort(): string;
  /** The cache is empty, or not to be trusted. */
  forget(): void;
}

/** Finds the weights of an .onnx file without reading them. */
export interface OnnxIndexHandle extends Bound {
  /** A file beside it that it may name, and its bytes. Before the first piece. */
  external(name: string, size: number): void;
  /** Offset of the byte that is needed next; NaN: nothing more. */
  next(): number;
  /** Address of room for `length` bytes. */
  buffer(length: number): number;
  /** So many bytes from next() on lie there; 0: the file ends. */
  add(length: number): void;
  /** What is wrong with the file; '' for nothing. */
  fault(): string;
  /** Address of the graph whose weights are references to the files, once next() is NaN. */
  graph(): number;
  graphBytes(): number;
  /** Bytes of all that it refers to. */
  weightBytes(): number;
}

export interface ProgressTrackerHandle extends Bound {
  update(loaded: number, total: number, nowMs: number): void; // NaN: unknown
  handleTransformersProgress(eventJson: string, nowMs: number): void;
  complete(nowMs: number): void;
  fail(error: string, nowMs: number): void;
  snapshot(nowMs: number): string;
}

export interface MultiFileAggregatorHandle extends Bound {
  handleFileProgress(eventJson: string, nowMs: number): void;
  complete(nowMs: number): void;
  fail(error: string, nowMs: number): void;
  snapshot(nowMs: number): string;
}

/** A load that somebody else performs. What happened in it is answered by the Snapshot to show now, as JSON; '' for none. */
export interface WatchedLoadHandle extends Bound {
  /** This address was in the cache before anything was fetched. */
  kept(address: string): void;
  /** One event of Transformers.js as JSON. */
  handleEvent(eventJson: string, nowMs: number): string;
  complete(nowMs: number): string;
  fail(error: string, nowMs: number): string;
  tick(nowMs: number): string;
  /** When to send the next tick; NaN for never. */
  wakeAt(): number;
  snapshot(nowMs: number): string;
}

/** Decides which of the pushed values are delivered; JavaScript keeps the latest value itself. */
export interface ThrottlerHandle extends Bound {
  push(final: boolean, nowMs: number): boolean; // deliver now?
  poll(nowMs: number): boolean; // deliver the kept value now?
  wakeAt(): number; // NaN for never
}

export interface StateManagerHandle extends Bound {
  startDownload(modelKey: string, modelName: string, nowMs: number): string; // '' or the name of the reason why not
  updateDownload(modelKey: string, infoJson: string, nowMs: number): string;
  completeDownload(modelKey: string, nowMs: number): string;
  failDownload(modelKey: string, error: string, nowMs: number): string;
  pauseDownload(modelKey: string, nowMs: number): string;
  resumeDownload(modelKey: string, nowMs: number): string;
  state(modelKey: string): string; // DownloadState JSON or ''
  serialize(modelKey: string): string; // '' when unknown
  restore(json: string, nowMs: number): string; // {state} or {error}
  removeDownload(modelKey: string, nowMs: number): string;
  /** fn gets the DownloadState as JSON after every change and must not throw. → a number for unsubscribe(). */
  subscribe(modelKey: string, fn: (stateJson: string) => void): number;
  unsubscribe(id: number): void;
  /** [{type:'persist',key,json}|{type:'unpersist',key}] that are due. */
  poll(nowMs: number): string;
  wakeAt(): number;
}

export interface CoreModule {
  HEAPU8: Uint8Array;
  HEAPF32: Float32Array;
  ModelLoader: new (configJson: string) => ModelLoaderHandle;
  GenerationLoop: new (graphFactsJson: string) => GenerationLoopHandle;
  /** name: of the file, as the graph shall call it; size: its bytes. */
  OnnxIndex: new (name: string, size: number) => OnnxIndexHandle;
  ProgressTracker: new (name: string, file: string, total: number) => ProgressTrackerHandle;
  MultiFileAggregator: new () => MultiFileAggregatorHandle;
  /** revision: as it stands in an address. cacheKnown: kept() tells of all that is in the cache. */
  WatchedLoad: new (
    modelKey: string,
    modelName: string,
    revision: string,
    cacheKnown: boolean,
  ) => WatchedLoadHandle;
  Throttler: new (intervalMs: number) => ThrottlerHandle;
  StateManager: new () => StateManagerHandle;
}

declare const createCoreModule: (options?: {
  wasmBinary?: ArrayBuffer | Uint8Array;
  locateFile?: (file: string) => string;
}) => Promise<CoreModule>;
export default createCoreModule;
