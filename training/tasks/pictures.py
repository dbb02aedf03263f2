# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folders of pictures: which are for what, and how they are varied.

A picture is varied before it is encoded, never its latents: in a wavelet
packet a mirror image is no mirrored grid.
"""
import os

import numpy as np
from PIL import Image

from latents import i420_of_rgb, rgb_of_i420

ENDINGS = ('.jpg', '.jpeg', '.png', '.webp', '.bmp', '.tif', '.tiff', '.ppm')
FORMATS = ('rgb', 'i420', 'i420-limited')
GREY = np.uint32([19595, 38470, 7471])      # of 65536: BT.601, equal is exact
MAX_PIXELS = 64 << 20


def folder(path):
    """({class: [file names]}): FOLDER/class/picture, sorted by name.
    Raises ValueError with what was expected."""
    out = {}
    for name in sorted(os.listdir(path)):
        inside = os.path.join(path, name)
        if not os.path.isdir(inside) or name.startswith('.'):
            continue
        files = sorted(f for f in os.listdir(inside)
                       if f.lower().endswith(ENDINGS)
                       and not f.startswith('.'))
        if files:
            out[name] = files
    if len(out) < 2:
        raise ValueError(f'{path} must hold one folder of pictures '
                         f'({", ".join(ENDINGS)}) for each of two or more '
                         f'classes; found {len(out)}')
    return out


def split_by_fifths(count):
    """For files in order of name: every fifth, from the first, is for tests,
    the next for validation, the others for training."""
    return [('test', 'val')[i % 5] if i % 5 < 2 else 'train'
            for i in range(count)]


def split_by_group(groups, seed=0):
    """Whole groups (packages, recordings, families of files) on one side:
    about a fifth of the files for tests, a fifth for validation, the others
    for training. groups: one hashable per file."""
    rng = np.random.default_rng(seed)
    names = sorted(set(groups))
    size = {n: groups.count(n) for n in names}
    if len(names) < 3:
        raise ValueError(f'{len(names)} groups cannot be on three sides')
    rng.shuffle(names)
    names.sort(key=lambda n: -size[n])
    sides, want = {}, {'train': .6, 'test': .2, 'val': .2}
    have = dict.fromkeys(want, 0)
    for name in names:
        side = max(want, key=lambda s: want[s] * len(groups) - have[s])
        sides[name] = side
        have[side] += size[name]
    return [sides[g] for g in groups]


def load(path, size=0):
    """RGB uint8 [h, w, 3]; size: shorter side is reduced to it (0: as is).
    Raises ValueError, OSError."""
    with Image.open(path) as im:
        if im.width * im.height > MAX_PIXELS:
            raise ValueError(f'{path}: {im.width}x{im.height} is over '
                             f'{MAX_PIXELS} pixels')
        im = im.convert('RGB')
        short = min(im.size)
        if size and short > size:
            im = im.resize([max(1, round(n * size / short)) for n in im.size],
                           Image.LANCZOS)
        return np.asarray(im)


def draw(rng, crops, turns=True, light=.4, cover=.65, grey=False):
    """A random variation: dict of numbers that vary() takes. crops: sides of
    crops to choose from; turns: also upside down and on its side; light: how
    much brightness and colours vary, 0 to 1; cover: least share of the
    shorter side; grey: no colours, encoded as grey in place of RGB."""
    v = dict(
        crop=int(rng.choice(crops)), cover=float(rng.uniform(cover, 1)),
        aspect=float(np.exp(rng.uniform(-.12, .12))),
        x=float(rng.random()), y=float(rng.random()),
        turn=int(rng.integers(8)) if turns else int(rng.integers(2)),
        gain=float(np.exp(light * rng.uniform(-.25, .25))),
        contrast=float(np.exp(light * rng.uniform(-.2, .2))),
        colour=float(1 + light * rng.uniform(-.3, .3)),
        warmth=float(light * rng.uniform(-.06, .06)),
        form=FORMATS[int(rng.choice(3, p=(.6, .25, .15)))])
    if grey:
        v.update(colour=1.0, warmth=0.0,
                 form='grey' if v['form'] == 'rgb' else v['form'])
    return v


def vary(rgb, v):
    """uint8 [crop, crop, 3]: a part that covers some of the shorter side, at any scale and nearly any aspect, turned or mirrored, in other
    light. v: what draw() gave. A network must know things at any size: it
    sees them small in frames that are coded at half size, and large in
    streams of large pictures."""
    h, w = rgb.shape[:2]
    side, crop = v['cover'] * min(h, w), v['crop']
    tall, wide = min(h, side * v['aspect']), min(w, side / v['aspect'])
    y, x = v['y'] * (h - tall), v['x'] * (w - wide)
    part = Image.fromarray(rgb).resize((crop, crop), Image.BICUBIC,
                                       (x, y, x + wide, y + tall),
                                       reducing_gap=2.0)
    a = np.asarray(part, np.float32)
    if v['turn'] & 1:
        a = a[:, ::-1]
    if v['turn'] & 2:
        a = a[::-1]
    if v['turn'] & 4:
        a = a.transpose(1, 0, 2)
    grey = a @ np.float32([.299, .587, .114])
    mean = grey.mean()
    light = np.float32([1 + v['warmth'], 1, 1 - v['warmth']]) * v['gain']
    a = (grey + (1 - v['contrast']) / v['contrast'] * mean)[..., None] \
        + (a - grey[..., None]) * v['colour']
    a = a * light * v['contrast']
    return np.clip(np.rint(a), 0, 255).astype(np.uint8)


def as_given(rgb, form):
    """What the encoder gets: RGB, grey, or planes of I420 as cameras and JPEG
    files give them."""
    if form == 'grey':
        return ((rgb @ GREY + 32768) >> 16).astype(np.uint8)
    return rgb if form == 'rgb' else i420_of_rgb(rgb, form == 'i420')


def as_seen(rgb, form):
    """The RGB pixels that as_given() leaves of a picture, uncompressed."""
    if form == 'grey':
        return np.repeat(as_given(rgb, form)[..., None], 3, 2)
    return rgb if form == 'rgb' else rgb_of_i420(i420_of_rgb(rgb,
                                                             form == 'i420'))
