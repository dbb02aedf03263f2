#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a projection to a whole ordered model: contexts, tables, file.

For every parameter set (range of steps) latents of training pictures are
quantised as the encoder does, contexts and tables are fitted (contexts.py),
and the reconstruction points are measured. The result is written as a model
file (docs/model-format.md).

    python3 fit_tables.py --projection projection.npz --crops crops_train.npy \
        --out photo-1.wlm
"""
import argparse
import multiprocessing
import os
import sys
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
from contexts import ContextModel  # noqa: E402
import klt  # noqa: E402
from packets import coefficients  # noqa: E402
import walloc_model  # noqa: E402

# Upper step index of every set; steps 17, 30, 50, 80, 128 and beyond.
LIMITS = (65, 79, 90, 101, 112, 65535)
STEPS = ((2.0, 17), (17, 30), (30, 50), (50, 80), (80, 128), (128, 330))
# At low rates pictures are coded at half (a quarter) of their size: from step
# index base + slope / 16 * log2 (detail) on, within the first two numbers, with
# a step index that is less by the third. Least squares to where the linear
# decoder's curves of 57 training photographs cross, and 8 later, since networks
# gain less at half size; detail is the energy of the high bands of the half-size
# (quarter-size) luma (docs/design/rate-distortion.md).
SCALE = ((72, 120, 20, 42, 120), (92, 144, 40, 66, 112))
# Rounding offsets in 1/256 of a step, by set and kind of channel (kinds()):
# those that give the least error plus rate at the slope of the set's own curve
# on training photographs. Against one offset for all of a set (92, 74, 64, 61,
# 61, 61) they save 1 to 2.4 % of the bits in the sets 1 to 3, and 4 to 5 % in
# the coarser ones.
ROUNDING = ((92, 92, 92, 92, 82, 66, 92, 82, 66, 42),
            (82, 74, 74, 74, 66, 42, 82, 82, 54, 30),
            (72, 66, 66, 54, 42, 30, 82, 64, 30, 30),
            (82, 66, 61, 42, 30, 30, 82, 64, 30, 30),
            (66, 61, 42, 30, 30, 30, 82, 30, 30, 30),
            (82, 30, 30, 30, 30, 30, 82, 30, 30, 30))
# Caps of magnitudes: what 16-bit sums hold at fine steps, more than enough at
# coarse ones.
CAPS = (255, 160, 100, 63, 63, 63)
D = 192


def classes(group):
    """Table class of every channel: first luma, luma by order (3), first two
    chroma, other chroma, detail."""
    out = np.zeros(len(group), int)
    luma = np.cumsum(group == 0)
    chroma = np.cumsum(group == 1)
    for c in range(len(group)):
        if group[c] == 0:
            out[c] = 0 if luma[c] == 1 else 1 + np.searchsorted(
                (9, 24), luma[c], side='right')
        elif group[c] == 1:
            out[c] = 4 if chroma[c] <= 2 else 5
        else:
            out[c] = 6
    return out


def kinds(group):
    """Kind of every channel: luma by order (1, 2, 5, 12, 20 and the other
    channels), chroma (2, 6, the others), detail."""
    out = np.zeros(len(group), int)
    order = np.zeros(3, int)
    for c, g in enumerate(group):
        edges = ((1, 3, 8, 20, 40), (2, 8), ())[g]
        out[c] = (0, 6, 9)[g] + np.searchsorted(edges, order[g], side='right')
        order[g] += 1
    return out


def roundings(group):
    """codec.rounding: [sets, D]."""
    return np.array(ROUNDING, np.uint8)[:, kinds(group)]


def quantise(y, step, rounding):
    """Dead-zone quantiser of the encoder: int32."""
    return (np.sign(y) * np.minimum(
        np.floor(np.abs(y) / step + rounding), 16383)).astype(np.int32)


def latents(analysis, crops):
    out = []
    for k in range(0, len(crops), 25):
        c = coefficients(np.array(crops[k:k + 25]))
        out.append(np.einsum('kd,ndhw->nkhw', analysis, c, optimize=True))
    return np.concatenate(out).astype(np.float32)


def reconstruction(y, q, step):
    """Mean distance of |q| from |y| / step for |q| = 1, 2, >= 3: [D, 3]."""
    out = np.zeros((q.shape[1], 3), np.float32)
    for c in range(q.shape[1]):
        a = np.abs(q[:, c])
        d = a - np.abs(y[:, c]) / step[:, 0]
        for k in (1, 2, 3):
            at = a == k if k < 3 else a >= 3
            n = at.sum()
            if n:
                out[c, k - 1] = d[at].sum() / (n + 30)
    return np.clip(out, -0.5, 0.5)


def quality_table(nonzero):
    """[100, 2]: step index from 126 (quality 1) down to 27 (100), channels
    that are worth coding at that step (nonzero: share of non-zero latents by
    step index, [n steps] -> [D])."""
    out = np.zeros((100, 2), np.uint16)
    for k in range(100):
        index = 126 - k
        near = min(nonzero, key=lambda i: abs(i - index))
        used = np.nonzero(nonzero[near] > 2e-4)[0]
        out[k] = index, (used[-1] + 1 if len(used) else 1)
    out[:, 1] = np.maximum.accumulate(out[:, 1])
    return out


def draw_steps(s, n, seed):
    """A step for each of n pictures from the range of set s: [n, 1, 1, 1]."""
    low, high = STEPS[s]
    rng = np.random.default_rng(seed + s)
    return np.exp(rng.uniform(np.log(low), np.log(high),
                              (n, 1, 1, 1))).astype(np.float32)


def build_set(s, y, group, samples, seed):
    """Everything of one parameter set, as a dict."""
    begin = time.time()
    low, high = STEPS[s]
    step = draw_steps(s, len(y), seed)
    rounding = (roundings(group)[s] / 256).astype(np.float32)[:, None, None]
    q = quantise(y, step, rounding)
    cm = ContextModel(D, 1, 7, classes(group))
    cm.cap[:] = CAPS[s]
    cm.fit(0, q, list(range(D)), samples=samples, seed=seed + s)
    nonzero = {}
    for index in range(27, 134, 6):
        if low <= 2 ** (index / 16) < high:
            nonzero[index] = (quantise(y[::8], 2 ** (index / 16),
                                       rounding) != 0).mean((0, 2, 3))
    print('set %d: steps %g to %g, %.3f bpp on the training crops, %.0f s' % (
        s, low, high, cm.bits(0, q[::4], list(range(D))).mean() / 65536,
        time.time() - begin), flush=True)
    return {'taps': cm.taps[0], 'freq': cm.freq[0], 'active': cm.active[0],
            'recon': reconstruction(y, q, step), 'nonzero': nonzero}


def build(projection, crops, samples=30000, seed=2, jobs=1):
    """Tensors of the model file; sets are fitted in `jobs` processes."""
    global latents_of_crops     # shared with forked workers, not copied
    group = projection['group']
    latents_of_crops = latents(projection['analysis'].astype(np.float32),
                               crops)
    sets = range(len(STEPS))
    with multiprocessing.get_context('fork').Pool(jobs) as pool:
        done = pool.starmap(_work, [(s, group, samples, seed) for s in sets],
                            1)
    cm = ContextModel(D, len(STEPS), 7, classes(group))
    cm.cap[:] = CAPS
    nonzero = {}
    for s in sets:
        cm.taps[s] = done[s]['taps']
        cm.freq[s], cm.active[s] = done[s]['freq'], done[s]['active']
        nonzero.update(done[s]['nonzero'])
    tensors = cm.tensors()
    tensors.update({
        'codec.group': group.astype(np.uint8),
        'codec.weight': np.full((len(STEPS), D), 4096, np.uint16),
        'codec.rounding': roundings(group),
        'codec.recon': np.stack([d['recon'] for d in done]),
        'codec.set_limit': np.array(LIMITS, np.uint16),
        'codec.scale': np.array(SCALE, np.uint16),
        'codec.quality': quality_table(nonzero)})
    tensors.update(matrices(projection))
    return tensors


def _work(s, group, samples, seed):
    return build_set(s, latents_of_crops, group, samples, seed)


def block(matrix, group):
    """[D, 192] -> [D, 96]: the inputs of each row's group."""
    out = np.zeros((D, 96), matrix.dtype)
    for c in range(D):
        a, b = ((0, 64), (64, 96), (96, 192))[group[c]]
        out[c, :b - a] = matrix[c, a:b]
    return out


def matrices(projection):
    """Integer analysis with its fractional bits, float synthesis."""
    group = projection['group']
    rows = block(projection['analysis'], group)
    for bits in range(14, 7, -1):
        try:
            integers = walloc_model.integer_analysis(rows, group, bits)
            break
        except ValueError:
            continue
    return {'codec.analysis': integers,
            'codec.synthesis': block(projection['synthesis'],
                                     group).astype(np.float32),
            'analysis_bits': bits}


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--projection', help='.npz of train_projection.py; the KLT of '
                   'the crops without it')
    p.add_argument('--crops', required=True)
    p.add_argument('--out', required=True)
    p.add_argument('--count', type=int, default=900)
    p.add_argument('--jobs', type=int, default=1)
    p.add_argument('--name', default='photo-1')
    args = p.parse_args()
    crops = np.load(args.crops, mmap_mode='r')
    pick = np.sort(np.random.default_rng(5).permutation(len(crops))
                   [:args.count])
    if args.projection:
        projection = dict(np.load(args.projection))
    else:
        projection = klt.fit(np.array(crops[::3]))
    tensors = build(projection, crops[pick], jobs=args.jobs)
    bits = tensors.pop('analysis_bits')
    metadata = {
        'walloc.format': '1', 'walloc.kind': 'ordered',
        'walloc.media': 'video', 'walloc.name': args.name,
        'walloc.levels': '3', 'walloc.analysis_bits': str(bits),
        'walloc.licence': 'LGPL-2.1-or-later',
        'walloc.card': 'models/%s.md' % args.name,
        'walloc.source': 'training/ordered'}
    walloc_model.save(args.out, tensors, metadata)


if __name__ == '__main__':
    main()
