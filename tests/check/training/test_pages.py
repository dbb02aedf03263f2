# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pages made for training: the truth about them is true, and lines are found
and cropped as docs/design/latent-inference.md says."""
import os
import sys
import tempfile
import unittest

import numpy as np
from PIL import Image

TASKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..',
                     '..', 'training', 'tasks')
sys.path[:0] = [TASKS, os.path.join(TASKS, 'data')]
import fonts  # noqa: E402
import texts  # noqa: E402
from page_lines import (Found, box, crop, distance, find_lines,  # noqa: E402
                        text_of)
from scans import Warp, degrade  # noqa: E402

ROWS, COLUMNS = 24, 60


def line_map(lines):
    """What a perfect finder says: lines are (left, right, middle, slope,
    height)."""
    out = np.full((5, ROWS, COLUMNS), -1, np.float32)
    for left, right, middle, slope, height in lines:
        for x in range(int(left // 8), int(right // 8) + 1):
            c = middle + slope * 8 * (x + .5)
            y = int(c // 8)
            d = c - 8 * (y + .5)
            out[:, y, x] = (1, height / 2 - d, height / 2 + d,
                            np.clip(8 * (x + .5) - left, 0, 32),
                            np.clip(right - 8 * (x + .5), 0, 32))
    return out


class Lines(unittest.TestCase):
    def test_two_columns_and_slope(self):
        want = [(20, 200, 30, 0.01, 14), (22, 180, 46, 0.01, 14),
                (260, 460, 28, -0.02, 20)]
        found = find_lines(line_map(want[::-1]))
        self.assertEqual(len(found), 3)
        for f, w in zip(found, want):
            self.assertAlmostEqual(f.left, w[0], delta=4)   # half a column
            self.assertAlmostEqual(f.right, w[1], delta=4)
            self.assertAlmostEqual(f.middle, w[2], delta=1e-2)
            self.assertAlmostEqual(f.slope, w[3], delta=1e-4)
            self.assertAlmostEqual(f.height, w[4], delta=1e-4)
        left, top, right, bottom = box(found[2])
        self.assertLess(top, 28 - 0.02 * 460 - 9.9)
        self.assertGreater(bottom, 28 - 0.02 * 260 + 9.9)

    def test_gaps(self):
        whole = line_map([(20, 300, 60, 0, 16)])
        whole[0, :, 14] = -1                    # one column: still one line
        self.assertEqual(len(find_lines(whole)), 1)
        whole[0, :, 14:17] = -1                 # three: two lines
        self.assertEqual(len(find_lines(whole)), 2)
        whole[1:3, :, :14] *= 2                 # unless it is a tall one
        whole[1:3, :, 17:] *= 2
        self.assertEqual(len(find_lines(whole)), 1)

    def test_nothing(self):
        self.assertEqual(find_lines(line_map([])), [])
        alone = line_map([(41, 47, 60, 0, 16)])   # one column is no line
        self.assertEqual(find_lines(alone), [])
        bad = line_map([(20, 300, 60, 0, 16)])
        bad[0] = np.nan
        self.assertEqual(find_lines(bad), [])

    def test_crop_follows_slope(self):
        features = np.zeros((1, ROWS, COLUMNS), np.float32)
        features[0] = np.arange(ROWS)[:, None]
        out = crop(features, Found(16, 400, 40, 0.05, 16), 6)
        self.assertEqual(out.shape, (1, 6, 50 + 1 - 1 + 1))
        for k, x in enumerate(range(1, 52)):
            first = int(np.floor((40 + .05 * 8 * (x + .5)) / 8 - 3 + .5))
            self.assertEqual(out[0, 0, k], first)
        low = crop(features, Found(16, 400, 4, 0, 16), 6)
        self.assertTrue((low[0, :2] == 0).all())
        self.assertEqual(low[0, 5, 0], 3)
        beyond = crop(features, Found(16, 400, -900, 0, 16), 6)
        self.assertTrue((beyond == 0).all())


class Text(unittest.TestCase):
    def test_ctc(self):
        says = [0, 1, 1, 0, 1, 2, 2, 0, 0, 3]
        logits = np.eye(4)[says].T
        self.assertEqual(text_of(logits, 'abc'), 'aabc')
        self.assertEqual(text_of(np.eye(4)[[0, 0]].T, 'abc'), '')
        self.assertEqual(text_of(np.eye(4)[[1, 2, 1, 3, 1]].T, ' bc'), 'b c')

    def test_distance(self):
        self.assertEqual(distance('kitten', 'sitting'), 3)
        self.assertEqual(distance('', 'abc'), 3)
        self.assertEqual(distance('abc', ''), 3)
        self.assertEqual(distance('äß€', 'äß€'), 0)
        rng = np.random.default_rng(1)
        for _ in range(60):
            a, b = (''.join(rng.choice(list('abc'), rng.integers(0, 9)))
                    for _ in range(2))
            table = np.add.outer(np.arange(len(a) + 1),
                                 np.arange(len(b) + 1))
            for i in range(len(a)):
                for j in range(len(b)):
                    table[i + 1, j + 1] = min(
                        table[i, j + 1] + 1, table[i + 1, j] + 1,
                        table[i, j] + (a[i] != b[j]))
            self.assertEqual(distance(a, b), table[-1, -1], (a, b))

    def test_paragraphs(self):
        with tempfile.TemporaryDirectory() as d:
            page = os.path.join(d, 'a.html')
            with open(page, 'w') as f:
                f.write('<html><head><title>no</title></head><script>var no;'
                        '</script><p>Grüße and\n some more of them &amp; a '
                        'long enough line.</p><p>short</p><p>' +
                        'кириллица is not read here ' * 4 + '</p></html>')
            self.assertEqual(texts.paragraphs(page), [
                'Grüße and some more of them & a long enough line.'])
            with self.assertRaisesRegex(FileNotFoundError, 'apt-get'):
                texts.Texts([(os.path.join(d, '*.none'), 1)])

    def test_symbols_are_apart(self):
        self.assertEqual(len(set(texts.SYMBOLS)), len(texts.SYMBOLS))
        self.assertEqual(texts.SYMBOLS[0], ' ')


class Splits(unittest.TestCase):
    def test_no_family_twice(self):
        names = fonts.TRAIN + fonts.VAL + fonts.TEST
        self.assertEqual(len(set(names)), len(names))

    def test_no_document_twice(self):
        seen = {}
        for split, sources in texts.SOURCES.items():
            for pattern, _ in sources:
                self.assertNotIn(pattern, seen)
                seen[pattern] = split

    def test_missing_fonts(self):
        with self.assertRaisesRegex(FileNotFoundError, 'apt-get'):
            fonts.Fonts(['No Such Family'])


class Scans(unittest.TestCase):
    def test_points_go_where_ink_goes(self):
        for seed in range(8):
            warp = Warp(np.random.default_rng(seed), 400, 300, 1.0)
            page = np.full((300, 400), 255, np.uint8)
            page[80:84, 300:304] = 0
            scan = 255.0 - np.asarray(warp.image(Image.fromarray(page)))
            y, x = np.mgrid[:300, :400] + 0.5
            at = [(scan * v).sum() / scan.sum() for v in (x, y)]
            want = warp.points([[302, 82]])[0]
            self.assertLess(abs(at[0] - want[0]), 0.1)
            self.assertLess(abs(at[1] - want[1]), 0.1)

    def test_ink_stays_darker(self):
        ink = np.full((96, 128), 255, np.uint8)
        ink[32:64, 32:96] = 0
        for seed in range(20):
            out = degrade(Image.fromarray(ink), np.random.default_rng(seed),
                          1.0)
            self.assertEqual((out.shape, out.dtype), ((96, 128), np.uint8))
            self.assertGreater(float(out[:16].mean()),
                               float(out[40:56, 48:80].mean()) + 25)


if __name__ == '__main__':
    unittest.main()
