#!/usr/bin/env node
// The hub from the command line: the demo's server, and a hub for trying things out.

import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createHub } from './hub.js';
import { parseFaults } from './faults.js';
import { parseRate } from './rate.js';

const USAGE = `Usage: node tests/hub/serve.js [options]
  --port N, --cdn-port N       default: free ports
  --mount /prefix=DIR          static files (several times)
  --folder /prefix=DIR         a plain folder of models: rate and faults hold there (several times)
  --model owner/name=DIR       a model of the hub (several times)
  --models DIR                 every DIR/owner/name is a model of the hub
  --virtual owner/name/path=BYTES[:seed]  a generated file of any size (several times)
  --rate 2MB/s[,8MB/s/conn]    the link
  --fault NAME[:key=value,...][;...]      see tests/hub/faults.js
  --connect-src ORIGIN         a further origin the page may fetch from (several times)
  --no-csp, --no-isolation     leave the strict policy, or COOP and COEP, away
The page's own ?rate= and ?fault= hold from when it is opened until the next page is.`;

/**
 * @param {string} text
 * @returns {[string, string]} what stands before and after the first =
 */
function pair(text) {
  const at = text.indexOf('=');
  if (at < 1) throw new Error(`"${text}" should have the form NAME=VALUE.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/**
 * @param {string} text NAME=DIR
 * @returns {[string, string]} the name and the folder's absolute path
 */
function named(text) {
  const [name, dir] = pair(text);
  if (!existsSync(dir)) throw new Error(`There is no folder ${dir}.`);
  return [name, path.resolve(dir)];
}

/**
 * @param {string[]} args the command line after the script's name
 * @returns {import('./hub.js').HubOptions}
 * @throws {Error} with a sentence that names the argument which makes no sense
 */
export function hubOptions(args) {
  const one = /** @type {const} */ ({ type: 'string' });
  const many = /** @type {const} */ ({ type: 'string', multiple: true });
  const flag = /** @type {const} */ ({ type: 'boolean' });
  const { values } = parseArgs({
    args,
    options: {
      port: one,
      'cdn-port': one,
      mount: many,
      folder: many,
      model: many,
      models: many,
      virtual: many,
      rate: one,
      fault: one,
      'connect-src': many,
      'no-csp': flag,
      'no-isolation': flag,
    },
  });
  /** @type {Record<string, import('./tree.js').ModelSpec>} */
  const models = {};
  for (const [name, dir] of (values.model ?? []).map(named)) models[name] = { dir };
  for (const dir of values.models ?? []) {
    for (const owner of readdirSync(dir)) {
      for (const name of readdirSync(path.join(dir, owner))) {
        models[`${owner}/${name}`] = { dir: path.resolve(dir, owner, name) };
      }
    }
  }
  for (const [place, size] of (values.virtual ?? []).map(pair)) {
    const [owner, name, ...rest] = place.split('/');
    const [bytes, seed = 1] = size.split(':').map(Number);
    if (rest.length === 0 || !Number.isSafeInteger(bytes)) {
      throw new Error(`"${place}=${size}" should have the form owner/name/path=BYTES.`);
    }
    const spec = (models[`${owner}/${name}`] ??= { files: {} });
    (spec.files ??= {})[rest.join('/')] = { size: bytes, seed };
  }
  return {
    port: Number(values.port ?? 0),
    cdnPort: Number(values['cdn-port'] ?? 0),
    mounts: Object.fromEntries((values.mount ?? []).map(named)),
    folders: Object.fromEntries((values.folder ?? []).map(named)),
    models,
    ...(values.rate ? parseRate(values.rate) : {}),
    fault: values.fault ? parseFaults(values.fault) : [],
    csp: !values['no-csp'],
    connectSrc: values['connect-src'] ?? [],
    isolation: !values['no-isolation'],
    pageControls: true,
  };
}

/**
 * Starts a hub, prints its address, and ends it when the process is told to end.
 *
 * @param {() => import('./hub.js').HubOptions} options may throw about the command line
 */
export async function serve(options) {
  try {
    const hub = await createHub(options());
    console.log(`${hub.origin}/`);
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => hub.close());
  } catch (error) {
    console.error(`${/** @type {Error} */ (error).message}\n\n${USAGE}`);
    process.exitCode = 2;
  }
}

if (process.argv[1] === import.meta.filename) await serve(() => hubOptions(process.argv.slice(2)));
