#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test a classifier (train_classify.py) on the pictures kept for it.

    python3 test_classify.py SET NAME.pt --out REPORT
    python3 test_classify.py SET latents=A.pt decoded=B.pt --out REPORT

writes REPORT.json (accuracy with 95 % intervals at every quality, bits per
pixel, confusion, paired counts of every network against the first) and
REPORT.png (accuracy over rate, confusion, course of training).
"""
import argparse
import os
import sys

import numpy as np
import torch

import report
from latents import WallocError
from networks import parameters, work
from streams import SPLITS, FrameSet, Reader
from train_classify import answers, load


def arguments():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('set')
    p.add_argument('nets', nargs='+', help='[NAME=]FILE.pt')
    p.add_argument('--out', required=True, help='REPORT of .json and .png')
    p.add_argument('--split', choices=SPLITS[1:], default='test')
    p.add_argument('--qualities', help='default: all of the set')
    p.add_argument('--keep', default='',
                   help='also with these numbers of channels left, such as '
                   '48,12\n(latents only, the first network)')
    p.add_argument('--confusion', type=int, default=50,
                   help='quality of the confusion matrix')
    p.add_argument('--device', default='cpu')
    p.add_argument('--threads', type=int, default=1)
    return p.parse_args()


def measure(net, reader, rows, device, channels=None):
    """(answers [n], dict of figures) of a network on frames."""
    index = reader.frames.index[rows]
    y = answers(net, reader, rows, device, channels=channels)
    got = y.argmax(1).numpy()
    right = got == index['label']
    low, high = report.wilson(int(right.sum()), len(right))
    labels = reader.frames.labels
    counts = report.confusion(index['label'], got, len(labels))
    each = np.diag(counts) / np.maximum(1, counts.sum(1))
    return got, dict(
        count=len(right), right=int(right.sum()),
        accuracy=float(right.mean()), low=low, high=high,
        mean_of_classes=float(each.mean()),
        by_class=dict(zip(labels, each.tolist())),
        confusion=[' '.join(map(str, row)) for row in counts],
        answers=' '.join(map(str, got)))


def cost(net, config, frames, rows):
    """Weights, and multiply-adds for one picture of the usual size coded at
    its own size."""
    index = frames.index[rows]
    pixels = index['width'].astype(int) * index['height']
    row = index[np.argsort(pixels)[len(pixels) // 2]]
    h, w = int(row['height']), int(row['width'])
    if config['input'] == 'latents':
        inputs = (torch.zeros(1, config['channels'], -(-h // 8), -(-w // 8)),
                  torch.ones(1), torch.zeros(1))
    else:
        inputs = (torch.zeros(1, 3, h, w),)
    macs = work(net, *inputs)
    return dict(weights=parameters(net), width=w, height=h, macs=macs,
                macs_per_position=macs / (-(-h // 8) * -(-w // 8)))


def bits_per_pixel(frames, rows):
    """Of whole frames, headers too: all bits over all pixels."""
    index = frames.index[rows]
    return 8 * float(index['size'].sum()) / float(
        (index['width'].astype(float) * index['height']).sum())


def draw(figures, nets, path, confusion_at, labels):
    """REPORT.png"""
    courses = {}
    for name, file in nets.items():
        course = os.path.splitext(file)[0] + '.json'
        if os.path.exists(course):
            import json
            with open(course) as f:
                c = json.load(f)['course']
            courses[name] = ([e['epoch'] for e in c],
                             [100 * e['val_accuracy'] for e in c])
    f, axes = report.figure(3, 4.6, 3.9)
    curves = {}
    for name, net in figures['networks'].items():
        points = sorted(net['qualities'].items(), key=lambda i: int(i[0]))
        if len(points) > 1:
            curves[name] = tuple(zip(*[(
                figures['bpp'][q], 100 * v['accuracy'], 100 * v['low'],
                100 * v['high']) for q, v in points]))
        else:
            v = points[0][1]
            axes[0].axhline(100 * v['accuracy'], linestyle=':', label=name,
                            color='gray')
    report.draw_curves(axes[0], curves, 'bits per pixel', 'accuracy, %',
                       figures['split'] + ' set, 95 % intervals')
    axes[0].set_xscale('log')
    first = next(iter(figures['networks']))
    at = figures['networks'][first]['qualities'].get(str(confusion_at))
    if at:
        report.draw_confusion(
            axes[1], np.array([r.split() for r in at['confusion']], int),
            labels, f'{first}, quality {confusion_at}')
    if courses:
        report.draw_curves(axes[2], courses, 'epoch',
                           'validation accuracy, %', 'training')
    report.save(f, path)


def markdown(figures):
    """Tables for a page of figures."""
    nets = figures['networks']
    rows = [['quality', 'rate', *nets]]
    for q, bpp in figures['bpp'].items():
        rows.append([q, f'{bpp:.3f} bpp'])
        for net in nets.values():
            v = net['qualities'].get(q)
            rows[-1].append('' if v is None else f'{100 * v["accuracy"]:.1f} '
                            f'({100 * v["low"]:.1f} to '
                            f'{100 * v["high"]:.1f})')
    tables = [rows]
    if figures['kept']:
        first = next(iter(nets))
        rows = [['quality', *(f'{k} channels' for k in figures['kept']),
                 'all']]
        for q in figures['bpp']:
            rows.append([q, *(f'{100 * v[q]["accuracy"]:.1f}' for v in
                              [*figures['kept'].values(),
                               nets[first]['qualities']])])
        tables.append(rows)
    for pair, by in figures['paired'].items():
        rows = [['quality', pair + ', points', 'only the first right',
                 'only the second', 'p']]
        rows += [[q, f'{v["points"]:+.1f} ({v["points_low"]:+.1f} to '
                  f'{v["points_high"]:+.1f})', str(v['only_a']),
                  str(v['only_b']), f'{v["p"]:.2f}'] for q, v in by.items()]
        tables.append(rows)
    rows = [['', 'weights', 'multiply-adds of a picture', 'per 8x8 pixels']]
    rows += [[name, f'{n["weights"]:,}', f'{n["macs"] / 1e6:.1f} million',
              f'{n["macs_per_position"]:,.0f}'] for name, n in nets.items()]
    tables.append(rows)
    return '\n\n'.join('\n'.join('| ' + ' | '.join(r) + ' |' for r in (
        t[0], ['---'] * len(t[0]), *t[1:])) for t in tables)


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    frames = FrameSet(args.set)
    qualities = [int(q) for q in args.qualities.split(',')] \
        if args.qualities else frames.meta['qualities']
    nets, right = {}, {}
    for item in args.nets:
        name, _, file = item.rpartition('=')
        nets[name or os.path.splitext(os.path.basename(file))[0]] = file
    figures = dict(split=args.split, labels=frames.labels, networks={},
                   bpp={}, scales={}, paired={}, kept={})
    for q in qualities:
        rows = frames.where(args.split, quality=q)
        if not len(rows):
            raise ValueError(f'no frames of quality {q} in {args.set}')
        figures['bpp'][str(q)] = bits_per_pixel(frames, rows)
        figures['scales'][str(q)] = np.bincount(
            frames.index['scale'][rows], minlength=3).tolist()
    for name, file in nets.items():
        net, config = load(file, args.device)
        if config['labels'] != frames.labels:
            raise ValueError(f'{file} knows classes {config["labels"]}, the '
                             f'set has {frames.labels}')
        reader = Reader(frames, config['input'], config['channels'],
                        config['decoder'], config['maps'],
                        config.get('size', 0))
        mine = dict(input=config['input'], decoder=config['decoder'],
                    qualities={}, **cost(net, config, frames, rows))
        for q in qualities[:1] if config['input'] == 'pixels' else qualities:
            rows = frames.where(args.split, quality=q)
            truth = frames.index['label'][rows]
            got, mine['qualities'][str(q)] = measure(net, reader, rows,
                                                     args.device)
            right[name, q] = got == truth
            v = mine['qualities'][str(q)]
            print(f'{name}, quality {q} ({figures["bpp"][str(q)]:.3f} bpp): '
                  f'{100 * v["accuracy"]:.1f} % ({100 * v["low"]:.1f} to '
                  f'{100 * v["high"]:.1f}), {v["right"]} of {v["count"]}',
                  flush=True)
        figures['networks'][name] = mine
        first = next(iter(nets))
        if name != first:
            figures['paired'][f'{first} - {name}'] = {
                str(q): report.paired(right[first, q], right.get(
                    (name, q), right[name, qualities[0]]))
                for q in qualities}
        elif config['input'] == 'latents':
            for k in [int(k) for k in args.keep.split(',') if k]:
                figures['kept'][str(k)] = {
                    str(q): measure(net, reader, frames.where(
                        args.split, quality=q), args.device, k)[1]
                    for q in qualities}
    report.write_json(args.out + '.json', figures)
    draw(figures, nets, args.out + '.png', args.confusion, frames.labels)
    print('\n' + markdown(figures))


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError, WallocError) as e:
        sys.exit(f'test_classify.py: {e}')
