# SPDX-License-Identifier: LGPL-2.1-or-later
"""Photographs, grey frames of them, and the chroma that belongs to them.

A grey stream's luma latents are those of the colour stream of the same
picture, so a frame of the grey picture is the input and a finely quantised
frame of the colour picture, at the same scale, has the answer.
"""
import glob
import os
import sys

import numpy as np
from PIL import Image

from colour_net import CHROMA

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'ordered'))
from codec import Codec as Matrices  # noqa: E402
from packets import merge_2d, unpacket  # noqa: E402

FINE = 95                       # quality of the answers
QUALITIES = (8, 96)             # of the grey frames
SIDE = 256


def groups(model_path):
    """[channels] uint8: luma, chroma, chroma detail."""
    return Matrices(model_path).group


def grey(rgb):
    """Luma as the codec makes it of RGB: BT.601, full range; uint8."""
    y = rgb.astype(np.float32) @ np.float32([0.299, 0.587, 0.114])
    return np.clip(np.rint(y), 0, 255).astype(np.uint8)


def photographs(folder):
    """Paths of the pictures in a folder, sorted. Raises OSError."""
    found = [p for p in sorted(glob.glob(os.path.join(folder, '*')))
             if p.lower().endswith(('.png', '.jpg', '.jpeg', '.webp'))]
    if not found:
        raise OSError(f'no PNG, JPEG or WebP pictures in {folder}')
    return found


def read(path, multiple=16):
    """uint8 [h, w, 3], cut to multiples of the grid."""
    rgb = np.asarray(Image.open(path).convert('RGB'))
    h, w = (n // multiple * multiple for n in rgb.shape[:2])
    return np.ascontiguousarray(rgb[:h, :w])


def crops(source, count, seed):
    """uint8 [n, 256, 256, 3] of an .npy file, or cut from a folder's
    pictures, at random scales."""
    if source.endswith('.npy'):
        return np.load(source, mmap_mode='r')
    rng, found, out = np.random.default_rng(seed), photographs(source), []
    while len(out) < count:
        path = found[len(out) % len(found)]
        picture = Image.open(path).convert('RGB')
        w, h = picture.size
        side = min(w, h) * np.exp(rng.uniform(np.log(
            min(1, SIDE / min(w, h))), 0))
        x, y = rng.uniform(0, w - side), rng.uniform(0, h - side)
        out.append(np.asarray(picture.resize(
            (SIDE, SIDE), Image.LANCZOS, (x, y, x + side, y + side))))
    return np.stack(out)


class Reader:
    """Input and answer of a picture.

    kind: 'latents', 'decoded' (grey pixels by the linear decoder) or
    'pixels'. The answer of pixel networks is chroma at full size, of latent
    networks at the frame's."""

    def __init__(self, kind, codec, group):
        self.kind, self.codec, self.channels = kind, codec, len(group)
        self.pick = np.flatnonzero(np.asarray(group) == CHROMA)

    def input(self, luma, frame):
        """(float32 [K, H, W] or [1, h, w], step, scale)."""
        if self.kind == 'pixels':
            return np.float32(luma[None]), 1.0, 0
        if self.kind == 'latents':
            return tuple(self.codec.latents(frame, self.channels))
        info = self.codec.info(frame)
        pixels = self.codec.decode(frame, 'linear')
        return np.float32(pixels[None]), 2.0 ** (info.step_index / 16), \
            info.scale

    def answer(self, rgb, scale):
        """Chroma latents float32 [chroma, H, W]."""
        shrink = 1 << scale if self.kind == 'latents' else 1
        frame = self.codec.encode(rgb, FINE, shrink=shrink)
        return self.codec.latents(frame, self.channels).values[self.pick]


class Batches:
    """Random crops, mirrored by chance, each batch at one scale. The same
    seed gives the same to all kinds of readers."""

    def __init__(self, pictures, reader, seed, size):
        self.pictures, self.reader, self.size = pictures, reader, size
        self.rng, self.order = np.random.default_rng(seed), []

    def __iter__(self):
        return self

    def __next__(self):
        """(inputs [n, ...], step [n], scale [n], answers [n, chroma, H,
        W])."""
        codec, items = self.reader.codec, []
        shrink = 2 if self.rng.random() < 0.2 else 1
        low, high = QUALITIES
        while len(items) < self.size:
            if not self.order:
                self.order = list(self.rng.permutation(len(self.pictures)))
            rgb = np.array(self.pictures[self.order.pop()])
            if self.rng.random() < 0.5:
                rgb = np.ascontiguousarray(rgb[:, ::-1])
            quality = int(self.rng.integers(low, 45 if shrink > 1 else high))
            luma = grey(rgb)
            frame = codec.encode(luma, quality, shrink=shrink)
            x, step, scale = self.reader.input(luma, frame)
            items.append((x, step, scale, self.reader.answer(rgb, scale)))
        x, step, scale, answer = zip(*items)
        return np.stack(x), np.float32(step), np.float32(scale), \
            np.stack(answer)


def chroma_planes(matrices, group, chroma, size):
    """Cb and Cr, float32 [2, h, w], of chroma latents [chroma, H, W] by the
    linear decoder, resized to size (h, w) when the frame was coded smaller."""
    rows = np.flatnonzero(np.asarray(group) == CHROMA)
    synthesis = matrices.synthesis[rows, 64:96]
    coef = np.tensordot(synthesis, chroma, (0, 0))
    out = []
    for k in range(2):
        half = unpacket(coef[None, 16 * k:16 * k + 16].astype(np.float32), 2)
        bands = np.zeros((1, 4) + half.shape[1:], np.float32)
        bands[:, 0] = half * 2
        plane = merge_2d(bands)[0]
        if plane.shape != tuple(size):
            plane = np.asarray(Image.fromarray(plane).resize(
                size[::-1], Image.BICUBIC))
        out.append(plane)
    return np.stack(out)
