#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""D, G and R of codecs on corrupted pictures at matched rates.

usage: meson devenv -C build tests/benchmarks/robustness.py [options] KODAK
           --out robustness.jsonl

Definitions of Lieberman et al. (arXiv 2307.08657): x a picture, c a
corruption, C a codec: D compares C(x) with x, G C(c(x)) with c(x), R C(c(x))
with x. Differences are neither rounded nor clipped; spectra are |F|^2 of all
three colours, without a window, and their bands add up to the mean square
error, which the paper's rounded |F| do not.

Rates are matched on the set that is coded, each corrupted one for itself: to
the rate that the fixed reference models (12 and 48 channels) have there. The
setting is found on a few of the pictures; the rate of all of them is written
down, also where a codec's lowest setting lies above the rate asked for.

Pictures that are upright are turned, so that a set is a clip of one size; each
frame has noise of its own. Writes a line of JSON per set, codec and level,
those of the severities in the order given, and goes on after a stop.
"""
import argparse
import json
import math
import os
import pathlib
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools'))

from eval import codecs, media, picture, spec  # noqa: E402

BANDS = 16
LEVELS = ('reference-12', 'reference-48')
# settings from the lowest rate to the highest
SETTINGS = {'jpeg': range(1, 101), 'avif': range(63, -1, -1),
            'walloc': range(1, 101)}
TRIAL = 4                       # slow codecs are matched on every so many-th picture


def landscape(rgb):
    return rgb if rgb.shape[0] <= rgb.shape[1] else np.ascontiguousarray(
        rgb.transpose(1, 0, 2))


class Rings:
    """Power of a difference by radial frequency."""

    def __init__(self, height, width):
        fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
        radius = 2 * np.hypot(fy, fx)
        self.ring = np.minimum((radius * BANDS).astype(int), BANDS).ravel()
        # a half spectrum stands for both halves
        self.weight = np.full((height, len(fx)), 2.0)
        self.weight[:, 0] = 1
        if width % 2 == 0:
            self.weight[:, -1] = 1
        self.scale = 1 / (3 * (height * width) ** 2)

    def transform(self, rgb):
        """complex64 [3, h, w / 2 + 1] of samples of 0 to 1."""
        import scipy.fft
        planes = np.moveaxis(rgb, 2, 0).astype(np.float32) / 255
        return scipy.fft.rfft2(planes)

    def power(self, a, b):
        """[BANDS + 1] of the difference of two transforms; its sum is the
        mean square difference."""
        d = a - b
        p = (d.real ** 2 + d.imag ** 2).sum(0) * self.weight
        return np.bincount(self.ring, p.ravel(), BANDS + 1) * self.scale


def mse(a, b):
    """Mean square difference of samples of 0 to 1."""
    d = a.astype(np.int32) - b
    return float(np.mean(d * d)) / 65025


def table():
    """{name: function of level to codec}"""
    known = codecs.table()

    def reference(decoder):
        return lambda level: codecs.Fragments(
            level, f'wallocenc model-file={level}',
            f'wallocdec model-file={level} decoder={decoder}', [0])
    out = {n: (lambda level, n=n: known[n]) for n in
           ('jpeg', 'jpeg2000', 'avif', 'walloc', 'walloc-best')}
    out['reference-linear'] = reference('linear')
    out['reference'] = reference('fast')
    return out


def rate(sizes, clip):
    return 8 * sum(sizes) / sum(f.shape[0] * f.shape[1] for f in clip)


def match(codec, settings, clip, target, start):
    """Index of the setting whose rate on the clip is nearest to the target, by
    bisection from where the last set ended."""
    known = {}

    def at(i):
        if i not in known:
            sizes, _ = codec.code(clip, settings[i])
            known[i] = math.log(rate(sizes, clip) / target)
        return known[i]
    low, high, step = 0, len(settings) - 1, 4
    i = start if start is not None else (low + high) // 2
    # widen from the start until the target lies between
    while low < high:
        if at(i) < 0:
            low = i
            if i == high or at(min(high, i + step)) >= 0:
                high = min(high, i + step)
                break
            i = min(high, i + step)
        else:
            high = i
            if i == low or at(max(low, i - step)) < 0:
                low = max(low, i - step)
                break
            i = max(low, i - step)
        step *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if at(middle) < 0:
            low = middle
        else:
            high = middle
    return min((low, high), key=lambda k: abs(at(k)))


class Sweep:
    def __init__(self, paths, out):
        self.clean = [landscape(picture.load(p, 0)) for p in paths]
        if len({f.shape for f in self.clean}) != 1:
            sys.exit('robustness.py: the pictures must have one size, turned '
                     'or not')
        self.names = [os.path.basename(p) for p in paths]
        self.rings = Rings(*self.clean[0].shape[:2])
        self.of_clean = [self.rings.transform(f) for f in self.clean]
        self.codecs, self.start, self.share = table(), {}, {}
        self.done = set()
        if os.path.exists(out):
            with open(out) as f:
                for text in f:
                    try:
                        v = json.loads(text)
                    except ValueError:
                        continue    # cut off: done again
                    self.done.add((v['corruption'], v['severity'], v['codec'],
                                   v['level']))
        self.file = open(out, 'a')

    def at_rate(self, codec, name, level, clip, target):
        """(setting, sizes, result) of a clip at a rate. Slow codecs are matched
        on a part of it, and again where that part took another share of the bits
        than in the last set."""
        settings = SETTINGS[name.replace('-best', '')]
        # the same stream, whatever decodes it
        search = self.codecs[name.replace('-best', '')](level)
        part = TRIAL if name == 'avif' else 1
        known = set()
        while True:
            share = self.share.get((name, level), 1)
            i = match(search, settings, clip[::part], target * share,
                      self.start.get((name, level)))
            self.start[name, level] = i
            if i in known:
                return settings[i], sizes, result
            known.add(i)
            sizes, result = codec.code(clip, settings[i])
            if part == 1:
                return settings[i], sizes, result
            bpp = rate(sizes, clip)
            self.share[name, level] = rate(sizes[::part], clip[::part]) / bpp
            if abs(bpp / target - 1) < 0.05 or len(known) > 2:
                return settings[i], sizes, result

    def one(self, kind, severity):
        """All codecs and levels of one set."""
        todo = [(c, level) for level in LEVELS for c in self.codecs
                if (kind, severity, c, level) not in self.done]
        if not todo:
            return
        cell = {'corruption': kind, 'severity': severity, 'seed': 1,
                'variant': 'imagecorruptions'}
        dirty = picture.corrupt(self.clean, cell)
        of_dirty = self.of_clean if kind is None else [
            self.rings.transform(f) for f in dirty]
        for level in LEVELS:
            target = None
            for name in self.codecs:
                if (name, level) not in todo:
                    continue
                if target is None:
                    reference = self.codecs['reference-linear'](level)
                    target = rate(reference.code(dirty, 0)[0], dirty)
                codec = self.codecs[name](level)
                began = time.process_time()
                if name == 'jpeg2000':
                    setting = round(24 / target, 3)
                    sizes, result = codec.code(dirty, setting)
                elif name in ('reference', 'reference-linear'):
                    setting = 0
                    sizes, result = codec.code(dirty, setting)
                else:
                    setting, sizes, result = self.at_rate(
                        codec, name, level, dirty, target)
                line = dict(cell, codec=name, level=level, setting=setting,
                            asked=target, bpp=rate(sizes, dirty),
                            pictures=len(dirty))
                pairs = {'R': (self.clean, self.of_clean)}
                if kind is not None:
                    pairs['G'] = dirty, of_dirty
                    line['C'] = [mse(a, b)
                                 for a, b in zip(self.clean, dirty)]
                    line['C_bands'] = np.mean([
                        self.rings.power(a, b) for a, b in
                        zip(self.of_clean, of_dirty)], 0).tolist()
                of_result = [self.rings.transform(f) for f in result]
                for error, (pictures, transforms) in pairs.items():
                    line[error] = [mse(a, b)
                                   for a, b in zip(pictures, result)]
                    line[error + '_bands'] = np.mean([
                        self.rings.power(a, b) for a, b in
                        zip(transforms, of_result)], 0).tolist()
                line['cpu_seconds'] = round(time.process_time() - began, 2)
                self.file.write(json.dumps(line) + '\n')
                self.file.flush()
                print(f'{kind or "clean"} {severity} {level} {name} '
                      f'{setting} {line["bpp"]:.3f} of {target:.3f} bpp, '
                      + ', '.join(f'{e} {db(line[e]):.2f} dB'
                                  for e in pairs), flush=True)


def db(values):
    """Mean over pictures of PSNR; equal pictures count as 100 dB."""
    return float(np.mean([-10 * math.log10(max(v, 1e-10)) for v in values]))


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('pictures', nargs='+', help='files or folders')
    p.add_argument('--severities', default='3,1,5,2,4')
    p.add_argument('--corruptions', default=','.join(
        media.CORRUPTIONS['picture']))
    p.add_argument('--out', required=True)
    a = p.parse_args()
    sweep = Sweep(spec.find_inputs(a.pictures), a.out)
    sweep.one(None, 0)
    for severity in a.severities.split(','):
        for kind in a.corruptions.split(','):
            sweep.one(kind, int(severity))


if __name__ == '__main__':
    main()
