#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A folder of pictures, FOLDER/class/picture.jpg, to a set of frames.

    python3 prepare.py FOLDER --out SET

Test and validation pictures are encoded whole at every quality; of each
training picture several varied crops, each at a few of the qualities.
"""
import argparse
import os
import sys

import numpy as np

from latents import Codec, WallocError
from pictures import (as_given, draw, folder, load, split_by_fifths,
                      split_by_group, vary)
from progress import Progress
from streams import SPLITS, FrameWriter

QUALITIES = (5, 10, 20, 30, 40, 50, 60, 75, 90)


def arguments():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('folder')
    p.add_argument('--out', required=True, help='folder of the set')
    p.add_argument('--model', default='photo-1', help='codec model')
    p.add_argument('--size', type=int, default=384,
                   help='shorter side, larger pictures are reduced to it; '
                   '0: never')
    p.add_argument('--crops', help='sides of training crops; default: half to '
                   'all of --size')
    p.add_argument('--variants', type=int, default=12,
                   help='crops per training picture')
    p.add_argument('--per-variant', type=int, default=3,
                   help='qualities per crop')
    p.add_argument('--qualities', default=','.join(map(str, QUALITIES)))
    p.add_argument('--shrink', type=int, choices=(0, 1, 2, 4), default=0,
                   help='code pictures that many times smaller; 0: as the '
                   'encoder\nchooses')
    p.add_argument('--grey', action='store_true',
                   help='encode pictures as GRAY8, crops also as I420 without '
                   'colour')
    p.add_argument('--upright', action='store_true',
                   help='mirror left and right only')
    p.add_argument('--cover', type=float, default=.65,
                   help='least share of the shorter side that a crop covers; '
                   'more\nwhere things fill their pictures')
    p.add_argument('--light', type=float, default=.4,
                   help='how much brightness and colours vary, 0 to 1; more '
                   'where\npictures will come from other cameras')
    p.add_argument('--split', choices=('fifths', 'group', 'folders'),
                   default='fifths',
                   help='fifths: files in order of name, the first and every '
                   'fifth\nafter it for tests, the next ones for validation;\n'
                   'group: files whose names agree up to "__" stay on one '
                   'side;\nfolders: as FOLDER/train, FOLDER/val and '
                   'FOLDER/test say')
    p.add_argument('--seed', type=int, default=1)
    return p.parse_args()


def group_of(name):
    """What files of one origin share: the name up to "__"."""
    return name.split('__')[0]


def files_of(path, split, seed):
    """(labels, files, label of each file, split of each file): split is
    fifths, group or folders. Raises ValueError."""
    if split == 'folders':
        parts = {s: folder(os.path.join(path, s)) for s in SPLITS}
        labels = list(parts['train'])
        for s, part in parts.items():
            if list(part) != labels:
                raise ValueError(f'{path}/{s} has classes {list(part)}, '
                                 f'{path}/train has {labels}')
    else:
        parts = {'': folder(path)}
        labels = list(parts[''])
    files, numbers, splits = [], [], []
    for part, classes in parts.items():
        for label, (name, found) in enumerate(classes.items()):
            files += [os.path.join(part, name, f) for f in found]
            numbers += [label] * len(found)
            if part:
                splits += [part] * len(found)
            elif split == 'group':
                splits += split_by_group([group_of(f) for f in found], seed)
            else:
                splits += split_by_fifths(len(found))
    return labels, files, numbers, splits


def main():
    args = arguments()
    names, files, labels, splits = files_of(args.folder, args.split,
                                            args.seed)
    qualities = sorted({int(q) for q in args.qualities.split(',')})
    if not all(1 <= q <= 100 for q in qualities):
        raise ValueError('qualities are 1 to 100')
    crops = [int(n) for n in args.crops.split(',')] if args.crops else [
        args.size * k // 96 * 16 for k in (3, 4, 5, 6)]
    if not 0 < args.cover <= 1:
        raise ValueError('--cover is above 0, to 1')
    if not crops or min(crops) < 32 or max(crops) > 2048:
        raise ValueError('crops are 32 to 2048 pixels; choose --crops')
    codec, rng = Codec(args.model), np.random.default_rng(args.seed)
    writer, variations = FrameWriter(args.out), []
    with Progress(len(files), 'encode') as bar:
        for n, (name, label, split) in enumerate(zip(files, labels, splits)):
            rgb = load(os.path.join(args.folder, name), args.size)
            v = []
            if split != 'train':
                given = as_given(rgb, 'grey' if args.grey else 'rgb')
                todo = [(-1, given, q) for q in qualities]
            else:
                todo = []
                for k in range(args.variants):
                    v.append(draw(rng, crops, not args.upright,
                                  args.light, args.cover, args.grey))
                    given = as_given(vary(rgb, v[-1]),
                                     v[-1]['form'])
                    todo += [(k, given, int(q)) for q in rng.choice(
                        qualities, min(args.per_variant, len(qualities)),
                        replace=False)]
            for variant, given, q in todo:
                frame = codec.encode(given, q, shrink=args.shrink)
                writer.add(frame, codec.info(frame), n, variant, label, split,
                           q)
            variations.append(v)
            bar.step()
    writer.close(dict(
        folder=os.path.abspath(args.folder), files=files,
        labels=names, codec=args.model,
        model=f'{codec.model_id:016x}', size=args.size, crops=crops,
        qualities=qualities, split=args.split, seed=args.seed,
        shrink=args.shrink, grey=args.grey, variations=variations))
    for split in ('train', 'val', 'test'):
        print(f'{split}: {splits.count(split)} pictures')
    print(f'{len(writer.rows)} frames, {writer.at / 1e6:.0f} MB in {args.out}')


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError, WallocError) as e:
        sys.exit(f'prepare.py: {e}')
