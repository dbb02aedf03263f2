# SPDX-License-Identifier: LGPL-2.1-or-later
"""An ordered model's matrices and tables in NumPy, for training."""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
import walloc_model  # noqa: E402
from fit_tables import D  # noqa: E402


class Codec:
    """What encoder and linear decoder work with, from a model file."""

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
