# SPDX-License-Identifier: LGPL-2.1-or-later
"""Spectra straight from packet coefficients, and coefficients from spectra.

Both ways are linear and the same in every column, so that each is one
convolution, with weights that follow from the filters: no sample is made.
Of a packet band, less than half of the energy lies between the frequencies
that give it its name, the rest in bands that mirror it, and a coefficient comes
and goes with the phase; a spectrum has neither fault. Each 8 bins (or bands)
are made of those bands (or bins) that give them most, of three columns.
"""
import os
import sys

import numpy as np
import torch
from torch import nn

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'audio'))
import bands  # noqa: E402
from sound_latents import COLUMN, frequency_order  # noqa: E402

SIZE = 512                      # samples of a spectrum
BINS = SIZE // 2                # without the last, of half the sample rate
GROUP = 8
REACH = 1                       # columns to either side
AT = 8                          # column of the impulses


def places(band, signal, which):
    """Channels of a signal in order of frequency, int [256]."""
    mine = np.nonzero(np.asarray(signal) == which)[0]
    if len(mine) != bands.BANDS:
        raise ValueError(f'{len(mine)} of {bands.BANDS} bands; spectra want '
                         'all of them')
    return mine[np.argsort(frequency_order(np.asarray(band)[mine]))]


def _order():
    return np.argsort(frequency_order(np.arange(bands.BANDS)))


def _window(kind):
    hann = np.hanning(SIZE + 1)[:SIZE]
    return np.sqrt(hann) if kind == 'root' else hann


def to_spectra(starts, window):
    """float32 [256 bands, 2 * REACH + 1, frames, 2, BINS]: what a coefficient
    adds to spectra of its column and those around. starts: for each of a
    column's frames, its first sample, from the column's first on; window: 'hann'
    or 'root' (of it). Spectra are divided by the root of SIZE."""
    c = np.zeros((bands.BANDS, bands.BANDS, 2 * AT), np.float32)
    root = np.sqrt(bands.synthesis_energy())
    k = np.arange(bands.BANDS)
    c[k, k, AT] = 1 / root
    y = bands.unpacket(c)[_order()]
    out = []
    for d in range(-REACH, REACH + 1):
        row = []
        for start in starts:
            first = (AT - d) * COLUMN + start
            f = np.fft.rfft(y[:, first:first + SIZE] * _window(window))
            row.append(np.stack([f.real, f.imag], 1)[:, :, :BINS])
        out.append(np.stack(row, 1))
    return (np.stack(out, 1) / np.sqrt(SIZE)).astype(np.float32)


def from_spectra(start):
    """float32 [BINS, 2 * REACH + 1, 2, 256 bands]: what a value of a spectrum
    (root of Hann, one per column) adds to coefficients of its column and those
    around; the way back of to_spectra ((start,), 'root')."""
    bins = np.arange(BINS)
    f = np.zeros((2, BINS, BINS + 1), complex)
    f[0, bins, bins], f[1, bins, bins] = 1, 1j
    y = np.zeros((2, BINS, 2 * AT * COLUMN), np.float32)
    at = AT * COLUMN + start
    y[..., at:at + SIZE] = np.fft.irfft(f) * _window('root') * np.sqrt(SIZE)
    c = bands.packet(y) * np.sqrt(bands.synthesis_energy())[:, None]
    c = c[..., _order(), :]
    return np.stack([c[..., AT - d] for d in range(-REACH, REACH + 1)],
                    1).transpose(2, 1, 0, 3).astype(np.float32)


class Sparse(nn.Module):
    """[n, inputs, T] -> [n, outputs of a group, groups, GROUP, T]: each group
    sees the inputs that give it most energy. Fixed weights."""

    def __init__(self, weights, count):
        """weights: [inputs, parts, 2 * REACH + 1, parts out, outputs]; inputs
        with all parts of them are chosen, count of them for a group. Sound has
        more energy at low frequencies, which the choice counts on."""
        super().__init__()
        inputs, parts, taps, outs, outputs = weights.shape
        self.groups, self.outs = outputs // GROUP, outs
        loud = 1 / (np.arange(inputs) + 8.0)
        picks, kernels = [], []
        for k in range(0, outputs, GROUP):
            w = weights[..., k:k + GROUP]
            energy = (w.astype(np.float64) ** 2).sum((1, 2, 3, 4)) * loud
            best = np.sort(np.argsort(-energy, kind='stable')[:count])
            picks.append((np.arange(parts)[:, None] * inputs + best).ravel())
            kernels.append(w[best].transpose(3, 4, 1, 0, 2).reshape(
                outs * GROUP, parts * count, taps))
        self.register_buffer('pick', torch.tensor(np.concatenate(picks)))
        self.register_buffer('kernel', torch.tensor(np.concatenate(kernels)))

    def forward(self, x):
        x = torch.index_select(x, 1, self.pick)
        y = nn.functional.conv1d(x, self.kernel, padding=REACH,
                                 groups=self.groups)
        n, _, t = y.shape
        y = y.reshape(n, self.groups, self.outs, GROUP, t)
        return y.transpose(1, 2).reshape(n, self.outs, self.groups * GROUP, t)


class ToSpectra(Sparse):
    """Coefficients [n, 256, T] in order of frequency to spectra [n, frames *
    2, BINS, T], real and imaginary parts of each of a column's frames."""

    def __init__(self, starts, window, count=48):
        w = to_spectra(starts, window)
        super().__init__(w.reshape(w.shape[0], 1, w.shape[1], -1, BINS), count)


class FromSpectra(Sparse):
    """Spectra [n, 2, BINS, T] to coefficients [n, 256, T] in order of
    frequency."""

    def __init__(self, start, count=32):
        w = from_spectra(start)
        super().__init__(w.transpose(0, 2, 1, 3)[:, :, :, None], count)

    def forward(self, x):
        return super().forward(x.flatten(1, 2))[:, 0]
