# SPDX-License-Identifier: LGPL-2.1-or-later
"""Gaussian-CDF companding of the published codec's bottleneck.

The scale is fixed by the number of bits, the same for all channels; a latent
becomes uniform in -(2^(b-1) - 1) ... 2^(b-1) - 1 when it is normal with that
scale as its standard deviation.
"""

import torch

# Probabilities are kept this far from 0 and 1 before the inverse.
EDGE = 1e-4


def scale(bits):
    """Standard deviation that the bottleneck expects."""
    return (2 ** (bits - 1) - 1) / 1.85


def greatest(bits):
    """Bound of the companded value; rounds to 2^(bits-1) - 1."""
    return 2 ** (bits - 1) - 1 + 0.5 - 1e-3


def to_uniform(x, bits=8):
    """Latent -> companded value, not rounded."""
    return greatest(bits) * torch.erf(x / (scale(bits) * 2 ** 0.5))


def to_normal(y, bits=8):
    """Companded or rounded value -> latent."""
    p = y / (2 * greatest(bits)) + 0.5
    p = torch.clamp(p, EDGE, 1 - EDGE)
    return scale(bits) * 2 ** 0.5 * torch.erfinv(2 * p - 1)
