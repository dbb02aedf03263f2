#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables, curves and correlations of docs/evaluation/machine-sound.md.

usage: machine_sound.py NAME=RESULTS... --out machine-sound

RESULTS are folders of walloc-eval, one for each sweep of sounds. Writes OUT.json and
OUT.png and prints Markdown. Sounds count that have a result for every codec and
setting of their sweep. Intervals are 95 %, by drawing sounds anew; at every draw
rates and scores are those of what was drawn.
"""
import argparse
import json
import math
import os
import sys

import numpy as np

import common

sys.path.insert(0, os.path.join(common.ROOT, 'tools'))
from eval import stats, store, tasks  # noqa: E402

RATES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96)
DRAWS = 1000
METRICS = {'snr': 'SNR', 'si_sdr': 'SI-SDR'}
NONE, OURS = 'none', 'wallocaudio'


def of_answer(answer):
    """(counted, of how many): wrong words, right labels or frames, or one ratio
    in dB."""
    if 'words' in answer:
        return answer['wrong'], answer['words']
    if 'stems' in answer:
        return answer['value'], 1
    if 'frames' in answer:
        return answer['right'], answer['frames']
    return answer['right'], 1


class Asked:
    """One task of a sweep. values [points][sounds, 2], bits, seconds."""

    def __init__(self, sweep, task, lines, rng):
        self.sweep, self.task = sweep, task
        by = {}
        for v in lines:
            answer = v.get('answers', {}).get(task.name)
            if not v.get('error') and answer and 'error' not in answer \
                    and of_answer(answer)[0] is not None:
                by.setdefault((v['codec'], v['setting']), {})[
                    v['input']] = (v, answer)
        if not any(c != NONE and not c.startswith(OURS) for c, _ in by):
            # on latents: decoders do not matter
            by = {k: v for k, v in by.items() if k[0] == OURS}
        self.inputs = sorted(set.intersection(*map(set, by.values())))
        self.points = sorted(by)
        rows = {k: [found[n] for n in self.inputs] for k, found in by.items()}
        self.values = {k: np.array([of_answer(a) for _, a in r], float)
                       for k, r in rows.items()}
        self.bits = {k: np.array([8e-3 * v['bytes'] for v, _ in r])
                     for k, r in rows.items()}
        self.seconds = np.array([v['seconds'] for v, _ in rows[
            self.points[0]]])
        self.metrics = {k: {m: float(np.mean([
            v['metrics']['error'][m] for v, _ in r])) for m in METRICS}
            for k, r in rows.items()}
        n = len(self.inputs)
        # which sounds are drawn; first the set itself
        self.draws = np.concatenate([np.arange(n)[None], rng.integers(
            n, size=(DRAWS, n))])
        self.codecs = sorted({c for c, _ in self.points} - {NONE})

    def score(self, key):
        """[1 + DRAWS]: per cent of all that was drawn, or the median of dB."""
        v = self.values[key][self.draws]
        if self.task.unit == 'dB':
            return np.median(v[..., 0], 1)
        return 100 * v[..., 0].sum(1) / v[..., 1].sum(1)

    def rate(self, key):
        return self.bits[key][self.draws].sum(1) / self.seconds[
            self.draws].sum(1)

    def curve(self, codec):
        """(rates, scores) [settings, 1 + DRAWS], by rate."""
        found = [k for k in self.points if k[0] == codec]
        rates = np.array([self.rate(k) for k in found])
        scores = np.array([self.score(k) for k in found])
        order = np.argsort(rates[:, 0])
        return rates[order], scores[order]

    def at(self, codec, rate):
        """Scores at a rate [1 + DRAWS]; None where it was not measured on both
        sides."""
        rates, scores = self.curve(codec)
        if len(rates) < 2 or not rates[0, 0] <= rate <= rates[-1, 0]:
            return None
        return np.array([np.interp(math.log(rate), np.log(r), s)
                         for r, s in zip(rates.T, scores.T)])

    def correlations(self):
        """{metric: {"pearson", "spearman": (r, low, high)}} over codecs and
        settings; what is wrong counts down."""
        keys = [k for k in self.points if k[0] != NONE]
        s = np.array([self.score(k)[0] for k in keys])
        if self.task.better == 'lower':
            s = -s
        out = {}
        for m in (*METRICS, 'log rate'):
            x = [math.log(self.rate(k)[0]) if m == 'log rate'
                 else self.metrics[k][m] for k in keys]
            out[m] = {'pearson': stats.pearson(x, s),
                      'spearman': stats.spearman(x, s), 'points': len(keys)}
        return out


def told(draws, digits=1):
    """"value (low to high)" of a row of draws."""
    low, high = np.percentile(draws[1:], [2.5, 97.5])
    return f'{draws[0]:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})'


def level(asked):
    """Rows of the table at equal rates; bold: the interval of the difference to
    ours is on one side of 0."""
    rows = []
    for rate in RATES:
        ours = asked.at(OURS, rate)
        row = [f'{rate}']
        for codec in asked.codecs:
            got = asked.at(codec, rate)
            text = '' if got is None else told(got)
            if got is not None and ours is not None and codec != OURS:
                low, high = np.percentile((got - ours)[1:], [2.5, 97.5])
                text = f'**{text}**' if low > 0 or high < 0 else text
            row.append(text)
        if sum(bool(v) for v in row[1:]) >= min(2, len(asked.codecs)):
            rows.append(row)
    return rows


def report(asked):
    unit = asked.task.unit
    parts = [f'### {asked.sweep}: {asked.task.name}', '',
             f'{len(asked.inputs)} sounds, {asked.seconds.sum():.0f} s; '
             f'{asked.task.measure}, {unit}; {asked.task.better} is better.'
             + (' Not coded: ' + told(asked.score((NONE, 0))) + '.'
                if (NONE, 0) in asked.values else ''), '',
             common.table(['kbit/s'] + asked.codecs, level(asked)), '']
    return parts


def points(asked):
    """The table of what was measured."""
    rows = []
    for key in asked.points:
        if key[0] != NONE:
            rows.append([key[0], f'{key[1]:g}', f'{asked.rate(key)[0]:.2f}']
                        + [f'{asked.metrics[key][m]:.2f}' for m in METRICS]
                        + [told(asked.score(key))])
    return [f'### {asked.sweep}: {asked.task.name}, as measured', '',
            common.table(['codec', 'setting', 'kbit/s']
                         + [f'{v} dB' for v in METRICS.values()]
                         + [f'{asked.task.measure}, {asked.task.unit}'],
                         rows), '']


def correlated(all_asked):
    rows = []
    for asked in all_asked:
        for m, v in asked.correlations().items():
            rows.append([asked.sweep, asked.task.name, METRICS.get(m, m)] + [
                f'{v[k][0]:.2f} ({v[k][1]:.2f} to {v[k][2]:.2f})'
                for k in ('pearson', 'spearman')] + [v['points']])
    return [common.table(['sweep', 'task', 'measure', 'Pearson', 'Spearman',
                          'points'], rows), '']


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('results', nargs='+', metavar='NAME=RESULTS')
    p.add_argument('--out', default='machine-sound')
    args = p.parse_args()
    rng, every, panels = np.random.default_rng(1), [], []
    for text in args.results:
        name, _, folder = text.partition('=')
        lines = list(store.read(os.path.join(folder, 'results.jsonl'))[
            0].values())
        for task, _ in tasks.scores(lines).values():
            every.append(Asked(name, task, lines, rng))
    data = {'command': common.command_line(), 'machine': common.machine(),
            'tasks': []}
    for asked in every:
        panels.append({
            'curves': {c: [(float(r), float(s)) for r, s in zip(
                *(v[:, 0] for v in asked.curve(c)))] for c in asked.codecs},
            'x': 'kbit/s', 'y': f'{asked.task.measure}, {asked.task.unit}',
            'title': f'{asked.sweep}: {asked.task.name}', 'log': True})
        data['tasks'].append({
            'sweep': asked.sweep, 'task': asked.task.name,
            'measure': asked.task.measure, 'unit': asked.task.unit,
            'sounds': [os.path.basename(n) for n in asked.inputs],
            'points': [{
                'codec': k[0], 'setting': k[1],
                'kbps': round(float(asked.rate(k)[0]), 3),
                'score': [round(float(v), 3) for v in (
                    asked.score(k)[0], *np.percentile(
                        asked.score(k)[1:], [2.5, 97.5]))],
                **{m: round(v, 3) for m, v in asked.metrics[k].items()}}
                for k in asked.points],
            'correlations': asked.correlations()})
    common.plot_curves(args.out + '.png', panels)
    with open(args.out + '.json', 'w', encoding='utf-8') as f:
        json.dump(data, f, indent=1)
        f.write('\n')
    parts = sum([report(a) for a in every], []) + correlated(every) \
        + sum([points(a) for a in every], [])
    print('\n'.join(parts))


if __name__ == '__main__':
    main()
