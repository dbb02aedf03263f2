# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables of results: means over pictures, with intervals."""
import math

import numpy as np

from . import stats, tasks


def groups(lines):
    """{(corruption, severity): {codec: {setting: [lines]}}}; errors left out."""
    out = {}
    for line in lines:
        if line.get('error'):
            continue
        out.setdefault((line['corruption'], line['severity']), {}).setdefault(
            line['codec'], {}).setdefault(line['setting'], []).append(line)
    return out


def error_of(line, name):
    """The dict of an error spectrum and its measures: "R" (the result beside
    the clean picture, also "error" where nothing was corrupted), "G" or
    "C"."""
    m = line['metrics']
    if name == 'R':
        return m.get('R') or m.get('error')
    return m.get(name)


def mean(lines, name, field):
    """(mean, low, high) over pictures; NaN where none has it."""
    values = [error_of(v, name)[field] for v in lines
              if error_of(v, name) and field in error_of(v, name)]
    if not values:
        return (float('nan'),) * 3
    return (float(np.mean(values)),) + stats.bootstrap(values)


def answered(lines):
    """[(heading, function of lines to text)] of the tasks that lines have."""
    return [(f'{n}: {task.measure}' + (f', {task.unit}' if task.unit else ''),
             lambda these, n=n: of_task(these, n))
            for n, (task, _) in tasks.scores(lines).items()]


def of_task(lines, name):
    """Value, interval, number of trials of a task."""
    got = tasks.scores(lines).get(name)
    if not got or not math.isfinite(got[1].value):
        return ''
    s = got[1]
    return f'{s.value:.4g}' + (f' ({s.low:.4g} to {s.high:.4g})'
                               if math.isfinite(s.low) else '') \
        + f' of {s.count}'


def rate(lines):
    """Bits per pixel of all of them together: bits over pixels."""
    return 8 * sum(v['bytes'] for v in lines) / sum(
        v['width'] * v['height'] for v in lines)


def points(settings, name='R', field='psnr'):
    """([rates], [values]) of a codec's settings, by rate."""
    got = sorted((rate(lines), mean(lines, name, field)[0])
                 for lines in settings.values())
    return [g[0] for g in got], [g[1] for g in got]


def matched(by_codec, count=3, name='R', field='psnr'):
    """[(rate, {codec: value})] at rates that all codecs span. The rate is of
    the set that was coded, the corrupted one where it is."""
    curves = {c: points(s, name, field) for c, s in by_codec.items()
              if len(s) > 1}
    if not curves:
        return []
    rates = stats.common_rates([r for r, _ in curves.values()], count)
    return [(r, {c: stats.at_rate(*curve, r) for c, curve in curves.items()})
            for r in rates]


def cell(v, digits=2):
    return '' if v is None or not math.isfinite(v) else f'{v:.{digits}f}'


def text(lines, fields=('psnr', 'ssim')):
    """Markdown: a table for each corruption, and one at matched rates."""
    out = []
    for (kind, severity), by_codec in sorted(
            groups(lines).items(), key=lambda v: (v[0][0] or '', v[0][1])):
        out.append(f'## {kind or "clean"}{f" {severity}" if kind else ""}\n')
        names = ['R', 'G'] if kind else ['R']
        label = {'R': 'R' if kind else 'D', 'G': 'G'}
        heads = [f'{label[n]} {f.upper()}' for n in names for f in fields]
        asked = answered([v for s in by_codec.values() for w in s.values()
                          for v in w])
        heads += [n for n, _ in asked]
        out.append('| codec | setting | pictures | bits per pixel | '
                   + ' | '.join(heads) + ' |')
        out.append('| --- ' * (4 + len(heads)) + '|')
        for codec in sorted(by_codec):
            for setting in sorted(by_codec[codec]):
                these = by_codec[codec][setting]
                row = [codec, f'{setting:g}', str(len(these)),
                       f'{rate(these):.4f}']
                for n in names:
                    for f in fields:
                        m, low, high = mean(these, n, f)
                        digits = 2 if 'psnr' in f else 4
                        row.append(cell(m, digits) + (
                            f' ({cell(low, digits)} to {cell(high, digits)})'
                            if math.isfinite(low) else ''))
                row += [say(these) for _, say in asked]
                out.append('| ' + ' | '.join(row) + ' |')
        level = matched(by_codec)
        if len(by_codec) > 1 and level:
            codecs = sorted(level[0][1])
            out.append('\nAt equal rates, PSNR in dB:\n')
            out.append('| bits per pixel | ' + ' | '.join(codecs) + ' |')
            out.append('| --- ' * (1 + len(codecs)) + '|')
            for r, values in level:
                out.append(f'| {r:.3f} | ' + ' | '.join(
                    cell(values[c]) for c in codecs) + ' |')
        out.append('')
    return '\n'.join(out)
