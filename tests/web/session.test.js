import assert from 'node:assert/strict';
import test from 'node:test';
import { loadCore } from '../../web/src/core.node.js';
import { createSession, failureOf, fromHalf } from '../../web/src/session/session.js';
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
  const state = { runs, alive: 0, options: /** @type {any} */ (null) };
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
    /** @param {Record<string, any>} feeds */
    async run(feeds) {
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
      runs.push({ ids, past });
      const data = new (half ? Uint16Array : Float32Array)(ids.length * WORDS.length);
      ids.forEach((id, i) => {
        const next = id >= 1 && id <= 5 ? (id + 1) % 6 : 1;
        data[i * WORDS.length + next] = half ? toHalf(7) : 7;
      });
      const present = [1, 2, past + ids.length, 4];
      return {
        logits: make(data, [1, ids.length, WORDS.length]),
        'present.0.key': make(null, present),
        'present.0.value': make(null, present),
      };
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
  const session = await createSession({ ...PLAN, ...plan }, files, {
    core,
    clock: fakeClock(),
    loadRuntime: async (wasm) => {
      assert.equal(await wasm.text(), 'code');
      return /** @type {any} */ (ort);
    },
    requestDevice: async () => device ?? assert.fail('no device is needed'),
    // Node has no reader that answers at once.
    readNow: (blob) => new ArrayBuffer(blob.size),
    report: (event) => events.push(event),
  });
  return { session, state, events };
}

const ask = (/** @type {string} */ content) => [{ role: 'user', content }];

test('a session reports its stages, warms up with several tokens and with one, and leaves no tensor behind', async () => {
  const { state, events } = await setUp();
  const stages = events.map(({ type, stage }) => stage ?? type);
  assert.deepEqual(stages, ['create', 'upload', 'upload', 'upload', 'warmup', 'sessionReady']);
  assert.deepEqual(
    events.slice(1, 4).map(({ loaded, total }) => [loaded, total]),
    [
      [0, 7000],
      [2000, 7000],
      [7000, 7000],
    ],
  );
  assert.deepEqual(events.at(-1), { type: 'sessionReady' });
  assert.deepEqual(
    state.runs.map(({ ids, past }) => [ids.length, past]),
    [
      [2, 0],
      [1, 2],
    ],
  );
  assert.ok(state.options.graph.length < 500);
  assert.deepEqual(
    state.options.externalData.map((/** @type {any} */ { path }) => path),
    ['model_q4.onnx', 'model_q4.onnx_data'],
  );
  assert.equal(state.alive, 0);
});

test('an answer is prefilled once, then decoded token by token from the cache, until the end', async () => {
  for (const half of [false, true]) {
    const { session, state } = await setUp({ half });
    state.runs.length = 0;
    /** @type {string[]} */
    const pieces = [];
    const finish = await session.chat(
      ask('hi two'),
      { temperature: 0 },
      (text) => pieces.push(text),
      () => false,
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
    assert.equal(state.alive, 0);
  }
});

test('a graph without position_ids gets none', async () => {
  const { session } = await setUp({ positionIds: false });
  const { tokens } = await session.chat(
    ask('hi'),
    { maxNewTokens: 2, temperature: 0 },
    () => {},
    () => false,
  );
  assert.equal(tokens, 2);
});

test('the word to stop is heeded between two tokens', async () => {
  const { session, state } = await setUp();
  let pieces = 0;
  const finish = await session.chat(
    ask('hi'),
    { temperature: 0 },
    () => (pieces += 1),
    () => pieces >= 2,
  );
  assert.equal(finish.reason, 'abort');
  assert.ok(finish.tokens < 5);
  assert.equal(state.alive, 0);
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
  state.runs.length = 0;
  await session.chat(
    messages,
    { maxNewTokens: 4, temperature: 0 },
    () => {},
    () => false,
  );
  const text = state.runs[0].ids.map((id) => WORDS[id]).join(' ');
  assert.equal(text, 'system : hi there user : three three assistant :');
});

test('a question that alone is too long is refused by the name of a sentence', async () => {
  const config = { ...CONFIG, max_position_embeddings: 8 };
  const { session } = await setUp({ files: filesWith({ 'config.json': config }) });
  const long = ask('one '.repeat(20).trim());
  await assert.rejects(
    session.chat(
      long,
      { temperature: 0 },
      () => {},
      () => false,
    ),
    { name: 'CandorError', message: /^chatTooLong\t\d+\t8$/ },
  );
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
    [null, { fail: { run: 'The device was lost' } }],
  ];
  for (const [kind, options] of bad) {
    await assert.rejects(setUp(options), (/** @type {unknown} */ error) => {
      const failure = failureOf(error);
      assert.equal(failure.kind, kind, String(error));
      // The core's, marked as ours among words from outside.
      if (options?.inputs) assert.equal(failure.message, '\tunknownInputs\tpixel_values');
      if (kind === null)
        assert.match(failure.message, /^Error: (std::bad_alloc|The device was lost)$/);
      return true;
    });
  }
});

test('a template may be a file of its own, one of a list, or refuse the messages', async () => {
  const own = await setUp({
    plan: { chatTemplate: 'chat_template.jinja' },
    files: filesWith({ 'chat_template.jinja': 'three', 'tokenizer_config.json': {} }),
  });
  const { text } = await own.session.chat(
    ask('x'),
    { temperature: 0, maxNewTokens: 1 },
    () => {},
    () => false,
  );
  assert.equal(text.trim(), 'four');

  const list = [
    { name: 'tool_use', template: 'one' },
    { name: 'default', template: 'two' },
  ];
  const named = await setUp({
    files: filesWith({ 'tokenizer_config.json': { chat_template: list } }),
  });
  const second = await named.session.chat(
    ask('x'),
    { temperature: 0, maxNewTokens: 1 },
    () => {},
    () => false,
  );
  assert.equal(second.text.trim(), 'three');

  const refusing = { chat_template: "{{ raise_exception('roles must alternate') }}" };
  const third = await setUp({ files: filesWith({ 'tokenizer_config.json': refusing }) });
  await assert.rejects(
    third.session.chat(
      ask('x'),
      {},
      () => {},
      () => false,
    ),
    {
      name: 'CandorError',
      code: 'unsupported',
    },
  );
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
