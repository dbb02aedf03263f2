#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train a segmentation network on latents, or its like on pixels.

    python3 train_segment.py --data CAMVID --classes camvid.json \
        --out road --name road-1 --steps 2500

writes OUT.onnx (of the weights that were best on the validation pictures),
OUT.pt and OUT.curve.json. One network serves all rates: every view is coded at
a quality of its own, a quarter of the batches so low that frames have half
the size, and some frames have lost their last channels. --input decoded and
--input pixels train the network of the same size that reads the picture
decoded from the same frame, or the picture as it was.

Runs that were interrupted go on with --resume. How weights move: fit.py.
"""
import argparse

import numpy as np
import torch
from torch.nn import functional as F

import export
import fit
from latents import Codec
from segment_data import (QUALITIES, Batches, Classes, Reader, load, pairs)
from segment_net import LatentSegment, PixelSegment

VIEWS = 16                      # of which usual magnitudes are taken


def class_weights(found, classes, power):
    """[classes]: (median frequency / frequency) ^ power, of label images."""
    count = np.zeros(classes)
    for pair in found:
        count += np.bincount(load(pair)[1].ravel(), minlength=256)[:classes]
    if (count == 0).any():
        raise ValueError('no pixel of class %d in the training labels'
                         % int(np.argmin(count)))
    return np.float32((np.median(count) / count) ** power)


def loss_of(logits, target, weight):
    """Cross-entropy between what a cell consists of and what is said of it,
    per pixel that has a class. target: [n, classes, h, w], shares."""
    target = target * weight[None, :, None, None]
    return -(target * F.log_softmax(logits, 1)).sum() / target.sum()


def matrix(logits, label):
    """Confusion [classes, classes] (rows: truth) of a picture: logits
    resized bilinearly to the coded grid's size in pixels, cut to the
    picture."""
    h, w = label.shape
    rows, columns = logits.shape[2:]
    pixels = 2 ** int(np.ceil(np.log2(h / rows)))
    big = F.interpolate(logits, (rows * pixels, columns * pixels),
                        mode='bilinear', align_corners=False)
    answer = big[0, :, :h, :w].argmax(0).numpy()
    n = logits.shape[1]
    known = label < n
    return np.bincount(n * label[known].astype(int) + answer[known],
                       minlength=n * n).reshape(n, n)


def ious(counts):
    """Intersection over union of every class; NaN where neither truth nor
    answer has it."""
    both = np.diag(counts)
    union = counts.sum(0) + counts.sum(1) - both
    with np.errstate(invalid='ignore', divide='ignore'):
        return both / union


def run(net, reader, rgb, frame):
    """Logits of one picture."""
    x, step, scale = reader(rgb, frame)
    x = torch.tensor(np.float32(x))[None]
    if reader.kind != 'latents':
        x = x.permute(0, 3, 1, 2)
    with torch.no_grad():
        return net(x, torch.tensor([step]), torch.tensor([float(scale)]))


def validate(net, reader, found, classes, qualities):
    """{quality: mean IoU}."""
    out = {}
    for q in qualities:
        counts = np.zeros((classes, classes), int)
        for pair in found:
            rgb, label = load(pair)
            counts += matrix(run(net, reader, rgb,
                                 reader.codec.encode(rgb, q)), label)
        out[q] = round(float(np.nanmean(ious(counts))), 4)
    return out


def usual_magnitudes(found, codec, channels, rng):
    """[channels]: root mean square of latents at a high quality, at least a
    fiftieth of the middle one's."""
    total = np.zeros(channels)
    for k in rng.integers(0, len(found), VIEWS):
        values = codec.latents(codec.encode(load(found[k])[0], 80),
                               channels).values
        total += (values ** 2).mean((1, 2)) / VIEWS
    rms = np.sqrt(total)
    return np.maximum(rms, max(0.1, np.median(rms) / 50))


def export_net(net, path, metadata, kind):
    """Write the ONNX file; batch is 1, height and width are free."""
    if kind == 'latents':
        first = torch.randn(1, net.enter.weight.shape[1], 17, 22) * net.usual
        size = {2: 'rows', 3: 'columns'}
    else:
        first = torch.rand(1, 3, 136, 176) * 255
        size = {2: 'height', 3: 'width'}
    inputs = {kind: first, 'step': torch.tensor([20.]),
              'scale': torch.tensor([0.])}
    return export.save(net, inputs, ['logits'], path, metadata,
                       {kind: size, 'logits': {2: 'h', 3: 'w'}})


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('--data', required=True)
    p.add_argument('--classes', required=True, help='JSON: labels, palette')
    p.add_argument('--name', default='segment-1')
    p.add_argument('--channels', type=int, default=64)
    p.add_argument('--balance', type=float, default=0.5,
                   help='0: plain cross-entropy; 1: classes count alike')
    p.add_argument('--val-pictures', type=int, default=0, help='0: all')
    fit.arguments(p, steps=2500, batch=8, muon=0.03, adam=2e-3)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    classes, codec = Classes(args.classes), Codec(args.codec)
    n = len(classes)
    train, val = pairs(args.data, 'train'), pairs(args.data, 'val')
    if args.val_pictures:
        val = val[::max(1, len(val) // args.val_pictures)]
    # batches are made in a thread of their own, with a codec of their own
    reader = Reader(args.input, Codec(args.codec), args.channels)
    checker = Reader(args.input, codec, args.channels)
    weight = torch.tensor(class_weights(train, n, args.balance))
    if args.input == 'latents':
        net = LatentSegment(args.channels, n, usual_magnitudes(
            train, codec, args.channels, np.random.default_rng(args.seed)))
    else:
        net = PixelSegment(n)
    print(f'{args.input}: {fit.parameters(net)} parameters, {len(train)} '
          f'pictures to train with, {len(val)} to validate', flush=True)

    def loss(net, batch):
        x, step, scale, target = batch
        return loss_of(net(x, step, scale).float(), target, weight)

    def check(net):
        found = validate(net, checker, val, n, QUALITIES[::2])
        return found, float(np.mean(list(found.values())))

    training = fit.Fit(net, lambda seed: Batches(
        train, n, reader, seed, args.batch), loss, check, args)
    training.run()
    metadata = export.task_metadata(
        'segment', args.name, codec.model_id, args.channels, classes.labels,
        licence=classes.licence, palette=classes.palette)
    size, differs, _ = export_net(net, args.out + '.onnx', metadata,
                                  args.input)
    print(f'{args.out}.onnx: {size} bytes, libwalloc differs by '
          f'{differs:.1g}; best mean IoU {training.stop.best:.4f} of check '
          f'{training.stop.at}')


if __name__ == '__main__':
    main()
