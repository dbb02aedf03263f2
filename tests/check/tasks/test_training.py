#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The four steps from a folder of pictures to a network, and what they refuse."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import onnx
import torch
from PIL import Image

TASKS = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(
    __file__)), '..', '..', '..', 'training', 'tasks'))
sys.path.insert(0, TASKS)
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import parts  # noqa: E402
import export  # noqa: E402
import joint  # noqa: E402
import networks  # noqa: E402
import pictures  # noqa: E402
import resample  # noqa: E402
import streams  # noqa: E402
import time_classify  # noqa: E402
import train_classify  # noqa: E402
from latents import Codec, WallocError  # noqa: E402


def run(script, *args):
    """(exit status, what it printed) of one of the steps."""
    done = subprocess.run([sys.executable, os.path.join(TASKS, script),
                           *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def draw_folder(path, count=20):
    """Two classes that any classifier tells apart: stripes and spots."""
    y, x = np.mgrid[:96, :128]
    for name in ('spots', 'stripes'):
        os.makedirs(os.path.join(path, name))
        for n in range(count):
            rng = np.random.default_rng(n)
            a, b = rng.uniform(3, 6, 2)
            wave = np.sin(x / a) if name == 'stripes' else \
                (np.sin(x / a) * np.sin(y / b) > .3) * 2.0 - 1
            rgb = 128 + 60 * wave[..., None] * rng.uniform(.5, 1, 3)
            Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8)).save(
                os.path.join(path, name, f'{n:03}.png'))


class Steps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory()
        cls.dir = cls.keep.name
        draw_folder(cls.at('pictures'))
        cls.prepared = run('prepare.py', cls.at('pictures'), '--out',
                           cls.at('set'), '--crops', 64, '--variants', 6,
                           '--qualities', '20,50,80', '--upright')
        cls.trained = run('train_classify.py', cls.at('set'), '--out',
                          cls.at('net'), '--epochs', 12, '--look', 4,
                          '--batch', 8, '--widths', '16,24,32',
                          '--val-qualities', '20,80')

    @classmethod
    def tearDownClass(cls):
        cls.keep.cleanup()

    @classmethod
    def at(cls, name):
        return os.path.join(cls.dir, name)

    def test_set(self):
        self.assertEqual(self.prepared[0], 0, self.prepared[1])
        frames = streams.FrameSet(self.at('set'))
        self.assertEqual(frames.labels, ['spots', 'stripes'])
        # 4, 4 and 12 of 20 pictures; 3 qualities, and 6 variants of 3
        for split, count in (('test', 24), ('val', 24), ('train', 432)):
            self.assertEqual(len(frames.where(split)), count)
        seen = [set(frames.index['picture'][frames.where(s)])
                for s in streams.SPLITS]
        self.assertFalse(seen[0] & seen[1] | seen[0] & seen[2]
                         | seen[1] & seen[2])
        i = frames.where('train')[5]
        codec = Codec()
        info = codec.info(frames.frame(i))
        self.assertEqual((info.width, info.height), (64, 64))
        # the pixels that can be had again are those that were encoded
        i = frames.where('train', quality=80)[0]
        error = frames.pixels(i).astype(int) - codec.decode(frames.frame(i))
        self.assertLess(np.abs(error).mean(), 12)

    def test_epoch_has_every_picture_once(self):
        frames = streams.FrameSet(self.at('set'))
        reader = streams.Reader(frames, 'latents', 24)
        rng = np.random.default_rng(1)
        drawn = [frames.index[np.concatenate(streams.epoch_batches(
            reader, 'train', 5, rng, whole=False))] for _ in range(2)]
        for rows in drawn:
            self.assertEqual(len(set(rows['picture'])), len(rows))
            self.assertGreaterEqual(len(rows), 22)
        self.assertNotEqual(drawn[0]['offset'].tolist(),
                            drawn[1]['offset'].tolist())

    @parts.needs('onnx')
    def test_learns_tests_and_exports(self):
        self.assertEqual(self.trained[0], 0, self.trained[1])
        code, text = run('test_classify.py', self.at('set'),
                         'mine=' + self.at('net.pt'), '--out',
                         self.at('report'), '--keep', '12')
        self.assertEqual(code, 0, text)
        self.assertTrue(os.path.exists(self.at('report.png')))
        with open(self.at('report.json')) as f:
            figures = json.load(f)
        at = figures['networks']['mine']['qualities']['80']
        self.assertGreaterEqual(at['right'], 7)         # of 8
        self.assertEqual(at['count'], 8)
        self.assertLess(at['low'], at['accuracy'])
        self.assertLess(figures['bpp']['20'], figures['bpp']['80'])
        self.assertIn('80', figures['kept']['12'])
        code, text = run('export_classify.py', self.at('net.pt'), '--name',
                         'mine-1', '--out', self.at('mine.onnx'))
        self.assertEqual(code, 0, text)
        with open(self.at('mine.onnx'), 'rb') as f:
            data = f.read()
        net = export.Net(data)
        self.assertEqual(net.inputs, ['latents', 'step', 'scale'])
        self.assertEqual(json.loads(net.metadata('walloc.labels')),
                         ['spots', 'stripes'])
        codec = Codec()
        self.assertEqual(int(net.metadata('walloc.model'), 16),
                         codec.model_id)
        # the file answers as the network did, test picture by test picture
        code, text = run('test_sizes.py', self.at('set'), self.at(
            'mine.onnx'), '--out', self.at('x'))
        self.assertEqual(code, 1, text)
        self.assertIn('does not say its size', text)
        frames = streams.FrameSet(self.at('set'))
        answers = []
        for i in frames.where('test', quality=80):
            v, step, scale = codec.latents(frames.frame(i), 24)
            answers.append(int(net.run({
                'latents': v[None], 'step': np.float32([step]),
                'scale': np.float32([scale])})['logits'].argmax()))
        self.assertEqual(' '.join(map(str, answers)), at['answers'])

    def test_batches_of_several_scales(self):
        """Frames coded whole and at half size are given in one size, each as
        if it was read alone."""
        frames = streams.FrameSet(self.at('set'))
        self.assertEqual(set(frames.index['scale']), {0, 1, 2})
        plain = streams.Reader(frames, 'latents', 24)
        sized = streams.Reader(frames, 'latents', 24, maps=resample.fit(
            plain.codec, 24, [frames.pixels(i) for i in frames.where(
                'test', quality=80)]), size=64)
        rng = np.random.default_rng(1)
        mixed = 0
        for rows in streams.epoch_batches(sized, 'train', 8, rng):
            x, step, scale, label = streams.read_batch(sized, rows)
            mixed += len(set(scale)) > 1
            self.assertEqual(x.shape[1:], (24, *sized.shape(rows[0])))
            self.assertEqual(label.tolist(),
                             frames.index['label'][rows].tolist())
            for n, i in enumerate(rows):
                one = streams.read_batch(sized, [i])
                np.testing.assert_allclose(x[n], one[0][0], rtol=1e-4,
                                           atol=1e-3)
                self.assertEqual((step[n], scale[n]), (one[1][0], one[2][0]))
        self.assertGreater(mixed, 0)
        for rows in streams.epoch_batches(plain, 'train', 8, rng):
            self.assertEqual(len(set(frames.index['scale'][rows])), 1)

    @parts.needs('onnx')
    def test_matches_pixels_and_sees_one_size(self):
        common = ('--epochs', 2, '--look', 1, '--batch', 8, '--widths',
                  '16,24', '--val-qualities', '80', '--first', 8)
        code, text = run('train_classify.py', self.at('set'), '--input',
                         'pixels', '--out', self.at('pixels'), *common)
        self.assertEqual(code, 0, text)
        for kind, *more in (('latents', '--size', 64, '--fine', 8),
                            ('decoded',)):
            code, text = run('train_classify.py', self.at('set'), '--input',
                             kind, '--out', self.at(kind), '--start',
                             self.at('pixels.pt'), '--match', 3, *common,
                             *more)
            self.assertEqual(code, 0, text)
            left = [float(line.split()[1]) for line in text.splitlines()
                    if line.startswith('matched')]
            self.assertEqual(len(left), 3)
            self.assertLess(left[2], left[0])
        code, text = run('export_classify.py', self.at('latents.pt'),
                         '--name', 'sized', '--channels', 12, '--out',
                         self.at('sized.onnx'))
        self.assertEqual(code, 0, text)
        net = time_classify.Network(self.at('sized.onnx'), 'f32')
        self.assertEqual((net.size, net.channels), (64, 12))
        # the file, its graphs and this reader's order of them answer as torch
        module, config = train_classify.load(self.at('latents.pt'))
        frames = streams.FrameSet(self.at('set'))
        reader = streams.Reader(frames, 'latents', 12,
                                maps=config['maps'].cut(12), size=64)
        module.fold().cut(12)
        scales = set()
        for i in frames.where('test'):
            row = frames.index[i]
            scales.add(int(row['scale']))
            got = net.run(reader.codec.latents(frames.frame(i), 12),
                          int(row['width']), int(row['height']))
            with torch.no_grad():
                want = module(*map(torch.from_numpy, streams.read_batch(
                    reader, [i])[:3]))[0].numpy()
            np.testing.assert_allclose(got, want, atol=.03 * max(
                1, np.abs(want).max()))
        self.assertEqual(scales, {0, 1, 2})
        # at its own size nothing is resampled, at three times that it is
        code, text = run('test_sizes.py', self.at('set'),
                         self.at('sized.onnx'), '--sides', '64,192',
                         '--qualities', '90', '--out', self.at('sizes'))
        self.assertEqual(code, 0, text)
        with open(self.at('sizes.json')) as f:
            sides = json.load(f)['sides']
        same, large = (sides[k]['90'] for k in ('64', '192'))
        self.assertEqual(same['resampled']['count'], 8)
        self.assertEqual(same['resampled'], same['as it is'])
        self.assertEqual(large['paired']['only_a'] - large['paired']['only_b'],
                         large['resampled']['right']
                         - large['as it is']['right'])

    def test_goes_on_from_another_network(self):
        code, text = run('train_classify.py', self.at('set'), '--out',
                         self.at('more'), '--start', self.at('net.pt'),
                         '--frozen', '--epochs', 2, '--look', 1, '--batch', 8,
                         '--val-qualities', '80')
        self.assertEqual(code, 0, text)
        old, new = (train_classify.load(self.at(n))[0].state_dict()
                    for n in ('net.pt', 'more.pt'))
        moved = {k for k in old if not torch.equal(old[k], new[k])}
        self.assertEqual(moved, {'trunk.head.weight', 'trunk.head.bias'})

    def test_wrong_input_is_named(self):
        os.makedirs(self.at('empty'), exist_ok=True)
        for args, words in (
                (('prepare.py', self.at('empty'), '--out', self.at('x')),
                 'one folder of pictures'),
                (('prepare.py', self.at('pictures'), '--out', self.at('x'),
                  '--crops', 16), 'choose --crops'),
                (('prepare.py', self.at('pictures'), '--out', self.at('x'),
                  '--qualities', '0,50'), 'qualities are 1 to 100'),
                (('train_classify.py', self.at('empty'), '--out',
                  self.at('x')), 'make one with prepare.py'),
                (('train_classify.py', self.at('set'), '--out', self.at('x'),
                  '--val-qualities', '33'), 'no validation frames'),
                (('train_classify.py', self.at('set'), '--out', self.at('x'),
                  '--start', self.at('net.pt'), '--input', 'decoded',
                  '--val-qualities', '20'), 'has input latents'),
                (('train_classify.py', self.at('set'), '--out', self.at('x'),
                  '--match', 2, '--val-qualities', '20'),
                 '--match goes with'),
                (('test_classify.py', self.at('set'), __file__, '--out',
                  self.at('x')), 'no classifier')):
            code, text = run(*args)
            self.assertEqual(code, 1, text)
            self.assertIn(words, text)
            self.assertNotIn('Traceback', text)


class Networks(unittest.TestCase):
    def test_folding_changes_nothing(self):
        torch.manual_seed(0)
        net = networks.LatentClassifier(96, 4, (16, 24, 32),
                                        torch.rand(96) * 50 + 1, 300.0)
        net.train()
        inputs = torch.randn(8, 96, 12, 10) * 40, torch.rand(8) * 90 + 1, \
            torch.randint(0, 3, (8,)).float()
        torch.nn.init.normal_(net.rate.weight, std=.3)
        for _ in range(3):
            net(*inputs)
        net.eval()
        with torch.no_grad():
            before = net(*inputs)
            after = net.fold()(*inputs)
            self.assertLess(float((before - after).abs().max()), 1e-4)
            fewer = inputs[0].clone()
            fewer[:, 24:] = 0
            before = net(fewer, *inputs[1:])
            after = net.cut(24)(fewer[:, :24], *inputs[1:])
        self.assertLess(float((before - after).abs().max()), 1e-4)
        with self.assertRaises(ValueError):
            net.cut(25)

    def test_twins_are_of_one_size(self):
        a = networks.LatentClassifier(24, 6, wide=64, blocks=1)
        b = networks.PixelClassifier(6)
        self.assertLess(abs(networks.parameters(b) / networks.parameters(a)
                            - 1), .05)
        self.assertEqual(networks.work(torch.nn.Conv2d(3, 5, 3, padding=1),
                                       torch.zeros(1, 3, 7, 6)), 7 * 6 * 135)

    @parts.needs('onnx')
    def test_export_checks_what_it_writes(self):
        class Off(torch.nn.Module):
            """Another function in training mode than in the file."""
            def __init__(self):
                super().__init__()
                self.a = torch.nn.Conv2d(12, 40, 1)

            def forward(self, latents):
                y = self.a(latents).mean((2, 3))
                return y if torch.onnx.is_in_onnx_export() else 1.1 * y

        class Odd(Off):
            """An operator that libwalloc does not know."""
            def forward(self, latents):
                return torch.fmod(self.a(latents), 1.0)

        inputs = {'latents': torch.randn(1, 12, 5, 6)}
        meta = export.task_metadata('classify', 'x-1', 1, 12, ['a', 'b'])
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, 'x.onnx')
            with self.assertRaisesRegex(ValueError, 'differs from torch'):
                export.save(Off(), inputs, ['logits'], path, meta)
            with self.assertRaisesRegex(WallocError, 'Mod'):
                export.save(Odd(), inputs, ['logits'], path, meta)
            self.assertFalse(os.path.exists(path))
        with self.assertRaises(ValueError):
            export.task_metadata('guess', 'x-1', 1, 12)
        with self.assertRaises(WallocError):
            export.Net(b'no network')

    def test_weights_are_halves_behind_casts(self):
        net = torch.nn.Conv2d(12, 40, 1)
        data = export.to_bytes(net, {'latents': torch.zeros(1, 12, 4, 4)},
                               ['logits'], {})
        model = onnx.load_from_string(data)
        kinds = {t.data_type for t in model.graph.initializer}
        self.assertEqual(kinds, {onnx.TensorProto.FLOAT16})

    def test_early_groups_stay_together(self):
        groups = ['a'] * 5 + ['b'] * 7 + ['c'] * 3 + list('defgh')
        sides = pictures.split_by_group(groups, 3)
        for g in set(groups):
            self.assertEqual(len({s for s, h in zip(sides, groups)
                                  if h == g}), 1)
        self.assertEqual(set(sides), {'train', 'val', 'test'})
        with self.assertRaises(ValueError):
            pictures.split_by_group(['a', 'b', 'b'])

    def test_another_projection_still_codes(self):
        source = joint.find_model('photo-1')
        group = joint.ordered.Codec(source).group[:24]
        same = group[:, None] == group[None]
        rng = np.random.default_rng(2)
        matrix = np.eye(24) + .1 * rng.normal(size=(24, 24)) * same
        y, x = np.mgrid[:96, :64]
        rgb = np.stack([2 * x, 128 + 80 * np.sin(x / 5 + y / 9), 2 * y],
                       -1).astype(np.uint8)
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, 'other-1.wlm')
            joint.write_codec(source, path, matrix)
            old, new = Codec(source), Codec(path)
            self.assertNotEqual(old.model_id, new.model_id)
            a, b = (c.latents(c.encode(rgb, 95), 24).values
                    for c in (old, new))
            want = np.tensordot(matrix, a, (1, 0))
            self.assertLess(np.abs(b - want).mean(),
                            .05 * np.abs(want).mean())
            self.assertGreater(np.abs(b - a).mean(), .1 * np.abs(a).mean())
            for codec in (old, new):
                error = codec.decode(codec.encode(rgb, 95)).astype(int) - rgb
                self.assertLess(np.abs(error).mean(), 3)

    def test_quantiser_is_that_of_the_encoder(self):
        source = joint.find_model('photo-1')
        tensors, _ = joint.walloc_model.load(source)
        matrices = joint.ordered.Codec(source)
        y, x = np.mgrid[:96, :128]
        rgb = np.stack([128 + 90 * np.sin(x * y / 300), 2 * x, 255 - 2 * y],
                       -1).astype(np.uint8)
        latent = np.tensordot(matrices.analysis[:48], joint.coefficients(
            rgb[None])[0], (1, 0)).astype(np.float32)
        model = joint.Projection(
            matrices.group[:48], 48, 2 ** (80 / 16),
            tensors['codec.rounding'][np.searchsorted(
                tensors['codec.set_limit'], 80)][:48] / 256.0)
        value = model(torch.from_numpy(latent[None]))[0][0].detach().numpy()
        codec = Codec(source)
        real = codec.latents(codec.encode(rgb, step_index=80, shrink=1),
                             48).values
        self.assertGreater((real != 0).mean(), .03)
        self.assertGreater((np.abs(value - real) < .5).mean(), .97)

    def test_average_follows(self):
        net = torch.nn.Linear(2, 2)
        mean = train_classify.Average(net, .9)
        with torch.no_grad():
            net.weight.fill_(5.0)
        for _ in range(200):
            mean.update(net)
        self.assertLess(float((mean.net.weight - 5).abs().max()), 1e-3)


if __name__ == '__main__':
    unittest.main()
