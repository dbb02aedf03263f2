#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Choose how a trained decoder network is rounded to bytes, and write its
ONNX file with that in it (decoder_onnx.py).

Weights: signed bytes, one scale per output channel. Inputs of convolutions:
one scale and zero point. Channels are first made more alike in size, which the
weights around them undo. How much, and the ranges, are found by trial: what
costs least of the training loss on crops of the training set. Prints what
rounding costs on validation crops.

    python3 quantise_decoder.py --model photo-1.wlm --state fast.pt \
        --latents latents_train.npy --val latents_val.npy --out fast.onnx
"""
import argparse
import copy
import json

import numpy as np
import torch

from decoder_net import SHAPES, Decoder, faded, folded
from decoder_onnx import onnx_bytes
from train_decoder import CHECK, Quantiser

EVEN = (0.0, 0.4, 0.7, 1.0)
SHARES = (1.0, 0.85, 0.7, 0.55, 0.45, 0.35, 0.25, 0.18)


def rounded(w):
    """A kernel as signed bytes per output channel, as floats."""
    scale = w.abs().flatten(1).amax(1).clamp(min=1e-8) / 127
    scale = scale[:, None, None, None]
    return torch.clamp(torch.round(w / scale), -128, 127) * scale


def site_of(low, high):
    """Scale and zero point of bytes for low..high; zero is one of them."""
    low, high = min(low, 0.0), max(high, 1e-6)
    scale = (high - low) / 255
    return scale, int(round(-low / scale))


def evened(net, sizes, power):
    """The same function with channels divided by their size to some power:
    those of the sum that runs through all blocks, and inside each block."""
    def factor(size):
        size = size.clamp(min=0.02 * float(size.mean()))
        return (size / size.mean()) ** power

    net = copy.deepcopy(net)
    s = factor(sizes[-1])
    with torch.no_grad():
        for out in [net.enter] + [b.b for b in net.blocks]:
            out.weight /= s[:, None, None, None]
            out.bias /= s
        for b, size in zip(net.blocks, sizes):
            t = factor(size)
            b.a.weight *= s[None, :, None, None] / t[:, None, None, None]
            b.a.bias /= t
            b.b.weight *= t[None, :, None, None]
        net.leave.weight *= s[None, :, None, None]
    return net


class Rounded:
    """The network with rounding at sites; None: not rounded there."""

    def __init__(self, net):
        self.net = net
        self.sites = [None] * (2 * len(net.blocks) + 1)
        self.kernels = {}
        for m in [k for b in net.blocks for k in (b.a, b.b)] + [net.leave]:
            self.kernels[m] = rounded(m.weight)
        self.seen = [[0.0, 0.0] for _ in self.sites]
        # per channel, nearly the greatest value: inside blocks, of the sum
        self.sizes = [torch.zeros(net.enter.out_channels)
                      for _ in range(len(net.blocks) + 1)]

    def conv(self, k, module, x):
        size = torch.quantile(x.abs().transpose(0, 1).flatten(1)[:, ::7],
                              0.999, 1)
        into = self.sizes[k // 2 if k % 2 else -1]
        torch.maximum(into, size, out=into)
        self.seen[k][0] = min(self.seen[k][0], float(x.min()))
        self.seen[k][1] = max(self.seen[k][1], float(x.max()))
        w = module.weight
        if self.sites[k] is not None:
            scale, zero = self.sites[k]
            x = (torch.clamp(torch.round(x / scale) + zero, 0, 255) -
                 zero) * scale
            w = self.kernels[module]
        return torch.nn.functional.conv2d(x, w, module.bias,
                                          padding=w.shape[2] // 2)

    def __call__(self, latent):
        x = torch.relu(self.net.enter(latent * self.net.scale))
        for k, block in enumerate(self.net.blocks):
            h = torch.relu(self.conv(2 * k, block.a, x))
            x = x + self.conv(2 * k + 1, block.b, h)
        return self.conv(len(self.sites) - 1, self.net.leave,
                         faded(x, latent))


def loss(net, batch):
    value, missing, _ = batch
    a = (missing ** 2).mean((1, 2, 3))
    b = ((net(value) - missing) ** 2).mean((1, 2, 3))
    return float(torch.log(b / a).mean()) * 10 / np.log(10)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--model', required=True)
    p.add_argument('--state', required=True)
    p.add_argument('--latents', required=True)
    p.add_argument('--val', required=True)
    p.add_argument('--out', required=True)
    p.add_argument('--crops', type=int, default=48)
    p.add_argument('--floats', action='store_true', help='no rounding: the '
                   'file runs in float and bfloat16')
    args = p.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(11)
    quantiser = Quantiser(args.model)
    state = torch.load(args.state)
    net = Decoder(*SHAPES[state['kind']])
    net.load_state_dict(state['net'])
    if args.floats:
        with open(args.out, 'wb') as f:
            f.write(onnx_bytes(folded(net, quantiser.codec.synthesis)))
        return
    latents = np.load(args.latents, mmap_mode='r')
    val = np.load(args.val, mmap_mode='r')
    pick = np.sort(rng.permutation(len(latents))[:args.crops])
    y = torch.tensor(np.float32(latents[pick]))
    with torch.no_grad():
        batch = quantiser(y, rng.integers(27, 141, len(y)), rng)
        plain = Rounded(net)
        before, best = loss(plain, batch), None
        for power in EVEN:
            test = Rounded(evened(net, plain.sizes, power))
            loss(test, batch)
            for k, (low, high) in enumerate([list(s) for s in test.seen]):
                tried = {}
                for share in SHARES:
                    test.sites[k] = site_of(low * share, high * share)
                    tried[share] = loss(test, batch) - before
                share = min(tried, key=tried.get)
                test.sites[k] = site_of(low * share, high * share)
            print('channels evened by %g: %.4f dB' % (power, tried[share]),
                  flush=True)
            if best is None or tried[share] < best[0]:
                best = tried[share], test
        test = best[1]
        cost = {}
        v = torch.tensor(np.float32(val[:len(val) // 2:5]))
        for index in CHECK:
            batch = quantiser(v, [index] * len(v))
            cost[index] = (round(-loss(plain, batch), 4),
                           round(-loss(test, batch), 4))
        print('gain in float and in bytes:', json.dumps(cost))
    with open(args.out, 'wb') as f:
        f.write(onnx_bytes(folded(test.net, quantiser.codec.synthesis),
                           test.sites))


if __name__ == '__main__':
    main()
