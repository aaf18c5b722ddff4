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
  /ErrorCode::k\w+\s*,|\bStateError::k\w+:|\.(message|reason) = |\b(refuse|refusal|unsupported|fail|drop|discard|spoiled|changed)\(|\bpath_fault\(|\bwith_status\(/;

/**
 * The ids in a piece of code: of texts with a tab, and of texts that are said.
 * @param {string} code
 */
function idsIn(code) {
  /** @type {Set<string>} */
  const ids = new Set();
  // A function that gives nothing but parts of sentences.
  const fault = /string_view path_fault\(.*?\n}\n/s.exec(code)?.[0] ?? '';
  for (const part of [...code.split(';'), ...fault.split(';').map((line) => `fail(${line}`)]) {
    for (const [, text] of part.matchAll(LITERAL)) {
      const found = /^(?:\\t)?([a-z][a-zA-Z0-9]*)(\\t)*$/.exec(text);
      if (found && (text.includes('\\t') || SAID.test(part))) ids.add(found[1]);
    }
  }
  return ids;
}

/** Literals that stand where a sentence could and are none: of files' formats, of the runtime. */
const NONE = new Set(['kind', 'version', 'float32', 'float16']);
const named = new Set(
  sources.flatMap(([, code]) => [...idsIn(code)]).filter((id) => !NONE.has(id)),
);

test('every sentence that the core names has words', () => {
  assert.ok(named.size > 80, 'the core’s ids were found');
  const unsaid = [...named].filter((id) => !Object.hasOwn(SENTENCES, id));
  assert.deepEqual(unsaid, []);
});

test('every sentence is named by the core', () => {
  const all = sources.map(([, code]) => code).join('\n');
  // Also by what is a name of its own: a dtype, a provider.
  const unused = Object.keys(SENTENCES).filter((id) => !named.has(id) && !all.includes(`"${id}"`));
  assert.deepEqual(unused, []);
});

test('no sentence is written in the core', () => {
  for (const [name, code] of sources) {
    for (const [, text] of code.matchAll(LITERAL)) {
      assert.doesNotMatch(
        text,
        /[A-Z][a-z']* [a-z].*|[a-z], [a-z]+ [a-z]/,
        `${name} says it itself`,
      );
    }
  }
});

test('the search finds ids where errors are made, with and without parameters', () => {
  const code = `
    return Error{ErrorCode::kQuota, text::joined("oneId\\t", bytes, "\\t", free), true, {}};
    drop({0, 1}, "twoId");
    claim_.reason = page ? "threeId" : "fourId";
    json::find(*root, "noId");
    std::string_view path_fault(std::string_view path) {
      if (path.empty()) return "fiveId";
}
`;
  assert.deepEqual([...idsIn(code)].sort(), ['fiveId', 'fourId', 'oneId', 'threeId', 'twoId']);
});

test('a sentence is said with its parameters', () => {
  const said = {
    connectionLost: 'The connection to the server was lost.',
    'serverProblem\t503': 'The server has a problem of its own (status 503).',
    'noRoom\t2100000000\t1200000000':
      'There is not enough room: the download needs 2.10 GB, and this site may store 1.20 GB more.',
    'tooBigForWasm\t4294967296\t3221225472':
      "This model's weights take 4.29 GB, more than a browser can hold without WebGPU (3.22 GB).",
    'hubList\twebPage':
      "The model's list of files from the Hub is a web page, not a list of files.",
    'badPath\tpathColon':
      "The model's list of files has a path that cannot be used: it has a colon.",
    'variant\tq4f16\twebgpu\t\tshaderF16\t':
      "4-bit weights with 16-bit arithmetic on WebGPU: this device's WebGPU has 16-bit arithmetic (shader-f16).",
    'variant\tq4\twasm\t\tnoWebGpu\t':
      '4-bit weights on the processor: this browser offers no WebGPU.',
    'variant\tfp16\twebgpu\tasked\t\t': '16-bit weights on WebGPU: fp16 was asked for.',
    'variant\tq4\twasm\tasked\tprocessorAsked\t':
      '4-bit weights on the processor: q4 was asked for; the page asked for the processor.',
    'variant\tq4\twebgpu\t\tnoShaderF16\tq4f16\tsoftware':
      "4-bit weights on WebGPU: this device's WebGPU has no 16-bit arithmetic (shader-f16); the model comes without q4f16. WebGPU runs in software here, so answers will be slow.",
  };
  for (const [words, sentence] of Object.entries(said)) assert.equal(say(words), sentence);
  assert.match(say('noRoom\t2100000000\t1200000000', 'de'), /2,10.GB.*1,20.GB/);
});

test('each sentence can be said, whatever its parameters are', () => {
  for (const id of Object.keys(SENTENCES)) {
    for (const rest of ['', '\t', '\tconstructor\t-1\t\t<b>\t', '\t'.repeat(99)]) {
      assert.ok(typeof say(id + rest) === 'string' && say(id + rest), id);
    }
  }
});

test('a text that names no sentence stays as it is', () => {
  for (const text of [
    '',
    'TypeError: failed',
    'constructor',
    '__proto__\t1',
    '\t',
    'The page was left.',
  ]) {
    assert.equal(say(text), text);
  }
});

test('a detail is text from outside unless it says that it is ours', () => {
  const code = /** @type {const} */ ('network');
  const error = { code, message: 'connectionLost', retryable: true, kept: 0, retryIn: null };
  assert.equal(sayError({ ...error, detail: 'offline' }).detail, 'offline');
  assert.equal(sayError({ ...error, detail: '\tbodyShort' }).detail, 'The body ended early.');
  assert.equal(
    sayError({ ...error, detail: '' }).message,
    'The connection to the server was lost.',
  );
});

test('a snapshot is said where the core speaks in it, and left alone else', () => {
  const snapshot = /** @type {any} */ ({
    modelKey: 'gated',
    modelName: 'offline',
    error: { code: 'gated', message: 'gated', detail: 'gated' },
    variant: { dtype: 'q4', executionProvider: 'wasm', reason: 'variant\tq4\twasm\t\tnoWebGpu\t' },
    discardedReason: 'fileChanged',
  });
  const said = saySnapshot(snapshot);
  assert.deepEqual(said, {
    ...snapshot,
    error: { code: 'gated', message: SENTENCES.gated, detail: 'gated' },
    variant: { ...snapshot.variant, reason: say(snapshot.variant.reason) },
    discardedReason: SENTENCES.fileChanged,
  });
  const silent = { ...snapshot, error: null, variant: null, discardedReason: null };
  assert.deepEqual(saySnapshot(silent), silent);
});

test('setWords replaces sentences, too', (t) => {
  const { offline } = SENTENCES;
  t.after(() => setWords({ sentences: { offline } }));
  setWords({ sentences: { offline: 'Kein Netz.' } });
  assert.equal(say('offline'), 'Kein Netz.');
  assert.equal(WORDS.sentences, SENTENCES);
});
