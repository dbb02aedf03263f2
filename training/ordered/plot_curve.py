#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draw the validation gain of train_decoder.py's JSON curves, one after the
other.

    python3 plot_curve.py --out photo-1.png fast.json [fast2.json ...]
"""
import argparse
import json

import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('curves', nargs='+')
    p.add_argument('--out', required=True)
    args = p.parse_args()
    points, start = {}, 0
    for path in args.curves:
        with open(path) as f:
            curve = json.load(f)
        for row in curve:
            for index, gain in row['val_gain_db'].items():
                points.setdefault(int(index), []).append(
                    (start + row['minutes'], gain))
        start += curve[-1]['minutes']
    fig, ax = plt.subplots(figsize=(7, 4))
    for index in sorted(points):
        ax.plot(*zip(*points[index]), label='step %.0f' % 2 ** (index / 16))
    ax.set_xlabel('minutes of training')
    ax.set_ylabel('dB over the linear decoder')
    ax.legend()
    ax.grid(alpha=.3)
    fig.tight_layout()
    fig.savefig(args.out, dpi=110)


if __name__ == '__main__':
    main()
