# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reading a page: boxes of lines, their order, characters of steps; and, where
the networks are, a page that is drawn here."""
import os
import sys
import tempfile
import unittest
from unittest import mock

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from eval import models, reading, spec, tasks, work  # noqa: E402
from eval.taskbase import TaskError, truth_beside  # noqa: E402

FONT = '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf'


def flooded(mask):
    """Boxes of what hangs together, the slow way."""
    left = {(int(y), int(x)) for y, x in zip(*np.nonzero(mask))}
    out = []
    while left:
        todo = [left.pop()]
        seen = list(todo)
        while todo:
            y, x = todo.pop()
            for near in [(y + a, x + b) for a in (-1, 0, 1)
                         for b in (-1, 0, 1)]:
                if near in left:
                    left.remove(near)
                    todo.append(near)
                    seen.append(near)
        ys, xs = zip(*seen)
        out.append((min(xs), min(ys), max(xs) + 1, max(ys) + 1))
    return out


class Regions(unittest.TestCase):
    def test_none(self):
        self.assertEqual(reading.regions(np.zeros((5, 7), bool)), [])
        self.assertEqual(reading.regions(np.ones((5, 7), bool)),
                         [(0, 0, 7, 5)])

    def test_shapes(self):
        # two arms that meet below, one within the other, and a corner
        mask = np.array([[c == '#' for c in row] for row in (
            '#.....#..',
            '#.###.#.#',
            '#.....#..',
            '#######..',
            '.......#.')])
        self.assertEqual(sorted(reading.regions(mask)),
                         [(0, 0, 8, 5), (2, 1, 5, 2), (8, 1, 9, 2)])

    def test_random(self):
        rng = np.random.default_rng(1)
        for share in (0.1, 0.3, 0.45, 0.7):
            mask = rng.random((40, 31)) < share
            self.assertEqual(sorted(reading.regions(mask)),
                             sorted(flooded(mask)))


class Lines(unittest.TestCase):
    def map_of(self, *boxes):
        out = np.zeros((100, 200))
        for x1, y1, x2, y2, value in boxes:
            out[y1:y2, x1:x2] = value
        return out

    def test_grown(self):
        box, = reading.lines_of(self.map_of((50, 40, 150, 50, 0.9)))
        more = 1.5 * 1000 / 220
        np.testing.assert_allclose(box, (50 - more, 40 - more, 150 + more,
                                         50 + more))
        # not beyond the page
        self.assertEqual(reading.lines_of(self.map_of(
            (0, 0, 200, 100, 0.9))), [(0, 0, 200, 100)])

    def test_left_out(self):
        for what in ((50, 40, 150, 50, 0.25), (50, 40, 150, 50, 0.55),
                     (50, 40, 150, 42, 0.9), (50, 40, 52, 80, 0.9)):
            self.assertEqual(reading.lines_of(self.map_of(what)), [], what)

    def test_order(self):
        a, b, c = (10, 11, 50, 21), (60, 8, 90, 20), (5, 30, 90, 42)
        d = (50, 44, 90, 54)
        for boxes in ([a, b, c, d], [d, c, b, a], [c, a, d, b]):
            self.assertEqual(reading.in_order(boxes), [a, b, c, d])
        self.assertEqual(reading.in_order([]), [])


class Characters(unittest.TestCase):
    def test_decoded(self):
        keys = ['a', 'b', ' ']
        for steps, text in (([], ''), ([0, 0, 0], ''), ([1, 1, 1], 'a'),
                            ([1, 0, 1], 'aa'), ([1, 2, 2, 0, 2, 3, 1],
                                                'abb a')):
            self.assertEqual(reading.decoded(steps, keys)[0], text)

    def test_chance(self):
        # of the step where a character begins
        text, sure = reading.decoded([0, 1, 1, 0, 2], ['a', 'b'],
                                     [0.1, 0.8, 0.2, 0.3, 0.6])
        self.assertEqual(text, 'ab')
        self.assertAlmostEqual(sure, 0.7)
        self.assertEqual(reading.decoded([0], ['a'], [0.9]), ('', 0))

    def test_no_such_class(self):
        for c in 3, -1:
            with self.assertRaisesRegex(TaskError, f'class {c}, but'):
                reading.decoded([1, c], ['a', 'b'])

    def test_keys(self):
        with tempfile.TemporaryDirectory() as at:
            with self.assertRaisesRegex(TaskError, 'ppocr_keys_v1.txt: No'):
                reading.keys_of(at)
            path = os.path.join(at, 'node_modules', reading.KEYS)
            os.makedirs(os.path.dirname(path))
            with open(path, 'w', encoding='utf-8', newline='') as f:
                f.write('a\n\u2028\r\n\u3000\nb\n')
            self.assertEqual(reading.keys_of(at),
                             ['a', '\u2028', '\u3000', 'b', ' '])


class Task(unittest.TestCase):
    def test_score(self):
        score = tasks.make({'kind': 'read'}).score(
            [{'wrong': 1, 'characters': 10}, {'wrong': 2, 'characters': 10}])
        self.assertAlmostEqual(score.value, 15)
        self.assertEqual(score.count, 2)

    def test_nonsense(self):
        with self.assertRaisesRegex(ValueError, 'unknown keys'):
            tasks.make({'kind': 'read', 'language': 'eng'})
        with self.assertRaisesRegex(ValueError, '"spaces" is not'):
            tasks.make({'kind': 'read', 'spaces': 'no'})

    def test_truth(self):
        with tempfile.TemporaryDirectory() as at:
            path = os.path.join(at, 'a.png')
            with self.assertRaisesRegex(TaskError, 'a.txt: No such file'):
                truth_beside(path)
            with open(os.path.join(at, 'a.txt'), 'wb') as f:
                f.write(b' one \n two\t')
            self.assertEqual(truth_beside(path), 'one two')
            with open(os.path.join(at, 'a.txt'), 'wb') as f:
                f.write(b'\xff')
            with self.assertRaisesRegex(TaskError, 'a.txt: .*utf-8'):
                truth_beside(path)

    def answer(self, truth, *said, **options):
        task, rest = tasks.make(dict(options, kind='read')), iter(said)
        with tempfile.TemporaryDirectory() as at, \
                mock.patch.object(task, 'lines', lambda _: said), \
                mock.patch.object(task, 'line', lambda *_: next(rest)):
            with open(os.path.join(at, 'a.txt'), 'w') as f:
                f.write(truth)
            return task.do({'input': os.path.join(at, 'a.png')}, None, None,
                           [np.zeros((8, 8, 3), np.uint8)])

    def test_unsure_lines(self):
        # they do not count as said
        self.assertEqual(
            self.answer('one three', ('one', 0.9), ('xx', 0.4), ('two', 0.5)),
            {'characters': 9, 'wrong': 4, 'lines': 3, 'text': 'one two'})

    def test_spaces(self):
        said = ('one two', 0.9), ('three,four ', 0.9)
        truth = 'one two\nthree, four'
        self.assertEqual(self.answer(truth, *said)['wrong'], 1)
        self.assertEqual(
            self.answer(truth, *said, spaces=False),
            {'characters': 16, 'wrong': 0, 'lines': 2,
             'text': 'one two three,four'})


@unittest.skipIf(models.needs('ppocr'), 'PP-OCR is not installed')
@unittest.skipUnless(os.path.exists(FONT), 'DejaVu is not installed')
class Networks(unittest.TestCase):
    def test_page(self):
        with tempfile.TemporaryDirectory() as at:
            path = os.path.join(at, 'a.png')
            page = Image.new('RGB', (330, 117), 'white')
            draw = ImageDraw.Draw(page)
            font = ImageFont.truetype(FONT, 20)
            draw.text((20, 20), 'quick', 'black', font)
            draw.text((200, 20), 'brown', 'black', font)
            draw.text((20, 70), 'foxes 1759', 'black', font)
            page.save(path)
            with open(os.path.join(at, 'a.txt'), 'w') as f:
                f.write('quick brown\nfoxes 1759\n')
            cell, = spec.Sweep({
                'inputs': [path], 'codec': [{'name': 'none'}],
                'task': [{'kind': 'read'}]}).cells()
            got = work.do(cell)['answers']['read']
            self.assertEqual(got['characters'], 22)
            self.assertLessEqual(got['wrong'], 1)
            self.assertEqual(got['lines'], 3)

    def test_empty(self):
        task = tasks.make({'kind': 'read'})
        self.assertEqual(task.lines(np.full((50, 70, 3), 255, np.uint8)), [])

    def test_large(self):
        # larger than the network is given; boxes are in the page's pixels
        page = Image.new('RGB', (1500, 400), 'white')
        ImageDraw.Draw(page).text((900, 200), 'quick brown', 'black',
                                  ImageFont.truetype(FONT, 40))
        box, = tasks.make({'kind': 'read'}).lines(np.asarray(page))
        self.assertGreater(box[0], 850)
        self.assertGreater(box[1], 180)
        self.assertLess(box[3], 260)


if __name__ == '__main__':
    unittest.main()
