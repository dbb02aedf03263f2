# SPDX-License-Identifier: LGPL-2.1-or-later
"""An ordered model's encoder and linear decoder in NumPy, for training."""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
import walloc_model  # noqa: E402
from fit_tables import D, LIMITS, quantise  # noqa: E402
from packets import coefficients  # noqa: E402


class Codec:
    """The encoder's arithmetic and the linear decoder, from a model file."""

    def __init__(self, path):
        t, meta = walloc_model.load(path)
        self.group = t['codec.group']
        scale = 2.0 ** (int(meta['walloc.analysis_bits']) +
                        walloc_model.FRACTION)
        self.analysis = np.zeros((D, 192), np.float32)
        self.synthesis = np.zeros((D, 192), np.float32)
        for c in range(D):
            a, b = ((0, 64), (64, 96), (96, 192))[self.group[c]]
            gains = walloc_model.input_gains(self.group[c])[:b - a]
            self.analysis[c, a:b] = (t['codec.analysis'][c, :b - a] /
                                     (scale * gains))
            self.synthesis[c, a:b] = t['codec.synthesis'][c, :b - a]
        self.weight = t['codec.weight'] / 4096.0
        self.rounding = t['codec.rounding'] / 256.0
        self.recon = t['codec.recon']
        self.quality = t['codec.quality']

    def encode(self, rgb, index, detail=True):
        """uint8 crops, one step index -> (latents in steps after
        reconstruction offsets, coefficients, step)."""
        coef = coefficients(rgb)
        s = int(np.searchsorted(LIMITS, index))
        step = 2.0 ** (index / 16)
        y = np.einsum('kd,ndhw->nkhw', self.analysis, coef, optimize=True)
        w = self.weight[s].astype(np.float32)[:, None, None]
        q = quantise(y / w, step, self.rounding[s][:, None, None])
        near = np.abs(self.quality[:, 0].astype(int) - index).argmin()
        q[:, self.quality[near, 1]:] = 0
        if not detail:
            q[:, self.group == 2] = 0
            coef[:, 96:] = 0
        a = np.abs(q)
        r = self.recon[s]
        shrink = np.where(a == 1, r[:, 0, None, None],
                          np.where(a == 2, r[:, 1, None, None],
                                   r[:, 2, None, None]))
        value = np.sign(q) * (a - shrink * (a > 0)) * w
        return value.astype(np.float32), coef.astype(np.float32), step
