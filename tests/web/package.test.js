/** The package as it would be published: packed, unpacked into an empty folder, every export imported. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';

const root = path.resolve(import.meta.dirname, '../..');
const folder = await mkdtemp(path.join(tmpdir(), 'candor-package-'));
after(() => rm(folder, { recursive: true }));

const packed = execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', folder], {
  cwd: path.join(root, 'web'),
  encoding: 'utf8',
});
// What the build says comes before.
const [{ filename, files }] = JSON.parse(packed.slice(packed.indexOf('[\n')));
const modules = path.join(folder, 'node_modules');
const installed = path.join(modules, 'candor');
await mkdir(installed, { recursive: true });
execFileSync('tar', ['-xzf', path.join(folder, filename), '-C', installed, '--strip-components=1']);
await symlink(path.join(root, 'node_modules/@huggingface'), path.join(modules, '@huggingface'));
await writeFile(path.join(folder, 'package.json'), '{"type":"module"}');

const manifest = JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8'));

test('the package holds what its manifest names, and nothing of its workshop', () => {
  /** @param {any} target @returns {string[]} */
  const leaves = (target) =>
    typeof target === 'string' ? [target] : Object.values(target).flatMap(leaves);
  for (const target of [...leaves(manifest.exports), ...leaves(manifest.imports)]) {
    if (target.includes('*')) continue;
    assert.ok(existsSync(path.join(installed, target)), `${target} is missing`);
  }
  for (const name of [
    'candor',
    'define',
    'transformers',
    'worker',
    'disk-worker',
    'session-worker',
  ]) {
    assert.ok(existsSync(path.join(installed, `dist/${name}.js`)), `dist/${name}.js is missing`);
  }
  const names = files.map((/** @type {{ path: string }} */ file) => file.path);
  for (const name of names) {
    assert.doesNotMatch(name, /\.(test|cpp|map)|^(demo|models|build|size|tsconfig|node_modules)\b/);
  }
});

test('only the modules that do something when imported are named as having effects', () => {
  for (const name of manifest.sideEffects) {
    assert.match(name, /(define|worker)\.js$/);
    assert.ok(existsSync(path.join(installed, name)), `${name} is missing`);
  }
});

/** Runs a module in the folder where the package is installed. @param {string} code */
const run = (code) =>
  execFileSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: folder,
    encoding: 'utf8',
  });

test('every export for pages can be imported without a page, and has what it promises', () => {
  const out = run(`
    const names = async (name) => Object.keys(await import(name)).sort();
    const all = {};
    for (const name of ['candor', 'candor/define', 'candor/elements', 'candor/transformers', 'candor/core']) {
      all[name] = await names(name);
    }
    console.log(JSON.stringify(all));
  `);
  const all = JSON.parse(out);
  assert.deepEqual(all.candor, ['CandorError', 'createLoader']);
  assert.ok(all['candor/core'].includes('createCore'));
  assert.ok(all['candor/transformers'].includes('transformersProgress'));
  assert.ok(all['candor/elements'].includes('CandorProgressDialog'));
});

test('the core works in Node out of the package', () => {
  const out = run(`
    import { createCore } from 'candor/core';
    const core = await createCore();
    const tracker = core.createProgressTracker({ name: 'x', file: 'a', total: 10 });
    tracker.update({ loaded: 0, total: 10 }, 0);
    tracker.update({ loaded: 5, total: 10 }, 1000);
    console.log(tracker.snapshot(1000).progress);
  `);
  assert.equal(out.trim(), '50');
});

test('a TypeScript project that embeds the package sees its types', async () => {
  await writeFile(
    path.join(folder, 'embed.ts'),
    `
    import { createLoader, CandorError, type Snapshot } from 'candor';
    import { createCore } from 'candor/core';
    import { transformersProgress } from 'candor/transformers';
    import 'candor/define';

    const loader = await createLoader({ models: { mini: { repo: 'owner/name', dtype: { decoder_model_merged: 'q4' } } } });
    const stop: () => void = loader.subscribe('mini', (snapshot: Snapshot) => {
      const progress: number | null = snapshot.progress;
      console.log(progress?.toFixed());
    });
    const model = await loader.load('mini', { signal: new AbortController().signal });
    for await (const piece of model.chat([{ role: 'user', content: 'Hi' }], { maxNewTokens: 8 })) piece.trim();
    // @ts-expect-error a model has no such option
    await createLoader({ models: { mini: { repository: 'x' } } });
    const code: 'network' | string = new CandorError('network', 'x').code;
    const speed: number | null = (await createCore()).createProgressTracker({ name: code }).snapshot(0).speed;
    transformersProgress({ modelKey: 'mini' }).callback({ speed });
    stop();
    `,
  );
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  const flags =
    '--noEmit --strict --target es2022 --module esnext --moduleResolution bundler --lib es2024,dom,dom.iterable';
  execFileSync(process.execPath, [tsc, ...flags.split(' '), '--skipLibCheck', 'embed.ts'], {
    cwd: folder,
    stdio: 'pipe',
  });
});
