/**
 * @typedef {import('./base.js').CandorEvent} CandorEvent
 * @typedef {import('./base.js').LoaderLike} LoaderLike
 */

export { CandorProgressDialog } from './progress-dialog.js';
export { CandorChatProgress } from './chat-progress.js';
export { CandorRecoveryDialog } from './recovery-dialog.js';
export { Formatter, formatter } from './format.js';
export { WORDS, setWords } from './words.js';
