#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processor time of `corrupt` per frame, beside 30 frames a second.

usage: meson devenv -C build tests/benchmarks/corrupt_speed.py [--size 1280x720]
           [--severities 3,5] [--rounds 3] [--out NAME]

Each corruption has a pipeline of its own, `videotestsrc ! RGB ! corrupt !
fakesink`, that runs for 4 and for 24 frames; the difference of processor time
(user and system, all threads), less that of the same pipeline with
`identity`, is of 20 frames. Medians of all rounds in turn. Writes NAME.json
and NAME.md.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

TYPES = ('gaussian_noise shot_noise impulse_noise defocus_blur glass_blur '
         'motion_blur zoom_blur snow frost fog brightness contrast '
         'elastic_transform pixelate jpeg_compression').split()
VARIANTS = ('imagecorruptions', 'hendrycks')
FRAMES = (4, 24)


def seconds(element, size, frames):
    """Processor seconds of a pipeline of so many frames."""
    width, height = size
    command = ['gst-launch-1.0', '-q', 'videotestsrc', f'num-buffers={frames}',
               'pattern=ball', '!', f'video/x-raw,format=RGB,width={width},'
               f'height={height},framerate=30/1', '!', *element.split(), '!',
               'fakesink']
    before = os.times()
    subprocess.run(command, check=True)
    after = os.times()
    return (after.children_user - before.children_user
            + after.children_system - before.children_system)


def per_frame(element, size):
    few, many = (seconds(element, size, n) for n in FRAMES)
    return 1000 * (many - few) / (FRAMES[1] - FRAMES[0])


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--size', default='1280x720')
    p.add_argument('--severities', default='3,5')
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--threads', type=int, default=2)
    p.add_argument('--out', default='')
    a = p.parse_args()
    size = tuple(int(v) for v in a.size.split('x'))
    rows = [(t, v, int(s)) for t in TYPES for s in a.severities.split(',')
            for v in VARIANTS]
    times = {r: [] for r in rows}
    for k in range(a.rounds):
        base = per_frame('identity', size)
        for i, (t, v, s) in enumerate(rows):
            print(f'\rround {k + 1} of {a.rounds}: {i + 1} of {len(rows)} ',
                  end='', file=sys.stderr, flush=True)
            times[t, v, s].append(per_frame(
                f'corrupt type={t} variant={v} severity={s} '
                f'threads={a.threads}', size) - base)
    print(file=sys.stderr)
    lines = [f'| corruption | variant | '
             + ' | '.join(f'severity {s}, ms' for s in a.severities.split(','))
             + ' |', '| --- ' * (2 + len(a.severities.split(','))) + '|']
    for t in TYPES:
        for v in VARIANTS:
            lines.append(f'| {t} | {v} | ' + ' | '.join(
                f'{statistics.median(times[t, v, int(s)]):.1f}'
                for s in a.severities.split(',')) + ' |')
    text = '\n'.join(lines)
    print(text)
    if a.out:
        with open(a.out + '.md', 'w') as f:
            f.write(text + '\n')
        with open(a.out + '.json', 'w') as f:
            json.dump([{'type': t, 'variant': v, 'severity': s,
                        'ms': times[t, v, s]} for t, v, s in rows], f,
                      indent=1)


if __name__ == '__main__':
    main()
