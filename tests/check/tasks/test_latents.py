#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libwalloc from numpy, intervals, paired counts, early stopping."""
import io
import os
import sys
import unittest

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', '..', '..', 'training', 'tasks'))
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import parts  # noqa: E402
import latents  # noqa: E402
import progress  # noqa: E402
import report  # noqa: E402


def picture(h=67, w=91, seed=0):
    """Smooth colours with a little noise, uint8 [h, w, 3]."""
    y, x = np.mgrid[:h, :w]
    rgb = np.stack([128 + 90 * np.sin(x / 9), 128 + 80 * np.cos(y / 7),
                    (2 * x + y) % 256], -1)
    rgb += np.random.default_rng(seed).normal(0, 4, rgb.shape)
    return np.clip(rgb, 0, 255).astype(np.uint8)


class Latents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.codec = latents.Codec()

    def test_values_are_integers_times_steps(self):
        frame = self.codec.encode(picture(), 70)
        integers, steps = self.codec.integers(frame)
        values, step, scale = self.codec.latents(frame)
        self.assertEqual(values.shape, (len(steps), 9, 12))
        self.assertEqual(scale, 0)
        self.assertAlmostEqual(step, float(steps[0]))
        np.testing.assert_array_equal(
            values, integers * steps[:, None, None].astype(np.float32))
        self.assertGreater(np.abs(integers).max(), 5)

    def test_channels_are_cut_or_filled_with_zeros(self):
        frame = self.codec.encode(picture(), 70)
        full = self.codec.latents(frame).values
        np.testing.assert_array_equal(self.codec.latents(frame, 12).values,
                                      full[:12])
        more = self.codec.latents(frame, 500).values
        self.assertEqual(more.shape[0], 500)
        np.testing.assert_array_equal(more[:len(full)], full)
        self.assertFalse(more[len(full):].any())

    def test_keeps_the_first_channels(self):
        codec = latents.Codec()
        frame = codec.encode(picture(), 70)
        full = codec.latents(frame).values
        codec.keep(24)
        self.assertGreater(len(full), 24)
        np.testing.assert_array_equal(codec.latents(frame).values, full[:24])

    def test_energy_is_that_of_the_samples(self):
        # a nearly orthonormal transform of 8x8 equal samples about mid grey
        for grey in (40, 200):
            frame = self.codec.encode(np.full((64, 64), grey, np.uint8), 90)
            values = self.codec.latents(frame).values
            self.assertAlmostEqual(
                float(np.sqrt((values ** 2).sum(0)).mean())
                / (8 * abs(grey - 128)), 1, delta=.1)
            self.assertGreater(np.abs(values[0]).mean(),
                               8 * np.abs(values[1:]).mean())

    def test_scale(self):
        frame = self.codec.encode(picture(128, 96), 50, shrink=2)
        values, _, scale = self.codec.latents(frame, 12)
        self.assertEqual((scale, values.shape), (1, (12, 8, 6)))

    @parts.needs('onnx')
    def test_decode(self):
        rgb = picture()
        for decoder, reduce in (('linear', 0), ('fast', 0), ('linear', 1)):
            out = self.codec.decode(self.codec.encode(rgb, 95), decoder,
                                    reduce)
            want = rgb if not reduce else rgb[::2, ::2]
            self.assertEqual(out.shape, want.shape)
            if not reduce:
                self.assertLess(np.abs(out.astype(int) - rgb).mean(), 4)
        grey = self.codec.decode(self.codec.encode(rgb[..., 1], 95))
        self.assertLess(np.abs(grey.astype(int) - rgb[..., 1]).mean(), 4)

    def test_i420(self):
        y, x = np.mgrid[:67, :91]
        rgb = np.stack([x, y, 128 + (x - y) // 2], -1).astype(np.uint8)
        planes = latents.i420_of_rgb(rgb)
        self.assertLess(np.abs(latents.rgb_of_i420(planes).astype(int)
                               - rgb).mean(), 2)
        limited = latents.i420_of_rgb(np.full((4, 4, 3), 255, np.uint8),
                                      full=False)
        self.assertEqual((limited[0][0, 0], limited[1][0, 0]), (235, 128))
        frame = self.codec.encode(planes, 95)
        self.assertEqual(self.codec.info(frame).format, latents.I420)
        self.assertLess(np.abs(self.codec.decode(frame).astype(int)
                               - rgb).mean(), 4)

    def test_damaged_frames_are_refused(self):
        frame = self.codec.encode(picture(), 50)
        for bad in (b'', frame[:20], frame[:-1], b'\0' + frame[1:],
                    frame[:60] + bytes([frame[60] ^ 1]) + frame[61:]):
            with self.assertRaises(latents.WallocError):
                self.codec.latents(bad)
        self.codec.latents(frame)

    def test_wrong_arguments(self):
        with self.assertRaises(latents.WallocError) as e:
            self.codec.encode(picture(), 101)
        self.assertEqual(e.exception.code, -1)
        with self.assertRaises(ValueError):
            self.codec.encode(picture().astype(np.float32))
        with self.assertRaises(ValueError):
            self.codec.encode(np.zeros((8, 8, 4), np.uint8))
        with self.assertRaises(ValueError):
            self.codec.encode((np.zeros((8, 8), np.uint8),) * 3)

    def test_what_is_not_there_is_named(self):
        with self.assertRaisesRegex(latents.WallocError, 'no-such.so'):
            latents.Codec(library='/tmp/no-such.so')
        with self.assertRaisesRegex(latents.WallocError, 'photo-77'):
            latents.Codec('photo-77')

    def test_another_layout_is_noticed(self):
        whole = latents.FrameInfo
        fields = [f for f in whole._fields_ if f[0] != 'mask']
        cut = type('Cut', (latents.c.Structure,), {'_fields_': fields})
        try:
            latents.FrameInfo = cut
            with self.assertRaisesRegex(latents.WallocError,
                                        'walloc_frame_info'):
                latents.Codec()
        finally:
            latents.FrameInfo = whole


class Figures(unittest.TestCase):
    def test_wilson(self):
        # the two ends solve (p - q)^2 = z^2 q (1 - q) / n
        for right, count in ((0, 10), (81, 263), (263, 263)):
            for q in report.wilson(right, count):
                if 0 < q < 1:
                    self.assertAlmostEqual(
                        (right / count - q) ** 2,
                        1.96 ** 2 * q * (1 - q) / count, 9)
        self.assertEqual(report.wilson(0, 0), (0.0, 1.0))
        low, high = report.wilson(15, 15)
        self.assertTrue(.7 < low < .85 and high > .999)

    def test_paired(self):
        a = [1] * 8 + [0] * 2 + [1] * 5
        b = [0] * 8 + [1] * 2 + [1] * 5
        r = report.paired(a, b)
        self.assertEqual((r['only_a'], r['only_b'], r['both'], r['neither']),
                         (8, 2, 5, 0))
        self.assertAlmostEqual(r['p'], 2 * (1 + 10 + 45) / 1024)
        self.assertAlmostEqual(r['points'], 40)
        self.assertEqual(report.paired([1, 0], [1, 0])['p'], 1)
        with self.assertRaises(ValueError):
            report.paired([1], [1, 0])

    def test_confusion(self):
        m = report.confusion([0, 0, 1, 2], [0, 1, 1, 0], 3)
        self.assertEqual(m.tolist(), [[1, 1, 0], [0, 1, 0], [1, 0, 0]])

    def test_early_stop(self):
        stop = progress.EarlyStop(2)
        kept = [stop.better(v, lambda v=v: v) for v in (1, 3, 2, 3, 9)]
        self.assertEqual(kept, [True, True, False, False, True])
        stop = progress.EarlyStop(2)
        for v in (3, 1):
            stop.better(v, lambda v=v: v)
            self.assertFalse(stop.over)
        stop.better(2, lambda: 2)
        self.assertTrue(stop.over)
        self.assertEqual((stop.best, stop.state, stop.at), (3, 3, 1))

    def test_progress(self):
        out = io.StringIO()
        with progress.Progress(20, 'work', out) as bar:
            for _ in range(20):
                bar.step()
        self.assertIn('work 20/20, 0:00 left', out.getvalue())
        self.assertEqual(progress.clock(3725), '1:02:05')


if __name__ == '__main__':
    unittest.main()
