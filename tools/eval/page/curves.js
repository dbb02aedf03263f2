// What a part of one media shares: names, rows by corruption, which corruption and
// which codecs are shown. And rate against measures.

class Section {
  constructor(data, id) {
    Object.assign(this, { data, id, c: 0, hidden: new Set(), parts: [] });
    this.rows = data.corruptions.map(() => []);
    for (const [c, k, setting, n, rate, values] of data.rows) {
      if (rate !== null) this.rows[c].push({ c, k, setting, n, rate, values });
    }
    this.rows.forEach((rows) => rows.sort((a, b) => a.k - b.k || a.rate - b.rate));
    this.levels = data.corruptions.map(() => new Map());
    for (const [c, m, value] of data.levels) this.levels[c].set(m, value);
    this.tasks = data.measures.flatMap((m, i) => (m.task ? [i] : []));
    this.metrics = data.measures.flatMap((m, i) => (m.task ? [] : [i]));
  }

  add(part) {
    this.parts.push(part);
    part();
  }

  update() { this.parts.forEach((part) => part()); }

  codec(k) { return this.data.codecs[k].name; }

  coders() {
    return this.data.codecs.flatMap((c, k) => (c.none ? [] : [k]));
  }

  // the same, those that the legend leaves on
  visible() { return this.coders().filter((k) => !this.hidden.has(k)); }

  clean() { return this.data.corruptions[this.c].clean; }

  unitOf(m) { return this.data.measures[m].unit; }

  // a measure in words; short: of this corruption, where R is D if it is clean
  name(m, short, any) {
    const v = this.data.measures[m];
    const of = v.task ? v.label : short
      ? `${v.error === 'R' && this.clean() && !any ? 'D' : v.error} ${v.label}`
      : v.label + (v.error === 'G' ? ' beside what was coded (G)' : ` beside the clean ${this.data.media} (D, R)`);
    return of + (v.unit ? `, ${v.unit}` : '');
  }

  lower(m) { return this.data.measures[m].better === 'lower'; }

  rate(v) { return `${brief(v, 3)} ${this.data.unit}`; }
}

function controls(s) {
  const rows = s.data.corruptions;
  const kinds = new Set(rows.map((c) => c.kind));
  const options = rows.map((c, i) => ({ value: String(i), text: c.label,
    group: c.clean || kinds.size < 3 ? '' : c.kind }));
  const legend = el('ul', { class: 'legend', 'aria-label': 'Codecs; press to hide or show' });
  s.data.codecs.forEach((c, k) => {
    const button = el('button', { type: 'button', class: c.none ? 'none' : look(k).color,
      'aria-pressed': 'true', onclick: () => {
        if (s.hidden.has(k)) s.hidden.delete(k);
        else s.hidden.add(k);
        button.setAttribute('aria-pressed', String(!s.hidden.has(k)));
        s.update();
      } }, sample(k, c.none), el('span', { class: 'name' }, c.none ? 'uncompressed' : c.name));
    legend.append(el('li', {}, button));
  });
  return el('div', { class: 'bar sticky' },
    rows.length > 1 ? select('Corruption', options, (v) => {
      s.c = Number(v);
      s.update();
    }, '0') : el('span', {}, `Corruption: ${rows[0].label}`), legend);
}

function curveOf(s, m, k) {
  return s.rows[s.c].filter((r) => r.k === k && r.values[m]).map((r) => ({
    x: r.rate, y: r.values[m][0], low: r.values[m][1], high: r.values[m][2],
    text: `${s.codec(k)}, setting ${r.setting}\n${s.rate(r.rate)}\n${s.name(m, true)}: `
      + `${interval(r.values[m], s.unitOf(m))}\nn = ${r.values[m][3]}` }));
}

function levelsOf(s, m) {
  const v = s.levels[s.c].get(m);
  const none = s.data.codecs.findIndex((c) => c.none);
  if (!v || s.hidden.has(none)) return [];
  const name = s.clean() ? 'uncompressed' : 'corrupted, not coded';
  return [{ name, y: v[0], text: `${name}\n${s.name(m, true)}: ${interval(v, s.unitOf(m))}` }];
}

function curves(s) {
  const state = { log: true, bars: true };
  const bar = el('div', { class: 'bar' });
  const plots = el('div', { class: 'plots' });
  const group = (list, label) => {
    if (!list.length) return;
    let m = list[0];
    const plot = new Plot();
    if (list.length > 1) {
      bar.append(select(label, list.map((i) => ({ value: String(i), text: s.name(i) })), (v) => {
        m = Number(v);
        draw();
      }, String(m)));
    }
    const draw = () => {
      const where = s.data.corruptions[s.c].label;
      plot.set({ title: `${s.name(m)}, ${where}`, line: true,
        x: { label: s.data.unit + (state.log ? ' (logarithmic)' : ''), log: state.log },
        y: { label: s.name(m, true), reversed: s.lower(m) },
        levels: levelsOf(s, m),
        series: s.visible().map((k) => ({ k, name: s.codec(k), bare: !state.bars,
          points: curveOf(s, m, k) })) });
      plot.note.textContent = `${where}: ${s.name(m)}`
        + (s.lower(m) ? ' \u2013 less is better, so the axis runs downwards and higher up is better' : '')
        + '. Bars: 95 % intervals. Points: settings.';
    };
    s.add(draw);
    state.draw = [...(state.draw || []), draw];
    plots.append(plot.node);
  };
  group(s.metrics, 'Metric');
  group(s.tasks, 'Task');
  const again = () => (state.draw || []).forEach((draw) => draw());
  bar.append(check('logarithmic rate', true, (v) => {
    state.log = v;
    again();
  }), check('intervals', true, (v) => {
    state.bars = v;
    again();
  }));
  return [el('p', {}, `Rate and what it buys, on the ${s.data.media}s as they were coded. `
    + (s.data.corruptions.some((c) => !c.clean)
      ? 'Rates of corrupted ones are of the corrupted ones. D and R compare what came out with the clean '
        + `${s.data.media}: is what was lost brought back? G compares it with what went in: is the corrupted one kept?` : '')),
    bar, plots];
}
