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
from PIL import Image

from segment_net import FINER

CELL = 8 // FINER               # pixels of the coded frame per logit
QUALITIES = (15, 25, 50, 75, 90)
HALF, WHOLE = (6, 18), (22, 96)  # qualities that code at half and full size


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
    full = np.full((rows * cell, columns * cell), 255, np.uint8)
    full[:min(h, rows * cell), :min(w, columns * cell)] = label[
        :rows * cell, :columns * cell]
    full = full.reshape(rows, cell, columns, cell)
    out = np.empty((classes, rows, columns), np.float32)
    for k in range(classes):
        out[k] = (full == k).sum((1, 3), dtype=np.uint16)
    return out / (cell * cell)


def vary(rgb, label, rng, void):
    """Another view of a scene, of the same size: part of it enlarged, seen in
    a mirror, in another light."""
    h, w = label.shape
    zoom = np.exp(rng.uniform(-0.2, 0.6))
    aspect = np.exp(rng.uniform(-0.08, 0.08))
    ch, cw = h / zoom * aspect, w / zoom / aspect
    y, x = rng.uniform(min(0, h - ch), max(0, h - ch)), rng.uniform(
        min(0, w - cw), max(0, w - cw))
    box = (x, y, x + cw, y + ch)
    picture = Image.fromarray(rgb)
    mark = Image.fromarray(label)
    # beyond the borders: mean colour, no class
    fill = tuple(int(v) for v in rgb.mean((0, 1)))
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


class Reader:
    """Makes a network's input of a picture.

    kind: 'latents' (float32 [K, H, W]), 'decoded' (what the linear decoder
    makes of the same frame, uint8 [h, w, 3]) or 'pixels' (the picture as it
    came)."""

    def __init__(self, kind, codec, channels):
        self.kind, self.codec, self.channels = kind, codec, channels

    def __call__(self, rgb, frame):
        """(array, step, scale)."""
        if self.kind == 'pixels':
            return rgb, 1.0, 0
        values, step, scale = self.codec.latents(frame, self.channels)
        if self.kind == 'latents':
            return values, step, scale
        return self.codec.decode(frame, 'linear'), step, scale


def encode_sized(codec, rgb, quality, half, channels=0):
    """A frame at half or at full size, at the nearest quality that gives
    this size."""
    while True:
        frame = codec.encode(rgb, quality, channels)
        scale = codec.info(frame).scale
        if scale == half or not 1 < quality < 100:
            return frame
        quality += 1 if scale > half else -1


class Batches:
    """Random views of a training set. The same seed gives the same views,
    qualities and channels to every kind of reader."""

    def __init__(self, found, classes, reader, seed, size=8):
        self.found, self.classes, self.size = found, classes, size
        self.reader, self.rng = reader, np.random.default_rng(seed)
        self.order = []

    def __iter__(self):
        return self

    def __next__(self):
        """(inputs float32 [n, ...], step [n], scale [n], shares float32
        [n, classes, rows, columns])."""
        rng, items = self.rng, []
        half = rng.random() < 0.25
        while len(items) < self.size:
            if not self.order:
                self.order = list(rng.permutation(len(self.found)))
            rgb, label = load(self.found[self.order.pop()])
            rgb, label = vary(rgb, label, rng, 255)
            quality = int(rng.integers(*(HALF if half else WHOLE)))
            keep = int(rng.integers(8, 65)) if rng.random() < 0.15 else 0
            frame = encode_sized(self.reader.codec, rgb, quality, half, keep)
            if self.reader.codec.info(frame).scale != half:
                continue        # a picture without detail
            value, step, scale = self.reader(rgb, frame)
            items.append((value, step, scale, self.target(label, value,
                                                          scale)))
        x, step, scale, target = zip(*items)
        x = np.stack(x).astype(np.float32)
        if self.reader.kind != 'latents':
            # a copy: with channels last, oneDNN 2.6's bfloat16 gradients of
            # dilated convolutions have garbage in the last channels
            x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        return x, np.float32(step), np.float32(scale), np.stack(target)

    def target(self, label, value, scale):
        if self.reader.kind == 'latents':
            rows, columns = (FINER * n for n in value.shape[1:])
            return shares(label, self.classes, CELL << scale, rows, columns)
        rows, columns = (FINER * -(-n // 8) for n in label.shape)
        return shares(label, self.classes, CELL, rows, columns)
