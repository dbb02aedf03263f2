#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the network decoder of sound gains over the linear one, and its speed.

usage: audio_decoders.py --set SET [--bench build/tests/benchmarks/bench_audio]
           [--model models/sound-1.wlm] [--every 3]

SET is the folder of training/data/prepare_audio.py: every third excerpt of
music_test.npy (44.1 kHz, stereo) is coded with one step for all of it, at
eleven steps, and each stream is decoded by both. SNR is interpolated to a rate
for each excerpt, between the neighbouring steps. Prints tables in Markdown.
"""
import argparse
import json
import os
import subprocess
import tempfile

import numpy as np

# 1/16 octaves of the step below the level
DOWN = (-40, -24, -8, 4, 16, 28, 40, 56, 72, 90, 110)
RATES = (16, 32, 64, 96)
KINDS = ('linear', 'fast')


def measure(args, paths):
    found = {}
    for kind in KINDS:
        for down in DOWN:
            done = subprocess.run([args.bench, '-k', kind, '-d', str(down),
                                   args.model] + paths, check=True,
                                  stdout=subprocess.PIPE)
            found[kind, down] = [json.loads(line) for line in
                                 done.stdout.decode().splitlines()]
    return found


def at_rate(found, excerpt, rate):
    """SNR of both decoders, or None where no two steps are around it."""
    rates = [np.log(found['linear', d][excerpt]['kbit_s']) for d in DOWN]
    if not rates[0] <= np.log(rate) <= rates[-1]:
        return None
    return [np.interp(np.log(rate), rates,
                      [found[k, d][excerpt]['snr_db'] for d in DOWN])
            for k in KINDS]


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--set', required=True)
    p.add_argument('--bench', default='build/tests/benchmarks/bench_audio')
    p.add_argument('--model', default='models/sound-1.wlm')
    p.add_argument('--every', type=int, default=3)
    args = p.parse_args()
    excerpts = np.load(os.path.join(args.set, 'music_test.npy'),
                       mmap_mode='r')[::args.every]
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for k, x in enumerate(excerpts):
            paths.append(os.path.join(folder, '%03d.raw' % k))
            x.T.astype('<i2').tofile(paths[-1])
        found = measure(args, paths)
    print('| kbit/s | excerpts | `linear` dB | `fast` dB | gain | least | '
          'most |\n| --- | --- | --- | --- | --- | --- | --- |')
    for rate in RATES:
        both = [at_rate(found, k, rate) for k in range(len(excerpts))]
        both = np.array([b for b in both if b])
        gain = both[:, 1] - both[:, 0]
        print('| %d | %d | %.2f | %.2f | %.3f | %.3f | %.3f |' % (
            rate, len(both), *both.mean(0), gain.mean(), gain.min(),
            gain.max()))
    print('\n| median rate, kbit/s | decoding with `linear`, times real time '
          '| `fast` |\n| --- | --- | --- |')
    for down in DOWN:
        rows = [found[k, down] for k in KINDS]
        print('| %.0f | %.0f | %.0f |' % (
            np.median([r['kbit_s'] for r in rows[0]]),
            *(np.median([r['decode_x'] for r in z]) for z in rows)))


if __name__ == '__main__':
    main()
