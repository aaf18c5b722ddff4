/**
 * Every message between the threads. client (page) ⇄ loader worker ⇄ session worker and disk worker.
 */
import type {
  ErrorCode,
  GenerationOptions,
  ModelConfig,
  SessionPlan,
  Snapshot,
} from '../bindings.d.ts';
import type { Folder } from './folder.d.ts';

export interface Message {
  role: string;
  content: string;
}

/** A CandorError on its way between threads. */
export interface PlainError {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  detail: string;
  kept: number;
}

/** What the visitor may ask of one model. */
export type Command =
  'load' | 'pause' | 'resume' | 'retry' | 'cancel' | 'remove' | 'update' | 'dispose';

export interface Finish {
  reason: 'eos' | 'stop' | 'length' | 'context' | 'abort';
  /** How many tokens were generated. */
  tokens: number;
  /** Their ids, without the one that ended the answer. */
  ids: number[];
  /** The whole answer. */
  text: string;
  /** Tokens of the prompt, and how many of them had been read before. */
  promptTokens: number;
  reusedTokens: number;
  /** ms, from when the model was asked; null where no token came. */
  timeToFirstToken: number | null;
  /** Of the tokens after the first; null where there are none. */
  tokensPerSecond: number | null;
}

/** Page → loader worker. */
export type ToWorker =
  | {
      type: 'start';
      models: Omit<ModelConfig, 'runtimeFiles'>[];
      runtimeUrl: string | null;
      storage: 'auto' | 'memory';
      credentials: RequestCredentials;
      /** The page wants to be asked for headers before each request. */
      headers: boolean;
    }
  /** Answers `headersFor`. error: what the page's function threw; '' for nothing. */
  | { type: 'headers'; id: number; headers: Record<string, string>; error: string }
  /** Answered by `done` once the core has taken it and, for remove and dispose, it is done. */
  | { type: 'command'; id: number; key: string; command: Command }
  /** Answered by `done` with the bytes that the model takes in the store. */
  | { type: 'measure'; id: number; key: string }
  | { type: 'chat'; id: number; key: string; messages: Message[]; options: GenerationOptions }
  | { type: 'stop'; id: number; key: string }
  /** Chromium tells a worker nothing when the network goes away or comes back, only the page. */
  | { type: 'online' | 'offline' }
  /** A helper could not be started, or has crashed. */
  | { type: 'helperFailed'; id: number; message: string }
  /** Answered by `closed`. */
  | { type: 'close' };

/** Workers that the page makes for the loader worker. */
export type HelperName = 'disk' | 'session';

/** Loader worker → page. */
export type FromWorker =
  | { type: 'started'; snapshots: Snapshot[] }
  | { type: 'broken'; error: PlainError }
  | { type: 'snapshot'; snapshot: Snapshot }
  /** bytes: measured; null where that failed. error: why the command could not be done. */
  | { type: 'done'; id: number; bytes?: number | null; error?: PlainError | null }
  | { type: 'persist'; key: string; json: string }
  | { type: 'unpersist'; key: string }
  | ChatReply
  /** Make a worker, and hand it the port as `{ port }`. */
  | { type: 'startHelper'; id: number; name: HelperName; port: MessagePort }
  | { type: 'endHelper'; id: number }
  /** Which headers shall a request have? */
  | { type: 'headersFor'; id: number; url: string }
  | { type: 'closed' };

export type ChatReply =
  /** Tokens of the prompt that were read so far. */
  | { type: 'reading'; id: number; read: number; total: number }
  | { type: 'piece'; id: number; text: string }
  | ({ type: 'finish'; id: number } & Finish)
  | { type: 'chatFailed'; id: number; error: PlainError };

/** Loader worker → session worker. `files` has every path of the plan. */
export type ToSession =
  | { type: 'create'; plan: SessionPlan; files: Record<string, Blob>; runtimeUrl: string | null }
  /** `files`: all but the weights; graph: the graph alone. Answered by `examined`. */
  | { type: 'examine'; plan: SessionPlan; files: Record<string, Blob>; graph: boolean }
  | { type: 'chat'; id: number; messages: Message[]; options: GenerationOptions }
  | { type: 'stop'; id: number };

/** What is wrong with a model's files; without a kind nothing was found. */
export type Examination = Omit<
  Extract<import('../bindings.d.ts').CoreEvent, { type: 'examined' }>,
  'type' | 'examination'
>;

/** Session worker → loader worker: CoreEvents of its own, and replies to chats. */
export type FromSession =
  { type: 'event'; event: SessionEvent } | ({ type: 'examined' } & Examination) | ChatReply;

/** One session knows nothing of others: the runner says which it is. */
export type SessionEvent = OfOneSession<import('../bindings.d.ts').CoreEvent>;
type OfOneSession<Event> = Event extends { session: number } ? Omit<Event, 'session'> : never;

/** The least that carries messages: a Worker, a MessagePort, a worker's own global scope. */
export interface Endpoint<Out> {
  postMessage(message: Out, transfer?: Transferable[]): void;
  addEventListener(type: string, listener: (event: any) => void): void;
  start?(): void;
}

/** What the loader worker asks of the disk worker. It numbers the folders; each has files open of its own. */
export type DiskCall =
  | { method: 'available' | 'usage' }
  | { method: keyof Folder; folder: number; name: string; args: unknown[] };
export type ToDisk = DiskCall & { id: number };

/** Answers, in the order of what was asked. */
export type FromDisk =
  | { id: number; value: unknown; failure?: undefined }
  | { id: number; value?: undefined; failure: { kind: 'quota' | 'storage'; message: string } };
