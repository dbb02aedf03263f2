// SPDX-License-Identifier: LGPL-2.1-or-later
// How many bits are asked for: as many as the link carries, or the layers that were
// chosen by hand.
import { byId } from './dom.js';
import { Pace } from './pace.js';

const AUTO = 'auto';

export class Layers {
  #connection;
  #clock;
  #select = byId('layers');
  #pace = new Pace();
  #full = null;

  constructor(connection, clock) {
    this.#connection = connection;
    this.#clock = clock;
    connection.mark = () => clock.ask();
    connection.wishes = () => {
      this.#pace.begin();
      return { layers: this.#max, kbps: this.#limit };
    };
    connection.addEventListener('slow', () => {
      this.#pace.dropped(this.#full);
      this.#show();
    });
    this.#select.addEventListener('change', () => {
      // what was found out of the link is of another time
      this.#pace = new Pace();
      this.tell();
    });
  }

  get #max() { return Number(this.#select.value) || 0; }

  get #limit() {
    return this.#select.value === AUTO ? this.#pace.limit : 0;
  }

  /** kbit/s that are asked for at most, or 0. */
  get limit() { return this.#limit; }

  /** To a server that may not know. */
  tell() {
    this.#connection.send({ type: 'layers', max: this.#max });
    this.#connection.send({ type: 'rate', kbps: this.#limit });
    this.#show();
  }

  /** A picture is on the screen. */
  shown({ header }) {
    // thinned frames have fewer
    for (let n = this.#select.length - 1; n < header.layers; n++) {
      this.#select.append(new Option(n === 1 ? '1, the least' : `${n}`, n));
    }
    byId('layer-choice').hidden = this.#select.length < 3;
  }

  /** What the server says of this link. */
  link(link) {
    this.#full = Number(link['stream-kbps']) || null;
  }

  /** Once a second while the link is there, with what stats say. */
  check({ rate, age }) {
    // what is asked for by hand is not found out
    if (this.#select.value === AUTO && this.#pace.check({ late: this.#clock.late(age), received: rate,
      full: this.#full })) {
      this.#connection.send({ type: 'rate', kbps: this.#limit });
    }
    this.#show();
  }

  #show() {
    byId('slow').hidden = this.#limit === 0
      || (this.#full !== null && this.#limit >= this.#full);
  }
}
