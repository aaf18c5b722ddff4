/**
 * What all stores share, and both ends of a store in another context.
 */

/** @typedef {import('./folder.d.ts').Folder} Folder */

/** What a folder can be asked from another context. */
export const METHODS = /** @type {const} @satisfies {(keyof Folder)[]} */ ([
  'readJournal',
  'writeJournal',
  'open',
  'write',
  'read',
  'truncate',
  'close',
  'closeAll',
  'blob',
  'size',
  'remove',
]);

/** Memory changes hands instead of being copied. @param {unknown[]} values @returns {Transferable[]} */
export const memoryOf = (values) =>
  values.flatMap((value) => (value instanceof Uint8Array ? [value.buffer] : []));

export class StoreError extends Error {
  name = 'StoreError';
  /**
   * @param {'quota' | 'storage'} kind
   * @param {string} message text from outside
   */
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }

  /** @param {unknown} thrown */
  static from(thrown) {
    if (thrown instanceof StoreError) return thrown;
    const name = thrown instanceof Error ? thrown.name : '';
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    // Browsers disagree on the name, and some say it in words only.
    const quota = name === 'QuotaExceededError' || /quota|no space|disk is full/i.test(message);
    return new StoreError(quota ? 'quota' : 'storage', `${name}: ${message}`);
  }
}

/**
 * The core checks paths too; a store that is handed a bad one all the same must not follow it.
 *
 * @param {string} path
 * @returns {string[]} its segments
 */
export function segmentsOf(path) {
  const segments = path.split('/');
  for (const segment of segments) {
    if (!segment || segment === '.' || segment === '..' || /[\\\0]/.test(segment)) {
      throw new StoreError('storage', `The path "${path}" cannot be stored.`);
    }
  }
  return segments;
}
