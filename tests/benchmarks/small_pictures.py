#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A folder of many small photographs: parts of a few large ones.

small_pictures.py FOLDER --pictures PNGS [--count 2000] [--size 64]
                  [--kinds jpg,png,webp,ppm] [--each 1000] [--seed 1]

FOLDER/0000/00000000.jpg and so on, --each of them in a folder; kinds take turns.
The same arguments give the same files, whatever number of processes makes
them (--jobs), and what is there is not made again. Every part is cut at another
place, and every second one is mirrored, so that no two files are alike."""
import argparse
import glob
import io
import multiprocessing
import os
import random
import sys

from PIL import Image

# of PIL, for each kind
FORMATS = {'jpg': ('JPEG', {'quality': 85}), 'png': ('PNG', {}),
           'webp': ('WEBP', {'quality': 85, 'method': 0}), 'ppm': ('PPM', {})}
MOST_PHOTOS = 64                # held in memory, 6 MB each


def path_of(i, kinds, each):
    return f'{i // each:04}/{i:08}.{kinds[i % len(kinds)]}'


def load(pattern, size):
    photos = []
    for path in sorted(glob.glob(pattern))[:MOST_PHOTOS]:
        with Image.open(path) as photo:
            if min(photo.size) >= 2 * size:
                photos.append(photo.convert('RGB'))
    if not photos:
        raise SystemExit(f'{pattern}: no photographs of {2 * size} pixels and '
                         'more')
    return photos


def draw(i, photos, size, seed):
    """Picture number i."""
    rng = random.Random(seed * 1000003 + i)
    photo = photos[rng.randrange(len(photos))]
    x = rng.randrange(photo.width - size + 1)
    y = rng.randrange(photo.height - size + 1)
    part = photo.crop((x, y, x + size, y + size))
    return part.transpose(Image.FLIP_LEFT_RIGHT) if i % 2 else part


def make(args, first, step):
    photos = load(os.path.join(args.pictures, '*.png'), args.size)
    kinds = args.kinds.split(',')
    for block in range(first * args.each, args.count, step * args.each):
        last = min(block + args.each, args.count)
        os.makedirs(os.path.join(args.folder, f'{block // args.each:04}'),
                    exist_ok=True)
        for i in range(block, last):
            path = os.path.join(args.folder, path_of(i, kinds, args.each))
            if os.path.exists(path):
                continue
            kind, options = FORMATS[kinds[i % len(kinds)]]
            memory = io.BytesIO()
            draw(i, photos, args.size, args.seed).save(memory, kind, **options)
            # whole or not at all: the next run takes what is there
            with open(path + '~', 'wb') as f:
                f.write(memory.getbuffer())
            os.rename(path + '~', path)


def main(words=None):
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('folder')
    p.add_argument('--pictures', required=True, help='folder of PNGs')
    p.add_argument('--count', type=int, default=2000)
    p.add_argument('--size', type=int, default=64, help='pixels of a side')
    p.add_argument('--kinds', default='jpg', help=', '.join(FORMATS))
    p.add_argument('--each', type=int, default=1000, help='files in a folder')
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--jobs', type=int, default=os.cpu_count())
    args = p.parse_args(words)
    if args.count < 1 or args.each < 1 or args.jobs < 1 or args.size < 8:
        p.error('counts are 1 and more, sizes 8 and more')
    if not set(args.kinds.split(',')) <= set(FORMATS):
        p.error(f'--kinds: {", ".join(FORMATS)} are known')
    workers = [multiprocessing.Process(target=make, args=(args, i, args.jobs))
               for i in range(args.jobs)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    sys.exit(any(w.exitcode for w in workers))


if __name__ == '__main__':
    main()
