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
       golden_transform.py --bounds   prints the table of
           docs/design/integer-transform.md: how far every intermediate of the
           integer transform can go
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
    k = np.arange(n // 2)
    # sums in a fixed order: a matrix product's order varies between runs
    low = sum(LOW[4 + i] * x[..., mirror(2 * k + i, n)]
              for i in range(-4, 5))
    high = sum(HIGH[3 + i] * x[..., mirror(2 * k + 1 + i, n)]
               for i in range(-3, 4))
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
            (700, 5), (1000, 12), (31, 0), (2816, 8)]


ALPHA, BETA = -1.58613434205992355842, -0.05298011857296141462
GAMMA, DELTA = 0.88291107553093329591, 0.44350685204397115211


def after(x):
    return np.vstack([x[1:], x[-1:]])


def before(x):
    return np.vstack([x[:1], x[:-1]])


def line_stages(x, halved, add=None):
    """Every intermediate of one integer pass as a linear map of the rows of
    x; add[stage] is added to a stage's result (to follow rounding errors)."""
    add = add or {}
    c = 0.5 if halved else 1.0
    even, odd = x[0::2], x[1::2]
    out = {"even + even": even + after(even)}
    if not halved:
        out["odd - sum"] = odd - out["even + even"]
    d = c * (odd + ALPHA * out["even + even"]) + add.get("d", 0)
    s = even + BETA / c * (before(d) + d) + add.get("s", 0)
    high = d + c * GAMMA * (s + after(s)) + add.get("high", 0)
    out["high + high"] = before(high) + high
    low = s + DELTA / c * out["high + high"] + add.get("low", 0)
    return out | {"d": d, "s": s, "high": high, "low": low}


def reach(x):
    """Greatest magnitude for inputs of magnitude 1."""
    return np.abs(x).sum(axis=1).max()


def axis_reach(levels, halved):
    """Per level: reach of the bands before it, of its stages, after it."""
    bands, out = [np.eye(128)], []
    for level in range(levels):
        stages = [line_stages(b, halved(level)) for b in bands]
        new = [s[k] for s in stages for k in ("low", "high")]
        out.append((max(map(reach, bands)),
                    {k: max(reach(s[k]) for s in stages) for k in stages[0]},
                    max(map(reach, new))))
        bands = new
    return out


def error_stages(error, halved):
    """Bounds of the error of every stage in units of the last place, for
    inputs wrong by at most error. A product is wrong by 1: one half from
    rounding, one half from the coefficient's 15 bits; halving by one half."""
    own = {"d": 1.5 if halved else 1.0, "s": 2.0, "high": 2.0, "low": 1.0}
    n = 128
    stages = line_stages(np.eye(n), halved)
    total = {k: error * reach(v) for k, v in stages.items()}
    for source, size in own.items():
        add = {source: np.eye(n // 2)}
        zero = np.zeros((n, n // 2))
        for k, v in line_stages(zero, halved, add).items():
            total[k] += size * reach(v)
    return total


def pass_bounds(name, reaches, halved, other, full, error):
    """Rows of the table for all levels along one axis; other: reach of the
    bands along the axis before it. Returns (rows, error of the bands)."""
    rows = []
    for level, (_, stages, _) in enumerate(reaches):
        errors = error_stages(error, halved(level))
        rows += [(level + 1, name, k, v * other, errors[k],
                  full * v * other + errors[k]) for k, v in stages.items()]
        error = max(errors["low"], errors["high"])
    return rows, error


def bounds(fraction=4):
    """All levels along the width, then all along the height; and one level
    alone, the height first (pictures that are made smaller)."""
    full = 128 << fraction
    print("| axis | level | intermediate | reach | rounding | bound |")
    print("| --- | --- | --- | --- | --- | --- |")
    for levels in (2, 3):
        def at_last(level, last=levels - 1):
            return level == last
        width = axis_reach(levels, at_last)
        rows, error = pass_bounds("width", width, at_last, 1.0, full, 0.0)
        rows += pass_bounds("height", axis_reach(levels, lambda level: True),
                            lambda level: True, width[-1][2], full, error)[0]
        for level, name, k, far, error, top in rows:
            if levels == 3:
                print(f"| {name} | {level} | {k} | {far:.3f} | {error:.0f} | "
                      f"{top:.0f} |")
        print(f"J = {levels}: greatest bound "
              f"{max(r[-1] for r in rows):.0f} of 32767", file=sys.stderr)
    height = axis_reach(1, lambda level: True)
    rows, error = pass_bounds("height", height, lambda level: True, 1.0, full,
                              0.0)
    rows += pass_bounds("width", axis_reach(1, lambda level: False),
                        lambda level: False, height[-1][2], full, error)[0]
    print(f"one level, height first: greatest bound "
          f"{max(r[-1] for r in rows):.0f} of 32767", file=sys.stderr)


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    path = root / "tests" / "golden" / "transform" / "packet.bin"
    if sys.argv[1:] == ["--bounds"]:
        bounds()
        return
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
