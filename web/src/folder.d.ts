/** Where files are kept. The browser's versions are in adapters/, the tests bring their own. */

/**
 * One model's files. Paths are relative with `/`; anything else is refused. What is asked is done in that order,
 * whether or not the answers are waited for. Rejects with StoreError.
 */
export interface Folder {
  /** What lies in the two places of the journal, as it lies there; null for nothing. */
  readJournal(): Promise<{
    texts: [string | null, string | null];
    files: { path: string; size: number }[];
  }>;
  /** Flushes all that was written before, then writes the text into place 0 or 1, and flushes that. */
  writeJournal(slot: number, text: string): Promise<void>;
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
  /** Resolves when nothing of it is left. */
  remove(): Promise<void>;
}

export interface Store {
  /** False: nothing outlives this page. */
  persistent: boolean;
  folder(name: string): Folder;
  usage(): Promise<{ quota: number | null; usage: number | null }>;
}
