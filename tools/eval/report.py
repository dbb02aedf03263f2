# SPDX-License-Identifier: LGPL-2.1-or-later
"""A sweep's results as one file of HTML that needs nothing else: numbers and
pictures are in it, no address outside is asked for anything."""
import base64
import collections
import datetime
import hashlib
import html
import json
import math
import os

from . import analysis, crops, machine, pairs, store, summary

RESULTS = 'results.jsonl'
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'page')
SCRIPTS = ('dom.js', 'plot.js', 'curves.js', 'tables.js', 'spectra.js',
           'heat.js', 'crops.js', 'main.js', 'selftest.js')
REASONS = 40                    # of failures that are listed
SPECTRA = 3000                  # that are kept; of more, three rates a codec


def _round(v):
    """Six digits, None for what is no number: JSON has no NaN."""
    return float(f'{v:.6g}') if math.isfinite(v) else None


def _values(values):
    """[value, low, high, ...] without what is missing at the end."""
    if not math.isfinite(values[0]):
        return None
    return [_round(v) for v in values]


def _failures(lines):
    """([[what, why, cells, an example]], how many kinds are not listed)."""
    found = collections.Counter()
    example = {}

    def add(what, why, line):
        why = ' '.join(str(why).split())[:300]
        found[what, why] += 1
        example.setdefault((what, why), os.path.basename(
            str(line.get('input', '')))[:100])
    for v in lines:
        if v.get('error'):
            add(str(v.get('codec', ''))[:100], v['error'], v)
        said = v.get('answers')
        for name, a in (said.items() if isinstance(said, dict) else ()):
            if isinstance(a, dict) and 'error' in a:
                add(f'task {name}'[:100], a['error'], v)
    rows = [[what, why, n, example[what, why]]
            for (what, why), n in found.most_common(REASONS)]
    return rows, max(0, len(found) - REASONS)


def label_of(corruption):
    kind, severity = corruption
    return f'{kind} {severity:g}' if kind else 'clean'


def _spectra(table, at):
    """Bands in tenths of a decibel, which is what eyes can read."""
    found, about = analysis.spectra(table)
    if len(found) > SPECTRA:
        kept = set()
        for c in table.corruptions:
            for k in table.codecs:
                s = table.settings(c, k)
                kept |= {(c, k, s[i][1]) for i in (
                    0, len(s) // 2, len(s) - 1) if s}
        found = {key: v for key, v in found.items() if key in kept}

    def tenths(v):
        return {name: [round(10 * float(x)) for x in bands]
                for name, bands in v.items()}
    return {'rows': [[at['c'][c], at['k'][k], s, tenths(v)]
                     for (c, k, s), v in found.items()],
            'about': [[at['c'][c], tenths(v)] for c, v in about.items()],
            'corners': table.media != 'sound'}


def _levels(table, at):
    """[[corruption, measure, [value, low, high]]]: what is there without any
    codec, measured as codec "none"; of errors against the clean input also
    from C, what the corruption did."""
    out = []
    for c in table.corruptions:
        none = table.settings(c, analysis.NONE)
        for i, m in enumerate(table.measures):
            value = None
            if none:
                value = _values(table.rows[c, analysis.NONE, none[0][1]][2][i]
                                [:3])
            elif m.metric and m.metric[0] == 'R' and c[0]:
                lines = {analysis.file_of(v): v for (a, _, _), (these, _, _)
                         in table.rows.items() if a == c for v in these}
                value = _values(analysis.means(
                    list(lines.values()), [('C', m.metric[1])])[0])
            if value and not (m.unit == 'dB'
                              and value[0] >= analysis.LOSSLESS):
                out.append([at['c'][c], i, value])
    return out


def of_media(lines, folders):
    """All that the page shows of one media."""
    table = analysis.Table(lines)
    at = {'c': {c: i for i, c in enumerate(table.corruptions)},
          'k': {k: i for i, k in enumerate(table.codecs)},
          'm': {m.id: i for i, m in enumerate(table.measures)}}
    how = {v['codec']: str(v.get('how', '')) for v in lines}
    rates, heat = table.heat()
    found, cut = pairs.compare(table)
    equal = [[at['c'][c], i, [[_round(r), [[at['k'][k], _values(v)]
                                           for k, v in got.items()]]
                              for r, got in table.equal(c, i)]]
             for c in table.corruptions for i in range(len(table.measures))]
    sizes = sorted({(v['width'], v['height']) for v in lines
                    if 'width' in v and 'height' in v})
    return {
        'media': table.media, 'unit': table.unit,
        'files': len({analysis.file_of(v) for v in lines}),
        'cells': len(lines), 'sizes': [f'{w:g}x{h:g}' for w, h in sizes[:3]]
        + ['...'] * (len(sizes) > 3),
        'seconds': _round(sum({analysis.file_of(v): v['seconds'] for v in lines
                               if v.get('seconds')}.values())),
        'codecs': [{'name': k, 'how': how[k], 'none': k == analysis.NONE}
                   for k in table.codecs],
        'corruptions': [{'kind': k or 'clean', 'severity': s,
                         'clean': k is None, 'label': label_of((k, s))}
                        for k, s in table.corruptions],
        'measures': [{'id': m.id, 'label': m.label, 'unit': m.unit,
                      'better': m.better, 'task': bool(m.task),
                      'error': m.metric[0] if m.metric else ''}
                     for m in table.measures],
        'rows': [[at['c'][c], at['k'][k], s, len(these), _round(rate),
                  [_values(v) for v in values]]
                 for (c, k, s), (these, rate, values) in table.rows.items()],
        'levels': _levels(table, at),
        'equal': [e for e in equal if e[2]],
        'heat': {'rates': [_round(r) for r in rates],
                 'values': [[r, m, [[at['c'][c], at['k'][k], _round(v)]
                                    for (c, k), v in got.items()]]
                            for (r, m), got in heat.items()]},
        'spectra': _spectra(table, at),
        'pairs': [[at['m']['task.' + p['task']], at['c'][p['corruption']],
                   at['k'][p['first'][0]], p['first'][1],
                   at['k'][p['second'][0]], p['second'][1],
                   *[_round(r) for r in p['rates']], *p['only'], p['alike'],
                   _round(p['p'])] for p in found],
        'pairs_cut': cut,
        'correlations': {name: [
            [at['m'].get(v['measure'], -1), at['m'][v['task']], v['count'],
             _values(v['pearson']), _values(v['spearman'])]
            for v in pairs.correlations(table, name == 'clean')]
            for name in ('all', 'clean')},
        'left_out': table.left_out,
        'crops': crops.shown(folders, lines),
    }


def data(folders, title=None):
    """What the page is made of, as JSON can hold it."""
    lines, broken = store.read(*[os.path.join(d, RESULTS) for d in folders])
    runs = machine.read(folders)
    counted, odd = [], collections.Counter()
    for v in lines.values():
        why = analysis.fault(v)
        if why:
            odd[why] += 1
        else:
            counted.append(v)
    counted = store.newest(counted)
    good = [v for v in counted if not v.get('error')]
    failures, more = _failures(counted)
    failures += [['line', why, n, ''] for why, n in odd.most_common(REASONS)]
    names = list(dict.fromkeys(r['name'] for r in runs if r.get('name')))
    media = []
    for m, these in summary.by_media(good).items():
        media.append(of_media(analysis.name_apart(these), folders))
    return {
        'title': title or ', '.join(names) or ', '.join(
            os.path.basename(os.path.abspath(d)) for d in folders),
        'made': datetime.datetime.now().astimezone().isoformat(
            timespec='seconds'),
        'runs': runs, 'cells': len(counted) + sum(odd.values()),
        'broken': broken,
        'failed': sum(bool(v.get('error')) for v in counted),
        'odd': sum(odd.values()), 'failures': failures, 'more': more,
        'media': media,
    }


def embed(value):
    """JSON that can stand in a script element: nothing in it can end it, and no
    character depends on the page's encoding."""
    text = json.dumps(value, allow_nan=False, separators=(',', ':'))
    for c in '<>&':
        text = text.replace(c, f'\\u{ord(c):04x}')
    return text


def _hash(text):
    return 'sha256-' + base64.b64encode(hashlib.sha256(
        text.encode()).digest()).decode()


def _part(name):
    with open(os.path.join(PAGE, name), encoding='utf-8') as f:
        return f.read()


def render(value):
    """The page of data()."""
    style = _part('style.css')
    script = "'use strict';\n(() => {\n" + '\n'.join(
        _part(n) for n in SCRIPTS) + '\n})();\n'
    policy = (f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; "
              f"script-src '{_hash(script)}'; base-uri 'none'; "
              "form-action 'none'")
    parts = {'policy': policy, 'style': style, 'script': script,
             'title': html.escape(value['title']), 'data': embed(value)}
    # one pass: what is put in is not looked at again
    page = _part('page.html').split('@@')
    return ''.join(parts[p] if i % 2 else p for i, p in enumerate(page))


def write(folders, path, title=None):
    """Writes the page; whole or not at all. Raises StoreError."""
    page = render(data(folders, title))
    try:
        with open(path + '.part', 'w', encoding='utf-8',
                  errors='replace') as f:
            f.write(page)
        os.replace(path + '.part', path)
    except OSError as e:
        try:
            os.unlink(path + '.part')
        except OSError:
            pass
        raise store.StoreError(f'{path}: {e.strerror}') from None
    return len(page)
