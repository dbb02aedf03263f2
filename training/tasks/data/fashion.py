#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fashion-MNIST out of its Debian package, as folders of pictures.

    apt-get install dataset-fashion-mnist
    python3 fashion.py --out FASHION

writes FASHION/{train,val,test}/class/NUMBER.png for prepare.py with
--split folders: 28x28 grey pictures of clothes and shoes, enlarged to
112x112. The package's test pictures stay what they are; validation pictures
are the last ones of each class of its training pictures.

Why four times: a latent covers 8x8 pixels, so that 28x28 would be a grid of
4x4, of which three stages that halve leave nothing. At 112x112 it is 14x14, the
grid of a thing that fills a part of a real picture.
"""
import argparse
import gzip
import math
import os
import sys

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..'))
from progress import Progress  # noqa: E402

PACKAGE = '/usr/share/datasets/fashion-mnist'
CLASSES = ('t-shirt', 'trouser', 'pullover', 'dress', 'coat', 'sandal',
           'shirt', 'sneaker', 'bag', 'ankle-boot')
MAX_BYTES = 256 << 20


def idx(path):
    """The uint8 array of an IDX file, compressed by gzip. Raises ValueError,
    OSError."""
    with gzip.open(path) as f:
        head = f.read(4)
        if len(head) != 4 or head[:3] != b'\0\0\x08' or not 1 <= head[3] <= 3:
            raise ValueError(f'{path} is no IDX file of bytes')
        shape = np.frombuffer(f.read(4 * head[3]), '>u4').tolist()
        size = math.prod(shape)         # of whole numbers without limit
        if len(shape) != head[3] or not 0 < size <= MAX_BYTES:
            raise ValueError(f'{path} says a size of {shape}')
        data = f.read(size)
    if len(data) != size:
        raise ValueError(f'{path} is cut off: {len(data)} bytes of {size}')
    return np.frombuffer(data, np.uint8).reshape(shape)


def pair(folder, name):
    """(pictures [n, h, w], labels [n]) of one of the package's two splits."""
    pictures = idx(os.path.join(folder, f'{name}-images-idx3-ubyte.gz'))
    labels = idx(os.path.join(folder, f'{name}-labels-idx1-ubyte.gz'))
    if pictures.ndim != 3 or labels.shape != pictures.shape[:1] or \
            labels.max() >= len(CLASSES):
        raise ValueError(f'{name}: {pictures.shape} pictures and '
                         f'{labels.shape} labels do not belong together')
    return pictures, labels


def sides(labels, val, train):
    """Split of each training picture: the last val / 10 of each class are for
    validation, the first train / 10 (0: all others) for training; None: left
    out."""
    out = [None] * len(labels)
    for c in range(len(CLASSES)):
        mine = np.flatnonzero(labels == c)
        held = val // len(CLASSES)
        keep = train // len(CLASSES) or len(mine) - held
        if held < 1 or keep + held > len(mine):
            raise ValueError(f'{CLASSES[c]} has {len(mine)} pictures, not '
                             f'{keep} and {held} more')
        for i in mine[:keep]:
            out[i] = 'train'
        for i in mine[len(mine) - held:]:
            out[i] = 'val'
    return out


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('--package', default=PACKAGE, help='folder of its files')
    p.add_argument('--out', required=True)
    p.add_argument('--side', type=int, default=112, help='pixels')
    p.add_argument('--val', type=int, default=2000, help='pictures')
    p.add_argument('--train', type=int, default=0,
                   help='pictures; 0: all that are left')
    args = p.parse_args()
    if not 28 <= args.side <= 1024:
        raise ValueError('--side is 28 to 1024')
    if not os.path.isdir(args.package):
        raise ValueError(f'{args.package} is not there; apt-get install '
                         'dataset-fashion-mnist')
    x, y = pair(args.package, 'train')
    todo = list(zip(sides(y, args.val, args.train), x, y))
    x, y = pair(args.package, 't10k')
    todo += [('test', a, b) for a, b in zip(x, y)]
    for split in ('train', 'val', 'test'):
        for name in CLASSES:
            os.makedirs(os.path.join(args.out, split, name), exist_ok=True)
    counts = dict.fromkeys(('train', 'val', 'test'), 0)
    with Progress(len(todo), 'pictures') as bar:
        for n, (split, a, label) in enumerate(todo):
            if split:
                counts[split] += 1
                Image.fromarray(a).resize(
                    (args.side, args.side), Image.LANCZOS).save(
                    os.path.join(args.out, split, CLASSES[label],
                                 f'{n:05}.png'), compress_level=1)
            bar.step()
    print(', '.join(f'{v} {k}' for k, v in counts.items()))


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError, EOFError) as e:
        sys.exit(f'fashion.py: {e}')
