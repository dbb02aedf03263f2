// SPDX-License-Identifier: LGPL-2.1-or-later
// How much of the stream this link carries. A link that is too slow does not say
// so: what it cannot take waits somewhere on the way, for seconds where there is
// much room, and the server sees nothing of it. But answers to pings wait with it,
// so they tell here; the server is then asked for a lower rate, and for a higher
// one again when all was well for a while. A rate that was too much is tried later
// and later.

// ms by which answers are late: fine, and too much
const GOOD = 150, BAD = 350;
// of what came through while it was too much: until all that waits is there, and then
const DRAIN = 0.5, KEEP = 0.85;
// a step up; seconds between two, after one that was too much, and at most
const RAISE = 1.3;
// seconds between two steps; before one to a rate that was too much, and at most
const STEP_PAUSE = 2, FIRST_PAUSE = 8, LONGEST_PAUSE = 64;
// seconds in which a step up shows whether it was too much
const ON_TRIAL = 6;
// seconds without it getting better before still less is asked for
const PATIENCE = 3;
const LEAST = 30;
// of the stream's rate, which varies: a limit that high is none
const ENOUGH = 1.2;

export class Pace {
  /** kbit/s asked for; 0: no limit. */
  limit = 0;
  #late = 0;
  #worse = 0;
  // what comes after draining; 0: nothing has to be drained
  #target = 0;
  #calm = 0;
  // seconds since the last step up
  #raised = Infinity;
  // the least rate that was too much, since when, and how long it counts
  #ceiling = Infinity;
  #failed = 0;
  #pause = FIRST_PAUSE;

  /** Once a second: late, ms that answers come later than they could (null: not
   * known); received and full, kbit/s that came and that the stream has (null: not
   * known). Returns whether limit is another one. */
  check({ late, received, full }) {
    const before = this.limit;
    this.#raised++;
    this.#failed++;
    if (late === null) return false;
    if (late > BAD) this.#tooMuch(late, received, full);
    else if (late < GOOD) this.#fine(full);
    else this.#calm = 0;
    this.#late = late;
    return this.limit !== before;
  }

  /** A new link: nothing waits on it that would have to be drained. */
  begin() {
    if (this.#target > 0) this.limit = this.#target;
    this.#target = this.#late = this.#worse = this.#calm = 0;
  }

  /** The server gave up on this link. */
  dropped(full) {
    const carried = (this.limit || full || 0) * DRAIN;
    if (carried > 0) this.#cut(carried, carried, full);
  }

  #tooMuch(late, received, full) {
    this.#calm = 0;
    this.#worse = late < this.#late ? 0 : this.#worse + 1;
    if (this.#target > 0 && this.#worse < PATIENCE) return;
    // where nothing came: the last rate was too much
    const carried = received || (this.limit || full || 0) * DRAIN;
    if (carried <= 0) return;
    if (!received && this.#target > 0) {
      // or the link stands still, which says nothing of what it will carry
      this.limit = Math.max(LEAST, Math.round(carried * DRAIN));
      this.#worse = 0;
      return;
    }
    this.#cut(carried * DRAIN, carried * KEEP, full);
  }

  #cut(limit, target, full) {
    const before = this.limit || full || Infinity;
    // no link carries more than this one did
    this.#target = Math.max(LEAST, Math.round(Math.min(target, before)));
    this.limit = Math.max(LEAST, Math.round(Math.min(limit, before)));
    this.#pause = this.#raised <= ON_TRIAL
      ? Math.min(LONGEST_PAUSE, 2 * this.#pause) : FIRST_PAUSE;
    this.#ceiling = before;
    this.#failed = 0;
    this.#worse = 0;
    this.#raised = Infinity;
  }

  #fine(full) {
    this.#worse = 0;
    this.#calm++;
    if (this.#target > 0) {
      this.limit = this.#target;
      this.#target = this.#calm = 0;
    }
    if (this.#raised > ON_TRIAL && (this.limit || Infinity) >= this.#ceiling) {
      this.#ceiling = Infinity;
    }
    if (this.limit === 0 || this.#calm < STEP_PAUSE) return;
    const next = Math.round(this.limit * RAISE);
    if (next >= this.#ceiling && this.#failed < this.#pause) return;
    this.#calm = this.#raised = 0;
    this.limit = full && next > full * ENOUGH ? 0 : next;
  }
}
