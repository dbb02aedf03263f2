#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What machine_perception.py makes of lines of results. Exit status 77: a module is
missing."""
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
import machine_perception as mp  # noqa: E402
from eval import tasks  # noqa: E402


def line(codec, setting, n, bits, answer, **more):
    return dict({'codec': codec, 'setting': setting, 'input': f'x/{n}.png',
                 'bytes': bits * 100 // 8, 'width': 10, 'height': 10,
                 'metrics': {'error': {'psnr': 20 + setting, 'ssim': 0.5,
                                       'ms_ssim': 0.5}},
                 'answers': {'zbar': answer}}, **more)


class Perception(unittest.TestCase):
    def setUp(self):
        self.lines = [
            line(codec, s, n, bits * (2 if codec == 'other' else 1),
                 {'codes': 4, 'right': right, 'invented': n})
            for codec in ('walloc', 'other', 'none')
            for s, bits, right in ((1, 8, 0), (2, 16, 2), (3, 32, 4))
            for n in range(5)]
        for v in self.lines:
            if v['codec'] == 'none':
                v['setting'] = 0

    def sweep(self, lines=None):
        return mp.Sweep('x', tasks.make({'kind': 'zbar'}),
                        lines or self.lines)

    def test_rates(self):
        s = self.sweep()
        self.assertEqual(len(s.inputs), 5)
        self.assertAlmostEqual(s.at('walloc', 16)[0], 50)
        self.assertAlmostEqual(s.at('walloc', 16 * 2 ** .5)[0], 75)
        self.assertAlmostEqual(s.at('other', 16)[0], 0)
        # outside of what was measured there is nothing
        self.assertTrue(math.isnan(s.at('walloc', 7)[0]))
        self.assertTrue(math.isnan(s.at('other', 65)[0]))

    def test_incomplete(self):
        lines = [v for v in self.lines
                 if (v['codec'], v['setting'], v['input'])
                 != ('walloc', 2, 'x/3.png')]
        lines.append(line('walloc', 2, 3, 16, {'error': 'no'}))
        lines[0] = dict(lines[0], error='cannot be read')
        s = self.sweep(lines)
        self.assertEqual(s.inputs, ['x/1.png', 'x/2.png', 'x/4.png'])

    def test_masks(self):
        task = tasks.make({'kind': 'segment', 'network': 'road-1',
                           'labels': 'x'})
        a = mp.of_answer(task, {'intersection': [1, 0, 3],
                                'union': [2, 0, 4]})
        self.assertAlmostEqual(float(mp.score(a)), 100 * (.5 + .75) / 2)

    def test_correlations(self):
        c = self.sweep().correlations()
        self.assertEqual(c['psnr']['points'], 6)
        self.assertGreater(c['psnr']['pearson'][0], .99)
        self.assertTrue(math.isnan(c['ssim']['pearson'][0]))
        self.assertLess(c['log rate']['pearson'][0], .9)

    def test_text(self):
        figures = {}
        text = mp.tables(self.sweep(), figures)
        self.assertIn('| walloc |', text)
        self.assertEqual(mp.said((math.nan,) * 3), '')
        self.assertEqual(mp.clean({'a': [math.nan, np.float64(1.234567)]}),
                         {'a': [None, 1.2346]})


if __name__ == '__main__':
    unittest.main()
