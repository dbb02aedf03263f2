# SPDX-License-Identifier: LGPL-2.1-or-later
"""Frames of sound to latents and samples in Python, written from
docs/bitstream.md (sections 1.3, 2.2, 2.4, 2.5) and docs/model-format.md alone
(the coder is that of walloc_stream.py). Samples are floats in units of 16-bit ones;
libwalloc computes in single precision and may differ by rounding.
"""
import math
import statistics
import struct

import numpy as np

BANDS = 256
LEVELS = 8
DELAY = 1020                    # of the synthesis
MID_SIDE = 16
# longer than a band's synthesis function on either side, in columns
MARGIN = 8

# CDF 9/7 in PyWavelets' normalisation, from the middle outwards
LOW = (0.7884856164055829, 0.41809227322161724, -0.04068941760916406,
       -0.06453888262869706)
HIGH = (-0.8526986790088938, 0.37740285561283066, 0.11062440441843718,
        -0.023849465019556843, -0.03782845550726404)
# section 4
STEPS = [round(4096 * 2 ** (k / 16)) for k in range(16)]


def decode_latents(data, header, tensors, decode_segment, tables):
    """One array [channels of the model that are kept][columns] for each pair;
    absent channels are zero."""
    out, at, sizes = [], header['header_size'], iter(header['slices'])
    for pair in range((header['audio_channels'] + 1) // 2):
        signals = min(2, header['audio_channels'] - 2 * pair)
        planes = np.zeros((header['channels'], 5, header['columns'] + 4),
                          np.int64)
        one = {'out': planes, 'magnitudes': np.zeros_like(planes),
               'skip': np.zeros((1, header['columns']), bool),
               'skip_before': None, 'previous': None}
        first = 0
        for layer, end in enumerate(header['layer_ends']):
            size = next(sizes)
            decode_segment(data[at:at + size], tables, one, layer, first, end,
                           signals)
            at += size
            first = end
        out.append(planes[:, 2, 2:-2])
    return out


def values(latents, header, tensors):
    """Section 2.2 with the step of 1.3: [channels][columns] in units of a
    16-bit sample."""
    n = len(latents)
    i = header['step']
    step = STEPS[i % 16] * 2.0 ** (i // 16) / 4096 / 64
    weight = tensors['codec.weight'][header['set']][:n].astype(float) / 4096
    recon = tensors['codec.recon'][header['set']][:n].astype(float)
    size = abs(latents)
    less = np.take_along_axis(recon, np.clip(size, 1, 3) - 1, 1)
    return np.sign(latents) * np.where(size > 0, size - less, 0) * \
        step * weight[:, None]


def from_network(q, value, signals, header, tensors, network, past):
    """What a network decoder adds to the coefficients of a pair (docs/
    model-format.md, section 4): [2][256][columns]. network: a function of
    [D + 1][columns] with an attribute before; past: its columns of the frame
    before and their step, kept from frame to frame, empty at first."""
    group = tensors['codec.group']
    i = header['step']
    step = STEPS[i % 16] * 2.0 ** (i // 16) / 4096 / 64
    x = np.zeros((len(group) + 1, network.before + header['columns']))
    if past:
        x[:, :network.before] = past['x']
        x[:-1, :network.before] *= past['step'] / step
    there = group[:len(q)] < signals
    x[:len(q), network.before:][there] = value[there] / step
    bits = sum((abs(q[there]) >= 1 << k).sum(0) for k in range(14))
    x[-1, network.before:] = bits / (group < signals).sum()
    past['x'], past['step'] = x[:, x.shape[1] - network.before:], step
    if not q[there].any():
        return np.zeros((2, BANDS, header['columns']))
    out = network(x)[:, network.before:] * step
    return out.reshape(2, BANDS, -1)


def coefficients(latents, header, tensors, network=None, past=None):
    """Coefficients [channels of sound][256][columns] of a frame; past: a list
    with a dictionary for each pair."""
    out = np.zeros((header['audio_channels'], BANDS, header['columns']))
    rotations = header['records'].get('rotation')
    group = tensors['codec.group']
    for pair, q in enumerate(latents):
        value = values(q, header, tensors)
        signals = min(2, header['audio_channels'] - 2 * pair)
        part = [np.zeros((BANDS, header['columns'])) for _ in range(signals)]
        for c in range(len(q)):
            if group[c] < signals and value[c].any():
                part[group[c]] += np.outer(tensors['codec.synthesis'][c],
                                           value[c])
        if network:
            more = from_network(q, value, signals, header, tensors, network,
                                past[pair])
            part = [a + b for a, b in zip(part, more)]
        if signals == 2:
            r = rotations[pair] if rotations else MID_SIDE
            c, s = (round(f(r * math.pi / 64) * 32768) / 32768
                    for f in (math.cos, math.sin))
            part = [c * part[0] + s * part[1], s * part[0] - c * part[1]]
        out[2 * pair:2 * pair + signals] = part
    return out


def merge(low, high):
    """One level of synthesis: bands [..., n] to [..., 2 n]. A low band's
    value stands at an even sample, a high band's at the odd one behind."""
    n = low.shape[-1]
    out = np.zeros(low.shape[:-1] + (2 * n + 16,))
    for taps, band, at in ((LOW, low, 8), (HIGH, high, 9)):
        for k, tap in enumerate(taps):
            for side in ((k, -k) if k else (0,)):
                out[..., at + side:at + side + 2 * n:2] += tap * band
    return out[..., 8:-8]


def synthesise(coefs):
    """[..., 256][columns] of a whole stream to its samples."""
    return unpacked(np.pad(coefs, [(0, 0)] * (coefs.ndim - 1)
                           + [(MARGIN, MARGIN)]), DELAY)


def unpacked(x, delay):
    """Samples of bands with MARGIN columns around them, late by delay."""
    columns = x.shape[-1] - 2 * MARGIN
    for _ in range(LEVELS):
        x = x.reshape(x.shape[:-2] + (x.shape[-2] // 2, 2, x.shape[-1]))
        x = merge(x[..., 0, :], x[..., 1, :])
    first = MARGIN * BANDS - delay
    return x[..., 0, first:first + columns * BANDS]


def whole_samples(latents, header, tensors, bits):
    """Section 2.5 with the linear decoder: samples [channels of sound][columns
    times 256] of a frame, in units of 16-bit ones."""
    most = 2 ** (bits - 1) - 1
    scale, greatest = most / 1.85, most + 0.499
    normal = statistics.NormalDist()
    table = np.array([scale * normal.inv_cdf(min(max(
        q / (2 * greatest) + 0.5, 0.0001), 0.9999))
        for q in range(-most, most + 1)])
    level = struct.unpack(f'<{2 * len(latents)}f',
                          header['records']['whole'])
    out = []
    for pair, q in enumerate(latents):
        linear = tensors['decoder.linear'].astype(float)[:, :len(q)]
        coefs = linear @ table[q + most] + tensors['decoder.linear.bias'][
            :, None]
        coefs = coefs.reshape(2, BANDS, -1)
        if header['audio_channels'] - 2 * pair < 2:
            coefs = coefs.mean(0, keepdims=True)
        around = np.arange(-MARGIN, coefs.shape[2] + MARGIN) % coefs.shape[2]
        y = np.clip(unpacked(coefs[..., around], 0), -0.5, 0.5)
        out.append(2 * level[2 * pair + 1] * y + level[2 * pair])
    return np.concatenate(out)
