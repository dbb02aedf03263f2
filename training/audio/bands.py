# SPDX-License-Identifier: LGPL-2.1-or-later
"""Packet coefficients of sound, as libwalloc's ordered audio models see them.

CDF 9/7 (PyWavelets 'bior4.4' normalisation and phase), every band split at
every level, J = 8 (arXiv 2412.09405, section III; docs/model-format.md).
NumPy, float32.
"""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'ordered'))
from packets import analyse_1d, synthesise_1d  # noqa: E402

LEVELS = 8
BANDS = 1 << LEVELS


def packet(x, levels=LEVELS):
    """[..., n] -> [..., 2^levels, n / 2^levels]; the first level's band is
    the most significant bit of the channel."""
    x = x[..., None, :]
    for _ in range(levels):
        low, high = analyse_1d(x)
        x = np.stack([low, high], -2)
        x = x.reshape(x.shape[:-3] + (-1, x.shape[-1]))
    return x


def unpacket(c, levels=LEVELS):
    """Inverse of packet."""
    for _ in range(levels):
        c = c.reshape(c.shape[:-2] + (c.shape[-2] // 2, 2, c.shape[-1]))
        c = synthesise_1d(c[..., 0, :], c[..., 1, :])
    return c[..., 0, :]


def synthesis_energy(levels=LEVELS):
    """Squared norm of every packet channel's synthesis function."""
    n = 1 << levels
    c = np.zeros((n, n, 32), np.float32)
    c[np.arange(n), np.arange(n), 16] = 1
    return (unpacket(c, levels).astype(np.float64) ** 2).sum(-1)
