// SPDX-License-Identifier: LGPL-2.1-or-later
// What the page asks of a slow link, against a link and a server that are only
// arithmetic: so the seconds of minutes take no time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Clock } from '../../../ext/soup/page/clock.js';
import { Pace } from '../../../ext/soup/page/pace.js';
import { withTime } from './time.mjs';

// A server that keeps to a limit by its steps of layers (kbit/s of each), or by
// leaving frames out below the least, and a link with much room before it.
class Link {
  waiting = 0;
  came = [];

  constructor(layers, kbps) {
    this.layers = layers;
    this.kbps = kbps;
  }

  get full() { return this.layers[0]; }

  // one second; the rate that was sent
  second(limit) {
    const sent = limit === 0 ? this.full
      : this.layers.find((rate) => rate <= limit) ?? limit;
    const came = Math.min(this.waiting + sent, this.kbps);
    // beyond that the server has frames that it leaves out
    this.waiting = Math.min(this.waiting + sent - came, 2 * this.kbps);
    this.came.push(came);
    return sent;
  }

  get late() { return this.waiting / this.kbps * 1000; }
  // as the page counts it, over three seconds
  get received() {
    const last = this.came.slice(-3);
    return last.reduce((a, b) => a + b) / last.length;
  }
}

// [{late, sent, limit}] of each second
function run(pace, link, seconds) {
  const out = [];
  for (let i = 0; i < seconds; i++) {
    const sent = link.second(pace.limit);
    pace.check({ late: link.late, received: link.received, full: link.full });
    out.push({ late: link.late, sent, limit: pace.limit });
  }
  return out;
}

const share = (list, is) => list.filter(is).length / list.length;

test('a link that is fast enough is left alone', () => {
  const pace = new Pace(), link = new Link([1700, 900, 500], 2000);
  assert.ok(run(pace, link, 600).every(({ limit }) => limit === 0));
});

test('a slow link gets what it carries, without standing queues', () => {
  for (const kbps of [1200, 700, 300, 60]) {
    const pace = new Pace(), link = new Link([1700, 1000, 500], kbps);
    const first = run(pace, link, 30);
    assert.ok(first.some(({ late }) => late > 400));
    const then = run(pace, link, 600);
    // steps up are tried, later and later, and given up at once
    assert.ok(share(then, ({ late }) => late > 500) < 0.1, `${kbps}: ${
      share(then, ({ late }) => late > 500)}`);
    assert.ok(then.every(({ late }) => late < 2500), `${kbps}: ${
      Math.max(...then.map(({ late }) => late))}`);
    const tries = then.filter(({ limit }, i) => i > 0
      && limit < then[i - 1].limit).length;
    assert.ok(tries < 30, `${kbps}: ${tries} cuts in ten minutes`);
    // and it is used
    const mean = then.reduce((n, { sent }) => n + sent, 0) / then.length;
    const step = link.layers.find((rate) => rate <= kbps) ?? kbps;
    assert.ok(mean > 0.6 * step, `${kbps}: ${mean}`);
  }
});

test('a link that gets better is used again', () => {
  const pace = new Pace(), link = new Link([1700, 1000, 500], 400);
  run(pace, link, 300);
  assert.ok(pace.limit > 0 && pace.limit < 1000);
  link.kbps = 5000;
  run(pace, link, 120);
  assert.equal(pace.limit, 0);
  // and worse
  link.kbps = 300;
  run(pace, link, 30);
  assert.ok(pace.limit > 0 && pace.limit < 500, `${pace.limit}`);
});

test('a link that stood still goes on as before', () => {
  const still = (pace, seconds) => {
    for (let i = 1; i <= seconds; i++) {
      pace.check({ late: 1000 * i, received: i > 3 ? null : 1700, full: 1700 });
    }
  };
  // the same link, and a new one
  for (const begin of [() => {}, (pace) => pace.begin()]) {
    const pace = new Pace(), link = new Link([1700, 1000, 500], 5000);
    run(pace, link, 30);
    still(pace, 12);
    assert.ok(pace.limit > 0 && pace.limit < 200, `${pace.limit}`);
    begin(pace);
    const then = run(pace, link, 30);
    assert.ok(then.every(({ limit }) => limit === 0 || limit > 1000),
      `${then.map(({ limit }) => limit)}`);
    assert.equal(pace.limit, 0);
  }
  const pace = new Pace();
  pace.begin();
  assert.equal(pace.limit, 0);
});

test('what is not known changes nothing, and the worst has an end', () => {
  const pace = new Pace();
  assert.equal(pace.check({ late: null, received: 5, full: 5 }), false);
  assert.equal(pace.check({ late: 9000, received: null, full: null }), false);
  assert.equal(pace.limit, 0);
  pace.dropped(null);
  assert.equal(pace.limit, 0);
  pace.dropped(1000);
  assert.equal(pace.limit, 500);
  for (let i = 0; i < 100; i++) {
    pace.check({ late: 500 + i, received: null, full: 1000 });
  }
  assert.ok(pace.limit >= 10 && pace.limit < 50, `${pace.limit}`);
  for (let i = 0; i < 100; i++) {
    pace.check({ late: 0, received: 20, full: 1000 });
  }
  assert.equal(pace.limit, 0);
});

test('lateness is what answers wait longer than they could', () => {
  let ms = 10000;
  withTime(() => ms, () => {
    const clock = new Clock();
    const ask = (trip) => {
      const t = clock.ask();
      ms += trip;
      clock.pong({ t, utc: ms * 1000 });
      ms += 1000 - trip;
    };
    assert.equal(clock.late(null), null);
    ask(50);
    assert.equal(clock.late(null), 0);
    ask(250);
    assert.equal(clock.late(null), 200);
    // frames are not late: it is the way of the pings that is slow
    assert.equal(clock.late(20), 20);
    assert.equal(clock.late(900), 200);
    // one that is not answered at all
    clock.ask();
    ms += 3000;
    assert.equal(clock.late(null), 2950);
    assert.equal(clock.late(2000), 2000);
    // joined while all was late already, so that nothing is known of frames
    clock.reset();
    assert.equal(clock.late(null), null);
    ask(2000);
    assert.equal(clock.late(null), 1600);
    assert.equal(clock.late(5), 1600);
    // nothing ever answers
    clock.reset();
    clock.ask();
    ms += 1000;
    assert.equal(clock.late(null), 600);
    // a link by satellite is not late
    clock.reset();
    ask(650);
    assert.ok(clock.late(null) < 300);
  });
});
