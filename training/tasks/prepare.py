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
from streams import FrameWriter

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
    p.add_argument('--upright', action='store_true',
                   help='mirror left and right only')
    p.add_argument('--light', type=float, default=.4,
                   help='how much brightness and colours vary, 0 to 1; more '
                   'where\npictures will come from other cameras')
    p.add_argument('--split', choices=('fifths', 'group'), default='fifths',
                   help='fifths: files in order of name, the first and every '
                   'fifth\nafter it for tests, the next ones for validation;\n'
                   'group: files whose names agree up to "__" stay on one '
                   'side')
    p.add_argument('--seed', type=int, default=1)
    return p.parse_args()


def group_of(name):
    """What files of one origin share: the name up to "__"."""
    return name.split('__')[0]


def main():
    args = arguments()
    classes = folder(args.folder)
    qualities = sorted({int(q) for q in args.qualities.split(',')})
    if not all(1 <= q <= 100 for q in qualities):
        raise ValueError('qualities are 1 to 100')
    crops = [int(n) for n in args.crops.split(',')] if args.crops else [
        args.size * k // 96 * 16 for k in (3, 4, 5, 6)]
    if not crops or min(crops) < 32 or max(crops) > 2048:
        raise ValueError('crops are 32 to 2048 pixels; choose --crops')
    codec, rng = Codec(args.model), np.random.default_rng(args.seed)
    files, labels, splits = [], [], []
    for label, (name, found) in enumerate(classes.items()):
        files += [os.path.join(name, f) for f in found]
        labels += [label] * len(found)
        splits += split_by_fifths(len(found)) if args.split == 'fifths' else \
            split_by_group([group_of(f) for f in found], args.seed)
    writer, variations = FrameWriter(args.out), []
    with Progress(len(files), 'encode') as bar:
        for n, (name, label, split) in enumerate(zip(files, labels, splits)):
            rgb = load(os.path.join(args.folder, name), args.size)
            v = []
            if split != 'train':
                todo = [(-1, rgb, q) for q in qualities]
            else:
                todo = []
                for k in range(args.variants):
                    v.append(draw(rng, crops, not args.upright,
                                  args.light))
                    given = as_given(vary(rgb, v[-1]),
                                     v[-1]['form'])
                    todo += [(k, given, int(q)) for q in rng.choice(
                        qualities, min(args.per_variant, len(qualities)),
                        replace=False)]
            for variant, given, q in todo:
                frame = codec.encode(given, q)
                writer.add(frame, codec.info(frame), n, variant, label, split,
                           q)
            variations.append(v)
            bar.step()
    writer.close(dict(
        folder=os.path.abspath(args.folder), files=files,
        labels=list(classes), codec=args.model,
        model=f'{codec.model_id:016x}', size=args.size, crops=crops,
        qualities=qualities, split=args.split, seed=args.seed,
        variations=variations))
    for split in ('train', 'val', 'test'):
        print(f'{split}: {splits.count(split)} pictures')
    print(f'{len(writer.rows)} frames, {writer.at / 1e6:.0f} MB in {args.out}')


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError, WallocError) as e:
        sys.exit(f'prepare.py: {e}')
