#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Gather the validation gains of train_decoder.py's JSON curves, and draw
them: a panel per decoder, its runs one after the other.

    python3 plot_curve.py --out photo-1 fast=fast-a.json,fast-b.json \
        best=best.json

writes photo-1.json and photo-1.png.
"""
import argparse
import json

import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402


def gather(paths):
    rows, start = [], 0
    for path in paths:
        with open(path) as f:
            curve = json.load(f)
        for row in curve:
            rows.append(dict(row, minutes=round(start + row['minutes'], 2),
                             run=path.rsplit('/', 1)[-1]))
        start += curve[-1]['minutes']
    return rows


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('decoders', nargs='+', metavar='NAME=JSON[,JSON...]')
    p.add_argument('--out', required=True, help='path without suffix')
    args = p.parse_args()
    curves = {}
    for text in args.decoders:
        name, paths = text.split('=')
        curves[name] = gather(paths.split(','))
    fig, axes = plt.subplots(1, len(curves), figsize=(5 * len(curves), 4),
                             sharey=True, squeeze=False)
    for ax, (name, rows) in zip(axes[0], curves.items()):
        for index in rows[-1]['val_gain_db']:
            ax.plot([r['minutes'] for r in rows],
                    [r['val_gain_db'][index] for r in rows],
                    label='step %.0f' % 2 ** (int(index) / 16))
        ax.set_title(name)
        ax.set_xlabel('minutes of training')
        ax.grid(alpha=.3)
    axes[0][0].set_ylabel('dB over the linear decoder')
    axes[0][0].legend()
    fig.tight_layout()
    fig.savefig(args.out + '.png', dpi=100)
    with open(args.out + '.json', 'w') as f:
        json.dump(curves, f, indent=1)


if __name__ == '__main__':
    main()
