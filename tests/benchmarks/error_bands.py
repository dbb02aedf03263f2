#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the errors of codecs are: by colour plane and by frequency.

usage: error_bands.py [options] PICTURES...   (files or folders)

Every picture is coded at the setting of rate_quality.py whose file is nearest
to a rate, for two settings around it, and figures are interpolated over the
logarithm of the rate. Errors are those of Y, Cb and Cr (BT.601, full size),
as PSNR, and of Y in bands of an 8x8 DCT: the band is the greater of the two
frequencies (0: the mean of a block, 1, 2 to 3, 4 to 7). Writes OUT.json and
OUT.md.
"""
import os
import sys
import tempfile

import numpy as np
from PIL import Image

import common
import rate_quality

BANDS = ("mean", "1", "2-3", "4-7")
MATRIX = np.array([[0.299, 0.587, 0.114],
                   [-0.168736, -0.331264, 0.5],
                   [0.5, -0.418688, -0.081312]])
DCT = np.array([[np.sqrt((1 if k == 0 else 2) / 8)
                 * np.cos((2 * n + 1) * k * np.pi / 16) for n in range(8)]
                for k in range(8)])
FREQUENCY = np.maximum.outer(np.arange(8), np.arange(8))
BAND_OF = np.array([0, 1, 2, 2, 3, 3, 3, 3])[FREQUENCY]


def errors_of(a, b):
    """Mean squared errors: [Y, Cb, Cr, and of Y each band's part]."""
    difference = (a.astype(np.float64) - b.astype(np.float64)) @ MATRIX.T
    height, width = (v // 8 * 8 for v in a.shape[:2])
    blocks = difference[:height, :width, 0].reshape(
        height // 8, 8, width // 8, 8).transpose(0, 2, 1, 3)
    energy = ((DCT @ blocks @ DCT.T) ** 2).mean((0, 1)) / 64
    return [float((difference[:, :, k] ** 2).mean()) for k in range(3)] \
        + [float(energy[BAND_OF == k].sum()) for k in range(len(BANDS))]


def at_rate(codec, picture, bpp, options):
    """{suffix: errors} between the two settings around a rate."""
    pixels = picture["rgb"].shape[0] * picture["rgb"].shape[1]
    points = {}
    settings = list(codec.qualities)

    def code(k):
        if k not in points:
            points[k] = {s: (8 * size / pixels, errors_of(picture["rgb"], b))
                         for s, size, b in codec.code(
                             picture, settings[k], options.folder, options)}
        return next(iter(points[k].values()))[0] if points[k] else None

    low, high = 0, len(settings) - 1
    first, last = code(low), code(high)
    if first is None:
        return {}
    rising = last > first
    while high - low > 1:
        middle = (low + high) // 2
        if (code(middle) < bpp) == rising:
            low = middle
        else:
            high = middle
    result = {}
    for suffix in points[low]:
        (r0, e0), (r1, e1) = points[low][suffix], points[high][suffix]
        if not min(r0, r1) <= bpp <= max(r0, r1):
            continue
        part = np.log(bpp / r0) / np.log(r1 / r0)
        result[suffix] = np.exp((1 - part) * np.log(np.maximum(e0, 1e-9))
                                + part * np.log(np.maximum(e1, 1e-9)))
    return result


def main():
    parser = rate_quality.arguments(__doc__, "error-bands")
    parser.add_argument("--points", default="0.25,0.5,1.0",
                        help="rates of the tables, bpp")
    parser.add_argument("--every", type=int, default=1, metavar="N",
                        help="take every Nth picture")
    options = parser.parse_args()
    paths = common.pictures_of(options.pictures)[::options.every]
    codecs = rate_quality.make_codecs(options.codecs.split(","))

    data, parts = {"points": {}, "count": len(paths)}, []
    for bpp in (float(p) for p in options.points.split(",")):
        sums = {}
        for path in paths:
            rgb = np.asarray(Image.open(path).convert("RGB"))
            with tempfile.TemporaryDirectory() as options.folder:
                picture = {"rgb": rgb,
                           "png": os.path.join(options.folder, "in.png")}
                Image.fromarray(rgb).save(picture["png"], compress_level=1)
                for name, codec in codecs.items():
                    try:
                        found = at_rate(codec, picture, bpp, options)
                    except rate_quality.Skip as why:
                        print(f"{name} left out: {why}", file=sys.stderr)
                        continue
                    for suffix, errors in found.items():
                        sums.setdefault(rate_quality.full_name(name, suffix),
                                        []).append(errors)
        rows = []
        for name, values in sums.items():
            if len(values) < len(paths):
                continue
            dB = (10 * np.log10(255 ** 2 / np.array(values))).mean(0)
            data["points"].setdefault(f"{bpp:g}", {})[name] = dB.tolist()
            rows.append([name] + [f"{v:.2f}" for v in dB])
        parts += [f"## {bpp:g} bpp", "", common.table(
            ["codec", "Y", "Cb", "Cr"] + [f"Y, band {b}" for b in BANDS],
            rows), ""]
    parts.insert(0, f"{len(paths)} pictures. PSNR of each plane, and of Y if"
                 " only the errors of one band of frequencies were there"
                 " (8x8 DCT, the greater of the two frequencies); mean of the"
                 " pictures' dB at the rate of the heading.\n")
    common.save(options.out, "Where the errors are", data, parts)
    print("\n".join(parts))


if __name__ == "__main__":
    main()
