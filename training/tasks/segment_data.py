# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pictures and label images of a folder, and what networks are given of them.

DATA/train, DATA/val, DATA/test hold pictures; DATA/trainannot, DATA/valannot,
DATA/testannot label images of the same names (PNG, 8 bits): the index of each
pixel's class; indices of no class are left out of training and figures.
"""
import glob
import json
import os

import numpy as np
import torch
from PIL import Image

import resample
from segment_net import FINER

CELL = 8 // FINER               # pixels of the picture per logit
QUALITIES = (15, 25, 50, 75, 90)
LOW, HIGH = (4, 22), (22, 96)   # qualities; the low ones code at half size
PART = 2 / 3                    # of the sides, for batches of parts
NO_STEP = float(np.exp(3))      # of which segment_net.Rate says nothing


class Classes:
    """labels: list of names; palette: list of #rrggbb; licence: of the data.
    From a JSON file with these keys (palette, licence optional)."""

    def __init__(self, path):
        with open(path) as f:
            d = json.load(f)
        self.labels, self.palette = d['labels'], d.get('palette')
        self.licence = d.get('licence')
        if self.palette and len(self.palette) != len(self.labels):
            raise ValueError(f'{path}: {len(self.labels)} labels, but '
                             f'{len(self.palette)} colours')

    def __len__(self):
        return len(self.labels)

    def colours(self):
        """uint8 [N + 1, 3]; the last is black, for what has no class."""
        out = np.zeros((len(self) + 1, 3), np.uint8)
        for k, c in enumerate(self.palette):
            out[k] = [int(c[i:i + 2], 16) for i in (1, 3, 5)]
        return out


def pairs(data, split):
    """[(picture, label image)] of a split, sorted by name. Raises OSError
    when there is none or a label image is missing."""
    out = []
    for path in sorted(glob.glob(os.path.join(data, split, '*'))):
        name = os.path.splitext(os.path.basename(path))[0] + '.png'
        label = os.path.join(data, split + 'annot', name)
        if not os.path.exists(label):
            raise OSError(f'{path} has no label image {label}')
        out.append((path, label))
    if not out:
        raise OSError(f'no pictures in {os.path.join(data, split)}')
    return out


def load(pair):
    """(uint8 [h, w, 3], uint8 [h, w])."""
    rgb = np.asarray(Image.open(pair[0]).convert('RGB'))
    label = np.asarray(Image.open(pair[1]))
    if label.shape != rgb.shape[:2]:
        raise ValueError(f'{pair[1]} is {label.shape}, its picture '
                         f'{rgb.shape[:2]}')
    return rgb, label


def shares(label, classes, cell, rows, columns):
    """How much of each cell of cell x cell pixels is of each class: float32
    [classes, rows, columns]; pixels without class count nowhere."""
    h, w = label.shape
    full = np.full((rows * cell, columns * cell), 255, np.intp)
    full[:min(h, rows * cell), :min(w, columns * cell)] = label[
        :rows * cell, :columns * cell]
    cells = np.add.outer(np.repeat(np.arange(rows), cell) * columns,
                         np.repeat(np.arange(columns), cell))
    known = full < classes
    count = np.bincount(full[known] * (rows * columns) + cells[known],
                        minlength=classes * rows * columns)
    return np.float32(count.reshape(classes, rows, columns)
                      / (cell * cell))


def vary(rgb, label, rng, void, share=1.0):
    """Another view of a scene, of this share of its sides: part of it
    enlarged, seen in a mirror, in another light."""
    full, (h, w) = label.shape, (int(n * share + 4) // 8 * 8 if share < 1
                                 else n for n in label.shape)
    zoom = np.exp(rng.uniform(-0.2, 0.6))
    aspect = np.exp(rng.uniform(-0.08, 0.08))
    ch, cw = h / zoom * aspect, w / zoom / aspect
    y, x = (rng.uniform(min(0, a - b), max(0, a - b))
            for a, b in zip(full, (ch, cw)))
    box = (x, y, x + cw, y + ch)
    picture = Image.fromarray(rgb)
    mark = Image.fromarray(label)
    # beyond the borders: mean colour, no class
    fill = tuple(int(v) for v in rgb[::8, ::8].mean((0, 1)))
    picture = picture.transform((w, h), Image.EXTENT, box, Image.BILINEAR,
                                fillcolor=fill)
    mark = mark.transform((w, h), Image.EXTENT, box, Image.NEAREST,
                          fillcolor=void)
    rgb, label = np.asarray(picture), np.asarray(mark)
    if rng.random() < 0.5:
        rgb, label = rgb[:, ::-1], label[:, ::-1]
    ramp = np.arange(256) / 255
    table = np.stack([np.clip(ramp ** gamma * gain * 255, 0, 255)
                      for gamma, gain in zip(
                          np.exp(rng.normal(0, 0.25) + rng.normal(0, 0.06, 3)),
                          np.exp(rng.normal(0, 0.15)
                                 + rng.normal(0, 0.06, 3)))])
    table = np.rint(table).astype(np.uint8)
    rgb = np.stack([table[k][rgb[..., k]] for k in range(3)], -1)
    return rgb, np.ascontiguousarray(label)


def usual_maps(codec, channels, found, count=40):
    """resample.Maps, fitted to some of the pictures."""
    some = found[::max(1, len(found) // count)][:count]
    return resample.fit(codec, channels, (load(pair)[0] for pair in some))


class Reader:
    """Makes a network's input of a picture.

    kind: 'latents' (float32 [K, H, W]), 'decoded' (what the linear decoder
    makes of the same frame, uint8 [h, w, 3]) or 'pixels' (the picture as it
    came). maps: resample.Maps, and size: pixels of the shorter side, bring
    latents to the size that the network is for."""

    def __init__(self, kind, codec, channels, maps=None, size=0):
        self.kind, self.codec, self.channels = kind, codec, channels
        self.maps, self.size = maps, size

    def __call__(self, rgb, frame):
        """(array, step, scale)."""
        if self.kind == 'pixels':
            return rgb, NO_STEP, 0
        values, step, scale = self.codec.latents(frame, self.channels)
        if self.kind == 'decoded':
            return self.codec.decode(frame, 'linear'), step, scale
        if self.maps is not None:
            h, w = rgb.shape[:2]
            values, step, scale = self.maps.fitted(
                torch.from_numpy(values)[None], torch.tensor([step]),
                torch.tensor([float(scale)]), w, h, self.size)
            values, step, scale = values[0].numpy(), step.item(), scale.item()
        return values, step, scale


class Batches:
    """Random views of a training set. The same seed gives the same views,
    qualities and channels to every kind of reader. parts: so many batches
    are of parts of pictures first, which cost less. original: the views
    themselves come last."""

    def __init__(self, found, classes, reader, seed, size=8, parts=0,
                 original=False):
        self.found, self.classes, self.size = found, classes, size
        self.reader, self.rng = reader, np.random.default_rng(seed)
        self.order, self.parts, self.original = [], parts, original

    def __iter__(self):
        return self

    def view(self):
        """(value, step, scale, shares, picture)."""
        rng = self.rng
        if not self.order:
            self.order = list(rng.permutation(len(self.found)))
        rgb, label = load(self.found[self.order.pop()])
        rgb, label = vary(rgb, label, rng, 255,
                          PART if self.parts > 0 else 1.0)
        quality = int(rng.integers(*(LOW if rng.random() < 0.3 else HIGH)))
        keep = int(rng.integers(8, 65)) if rng.random() < 0.15 else 0
        frame = self.reader.codec.encode(rgb, quality, keep)
        rows, columns = (FINER * -(-n // 8) for n in label.shape)
        return (*self.reader(rgb, frame),
                shares(label, self.classes, CELL, rows, columns), rgb)

    def __next__(self):
        """(inputs float32 [n, ...], step [n], scale [n], shares float32
        [n, classes, rows, columns])."""
        x, step, scale, target, rgb = zip(*[self.view()
                                            for _ in range(self.size)])
        self.parts -= 1
        x = planes(x) if self.reader.kind != 'latents' else np.stack(x)
        out = x, np.float32(step), np.float32(scale), np.stack(target)
        return (*out, planes(rgb)) if self.original else out


def planes(pictures):
    """float32 [n, 3, h, w] of pictures [h, w, 3]."""
    return np.ascontiguousarray(
        np.stack(pictures).astype(np.float32).transpose(0, 3, 1, 2))
