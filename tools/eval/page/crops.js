// Details side by side, and one of them large; arrow keys change between them in
// place, which shows differences that side by side does not.

function cropsPart(s) {
  const { pictures, groups, cut } = s.data.crops;
  if (!groups.length) return [el('p', { class: 'note' }, 'No details were kept (crops = 0, or none could be made).')];
  const large = el('img', { alt: '' });
  const title = el('h4', {});
  let images = [];
  let at = 0;
  const words = (v) => (v.what === 'coded' ? [v.codec + ` ${v.setting}`, s.rate(v.rate)] : [v.what, ''])
    .concat(v.psnr !== null && v.psnr !== undefined ? [`PSNR ${v.psnr.toFixed(2)} dB`] : []).filter(Boolean);
  const go = (step) => {
    at = (at + step + images.length) % images.length;
    const text = words(images[at]).join(', ');
    large.src = pictures[images[at].picture];
    large.alt = text;
    title.textContent = `${at + 1} of ${images.length}: ${text}`;
  };
  const box = el('dialog', { 'aria-label': 'A detail, large', onkeydown: (e) => {
    if (e.key === 'ArrowRight') go(1);
    if (e.key === 'ArrowLeft') go(-1);
  }, onclick: (e) => e.target === box && box.close() }, title, large, el('div', { class: 'bar' },
    el('button', { type: 'button', onclick: () => go(-1) }, '\u2190 before'), el('button', { type: 'button', onclick: () => go(1) }, 'next \u2192'),
    el('button', { type: 'button', onclick: () => box.close() }, 'Close')));
  const host = el('div');
  s.add(() => {
    drawn.crops = 0;
    host.replaceChildren(...groups.flatMap((g) => {
      const shown = g.images.filter((v) => v.what !== 'coded' || !s.hidden.has(s.data.codecs.findIndex((c) => c.name === v.codec)));
      const label = g.kind === 'clean' ? 'clean' : `${g.kind} ${g.severity}`;
      return [el('h4', {}, `${g.file}, ${label}`), el('ul', { class: 'crops' }, shown.map((v, i) => {
        const [name, ...rest] = words(v);
        drawn.crops += 1;
        return el('li', {}, el('button', { type: 'button', onclick: () => {
          images = shown;
          at = i;
          go(0);
          box.showModal();
        } }, el('img', { src: pictures[v.picture], alt: `${g.file}, ${label}: ${words(v).join(', ')}`, loading: 'lazy' }),
        el('span', { class: 'name' }, name), rest.map((t) => [t, el('br')])));
      }))];
    }));
  });
  return [el('p', {}, `The detail with the strongest edges, each codec at its setting nearest to one rate; rate and PSNR (beside the clean ${s.data.media}) are of the whole `
    + `${s.data.media}. A press shows it large; arrow keys change between codecs in place. A codec that was measured at no rate near it is not shown.`
    + (cut ? ' Some did not fit into this page and are left out.' : '')), host, box];
}
