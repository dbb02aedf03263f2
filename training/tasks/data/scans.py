# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a scanner does to a page: not level, soft, noisy, unevenly lit."""
import io
import math

import numpy as np
from PIL import Image, ImageFilter


class Warp:
    """Rotation, scale and shift of a page, and where its points go.

    Coordinates are continuous, the middle of the first pixel is 0.5.
    """

    def __init__(self, rng, width, height, strength):
        angle = 0.0
        if rng.random() < 0.75 * min(1, 2 * strength):
            angle = math.radians(float(np.clip(rng.normal(0, .45), -1.1, 1.1)))
        sx = 1 + 0.02 * strength * rng.normal()
        sy = sx * (1 + 0.01 * strength * rng.normal())
        sx, sy = np.clip((sx, sy), 0.95, 1.05)
        turn = np.array([[math.cos(angle), -math.sin(angle)],
                         [math.sin(angle), math.cos(angle)]])
        self.matrix = turn @ np.diag([sx, sy])
        middle = np.array([width / 2, height / 2])
        self.shift = middle - self.matrix @ middle + rng.uniform(-4, 4, 2)
        self.scale = float(sy)

    def points(self, xy):
        """Where points [n, 2] of the page are in the scan."""
        return np.asarray(xy, float) @ self.matrix.T + self.shift

    def image(self, image, fill=255):
        """The page ('L') as the scan has it."""
        inverse = np.linalg.inv(self.matrix)
        offset = -inverse @ self.shift
        data = (inverse[0, 0], inverse[0, 1], offset[0],
                inverse[1, 0], inverse[1, 1], offset[1])
        return image.transform(image.size, Image.Transform.AFFINE, data,
                               Image.Resampling.BICUBIC, fillcolor=fill)


def _field(rng, width, height, cells, low, high):
    """A smooth field of floats [height, width] between low and high."""
    small = rng.uniform(low, high, (cells, cells)).astype(np.float32)
    return np.asarray(Image.fromarray(small).resize(
        (width, height), Image.Resampling.BICUBIC))


def degrade(ink, rng, strength):
    """A scan of a page, uint8.

    ink: 'L' image, 0 where ink is, 255 where paper is. strength: 0 (as
    printed) to 1 (a bad scan)."""
    width, height = ink.size
    blur = rng.uniform(0, 0.35 + 0.75 * strength)
    if blur > 0.2:
        ink = ink.filter(ImageFilter.GaussianBlur(blur))
    cover = np.asarray(ink, np.float32) / 255
    if rng.random() < 0.6 * strength:
        # a scanner's tone curve: strokes get thicker or thinner, edges harder
        gain = rng.uniform(1, 1 + 1.2 * strength)
        cover = np.clip((cover - 0.5) * gain + 0.5
                        + strength * rng.uniform(-.12, .16), 0, 1)
    paper = 255 - rng.uniform(0, 12 + 70 * strength)
    dark = rng.uniform(0, 15 + 65 * strength)
    if paper - dark < 90:
        dark = paper - 90
    if rng.random() < 0.2 * strength:
        # the other side of the sheet shines through
        back = ink.transpose(Image.Transpose.FLIP_LEFT_RIGHT).filter(
            ImageFilter.GaussianBlur(2.5))
        through = 1 - np.asarray(back, np.float32) / 255
        paper = paper - through * rng.uniform(5, 30) * strength
    out = dark + (paper - dark) * cover
    if rng.random() < 0.7 * strength:
        out = out * _field(rng, width, height, int(rng.integers(2, 6)),
                           1 - 0.3 * strength, 1)
    if rng.random() < 0.8 * strength:
        noise = rng.standard_normal((height, width), np.float32)
        if rng.random() < 0.5:          # coarse grain, of about 2 pixels
            noise = 0.5 * (noise + np.roll(noise, 1, 0) + np.roll(
                noise, 1, 1) + np.roll(noise, (1, 1), (0, 1)))
        out = out + noise * rng.uniform(0.5, 1 + 9 * strength)
    out = np.clip(np.rint(out), 0, 255).astype(np.uint8)
    if rng.random() < 0.45 * strength:
        file = io.BytesIO()
        Image.fromarray(out).save(file, 'JPEG',
                                  quality=int(rng.integers(35, 96)))
        out = np.asarray(Image.open(file))
    return np.ascontiguousarray(out)
