#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How far `corrupt` takes pictures from what they were, mean PSNR in dB.

usage: meson devenv -C build tests/benchmarks/corrupt_statistics.py PICTURE...
           [--out NAME]

For every type, variant and severity, one seed per picture. `hendrycks` on 224
x 224 (shorter side reduced to 256, middle), `imagecorruptions` at full size, as
the published programs were measured (docs/evaluation/corruptions.md). Writes
NAME.json.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

from corrupt_speed import TYPES, VARIANTS


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
    p.add_argument('--out', default='')
    a = p.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for variant in VARIANTS:
            pictures = [prepared(path, variant) for path in a.pictures]
            for kind in TYPES:
                means = []
                for severity in range(1, 6):
                    db = []
                    for seed, rgb in enumerate(pictures):
                        out = corrupted(rgb, folder, type=kind, seed=seed,
                                        severity=severity, variant=variant)
                        error = np.mean((out.astype(float) - rgb) ** 2)
                        db.append(10 * np.log10(65025 / error))
                    means.append(float(np.mean(db)))
                rows.append({'variant': variant, 'type': kind, 'psnr': means})
                print(f'{variant:17s} {kind:18s}',
                      ' '.join(f'{v:.2f}' for v in means))
                sys.stdout.flush()
    if a.out:
        with open(a.out + '.json', 'w') as f:
            json.dump({'pictures': [os.path.basename(v) for v in a.pictures],
                       'rows': rows}, f, indent=1)


if __name__ == '__main__':
    main()
