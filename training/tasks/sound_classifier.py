# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks that tell sounds apart: of latents, and the same of samples.

Both put two planes of 64 bands of the mel scale and as many columns as the
window has into one trunk, the two spectra (512 samples under a Hann window) of
each column, 128 samples apart; what differs is only what the spectra are made
of. What is trained is the same.
"""
import math

import numpy as np
import torch
from torch import nn

from sound_latents import COLUMN
from sound_spectra import SIZE, ToSpectra, places

MELS = 64
HOP = 128                       # samples from spectrum to spectrum
BEFORE = (SIZE - HOP) // 2      # samples of the first one before its column
FLOOR = 0.02                    # of the window's level, in logarithms
WIDTHS = (24, 32, 48, 64, 64)


class Trunk(nn.Module):
    """[n, 2, MELS, T] -> [n, classes]."""

    def __init__(self, classes, widths=WIDTHS):
        super().__init__()
        a, b, c, d, e = widths
        layers, inputs = [], 2
        for width, kernel, stride in (
                (a, (9, 3), (1, 1)), (b, (5, 3), (2, 1)),
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


class OfSpectra(nn.Module):
    """Energies [n, 2, SIZE / 2 + 1, T] of spectra -> logits."""

    def __init__(self, classes, rate):
        super().__init__()
        self.register_buffer('mel', torch.tensor(
            mel_matrix(rate, SIZE // 2 + 1))[:, :, None, None])
        self.trunk = Trunk(classes)

    def logits(self, energy):
        level = torch.sqrt(energy.mean((1, 2, 3), keepdim=True) + 1)
        mels = nn.functional.conv2d(energy.transpose(1, 2), self.mel)
        planes = torch.sqrt(mels.transpose(1, 2)) / level
        return self.trunk(torch.log(planes + FLOOR))


class OfLatents(OfSpectra):
    """latents [n, K, T] -> logits. Spectra as OfSamples has them of decoded
    samples, made from coefficients at once (sound_spectra.py)."""

    def __init__(self, classes, rate, band, signal):
        """band, signal: of every channel (SoundCodec.bands())."""
        super().__init__(classes, rate)
        self.register_buffer('pick', torch.tensor(places(band, signal, 0)))
        self.spectra = ToSpectra((-BEFORE, HOP - BEFORE), 'hann')
        # ToSpectra leaves out the last bin, and divides otherwise
        self.mel = self.mel[:, :-1] * 2

    def forward(self, x):
        x = self.spectra(torch.index_select(x, 1, self.pick)) ** 2
        n, _, bins, columns = x.shape
        return self.logits(x.reshape(n, 2, 2, bins, columns).sum(2))


class OfSamples(OfSpectra):
    """samples [n, 1, T * 256] -> logits. The transform is a convolution, so
    that ONNX has it."""

    def __init__(self, classes, rate):
        super().__init__(classes, rate)
        t = np.arange(SIZE)
        phase = 2 * np.pi * np.outer(np.arange(SIZE // 2 + 1), t) / SIZE
        window = np.hanning(SIZE + 1)[:SIZE] / math.sqrt(SIZE / 2)
        kernel = np.concatenate([np.cos(phase) * window,
                                 np.sin(phase) * window])[:, None]
        self.register_buffer('kernel', torch.tensor(kernel,
                                                    dtype=torch.float32))

    def forward(self, x):
        x = nn.functional.pad(x, (BEFORE, BEFORE))
        y = nn.functional.conv1d(x, self.kernel, stride=HOP) ** 2
        n, bins, frames = y.shape
        y = y.reshape(n, 2, bins // 2, frames // 2, 2).sum(1)
        return self.logits(y.permute(0, 3, 1, 2))


def parameters(net):
    """Trained numbers of a network."""
    return sum(p.numel() for p in net.parameters())


assert COLUMN == 2 * HOP
