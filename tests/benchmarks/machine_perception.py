#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables, curves and correlations of docs/evaluation/machine-perception.md.

    machine_perception.py RESULTS... --out machine-perception

RESULTS are folders of walloc-eval, one for each sweep. Writes OUT.json and OUT.png and
prints Markdown. Pictures count that have a result for every codec and setting of
their sweep. Intervals are 95 %, by drawing pictures anew; at every draw rates and
scores are taken of what was drawn.
"""
import argparse
import json
import math
import os
import sys

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from eval import stats, store, tasks  # noqa: E402

RATES = (0.06, 0.1, 0.16, 0.25, 0.4, 0.6, 1.0)
DRAWS = 1000
METRICS = {'psnr': 'PSNR', 'ssim': 'SSIM', 'ms_ssim': 'MS-SSIM'}
NONE = 'none'


def of_answer(task, answer):
    """What of an answer is added up over pictures: hits and trials [2, 1], or,
    of masks, intersection and union [2, classes]."""
    if 'union' in answer:
        return np.array([answer['intersection'], answer['union']], float)
    if 'characters' in answer:
        return np.array([[answer['wrong']], [answer['characters']]], float)
    return np.array(task.share(answer), float)[:, None]


def score(sums):
    """Per cent [...], of sums [..., 2, classes] (of what is no mask: 1)."""
    with np.errstate(invalid='ignore', divide='ignore'):
        return 100 * np.nanmean(sums[..., 0, :] / sums[..., 1, :], -1)


class Sweep:
    """One task on one set. values: {(codec, setting): [pictures, 2, classes]}
    of of_answer(); bits, pixels: [pictures]; metrics: {field: mean}."""

    def __init__(self, name, task, lines):
        self.name, self.task = name, task
        by = {}
        for v in lines:
            answer = v.get('answers', {}).get(task.name)
            if not v.get('error') and answer and 'error' not in answer:
                by.setdefault((v['codec'], v['setting']), {})[
                    v['input']] = (v, answer)
        if not any(c not in ('walloc', 'walloc-best') for c, _ in by):
            # latents: decoders do not matter
            by = {k: v for k, v in by.items() if k[0] == 'walloc'}
        whole = set.intersection(*[set(p) for p in by.values()])
        self.inputs = sorted(whole)
        self.points = sorted(by)
        self.values, self.bits, self.pixels, self.metrics = {}, {}, {}, {}
        for k, found in by.items():
            rows = [found[n] for n in self.inputs]
            values = [of_answer(task, a) for _, a in rows]
            size = max(v.shape[1] for v in values)
            self.values[k] = np.array([np.pad(v, (
                (0, 0), (0, size - v.shape[1]))) for v in values])
            self.bits[k] = np.array([8.0 * v['bytes'] for v, _ in rows])
            self.pixels[k] = np.array([float(v['width'] * v['height'])
                                       for v, _ in rows])
            self.metrics[k] = {m: float(np.mean([
                v['metrics']['error'][m] for v, _ in rows]))
                for m in METRICS}
            self.metrics[k]['invented'] = sum(a.get('invented', 0)
                                              for _, a in rows)
        rng = np.random.default_rng(1)
        n = len(self.inputs)
        # how often each picture was drawn; the first row is the set itself
        self.draws = np.concatenate([np.ones((1, n)), rng.multinomial(
            n, np.full(n, 1 / n), DRAWS)])
        self.codecs = sorted({c for c, _ in self.points} - {NONE})

    def curve(self, codec):
        """(rates, scores) [settings, 1 + DRAWS], by rate."""
        found = [k for k in self.points if k[0] == codec]
        rates = np.array([(self.draws @ self.bits[k])
                          / (self.draws @ self.pixels[k]) for k in found])
        scores = np.array([score(np.tensordot(
            self.draws, self.values[k], 1)) for k in found])
        order = np.argsort(rates[:, 0])
        return rates[order], scores[order]

    def at(self, codec, rate):
        """Scores at a rate [1 + DRAWS]; NaN where it is not within what was
        measured of the set. Draws may be a little beyond."""
        rates, scores = self.curve(codec)
        if not rates[0, 0] <= rate <= rates[-1, 0]:
            return np.full(1 + DRAWS, math.nan)
        return np.array([np.interp(math.log(rate), np.log(r), s)
                         for r, s in zip(rates.T, scores.T)])

    def uncompressed(self):
        if (NONE, 0) not in self.values:
            return None
        return score(np.tensordot(self.draws, self.values[NONE, 0], 1))

    def correlations(self):
        """{what: {"pearson", "spearman": (r, low, high)}} over codecs and
        settings; wrong characters count down."""
        keys = [k for k in self.points if k[0] != NONE]
        s = np.array([score(self.values[k].sum(0)) for k in keys])
        if self.task.better == 'lower':
            s = -s
        out = {}
        for m in (*METRICS, 'log rate'):
            x = [math.log(self.bits[k].sum() / self.pixels[k].sum())
                 if m == 'log rate' else self.metrics[k][m] for k in keys]
            out[m] = {'pearson': stats.pearson(x, s),
                      'spearman': stats.spearman(x, s), 'points': len(keys)}
        return out


def interval(draws):
    """(value, low, high)."""
    rest = draws[1:][np.isfinite(draws[1:])]
    if not math.isfinite(draws[0]) or not len(rest):
        return (math.nan,) * 3
    return (float(draws[0]), *(float(v) for v in np.percentile(
        rest, [2.5, 97.5])))


def said(v, digits=1):
    return '' if not math.isfinite(v[0]) else \
        f'{v[0]:.{digits}f} ({v[1]:.{digits}f} to {v[2]:.{digits}f})'


def row(cells):
    return '| ' + ' | '.join(cells) + ' |'


def tables(sweep, figures):
    """Markdown of scores at rates, and of differences."""
    rates = [r for r in RATES if sum(math.isfinite(sweep.at(c, r)[0])
                                     for c in sweep.codecs) > 1
             or len(sweep.codecs) < 3]
    out = [row(['codec'] + [f'{r:g} bpp' for r in rates]),
           '| --- ' * (1 + len(rates)) + '|']
    at = {(c, r): sweep.at(c, r) for c in sweep.codecs for r in rates}
    for c in sweep.codecs:
        out.append(row([c] + [said(interval(at[c, r])) for r in rates]))
    figures['at'] = {c: {f'{r:g}': interval(at[c, r]) for r in rates}
                     for c in sweep.codecs}
    plain = sweep.uncompressed()
    if plain is not None:
        figures['uncompressed'] = interval(plain)
        out.append(f'\nUncompressed: {said(interval(plain))}.')
    if 'walloc' in sweep.codecs and len(sweep.codecs) > 2:
        figures['less'] = {}
        out += ['', row(['less', *[f'{r:g} bpp' for r in rates]]),
                '| --- ' * (1 + len(rates)) + '|']
        for mine in ('walloc', 'walloc-best'):
            for c in sweep.codecs:
                if c.startswith('walloc'):
                    continue
                got = [interval(at[mine, r] - at[c, r]) for r in rates]
                figures['less'][f'{mine} - {c}'] = {
                    f'{r:g}': v for r, v in zip(rates, got)}
                out.append(row([f'{mine} - {c}'] + [
                    said((v[0], v[1], v[2])) for v in got]))
    return '\n'.join(out)


def draw(sweeps, path):
    import matplotlib
    matplotlib.use('Agg')
    import matplotlib.pyplot as plt
    colours = {'walloc': '#d62728', 'walloc-best': '#ff7f0e',
               'jpeg': '#7f7f7f', 'webp': '#2ca02c', 'jpeg2000': '#1f77b4',
               'avif': '#9467bd'}
    columns = 3
    rows = -(-len(sweeps) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(
        4.2 * columns, 3.4 * rows), squeeze=False)
    for ax in axes.flat[len(sweeps):]:
        ax.axis('off')
    for ax, (title, parts) in zip(axes.flat, sweeps):
        for sweep, style, mark in parts:
            for c in sweep.codecs:
                if style == '--' and c != 'walloc':
                    continue
                rates, scores = sweep.curve(c)
                low, high = np.nanpercentile(scores[:, 1:], [2.5, 97.5], 1)
                ax.plot(rates[:, 0], scores[:, 0], style, color=colours.get(c),
                        label=c + mark, marker='.', linewidth=1.3)
                if c in ('walloc', 'avif'):
                    ax.fill_between(rates[:, 0], low, high, alpha=.12,
                                    color=colours.get(c), linewidth=0)
            plain = sweep.uncompressed()
            if plain is not None and not mark:
                ax.axhline(plain[0], color='k', linewidth=.7, linestyle=':')
        ax.set_xscale('log')
        if parts[0][0].task.better == 'lower':
            ax.set_yscale('symlog', linthresh=1)
            ax.set_ylim(0, 100)
        ax.set_title(title, fontsize=9)
        ax.set_xlabel('bits per pixel', fontsize=8)
        ax.set_ylabel(f'{parts[0][0].task.measure}, %', fontsize=8)
        ax.tick_params(labelsize=7)
        ax.grid(alpha=.3, which='both', linewidth=.4)
    axes.flat[0].legend(fontsize=6)
    if len(sweeps[-1][1]) > 1:
        axes.flat[len(sweeps) - 1].legend(fontsize=6)
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('folders', nargs='+')
    p.add_argument('--out', required=True, help='without suffix')
    args = p.parse_args()
    figures, drawn, all_of = {}, [], []
    for folder in args.folders:
        lines = list(store.read(os.path.join(folder, 'results.jsonl'))[0]
                     .values())
        name, parts = os.path.basename(os.path.normpath(folder)), []
        entries = lines[0]['tasks']
        for entry in entries:
            task = tasks.make(entry)
            sweep = Sweep(name, task, lines)
            trials = sweep.values[sweep.points[0]][:, 1].sum() \
                if sweep.inputs else 0
            if not trials:
                continue
            title = f'{name}: {task.name}'
            mine = figures[title] = {
                'measure': task.measure, 'pictures': len(sweep.inputs),
                'trials': trials, 'inputs': [os.path.basename(n)
                                             for n in sweep.inputs],
                'points': {f'{c} {s:g}': {
                    'bpp': float(sweep.bits[c, s].sum()
                                 / sweep.pixels[c, s].sum()),
                    'score': interval(score(np.tensordot(
                        sweep.draws, sweep.values[c, s], 1))),
                    **sweep.metrics[c, s]} for c, s in sweep.points}}
            print(f'## {title}\n\n{task.measure}, {len(sweep.inputs)} '
                  f'pictures, {trials:.0f} trials\n')
            print(tables(sweep, mine), '\n')
            if len(sweep.codecs) > 2:
                mine['correlations'] = sweep.correlations()
                all_of.append((title, mine['correlations']))
            parts.append((sweep, '-' if len(sweep.codecs) > 2 else '--',
                          '' if len(sweep.codecs) > 2 else ', latents'))
        parts.sort(key=lambda v: v[1] != '-')
        if parts and parts[-1][1] == '--':
            drawn.append((name, parts))
        else:
            drawn += [(f'{name}: {v[0].task.name}', [v]) for v in parts]
    print('## Correlations\n')
    heads = [*METRICS.values(), 'log rate']
    print(row(['task', 'points'] + [f'{h}, {k}' for h in heads
                                    for k in ('r', 'rank')]))
    print('| --- ' * (2 + 2 * len(heads)) + '|')
    for title, c in all_of:
        print(row([title, str(c['psnr']['points'])] + [
            said(c[m][k], 2) for m in (*METRICS, 'log rate')
            for k in ('pearson', 'spearman')]))
    draw(drawn, args.out + '.png')
    with open(args.out + '.json', 'w') as f:
        json.dump(clean(figures), f, indent=0, sort_keys=True)
        f.write('\n')


def clean(v):
    """What JSON can hold: no NaN, five digits."""
    if isinstance(v, dict):
        return {k: clean(w) for k, w in v.items()}
    if isinstance(v, (list, tuple)):
        return [clean(w) for w in v]
    if isinstance(v, (float, np.floating)):
        return float(f'{v:.5g}') if math.isfinite(v) else None
    return v.item() if isinstance(v, np.generic) else v


if __name__ == '__main__':
    main()
