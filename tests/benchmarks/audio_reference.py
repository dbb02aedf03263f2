#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bits at equal SNR beside the published form of the codec.

usage: audio_reference.py --set SET [--out OUT]

The published audio codec (arXiv 2412.09405; walloc.py) transforms a whole clip
with periodic borders after removing its mean and dividing by twice its peak,
takes 108 or 27 linear combinations of the 512 coefficients of a column,
compands them with the normal distribution to 8 bits, and packs them as
lossless WebP. Here it is trained on the excerpts that sound-1 was trained on:
the encoder is their KLT, each channel scaled to the companding's deviation (a
loss without a rate term fills the range); the decoder is the linear
least-squares one from the companded values. (The published network decoder of
15 million weights is not part of this.) Measured on music_test.npy: what
walloc takes for the SNR that this reaches, per excerpt.
Needs python3-numpy, python3-scipy, python3-pil. Writes OUT.json and OUT.md.
"""
import argparse
import io
import os
import sys
import tempfile

import numpy as np
from PIL import Image
from scipy.special import ndtr, ndtri

import audio_quality
import common

sys.path.insert(0, os.path.join(common.ROOT, 'training', 'audio'))
import bands  # noqa: E402

SCALE = 127 / 1.85              # deviation of latents that companding expects
MOST = 127.5 - 1e-3
# Deviations of latents, over SCALE, to try: without a rate term in its loss
# the published one has 1; smaller ones are what it could have.
GAINS = (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16)


def periodic(x):
    """[..., n] -> [..., 256, n / 256], periodic borders."""
    margin = 2048               # more than any filter reaches
    y = np.concatenate([x[..., -margin:], x, x[..., :margin]], -1)
    return bands.packet(y)[..., margin // 256:-(margin // 256)]


def back(c):
    y = np.concatenate([c[..., -8:], c, c[..., :8]], -1)
    return bands.unpacket(y)[..., 2048:-2048]


def normalise(x):
    x = x.astype(np.float32)
    mean = x.mean()
    peak = np.abs(x - mean).max() + 1e-8
    return (x - mean) / peak / 2, mean, peak * 2


def compand(y):
    return np.round(2 * MOST * (ndtr(y / SCALE) - 0.5))


def expand(q):
    return SCALE * ndtri(np.clip(q / (2 * MOST) + 0.5, 0.0001, 0.9999))


class Reference:
    def __init__(self, excerpts, channels, gain):
        """Fit to int16 [n, 2, samples]; deviation of latents over that which
        fills the range."""
        cov = np.zeros((512, 512))
        count = 0
        for x in excerpts:
            c = periodic(normalise(x)[0]).reshape(512, -1).astype(np.float64)
            cov += c @ c.T
            count += c.shape[1]
        val, vec = np.linalg.eigh(cov / count)
        pick = np.argsort(-val)[:channels]
        self.rows = (vec[:, pick] / np.sqrt(val[pick]) * SCALE *
                     gain).T.astype(
            np.float32)
        yy = np.zeros((channels, channels))
        cy = np.zeros((512, channels))
        for x in excerpts[::3]:
            c = periodic(normalise(x)[0]).reshape(512, -1)
            y = expand(compand(self.rows @ c))
            yy += y @ y.T
            cy += c @ y.T
        self.columns = np.linalg.solve(
            yy + 1e-6 * np.trace(yy) / channels * np.eye(channels),
            cy.T).T.astype(np.float32)

    def code(self, x):
        """(bytes of the WebP file, decoded samples)."""
        n, mean, scale = normalise(x)
        c = periodic(n)
        q = compand(self.rows @ c.reshape(512, -1))
        d, t = q.shape
        side = int(round((d // 3) ** 0.5))      # 3 side^2 channels
        padded = np.zeros((d, -(-t // 256) * 256), np.uint8)
        padded[:, :t] = q + 128
        planes = padded.reshape(3, side, side, 256, -1)
        picture = planes.transpose(1, 3, 2, 4, 0).reshape(
            side * 256, -1, 3)
        file = io.BytesIO()
        Image.fromarray(picture).save(file, 'WEBP', lossless=True, method=4)
        y = back((self.columns @ expand(q)).reshape(c.shape))
        return len(file.getvalue()), np.clip(y, -0.5, 0.5) * scale + mean


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--set', required=True)
    p.add_argument('--build', default=os.path.join(common.ROOT, 'build'))
    p.add_argument('--model')
    p.add_argument('--columns', type=int, default=32)
    p.add_argument('--excerpts', type=int, default=20)
    p.add_argument('--out', default='audio-reference')
    args = p.parse_args()
    train = np.load(os.path.join(args.set, 'music_train.npy'), mmap_mode='r')
    test = np.load(os.path.join(args.set, 'music_test.npy'), mmap_mode='r')
    pick = np.linspace(0, len(test) - 1, min(args.excerpts, len(test))).astype(
        int)
    seconds = test.shape[2] / 44100
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        walloc = audio_quality.Walloc(args, folder)
        path = os.path.join(folder, 'walloc.raw')
        for channels, gain in ((c, g) for c in (108, 27) for g in GAINS):
            model = Reference(train, channels, gain)
            for k in pick:
                x = np.array(test[k])
                size, y = model.code(x)
                db = audio_quality.snr(x.astype(float), y)
                x.T.astype('<i2').tofile(path)
                # the coarsest step that is at least as good
                low, high = -96, 120
                while high - low > 1:
                    middle = (low + high) // 2
                    if walloc.run(path, 2, 44100, middle)['snr_db'] < db:
                        low = middle
                    else:
                        high = middle
                r = walloc.run(path, 2, 44100, high)
                name = f'{channels}, {gain:g}'
                rows.setdefault(name, []).append({
                    'snr': db, 'kbit_s': size * 8e-3 / seconds,
                    'walloc_snr': r['snr_db'],
                    'walloc_kbit_s': r['kbit_s']})
                print(name, rows[name][-1], file=sys.stderr,
                      flush=True)
    lines = []
    for channels, each in rows.items():
        took = np.array([e['kbit_s'] for e in each])
        own = np.array([e['walloc_kbit_s'] for e in each])
        lines.append([channels, '%.2f' % np.mean([e['snr'] for e in each]),
                      '%.1f' % took.mean(), '%.1f' % own.mean(),
                      '%.1f %%' % (100 * (1 - own.sum() / took.sum())),
                      '%.1f to %.1f %%' % (100 * (1 - own / took).min(),
                                           100 * (1 - own / took).max())])
    parts = [f'{len(pick)} excerpts of unseen music, {seconds:.1f} s each, '
             'stereo, 44.1 kHz.', '', common.table(
                 ['channels, range used', 'SNR dB, mean', 'published form with WebP, '
                  'kbit/s', 'walloc at the same SNR, kbit/s', 'fewer bits',
                  'per excerpt'], lines), '',
             'The published form has one rate for each model and signal. Its '
             'decoder here is linear, as that of walloc. A loss without a rate term '
             'fills the range of 8 bits (1); smaller parts of it give fewer '
             'bits and more noise.', '']
    common.save(args.out, 'Sound beside the published form', {'rows': rows},
                parts)
    print('\n'.join(parts))


if __name__ == '__main__':
    main()
