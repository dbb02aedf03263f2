#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test classifiers of sound (train_audio_classify.py) on the clips kept for it.

    python3 test_audio_classify.py --data FOLDER latents=digits-1.onnx \
        decoded=decoded.onnx samples=samples.onnx --out REPORT

The names say what each network reads; "latents" alone will do. Every clip is
encoded in the middle of a window, at each quality. Networks run in libwalloc.
Writes REPORT.json (accuracy with 95 % intervals, paired counts against the
first network, confusion, processor time of a window) and REPORT.png.
"""
import argparse
import json
import os
import sys
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import export  # noqa: E402
import report  # noqa: E402
import sound_set  # noqa: E402
from latents import WallocError  # noqa: E402
from sound_latents import COLUMN, SoundCodec  # noqa: E402


def arguments():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('nets', nargs='+', help='KIND=FILE.onnx')
    p.add_argument('--data', required=True)
    p.add_argument('--out', required=True, help='REPORT of .json and .png')
    p.add_argument('--split', default='test', choices=('val', 'test'))
    p.add_argument('--qualities', default='10,20,35,50,70')
    p.add_argument('--frame', type=int, default=8, help='columns of a frame')
    p.add_argument('--only', default='', help='clips of this speaker only, '
                   'of all splits (who was left out of training)')
    p.add_argument('--confusion', type=int, default=35,
                   help='quality of the confusion matrix')
    p.add_argument('--timed', type=int, default=60, help='windows to time')
    return p.parse_args()


def logits_of(net, what, value):
    name = 'latents' if what == 'latents' else 'samples'
    return net.run({name: value[None]})['logits'][0]


def timed(codec, net, what, windows, rate, quality, columns):
    """Median milliseconds of processor time from a window's frames to its
    logits, and how many of them are the network's."""
    whole, own = [], []
    for x in windows:
        frames = sound_set.through(codec, x, rate, quality, columns,
                                   'decoded' if what == 'decoded'
                                   else 'latents')[1]
        a = time.process_time_ns()
        if what == 'latents':
            value = codec.latents(frames)
        elif what == 'decoded':
            value = codec.decode(frames)[codec.delay:codec.delay + len(x)].T
        else:
            value = x[None]
        b = time.process_time_ns()
        logits_of(net, what, value)
        c = time.process_time_ns()
        whole.append((c - a) / 1e6)
        own.append((c - b) / 1e6)
    return float(np.median(whole)), float(np.median(own))


def draw(figures, path, confusion_at, nets):
    """REPORT.png"""
    f, axes = report.figure(3, 4.6, 3.9)
    curves = {}
    for what, net in figures['networks'].items():
        points = sorted(net['qualities'].items(), key=lambda i: int(i[0]))
        if what != 'samples':
            curves[what] = tuple(zip(*[(
                figures['kbit_s'][q], 100 * v['accuracy'], 100 * v['low'],
                100 * v['high']) for q, v in points]))
        else:
            axes[0].axhline(100 * points[0][1]['accuracy'], linestyle=':',
                            color='gray', label='not coded')
    report.draw_curves(axes[0], curves, 'kbit/s', 'accuracy, %',
                       f'{figures["split"]} set, 95 % intervals')
    first = next(iter(figures['networks'].values()))
    at = first['qualities'].get(str(confusion_at)) or next(
        iter(first['qualities'].values()))
    report.draw_confusion(axes[1], np.array(
        [r.split() for r in at['confusion']], int), figures['labels'],
        f'quality {confusion_at}')
    courses = {}
    for what, file in nets.items():
        course = os.path.splitext(file)[0] + '.json'
        if os.path.exists(course):
            with open(course, encoding='utf-8') as g:
                curve = json.load(g).get('curve', [])
            courses[what] = ([e['epoch'] for e in curve],
                             [100 * e['val_accuracy'] for e in curve])
    if courses:
        report.draw_curves(axes[2], courses, 'epoch', 'validation accuracy, %',
                           'training')
    report.save(f, path)


def main():
    args = arguments()
    codec = SoundCodec()
    nets, loaded = dict(item.split('=', 1) for item in args.nets), {}
    for what, file in nets.items():
        if what not in ('latents', 'decoded', 'samples'):
            raise ValueError(f'{what}=...: a network reads latents, decoded '
                             'or samples')
        with open(file, 'rb') as f:
            loaded[what] = export.Net(f.read())
    about = loaded.get('latents') or next(iter(loaded.values()))
    rate = int(about.metadata('walloc.rate') or 8000)
    window = int(about.metadata('walloc.window') or 32)
    model = about.metadata('walloc.model')
    if model and int(model, 16) != codec.model_id:
        raise ValueError(f'walloc.model is {model}, the codec model '
                         f'{codec.name} is {codec.model_id:016x}')
    labels, splits = sound_set.read_set(args.data, rate)
    clips = splits[args.split]
    if args.only:
        clips = [c for part in splits.values() for c in part
                 if c.group == args.only]
    qualities = [int(q) for q in args.qualities.split(',')]
    truth = np.array([c.label for c in clips])
    windows = [sound_set.place(c.samples, window, None) for c in clips]
    figures = dict(split=args.only or args.split, labels=labels, networks={},
                   kbit_s={}, paired={}, frame_columns=args.frame,
                   window_columns=window, rate=rate)
    right = {}
    for what, net in loaded.items():
        mine = figures['networks'][what] = dict(qualities={})
        for q in qualities if what != 'samples' else qualities[:1]:
            got, size = [], 0
            for x in windows:
                value, frames = sound_set.through(codec, x, rate, q,
                                                  args.frame, what)
                # decoded samples are late, and so have frames behind
                size += sum(map(len, (frames or [])[:-(-window // args.frame)]))
                got.append(int(logits_of(net, what, value).argmax()))
            if what != 'samples':
                figures['kbit_s'][str(q)] = size * 8 / len(windows) / (
                    window * COLUMN / rate) / 1000
            got = np.array(got)
            right[what, q] = got == truth
            low, high = report.wilson(int(right[what, q].sum()), len(truth))
            mine['qualities'][str(q)] = dict(
                count=len(truth), right=int(right[what, q].sum()),
                accuracy=float(right[what, q].mean()), low=low, high=high,
                confusion=[' '.join(map(str, r)) for r in report.confusion(
                    truth, got, len(labels))])
            print(f'{what}, quality {q} '
                  f'({figures["kbit_s"].get(str(q), 0):.1f} kbit/s): '
                  f'{100 * right[what, q].mean():.1f} % '
                  f'({100 * low:.1f} to {100 * high:.1f})', flush=True)
        mine['multiply_adds'] = net.work
        mine['ms_whole'], mine['ms_network'] = timed(
            codec, net, what, windows[:args.timed], rate,
            qualities[len(qualities) // 2], args.frame)
        print(f'{what}: {mine["ms_whole"]:.2f} ms a window, '
              f'{mine["ms_network"]:.2f} of them the network '
              f'({net.work / 1e6:.1f} million multiply-adds)', flush=True)
    first = next(iter(loaded))
    for what in list(loaded)[1:]:
        figures['paired'][f'{first} - {what}'] = {
            str(q): report.paired(right[first, q], right.get(
                (what, q), right[what, qualities[0]])) for q in qualities}
    report.write_json(args.out + '.json', figures)
    draw(figures, args.out + '.png', args.confusion, nets)
    for pair, by in figures['paired'].items():
        for q, v in by.items():
            print(f'{pair}, quality {q}: {v["points"]:+.1f} points '
                  f'({v["points_low"]:+.1f} to {v["points_high"]:+.1f}), '
                  f'{v["only_a"]} against {v["only_b"]}, p {v["p"]:.2f}')


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError, WallocError) as e:
        sys.exit(f'test_audio_classify.py: {e}')
