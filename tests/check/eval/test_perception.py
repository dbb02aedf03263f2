# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tasks of walloc-eval that networks do: on pixels in libwalloc's runner, on
latents in our elements, of others in Node."""
import os
import sys
import tempfile
import unittest

import numpy as np
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import parts  # noqa: E402
from eval import net, networks, spec, tasks, work  # noqa: E402

try:
    import onnx
except ImportError:
    onnx = None

needs_onnx = unittest.skipIf(onnx is None, 'python3-onnx is not installed')


def colours_network(path, pooled, labels=None):
    """An ONNX file that knows red, green and blue pixels (or, pooled,
    pictures): one logit for each."""
    from onnx import TensorProto, helper, numpy_helper
    nodes = [helper.make_node('Conv', ['pixels', 'w'], ['c'],
                              kernel_shape=[1, 1])]
    if pooled:
        nodes += [helper.make_node('GlobalAveragePool', ['c'], ['p']),
                  helper.make_node('Flatten', ['p'], ['logits'], axis=1)]
    else:
        nodes += [helper.make_node('Relu', ['c'], ['logits'])]
    graph = helper.make_graph(
        nodes, 'colours',
        [helper.make_tensor_value_info('pixels', TensorProto.FLOAT,
                                       [1, 3, 'h', 'w'])],
        [helper.make_tensor_value_info('logits', TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.eye(3, dtype=np.float32).reshape(
            3, 3, 1, 1) / 255, 'w')])
    model = helper.make_model(graph, opset_imports=[
        helper.make_opsetid('', 13)])
    model.ir_version = 7
    if labels:
        model.metadata_props.add(key='walloc.labels', value=labels)
    onnx.save(model, path)


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.at = self.folder.name

    def tearDown(self):
        networks.loaded.cache_clear()
        self.folder.cleanup()

    def path(self, *parts):
        path = os.path.join(self.at, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def cells(self, *parts, codec='none', settings=(0,), **task):
        return spec.Sweep({
            'inputs': [self.path(*parts)], 'task': [task],
            'codec': [{'name': codec, 'settings': list(settings)}]},
            self.at).cells()

    def answer(self, *parts, **task):
        cell, = self.cells(*parts, **task)
        line = work.do(cell)
        self.assertNotIn('error', line)
        return line['answers'][task.get('name', task['kind'])]


class Pixels(Folder):
    """Networks on pixels: any codec's pictures."""

    @needs_onnx
    @parts.needs('onnx')
    def test_classify(self):
        colours_network(self.path('n.onnx'), True, '["red", "green", "blue"]')
        for name, colour in (('green', (10, 240, 20)), ('red', (200, 0, 9))):
            Image.new('RGB', (21, 13), colour).save(self.path(name, 'a.png'))
            got = self.answer(name, 'a.png', kind='classify', pixels='n.onnx')
            self.assertEqual((got['label'], got['right']), (name, 1))
            self.assertTrue(1 / 3 < got['confidence'] < 1)
        Image.new('RGB', (21, 13), (1, 2, 250)).save(self.path('red', 'b.png'))
        got = self.answer('red', 'b.png', kind='classify', pixels='n.onnx')
        self.assertEqual((got['label'], got['right']), ('blue', 0))

    @needs_onnx
    @parts.needs('onnx')
    def test_segment(self):
        colours_network(self.path('n.onnx'), False)
        rgb, label = np.zeros((12, 20, 3), np.uint8), np.zeros((12, 20),
                                                              np.uint8)
        rgb[:, :8, 0], rgb[:, 8:, 2] = 200, 200
        label[:, 8:], label[0], label[1, 0] = 2, 7, 1
        Image.fromarray(rgb).save(self.path('test', 'a.png'))
        Image.fromarray(label).save(self.path('annot', 'a.png'))
        got = self.answer('test', 'a.png', kind='segment', pixels='n.onnx',
                          labels='../annot')
        # the row of 7 is of no class; one pixel of 1 is taken for red
        self.assertEqual(got['pixels'], 11 * 20)
        self.assertEqual(got['intersection'], [11 * 8 - 1, 0, 11 * 12])
        self.assertEqual(got['union'], [11 * 8, 1, 11 * 12])
        score = networks.Segment('s', pixels='n', labels='x').score([got])
        self.assertAlmostEqual(score.value, 100 * (87 / 88 + 0 + 1) / 3)
        # with that class void, what is left is right
        got = self.answer('test', 'a.png', kind='segment', pixels='n.onnx',
                          labels='../annot', void=1)
        self.assertEqual(got['union'], got['intersection'])

    @needs_onnx
    @parts.needs('onnx')
    def test_wrong_files(self):
        Image.new('RGB', (8, 8)).save(self.path('a', 'a.png'))
        colours_network(self.path('n.onnx'), True)
        got = self.answer('a', 'a.png', kind='classify', pixels='n.onnx')
        self.assertIn('has 3 classes', got['error'])
        got = self.answer('a', 'a.png', kind='segment', pixels='n.onnx',
                          labels='.')
        self.assertIn('is RGB; label images have 8 bits', got['error'])
        Image.new('L', (8, 8)).save(self.path('l', 'a.png'))
        got = self.answer('a', 'a.png', kind='segment', pixels='n.onnx',
                          labels='../l')
        self.assertIn('not an answer of 4 dimensions', got['error'])
        got = self.answer('a', 'a.png', kind='segment', pixels='n.onnx',
                          labels='../none')
        self.assertIn('No such file', got['error'])

    def test_absent_network(self):
        for text, name in (('No such file', 'none.onnx'), ('', 'bad.onnx')):
            with open(self.path('bad.onnx'), 'wb') as f:
                f.write(b'no network')
            needs = tasks.make({'kind': 'classify',
                                'pixels': self.path(name)}).needs()
            self.assertIn(name, needs)
            self.assertIn(text, needs)
        old = os.environ.get('WALLOC_LIBRARY')
        os.environ['WALLOC_LIBRARY'] = self.path('none.so')
        try:
            with self.assertRaisesRegex(net.NetError, 'WALLOC_LIBRARY'):
                net.library()
        finally:
            del os.environ['WALLOC_LIBRARY']
            if old:
                os.environ['WALLOC_LIBRARY'] = old

    def test_keys(self):
        """A network counts by what is in it, not by where it is."""
        Image.new('RGB', (8, 8)).save(self.path('a', 'a.png'))
        keys = []
        for place, data in (('x', b'one'), ('y', b'one'), ('z', b'two')):
            with open(self.path(place, 'n.onnx'), 'wb') as f:
                f.write(data)
            keys.append(self.cells('a', 'a.png', kind='classify',
                                   pixels=place + '/n.onnx')[0]['key'])
        self.assertEqual(keys[0], keys[1])
        self.assertNotEqual(keys[0], keys[2])


class Latents(Folder):
    @parts.needs('onnx')
    def test_road(self):
        rng = np.random.default_rng(1)
        rgb = np.repeat(np.repeat(rng.integers(
            0, 255, (9, 12, 3), np.uint8), 20, 0), 20, 1)
        Image.fromarray(rgb).save(self.path('test', 'a.png'))
        Image.fromarray(np.full((180, 240), 11, np.uint8)).save(
            self.path('annot', 'a.png'))
        label = np.full((180, 240), 3, np.uint8)
        label[:90] = 11
        Image.fromarray(label).save(self.path('annot', 'b.png'))
        Image.fromarray(rgb).save(self.path('test', 'b.png'))
        how = dict(kind='segment', network='road-1', labels='../annot',
                   void=11)
        for name, pixels in (('a', 0), ('b', 90 * 240)):
            line = work.do(self.cells('test', name + '.png', codec='walloc',
                                      settings=[50], **how)[0])
            self.assertNotIn('error', line)
            got = line['answers']['segment']
            self.assertEqual(got['pixels'], pixels)
            self.assertEqual(len(got['union']), 11)
            self.assertEqual(got['right'], sum(got['intersection']))
        # codecs of others have no latents
        line = work.do(self.cells('test', 'a.png', codec='none', **how)[0])
        self.assertEqual(line['answers'], {})


class Words(unittest.TestCase):
    """What tables of tasks must say."""

    def bad(self, text, **entry):
        with self.assertRaisesRegex(ValueError, text):
            tasks.make(entry)

    def test_nonsense(self):
        self.bad('one of "network"', kind='classify')
        self.bad('one of "network"', kind='classify', network='a', pixels='b')
        self.bad('one of "network"', kind='segment', pixels=3, labels='x')
        self.bad('"labels" is missing', kind='segment', network='road-1')
        self.bad('"void" is no', kind='segment', network='road-1',
                 labels='x', void='sky')
        self.bad('"void" is no', kind='segment', network='road-1',
                 labels='x', void=256)


class Counting(unittest.TestCase):
    def test_enlarged(self):
        logits = np.zeros((2, 2, 2), np.float32)
        logits[1] = [[1, -1], [1, -1]]
        got = networks.enlarged(logits, 8, 8)
        self.assertEqual(got.shape, (8, 8))
        self.assertTrue((got[:, :4] == 1).all() and (got[:, 4:] == 0).all())
        # a grid that reaches beyond the picture
        self.assertEqual(networks.enlarged(logits[:, :1], 3, 7).shape, (3, 7))

    def test_iou(self):
        rows = np.array([[[1, 0, 0], [2, 0, 4]], [[3, 0, 1], [3, 0, 4]]], float)
        self.assertAlmostEqual(networks.mean_iou(rows),
                               100 * (4 / 5 + 1 / 8) / 2)
        self.assertTrue(np.isnan(networks.mean_iou(rows * 0)))


if __name__ == '__main__':
    unittest.main()
