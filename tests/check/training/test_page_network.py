# SPDX-License-Identifier: LGPL-2.1-or-later
"""page-1 reads a page, finds nothing where nothing is, and damaged files of
it are refused."""
import json
import os
import sys
import tempfile
import unittest

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, '..', '..', '..')
sys.path.insert(0, os.path.join(ROOT, 'training', 'tasks'))
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import parts  # noqa: E402
from latents import WallocError  # noqa: E402
from page_export import PageReader  # noqa: E402
from page_lines import box, distance  # noqa: E402
from page_set import Coder  # noqa: E402

NETWORK = os.path.join(ROOT, 'models', 'tasks', 'page-1.onnx')


@parts.needs('onnx')
class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.coder, cls.reader = Coder(), PageReader(NETWORK)
        cls.page = np.asarray(Image.open(os.path.join(HERE, 'page.png')))
        with open(os.path.join(HERE, 'page.json')) as f:
            cls.truth = json.load(f)

    def read(self, page, quality):
        values, _, scale = self.coder.codec.latents(
            self.coder.codec.encode(page, quality), self.reader.channels)
        self.assertEqual(scale, 0)
        return self.reader.read(values)

    def test_page(self):
        for quality, limit in ((40, 0.04), (60, 0.03), (85, 0.03)):
            read = self.read(self.page, quality)
            self.assertEqual(len(read), len(self.truth), quality)
            wrong = sum(distance(text, want) for (_, text, _), want in
                        zip(read, self.truth))
            self.assertLess(wrong / sum(map(len, self.truth)), limit,
                            [r[1] for r in read])
            tops = [box(r[0])[1] for r in read]
            self.assertEqual(tops, sorted(tops))
            self.assertGreater(min(r[2] for r in read), 0.8)

    def test_colour(self):
        """Chroma is not looked at."""
        grey = self.read(self.page, 85)
        rgb = self.read(np.repeat(self.page[:, :, None], 3, 2), 85)
        wrong = sum(distance(a[1], b[1]) for a, b in zip(grey, rgb))
        self.assertEqual(len(grey), len(rgb))
        self.assertLess(wrong, 10)

    def test_nothing(self):
        for page in (np.full((128, 256), 240, np.uint8),
                     np.random.default_rng(1).integers(
                         0, 256, (128, 256)).astype(np.uint8)):
            sure = [t for _, t, c in self.read(page, 60) if c > 0.75]
            self.assertLess(len(''.join(sure)), 6, sure)

    def test_damaged(self):
        with open(NETWORK, 'rb') as f:
            data = f.read()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'x.onnx')
            for bad, error in (
                    (data[:len(data) // 2], WallocError), (b'', WallocError),
                    (data.replace(b'walloc.recogniser', b'walloc.recogniseX'),
                     KeyError),
                    (data.replace(b'walloc.part', b'walloc.pXrt'), KeyError)):
                with open(path, 'wb') as f:
                    f.write(bad)
                with self.assertRaises(error):
                    PageReader(path)


if __name__ == '__main__':
    unittest.main()
