// Elements, numbers as text, sortable tables. Text goes in as text only: nothing
// from the data is ever read as HTML.

const drawn = { curves: 0, points: 0, tables: 0, heats: 0, crops: 0 };

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat(3)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}

const el = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);

const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);

// digits by what a number is
function show(value, unit) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '';
  if (unit === 'dB') return value.toFixed(2);
  if (unit === '%') return value.toFixed(1);
  return brief(value, 4);
}

// digits that count, without an exponent where that can be
function brief(value, digits) {
  if (value === null || value === undefined) return '';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2).replace('e+', 'e');
  const places = Math.max(0, Math.min(6, digits - 1 - Math.floor(Math.log10(size))));
  return value.toFixed(places);
}

// "31.20 (30.10 to 32.40)" of [value, low, high]
function interval(v, unit) {
  if (!v) return '';
  const ends = v[1] !== null && v[1] !== undefined
    ? ` (${show(v[1], unit)} to ${show(v[2], unit)})` : '';
  return show(v[0], unit) + ends;
}

function select(label, options, onchange, chosen) {
  const groups = new Map();
  const box = el('select', { onchange: () => onchange(box.value) });
  for (const o of options) {
    const option = el('option', { value: o.value, selected: o.value === chosen }, o.text);
    if (!o.group) box.append(option);
    else {
      if (!groups.has(o.group)) {
        groups.set(o.group, el('optgroup', { label: o.group }));
        box.append(groups.get(o.group));
      }
      groups.get(o.group).append(option);
    }
  }
  if (chosen !== undefined) box.value = chosen;
  return el('label', {}, el('span', {}, label), box);
}

function check(label, on, onchange) {
  const box = el('input', { type: 'checkbox', checked: on, onchange: () => onchange(box.checked) });
  return el('label', {}, box, label);
}

// columns: [{label, number, wide, title}]; rows: lists of {text, key, node,
// head}, or of strings and numbers. What is missing is last both ways.
function table(caption, columns, rows, host) {
  const body = el('tbody');
  const heads = columns.map((c, i) => el('th', {
    scope: 'col', class: [c.number && 'number', c.wide && 'wide'].filter(Boolean).join(' ') || null,
    title: c.title }, el('button', { type: 'button', onclick: () => sort(i) }, c.label)));
  const key = (cell) => {
    const k = cell !== null && typeof cell === 'object' ? (cell.key !== undefined ? cell.key : cell.text) : cell;
    return k === '' || k === undefined || (typeof k === 'number' && !Number.isFinite(k)) ? null : k;
  };
  let by = -1;
  let down = false;
  const order = rows.map((_, i) => i);

  function paint() {
    body.replaceChildren(...order.map((r) => el('tr', {}, rows[r].map((cell, i) => {
      const c = columns[i];
      const name = [c.number && 'number', c.wide && 'wide'].filter(Boolean).join(' ') || null;
      if (cell !== null && typeof cell === 'object') {
        return el('td', { class: name }, cell.node || cell.text);
      }
      return el('td', { class: name }, cell === null || cell === undefined ? '' : String(cell));
    }))));
  }

  function sort(i) {
    down = by === i ? !down : false;
    by = i;
    heads.forEach((h, n) => {
      if (n === i) h.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      else h.removeAttribute('aria-sort');
    });
    order.sort((a, b) => {
      const x = key(rows[a][i]);
      const y = key(rows[b][i]);
      if (x === null || y === null) return (x === null) - (y === null) || a - b;
      const one = typeof x === 'number' && typeof y === 'number' ? x - y
        : String(x).localeCompare(String(y), 'en', { numeric: true });
      return (down ? -one : one) || a - b;
    });
    paint();
  }

  paint();
  drawn.tables += 1;
  const node = el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    el('table', { class: 'sortable' }, el('caption', {}, `${caption} (${rows.length} row${rows.length === 1 ? '' : 's'})`),
      el('thead', {}, el('tr', {}, heads)), body));
  if (host) host.replaceChildren(node);
  return node;
}

// a heading that can be linked to
function heading(level, id, text) {
  return el('h' + level, { id, tabindex: -1 }, text);
}
