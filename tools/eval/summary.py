# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables of results: means over files, with intervals."""
import math

import numpy as np

from . import stats, tasks


# what a rate is, and what tables show if not told otherwise, by media
UNITS = {'picture': 'bits per pixel', 'clip': 'bits per pixel',
         'sound': 'kbit/s'}
FIELDS = {'picture': ('psnr', 'ssim'), 'clip': ('psnr', 'ssim'),
          'sound': ('snr', 'si_sdr')}
LABELS = {'psnr': 'PSNR', 'ssim': 'SSIM', 'ms_ssim': 'MS-SSIM', 'snr': 'SNR',
          'si_sdr': 'SI-SDR'}
DECIBEL = ('psnr', 'snr', 'si_sdr')


def media_of(line):
    return line.get('media', 'picture')


def by_media(lines):
    """{media: [lines]}, pictures first; rates of two media are not one
    thing."""
    out = {}
    for line in lines:
        out.setdefault(media_of(line), []).append(line)
    return {m: out[m] for m in sorted(out, key=lambda m: (
        list(UNITS).index(m) if m in UNITS else len(UNITS), m))}


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
    """Rate of lines of one media together, in its unit: bits over pixels (of
    all frames), or bits over seconds."""
    bits = 8 * sum(v['bytes'] for v in lines)
    if media_of(lines[0]) == 'sound':
        return bits / sum(v['seconds'] for v in lines) / 1000
    return bits / sum(v['width'] * v['height'] * v.get('frames', 1)
                      for v in lines)


def of_metric(name='R', field='psnr'):
    """What curve() and matched() take: mean() of a metric."""
    return lambda lines: mean(lines, name, field)


def of_score(task):
    """The same of a task: (value, low, high) of its score."""
    def score(lines):
        got = tasks.scores(lines).get(task)
        return tuple(got[1][:3]) if got else (float('nan'),) * 3
    return score


def curve(settings, measure):
    """[(rate, value, low, high)] of a codec's settings, by rate; those that have
    no value are left out."""
    got = [(rate(lines),) + tuple(measure(lines))
           for lines in settings.values()]
    return sorted(g for g in got if math.isfinite(g[1]) and g[0] > 0)


def at_rates(curves, count=3):
    """[(rate, {codec: (value, low, high)})] of {codec: curve()}: rates that all
    curves of two points and more span; if there are none, rates that two do.
    Ends of intervals are interpolated as values are. The rate is of the set
    that was coded, the corrupted one where it is."""
    curves = {c: v for c, v in curves.items() if len(v) > 1}
    if not curves:
        return []
    spans = [(v[0][0], v[-1][0]) for v in curves.values()]
    rates = stats.common_rates(spans, count)
    if not rates and len(spans) > 1:
        rates = stats.common_rates([(sorted(s[0] for s in spans)[1],
                                     sorted(s[1] for s in spans)[-2])], count)
    out = []
    for r in rates:
        got = {}
        for c, points in curves.items():
            x, *values = np.transpose(points)
            value = tuple(stats.at_rate(x, v, r) for v in values)
            if math.isfinite(value[0]):
                got[c] = value
        if len(got) > 1 or len(curves) == 1:
            out.append((r, got))
    return out


def matched(by_codec, count=3, measure=of_metric()):
    """at_rates() of {codec: {setting: lines}}."""
    return at_rates({c: curve(s, measure) for c, s in by_codec.items()}, count)


def cell(v, digits=2):
    return '' if v is None or not math.isfinite(v) else f'{v:.{digits}f}'


def text(lines, fields=None):
    """Markdown: a table for each corruption, and one at matched rates; by
    media. fields: metrics, if not the usual ones."""
    parts = by_media(lines)
    return '\n'.join((f'# {m.capitalize()}s\n\n' if len(parts) > 1 else '')
                     + _text(these, m, fields) for m, these in parts.items())


def _text(lines, media, fields):
    fields = fields or FIELDS.get(media, ())
    unit, out = UNITS.get(media, 'rate'), []
    for (kind, severity), by_codec in sorted(
            groups(lines).items(), key=lambda v: (v[0][0] or '', v[0][1])):
        out.append(f'## {kind or "clean"}{f" {severity}" if kind else ""}\n')
        names = ['R', 'G'] if kind else ['R']
        label = {'R': 'R' if kind else 'D', 'G': 'G'}
        heads = [f'{label[n]} {f.upper()}' for n in names for f in fields]
        asked = answered([v for s in by_codec.values() for w in s.values()
                          for v in w])
        heads += [n for n, _ in asked]
        out.append(f'| codec | setting | {media}s | {unit} | '
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
                        digits = 2 if f.startswith(DECIBEL) else 4
                        row.append(cell(m, digits) + (
                            f' ({cell(low, digits)} to {cell(high, digits)})'
                            if math.isfinite(low) else ''))
                row += [say(these) for _, say in asked]
                out.append('| ' + ' | '.join(row) + ' |')
        level = matched(by_codec, measure=of_metric('R', fields[0])) \
            if fields else []
        codecs = sorted({c for _, values in level for c in values})
        if len(codecs) > 1:
            out.append('\nAt equal rates, '
                       f'{LABELS.get(fields[0], fields[0].upper())}'
                       + (' in dB' if fields[0].startswith(DECIBEL) else '')
                       + ':\n')
            out.append(f'| {unit} | ' + ' | '.join(codecs) + ' |')
            out.append('| --- ' * (1 + len(codecs)) + '|')
            for r, values in level:
                out.append(f'| {r:.3f} | ' + ' | '.join(
                    cell(values.get(c, (None,))[0]) for c in codecs) + ' |')
            counts = [len(v) for c in codecs for v in by_codec[c].values()]
            if min(counts) < max(counts):
                out.append(f'\nNot all are of the same {media}s: of '
                           f'{min(counts)} to {max(counts)}, as cells failed '
                           'or are still to come.')
        out.append('')
    return '\n'.join(out)
