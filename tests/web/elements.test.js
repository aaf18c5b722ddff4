import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import * as elements from '../../web/src/elements/index.js';
import { formatter } from '../../web/src/elements/format.js';
import {
  WORDS,
  announcement,
  brief,
  describe as describeSnapshot,
  describeFailure,
  describeFile,
  setWords,
  stageOf,
  timeLeft,
} from '../../web/src/elements/words.js';
import { SNAPSHOTS } from '../e2e/fixtures/snapshots.js';

/** @typedef {import('../../web/bindings.d.ts').Snapshot} Snapshot */

const f = formatter('en');
const folder = path.resolve(import.meta.dirname, '../../web/src/elements');
const sources = Object.fromEntries(
  readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]),
);
const manifest = JSON.parse(
  readFileSync(path.resolve(folder, '../../custom-elements.json'), 'utf8'),
);

/** All words that are shown of a snapshot. @param {Snapshot} s */
function allWords(s) {
  const d = describeSnapshot(s, f);
  return [
    d.title,
    d.phase,
    d.percent,
    d.variant,
    ...d.stats.flat(),
    ...d.notices,
    ...Object.values(brief(s, f)),
    announcement(s, f).text,
    timeLeft(s, f),
    ...s.files.flatMap((file) => Object.values(describeFile(file, f))),
    ...Object.values(describeFailure(s, f)).map(String),
  ];
}

describe('importing the elements', () => {
  it('works without a DOM and registers nothing', async () => {
    assert.equal(globalThis.HTMLElement, undefined);
    assert.equal(typeof elements.CandorProgressDialog, 'function');
    await import('../../web/src/page/define.js');
    assert.equal(globalThis.customElements, undefined);
  });

  it('needs nothing but the elements’ own folder', () => {
    for (const [name, text] of Object.entries(sources)) {
      const imported = [...text.matchAll(/^(?:import|export)\b[^;]*?from '([^']+)'/gm)].map(
        (m) => m[1],
      );
      for (const from of imported)
        assert.match(from, /^\.\/[\w-]+\.js$/, `${name} imports ${from}`);
    }
  });

  it('never turns text into markup, nor reads a clock', () => {
    for (const [name, text] of Object.entries(sources)) {
      assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write/, name);
      assert.doesNotMatch(text, /Date\.now|new Date|performance\.|setTimeout|setInterval/, name);
    }
  });
});

describe('the words for a snapshot', () => {
  for (const [name, s] of Object.entries(SNAPSHOTS)) {
    it(`hold no number that is none: ${name}`, () => {
      for (const text of allWords(s)) {
        assert.equal(typeof text, 'string');
        assert.doesNotMatch(text, /NaN|Infinity|undefined|null|\[object/);
      }
    });
  }

  it('survive a snapshot of nonsense', () => {
    const bad = {
      ...SNAPSHOTS.download,
      progress: NaN,
      totalDownloaded: -1,
      totalSize: NaN,
      speed: Infinity,
      stalledFor: NaN,
      phaseElapsed: -5,
      eta: { kind: /** @type {const} */ ('range'), low: NaN, high: NaN },
      modelName: '',
      modelKey: '',
    };
    for (const text of allWords(bad)) assert.doesNotMatch(text, /NaN|Infinity|undefined/);
  });

  it('name the model in every title', () => {
    for (const s of Object.values(SNAPSHOTS)) {
      assert.ok(describeSnapshot(s, f).title.includes(s.modelName));
    }
  });

  it('say how much came so far when the total is unknown', () => {
    const d = describeSnapshot(SNAPSHOTS['unknown total'], f);
    assert.equal(d.value, null);
    assert.equal(d.percent, '');
    assert.deepEqual(d.stats.at(-1), ['Downloaded', '58.2 MB so far']);
  });

  it('say 99% until everything is there', () => {
    const d = describeSnapshot(SNAPSHOTS['almost done'], f);
    assert.equal(d.percent, '99%');
    assert.deepEqual(d.stats.at(-1), ['Downloaded', '135.3 MB of 135.4 MB']);
  });

  it('keep what was already here apart from what came over the network', () => {
    const d = describeSnapshot(SNAPSHOTS.resumed, f);
    assert.ok(d.notices.includes('48.0 MB already here, 10.2 MB from the network.'));
    assert.ok(d.cachedShare > 35 && d.cachedShare < 36);
    assert.equal(describeFile({ ...SNAPSHOTS.resumed.files[0] }, f).here, 'already here');
  });

  it('say that bytes were thrown away, and why', () => {
    assert.ok(
      describeSnapshot(SNAPSHOTS.discarded, f).notices.includes(
        '12.0 MB were thrown away, to be fetched again. The file changed on the server.',
      ),
    );
  });

  it('say for how long nothing came instead of a time left', () => {
    assert.equal(timeLeft(SNAPSHOTS.stalled, f), 'stalled for 12s');
    assert.equal(brief(SNAPSHOTS.stalled, f).time, 'stalled for 12s');
  });

  it('say that speed and time are not known, and never 0', () => {
    const { stats } = describeSnapshot(SNAPSHOTS['unknown speed'], f);
    assert.deepEqual(stats.slice(0, 2), [
      ['Speed', 'not known yet'],
      ['Time remaining', 'not known yet'],
    ]);
  });

  it('show elapsed time and the last time where nothing can be measured', () => {
    const d = describeSnapshot(SNAPSHOTS.warmup, f);
    assert.equal(d.value, null);
    assert.deepEqual(d.stats, [
      ['Elapsed', '4s'],
      ['Last time on this device', '12s'],
    ]);
  });

  it('say what is counted during the upload', () => {
    assert.deepEqual(describeSnapshot(SNAPSHOTS.upload, f).stats, [
      ['Speed', '109.6 MB/s'],
      ['Time remaining', '1s'],
      ['Moved to the device', '98.6 MB of 133.3 MB'],
      ['Elapsed', '1s'],
      ['Last time on this device', '1s'],
    ]);
  });

  it('say when nothing will be kept', () => {
    assert.ok(describeSnapshot(SNAPSHOTS['no storage'], f).notices.includes(WORDS.notKept));
    assert.ok(!describeSnapshot(SNAPSHOTS.download, f).notices.includes(WORDS.notKept));
  });

  it('say that a newer version is there, and what it costs where that is known', () => {
    const newer = SNAPSHOTS['newer version'];
    const { notices } = describeSnapshot(newer, f);
    assert.ok(notices.includes('A newer version is there: updating fetches 12.5 MB.'));
    const unknown = describeSnapshot({ ...newer, newer: { bytes: null } }, f).notices;
    assert.ok(unknown.includes('A newer version is there.'));
    assert.ok(!describeSnapshot(SNAPSHOTS.ready, f).notices.some((text) => /newer/.test(text)));
  });

  it('say how fast a file comes, and for how long, only where that was measured', () => {
    const [row] = SNAPSHOTS.download.files;
    const { speed, time } = describeFile({ ...row, speed: 2.5e6, timeRemaining: 24 }, f);
    assert.deepEqual([speed, time], ['2.5 MB/s', '24s left']);
    const none = describeFile(row, f);
    assert.deepEqual([none.speed, none.time], ['', '']);
  });

  it('say whether another tab goes on or has stopped', () => {
    const d = describeSnapshot(SNAPSHOTS['in another tab'], f);
    assert.ok(d.notices.includes(WORDS.elsewhere));
    const stopped = describeSnapshot(SNAPSHOTS['stopped in another tab'], f);
    assert.equal(stopped.phase, 'Waiting for its turn');
    assert.deepEqual(stopped.notices.slice(-1), [WORDS.stoppedElsewhere]);
    assert.ok(!stopped.stats.some(([label]) => label === WORDS.speed));
  });

  it('say when the core goes on by itself', () => {
    const d = describeSnapshot(SNAPSHOTS['retrying by itself'], f);
    assert.equal(d.phase, 'Waiting to try again');
    assert.deepEqual(d.stats, [['Downloaded', '58.2 MB of 135.4 MB']]);
    assert.deepEqual(d.notices.slice(0, 3), [
      'The connection broke.',
      'It goes on by itself in 4s.',
      'Attempt 2 of 3.',
    ]);
  });

  it('leave the bar away where nothing goes on', () => {
    assert.equal(describeSnapshot(SNAPSHOTS.queued, f).bar, false);
    assert.equal(describeSnapshot(SNAPSHOTS['failed to start'], f).bar, false);
    assert.equal(describeSnapshot(SNAPSHOTS.resolve, f).bar, true);
  });

  it('put every phase into one of three stages', () => {
    /** @param {Snapshot['phase']} phase */
    const stage = (phase) => stageOf({ ...SNAPSHOTS.download, phase });
    assert.deepEqual(
      /** @type {const} */ (['resolve', 'download', 'verify', 'create', 'upload', 'warmup']).map(
        stage,
      ),
      ['download', 'download', 'download', 'load', 'load', 'warmup'],
    );
    assert.equal(stageOf(SNAPSHOTS.ready), null);
  });
});

describe('announcements', () => {
  it('change with every quarter, not with every frame', () => {
    const keys = new Set();
    for (let progress = 0; progress <= 100; progress += 0.5) {
      keys.add(announcement({ ...SNAPSHOTS.download, progress }, f).key);
    }
    assert.equal(keys.size, 5);
  });

  it('change with status, phase, a stall and an error', () => {
    const names = [
      'download',
      'stalled',
      'retrying by itself',
      'paused',
      'verify',
      'ready',
      'failed',
    ];
    assert.equal(
      new Set(names.map((name) => announcement(SNAPSHOTS[name], f).key)).size,
      names.length,
    );
  });

  it('say what is shown', () => {
    assert.equal(
      announcement(SNAPSHOTS.download, f).text,
      'Downloading SmolLM2 135M. Downloading the files. 42%. about 25 sec left',
    );
  });
});

describe('a failure', () => {
  it('says what happened, what was kept and what happens next', () => {
    assert.deepEqual(describeFailure(SNAPSHOTS.failed, f), {
      final: false,
      title: 'Download interrupted',
      message: 'The connection to the server broke.',
      attempt: 'Attempt 2 of 3.',
      kept: '58.2 MB are kept on this device.',
      next: 'Retry goes on from what is kept.',
      detail: 'TypeError: Failed to fetch\n    at onnx/model_q4f16.onnx',
    });
  });

  it('is told apart from one of the download when the model did not start', () => {
    assert.equal(
      describeFailure(SNAPSHOTS['failed to start'], f).title,
      'SmolLM2 135M did not start',
    );
  });

  it('is final when nothing is left to retry', () => {
    const d = describeFailure(SNAPSHOTS.final, f);
    assert.equal(d.final, true);
    assert.equal(d.title, 'SmolLM2 135M could not be loaded');
    assert.equal(d.attempt, 'It was tried 3 times.');
    assert.equal(d.kept, 'Nothing of it is kept on this device.');
    assert.equal(d.next, 'Trying again would not help now. Another model may work.');
  });

  it('does not promise that a closed page keeps what is only in memory', () => {
    const { kept } = describeFailure({ ...SNAPSHOTS.failed, persistent: false }, f);
    assert.equal(kept, '58.2 MB are kept until this page closes.');
  });
});

describe('setWords', () => {
  it('replaces words one by one', () => {
    const before = { speed: WORDS.speed, pause: WORDS.buttons.pause };
    setWords({ speed: 'Tempo', buttons: { pause: 'Anhalten' } });
    assert.equal(describeSnapshot(SNAPSHOTS.download, f).stats[0][0], 'Tempo');
    assert.equal(WORDS.buttons.pause, 'Anhalten');
    assert.equal(WORDS.buttons.resume, 'Resume');
    setWords({ speed: before.speed, buttons: { pause: before.pause } });
    assert.equal(WORDS.speed, 'Speed');
  });
});

describe('custom-elements.json', () => {
  /** @type {any[]} */
  const declarations = manifest.modules.flatMap((/** @type {any} */ module) => module.declarations);

  it('has every element', () => {
    assert.deepEqual(
      declarations.map(({ name, tagName }) => [name, tagName]),
      [
        ['CandorProgressDialog', 'candor-progress-dialog'],
        ['CandorChatProgress', 'candor-chat-progress'],
        ['CandorRecoveryDialog', 'candor-recovery-dialog'],
      ],
    );
  });

  for (const { name, path: file, declarations: own } of manifest.modules.map(
    (/** @type {any} */ module) => ({ name: module.declarations[0].name, ...module }),
  )) {
    const text = sources[path.basename(file)];
    const [declaration] = own;

    it(`has exactly the events of ${name}`, () => {
      const names = [
        ...[...text.matchAll(/\.act\('([\w-]+)'\)/g)].map((m) => m[1]),
        ...[...text.matchAll(/\.emit\('([\w-]+)'\)/g)].map((m) => m[1]),
        ...[...text.matchAll(/#hide\('([\w-]+)'\)/g)].map((m) => m[1]),
      ].map((event) => `candor-${event}`);
      assert.deepEqual(
        declaration.events.map((/** @type {any} */ event) => event.name).sort(),
        [...new Set(names)].sort(),
      );
    });

    it(`has exactly the parts of ${name}`, () => {
      const shared = [];
      if (text.includes('new Bar()'))
        shared.push(...sources['base.js'].matchAll(/part: '([\w -]+)'/g));
      if (text.includes('new DialogController')) {
        shared.push(...sources['dialog.js'].matchAll(/part: '([\w -]+)'/g));
      }
      const parts = [
        ...shared.flatMap((m) => m[1].split(' ')),
        ...[...text.matchAll(/part: '([\w -]+)'/g)].flatMap((m) => m[1].split(' ')),
        ...[...text.matchAll(/\bbutton\(\s*'([\w -]+)'/g)].flatMap((m) => m[1].split(' ')),
        ...[...text.matchAll(/'part', 'button ([\w -]+)'/g)].flatMap((m) => m[1].split(' ')),
        'button',
      ];
      assert.deepEqual(
        declaration.cssParts.map((/** @type {any} */ part) => part.name).sort(),
        [...new Set(parts)].sort(),
      );
    });

    it(`has exactly the custom properties of ${name}`, () => {
      const css = sources['sheet.js'].split('export const DIALOG');
      const used = text + css[0] + (text.includes('DIALOG') ? css[1] : '');
      assert.deepEqual(
        declaration.cssProperties.map((/** @type {any} */ property) => property.name).sort(),
        [...new Set([...used.matchAll(/var\((--candor-[\w-]+)/g)].map((m) => m[1]))].sort(),
      );
    });
  }
});
