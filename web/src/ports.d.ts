/** What the runner needs of the world. The browser's versions are in adapters/, the tests bring their own. */
import type { DeviceFacts, GenerationOptions, SessionPlan, Snapshot } from '../bindings.d.ts';
import type { ChatReply, Message, SessionEvent } from './protocol.d.ts';

export interface Clock {
  /** ms; never runs backwards. */
  now(): number;
  /** Calls fn once after ms. → forgets it. */
  timer(ms: number, fn: () => void): () => void;
  /** Lets other tasks of this thread go first. */
  breathe(): Promise<void>;
}

/** What a read brought is good until the next read; no value: the end. */
export interface Body {
  read(): Promise<{ value?: Uint8Array }>;
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

/** One model's files. Paths are relative with `/`; anything else is refused. Methods throw StoreError. */
export interface Folder {
  readJournal(): Promise<{ text: string | null; files: { path: string; size: number }[] }>;
  /** Whole or not at all: an interrupted write leaves the text before. */
  writeJournal(text: string): Promise<void>;
  /** → size in bytes; creates the file. */
  open(file: number, path: string): Promise<number>;
  isOpen(file: number): boolean;
  /** Writes all of it. */
  write(file: number, offset: number, bytes: Uint8Array): void;
  /** → bytes read, 0 at the end. */
  read(file: number, offset: number, into: Uint8Array): number;
  truncate(file: number, size: number): void;
  flush(file: number): void;
  close(file: number): void;
  closeAll(): void;
  blob(path: string): Promise<Blob>;
  remove(): Promise<void>;
}

/** The model's folder as this tab's alone. */
export interface Turn {
  /** Tells the tabs that wait what this one shows. */
  tell(text: string): void;
  /** Lets the next tab have it. */
  end(): void;
}

/** Resolves when no other tab has the folder; until then `heard` gets what that tab tells. Rejects when aborted. */
export type TakeTurn = (
  folder: string,
  options: { signal: AbortSignal; heard: (text: string) => void },
) => Promise<Turn>;

export interface Store {
  /** False: nothing outlives this page. */
  persistent: boolean;
  folder(name: string): Promise<Folder>;
  usage(): Promise<{ quota: number | null; usage: number | null }>;
}

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

export interface Ports {
  clock: Clock;
  fetch: Fetch;
  store: Store;
  takeTurn: TakeTurn;
  probe(): Promise<DeviceFacts>;
  createSession: SessionFactory;
}

/** Where the runner reports to. */
export interface Sink {
  snapshot(snapshot: Snapshot): void;
  persist(key: string, json: string): void;
  unpersist(key: string): void;
  reply(reply: ChatReply): void;
}
