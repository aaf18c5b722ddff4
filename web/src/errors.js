/**
 * What went wrong, for programs (`code`) and for people (`message`).
 *
 * @typedef {import('../bindings.d.ts').ErrorCode} ErrorCode
 */
export class CandorError extends Error {
  name = 'CandorError';

  /**
   * @param {ErrorCode} code stable, see the README
   * @param {string} message a sentence for the visitor
   * @param {{ retryable?: boolean, detail?: string, kept?: number }} [more] `detail` is text from outside: show it as
   *   text, never as markup; `kept`: bytes on disk that the next try starts from
   */
  constructor(code, message, { retryable = false, detail = '', kept = 0 } = {}) {
    super(message);
    this.code = code;
    this.retryable = retryable;
    this.detail = detail;
    this.kept = kept;
  }

  /** @param {{ code: ErrorCode, message: string, retryable?: boolean, detail?: string, kept?: number }} plain */
  static from(plain) {
    return new CandorError(plain.code, plain.message, plain);
  }

  /** Structured clone drops the fields of an Error, so it crosses to another thread as a plain object. */
  toJSON() {
    const { code, message, retryable, detail, kept } = this;
    return { code, message, retryable, detail, kept };
  }
}

/**
 * The words of whatever was thrown: outside code throws strings, numbers and objects whose getters throw.
 * @param {unknown} thrown
 * @returns {string}
 */
export function textOf(thrown) {
  try {
    return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  } catch {
    return 'unknown error';
  }
}
