#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How far `corrupt` takes pictures from what they were: mean PSNR in dB, and where
in frequency.

usage: meson devenv -C build tests/benchmarks/corrupt_statistics.py PICTURE...
           [--variants imagecorruptions] [--types fog,snow] [--out NAME]

For every type, variant and severity, one seed per picture. `hendrycks` on 224
x 224 (shorter side reduced to 256, middle), `imagecorruptions` at full size, as
the published programs were measured (docs/evaluation/corruptions.md). Of
`imagecorruptions` also the error's spectrum: shares of energy of the grey error
at severity 3 by radius, of Nyquist, without its mean, and the mean itself.
Writes NAME.json.
"""
import argparse
import json
import os
import subprocess
import tempfile

import numpy as np
from PIL import Image

from corrupt_speed import TYPES, VARIANTS


GREY = np.array([.299, .587, .114])
EDGES = (1 / 16, 1 / 4, 1 / 2)          # radii, of Nyquist
SPECTRA = 3                             # the severity whose spectrum is shown


def shares(error):
    """Of float [h, w]: parts of the energy without the mean below each of
    EDGES and above the last (sum 1)."""
    height, width = error.shape
    energy = np.abs(np.fft.fft2(error - error.mean())) ** 2
    radius = 2 * np.hypot(np.fft.fftfreq(height)[:, None],
                          np.fft.fftfreq(width)[None])
    which = np.digitize(radius, EDGES)
    parts = np.bincount(which.ravel(), energy.ravel(), len(EDGES) + 1)
    total = parts.sum()
    return parts / total if total else parts


def prepared(path, variant):
    """uint8 [h, w, 3]"""
    im = Image.open(path).convert('RGB')
    if variant == 'hendrycks':
        by = 256 / min(im.size)
        im = im.resize([round(v * by) for v in im.size], Image.BILINEAR)
        left, top = (im.width - 224) // 2, (im.height - 224) // 2
        im = im.crop((left, top, left + 224, top + 224))
    return np.asarray(im)


def corrupted(rgb, folder, **properties):
    """uint8 [h, w, 3] through the element."""
    height, width = rgb.shape[:2]
    stride = (3 * width + 3) // 4 * 4
    rows = np.zeros((height, stride), np.uint8)
    rows[:, :3 * width] = rgb.reshape(height, -1)
    source, sink = (os.path.join(folder, n) for n in ('in', 'out'))
    rows.tofile(source)
    subprocess.run(
        ['gst-launch-1.0', '-q', 'filesrc', f'location={source}',
         f'blocksize={rows.size}', '!', 'rawvideoparse', 'format=rgb',
         f'width={width}', f'height={height}', '!', 'corrupt']
        + [f'{k}={v}' for k, v in properties.items()]
        + ['!', 'filesink', f'location={sink}'], check=True)
    out = np.fromfile(sink, np.uint8).reshape(height, -1)
    return out[:, :3 * width].reshape(rgb.shape)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('pictures', nargs='+')
    p.add_argument('--variants', default=','.join(VARIANTS))
    p.add_argument('--types', default=','.join(TYPES))
    p.add_argument('--out', default='')
    a = p.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for variant in a.variants.split(','):
            pictures = [prepared(path, variant) for path in a.pictures]
            for kind in a.types.split(','):
                rows.append(measured(pictures, folder, variant, kind))
                show(rows[-1])
    if a.out:
        with open(a.out + '.json', 'w') as f:
            json.dump({'pictures': [os.path.basename(v) for v in a.pictures],
                       'rows': rows}, f, indent=1)


def measured(pictures, folder, variant, kind):
    """A row of the results: means over pictures."""
    row = {'variant': variant, 'type': kind, 'psnr': [], 'mean_share': [],
           'mean_shift': []}
    for severity in range(1, 6):
        db, of, shift, parts = [], [], [], []
        for seed, rgb in enumerate(pictures):
            out = corrupted(rgb, folder, type=kind, seed=seed,
                            severity=severity, variant=variant)
            error = out.astype(float) - rgb
            db.append(10 * np.log10(65025 / np.mean(error ** 2)))
            parts.append(shares(error @ GREY))
            shift.append(error.mean())
            # of all samples together: one number of three channels
            of.append(error.mean() ** 2 / np.mean(error ** 2))
        row['psnr'].append(float(np.mean(db)))
        row['mean_share'].append(float(np.mean(of)))
        row['mean_shift'].append(float(np.mean(shift)))
        if severity == SPECTRA:
            row['shares'] = [float(v) for v in np.mean(parts, axis=0)]
    return row


def show(row):
    def line(name, digits):
        return ' '.join(f'{v:.{digits}f}' for v in row[name])
    print(f'{row["variant"]:17s} {row["type"]:18s} {line("psnr", 2)}'
          f' | {line("shares", 2)} | {line("mean_share", 2)} | '
          f'{line("mean_shift", 1)}', flush=True)


if __name__ == '__main__':
    main()
