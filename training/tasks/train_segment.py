#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train a segmentation network on latents, or its like on pixels.

    python3 train_segment.py --data CAMVID --classes camvid.json \
        --input pixels --out road-pixels --steps 2200
    python3 train_segment.py --data CAMVID --classes camvid.json \
        --start road-pixels.pt --out road --name road-1 --steps 600

writes OUT.onnx (of the weights that were best on the validation pictures),
OUT.pt and OUT.curve.json. --input decoded and --input pixels train the network
of the same size that reads the picture decoded from the same frame, or the
picture as it was. One network serves all rates: every view is coded at a
quality of its own, and some frames have lost their last channels; frames that
are coded at half size are brought to the full grid (resample.py).

--start takes over what another network, of pixels, has learnt: the trunk as
it is; the stem first learns, in --meet updates, to give the features that the
other's gives of the uncompressed picture. --start OTHER also works for decoded
pixels, which begin with the other's stem. Without it all begins from nothing.

Runs that were interrupted go on with --resume. How weights move: fit.py.
"""
import argparse
import copy
import pickle

import numpy as np
import torch
from torch.nn import functional as F

import export
import fit
from latents import Codec
from segment_data import (QUALITIES, Batches, Classes, Reader, load, pairs,
                          planes, usual_maps)
from segment_net import FINER, latent_network, pixel_network

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
    # what reads pictures as they came gives the same at every rate
    for q in qualities[:1] if reader.kind == 'pixels' else qualities:
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
        first = torch.randn(1, net.stem.usual.shape[1], 17, 22) * \
            net.stem.usual
        size = {2: 'rows', 3: 'columns'}
    else:
        first = torch.rand(1, 3, 136, 176) * 255
        size = {2: 'height', 3: 'width'}
    inputs = {kind: first, 'step': torch.tensor([20.]),
              'scale': torch.tensor([0.])}
    return export.save(net, inputs, ['logits'], path, metadata,
                       {kind: size, 'logits': {2: 'h', 3: 'w'}})


def take_over(net, path):
    """The trunk, and the stem if it is one of pixels, of the network of pixels
    in a .pt file; returns that network. Blocks that it does not have stay."""
    try:
        saved = torch.load(path, weights_only=True)['best']
        other = pixel_network(len(saved['trunk.out.bias']) // FINER ** 2)
        other.load_state_dict(saved)
    except (RuntimeError, KeyError, TypeError, pickle.UnpicklingError) as e:
        raise ValueError(f'{path} is no .pt file of a network of pixels: '
                         + str(e).split('\n')[0]) from e
    if other.trunk.out.weight.shape != net.trunk.out.weight.shape:
        raise ValueError(f'{path} is of other classes')
    if not hasattr(net.stem, 'enter'):
        net.stem.load_state_dict(other.stem.state_dict())
    state = net.trunk.state_dict()
    for name, value in other.trunk.state_dict().items():
        if name.startswith('blocks.'):      # one more at the front
            place = name.split('.')
            place[1] = str(int(place[1]) + len(net.trunk.blocks)
                           - len(other.trunk.blocks))
            name = '.'.join(place)
        state[name] = value
    net.trunk.load_state_dict(state)
    return other.eval()


def meet(net, other, batches, found, reader, args):
    """The stem learns the features of another network's stem."""
    own = copy.copy(args)
    own.steps, own.out, own.checks = args.meet, args.out + '-stem', 2

    def far(stem, x, step, scale, rgb):
        with torch.no_grad():
            want = other.stem(rgb, None, None).float()
        got = stem(x, step, scale).float()
        return ((got - want) ** 2).sum() / (want ** 2).sum()

    def loss(stem, batch):
        x, step, scale, _, rgb = batch
        return far(stem, x, step, scale, rgb)

    def check(stem):
        out = {}
        for q in QUALITIES[::2]:
            total = 0
            for pair in found[::4]:
                rgb = load(pair)[0]
                x, step, scale = reader(rgb, reader.codec.encode(rgb, q))
                x = planes([x]) if reader.kind != 'latents' else x[None]
                total += far(stem, *(torch.from_numpy(np.float32(v)) for v in (
                    x, [step], [scale], planes([rgb])))).item()
            out[q] = round(total / len(found[::4]), 4)
        return out, -float(np.mean(list(out.values())))

    fit.Fit(net.stem, batches, loss, check, own).run()


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('--data', required=True)
    p.add_argument('--classes', required=True, help='JSON: labels, palette')
    p.add_argument('--name', default='segment-1')
    p.add_argument('--channels', type=int, default=48)
    p.add_argument('--balance', type=float, default=0.5,
                   help='0: plain cross-entropy; 1: classes count alike')
    p.add_argument('--val-pictures', type=int, default=0, help='0: all')
    p.add_argument('--start', help='.pt of a network that reads pixels')
    p.add_argument('--meet', type=int, default=300,
                   help='updates of the stem alone, with --start')
    p.add_argument('--parts', type=int, default=0,
                   help='so many updates are first made with two thirds of a'
                   '\npicture, which cost half')
    fit.arguments(p, steps=2200, batch=8, muon=0.03, adam=2e-3)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    classes, codec = Classes(args.classes), Codec(args.codec)
    n = len(classes)
    train, val = pairs(args.data, 'train'), pairs(args.data, 'val')
    if args.val_pictures:
        val = val[::max(1, len(val) // args.val_pictures)]
    size, maps = min(load(train[0])[1].shape), None
    if args.input == 'latents':
        maps = usual_maps(codec, args.channels, train)
        net = latent_network(args.channels, n, usual_magnitudes(
            train, codec, args.channels, np.random.default_rng(args.seed)))
    else:
        net = pixel_network(n)
    # batches are made in a thread of their own, with a codec of their own
    reader = Reader(args.input, Codec(args.codec), args.channels, maps, size)
    checker = Reader(args.input, codec, args.channels, maps, size)
    weight = torch.tensor(class_weights(train, n, args.balance))
    print(f'{args.input}: {fit.parameters(net)} parameters, {len(train)} '
          f'pictures to train with, {len(val)} to validate', flush=True)

    def batches(seed):
        done = seed - args.seed
        return Batches(train, n, reader, seed, args.batch, args.parts - done)

    def originals(seed):
        return Batches(train, n, reader, seed + 10 ** 6, args.batch,
                       original=True)

    def loss(net, batch):
        x, step, scale, target = batch
        return loss_of(net(x, step, scale).float(), target, weight)

    def check(net):
        found = validate(net, checker, val, n, QUALITIES[::2])
        return found, float(np.mean(list(found.values())))

    training = fit.Fit(net, batches, loss, check, args)
    if args.start and not training.resumes():
        other = take_over(net, args.start)
        meet(net, other, originals, val, checker, args)
    training.run()
    metadata = export.task_metadata(
        'segment', args.name, codec.model_id, args.channels, classes.labels,
        licence=classes.licence, palette=classes.palette, size=str(size),
        **(maps.metadata() if maps else {}))
    size, differs, _ = export_net(net, args.out + '.onnx', metadata,
                                  args.input)
    print(f'{args.out}.onnx: {size} bytes, libwalloc differs by '
          f'{differs:.1g}; best mean IoU {training.stop.best:.4f} of check '
          f'{training.stop.at}')


if __name__ == '__main__':
    main()
