// SPDX-License-Identifier: LGPL-2.1-or-later
// What networks and measurements say, by their name: events as elements post
// them (docs/elements), brought to what is drawn. Whatever comes is checked: a
// sender may be of another version.
import { readMask } from './mask.js';

// kept until their frame is on the screen
const MAX_WAITING = 64;
// shown so long when nothing newer comes
const STALE = 3000;

const text = (value) => typeof value === 'string' ? value.slice(0, 200) : '';
const number = (value) => Number.isFinite(value) ? value : null;
const list = (value, most) => Array.isArray(value) ? value.slice(0, most) : [];
const share = (value) => Math.min(1, Math.max(0, number(value) ?? 0));

const readers = {
  compressedclassify: (data) => ({
    kind: 'classes',
    classes: list(data.classes, 8).map((c) => ({ label: text(c?.label),
      share: share(c?.confidence) })).filter((c) => c.label),
  }),
  compressedsegment: (data) => ({
    kind: 'mask',
    mask: readMask(data.mask),
    width: number(data.width),
    height: number(data.height),
    classes: list(data.classes, 256).map((c) => ({ label: text(c?.label),
      share: share(c?.share), colour: (number(c?.colour) ?? 0) & 0xffffff })),
  }),
  compressedread: (data) => ({
    kind: 'lines',
    width: number(data.width),
    height: number(data.height),
    lines: list(data.lines, 400).map((l) => ({ text: text(l?.text),
      box: [l?.left, l?.top, l?.right, l?.bottom].map(number),
      share: share(l?.confidence) }))
      .filter((l) => l.text && l.box.every((v) => v !== null)),
  }),
  spectralinspect: (data) => ({
    kind: 'spectrum',
    sound: data.error?.snr !== undefined || data.R?.snr !== undefined,
    curves: ['error', 'R', 'G', 'D', 'C'].filter((name) =>
      Array.isArray(data[name]?.bands)).map((name) => ({ name,
      bands: list(data[name].bands, 1025).map(number),
      psnr: number(data[name].psnr) ?? number(data[name].snr) })),
  }),
};

/** The result in an event, or null: {source, kind, pts, ...}. */
export function readResult({ name, data }) {
  if (!Object.hasOwn(readers, name) || typeof data !== 'object' || !data) {
    return null;
  }
  const result = readers[name](data);
  return { source: `${name} ${text(data.network)}`.trim(),
    network: text(data.network), pts: number(data.timestamp),
    duration: number(data.duration), ...result };
}

/** Results by the time of their frame. */
export class Results {
  #waiting = [];
  #now = new Map();

  add(result) {
    this.#waiting.push(result);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
  }

  clear() {
    this.#waiting = [];
    this.#now.clear();
  }

  /** Those that go with the frame at pts (ns; null: whatever is there). */
  at(pts) {
    const time = performance.now();
    let changed = false;
    this.#waiting = this.#waiting.filter((result) => {
      if (pts !== null && result.pts !== null && result.pts > pts
        // a stream that began anew
        && result.pts < pts + 10e9) return true;
      this.#now.set(result.source, { ...result, since: time });
      changed = true;
      return false;
    });
    for (const [source, result] of this.#now) {
      if (time - result.since > Math.max(STALE, (result.duration ?? 0) / 1e6)
        && result.kind !== 'spectrum') {
        this.#now.delete(source);
        changed = true;
      }
    }
    return { changed, results: [...this.#now.values()] };
  }
}
