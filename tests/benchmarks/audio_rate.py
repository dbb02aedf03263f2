#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How well wallocaudioenc keeps "bitrate".

usage: meson devenv -C build tests/benchmarks/audio_rate.py --set SET
           [--every N] [--out OUT]

SET is the folder of training/data/prepare_audio.py. Excerpts of
music_val.npy (44.1 kHz, stereo), every Nth, are joined into one recording,
with 2 seconds of silence in the middle; that changes its loudness and its kind
every six seconds. For every bitrate, the rate of every window of 2 seconds
(one starts at each frame) is compared with the target. A window may be below
it where there is nothing left to send: frames at the finest step (that of
quality 100) count as if they had used their time, and a window is "starved" if
it is more than 5 % below the target even so. The last column is what keeping
the rate costs: the signal to noise ratio beside that of the constant quality
which takes the same number of bytes for the whole (between two, as a line; of
the default frame-size).
Writes OUT.md where --out is given.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np

import common

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))), 'training'))
import walloc_model  # noqa: E402

RATE, CHANNELS = 44100, 2
CASES = ((16, 0), (32, 0), (64, 0), (96, 0), (128, 0), (64, 1024), (64, 16384))
QUALITIES = (10, 20, 30, 40, 50, 60, 70, 80)
WINDOW = 2.0


def launch(line):
    done = subprocess.run(['gst-launch-1.0', '-q'] + line.split(),
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    if done.returncode or 'ERROR' in done.stderr:
        sys.exit(f'gst-launch-1.0 {line}\n{done.stderr}')


def recording(folder, every):
    music = np.load(os.path.join(folder, 'music_val.npy'), mmap_mode='r')
    parts = [np.asarray(music[k]).T for k in range(0, len(music), every)]
    parts.insert(len(parts) // 2, np.zeros((2 * RATE, CHANNELS), np.int16))
    return np.concatenate(parts)


def code(temp, properties, decode=True):
    """Sizes and step indices of frames, seconds of one, decoded samples."""
    coded = os.path.join(temp, 'coded.wlc')
    launch(f'filesrc location={temp}/in.raw ! rawaudioparse use-sink-caps=false'
           f' format=pcm pcm-format=s16le sample-rate={RATE}'
           f' num-channels={CHANNELS} ! wallocaudioenc {properties} !'
           f' filesink location={coded}')
    with open(coded, 'rb') as file:
        data = file.read()
    heads = [h for _, h in walloc_model.frames(data)]
    sizes = np.array([h['header_size'] + h['payload_size'] for h in heads])
    steps = np.array([h['step'] for h in heads])
    samples = None
    if decode:
        launch(f'filesrc location={coded} ! wallocparse ! wallocaudiodec !'
               f' audio/x-raw,format=S16LE ! filesink location={temp}/out.raw')
        samples = np.fromfile(f'{temp}/out.raw', '<i2').reshape(-1, CHANNELS)
    return sizes, steps, heads[0]['columns'] * 256 / RATE, samples


def snr(a, b):
    error = ((a.astype(np.float64) - b) ** 2).sum()
    return 10 * np.log10((a.astype(np.float64) ** 2).sum() / max(error, 1e-9))


def windows(values, seconds):
    """Means per second over all windows, one from each frame on."""
    n = max(1, round(WINDOW / seconds))
    sums = np.concatenate([[0], np.cumsum(values)])
    return (sums[n:] - sums[:-n]) / (n * seconds)


def measure(temp, signal, kbps, frame_size, curve):
    extra = f' frame-size={frame_size}' if frame_size else ''
    sizes, steps, seconds, samples = code(temp, f'bitrate={kbps * 1000}'
                                          + extra)
    _, finest, _, _ = code(temp, 'quality=100' + extra, False)
    share = sizes * 8 / (kbps * 1000 * seconds)
    # the first frame has little of the recording, the last is behind it
    spent = windows(share * seconds, seconds)
    counted = windows(np.where(steps <= finest, np.maximum(share, 1), share)
                      * seconds, seconds)
    mean = sizes.sum() * 8 / (len(sizes) * seconds) / 1000
    ratio = snr(signal, samples)
    constant = '' if frame_size else '{:.2f}'.format(np.interp(
        np.log(mean), np.log([c[0] for c in curve]), [c[1] for c in curve]))
    return (f'| {kbps} | {frame_size or "default"} | {mean:.1f} '
            f'| {100 * spent.max():.1f} | {100 * np.percentile(spent, 99):.1f} '
            f'| {100 * np.median(spent):.1f} '
            f'| {100 * np.mean(spent > 1.05):.1f} '
            f'| {100 * np.mean(counted < 0.95):.1f} '
            f'| {100 * counted.min():.1f} '
            f'| {ratio:.2f} | {constant} |')


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('--set', required=True)
    parser.add_argument('--every', type=int, default=4)
    parser.add_argument('--out')
    options = parser.parse_args()
    signal = recording(options.set, options.every)
    lines = [
        f'{len(signal) / RATE:.0f} s of music, rate over windows of 2 s in '
        'per cent of the target.', '',
        '| kbit/s | frame-size | mean kbit/s | most | 99 % below | median '
        '| windows over 105 % | starved windows, % | least, counted '
        '| SNR dB | constant quality, dB |',
        '|' + ' --- |' * 11]
    with tempfile.TemporaryDirectory() as temp:
        signal.astype('<i2').tofile(os.path.join(temp, 'in.raw'))
        curve = []
        for quality in QUALITIES:
            sizes, _, seconds, samples = code(temp, f'quality={quality}')
            curve.append((sizes.sum() * 8 / (len(sizes) * seconds) / 1000,
                          snr(signal, samples)))
            print(f'quality {quality}: {curve[-1][0]:.1f} kbit/s, '
                  f'{curve[-1][1]:.2f} dB', file=sys.stderr, flush=True)
        for kbps, frame_size in CASES:
            lines.append(measure(temp, signal, kbps, frame_size, curve))
            print(lines[-1], file=sys.stderr, flush=True)
    lines += ['', common.describe(common.machine())]
    print('\n'.join(lines))
    if options.out:
        with open(options.out + '.md', 'w', encoding='utf-8') as file:
            file.write('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
