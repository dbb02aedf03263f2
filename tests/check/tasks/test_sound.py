#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sound: latents in numpy, the networks of training/tasks and their steps from
recordings to a file, and what all of these refuse."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
import wave

import numpy as np
import onnx
import torch

TASKS = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(
    __file__)), '..', '..', '..', 'training', 'tasks'))
sys.path.insert(0, TASKS)
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import parts  # noqa: E402
import separate_set  # noqa: E402
import sound_classifier  # noqa: E402
import sound_separator  # noqa: E402
import sound_set  # noqa: E402
import sound_spectra  # noqa: E402
import test_separate  # noqa: E402
from latents import WallocError  # noqa: E402
from sound_latents import COLUMN, LATE, SoundCodec, frequency_order  # noqa: E402

RATE = 8000


def run(script, *args):
    """(exit status, what it printed) of one of the steps."""
    done = subprocess.run([sys.executable, os.path.join(TASKS, script),
                           *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def music(columns, channels, seed=0):
    """float32 [columns * 256, channels]: a few tones and some noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(columns * COLUMN)[:, None]
    x = sum(1500 * np.sin(t * f + rng.uniform(0, 6, channels))
            for f in rng.uniform(0.01, 2, 6))
    return (x + 100 * rng.standard_normal(x.shape)).astype(np.float32)


def write_wav(path, samples, rate=RATE):
    with wave.open(path, 'wb') as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(rate)
        f.writeframes(np.int16(samples).tobytes())


class Codec(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.codec = SoundCodec()

    def test_samples_come_back(self):
        x = music(40, 2)
        y = self.codec.decode(self.codec.encode(
            np.pad(x, ((0, self.codec.delay), (0, 0))), 44100, 90, 8))
        error = y[self.codec.delay:][:len(x)] - x
        self.assertGreater(10 * np.log10((x ** 2).sum() / (error ** 2).sum()),
                           15)

    def test_tones_are_in_their_band(self):
        band, signal = self.codec.bands()
        place = frequency_order(band)
        self.assertEqual(sorted(place[signal == 0]), list(range(256)))
        for f in (0.06, 0.2, 0.37, 0.45):
            x = 3000 * np.sin(2 * np.pi * f * np.arange(32 * COLUMN))[:, None]
            v = self.codec.latents(self.codec.encode(x, RATE, 80, 32))
            energy = (v[:, 8:] ** 2).sum(1)
            self.assertEqual(energy[signal == 1].max(), 0)
            self.assertLess(abs(place[energy.argmax()] - 512 * f), 2)

    def test_frame_size_does_not_matter(self):
        x = music(32, 2) / 8         # latents over 16383 steps are limited
        a, b = (self.codec.latents(self.codec.encode(
            x, 44100, columns=n, step_index=96)) for n in (8, 16))
        self.assertEqual(a.shape, b.shape)
        # 96 is a step of 1, and a frame's rotation is rounded
        self.assertLess(np.abs(a - b).max(), 4)

    def test_latents_are_synthesised(self):
        x = music(64, 2) / 8
        frames = self.codec.encode(x, 44100, columns=16, step_index=96)
        got = test_separate.Bank(self.codec, 2).samples(
            self.codec.latents(frames))
        inside = slice(16 * COLUMN, -16 * COLUMN)
        self.assertLess(np.abs(got.T[inside] - x[:got.shape[1]][inside]).max(),
                        8)

    def test_refusals(self):
        with self.assertRaises(ValueError):
            self.codec.encode(np.zeros(256), RATE)
        with self.assertRaises(WallocError):
            self.codec.encode(np.zeros((256, 1)), 0)
        frame = bytearray(self.codec.encode(music(8, 1), RATE, 50, 8)[0])
        with self.assertRaises(WallocError):
            self.codec.latents([bytes(frame[:20])])
        frame[0] ^= 0xff
        with self.assertRaises(WallocError):
            self.codec.latents([bytes(frame)])
        with self.assertRaisesRegex(WallocError, 'photo-1'):
            SoundCodec('photo-1')


class Networks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.codec = SoundCodec()

    def test_equal_sizes(self):
        a = sound_classifier.OfLatents(7, RATE, *self.codec.bands())
        b = sound_classifier.OfSamples(7, RATE)
        self.assertEqual(*map(sound_classifier.parameters, (a, b)))
        x = torch.zeros(2, 512, 32)
        self.assertEqual(a(x).shape, b(torch.zeros(2, 1, 32 * 256)).shape)
        self.assertTrue(torch.isfinite(a(x)).all())

    def test_loudness_does_not_matter(self):
        net = sound_classifier.OfLatents(3, RATE,
                                         *self.codec.bands()).eval()
        x = torch.randn(1, 512, 32) * 500
        with torch.no_grad():
            self.assertLess(float((net(x) - net(4 * x)).abs().max()), 1e-3)

    def test_spectra_without_samples(self):
        """Those of latents against those of what is synthesised of them."""
        band, signal = self.codec.bands()
        x = music(40, 1) / 4
        v = self.codec.latents(self.codec.encode(x, RATE, 80, 8))
        y = test_separate.Bank(self.codec, 1).samples(v)[0]
        a = sound_spectra.ToSpectra((-192, -64), 'hann')(torch.tensor(
            v[sound_spectra.places(band, signal, 0)])[None])[0].numpy()
        window = np.hanning(513)[:512]
        for frame, start in ((0, -192), (1, -64)):
            for column in range(8, 30):
                at = column * COLUMN + start
                want = np.fft.rfft(y[at:at + 512] * window)[:256] / 512 ** 0.5
                got = a[2 * frame] + 1j * a[2 * frame + 1]
                error = got[:, column + LATE] - want
                self.assertLess((abs(error) ** 2).sum(),
                                0.03 * (abs(want) ** 2).sum(), column)

    def test_coefficients_come_back(self):
        x = torch.randn(2, 256, 30) * 300
        forth = sound_spectra.ToSpectra((-128,), 'root')
        back = sound_spectra.FromSpectra(-128)
        y = back(forth(x))
        self.assertEqual(y.shape, x.shape)
        error = (y - x)[..., 4:-4]
        self.assertLess(float((error ** 2).mean()), 0.03 * 300 ** 2)
        other = x.clone()
        other[..., 20] += 1000
        seen = (forth(other) - forth(x)).abs().amax((0, 1, 2)).nonzero()
        self.assertEqual(seen.flatten().tolist(), [19, 20, 21])

    def test_spectra_want_all_bands(self):
        band, signal = self.codec.bands()
        with self.assertRaisesRegex(ValueError, 'all of them'):
            sound_spectra.places(band[:200], signal[:200], 0)

    def test_shares_add_up(self):
        for signals in (1, 2):
            net = sound_separator.OfLatents(3, 16, signals,
                                            *self.codec.bands())
            x = torch.randn(2, 512, 40) * 300
            with torch.no_grad():
                y = net(x)
            self.assertEqual(y.shape, (2, 3, 512, 40))
            self.assertLess(float((y.sum(1) - x).abs().max()), 1e-2)

    def test_the_newest_columns_are_the_same(self):
        for signals in (1, 2):
            net = sound_separator.OfLatents(3, 16, signals,
                                            *self.codec.bands())
            before = net.context
            x = torch.randn(1, 512, before + 7) * 300
            with torch.no_grad():
                a, b = net(x), sound_separator.Newest(net)(x)
            self.assertEqual(a.shape, b.shape)
            self.assertLess(float((a - b)[..., before:].abs().max()), 1e-2)
            self.assertGreater(float(b[..., before:].abs().max()), 10)
            self.assertEqual(float(b[..., :before].abs().max()), 0)

    def test_only_the_context_is_seen(self):
        trunk = sound_separator.Trunk(6, 6, 2, 16).eval()
        x = torch.randn(1, 6, 150)
        other = x.clone()
        other[..., :150 - 16 - sound_separator.CONTEXT] += 1
        late = x.clone()
        late[..., 140:] += 1
        with torch.no_grad():
            a, b, c = (trunk(v) for v in (x, other, late))
        self.assertEqual(float((a - b)[..., -16:].abs().max()), 0)
        self.assertGreater(float((a - b)[..., :-16].abs().max()), 0)
        self.assertEqual(float((a - c)[..., :140].abs().max()), 0)

    def test_spectra_come_back(self):
        net = sound_separator.OfSamples(2, 8, 2)
        x = torch.randn(1, 2, 20 * 256)
        y = net.samples(net.spectrum(x))
        self.assertLess(float((x - y)[..., 256:-256].abs().max()), 1e-4)

    def test_ratios(self):
        x = music(8, 1).T
        self.assertAlmostEqual(test_separate.ratios(x, 0.9 * x)[0], 20,
                               places=3)
        self.assertGreater(test_separate.ratios(x, 0.9 * x)[1], 60)
        self.assertAlmostEqual(test_separate.ratios(x, 0 * x)[0], 0, places=3)


class Steps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory()
        cls.dir = cls.keep.name
        rng = np.random.default_rng(1)
        for name, tone in (('high', 1.2), ('low', 0.2)):
            os.makedirs(cls.at('clips', name))
            for k in range(24):
                t = np.arange(int(rng.integers(2000, 6000)))
                write_wav(cls.at('clips', name, f'{k}.wav'), 4000 * np.sin(
                    t * tone * rng.uniform(0.9, 1.1)))
        os.makedirs(cls.at('set'))
        with open(cls.at('set', 'two.json'), 'w') as f:
            json.dump({'labels': ['high', 'low'], 'rate': 16000,
                       'ratio': [-3, 3]}, f)
        for split, n in (('train', 6), ('val', 3), ('test', 3)):
            x = np.zeros((n, 2, 1, 128 * COLUMN), np.int16)
            t = np.arange(128 * COLUMN)
            for k in range(n):
                x[k, 0, 0] = 3000 * np.sin(t * rng.uniform(1, 1.4))
                x[k, 1, 0] = 3000 * np.sin(t * rng.uniform(0.1, 0.3))
            np.save(cls.at('set', f'two_{split}.npy'), x)

    @classmethod
    def tearDownClass(cls):
        cls.keep.cleanup()

    @classmethod
    def at(cls, *names):
        return os.path.join(cls.dir, *names)

    @parts.needs('onnx')
    def test_classifier_from_a_folder(self):
        code, text = run('train_audio_classify.py', '--data', self.at('clips'),
                         '--out', self.at('net'), '--name', 'tones',
                         '--epochs', 6)
        self.assertEqual(code, 0, text)
        model = onnx.load(self.at('net', 'tones.onnx'))
        about = {p.key: p.value for p in model.metadata_props}
        self.assertEqual(json.loads(about['walloc.labels']), ['high', 'low'])
        self.assertEqual((about['walloc.rate'], about['walloc.window']),
                         ('8000', '32'))
        code, text = run('test_audio_classify.py', '--data', self.at('clips'),
                         '--out', self.at('report'), '--qualities', '40',
                         'latents=' + self.at('net', 'tones.onnx'))
        self.assertEqual(code, 0, text)
        with open(self.at('report.json')) as f:
            figures = json.load(f)
        # tones two octaves apart and more
        self.assertEqual(figures['networks']['latents']['qualities']['40'][
            'accuracy'], 1.0, text)

    @parts.needs('onnx')
    def test_separation_from_a_set(self):
        code, text = run('train_separate.py', '--set', self.at('set'),
                         '--data', 'two', '--name', 'two', '--out',
                         self.at('two'), '--updates', 100, '--width', 16,
                         '--validations', 2, '--some', 3)
        self.assertEqual(code, 0, text)
        model = onnx.load(self.at('two', 'two.onnx'))
        about = {p.key: p.value for p in model.metadata_props}
        self.assertEqual(about['walloc.task'], 'separate')
        self.assertEqual(about['walloc.context'],
                         str(sound_separator.OfLatents.context))
        self.assertEqual([o.name for o in model.graph.output],
                         ['latents_out'])
        code, text = run('test_separate.py', '--set', self.at('set'),
                         '--data', 'two', '--out', self.at('report2'),
                         '--qualities', '60',
                         'latents=' + self.at('two', 'two.pt'))
        self.assertEqual(code, 0, text)
        with open(self.at('report2.json')) as f:
            ratios = json.load(f)['ratios']
        for stem in ('high', 'low'):
            got, mixture = (ratios[k]['60'][stem]['sdr'][0]
                            for k in ('latents', 'mixture'))
            self.assertGreater(got, mixture + 10, text)

    def test_refusals(self):
        with self.assertRaisesRegex(ValueError, '8000'):
            write_wav(self.at('other.wav'), np.zeros(100), 44100)
            sound_set.read_wav(self.at('other.wav'), 8000)
        os.makedirs(self.at('few', 'one'))
        write_wav(self.at('few', 'one', 'a.wav'), np.zeros(100))
        code, text = run('train_audio_classify.py', '--data', self.at('few'),
                         '--out', self.at('none'))
        self.assertNotEqual(code, 0)
        self.assertIn('classes', text)
        write_wav(self.at('few', 'a.wav'), np.zeros(100))
        with self.assertRaisesRegex(ValueError, 'DIGIT_SPEAKER_TAKE'):
            sound_set.read_set(self.at('few'), 8000)
        np.save(self.at('set', 'three_val.npy'), np.zeros((1, 3, 1, 256),
                                                          np.int16))
        with open(self.at('set', 'three.json'), 'w') as f:
            json.dump({'labels': ['a', 'b'], 'rate': 16000}, f)
        with self.assertRaisesRegex(ValueError, '2 labels'):
            separate_set.Source(self.at('set'), 'three', 'val', SoundCodec(),
                                None)


if __name__ == '__main__':
    unittest.main()
