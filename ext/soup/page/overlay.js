// SPDX-License-Identifier: LGPL-2.1-or-later
// Masks and boxes over the picture, drawn at the screen's resolution; labels as
// text of the page, so that it can be read and heard.
import { paintMask } from './mask.js';

const MASK_OPACITY = 0.45;

export class Overlay {
  #canvas;
  #labels;
  #heard;
  #said = '';
  #saidAt = -Infinity;
  #results = [];
  #masks = new WeakMap();
  show = { labels: true, mask: true, text: true };

  constructor(canvas, labels, heard) {
    this.#canvas = canvas;
    this.#labels = labels;
    this.#heard = heard;
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  set(results) {
    this.#results = results;
    this.draw();
    this.#list();
  }

  draw() {
    const canvas = this.#canvas;
    const scale = devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * scale);
    const height = Math.round(canvas.clientHeight * scale);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const c = canvas.getContext('2d');
    c.clearRect(0, 0, width, height);
    for (const result of this.#results) {
      if (result.kind === 'mask' && this.show.mask) this.#mask(c, result);
    }
    for (const result of this.#results) {
      if (result.kind === 'lines' && this.show.text) {
        this.#lines(c, result, scale);
      }
    }
  }

  #mask(c, result) {
    const { mask } = result;
    if (!mask) return;
    if (!this.#masks.has(mask)) {
      const image = new OffscreenCanvas(mask.width, mask.height);
      image.getContext('2d').putImageData(paintMask(mask,
        result.classes.map(({ colour }) => colour)), 0, 0);
      this.#masks.set(mask, image);
    }
    const x = c.canvas.width / (result.width || mask.width * mask.cell);
    const y = c.canvas.height / (result.height || mask.height * mask.cell);
    c.save();
    c.globalAlpha = MASK_OPACITY;
    c.imageSmoothingEnabled = false;
    // it may reach beyond the picture at the right and the bottom
    c.drawImage(this.#masks.get(mask), 0, 0, mask.width * mask.cell * x,
      mask.height * mask.cell * y);
    c.restore();
  }

  #lines(c, { lines, width, height }, scale) {
    if (!width || !height) return;
    const x = c.canvas.width / width, y = c.canvas.height / height;
    c.save();
    c.lineWidth = Math.max(1, 1.5 * scale);
    for (const { text, box: [left, top, right, bottom] } of lines) {
      const w = (right - left) * x, h = (bottom - top) * y;
      c.strokeStyle = '#ffd54a';
      c.strokeRect(left * x, top * y, w, h);
      const size = Math.max(10 * scale, Math.min(h * 0.8, 22 * scale));
      c.font = `${size}px system-ui, sans-serif`;
      const room = Math.min(c.measureText(text).width + 8, c.canvas.width);
      const above = top * y - size * 1.25;
      const at = above < 0 ? bottom * y : above;
      c.fillStyle = 'rgba(0, 0, 0, 0.72)';
      c.fillRect(left * x, at, room, size * 1.25);
      c.fillStyle = '#fff';
      c.fillText(text, left * x + 4, at + size);
    }
    c.restore();
  }

  // chips over the picture
  #list() {
    const chips = [];
    for (const result of this.#results) {
      if (result.kind === 'classes') {
        for (const { label, share } of result.classes.slice(0, 3)) {
          chips.push({ label, share });
        }
      } else if (result.kind === 'mask') {
        for (const { label, share, colour } of [...result.classes]
          .sort((a, b) => b.share - a.share).slice(0, 4)) {
          if (share >= 0.005) chips.push({ label, share, colour });
        }
      }
    }
    const shown = this.show.labels ? chips : [];
    while (this.#labels.children.length > shown.length) {
      this.#labels.lastChild.remove();
    }
    shown.forEach(({ label, share, colour }, i) => {
      let item = this.#labels.children[i];
      if (!item) {
        item = document.createElement('li');
        item.append(document.createElement('i'),
          document.createElement('span'), document.createElement('b'));
        this.#labels.append(item);
      }
      const [dot, name, percent] = item.children;
      dot.hidden = colour === undefined;
      if (colour !== undefined) {
        dot.style.background = `#${colour.toString(16).padStart(6, '0')}`;
      }
      name.textContent = label;
      percent.textContent = `${Math.round(100 * share)} %`;
    });
    this.#say(chips);
  }

  // for those who hear the page: what is new, not too often
  #say(chips) {
    const what = chips.slice(0, 3).map(({ label }) => label).join(', ');
    const now = performance.now();
    if (!what || what === this.#said || now - this.#saidAt < 5000) return;
    this.#said = what;
    this.#saidAt = now;
    this.#heard.textContent = what;
  }
}
