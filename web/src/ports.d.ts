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

/**
 * One model's files. Paths are relative with `/`; anything else is refused. What is asked is done in that order,
 * whether or not the answers are waited for. Rejects with StoreError.
 */
export interface Folder {
  readJournal(): Promise<{ text: string | null; files: { path: string; size: number }[] }>;
  /**
   * Flushes all that was written before, then writes the text: whole or not at all, an interrupted write leaves the
   * one before.
   */
  writeJournal(text: string): Promise<void>;
  /** → size in bytes; creates the file. */
  open(file: number, path: string): Promise<number>;
  /** Writes all of it. Takes the memory, and gives it back with the same bytes in it. */
  write(
    file: number,
    offset: number,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>>;
  /** Takes the memory → as much of it as was read into, empty at the end; null: the file is not open. */
  read(
    file: number,
    offset: number,
    into: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer> | null>;
  truncate(file: number, size: number): Promise<void>;
  /** Flushed, too. A file that is not open stays so. */
  close(file: number): Promise<void>;
  closeAll(): Promise<void>;
  blob(path: string): Promise<Blob>;
  /** Bytes of all that is in it; 0 where there is none, and then none is made. */
  size(): Promise<number>;
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
  folder(name: string): Folder;
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
