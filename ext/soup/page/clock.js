// SPDX-License-Identifier: LGPL-2.1-or-later
// How old a frame is: the server says which time stamp belongs to which wall
// clock time of its own, and answers pings with that time, so that the clock here
// may be wrong.

// what an answer that was quick is worth less each second: the way may be another
// one by now, and clocks drift. 1 ms
const FADE = 1e-3;
// ms: what is beyond that was late already when it was measured first
const LONGEST_TRIP = 400;

export class Clock {
  // the quickest answer, which knows best; the last one
  #best = null;
  #last = null;
  #asked = [];
  #pts = null;
  #utc = 0;

  reset() {
    this.#best = this.#last = null;
    this.#asked = [];
    this.#pts = null;
  }

  /** A ping goes out: what is given back is its t. */
  ask() {
    const t = Math.round(performance.now() * 1000);
    this.#asked.push(t);
    return t;
  }

  /** A pong: t is what performance.now() was, in us; utc the server's, us. */
  pong({ t, utc }) {
    if (!Number.isFinite(t) || !Number.isFinite(utc)) return;
    const now = performance.now() * 1000;
    const trip = now - t;
    if (trip < 0 || trip > 60e6) return;
    this.#asked = this.#asked.filter((asked) => asked > t);
    this.#last = { trip, now, offset: utc - (t + now) / 2 };
    const best = this.#best;
    if (!best || trip <= best.trip + (now - best.now) * FADE) {
      this.#best = this.#last;
    }
  }

  /** pts in ns, utc in us. */
  clock({ pts, utc }) {
    if (!Number.isFinite(pts) || !Number.isFinite(utc)) return;
    this.#pts = pts;
    this.#utc = utc;
  }

  /** Round trip in ms, or null. */
  get trip() {
    return this.#last ? this.#last.trip / 1000 : null;
  }

  /** ms by which answers come later than they could, or null. age: how late frames
   * are, ms, or null: where they are in time, it is the way there that is slow. */
  late(age) {
    const best = this.#best;
    const waits = this.#asked.length > 0
      ? performance.now() - this.#asked[0] / 1000 : 0;
    if (!best && waits <= LONGEST_TRIP) return null;
    const least = Math.min(best ? best.trip / 1000 : Infinity, LONGEST_TRIP);
    const late = Math.max(0, Math.max(this.trip ?? 0, waits) - least);
    return age !== null && best && best.trip / 1000 < LONGEST_TRIP
      ? Math.max(0, Math.min(late, age)) : late;
  }

  /** ms since the frame was due at the server, or null. */
  age(pts) {
    const best = this.#best;
    if (!best || this.#pts === null || pts === null) return null;
    const due = this.#utc + (pts - this.#pts) / 1000;
    const ms = (performance.now() * 1000 + best.offset - due) / 1000;
    // a clock that was set meanwhile
    return ms > -1000 && ms < 3600e3 ? Math.max(0, ms) : null;
  }
}
