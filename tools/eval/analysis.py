# SPDX-License-Identifier: LGPL-2.1-or-later
"""Numbers that a report draws, of lines of one media: means with intervals of all
measures, values at equal rates, spectra. Plain lists and dicts, NaN where there is
nothing."""
import math

import numpy as np

from . import stats, summary, tasks

NAN = float('nan')
NONE = 'none'                   # the codec that codes nothing
LOSSLESS = 99.0                 # dB that stand for "nothing is different"
MOST = 1e15                     # what is larger is no measurement
RATES = 3                       # of heat maps


def _number(v, low=0.0):
    # lines may hold anything: whole numbers of any length, too
    return isinstance(v, (int, float)) and not isinstance(v, bool) \
        and low <= v <= MOST


def fault(line):
    """Why a line without an error cannot be counted, in words; empty: it can.
    What else comes in lines is looked at where it is used."""
    if not isinstance(line, dict):
        return 'it is no object'
    for key in ('codec', 'input'):
        if not isinstance(line.get(key), str):
            return f'"{key}" is no text'
    if not isinstance(line.get('media', 'picture'), str):
        return '"media" is no text'
    if not (line.get('corruption') is None
            or isinstance(line['corruption'], str)):
        return '"corruption" is no text'
    if line.get('error'):
        return ''
    if not _number(line.get('severity', 0)):
        return '"severity" is no number'
    if not _number(line.get('setting'), -MOST):
        return '"setting" is no number'
    sizes = ('seconds',) if summary.media_of(line) == 'sound' else (
        'width', 'height')
    for key in ('bytes',) + sizes:
        if not _number(line.get(key)) or (key in sizes and not line[key]):
            return f'"{key}" is no positive number'
    if not _number(line.get('frames', 1), 1):
        return '"frames" is no positive number'
    if not isinstance(line.get('metrics'), dict) or not all(
            isinstance(v, (dict, list, type(None)))
            for v in line['metrics'].values()):
        return '"metrics" are no object'
    return ''


def name_apart(lines):
    """The lines, with codecs told apart that have one name but other fragments,
    and corruptions of another variant or seed than most: "jpeg (2)"."""
    def tell(of, what):
        found = {}
        for v in lines:
            kinds = found.setdefault(of(v), {})
            kinds[what(v)] = kinds.get(what(v), 0) + 1
        return {(name, kind): f'{name} ({i + 1})' if i else name
                for name, kinds in found.items()
                for i, kind in enumerate(sorted(
                    kinds, key=lambda k: (-kinds[k], str(k))))}

    def how(v):
        return str(v.get('how', ''))

    def made(v):
        return str(v.get('variant')), str(v.get('seed'))

    def kind(v):
        return v.get('corruption') or ''
    codecs, kinds = tell(lambda v: v['codec'], how), tell(kind, made)
    return [dict(v, codec=codecs[v['codec'], how(v)],
                 corruption=kinds[kind(v), made(v)] or None,
                 severity=v.get('severity', 0)) for v in lines]


def file_of(line):
    """What a line is of, the same for all codecs."""
    return (str(line.get('content') or ''), '/'.join(
        line['input'].replace('\\', '/').split('/')[-2:]),
        str(line.get('size') or 0))


def asked(lines):
    """([Task], [why others are left out])."""
    entries, out, why = {}, [], set()
    for v in lines:
        said = v.get('tasks')
        for entry in said if isinstance(said, list) else ():
            if isinstance(entry, dict):
                name = entry.get('name', entry.get('kind'))
                if isinstance(name, str):
                    entries.setdefault(name, entry)
    for name in sorted(entries):
        try:
            task = tasks.make(entries[name])
            task.learn([a for _, a in answers(task, lines)])
            out.append(task)
        except (ValueError, TypeError, AttributeError) as e:
            why.add(str(e)[:300])
    return out, sorted(why)


def answers(task, lines):
    """[(line, answer)] of a task, errors left out."""
    got = []
    for v in lines:
        all_of = v.get('answers')
        a = all_of.get(task.name) if isinstance(all_of, dict) else None
        if isinstance(a, dict) and 'error' not in a:
            got.append((v, a))
    return got


def score(task, these):
    """(value, low, high, count) of answers; NaN where they are not what the
    task makes of itself."""
    if these:
        try:
            return tuple(float(v) for v in task.score(these))
        except (LookupError, TypeError, ValueError, AttributeError,
                ArithmeticError):
            pass
    return NAN, NAN, NAN, 0


class Measure:
    """One thing that is drawn. id, label, unit, better; metric: ("R", "psnr")
    or None, task: its Task or None."""

    def __init__(self, label, unit, better, metric=None, task=None):
        self.label, self.unit, self.better = label, unit, better
        self.metric, self.task = metric, task
        self.id = 'task.' + task.name if task else '.'.join(metric)


def measures(lines, asked_tasks):
    """Those that occur: errors against the clean input (R, which is D where
    nothing was corrupted), against what was coded (G), tasks."""
    out = []
    for error in ('R', 'G'):
        there = set()
        for v in lines:
            e = summary.error_of(v, error)
            if isinstance(e, dict):
                there |= set(e)
        out += [Measure(label, 'dB' if field in summary.DECIBEL else '',
                        'higher', metric=(error, field))
                for field, label in summary.LABELS.items() if field in there]
    return out + [Measure(f'{t.name}: {t.measure}', t.unit, t.better, task=t)
                  for t in asked_tasks]


def means(lines, metrics):
    """[(mean, low, high)] of metrics over lines, all by the same draws."""
    table = np.full((len(lines), len(metrics)), NAN)
    for i, v in enumerate(lines):
        for k, (error, field) in enumerate(metrics):
            e = summary.error_of(v, error)
            value = e.get(field) if isinstance(e, dict) else None
            if _number(value, -MOST):
                table[i, k] = value
    good = np.isfinite(table)
    out = [(NAN,) * 3] * len(metrics)
    # columns with the same rows have one table
    for rows in {tuple(c) for c in good.T if c.any()}:
        columns = [k for k in range(len(metrics))
                   if tuple(good[:, k]) == rows]
        part = table[np.array(rows)][:, columns]
        low, high = stats.bootstrap(part) if len(part) > 1 else (
            np.full(len(columns), NAN),) * 2
        for j, k in enumerate(columns):
            out[k] = (float(part[:, j].mean()), float(low[j]), float(high[j]))
    return out


class Table:
    """All of one media. corruptions: [(kind or None, severity)], clean first;
    codecs: names; rows: {(corruption, codec, setting): (lines, rate, values)}
    with values (value, low, high, count) in the order of measures."""

    def __init__(self, lines):
        self.lines = lines
        self.media = summary.media_of(lines[0])
        self.unit = summary.UNITS.get(self.media, 'rate')
        self.tasks, self.left_out = asked(lines)
        self.measures = measures(lines, self.tasks)
        groups = summary.groups(lines)
        self.corruptions = sorted(groups, key=lambda c: (c[0] or '', c[1]))
        codecs = {k for g in groups.values() for k in g}
        # that which codes nothing is last: it is no codec
        self.codecs = sorted(codecs, key=lambda k: (k == NONE, k))
        metrics = [m.metric for m in self.measures if m.metric]
        self.rows = {}
        for c, by_codec in groups.items():
            for k, settings in by_codec.items():
                for s, these in settings.items():
                    values = [v + (len(these),)
                              for v in means(these, metrics)]
                    values += [score(t, [a for _, a in answers(t, these)])
                               for t in self.tasks]
                    self.rows[c, k, s] = (these, summary.rate(these), values)
        # tasks that have nothing to count in these files say nothing of them
        empty = [i for i, m in enumerate(self.measures)
                 if m.task and not any(math.isfinite(v[2][i][0])
                                       for v in self.rows.values())]
        for i in reversed(empty):
            task = self.measures.pop(i).task
            self.tasks.remove(task)
            self.left_out.append(f'{task.name}: nothing of it is in these '
                                 f'{self.media}s')
            for _, _, values in self.rows.values():
                values.pop(i)
        self.by = {}            # {(corruption, codec): [(rate, setting)]}
        for (c, k, s), (_, rate, _) in self.rows.items():
            self.by.setdefault((c, k), []).append((rate, s))
        for found in self.by.values():
            found.sort()

    def settings(self, c, k):
        """[(rate, setting)] of a codec, by rate."""
        return self.by.get((c, k), [])

    def curves(self, c, m):
        """{codec: [(rate, value, low, high)]} of the codecs that code."""
        out = {}
        for k in self.codecs:
            found = [(rate,) + self.rows[c, k, s][2][m][:3]
                     for rate, s in self.settings(c, k)
                     if k != NONE and rate > 0]
            found = [v for v in found if math.isfinite(v[1])]
            if found:
                out[k] = found
        return out

    def equal(self, c, m, count=4):
        """summary.at_rates() of a measure."""
        return summary.at_rates(self.curves(c, m), count)

    def heat(self):
        """(rates, {(rate's index, measure's index): {(corruption, codec):
        value}}): values of every set at a few rates of that very set."""
        rates = []
        for m in range(len(self.measures)):
            if not rates and self.corruptions:
                first = self.corruptions[0]
                rates = [r for r, _ in self.equal(first, m, RATES)]
        out = {}
        for m in range(len(self.measures)):
            for c in self.corruptions:
                for k, points in self.curves(c, m).items():
                    x, y = [p[0] for p in points], [p[1] for p in points]
                    for i, r in enumerate(rates):
                        v = stats.at_rate(x, y, r) if len(points) > 1 else NAN
                        if math.isfinite(v):
                            out.setdefault((i, m), {})[c, k] = v
        return rates, out


def density(bands, media):
    """Power of bands over the part of the spectrum that each covers, so that
    white noise is level; see spectralinspect. Pictures: rings and, last, the
    corners."""
    n = len(bands) - 1
    if media == 'sound' or n < 1:
        return np.asarray(bands, float) * max(1, len(bands))
    edge = np.arange(n + 1) / n
    area = np.append(math.pi / 4 * np.diff(edge ** 2), 1 - math.pi / 4)
    return np.asarray(bands, float) / area


def _mean_bands(lists, media):
    """Decibels of the mean density of lists of bands, as many as most have."""
    good = [v for v in lists if isinstance(v, list) and len(v) > 1
            and all(_number(x) for x in v)]
    if not good:
        return None
    sizes = [len(v) for v in good]
    size = max(set(sizes), key=sizes.count)
    mean = np.mean([v for v in good if len(v) == size], axis=0)
    return 10 * np.log10(np.maximum(density(mean, media), 1e-12))


def spectra(table):
    """({(corruption, codec, setting): {"R" or "G": [dB]}}, {corruption: {"C"
    or "ref": [dB]}}): radial spectra of errors, mean power over files. The last
    band of pictures is what lies beyond Nyquist's, the corners."""
    out, about = {}, {}
    for (c, k, s), (lines, _, _) in table.rows.items():
        for name in ('R', 'G', 'C', 'ref'):
            if name == 'C' and c in about and 'C' in about[c] \
                    or name == 'ref' and c in about and 'ref' in about[c]:
                continue
            lists = [v['metrics'].get('ref_bands') for v in lines] \
                if name == 'ref' else [
                    (summary.error_of(v, name) or {}).get('bands')
                    for v in lines
                    if isinstance(summary.error_of(v, name) or {}, dict)]
            got = _mean_bands(lists, table.media)
            if got is None or k == NONE and name in 'RG':
                continue
            if name in 'RG':
                out.setdefault((c, k, s), {})[name] = got
            else:
                about.setdefault(c, {})[name] = got
    return out, about
