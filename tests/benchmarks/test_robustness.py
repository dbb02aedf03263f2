#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of robustness.py and projection.py: bands, rates, the operator.
Exit status 77: numpy, Pillow or gi is missing."""
import math
import os
import sys
import unittest

try:
    import gi  # noqa: F401
    import numpy as np
    import PIL  # noqa: F401
except ImportError as why:
    print(why)
    sys.exit(77)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import projection       # noqa: E402
import robustness       # noqa: E402

MODEL = str(robustness.ROOT / 'models' / 'reference-12.wlm')


class Bands(unittest.TestCase):
    def test_add_up(self):
        rng = np.random.default_rng(1)
        for h, w in ((16, 24), (9, 7), (1, 8)):
            a, b = rng.integers(0, 256, (2, h, w, 3), np.uint8)
            rings = robustness.Rings(h, w)
            power = rings.power(rings.transform(a), rings.transform(b))
            self.assertAlmostEqual(power.sum() / robustness.mse(a, b), 1, 5)

    def test_wave(self):
        """A wave is in the band of its frequency."""
        x = np.cos(2 * np.pi * 5 / 32 * np.arange(64))
        a = np.repeat((128 + 100 * x)[None, :, None], 32, 0).repeat(3, 2)
        a = a.astype(np.uint8)
        rings = robustness.Rings(32, 64)
        power = rings.power(rings.transform(a),
                            rings.transform(np.full_like(a, 128)))
        # 5 / 32 cycles a pixel are 5 / 16 of Nyquist's
        self.assertEqual(int(np.argmax(power)), 5)


class Coder:
    """4 bytes at the lowest setting, a third more at each."""

    def __init__(self):
        self.calls = 0

    def code(self, clip, setting):
        self.calls += 1
        return [4 * 1.33 ** setting] * len(clip), clip


class Match(unittest.TestCase):
    def test_nearest(self):
        clip = [np.zeros((8, 8, 3), np.uint8)]
        ladder = list(range(30))
        for start in (None, 0, 12, 29):
            for want in (0, 1, 7, 28, 29):
                coder = Coder()
                target = 4 * 1.33 ** want / 8
                self.assertEqual(ladder[robustness.match(
                    coder, ladder, clip, 1.05 * target, start)], want)
                self.assertLess(coder.calls, 12)

    def test_out_of_reach(self):
        clip = [np.zeros((8, 8, 3), np.uint8)]
        for start in (None, 0, 3, 9):
            for target, want in ((1e-6, 0), (1e6, 9)):
                self.assertEqual(robustness.match(
                    Coder(), range(10), clip, target, start), want)


class Operator(unittest.TestCase):
    def setUp(self):
        self.p = projection.Projection(MODEL, 32, 64)
        self.rng = np.random.default_rng(1)

    def picture(self):
        return projection.transform(self.rng.integers(
            0, 256, (32, 64, 3)).astype(float))

    def test_is_the_codec(self):
        try:
            import torch  # noqa: F401
        except ImportError as why:
            self.skipTest(str(why))
        self.assertLess(projection.check(self.p, self.picture()), 1e-9)

    def test_rank(self):
        """About a projection, of 12 of 192 dimensions."""
        u, v = self.p.at(2)
        values = np.linalg.svd(v[5] @ u[5], compute_uv=False)
        self.assertTrue((values[:12] > 0.3).all())
        self.assertTrue((values[12:] < 1e-9).all())

    def test_white_noise(self):
        """Moments of white noise: what is let through and what is lost are what
        the operator does to samples of it."""
        sigma, got = 20 / 255, np.zeros(robustness.BANDS + 1)
        draws = 60
        for _ in range(draws):
            noise = self.rng.normal(0, sigma, (3, 32, 64))
            out = projection.apply(self.p, projection.aliases(
                np.fft.fft2(noise)))
            out -= np.fft.ifft2(projection.unalias(np.pad(
                self.p.constant()[None, None], ((0, 3), (0, 7), (0, 0))),
                32, 64)).real
            got += projection.rings(np.abs(np.fft.fft2(out)) ** 2) / draws
        through, kept = projection.passed(self.p)
        share = projection.rings(np.full((3, 32, 64), sigma ** 2
                                         * 32 * 64))
        self.assertTrue(np.allclose(got / share, through, atol=0.05))
        # what comes out at another frequency is never less than nothing
        self.assertTrue((kept <= through + 1e-9).all())
        self.assertAlmostEqual(math.fsum(through * share) / sigma ** 2,
                               12 / 192, delta=0.05)


if __name__ == '__main__':
    unittest.main()
