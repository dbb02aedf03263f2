#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Latents at twice and at half the size (training/tasks/resample.py):
docs/design/latent-inference.md, "Size"."""
import base64
import os
import sys
import tempfile
import unittest

import numpy as np
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, 'training', 'tasks'))
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import parts  # noqa: E402

import torch  # noqa: E402

import export  # noqa: E402
import resample  # noqa: E402
from latents import Codec, WallocError  # noqa: E402

K = 12


def soft_picture(seed, height=192, width=256):
    """Spots of all sizes from 12 pixels on, which half the size can hold."""
    rng = np.random.default_rng(seed)
    out = np.full((height, width, 3), 128.0, np.float32)
    for side in (96, 48, 24, 12):
        noise = rng.normal(0, 3 * side ** .5, (
            3, height // side + 2, width // side + 2)).astype(np.float32)
        out += np.stack([np.asarray(Image.fromarray(plane).resize(
            (width, height), Image.BICUBIC)) for plane in noise], -1)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


class Plan(unittest.TestCase):
    def test_contract(self):
        for args, want in (
                ((341, 256, 0, 256), (0, 0)), ((341, 256, 1, 256), (1, 0)),
                ((341, 256, 2, 256), (2, 0)), ((1920, 1080, 0, 256), (0, 2)),
                ((1920, 1080, 1, 256), (0, 1)), ((1920, 1080, 2, 256), (0, 0)),
                # never larger than the picture was
                ((100, 90, 0, 256), (0, 0)), ((100, 90, 1, 256), (1, 0)),
                # at most three halvings, upright or not
                ((9000, 8000, 0, 256), (0, 3)), ((8000, 9000, 0, 256), (0, 3)),
                # 362 is below 256 sqrt (2), 363 above
                ((400, 362, 0, 256), (0, 0)), ((400, 363, 0, 256), (0, 1)),
                ((400, 362, 1, 256), (1, 0)), ((400, 362, 2, 256), (2, 0)),
                ((400, 363, 1, 256), (0, 0)),
                ((1920, 1080, 0, 0), (0, 0))):
            self.assertEqual(resample.plan(*args), want, args)

    def test_directions_that_are_not_there(self):
        self.assertEqual(resample.plan(341, 256, 1, 256, enlarge=False),
                         (0, 0))
        self.assertEqual(resample.plan(1920, 1080, 0, 256, reduce=False),
                         (0, 0))


class Fitted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(1)
        cls.codec = Codec()
        cls.maps = resample.fit(cls.codec, K,
                                [soft_picture(s) for s in range(12)])

    def test_near_what_the_encoder_gives(self):
        pictures = [soft_picture(100 + s) for s in range(3)]
        errors = resample.errors(self.codec, self.maps, pictures)
        for name in ('enlarge', 'reduce'):
            error, energy = errors[name]
            self.assertGreater(10 * np.log10(energy.sum() / error.sum()), 15,
                               name)

    def test_luma_and_chroma_stay_apart(self):
        signals = resample.signals(self.codec, K)
        self.assertEqual(sorted(set(signals)), [0, 1])
        x = torch.zeros(1, K, 8, 8)
        x[:, [k for k in range(K) if signals[k] == 0]] = 50
        for module in (self.maps.enlarge, self.maps.reduce):
            y = module(x)[0]
            for k in range(K):
                if signals[k]:
                    self.assertEqual(float(y[k].abs().max()), 0)

    def test_sizes_step_and_scale(self):
        one, zero = torch.ones(2), torch.zeros(2)
        x, step, scale = self.maps.fitted(     # 43 x 34 of 86 x 68 is cut
            torch.randn(2, K, 17, 22), 8 * one, one, 341, 271, 256)
        self.assertEqual(tuple(x.shape), (2, K, 34, 43))
        self.assertEqual((float(step[0]), float(scale[0])), (8, 1))
        x, step, scale = self.maps.fitted(
            torch.randn(2, K, 135, 240), 8 * one, zero, 1920, 1080, 256)
        self.assertEqual(tuple(x.shape), (2, K, 34, 60))
        self.assertEqual((float(step[0]), float(scale[0])), (2, 0))
        given = torch.randn(2, K, 33, 43)
        x, step, scale = self.maps.fitted(given, 8 * one, zero, 341, 264, 256)
        self.assertTrue(torch.equal(x, given))

    def test_scales_mixed(self):
        with self.assertRaisesRegex(ValueError, 'several scales'):
            self.maps.fitted(torch.zeros(2, K, 4, 4), torch.ones(2),
                             torch.tensor([0., 1.]), 64, 64, 256)

    @parts.needs('onnx')
    def test_graphs(self):
        graphs = self.maps.metadata()
        self.assertEqual(sorted(graphs), ['enlarge', 'reduce'])
        for name, text in graphs.items():
            net = export.Net(base64.b64decode(text))
            self.assertEqual((net.inputs, net.outputs),
                             (['latents'], ['latents_out']))
            for h, w in ((1, 1), (2, 7), (5, 4)):
                x = np.random.default_rng(h).normal(
                    0, 50, (1, K, h, w)).astype(np.float32)
                got = net.run({'latents': x})['latents_out']
                want = getattr(self.maps, name)(torch.from_numpy(x)).numpy()
                self.assertEqual(got.shape, want.shape)
                self.assertEqual(got.shape[2], 2 * h if name == 'enlarge'
                                 else -(-h // 2))
                np.testing.assert_allclose(
                    got, want, atol=2e-3 * np.abs(x).max())
            with self.assertRaises(WallocError):
                net.run({'latents': np.zeros((1, K + 1, 4, 4), np.float32)})

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'maps.pt')
            torch.save(self.maps.state_dict(), path)
            again = resample.load(path)
            self.assertTrue(torch.equal(again.reduce.conv.weight,
                                        self.maps.reduce.conv.weight))
            for wrong in ({'other': torch.zeros(1)}, [1, 2], {
                    n + '.conv.weight': 3 for n in resample.FAR}):
                torch.save(wrong, path)
                with self.assertRaisesRegex(ValueError, 'no maps'):
                    resample.load(path)
            for text in ('', 'no file of PyTorch'):
                with open(path, 'w') as f:
                    f.write(text)
                with self.assertRaisesRegex(ValueError, 'no maps'):
                    resample.load(path)

    def test_reads_no_more_than_tells(self):
        """Half the size has nothing of the high bands."""
        maps = resample.fit(self.codec, 24,
                            [soft_picture(s) for s in range(12)])
        self.assertLess(maps.reduce.conv.in_channels, 24)
        x = torch.randn(1, 24, 6, 6)
        y = x.clone()
        y[:, maps.reduce.conv.in_channels:] = 0
        self.assertTrue(torch.equal(maps.reduce(x), maps.reduce(y)))
        few = maps.cut(4)
        self.assertTrue(torch.allclose(
            few.reduce(x[:, :4]), maps.reduce(torch.cat(
                [x[:, :4], 0 * x[:, 4:]], 1))[:, :4], atol=1e-4))

    def test_no_pictures(self):
        with self.assertRaisesRegex(ValueError, 'no pictures'):
            resample.fit(self.codec, K, [])


if __name__ == '__main__':
    unittest.main()
