// The page: what was run, and a part for each media.

const errors = [];
addEventListener('error', (e) => errors.push(e.message));
addEventListener('unhandledrejection', (e) => errors.push(String(e.reason)));
addEventListener('securitypolicyviolation', (e) => errors.push(`blocked: ${e.violatedDirective}`));

const data = JSON.parse(document.getElementById('data').textContent);
const sections = [];

function themeButton() {
  const names = ['as the system', 'light', 'dark'];
  let at = 0;
  const button = el('button', { type: 'button', id: 'theme', onclick: () => {
    at = (at + 1) % 3;
    if (at) document.documentElement.dataset.theme = names[at];
    else delete document.documentElement.dataset.theme;
    button.textContent = `Colours: ${names[at]}`;
  } }, `Colours: ${names[0]}`);
  return button;
}

const day = (text) => String(text).slice(0, 16).replace('T', ' ');

function facts() {
  const media = data.media.map((m) => `${m.files} ${m.media}${m.files === 1 ? '' : 's'}`).join(', ');
  document.getElementById('facts').textContent = [media, `${data.cells} cells`,
    data.failed ? `${data.failed} failed` : '', data.odd ? `${data.odd} could not be read` : '', `page made ${day(data.made)}`]
    .filter(Boolean).join(' \u00b7 ');
}

function whatRan() {
  const list = el('dl');
  const say = (name, value) => value && list.append(el('dt', {}, name), el('dd', {}, value));
  const { runs } = data;
  const distinct = (of) => [...new Set(runs.map(of).filter(Boolean))].slice(0, 8).join('; ');
  say('Run', runs.length ? `${day(runs[0].date)}` + (runs.length > 1 ? ` to ${day(runs[runs.length - 1].date)}, ${runs.length} runs` : '')
    : 'not recorded');
  say('Machine', distinct((r) => [r.machine, r.cores && `${r.cores} cores`, r.system].filter(Boolean).join(', ')));
  say('GStreamer', distinct((r) => r.gstreamer));
  say('Python', distinct((r) => r.python));
  for (const m of data.media) {
    say(`${m.media}s`, [`${m.files} files`, m.sizes.length && `of ${m.sizes.join(', ')}`, m.seconds && `${brief(m.seconds, 3)} s`,
      `${m.cells} results`, `${m.codecs.length} codecs`, `${m.corruptions.length} corruptions and severities (clean is one)`].filter(Boolean).join(', '));
  }
  say('Failed cells', String(data.failed));
  if (data.odd) say('Lines of no use', String(data.odd));
  if (data.broken) say('Lines cut off', String(data.broken));
  const versions = (name) => {
    const base = name.replace(/ \(\d+\)$/, '');
    return [...new Set(runs.map((r) => (r.codecs || {})[base]).filter(Boolean))].slice(0, 3).join('; ');
  };
  const codecs = data.media.flatMap((m) => m.codecs.map((c, k) => [c.none ? 'none (uncompressed)' : c.name, m.media,
    { text: c.how, node: el('code', {}, c.how === ' | ' ? '' : c.how) }, versions(c.name),
    { text: '', key: k, node: [...new Set(m.rows.filter((r) => r[1] === k).map((r) => r[2]))].sort((a, b) => a - b).join(', ') }]));
  const out = [list];
  if (codecs.length) {
    out.push(el('details', {}, el('summary', {}, `Codecs: ${codecs.map((c) => c[0]).slice(0, 12).join(', ')}`),
      table('Codecs: encoder | decoder, as launch fragments or commands', [{ label: 'codec' }, { label: 'media' }, { label: 'encoder | decoder', wide: true },
        { label: 'versions', wide: true }, { label: 'settings', wide: true }], codecs)));
  }
  if (data.failures.length) {
    out.push(el('details', { open: data.media.length === 0 }, el('summary', {}, `What failed: ${data.failures.reduce((a, f) => a + f[2], 0)} times`),
      table('Failures and their reasons', [{ label: 'what' }, { label: 'why', wide: true }, { label: 'times', number: true },
        { label: 'for example', wide: true }], data.failures),
      data.more ? el('p', { class: 'note' }, `${data.more} more reasons are not listed.`) : null));
  }
  for (const m of data.media) {
    for (const why of m.left_out) out.push(el('p', { class: 'note' }, `A task is left out: ${why}`));
  }
  return out;
}

const PARTS = [['curves', 'Rate and result', curves], ['table', 'All settings', settingsTable],
  ['equal', 'At equal rates', equalTable], ['pairs', 'File by file', pairsTable],
  ['correlations', 'Metrics and tasks', correlationTable], ['heat', 'Corruptions', heatPart],
  ['spectra', 'Spectra of errors', spectraPart], ['crops', 'Details', cropsPart]];

function build() {
  const main = document.getElementById('main');
  const nav = document.getElementById('nav');
  const link = (id, text) => nav.append(el('a', { href: '#' + id }, text), ' ');
  facts();
  main.append(heading(2, 'run', 'What was run'), ...whatRan());
  link('run', 'What was run');
  if (!data.media.length) {
    main.append(el('p', {}, data.cells ? 'No cell has a result: see what failed above.' : 'There are no results yet.'));
  }
  for (const m of data.media) {
    const id = 'm' + sections.length;
    const s = new Section(m, id);
    sections.push(s);
    const name = m.media.charAt(0).toUpperCase() + m.media.slice(1) + 's';
    if (data.media.length > 1) link(id, name);
    // in the page before it is drawn: plots ask how wide they may be
    const part = el('section', { 'aria-labelledby': id }, heading(2, id, name), controls(s));
    main.append(part);
    for (const [key, title, make] of PARTS) {
      if (key === 'crops' && m.media === 'sound') continue;
      const host = el('div');
      part.append(heading(3, `${id}-${key}`, title), host);
      if (data.media.length === 1) link(`${id}-${key}`, title);
      host.append(...make(s).filter(Boolean));
      s.update();
    }
  }
  nav.append(themeButton());
}

build();
const root = document.documentElement;
const mark = () => {
  for (const [name, count] of Object.entries(drawn)) root.dataset[name] = count;
  root.dataset.errors = errors.length ? errors.join(' | ') : '';
};
mark();
