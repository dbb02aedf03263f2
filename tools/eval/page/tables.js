// Tables: all settings, values at equal rates, codecs beside each other,
// correlations.

function settingsTable(s) {
  const host = el('div');
  let all = false;
  const draw = () => {
    const used = s.data.measures.map((_, i) => i).filter((i) => (all ? s.data.rows.some((r) => r[5][i])
      : s.rows[s.c].some((r) => r.values[i])));
    const columns = [...(all ? [{ label: 'corruption' }] : []), { label: 'codec' }, { label: 'setting', number: true },
      { label: `${s.data.media}s`, number: true }, { label: s.data.unit, number: true },
      ...used.map((i) => ({ label: s.name(i, true, all) + (s.lower(i) ? ' (less is better)' : ''), number: true,
        title: s.name(i) }))];
    const rows = (all ? s.rows.flat() : s.rows[s.c]).filter((r) => !s.hidden.has(r.k)).map((r) => [
      ...(all ? [s.data.corruptions[r.c].label] : []), s.codec(r.k), r.setting, r.n,
      { text: brief(r.rate, 4), key: r.rate },
      ...used.map((i) => {
        const v = r.values[i];
        if (!v) return { text: '', key: null };
        const n = v[3] !== undefined && v[3] !== r.n ? ` n=${v[3]}` : '';
        return { key: v[0], node: el('span', {}, show(v[0], s.unitOf(i)), v[1] !== null && v[1] !== undefined
          ? el('small', {}, ` ${show(v[1], s.unitOf(i))} to ${show(v[2], s.unitOf(i))}${n}`)
          : el('small', {}, n)) };
      })]);
    table(all ? 'All corruptions' : `${s.data.corruptions[s.c].label}: all settings`, columns, rows, host);
  };
  s.add(draw);
  return [el('p', {}, 'Means, and 95 % intervals in small print: of shares by Wilson, of all else by '
    + `bootstrap over ${s.data.media}s. n: trials, where they are not the ${s.data.media}s. A press on a heading sorts.`),
    s.data.corruptions.length > 1 ? el('div', { class: 'bar' }, check('all corruptions in one table', false, (v) => {
      all = v;
      draw();
    })) : null, host];
}

function equalTable(s) {
  const host = el('div');
  s.add(() => {
    const coders = s.visible();
    const rows = [];
    for (const [c, m, levels] of s.data.equal) {
      if (c !== s.c) continue;
      for (const [rate, got] of levels) {
        const by = new Map(got);
        rows.push([s.name(m, true) + (s.lower(m) ? ' (less is better)' : ''), { text: brief(rate, 3), key: rate },
          ...coders.map((k) => {
            const v = by.get(k);
            return v ? { key: v[0], node: el('span', {}, show(v[0], s.unitOf(m)), v[1] !== null && v[1] !== undefined
              ? el('small', {}, ` ${show(v[1], s.unitOf(m))} to ${show(v[2], s.unitOf(m))}`) : null) } : { text: '', key: null };
          })]);
      }
    }
    if (!rows.length) {
      host.replaceChildren(el('p', { class: 'note' }, 'No two codecs were measured over a common range of rates.'));
      return;
    }
    table(`${s.data.corruptions[s.c].label}: at equal rates`, [{ label: 'measure' }, { label: s.data.unit, number: true },
      ...coders.map((k) => ({ label: s.codec(k), number: true }))], rows, host);
    const most = Math.max(...s.rows[s.c].map((r) => r.n));
    const less = coders.filter((k) => s.rows[s.c].some((r) => r.k === k && r.n < most));
    if (less.length) {
      host.append(el('p', { class: 'note unequal' }, `Not of the same ${s.data.media}s: ${less.map((k) => s.codec(k)).join(', ')} `
        + `lack some of the ${most} in some settings (they failed, or were not run). Means of other files are no comparison.`));
    }
  });
  return [el('p', {}, `Values at the same rate of the very set that was coded, between measured ones, linear over the logarithm `
    + 'of the rate; ends of intervals likewise. An empty field: the codec was not measured on both sides of that rate.'), host];
}

function pairsTable(s) {
  if (!s.data.pairs.length) {
    return [el('p', { class: 'note' }, s.tasks.length
      ? 'No two codecs were measured at about equal rates, nor any beside uncompressed.' : 'There are no tasks.')];
  }
  const host = el('div');
  const none = s.data.codecs.findIndex((c) => c.none);
  s.add(() => {
    const rows = s.data.pairs.filter((p) => p[1] === s.c && !s.hidden.has(p[2]) && !s.hidden.has(p[4])).map((p) => {
      const [m, , a, sa, b, sb, ra, rb, onlyA, onlyB, alike, value] = p;
      return [s.data.measures[m].label, `${s.codec(a)} ${sa}`, b === none ? 'uncompressed' : `${s.codec(b)} ${sb}`,
        { text: brief(ra, 3), key: ra }, { text: b === none ? '' : brief(rb, 3), key: b === none ? null : rb },
        onlyA, onlyB, alike, { text: value < 0.001 ? value.toExponential(1) : value.toFixed(3), key: value }];
    });
    if (!rows.length) {
      host.replaceChildren(el('p', { class: 'note' },
        `${s.data.corruptions[s.c].label}: none of these codecs were measured at about equal rates.`));
      return;
    }
    table(`${s.data.corruptions[s.c].label}: codecs on the same ${s.data.media}s`, [{ label: 'task' }, { label: 'first' },
      { label: 'second' }, { label: `rate of first`, number: true, title: s.data.unit },
      { label: 'rate of second', number: true, title: s.data.unit },
      { label: 'better with first only', number: true }, { label: 'with second only', number: true },
      { label: 'alike', number: true }, { label: 'p', number: true, title: 'two-sided sign test' }], rows, host);
  });
  return [el('p', {}, `How many ${s.data.media}s each of two codecs does better on, at rates (${s.data.unit}) within 15 % of each `
    + 'other, or beside uncompressed. Where a task is right or wrong, better means right where the other is wrong. p: '
    + 'sign test over those that differ; not corrected for how many comparisons there are: of twenty without any '
    + 'difference one falls below 0.05.'
    + (s.data.pairs_cut ? ' There were too many: some rates are left out.' : '')), host];
}

function correlationTable(s) {
  if (!s.tasks.length) return [el('p', { class: 'note' }, 'There are no tasks to correlate with.')];
  const host = el('div');
  const plot = new Plot();
  plot.node.hidden = true;
  let kind = 'all';
  const named = (i) => (i < 0 ? `log2 of ${s.data.unit}` : s.name(i, true, true));
  const scatter = (i, t) => {
    plot.node.hidden = false;
    const rows = s.rows.flat().filter((r) => kind === 'all' || s.data.corruptions[r.c].clean);
    const point = (r) => {
      const x = i < 0 ? Math.log2(r.rate) : r.values[i] && r.values[i][0];
      return { x, y: r.values[t] && r.values[t][0], open: !s.data.corruptions[r.c].clean,
        text: `${s.codec(r.k)} ${r.setting}, ${s.data.corruptions[r.c].label}\n${s.rate(r.rate)}\n`
          + `${named(i)}: ${brief(x, 4)}\n${s.name(t, true)}: ${interval(r.values[t], s.unitOf(t))}` };
    };
    const series = s.data.codecs.flatMap((c, k) => {
      if (s.hidden.has(k) || (c.none && i < 0)) return [];
      const points = rows.filter((r) => r.k === k).map(point).filter((p) => Number.isFinite(p.x) && Number.isFinite(p.y)
        && !(i >= 0 && s.unitOf(i) === 'dB' && p.x >= 99));
      return [{ k, name: c.name, color: c.none ? 'none' : null, points }];
    });
    plot.set({ title: `${named(i)} and ${s.name(t, true)}`, x: { label: named(i) },
      y: { label: s.name(t, true) + (s.lower(t) ? ' (less is better)' : '') }, series });
    plot.note.textContent = 'Each point: a codec at a setting on one corruption; hollow: corrupted. Bars: 95 % intervals of the task.';
  };
  s.add(() => {
    plot.node.hidden = true;
    const cell = (v) => (v ? { key: v[0], node: el('span', {}, v[0].toFixed(3), v[1] !== null && v[1] !== undefined
      ? el('small', {}, ` ${v[1].toFixed(2)} to ${v[2].toFixed(2)}`) : null) } : { text: 'none', key: null });
    const rows = s.data.correlations[kind].map(([i, t, n, pearson, spearman]) => [
      { text: s.data.measures[t].label, node: el('span', {}, s.data.measures[t].label,
        s.lower(t) ? el('small', {}, ' (less is better)') : null) }, named(i), n,
      n < 4 ? { text: 'fewer than 4 points', key: null } : cell(pearson),
      n < 4 ? { text: 'fewer than 4 points', key: null } : cell(spearman),
      { text: '', node: n ? el('button', { type: 'button', class: 'scatter',
        'aria-label': `Plot ${named(i)} and ${s.data.measures[t].label}`, onclick: () => scatter(i, t) }, 'plot') : '' }]);
    table(kind === 'all' ? 'Correlation over all codecs, settings and corruptions' : 'Correlation over codecs and settings, clean only',
      [{ label: 'task' }, { label: 'with' }, { label: 'points', number: true }, { label: 'Pearson', number: true },
        { label: 'Spearman', number: true }, { label: 'points as a plot' }], rows, host);
  });
  const both = s.data.corruptions.some((c) => c.clean) && s.data.corruptions.some((c) => !c.clean);
  return [el('p', {}, 'How well a metric, or the rate, tells what a task makes of the result: r and its 95 % interval, over points '
    + `that are means of all ${s.data.media}s; points are of the same ${s.data.media}s, so intervals are rather too narrow. Of tasks where less is better, `
    + 'a good metric has r near -1.'),
    both ? el('div', { class: 'bar' }, select('Points', [{ value: 'all', text: 'all' }, { value: 'clean', text: 'clean only' }], (v) => {
      kind = v;
      s.update();
    }, 'all')) : null, host, plot.node];
}
