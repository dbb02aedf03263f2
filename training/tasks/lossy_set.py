#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fashion-MNIST as codecs leave it, to train and to test classifiers on.

    apt-get install dataset-fashion-mnist
    meson devenv -C build training/tasks/lossy_set.py --out SET

writes SET/{train,val,test}/NAME.npy, uint8 [n, 28, 28], in the order of
labels.npy beside them, and NAME.json: bytes of the coded files, bits per pixel,
error. What is there is not made again.

NAME is one of
  clean               as the package has them, which no lossy codec has seen
  CODEC-SETTING       coded and decoded; codecs of walloc-eval
  blur-of-NAME        Gaussian blur with the mean squared error of NAME
  noise-of-NAME       Gaussian noise of that error, the same whenever it is read
  swap-of-NAME        the error that NAME makes of the next picture: of the same
                      spectrum, but nothing of it has to do with this picture

The last three are controls: no codec, and as far from the original.

Pictures are not resampled, so that coding is all that differs. They are put
side by side, 16 by 16, in tiles of 32x32 with a black border of 2 pixels: a
codec gets pictures of 512x512, headers are shared by 256 pictures, and blocks of
8x8 and 16x16 end where tiles do.
"""
import argparse
import functools
import json
import os
import sys
import zlib

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, 'data'))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'tools'))
import fashion  # noqa: E402
from progress import Progress  # noqa: E402
from report import write_json  # noqa: E402

TILE, PER = 32, 16              # pixels of a tile, tiles of a row
CHUNK = 16                      # mosaics that a codec gets at a time
MATCH = 4096                    # pictures that strengths are matched on

JPEG = [f'jpeg-{q}' for q in (5, 10, 20, 35, 50, 75, 90)]
WALLOC = [f'walloc-{q}' for q in (10, 20, 30, 45, 60, 75)]
LIKE = 'jpeg-10'
CONTROLS = [f'{kind}-of-{LIKE}' for kind in ('blur', 'noise', 'swap')]
TRAIN = ['clean', *JPEG, *WALLOC, *CONTROLS,
         *(f'blur-of-{n}' for n in JPEG if n != LIKE)]
TEST = ['clean', 'jpeg-5', 'jpeg-10', 'jpeg-20', 'jpeg-35', 'jpeg-75',
        'jpeg-90', 'webp-1', 'webp-15', 'jpeg2000-160', 'jpeg2000-48',
        'jpeg2000-20', 'walloc-10', 'walloc-20', 'walloc-45', 'walloc-75',
        *CONTROLS]


def mosaics(pictures):
    """RGB uint8 [TILE * PER, TILE * PER, 3] of every PER * PER of the pictures
    (uint8 [n, h, w], at most TILE high and wide); the last is filled up with
    black."""
    n, h, w = pictures.shape
    if h > TILE or w > TILE:
        raise ValueError(f'pictures of {w}x{h} do not fit in tiles of {TILE}')
    top, left = (TILE - h) // 2, (TILE - w) // 2
    count = -(-n // PER ** 2)
    tiles = np.zeros((count * PER ** 2, TILE, TILE), np.uint8)
    tiles[:n, top:top + h, left:left + w] = pictures
    sheets = tiles.reshape(count, PER, PER, TILE, TILE).transpose(
        0, 1, 3, 2, 4).reshape(count, PER * TILE, PER * TILE)
    return [np.repeat(s[:, :, None], 3, 2) for s in sheets]


def cut(sheets, n, h, w):
    """The pictures of mosaics(), uint8 [n, h, w]: the mean of R, G and B."""
    grey = np.stack([np.rint(np.asarray(s, np.float32).mean(2)) for s in
                     sheets]).astype(np.uint8)
    top, left = (TILE - h) // 2, (TILE - w) // 2
    tiles = grey.reshape(-1, PER, TILE, PER, TILE).transpose(
        0, 1, 3, 2, 4).reshape(-1, TILE, TILE)
    if len(tiles) < n:
        raise ValueError(f'{len(tiles)} tiles are no {n} pictures')
    return tiles[:n, top:top + h, left:left + w].copy()


def parse(name, known):
    """(kind, what of): ('clean', None), ('jpeg', 10), ('blur', 'jpeg-10')."""
    if name == 'clean':
        return 'clean', None
    kind, of, other = name.partition('-of-')
    if of:
        if kind not in ('blur', 'noise', 'swap'):
            raise ValueError(f'{name}: "{kind}" is none of blur, noise, swap')
        if parse(other, known)[0] not in known:
            raise ValueError(f'{name}: "{other}" is not a codec\'s')
        return kind, other
    codec, _, setting = name.rpartition('-')
    if codec not in known or not setting.isdigit():
        raise ValueError(f'"{name}" is no coding; a codec ({", ".join(known)}),'
                         ' a dash and its setting are wanted')
    return codec, int(setting)


def coded(codec, setting, pictures, bar):
    """(pictures after coding, bytes, coded pixels)."""
    per, out, size, pixels = CHUNK * PER ** 2, [], 0, 0
    for i in range(0, len(pictures), per):
        some = pictures[i:i + per]
        sheets = mosaics(some)
        sizes, result = codec.code(sheets, setting)
        out.append(cut(result, len(some), *some.shape[1:]))
        size += sum(sizes)
        pixels += sum(s.shape[0] * s.shape[1] for s in sheets)
        bar.step(len(some))
    return np.concatenate(out), size, pixels


def mse(a, b):
    return float(np.mean((np.asarray(a, np.float32)
                          - np.asarray(b, np.float32)) ** 2))


def quantised(x):
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def degrade(kind, amount, clean, other, seed):
    """clean with a blur of sigma `amount` pixels, noise of sigma `amount` grey
    levels, or `amount` times the error that `other` has in the next
    picture. Pictures are uint8 [n, h, w]."""
    if kind == 'blur':
        from scipy.ndimage import gaussian_filter
        return quantised(gaussian_filter(clean.astype(np.float32),
                                         (0, amount, amount), mode='nearest'))
    if kind == 'noise':
        rng = np.random.default_rng(seed)
        return quantised(clean + np.float32(amount) * rng.standard_normal(
            clean.shape, np.float32))
    error = np.roll(other.astype(np.float32) - clean, -1, 0)
    return quantised(clean + amount * error)


def matched(kind, clean, other, seed):
    """The amount with which degrade() has the error that `other` has."""
    want = mse(clean, other)
    low, high = 0.0, {'blur': 16.0, 'noise': 256.0, 'swap': 16.0}[kind]
    if mse(clean, degrade(kind, high, clean, other, seed)) < want:
        raise ValueError(f'no {kind} is as bad as a mean squared error of '
                         f'{want:.0f}')
    for _ in range(24):
        amount = (low + high) / 2
        if mse(clean, degrade(kind, amount, clean, other, seed)) < want:
            low = amount
        else:
            high = amount
    return (low + high) / 2


class Set:
    """The folder; make() what is not there, read() what is."""

    def __init__(self, folder):
        self.folder = folder

    @functools.cached_property
    def codecs(self):
        # not at the head: who only reads needs no GStreamer
        from eval import codecs
        return codecs.table()

    def path(self, split, name):
        return os.path.join(self.folder, split, name)

    def there(self, split, name):
        return all(os.path.exists(self.path(split, name) + s)
                   for s in ('.npy', '.json'))

    def read(self, split, name):
        """uint8 [n, 28, 28], not copied into memory; [n] for labels."""
        try:
            return np.load(self.path(split, name) + '.npy', mmap_mode='r')
        except FileNotFoundError:
            raise ValueError(
                f'{self.path(split, name)}.npy is not there; run lossy_set.py '
                f'--out {self.folder}') from None

    def facts(self, split, name):
        """What NAME.json says."""
        with open(self.path(split, name) + '.json') as f:
            return json.load(f)

    def write(self, split, name, pictures, **facts):
        os.makedirs(os.path.join(self.folder, split), exist_ok=True)
        path = self.path(split, name)
        with open(path + '.part', 'wb') as f:
            np.save(f, pictures)
        os.replace(path + '.part', path + '.npy')
        write_json(path + '.json', facts)

    def amount(self, name):
        """Strength of a control: measured on training pictures, whichever
        split it is for."""
        kind, other = parse(name, self.codecs)
        self.make('train', other)
        return matched(kind, self.read('train', 'clean')[:MATCH],
                       self.read('train', other)[:MATCH], 1)

    def make(self, split, name):
        """One coding of one split."""
        if self.there(split, name):
            return
        kind, of = parse(name, self.codecs)
        clean = self.read(split, 'clean')
        facts = {}
        if kind in self.codecs:
            codec = self.codecs[kind]
            if codec.needs():
                raise ValueError(f'{name} needs {codec.needs()}')
            with Progress(len(clean), f'{split} {name}') as bar:
                out, size, pixels = coded(codec, of, clean, bar)
            facts = dict(bytes=size, pixels=pixels, bpp=8 * size / pixels,
                         bytes_per_picture=size / len(clean))
        else:
            self.make(split, of)
            facts['amount'] = self.amount(name)
            out = degrade(kind, facts['amount'], clean, self.read(split, of),
                          zlib.crc32(f'{split} {name}'.encode()))
        error = mse(clean, out)
        facts.update(mse=error, count=len(out),
                     psnr=10 * np.log10(255 ** 2 / error) if error else None)
        self.write(split, name, out, **facts)
        print(f'{split} {name}: ' + (f'{facts["bpp"]:.3f} bpp, '
                                     if 'bpp' in facts else '')
              + f'mean squared error {error:.0f}', flush=True)


def unpack(store, package, val, train):
    """clean and labels of the three splits; fashion.py's sides."""
    x, y = fashion.pair(package, 'train')
    side = np.array([s or '' for s in fashion.sides(y, val, train)])
    parts = {s: (x[side == s], y[side == s]) for s in ('train', 'val')}
    parts['test'] = fashion.pair(package, 't10k')
    for split, (pictures, labels) in parts.items():
        if not store.there(split, 'labels'):
            store.write(split, 'labels', labels, classes=fashion.CLASSES)
        if not store.there(split, 'clean'):
            store.write(split, 'clean', pictures, mse=0.0, psnr=None,
                        count=len(pictures))


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('--package', default=fashion.PACKAGE,
                   help='folder of its files')
    p.add_argument('--out', required=True)
    p.add_argument('--val', type=int, default=2000, help='pictures')
    p.add_argument('--train', type=int, default=0,
                   help='pictures; 0: all that are left')
    p.add_argument('--train-codings', nargs='*', default=TRAIN)
    p.add_argument('--test-codings', nargs='*', default=TEST)
    args = p.parse_args()
    if not os.path.isdir(args.package):
        raise ValueError(f'{args.package} is not there; apt-get install '
                         'dataset-fashion-mnist')
    store = Set(args.out)
    todo = [(s, n) for s, names in (('train', args.train_codings),
                                    ('val', args.train_codings),
                                    ('test', args.test_codings))
            for n in names]
    for _, name in todo:
        parse(name, store.codecs)
    unpack(store, args.package, args.val, args.train)
    for split, name in todo:
        store.make(split, name)


if __name__ == '__main__':
    from eval.codecs import CodecError
    try:
        main()
    except (ValueError, OSError, CodecError) as e:
        sys.exit(f'lossy_set.py: {e}')
