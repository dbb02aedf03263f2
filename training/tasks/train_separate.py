#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train a network that separates stems by the latents of their mixture.

    data/prepare_stems.py --out SET
    train_separate.py --set SET --data stems --name stems-1 --out DIR

writes DIR/NAME.onnx, which compressedseparate runs, .pt and .json (curve). SET
holds stems as separate_set.py describes, so that a user's own will do. Every
mixture is made anew (other gains, stems of other songs) and goes through the
real encoder at a random quality and frame size. --input decoded and samples
train the same trunk on spectra of what the decoder gives, and of what went
into the encoder, with the same mixtures in the same order.

The loss is the logarithm of each stem's squared error over the mixture's
energy, as signal to distortion ratios count it. Needs a built libwalloc,
python3-torch and python3-onnx; test_separate.py makes the report.
"""
import argparse
import json
import os
import sys
import time

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import export  # noqa: E402
import report  # noqa: E402
from muon import Muon  # noqa: E402
from progress import EarlyStop, Progress  # noqa: E402
from separate_set import COLUMN, FRAMES, Source, mid_side  # noqa: E402
from sound_latents import SoundCodec  # noqa: E402
import sound_separator  # noqa: E402

QUALITIES = (15, 85)            # random in training
VAL_QUALITIES = (30, 45, 65)
COLUMNS = 128                   # of a segment
FIRST = 32                      # columns of it that do not count
FLOOR = 0.01                    # of the mixture's energy, in the loss


def build(what, source, width):
    """The network for latents, or for samples."""
    if what == 'latents':
        return sound_separator.OfLatents(
            len(source.labels), width, source.signals, *source.codec.bands())
    return sound_separator.OfSamples(len(source.labels), width,
                                     source.signals)


def draw(source, what, i, rng, quality, columns):
    """A mixture cut into segments: (input, wanted). For latents [m, K,
    COLUMNS] and [m, S, K, COLUMNS], else samples [m, signals, n] and [m, S,
    signals, n]."""
    recipe = source.recipe(i, rng)
    mixture = source.mixture(*recipe)
    count = source.columns // COLUMNS
    if what == 'latents':
        x = source.coded(mixture, quality, columns, False)[0]
        wanted = source.stem_latents(*recipe, 0, count * COLUMNS)
        x = x[:, :count * COLUMNS].reshape(len(x), count, COLUMNS)
        wanted = wanted.reshape(wanted.shape[:2] + (count, COLUMNS))
        return x.transpose(1, 0, 2), wanted.transpose(2, 0, 1, 3)
    y = mixture if what == 'samples' else source.coded(
        mixture, quality, columns, True)[1]
    y, wanted = mid_side(y), mid_side(source.stems(*recipe))
    length = (COLUMNS + 1) * COLUMN
    at = range(0, y.shape[-1] - length + 1, COLUMNS * COLUMN)
    return (np.stack([y[:, k:k + length] for k in at]),
            np.stack([wanted[..., k:k + length] for k in at]))


def loss_of(net, what, x, wanted):
    """Mean over segments and stems of the logarithm (natural) of the error's
    energy over the mixture's."""
    if what == 'latents':
        got, mixture = net(x), x
    else:
        mixture = net.spectrum(x)
        n, s = wanted.shape[:2]
        wanted = net.spectrum(wanted.flatten(0, 1))
        wanted = wanted.reshape((n, s) + wanted.shape[1:])
        got = net.of_spectrum(mixture)
    error = ((got - wanted)[..., FIRST:] ** 2).flatten(2).sum(2)
    energy = (mixture[..., FIRST:] ** 2).flatten(1).sum(1, True) + 1e4
    return torch.log(error / energy + FLOOR).mean()


def write(net, args, path, curve, source, x, codec):
    """PATH.json and PATH.onnx of a trained network; x: inputs to compare
    libwalloc with torch on."""
    about = {'name': args.name, 'input': args.input,
             'parameters': sound_separator.parameters(net), 'curve': curve}
    report.write_json(path + '.json', about)
    context = net.context
    if args.input == 'latents':
        inputs = {'latents': x[-1:, :, :context + 16].contiguous()}
        metadata = export.task_metadata(
            'separate', args.name, codec.model_id, codec.channels,
            source.labels, 'audio', args.licence,
            f'models/tasks/{args.name}.md', rate=str(source.rate),
            context=str(context))
        dynamic = {'latents': {2: 'columns'}, 'latents_out': {3: 'columns'}}
    else:
        # for comparisons only; spectra lose more in 16-bit weights
        inputs = {'samples': x[-1:, :, :(context + 17) * COLUMN].contiguous()}
        metadata, dynamic = {}, {}
    whole = sound_separator.Newest(net) if args.input == 'latents' else net
    size, differs, work = export.save(
        whole, inputs, ['latents_out'], path + '.onnx', metadata, dynamic,
        tolerance=2e-2 if args.input == 'latents' else 0.1)
    about.update(columns=context + 16, multiply_adds=work, bytes=size)
    report.write_json(path + '.json', about)
    print(f'{path}.onnx: {size} bytes, {work / 1e6:.1f} million multiply-adds'
          f' for {context + 16} columns, libwalloc differs by {differs:.1g}')


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--set', required=True)
    p.add_argument('--data', default='stems', help='name of files in the set')
    p.add_argument('--out', required=True, help='folder')
    p.add_argument('--cache', help="folder for stems' latents; default: OUT")
    p.add_argument('--name', default='stems-1')
    p.add_argument('--input', default='latents',
                   choices=('latents', 'decoded', 'samples'))
    p.add_argument('--width', type=int, default=128)
    p.add_argument('--updates', type=int, default=1200)
    p.add_argument('--mixtures', type=int, default=2, help='in an update')
    p.add_argument('--validations', type=int, default=8)
    p.add_argument('--patience', type=int, default=4)
    p.add_argument('--some', type=int, default=15,
                   help='excerpts to validate with')
    p.add_argument('--adam', type=float, default=2e-3)
    p.add_argument('--muon', type=float, default=0.02)
    p.add_argument('--seed', type=int, default=5)
    p.add_argument('--threads', type=int, default=1)
    p.add_argument('--licence', default='LGPL-2.1-or-later')
    p.add_argument('--only-export', action='store_true',
                   help='OUT/NAME.pt to .onnx and .json')
    args = p.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    rng = np.random.default_rng(args.seed)
    codec = SoundCodec()
    os.makedirs(args.out, exist_ok=True)
    cache = None if args.input != 'latents' else args.cache or args.out
    train, val = (Source(args.set, args.data, split, codec, cache)
                  for split in ('train', 'val'))
    net = build(args.input, train, args.width)
    half = 'avx512_bf16' in open('/proc/cpuinfo', encoding='ascii').read()

    def batch(source, numbers, rng, quality=None):
        parts = [draw(source, args.input, i, rng,
                      int(rng.integers(*QUALITIES)) if rng else quality,
                      int(rng.choice(FRAMES)) if rng else 16)
                 for i in numbers]
        return [torch.tensor(np.concatenate(z)) for z in zip(*parts)]

    path = os.path.join(args.out, args.name)
    if args.only_export:
        state = torch.load(path + '.pt', map_location='cpu')
        net.load_state_dict(state['net'])
        write(net, args, path, state.get('curve', []), train,
              batch(val, [0], None, 50)[0], codec)
        return
    # mean magnitudes of channels over the level, of some mixtures
    first = np.random.default_rng(0)
    x = batch(train, first.integers(len(train.samples), size=24), first)[0]
    with torch.no_grad():
        x = net.spectrum(net.ordered(x) if args.input == 'latents' else x)
        net.scale[:] = 1 / (sound_separator.magnitudes(x).mean((0, 2))
                            + 1e-3)[:, None]
    checks = [(i, VAL_QUALITIES[k % 3]) for k, i in enumerate(np.linspace(
        0, len(val.samples) - 1, args.some).astype(int))]

    def validate():
        net.eval()
        with torch.no_grad():
            return float(np.mean([
                loss_of(net, args.input, *batch(val, [i], None, quality))
                for i, quality in checks])) * 10 / np.log(10)

    kernels = [b.weight for z in net.trunk.blocks for b in (z.a, z.b)]
    kernels += [net.trunk.enter.weight]
    others = [q for q in net.parameters()
              if not any(q is z for z in kernels)]
    opts = [(torch.optim.Adam(others, lr=1), args.adam),
            (Muon(kernels, lr=1), args.muon)]
    print(f'{args.input}: {sound_separator.parameters(net)} parameters, '
          f'{len(train.samples)} excerpts to train, {len(val.samples)} to '
          'validate', flush=True)
    stop, curve, total, shown = EarlyStop(args.patience), [], 0.0, 0
    start = time.process_time()
    every = max(1, args.updates // args.validations)
    with Progress(args.updates, 'train') as bar:
        for k in range(args.updates):
            share = k / args.updates
            for opt, lr in opts:
                opt.param_groups[0]['lr'] = lr * min(1, (k + 1) / 50) * (
                    0.5 + 0.5 * np.cos(np.pi * share))
            x, wanted = batch(train, rng.integers(
                len(train.samples), size=args.mixtures), rng)
            net.train()
            with torch.autocast('cpu', dtype=torch.bfloat16, enabled=half):
                loss = loss_of(net, args.input, x, wanted)
            for opt, _ in opts:
                opt.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(others, 1)
            for opt, _ in opts:
                opt.step()
            total, shown = total + loss.item() * 10 / np.log(10), shown + 1
            bar.step()
            if (k + 1) % every and k + 1 < args.updates:
                continue
            found = validate()
            curve.append({'update': k + 1, 'loss_db': round(total / shown, 3),
                          'val_loss_db': round(found, 3), 'minutes': round(
                              (time.process_time() - start) / 60, 2)})
            print(json.dumps(curve[-1]), flush=True)
            total, shown = 0.0, 0
            if stop.better(-found, lambda: {
                    q: v.clone() for q, v in net.state_dict().items()}):
                torch.save({'net': stop.state, 'args': vars(args),
                            'labels': train.labels, 'rate': train.rate,
                            'signals': train.signals, 'curve': curve},
                           path + '.pt')
            if stop.over:
                break
    net.load_state_dict(stop.state)
    write(net, args, path, curve, train, batch(val, [0], None, 50)[0], codec)


if __name__ == '__main__':
    main()
