// SPDX-License-Identifier: LGPL-2.1-or-later
// Log power over radial frequency of what spectralinspect measures
// (docs/elements/spectralinspect.md): densities, so that white noise is level;
// 0 dB is noise whose mean square is one level of 255 (of sound: full scale).
import { svg } from './dom.js';

const LEAST = 280, MOST = 900, HEIGHT = 210, LEFT = 34, RIGHT = 8, TOP = 8, BOTTOM = 30;
const FLOOR = 1e-9;

const names = {
  error: 'error', R: 'R: coded corruption, against the clean stream',
  G: 'G: coded, against what went in', D: 'D: clean stream, coded',
  C: 'C: the corruption itself',
};

// Parts of the square of frequencies that rings cover; the last are corners.
function parts(count, sound) {
  const n = count - 1;
  if (sound) return Array.from({ length: count }, () => 1 / n);
  return Array.from({ length: count }, (_, i) => i < n
    ? Math.PI / 4 * (2 * i + 1) / n ** 2 : 1 - Math.PI / 4);
}

function densities({ bands }, sound) {
  const part = parts(bands.length, sound);
  // what is beyond Nyquist's frequency has no place on the axis
  return bands.slice(0, -1).map((power, i) =>
    10 * Math.log10(Math.max(power ?? 0, FLOOR) / part[i]));
}

export class Spectrum {
  #figure;
  #plot;
  #legend;

  constructor(figure) {
    this.#figure = figure;
    this.#plot = figure.querySelector('svg');
    this.#legend = figure.querySelector('ul');
  }

  draw({ curves, sound }) {
    const drawn = curves.filter(({ bands }) => bands.length > 2)
      .map((curve) => ({ ...curve, db: densities(curve, sound) }));
    this.#figure.hidden = drawn.length === 0;
    if (drawn.length === 0) return;
    // so that letters have their size
    const width = Math.max(LEAST, Math.min(MOST, this.#plot.clientWidth));
    const all = drawn.flatMap(({ db }) => db);
    const high = 10 * Math.ceil(Math.max(...all) / 10);
    const low = Math.min(high - 20, Math.max(high - 80,
      10 * Math.floor(Math.min(...all) / 10)));
    const x = (f) => LEFT + f * (width - LEFT - RIGHT);
    const y = (db) => TOP + (high - Math.max(db, low)) / (high - low)
      * (HEIGHT - TOP - BOTTOM);
    const parts = [];
    const step = high - low > 40 ? 20 : 10;
    for (let db = step * Math.ceil(low / step); db <= high; db += step) {
      parts.push(svg('line', { class: 'grid', x1: x(0), x2: x(1), y1: y(db),
        y2: y(db) }));
      parts.push(svg('text', { x: x(0) - 5, y: y(db) + 4,
        'text-anchor': 'end' }, `${db}`));
    }
    for (const f of [0, 0.25, 0.5, 0.75, 1]) {
      parts.push(svg('text', { x: x(f), y: HEIGHT - BOTTOM + 14,
        'text-anchor': f === 1 ? 'end' : 'middle' }, `${f}`));
    }
    parts.push(svg('text', { x: x(0.5), y: HEIGHT - 5,
      'text-anchor': 'middle' }, 'frequency, 1 is Nyquist’s'));
    for (const { name, db } of drawn) {
      const n = db.length;
      parts.push(svg('polyline', { class: `curve ${name}`,
        points: db.map((v, i) => `${x((i + 0.5) / n).toFixed(1)},${
          y(v).toFixed(1)}`).join(' ') }));
    }
    this.#plot.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    this.#plot.replaceChildren(...parts);
    this.#plot.setAttribute('aria-label', 'Spectrum in decibels. '
      + drawn.map(({ name, db }) => `${name}: ${Math.round(db[0])} at the `
        + `lowest, ${Math.round(db.at(-1))} at the highest frequency`)
        .join('; '));
    this.#legend.replaceChildren(...drawn.map(({ name, psnr }) => {
      const item = document.createElement('li');
      item.className = name;
      item.append(names[name] ?? name);
      if (psnr !== null) {
        const value = document.createElement('b');
        value.textContent = `${psnr.toFixed(1)} dB`;
        item.append(' ', value);
      }
      return item;
    }));
  }
}
