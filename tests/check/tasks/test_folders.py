#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""From an IDX package to a set of grey frames with a split of its own; the
network that was made of one."""
import base64
import gzip
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

import numpy as np
from PIL import Image, ImageDraw

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(
    __file__)), '..', '..', '..'))
TASKS = os.path.join(ROOT, 'training', 'tasks')
sys.path.insert(0, TASKS)
sys.path.insert(0, os.path.join(TASKS, 'data'))
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import parts  # noqa: E402
import fashion  # noqa: E402
import pictures  # noqa: E402
import streams  # noqa: E402
from export import Net  # noqa: E402
from latents import GRAY8, Codec  # noqa: E402


def run(script, *args):
    """(exit status, what it printed) of one of the steps."""
    done = subprocess.run([sys.executable, os.path.join(TASKS, script),
                           *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def write_idx(path, array):
    with gzip.open(path, 'wb') as f:
        f.write(struct.pack('>I', 0x800 | array.ndim)
                + struct.pack(f'>{array.ndim}I', *array.shape)
                + array.tobytes())


def write_package(path):
    """8 training and 2 test pictures of each class: bars, as wide as the
    class says, the same for all of a class."""
    os.makedirs(path)
    for name, each in (('train', 8), ('t10k', 2)):
        labels = np.tile(np.arange(10, dtype=np.uint8), each)
        x = np.zeros((len(labels), 28, 28), np.uint8)
        for i, c in enumerate(labels):
            x[i, 2:26, 2:4 + 2 * c] = 200
        write_idx(os.path.join(path, f'{name}-images-idx3-ubyte.gz'), x)
        write_idx(os.path.join(path, f'{name}-labels-idx1-ubyte.gz'), labels)


class Folders(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory()
        cls.dir = cls.keep.name
        write_package(cls.at('package'))
        cls.unpacked = run('data/fashion.py', '--package', cls.at('package'),
                           '--out', cls.at('pictures'), '--val', 20)
        cls.prepared = run('prepare.py', cls.at('pictures'), '--out',
                           cls.at('set'), '--split', 'folders', '--grey',
                           '--shrink', 1, '--size', 112, '--crops', 96,
                           '--cover', .9, '--variants', 2, '--upright',
                           '--qualities', '5,50,90', '--per-variant', 2)

    @classmethod
    def tearDownClass(cls):
        cls.keep.cleanup()

    @classmethod
    def at(cls, name):
        return os.path.join(cls.dir, name)

    def train(self, name, *args):
        code, text = run('train_classify.py', self.at('set'), '--out',
                         self.at(name), '--epochs', 1, '--batch', 8,
                         '--widths', '16,24,32', '--val-qualities', '50',
                         *args)
        return code, text

    def test_split_is_the_folders(self):
        self.assertEqual(self.unpacked[0], 0, self.unpacked[1])
        self.assertIn('60 train, 20 val, 20 test', self.unpacked[1])
        self.assertEqual(self.prepared[0], 0, self.prepared[1])
        frames = streams.FrameSet(self.at('set'))
        self.assertEqual(frames.labels, sorted(fashion.CLASSES))
        for split, count in (('train', 240), ('val', 60), ('test', 60)):
            rows = frames.where(split)
            self.assertEqual(len(rows), count)
            for i in rows:
                name = frames.meta['files'][frames.index['picture'][i]]
                at, label, _ = name.split(os.sep)
                self.assertEqual(at, split)
                self.assertEqual(label,
                                 frames.labels[frames.index['label'][i]])

    def test_frames_are_grey_and_of_full_size(self):
        frames, codec = streams.FrameSet(self.at('set')), Codec()
        for i in frames.where('test'):
            info = codec.info(frames.frame(i))
            self.assertEqual((info.format, info.scale, info.width,
                              info.height), (GRAY8, 0, 112, 112))
        # the encoder alone makes pictures smaller at this quality
        i = frames.where('test', quality=5)[0]
        grey = frames.pixels(i)
        self.assertTrue((grey == grey[..., :1]).all())
        self.assertEqual(codec.info(codec.encode(
            np.ascontiguousarray(grey[..., 0]), 5)).scale, 1)
        seen = set()
        for i in frames.where('train', quality=90):
            row = frames.index[i]
            v = frames.meta['variations'][row['picture']][row['variant']]
            seen.add(v['form'])
            a = frames.pixels(i).astype(int)
            self.assertLessEqual(np.ptp(a, 2).max(), 1)
            b = codec.decode(frames.frame(i), 'linear')
            b = b if b.ndim == 3 else b[..., None]
            self.assertLess(np.abs(a - b).mean(), 2)
            self.assertTrue(.9 <= v['cover'] <= 1)
        self.assertEqual(seen, {'grey', 'i420', 'i420-limited'})

    def test_grey_is_exact(self):
        a = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, 2)
        self.assertTrue((pictures.as_given(a, 'grey') == a[..., 0]).all())
        white = np.full((1, 1, 3), 255, np.uint8)
        self.assertEqual(int(pictures.as_given(white, 'grey')[0, 0]), 255)

    def test_few_pictures_of_each_class(self):
        frames = streams.FrameSet(self.at('set'))
        other = [len(frames.where(s)) for s in ('val', 'test')]
        frames.only(29)
        rows = frames.index[frames.where('train')]
        self.assertEqual(len(set(rows['picture'])), 20)
        self.assertEqual(np.bincount(rows['label']).tolist(), [8] * 10)
        self.assertEqual([len(frames.where(s)) for s in ('val', 'test')],
                         other)
        for count in (9, 70):
            with self.assertRaises(ValueError):
                streams.FrameSet(self.at('set')).only(count)

    def test_trains_on_few(self):
        code, text = self.train('few', '--pictures', 20)
        self.assertEqual(code, 0, text)
        self.assertIn('3 batches per epoch', text)
        code, text = self.train('all')
        self.assertEqual(code, 0, text)
        self.assertIn('8 batches per epoch', text)

    def test_wrong_input_is_named(self):
        short = self.at('short.gz')
        with gzip.open(short, 'wb') as f:
            f.write(struct.pack('>IIII', 0x803, 2, 28, 28) + bytes(100))
        other = self.at('other.gz')
        with gzip.open(other, 'wb') as f:
            f.write(b'\x89PNG' + bytes(100))
        huge = self.at('huge.gz')
        with gzip.open(huge, 'wb') as f:
            f.write(struct.pack('>IIII', 0x803, 1 << 31, 1 << 31, 5))
        for path, words in ((short, 'cut off: 100 bytes of 1568'),
                            (other, 'no IDX file'), (huge, 'says a size')):
            with self.assertRaisesRegex(ValueError, words):
                fashion.idx(path)
        os.makedirs(self.at('halves/train/a'), exist_ok=True)
        for args, words in (
                (('data/fashion.py', '--package', self.at('none'), '--out',
                  self.at('x')), 'apt-get install'),
                (('data/fashion.py', '--package', self.at('package'),
                  '--out', self.at('x'), '--val', 20, '--train', 70),
                 'has 8 pictures, not 7 and 2 more'),
                (('prepare.py', self.at('halves'), '--out', self.at('x'),
                  '--split', 'folders'), 'one folder of pictures'),
                (('prepare.py', self.at('pictures'), '--out', self.at('x'),
                  '--split', 'folders', '--cover', 0), '--cover is above 0'),
                (('train_classify.py', self.at('set'), '--out', self.at('x'),
                  '--pictures', 100, '--val-qualities', '50'),
                 'training pictures of a class are wanted')):
            code, text = run(*args)
            self.assertEqual(code, 1, text)
            self.assertIn(words, text)
            self.assertNotIn('Traceback', text)


def drawn(what):
    """A grey picture as Fashion-MNIST has them, by hand."""
    im = Image.new('L', (28, 28))
    pen = ImageDraw.Draw(im)
    if what == 'bag':
        pen.rectangle((2, 11, 25, 25), fill=160)
        pen.arc((8, 3, 19, 19), 180, 360, fill=150, width=2)
    elif what == 'ankle-boot':
        pen.polygon([(14, 3), (24, 3), (25, 24), (2, 24), (2, 18), (10, 15)],
                    fill=190)
    return np.asarray(im.resize((112, 112), Image.LANCZOS))


NETWORK = os.path.join(ROOT, 'models', 'tasks', 'fashion-1.onnx')


@unittest.skipUnless(os.path.exists(NETWORK), 'there is no fashion-1')
@parts.needs('onnx')
class Shipped(unittest.TestCase):
    """fashion-1 knows a bag and a boot that are drawn by hand."""

    @classmethod
    def setUpClass(cls):
        with open(NETWORK, 'rb') as f:
            cls.net = Net(f.read())
        cls.enlarge = Net(base64.b64decode(
            cls.net.metadata('walloc.enlarge')))
        cls.labels = json.loads(cls.net.metadata('walloc.labels'))
        cls.codec = Codec()

    def answer(self, picture, quality, shrink=0):
        """(label, scale), latents enlarged as a reader does it."""
        x, step, scale = self.codec.latents(self.codec.encode(
            picture, quality, shrink=shrink), 24)
        x = x[None]
        for _ in range(scale):
            x = self.enlarge.run({'latents': x})['latents_out']
        self.assertEqual(x.shape, (1, 24, 14, 14))
        y = self.net.run({'latents': x, 'step': np.float32([step]),
                          'scale': np.float32([scale])})['logits']
        return self.labels[int(y.argmax())], scale

    def test_knows_what_is_drawn_at_every_rate(self):
        self.assertEqual(self.net.metadata('walloc.size'), '112')
        scales = set()
        for what in ('bag', 'ankle-boot'):
            for quality in (5, 10, 30, 50, 75, 95):
                label, scale = self.answer(drawn(what), quality)
                self.assertEqual(label, what, quality)
                self.assertEqual(self.answer(drawn(what), quality, 1),
                                 (what, 0))
                scales.add(scale)
        self.assertEqual(scales, {0, 1})

    def test_empty_picture_is_no_boot(self):
        label, _ = self.answer(drawn(''), 50)
        self.assertNotEqual(label, 'ankle-boot')


if __name__ == '__main__':
    unittest.main()
