#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""From excerpts of music to a model of sound of kind reference.

    fit_reference.py --set SET --channels 108 --out reference-audio-108.wlm

The published audio codec's form (arXiv 2412.09405; docs/bitstream.md, 2.5) with
a linear decoder: the encoder is the KLT of the 512 coefficients of a column of
training music, every channel scaled to the same deviation; the decoder is the
least-squares one from the companded values. Contexts and tables are fitted to
the latents (contexts.py). --gains prints what other deviations would give on
validation music.
"""
import argparse
import os
import sys
import time

import numpy as np
from scipy.special import ndtr, ndtri

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
from contexts import ContextModel  # noqa: E402
import bands  # noqa: E402
import walloc_model  # noqa: E402

BITS = 8
SCALE = 127 / 1.85              # deviation that fills the range
MOST = 127.5 - 1e-3
INPUTS = 2 * bands.BANDS
CLASSES = 4
RATE = 44100
LIMIT = 60000                   # of weights; files take 65536


def periodic(x):
    """[2, n] -> [512, n / 256], periodic borders."""
    margin = 2048               # more than any filter reaches
    y = np.concatenate([x[:, -margin:], x, x[:, :margin]], 1)
    edge = margin // bands.BANDS
    return bands.packet(y)[..., edge:-edge].reshape(INPUTS, -1)


def back(c):
    y = c.reshape(2, bands.BANDS, -1)
    y = np.concatenate([y[..., -8:], y, y[..., :8]], -1)
    return bands.unpacket(y)[..., 2048:-2048]


def normalise(x):
    x = x.astype(np.float64)
    x -= x.mean()
    return (x / (2 * np.abs(x).max() + 1e-8)).astype(np.float32)


def compand(y):
    return np.round(2 * MOST * (ndtr(y / SCALE) - 0.5))


def expand(q):
    return SCALE * ndtri(np.clip(q / (2 * MOST) + 0.5, 0.0001, 0.9999))


def pick(excerpts, count):
    k = np.linspace(0, len(excerpts) - 1, min(count, len(excerpts)))
    return [excerpts[i] for i in k.astype(int)]


def klt(excerpts):
    """Variances and directions, the greatest first."""
    cov = np.zeros((INPUTS, INPUTS))
    count = 0
    for x in excerpts:
        c = periodic(normalise(x)).astype(np.float64)
        cov += c @ c.T
        count += c.shape[1]
    value, vector = np.linalg.eigh(cov / count)
    return value[::-1], vector[:, ::-1]


class Codec:
    def __init__(self, value, vector, channels, gain, excerpts):
        scale = SCALE * gain / np.sqrt(value[:channels])
        scale = np.minimum(scale, LIMIT / np.abs(vector[:, :channels]).max(0))
        self.analysis = (vector[:, :channels] * scale).T.astype(np.float32)
        yy = np.zeros((channels, channels))
        cy = np.zeros((INPUTS, channels))
        for x in excerpts:
            c = periodic(normalise(x))
            y = expand(self.latents(c))
            yy += y @ y.T
            cy += c @ y.T
        yy += 1e-6 * np.trace(yy) / channels * np.eye(channels)
        self.linear = np.linalg.solve(yy, cy.T).T.astype(np.float32)

    def latents(self, c):
        return compand(self.analysis @ c)

    def snr(self, x):
        x = normalise(x)
        q = self.latents(periodic(x))
        y = np.clip(back(self.linear @ expand(q)), -0.5, 0.5)
        return 10 * np.log10((x ** 2).sum() / ((x - y) ** 2).sum()), q


def entropy(q):
    """Bits of latents [D, columns] when each channel's frequencies were known
    for free."""
    bits = 0
    for row in q.astype(int):
        _, n = np.unique(row, return_counts=True)
        bits -= (n * np.log2(n / n.sum())).sum()
    return bits


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--set', required=True)
    p.add_argument('--channels', type=int, required=True)
    p.add_argument('--gain', type=float, default=0.25,
                   help='deviation of latents over that which fills the range')
    p.add_argument('--excerpts', type=int, default=60,
                   help='for contexts and the decoder')
    p.add_argument('--gains', action='store_true')
    p.add_argument('--out')
    args = p.parse_args()
    begin = time.time()
    train = np.load(os.path.join(args.set, 'music_train.npy'), mmap_mode='r')
    val = pick(np.load(os.path.join(args.set, 'music_val.npy'),
                       mmap_mode='r'), 16)
    value, vector = klt(train)
    some = pick(train, args.excerpts)
    seconds = sum(x.shape[1] for x in val) / RATE
    for gain in (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16) if args.gains else ():
        codec = Codec(value, vector, args.channels, gain, some)
        each = [codec.snr(x) for x in val]
        print(f'| {args.channels} | {gain:g} | '
              f'{np.mean([e[0] for e in each]):.2f} | '
              f'{sum(entropy(e[1]) for e in each) / seconds / 1000:.1f} |',
              flush=True)
    if not args.out:
        return
    codec = Codec(value, vector, args.channels, args.gain, some)
    q = np.stack([codec.latents(periodic(normalise(x))) for x in some])
    q = q.astype(np.int16)[:, :, None]
    model = ContextModel(args.channels, 1, CLASSES, np.minimum(
        np.arange(args.channels) * CLASSES // args.channels, CLASSES - 1))
    present = list(range(args.channels))
    model.fit(0, q, present)
    # a channel may be all zero in other sound
    model.active[:] = np.minimum(model.active, 32700)
    each = [codec.snr(x) for x in val]
    bits = sum(model.bits(0, e[1].astype(np.int16)[None, :, None],
                          present).sum() for e in each)
    result = (f'{np.mean([e[0] for e in each]):.2f} dB at '
              f'{bits / seconds / 1000:.1f} kbit/s')
    d = args.channels
    tensors = {
        'codec.group': np.zeros(d, np.uint8),
        'codec.analysis': codec.analysis,
        'codec.bias': np.zeros(d, np.float32),
        'codec.set_limit': np.array([65535], np.uint16),
        'codec.quality': np.tile(np.array([0, d], np.uint16), (100, 1)),
        'decoder.linear': codec.linear,
        'decoder.linear.bias': np.zeros(INPUTS, np.float32),
    }
    tensors.update(model.tensors())
    name = os.path.splitext(os.path.basename(args.out))[0]
    number = walloc_model.save(args.out, tensors, {
        'walloc.format': '1', 'walloc.kind': 'reference',
        'walloc.media': 'audio', 'walloc.name': name, 'walloc.levels': '8',
        'walloc.latent_bits': str(BITS),
        'walloc.licence': 'LGPL-2.1-or-later',
        'walloc.card': 'models/reference-audio.md: the published audio '
        "codec's form with a linear decoder, fitted to free music"})
    print(f'{name}: id {number:016x}, validation music {result}, '
          f'{os.path.getsize(args.out)} bytes, {time.time() - begin:.0f} s')


if __name__ == '__main__':
    main()
