#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What reconstruction points that go by context would be worth.

    python3 measure_points.py --model photo-1.wlm --train crops_train.npy \
        --val crops_val.npy

The linear decoder's value of a latent depends on its channel and on |q|. The
coder knows more of it: the bucket of its spread and, where a mean is
predicted, on which side of the latent that lies. For several steps this counts
points by such contexts on training crops, and prints bits per pixel (exact
code lengths) and PSNR over RGB on validation crops, as the mean of the crops'
dB and, where busy crops count most, as the dB of their mean error:

    channel   one point per channel and |q| (1, 2, more), as in the model file
    bucket    and what the bucket adds to it, per class of channels and |q|
    side      the mean of what is left by class, fraction and symbol, zeros
              included; by the sign of q where nothing is predicted
    context   the same by class, bucket, fraction and symbol
    zeros     of these, for zeros only
    first     of these, for the first 16 channels only

All with points of that step; what the shipped points give is printed first.
"""
import argparse
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
import contexts  # noqa: E402
import walloc_model  # noqa: E402
from codec import Codec  # noqa: E402
from fit_tables import D, latents, quantise, reconstruction  # noqa: E402
from packets import reconstruct  # noqa: E402

PRIOR = 60                      # samples that a count of 0 stands for
SYMBOLS = 7                     # -3 (or less) to 3 (or more)


def context_model(tensors):
    """The model file's contexts as a ContextModel."""
    sets = len(tensors['codec.tap'])
    cm = contexts.ContextModel(D, sets, int(tensors['codec.class'].max()) + 1,
                               tensors['codec.class'])
    cm.bucket, cm.shift = tensors['codec.bucket'], tensors['codec.shift']
    cm.most, cm.B = tensors['codec.max_symbol'].astype(int), len(cm.shift)
    cm.shift = cm.shift.astype(int)
    cm.cap, cm.freq = tensors['codec.cap'], tensors['codec.freq'].astype(int)
    cm.active = tensors['codec.active'].astype(int)
    tap = tensors['codec.tap'].astype(int)
    cm.taps = [[([tuple(t[1:]) for t in tap[s, c] if t[0] == 0 and t[4]],
                 [tuple(t[1:]) for t in tap[s, c] if t[0] == 1 and t[4]],
                 int(tensors['codec.bias_s'][s, c]),
                 int(tensors['codec.offset'][s, c])) for c in range(D)]
               for s in range(sets)]
    return cm


def cells(cm, s, q):
    """For every channel: bucket, number of the context's cell without the
    bucket (class, fraction, symbol), and the sign that turns errors the way
    cells count them; all int arrays [n, h, w]."""
    padded = contexts.pad(q)
    mags = np.zeros(padded.shape, np.uint8)
    for c in range(D):
        mean = cm.taps[s][c][0]
        key, f, r = contexts.forms(padded, mags, c, cm.taps[s][c], cm.cap[s])
        mags[~q[:, c].any((1, 2)), c] = 0
        rest, frac = contexts.residuals(padded, c, mean)
        bucket = cm.bucket[key].astype(int)
        sign = np.where(frac < 0, -1, np.where((frac > 0) | (rest != q[:, c]),
                                               1, 0))
        # nothing is predicted: the sign of q itself
        plain = sign == 0
        sign = np.where(plain, np.sign(q[:, c]), sign)
        symbol = np.clip(np.where(plain, np.abs(q[:, c]), r), -3, 3) + 3
        cell = (cm.klass[c] * 5 + np.where(plain, 4, f)) * SYMBOLS + symbol
        yield c, bucket, cell, sign


def magnitudes(q):
    """0 to 3 (or more)."""
    return np.minimum(np.abs(q), 3)


def by_channel(q, points):
    """q less points [D, 3]: float [n, D, h, w], in steps."""
    table = np.concatenate([np.zeros((D, 1)), points], 1).astype(np.float32)
    return np.stack([np.sign(q[:, c]) * (np.abs(q[:, c]) - table[c][
        magnitudes(q[:, c])]) for c in range(D)], 1).astype(np.float32)


class Means:
    """Mean error by number, with a prior of 0."""

    def __init__(self, size):
        self.sum, self.count = np.zeros(size), np.full(size, float(PRIOR))

    def add(self, number, error):
        self.sum += np.bincount(number.ravel(), error.ravel(), len(self.sum))
        self.count += np.bincount(number.ravel(), minlength=len(self.sum))

    def table(self):
        return (self.sum / self.count).astype(np.float32)


def psnr(crops, codec, values, step):
    """Mean dB of crops; dB of their mean error."""
    out = []
    for k in range(0, len(crops), 25):
        coef = np.einsum('kd,nkhw->ndhw', codec.synthesis,
                         values[k:k + 25] * np.float32(step), optimize=True)
        back = np.clip(np.rint(reconstruct(coef)), 0, 255)
        error = (back - crops[k:k + 25].astype(np.float32)) ** 2
        out.append(error.mean((1, 2, 3)))
    dB = 10 * np.log10(255 ** 2 / np.concatenate(out))
    return dB.mean(), -10 * np.log10((10 ** (-dB / 10)).mean())


def measure(codec, cm, limits, train, val, crops, index):
    step = 2.0 ** (index / 16)
    s = int(np.searchsorted(limits, index))
    rounding = codec.rounding[s].astype(np.float32)[:, None, None]
    qt, qv = (quantise(y, np.float32(step), rounding) for y in (train, val))
    points = reconstruction(train, qt, np.full((1, 1), step, np.float32))
    bucket_of = Means(cm.C * cm.B * 4)
    side_of = Means(cm.C * 5 * SYMBOLS)
    context_of = Means(cm.C * 5 * SYMBOLS * cm.B)
    values = by_channel(qt, points)
    for c, bucket, cell, sign in cells(cm, s, qt):
        left = train[:, c] / np.float32(step) - values[:, c]
        number = (cm.klass[c] * cm.B + bucket) * 4 + magnitudes(qt[:, c])
        bucket_of.add(number, left * np.sign(qt[:, c]))
        side_of.add(cell, left * sign)
        context_of.add(cell * cm.B + bucket, left * sign)
    add_bucket, add_side = bucket_of.table(), side_of.table()
    add_context = context_of.table()
    shipped = psnr(crops, codec, by_channel(qv, codec.recon[s]), step)
    values = by_channel(qv, points)
    out = [shipped, psnr(crops, codec, values, step)]
    more = [values.copy() for _ in range(5)]
    for c, bucket, cell, sign in cells(cm, s, qv):
        number = (cm.klass[c] * cm.B + bucket) * 4 + magnitudes(qv[:, c])
        more[0][:, c] += np.sign(qv[:, c]) * add_bucket[number]
        more[1][:, c] += sign * add_side[cell]
        change = sign * add_context[cell * cm.B + bucket]
        more[2][:, c] += change
        more[3][:, c] += change * (qv[:, c] == 0)
        more[4][:, c] += change * (c < 16)
    out += [psnr(crops, codec, v, step) for v in more]
    bpp = cm.bits(s, qv, list(range(D))).mean() / crops[0, ..., 0].size
    return bpp, out


def main():
    p = argparse.ArgumentParser(
        description=__doc__.split('\n')[0], epilog=__doc__.split('\n', 1)[1],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--model', required=True)
    p.add_argument('--train', required=True)
    p.add_argument('--val', required=True)
    p.add_argument('--count', type=int, default=300, help='training crops')
    p.add_argument('--steps', default='54,62,70,78,86,94')
    args = p.parse_args()
    tensors, _ = walloc_model.load(args.model)
    codec, cm = Codec(args.model), context_model(tensors)
    crops = np.load(args.train, mmap_mode='r')
    pick = np.sort(np.random.default_rng(5).permutation(len(crops))
                   [:args.count])
    train = latents(codec.analysis, crops[pick])
    crops = np.load(args.val)
    val = latents(codec.analysis, crops)
    print(f'{"step":>5} {"bpp":>6} {"shipped":>8}' + ''.join(
        f' {v:>8}' for v in ('channel', 'bucket', 'side', 'context', 'zeros',
                             'first')))
    for index in map(int, args.steps.split(',')):
        bpp, dB = measure(codec, cm, tensors['codec.set_limit'], train, val,
                          crops, index)
        for k in range(2):
            print(f'{index:5} {bpp:6.3f} {dB[0][k]:8.3f}' + ''.join(
                f' {v[k] - dB[0][k]:+8.3f}' for v in dB[1:]), flush=True)


if __name__ == '__main__':
    main()
