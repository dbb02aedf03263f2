#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of machine_sound.py and of what its inputs are named. Exit status 77:
numpy or what walloc-eval needs is missing."""
import os
import sys
import unittest

try:
    import numpy as np
    import gi  # noqa: F401
    import PIL  # noqa: F401
except ImportError as why:
    print(why)
    sys.exit(77)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import machine_sound as ms              # noqa: E402
import machine_sound_data as data       # noqa: E402


def lines(codec, settings, wrong, names='abcd'):
    """Results whose rate is the setting in kbit/s."""
    task = {'kind': 'pocketsphinx', 'name': 'w'}
    return [{'codec': codec, 'setting': s, 'input': n, 'seconds': 2.0,
             'bytes': s * 250, 'tasks': [task], 'metrics': {
                 'error': {'snr': s, 'si_sdr': s}},
             'answers': {'w': {'words': 4, 'wrong': w, 'heard': ''}}}
            for s, w in zip(settings, wrong) for n in names]


def asked(found):
    task = ms.tasks.scores(found)['w'][0]
    return ms.Asked('s', task, found, np.random.default_rng(1))


class Prompts(unittest.TestCase):
    def test_names(self):
        for path, text in (('digits/7', 'seven'), ('digits/40', 'forty'),
                           ('digits/day-0', 'sunday'),
                           ('digits/mon-11', 'december'),
                           ('digits/h-3', 'third'), ('digits/h-30', ''),
                           ('digits/h-hundred', ''), ('digits/star', 'star'),
                           ('phonetic/x_p', 'x ray'), ('phonetic/9_p', ''),
                           ('letters/a', ''), ('digits/a-m', '')):
            self.assertEqual(data.said(f'/x/{path}.g722'), text, path)


class Answers(unittest.TestCase):
    def test_counts(self):
        for answer, want in (
                ({'words': 4, 'wrong': 1, 'heard': ''}, (1, 4)),
                ({'stems': 2, 'value': 3.5}, (3.5, 1)),
                ({'right': 90, 'frames': 100, 'speech': 60, 'missed': 3,
                  'invented': 7}, (90, 100)),
                ({'right': True, 'label': 'a'}, (True, 1))):
            self.assertEqual(ms.of_answer(answer), want)


class Rates(unittest.TestCase):
    def test_between(self):
        a = asked(lines('wallocaudio', (4, 16), (4, 0))
                  + lines('opus', (8, 16), (2, 1)))
        self.assertAlmostEqual(a.at('wallocaudio', 8)[0], 50)
        self.assertAlmostEqual(a.at('opus', 16)[0], 25)
        self.assertIsNone(a.at('opus', 4))
        self.assertIsNone(a.at('opus', 24))
        # every sound says the same, so the difference is beyond doubt
        row = next(r for r in ms.level(a) if r[0] == '16')
        self.assertEqual(row[1:], ['**25.0 (25.0 to 25.0)**',
                                   '0.0 (0.0 to 0.0)'])

    def test_whole(self):
        """A sound that one setting lacks, or that failed, counts nowhere."""
        found = lines('wallocaudio', (4, 16), (4, 0)) \
            + lines('opus', (8, 16), (2, 1))
        found[0]['answers']['w'] = {'error': 'x'}
        found[-1]['error'] = 'y'
        self.assertEqual(asked(found).inputs, ['b', 'c'])

    def test_correlations(self):
        a = asked(lines('wallocaudio', (2, 4, 8, 16), (4, 3, 2, 1)))
        got = a.correlations()
        self.assertAlmostEqual(got['log rate']['pearson'][0], 1)
        self.assertAlmostEqual(got['snr']['spearman'][0], 1)


if __name__ == '__main__':
    unittest.main()
