#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fit the contexts and tables of a model anew; all else in it stays.

    python3 refit.py MODEL.wlm --crops crops_train.npy --out NEW.wlm

The model's own projection makes latents of the crops; contexts.py fits the
forms and counts the tables of every parameter set. For use when the coder
changes, as streams and the model id do then. Kind reference needs PyTorch.
"""
import argparse
import multiprocessing
import os
import sys
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                'ordered'))
from contexts import ContextModel  # noqa: E402
import walloc_model  # noqa: E402


def fit_set(path, tensors, crops, samples, s):
    """One parameter set: a ContextModel of which only that is fitted."""
    from codec import Codec
    import fit_tables
    begin = time.process_time()
    group = tensors['codec.group']
    sets = len(tensors['codec.set_limit'])
    y = fit_tables.latents(Codec(path).analysis.astype(np.float32), crops)
    cm = ContextModel(len(group), sets, 7, fit_tables.classes(group))
    cm.cap[:] = fit_tables.CAPS
    y /= tensors['codec.weight'][s].astype(np.float32)[:, None, None] / 4096
    q = fit_tables.quantise(
        y, fit_tables.draw_steps(s, len(y), seed=2),
        tensors['codec.rounding'][s].astype(np.float32)[:, None, None] / 256)
    del y
    cm.fit(s, q, list(range(len(group))), samples=samples, seed=2 + s)
    bits = cm.bits(s, q[::4], list(range(len(group)))).mean()
    print('set %d: %.4f bpp on the crops, %.0f s' % (
        s, bits / q[0, 0].size / 64, time.process_time() - begin), flush=True)
    return cm


def ordered_tables(path, tensors, crops, samples, jobs):
    import fit_tables
    sets = len(tensors['codec.set_limit'])
    if len(fit_tables.STEPS) != sets:
        sys.exit(f'{path}: {sets} sets, but ranges of steps for '
                 f'{len(fit_tables.STEPS)}')
    with multiprocessing.get_context('fork').Pool(jobs) as pool:
        done = pool.starmap(fit_set, [(path, tensors, crops, samples, s)
                                      for s in range(sets)], 1)
    for s in range(1, sets):
        done[0].taps[s], done[0].freq[s] = done[s].taps[s], done[s].freq[s]
        done[0].active[s] = done[s].active[s]
    return done[0].tensors()


def reference_tables(tensors, metadata, crops, log):
    import torch
    from reference import assemble
    from reference.export import latents_of
    torch.set_num_threads(1)
    bits = int(metadata['walloc.latent_bits'])
    x = torch.tensor(crops).permute(0, 3, 1, 2).float() / 255 - 0.5
    weight = torch.tensor(tensors['codec.analysis'])
    q = latents_of(x, weight, torch.tensor(tensors['codec.bias']), bits)
    tables, cost = assemble.fitted_contexts(q.int().numpy())
    log('%.4f bpp on the crops' % (cost / 64))
    return tables


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('model')
    p.add_argument('--crops', required=True)
    p.add_argument('--out', required=True)
    p.add_argument('--count', type=int, default=600)
    p.add_argument('--samples', type=int, default=20000)
    p.add_argument('--jobs', type=int, default=1)
    args = p.parse_args()
    tensors, metadata = walloc_model.load(args.model)
    crops = np.load(args.crops, mmap_mode='r')
    pick = np.sort(np.random.default_rng(5).permutation(len(crops))
                   [:args.count])
    crops = np.array(crops[pick])

    def log(text):
        print(text, flush=True)
    if metadata['walloc.kind'] == 'ordered':
        tables = ordered_tables(args.model, tensors, crops, args.samples,
                                args.jobs)
    else:
        tables = reference_tables(tensors, metadata, crops, log)
    tensors.pop('codec.thresholds', None)   # of coders before
    tensors.update(tables)
    number = walloc_model.save(args.out, tensors, metadata)
    log(f'{args.out}: id {number:016x}')


if __name__ == '__main__':
    main()
