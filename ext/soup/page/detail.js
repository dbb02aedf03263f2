// SPDX-License-Identifier: LGPL-2.1-or-later
// The size that pictures are decoded at: what the screen has room for and the
// processor time for.
import { byId } from './dom.js';

const MOST_REDUCE = 2;
// of the time that a frame lasts
const TOO_SLOW = 0.85, FAST = 0.3;
// seconds: until a change shows; without trouble before more is tried; after a
// change that was no use
const SETTLED = 4, CALM = 8, GIVEN_UP = 60;
const WORTH_IT = 0.8;

export class Detail {
  #worker;
  #reduce = byId('reduce');
  #slower = 0;
  #seconds = 0;
  #tried = null;
  #given = 2;
  #told = -1;
  #size = null;

  constructor(worker) {
    this.#worker = worker;
    this.#reduce.addEventListener('change', () => this.#choose());
    document.addEventListener('visibilitychange', () => worker.postMessage({
      type: 'options', hidden: document.hidden }));
    addEventListener('resize', () => this.#choose());
  }

  /** A picture is on the screen. */
  shown({ header }) {
    this.#size = { width: header.width, height: header.height };
    this.#choose();
  }

  // the greatest reduction that still has a pixel for each of the screen
  #fits() {
    const stage = byId('stage');
    const width = stage.clientWidth * (devicePixelRatio || 1);
    let reduce = 0;
    while (this.#size && reduce < MOST_REDUCE && width > 0
      && this.#size.width / 2 ** (reduce + 1) >= width * 0.9) reduce++;
    return reduce;
  }

  #choose() {
    const reduce = this.#reduce.value === 'auto'
      ? Math.min(MOST_REDUCE, this.#fits() + this.#slower)
      : Number(this.#reduce.value);
    if (reduce === this.#told) return;
    this.#told = reduce;
    this.#worker.postMessage({ type: 'options', reduce });
  }

  /** Once a second, with what stats say. */
  check({ decode, fps }) {
    if (decode === null || !fps || document.hidden) return;
    const load = decode * fps / 1000;
    this.#seconds++;
    if (this.#tried !== null && this.#seconds === SETTLED) {
      // entropy decoding takes the same time at any size, and others may have
      // the processor: then smaller pictures are only worse ones
      if (decode > this.#tried * WORTH_IT) {
        this.#slower--;
        this.#given = GIVEN_UP;
      }
      this.#tried = null;
    } else if (load > TOO_SLOW && this.#slower < MOST_REDUCE
      && this.#tried === null && --this.#given < 0) {
      this.#slower++;
      this.#tried = decode;
      this.#seconds = 0;
    } else if (load < FAST && this.#slower > 0 && this.#seconds > CALM) {
      // the next better one takes about three times as long
      this.#slower--;
      this.#seconds = 0;
    }
    this.#choose();
  }
}
