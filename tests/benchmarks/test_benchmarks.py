#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of what the benchmarks make of their figures: interpolation, windows,
searches, sequences. Exit status 77: numpy or Pillow is missing."""
import math
import os
import sys
import unittest

try:
    import numpy as np
    import PIL  # noqa: F401
except ImportError as why:
    print(why)
    sys.exit(77)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compressed_speed # noqa: E402
import error_bands      # noqa: E402
import rate_control     # noqa: E402
import rate_quality     # noqa: E402
import sequences        # noqa: E402
import side_by_side     # noqa: E402
import video_time       # noqa: E402


class Networks(unittest.TestCase):
    def test_shares_of_stages(self):
        time, shares = compressed_speed.measure({
            "cpu_seconds": 0.5, "frames": 20, "stats":
            "application/x-compressed-stats, frames=(guint64)24, "
            "entropy-time=(guint64)300, network-time=(guint64)600, "
            "result-time=(guint64)100;"})
        self.assertAlmostEqual(time, 25)
        self.assertAlmostEqual(shares["entropy"], 0.3)
        self.assertAlmostEqual(shares["network"], 0.6)
        self.assertAlmostEqual(shares["result or synthesis"], 0.1)

    def test_decoder_without_result(self):
        _, shares = compressed_speed.measure({
            "cpu_seconds": 1, "frames": 1, "stats": "entropy-time=(guint64)1,"
            " network-time=(guint64)1, synthesis-time=(guint64)2"})
        self.assertAlmostEqual(shares["result or synthesis"], 0.5)
        self.assertAlmostEqual(compressed_speed.measure(
            {"cpu_seconds": 1, "frames": 4, "stats": None})[0], 250)


class Curves(unittest.TestCase):
    # 30 dB at 0.5 bpp, 5 dB per factor e
    curve = [{"bpp": b, "psnr": 30 + 5 * math.log(b / 0.5),
              "ms_ssim": 1 - 10 ** (-1.2 - 0.8 * math.log10(b)),
              "features": 0.1 / b} for b in (0.125, 0.25, 0.5, 1.0, 2.0)]

    def test_between_points(self):
        bpp = 0.31
        at = rate_quality.interpolate
        self.assertAlmostEqual(at(self.curve, bpp),
                               30 + 5 * math.log(bpp / 0.5), 9)
        self.assertAlmostEqual(at(self.curve, bpp, "ms_ssim"),
                               1 - 10 ** (-1.2 - 0.8 * math.log10(bpp)), 9)
        self.assertAlmostEqual(at(self.curve, bpp, "features"), 0.1 / bpp, 9)

    def test_and_back(self):
        for name in rate_quality.MEASURES:
            value = rate_quality.interpolate(self.curve, 0.7, name)
            self.assertAlmostEqual(
                rate_quality.rate_at(self.curve, value, name), 0.7, 9)

    def test_outside(self):
        self.assertIsNone(rate_quality.interpolate(self.curve, 0.1))
        self.assertIsNone(rate_quality.interpolate(self.curve, 2.1))
        self.assertIsNone(rate_quality.rate_at(self.curve, 60))
        self.assertIsNone(rate_quality.interpolate(
            [{"bpp": 1, "features": None}], 1, "features"))

    def test_means(self):
        nan = float("nan")
        raw = {"jpeg/a": [["jpeg", 10, 0.5, 30, 0.9, 0.2],
                          ["jpeg", 20, 1.0, 34, 0.95, nan]],
               "jpeg/b": [["jpeg", 10, 0.7, 32, 0.8, 0.4],
                          ["jpeg", 20, 1.4, 36, 0.97, 0.1],
                          ["jpeg", 30, 2.0, 40, 0.99, 0.1]]}
        curve = rate_quality.summarise(raw, 2)["jpeg"]
        self.assertEqual([p["quality"] for p in curve], [10, 20])
        self.assertAlmostEqual(curve[0]["bpp"], 0.6)
        self.assertAlmostEqual(curve[0]["psnr"], 31)
        self.assertAlmostEqual(curve[0]["features"], 0.3)
        self.assertIsNone(curve[1]["features"])

    def test_names(self):
        self.assertEqual(rate_quality.full_name("walloc@speed=1", "-fast"),
                         "walloc-fast@speed=1")
        self.assertEqual(rate_quality.full_name("jpeg", ""), "jpeg")
        codecs = rate_quality.make_codecs(
            ["walloc-fast", "walloc-linear",
             "walloc-fast@speed=1+channels=16"])
        self.assertEqual(list(codecs), ["walloc",
                                        "walloc@speed=1+channels=16"])
        self.assertEqual(codecs["walloc"].decoders, ["fast", "linear"])
        self.assertEqual(codecs["walloc@speed=1+channels=16"].properties,
                         "speed=1 channels=16")


class Search(unittest.TestCase):
    def test_nearest(self):
        for function in (lambda n: 7 * n + 3, lambda n: 9000 - 11 * n):
            for goal in (0, 500, 1234, 99999):
                found, (size, _) = side_by_side.nearest(
                    lambda n: (function(n), None), 1, 100, goal)
                self.assertEqual(size, function(found))
                best = min(range(1, 101), key=lambda n: abs(function(n)
                                                            - goal))
                self.assertEqual(abs(size - goal),
                                 abs(function(best) - goal))


class Video(unittest.TestCase):
    def test_rate_at_equal_quality(self):
        points = [{"kbps": k, "psnr": 10 * math.log2(k)}
                  for k in (100, 200, 400)]
        # a dearer and worse point must not bend the curve
        points.append({"kbps": 300, "psnr": 10.0})
        self.assertAlmostEqual(
            video_time.rate_at(points, 10 * math.log2(250)), 250, 6)
        self.assertIsNone(video_time.rate_at(points, 5))

    def test_shares(self):
        intra = [{"quality": q, "kbps": k, "psnr": p} for q, k, p in
                 ((15, 100, 25), (30, 200, 30), (60, 400, 35), (75, 800, 40))]
        half = [{**p, "kbps": p["kbps"] / 2} for p in intra]
        table = video_time.shares({"walloc-intra": intra, "walloc": half})
        self.assertEqual(sorted(table), [30, 60, 75])
        for row in table.values():
            self.assertAlmostEqual(row["walloc-intra"], 1)
            self.assertAlmostEqual(row["walloc"], 0.5)

    def test_drift(self):
        self.assertAlmostEqual(video_time.drift(
            {"frames": [30, 30, 31, 31, 32, 32, 29, 29]}), -1)

    def test_windows(self):
        sizes = np.random.default_rng(1).integers(100, 900, 200)
        rates = rate_control.windows(sizes, 2)
        self.assertEqual(len(rates), 200 - 60 + 1)
        for k in (0, 17, 140):
            self.assertAlmostEqual(rates[k],
                                   sizes[k:k + 60].sum() * 8 / 2 / 1000, 9)

    def test_planes_and_psnr(self):
        data = bytes(range(96)) * 4         # 16x16
        y, u, v = sequences.planes(data, 16, 16)
        self.assertEqual((y.shape, u.shape, v.shape),
                         ((16, 16), (8, 8), (8, 8)))
        self.assertEqual((u[0, 0], v[0, 0]), (256 % 96, 320 % 96))
        other = bytearray(data)
        other[5] += 10
        self.assertAlmostEqual(sequences.psnr(data, bytes(other)),
                               10 * math.log10(255 ** 2 / (100 / 384)), 9)

    def test_noise(self):
        try:
            sequence = sequences.make("static-4", 3, None)
        except sequences.Missing as reason:
            self.skipTest(str(reason))
        again = sequences.make("static-4", 3, None)
        self.assertEqual(sequence.frames, again.frames)
        luma = [sequences.planes(f, 640, 480)[0].astype(float)
                for f in sequence.frames + sequence.clean[:1]]
        self.assertFalse(np.array_equal(luma[0], luma[1]))
        # luma mixes three independent colours
        expected = 4 * math.sqrt(0.299 ** 2 + 0.587 ** 2 + 0.114 ** 2)
        middle = np.abs(luma[3] - 128) < 20
        self.assertAlmostEqual(np.std((luma[0] - luma[3])[middle]), expected,
                               delta=0.3)


class Bands(unittest.TestCase):
    def test_bands_add_up(self):
        random = np.random.default_rng(2)
        a, b = (random.integers(0, 256, (32, 48, 3), np.uint8)
                for _ in range(2))
        errors = error_bands.errors_of(a, b)
        self.assertAlmostEqual(sum(errors[3:]), errors[0], 6)
        luma = (a.astype(float) - b) @ [0.299, 0.587, 0.114]
        self.assertAlmostEqual(errors[0], (luma ** 2).mean(), 6)

    def test_a_flat_error_is_in_the_mean(self):
        a = np.full((16, 16, 3), 100, np.uint8)
        errors = error_bands.errors_of(a, a + 3)
        np.testing.assert_allclose(errors, [9, 0, 0, 9, 0, 0, 0], atol=1e-6)


if __name__ == "__main__":
    unittest.main()
