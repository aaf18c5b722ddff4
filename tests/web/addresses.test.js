import assert from 'node:assert/strict';
import test from 'node:test';
import { checkOptions } from '../../web/src/page/options.js';

/** @param {object} model @param {object} [more] */
const placeOf = (model, more) => {
  const { repo, revision, file, host } = checkOptions(
    /** @type {any} */ ({ models: { m: model }, ...more }),
  ).models[0];
  return { repo, revision, file, host };
};
const HUB = { host: 'https://huggingface.co', revision: 'main', file: '' };

test('the address of a model’s page on the Hub is the model', () => {
  for (const repo of [
    'owner/name',
    'https://huggingface.co/owner/name',
    'https://huggingface.co/owner/name/',
    'http://www.huggingface.co/owner/name?library=transformers.js',
    'https://hf.co/owner/name#files',
    'hf.co/owner/name',
    'huggingface.co/owner/name',
    ' https://huggingface.co/owner/name/tree/main ',
  ]) {
    assert.deepEqual(placeOf({ repo }), { ...HUB, repo: 'owner/name' }, repo);
  }
  assert.deepEqual(placeOf({ repo: 'https://huggingface.co/o/n/tree/refs%2Fpr%2F3' }), {
    ...HUB,
    repo: 'o/n',
    revision: 'refs/pr/3',
  });
  const file = 'onnx/q4/model.onnx';
  for (const kind of ['blob', 'resolve']) {
    assert.deepEqual(
      placeOf({ repo: `https://huggingface.co/o/n/${kind}/v1/${file}?download=true` }),
      {
        ...HUB,
        repo: 'o/n',
        revision: 'v1',
        file,
      },
    );
  }
  // What is said beside it counts more.
  assert.equal(placeOf({ repo: 'https://hf.co/o/n/tree/v1', revision: 'v2' }).revision, 'v2');
  const host = 'https://mirror.example/hub';
  assert.deepEqual(placeOf({ repo: `${host}/o/n/tree/v1` }, { host }), {
    ...HUB,
    host,
    repo: 'o/n',
    revision: 'v1',
  });
});

test('the query of a folder’s address stays behind its path', () => {
  const repo = (/** @type {string} */ text) => placeOf({ repo: text }).repo;
  assert.equal(repo('https://host.example/m?sig=a%2Fb'), 'https://host.example/m?sig=a%2Fb');
  assert.equal(repo('https://host.example/m/?sig=abc#top'), 'https://host.example/m?sig=abc');
  assert.equal(repo('./models/x/?v=2'), 'http://localhost/models/x?v=2');
  assert.equal(repo('https://host.example/'), 'https://host.example');
  // Another host's folders are not the Hub's names.
  const host = 'http://127.0.0.1:9';
  assert.equal(placeOf({ repo: `${host}/listed/a` }, { host }).repo, `${host}/listed/a`);
});

test('what can be no model is a TypeError that shows how one is written', () => {
  for (const repo of [
    'https://huggingface.co/owner',
    'https://huggingface.co/datasets/owner/name',
    'https://huggingface.co/spaces/owner/name',
    'https://huggingface.co/owner/name/discussions/3',
    'hf.co/',
  ]) {
    assert.throws(() => placeOf({ repo }), {
      name: 'TypeError',
      message: /owner\/name.*https:\/\/huggingface\.co\/owner\/name/,
    });
  }
  for (const repo of ['name', 'a/b/c', 'a b/c']) {
    assert.throws(() => placeOf({ repo }), { name: 'TypeError', message: /"owner\/name".*folder/ });
  }
  for (const file of ['model.bin', 7]) {
    assert.throws(() => placeOf({ repo: 'a/b', file }), { name: 'TypeError', message: /`file`/ });
  }
  for (const more of [{ credentials: 'all' }, { headers: { authorization: 'x' } }]) {
    assert.throws(() => placeOf({ repo: 'a/b' }, more), TypeError);
  }
});
