// SPDX-License-Identifier: LGPL-2.1-or-later
// A value of the last minute, small.
import { svg } from './dom.js';

const WIDTH = 100, HEIGHT = 24;

export function sparkline(element, values, most) {
  const known = values.filter((v) => v !== null);
  element.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  if (known.length < 2) {
    element.replaceChildren();
    return;
  }
  const high = Math.max(...known) * 1.1 || 1;
  const points = [];
  values.forEach((v, i) => {
    if (v !== null) points.push(`${(WIDTH * (most - values.length + i)
      / (most - 1)).toFixed(1)},${(HEIGHT - 1 - Math.max(0, v) / high
      * (HEIGHT - 2)).toFixed(1)}`);
  });
  element.replaceChildren(svg('polyline', { points: points.join(' ') }));
}
