import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { loadCv, systemMessage } from '../../web/demo/cv.js';

const demo = path.resolve(import.meta.dirname, '../../web/demo');
const cv = JSON.parse(readFileSync(path.join(demo, 'cv.json'), 'utf8'));

describe('what a general model is told', () => {
  it('is the CV’s facts within the budget', () => {
    const text = systemMessage(cv, 3600);
    assert.ok(text.length <= 3600);
    for (const { employer } of cv.employment) assert.ok(text.includes(employer), employer);
    for (const { institution } of cv.education) assert.ok(text.includes(institution), institution);
    assert.ok(text.includes(cv.contact.email));
    assert.doesNotMatch(text, /undefined|null|\[object/);
  });

  it('is cut at whole facts', () => {
    const whole = systemMessage(cv, Infinity).split('\n');
    const some = systemMessage(cv, 1200).split('\n');
    assert.ok(some.length < whole.length);
    assert.deepEqual(some, whole.slice(0, some.length));
  });

  it('can be made of a name alone', () => {
    assert.match(systemMessage({ name: 'Ada' }, 900), /about Ada/);
    assert.doesNotMatch(systemMessage({ name: 'Ada' }, 900), /undefined/);
  });
});

describe('loading the CV', () => {
  /** @param {() => Promise<Response>} fetch */
  async function load(fetch) {
    const before = globalThis.fetch;
    globalThis.fetch = fetch;
    try {
      return await loadCv('cv.json');
    } finally {
      globalThis.fetch = before;
    }
  }

  it('gives the file as it is', async () => {
    assert.deepEqual(await load(async () => Response.json(cv)), cv);
  });

  for (const [
    what,
    fetch,
    sentence,
  ] of /** @type {[string, () => Promise<Response>, RegExp][]} */ ([
    ['no network', () => Promise.reject(new TypeError('Failed')), /did not arrive/],
    ['a missing file', async () => new Response('no', { status: 404 }), /did not arrive/],
    ['no JSON', async () => new Response('<!doctype html>'), /not valid JSON/],
    ['null', async () => Response.json(null), /no name/],
    ['no name', async () => Response.json({ title: 'x' }), /no name/],
    ['a list that is none', async () => Response.json({ name: 'x', skills: {} }), /“skills”/],
  ])) {
    it(`says in a sentence what is wrong: ${what}`, () =>
      assert.rejects(load(fetch), (error) => sentence.test(/** @type {Error} */ (error).message)));
  }
});

describe('the page', () => {
  const html = readFileSync(path.join(demo, 'index.html'), 'utf8');

  it('has nothing inline, so that the strict policy can hold', () => {
    assert.doesNotMatch(html, /<style|style=|\son\w+=|<script(?![^>]*\bsrc=)/);
  });

  it('speaks to those without JavaScript', () => assert.match(html, /<noscript>/));

  it('has every element that its script looks for', () => {
    const script = readFileSync(path.join(demo, 'main.js'), 'utf8');
    const ids = [...script.matchAll(/byId\('([\w-]+)'\)/g)].map((match) => match[1]);
    assert.ok(ids.length > 20);
    for (const id of ids) assert.ok(html.includes(`id="${id}"`), id);
  });
});
