# SPDX-License-Identifier: LGPL-2.1-or-later
"""RGB to Y'CbCr 4:2:0 of 8 bits and back, by BT.601, rounded.

videoconvert 1.22 truncates in its fast paths: RGB to Y444 and back is 3 grey levels
darker, at 38 dB, which codecs of RGB would have over the others.
"""
import numpy as np

# rows: Y', Cb, Cr of R'G'B', all 0 to 255
TO = np.array([[.299, .587, .114],
               [-.299 / 1.772, -.587 / 1.772, .5],
               [.5, -.587 / 1.402, -.114 / 1.402]])
BACK = np.linalg.inv(TO)


def _scales(full):
    """(scale, offset) of Y' and of colours."""
    return ((1.0, 0.0), (1.0, 128.0)) if full else (
        (219 / 255, 16.0), (224 / 255, 128.0))


def _bytes(v):
    return np.clip(np.rint(v), 0, 255).astype(np.uint8)


def _halve(v):
    """Means of two by two; the last row or column of an odd side by
    itself."""
    h, w = v.shape
    v = np.pad(v, ((0, h % 2), (0, w % 2)), 'edge')
    return (v[::2, ::2] + v[1::2, ::2] + v[::2, 1::2] + v[1::2, 1::2]) / 4


def _double(v, axis, size):
    """Between the middles of pairs, 3 to 1; the border is repeated."""
    v = np.moveaxis(v, axis, 0)
    before, after = np.concatenate([v[:1], v[:-1]]), np.concatenate(
        [v[1:], v[-1:]])
    out = np.empty((2 * len(v),) + v.shape[1:])
    out[::2], out[1::2] = (3 * v + before) / 4, (3 * v + after) / 4
    return np.moveaxis(out[:size], 0, axis)


def to_420(rgb, full):
    """[Y', Cb, Cr] uint8 of RGB uint8 [h, w, 3]; full: 0 to 255 (JPEG), or 16 to
    235. Colours lie in the middle of four pixels."""
    planes = np.moveaxis(rgb.astype(float) @ TO.T, 2, 0)
    luma, colour = _scales(full)
    return [_bytes(planes[0] * luma[0] + luma[1])] + [
        _bytes(_halve(p) * colour[0] + colour[1]) for p in planes[1:]]


def of_420(planes, full):
    """RGB uint8 [h, w, 3] of what to_420() makes."""
    luma, colour = _scales(full)
    h, w = planes[0].shape
    y = (planes[0] - luma[1]) / luma[0]
    chroma = [_double(_double((p - colour[1]) / colour[0], 0, h), 1, w)
              for p in planes[1:]]
    return _bytes(np.stack([y] + chroma, 2) @ BACK.T)
