// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures from the worker to a canvas, at the next chance to draw; an older one
// that has waited that long is not drawn any more.

export class Screen {
  #canvas;
  #context;
  #next = null;
  #scheduled = false;
  #back;
  #shown;
  paused = false;

  /** back(buffer): its memory is free. shown(picture): it is on the screen. */
  constructor(canvas, back, shown) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d', { alpha: false,
      desynchronized: true });
    this.#back = back;
    this.#shown = shown;
  }

  take(picture) {
    if (this.#next) this.#back(this.#next.buffer);
    this.#next = picture;
    if (this.#scheduled) return;
    this.#scheduled = true;
    // a page that is not seen is not drawn
    const draw = () => this.#draw();
    if (document.hidden) setTimeout(draw, 100);
    else requestAnimationFrame(draw);
  }

  #draw() {
    this.#scheduled = false;
    const picture = this.#next;
    this.#next = null;
    if (!picture) return;
    const { width, height, buffer, header } = picture;
    if (!this.paused) {
      if (this.#canvas.width !== width || this.#canvas.height !== height) {
        this.#canvas.width = width;
        this.#canvas.height = height;
      }
      this.#context.putImageData(new ImageData(new Uint8ClampedArray(buffer),
        width, height), 0, 0);
      this.#canvas.parentElement.style.setProperty('--ratio',
        `${header.width * header.par / header.height}`);
      this.#shown(picture);
    }
    this.#back(buffer);
  }

  /** Sound has no picture: what is heard, as a curve. */
  wave(planes) {
    if (this.paused || document.hidden) return;
    const canvas = this.#canvas, c = this.#context;
    if (canvas.width !== 960 || canvas.height !== 360) {
      canvas.width = 960;
      canvas.height = 360;
      canvas.parentElement.style.setProperty('--ratio', `${960 / 360}`);
    }
    c.fillStyle = '#10151b';
    c.fillRect(0, 0, canvas.width, canvas.height);
    const colours = ['#4da6e0', '#ff8f4a', '#2fc79a', '#e39cc4'];
    planes.forEach((plane, k) => {
      c.strokeStyle = colours[k % colours.length];
      c.lineWidth = 2;
      c.beginPath();
      const step = Math.max(1, plane.length / canvas.width);
      for (let x = 0; x < canvas.width; x++) {
        const v = plane[Math.min(plane.length - 1, Math.floor(x * step))] ?? 0;
        c.lineTo(x, canvas.height * (0.5 - 0.48 * v));
      }
      c.stroke();
    });
  }
}
