# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sets of scanned pages as a reader gets them: latents, and decoded and
uncompressed pixels of the same pages for comparison.

    python3 page_set.py --split train --count 900 --out DIR
        [--fonts F.ttf ...] [--texts 'DIR/*.txt' ...]

makes DIR/train.{latents,decoded,original}.npy and train.jsonl, a line of truth
per page. Half an hour of training can begin while it runs: what counts is how
many lines train.jsonl has.
"""
import argparse
import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                'data'))
from latents import Codec  # noqa: E402
from pages import NARROW, Pages  # noqa: E402
from progress import Progress  # noqa: E402

INPUTS = ('latents', 'decoded', 'original')
QUALITY = (22, 95)
GRID = 8                        # pixels of a position along an axis
LUMA_GROUP = 0


def luma_channels(codec):
    """Numbers of the codec's luma channels, in its order (64 of photo-1)."""
    frame = codec.encode(np.zeros((16, 16, 3), np.uint8), 100)
    t = codec._latents(frame)
    group = [t.group[k] for k in range(t.channels)]
    return [k for k, g in enumerate(group) if g == LUMA_GROUP]


class Coder:
    """Pages as latents and pixels, through one codec."""

    def __init__(self, codec=None):
        self.codec = codec or Codec()
        self.luma = luma_channels(self.codec)
        self.channels = self.luma[-1] + 1

    def code(self, image, quality):
        """(latents float32 [64, H, W] of luma alone, decoded uint8 as image,
        bytes), never coded at less than full size."""
        frame = self.codec.encode(image, quality, shrink=1)
        values, _, _ = self.codec.latents(frame, self.channels)
        return (values[self.luma], self.codec.decode(frame, 'linear'),
                len(frame))


def folded(pixels):
    """Pixels [h, w] as 64 numbers per position, float32 [64, H, W]: sizes are
    filled up to whole positions with the last row and column, as encoders do.
    White is 127, black -128."""
    h, w = pixels.shape
    pixels = np.pad(pixels, ((0, -h % GRID), (0, -w % GRID)), 'edge')
    h, w = (n // GRID for n in pixels.shape)
    return pixels.reshape(h, GRID, w, GRID).transpose(1, 3, 0, 2).reshape(
        GRID * GRID, h, w).astype(np.float32) - 128


class PageSet:
    """What page_set.py wrote, opened for reading."""

    def __init__(self, folder, split, kind):
        """kind: one of INPUTS. Errors: FileNotFoundError."""
        self.kind = kind
        self.data = np.load(os.path.join(folder, '%s.%s.npy' % (split, kind)),
                            mmap_mode='r')
        self.path = os.path.join(folder, split + '.jsonl')
        self.truth = []
        self.more()

    def more(self):
        """Look for pages written since; True if there are any."""
        with open(self.path) as f:
            rows = f.read().split('\n')[:-1]
        new = [json.loads(r) for r in rows[len(self.truth):]]
        self.truth += new
        return bool(new)

    def grid(self, page):
        """Rows and columns of positions of a page."""
        shape = self.data.shape[-2:]
        return shape if self.kind == 'latents' else (shape[0] // GRID,
                                                     shape[1] // GRID)

    def block(self, page, row, column, rows, columns):
        """Numbers float32 [64, rows, columns] from a position on; zeros
        outside of the page."""
        height, width = self.grid(page)
        out = np.zeros((GRID * GRID, rows, columns), np.float32)
        r0, r1 = max(row, 0), min(row + rows, height)
        c0, c1 = max(column, 0), min(column + columns, width)
        if r0 >= r1 or c0 >= c1:
            return out
        if self.kind == 'latents':
            part = self.data[page, :, r0:r1, c0:c1]
        else:
            part = folded(self.data[page, GRID * r0:GRID * r1,
                                    GRID * c0:GRID * c1])
        out[:, r0 - row:r1 - row, c0 - column:c1 - column] = part
        return out


def build(folder, split, count, seed, font_files=None, text_patterns=None,
          low=QUALITY[0], high=QUALITY[1]):
    """Write a set, or go on with one that was begun with the same arguments.
    The first tenth of a training set is clean and at high rates, for the
    beginning of training."""
    os.makedirs(folder, exist_ok=True)
    pages, coder = Pages(split, font_files, text_patterns), Coder()
    h, w = NARROW.height, NARROW.width
    base = os.path.join(folder, split)
    shapes = dict(latents=((count, 64, h // GRID, w // GRID), np.float16),
                  decoded=((count, h, w), np.uint8),
                  original=((count, h, w), np.uint8))
    paths = {k: '%s.%s.npy' % (base, k) for k in shapes}
    done = 0
    if all(map(os.path.exists, paths.values())) and all(
            np.load(paths[k], mmap_mode='r').shape == s
            for k, (s, _) in shapes.items()):
        with open(base + '.jsonl') as f:
            done = f.read().count('\n')
    files = {k: np.lib.format.open_memmap(
        paths[k], 'r+' if done else 'w+', shape=s, dtype=d)
        for k, (s, d) in shapes.items()}
    with open(base + '.jsonl', 'a' if done else 'w') as truth, \
            Progress(count - done, split + ' pages') as bar:
        for k in range(done, count):
            rng = np.random.default_rng([seed, k])
            easy = split == 'train' and k < count // 10
            strength = rng.uniform(0, 0.3 if easy else 1)
            page = pages.draw(rng, NARROW, strength)
            quality = int(rng.integers(60 if easy else low, high + 1))
            values, decoded, size = coder.code(page.image, quality)
            files['latents'][k] = values
            files['decoded'][k] = decoded
            files['original'][k] = page.image
            truth.write(json.dumps(dict(
                quality=quality, strength=round(float(strength), 3),
                bytes=size, em=page.em, font=page.font,
                lines=[line._asdict() for line in page.lines])) + '\n')
            truth.flush()
            bar.step()


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('--split', choices=('train', 'val', 'test'),
                   default='train')
    a.add_argument('--count', type=int, default=900)
    a.add_argument('--seed', type=int, default=1)
    a.add_argument('--out', required=True)
    a.add_argument('--fonts', nargs='*', help='font files in place of ours')
    a.add_argument('--texts', nargs='*', help='patterns of text or HTML files')
    a = a.parse_args()
    build(a.out, a.split, a.count, a.seed + 1000 * len(a.split), a.fonts,
          a.texts)


if __name__ == '__main__':
    main()
