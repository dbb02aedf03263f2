# SPDX-License-Identifier: LGPL-2.1-or-later
"""Linear decoders of a given encoder, without training."""

import numpy as np

from reference.wpt import packet_matrix

# A first-order Markov picture: correlation of neighbouring samples, of the
# colours, and the variance of a sample (range 1.0). Textbook values.
NEIGHBOURS = 0.95
COLOURS = 0.9
VARIANCE = 0.06


def markov_covariance(levels=3, colours=3):
    """Covariance of one block's packet coefficients under that model."""
    n = 16 << levels
    side = 1 << levels
    rows = packet_matrix(n, levels)[n // side // 2::n // side]
    distance = np.abs(np.arange(n)[:, None] - np.arange(n))
    one = rows @ NEIGHBOURS ** distance @ rows.T
    count = side * side
    along_h = np.zeros(count, int)
    along_w = np.zeros(count, int)
    for index in range(count):
        for level in range(levels):
            digit = index >> 2 * (levels - 1 - level) & 3
            along_w[index] = 2 * along_w[index] + (digit >> 1)
            along_h[index] = 2 * along_h[index] + (digit & 1)
    block = (one[along_h[:, None], along_h] * one[along_w[:, None], along_w])
    mix = np.full((colours, colours), COLOURS)
    np.fill_diagonal(mix, 1)
    return VARIANCE * np.kron(mix, block)


def wiener(weight, bias, covariance, mean, noise):
    """Linear decoder of least expected error: weight [inputs, D], bias.

    weight [D, inputs] and bias are the encoder's, covariance and mean those
    of the coefficients, noise the variance that rounding adds to a latent.
    """
    weight = weight.astype(np.float64)
    cross = covariance @ weight.T
    inner = weight @ cross + noise * np.eye(len(weight))
    # A tiny ridge keeps channels that repeat each other from exploding.
    inner += 1e-9 * np.trace(inner) / len(inner) * np.eye(len(inner))
    back = np.linalg.solve(inner, cross.T).T
    return back, mean - back @ (weight @ mean + bias)


def rounding_noise(bits):
    """Variance of a latent's error near zero from rounding to `bits`."""
    scale = (2 ** (bits - 1) - 1) / 1.85
    greatest = 2 ** (bits - 1) - 1 + 0.5 - 1e-3
    return (scale * np.sqrt(2 * np.pi) / (2 * greatest)) ** 2 / 12


def statistics(coefficients):
    """Mean and covariance of coefficients [N, inputs]."""
    mean = coefficients.mean(0)
    centred = coefficients - mean
    return mean, centred.T @ centred / len(centred)
