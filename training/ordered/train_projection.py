#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Improve the KLT projection by gradient, with a rate term.

The analysis and synthesis matrices of luma (64 x 64) and chroma (32 x 32) and
the coder's context forms (mean and spread of every latent from its coded
neighbours, dense within reach here, made sparse later by fit_tables.py) are
trained together on

    squared RGB error / step^2  +  LAMBDA * bits

with bits the ideal code length under a two-sided geometric distribution around
the predicted mean with the predicted spread, steps drawn at random, and dead-zone
rounding with straight-through gradients. Groups stay apart, so GRAY8 and
4:2:0 need nothing else. Order of channels stays that of the KLT.

    python3 train_projection.py --crops crops_train.npy --val crops_val.npy \
        --out projection.npz [--minutes 20] [--device cuda]
"""
import argparse
import json
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
import klt  # noqa: E402
import walloc_model  # noqa: E402
from codec import Codec  # noqa: E402
from contexts import SPREAD_ONE  # noqa: E402
from packets import (ALPHA, BETA, DELTA, GAMMA, HIGH, LOW, RGB_WEIGHT,
                     coefficients)  # noqa: E402

LAMBDA = 0.14           # squared error (in steps) worth one bit
ROUNDING = 0.25         # dead zone: floor (|y| / step + ROUNDING)


def _next(e):
    return e + torch.cat([e[..., 1:], e[..., -1:]], -1)


def _before(o):
    return o + torch.cat([o[..., :1], o[..., :-1]], -1)


def synthesise(low, high):
    """One level along the last axis, as packets.synthesise_1d."""
    e, o = low / float(LOW), high / float(HIGH)
    e = e - DELTA * _before(o)
    o = o - GAMMA * _next(e)
    e = e - BETA * _before(o)
    o = o - ALPHA * _next(e)
    return torch.stack([e, o], -1).flatten(-2)


def unpacket(x, levels):
    """[n, 4^levels, h, w] -> [n, h 2^levels, w 2^levels]."""
    for _ in range(levels):
        n, c, h, w = x.shape
        b = x.reshape(n, c // 4, 4, h, w).transpose(-1, -2)
        a = synthesise(b[:, :, 0], b[:, :, 1]).transpose(-1, -2)
        d = synthesise(b[:, :, 2], b[:, :, 3]).transpose(-1, -2)
        x = synthesise(a, d)
    return x[:, 0]


class Contexts(torch.nn.Module):
    """Dense mean and spread forms over 5 x 5 surroundings, causal."""

    def __init__(self, d):
        super().__init__()
        mask = torch.zeros(d, d, 5, 5)
        for c in range(d):
            mask[c, :c, 1:4, 1:4] = 1
            mask[c, c, :2] = 1
            mask[c, c, 2, :2] = 1
        self.register_buffer('mask', mask)
        self.mean = torch.nn.Parameter(torch.zeros(d, d, 5, 5))
        spread = torch.full((d, d, 5, 5), -6.0)
        for c in range(d):
            for dy, dx, v in ((2, 1, .25), (1, 2, .25), (1, 1, .1), (1, 3, .1)):
                spread[c, c, dy, dx] = np.log(v)
            for p in range(max(0, c - 8), c):
                spread[c, p, 2, 2] = np.log(0.04)
        self.spread = torch.nn.Parameter(spread)
        self.bias = torch.nn.Parameter(torch.full((d,), -3.0))

    def start_from(self, tap, bias, number):
        """Take over a model's sparse forms. tap [D, 32, 5], bias [D]: one
        set of the model file; number: model channel of each own channel."""
        own = {int(c): k for k, c in enumerate(number)}
        mean, spread = np.zeros(self.mean.shape), np.full(self.mean.shape, 2e-6)
        for k, c in enumerate(number):
            for kind, p, dy, dx, w in tap[c].astype(int):
                if kind >= 0 and p in own:
                    to, w = ((mean, w / 256) if kind == 0 else
                             (spread, w / SPREAD_ONE))
                    to[k, own[p], dy + 2, dx + 2] = w
        # only these move: Adam's equal steps on thousands of zero weights
        # would drown them
        self.mask.data = torch.tensor((mean != 0) | (spread > 1e-5)).float()
        self.mean.data = torch.tensor(mean, dtype=torch.float32)
        self.spread.data = torch.tensor(np.log(spread), dtype=torch.float32)
        self.bias.data = torch.tensor(np.log(np.maximum(
            bias[number] / SPREAD_ONE, 1e-3)), dtype=torch.float32)

    def forward(self, q):
        mean = F.conv2d(q, self.mean * self.mask, padding=2)
        # small offsets make unused weights start near, and stay able to
        # leave, zero
        weight = self.spread.exp() * self.mask
        spread = F.conv2d(q.abs(), weight, padding=2)
        return mean, spread + self.bias.exp()[None, :, None, None]


def bits(q, mean, spread):
    """Code length of integers under a two-sided geometric distribution of the
    given mean magnitude, as contexts.py fits it: log (1 + s) for every latent,
    log (1 + 1 / s) for every unit of magnitude, a sign."""
    s = spread.clamp_min(1e-3)
    d = (q - mean).abs()
    return (torch.log2(1 + s) + d * torch.log2(1 + 1 / s) +
            (d > 0.5).float())


class Projection(torch.nn.Module):
    def __init__(self, start):
        super().__init__()
        keep = start['group'] < 2
        self.group = torch.tensor(start['group'][keep])
        self.number = np.nonzero(keep)[0]
        a = torch.tensor(start['analysis'][keep][:, :96], dtype=torch.float32)
        s = torch.tensor(start['synthesis'][keep][:, :96], dtype=torch.float32)
        block = torch.zeros(len(a), 96)
        block[self.group == 0, :64] = 1
        block[self.group == 1, 64:] = 1
        self.register_buffer('block', block)
        self.analysis = torch.nn.Parameter(a)
        self.synthesis = torch.nn.Parameter(s)
        self.contexts = Contexts(len(a))

    def forward(self, coef, step):
        """coef [n, 96, h, w], step [n, 1, 1, 1] -> squared RGB error per
        pixel in squared steps, bits per pixel (both [n])."""
        y = torch.einsum('kd,ndhw->nkhw', self.analysis * self.block, coef)
        u = y / step
        hard = torch.sign(u) * torch.floor(u.abs() + ROUNDING)
        q = u + (hard - u).detach()
        rate = bits(q, *self.contexts(q))
        back = torch.einsum('kd,nkhw->ndhw', self.synthesis * self.block, q)
        e = back - coef / step
        error = (unpacket(e[:, :64], 3) ** 2).mean((1, 2))
        for c in (0, 1):
            half = unpacket(e[:, 64 + 16 * c:80 + 16 * c], 2)
            # a half-size sample is about four pixels
            error = error + RGB_WEIGHT[c + 1] * (half ** 2).mean((1, 2))
        return error, rate.sum((1, 2, 3)) / (64 * y.shape[2] * y.shape[3])


def load(crops, k):
    return torch.tensor(coefficients(np.array(crops[k]))[:, :96])


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--crops', required=True)
    p.add_argument('--val', required=True)
    p.add_argument('--out', required=True)
    p.add_argument('--minutes', type=float, default=20)
    p.add_argument('--batch', type=int, default=6)
    p.add_argument('--device', default='cpu')
    p.add_argument('--threads', type=int, default=1)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--rate', type=float, default=2e-4,
                   help='learning rate of the matrices')
    p.add_argument('--model', help='model whose matrices and contexts to start '
                   'from, in place of the KLT')
    args = p.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    rng = np.random.default_rng(args.seed)
    crops = np.load(args.crops, mmap_mode='r')
    val = np.load(args.val, mmap_mode='r')
    start = klt.fit(np.array(crops[::3]))
    if args.model:
        codec = Codec(args.model)
        start.update(analysis=codec.analysis, synthesis=codec.synthesis,
                     group=codec.group)
    net = Projection(start)
    if args.model:
        m, _ = walloc_model.load(args.model)
        net.contexts.start_from(m['codec.tap'][2], m['codec.bias_s'][2],
                                net.number)
    net = net.to(args.device)
    val_coef = load(val, slice(0, 48)).to(args.device)
    fast = [q for n, q in net.named_parameters() if 'contexts' in n]
    slow = [net.analysis, net.synthesis]
    opt = torch.optim.Adam([{'params': fast, 'lr': 3e-3},
                            {'params': slow, 'lr': 0.0}])

    def validate():
        out = {}
        with torch.no_grad():
            for step in (24.0, 48.0, 96.0):
                e, r = net(val_coef, torch.full((len(val_coef), 1, 1, 1), step,
                                                device=args.device))
                out[str(step)] = [float(e.mean()), float(r.mean())]
        return out

    curve = []
    begin = time.time()
    k = 0
    while True:
        share = (time.time() - begin) / (60 * args.minutes)
        if share >= 1:
            break
        # contexts settle first, then the matrices move; all cool down
        cool = 0.5 * (1 + np.cos(np.pi * share))
        opt.param_groups[0]['lr'] = (5e-4 if args.model else 3e-3) * max(
            cool, 0.02)
        opt.param_groups[1]['lr'] = 0 if share < 0.15 else args.rate * cool
        coef = load(crops, np.sort(rng.integers(0, len(crops), args.batch)))
        coef = coef.to(args.device)
        step = torch.tensor(2 ** rng.uniform(4, 6.8, (len(coef), 1, 1, 1)),
                            dtype=torch.float32, device=args.device)
        error, rate = net(coef, step)
        # the error counts in steps per pixel: relative to its own size, so
        # that fine and coarse steps weigh alike
        loss = (error + LAMBDA * rate).mean()
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        if k % 100 == 0:
            v = validate()
            cost = np.mean([a + LAMBDA * b for a, b in v.values()])
            curve.append({'iteration': k, 'minutes': (time.time() - begin) / 60,
                          'loss': float(loss), 'val': v, 'val_cost': cost})
            print(json.dumps(curve[-1]), flush=True)
        k += 1
    keep = start['group'] < 2
    out = dict(start)
    out['analysis'][np.ix_(keep, range(96))] = (
        net.analysis * net.block).detach().cpu().numpy()
    out['synthesis'][np.ix_(keep, range(96))] = (
        net.synthesis * net.block).detach().cpu().numpy()
    np.savez(args.out, **out)
    with open(args.out.replace('.npz', '.json'), 'w') as f:
        json.dump(curve, f, indent=1)


if __name__ == '__main__':
    main()
