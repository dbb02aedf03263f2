#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes tests/golden/reference-sound: what the published audio codec makes of a clip,
by PyWavelets and numpy in double precision, with the matrices of
tests/golden/models/reference-sound-test.wlm.

    golden_sound.py [FOLDER]

clip.s16 [2816][2] is 16-bit stereo. For both of its signals, and for the first
alone: latents-N.s8 [24][11], samples-N.f32 [N][2816] by the linear decoder in
-0.5 .. 0.5 (docs/bitstream.md, 2.5), little-endian.
"""
import pathlib
import sys

import numpy as np
import pywt
from scipy import special

import walloc_model
from golden_transform import WAVELET, packet

COLUMNS, LEVELS, BANDS = 11, 8, 256
BITS = 8
MOST = 2 ** (BITS - 1) - 1
GREATEST, SCALE = MOST + 0.5 - 1e-3, MOST / 1.85


def clip(seed):
    """int16 [samples, 2]: tones, a sweep, noise, not around zero."""
    rng = np.random.default_rng(seed)
    t = np.arange(COLUMNS * BANDS)
    x = np.stack([6000 * np.sin(t * 0.021) + 3000 * np.sin(t * t * 1.1e-5),
                  5000 * np.sin(t * 0.034 + 1) * np.exp(-t / 900)], 1)
    x += 300 * rng.standard_normal(x.shape) + 250
    return np.rint(x).astype(np.int16)


def compand(y):
    """Companded values, not rounded yet."""
    return 2 * GREATEST * (special.ndtr(y / SCALE) - 0.5)


def expand(q):
    p = np.clip(q / (2 * GREATEST) + 0.5, 0.0001, 0.9999)
    return SCALE * special.ndtri(p)


def unpack(bands):
    """Inverse of golden_transform.packet() with periodic borders."""
    bands = list(bands)
    while len(bands) > 1:
        bands = [pywt.idwt(low, high, WAVELET, mode='periodization')
                 for low, high in zip(bands[::2], bands[1::2])]
    return bands[0]


def code(x, tensors):
    """Companded latents [24, columns] and samples [n, length] of int16
    [length, n]."""
    mean = np.float32(x.astype(np.float64).mean())
    peak = np.float32(np.abs(x - np.float64(mean)).max())
    y = (x - np.float64(mean)) / (2 * np.float64(peak))
    pair = y.T if y.shape[1] == 2 else np.stack([y[:, 0]] * 2)
    coefs = np.concatenate([packet(s, LEVELS, 0) for s in pair])
    uniform = compand(tensors['codec.analysis'].astype(float) @ coefs
                      + tensors['codec.bias'].astype(float)[:, None])
    back = tensors['decoder.linear'].astype(float) @ expand(np.rint(uniform))
    back += tensors['decoder.linear.bias'].astype(float)[:, None]
    out = np.stack([unpack(back[:BANDS]), unpack(back[BANDS:])])
    if y.shape[1] == 1:
        out = out.mean(0, keepdims=True)
    return uniform, np.clip(out, -0.5, 0.5), y.T


def main():
    root = pathlib.Path(__file__).resolve().parent.parent / 'tests' / 'golden'
    folder = root / 'reference-sound'
    if len(sys.argv) > 1:
        folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    tensors, _ = walloc_model.load(root / 'models' / 'reference-sound-test.wlm')
    # a latent on the edge between two integers would be a matter of luck
    for seed in range(1000):
        x = clip(seed)
        results = [code(x[:, :n], tensors) for n in (1, 2)]
        if all(np.abs(u - np.rint(u)).max() < 0.4995 for u, _, _ in results):
            break
    else:
        raise SystemExit('no clip without latents on an edge')
    x.astype('<i2').tofile(folder / 'clip.s16')
    for n, (uniform, samples, y) in zip((1, 2), results):
        np.rint(uniform).astype(np.int8).tofile(folder / f'latents-{n}.s8')
        samples.astype('<f4').tofile(folder / f'samples-{n}.f32')
        error = ((samples - y) ** 2).sum() / (y ** 2).sum()
        print(f'{n} signals: latents {np.rint(uniform).min():.0f} to '
              f'{np.rint(uniform).max():.0f}, {-10 * np.log10(error):.1f} dB')


if __name__ == '__main__':
    main()
