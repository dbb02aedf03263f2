#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What train_lossy.py's networks say of coded test pictures, against controls.

    python3 test_lossy.py SET NETS --out report     # report.json, report.png

Every network answers for every coding of the test pictures. Two questions, both
on the same pictures:
  gain   a network less its control, which was trained on uncompressed pictures
         in the same way: does lossy training help there?
  rise   a coding less uncompressed, of one network: does compression raise its
         score?
A difference has the interval of two crossed samples, pictures and seeds, as
both were drawn; p is for all differences of a table together (Holm). Beside it are
the pictures of which only one of the two is right, and in how many seeds a sign
test by itself says the same.

Answers are kept in NETS; what is there is not asked again.
"""
import argparse
import itertools
import json
import math
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, '..', '..', 'tools'))
import report  # noqa: E402
from eval import stats  # noqa: E402
from lossy_set import TEST, Set  # noqa: E402
from progress import Progress  # noqa: E402


def seed_spread(tables):
    """(variance of d between seeds beyond what pictures explain, degrees of
    freedom) of differences d [seeds, pictures] of several networks, which are
    taken to vary alike: two or three seeds of one alone say next to nothing of
    it. (0, 0) where none has two seeds."""
    total, df = 0.0, 0
    for d in tables:
        d = np.asarray(d, float)
        s, n = d.shape
        if s > 1:
            mean, by_seed, by_picture = d.mean(), d.mean(1), d.mean(0)
            rest = (np.square(d - by_seed[:, None] - by_picture + mean).sum()
                    / ((s - 1) * (n - 1)))
            total += (s - 1) * (by_seed.var(ddof=1) - rest / n)
            df += s - 1
    return (max(0.0, total / df), df) if df else (0.0, 0)


def crossed(d, spread=None):
    """Mean of d [seeds, pictures], both random: dict of mean, low, high (95 %)
    and p that the mean is 0. spread: of seed_spread(); None: of d alone.

    Two-way analysis of variance without repetition, degrees of freedom by
    Satterthwaite 1946. Where spread knows nothing, the interval is of pictures
    only."""
    from scipy.stats import t
    d = np.asarray(d, float)
    s, n = d.shape
    if n < 2:
        raise ValueError('two or more pictures are wanted')
    between, df = seed_spread([d]) if spread is None else spread
    mean, pictures, seeds = d.mean(), d.mean(0).var(ddof=1) / n, between / s
    error = math.sqrt(pictures + seeds)
    if error == 0:
        return dict(mean=mean, low=mean, high=mean, p=float(mean == 0))
    df = error ** 4 / (pictures ** 2 / (n - 1)
                       + (seeds ** 2 / df if df else 0))
    half = t.ppf(.975, df) * error
    return dict(mean=mean, low=mean - half, high=mean + half,
                p=2 * t.sf(abs(mean) / error, df))


def holm(ps):
    """Each p, made greater so that of all of them together no more than its
    share are chance. S. Holm, 1979."""
    order, out, least = np.argsort(ps), np.empty(len(ps)), 0.0
    for rank, i in enumerate(order):
        least = max(least, min(1.0, (len(ps) - rank) * ps[i]))
        out[i] = least
    return out.tolist()


def pair(a, b, spread=None):
    """a less b, right answers bool [seeds, pictures] both: crossed(), in
    points, and counts of every seed."""
    d = crossed(a.astype(float) - b, spread)
    first = (a & ~b).sum(1)
    second = (b & ~a).sum(1)
    up = sum(bool(stats.sign_test(int(i), int(j)) < .05 and (i > j)
                  == (d['mean'] > 0)) for i, j in zip(first, second))
    return dict(points=100 * d['mean'], low=100 * d['low'],
                high=100 * d['high'], p=d['p'], only_first=first.tolist(),
                only_second=second.tolist(), seeds_alone=up)


def adjust(table):
    """Give all differences of {name: {cell: pair()}} their common p."""
    flat = [v for row in table.values() for v in row.values()]
    for v, p in zip(flat, holm([v['p'] for v in flat])):
        v['p_holm'] = p


def score(right):
    """Accuracy of right answers bool [seeds, pictures], in percent: mean of the
    seeds, Wilson's interval of as many pictures, each seed's."""
    n = right.shape[1]
    low, high = stats.wilson(right.mean() * n, n)
    return dict(mean=100 * right.mean(), low=100 * low, high=100 * high,
                seeds=(100 * right.mean(1)).tolist())


def control_of(name):
    """The network that differs from this one in having seen no lossy picture;
    itself, if it is that."""
    if name.startswith('second-after-'):
        return 'second-after-clean'
    return 'clean-then-clean' if '-then-' in name else 'clean'


def ask(store, folder, name, seed, cells, device):
    """({cell: answers uint8 [n]}, truth [n])."""
    import torch
    import train_lossy
    path = os.path.join(folder, f'{name}-{seed}.npz')
    said = dict(np.load(path)) if os.path.exists(path) else {}
    net, recipe = train_lossy.load(folder, name, seed)
    test = train_lossy.Pictures(store, 'test', ['clean'], recipe.classes)
    lacking = [c for c in cells if c not in said]
    net = net.to(device, memory_format=torch.channels_last)
    for cell in lacking:
        said[cell] = train_lossy.answers(
            net, store.read('test', cell)[test.rows], device)
    if lacking:
        with open(path + '.part', 'wb') as f:
            np.savez_compressed(f, **said)
        os.replace(path + '.part', path)
    return said, test.labels


def rounded(x):
    """Figures with as many digits as tell something."""
    if isinstance(x, dict):
        return {k: rounded(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [rounded(v) for v in x]
    if isinstance(x, (float, np.floating)):
        return float(f'{x:.4g}')
    return x


def compare(right):
    """{network: {cell: bool [seeds, pictures]}} to the figures of all
    questions. Where a control has more seeds, or fewer, the first that both
    have are compared."""
    out = dict(accuracy={n: {c: score(v) for c, v in by.items()}
                         for n, by in right.items()}, gain={}, rise={})
    sides = dict(gain={}, rise={})
    for name, by in right.items():
        other = right.get(control_of(name))
        if other is not None and control_of(name) != name:
            k = min(len(by['clean']), len(other['clean']))
            sides['gain'][name] = {c: (v[:k], other[c][:k])
                                   for c, v in by.items()}
        sides['rise'][name] = {c: (v, by['clean']) for c, v in by.items()
                               if c != 'clean'}
    for key, table in sides.items():
        for name, by in table.items():
            alike = [n for n in table if control_of(n) == control_of(name)]
            out[key][name] = {c: pair(a, b, seed_spread(
                [np.subtract(*table[n][c], dtype=float) for n in alike]))
                for c, (a, b) in by.items()}
    adjust(out['gain'])
    adjust(out['rise'])
    return out


def best_of(figures, control='clean'):
    """Of every network that has this control: its best coding, beside what the
    control says of uncompressed pictures."""
    top = figures['accuracy'][control]['clean']['mean']
    rows = {}
    for name, by in figures['accuracy'].items():
        if control_of(name) == control:
            cell = max(by, key=lambda c: by[c]['mean'])
            rows[name] = dict(cell=cell, mean=by[cell]['mean'],
                              less_control=by[cell]['mean'] - top)
    return rows


def table(rows):
    return '\n'.join('| ' + ' | '.join(r) + ' |' for r in (
        rows[0], ['---'] * len(rows[0]), *rows[1:]))


def span(v):
    """Points with their interval, in bold where Holm's p is below 0.05."""
    text = f'{v["points"]:+.2f} ({v["low"]:+.2f} to {v["high"]:+.2f})'
    return f'**{text}**' if v['p_holm'] < .05 else text


def markdown(figures, groups, show=()):
    """Tables for a page: of every group of networks the accuracies, the gains
    and what rises; the last two of the codings `show`, or all."""
    cells = list(figures['cells'])
    show = [c for c in cells if c in show or not show]
    parts = [table([['coding', 'bytes a picture', 'bpp', 'PSNR, dB',
                     'control, % right']] + [
        [c, *(f'{f[k]:{w}}' if f.get(k) else '' for k, w in (
            ('bytes_per_picture', '.0f'), ('bpp', '.2f'), ('psnr', '.1f'))),
         '{mean:.2f} ({low:.2f} to {high:.2f})'.format(
             **figures['accuracy']['clean'][c])]
        for c, f in figures['cells'].items()])]
    for names in groups:
        names = [n for n in names if n in figures['accuracy']]
        acc = figures['accuracy']
        parts.append(table([['trained on', *cells]] + [
            [n, *(f'{acc[n][c]["mean"]:.1f}' for c in cells)]
            for n in names]))
        gains = [n for n in names if n in figures['gain']]
        parts.append(table([['less control', *gains]] + [
            [c, *(span(figures['gain'][n][c]) for n in gains)]
            for c in show]))
        parts.append(table([['less uncompressed', *names]] + [
            [c, *(span(figures['rise'][n][c]) for n in names)]
            for c in show if c != 'clean']))
    return '\n\n'.join(parts)


def draw(figures, names, path):
    """Two heat maps: what lossy training gains, and what coding raises."""
    import matplotlib
    matplotlib.use('Agg')
    import matplotlib.pyplot as plt
    cells = list(figures['cells'])
    names = [n for n in names if n in figures['accuracy']]
    f, axes = plt.subplots(2, 1, figsize=(13, 1.8 + .62 * len(names)))
    for axis, key, title in (
            (axes[0], 'gain', 'gain: points over the control (trained on '
             'uncompressed pictures) on the same test pictures'),
            (axes[1], 'rise', 'rise: points over uncompressed test pictures, '
             'same network')):
        of = [n for n in names if n in figures[key]]
        v = [[figures[key][n].get(c) for c in cells] for n in of]
        grid = np.array([[x['points'] if x else np.nan for x in r] for r in v])
        axis.imshow(np.clip(grid, -6, 6), cmap='RdBu', vmin=-6, vmax=6,
                    aspect='auto')
        for (y, x), g in np.ndenumerate(grid):
            if np.isfinite(g):
                sure = v[y][x]['p_holm'] < .05
                axis.text(x, y, f'{g:+.1f}', ha='center', va='center',
                          fontsize=7.5, weight='bold' if sure else 'normal',
                          color='white' if abs(g) > 4 else 'black')
        axis.set_xticks(range(len(cells)), cells, rotation=40, ha='right',
                        fontsize=8)
        axis.set_yticks(range(len(of)), of, fontsize=8)
        axis.set_xlabel('test pictures')
        axis.set_ylabel('trained on')
        axis.set_title(title + '; bold: beyond chance', fontsize=10)
    report.save(f, path)


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('set', help='folder that lossy_set.py made')
    p.add_argument('nets', help='folder that train_lossy.py made')
    p.add_argument('--out', required=True, help='path without suffix')
    p.add_argument('--seeds', default='1,2,3,4,5')
    p.add_argument('--codings', nargs='*', default=TEST)
    p.add_argument('--show', nargs='*', default=(), metavar='CODING',
                   help='in the tables of differences; all are in the JSON')
    p.add_argument('--device', default='cpu', help='cuda where there is one')
    p.add_argument('--threads', type=int, default=1)
    args = p.parse_args()
    import torch
    import train_lossy
    torch.set_num_threads(args.threads)
    store, seeds = Set(args.set), [int(s) for s in args.seeds.split(',')]
    if 'clean' not in args.codings:
        raise ValueError('--codings must have clean among them')
    names = [n for n in train_lossy.networks() if not n.startswith('first-')]
    # seeds that are compared are the same ones: up to the first that lacks
    there = {n: list(itertools.takewhile(lambda s: os.path.exists(
        train_lossy.path_of(args.nets, n, s)), seeds)) for n in names}
    names = [n for n in names if there[n]]
    if 'clean' not in names:
        raise ValueError(f'{args.nets} has not seed {seeds[0]} of the control; '
                         'run train_lossy.py')
    right, course = {}, {}
    with Progress(sum(map(len, there.values())), 'test') as bar:
        for name in names:
            got = []
            for seed in there[name]:
                said, truth = ask(store, args.nets, name, seed, args.codings,
                                  args.device)
                got.append({c: said[c] == truth for c in args.codings})
                bar.step()
            right[name] = {c: np.stack([g[c] for g in got])
                           for c in args.codings}
            course[name] = [json.loads(torch.load(
                train_lossy.path_of(args.nets, name, s),
                weights_only=True)['course']) for s in there[name]]
    figures = compare(right)
    figures.update(
        cells={c: store.facts('test', c) for c in args.codings},
        training={n: dict(
            val=[max(100 * e['val'] for e in c) for c in course[n]],
            cpu_seconds=[c[-1]['cpu_seconds'] for c in course[n]],
            parts={q: store.facts('train', q)
                   for q in train_lossy.networks()[n].parts})
            for n in names},
        best=best_of(figures), seeds={n: there[n] for n in names},
        pictures={n: int(v['clean'].shape[1]) for n, v in right.items()})
    report.write_json(args.out + '.json', rounded(figures))
    groups = [[n for n in names if control_of(n) == 'clean'],
              [n for n in names if '-then-' in n],
              [n for n in names if n.startswith('second-')]]
    draw(figures, groups[0], args.out + '.png')
    print(markdown(figures, [g for g in groups if g], args.show))


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError) as e:
        sys.exit(f'test_lossy.py: {e}')
