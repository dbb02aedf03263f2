#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train a network that gives grey streams their colours, on latents.

    python3 train_colorize.py --train PICTURES --val OTHER --out colour \
        --name colour-1 --steps 1500

PICTURES, OTHER: folders of photographs, or uint8 arrays [n, 256, 256, 3]
(.npy, data/prepare.py makes them). Writes OUT.onnx (of the weights that were
best on the validation crops), OUT.pt and OUT.curve.json. The squared error of
chroma latents is what it learns by, which is that of RGB; so it gives the
mean of all colours that a place may have, greyer than any of them. Grey
frames of all qualities and both sizes come in; --input decoded and --input
pixels train the same network on grey pixels. How weights move: fit.py.
"""
import argparse

import numpy as np
import torch

import export
import fit
from colour_data import Batches, Reader, crops, grey, groups
from colour_net import CHROMA, LatentColour, PixelColour
from latents import Codec, find_model

CHECKED = (20, 50, 80)


def usual(pictures, codec, channels):
    """[channels]: root mean square of latents of colour pictures, at least a
    fiftieth of the middle one's."""
    total = np.zeros(channels)
    some = pictures[::max(1, len(pictures) // 64)]
    for rgb in some:
        values = codec.latents(codec.encode(np.array(rgb), 80, shrink=1),
                               channels).values
        total += (values ** 2).mean((1, 2)) / len(some)
    rms = np.sqrt(total)
    return np.maximum(rms, max(0.1, np.median(rms) / 50))


def validate(net, reader, pictures):
    """{quality: dB}: by how much the guess is nearer to the colours than
    grey is, over all crops."""
    out = {}
    for q in CHECKED:
        sums = np.zeros(2)
        for k in range(0, len(pictures), 16):
            items = []
            for rgb in pictures[k:k + 16]:
                luma = grey(np.array(rgb))
                frame = reader.codec.encode(luma, q, shrink=1)
                items.append(reader.input(luma, frame) + (
                    reader.answer(np.array(rgb), 0),))
            x, step, scale, answer = (torch.tensor(np.stack(v).astype(
                np.float32)) for v in zip(*items))
            left = net.guess(x, step, scale) - answer
            sums += float((answer ** 2).sum()), float((left ** 2).sum())
        out[q] = round(10 * np.log10(sums[0] / sums[1]), 4)
    return out


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('--train', required=True)
    p.add_argument('--val', required=True)
    p.add_argument('--name', default='colour-1')
    p.add_argument('--crops', type=int, default=3000,
                   help='to cut from a folder')
    p.add_argument('--val-crops', type=int, default=150)
    p.add_argument('--licence')
    fit.arguments(p, steps=1500, batch=16, muon=0.02, adam=2e-3)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    codec = Codec(args.codec)
    group = groups(find_model(args.codec))
    train = crops(args.train, args.crops, args.seed)
    val = crops(args.val, args.val_crops, args.seed)
    val = val[::max(1, len(val) // args.val_crops)]
    reader = Reader(args.input, Codec(args.codec), group)
    checker = Reader(args.input, codec, group)
    size = usual(train, codec, len(group))
    spread = size[group == CHROMA]
    net = LatentColour(group, size, spread) if args.input == 'latents' \
        else PixelColour(spread)
    print(f'{args.input}: {fit.parameters(net)} parameters, {len(train)} '
          f'crops to train with, {len(val)} to validate', flush=True)
    # squared latents of this size are a loss near 1
    unit = float((spread ** 2).mean())

    def loss(net, batch):
        x, step, scale, answer = batch
        return ((net.guess(x, step, scale).float() - answer) ** 2
                ).mean() / unit

    def check(net):
        found = validate(net, checker, val)
        return found, float(np.mean(list(found.values())))

    training = fit.Fit(net, lambda seed: Batches(
        train, reader, seed, args.batch), loss, check, args)
    training.run()
    metadata = export.task_metadata('colorize', args.name, codec.model_id,
                                    len(group), licence=args.licence)
    if args.input == 'latents':
        first = {'latents': torch.randn(1, len(group), 17, 22) * net.usual}
        out, free = 'latents_out', {2: 'rows', 3: 'columns'}
    else:
        first = {args.input: torch.rand(1, 1, 136, 176) * 255}
        out, free = 'chroma', {2: 'height', 3: 'width'}
    first.update(step=torch.tensor([20.]), scale=torch.tensor([0.]))
    written, differs, _ = export.save(
        net, first, [out], args.out + '.onnx', metadata,
        {**{n: free for n in first if n not in ('step', 'scale')},
         out: {2: 'h', 3: 'w'}})
    print(f'{args.out}.onnx: {written} bytes, libwalloc differs by '
          f'{differs:.1g}; best {training.stop.best:.3f} dB of check '
          f'{training.stop.at}')


if __name__ == '__main__':
    main()
