// SPDX-License-Identifier: LGPL-2.1-or-later
// Parts of the page that need no browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Clock } from '../../../ext/soup/page/clock.js';
import { readMask } from '../../../ext/soup/page/mask.js';
import { readResult, Results } from '../../../ext/soup/page/results.js';
import { random } from './support.mjs';
import { withTime } from './time.mjs';

const base64 = (...bytes) => Buffer.from(bytes).toString('base64');

test('masks are runs over the ends of rows', () => {
  const mask = readMask({ width: 4, height: 3, cell: 8,
    runs: base64(1, 5, 0, 1, 7, 6) });
  assert.deepEqual([...mask.classes], [1, 1, 1, 1, 1, 0, 7, 7, 7, 7, 7, 7]);
  const long = readMask({ width: 100, height: 30, cell: 16,
    runs: base64(3, 0xb8, 0x17) });
  assert.ok(long.classes.every((v) => v === 3));
  for (const wrong of [undefined, null, {}, 5,
    { width: 4, height: 3, cell: 8, runs: base64(1, 11) },
    { width: 4, height: 3, cell: 8, runs: base64(1, 13) },
    { width: 4, height: 3, cell: 8, runs: base64(1, 12, 0) },
    { width: 4, height: 3, cell: 8, runs: base64(1, 0x8c) },
    { width: 4, height: 3, cell: 8,
      runs: base64(1, 255, 255, 255, 255, 255, 255, 255, 127) },
    { width: 4, height: 3, cell: 8, runs: '*' },
    { width: 4, height: 3, cell: 8, runs: 12 },
    { width: 4.5, height: 3, cell: 8, runs: base64(1, 12) },
    { width: 4, height: 0, cell: 8, runs: '' },
    { width: 1 << 16, height: 1 << 16, cell: 8, runs: base64(1, 12) },
  ]) assert.equal(readMask(wrong), null, JSON.stringify(wrong));
});

test('noise in place of masks and results harms nothing', () => {
  const next = random(3);
  for (let i = 0; i < 3000; i++) {
    const runs = base64(...Array.from({ length: next(20) }, () => next(256)));
    const mask = readMask({ width: 1 + next(40), height: 1 + next(40), cell: 8,
      runs });
    assert.ok(mask === null || mask.classes.length === mask.width
      * mask.height);
  }
  const values = [null, 0, -1, 1e300, 'x', [], {}, true, [null], [{}], [[]]];
  const any = () => values[next(values.length)];
  for (const name of ['compressedclassify', 'compressedsegment',
    'compressedread', 'spectralinspect']) {
    for (let i = 0; i < 500; i++) {
      const data = {};
      for (const key of ['timestamp', 'duration', 'network', 'classes', 'mask',
        'lines', 'width', 'height', 'error', 'R', 'G']) data[key] = any();
      assert.ok(readResult({ name, data }));
    }
  }
  for (const name of ['constructor', '__proto__', 'other', undefined]) {
    assert.equal(readResult({ name, data: {} }), null);
  }
});

test('results wait for their frame, and go when they are old', async () => {
  const results = new Results();
  const event = (timestamp, label) => readResult({ name: 'compressedclassify',
    data: { timestamp, duration: 0, classes: [{ label, confidence: 1 }] } });
  const at = (pts) => results.at(pts).results.map(({ classes }) =>
    classes[0].label);
  results.add(event(1e9, 'early'));
  results.add(event(3e9, 'late'));
  assert.deepEqual(at(2e9), ['early']);
  assert.equal(results.at(2.5e9).changed, false);
  assert.deepEqual(at(3e9), ['late']);
  // of a stream before this one
  results.add(event(100e9, 'other'));
  assert.deepEqual(at(3.1e9), ['other']);
  // a frame without time takes what is there
  results.add(event(9e9, 'any'));
  assert.deepEqual(at(null), ['any']);
  const now = performance.now.bind(performance);
  withTime(() => now() + 3100, () => assert.deepEqual(at(10e9), []));
  for (let i = 0; i < 1000; i++) results.add(event(20e9, `${i}`));
  results.clear();
  assert.deepEqual(at(20e9), []);
});

test('latency needs neither a right clock nor the first answer', () => {
  let ms = 50000;
  withTime(() => ms, () => {
    const clock = new Clock();
    assert.equal(clock.age(5), null);
    // the server's clock is an hour ahead; one answer takes 300 ms, one 2
    const server = (when) => when * 1000 + 3600e6;
    clock.pong({ t: (ms - 300) * 1000, utc: server(ms - 20) });
    clock.pong({ t: (ms - 2) * 1000, utc: server(ms - 1) });
    assert.equal(clock.age(5e9), null);
    clock.clock({ pts: 5e9, utc: server(ms - 40) });
    assert.ok(Math.abs(clock.age(5e9) - 40) < 0.1, `${clock.age(5e9)}`);
    assert.ok(Math.abs(clock.age(5.02e9) - 20) < 0.1);
    ms += 7;
    assert.ok(Math.abs(clock.age(5e9) - 47) < 0.1);
    assert.equal(clock.age(null), null);
    clock.pong({ t: null, utc: 1 });
    clock.pong({ t: 1e18, utc: 1 });
    clock.clock({ pts: 'x', utc: NaN });
    assert.ok(Math.abs(clock.age(5e9) - 47) < 0.1);
    clock.reset();
    assert.equal(clock.trip, null);
    assert.equal(clock.age(5e9), null);
  });
});
