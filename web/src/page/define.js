import {
  CandorChatProgress,
  CandorProgressDialog,
  CandorRecoveryDialog,
} from '../elements/index.js';

// Imported without a DOM (server rendering), there is nothing to register.
for (const [name, element] of /** @type {const} */ ([
  ['candor-progress-dialog', CandorProgressDialog],
  ['candor-chat-progress', CandorChatProgress],
  ['candor-recovery-dialog', CandorRecoveryDialog],
])) {
  // Two copies of the package on one page: the first wins.
  if (globalThis.customElements && !customElements.get(name)) customElements.define(name, element);
}

export { CandorChatProgress, CandorProgressDialog, CandorRecoveryDialog };
export { Formatter, WORDS, formatter, setWords } from '../elements/index.js';

/**
 * @typedef {import('../elements/index.js').CandorEvent} CandorEvent
 * @typedef {import('../elements/index.js').LoaderLike} LoaderLike
 */
