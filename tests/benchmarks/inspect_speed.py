#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processor time of `spectralinspect` per frame: measured, and left out.

usage: meson devenv -C build tests/benchmarks/inspect_speed.py
           [--size 1920x1080] [--formats I420,RGB] [--rate 30] [--rounds 3]
           [--out docs/evaluation/spectral-speed]

Each stream is a still picture of its own (`videotestsrc num-buffers=1 !
imagefreeze`, patterns that have all frequencies), so that nearly all of the
time is that of `spectralinspect`. A pipeline runs for few and for many frames;
the difference of processor time (user and system, all threads), less that of
the same pipeline with sinks in place of the element, is of the frames between.
With `stride=1` all of them are measured; with a stride that is longer than the
pipeline only one is, and the difference is what a frame costs that is left out.
Medians of all rounds in turn. From both follows the least stride at which the
element keeps up with --rate on one core. Writes NAME.json and NAME.md.
"""
import argparse
import math
import os
import statistics
import subprocess
import sys

import common

PADS = ('ref_sink', 'dist_sink', 'corrupt_sink', 'coded_sink')
SOURCES = ('pattern=zone-plate kx2=20 ky2=12 kt=1',
           'pattern=zone-plate kx2=19 ky2=13 kt=2', 'pattern=snow',
           'pattern=ball')
FRAMES = {'measured': (2, 14), 'left out': (10, 130)}
NEVER = 1000000


def seconds(element, streams, form, size, frames):
    """Processor seconds of a pipeline of so many frames."""
    width, height = size
    command = ['gst-launch-1.0', '-q']
    for i in range(streams):
        command += ['videotestsrc', 'num-buffers=1', *SOURCES[i].split(), '!',
                    f'video/x-raw,format={form},width={width},'
                    f'height={height},framerate=30/1', '!', 'imagefreeze',
                    f'num-buffers={frames}', '!']
        command += [f's.{PADS[i]}'] if element else ['fakesink']
    if element:
        command += [*element.split(), 'name=s', '!', 'fakesink']
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return (after.children_user - before.children_user
            + after.children_system - before.children_system)


def per_frame(element, streams, form, size, kind):
    few, many = (seconds(element, streams, form, size, n)
                 for n in FRAMES[kind])
    return 1000 * (many - few) / (FRAMES[kind][1] - FRAMES[kind][0])


def live_stride(measured, left_out, rate):
    """Least stride that keeps up with rate on one core, or None."""
    budget = 1000 / rate
    if left_out >= budget:
        return None
    return max(1, math.ceil((measured - left_out) / (budget - left_out)))


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--size', default='1920x1080')
    p.add_argument('--formats', default='I420,RGB')
    p.add_argument('--rate', type=float, default=30)
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--out', default='')
    a = p.parse_args()
    size = tuple(int(v) for v in a.size.split('x'))
    rows = [(f, n) for f in a.formats.split(',') for n in (2, 3, 4)]
    times = {(r, k): [] for r in rows for k in FRAMES}
    load = [os.getloadavg()[0]]
    for k in range(a.rounds):
        for i, (form, n) in enumerate(rows):
            print(f'\rround {k + 1} of {a.rounds}: {i + 1} of {len(rows)} ',
                  end='', file=sys.stderr, flush=True)
            for kind in FRAMES:
                stride = 1 if kind == 'measured' else NEVER
                # one report at the end, of all frames
                element = f'spectralinspect interval=0 stride={stride}'
                times[(form, n), kind].append(
                    per_frame(element, n, form, size, kind)
                    - per_frame('', n, form, size, kind))
    print(file=sys.stderr)
    load.append(os.getloadavg()[0])
    lines, found = [], []
    for form, n in rows:
        ms, out = (statistics.median(times[(form, n), k]) for k in FRAMES)
        out = max(out, 0.0)
        stride = live_stride(ms, out, a.rate)
        lines.append([form, str(n), f'{ms:.0f}', f'{out:.2f}',
                      str(stride or 'none'),
                      f'{stride / a.rate:.2f}' if stride else ''])
        found.append({'format': form, 'streams': n, 'size': a.size,
                      'measured-ms': times[(form, n), 'measured'],
                      'left-out-ms': times[(form, n), 'left out'],
                      'rate': a.rate, 'stride': stride})
    text = common.table(['format', 'streams', 'measured frame, ms',
                         'left out, ms', f'live at {a.rate:g}/s from stride',
                         'spectra every, s'], lines)
    print(text)
    if a.out:
        common.save(a.out, 'Speed of spectralinspect',
                    {'rows': found, 'load': load, 'rounds': a.rounds}, [
            f'Processor time of one frame of {a.size}, median of {a.rounds} '
            'rounds; spectra, SSIM and MS-SSIM of every stride-th frame, '
            'squared errors of all. The stride is the least at which one core '
            f'keeps up with {a.rate:g} frames a second.', '',
            'Load of the machine (mean of a minute) at the beginning and at '
            'the end: ' + ' and '.join(f'{x:.1f}' for x in load) + '. Above '
            'the number of cores, processor time is too long as well, as '
            'caches are shared.', '', text])


if __name__ == '__main__':
    main()
