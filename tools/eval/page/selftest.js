// report.html#selftest: does the page do in this browser what it should? The answer
// is in data-selftest of the root element, and on the page.

function selftest() {
  const failed = [];
  let checks = 0;
  const must = (what, good) => {
    checks += 1;
    if (!good) failed.push(what);
  };
  const all = (query, from) => [...(from || document).querySelectorAll(query)];

  // tables: each column both ways
  for (const t of all('table.sortable').slice(0, 12)) {
    const columns = all('thead th', t);
    columns.forEach((th, i) => {
      const read = () => all('tbody tr', t).map((r) => r.children[i].textContent);
      const before = read().slice().sort();
      const button = th.querySelector('button');
      button.click();
      must(`sort says so: ${th.textContent}`, th.getAttribute('aria-sort') === 'ascending');
      const up = read();
      must(`rows stay: ${th.textContent}`, JSON.stringify(up.slice().sort()) === JSON.stringify(before));
      if (th.className.includes('number')) {
        const numbers = up.map(parseFloat).filter(Number.isFinite);
        must(`in order: ${th.textContent}`, numbers.every((v, n) => !n || v >= numbers[n - 1]));
        button.click();
        const down = read().map(parseFloat).filter(Number.isFinite);
        must(`and back: ${th.textContent}`, down.every((v, n) => !n || v <= down[n - 1])
          && th.getAttribute('aria-sort') === 'descending');
      }
    });
  }

  for (const s of sections) {
    const part = document.getElementById(s.id).parentNode;
    const series = () => all('.plots g.series', part).length;
    // codecs off and on again
    const before = series();
    const button = part.querySelector('.legend button');
    const first = s.data.codecs[0].none;
    button.click();
    must('a codec can be hidden', first || before === 0 || series() < before);
    button.click();
    must('and shown again', series() === before);
    // every corruption can be chosen (of many, some)
    const box = part.querySelector('.sticky select');
    const options = box ? all('option', box) : [];
    options.filter((_, i) => i % Math.ceil(options.length / 8) === 0).forEach((o) => {
      box.value = o.value;
      box.dispatchEvent(new Event('change'));
      must(`corruption ${o.textContent}`, s.c === Number(o.value)
        && part.querySelector('caption').textContent.startsWith(s.data.corruptions[s.c].label));
    });
    if (box) {
      box.value = '0';
      box.dispatchEvent(new Event('change'));
    }
    // all that can be chosen or ticked, without an error
    for (const other of all('.bar select', part)) {
      if (other === box) continue;
      const old = other.value;
      for (const o of all('option', other)) {
        other.value = o.value;
        other.dispatchEvent(new Event('change'));
      }
      other.value = old;
      other.dispatchEvent(new Event('change'));
    }
    for (const tick of all('.bar input[type=checkbox]', part)) {
      tick.click();
      tick.click();
    }
    // points by keys
    const plot = part.querySelector('.plot');
    if (plot && plot.querySelector('.mark')) {
      plot.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }));
      must('a point says its values', !document.getElementById('tip').hidden
        && document.getElementById('tip').textContent.length > 5);
      plot.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }));
      must('and is silent again', document.getElementById('tip').hidden);
    }
    const scatter = part.querySelector('button.scatter');
    if (scatter) {
      const points = drawn.points;
      scatter.click();
      must('points of a correlation are drawn', drawn.points > points || scatter.closest('tr').children[2].textContent === '0');
    }
    const crop = part.querySelector('.crops button');
    if (crop) {
      crop.click();
      const dialog = part.querySelector('dialog');
      must('a detail opens', dialog.open && dialog.querySelector('img').src.startsWith('data:image/png'));
      dialog.close();
      must('details are pictures', all('.crops img', part).every((i) => !i.complete || i.naturalWidth > 0));
    }
  }
  // nothing from outside, nothing that runs but this script
  must('no address outside', all('[src],[href]').every((e) => /^(data:image\/png|#)/.test(
    e.getAttribute('src') || e.getAttribute('href'))));
  must('two scripts', all('script').length === 2);
  must('no handlers in attributes', all('*').every((e) => ![...e.attributes].some((a) => /^on|^style$/.test(a.name)
    && !(a.name === 'style' && (e.id === 'tip' || e.closest('.heat'))))));
  mark();
  must(`no errors: ${errors.join(' | ')}`, errors.length === 0);
  root.dataset.checks = checks;
  root.dataset.selftest = failed.length ? 'failed' : 'ok';
  document.getElementById('main').prepend(el('p', { id: 'selftest', role: 'status' }, failed.length
    ? `Self test failed: ${failed.join('; ')}` : `Self test: ${checks} checks, all good.`));
}

if (location.hash === '#selftest') selftest();
