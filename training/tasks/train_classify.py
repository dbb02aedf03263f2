#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train a picture classifier on a set of frames (prepare.py).

    python3 train_classify.py SET --out NAME

writes NAME.pt (the weights that did best on validation pictures) and
NAME.json (the course of training). --input decoded or pixels trains the same
network on pixels instead, with the same recipe, to compare with.
"""
import argparse
import copy
import json
import math
import os
import pickle
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

from latents import ROOT, WallocError
from networks import (LatentClassifier, PixelClassifier, parameters,
                      spread_of)
from progress import EarlyStop, Progress
from report import recipe, write_json
from resample import fit, restored
from streams import (FrameSet, READERS, Reader, ahead, epoch_batches,
                     read_batch)

sys.path.insert(0, os.path.join(ROOT, 'training'))
from muon import Muon  # noqa: E402

# share of batches, channels that are left of the latents
KEEP = ((.5, None), (.2, 48), (.15, 24), (.15, 12))


def arguments():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('set')
    p.add_argument('--out', required=True, help='NAME of .pt and .json')
    p.add_argument('--input', choices=READERS, default='latents')
    p.add_argument('--decoder', default='linear', help='of --input decoded')
    p.add_argument('--channels', type=int, default=24, help='of latents')
    p.add_argument('--widths', default='32,48,80,160')
    p.add_argument('--first', type=int, default=16,
                   help='width of the first stage of networks on pixels')
    p.add_argument('--wide', type=int, default=64,
                   help='outputs of the stem of networks on latents')
    p.add_argument('--blocks', type=int, default=1,
                   help='of residuals at the resolution of latents')
    p.add_argument('--pictures', type=int, default=0,
                   help='train on so few, as many of each class; 0: all')
    p.add_argument('--fine', type=int, default=0,
                   help='channels at twice that resolution, in networks on '
                   'latents')
    p.add_argument('--size', type=int, default=0,
                   help='shorter side of pictures that the network is for: '
                   'latents of\nothers are brought near to it (resample.py); '
                   '0: they are not')
    p.add_argument('--epochs', type=int, default=40)
    p.add_argument('--batch', type=int, default=32)
    p.add_argument('--rate', type=float, default=3e-3)
    p.add_argument('--muon', type=float, default=0.0,
                   help='learning rate of Muon for convolutions; 0: AdamW')
    p.add_argument('--warm', type=float, default=2.0,
                   help='epochs until the learning rate is reached; less than '
                   'one where\nthere are very many pictures')
    p.add_argument('--decay', type=float, default=.05)
    p.add_argument('--smooth', type=float, default=.1, help='of labels')
    p.add_argument('--mix', type=float, default=.2,
                   help='alpha of mixup; 0: none')
    p.add_argument('--average', type=float, default=.99,
                   help='weights are averaged over 1 / (1 - this) batches')
    p.add_argument('--look', type=int, default=4,
                   help='epochs from one validation to the next')
    p.add_argument('--patience', type=int, default=5,
                   help='stop after so many validations without gain')
    p.add_argument('--val-qualities', default='10,30,60')
    p.add_argument('--start', help='.pt to go on from; if it knows other '
                   'classes, with a new last layer;\na network on pixels '
                   'gives those on latents what they have in common')
    p.add_argument('--match', type=int, default=0,
                   help='with --start of --input pixels: epochs before all '
                   'others in which the\nfirst layers learn what that '
                   "network's are on uncompressed pixels")
    p.add_argument('--frozen', action='store_true',
                   help='with --start: only the last layer learns')
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--device', default='cpu', help='cpu, cuda')
    p.add_argument('--float32', action='store_true',
                   help='no bfloat16 products; half as fast')
    p.add_argument('--threads', type=int, default=1)
    return p.parse_args()


def build(config):
    """A network as a .pt file's config says."""
    widths = tuple(config['widths'])
    if config['input'] != 'latents':
        return PixelClassifier(len(config['labels']), widths,
                               config['first'])
    return LatentClassifier(config['channels'], len(config['labels']), widths,
                            wide=config['wide'],
                            blocks=config.get('blocks', 0),
                            fine=config.get('fine', 0))


def load(path, device='cpu'):
    """(network, config) of a .pt file; config['maps']: Maps (resample.py) or
    None. Raises ValueError."""
    try:
        file = torch.load(path, map_location=device, weights_only=True)
        config = json.loads(file['config'])
        net = build(config)
        net.load_state_dict(file['state'])
        config['maps'] = restored(file['maps']) if file.get('maps') else None
    except (KeyError, TypeError, RuntimeError, EOFError,
            pickle.UnpicklingError) as e:
        raise ValueError(f'{path} is no classifier of train_classify.py '
                         f'({e})') from e
    return net.to(device).eval(), config


def net_input(net):
    """latents or pixels."""
    return 'latents' if isinstance(net, LatentClassifier) else 'pixels'


def maps_of(frames, codec, channels, count=120):
    """Maps (resample.py) of the set's codec, fitted to training pictures as
    they are varied."""
    rows = frames.where('train')
    rows = rows[np.argsort(-frames.index['width'][rows].astype(int),
                           kind='stable')]
    rows = rows[np.unique(frames.index['picture'][rows],
                          return_index=True)[1]]
    rows = rows[::max(1, len(rows) // count)][:count]
    return fit(codec, channels, [frames.pixels(i) for i in rows])


def run(net, x, step, scale, half, call=None):
    """Logits, or what call(x, step, scale) gives, as 32-bit floats; half:
    products of bfloat16."""
    x = x.contiguous(memory_format=torch.channels_last)
    # PyTorch 1.13 leaves parts of the gradient unset where a kernel of 3x3 with
    # stride 2 reads one value, in bfloat16
    half = half and min(x.shape[2:]) >= (12 if x.shape[1] > 3 else 96)
    with torch.autocast(x.device.type, torch.bfloat16, half):
        return (call or net)(x, step, scale).float()


@torch.no_grad()
def answers(net, reader, rows, device, batch=16, channels=None, half=False):
    """Logits [n, classes] for frames, in the order of rows. channels: how
    many are left of the latents; the others are zero."""
    net.eval()
    groups, out = [], {}
    for key, i in sorted((reader.shape(i), i) for i in rows):
        if not groups or groups[-1][0] != key or len(groups[-1][1]) == batch:
            groups.append((key, []))
        groups[-1][1].append(i)
    for _, part in groups:
        x, step, scale, _ = read_batch(reader, np.array(part))
        if channels is not None:
            x[:, channels:] = 0
        y = run(net, *(torch.from_numpy(v).to(device) for v in (
            x, step, scale)), half)
        out.update(zip(part, y.cpu()))
    return torch.stack([out[i] for i in rows])


def validate(net, reader, qualities, device, half):
    """(mean accuracy over the qualities, {quality: accuracy}, mean loss)."""
    frames, right, loss = reader.frames, {}, []
    for q in qualities:
        rows = frames.where('val', quality=q)
        y = answers(net, reader, rows, device, half=half)
        truth = torch.from_numpy(frames.index['label'][rows].astype(np.int64))
        right[q] = float((y.argmax(1) == truth).float().mean())
        loss.append(float(F.cross_entropy(y, truth)))
    return sum(right.values()) / len(right), right, sum(loss) / len(loss)


def go_on(args, config):
    """The network of args.start, for the classes of config."""
    net, old = load(args.start)
    if old['input'] == 'pixels' != config['input']:
        if old['labels'] != config['labels'] or \
                old['widths'] != config['widths']:
            raise ValueError(f'{args.start} has other classes or widths')
        return net
    for key in ('input', 'model', 'decoder'):
        if old[key] != config[key]:
            raise ValueError(f'{args.start} has {key} {old[key]}, wanted is '
                             f'{config[key]}')
    if old['labels'] != config['labels']:
        net.trunk.head = torch.nn.Linear(net.trunk.head.in_features,
                                         len(config['labels']))
    for key in ('widths', 'channels', 'first', 'wide', 'blocks', 'fine'):
        config[key] = old.get(key, 0)
    config['size'] = args.size or old.get('size', 0)
    if config['input'] == 'latents' and args.channels != old['channels']:
        raise ValueError(f'{args.start} reads {old["channels"]} channels; say '
                         f'--channels {old["channels"]}')
    if args.frozen:
        for p in net.parameters():
            p.requires_grad_(False)
        for p in net.trunk.head.parameters():
            p.requires_grad_(True)
    return net


def optimisers_of(net, args):
    """Muon for kernels of convolutions, AdamW for all else."""
    learning = [p for p in net.parameters() if p.requires_grad]
    kernels = [p for p in learning if p.ndim == 4 and args.muon]
    mine = {id(p) for p in kernels}
    rest = [p for p in learning if id(p) not in mine]
    out = [torch.optim.AdamW(
        [dict(params=[p for p in rest if p.ndim > 1],
              weight_decay=args.decay),
         dict(params=[p for p in rest if p.ndim <= 1], weight_decay=0.0)],
        lr=args.rate)]
    if kernels:
        out.append(Muon(kernels, args.muon))
    return out


class Average:
    """Running mean of a network's weights and statistics."""

    def __init__(self, net, decay):
        self.net, self.decay, self.count = copy.deepcopy(net), decay, 0

    @torch.no_grad()
    def update(self, net):
        self.count += 1
        d = min(self.decay, self.count / (self.count + 10))
        for a, b in zip(self.net.state_dict().values(),
                        net.state_dict().values()):
            if a.dtype.is_floating_point:
                a.lerp_(b, 1 - d)
            else:
                a.copy_(b)


def thin(x, args, rng):
    """Channels left out of a batch, in place."""
    if args.input == 'latents':
        draw, keep = rng.random(), None
        for share, keep in KEEP:
            draw -= share
            if draw < 0:
                break
        if keep:
            x[:, keep:] = 0


def unlike(net, teacher, x, step, scale, pixels, args, rng):
    """How far features are from the teacher's on uncompressed pixels, as a
    share of their variance."""
    half = not args.float32
    thin(x, args, rng)
    with torch.no_grad():
        want = run(teacher, pixels, step, scale, half, teacher.front)
    got = run(net, x, step, scale, half, net.front)
    return (((got - want) ** 2).mean((0, 2, 3))
            / (want.var((0, 2, 3)) + 1e-3)).mean()


def loss_of(net, x, step, scale, label, args, rng):
    """Cross entropy of a batch, mixed with its own other order."""
    half = not args.float32
    thin(x, args, rng)
    if not args.mix:
        return F.cross_entropy(run(net, x, step, scale, half), label,
                               label_smoothing=args.smooth)
    part = float(rng.beta(args.mix, args.mix))
    other = torch.from_numpy(rng.permutation(len(label))).to(x.device)
    y = run(net, part * x + (1 - part) * x[other], step, scale, half)
    return part * F.cross_entropy(y, label, label_smoothing=args.smooth) \
        + (1 - part) * F.cross_entropy(y, label[other],
                                       label_smoothing=args.smooth)


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    if args.frozen and not args.start:
        raise ValueError('--frozen goes with --start')
    frames = FrameSet(args.set)
    if args.pictures:
        frames.only(args.pictures)
    widths = tuple(int(w) for w in args.widths.split(','))
    val_qualities = [int(q) for q in args.val_qualities.split(',')]
    for q in val_qualities:
        if not len(frames.where('val', quality=q)):
            raise ValueError(f'no validation frames of quality {q} in '
                             f'{args.set}; it has '
                             f'{frames.meta["qualities"]}')
    config = dict(input=args.input, labels=frames.labels, widths=list(widths),
                  channels=args.channels, first=args.first, wide=args.wide,
                  blocks=args.blocks, fine=args.fine,
                  size=args.size if args.input == 'latents' else 0,
                  decoder=args.decoder, model=frames.meta['model'],
                  recipe=recipe(args))
    reader = Reader(frames, args.input, args.channels, args.decoder)
    teacher = None
    net = go_on(args, config) if args.start else None
    if net is not None and net_input(net) != args.input and \
            args.input != 'pixels':
        net, teacher = None, net
    if config['size']:
        reader = Reader(frames, args.input, args.channels, args.decoder,
                        maps_of(frames, reader.codec, args.channels),
                        config['size'])
    steps = len(epoch_batches(reader, 'train', args.batch,
                              np.random.default_rng(0)))
    if not steps:
        raise ValueError(f'{args.set} has too few training pictures for '
                         f'batches of {args.batch}; choose --batch')
    if net is None and args.input == 'latents':
        rows = rng.choice(frames.where('train'), 200, replace=True)
        spread, centre = spread_of(
            (read_batch(reader, [i])[0] for i in rows), args.channels)
        net = LatentClassifier(args.channels, len(frames.labels), widths,
                               spread, centre, args.wide, args.blocks,
                               fine=args.fine)
    elif net is None:
        net = build(config)
    if teacher is not None:
        net.begin_as(teacher)
        teacher = teacher.to(args.device, memory_format=torch.channels_last)
    elif args.match:
        raise ValueError('--match goes with --start of a network of --input '
                         'pixels')
    net = net.to(args.device, memory_format=torch.channels_last)
    print(f'{parameters(net)} weights, {steps} batches per epoch')
    optimisers = optimisers_of(net, args)
    warm = max(1, round(args.warm * steps))

    def schedule(n):
        """Warm, and down as a cosine, once for each part."""
        total = args.match * steps
        if n >= total:
            n, total = n - total, args.epochs * steps
        return (n + 1) / warm if n < warm else .5 * (1 + math.cos(
            math.pi * min(1, (n - warm) / max(1, total - warm)))) + 1e-3

    plans = [torch.optim.lr_scheduler.LambdaLR(o, schedule)
             for o in optimisers]
    mean, stop, course = Average(net, args.average), \
        EarlyStop(args.patience), []
    start, cpu = time.monotonic(), time.process_time()

    def batches():
        draw = np.random.default_rng(args.seed + 1)
        for epoch in range(-args.match, args.epochs):
            for rows in epoch_batches(reader, 'train', args.batch, draw):
                seen = np.stack([frames.pixels(i) for i in rows]).transpose(
                    0, 3, 1, 2).astype(np.float32) if epoch < 0 else None
                yield read_batch(reader, rows), seen
            yield epoch

    # validation has its own reader, as the other thread uses that one
    val_reader = Reader(frames, args.input, args.channels, args.decoder,
                        reader.maps, reader.size)
    losses = []
    with Progress((args.match + args.epochs) * steps, 'train') as bar:
        for item in ahead(batches()):
            if not isinstance(item, int):
                net.train(not args.frozen)
                item, seen = item
                x, step, scale, label = (torch.from_numpy(v).to(args.device)
                                         for v in item)
                loss = loss_of(net, x, step, scale, label, args, rng) \
                    if seen is None else unlike(
                        net, teacher, x, step, scale, torch.from_numpy(
                            seen).to(args.device), args, rng)
                net.zero_grad(set_to_none=True)
                loss.backward()
                norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
                if not torch.isfinite(norm):
                    raise ValueError('gradients are not finite; a lower '
                                     '--rate or --float32 may help')
                for o in optimisers + plans:
                    o.step()
                mean.update(net)
                losses.append(float(loss.detach()))
                bar.step(note=f'loss {np.mean(losses[-50:]):.3f}')
                continue
            if item < 0:
                print(f'matched: {np.mean(losses[-steps:]):.3f} of the '
                      'variance left', flush=True)
                losses = []
                continue
            if (item + 1) % args.look and item + 1 < args.epochs:
                continue
            accuracy, by_quality, val_loss = validate(
                mean.net, val_reader, val_qualities, args.device,
                not args.float32)
            best = stop.better(accuracy, lambda: {
                k: v.cpu().clone() for k, v in mean.net.state_dict().items()})
            course.append(dict(
                epoch=item + 1, train_loss=float(np.mean(losses)),
                val_accuracy=accuracy, val_loss=val_loss,
                by_quality=by_quality, minutes=(time.monotonic() - start) / 60,
                cpu_minutes=(time.process_time() - cpu) / 60))
            losses = []
            print(f'epoch {item + 1}: loss {course[-1]["train_loss"]:.3f}, '
                  f'validation {100 * accuracy:.1f} %'
                  + (' (best)' if best else ''), flush=True)
            if best:
                torch.save(dict(
                    config=json.dumps(config), state=stop.state,
                    maps=reader.maps.state_dict() if reader.size else {}),
                    args.out + '.pt')
            write_json(args.out + '.json', dict(
                course=course, recipe=recipe(args), weights=parameters(net),
                labels=frames.labels))
            if stop.over:
                print('no gain any more')
                break
    print(f'best validation {100 * stop.best:.1f} % in {args.out}.pt')


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError, WallocError) as e:
        sys.exit(f'train_classify.py: {e}')
