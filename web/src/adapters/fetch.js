/**
 * The network. Only a Range header is set by ourselves, because anything else makes a preflight that download hosts may
 * refuse; and ranges never come from the HTTP cache, which may hold other bytes under the same address.
 */

/** What CORS shows of a reply and the core looks at. */
const HEADERS = [
  'content-range',
  'content-length',
  'content-type',
  'content-encoding',
  'etag',
  'last-modified',
  'retry-after',
  'date',
  'link',
  'x-error-code',
  'x-error-message',
  'x-repo-commit',
];

/**
 * @param {RequestCredentials} credentials
 * @param {((url: string) => Promise<Record<string, string>>) | null} headersFor what the page wants to send along
 * @returns {import('../ports.d.ts').Fetch}
 */
export const fetchWith =
  (credentials, headersFor) =>
  async (url, { range, signal }) => {
    const sent = { ...(await headersFor?.(url)) };
    // Browsers take this one back before they follow a redirect to another origin, and no other.
    const isBound = Object.keys(sent).every((name) => name.toLowerCase() === 'authorization');
    if (range) sent.Range = `bytes=${range[0]}-${range[1] ?? ''}`;
    const response = await fetch(url, {
      signal,
      credentials,
      cache: 'no-store',
      redirect: isBound ? 'follow' : 'error',
      headers: sent,
    });
    /** @type {Record<string, string>} */
    const headers = {};
    for (const name of HEADERS) {
      const value = response.headers.get(name);
      if (value !== null) headers[name] = value;
    }
    return {
      status: response.status,
      redirected: response.redirected,
      headers,
      body: response.body && readerOf(response.body),
    };
  };

/**
 * Into the buffers that it is handed, where the browser can: arrays that are only good for one read pile up to tens of
 * megabytes before they are collected.
 *
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} stream
 * @returns {import('../ports.d.ts').Body}
 */
function readerOf(stream) {
  let reader;
  try {
    reader = stream.getReader({ mode: 'byob' });
  } catch {
    return stream.getReader();
  }
  const into = reader;
  return {
    async read(buffer) {
      const { value, done } = await into.read(new Uint8Array(buffer));
      return { value: done ? undefined : value };
    },
    cancel: () => into.cancel(),
  };
}
