#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Make the small untrained models that the tests use.

    python3 training/make_test_model.py [tests/golden/models]
    python3 training/make_test_model.py --seeds [tests/fuzzing/seeds]

ordered-test.wlm: 192 channels, each one packet coefficient, low frequencies
first; two parameter sets; contexts and tables from plain guesses (neighbour
magnitudes, Laplace). reference-test.wlm: 12 channels, a random rotation of
the lowest RGB packet channels and its pseudo-inverse. sound-test.wlm: 64 bands
of mid and 64 of side. reference-sound-test.wlm: 24 channels, the same of the
lowest bands of left and right. The output depends on
nothing but this file (and, in the last bits of the reference model, numpy's
LAPACK). --seeds writes what the fuzz targets start from: models as small as
the format allows, and frame headers of all kinds.
"""
import os
import sys

import numpy as np

import walloc_model

TAPS, SYMBOLS, FRACTIONS = 32, 32, 4
ONE = 64                        # spread S of a mean magnitude of 1
# Residual means for the four fraction classes: the middles of 0..16, 16..48,
# 48..80 and 80..128 of 256
CENTRES = np.array([8, 32, 64, 104]) / 256
BUCKETS = 16


# --- coder tables, both kinds ----------------------------------------------

def bucket_tables(classes, sets):
    """Thresholds, shifts, symbol counts and frequencies for BUCKETS scales
    from 1/16 to about 1000 in geometric order.

    Returns codec.bucket [64], codec.shift [B], codec.max_symbol [B],
    codec.freq [S, C, B, 4, 32]."""
    edges = ONE * np.geomspace(0.08, 900, BUCKETS - 1)
    scales = np.concatenate([[0.05], np.sqrt(edges[1:] * edges[:-1]) / ONE,
                             [1200]])
    shift = np.maximum(0, np.rint(np.log2(scales / 3))).astype(int)
    most = np.clip(np.ceil(5 * scales / 2.0 ** shift), 2, 15).astype(int)
    freq = np.zeros((sets, classes, BUCKETS, FRACTIONS, SYMBOLS), np.uint16)
    for s in range(sets):
        for c in range(classes):
            for b in range(BUCKETS):
                # a little wider per class and set, so that a mix-up of
                # tables shows
                scale = scales[b] * (1 + 0.15 * c) * (1 + 0.1 * s)
                for f in range(FRACTIONS):
                    freq[s, c, b, f, :2 * most[b] + 2] = table(
                        scale, CENTRES[f], shift[b], most[b])
    bucket = np.searchsorted(edges, key_starts(), side='right')
    return (bucket.astype(np.uint8), shift.astype(np.uint8),
            most.astype(np.uint8), freq)


def key_starts():
    """Least spread of every key."""
    k = np.arange(64)
    return (4 + k % 4) * 2.0 ** (k // 4) / 4


def laplace(x, scale):
    """Cumulative distribution."""
    x = np.asarray(x, float) / scale
    return np.where(x < 0, 0.5 * np.exp(np.minimum(x, 0)),
                    1 - 0.5 * np.exp(-np.maximum(x, 0)))


def table(scale, centre, shift, most):
    """Frequencies of 0, 1, -1, ..., most, -most, escape; sum 32768."""
    symbols = [0] + [v for k in range(1, most + 1) for v in (k, -k)]
    low = np.array(symbols) * 2.0 ** shift - 0.5 - centre
    p = laplace(low + 2.0 ** shift, scale) - laplace(low, scale)
    p = np.append(p, max(1 - p.sum(), 0))
    return whole(p, 32768)


def whole(p, total):
    """Integers >= 1 in proportion to p that add up to total."""
    out = np.maximum(1, np.floor(p / p.sum() * total)).astype(int)
    out[np.argmax(out)] += total - out.sum()
    assert out.min() >= 1 and out.sum() == total
    return out


def taps(parents, mean_channels):
    """codec.tap of one set, [D, 32, 5].

    parents: per channel, lower channels that say how large it may be;
    mean_channels: those predicted from left and upper neighbours."""
    out = np.zeros((len(parents), TAPS, 5), np.int16)
    out[..., 0] = -1
    for c, lower in enumerate(parents):
        share = 4 * len(lower)
        own = ONE - share
        rows = [(1, c, 0, -1, round(own * .36)),
                (1, c, -1, 0, round(own * .36)),
                (1, c, -1, -1, round(own * .14)),
                (1, c, -1, 1, round(own * .14))]
        rows += [(1, p, 0, 0, 4) for p in lower]
        if c in mean_channels:
            rows += [(0, c, 0, -1, 192), (0, c, -1, 0, 192),
                     (0, c, -1, -1, -128)]
        out[c, :len(rows)] = rows
    return out


# --- ordered ---------------------------------------------------------------

def frequency(digits):
    """Position in frequency of a band: digits 0 (low) and 1 (high), first
    level first. A high-pass band is mirrored, hence the Gray code."""
    value = bit = 0
    for d in digits:
        bit ^= d
        value = 2 * value + bit
    return value


def band_frequency(channel, levels):
    """(along width, along height) of a 2-D packet channel."""
    digits = [channel >> 2 * (levels - 1 - k) & 3 for k in range(levels)]
    return (frequency([d >> 1 for d in digits]),
            frequency([d & 1 for d in digits]))


def ordered_channels():
    """All (group, input, frequencies) in order of importance. Half-size
    chroma bands are as wide as luma's; eyes and statistics put chroma after
    luma of the same frequency, and detail last."""
    out = []
    for c in range(64):
        fx, fy = band_frequency(c, 3)
        out.append((np.hypot(fx, fy), 0, c, fx, fy))
    for k in range(32):
        fx, fy = band_frequency(k % 16, 2)
        out.append((1.5 * np.hypot(fx, fy) + 0.5, 1, k, fx, fy))
    for k in range(96):
        fx, fy = band_frequency(16 + k % 48, 3)
        out.append((2 * np.hypot(fx, fy) + 2, 2, k, fx, fy))
    return [r[1:] for r in sorted(out, key=lambda r: (np.round(r[0], 6),
                                                      r[1], r[2]))]


def ordered():
    """Tensors and metadata of ordered-test.wlm."""
    channels = ordered_channels()
    d, sets, bits = len(channels), 2, 11
    group = np.array([c[0] for c in channels], np.uint8)
    rows = np.zeros((d, 96), np.float32)
    rows[np.arange(d), [c[1] for c in channels]] = 1
    parents = []
    for c in range(d):
        # nearest in frequency of all lower channels, same group first
        near = sorted(range(c), key=lambda p: (
            group[p] != group[c],
            abs(channels[p][2] - channels[c][2])
            + abs(channels[p][3] - channels[c][3]), -p))
        parents.append(near[:5])
    first = {np.flatnonzero(group == 0)[0]} | set(
        np.flatnonzero(group == 1)[:2])
    tap = taps(parents, first)
    bucket, shift, most, freq = bucket_tables(3, sets)
    quality = np.arange(1, 101)
    weight = np.full((sets, d), 4096, np.uint16)
    # the coarse set spends less on colour
    weight[1, group > 0] = 5120
    shrink = np.array([[.1, .06, .03], [.14, .08, .04]], np.float32)
    tensors = {
        'codec.group': group,
        'codec.analysis': walloc_model.integer_analysis(rows, group, bits),
        'codec.synthesis': rows,
        'codec.weight': weight,
        'codec.rounding': np.array([[102] * d, [92] * d], np.uint8),
        'codec.recon': np.repeat(shrink[:, None], d, 1),
        'codec.set_limit': np.array([72, 65535], np.uint16),
        'codec.scale': np.array([[150, 150, 20, 90, 160],
                                 [170, 170, 25, 110, 160]], np.uint16),
        'codec.quality': np.stack([
            np.rint(176 * (100 - quality) / 99),
            np.rint(12 + (d - 12) * (quality - 1) / 99)],
            1).astype(np.uint16),
        'codec.tap': np.stack([tap, tap]),
        'codec.bias_s': np.array([[4] * d, [2] * d], np.uint16),
        'codec.offset': np.array([[0] * d, [-1] * d], np.int8),
        'codec.cap': np.array([31, 200], np.uint8),
        'codec.class': group,
        'codec.bucket': bucket,
        'codec.shift': shift,
        'codec.max_symbol': most,
        'codec.freq': freq,
        'codec.active': np.clip(
            np.linspace([32700, 32000], [16000, 4000], d).T, 1,
            32767).astype(np.uint16),
    }
    return tensors, {
        'walloc.format': '1', 'walloc.kind': 'ordered',
        'walloc.media': 'video', 'walloc.name': 'ordered-test',
        'walloc.levels': '3', 'walloc.analysis_bits': str(bits),
        'walloc.licence': 'LGPL-2.1-or-later',
        'walloc.card': 'Untrained; for tests. Made by make_test_model.py.'}


# --- reference -------------------------------------------------------------

def reference():
    """Tensors and metadata of reference-test.wlm."""
    rng = np.random.default_rng(1)
    d, bits = 12, 8
    low = sorted(range(64), key=lambda c: (sum(band_frequency(c, 3)), c))[:4]
    inputs = [64 * colour + c for colour in range(3) for c in low]
    rotation = np.linalg.qr(rng.standard_normal((d, d)))[0]
    # 24 brings the lowest bands, within +-4, near the deviation of 69 that
    # the companding expects; a little of all other inputs makes the matrix
    # dense
    rows = 24 * 0.01 * rng.standard_normal((d, 192))
    rows[:, inputs] += 24 * rotation
    bias = rng.uniform(-2, 2, d)
    # singular values are near 24, so single precision costs next to nothing
    back = np.linalg.pinv(rows)
    tap = taps([list(range(max(0, c - 4), c)) for c in range(d)], {0, 1})
    bucket, shift, most, freq = bucket_tables(1, 1)
    tensors = {
        'codec.group': np.zeros(d, np.uint8),
        'codec.analysis': rows.astype(np.float32),
        'codec.bias': bias.astype(np.float32),
        'codec.set_limit': np.array([65535], np.uint16),
        'codec.quality': np.tile(np.array([0, d], np.uint16), (100, 1)),
        'codec.tap': tap[None],
        'codec.bias_s': np.full((1, d), 16, np.uint16),
        'codec.offset': np.zeros((1, d), np.int8),
        'codec.cap': np.array([255], np.uint8),
        'codec.class': np.zeros(d, np.uint8),
        'codec.bucket': bucket,
        'codec.shift': shift,
        'codec.max_symbol': most,
        'codec.freq': freq,
        'codec.active': np.full((1, d), 32000, np.uint16),
        'decoder.linear': back.astype(np.float32),
        'decoder.linear.bias': (-back @ bias).astype(np.float32),
    }
    return tensors, {
        'walloc.format': '1', 'walloc.kind': 'reference',
        'walloc.media': 'video', 'walloc.name': 'reference-test',
        'walloc.levels': '3', 'walloc.latent_bits': str(bits),
        'walloc.licence': 'LGPL-2.1-or-later',
        'walloc.card': 'Untrained; for tests. Made by make_test_model.py.'}


# --- sound -----------------------------------------------------------------

def sound():
    """Tensors and metadata of sound-test.wlm: 64 bands of each signal of a
    pair, low frequencies first; the last channel is made of two bands."""
    bits, sets, per = 12, 2, 64
    bands = sorted(range(256), key=lambda b: frequency(
        [b >> 7 - k & 1 for k in range(8)]))
    d = 2 * per
    group = np.tile(np.array([0, 1], np.uint8), per)
    analysis = np.zeros((d, 256), np.int16)
    synthesis = np.zeros((d, 256), np.float32)
    for c in range(d):
        b = bands[c // 2]
        ones = bin(b).count('1')
        gain = (-1) ** ones * walloc_model.LOW_GAIN ** (8 - 2 * ones)
        analysis[c, b] = round(gain * 2 ** bits)
        synthesis[c, b] = gain * 2 ** bits / analysis[c, b]
    analysis[d - 1, bands[per]] = 1000
    parents = [list(range(c - 2, max(-1, c - 11), -2)) for c in range(d)]
    tap = taps(parents, set())
    bucket, shift, most, freq = bucket_tables(2, sets)
    quality = np.arange(1, 101)
    tensors = {
        'codec.group': group,
        'codec.analysis': analysis,
        'codec.synthesis': synthesis,
        'codec.weight': np.array([[4096] * d, [3500] * d], np.uint16),
        'codec.rounding': np.array([[85] * d, [100] * d], np.uint8),
        'codec.recon': np.full((sets, d, 3), .05, np.float32),
        'codec.set_limit': np.array([60, 65535], np.uint16),
        'codec.quality': np.stack([np.rint(80 + 1.45 * quality), np.full(
            100, d)], 1).astype(np.uint16),
        'codec.tap': np.stack([tap, tap]),
        'codec.bias_s': np.array([[4] * d, [2] * d], np.uint16),
        'codec.offset': np.array([[0] * d, [-1] * d], np.int8),
        'codec.cap': np.array([200, 200], np.uint8),
        'codec.class': group,
        'codec.bucket': bucket,
        'codec.shift': shift,
        'codec.max_symbol': most,
        'codec.freq': freq,
        'codec.active': np.full((sets, d), 26000, np.uint16),
    }
    return tensors, {
        'walloc.format': '1', 'walloc.kind': 'ordered',
        'walloc.media': 'audio', 'walloc.name': 'sound-test',
        'walloc.levels': '8', 'walloc.analysis_bits': str(bits),
        'walloc.licence': 'LGPL-2.1-or-later',
        'walloc.card': 'Untrained; for tests. Made by make_test_model.py.'}


def reference_sound():
    """Tensors and metadata of reference-sound-test.wlm."""
    rng = np.random.default_rng(2)
    d, bits = 24, 8
    low = sorted(range(256), key=lambda b: frequency(
        [b >> 7 - k & 1 for k in range(8)]))[:d // 2]
    inputs = low + [256 + b for b in low]
    rotation = np.linalg.qr(rng.standard_normal((d, d)))[0]
    # the lowest bands reach +-8; a little of all inputs makes the matrix dense
    rows = 30 * 0.003 * rng.standard_normal((d, 512))
    rows[:, inputs] += 30 * rotation
    # the first channel is not 0 beside the block either
    bias = rng.uniform(-2, 2, d)
    bias[0] = 40
    back = np.linalg.pinv(rows)
    tensors, metadata = reference()
    tensors.update({
        'codec.group': np.zeros(d, np.uint8),
        'codec.analysis': rows.astype(np.float32),
        'codec.bias': bias.astype(np.float32),
        'codec.quality': np.tile(np.array([0, d], np.uint16), (100, 1)),
        'codec.tap': taps([list(range(max(0, c - 4), c)) for c in range(d)],
                          {0, 1})[None],
        'codec.bias_s': np.full((1, d), 16, np.uint16),
        'codec.offset': np.zeros((1, d), np.int8),
        'codec.class': np.zeros(d, np.uint8),
        'codec.active': np.full((1, d), 32000, np.uint16),
        'decoder.linear': back.astype(np.float32),
        'decoder.linear.bias': (-back @ bias).astype(np.float32),
    })
    metadata.update({'walloc.media': 'audio', 'walloc.levels': '8',
                     'walloc.name': 'reference-sound-test'})
    return tensors, metadata


# --- seeds for fuzzing -----------------------------------------------------

def tiny(kind):
    """A model of two or three channels and two buckets, few kilobytes."""
    d = 3 if kind == 'ordered' else 2
    tap = taps([[], [0], [0, 1]][:d], {0})
    freq = np.zeros((1, 1, 2, FRACTIONS, SYMBOLS), np.uint16)
    freq[..., 0, :, :4] = table(0.1, 0, 0, 1)
    freq[..., 1, :, :32] = table(6, 0, 0, 15)
    tensors = {
        'codec.group': np.arange(d, dtype=np.uint8),
        'codec.set_limit': np.array([65535], np.uint16),
        'codec.quality': np.tile(np.array([0, d], np.uint16), (100, 1)),
        'codec.tap': tap[None],
        'codec.bias_s': np.full((1, d), 16, np.uint16),
        'codec.offset': np.zeros((1, d), np.int8),
        'codec.cap': np.array([255], np.uint8),
        'codec.class': np.zeros(d, np.uint8),
        'codec.bucket': (key_starts() >= 40).astype(np.uint8),
        'codec.shift': np.array([0, 1], np.uint8),
        'codec.max_symbol': np.array([1, 15], np.uint8),
        'codec.freq': freq,
        'codec.active': np.full((1, d), 30000, np.uint16),
    }
    audio = kind.endswith('-sound')
    metadata = {'walloc.format': '1', 'walloc.kind': kind.split('-')[0],
                'walloc.media': 'audio' if audio else 'video',
                'walloc.name': 'tiny', 'walloc.levels': '8' if audio else '3'}
    if kind == 'ordered':
        rows = np.zeros((d, 96), np.float32)
        rows[:, 0] = 1
        tensors.update({
            'codec.analysis': walloc_model.integer_analysis(
                rows, tensors['codec.group'], 11),
            'codec.synthesis': rows,
            'codec.weight': np.full((1, d), 4096, np.uint16),
            'codec.rounding': np.full((1, d), 100, np.uint8),
            'codec.recon': np.full((1, d, 3), 0.1, np.float32),
            'decoder.fast.onnx': np.arange(8, dtype=np.uint8)})
        metadata['walloc.analysis_bits'] = '11'
    else:
        inputs = 512 if audio else 192
        rows = np.zeros((d, inputs), np.float32)
        rows[[0, 1], [0, 256 if audio else 64]] = 16
        tensors.update({
            'codec.group': np.zeros(d, np.uint8),
            'codec.analysis': rows, 'codec.bias': np.zeros(d, np.float32),
            'decoder.linear': rows.T / 256,
            'decoder.linear.bias': np.zeros(inputs, np.float32)})
        if audio:
            tensors.update({
                'decoder.post': np.full((2, 2, 129), 1 / 129, np.float32),
                'decoder.post.bias': np.zeros(2, np.float32)})
        metadata['walloc.latent_bits'] = '8'
    return tensors, metadata


def frame_headers():
    """{name: bytes} of headers, payloads left out."""
    write = walloc_model.write_frame_header
    time = (1, np.array([10 ** 9, 4 * 10 ** 7], '<u8').tobytes())
    rate = (2, np.array([30000, 1001], '<u4').tobytes())
    colour = (3, bytes([2, 1, 1, 1, 2]))
    aspect = (4, np.array([16, 11], '<u4').tobytes())
    return {
        'plain': write(1, 1, 'GRAY8', [8]),
        'records': write(720, 576, 'I420', [100, 200, 300], slice_rows=24,
                         channels=24, step=60, model=0x0123456789abcdef,
                         records=[time, rate, colour, aspect]),
        'unknown-record': write(64, 64, 'RGB', [50] * 8,
                                records=[(77, b'later'), time]),
        'repeat': write(640, 480, 'NV12', [], type='repeat',
                        records=[time]),
        'predicted': write(640, 480, 'Y42B', [9] * 30, slice_rows=2,
                           type='predicted'),
        'slices': write(16384, 2048, 'xBGR', [8] * 256, step=176,
                        channels=65535, set=255),
        'layers': write(100, 60, 'I420', [130, 20, 0, 300, 5, 6], slice_rows=2,
                        channels=48, layer_ends=(4, 12), scale=1,
                        sequence=200),
        'later-version': write(8, 8, 'Y444', [8], version=3),
        'two': write(8, 8, 'GRAY8', [8]) + bytes(8)
        + write(8, 8, 'GRAY8', [8], records=[rate]) + b'WLC',
    }


def write_seeds(folder):
    for kind in ('ordered', 'reference', 'reference-sound'):
        os.makedirs(os.path.join(folder, 'model'), exist_ok=True)
        walloc_model.save(os.path.join(folder, 'model', kind + '.wlm'),
                          *tiny(kind))
    os.makedirs(os.path.join(folder, 'frame'), exist_ok=True)
    for name, data in frame_headers().items():
        with open(os.path.join(folder, 'frame', name + '.wlc'), 'wb') as f:
            f.write(data)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    args = sys.argv[1:]
    if args[:1] == ['--seeds']:
        write_seeds(args[1] if len(args) > 1 else os.path.join(
            here, '..', 'tests', 'fuzzing', 'seeds'))
        return
    folder = args[0] if args else os.path.join(
        here, '..', 'tests', 'golden', 'models')
    os.makedirs(folder, exist_ok=True)
    for name, make in (('ordered-test', ordered),
                       ('reference-test', reference), ('sound-test', sound),
                       ('reference-sound-test', reference_sound)):
        path = os.path.join(folder, name + '.wlm')
        number = walloc_model.save(path, *make())
        print(f'{path}: {os.path.getsize(path)} bytes, id {number:016x}')


if __name__ == '__main__':
    main()
