// Who may see a repository, and how often they may ask.

import { errorReply } from './resolve.js';

/**
 * @typedef {import('./faults.js').Reply} Reply
 * @typedef {import('node:http').IncomingMessage} IncomingMessage
 */

/**
 * @param {string} name owner/name
 * @param {import('./tree.js').Repo | undefined} repo
 * @param {string | undefined} authorization the request's header
 * @param {string} token what opens gated models
 * @param {(status: number, code: 'GatedRepo' | 'RepoNotFound', message: string) => Reply} error
 * @returns {Reply | undefined} the refusal, if the request may not see the repository
 */
export function refusal(name, repo, authorization, token, error) {
  if (!repo) {
    // To the anonymous the Hub does not tell whether a repository is private or missing.
    return authorization
      ? error(404, 'RepoNotFound', 'Repository not found')
      : error(401, 'RepoNotFound', 'Invalid username or password.');
  }
  if (!repo.spec.gated || authorization === `Bearer ${token}`) return undefined;
  const restricted = `Access to model ${name} is restricted`;
  return authorization
    ? error(403, 'GatedRepo', `${restricted} and you are not in the authorized list.`)
    : error(401, 'GatedRepo', `${restricted}. Please log in.`);
}

/** Counts requests in fixed windows, as the Hub does for each kind of request. */
export class Limiter {
  /** @type {Map<string, { count: number, endsAt: number }>} */
  #windows = new Map();
  #limits;

  /** @param {{ api?: number, resolvers?: number, window?: number }} limits `window` in seconds, default 300 */
  constructor(limits) {
    this.#limits = limits;
  }

  clear() {
    this.#windows.clear();
  }

  /**
   * @param {'api' | 'resolvers'} kind
   * @param {Record<string, string>} headers gains the RateLimit headers
   * @returns {Reply | undefined} 429 beyond the limit
   */
  count(kind, headers) {
    const { [kind]: quota, window = 300 } = this.#limits;
    if (quota === undefined) return undefined;
    const now = performance.now();
    let state = this.#windows.get(kind);
    if (!state || state.endsAt <= now) {
      state = { count: 0, endsAt: now + window * 1000 };
      this.#windows.set(kind, state);
    }
    state.count += 1;
    const seconds = Math.ceil((state.endsAt - now) / 1000);
    headers.ratelimit = `"${kind}";r=${Math.max(0, quota - state.count)};t=${seconds}`;
    headers['ratelimit-policy'] = `"fixed window";"${kind}";q=${quota};w=${window}`;
    if (state.count <= quota) return undefined;
    const all = { ...headers, 'retry-after': String(seconds) };
    return errorReply(429, all, '', 'We had to rate limit your IP.', kind === 'api');
  }
}
