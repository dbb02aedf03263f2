#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train the `fast` decoder of an ordered model: a small network that corrects
the linear decoder at latent resolution.

Input [n, D + 1, h, w]: dequantised latents in steps (zero where absent), and
log2 (step) / 4; output [n, 192, h, w]: what to add, in steps, to the linear
decoder's coefficients (docs/model-format.md, section 4). A 1x1 convolution
in, BLOCKS residual blocks of two 3x3 convolutions (WIDTH channels, ReLU), a
1x1 convolution out that starts at zero, so that training starts from the
linear decoder. Loss: squared RGB error through packet synthesis, in steps.
Steps and rounding are those of the encoder; crops keep their 4:4:4 detail,
and chroma detail is dropped in every third batch as 4:2:0 input would.

    python3 train_decoder.py --model photo-1.wlm --crops crops_train.npy \
        --val crops_val.npy --out fast.onnx [--minutes 25] [--device cuda]
"""
import argparse
import io
import json
import os
import sys
import time

import numpy as np
import torch
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
from codec import Codec, D  # noqa: E402
from packets import RGB_WEIGHT  # noqa: E402
from train_projection import unpacket  # noqa: E402


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a = nn.Conv2d(width, width, 3, padding=1)
        self.b = nn.Conv2d(width, width, 3, padding=1)
        nn.init.normal_(self.b.weight, std=0.003)

    def forward(self, x):
        return x + self.b(torch.relu(self.a(x)))


class Decoder(nn.Module):
    """scale [D + 1]: brings inputs of all channels to about the same size."""

    def __init__(self, width=64, blocks=2, scale=None):
        super().__init__()
        if scale is None:
            scale = torch.ones(D + 1)
        self.register_buffer('scale', scale.reshape(1, D + 1, 1, 1))
        self.enter = nn.Conv2d(D + 1, width, 1)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(blocks)])
        self.leave = nn.Conv2d(width, 192, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, latent):
        return self.leave(self.blocks(torch.relu(
            self.enter(latent * self.scale))))


def rgb_error(e):
    """Error coefficients [n, 192, h, w] -> mean squared RGB error."""
    total = (unpacket(e[:, :64], 3) ** 2).mean()
    for c in range(2):
        half = unpacket(e[:, 64 + 16 * c:80 + 16 * c], 2)
        rows = [2 * half]
        for k in range(3):
            s = 96 + 48 * c + 16 * k
            rows.append(unpacket(e[:, s:s + 16], 2))
        full = unpacket(torch.stack(rows, 1), 1)
        total = total + RGB_WEIGHT[c + 1] * (full ** 2).mean()
    return total


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--model', required=True)
    p.add_argument('--crops', required=True)
    p.add_argument('--val', required=True)
    p.add_argument('--out', required=True)
    p.add_argument('--minutes', type=float, default=25)
    p.add_argument('--width', type=int, default=64)
    p.add_argument('--blocks', type=int, default=2)
    p.add_argument('--batch', type=int, default=8)
    p.add_argument('--device', default='cpu')
    p.add_argument('--threads', type=int, default=1)
    p.add_argument('--seed', type=int, default=3)
    p.add_argument('--start', help='weights (.pt) to go on from')
    args = p.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    rng = np.random.default_rng(args.seed)
    codec = Codec(args.model)
    synthesis = torch.tensor(codec.synthesis, device=args.device)
    crops = np.load(args.crops, mmap_mode='r')
    val = np.load(args.val, mmap_mode='r')
    # mean magnitudes at a middle step; half of it for channels that are
    # nearly always zero, so that what there is still counts
    sizes = np.abs(codec.encode(np.array(crops[:64]), 84)[0]).mean((0, 2, 3))
    scale = torch.tensor(1 / np.append(sizes + 0.5, 1.0), dtype=torch.float32)
    net = Decoder(args.width, args.blocks, scale)
    if args.start:
        state = torch.load(args.start)
        # the same function under this run's scale
        old = state.get('scale', torch.ones(1, D + 1, 1, 1))
        state['enter.weight'] *= (old / net.scale).reshape(1, D + 1, 1, 1)
        state['scale'] = net.scale
        net.load_state_dict(state)
    net = net.to(args.device)
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)

    def errors(rgb, index, detail=True):
        value, coef, step = codec.encode(rgb, index, detail)
        v = torch.tensor(value, device=args.device)
        c = torch.tensor(coef / step, dtype=torch.float32, device=args.device)
        plane = torch.full_like(v[:, :1], np.log2(step) / 4)
        linear = torch.einsum('kd,nkhw->ndhw', synthesis, v)
        out = net(torch.cat([v, plane], 1))
        if not detail:
            out = torch.cat([out[:, :96], torch.zeros_like(out[:, 96:])], 1)
        return rgb_error(linear - c), rgb_error(linear + out - c)

    def validate():
        gains = {}
        with torch.no_grad():
            for index in (60, 76, 92, 108):
                a, b = errors(np.array(val[:32]), index)
                gains[index] = round(float(10 * torch.log10(a / b)), 4)
        return gains

    curve, k, begin = [], 0, time.time()
    while True:
        share = (time.time() - begin) / (60 * args.minutes)
        if share >= 1:
            break
        opt.param_groups[0]['lr'] = 1e-3 * min(1, (k + 1) / 50) * (
            0.5 + 0.5 * np.cos(np.pi * share)) + 1e-6
        pick = np.sort(rng.integers(0, len(crops), args.batch))
        rgb = np.array(crops[pick])
        if rng.integers(2):
            rgb = rgb[:, :, ::-1]
        index = int(rng.integers(40, 127))
        linear, now = errors(rgb, index, k % 3 != 2)
        # every step counts the same: relative to the linear decoder
        loss = now / linear.detach()
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        opt.step()
        if k % 200 == 0:
            curve.append({'iteration': k, 'minutes': round(
                (time.time() - begin) / 60, 2), 'loss': float(loss),
                'val_gain_db': validate()})
            print(json.dumps(curve[-1]), flush=True)
        k += 1
    curve.append({'iteration': k, 'minutes': args.minutes,
                  'val_gain_db': validate()})
    print(json.dumps(curve[-1]), flush=True)
    torch.save(net.state_dict(), args.out.replace('.onnx', '.pt'))
    with open(args.out.replace('.onnx', '.json'), 'w') as f:
        json.dump(curve, f, indent=1)
    blob = io.BytesIO()
    torch.onnx.export(net.cpu().eval(), torch.zeros(1, D + 1, 8, 8), blob,
                      input_names=['latent'], output_names=['coefficients'],
                      dynamic_axes={'latent': {2: 'h', 3: 'w'},
                                    'coefficients': {2: 'h', 3: 'w'}},
                      opset_version=13)
    with open(args.out, 'wb') as f:
        f.write(blob.getvalue())


if __name__ == '__main__':
    main()
