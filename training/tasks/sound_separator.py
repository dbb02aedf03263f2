# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks that take a mixture apart: of latents, and the same of samples.

One trunk of causal convolutions over time sees logarithms of magnitudes of all
bins of a short-time Fourier transform and gives every stem a share of each;
shares add up to 1, and so do the stems to the mixture. What the spectra are made
of differs: packet coefficients as they come out of the entropy decoder, or
samples. Nothing behind a frame is seen, and `context` columns of past give
the same as all of it.
"""
import math

import numpy as np
import torch
from torch import nn

from sound_latents import COLUMN
from sound_spectra import BINS, REACH, FromSpectra, ToSpectra, places

DILATIONS = (1, 2, 4, 8, 16)
CONTEXT = 2 * sum(DILATIONS) + 2        # of the trunk
FLOOR = 0.1                     # of a bin's mean magnitude


class Causal(nn.Conv1d):
    """1x3 convolution that sees the present and two columns of the past, as
    far apart as the dilation."""

    def __init__(self, inputs, outputs, dilation=1):
        super().__init__(inputs, outputs, 3, dilation=dilation)
        self.before = 2 * dilation

    def forward(self, x, newest=False):
        """newest: only the columns whose past is there, the first ones are
        left out; else zeros stand for it."""
        return super().forward(
            x if newest else nn.functional.pad(x, (self.before, 0)))


class Block(nn.Module):
    def __init__(self, width, dilation):
        super().__init__()
        self.a = Causal(width, width, dilation)
        self.b = nn.Conv1d(width, width, 1)
        nn.init.normal_(self.b.weight, std=0.01)
        nn.init.zeros_(self.b.bias)

    def forward(self, x, newest=False):
        y = self.b(torch.relu(self.a(x, newest)))
        return (x[..., self.a.before:] if newest else x) + y


class Trunk(nn.Module):
    """features [n, bands in, T] -> shares [n, stems, bands out, T], or with
    newest [n, stems, bands out, T - CONTEXT]: what a frame needs of them."""

    def __init__(self, inputs, outputs, stems, width):
        super().__init__()
        self.stems, self.outputs = stems, outputs
        self.enter = Causal(inputs, width)
        self.blocks = nn.Sequential(*[Block(width, d) for d in DILATIONS])
        self.out = nn.Conv1d(width, stems * outputs, 1)
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.zeros_(self.out.bias)

    def forward(self, x, newest=False):
        x = torch.relu(self.enter(x, newest))
        for block in self.blocks:
            x = block(x, newest)
        y = self.out(torch.relu(x))
        n, _, t = y.shape
        return torch.softmax(y.reshape(n, self.stems, self.outputs, t), 1)


class OfLatents(nn.Module):
    """latents [n, K, T] -> latents of the stems [n, S, K, T].

    Shares are of spectra, made from coefficients at once and turned into
    coefficients again (sound_spectra.py). A spectrum needs coefficients of the
    next column too, and the way back spectra of the next: where these are not
    there yet, at the end of a frame, and for the little that the sparse ways
    forth and back lose, coefficients get the shares of their band. So the stems
    add up to the mixture.

    signals: 2, or 1 where the network was trained on mono sound: it looks at
    the first signal only then, and side channels get the share of their
    band."""

    context = CONTEXT + 2 * REACH   # there and back

    def __init__(self, stems, width, signals, band, signal):
        super().__init__()
        self.signals, self.stems = signals, stems
        order = np.stack([places(band, signal, k) for k in range(2)])
        self.register_buffer('pick', torch.tensor(order.ravel()))
        self.register_buffer('back', torch.tensor(np.argsort(order.ravel())))
        self.spectra = ToSpectra((-COLUMN // 2,), 'root')
        self.coefficients = FromSpectra(-COLUMN // 2)
        self.register_buffer('scale', torch.ones(1, signals * BINS, 1))
        self.trunk = Trunk(signals * BINS, signals * BINS, stems, width)

    def ordered(self, x):
        """Signals apart, in order of frequency: [n, 2, 256, T]."""
        n, _, t = x.shape
        return torch.index_select(x, 1, self.pick).reshape(n, 2, BINS, t)

    def spectrum(self, x):
        """ordered() -> [n, signals, 2, BINS, T]"""
        n, _, _, t = x.shape
        x = x[:, :self.signals].reshape(n * self.signals, BINS, t)
        return self.spectra(x).reshape(n, self.signals, 2, BINS, t)

    def forward(self, x, newest=False):
        """newest: as a frame's columns behind `context` others want it; these
        others are zeros in what comes out."""
        x = self.ordered(x)
        spectrum = self.spectrum(x)
        shares = self.trunk(torch.log(
            magnitudes(spectrum) * self.scale + FLOOR), newest)
        if newest:
            x, spectrum = x[..., CONTEXT:], spectrum[..., CONTEXT:]
        n, _, _, t = x.shape
        shares = shares.reshape(n, self.stems, self.signals, BINS, t)
        y = shares[:, :, :, None] * spectrum[:, None]
        y = self.coefficients(y.reshape(-1, 2, BINS, t)).reshape(
            n, self.stems, self.signals, BINS, t)
        # a band lies between two bins
        shares = (shares + torch.cat([shares[..., 1:, :], shares[..., -1:, :]],
                                     3)) / 2
        if self.signals == 1:
            shares = torch.cat([shares, shares], 2)
            y = torch.cat([y, torch.zeros_like(y)], 2)
        y = y + shares * (x - y.sum(1))[:, None]
        y = torch.index_select(y.flatten(2, 3), 2, self.back)
        if newest:
            y = nn.functional.pad(y[..., 2 * REACH:], (self.context, 0))
        return y


class Newest(nn.Module):
    """A network as the element uses it: of the newest columns only, the same
    there as of all with a third of the work less."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x, True)


def magnitudes(spectrum):
    """[n, signals, 2, bins, T] -> [n, signals * bins, T], over the level of
    all."""
    energy = (spectrum ** 2).sum(2).flatten(1, 2)
    level = torch.sqrt(energy.mean((1, 2), keepdim=True) + 1)
    return torch.sqrt(energy) / level


class OfSamples(nn.Module):
    """samples [n, signals, (T + 1) * 256] -> samples of the stems, their first
    and last 256 incomplete [n, S, signals, (T + 1) * 256]. Spectra are of 512
    samples, 256 apart, under the root of a Hann window on both ways."""

    SIZE, HOP = 512, 256
    context = CONTEXT

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

    def of_spectrum(self, spectrum, newest=False):
        """Spectra of stems [n, S, signals, 2, bins, T]; with newest, of all
        columns but the first CONTEXT."""
        shares = self.trunk(torch.log(
            magnitudes(spectrum) * self.scale + FLOOR), newest)
        if newest:
            spectrum = spectrum[..., CONTEXT:]
        n, s, _, bins, t = spectrum.shape
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
