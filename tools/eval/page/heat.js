// Corruption by severity, one map for each codec. Every field has its number; the
// colours (cividis, which all eyes order alike) only help to find it.

const CIVIDIS = [[0, 34, 78], [50, 65, 110], [89, 97, 112], [124, 123, 120], [160, 151, 117], [200, 182, 98], [254, 232, 56]];

function colour(part) {
  const at = Math.max(0, Math.min(1, part)) * (CIVIDIS.length - 1);
  const i = Math.min(CIVIDIS.length - 2, Math.floor(at));
  return CIVIDIS[i].map((v, n) => Math.round(v + (CIVIDIS[i + 1][n] - v) * (at - i)));
}

function heatPart(s) {
  const { data } = s;
  if (data.corruptions.length < 2) return [el('p', { class: 'note' }, 'There is one corruption only, or none.')];
  const host = el('div', { class: 'heats' });
  const scale = el('div', { class: 'scale' });
  const kinds = [...new Set(data.corruptions.map((c) => c.kind))];
  const severities = [...new Set(data.corruptions.filter((c) => !c.clean).map((c) => c.severity))].sort((a, b) => a - b);
  const index = new Map(data.corruptions.map((c, i) => [`${c.kind} ${c.severity}`, i]));
  let m = 0;
  let at = data.heat.rates.length ? 'r' + Math.floor(data.heat.rates.length / 2) : 's1';

  // {value, text} of a codec on a corruption
  const value = (c, k) => {
    if (at[0] === 'r' && !data.codecs[k].none) {
      const layer = data.heat.values.find((v) => v[0] === Number(at.slice(1)) && v[1] === m);
      const found = layer && layer[2].find((v) => v[0] === c && v[1] === k);
      return found ? { value: found[2], text: `at ${s.rate(data.heat.rates[Number(at.slice(1))])}` } : null;
    }
    const rows = s.rows[c].filter((r) => r.k === k);
    const r = rows[Math.round((rows.length - 1) * Number(at[0] === 's' ? at.slice(1) : 0) / 2)];
    return r && r.values[m] ? { value: r.values[m][0], text: `setting ${r.setting}, ${s.rate(r.rate)}` } : null;
  };

  const draw = () => {
    const codecs = data.codecs.flatMap((_, k) => (s.hidden.has(k) ? [] : [k]));
    const all = codecs.flatMap((k) => data.corruptions.map((_, c) => value(c, k))).filter((v) => v
      && !(s.unitOf(m) === 'dB' && v.value >= 99)).map((v) => v.value);
    const low = all.reduce((a, b) => Math.min(a, b), Infinity);
    const high = all.reduce((a, b) => Math.max(a, b), -Infinity);
    const field = (c, k, span) => {
      const v = c === undefined ? null : value(c, k);
      if (!v) return el('td', { class: 'nothing', colspan: span }, c === undefined ? '' : '\u2013');
      const part = high > low ? (v.value - low) / (high - low) : 0.5;
      const rgb = colour(s.lower(m) ? 1 - part : part);
      const td = el('td', { title: v.text, colspan: span }, s.unitOf(m) === 'dB' ? v.value.toFixed(1) : show(v.value, s.unitOf(m)));
      td.style.backgroundColor = `rgb(${rgb})`;
      td.style.color = rgb[0] * 0.3 + rgb[1] * 0.59 + rgb[2] * 0.11 > 125 ? '#000' : '#fff';
      return td;
    };
    const maps = codecs.map((k) => {
      const rows = kinds.flatMap((kind) => {
        const clean = data.corruptions.find((c) => c.kind === kind).clean;
        const cells = clean ? [field(index.get(`${kind} 0`), k, severities.length)]
          : severities.map((v) => field(index.get(`${kind} ${v}`), k));
        return cells.some((c) => c.className !== 'nothing' || clean) ? [el('tr', {}, el('th', { scope: 'row' }, kind), cells)] : [];
      });
      return el('figure', {}, el('h4', {}, data.codecs[k].none ? 'uncompressed' : s.codec(k)),
        el('table', { class: 'heat' }, el('caption', {}, s.name(m, true, true)), el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'severity'),
          severities.map((v) => el('th', { scope: 'col' }, v)))), el('tbody', {}, rows)));
    });
    drawn.heats += maps.length;
    host.replaceChildren(...maps);
    const ends = s.lower(m) ? [high, low] : [low, high];
    scale.replaceChildren(...(all.length ? [el('span', {}, `worse ${show(ends[0], s.unitOf(m))}`), svg('svg', { viewBox: '0 0 40 4', 'aria-hidden': 'true' },
      Array.from({ length: 40 }, (_, i) => svg('rect', { x: i, y: 0, width: 1.05, height: 4, fill: `rgb(${colour(i / 39)})` }))),
      el('span', {}, `better ${show(ends[1], s.unitOf(m))}`)] : [el('span', {}, 'Nothing was measured at this rate.')]));
  };
  s.add(draw);
  return [el('p', {}, 'Each corruption and severity, one map for each codec, all on one scale. At one rate: of the corrupted set itself, '
    + 'interpolated; a dash where the codec was not measured around it, as noise can make its rates higher than that.'),
    el('div', { class: 'bar' }, select('Measure', data.measures.map((_, i) => ({ value: String(i), text: s.name(i) })), (v) => {
      m = Number(v);
      draw();
    }, '0'), select('Each codec', [...data.heat.rates.map((r, i) => ({ value: 'r' + i, text: `at ${s.rate(r)}` })),
      { value: 's0', text: 'at its lowest rate' }, { value: 's1', text: 'at its middle rate' }, { value: 's2', text: 'at its highest rate' }], (v) => {
      at = v;
      draw();
    }, at), scale), host];
}
