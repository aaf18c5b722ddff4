import assert from 'node:assert/strict';
import test from 'node:test';
import { loadCore } from '../../web/src/core.node.js';
import { fromHalf } from '../../web/src/session/conversation.js';
import { createSession, examine, failureOf } from '../../web/src/session/session.js';
import { fakeClock } from './support/fakes.js';
import { onnx } from './support/onnx.js';

const core = await loadCore();

const WORDS = [
  '<end>',
  'one',
  'two',
  'three',
  'four',
  'five',
  'hi',
  'there',
  ':',
  'user',
  'assistant',
  'system',
  // What stands for a question that nobody asked yet.
  'a',
  '1',
];
const EOS = 0;
const TOKENIZER = {
  version: '1.0',
  added_tokens: [{ id: EOS, content: '<end>', special: true }],
  normalizer: null,
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: null,
  decoder: null,
  model: {
    type: 'WordLevel',
    unk_token: '<end>',
    vocab: Object.fromEntries(WORDS.map((word, i) => [word, i])),
  },
};
const TEMPLATE =
  '{% for m in messages %}{{ m.role }} : {{ m.content }} {% endfor %}{% if add_generation_prompt %}assistant :{% endif %}';
const CONFIG = {
  model_type: 'llama',
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  hidden_size: 8,
  vocab_size: WORDS.length,
  max_position_embeddings: 64,
  eos_token_id: EOS,
};
/** @type {import('../../web/bindings.d.ts').SessionPlan} */
const PLAN = {
  executionProvider: 'wasm',
  dtype: 'q4',
  graph: 'onnx/model_q4.onnx',
  externalData: ['onnx/model_q4.onnx_data'],
  config: 'config.json',
  generationConfig: null,
  tokenizer: 'tokenizer.json',
  tokenizerConfig: 'tokenizer_config.json',
  chatTemplate: null,
  threads: 1,
  runtime: 'asyncify',
  subgroups: false,
  runtimeFile: 'onnxruntime-web-1/ort.wasm',
};

const GRAPH = onnx([
  { name: 'here', raw: new Uint8Array(2000) },
  { name: 'beside', external: { location: 'model_q4.onnx_data', offset: 0, length: 5000 } },
]);

/** @param {Record<string, unknown>} [changes] contents: texts and bytes as they are, all else as JSON */
const filesWith = (changes = {}) =>
  Object.fromEntries(
    Object.entries({
      'onnx/model_q4.onnx': GRAPH,
      'onnx/model_q4.onnx_data': 'w'.repeat(5000),
      'onnxruntime-web-1/ort.wasm': 'code',
      'config.json': CONFIG,
      'tokenizer.json': TOKENIZER,
      'tokenizer_config.json': { chat_template: TEMPLATE, eos_token: { content: '<end>' } },
      ...changes,
    }).map(([path, value]) => [
      path,
      new Blob([
        typeof value === 'string' || value instanceof Uint8Array
          ? /** @type {BlobPart} */ (value)
          : JSON.stringify(value),
      ]),
    ]),
  );

/** Half precision, for numbers that have it exactly. @param {number} value a whole number from 0 to 2048 */
function toHalf(value) {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(value));
  return ((exponent + 15) << 10) | ((value / 2 ** exponent - 1) * 1024);
}

/**
 * Stands in for ONNX Runtime: the token after n is n + 1, after "five" comes the end, after all else "one". It checks
 * what it is fed, and counts the tensors that are alive.
 * @param {{ half?: boolean, positionIds?: boolean, inputs?: string[], fail?: { create?: string, run?: string } }} [options]
 */
function fakeOrt({ half = false, positionIds = true, inputs = [], fail = {} } = {}) {
  const type = half ? 'float16' : 'float32';
  /** @type {{ ids: number[], past: number }[]} */
  const runs = [];
  const Numbers = half ? Uint16Array : Float32Array;
  const HEADS = 2;
  const SIZE = 4;
  /** The tokens that a cache holds: each number of theirs says which. @param {any} tensor @returns {number[]} */
  function held({ data, dims }) {
    assert.equal(data.length, HEADS * dims[2] * SIZE);
    const tokens = Array.from({ length: dims[2] }, (_, i) => data[i * SIZE]);
    data.forEach((/** @type {number} */ value, /** @type {number} */ i) =>
      assert.equal(value, tokens[Math.floor(i / SIZE) % dims[2]]),
    );
    return tokens;
  }
  const keeps = inputs.includes('num_logits_to_keep');
  const state = { runs, alive: 0, text: '', options: /** @type {any} */ (null) };
  class Tensor {
    location = 'cpu';
    /** @param {string} kind @param {any} data @param {number[]} dims */
    constructor(kind, data, dims) {
      this.type = kind;
      this.data = data;
      this.dims = dims;
    }
    dispose() {
      if (this.made) state.alive -= 1;
    }
    made = false;
  }
  const make = (/** @type {any} */ data, /** @type {number[]} */ dims) => {
    state.alive += 1;
    return Object.assign(new Tensor(type, data, dims), { made: true });
  };
  const describe = (
    /** @type {string} */ name,
    /** @type {string} */ kind,
    /** @type {any[]} */ shape,
  ) => ({
    name,
    isTensor: true,
    type: kind,
    shape,
  });
  const cache = (/** @type {string} */ name) => describe(name, type, ['batch', 2, 'past', 4]);
  const session = {
    inputMetadata: [
      describe('input_ids', 'int64', ['batch', 'sequence']),
      describe('attention_mask', 'int64', ['batch', 'total']),
      ...(positionIds ? [describe('position_ids', 'int64', ['batch', 'sequence'])] : []),
      cache('past_key_values.0.key'),
      cache('past_key_values.0.value'),
      ...inputs.map((name) => describe(name, 'int64', [1])),
    ],
    outputMetadata: [
      describe('logits', type, ['batch', 'sequence', WORDS.length]),
      cache('present.0.key'),
      cache('present.0.value'),
    ],
    /** @param {Record<string, any>} feeds @param {string[]} wanted */
    async run(feeds, wanted) {
      if (fail.run) throw new Error(fail.run);
      const ids = [...feeds.input_ids.data].map(Number);
      const past = feeds['past_key_values.0.key'].dims[2];
      assert.equal(feeds['past_key_values.0.value'].dims[2], past);
      assert.equal(feeds.attention_mask.data.length, past + ids.length);
      assert.ok(feeds.attention_mask.data.every((/** @type {bigint} */ one) => one === 1n));
      assert.equal('position_ids' in feeds, positionIds);
      if (positionIds) {
        assert.deepEqual(
          [...feeds.position_ids.data].map(Number),
          ids.map((_, i) => past + i),
        );
      }
      const cached = held(feeds['past_key_values.0.key']);
      assert.deepEqual(held(feeds['past_key_values.0.value']), cached);
      runs.push({ ids, past });
      state.text = [...cached, ...ids].map((id) => WORDS[id]).join(' ');
      if (keeps) assert.deepEqual([...feeds.num_logits_to_keep.data], [1n]);
      const data = new Numbers(ids.length * WORDS.length);
      ids.forEach((id, i) => {
        const next = id >= 1 && id <= 5 ? (id + 1) % 6 : 1;
        data[i * WORDS.length + next] = half ? toHalf(7) : 7;
      });
      const present = [1, HEADS, past + ids.length, SIZE];
      const rows = [...cached, ...ids].flatMap((id) => Array.from({ length: SIZE }, () => id));
      const both = () => make(Numbers.from([...rows, ...rows]), present);
      /** @type {Record<string, any>} */
      const results = { 'present.0.key': both(), 'present.0.value': both() };
      if (wanted.includes('logits')) {
        const last = keeps ? data.slice(-WORDS.length) : data;
        results.logits = make(last, [1, last.length / WORDS.length, WORDS.length]);
      }
      return results;
    },
  };
  const ort = {
    Tensor,
    InferenceSession: {
      /** @param {Uint8Array} graph @param {any} options */
      async create(graph, options) {
        if (fail.create) throw new Error(fail.create);
        state.options = { graph, ...options };
        // As the runtime does: each tensor, from the file that the graph names.
        const [own, beside] = options.externalData;
        own.data.subarray(own.data.byteLength - 2000, own.data.byteLength);
        beside.data.subarray(0, 5000);
        return session;
      },
    },
  };
  return { ort, state };
}

/**
 * @param {Parameters<typeof fakeOrt>[0] & { files?: Record<string, Blob>, plan?: object, device?: any, events?: any[] }} [options]
 */
async function setUp({ files = filesWith(), plan = {}, device, events = [], ...options } = {}) {
  const { ort, state } = fakeOrt(options);
  const clock = fakeClock();
  const session = await createSession({ ...PLAN, ...plan }, files, {
    core,
    clock,
    loadRuntime: async (wasm) => {
      assert.equal(await wasm.text(), 'code');
      return /** @type {any} */ (ort);
    },
    requestDevice: async () => device ?? assert.fail('no device is needed'),
    // Node has no reader that answers at once.
    readNow: (blob) => new ArrayBuffer(blob.size),
    report: (event) => events.push(event),
  });
  return { session, state, events, clock };
}

const ask = (/** @type {string} */ content) => [{ role: 'user', content }];

/** @param {Partial<import('../../web/src/session/conversation.js').Talk>} [parts] */
const talk = (parts) => ({ piece() {}, reading() {}, stopped: () => false, began: 0, ...parts });

test('a session reports its stages, and runs nothing that nobody asked for', async () => {
  const { state, events } = await setUp();
  const stages = events.map(({ type, stage }) => stage ?? type);
  assert.deepEqual(stages, ['create', 'upload', 'upload', 'upload', 'sessionReady']);
  assert.deepEqual(
    events.slice(1, 4).map(({ loaded, total }) => [loaded, total]),
    [
      [0, 7000],
      [2000, 7000],
      [7000, 7000],
    ],
  );
  assert.deepEqual(events.at(-1), { type: 'sessionReady' });
  assert.deepEqual(state.runs, []);
  assert.ok(state.options.graph.length < 500);
  assert.deepEqual(
    state.options.externalData.map((/** @type {any} */ { path }) => path),
    ['model_q4.onnx', 'model_q4.onnx_data'],
  );
});

test('an answer is prefilled once, then decoded token by token from the cache, until the end', async () => {
  for (const half of [false, true]) {
    const { session, state, clock } = await setUp({ half });
    /** @type {string[]} */
    const pieces = [];
    const finish = await session.chat(
      ask('hi two'),
      { temperature: 0 },
      talk({ piece: (text) => pieces.push(text) }),
    );
    assert.equal(pieces.join(''), finish.text);
    assert.equal(finish.text.trim().replace(/\s+/g, ' '), 'one two three four five');
    assert.deepEqual([finish.reason, finish.tokens, finish.ids], ['eos', 5, [1, 2, 3, 4, 5]]);
    const prompt = ['user', ':', 'hi', 'two', 'assistant', ':'].map((word) => WORDS.indexOf(word));
    assert.deepEqual(state.runs[0], { ids: prompt, past: 0 });
    assert.deepEqual(
      state.runs.slice(1),
      [1, 2, 3, 4, 5].map((id, i) => ({ ids: [id], past: 6 + i })),
    );
    assert.equal(state.alive, 2, 'what was read stays for the next question');
    clock.advance(600_001);
    assert.equal(state.alive, 0, 'but not for ever');
  }
});

test('a conversation that goes on, is cut back or edited is read from where it differs', async () => {
  for (const half of [false, true]) {
    const { session, state } = await setUp({ half });
    const first = [{ role: 'system', content: 'hi there' }, ...ask('two')];
    const options = { temperature: 0, maxNewTokens: 2 };
    const one = await session.chat(first, options, talk());
    assert.deepEqual([one.promptTokens, one.reusedTokens], [9, 0]);
    const second = [...first, { role: 'assistant', content: 'one' }, ...ask('three')];
    /** @type {number[][]} */
    const told = [];
    state.runs.length = 0;
    const two = await session.chat(
      second,
      options,
      talk({ reading: (read, total) => told.push([read, total]) }),
    );
    assert.equal(two.reusedTokens, 10, 'the prompt before and the first token of its answer');
    assert.equal(state.runs[0].past, 10);
    assert.equal(
      state.text,
      'system : hi there user : two assistant : one user : three assistant : one',
    );
    assert.deepEqual(told, [[two.promptTokens, two.promptTokens]]);
    const edited = [{ role: 'system', content: 'hi there' }, ...ask('four')];
    const three = await session.chat(edited, options, talk());
    assert.equal(three.reusedTokens, 6);
    assert.equal(state.text, 'system : hi there user : four assistant : one');
    assert.deepEqual(three.ids, one.ids);
    assert.equal(state.alive, 2);
  }
});

test('what is read ahead is not read again by the question', async () => {
  const { session, state } = await setUp();
  const preface = [{ role: 'system', content: 'hi there' }];
  const prepared = await session.chat(preface, { maxNewTokens: 0 }, talk());
  assert.deepEqual([prepared.ids, prepared.promptTokens], [[], 6]);
  assert.equal(state.text, 'system : hi there user :', 'as far as all questions are the same');
  const answer = await session.chat(
    [...preface, ...ask('two')],
    { temperature: 0, maxNewTokens: 1 },
    talk(),
  );
  assert.equal(answer.reusedTokens, 6);
});

test('a run that fails leaves nothing that the next question would build on', async () => {
  const fail = /** @type {{ run?: string }} */ ({});
  const { session, state } = await setUp({ fail });
  const options = { temperature: 0, maxNewTokens: 2 };
  await session.chat(ask('two'), options, talk());
  fail.run = 'std::bad_alloc';
  await assert.rejects(session.chat(ask('two three'), options, talk()));
  assert.equal(state.alive, 0);
  delete fail.run;
  assert.equal((await session.chat(ask('two three'), options, talk())).reusedTokens, 0);
});

test('a long prompt is read in pieces, can be stopped between them, and is told of', async () => {
  const config = { ...CONFIG, max_position_embeddings: 4096 };
  const { session } = await setUp({ files: filesWith({ 'config.json': config }) });
  const long = ask('one '.repeat(200).trim());
  /** @type {number[]} */
  const told = [];
  const reading = (/** @type {number} */ read) => void told.push(read);
  const stopped = () => told.length >= 2;
  const part = await session.chat(long, { temperature: 0 }, talk({ reading, stopped }));
  assert.deepEqual([part.reason, part.tokens, part.timeToFirstToken], ['abort', 0, null]);
  assert.deepEqual(told, [64, 128]);
  const whole = await session.chat(long, { temperature: 0, maxNewTokens: 1 }, talk());
  assert.equal(whole.reusedTokens, 128);
});

test('a graph that takes num_logits_to_keep is asked for the last position only', async () => {
  const { session } = await setUp({ inputs: ['num_logits_to_keep'] });
  const { ids } = await session.chat(ask('hi two'), { temperature: 0, maxNewTokens: 2 }, talk());
  assert.deepEqual(ids, [1, 2]);
});

test('a graph without position_ids gets none', async () => {
  const { session } = await setUp({ positionIds: false });
  const { tokens } = await session.chat(ask('hi'), { maxNewTokens: 2, temperature: 0 }, talk());
  assert.equal(tokens, 2);
});

test('the word to stop is heeded between two tokens', async () => {
  const { session, state } = await setUp();
  let pieces = 0;
  const finish = await session.chat(
    ask('hi'),
    { temperature: 0 },
    talk({ piece: () => (pieces += 1), stopped: () => pieces >= 2 }),
  );
  assert.equal(finish.reason, 'abort');
  assert.ok(finish.tokens < 5);
  assert.equal(state.alive, 2);
});

test('the oldest messages are left out where the window is too small, the system’s stays', async () => {
  const config = { ...CONFIG, max_position_embeddings: 24 };
  const { session, state } = await setUp({ files: filesWith({ 'config.json': config }) });
  const messages = [
    { role: 'system', content: 'hi there' },
    { role: 'user', content: 'one one one one' },
    { role: 'assistant', content: 'two two two two' },
    { role: 'user', content: 'three three' },
  ];
  await session.chat(messages, { maxNewTokens: 4, temperature: 0 }, talk());
  const text = state.runs[0].ids.map((id) => WORDS[id]).join(' ');
  assert.equal(text, 'system : hi there user : three three assistant :');
});

test('a question that alone is too long is refused by the name of a sentence', async () => {
  const config = { ...CONFIG, max_position_embeddings: 8 };
  const { session } = await setUp({ files: filesWith({ 'config.json': config }) });
  const long = ask('one '.repeat(20).trim());
  await assert.rejects(session.chat(long, { temperature: 0 }, talk()), {
    name: 'CandorError',
    message: /^chatTooLong\t\d+\t8$/,
  });
});

test('files and graphs that are not what they should be fail with their kind', async () => {
  /** @type {[string | null, Parameters<typeof setUp>[0]][]} */
  const bad = [
    ['integrity', { files: filesWith({ 'tokenizer.json': '<!doctype html>' }) }],
    ['integrity', { files: filesWith({ 'tokenizer.json': {} }) }],
    ['integrity', { files: filesWith({ 'tokenizer_config.json': '[' }) }],
    ['integrity', { files: filesWith({ 'config.json': '7' }) }],
    ['integrity', { files: filesWith({ 'onnx/model_q4.onnx': '<!doctype html>' }) }],
    ['integrity', { files: filesWith({ 'onnx/model_q4.onnx_data': 'short' }) }],
    ['unsupported', { files: filesWith({ 'tokenizer_config.json': {} }) }],
    [
      'unsupported',
      { files: filesWith({ 'tokenizer_config.json': { chat_template: '{% if %}' } }) },
    ],
    ['unsupported', { inputs: ['pixel_values'] }],
    // The runtime's words go as they are.
    [null, { fail: { create: 'std::bad_alloc' } }],
  ];
  for (const [kind, options] of bad) {
    await assert.rejects(setUp(options), (/** @type {unknown} */ error) => {
      const failure = failureOf(error);
      assert.equal(failure.kind, kind, String(error));
      // The core's, marked as ours among words from outside.
      if (options?.inputs) assert.equal(failure.message, '\tunknownInputs\tpixel_values');
      if (kind === null) assert.match(failure.message, /^Error: std::bad_alloc$/);
      return true;
    });
  }
});

test('what is small of a model is judged, and the sentence names what is missing or bad', async () => {
  const nothing = { kind: null, message: '', file: '', detail: '', external: null };
  const found = (/** @type {Record<string, unknown>} */ changes, plan = {}) =>
    examine({ ...PLAN, ...plan }, filesWith(changes), false);
  assert.deepEqual(await found({}), nothing);
  /** @type {[Record<string, unknown>, object, string, string, string][]} */
  const bad = [
    [{ 'tokenizer_config.json': {} }, {}, 'unsupported', 'The model brings no chat template.', ''],
    [{ 'tokenizer_config.json': '' }, {}, 'unsupported', 'The model brings no chat template.', ''],
    [
      { 'tokenizer_config.json': { chat_template: '{% if %}' } },
      {},
      'unsupported',
      'Its chat template cannot be read.',
      '',
    ],
    [{ 'config.json': '{"a":' }, {}, 'integrity', 'Its config.json is not JSON.', 'config.json'],
    [{ 'config.json': '' }, {}, 'integrity', 'Its config.json is empty.', 'config.json'],
    [
      { 'config.json': '3' },
      {},
      'integrity',
      'Its config.json is not what it should be.',
      'config.json',
    ],
    [{ 'tokenizer.json': '' }, {}, 'integrity', 'Its tokenizer.json is empty.', 'tokenizer.json'],
    [
      { 'tokenizer.json': {} },
      {},
      'integrity',
      'Its tokenizer.json is no tokenizer.',
      'tokenizer.json',
    ],
    [
      { 'generation_config.json': '[' },
      { generationConfig: 'generation_config.json' },
      'integrity',
      'Its generation_config.json is not JSON.',
      'generation_config.json',
    ],
  ];
  for (const [changes, plan, kind, message, file] of bad) {
    const { detail: _, ...rest } = await found(changes, plan);
    assert.deepEqual(rest, { kind, message, file, external: null });
  }
});

test('empty files that need not be there count as absent, and JSON is read as Python writes it', async () => {
  const both = { generationConfig: 'generation_config.json', chatTemplate: 'chat_template.jinja' };
  for (const empty of ['', ' \n']) {
    const files = filesWith({ 'generation_config.json': empty, 'chat_template.jinja': empty });
    const { session } = await setUp({ plan: both, files });
    assert.ok(session);
  }
  const python = `\ufeff{"a": [NaN, Infinity, -Infinity], "b": "say \\"NaN\\" to Infinity", "num_hidden_layers": 1,
    "num_attention_heads": 2, "hidden_size": 8, "eos_token_id": 0}`;
  await setUp({ files: filesWith({ 'config.json': python }) });
  const wrong = examine(PLAN, filesWith({ 'config.json': '{"a": NaN, "b": nope}' }), false);
  assert.equal((await wrong).message, 'Its config.json is not JSON.');
});

/** A message of protobuf: fields with a length. @param {[number, Uint8Array | string][]} fields */
function message(fields) {
  /** @type {number[]} */
  const bytes = [];
  const varint = (/** @type {number} */ value) => {
    for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
    bytes.push(value);
  };
  for (const [field, value] of fields) {
    const part = typeof value === 'string' ? new TextEncoder().encode(value) : value;
    varint(field * 8 + 2);
    varint(part.length);
    bytes.push(...part);
  }
  return Uint8Array.from(bytes);
}
const entry = (/** @type {string} */ key, /** @type {string} */ value) =>
  message([
    [1, key],
    [2, value],
  ]);
const tensor = (/** @type {string} */ location) =>
  message([
    [8, 'name'],
    [13, entry('location', location)],
    [13, entry('offset', '0')],
  ]);

test('what a graph names as its data is found wherever tensors are, and nonsense is no graph', async () => {
  const attribute = (/** @type {number} */ field, /** @type {Uint8Array} */ value) =>
    message([[5, message([[field, value]])]]);
  const graph = message([
    [1, attribute(5, tensor('in-node'))],
    [1, attribute(6, message([[5, tensor('in-subgraph')]]))],
    [5, tensor('weights.bin')],
    [5, tensor('weights.bin')],
    [5, message([[9, 'raw']])],
  ]);
  const named = async (/** @type {Uint8Array | string} */ bytes) => {
    const files = { 'onnx/model_q4.onnx': new Blob([/** @type {any} */ (bytes)]) };
    return (await examine(PLAN, files, true)).external;
  };
  const model = message([
    [2, 'producer'],
    [7, graph],
  ]);
  assert.deepEqual(await named(model), ['in-node', 'in-subgraph', 'weights.bin']);
  // A field that is a number goes before: ir_version.
  assert.deepEqual(await named(new Uint8Array([8, 7, ...model])), [
    'in-node',
    'in-subgraph',
    'weights.bin',
  ]);
  assert.deepEqual(await named(''), []);
  assert.equal(await named('no protobuf at all'), null);
  assert.equal(await named(model.subarray(0, model.length - 3)), null);
  let deep = message([]);
  for (let i = 0; i < 50; i++) deep = message([[1, attribute(6, deep)]]);
  assert.equal(await named(message([[7, deep]])), null);
});

test('the end of a sequence that only the tokenizer names ends an answer, too', async () => {
  const { eos_token_id: _, ...config } = CONFIG;
  const { session } = await setUp({
    plan: { generationConfig: 'generation_config.json' },
    files: filesWith({ 'config.json': config, 'generation_config.json': { eos_token_id: 9 } }),
  });
  const finish = await session.chat(ask('hi'), { temperature: 0, maxNewTokens: 30 }, talk());
  assert.deepEqual([finish.reason, finish.ids], ['eos', [1, 2, 3, 4, 5]]);
});

test('a template may be a file of its own, one of a list, or refuse the messages', async () => {
  const own = await setUp({
    plan: { chatTemplate: 'chat_template.jinja' },
    files: filesWith({ 'chat_template.jinja': 'three', 'tokenizer_config.json': {} }),
  });
  const { text } = await own.session.chat(ask('x'), { temperature: 0, maxNewTokens: 1 }, talk());
  assert.equal(text.trim(), 'four');

  const list = [
    { name: 'tool_use', template: 'one' },
    { name: 'default', template: 'two' },
  ];
  const named = await setUp({
    files: filesWith({ 'tokenizer_config.json': { chat_template: list } }),
  });
  const second = await named.session.chat(ask('x'), { temperature: 0, maxNewTokens: 1 }, talk());
  assert.equal(second.text.trim(), 'three');

  const refusing = { chat_template: "{{ raise_exception('roles must alternate') }}" };
  const third = await setUp({ files: filesWith({ 'tokenizer_config.json': refusing }) });
  await assert.rejects(third.session.chat(ask('x'), {}, talk()), {
    name: 'CandorError',
    code: 'unsupported',
  });
});

test('half precision is read right, its edges included', () => {
  /** @type {[number, number][]} */
  const known = [
    [0x0000, 0],
    [0x8000, -0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7e00, NaN],
    [0x3555, 0.333251953125],
  ];
  for (const [bits, value] of known)
    assert.ok(Object.is(fromHalf(bits), value), `${bits.toString(16)}`);
});

test('a device that is lost while the graph is read is told at once', async () => {
  /** @type {any[]} */
  const events = [];
  const device = { lost: Promise.resolve({ reason: 'unknown', message: '' }) };
  const plan = { executionProvider: 'webgpu' };
  const fail = { create: 'mapAsync failed' };
  await assert.rejects(setUp({ plan, device, events, fail }));
  assert.deepEqual(events.at(-1), {
    type: 'sessionLost',
    message: 'The device was lost (unknown): ',
  });
});

test('the core’s memory can be written where it says, also after it has grown', () => {
  const loop = new core.GenerationLoop('{}');
  const count = 16 << 20;
  const address = loop.buffer(count);
  assert.ok(core.HEAPU8.length >= address + 4 * count);
  const floats = core.HEAPF32.subarray(address / 4, address / 4 + count);
  floats[count - 1] = 1;
  const last = address + 4 * (count - 1);
  assert.deepEqual([...core.HEAPU8.subarray(last, last + 4)], [0, 0, 0x80, 0x3f]);
  loop.delete();
});
