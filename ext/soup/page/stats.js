// SPDX-License-Identifier: LGPL-2.1-or-later
// What the stream does: counted as it comes, told once in a while.

const WINDOW = 3000;
/** Seconds that are drawn. */
export const HISTORY = 40;

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length > 0 ? sorted[sorted.length >> 1] : null;
};

export class Stats {
  #arrived = [];
  #shown = [];
  #pixels = 0;
  totals = { frames: 0, bytes: 0, lost: 0, late: 0, damaged: 0, bad: 0 };
  history = { rate: [], latency: [], decode: [], fps: [] };

  reset() {
    this.#arrived = [];
    this.#shown = [];
  }

  arrived(bytes) {
    this.#arrived.push({ time: performance.now(), bytes });
    this.totals.frames++;
    this.totals.bytes += bytes;
  }

  /** A picture on the screen, or a block of sound: ms to decode, age in ms. */
  shown({ bytes, ms, age, pixels }) {
    this.#shown.push({ time: performance.now(), bytes, ms, age });
    this.#pixels = pixels;
  }

  skipped({ lost = 0, late = 0 }) {
    this.totals.lost += lost;
    this.totals.late += late;
  }

  /** Of the last seconds; null where nothing is known. */
  read() {
    const now = performance.now();
    const recent = ({ time }) => now - time < WINDOW;
    this.#arrived = this.#arrived.filter(recent);
    this.#shown = this.#shown.filter(recent);
    // from the first to the last, so that the first itself does not count
    const span = (list) => list.length > 1
      ? (list.at(-1).time - list[0].time) / 1000 : 0;
    const bytes = this.#arrived.reduce((n, { bytes: b }) => n + b, 0);
    const came = span(this.#arrived), drawn = span(this.#shown);
    const ages = this.#shown.map(({ age }) => age).filter((a) => a !== null);
    return {
      rate: came > 0
        ? (bytes - this.#arrived[0].bytes) * 8 / 1000 / came : null,
      bpp: this.#pixels > 0 && this.#arrived.length > 0
        ? bytes * 8 / this.#arrived.length / this.#pixels : null,
      fps: drawn > 0 ? (this.#shown.length - 1) / drawn : null,
      decode: median(this.#shown.map(({ ms }) => ms)),
      latency: median(ages),
      // of the last one
      age: ages.at(-1) ?? null,
    };
  }

  /** Adds to the history that is drawn. */
  note({ rate, latency, decode, fps }) {
    for (const [name, value] of Object.entries({ rate, latency, decode,
      fps })) {
      this.history[name].push(value);
      if (this.history[name].length > HISTORY) this.history[name].shift();
    }
  }
}
