# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pages of print as scans, with what is written on them and where.

    page = Pages('train').draw(rng, NARROW)
    page.image      uint8 [H, W], grey
    page.lines      list of Line

    python3 pages.py --split test --kind book --count 3 --out DIR
        [--fonts F.ttf ...] [--texts 'DIR/*.txt' ...]

writes pictures with their truth (JSON) to look at or to test with.
"""
import argparse
import collections
import functools
import json
import os

import numpy as np
from PIL import Image, ImageDraw

import fonts as fonts_module
import texts as texts_module
from fonts import Fonts, known, open_font
from scans import Warp, degrade
from texts import SYMBOLS, Texts, odd_word, split_sources

ALL = ''.join(SYMBOLS)

Line = collections.namedtuple('Line', 'text x0 y0 x1 y1 height edges')
"""text: what is written. (x0, y0), (x1, y1): ends of the middle line between
ascenders and descenders, pixels; height: ascenders to descenders; edges: x of
the borders of all symbols, len(text) + 1 numbers."""

Page = collections.namedtuple('Page', 'image lines em font')

Kind = collections.namedtuple('Kind', 'width height columns em odd strength')
"""width, height: pixels, or None for A5 at 100 to 200 dpi; columns: widths of a
column in pixels (low, high), or in em when below 100; em: (low, high) pixels,
or None for 9 to 14 pt at that dpi; odd: share of words without sense;
strength: (low, high) of degrade()."""

NARROW = Kind(768, 1024, (200, 420), (15, 36), 0.06, (0, 1))
BOOK = Kind(None, None, (16, 60), None, 0.0, (0, 1))
KINDS = {'narrow': NARROW, 'book': BOOK}
FINER = 2           # pages are drawn this much larger, then reduced


@functools.lru_cache(60000)
def advances(path, size, word):
    """Right borders of the symbols of a word, pixels from its start."""
    font = open_font(path, size)
    return tuple(font.getlength(word[:i + 1]) for i in range(len(word)))


@functools.lru_cache(None)
def extents(path, size):
    """(ascent, descent) of letters about the baseline, pixels."""
    font = open_font(path, size)
    return (-font.getbbox('bdhklH', anchor='ls')[1],
            font.getbbox('gpqy', anchor='ls')[3])


class Pages:
    """Draws pages from the fonts and texts of a split or of a user."""

    def __init__(self, split, font_files=None, text_patterns=None):
        self.texts = Texts(split_sources(split, text_patterns))
        self.fonts = Fonts(fonts_module.FAMILIES[split], font_files)

    def draw(self, rng, kind, strength=None):
        """One Page. strength: None draws it of the kind's range."""
        if strength is None:
            strength = rng.uniform(*kind.strength)
        width, height, em = kind.width, kind.height, kind.em
        if width is None:
            dpi = rng.uniform(100, 200)
            width, height = round(dpi * 5.83), round(dpi * 8.27)
            em = max(15.0, rng.uniform(9, 14) * dpi / 72)
        else:
            em = float(np.exp(rng.uniform(*np.log(em))))
        size = round(em * FINER)
        sheet = _Sheet(self, rng, width, height, size, kind)
        warp = Warp(rng, width, height, strength)
        ink = warp.image(sheet.image.reduce(FINER))
        lines = [_warped(line, warp) for line in sheet.lines]
        lines = [l for l in lines if l.x0 >= 2 and l.x1 <= width - 2 and
                 min(l.y0, l.y1) - l.height / 2 >= 0 and
                 max(l.y0, l.y1) + l.height / 2 <= height]
        return Page(degrade(ink, rng, strength), lines, size / FINER,
                    os.path.basename(sheet.body))


def _warped(line, warp):
    """A Line in page coordinates as it is in the scan."""
    edges = np.asarray(line.edges)
    at = np.stack([edges, np.full(len(edges), line.y0)], 1)
    moved = warp.points(at)
    return Line(line.text, float(moved[0, 0]), float(moved[0, 1]),
                float(moved[-1, 0]), float(moved[-1, 1]),
                line.height * warp.scale,
                [round(float(x), 2) for x in moved[:, 0]])


class _Sheet:
    """Lays text out in columns on white paper, FINER times as large."""

    def __init__(self, pages, rng, width, height, size, kind):
        self.rng, self.kind, self.size = rng, kind, size
        self.body, self.head = pages.fonts.draw(rng)
        self.image = Image.new('L', (FINER * width, FINER * height), 255)
        self.pen = ImageDraw.Draw(self.image)
        self.lines = []
        self.leading = size * rng.uniform(1.1, 1.6)
        self.justify = rng.random() < 0.5
        self.indent = size * rng.choice([0, 0, 1.0, 2.0])
        self.gap = self.leading * rng.choice([0, 0.5, 1.0])
        self.text = pages.texts.draw(rng)
        margin = rng.uniform(0.03, 0.09) * width * FINER
        room = FINER * width - 2 * margin
        wanted = rng.uniform(*kind.columns)
        wanted *= FINER if wanted > 100 else size
        gutter = size * rng.uniform(1.8, 3.5)
        count = max(1, int((room + gutter) / (wanted + gutter)))
        column = (room - (count - 1) * gutter) / count
        for k in range(count):
            x = margin + k * (column + gutter)
            self.column(x, x + column, margin + rng.uniform(0, 2) * size,
                        FINER * height - margin)
        if rng.random() < 0.15 and count > 1:
            x = margin + column + gutter / 2
            self.pen.line([x, margin, x, FINER * height - margin], 0, 2)

    def words(self, path):
        """Words of the next paragraph that the font can draw."""
        have = known(path, ALL)
        out = []
        for word in next(self.text).split(' '):
            if self.kind.odd and self.rng.random() < self.kind.odd:
                word = odd_word(self.rng)
            if word and all(c in have for c in word):
                out.append(word)
        return out

    def column(self, left, right, top, bottom):
        """Fill a column."""
        y = top
        while y + self.leading < bottom:
            what = self.rng.random()
            if what < 0.015:
                y = self.figure(left, right, y, bottom)
                continue
            if what < 0.035:
                self.pen.line([left, y + self.leading / 2, right,
                               y + self.leading / 2], 0,
                              int(self.rng.integers(1, 5)))
                y += self.leading
                continue
            if what < 0.17:
                size = min(round(self.size * self.rng.uniform(1, 1.5)), 80)
                words = self.words(self.head)[:8]
                path, lead = self.head, self.leading * size / self.size
            else:
                words, path = self.words(self.body), self.body
                size, lead = self.size, self.leading
            first = left + (self.indent if path == self.body else 0)
            while words and y + lead < bottom:
                line = self.fill(words, path, size, right - first)
                self.put(line, path, size, first, y + lead, right,
                         self.justify and bool(words))
                first, y = left, y + lead
            y += self.gap

    def fill(self, words, path, size, room):
        """Take from @words what fits into @room; at least a part of one."""
        space = open_font(path, size).getlength(' ')
        used, line = 0.0, []
        while words:
            wide = advances(path, size, words[0])[-1]
            if line and used + space + wide > room:
                break
            if not line and wide > room:
                at = advances(path, size, words[0])
                n = max(1, sum(a < room for a in at))
                line.append(words[0][:n])
                if n < len(words[0]):
                    words[0] = words[0][n:]
                else:
                    words.pop(0)
                break
            used += wide + (space if line else 0)
            line.append(words.pop(0))
        return line

    def put(self, words, path, size, x, base, right, stretch):
        """Write a line; @base is the bottom of its room."""
        font = open_font(path, size)
        space = font.getlength(' ')
        up, down = extents(path, size)
        base = round(base - 0.3 * size)
        wide = sum(advances(path, size, w)[-1] for w in words)
        if stretch and len(words) > 1:
            extra = (right - x - wide) / (len(words) - 1)
            if extra < 2.5 * space:
                space = extra
        edges = []
        for k, word in enumerate(words):
            x = round(x)
            self.pen.text((x, base), word, 0, font, anchor='ls')
            if k == 0:
                edges.append(x)
            at = advances(path, size, word)
            if k:
                edges.append(x)         # the space ends where the word begins
            edges.extend(x + a for a in at)
            x += at[-1] + space
        y = base + (down - up) / 2
        f = float(FINER)
        self.lines.append(Line(' '.join(words), edges[0] / f, y / f,
                               edges[-1] / f, y / f, (up + down) / f,
                               [e / f for e in edges]))

    def figure(self, left, right, y, bottom):
        """Something that is not text: a grey box with shapes."""
        high = min(self.rng.uniform(3, 9) * self.leading, bottom - y)
        if high < 2 * self.leading:
            return bottom
        box = [left, y + self.leading / 2, right, y + high]
        self.pen.rectangle(box, int(self.rng.integers(120, 256)), 0, 2)
        for _ in range(int(self.rng.integers(0, 12))):
            x = np.sort(self.rng.uniform(left, right, 2))
            v = np.sort(self.rng.uniform(box[1], box[3], 2))
            tone = int(self.rng.integers(0, 256))
            shape = (self.pen.ellipse, self.pen.rectangle,
                     self.pen.line)[int(self.rng.integers(3))]
            shape([x[0], v[0], x[1], v[1]], tone)
        return y + high + self.leading / 2


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('--split', choices=list(fonts_module.FAMILIES),
                   default='test')
    a.add_argument('--kind', choices=list(KINDS), default='book')
    a.add_argument('--count', type=int, default=4)
    a.add_argument('--seed', type=int, default=1)
    a.add_argument('--out', required=True)
    a.add_argument('--fonts', nargs='*', help='font files in place of ours')
    a.add_argument('--texts', nargs='*', help='patterns of text or HTML files')
    a = a.parse_args()
    os.makedirs(a.out, exist_ok=True)
    pages = Pages(a.split, a.fonts, a.texts)
    for k in range(a.count):
        page = pages.draw(np.random.default_rng([a.seed, k]), KINDS[a.kind])
        path = os.path.join(a.out, '%s-%04d' % (a.split, k))
        Image.fromarray(page.image).save(path + '.png')
        with open(path + '.json', 'w') as f:
            json.dump(dict(em=page.em, font=page.font,
                           lines=[l._asdict() for l in page.lines]), f)


if __name__ == '__main__':
    main()
