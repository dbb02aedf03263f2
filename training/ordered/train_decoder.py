#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train a decoder network of an ordered model (decoder_net.py).

The projection's latents weigh the same in RGB error, so the loss is the
squared error of latents, over what the linear decoder makes of them on
average at the same step. (Over the crop's own, smooth crops outweigh all
others: gains of decibels there, and a quarter of that on whole pictures.)
Each crop of a batch is quantised anew: step index over the whole range of
qualities, rounding offset and reconstruction points around the model's (an
encoder with rate-distortion optimisation sets more zeros), in a third of the
crops without chroma detail as 4:2:0 pictures are, in a tenth with the last
channels cut off as thinned streams are. 3x3 kernels are moved along the
orthogonalised momentum (Muon; after 90 s it had 0.44 dB where Adam had 0.05),
everything else by Adam; both rates fall to zero along a cosine. On the CPU,
in bfloat16 where it has that.

    python3 decoder_set.py ...
    python3 train_decoder.py --model photo-1.wlm --latents latents_train.npy \
        --val latents_val.npy --kind fast --out fast --minutes 45
"""
import argparse
import json
import os
import sys
import time

import numpy as np
import torch

from codec import Codec
from decoder_net import SHAPES, Decoder, folded
from decoder_onnx import onnx_bytes
from fit_tables import D, LIMITS

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
from muon import Muon  # noqa: E402

CHECK = (30, 44, 60, 76, 92, 108, 124)


class Quantiser:
    """The encoder's rounding and the decoder's reconstruction points, with
    chance where training wants it."""

    def __init__(self, path):
        codec = Codec(path)
        self.codec = codec
        self.detail = torch.tensor(codec.group == 2)
        self.weight = torch.tensor(codec.weight, dtype=torch.float32)
        self.rounding = torch.tensor(codec.rounding, dtype=torch.float32)
        self.recon = torch.tensor(codec.recon, dtype=torch.float32)

    def channels(self, index):
        near = np.abs(self.codec.quality[:, 0].astype(int) - index).argmin()
        return int(self.codec.quality[near, 1])

    def __call__(self, y, index, rng=None):
        """Latents [n, D, h, w], index [n] -> network input, what is missing
        from it (both in steps), and the steps [n, 1, 1, 1]."""
        n = len(index)
        sets = np.searchsorted(LIMITS, index)
        step = torch.tensor(2.0 ** (np.asarray(index) / 16),
                            dtype=torch.float32)[:, None, None, None]
        w = self.weight[sets][:, :, None, None]
        r = self.rounding[sets][:, :, None, None]
        recon = self.recon[sets]
        keep = torch.zeros(n, D, 1, 1)
        y = y / step
        for k in range(n):
            count = self.channels(index[k])
            if rng is not None and rng.random() < 0.1:
                count = int(rng.integers(16, D + 1))
            keep[k, :count] = 1
            if rng is not None and rng.random() < 1 / 3:
                keep[k, self.detail] = 0
                y[k, self.detail] = 0
        if rng is not None:
            r = r + torch.tensor(rng.uniform(-0.08, 0.06, (n, 1, 1, 1)),
                                 dtype=torch.float32)
            recon = recon * torch.tensor(rng.uniform(0.7, 1.3, (n, 1, 1)),
                                         dtype=torch.float32)
        a = torch.floor((y / w).abs() + r).clamp_(max=16383) * keep
        shrink = torch.where(a == 1, recon[:, :, 0, None, None], torch.where(
            a == 2, recon[:, :, 1, None, None], recon[:, :, 2, None, None]))
        value = torch.sign(y) * (a - shrink) * (a > 0) * w
        plane = torch.log2(step).expand(-1, 1, *y.shape[2:]) / 4
        return torch.cat([value, plane], 1), y - value, step


def errors(net, batch, half):
    value, missing, _ = batch
    with torch.autocast('cpu', dtype=torch.bfloat16, enabled=half):
        out = net(value)
    linear = (missing ** 2).mean((1, 2, 3))
    return linear, ((out.float() - missing) ** 2).mean((1, 2, 3))


def validate(net, quantiser, val):
    """dB gained over all crops, per step index."""
    gains = {}
    with torch.no_grad():
        for index in CHECK:
            sums = np.zeros(2)
            for k in range(0, len(val), 12):
                y = torch.tensor(np.float32(val[k:k + 12]))
                a, b = errors(net, quantiser(y, [index] * len(y)), True)
                sums += float(a.sum()), float(b.sum())
            gains[index] = round(10 * np.log10(sums[0] / sums[1]), 4)
    return gains


def begin_with(net, state):
    """Puts the weights of a network that is nowhere larger into net, which
    then computes the same but for the small weights of new channels."""
    new = net.state_dict()
    for name, old in state.items():
        if name == 'scale':
            continue
        to = new[name]
        if name == 'enter.weight':
            old = old * state['scale'] / new['scale']
        if to.dim() == 4 and name != 'enter.weight':
            # nothing of what is new flows into what was there
            to[:old.shape[0], old.shape[1]:] *= 0.0 if 'b.' not in name else 1
        to[tuple(slice(0, k) for k in old.shape)] = old
    net.load_state_dict(new)


def linear_errors(quantiser, y):
    """Mean squared error of the linear decoder on crops, in steps, by step
    index."""
    at = list(range(24, 145, 8))
    found = []
    for index in at:
        missing = quantiser(y, [index] * len(y))[1]
        found.append(float((missing ** 2).mean()))
    return np.exp(np.interp(np.arange(145), at, np.log(found)))


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--model', required=True)
    p.add_argument('--latents', required=True)
    p.add_argument('--val', required=True)
    p.add_argument('--out', required=True, help='path without suffix')
    p.add_argument('--kind', choices=sorted(SHAPES), default='fast')
    p.add_argument('--minutes', type=float, default=45)
    p.add_argument('--stop', type=float, help='minutes after which to stop, '
                   'for trials; the rates fall as for --minutes')
    p.add_argument('--batch', type=int, default=8)
    p.add_argument('--threads', type=int, default=1)
    p.add_argument('--seed', type=int, default=3)
    p.add_argument('--adam', type=float, default=1e-3)
    p.add_argument('--muon', type=float, default=0.01, help='0: Adam for all')
    p.add_argument('--float32', action='store_true', help='no bfloat16')
    p.add_argument('--resume', action='store_true')
    p.add_argument('--start', help='a smaller or equal network (.pt) to begin '
                   'with')
    args = p.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    rng = np.random.default_rng(args.seed)
    quantiser = Quantiser(args.model)
    latents = np.load(args.latents, mmap_mode='r')
    # both halves of the set: crops of as many pictures as there are
    val = np.load(args.val, mmap_mode='r')
    val = val[:len(val) // 2:max(1, len(val) // 2 // 60)]
    # mean magnitudes at a middle step; half of it for channels that are
    # nearly always zero, so that what there is still counts
    some = np.float32(latents[::len(latents) // 64])
    sizes = quantiser(torch.tensor(some), [84] * len(some))[0].abs().mean(
        (0, 2, 3))
    net = Decoder(*SHAPES[args.kind], 1 / (sizes + 0.5))
    kernels = [b.weight for k in net.blocks for b in (k.a, k.b)]
    others = [q for q in net.parameters()
              if not any(q is k for k in kernels)]
    opts = [(torch.optim.Adam(others if args.muon else net.parameters(),
                              lr=1), args.adam)]
    if args.muon:
        opts.append((Muon(kernels, lr=1), args.muon))
    usual = linear_errors(quantiser, torch.tensor(some))
    curve, k, spent = [], 0, 0.0
    if args.start:
        begin_with(net, torch.load(args.start)['net'])
    if args.resume and os.path.exists(args.out + '.pt'):
        state = torch.load(args.out + '.pt')
        net.load_state_dict(state['net'])
        for (opt, _), s in zip(opts, state['opts']):
            opt.load_state_dict(s)
        curve, k, spent = state['curve'], state['k'], state['spent']
        rng = np.random.default_rng(args.seed + k)

    def save():
        torch.save({'net': net.state_dict(), 'curve': curve, 'k': k,
                    'spent': spent, 'kind': args.kind,
                    'opts': [o.state_dict() for o, _ in opts]},
                   args.out + '.tmp')
        os.replace(args.out + '.tmp', args.out + '.pt')

    def note(loss=None):
        curve.append({'iteration': k, 'minutes': round(spent / 60, 2),
                      'loss': loss, 'val_gain_db': validate(
                          net, quantiser, val)})
        print(json.dumps(curve[-1]), flush=True)

    last, total, shown, written = time.time(), 0.0, k, spent
    while spent < 60 * (args.stop or args.minutes):
        share = min(1, spent / (60 * args.minutes))
        for opt, lr in opts:
            opt.param_groups[0]['lr'] = lr * (
                min(1, (k + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * share)))
        pick = np.sort(rng.integers(0, len(latents), args.batch))
        y = torch.tensor(np.float32(latents[pick]))
        # most steps between 0.1 and 1 bpp, the others over the whole range
        index = np.where(rng.random(args.batch) < 0.6,
                         rng.integers(56, 117, args.batch),
                         rng.integers(27, 141, args.batch))
        _, now = errors(net, quantiser(y, index, rng), not args.float32)
        loss = (now / torch.tensor(usual[index])).mean()
        for opt, _ in opts:
            opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(others, 0.5)
        for opt, _ in opts:
            opt.step()
        k += 1
        total += loss.item()
        now = time.time()
        spent += now - last
        if spent - written > 120:
            note(round(total / (k - shown), 5))
            total, shown, written = 0.0, k, spent
            save()
            now = time.time()
        last = now
    note(round(total / max(1, k - shown), 5))
    save()
    with open(args.out + '.json', 'w') as f:
        json.dump(curve, f, indent=1)
    with open(args.out + '.onnx', 'wb') as f:
        f.write(onnx_bytes(folded(net, quantiser.codec.synthesis)))


if __name__ == '__main__':
    main()
