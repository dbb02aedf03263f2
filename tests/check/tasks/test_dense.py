#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Segmentation and colours: data, figures, the steps, and what they refuse."""
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
import colour_data  # noqa: E402
import colour_net  # noqa: E402
import export  # noqa: E402
import fit  # noqa: E402
import segment_data  # noqa: E402
import segment_net  # noqa: E402
import test_segment  # noqa: E402
import train_segment  # noqa: E402
from latents import Codec, find_model  # noqa: E402


def run(script, *args):
    """(exit status, what it printed)."""
    done = subprocess.run([sys.executable, os.path.join(TASKS, script),
                           *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def scene(rng, h=64, w=96):
    """A picture of a blue and a red field with a border somewhere, some
    texture, and its labels; a strip has no class."""
    edge = int(rng.integers(24, w - 24))
    label = np.zeros((h, w), np.uint8)
    label[:, edge:] = 1
    rgb = np.where(label[..., None] == 0, [60, 90, 190], [190, 70, 60])
    rgb = rgb + rng.normal(0, 10, (h, w, 1)) + rng.uniform(-20, 20)
    label[:4] = 9
    return np.clip(rgb, 0, 255).astype(np.uint8), label


def draw_folder(path, counts=(('train', 8), ('val', 3), ('test', 3))):
    rng = np.random.default_rng(3)
    for split, count in counts:
        for folder in (split, split + 'annot'):
            os.makedirs(os.path.join(path, folder))
        for n in range(count):
            rgb, label = scene(rng)
            Image.fromarray(rgb).save(os.path.join(path, split, f'{n}.png'))
            Image.fromarray(label).save(
                os.path.join(path, split + 'annot', f'{n}.png'))
    with open(os.path.join(path, 'classes.json'), 'w') as f:
        json.dump({'labels': ['cold', 'warm'],
                   'palette': ['#0000ff', '#ff0000']}, f)


class Figures(unittest.TestCase):
    def test_shares_of_cells(self):
        rng = np.random.default_rng(1)
        label = rng.integers(0, 4, (11, 14)).astype(np.uint8)
        got = segment_data.shares(label, 3, 4, 3, 4)
        self.assertEqual(got.shape, (3, 3, 4))
        for k, y, x in np.ndindex(*got.shape):
            cell = label[4 * y:4 * y + 4, 4 * x:4 * x + 4]
            self.assertAlmostEqual(got[k, y, x], (cell == k).sum() / 16)

    def test_confusion_and_iou(self):
        rng = np.random.default_rng(2)
        label = np.repeat(np.repeat(rng.integers(0, 4, (4, 6)), 4, 0), 4, 1)
        logits = torch.randn(1, 3, 4, 6)
        big = torch.nn.functional.interpolate(
            logits, scale_factor=4, mode='bilinear', align_corners=False)
        answer = big[0].argmax(0).numpy()
        counts = train_segment.matrix(logits, label.astype(np.uint8))
        for a, b in np.ndindex(3, 3):
            self.assertEqual(counts[a, b], ((label == a) & (answer == b)).sum())
        iou = train_segment.ious(counts)
        for k in range(3):
            a, b = label == k, (answer == k) & (label < 3)
            self.assertAlmostEqual(iou[k], (a & b).sum() / (a | b).sum())
        absent = train_segment.ious(np.diag([3, 4, 0]))
        self.assertTrue(np.isnan(absent[2]) and (absent[:2] == 1).all())

    def test_intervals_hold_the_mean(self):
        rng = np.random.default_rng(4)
        counts = rng.integers(5, 50, (40, 3, 3)) + 100 * np.eye(3, dtype=int)
        drawn = test_segment.bootstrap([counts, counts], rng, 200, 5)
        self.assertEqual(drawn.shape, (200, 2))
        np.testing.assert_array_equal(drawn[:, 0], drawn[:, 1])
        low, high = test_segment.interval(drawn[:, 0])
        mean = np.mean(train_segment.ious(counts.sum(0)))
        self.assertTrue(low < mean < high and high - low < .05)

    def test_views_keep_labels_with_their_pixels(self):
        rng = np.random.default_rng(5)
        rgb, label = scene(rng, 96, 128)
        for _ in range(10):
            view, marks = segment_data.vary(rgb, label, rng, 255)
            self.assertEqual((view.shape, marks.shape),
                             (rgb.shape, label.shape))
            red = view[..., 0].astype(int) > view[..., 2]
            known = marks < 2
            self.assertGreater((red == marks)[known].mean(), .93)

    def test_views_of_parts_are_smaller_not_reduced(self):
        rng = np.random.default_rng(6)
        rgb = np.zeros((96, 144, 3), np.uint8)
        rgb[..., 0] = 255 * (np.arange(144) // 24 % 2)
        label = np.uint8(rgb[..., 0] > 0)
        widths = []
        for share in (1.0, 2 / 3):
            view, marks = segment_data.vary(rgb, label, rng, 255, share)
            self.assertEqual(marks.shape, (96, 144) if share == 1
                             else (64, 96))
            self.assertEqual(view.shape[:2], marks.shape)
            each = []
            for _ in range(40):
                marks = segment_data.vary(rgb, label, rng, 255, share)[1]
                row = marks[32][marks[32] < 2].astype(int)
                edges = np.flatnonzero(np.diff(row))
                each.extend(np.diff(edges))
            widths.append(np.median(each))
        self.assertLess(abs(widths[1] / widths[0] - 1), .2, widths)

    def test_what_is_taken_over(self):
        """Trunk and stem of another network of pixels; a network of latents
        begins with the same trunk and an additional block that does nothing."""
        torch.manual_seed(7)
        other = segment_net.pixel_network(3)
        for p in other.parameters():
            torch.nn.init.normal_(p, std=.05)
        x = torch.randn(1, segment_net.WIDTH, 9, 6)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'a.pt')
            torch.save({'best': other.state_dict()}, path)
            for net in (segment_net.pixel_network(3),
                        segment_net.latent_network(48, 3, np.ones(48))):
                train_segment.take_over(net, path)
                with torch.no_grad():
                    a, b = net.trunk(x), other.trunk(x)
                torch.testing.assert_close(a, b)
                self.assertEqual(a.shape, (1, 3, 18, 12))
            with self.assertRaisesRegex(ValueError, 'other classes'):
                train_segment.take_over(segment_net.pixel_network(4), path)

    def test_sizes_are_equal(self):
        for k in (32, 64, 96):
            a = fit.parameters(segment_net.latent_network(k, 11, np.ones(k)))
            b = fit.parameters(segment_net.pixel_network(11))
            self.assertLess(abs(a / b - 1), .01)
        group = colour_data.groups(find_model('photo-1'))
        a = fit.parameters(colour_net.LatentColour(
            group, np.ones(len(group)), np.ones((group == 1).sum())))
        b = fit.parameters(colour_net.PixelColour(np.ones((group == 1).sum())))
        self.assertLess(abs(a / b - 1), .05)


class Colours(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.codec = Codec()
        cls.matrices = colour_data.Matrices(find_model('photo-1'))
        y, x = np.mgrid[:64, :96]
        cls.rgb = np.stack([128 + 90 * np.sin(x / 30), 60 + y,
                            128 + 70 * np.cos((x + y) / 25)], -1
                           ).astype(np.uint8)

    def test_answers_give_the_colours_back(self):
        from packets import rgb_to_ycbcr
        want = rgb_to_ycbcr(self.rgb)[..., 1:].transpose(2, 0, 1)
        for kind, scale in (('latents', 0), ('latents', 1), ('pixels', 1)):
            reader = colour_data.Reader(kind, self.codec, self.matrices.group)
            answer = reader.answer(self.rgb, scale)
            rows = 4 if kind == 'latents' and scale else 8
            self.assertEqual(answer.shape, (32, rows, rows * 12 // 8))
            got = colour_data.chroma_planes(
                self.matrices, self.matrices.group, answer, want.shape[1:])
            self.assertLess(np.abs(got - want).mean(), 1.5)
            self.assertGreater(np.abs(want).mean(), 15)

    def test_luma_of_grey_and_colour_streams_is_the_same(self):
        luma = colour_data.grey(self.rgb)
        group = self.matrices.group
        a = self.codec.latents(self.codec.encode(luma, 95), 192).values
        b = self.codec.latents(self.codec.encode(self.rgb, 95), 192).values
        self.assertLess(np.abs(a - b)[group == 0].mean(),
                        .05 * np.abs(b)[group == 0].mean())
        self.assertFalse(a[group != 0].any())

    def test_luma_goes_through(self):
        group = self.matrices.group
        net = colour_net.LatentColour(group, np.ones(len(group)),
                                      np.full((group == 1).sum(), 3.))
        torch.nn.init.normal_(net.body.out.weight)
        x = torch.randn(1, len(group), 5, 7)
        with torch.no_grad():
            a = net(x, torch.tensor([20.]), torch.tensor([0.])).numpy()
            x[:, group == 1] = 5.
            b = net(x, torch.tensor([20.]), torch.tensor([0.])).numpy()
        np.testing.assert_array_equal(a[:, group == 0],
                                      x.numpy()[:, group == 0])
        self.assertGreater(np.abs(a[:, group == 1]).mean(), .01)
        self.assertFalse(a[:, group == 2].any())
        np.testing.assert_array_equal(a, b)     # chroma is not looked at


@parts.needs('onnx')
class Steps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory()
        cls.dir = cls.keep.name
        draw_folder(cls.at('data'))
        cls.trained = run(
            'train_segment.py', '--data', cls.at('data'), '--classes',
            cls.at('data/classes.json'), '--out', cls.at('net'), '--name',
            'fields-1', '--steps', 100, '--batch', 4, '--checks', 2)

    @classmethod
    def tearDownClass(cls):
        cls.keep.cleanup()

    @classmethod
    def at(cls, name):
        return os.path.join(cls.dir, name)

    def test_segmentation_learns_and_is_exported(self):
        self.assertEqual(self.trained[0], 0, self.trained[1])
        model = onnx.load(self.at('net.onnx'))
        meta = {p.key: p.value for p in model.metadata_props}
        self.assertEqual(meta['walloc.task'], 'segment')
        self.assertEqual(meta['walloc.size'], '64')
        self.assertTrue({'walloc.enlarge', 'walloc.reduce'} <= set(meta))
        self.assertEqual(json.loads(meta['walloc.labels']), ['cold', 'warm'])
        self.assertEqual(json.loads(meta['walloc.palette'])[1], '#ff0000')
        status, text = run(
            'test_segment.py', '--data', self.at('data'), '--classes',
            self.at('data/classes.json'), '--latents', self.at('net.onnx'),
            '--qualities', '10,60', '--block', 1, '--draws', 50, '--out',
            self.at('report'))
        self.assertEqual(status, 0, text)
        with open(self.at('report.json')) as f:
            found = json.load(f)['results']
        for r in found:
            self.assertGreater(r['latents']['miou'], .8, text)
            # pixels without class count nowhere
            self.assertEqual(np.sum(r['latents']['confusion']), 3 * 60 * 96)
        self.assertLess(found[0]['bpp'], found[1]['bpp'])
        self.assertTrue(os.path.exists(self.at('report.png')))

    def test_resume_goes_on(self):
        with open(self.at('net.curve.json')) as f:
            before = json.load(f)['checks']
        self.assertEqual([c['step'] for c in before], [50, 100])
        status, text = run(
            'train_segment.py', '--data', self.at('data'), '--classes',
            self.at('data/classes.json'), '--out', self.at('net'),
            '--steps', 106, '--batch', 2, '--checks', 17, '--resume',
            '--stem', 'adam')
        self.assertEqual(status, 0, text)
        with open(self.at('net.curve.json')) as f:
            after = json.load(f)['checks']
        self.assertEqual(after[:2], before)
        self.assertEqual(after[-1]['step'], 106)

    def test_latents_begin_with_what_pixels_taught(self):
        def train(out, *more):
            return run('train_segment.py', '--data', self.at('data'),
                       '--classes', self.at('data/classes.json'), '--out',
                       self.at(out), '--checks', 1, '--batch', 2, *more)

        status, text = train('seen', '--input', 'pixels', '--steps', 40,
                             '--parts', 10)
        self.assertEqual(status, 0, text)
        for kind in ('latents', 'decoded'):
            status, text = train(kind, '--start', self.at('seen.pt'),
                                 '--input', kind, '--meet', 90, '--steps', 6)
            self.assertEqual(status, 0, text)
            with open(self.at(kind + '-stem.curve.json')) as f:
                checks = json.load(f)['checks']
            self.assertGreater(checks[-1]['value'], -.9, kind)
        status, text = train('no', '--start', self.at('data/classes.json'),
                             '--steps', 1)
        self.assertTrue(status and 'classes.json is no' in text, text)

    def test_colours_train_and_are_exported(self):
        folder = self.at('data/train')
        status, text = run(
            'train_colorize.py', '--train', folder, '--val', folder, '--out',
            self.at('tint'), '--steps', 4, '--batch', 2, '--checks', 1,
            '--crops', 4, '--val-crops', 2)
        self.assertEqual(status, 0, text)
        with open(self.at('tint.onnx'), 'rb') as f:
            net = export.Net(f.read())
        self.assertEqual(net.outputs, ['latents_out'])
        self.assertEqual(net.metadata('walloc.task'), 'colorize')
        status, text = run(
            'test_colorize.py', '--pictures', 'some=' + folder, '--latents',
            self.at('tint.onnx'), '--qualities', '30', '--out',
            self.at('tints'))
        self.assertEqual(status, 0, text)
        with open(self.at('tints.json')) as f:
            r = json.load(f)['results']['some'][0]
        self.assertGreater(r['true']['picture_db']['mean'],
                           r['grey']['picture_db']['mean'])

    def test_what_is_refused(self):
        classes = self.at('data/classes.json')

        def train(data, classes, *more):
            return run('train_segment.py', '--data', data, '--classes',
                       classes, '--out', self.at('no'), '--steps', 1, *more)

        status, text = train(self.at('nothing'), classes)
        self.assertTrue(status and 'no pictures in' in text, text)
        draw_folder(self.at('bad'), (('train', 2), ('val', 1)))
        os.remove(self.at('bad/trainannot/1.png'))
        status, text = train(self.at('bad'), classes)
        self.assertTrue(status and 'has no label image' in text, text)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(
            self.at('bad/trainannot/1.png'))
        status, text = train(self.at('bad'), classes)
        self.assertTrue(status and '1.png is (8, 8)' in text, text)
        with open(self.at('three.json'), 'w') as f:
            json.dump({'labels': ['a', 'b', 'c']}, f)
        status, text = train(self.at('data'), self.at('three.json'))
        self.assertTrue(status and 'no pixel of class 2' in text, text)
        with open(self.at('pale.json'), 'w') as f:
            json.dump({'labels': ['a', 'b'], 'palette': ['#000000']}, f)
        status, text = train(self.at('data'), self.at('pale.json'))
        self.assertTrue(status and '2 labels, but 1 colours' in text, text)

    def test_a_network_of_another_codec_is_refused(self):
        model = onnx.load(self.at('net.onnx'))
        for p in model.metadata_props:
            if p.key == 'walloc.model':
                p.value = '0123456789abcdef'
        onnx.save(model, self.at('other.onnx'))
        status, text = run(
            'test_segment.py', '--data', self.at('data'), '--classes',
            self.at('data/classes.json'), '--latents', self.at('other.onnx'),
            '--out', self.at('no'))
        self.assertTrue(status and 'another codec model' in text, text)
        status, text = run(
            'test_colorize.py', '--pictures', 'a=' + self.at('data/train'),
            '--latents', self.at('other.onnx'), '--out', self.at('no'))
        self.assertTrue(status and '0123456789abcdef' in text, text)


if __name__ == '__main__':
    unittest.main()
