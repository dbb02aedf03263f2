#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train a network that tells sounds apart by their latents.

    train_audio_classify.py --data FOLDER --name digits-1 --out DIR

FOLDER is the Free Spoken Digit Dataset, or has a folder per class with WAV
files of 16 bits (FOLDER/CLASS/*.wav, --rate). Writes DIR/NAME.onnx, which
compressedclassify runs, .pt and .json (curves). Every clip goes through the
real encoder in every epoch, at a random quality and frame size, shifted by a
random number of samples: packets look different after a shift of half a
column. --input decoded and samples train the same network on what the decoder
gives, and on what went into the encoder, for comparison; nothing else differs.

Needs a built libwalloc, python3-torch and python3-onnx. test_audio_classify.py
makes the report.
"""
import argparse
import json
import os
import sys
import time

import numpy as np
import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import export  # noqa: E402
import sound_set  # noqa: E402
from progress import EarlyStop, Progress  # noqa: E402
from sound_classifier import OfLatents, OfSamples, parameters  # noqa: E402
from sound_latents import COLUMN, SoundCodec  # noqa: E402

VAL_QUALITIES = (10, 20, 35, 50, 70)
QUALITIES = (8, 85)             # random in training, half of them below 30


def random_quality(rng):
    low, high = QUALITIES
    return int(low + (high - low) * rng.random() ** 1.8)


def build(what, classes, codec, rate):
    if what == 'latents':
        return OfLatents(classes, rate, *codec.bands())
    return OfSamples(classes, rate)


def epoch(codec, clips, args, rng):
    """Inputs [n, ...] and labels of all clips, in random order."""
    inputs, labels = [], []
    for k in rng.permutation(len(clips)):
        clip = clips[k]
        x = sound_set.place(sound_set.varied(clip.samples, rng), args.window,
                            rng)
        value, _ = sound_set.through(
            codec, x, args.rate, random_quality(rng),
            int(rng.choice(sound_set.FRAMES)), args.input)
        inputs.append(value)
        labels.append(clip.label)
    return torch.tensor(np.stack(inputs)), torch.tensor(labels)


def held(codec, clips, args, qualities, columns=8):
    """As epoch(), without variation: each clip once at each quality."""
    rng = np.random.default_rng(1)
    inputs, labels = [], []
    for clip in clips:
        x = sound_set.place(clip.samples, args.window, rng)
        for quality in qualities[:1] if args.input == 'samples' else qualities:
            inputs.append(sound_set.through(codec, x, args.rate, quality,
                                            columns, args.input)[0])
            labels.append(clip.label)
    return torch.tensor(np.stack(inputs)), torch.tensor(labels)


def validate(net, x, labels):
    """(accuracy, mean cross entropy)"""
    net.eval()
    with torch.no_grad():
        logits = torch.cat([net(part) for part in x.split(64)])
    loss = torch.nn.functional.cross_entropy(logits, labels)
    return float((logits.argmax(1) == labels).float().mean()), float(loss)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--data', required=True)
    p.add_argument('--out', required=True, help='folder')
    p.add_argument('--name', default='digits-1')
    p.add_argument('--input', default='latents',
                   choices=('latents', 'decoded', 'samples'))
    p.add_argument('--rate', type=int, default=8000, help='Hz of the WAV files')
    p.add_argument('--window', type=int, default=32, help='columns of 256')
    p.add_argument('--hop', type=int, default=8, help='columns')
    p.add_argument('--epochs', type=int, default=24)
    p.add_argument('--patience', type=int, default=8, help='epochs')
    p.add_argument('--batch', type=int, default=32)
    p.add_argument('--lr', type=float, default=2e-3)
    p.add_argument('--seed', type=int, default=7)
    p.add_argument('--threads', type=int, default=1)
    p.add_argument('--without', default='', help='leave this speaker out')
    p.add_argument('--licence', default='LGPL-2.1-or-later')
    args = p.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    rng = np.random.default_rng(args.seed)
    codec = SoundCodec()
    labels, splits = sound_set.read_set(args.data, args.rate)
    for split in ('train', 'val'):
        splits[split] = [c for c in splits[split]
                         if not args.without or c.group != args.without]
    net = build(args.input, len(labels), codec, args.rate)
    print(f'{args.input}: {parameters(net)} parameters, '
          + ', '.join(f'{len(c)} {s}' for s, c in splits.items()), flush=True)
    os.makedirs(args.out, exist_ok=True)
    path = os.path.join(args.out, args.name)
    optimiser = torch.optim.AdamW(net.parameters(), lr=args.lr,
                                  weight_decay=0.02)
    steps = args.epochs * -(-len(splits['train']) // args.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, args.lr, steps,
                                                   pct_start=0.15)
    val = held(codec, splits['val'], args, VAL_QUALITIES)
    stop, curve, start = EarlyStop(args.patience), [], time.process_time()
    with Progress(args.epochs, 'train') as bar:
        for number in range(args.epochs):
            x, y = epoch(codec, splits['train'], args, rng)
            net.train()
            total = 0.0
            for k in range(0, len(x), args.batch):
                loss = torch.nn.functional.cross_entropy(
                    net(x[k:k + args.batch]), y[k:k + args.batch],
                    label_smoothing=0.05)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
                total += loss.item() * len(x[k:k + args.batch])
            accuracy, val_loss = validate(net, *val)
            curve.append(dict(
                epoch=number + 1, loss=round(total / len(x), 4),
                val_loss=round(val_loss, 4), val_accuracy=round(accuracy, 4),
                minutes=round((time.process_time() - start) / 60, 2)))
            print(json.dumps(curve[-1]), flush=True)
            stop.better(-val_loss, lambda: {
                k: v.clone() for k, v in net.state_dict().items()})
            bar.step(note=f'validation {100 * accuracy:.1f} %')
            if stop.over:
                break
    net.load_state_dict(stop.state)
    torch.save({'net': net.state_dict(), 'labels': labels,
                'args': vars(args)}, path + '.pt')
    channels = codec.channels
    if args.input == 'latents':
        inputs = {'latents': torch.tensor(
            val[0][:1].numpy().copy())}
        metadata = export.task_metadata(
            'classify', args.name, codec.model_id, channels, labels, 'audio',
            args.licence, f'models/tasks/{args.name}.md', rate=str(args.rate),
            window=str(args.window), hop=str(args.hop))
        dynamic = {'latents': {2: 'columns'}}
    else:
        inputs, metadata, dynamic = {'samples': val[0][:1]}, {}, {}
    size, differs, work = export.save(net, inputs, ['logits'], path + '.onnx',
                                      metadata, dynamic)
    with open(path + '.json', 'w', encoding='utf-8') as f:
        json.dump({'name': args.name, 'input': args.input,
                   'parameters': parameters(net), 'best_epoch': stop.at,
                   'seconds_of_window': args.window * COLUMN / args.rate,
                   'multiply_adds_of_window': work, 'bytes': size,
                   'curve': curve}, f, indent=1)
        f.write('\n')
    print(f'{path}.onnx: {size} bytes, {work / 1e6:.1f} million multiply-adds'
          f' per window, libwalloc differs by {differs:.1g}')


if __name__ == '__main__':
    main()
