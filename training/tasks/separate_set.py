# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mixtures through the real encoder, for networks that separate.

A set is SET/NAME_{train,val,test}.npy, int16 [n, stems, signals, samples], and
SET/NAME.json: {"labels": [...], "rate": Hz, "ratio": null or [from, to]}; with
ratio, the first stem is that many dB louder than the others together, else
stems get random gains.
"""
import json
import os

import numpy as np

from sound_latents import COLUMN

SCALE = 16.0                    # of latents kept in 16-bit floats
FINE = 160                      # step index of stems' latents: a step of 16
FRAMES = (8, 16, 32)


class Source:
    """Stems of a split and their latents."""

    def __init__(self, folder, name, split, codec, cache):
        """cache: folder that keeps the stems' latents from run to run."""
        with open(os.path.join(folder, name + '.json'), encoding='utf-8') as f:
            about = json.load(f)
        self.labels, self.rate = about['labels'], about['rate']
        self.ratio = about.get('ratio')
        self.samples = np.load(os.path.join(folder, f'{name}_{split}.npy'),
                               mmap_mode='r')
        self.codec = codec
        n, s, self.signals, length = self.samples.shape
        if s != len(self.labels) or self.signals not in (1, 2) or \
                length % COLUMN:
            raise ValueError(f'{name}_{split}.npy is {self.samples.shape}, and '
                             f'{len(self.labels)} labels; wanted are [n, '
                             'labels, 1 or 2, a multiple of 256]')
        self.columns = length // COLUMN
        if cache:
            path = os.path.join(cache, f'{name}_{split}_latents.npy')
            if not os.path.exists(path):
                self._write(path)
            self.latents = np.load(path, mmap_mode='r')

    def _write(self, path):
        n, s = self.samples.shape[:2]
        out = np.lib.format.open_memmap(
            path + '.part', 'w+', np.float16,
            (n, s, self.codec.channels, self.columns))
        for i in range(n):
            for k in range(s):
                if self.samples[i, k].any():
                    out[i, k] = self.codec.latents(self.codec.encode(
                        self.samples[i, k].T, self.rate, columns=64,
                        step_index=FINE)) / SCALE
        out.flush()
        del out
        os.replace(path + '.part', path)

    def recipe(self, i, rng=None):
        """Which excerpt each stem is of and its gain, for mixture i. With rng
        None as the set has it: all of excerpt i, gains 1, or of a ratio that
        is spread evenly over the range."""
        s = len(self.labels)
        pick, gain = np.full(s, i), np.ones(s)
        if rng is not None and rng.random() < (1 if self.ratio else 0.4):
            pick[1:] = rng.integers(len(self.samples), size=s - 1)
        if self.ratio:
            share = rng.random() if rng is not None \
                else (i * 0.6180339887) % 1
            loud = [np.sqrt((self.samples[p, k].astype(np.float32) ** 2).mean()
                            ) + 1 for k, p in enumerate(pick)]
            wanted = self.ratio[0] + share * (self.ratio[1] - self.ratio[0])
            gain[1:] = loud[0] / loud[1] * 10 ** (-wanted / 20)
        elif rng is not None:
            gain = 10 ** rng.uniform(-0.4, 0.3, s)
            gain[rng.random(s) < 0.1] = 0
        if rng is not None:
            gain = gain * 10 ** rng.uniform(-0.6, 0.2)
        # a mixture louder than 16 bits would be limited
        peak = np.abs(self.mixture(pick, gain)).max()
        return pick, gain * min(1, 32000 / (peak + 1))

    def mixture(self, pick, gain):
        """float32 [signals, samples]"""
        return sum(g * self.samples[p, k].astype(np.float32)
                   for k, (p, g) in enumerate(zip(pick, gain)))

    def stems(self, pick, gain):
        """float32 [stems, signals, samples]"""
        return np.stack([np.float32(g) * self.samples[p, k]
                         for k, (p, g) in enumerate(zip(pick, gain))])

    def stem_latents(self, pick, gain, first, last):
        """float32 [stems, K, columns first to last]"""
        return np.stack([np.float32(g * SCALE) * self.latents[
            p, k, :, first:last].astype(np.float32)
            for k, (p, g) in enumerate(zip(pick, gain))])

    def coded(self, mixture, quality, columns, decode):
        """(latents [K, columns], decoded samples [signals, n] or None, bytes)
        of a mixture; decoded samples are aligned with what went in."""
        n = mixture.shape[1]
        if not decode:
            frames = self.codec.encode(mixture.T, self.rate, quality, columns)
            return self.codec.latents(frames), None, sum(map(len, frames))
        longer = np.pad(mixture, ((0, 0), (0, self.codec.delay)))
        frames = self.codec.encode(longer.T, self.rate, quality, columns)
        y = self.codec.decode(frames)[self.codec.delay:self.codec.delay + n].T
        size = sum(map(len, frames[:-(-n // (columns * COLUMN))]))
        return (self.codec.latents(frames)[:, :n // COLUMN], y, size)


def mid_side(x):
    """[..., 2, n] left and right -> mid and side; mono stays as it is."""
    if x.shape[-2] == 1:
        return x
    return np.stack([x[..., 0, :] + x[..., 1, :],
                     x[..., 0, :] - x[..., 1, :]], -2) * np.float32(0.5 ** 0.5)
