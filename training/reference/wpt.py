# SPDX-License-Identifier: LGPL-2.1-or-later
"""Wavelet packet transform of the published codec, as matrices.

CDF 9/7 ("bior4.4" in PyWavelets' normalisation), periodic borders, every band
split again at every level. A packet along one axis of n samples is an n x n
matrix whose rows are ordered band-major (first level most significant), so a
picture is transformed by two matrix products. That is exact, differentiable
and quick for training crops; it is not meant for very large pictures.
"""

import functools

import numpy as np

# The symmetric 9- and 7-tap kernels; index 0 is the centre.
LOW = (0.8526986790088938, 0.3774028556128307, -0.1106244044184372,
       -0.0238494650195568, 0.037828455507264)
HIGH = (-0.7884856164055829, 0.4180922732216172, 0.0406894176091641,
        -0.0645388826286971)


def one_level(n):
    """Analysis matrix of one level: n/2 low rows, then n/2 high rows."""
    if n < 2 or n % 2:
        raise ValueError("an axis must have an even number of samples")
    matrix = np.zeros((n, n))
    for k in range(n // 2):
        for kernel, row, centre in ((LOW, k, 2 * k),
                                    (HIGH, n // 2 + k, 2 * k + 1)):
            for distance, tap in enumerate(kernel):
                matrix[row, (centre + distance) % n] += tap
                if distance:
                    matrix[row, (centre - distance) % n] += tap
    return matrix


@functools.lru_cache(maxsize=64)
def packet_matrix(n, levels=3):
    """Analysis matrix of a packet of `levels` along an axis of n samples."""
    if n % (1 << levels):
        raise ValueError(f"{n} is not a multiple of {1 << levels}")
    matrix = np.eye(n)
    size = n
    for _ in range(levels):
        step = one_level(size)
        matrix = np.concatenate([step @ matrix[at:at + size]
                                 for at in range(0, n, size)])
        size //= 2
    return matrix


@functools.lru_cache(maxsize=64)
def inverse_matrix(n, levels=3):
    """Synthesis matrix: the inverse of packet_matrix()."""
    return np.linalg.inv(packet_matrix(n, levels))


def _order(levels):
    """Axes of [B, C, h bits, y, w bits, x] in the codec's channel order: per
    level one base-4 digit, 2 * (high along width) + (high along height)."""
    axes = []
    for level in range(levels):
        axes += [2 + levels + 1 + level, 2 + level]
    return [0, 1] + axes + [2 + levels, 2 + 2 * levels + 1]


def _matrix(like, build, n, levels):
    import torch
    return torch.as_tensor(build(n, levels), dtype=like.dtype,
                           device=like.device)


class Packet:
    """Packet analysis and synthesis of torch tensors [B, C, H, W]; sides are
    multiples of 2^levels. Matrices are kept per device and size."""

    def __init__(self, levels=3):
        self.levels = levels
        self.kept = {}

    def _get(self, like, build, n):
        key = (build is packet_matrix, n, like.dtype, like.device)
        if key not in self.kept:
            self.kept[key] = _matrix(like, build, n, self.levels)
        return self.kept[key]

    def analyse(self, x):
        """[B, C, H, W] -> [B, C * 4^J, H / 2^J, W / 2^J]."""
        batch, colours, height, width = x.shape
        side = 1 << self.levels
        rows = self._get(x, packet_matrix, height)
        columns = self._get(x, packet_matrix, width)
        y = rows @ (x @ columns.t())
        bits = [2] * self.levels
        y = y.reshape([batch, colours] + bits + [height // side] + bits
                      + [width // side])
        return y.permute(_order(self.levels)).reshape(
            batch, colours * side * side, height // side, width // side)

    def synthesise(self, y):
        """Inverse of analyse()."""
        batch, channels, h, w = y.shape
        side = 1 << self.levels
        colours = channels // (side * side)
        bits = [2] * self.levels
        order = _order(self.levels)
        back = [order.index(axis) for axis in range(len(order))]
        x = y.reshape([batch, colours] + bits * 2 + [h, w]).permute(back)
        x = x.reshape(batch, colours, h * side, w * side)
        rows = self._get(y, inverse_matrix, h * side)
        columns = self._get(y, inverse_matrix, w * side)
        return rows @ (x @ columns.t())
