// SPDX-License-Identifier: LGPL-2.1-or-later
// How old a frame is: the server says which time stamp belongs to which wall
// clock time of its own, and answers pings with that time, so that the clock here
// may be wrong.

const KEEP = 16;

export class Clock {
  #offsets = [];
  #pts = null;
  #utc = 0;

  reset() {
    this.#offsets = [];
    this.#pts = null;
  }

  /** A pong: t is what performance.now() was, in us; utc the server's, us. */
  pong({ t, utc }) {
    if (!Number.isFinite(t) || !Number.isFinite(utc)) return;
    const now = performance.now() * 1000;
    const trip = now - t;
    if (trip < 0 || trip > 60e6) return;
    this.#offsets.push({ trip, offset: utc - (t + now) / 2 });
    if (this.#offsets.length > KEEP) this.#offsets.shift();
  }

  /** pts in ns, utc in us. */
  clock({ pts, utc }) {
    if (!Number.isFinite(pts) || !Number.isFinite(utc)) return;
    this.#pts = pts;
    this.#utc = utc;
  }

  // the quickest answer knows best
  #best() {
    return this.#offsets.reduce((a, b) => !a || b.trip < a.trip ? b : a, null);
  }

  /** Round trip in ms, or null. */
  get trip() {
    const last = this.#offsets.at(-1);
    return last ? last.trip / 1000 : null;
  }

  /** ms since the frame was due at the server, or null. */
  age(pts) {
    const best = this.#best();
    if (!best || this.#pts === null || pts === null) return null;
    const due = this.#utc + (pts - this.#pts) / 1000;
    const ms = (performance.now() * 1000 + best.offset - due) / 1000;
    // a clock that was set meanwhile
    return ms > -1000 && ms < 3600e3 ? ms : null;
  }
}
