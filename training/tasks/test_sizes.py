#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A classifier (export_classify.py) on test pictures of other sizes, with its
latents resampled to the size it was made for, and as they are.

    python3 test_sizes.py SET NAME.onnx --sides 384,1440 --out REPORT

Every test picture of the set is made anew from its file, with the shorter
side reduced or enlarged to each of the sides; answers are libwalloc's. Writes
REPORT.json and prints a table; intervals are Wilson's, 95 %, of the
difference those of pairs.
"""
import argparse
import json
import os
import sys

import numpy as np
from PIL import Image

import report
from latents import Codec, WallocError
from pictures import load
from progress import Progress
from streams import SPLITS, FrameSet
from time_classify import Network


def sized(rgb, side):
    """With a shorter side of so many pixels."""
    h, w = rgb.shape[:2]
    scale = side / min(h, w)
    if scale == 1:
        return rgb
    return np.asarray(Image.fromarray(rgb).resize(
        (round(w * scale), round(h * scale)),
        Image.LANCZOS if scale < 1 else Image.BICUBIC))


def answers(codec, frame, resampled, plain):
    """Classes that both take a frame for."""
    info = codec.info(frame)
    values = codec.latents(frame, resampled.channels)
    return [int(net.run(values, info.width, info.height).argmax())
            for net in (resampled, plain)]


def figures_of(got, labels):
    """Dict of a side and quality: accuracy with intervals, pairs."""
    out = {}
    right = np.array(got) == np.array(labels)[:, None]
    for name, r in zip(('resampled', 'as it is'), right.T):
        low, high = report.wilson(int(r.sum()), len(r))
        out[name] = dict(right=int(r.sum()), count=len(r),
                         accuracy=float(r.mean()), low=low, high=high)
    out['paired'] = report.paired(right[:, 0], right[:, 1])
    return out


def table(figures):
    rows = [['shorter side', 'quality', 'resampled', 'as it is',
             'difference, points']]
    for side, by in figures['sides'].items():
        for q, v in by.items():
            pair = v['paired']
            rows.append([side, q, *(
                f'{100 * v[n]["accuracy"]:.1f} ({100 * v[n]["low"]:.1f} to '
                f'{100 * v[n]["high"]:.1f})' for n in (
                    'resampled', 'as it is')),
                f'{pair["points"]:+.1f} ({pair["points_low"]:+.1f} to '
                f'{pair["points_high"]:+.1f})'])
    rows.insert(1, ['---'] * 5)
    return '\n'.join('| ' + ' | '.join(r) + ' |' for r in rows)


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('set')
    p.add_argument('net', help='.onnx file')
    p.add_argument('--sides', default='384,1440')
    p.add_argument('--qualities', default='10,50')
    p.add_argument('--split', choices=SPLITS[1:], default='test')
    p.add_argument('--precision', default='fastest',
                   choices=('f32', 'bf16', 'int8', 'fastest'))
    p.add_argument('--out', required=True, help='REPORT of .json')
    args = p.parse_args()
    frames = FrameSet(args.set)
    nets = [Network(args.net, args.precision) for _ in range(2)]
    if not nets[0].size:
        raise ValueError(f'{args.net} does not say its size (walloc.size)')
    if json.loads(nets[0].net.metadata('walloc.labels')) != frames.labels:
        raise ValueError(f'{args.net} has other classes than {args.set}')
    nets[1].size = 0
    codec = Codec(frames.meta.get('codec', 'photo-1'))
    sides = [int(s) for s in args.sides.split(',')]
    qualities = [int(q) for q in args.qualities.split(',')]
    index = frames.index[frames.where(args.split)]
    pictures = sorted(set(zip(index['picture'].tolist(),
                              index['label'].tolist())))
    got = {(s, q): [] for s in sides for q in qualities}
    with Progress(len(pictures), 'test') as bar:
        for picture, _ in pictures:
            rgb = load(os.path.join(frames.meta['folder'],
                                    frames.meta['files'][picture]))
            for side in sides:
                given = sized(rgb, side)
                for q in qualities:
                    got[side, q].append(answers(
                        codec, codec.encode(given, q), *nets))
            bar.step()
    labels = [label for _, label in pictures]
    figures = dict(split=args.split, size=nets[0].size, sides={
        str(s): {str(q): figures_of(got[s, q], labels) for q in qualities}
        for s in sides})
    report.write_json(args.out + '.json', figures)
    print(table(figures))


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError, WallocError) as e:
        sys.exit(f'test_sizes.py: {e}')
