# SPDX-License-Identifier: LGPL-2.1-or-later
"""Quality measures of pictures. tests/benchmarks/test_metrics.py holds them
against second computations."""
import numpy as np


def psnr(a, b):
    """PSNR in dB over all samples of two 8-bit arrays."""
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return 99.0 if error == 0 else 10 * np.log10(255 * 255 / error)


def _blur(plane):
    """11-tap Gaussian of sigma 1.5, without borders."""
    taps = np.exp(-np.arange(-5, 6) ** 2 / (2 * 1.5 ** 2))
    taps /= taps.sum()
    rows = sum(t * plane[:, k:plane.shape[1] - 10 + k]
               for k, t in enumerate(taps))
    return sum(t * rows[k:rows.shape[0] - 10 + k] for k, t in enumerate(taps))


def _halve(plane):
    plane = plane[:plane.shape[0] // 2 * 2, :plane.shape[1] // 2 * 2]
    return (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2]
            + plane[1::2, 1::2]) / 4


def luma(rgb):
    return rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def ms_ssim(a, b):
    """Multi-scale SSIM (Wang, Simoncelli, Bovik 2003) of the luma of two RGB
    arrays; five scales, so both sides must have 176 pixels or more."""
    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    x, y = luma(a), luma(b)
    if min(x.shape) < 176:
        return float("nan")
    product = 1.0
    for scale, weight in enumerate(weights):
        mx, my = _blur(x), _blur(y)
        vx = _blur(x * x) - mx * mx
        vy = _blur(y * y) - my * my
        cov = _blur(x * y) - mx * my
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        contrast = (2 * cov + c2) / (vx + vy + c2)
        if scale == len(weights) - 1:
            contrast = contrast * (2 * mx * my + c1) / (mx * mx + my * my + c1)
        product *= max(contrast.mean(), 0) ** weight
        x, y = _halve(x), _halve(y)
    return float(product)
