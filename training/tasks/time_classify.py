#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an answer costs: processor time of reading latents and of the network
on them, beside decoding and the same network on pixels.

    python3 time_classify.py PICTURE --latents A.onnx --pixels B.onnx

One thread, libwalloc's runner, medians; all that is compared is run in turn,
so that other work on the machine is in all of them.
"""
import argparse
import statistics
import sys
import time

import numpy as np

from export import Net
from latents import Codec, WallocError
from pictures import load


def tasks(codec, frame, latents, pixels):
    """{name: function without arguments}: what a frame can be put through."""
    k = int(latents.metadata('walloc.channels'))
    reader = Codec()
    reader.keep(k)
    values, step, scale = reader.latents(frame, k)
    given = {'latents': values[None], 'step': np.float32([step]),
             'scale': np.float32([scale])}
    rgb = codec.decode(frame)
    planes = {'pixels': rgb.transpose(2, 0, 1)[None].astype(np.float32)}
    return {
        'entropy decoding': lambda: reader.read(frame),
        'network on latents': lambda: latents.run(given),
        'entropy decoding and linear decoder': lambda: codec.decode(frame),
        'network on pixels': lambda: pixels.run(planes)}


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('picture')
    p.add_argument('--latents', required=True, help='ONNX file')
    p.add_argument('--pixels', required=True, help='ONNX file')
    p.add_argument('--size', type=int, default=0, help='shorter side')
    p.add_argument('--qualities', default='20,50,75')
    p.add_argument('--runs', type=int, default=21)
    p.add_argument('--precision', choices=('f32', 'bf16', 'int8', 'fastest'),
                   default='f32', help='of the networks')
    args = p.parse_args()
    nets = []
    for path in (args.latents, args.pixels):
        with open(path, 'rb') as f:
            nets.append(Net(f.read()))
        nets[-1].set_precision(args.precision)
    codec, rgb = Codec(), load(args.picture, args.size)
    print(f'{rgb.shape[1]}x{rgb.shape[0]}, {args.precision}, milliseconds of '
          'processor time\n')
    print('| quality | rate | latents | network | decoded | network on pixels '
          '| latents over pixels |\n' + '| --- ' * 7 + '|')
    for q in (int(q) for q in args.qualities.split(',')):
        frame = codec.encode(rgb, q)
        todo = tasks(codec, frame, *nets)
        spent = {name: [] for name in todo}
        for _ in range(args.runs):
            for name, run in todo.items():
                start = time.thread_time()
                run()
                spent[name].append(1e3 * (time.thread_time() - start))
        a, b, c, d = (statistics.median(v) for v in spent.values())
        bpp = 8 * len(frame) / (rgb.shape[0] * rgb.shape[1])
        print(f'| {q} | {bpp:.3f} bpp | {a:.2f} | {b:.2f} | {c:.2f} | {d:.2f} '
              f'| {(a + b) / (c + d):.2f} |')


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError, WallocError) as e:
        sys.exit(f'time_classify.py: {e}')
