# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recordings with labels, and what becomes of them on the way to a network."""
import glob
import os
import re
import wave
import zlib

import numpy as np

from sound_latents import COLUMN, LATE

FRAMES = (2, 4, 8, 16, 32)      # columns of a frame, any of these


class Clip:
    """samples: float32 [n]; label: index; group: who spoke, or ''."""

    def __init__(self, path, samples, label, group):
        self.path, self.samples = path, samples
        self.label, self.group = label, group


def read_wav(path, rate):
    """float32 [n] mono, in units of 16-bit samples. Raises ValueError: other
    widths than 16 bits, another rate."""
    with wave.open(path) as f:
        if f.getsampwidth() != 2 or f.getframerate() != rate:
            raise ValueError(
                f'{path} has {8 * f.getsampwidth()} bits and {f.getframerate()}'
                f' Hz; wanted are 16 and {rate}: convert it, for example with '
                f'"ffmpeg -i IN -ar {rate} -c:a pcm_s16le OUT.wav"')
        data = np.frombuffer(f.readframes(f.getnframes()), '<i2')
        return data.reshape(-1, f.getnchannels()).mean(1, dtype=np.float32)


def read_fsdd(folder, rate=8000):
    """(labels, {split: [Clip]}) of the Free Spoken Digit Dataset: takes 0 to 4
    of each digit and speaker are the test set, 5 to 9 validation."""
    splits = {'train': [], 'val': [], 'test': []}
    for path in sorted(glob.glob(os.path.join(folder, '*.wav'))):
        found = re.match(r'(\d)_(\w+)_(\d+)\.wav$', os.path.basename(path))
        if not found:
            raise ValueError(f'{path} is not named DIGIT_SPEAKER_TAKE.wav')
        take = int(found[3])
        split = 'test' if take < 5 else 'val' if take < 10 else 'train'
        splits[split].append(Clip(path, read_wav(path, rate), int(found[1]),
                                  found[2]))
    return [str(k) for k in range(10)], splits


def read_folder(folder, rate):
    """(labels, {split: [Clip]}) of FOLDER/CLASS/*.wav: of each class every
    fifth file is test, every fifth validation, by a hash of the name, so that
    a file stays where it is when others come."""
    labels = sorted(d for d in os.listdir(folder)
                    if os.path.isdir(os.path.join(folder, d)))
    splits = {'train': [], 'val': [], 'test': []}
    for k, label in enumerate(labels):
        for path in sorted(glob.glob(os.path.join(folder, label, '*.wav'))):
            place = zlib.crc32(os.path.basename(path).encode()) % 5
            split = {0: 'test', 1: 'val'}.get(place, 'train')
            splits[split].append(Clip(path, read_wav(path, rate), k, ''))
    for split, clips in splits.items():
        there = {clip.label for clip in clips}
        if len(there) < len(labels) or len(labels) < 2:
            raise ValueError(
                f'{folder}: the {split} set has clips of {len(there)} of '
                f'{len(labels)} classes; every class wants a folder with ten '
                'recordings or more, and there must be two classes')
    return labels, splits


def read_set(folder, rate):
    """read_fsdd() where files lie in the folder itself, else read_folder().
    """
    if glob.glob(os.path.join(folder, '*.wav')):
        return read_fsdd(folder, rate)
    return read_folder(folder, rate)


def place(samples, window, rng):
    """A clip somewhere in a window of so many columns, less those that the
    analysis is late; of a longer clip some part. float32 [window * 256]; with
    rng None in the middle."""
    room = (window - LATE) * COLUMN
    out = np.zeros(window * COLUMN, np.float32)
    spare = room - len(samples)
    at = abs(spare) // 2 if rng is None else int(rng.integers(abs(spare) + 1))
    if spare >= 0:
        out[at:at + len(samples)] = samples
    else:
        out[:room] = samples[at:at + room]
    return out


def varied(samples, rng):
    """Another speed and so another pitch (0.78 to 1.42: most voices of the
    digits are deep ones), often another microphone's balance of high and low,
    another loudness (20 dB), often some noise."""
    speed = np.exp(rng.uniform(-0.25, 0.35))
    x = np.interp(np.arange(0, len(samples) - 1, speed),
                  np.arange(len(samples)), samples).astype(np.float32)
    if rng.random() < 0.5:
        a, b = rng.uniform(-0.8, 0.8), rng.uniform(-0.3, 0.3)
        level = np.sqrt((x ** 2).mean()) + 1
        x = np.convolve(x, (1, a, b)).astype(np.float32)
        x *= level / (np.sqrt((x ** 2).mean()) + 1)
    x *= 10 ** rng.uniform(-0.75, 0.25)
    level = np.sqrt((x ** 2).mean()) + 1
    if rng.random() < 0.5:
        noise = rng.standard_normal(len(x)).astype(np.float32)
        if rng.random() < 0.5:          # towards the low end
            noise = np.cumsum(noise - noise.mean())
            noise -= np.interp(np.arange(len(x)), [0, len(x) - 1],
                               noise[[0, -1]])
            noise /= np.sqrt((noise ** 2).mean()) + 1e-6
        x += noise * level * 10 ** (-rng.uniform(0.5, 2.2))
    return np.clip(x, -32768, 32767)


def through(codec, samples, rate, quality, columns, what):
    """What a network is given of a window of samples.

    what: 'latents' [K, T], 'decoded' [1, n] or 'samples' [1, n] (not coded).
    Returns that and the frames (None for samples); decoded samples are
    aligned with what went in."""
    if what == 'samples':
        return samples[None], None
    if what == 'latents':
        frames = codec.encode(samples[:, None], rate, quality, columns)
        return codec.latents(frames), frames
    longer = np.concatenate([samples, np.zeros(codec.delay, np.float32)])
    frames = codec.encode(longer[:, None], rate, quality, columns)
    y = codec.decode(frames)[codec.delay:codec.delay + len(samples), 0]
    return y[None], frames
