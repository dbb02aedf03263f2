// SPDX-License-Identifier: LGPL-2.1-or-later
// What networks say, as a list beside the picture.
import { say } from './dom.js';

const MOST = 12;

function rowsOf(result) {
  switch (result.kind) {
    case 'classes':
      return result.classes.map(({ label, share }) => ({ label, share }));
    case 'mask':
      return [...result.classes].sort((a, b) => b.share - a.share)
        .filter(({ share }) => share >= 0.005)
        .map(({ label, share, colour }) => ({ label, share, colour }));
    case 'lines':
      return result.lines.map(({ text, share }) => ({ label: text, share,
        line: true }));
    default:
      return [];
  }
}

export function listResults(card, results) {
  const rows = results.flatMap(rowsOf).slice(0, MOST);
  const list = card.querySelector('ol');
  // what was there stays, empty, so that the page does not jump
  if (rows.length > 0) card.hidden = false;
  while (list.children.length > rows.length) list.lastChild.remove();
  rows.forEach(({ label, share, colour, line = false }, i) => {
    let item = list.children[i];
    if (!item || item.classList.contains('line') !== line) {
      const fresh = document.createElement('li');
      fresh.classList.toggle('line', line);
      fresh.append(document.createElement('span'));
      if (!line) {
        const meter = document.createElement('div');
        meter.className = 'meter';
        meter.append(document.createElement('i'));
        fresh.append(meter);
      }
      fresh.append(document.createElement('b'));
      if (item) item.replaceWith(fresh);
      else list.append(fresh);
      item = fresh;
    }
    say(item.firstChild, label);
    if (!line) {
      const bar = item.children[1].firstChild;
      bar.style.width = `${100 * share}%`;
      bar.style.background = colour === undefined ? ''
        : `#${colour.toString(16).padStart(6, '0')}`;
    }
    say(item.lastChild, `${Math.round(100 * share)} %`);
  });
}
