import { createHub } from '../hub/hub.js';
import { demoOptions } from '../hub/demo.js';

/**
 * The demo's own server under the strict policy, with what a test adds to it.
 * @param {import('../hub/hub.js').HubOptions} [options]
 */
export function serveDemo({ mounts, folders, models, ...options } = {}) {
  const demo = demoOptions();
  return createHub({
    ...demo,
    ...options,
    mounts: { ...demo.mounts, ...mounts },
    folders: { ...demo.folders, ...folders },
    models: { ...demo.models, ...models },
  });
}
