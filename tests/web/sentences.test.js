/** The core names its sentences, the page says them: neither may know one that the other doesn't. */
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { WORDS, setWords } from '../../web/src/elements/words.js';
import { SENTENCES, say, sayError, saySnapshot } from '../../web/src/elements/sentences.js';

const root = path.resolve(import.meta.dirname, '../../src');
const names = await readdir(root, { recursive: true });
/** The core's code without its comments, by file. @type {[string, string][]} */
const sources = await Promise.all(
  names
    .filter((name) => /\.[ch]pp$/.test(name))
    .map(async (name) => {
      const text = await readFile(path.join(root, name), 'utf8');
      return /** @type {[string, string]} */ ([name, text.replace(/^\s*\/\/.*|\s\/\/ .*$/gm, '')]);
    }),
);

const LITERAL = /(?<!')"((?:[^"\\\n]|\\.)*)"/g;
/** Where a text becomes one that the page says. */
const SAID =
  /ErrorCode::k\w+\s*,|\bStateError::k\w+:|\.(message|reason) = |\b(refuse|refusal|unsupported|fail|drop|discard|spoiled|changed)\(|\bpath_fault\(|\bwith_status\(|"\\?t?\w*\\t/;

/**
 * The ids in a piece of code: of texts with a tab, and of texts that are said.
 * @param {string} code
 */
function idsIn(code) {
  /** @type {Set<string>} */
  const ids = new Set();
  // A function that gives nothing but parts of sentences.
  const fault = /string_view path_fault\(.*?\n}\n/s.exec(code)?.[0] ?? '';
  for (const part of [...code.split(/[;{}]/), ...fault.split(';').map((line) => `fail(${line}`)]) {
    for (const [, text] of part.matchAll(LITERAL)) {
      const found = /^(?:\\t)?([a-z][a-zA-Z0-9]*)(\\t)*$/.exec(text);
      if (found && (text.includes('\\t') || SAID.test(part))) ids.add(found[1]);
    }
  }
  return ids;
}
