#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes tests/golden/transform/packet.bin: packet analysis by PyWavelets.

Periodic borders come from pywt's mode "periodization". PyWavelets has no
whole-sample symmetric mode of the same phase, so those are computed here by
mirroring the signal about its outermost samples and filtering with the same
taps at the same phase. All in double precision.

File: records without gaps, little-endian. Five uint32: dimensions (1 or 2),
border (0 periodic, 1 symmetric), levels, width, height (1 in 1-D); then
width * height float32 of input; then channels * rows * columns float32.

Usage: golden_transform.py [OUTPUT]
"""
import pathlib
import struct
import sys

import numpy as np
import pywt

WAVELET = pywt.Wavelet("bior4.4")
LOW = np.array(WAVELET.dec_lo)[1:10]     # centred on sample 2k
HIGH = np.array(WAVELET.dec_hi)[1:8]     # centred on sample 2k + 1


def mirror(index, n):
    """Whole-sample symmetric extension, however far index is outside."""
    if n == 1:
        return np.zeros_like(index)
    index = np.mod(index, 2 * n - 2)
    return np.where(index < n, index, 2 * n - 2 - index)


def split_symmetric(x, axis):
    x = np.moveaxis(x, axis, -1)
    n = x.shape[-1]
    k = np.arange(n // 2)[:, None]
    low = x[..., mirror(2 * k + np.arange(-4, 5), n)] @ LOW
    high = x[..., mirror(2 * k + 1 + np.arange(-3, 4), n)] @ HIGH
    return np.moveaxis(low, -1, axis), np.moveaxis(high, -1, axis)


def split(x, axis, border):
    if border == 0:
        return pywt.dwt(x, WAVELET, mode="periodization", axis=axis)
    return split_symmetric(x, axis)


def extend(x, levels):
    pad = [(0, -n % (1 << levels)) for n in x.shape]
    return np.pad(x, pad, mode="edge")


def packet(x, levels, border):
    bands = [extend(x, levels)]
    for _ in range(levels):
        new = []
        for band in bands:
            if x.ndim == 1:
                new += split(band, 0, border)
                continue
            if border == 0:
                ll, (lh, hl, hh) = pywt.dwt2(band, WAVELET,
                                             mode="periodization")
            else:
                low, high = split(band, 1, border)
                ll, lh = split(low, 0, border)
                hl, hh = split(high, 0, border)
            new += [ll, lh, hl, hh]
        bands = new
    return np.array(bands)


CASES_2D = [(1, 1, 1), (1, 1, 4), (2, 2, 1), (2, 3, 2), (1, 7, 2), (9, 1, 3),
            (13, 9, 2), (7, 10, 3), (16, 16, 1), (24, 16, 3), (17, 33, 2),
            (45, 37, 3), (64, 40, 3), (33, 34, 4), (5, 6, 0), (40, 24, 5)]
CASES_1D = [(1, 1), (2, 1), (3, 2), (64, 1), (100, 3), (255, 8), (512, 8),
            (700, 5), (1000, 12), (31, 0)]


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    path = root / "tests" / "golden" / "transform" / "packet.bin"
    if len(sys.argv) > 1:
        path = pathlib.Path(sys.argv[1])
    rng = np.random.default_rng(97)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as out:
        for border in (0, 1):
            for w, h, levels in CASES_2D + [(n, 0, j) for n, j in CASES_1D]:
                dims = 2 if h else 1
                x = rng.uniform(-0.5, 0.5, (h, w) if h else w)
                x = x.astype("<f4")
                y = packet(x.astype(np.float64), levels, border)
                out.write(struct.pack("<5I", dims, border, levels, w, h or 1))
                out.write(x.tobytes())
                out.write(y.astype("<f4").tobytes())


if __name__ == "__main__":
    main()
