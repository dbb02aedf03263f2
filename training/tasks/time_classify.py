#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an answer costs: processor time of reading latents and of the network
on them, beside decoding and the same network on pixels.

    python3 time_classify.py PICTURE --latents A.onnx --pixels B.onnx

One thread, libwalloc's runner, medians; all that is compared is run in turn,
so that other work on the machine is in all of them.
"""
import argparse
import base64
import statistics
import sys
import time

import numpy as np

from export import Net
from latents import Codec, WallocError
from pictures import load
from resample import plan

# multiply-adds of the linear decoder for 8 x 8 pixels: matrices of 64, 32 and
# 96 channels; lifting of three planes
DECODER_WORK = 17800


class Network:
    """An exported classifier in libwalloc's runner, with what its file says
    of sizes."""

    def __init__(self, path, precision):
        with open(path, 'rb') as f:
            self.net = Net(f.read())
        self.channels = int(self.net.metadata('walloc.channels') or 0)
        self.size = int(self.net.metadata('walloc.size') or 0)
        self.maps = {}
        for name in ('enlarge', 'reduce'):
            graph = self.net.metadata('walloc.' + name)
            if graph:
                self.maps[name] = Net(base64.b64decode(graph))
        for net in (self.net, *self.maps.values()):
            net.set_precision(precision)

    def steps(self, width, height, scale):
        """(name of the map, what is cut off) one after the other."""
        up, down = plan(width, height, scale, self.size,
                        *(n in self.maps for n in ('enlarge', 'reduce')))
        grids = [tuple(-(-(-(-n // (1 << s))) // 8) for n in (height, width))
                 for s in range(scale - 1, scale - 1 - up, -1)]
        return [('enlarge', g) for g in grids] + [('reduce', (None, None))] \
            * down

    def given(self, latents, width, height):
        """Its inputs for Latents of a frame; also sets .work, multiply-adds
        of resampling."""
        values, step, scale = latents
        x, self.work, down = values[None], 0, False
        for name, (h, w) in self.steps(width, height, scale):
            net = self.maps[name]
            x = np.ascontiguousarray(
                net.run({'latents': x})['latents_out'][:, :, :h, :w])
            self.work += net.work
            down = name == 'reduce'
            step = step / 2 if down else step
        return {'latents': x, 'step': np.float32([step]),
                'scale': np.float32([0 if down else scale])}

    def run(self, latents, width, height):
        return self.net.run(self.given(latents, width, height))['logits'][0]


def tasks(codec, frame, latents, pixels):
    """{name: function without arguments}: what a frame can be put through."""
    reader = Codec()
    reader.keep(latents.channels)
    read = reader.latents(frame, latents.channels)
    info = codec.info(frame)
    rgb = codec.decode(frame)
    planes = {'pixels': rgb.transpose(2, 0, 1)[None].astype(np.float32)}
    given = latents.given(read, info.width, info.height)
    return {
        'entropy decoding': lambda: reader.read(frame),
        'resampling': lambda: latents.given(read, info.width, info.height),
        'network on latents': lambda: latents.net.run(given),
        'entropy decoding and linear decoder': lambda: codec.decode(frame),
        'network on pixels': lambda: pixels.net.run(planes)}


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
    nets = [Network(path, args.precision)
            for path in (args.latents, args.pixels)]
    codec, rgb = Codec(), load(args.picture, args.size)
    print(f'{rgb.shape[1]}x{rgb.shape[0]}, {args.precision}, milliseconds of '
          'processor time\n')
    print('| quality | rate | latents | resampled | network | decoded | '
          'network on pixels | latents over pixels | multiply-adds over '
          'pixels |\n' + '| --- ' * 9 + '|')
    for q in (int(q) for q in args.qualities.split(',')):
        frame = codec.encode(rgb, q)
        todo = tasks(codec, frame, *nets)
        spent = {name: [] for name in todo}
        for _ in range(args.runs):
            for name, run in todo.items():
                start = time.thread_time()
                run()
                spent[name].append(1e3 * (time.thread_time() - start))
        a, r, b, c, d = (statistics.median(v) for v in spent.values())
        decoder = DECODER_WORK * -(-rgb.shape[0] // 8) * -(-rgb.shape[1] // 8)
        work = (nets[0].work + nets[0].net.work) / (
            nets[1].net.work + decoder)
        bpp = 8 * len(frame) / (rgb.shape[0] * rgb.shape[1])
        print(f'| {q} | {bpp:.3f} bpp | {a:.2f} | {r:.2f} | {b:.2f} | '
              f'{c:.2f} | {d:.2f} | {(a + r + b) / (c + d):.2f} | '
              f'{work:.2f} |')


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError, WallocError) as e:
        sys.exit(f'time_classify.py: {e}')
