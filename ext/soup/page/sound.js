// SPDX-License-Identifier: LGPL-2.1-or-later
// Sound through WebAudio: blocks one behind the other, a little late, so that
// one that comes late still comes in time. Browsers let pages make sound only when
// somebody has asked for it.

const AHEAD = 0.15, MOST_AHEAD = 0.6;

export class Sound {
  #context = null;
  #gain = null;
  #next = 0;
  gaps = 0;

  get on() {
    return this.#context?.state === 'running';
  }

  /** From a click. */
  async start() {
    if (!this.#context) {
      this.#context = new AudioContext({ latencyHint: 'interactive' });
      this.#gain = this.#context.createGain();
      this.#gain.connect(this.#context.destination);
    }
    this.#next = 0;
    await this.#context.resume();
  }

  async stop() {
    await this.#context?.suspend();
  }

  /** planes: samples of each channel, of that rate. */
  play(planes, rate) {
    if (!this.on || planes.length === 0 || planes[0].length === 0) return;
    const context = this.#context;
    let buffer;
    try {
      buffer = context.createBuffer(planes.length, planes[0].length, rate);
    } catch {
      // a rate that no browser plays (8 to 96 kHz are)
      return;
    }
    planes.forEach((plane, c) => buffer.copyToChannel(plane, c));
    const now = context.currentTime;
    if (this.#next < now || this.#next > now + MOST_AHEAD) {
      if (this.#next > 0) this.gaps++;
      this.#next = now + AHEAD;
    }
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#gain);
    source.start(this.#next);
    this.#next += buffer.duration;
  }
}
