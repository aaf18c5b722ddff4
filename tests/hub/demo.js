#!/usr/bin/env node
// The demo's server: the interactive CV, the package, the embedded model, under the strict policy. Takes the options of
// serve.js; the tests import `demoOptions`.

import path from 'node:path';
import { hubOptions, serve } from './serve.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** The addresses that the Hub's own models come from. */
const HUB_ORIGINS = ['https://huggingface.co', 'https://*.huggingface.co', 'https://*.hf.co'];

/**
 * `/` is the page, `/candor/` the package (what was built, then its modules as written), `/vendor/` the npm packages,
 * `/models/` the embedded model, which is also `candor/cv-mini` of this hub.
 *
 * @param {string[]} [args] further options, as on the command line
 * @returns {import('./hub.js').HubOptions}
 */
export function demoOptions(args = []) {
  const given = hubOptions(args);
  const web = path.join(ROOT, 'web');
  return {
    ...given,
    mounts: {
      '/': path.join(web, 'demo'),
      '/candor': [path.join(web, 'dist'), path.join(web, 'src')],
      '/vendor': [path.join(ROOT, 'node_modules'), path.join(web, 'node_modules')],
      ...given.mounts,
    },
    folders: { '/models': path.join(web, 'models'), ...given.folders },
    models: { 'candor/cv-mini': path.join(web, 'models/cv-mini'), ...given.models },
    connectSrc: [...HUB_ORIGINS, ...(given.connectSrc ?? [])],
  };
}

if (process.argv[1] === import.meta.filename) await serve(() => demoOptions(process.argv.slice(2)));
