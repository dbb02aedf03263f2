# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether someone speaks: frames, comparison; and, where the network is, what it
says of silence and of itself."""
import os
import sys
import unittest
from unittest import mock

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from eval import models, sound, tasks, voice  # noqa: E402
from eval.taskbase import TaskError  # noqa: E402


# of Debian's pocketsphinx-testdata: four words, 16 kHz
SPEECH = '/usr/share/pocketsphinx/test/data/goforward.raw'


class Frames(unittest.TestCase):
    def test_padded(self):
        ramp = np.arange(513, dtype=np.float32)[:, None] / 1000
        got = voice.frames_of(sound.Sound(ramp, 16000))
        self.assertEqual(got.shape, (2, 512))
        np.testing.assert_array_equal(got[0], ramp[:512, 0])
        self.assertEqual(got[1, 0], ramp[512, 0])
        self.assertFalse(got[1, 1:].any())

    def test_channels_and_rate(self):
        both = np.zeros((48000, 2), np.float32)
        both[:, 0] = np.sin(2 * np.pi * 100 * np.arange(48000) / 48000)
        got = voice.frames_of(sound.Sound(both, 48000)).ravel()
        self.assertEqual(len(got), 32 * 512)
        want = 0.5 * np.sin(2 * np.pi * 100 * np.arange(16000) / 16000)
        self.assertLess(abs(got[500:15500] - want[500:15500]).max(), 1e-3)
        self.assertFalse(got[16000:].any())

    def test_too_long(self):
        with mock.patch.object(voice, 'MOST', 16000), \
                self.assertRaisesRegex(TaskError, '2 s are more than the 1 s'):
            voice.frames_of(sound.Sound(np.zeros((32000, 1)), 16000))


class Compared(unittest.TestCase):
    def test_counts(self):
        self.assertEqual(
            voice.compared([1, 1, 0, 0, 1], [1, 0, 1, 0, 1]),
            {'frames': 5, 'right': 3, 'speech': 3, 'missed': 1,
             'invented': 1})

    def test_lengths(self):
        self.assertEqual(
            voice.compared([1, 0, 1], [1]),
            {'frames': 3, 'right': 2, 'speech': 2, 'missed': 1,
             'invented': 0})
        self.assertEqual(voice.compared([0], [0, 1, 1])['right'], 1)
        self.assertEqual(voice.compared([], [])['frames'], 0)

    def test_score(self):
        task = tasks.make({'kind': 'vad'})
        score = task.score([{'frames': 30, 'right': 30},
                            {'frames': 10, 'right': 5}])
        self.assertAlmostEqual(score.value, 87.5)
        self.assertEqual(score.count, 2)
        self.assertEqual(task.better, 'higher')

    def test_nonsense(self):
        with self.assertRaisesRegex(ValueError, 'unknown keys'):
            tasks.make({'kind': 'vad', 'threshold': 0.5})

    def test_pictures(self):
        self.assertFalse(tasks.make({'kind': 'vad'}).fits(
            {'media': 'picture'}))

    def test_clean_is_asked_once(self):
        task, asked = tasks.make({'kind': 'vad'}), []

        def decisions(heard):
            asked.append(heard)
            return np.array([True, False])

        a, b = (sound.Sound(np.zeros((n, 1)), 16000) for n in (1024, 1000))
        with mock.patch.object(task, 'decisions', decisions):
            for content in 'x', 'x', 'y':
                got = task.do({'content': content}, a, a, b)
        self.assertEqual([len(v) for v in asked],
                         [1024, 1000, 1000, 1024, 1000])
        self.assertEqual(got['right'], 2)
        voice.Vad.kept.clear()


@unittest.skipIf(models.needs('silero'), 'silero VAD is not installed')
class Network(unittest.TestCase):
    def test_nobody(self):
        task = tasks.make({'kind': 'vad'})
        for level in 0, 0.01:
            noise = level * np.random.default_rng(1).standard_normal(
                (16000, 1))
            said = task.decisions(sound.Sound(noise, 16000))
            self.assertEqual(len(said), 32)
            self.assertFalse(said.any())

    @unittest.skipUnless(os.path.exists(SPEECH),
                         'pocketsphinx-testdata is not installed')
    def test_speech(self):
        a = sound.Sound(np.fromfile(SPEECH, '<i2')[:, None] / 32768, 16000)
        task = tasks.make({'kind': 'vad'})
        said = task.decisions(a)
        self.assertGreater(said.mean(), 0.3)
        # words have silence before and behind them
        self.assertFalse(said[:2].any() or said[-1])
        got = task.do({'content': 'a'}, a, a, a)
        self.assertEqual(got['right'], got['frames'])
        self.assertEqual((got['missed'], got['invented']), (0, 0))
        # nothing is left of it
        got = task.do({'content': 'a'}, a, a, a.like(0 * a.samples))
        self.assertEqual(got['missed'], got['speech'])
        self.assertEqual(got['right'], got['frames'] - got['speech'])
        voice.Vad.kept.clear()


if __name__ == '__main__':
    unittest.main()
