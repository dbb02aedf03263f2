# SPDX-License-Identifier: LGPL-2.1-or-later
"""walloc-eval's tasks of sound: words beside a recogniser that says what it is
told to, the real one where it is installed, digits and stems on latents."""
import os
import stat
import sys
import tempfile
import unittest
import wave
from unittest import mock

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from eval import codecs, networks, sound, soundtasks, spec  # noqa: E402
from eval import taskbase, tasks, work  # noqa: E402

PIPELINES = unittest.skipUnless(
    os.environ.get('WALLOC_EVAL_PIPELINES'),
    'pipelines are run by the build (WALLOC_EVAL_PIPELINES)')
CARDS = '/usr/share/pocketsphinx/test/data/cards'


def hum(seconds, rate, channels=1):
    rng = np.random.default_rng(3)
    n = int(seconds * rate)
    t = np.arange(n)[:, None] / rate
    return sound.Sound(.2 * np.sin(2 * np.pi * 220 * t) + rng.normal(
        0, .01, (n, channels)), rate)


class Folder(unittest.TestCase):
    def setUp(self):
        self.holder = tempfile.TemporaryDirectory()
        self.folder = self.holder.name
        self.addCleanup(self.holder.cleanup)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as f:
            f.write(text)
        return self.path(name)

    def cell(self, name, clip, entry, codec='none', setting=0):
        """The cell of a sound through a codec, asked one task."""
        sound.write_wav(self.path(name), clip)
        return spec.Sweep({
            'inputs': [self.path(name)], 'task': [entry],
            'codec': [{'name': codec, 'settings': [setting]}]}).cells()[0]


class Words(Folder):
    def test_words(self):
        self.assertEqual(soundtasks.words_of("Don't stop -\n 7, 40!"),
                         ["don't", 'stop', 'seven', 'four', 'zero'])
        self.assertEqual(soundtasks.words_of(' . '), [])

    def test_parts(self):
        got = taskbase.of_parts([(1, 10), (2, 4), (0, 6)])
        self.assertAlmostEqual(got.value, 15)
        self.assertTrue(0 <= got.low < 15 < got.high)
        self.assertEqual(got.count, 3)
        self.assertTrue(np.isnan(taskbase.of_parts([]).value))

    def test_nonsense(self):
        for entry, text in (
                ({'truth': 'label'}, '"truth" is "text"'),
                ({'digits': True, 'grammar': 'x'}, 'do not go together'),
                ({'rate': '8k'}, '"rate" \'8k\' is no number'),
                ({'language': 'en'}, "unknown keys ['language']")):
            with self.assertRaises(ValueError) as e:
                tasks.make(dict(entry, kind='pocketsphinx'))
            self.assertIn(text, str(e.exception))
        for entry, text in (({}, '"network" is missing'),
                            ({'network': 'x', 'quality': 0},
                             '"quality" 0 is no number')):
            with self.assertRaises(ValueError) as e:
                tasks.make(dict(entry, kind='separate'))
            self.assertIn(text, str(e.exception))
        with self.assertRaises(ValueError) as e:
            tasks.make({'kind': 'classify', 'network': 'x', 'truth': 'text'})
        self.assertIn('"folder" or "name"', str(e.exception))

    def fake(self, script):
        """A pocketsphinx_continuous that is this shell script."""
        path = self.write('pocketsphinx_continuous', '#!/bin/sh\n' + script)
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        return mock.patch.dict(os.environ, PATH=self.folder + os.pathsep
                               + os.environ['PATH'])

    def ask(self, name, **options):
        task = tasks.make(dict(options, kind='pocketsphinx'))
        return task.do({'input': self.path(name)}, None, None,
                       hum(.5, 44100, 2))

    def test_fake(self):
        """What it is given, and what is made of what it says."""
        self.write('a.txt', 'one two three\n')
        with self.fake('echo one; echo three; echo "$@" >&2\n'
                       f'cp "$2" {self.folder}/heard.wav\n'
                       f'echo "$@" > {self.folder}/arguments\n'):
            got = self.ask('a.wav', lm='x.lm', acoustic='model',
                           options='-wip 0.1')
            self.assertEqual(got, {'words': 3, 'wrong': 1,
                                   'heard': 'one three'})
            with open(self.path('arguments'), encoding='utf-8') as f:
                said = f.read()
            self.assertIn('-lm x.lm', said)
            self.assertIn('-hmm model -wip 0.1', said)
            self.assertNotIn('-samprate', said)
            with wave.open(self.path('heard.wav')) as w:
                heard = w.getparams()
            self.assertEqual(heard[:4], (1, 2, 16000, 8000))
            got = self.ask('2_x_1.wav', truth='name', rate=8000)
            self.assertEqual((got['words'], got['wrong']), (1, 2))
            with open(self.path('arguments'), encoding='utf-8') as f:
                self.assertIn('-samprate 8000', f.read())

    def test_failing(self):
        self.write('a.txt', 'one')
        with self.fake('echo "ERROR: no such grammar" > "$4"; exit 3'):
            with self.assertRaises(tasks.TaskError) as e:
                self.ask('a.wav')
            self.assertIn('ended with 3: ERROR: no such grammar',
                          str(e.exception))
            with self.assertRaises(tasks.TaskError) as e:
                self.ask('b.wav')
            self.assertIn('b.txt', str(e.exception))

    def test_absent(self):
        task = tasks.make({'kind': 'pocketsphinx'})
        with mock.patch.dict(os.environ, PATH=self.folder):
            self.assertEqual(task.needs(), 'pocketsphinx_continuous')

    @PIPELINES
    def test_real(self):
        """Recordings and their grammar, if both packages are there."""
        task = {'kind': 'pocketsphinx', 'grammar': CARDS + '/cards.gram'}
        if tasks.make(task).needs() or not os.path.exists(CARDS) \
                or codecs.pipes.missing('wavparse'):
            self.skipTest('pocketsphinx or its test data are not installed')
        clip = sound.load(CARDS + '/003.wav')
        cell = self.cell('a.wav', clip, task)
        truth = 'Seven of clubs.\n'
        self.write('a.txt', truth)
        got = work.do(cell)['answers']['pocketsphinx']
        self.assertEqual(got['wrong'], 0, got)
        self.assertEqual(got['words'], 3)
        silent = self.cell('b.wav', sound.Sound(np.zeros((8000, 1)), 16000),
                           task)
        self.write('b.txt', truth)
        got = work.do(silent)['answers']['pocketsphinx']
        self.assertEqual((got['wrong'], got['heard']), (got['words'], ''))


class Labels(unittest.TestCase):
    def test_surest(self):
        said = [{'label': 'a', 'confidence': .9},
                {'label': 'b', 'confidence': .6},
                {'label': 'b', 'confidence': .6}]
        label, confidence = networks.surest(said)
        self.assertEqual(label, 'b')
        self.assertAlmostEqual(confidence, .4)

    def test_fits(self):
        task = tasks.make({'kind': 'classify', 'network': 'x'})
        self.assertTrue(task.fits({'media': 'sound',
                                   'how': 'wallocaudioenc | y'}))
        self.assertFalse(task.fits({'media': 'sound', 'how': 'opusenc | y'}))
        self.assertFalse(task.fits({'media': 'picture',
                                    'how': 'wallocaudioenc | y'}))
        on_pixels = tasks.make({'kind': 'classify', 'pixels': 'x'})
        self.assertFalse(on_pixels.fits({'media': 'sound', 'how': 'a | b'}))


class Ratios(unittest.TestCase):
    def test_known(self):
        rng = np.random.default_rng(0)
        a = rng.normal(size=(50000, 2))
        for db in (-6, 0, 12):
            noisy = a + rng.normal(size=a.shape) * 10 ** (-db / 20)
            for gain in (1, .3, 5):
                self.assertAlmostEqual(soundtasks.si_sdr(a, gain * noisy), db,
                                       delta=.15)
        self.assertEqual(soundtasks.si_sdr(a, a), soundtasks.MOST)
        self.assertEqual(soundtasks.si_sdr(a, 0 * a), -soundtasks.MOST)

    def test_score(self):
        task = tasks.make({'kind': 'separate', 'network': 'x'})
        got = task.score([{'value': v, 'stems': {'a': 1}} for v in (1, 2, 9)]
                         + [{'value': None, 'stems': {}}])
        self.assertEqual((got.value, got.count), (2, 3))
        self.assertTrue(np.isnan(task.score([]).value))


@PIPELINES
class OnLatents(Folder):
    def setUp(self):
        super().setUp()
        if codecs.pipes.missing('wavparse', 'compressedseparate'):
            self.skipTest('wavparse or compressedseparate are not there')

    def answer(self, cell, name):
        line = work.do(cell)
        self.assertNotIn('error', line)
        got = line['answers'].get(name)
        if got and 'runs no networks' in got.get('error', ''):
            self.skipTest(got['error'])
        return got

    def test_digits(self):
        entry = {'kind': 'classify', 'network': 'digits-1', 'truth': 'name'}
        got = self.answer(self.cell('7_x_0.wav', hum(1.5, 8000), entry,
                                    'wallocaudio', 40), 'classify')
        self.assertEqual(got['truth'], '7')
        self.assertIn(got['label'], '0123456789')
        self.assertEqual(got['right'], int(got['label'] == '7'))
        self.assertTrue(0 < got['confidence'] <= 1)
        # another rate than it was trained on says so, and the rest stays
        got = self.answer(self.cell('7_x_1.wav', hum(1, 16000), entry,
                                    'wallocaudio', 40), 'classify')
        self.assertIn('error', got)
        self.assertIsNone(self.answer(self.cell(
            '7_x_0.wav', hum(1, 8000), entry), 'classify'))

    def stems(self, name, labels, rate=44100):
        os.makedirs(self.path(name + '.stems'), exist_ok=True)
        t = np.arange(rate)[:, None] / rate
        parts = [.15 * np.sin(2 * np.pi * f * t) * np.ones((1, 2))
                 for f in (70, 300, 900, 2500)]
        for label, part in zip(labels, parts):
            sound.write_wav(self.path(name + '.stems', label + '.wav'),
                            sound.Sound(part, rate))
        return sound.Sound(sum(parts), rate)

    def test_stems(self):
        labels = ('bass', 'drums', 'lead', 'other')
        mix = self.stems('a', labels)
        entry = {'kind': 'separate', 'network': 'stems-1'}
        got = self.answer(self.cell('a.wav', mix, entry, 'wallocaudio', 50),
                          'separate')
        self.assertEqual(sorted(got['stems']), sorted(labels))
        self.assertAlmostEqual(got['value'], np.mean([
            v['improvement'] for v in got['stems'].values()]))
        for label, v in got['stems'].items():
            truth = sound.load(self.path('a.stems', label + '.wav'))
            self.assertAlmostEqual(
                v['si_sdr'] - v['improvement'],
                soundtasks.si_sdr(truth.samples, mix.samples), delta=.01)
        # others have no latents; coded again, any codec has
        self.assertIsNone(self.answer(self.cell('a.wav', mix, entry),
                                      'separate'))
        got = self.answer(self.cell('a.wav', mix, dict(entry, quality=95)),
                          'separate')
        self.assertEqual(sorted(got['stems']), sorted(labels))
        # a stem that does not play has no ratio
        quiet = sound.load(self.path('a.stems', 'lead.wav'))
        sound.write_wav(self.path('a.stems', 'lead.wav'),
                        quiet.like(quiet.samples * 1e-3))
        got = self.answer(self.cell('a.wav', mix, entry, 'wallocaudio', 50),
                          'separate')
        self.assertNotIn('lead', got['stems'])

    def test_bad_stems(self):
        mix = self.stems('a', ('bass', 'drums', 'lead'))
        entry = {'kind': 'separate', 'network': 'stems-1'}

        def why(name='a', **more):
            return self.answer(self.cell(
                name + '.wav', mix, dict(entry, **more), 'wallocaudio', 50),
                'separate')['error']

        self.assertIn('other.wav is not there', why())
        sound.write_wav(self.path('a.stems', 'other.wav'), hum(1, 16000, 2))
        self.assertIn('other.wav: 16000 samples of 16000 Hz', why())
        with open(self.path('a.stems', 'other.wav'), 'w') as f:
            f.write('none')
        self.assertIn('other.wav', why())
        self.assertIn('nosuch', why(network='nosuch'))

    def test_command(self):
        """A sound comes as WAV."""
        entry = {'kind': 'command', 'name': 'n', 'command': sys.executable
                 + ' -c "import sys, wave; a, b = (wave.open(v) for v in '
                 'sys.argv[1:]); print(a.getnframes() + b.getnframes())" '
                 '{result} {clean}'}
        got = self.answer(self.cell('a.wav', hum(.1, 8000), entry), 'n')
        self.assertEqual(got, {'value': 1600})


if __name__ == '__main__':
    unittest.main()
