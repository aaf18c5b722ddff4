/**
 * What Transformers.js has kept: its events do not tell a file that it reads from there from one that it downloads.
 *
 * @param {string} name of the cache, `env.cacheKey` of Transformers.js
 * @returns {Promise<Set<string> | null>} the addresses in it; null where browsers have no such cache
 */
export async function keptAddresses(name) {
  try {
    // Opening one that isn't there would make it.
    if (!(await caches.has(name))) return new Set();
    const requests = await (await caches.open(name)).keys();
    return new Set(requests.map(({ url }) => url));
  } catch {
    return null;
  }
}
