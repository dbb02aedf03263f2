# SPDX-License-Identifier: LGPL-2.1-or-later
"""Figures with their uncertainty, and pictures of them."""
import json
import math
import os

import numpy as np


def wilson(right, count, z=1.96):
    """(low, high): Wilson's interval of a proportion, 95 % by default.
    Source: Wilson 1927, doi 10.1080/01621459.1927.10502953."""
    if count == 0:
        return 0.0, 1.0
    p, zz = right / count, z * z
    middle = (p + zz / (2 * count)) / (1 + zz / count)
    half = z / (1 + zz / count) * math.sqrt(
        p * (1 - p) / count + zz / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def paired(a, b):
    """Compare two readers on the same items.

    a, b: truth of each answer. dict: only_a, only_b (discordant counts), both,
    neither, p (exact two-sided sign test of only_a against only_b, McNemar),
    points (a less b, percentage points), points_low, points_high (95 %, by the
    normal approximation of paired differences)."""
    a, b = np.asarray(a, bool), np.asarray(b, bool)
    if a.shape != b.shape or a.ndim != 1 or not len(a):
        raise ValueError('two equally long lists of answers are wanted')
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    n, low = only_a + only_b, min(only_a, only_b)
    p = min(1.0, 2 * sum(math.comb(n, i) for i in range(low + 1)) / 2 ** n)
    d = a.astype(float) - b
    half = 1.96 * d.std(ddof=1) / math.sqrt(len(d)) if len(d) > 1 else 1.0
    return dict(only_a=only_a, only_b=only_b, both=int((a & b).sum()),
                neither=int((~a & ~b).sum()), p=p, points=100 * d.mean(),
                points_low=100 * (d.mean() - half),
                points_high=100 * (d.mean() + half))


def confusion(truth, answer, classes):
    """Counts [classes, classes]: row is the truth, column the answer."""
    out = np.zeros((classes, classes), int)
    np.add.at(out, (np.asarray(truth), np.asarray(answer)), 1)
    return out


def recipe(args):
    """What a run was told, for a file that others read: a dict of args
    (argparse.Namespace), with absolute paths cut to their last name."""
    return {k: os.path.basename(v.rstrip('/'))
            if isinstance(v, str) and os.path.isabs(v) else v
            for k, v in vars(args).items()}


def write_json(path, figures):
    """Write figures (numpy numbers and arrays too) as JSON, sorted."""
    def plain(x):
        if isinstance(x, np.ndarray):
            return x.tolist()
        if isinstance(x, np.generic):
            return x.item()
        raise TypeError(f'{type(x)} in figures')

    with open(path + '.part', 'w') as f:
        json.dump(figures, f, indent=1, sort_keys=True, default=plain)
        f.write('\n')
    os.replace(path + '.part', path)


def figure(columns=1, width=5.0, height=3.6):
    """(figure, list of axes) without a display."""
    import matplotlib
    matplotlib.use('Agg')
    import matplotlib.pyplot as plt
    f, axes = plt.subplots(1, columns, figsize=(width * columns, height),
                           squeeze=False)
    return f, list(axes[0])


def save(f, path):
    """Write a figure as PNG and forget it."""
    import matplotlib.pyplot as plt
    f.tight_layout()
    f.savefig(path, dpi=110)
    plt.close(f)


def draw_confusion(axes, counts, labels, title=''):
    """Confusion matrix: shades are shares of the row, numbers are counts."""
    share = counts / np.maximum(1, counts.sum(1, keepdims=True))
    axes.imshow(share, cmap='Blues', vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)))
    axes.set_xticklabels(labels, rotation=45, ha='right', fontsize=8)
    axes.set_yticks(range(len(labels)))
    axes.set_yticklabels(labels, fontsize=8)
    if len(labels) <= 24:
        for (y, x), n in np.ndenumerate(counts):
            if n:
                axes.text(x, y, str(n), ha='center', va='center', fontsize=7,
                          color='white' if share[y, x] > .5 else 'black')
    axes.set_xlabel('answer')
    axes.set_ylabel('truth')
    axes.set_title(title, fontsize=10)


def draw_curves(axes, curves, xlabel, ylabel, title=''):
    """curves: {name: (x, y) or (x, y, low, high)}; bars where there are
    bounds."""
    for name, curve in curves.items():
        x, y = np.asarray(curve[0], float), np.asarray(curve[1], float)
        if len(curve) == 4:
            low, high = (np.asarray(v, float) for v in curve[2:])
            axes.errorbar(x, y, [y - low, high - y], label=name, capsize=2,
                          marker='.', linewidth=1)
        else:
            axes.plot(x, y, label=name, linewidth=1)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=.3)
    axes.legend(fontsize=8)
