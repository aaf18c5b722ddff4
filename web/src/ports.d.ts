/** What the runner needs of the world. The browser's versions are in adapters/, the tests bring their own. */
import type { DeviceFacts, GenerationOptions, SessionPlan, Snapshot } from '../bindings.d.ts';
import type { Store } from './folder.d.ts';
import type { ChatReply, Examination, Message, PlainError, SessionEvent } from './protocol.d.ts';

export interface Clock {
  /** ms; never runs backwards. */
  now(): number;
  /** Calls fn once after ms. → forgets it. */
  timer(ms: number, fn: () => void): () => void;
  /** Lets other tasks of this thread go first. */
  breathe(): Promise<void>;
}

/** A read takes the buffer, and brings bytes in it where the browser can, else elsewhere; no value: the end. */
export interface Body {
  read(buffer: ArrayBuffer): Promise<{ value?: Uint8Array<ArrayBuffer> }>;
  cancel(): Promise<void>;
}

export interface Reply {
  status: number;
  redirected: boolean;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: Body | null;
}

/** range: first and last byte, as in a Range header; null: to the end. Rejects when no reply comes. */
export type Fetch = (
  url: string,
  options: { range: [number, number | null] | null; signal: AbortSignal },
) => Promise<Reply>;

/** The model's folder as this tab's alone. */
export interface Turn {
  /** Tells the tabs that wait what this one shows. */
  tell(text: string): void;
  /** Lets the next tab have it, and goes on reading: until end(), nobody can take it to remove it. */
  share(): void;
  /** Lets the next tab have it. Resolves when that is done. */
  end(): Promise<void>;
}

/**
 * Resolves when no other tab has the folder; until then `heard` gets what that tab tells. Rejects when aborted. toRemove:
 * waits for nobody, and gives null where another tab has the folder, or reads what is in it.
 */
export type TakeTurn = (
  folder: string,
  options: { signal: AbortSignal; heard: (text: string) => void; toRemove: boolean },
) => Promise<Turn | null>;

export interface Session {
  chat(id: number, messages: Message[], options: GenerationOptions): void;
  stop(id: number): void;
  close(): void;
}

export type SessionFactory = (
  plan: SessionPlan,
  files: Record<string, Blob>,
  on: { event(event: SessionEvent): void; reply(reply: ChatReply): void },
) => Session;

/** Judges the small files of a plan, or with `graph` the graph; never rejects. */
export type Examine = (
  plan: SessionPlan,
  files: Record<string, Blob>,
  graph: boolean,
) => Promise<Examination>;

export interface Ports {
  clock: Clock;
  fetch: Fetch;
  store: Store;
  takeTurn: TakeTurn;
  probe(): Promise<DeviceFacts>;
  createSession: SessionFactory;
  examine: Examine;
}

/** Where the runner reports to. */
export interface Sink {
  snapshot(snapshot: Snapshot): void;
  persist(key: string, json: string): void;
  unpersist(key: string): void;
  reply(reply: ChatReply): void;
  /** What nobody foresaw, and nothing goes on after. */
  broken(thrown: unknown): void;
  /** A command with a ticket is done, or error says why it is not. */
  done(ticket: number, error: PlainError | null): void;
}
