#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Latents at twice and at half the size, and no picture made
(docs/design/latent-inference.md, "Size").

    maps = fit(codec, 24, pictures)                  # once per codec model
    x, step, scale = maps.fitted(x, step, scale, width, height, 256)
    task_metadata(..., size='256', **maps.metadata())

Resampling a picture by two, analysis and synthesis are linear, so what makes
latents of a picture into those of the picture at another size is a small
convolution. Its weights are found by least squares between what the encoder
gives of pictures coded whole and coded at half size. Luma and chroma stay
apart: what they have in common in photographs is nothing of the codec's.

    python3 resample.py PICTURES... [--channels 24] [--out MAPS.pt]

fits to half of the pictures, and says how far off latents of the others are.
"""
import argparse
import base64
import ctypes as c
import math
import os
import pickle
import sys

import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

import export
from latents import Codec, WallocError

MOST_REDUCTIONS = 3
FAR = {'enlarge': 1, 'reduce': 2}       # positions to each side


class Enlarge(nn.Module):
    """[n, K, H, W] to [n, K, 2H, 2W]."""

    def __init__(self, channels, reads):
        super().__init__()
        self.conv = nn.Conv2d(reads, 4 * channels, 3, bias=False)

    def forward(self, x):
        x = F.pad(x[:, :self.conv.in_channels], (1, 1, 1, 1), 'replicate')
        return F.pixel_shuffle(self.conv(x), 2)


class Reduce(nn.Module):
    """[n, K, H, W] to [n, K, ceil(H/2), ceil(W/2)]."""

    def __init__(self, channels, reads):
        super().__init__()
        self.conv = nn.Conv2d(reads, channels, 5, 2, bias=False)

    def forward(self, x):
        x = x[:, :self.conv.in_channels]
        return self.conv(F.pad(x, (2, 2, 2, 2), 'replicate'))


def plan(width, height, scale, size, enlarge=True, reduce=True):
    """(doublings, halvings) that bring a frame near to the size that a
    network was made for. width, height: of the frame's picture; scale: it is
    coded at 1 / 2^scale of them; size: shorter side in pixels, 0: any."""
    def coded_at(scale):
        return -(-min(width, height) // (1 << scale))

    short, up, down = coded_at(scale), 0, 0
    limit = size * math.sqrt(2)
    while size and enlarge and up < scale and 2 * short <= limit:
        up, short = up + 1, coded_at(scale - up - 1)
    while size and reduce and not up and down < MOST_REDUCTIONS and \
            short >= limit:
        down, short = down + 1, -(-short // 2)
    return up, down


class Maps(nn.Module):
    """Both directions for the first channels of a codec model, each of which
    reads no more channels than tell it anything."""

    def __init__(self, channels, enlarge_reads=None, reduce_reads=None):
        super().__init__()
        self.channels = channels
        self.enlarge = Enlarge(channels, enlarge_reads or channels)
        self.reduce = Reduce(channels, reduce_reads or channels)
        for p in self.parameters():
            p.requires_grad_(False)

    def cut(self, channels):
        """Maps of the first channels only, as if the others were zero."""
        a, b, k = self.enlarge.conv.weight, self.reduce.conv.weight, channels
        out = Maps(k, min(k, a.shape[1]), min(k, b.shape[1]))
        out.enlarge.conv.weight.copy_(a[:4 * k, :k])
        out.reduce.conv.weight.copy_(b[:k, :k])
        return out

    @torch.no_grad()
    def fitted(self, x, step, scale, width, height, size):
        """What a network made for size is given of frames of one size and
        scale: x [n, K, H, W], step [n], scale [n] (tensors) of pictures of
        width x height. Returns the same three."""
        coded = int(scale[0])
        if not bool((scale == coded).all()):
            raise ValueError('frames of several scales in one batch')
        up, down = plan(width, height, coded, size)
        for _ in range(up):
            coded -= 1
            w, h = (-(-(-(-n // (1 << coded))) // 8) for n in (width, height))
            x = self.enlarge(x)[:, :, :h, :w]
        for _ in range(down):
            x = self.reduce(x)
        return (x.contiguous(), step / (1 << down),
                torch.zeros_like(scale) if down else scale)

    def metadata(self, library=None):
        """{'enlarge': base64, 'reduce': base64} for task_metadata(), each
        checked in libwalloc's runner. Raises ValueError, WallocError."""
        out = {}
        x = 100 * torch.randn(1, self.channels, 9, 14,
                              generator=torch.Generator().manual_seed(1))
        for name in FAR:
            module = getattr(self, name)
            data = graph(name, module.conv, self.channels)
            got = export.Net(data, library).run(
                {'latents': x.numpy()})['latents_out']
            want = module(x).numpy()
            if got.shape != want.shape or \
                    np.abs(got - want).max() > 1e-2 * np.abs(want).max():
                raise ValueError(f'{name}: libwalloc and torch differ')
            out[name] = base64.b64encode(data).decode()
        return out


def graph(name, conv, channels):
    """ONNX file of a direction, as bytes: the channels that are read, edges
    repeated, a convolution, and four phases to places."""
    reads, far = conv.weight.shape[1], FAR[name]
    weight = numpy_helper.from_array(
        conv.weight.numpy().astype(np.float16), 'weight.half')
    numbers = [numpy_helper.from_array(np.array(v, np.int64), n) for n, v in (
        ('pads', [0, 0, far, far] * 2), ('from', [0]), ('to', [reads]),
        ('axis', [1]))]
    last = 'phases' if name == 'enlarge' else 'latents_out'
    nodes = [helper.make_node('Cast', ['weight.half'], ['weight'],
                              to=TensorProto.FLOAT),
             helper.make_node('Slice', ['latents', 'from', 'to', 'axis'],
                              ['read']),
             helper.make_node('Pad', ['read', 'pads'], ['wide'],
                              mode='edge'),
             helper.make_node('Conv', ['wide', 'weight'], [last],
                              strides=list(conv.stride))]
    if name == 'enlarge':
        nodes.append(helper.make_node('DepthToSpace', [last], ['latents_out'],
                                      blocksize=2, mode='CRD'))
    ports = [helper.make_tensor_value_info(
        port, TensorProto.FLOAT, [1, channels, h, w]) for port, h, w in (
            ('latents', 'height', 'width'),
            ('latents_out', 'new_height', 'new_width'))]
    model = helper.make_model(
        helper.make_graph(nodes, name, ports[:1], ports[1:], [weight, *numbers]),
        opset_imports=[helper.make_opsetid('', 13)],
        producer_name='gst-walloc', ir_version=7)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def signals(codec, channels):
    """Which signal each of the first channels is of: 0 luma, 1 chroma, 2
    chroma detail; all 0 where the model mixes them."""
    out, band, signal = [], c.c_uint(), c.c_uint()
    for k in range(channels):
        try:
            codec.library.call('walloc_model_channel', codec._model,
                               c.c_uint(k), c.byref(band), c.byref(signal))
        except WallocError:
            return [0] * channels
        out.append(min(1, signal.value))
    return out


def both_sizes(codec, channels, rgb, quality=90):
    """(latents [K, 2h, 2w] of a picture coded whole, [K, h, w] coded at half
    its size), cut to multiples of 16 pixels."""
    h, w = (n // 16 * 16 for n in rgb.shape[:2])
    return tuple(codec.latents(codec.encode(
        rgb[:h, :w], quality, shrink=s), channels).values for s in (1, 2))


def pairs(whole, half, name):
    """(neighbourhoods [positions, K, side * side], results [positions, K',
    phases]) of a direction, borders left out."""
    k, h, w = half.shape
    far = FAR[name]
    side, step = 2 * far + 1, 1 if name == 'enlarge' else 2
    x = half if name == 'enlarge' else whole
    x = np.lib.stride_tricks.sliding_window_view(x, (side, side), (1, 2))
    if name == 'enlarge':               # windows of (1, 1), (1, 2), ...
        y = whole.reshape(k, h, 2, w, 2).transpose(0, 1, 3, 2, 4)
        y = y[:, far:h - far, far:w - far].reshape(k, -1, 4)
    else:                               # window i is around position i + far
        x = x[:, ::step, ::step]
        y = half[:, far // 2:, far // 2:]
        y = y[:, :x.shape[1], :x.shape[2]]
        x = x[:, :y.shape[1], :y.shape[2]]
        y = y.reshape(k, -1, 1)
    return x.reshape(k, -1, side * side).transpose(1, 0, 2), \
        y.transpose(1, 0, 2)


def solve(gram, cross, ridge):
    """Least squares weights of standardised inputs."""
    scale = np.sqrt(np.diag(gram)) + 1e-9
    return np.linalg.solve(gram / np.outer(scale, scale) + ridge
                           * np.eye(len(gram)), cross / scale[:, None]) \
        / scale[:, None]


def fit(codec, channels, pictures, ridge=1e-5, worse=.05):
    """Maps of a codec model's first channels.

    pictures: uint8 [h, w, 3], some dozens of at least 256 x 256 pixels each,
    photographs or what the network is for; none of a test set. worse: of
    channels so few are read that the squared error is not above this more
    than of all."""
    signal = np.array(signals(codec, channels))
    sums = {}
    for rgb in pictures:
        both = both_sizes(codec, channels, rgb)
        for name in FAR:
            x, y = pairs(*both, name)
            for s in sorted(set(signal)):
                mine = np.flatnonzero(signal == s)
                a = x[:, mine].reshape(len(x), -1).astype(np.float64)
                b = y[:, mine].reshape(len(y), -1).astype(np.float64)
                old = sums.get((name, s), (0, 0, 0))
                sums[name, s] = (old[0] + a.T @ a, old[1] + a.T @ b,
                                 old[2] + (b * b).sum())
    if not sums:
        raise ValueError('no pictures to fit to')
    found = {name: fewest({s: v for (n, s), v in sums.items() if n == name},
                          signal, 2 * FAR[name] + 1, ridge, worse)
             for name in FAR}
    maps = Maps(channels, *(found[name][0] for name in FAR))
    for name, (reads, weights) in found.items():
        conv, phases = getattr(maps, name).conv, 4 if name == 'enlarge' else 1
        side = conv.kernel_size[0]
        weight = conv.weight.view(channels, phases, reads, side, side)
        weight.zero_()
        for s, w in weights.items():
            mine = np.flatnonzero(signal == s)
            read = mine[mine < reads]
            w = torch.from_numpy(w.T.reshape(
                len(mine), phases, len(read), side, side)).float()
            for i, k in enumerate(mine):
                weight[k][:, read] = w[i]
    return maps


def fewest(sums, signal, side, ridge, worse):
    """(channels read, {signal: weights [inputs, results]}) of a direction.
    sums: {signal: (inputs by inputs, inputs by results, energy of
    results)}."""
    def solved(reads):
        weights, error = {}, 0
        for s, (gram, cross, energy) in sums.items():
            n = int((signal[:reads] == s).sum()) * side * side
            w = weights[s] = solve(gram[:n, :n], cross[:n], ridge) \
                if n else np.zeros((0, cross.shape[1]))
            error += energy - 2 * (w * cross[:n]).sum() + (
                w * (gram[:n, :n] @ w)).sum()
        return error, weights

    reads = len(signal)
    limit, weights = solved(reads)
    limit *= 1 + worse
    for fewer in range(reads - 1, 0, -1):
        error, found = solved(fewer)
        if error > limit:
            break
        reads, weights = fewer, found
    return reads, weights


def errors(codec, maps, pictures):
    """{direction: (error, energy) [K] per position} against latents of the
    pictures coded at the other size, by a map; and what of the true latents
    there is, channel 0 about its mean."""
    out = {}
    for rgb in pictures:
        whole, half = both_sizes(codec, maps.channels, rgb)
        for name, x, y in (('enlarge', half, whole),
                           ('reduce', whole, half)):
            with torch.no_grad():
                got = getattr(maps, name)(torch.from_numpy(x[None]))[0]
            y = torch.from_numpy(y)
            sums = out.setdefault(name, [0, 0, 0])
            sums[0] += ((got - y) ** 2).sum((1, 2)).double()
            sums[1] += ((y - y.mean((1, 2), True)) ** 2).sum((1, 2)).double()
            sums[2] += y.shape[1] * y.shape[2]
    return {n: ((e / c).numpy(), (p / c).numpy())
            for n, (e, p, c) in out.items()}


def restored(state):
    """Maps of a state_dict(). Raises KeyError, RuntimeError."""
    a, b = (state[n + '.conv.weight'] for n in ('enlarge', 'reduce'))
    maps = Maps(b.shape[0], a.shape[1], b.shape[1])
    maps.load_state_dict(state)
    return maps


def load(path):
    """Maps of a file of save(). Raises ValueError."""
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
        maps = restored(state)
    except (KeyError, TypeError, AttributeError, RuntimeError, EOFError,
            pickle.UnpicklingError) as e:
        raise ValueError(f'{path} are no maps of resample.py ({e})') from e
    return maps


def main():
    from pictures import ENDINGS, load as load_picture
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('pictures', nargs='+', help='files or folders')
    p.add_argument('--channels', type=int, default=24)
    p.add_argument('--model', default='photo-1', help='codec model')
    p.add_argument('--count', type=int, default=120,
                   help='pictures to use at most')
    p.add_argument('--out', help='.pt file of the maps')
    args = p.parse_args()
    torch.set_num_threads(1)
    files = []
    for path in args.pictures:
        found = [path] if os.path.isfile(path) else sorted(
            os.path.join(d, f) for d, _, fs in os.walk(path) for f in fs)
        files += [f for f in found if f.lower().endswith(ENDINGS)]
    files = files[::max(1, len(files) // args.count)][:args.count]
    codec = Codec(args.model)
    pictures = [load_picture(f, 512) for f in files]
    maps = fit(codec, args.channels, pictures[::2])
    for name, (error, energy) in errors(codec, maps,
                                        pictures[1::2]).items():
        print(f'{name}: {10 * np.log10(energy.sum() / error.sum()):.1f} dB of '
              f'signal over error, {len(pictures[1::2])} other pictures, '
              f'{getattr(maps, name).conv.in_channels} channels read; by '
              'channel: ' + ' '.join(f'{10 * np.log10(a / b):.0f}' for a, b in
                                     zip(energy, np.maximum(error, 1e-9))))
    if args.out:
        torch.save(maps.state_dict(), args.out)


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError, WallocError) as e:
        sys.exit(f'resample.py: {e}')
