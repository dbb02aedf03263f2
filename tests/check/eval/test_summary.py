# SPDX-License-Identifier: LGPL-2.1-or-later
"""walloc-eval's tables: rates of several media, equal rates, intervals."""
import math
import os
import sys
import unittest

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__))))), 'tools'))
from eval import stats, summary  # noqa: E402


def line(media='picture', **more):
    out = {'key': 'k', 'media': media, 'corruption': None, 'severity': 0,
           'codec': 'c', 'setting': 1, 'bytes': 1000,
           'metrics': {'error': {'psnr': 30.0, 'ssim': .9, 'snr': 12.0,
                                 'si_sdr': 11.0}}}
    out.update({'sound': {'seconds': 2.0}, 'clip': {
        'width': 10, 'height': 20, 'frames': 4}}.get(
            media, {'width': 10, 'height': 20}))
    return dict(out, **more)


class Rates(unittest.TestCase):
    def test_units(self):
        self.assertEqual(summary.rate([line()]), 40)
        self.assertEqual(summary.rate([line('clip')]), 10)
        self.assertEqual(summary.rate([line('sound')]), 4)
        # of a set: bits of all over pixels of all
        self.assertEqual(summary.rate([line(), line(bytes=0, width=30)]), 10)

    def test_media_apart(self):
        lines = [line('sound'), line(), line('clip')]
        self.assertEqual(list(summary.by_media(lines)),
                         ['picture', 'clip', 'sound'])
        text = summary.text(lines)
        self.assertLess(text.index('# Pictures'), text.index('# Sounds'))
        self.assertIn('| codec | setting | sounds | kbit/s | D SNR | '
                      'D SI_SDR |', text)
        self.assertIn('| c | 1 | 1 | 4.0000 | 12.00 | 11.00 |', text)
        self.assertNotIn('# Pictures', summary.text([line()]))

    def test_other_files(self):
        """Equal rates of unequal files say so."""
        lines = [line(codec=c, setting=s, bytes=1000 * s,
                      input=f'{i}.png') for c in 'ab' for s in (1, 2)
                 for i in range(3)]
        self.assertNotIn('Not all are of the same', summary.text(lines))
        text = summary.text(lines[1:])
        self.assertIn('Not all are of the same pictures: of 2 to 3', text)

    def test_curve(self):
        def settings(*values):
            return {i: [line(bytes=b, metrics={'error': {'psnr': v}})]
                    for i, (b, v) in enumerate(values)}
        got = summary.curve(settings((200, 30), (100, 20)),
                            summary.of_metric())
        self.assertEqual([g[:2] for g in got], [(4, 20), (8, 30)])
        # without a value, or without bits: no point
        self.assertEqual(summary.curve(settings((0, 30), (9, math.nan)),
                                       summary.of_metric()), [])

    def test_equal_rates(self):
        a = [(1, 10, 9, 11), (4, 20, 19, 21)]
        b = [(2, 5, 4, 6), (8, 7, 6, 8)]
        far = [(100, 1, 1, 1), (200, 2, 2, 2)]
        one = [(1, 1, 1, 1)]
        got = summary.at_rates({'a': a, 'b': b, 'one': one}, 2)
        self.assertEqual([round(r, 9) for r, _ in got], [2, 4])
        for value, want in zip(got[0][1]['a'], (15, 14, 16)):
            self.assertAlmostEqual(value, want)
        self.assertEqual(sorted(got[0][1]), ['a', 'b'])
        # no rate is common to all: those of two
        got = summary.at_rates({'a': a, 'b': b, 'far': far}, 2)
        self.assertTrue(got)
        self.assertTrue(all(set(v) == {'a', 'b'} for _, v in got))
        self.assertEqual(summary.at_rates({'a': a, 'far': far}), [])
        self.assertEqual(summary.at_rates({'one': one}), [])


class Bootstrap(unittest.TestCase):
    def test_columns(self):
        rng = np.random.default_rng(2)
        values = rng.normal(0, 1, (50, 3)) + [0, 10, 20]
        low, high = stats.bootstrap(values)
        self.assertEqual(low.shape, (3,))
        for i in range(3):
            one = stats.bootstrap(values[:, i])
            self.assertAlmostEqual(one[0], low[i], 1)
            self.assertAlmostEqual(
                high[i] - low[i],
                2 * 1.96 * values[:, i].std() / math.sqrt(50), delta=.06)

    def test_ratio(self):
        rows = np.array([[1, 10], [5, 10], [2, 20], [9, 30]])
        self.assertAlmostEqual(stats.ratio(rows), 100 * 17 / 70)
        self.assertEqual(stats.ratio(np.zeros((2, 2))), 0)
        low, high = stats.bootstrap(rows, of=stats.ratio)

        def slow(v, axis=0):
            return stats.ratio(v, axis)
        want = stats.bootstrap(rows, of=slow)
        self.assertAlmostEqual(low, want[0], -1)
        self.assertAlmostEqual(high, want[1], -1)
        self.assertTrue(10 <= low < 24.2 < high <= 50)


if __name__ == '__main__':
    unittest.main()
