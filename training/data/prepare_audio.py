#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turn the packages fetch.sh unpacked into excerpts of music and speech.

  LIST=audio_packages.txt fetch.sh DIR
  prepare_audio.py --data DIR --out DIR2

writes DIR2/music_{train,val,test}.npy (int16 [N, 2, 262144], 44.1 kHz, 5.9 s
each), DIR2/speech_{train,val,test}.npy (int16 [N, 1, 65536], 16 kHz, 4.1 s
each: prompts one after another with half a second between) and
DIR2/audio_manifest.tsv (where each excerpt comes from). The split is by
package. The same packages and the same ffmpeg give the same samples.
Needs python3-numpy and ffmpeg.
"""
import argparse
import io
import os
import subprocess
import sys
import zipfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = {'music': (2, 44100, 1 << 18), 'speech': (1, 16000, 1 << 16)}
SUFFIXES = ('.ogg', '.opus', '.flac', '.mp3', '.wav', '.g722')
MAX_MEMBER = 64 << 20           # of an archive
LEAST_SECONDS = {'music': 25, 'speech': 0.4}
QUIET = 60                      # RMS of 16-bit samples: says nothing


def read_packages():
    """[(package, split, kind)] of audio_packages.txt."""
    rows = []
    with open(os.path.join(HERE, 'audio_packages.txt'),
              encoding='utf-8') as f:
        for line in f:
            line = line.split('#')[0].strip()
            if line:
                rows.append(tuple(line.split(None, 3)[:3]))
    return rows


def recordings(root):
    """Yield (name, bytes or None): files below root in order of name, and
    those in .pk3 archives; None: to be read from the path itself."""
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            if os.path.islink(path):
                continue
            if name.lower().endswith(SUFFIXES):
                yield path, None
            elif name.lower().endswith('.pk3'):
                with zipfile.ZipFile(path) as archive:
                    for info in sorted(archive.infolist(),
                                       key=lambda i: i.filename):
                        if info.filename.lower().endswith(
                                SUFFIXES) and info.file_size < MAX_MEMBER:
                            yield (path + ':' + info.filename,
                                   archive.read(info))


def decode(name, data, kind):
    """int16 [channels, samples], or None where ffmpeg cannot."""
    channels, rate, _ = KINDS[kind]
    source = ['-i', 'pipe:0' if data is not None else name]
    if name.endswith('.g722'):
        source = ['-f', 'g722'] + source
    done = subprocess.run(
        ['ffmpeg', '-v', 'error'] + source +
        ['-f', 's16le', '-ac', str(channels), '-ar', str(rate), 'pipe:1'],
        input=data or b'', stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        check=False)
    if done.returncode or not done.stdout:
        return None
    return np.frombuffer(done.stdout, '<i2').reshape(-1, channels).T


def rms(x):
    return float(np.sqrt(np.mean(x.astype(np.float64) ** 2)))


def music(samples, length, most):
    """Excerpts evenly over a piece, but not its first and last seconds."""
    room = samples.shape[1] - length
    count = max(1, min(most, room // (4 * length) + 1))
    for k in range(count):
        at = int(room * (k + 1) / (count + 1))
        if rms(samples[:, at:at + length]) >= QUIET:
            yield at, samples[:, at:at + length]


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--data', required=True)
    p.add_argument('--out', required=True)
    p.add_argument('--per-piece', type=int, default=4)
    p.add_argument('--most', type=int, default=420,
                   help='excerpts per package of music, or of speech')
    args = p.parse_args()
    os.makedirs(args.out, exist_ok=True)
    found, manifest = {}, []
    for package, split, kind in read_packages():
        root = os.path.join(args.data, 'unpacked', package)
        if not os.path.isdir(root):
            sys.exit(f'{root} is missing: run fetch.sh with '
                     'LIST=audio_packages.txt first')
        channels, rate, length = KINDS[kind]
        mine, line = [], np.zeros((channels, 0), np.int16)
        for name, data in recordings(root):
            if len(mine) >= args.most:
                break
            short = os.path.relpath(name, root)
            samples = decode(name, data, kind)
            if samples is None or samples.shape[1] < max(
                    LEAST_SECONDS[kind] * rate, 1) or rms(samples) < QUIET:
                continue
            if kind == 'music':
                if samples.shape[1] < length:
                    continue
                for at, piece in music(samples, length, args.per_piece):
                    mine.append(piece.copy())
                    manifest.append((split, kind, package, short, at))
            else:
                line = np.concatenate(
                    [line, samples, np.zeros((1, rate // 2), np.int16)], 1)
                manifest.append((split, kind, package, short, 0))
                while line.shape[1] >= length:
                    mine.append(line[:, :length].copy())
                    line = line[:, length:]
        found.setdefault((kind, split), []).extend(mine)
        print(f'{package}: {len(mine)} excerpts of {kind}', flush=True)
    for (kind, split), pieces in found.items():
        np.save(os.path.join(args.out, f'{kind}_{split}.npy'),
                np.stack(pieces))
    with io.open(os.path.join(args.out, 'audio_manifest.tsv'), 'w',
                 encoding='utf-8') as f:
        f.write('split\tkind\tpackage\tfile\tfirst sample\n')
        for row in manifest:
            f.write('\t'.join(map(str, row)) + '\n')


if __name__ == '__main__':
    main()
