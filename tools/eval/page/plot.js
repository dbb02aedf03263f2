// Curves and scattered points, in SVG. Each codec has a colour and a mark of its
// own, so that no one needs to see colours.

const MARKS = [
  'M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z', 'M-4.5 -4.5h9v9h-9z', 'M0 -5.5L5.5 4.5H-5.5z',
  'M0 -6L6 0L0 6L-6 0z', 'M0 5.5L5.5 -4.5H-5.5z', 'M-2 -5.5h4v3.5h3.5v4h-3.5v3.5h-4v-3.5h-3.5v-4h3.5z',
  'M0 -6L1.8 -1.9L6 -1.9L2.7 1L3.8 5.5L0 3L-3.8 5.5L-2.7 1L-6 -1.9L-1.8 -1.9z', 'M-6 -3h12v6h-12z'];
const DASHES = [null, '9 3', '3 3', '12 3 3 3'];

function look(k) {
  return { color: 'k' + (k % 8), mark: MARKS[(k + Math.floor(k / 8) * 3) % 8],
    dash: DASHES[Math.floor(k / 8) % 4] };
}

function sample(k, none) {
  const l = look(k);
  return svg('svg', { viewBox: '0 0 34 16', class: none ? 'none' : l.color, 'aria-hidden': 'true' },
    svg('path', { class: none ? 'level' : 'curve', d: 'M1 8H33', 'stroke-dasharray': none ? null : l.dash }),
    none ? null : svg('path', { class: 'mark', d: l.mark, transform: 'translate(17 8)' }));
}

function steps(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((v) => v * unit).find((v) => v >= raw * 0.999) || raw;
  const out = [];
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * 1e-9 && out.length < 50; v += step) {
    out.push(Math.abs(v) < step * 1e-9 ? 0 : v);
  }
  return out;
}

function logSteps(low, high, count) {
  for (const digits of [[1, 2, 5], [1, 3], [1]]) {
    const out = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e += 1) {
      for (const d of digits) {
        const v = d * 10 ** e;
        if (v >= low * 0.999 && v <= high * 1.001) out.push(v);
      }
    }
    if (out.length <= count + 1 && out.length >= 2) return out;
  }
  return steps(low, high, Math.min(count, 4)).filter((v) => v > 0);
}

const tick = (v) => (v === 0 ? '0' : Math.abs(v) >= 1e5 || Math.abs(v) < 1e-3
  ? v.toExponential(0).replace('e+', 'e') : String(Number(v.toPrecision(4))));

function tell(text, x, y) {
  const tip = document.getElementById('tip');
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - box.width - 4)) + 'px';
  tip.style.top = (y + 18 + box.height > innerHeight ? y - box.height - 12 : y + 18) + 'px';
}

// A plot that is drawn again by set(what): {title, x: {label, log}, y: {label,
// reversed}, series: [{k, name, points: [{x, y, low, high, text}], bare, plain,
// color, dash}], levels: [{name, y, text}], line}. line: points are joined; bare: without
// intervals, few marks; plain: no marks.
class Plot {
  constructor(note) {
    this.host = el('div', { class: 'plot', tabindex: 0, role: 'group' });
    this.note = el('figcaption', {}, note || '');
    this.node = el('figure', {}, this.host, this.note);
    this.what = null;
    this.at = -1;
    this.host.addEventListener('pointermove', (e) => this.point(e));
    this.host.addEventListener('pointerdown', (e) => this.point(e));
    this.host.addEventListener('pointerleave', () => this.leave());
    this.host.addEventListener('blur', () => this.leave());
    this.host.addEventListener('keydown', (e) => this.key(e));
    this.width = 0;
    if (window.ResizeObserver) {
      new ResizeObserver(() => {
        if (this.what && Math.abs(this.host.clientWidth - this.width) > 8) this.draw();
      }).observe(this.host);
    }
  }

  set(what) {
    this.what = what;
    this.at = -1;
    this.draw();
  }

  // [low, high] of all that is seen, with room around it
  range(of, log) {
    const all = this.what.series.flatMap((s) => s.points.flatMap(of))
      .concat(of === this.ys ? (this.what.levels || []).map((l) => l.y) : [])
      .filter((v) => v !== null && v !== undefined && Number.isFinite(v) && (!log || v > 0));
    if (!all.length) return null;
    let low = all.reduce((a, b) => Math.min(a, b));
    let high = all.reduce((a, b) => Math.max(a, b));
    if (log) return [low / 1.12, high * 1.12];
    const room = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
    low -= room;
    high += room;
    return [low, high];
  }

  ys(p) { return [p.y, p.low, p.high]; }

  xs(p) { return [p.x]; }

  draw() {
    const { what } = this;
    this.width = this.host.clientWidth || 560;
    const w = Math.max(280, Math.min(this.width, 760));
    const h = Math.round(Math.max(240, Math.min(380, w * 0.66)));
    const left = 58;
    const right = 12;
    const top = 26;
    const bottom = 46;
    const x = this.range(this.xs, what.x.log);
    const y = this.range(this.ys, false);
    this.marks = [];
    if (!x || !y) {
      this.host.replaceChildren(el('p', { class: 'note' }, `${what.title}: nothing was measured here.`));
      this.host.setAttribute('aria-label', what.title);
      return;
    }
    const fx = (v) => (what.x.log ? Math.log(v / x[0]) / Math.log(x[1] / x[0])
      : (v - x[0]) / (x[1] - x[0])) * (w - left - right) + left;
    const fy = (v) => {
      const part = (v - y[0]) / (y[1] - y[0]);
      return (what.y.reversed ? part : 1 - part) * (h - top - bottom) + top;
    };
    const root = svg('svg', { viewBox: `0 0 ${w} ${h}`, width: w, height: h, 'aria-hidden': 'true' });
    for (const v of steps(y[0], y[1], h / 55)) {
      root.append(svg('path', { class: 'grid', d: `M${left} ${fy(v)}H${w - right}` }),
        svg('text', { class: 'soft', x: left - 6, y: fy(v) + 4, 'text-anchor': 'end' }, tick(v)));
    }
    const across = Math.max(3, Math.floor((w - left - right) / 60));
    for (const v of what.x.ticks || (what.x.log ? logSteps(x[0], x[1], across) : steps(x[0], x[1], across))) {
      root.append(svg('path', { class: 'grid', d: `M${fx(v)} ${top}V${h - bottom}` }),
        svg('text', { class: 'soft', x: fx(v), y: h - bottom + 17, 'text-anchor': 'middle' }, tick(v)));
    }
    root.append(svg('path', { class: 'axis', d: `M${left} ${top}V${h - bottom}H${w - right}` }),
      svg('text', { x: (left + w - right) / 2, y: h - 8, 'text-anchor': 'middle' }, what.x.label),
      svg('text', { x: 4, y: 14 }, what.y.label + (what.y.reversed ? ' \u2193 less is better: axis reversed, up is better' : '')));
    for (const l of what.levels || []) {
      root.append(svg('g', { class: l.color || 'none' },
        svg('path', { class: 'level', d: `M${left} ${fy(l.y)}H${w - right}` }),
        svg('text', { class: 'soft', x: left + 5, y: fy(l.y) + (fy(l.y) < top + 16 ? 14 : -5) }, l.name)));
      this.marks.push({ x: w - right, y: fy(l.y), text: l.text, level: true });
    }
    for (const s of what.series) this.series(root, s, fx, fy);
    this.ring = svg('circle', { class: 'here', r: 9, visibility: 'hidden' });
    root.append(this.ring);
    this.host.replaceChildren(root);
    const seen = what.series.filter((s) => s.points.length).map((s) => s.name);
    this.host.setAttribute('aria-label', `${what.title}: ${what.y.label} against ${what.x.label}, `
      + `${seen.join(', ')}. Arrow keys go through the points; the same values are in the tables.`);
    this.w = w;
  }

  series(root, s, fx, fy) {
    const l = look(s.k);
    const g = svg('g', { class: `${s.color || l.color} series`, 'data-name': s.name });
    const points = s.points.filter((p) => Number.isFinite(p.x) && Number.isFinite(p.y));
    for (const p of points) {
      if (p.low !== null && p.low !== undefined && Number.isFinite(p.low) && !s.bare) {
        const a = fy(p.low);
        const b = fy(p.high);
        g.append(svg('path', { class: 'whisker',
          d: `M${fx(p.x)} ${a}V${b}M${fx(p.x) - 3} ${a}h6M${fx(p.x) - 3} ${b}h6` }));
      }
    }
    if (this.what.line && points.length > 1) {
      g.append(svg('path', { class: 'curve', 'stroke-dasharray': s.dash || l.dash,
        d: points.map((p, i) => `${i ? 'L' : 'M'}${fx(p.x).toFixed(1)} ${fy(p.y).toFixed(1)}`).join('') }));
      drawn.curves += 1;
    }
    const every = s.bare ? Math.ceil(points.length / 5) : 1;
    points.forEach((p, i) => {
      if (!s.plain && i % every === (s.bare ? Math.floor(every / 2) : 0)) {
        g.append(svg('path', { class: p.open ? 'mark open' : 'mark', d: l.mark,
          transform: `translate(${fx(p.x).toFixed(1)} ${fy(p.y).toFixed(1)})` }));
      }
      this.marks.push({ x: fx(p.x), y: fy(p.y), text: p.text });
      drawn.points += 1;
    });
    root.append(g);
  }

  go(i) {
    this.at = i;
    const m = this.marks[i];
    const box = this.host.getBoundingClientRect();
    const scale = box.width / this.w || 1;
    this.ring.setAttribute('cx', m.x);
    this.ring.setAttribute('cy', m.y);
    this.ring.setAttribute('visibility', 'visible');
    tell(m.text, box.left + m.x * scale, box.top + m.y * scale);
  }

  point(e) {
    if (!this.marks || !this.marks.length) return;
    const box = this.host.getBoundingClientRect();
    const scale = box.width / this.w || 1;
    const x = (e.clientX - box.left) / scale;
    const y = (e.clientY - box.top) / scale;
    let best = -1;
    let near = 26;
    this.marks.forEach((m, i) => {
      const d = m.level ? 6 + Math.abs(m.y - y) : Math.hypot(m.x - x, m.y - y);
      if (d < near) {
        near = d;
        best = i;
      }
    });
    if (best < 0) this.leave();
    else this.go(best);
  }

  key(e) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
    if (e.key === 'Escape') this.leave();
    if (!step || !this.marks || !this.marks.length) return;
    e.preventDefault();
    this.go((this.at + step + this.marks.length) % this.marks.length);
  }

  leave() {
    if (this.ring) this.ring.setAttribute('visibility', 'hidden');
    this.at = -1;
    tell('');
  }
}
