# SPDX-License-Identifier: LGPL-2.1-or-later
"""Codecs beside each other on the same files, and what measures say of tasks."""
import itertools
import math

from . import analysis, stats, summary

NEAR = 1.15                     # rates that differ by less are about equal
LIMIT = 4000                    # comparisons of one media


def by_file(task, lines):
    """{file: score of its answer alone}."""
    out = {}
    for line, a in analysis.answers(task, lines):
        value = analysis.score(task, [a])[0]
        if math.isfinite(value):
            out[analysis.file_of(line)] = value
    return out


def discordant(task, first, second):
    """(files better with the first only, with the second only, alike, p of the
    sign test); first, second: by_file(). Where a file is right or wrong, better
    is right where the other is wrong."""
    sign = -1 if task.better == 'lower' else 1
    differences = [sign * (first[f] - second[f])
                   for f in first if f in second]
    a = sum(d > 1e-9 for d in differences)
    b = sum(d < -1e-9 for d in differences)
    return a, b, len(differences) - a - b, stats.sign_test(a, b)


def near(first, second, count):
    """[((rate, setting), (rate, setting))] of two codecs' settings at about
    equal rates, at most count of them, spread over the rates."""
    found = []
    for a in first:
        b = min(second, default=None, key=lambda v: abs(
            math.log(max(v[0], 1e-12) / max(a[0], 1e-12))))
        if b and max(a[0], b[0]) <= NEAR * min(a[0], b[0]) \
                and b not in [f[1] for f in found]:
            found.append((a, b))
    if len(found) <= count:
        return found
    if count == 1:
        return [found[len(found) // 2]]
    return [found[round(i * (len(found) - 1) / (count - 1))]
            for i in range(count)]


def compare(table, limit=LIMIT):
    """([{"task", "corruption", "first", "second", "rates", "only", "alike",
    "p"}], whether some were left out): first, second: (codec, setting). Pairs of
    codecs at about equal rates, and each codec's settings beside uncompressed
    where that was measured."""
    out, memory = [], {}

    def files(task, c, k, s):
        key = task.name, c, k, s
        if key not in memory:
            memory[key] = by_file(task, table.rows[c, k, s][0])
        return memory[key]

    jobs = []
    for c in table.corruptions:
        settings = {k: table.settings(c, k) for k in table.codecs}
        settings = {k: v for k, v in settings.items() if v}
        code = [k for k in settings if k != analysis.NONE]
        for a, b in itertools.combinations(code, 2):
            jobs += [(i, c, (a, x), (b, y)) for i, (x, y) in enumerate(
                near(settings[a], settings[b], 3))]
        if analysis.NONE in settings:
            jobs += [(i, c, (a, x), (analysis.NONE,
                                     settings[analysis.NONE][0]))
                     for a in code for i, x in enumerate(settings[a])]
    jobs *= 1 if table.tasks else 0
    room = limit // max(1, len(table.tasks))
    # the first of each pair of codecs before the second of any
    kept = sorted(jobs, key=lambda j: j[0])[:room]
    for _, c, (a, (ra, sa)), (b, (rb, sb)) in kept:
        for task in table.tasks:
            first, second = files(task, c, a, sa), files(task, c, b, sb)
            only_a, only_b, alike, p = discordant(task, first, second)
            if only_a + only_b + alike:
                out.append({'task': task.name, 'corruption': c,
                            'first': (a, sa), 'second': (b, sb),
                            'rates': (ra, rb), 'only': (only_a, only_b),
                            'alike': alike, 'p': p})
    return out, len(kept) < len(jobs)


def correlations(table, clean=False):
    """[{"measure", "task", "count", "pearson", "spearman"}] over all (codec,
    setting, corruption): measure is an id, or "log rate"; NaN for fewer than
    4 points. What is not different at all, and the rate of what was not coded,
    do not count. clean: only of clean files."""
    rows = [(k, rate, values) for (c, k, s), (_, rate, values)
            in table.rows.items() if not (clean and c[0])]
    out = []
    metrics = [(i, m) for i, m in enumerate(table.measures)
               if m.metric and m.metric[0] == 'R']
    for t, task in enumerate(table.measures):
        if not task.task:
            continue
        for i, m in metrics + [(None, None)]:
            if m is None:
                name = 'log rate'
                points = [(math.log2(rate), v[t][0]) for k, rate, v in rows
                          if k != analysis.NONE and rate > 0]
            else:
                name = m.id
                points = [(v[i][0], v[t][0]) for k, _, v in rows
                          if not (m.metric[1] in summary.DECIBEL
                                  and v[i][0] >= analysis.LOSSLESS)]
            points = [p for p in points
                      if math.isfinite(p[0]) and math.isfinite(p[1])]
            x, y = [p[0] for p in points], [p[1] for p in points]
            out.append({'measure': name, 'task': task.id,
                        'count': len(points),
                        'pearson': stats.pearson(x, y),
                        'spearman': stats.spearman(x, y)})
    return out
