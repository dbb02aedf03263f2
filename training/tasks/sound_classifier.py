# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks that tell sounds apart: of latents, and the same of samples.

Both put two planes of 64 bands and as many columns as the window has into one
trunk; what differs is only what the planes are of. Parameters are equal in
number, the first convolution's included.
"""
import math

import numpy as np
import torch
from torch import nn

from sound_latents import COLUMN, frequency_order

BANDS = 256
MELS = 64
FLOOR = 0.02                    # of the window's level, in logarithms
WIDTHS = (24, 32, 48, 64, 64)


class Trunk(nn.Module):
    """[n, 2, 64 * first_stride, T] -> [n, classes]."""

    def __init__(self, classes, first_stride, widths=WIDTHS):
        super().__init__()
        a, b, c, d, e = widths
        layers, inputs = [], 2
        for width, kernel, stride in (
                (a, (9, 3), (first_stride, 1)), (b, (5, 3), (2, 1)),
                (c, (3, 3), (2, 2)), (d, (3, 3), (2, 2)), (e, (3, 3), (2, 1))):
            layers += [nn.Conv2d(inputs, width, kernel, stride,
                                 (kernel[0] // 2, 1), bias=False),
                       nn.BatchNorm2d(width), nn.ReLU()]
            inputs = width
        self.layers = nn.Sequential(*layers)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(4 * e, classes)

    def forward(self, x):
        # mean over time, but not over bands: which of them it was matters
        x = self.layers(x).mean(3).flatten(1)
        return self.out(self.drop(x))


class OfLatents(nn.Module):
    """latents [n, K, T] -> logits. Magnitudes of single coefficients of a
    critically sampled packet come and go with the phase, so that a second
    plane has the mean energy of each one's surroundings."""

    def __init__(self, classes, band, signal):
        """band, signal: of every channel (SoundCodec.bands())."""
        super().__init__()
        first = np.nonzero(np.asarray(signal) == 0)[0]
        place = frequency_order(np.asarray(band)[first])
        self.register_buffer('pick', torch.tensor(first[np.argsort(place)]))
        self.trunk = Trunk(classes, BANDS // MELS)

    def forward(self, x):
        x = torch.index_select(x, 1, self.pick)[:, None]
        energy = x * x
        level = torch.sqrt(energy.mean((1, 2, 3), keepdim=True) + 1)
        around = torch.sqrt(nn.functional.avg_pool2d(energy, 3, 1, 1))
        planes = torch.cat([x.abs(), around], 1) / level
        return self.trunk(torch.log(planes + FLOOR))


def mel_matrix(rate, bins):
    """float32 [MELS, bins]: triangles evenly spaced on the mel scale (2595
    log10 (1 + f / 700)), each of area 1 in bins."""
    top = 2595 * math.log10(1 + rate / 1400)
    edges = 700 * (10 ** (np.linspace(0, top, MELS + 2) / 2595) - 1)
    f = np.linspace(0, rate / 2, bins)
    out = np.zeros((MELS, bins), np.float32)
    for k in range(MELS):
        a, b, c = edges[k:k + 3]
        rise, fall = (f - a) / (b - a), (c - f) / (c - b)
        out[k] = np.maximum(0, np.minimum(rise, fall))
        if not out[k].any():
            out[k, np.abs(f - b).argmin()] = 1
    return out / out.sum(1, keepdims=True)


class OfSamples(nn.Module):
    """samples [n, 1, T * 256] -> logits, the same trunk on 64 bands of the mel
    scale; the two planes are the two spectra (512 samples under a Hann window)
    of each column, 128 samples apart. The transform is a convolution, so that
    ONNX has it."""

    SIZE, HOP = 512, 128

    def __init__(self, classes, rate):
        super().__init__()
        n = self.SIZE
        t = np.arange(n)
        phase = 2 * np.pi * np.outer(np.arange(n // 2 + 1), t) / n
        window = np.hanning(n + 1)[:n] / math.sqrt(n / 2)
        kernel = np.concatenate([np.cos(phase) * window,
                                 np.sin(phase) * window])[:, None]
        self.register_buffer('kernel', torch.tensor(kernel,
                                                    dtype=torch.float32))
        self.register_buffer('mel', torch.tensor(
            mel_matrix(rate, n // 2 + 1))[:, :, None])
        self.trunk = Trunk(classes, 1)

    def forward(self, x):
        pad = (self.SIZE - self.HOP) // 2
        x = nn.functional.pad(x, (pad, pad))
        y = nn.functional.conv1d(x, self.kernel, stride=self.HOP)
        bins = self.SIZE // 2 + 1
        energy = y[:, :bins] ** 2 + y[:, bins:] ** 2
        level = torch.sqrt(energy.mean((1, 2), keepdim=True) + 1)
        mels = torch.sqrt(nn.functional.conv1d(energy, self.mel)) / level
        n, bands, frames = mels.shape
        planes = mels.reshape(n, bands, frames // 2, 2).permute(0, 3, 1, 2)
        return self.trunk(torch.log(planes + FLOOR))


def parameters(net):
    """Trained numbers of a network."""
    return sum(p.numel() for p in net.parameters())


assert COLUMN == 2 * OfSamples.HOP
