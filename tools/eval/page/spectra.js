// Radial spectra of errors: one curve for each codec at about one rate.

function spectraPart(s) {
  const { rows, about, corners } = s.data.spectra;
  if (!rows.length) return [el('p', { class: 'note' }, 'No spectra were kept.')];
  const plot = new Plot();
  let error = 'R';
  let place = 1;
  const around = new Map(about);
  const axis = (bands) => {
    const n = bands.length - (corners ? 1 : 0);
    return bands.map((v, i) => ({ x: i < n ? (i + 0.5) / n : 1.08, y: v / 10 }));
  };
  const draw = () => {
    const mine = rows.filter((r) => r[0] === s.c);
    const rateOf = (r) => {
      const row = s.rows[s.c].find((v) => v.k === r[1] && v.setting === r[2]);
      return row ? row.rate : 0;
    };
    const series = [];
    for (const k of s.visible()) {
      const of = mine.filter((r) => r[1] === k && r[3][error]).sort((a, b) => rateOf(a) - rateOf(b));
      if (!of.length) continue;
      const r = of[Math.round((of.length - 1) * place / 2)];
      series.push({ k, name: s.codec(k), bare: true, points: axis(r[3][error]).map((p) => ({ ...p,
        text: `${s.codec(k)}, setting ${r[2]}, ${s.rate(rateOf(r))}\n`
          + (p.x > 1 ? 'beyond Nyquist (corners)' : `${p.x.toFixed(2)} of Nyquist`) + `: ${p.y.toFixed(1)} dB` })) });
    }
    const extra = around.get(s.c) || {};
    const level = (name, bands, dash) => bands && series.push({ k: series.length, name, bare: true, plain: true, color: 'none', dash,
      points: axis(bands).map((p) => ({ ...p, text: `${name}\n${p.x.toFixed(2)} of Nyquist: ${p.y.toFixed(1)} dB` })) });
    level(`the clean ${s.data.media} itself`, extra.ref, '2 4');
    if (error === 'R') level('the corruption itself (C)', extra.C, '8 4');
    const where = s.data.corruptions[s.c].label;
    plot.set({ title: `Spectrum of ${error === 'R' && s.clean() ? 'D' : error}, ${where}`, line: true,
      x: { label: 'frequency, of Nyquist' + (corners ? '; last point: the corners beyond' : ''), ticks: [0, 0.25, 0.5, 0.75, 1] },
      y: { label: 'power density, dB' }, series });
    plot.note.textContent = `${where}. Lower is less error. Grey, dotted: the clean ${s.data.media} itself`
      + (error === 'R' && extra.C ? '; grey, dashed: what the corruption added' : '') + '. White noise would be level.';
  };
  s.add(draw);
  return [el('p', {}, 'Where in the spectrum the error is: low frequencies on the left, finest detail on the right. A codec whose error '
    + `reaches the curve of the ${s.data.media} itself has lost that band.`), el('div', { class: 'bar' },
    select('Error', [{ value: 'R', text: `against the clean ${s.data.media} (D, R)` }, { value: 'G', text: 'against what was coded (G)' }], (v) => {
      error = v;
      draw();
    }, 'R'),
    select('Each codec at its', [{ value: '0', text: 'lowest rate' }, { value: '1', text: 'middle rate' }, { value: '2', text: 'highest rate' }], (v) => {
      place = Number(v);
      draw();
    }, '1')), plot.node];
}
