// SPDX-License-Identifier: LGPL-2.1-or-later
// Numbers of the page, brought up to date once a second.
import { byId, digits, say } from './dom.js';
import { sparkline } from './sparkline.js';
import { HISTORY } from './stats.js';

const FRAME_TYPES = ['key', 'predicted', 'repeat'];

export class Numbers {
  #stats;
  #clock;
  #header = null;
  #made = null;
  #config = null;
  #link = null;

  constructor(stats, clock) {
    this.#stats = stats;
    this.#clock = clock;
  }

  config(config) { this.#config = config; }

  /** What the server says of this page's link. */
  link(link) { this.#link = link; }

  header(header, made) {
    this.#header = header;
    this.#made = made;
  }

  /** Once a second, with what stats say, and the rate asked for (0: any). */
  draw(read, limit) {
    this.#stats.note(read);
    for (const [name, value] of Object.entries({ rate: read.rate,
      bpp: read.bpp, fps: read.fps, latency: read.latency, decode: read.decode,
      trip: this.#clock.trip })) {
      say(byId(name), digits(value));
    }
    const { totals, history } = this.#stats;
    say(byId('lost'), String(totals.lost + totals.bad
      + (Number(this.#link?.dropped) || 0)));
    say(byId('late'), String(totals.late));
    for (const [name, values] of Object.entries(history)) {
      sparkline(byId(`${name}-line`), values, HISTORY);
    }
    this.#facts(limit);
  }

  #facts(limit) {
    const h = this.#header, list = byId('facts');
    const stream = this.#config?.streams?.[0];
    const facts = {};
    if (h && h.media === 0) {
      facts.Picture = `${h.width} × ${h.height}, ${h.format}`;
      if (this.#made.width !== h.width) facts['Decoded at'] =
        `${this.#made.width} × ${this.#made.height}`;
      if (h.fps > 0) facts['Frame rate'] = `${digits(h.fps)} per s`;
      facts.Channels = `${h.channels} in ${h.layers === 1 ? 'one layer'
        : `${h.layers} layers`}`;
      facts.Step = `2^(${h.step}/16)${h.scale > 0
        ? `, coded at 1/${2 ** h.scale} of the size` : ''}`;
      facts['Last frame'] = FRAME_TYPES[h.type] ?? '–';
    } else if (h) {
      facts.Sound = `${h.rate} Hz, ${h.sounds} ${h.sounds === 1 ? 'channel'
        : 'channels'}`;
    }
    if (h) facts.Model = h.model;
    if (stream?.id) facts.Stream = String(stream.id);
    facts.Received = `${digits(this.#stats.totals.bytes / 1e6)} MB in ${
      this.#stats.totals.frames} frames`;
    if (this.#link) {
      const full = Number(this.#link['stream-kbps']);
      if (full > 0) facts['Whole stream'] = `${digits(full)} kbit/s`;
      facts['Link takes'] = `${digits(Number(this.#link.kbps))} kbit/s`;
    }
    if (limit > 0) facts['Asked for'] = `${digits(limit)} kbit/s at most`;
    if (this.#stats.totals.damaged > 0) facts.Damaged =
      `${this.#stats.totals.damaged} slices, concealed`;
    const entries = Object.entries(facts);
    if (list.children.length !== 2 * entries.length) {
      list.replaceChildren(...entries.flatMap(() =>
        [document.createElement('dt'), document.createElement('dd')]));
    }
    entries.forEach(([name, value], i) => {
      say(list.children[2 * i], name);
      say(list.children[2 * i + 1], value);
    });
  }
}
