# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks that take a mixture apart: of latents, and the same of samples.

One trunk of causal convolutions over time sees logarithms of magnitudes of all
bands and gives every stem a share of each value; shares add up to 1, and so do
the stems to the mixture. What the values are differs: packet coefficients as
they come out of the entropy decoder, or a short-time Fourier transform of
samples. Every column sees the past only, so that a frame's stems are the same
whatever follows, and CONTEXT columns of past give the same as all of it.
"""
import math

import numpy as np
import torch
from torch import nn

DILATIONS = (1, 2, 4, 8, 16)
CONTEXT = 2 * sum(DILATIONS) + 2
FLOOR = 0.1                     # of a channel's mean magnitude


class Causal(nn.Conv1d):
    """1x3 convolution that sees the present and two columns of the past, as
    far apart as the dilation."""

    def __init__(self, inputs, outputs, dilation=1):
        super().__init__(inputs, outputs, 3, dilation=dilation)
        self.before = 2 * dilation

    def forward(self, x):
        return super().forward(nn.functional.pad(x, (self.before, 0)))


class Block(nn.Module):
    def __init__(self, width, dilation):
        super().__init__()
        self.a = Causal(width, width, dilation)
        self.b = nn.Conv1d(width, width, 1)
        nn.init.normal_(self.b.weight, std=0.01)
        nn.init.zeros_(self.b.bias)

    def forward(self, x):
        return x + self.b(torch.relu(self.a(x)))


class Trunk(nn.Module):
    """features [n, bands in, T] -> shares [n, stems, bands out, T]."""

    def __init__(self, inputs, outputs, stems, width):
        super().__init__()
        self.stems, self.outputs = stems, outputs
        self.enter = Causal(inputs, width)
        self.blocks = nn.Sequential(*[Block(width, d) for d in DILATIONS])
        self.out = nn.Conv1d(width, stems * outputs, 1)
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.zeros_(self.out.bias)

    def forward(self, x):
        x = torch.relu(self.enter(x))
        y = self.out(torch.relu(self.blocks(x)))
        n, _, t = y.shape
        return torch.softmax(y.reshape(n, self.stems, self.outputs, t), 1)


class OfLatents(nn.Module):
    """latents [n, K, T] -> latents of the stems [n, S, K, T].

    signals: 2, or 1 where the network was trained on mono sound: it looks at
    the first signal only then, and side channels get the share of their
    band."""

    def __init__(self, stems, width, signals, band, signal):
        super().__init__()
        k = len(band)
        self.signals = signals
        seen = np.arange(k) if signals == 2 else np.nonzero(signal == 0)[0]
        place = {int(band[c]): i for i, c in enumerate(seen)}
        back = np.arange(k) if signals == 2 else np.array(
            [place[int(b)] for b in band])
        self.register_buffer('seen', torch.tensor(seen))
        self.register_buffer('back', torch.tensor(back))
        self.register_buffer('scale', torch.ones(1, len(seen), 1))
        self.trunk = Trunk(len(seen), len(seen), stems, width)

    def magnitudes(self, x):
        if self.signals == 1:
            x = torch.index_select(x, 1, self.seen)
        a = x.abs()
        level = torch.sqrt((x * x).mean((1, 2), keepdim=True) + 1)
        return a / level

    def forward(self, x):
        shares = self.trunk(torch.log(self.magnitudes(x) * self.scale + FLOOR))
        if self.signals == 1:
            shares = torch.index_select(shares, 2, self.back)
        return shares * x[:, None]


class OfSamples(nn.Module):
    """samples [n, signals, (T + 1) * 256] -> samples of the stems, their first
    and last 256 incomplete [n, S, signals, (T + 1) * 256]. Spectra are of 512
    samples, 256 apart, under the root of a Hann window on both ways."""

    SIZE, HOP = 512, 256

    def __init__(self, stems, width, signals):
        super().__init__()
        bins = self.SIZE // 2 + 1
        t, f = np.arange(self.SIZE), np.arange(bins)
        window = np.sqrt(np.hanning(self.SIZE + 1)[:self.SIZE])
        phase = 2 * np.pi * np.outer(f, t) / self.SIZE
        forth = np.concatenate([np.cos(phase), -np.sin(phase)]) * window
        count = np.where((f == 0) | (f == bins - 1), 1, 2) / self.SIZE
        back = forth * np.concatenate([count, count])[:, None]
        for name, value in (('forth', forth), ('back', back)):
            self.register_buffer(name, torch.tensor(
                value[:, None], dtype=torch.float32))
        self.bins, self.signals, self.stems = bins, signals, stems
        self.register_buffer('scale', torch.ones(1, signals * bins, 1))
        self.trunk = Trunk(signals * bins, signals * bins, stems, width)

    def spectrum(self, x):
        """[n, signals, samples] -> [n, signals, 2, bins, T], orthonormal but
        for redundancy."""
        n, s, samples = x.shape
        y = nn.functional.conv1d(x.reshape(n * s, 1, samples), self.forth,
                                 stride=self.HOP)
        return y.reshape(n, s, 2, self.bins, -1) / math.sqrt(self.SIZE)

    def magnitudes(self, spectrum):
        energy = (spectrum ** 2).sum(2).flatten(1, 2)
        level = torch.sqrt(energy.mean((1, 2), keepdim=True) + 1)
        return torch.sqrt(energy) / level

    def of_spectrum(self, spectrum):
        """Spectra of stems [n, S, signals, 2, bins, T]."""
        n, s, _, bins, t = spectrum.shape
        shares = self.trunk(torch.log(
            self.magnitudes(spectrum) * self.scale + FLOOR))
        return shares.reshape(n, self.stems, s, 1, bins, t) * spectrum[:, None]

    def samples(self, spectrum):
        """Inverse of spectrum(), [..., 2, bins, T] -> [..., (T + 1) * 256]."""
        t = spectrum.shape[-1]
        y = spectrum.reshape(-1, 2 * self.bins, t) * math.sqrt(self.SIZE)
        y = nn.functional.conv_transpose1d(y, self.back, stride=self.HOP)
        return y.reshape(spectrum.shape[:-3] + (-1,))

    def forward(self, x):
        return self.samples(self.of_spectrum(self.spectrum(x)))


def parameters(net):
    """Trained numbers of a network."""
    return sum(p.numel() for p in net.parameters())
