#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of what the benchmarks compute: each measure against a second
computation that is written another way. Exit status 77: numpy is missing."""
import json
import os
import sys
import tempfile
import unittest

try:
    import numpy as np
except ImportError:
    print("numpy is missing")
    sys.exit(77)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import common           # noqa: E402
import deep_features    # noqa: E402
import metrics          # noqa: E402


def picture(seed, height=200, width=232):
    """Something with edges, slopes and noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    planes = [128 + 60 * np.sin(x / 9 + k) + 40 * (y > 90 + 20 * k)
              + random.normal(0, 6, (height, width)) for k in range(3)]
    return np.clip(np.stack(planes, 2), 0, 255).astype(np.uint8)


def damaged(rgb, seed, sigma):
    noise = np.random.default_rng(seed).normal(0, sigma, rgb.shape)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)


def window():
    y, x = np.mgrid[-5:6, -5:6]
    w = np.exp(-(x * x + y * y) / (2 * 1.5 * 1.5))
    return w / w.sum()


def reference_ms_ssim(a, b):
    """The definition, window by window: central moments about the local
    means, one two-dimensional window, borders left out."""
    from numpy.lib.stride_tricks import sliding_window_view
    exponents = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
    w = window()
    x, y = (0.299 * p[:, :, 0] + 0.587 * p[:, :, 1] + 0.114 * p[:, :, 2]
            for p in (a.astype(float), b.astype(float)))
    result = 1.0
    for scale in range(5):
        xs, ys = (sliding_window_view(p, (11, 11)) for p in (x, y))
        mx, my = ((v * w).sum((2, 3)) for v in (xs, ys))
        dx, dy = xs - mx[:, :, None, None], ys - my[:, :, None, None]
        vx, vy = (w * dx * dx).sum((2, 3)), (w * dy * dy).sum((2, 3))
        both = (w * dx * dy).sum((2, 3))
        structure = (2 * both + 58.5225) / (vx + vy + 58.5225)
        if scale == 4:
            structure *= (2 * mx * my + 6.5025) / (mx ** 2 + my ** 2 + 6.5025)
        result *= structure.mean() ** exponents[scale]
        h, v = x.shape[0] // 2, x.shape[1] // 2
        x, y = (p[:2 * h, :2 * v].reshape(h, 2, v, 2).mean((1, 3))
                for p in (x, y))
    return result


def reference_convolution(x, weights, stride, apart):
    """Sample by sample; apart: each channel alone."""
    rows, columns, inputs, outputs = weights.shape
    height, width = -(-x.shape[0] // stride), -(-x.shape[1] // stride)
    top = max((height - 1) * stride + rows - x.shape[0], 0) // 2
    left = max((width - 1) * stride + columns - x.shape[1], 0) // 2
    out = np.zeros((height, width, inputs if apart else outputs))
    for r in range(height):
        for c in range(width):
            for i in range(rows):
                for j in range(columns):
                    v, h = r * stride + i - top, c * stride + j - left
                    if 0 <= v < x.shape[0] and 0 <= h < x.shape[1]:
                        out[r, c] += x[v, h] * weights[i, j, :, 0] if apart \
                            else x[v, h] @ weights[i, j]
    return out


class Metrics(unittest.TestCase):
    def test_psnr(self):
        a = picture(1)
        b = a.copy()
        b[0, 0, 0] ^= 8
        expected = 10 * np.log10(255 ** 2 / (64 / a.size))
        self.assertAlmostEqual(metrics.psnr(a, b), expected, 9)
        self.assertEqual(metrics.psnr(a, a), 99)

    def test_ms_ssim_against_its_definition(self):
        a = picture(2)
        for sigma in (3, 20, 70):
            b = damaged(a, 3, sigma)
            self.assertAlmostEqual(metrics.ms_ssim(a, b),
                                   reference_ms_ssim(a, b), 9)

    def test_ms_ssim_ends(self):
        a = picture(4)
        self.assertAlmostEqual(metrics.ms_ssim(a, a), 1, 12)
        self.assertLess(metrics.ms_ssim(a, damaged(a, 5, 30)),
                        metrics.ms_ssim(a, damaged(a, 5, 10)))
        self.assertTrue(np.isnan(metrics.ms_ssim(a[:175], a[:175])))


class Features(unittest.TestCase):
    def test_convolutions(self):
        random = np.random.default_rng(6)
        for height, width, kernel, stride in ((7, 9, 3, 1), (7, 10, 3, 2),
                                              (8, 7, 5, 2), (4, 4, 1, 1)):
            x = random.normal(size=(height, width, 3)).astype(np.float32)
            w = random.normal(size=(kernel, kernel, 3, 4)).astype(np.float32)
            np.testing.assert_allclose(
                deep_features.convolve(x, w, stride),
                reference_convolution(x, w, stride, False), atol=1e-4)
            np.testing.assert_allclose(
                deep_features.depthwise(x, w[:, :, :, :1], stride),
                reference_convolution(x, w, stride, True), atol=1e-4)

    def test_missing_network(self):
        with self.assertRaisesRegex(RuntimeError, "--fetch"):
            deep_features.Network("/nonexistent")

    def test_distance(self):
        """Of the real network, where it has been fetched."""
        try:
            network = deep_features.Network()
        except RuntimeError as why:
            self.skipTest(str(why))
        a = picture(7, 96, 128)
        f = network.features(a)
        self.assertEqual([x.shape for x in f],
                         [(48, 64, 16), (24, 32, 24), (12, 16, 32),
                          (6, 8, 88), (3, 4, 120)])
        for x in f:
            np.testing.assert_allclose((x * x).sum(2), 1, atol=1e-4)
        distances = [deep_features.distance(f, network.features(
            damaged(a, 8, s))) for s in (0, 5, 20, 60)]
        self.assertEqual(distances[0], 0)
        self.assertEqual(distances, sorted(distances))
        self.assertGreater(distances[1], 0.001)


class Common(unittest.TestCase):
    def test_command_line(self):
        kept = sys.argv
        try:
            sys.argv = [os.path.join(common.ROOT, "tests", "benchmarks",
                                     "x.py"), "--out",
                        os.path.join(common.ROOT, "docs", "x"),
                        "/some/where/kodak/", "--f=/a/b c"]
            self.assertEqual(common.command_line(),
                             "tests/benchmarks/x.py --out docs/x kodak"
                             " '--f=b c'")
        finally:
            sys.argv = kept

    def test_json(self):
        data = {"b": [1, -2.5, 3e-7], "a": [{"x": [[1, 2], [3]]}, []],
                "c": ["1, 2", None, float(4)], "d": "[ 1,  2 ]"}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.json")
            common.write_json(path, data)
            with open(path, encoding="utf-8") as file:
                text = file.read()
        self.assertEqual(json.loads(text), data)
        self.assertIn('"b": [1, -2.5, 3e-07]', text)

    def test_cell(self):
        self.assertEqual([common.cell(v) for v in (None, float("nan"), 1.239)],
                         ["-", "-", "1.24"])


if __name__ == "__main__":
    unittest.main()
