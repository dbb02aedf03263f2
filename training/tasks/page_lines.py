# SPDX-License-Identifier: LGPL-2.1-or-later
"""From what a page network puts out to lines of text, as the element does it
(docs/design/latent-inference.md, "Reading pages"), in numpy; and how far a
text is from the truth."""
import collections
import math

import numpy as np

GRID = 8
REACH = 32.0
NEAR = 1

Found = collections.namedtuple('Found', 'left right middle slope height')
"""A line of text: pixels; its centre at x is middle + slope * x."""


def half_up(x):
    """Nearest integer, halves up (the same in C: floor (x + 0.5))."""
    return np.floor(np.asarray(x) + 0.5).astype(int)


def columns_of(left, right, width):
    """(first, last) column of the crop of a line, inclusive."""
    return (min(max(int(math.floor(left / GRID)) - NEAR, 0), width - 1),
            min(max(int(math.floor(right / GRID)) + NEAR, 0), width - 1))


def rows_of(middle, slope, first, last, rows):
    """First row of the crop in every column."""
    x = GRID * (np.arange(first, last + 1) + 0.5)
    return half_up((middle + slope * x) / GRID - rows / 2)


def crop(features, line, rows):
    """Features [F, rows, w] of a Found line; zeros outside of the grid."""
    depth, height, width = features.shape
    first, last = columns_of(line.left, line.right, width)
    top = rows_of(line.middle, line.slope, first, last, rows)
    out = np.zeros((depth, rows, last - first + 1), np.float32)
    for k, y in enumerate(top):
        a, b = max(y, 0), min(y + rows, height)
        if a < b:
            out[:, a - y:b - y, k] = features[:, a:b, first + k]
    return out


class _Chain:
    def __init__(self):
        self.cells, self.columns = [], []

    def add(self, x, cell):
        if not self.columns or self.columns[-1] != x:
            self.columns.append(x)
            self.newest = cell
        self.cells.append((x,) + cell)

    def line(self):
        """Found, or None when there are too few cells."""
        if len(self.columns) < 2:
            return None
        x = np.array([GRID * (c[0] + 0.5) for c in self.cells])
        y = np.array([c[1] for c in self.cells])
        slope = 0.0
        if len(self.columns) >= 8:
            dx = x - x.mean()
            slope = float((dx * (y - y.mean())).sum() / (dx * dx).sum())
        return Found(float(x[0] - self.cells[0][3]),
                     float(x[-1] + self.cells[-1][4]),
                     float(y.mean() - slope * x.mean()), slope,
                     float(np.mean([c[2] for c in self.cells])))


def find_lines(lines):
    """Found lines of the network's output [5, H, W], in reading order."""
    width = lines.shape[2]
    chains, live = [], []
    for x in range(width):
        live = [c for c in live if x - c.columns[-1] <= max(
            2, min(16, c.newest[1] / 6))]
        for y in np.nonzero(lines[0, :, x] > 0)[0]:
            top, bottom, left, right = (float(v) for v in lines[1:, y, x])
            cell = (GRID * (y + 0.5) + (bottom - top) / 2, top + bottom,
                    left, right)
            best, near = None, math.inf
            for chain in live:
                d = abs(cell[0] - chain.newest[0])
                if d < near and d < 0.4 * min(cell[1], chain.newest[1]):
                    best, near = chain, d
            if best is None:
                best = _Chain()
                chains.append(best)
                live.append(best)
            best.add(x, cell)
    return ordered([f for f in (c.line() for c in chains) if f])


def ordered(found):
    """Columns of text from left to right, lines in them from the top down.
    Lines that overlap horizontally, also by way of others, are one column."""
    groups = []
    for line in sorted(found, key=lambda f: f.left):
        if groups and line.left < groups[-1][0]:
            groups[-1][0] = max(groups[-1][0], line.right)
            groups[-1][1].append(line)
        else:
            groups.append([line.right, [line]])
    return [f for _, g in groups for f in sorted(
        g, key=lambda f: f.middle + f.slope * f.left)]


def box(line):
    """(left, top, right, bottom) of a Found line."""
    ends = [line.middle + line.slope * x for x in (line.left, line.right)]
    return (line.left, min(ends) - line.height / 2, line.right,
            max(ends) + line.height / 2)


def text_of(logits, symbols):
    """Text of logits [N + 1, T]: best symbol of each step, repetitions
    dropped, then blanks (output 0), then spaces at both ends."""
    best = logits.argmax(0)
    kept = best[np.concatenate([[True], best[1:] != best[:-1]])]
    return ''.join(symbols[k - 1] for k in kept if k).strip(' ')


def distance(a, b):
    """Levenshtein distance of two strings: insertions, deletions and
    replacements."""
    if not a or not b:
        return len(a) + len(b)
    codes = np.frombuffer(b.encode('utf-32-le'), np.uint32)
    row = np.arange(len(b) + 1)
    steps = np.arange(len(b) + 1)
    for i, c in enumerate(a):
        new = np.empty_like(row)
        new[0] = i + 1
        new[1:] = np.minimum(row[1:] + 1, row[:-1] + (codes != ord(c)))
        # insertions run along the row: a running minimum of new - steps
        row = np.minimum.accumulate(new - steps) + steps
    return int(row[-1])
