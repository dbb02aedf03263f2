#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stems "speech" and "rest" for separation, of what prepare_audio.py made.

  prepare_audio.py ... --out SET
  prepare_speech_mix.py --set SET --out SET2

writes SET2/speech_{train,val,test}.npy (int16 [n, 2, 1, 65536], 16 kHz, 4.1 s)
and SET2/speech.json. The rest is music, brought to mono and 16 kHz, in seven
of ten excerpts, else noise: white to brown, its loudness waving. Speech, music
and so the mixtures keep the split by package; levels are set when they are
mixed, -5 to 15 dB.
"""
import argparse
import json
import os

import numpy as np
from scipy.signal import resample_poly

RATE, LENGTH = 16000, 1 << 16
UP, DOWN = 160, 441             # 44.1 to 16 kHz
MOST = {'train': 600, 'val': 60, 'test': 100}
MUSIC = 0.7
LEVEL = 2000                    # RMS of what is written
QUIET = 60


def noise(rng):
    """float [LENGTH] with a spectrum that falls by 0 to 6 dB an octave, and
    loudness that waves by up to 10 dB a few times a second."""
    n = LENGTH
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= np.maximum(np.arange(n // 2 + 1), 40) ** rng.uniform(0, 1)
    wave = np.sin(2 * np.pi * rng.uniform(0.3, 4) * np.arange(n) / RATE
                  + rng.uniform(0, 6))
    return np.fft.irfft(spectrum, n) * 10 ** (rng.uniform(0, 0.5) * wave)


def music(source, k, rng):
    """float [LENGTH] out of excerpt k [2, samples], None where it is quiet."""
    need = LENGTH * DOWN // UP + 64
    at = int(rng.integers(source.shape[2] - need))
    x = source[k, :, at:at + need].astype(np.float64).mean(0)
    if np.sqrt((x ** 2).mean()) < QUIET:
        return None
    return resample_poly(x, UP, DOWN)[:LENGTH]


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--set', required=True)
    p.add_argument('--out', required=True)
    args = p.parse_args()
    os.makedirs(args.out, exist_ok=True)
    for seed, (split, most) in enumerate(MOST.items()):
        rng = np.random.default_rng(seed)
        speech, tunes = (np.load(os.path.join(args.set, f'{kind}_{split}.npy'),
                                 mmap_mode='r') for kind in ('speech', 'music'))
        pick = rng.permutation(len(speech))[:most]
        out = np.zeros((len(pick), 2, 1, LENGTH), np.int16)
        for i, k in enumerate(pick):
            rest = None
            if rng.random() < MUSIC:
                rest = music(tunes, int(rng.integers(len(tunes))), rng)
            if rest is None:
                rest = noise(rng)
            for row, x in zip(out[i], (speech[k, 0].astype(np.float64), rest)):
                x = x - x.mean()
                x *= LEVEL / (np.sqrt((x ** 2).mean()) + 1e-9)
                row[0] = np.clip(np.rint(x), -32768, 32767)
        np.save(os.path.join(args.out, f'speech_{split}.npy'), out)
        print(f'{split}: {len(out)} pairs', flush=True)
    with open(os.path.join(args.out, 'speech.json'), 'w',
              encoding='utf-8') as f:
        json.dump({'labels': ['speech', 'rest'], 'rate': RATE,
                   'ratio': [-5, 15]}, f)
        f.write('\n')


if __name__ == '__main__':
    main()
