# SPDX-License-Identifier: LGPL-2.1-or-later
"""walloc-eval of sound: resampling and delays against what is known, codecs that
give back what went in at its place, noise of a known level, files that are
none."""
import os
import struct
import subprocess
import sys
import tempfile
import unittest
import wave

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
TOOL = os.path.join(ROOT, 'tools', 'walloc-eval')
sys.path.insert(0, os.path.join(ROOT, 'tools'))
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import parts  # noqa: E402
from eval import codecs, errors, sound, soundcell, soundcodecs  # noqa: E402
from eval import spec, store, summary  # noqa: E402

PIPELINES = unittest.skipUnless(
    os.environ.get('WALLOC_EVAL_PIPELINES'),
    'pipelines are run by the build (WALLOC_EVAL_PIPELINES)')


def snr(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    return 10 * np.log10((x ** 2).sum() / max(((x - y) ** 2).sum(), 1e-30))


def bursts(rate, channels=1, low=150, high=3000, seconds=1.2):
    """Noise of a band in bursts, silence between and around them."""
    rng = np.random.default_rng(7)
    n = int(seconds * rate)
    f = np.fft.rfftfreq(n, 1 / rate)
    spectrum = np.fft.rfft(rng.normal(size=(n, channels)), axis=0)
    spectrum[(f < low) | (f > min(high, .4 * rate))] = 0
    x = np.fft.irfft(spectrum, n, axis=0)
    t = np.arange(n) / rate
    x *= np.clip(np.sin(2 * np.pi * 2.5 * t), 0, 1)[:, None]
    return sound.Sound(0.2 * x / np.abs(x).max(), rate)


class Resample(unittest.TestCase):
    def test_there_and_back(self):
        for a, b in ((8000, 16000), (44100, 48000), (11025, 12000)):
            clip = bursts(a, 2)
            there = sound.resample(clip, b)
            self.assertEqual(len(there), round(len(clip) * b / a))
            back = sound.resample(there, a)
            self.assertLessEqual(abs(len(back) - len(clip)), 1)
            n = min(len(back), len(clip))
            self.assertGreater(snr(clip.samples[:n], back.samples[:n]), 60)

    def test_places(self):
        """A tone has its phase and level at the other rate."""
        for a, b in ((16000, 48000), (48000, 16000), (44100, 8000)):
            def tone(rate, n):
                t = np.arange(n) / rate
                return np.cos(2 * np.pi * 700 * t + 0.3) * np.exp(
                    -((t - .5) / .1) ** 2)
            got = sound.resample(sound.Sound(tone(a, a)[:, None], a), b)
            self.assertGreater(snr(tone(b, b), got.samples[:, 0]), 80)

    def test_above(self):
        """What the other rate has no place for is left out, not folded."""
        t = np.arange(48000) / 48000
        x = sound.Sound(np.sin(2 * np.pi * 9000 * t)[:, None]
                        * np.hanning(48000)[:, None], 48000)
        self.assertLess(np.abs(sound.resample(x, 16000).samples).max(), 1e-5)

    def test_sizes(self):
        for n in (1, 2, 7, 97, 1009, 12289, 99991):
            size = sound.good_size(n)
            self.assertGreaterEqual(size, n)
            self.assertLess(size, 1.2 * n + 2)
            for p in (2, 3, 5):
                while size % p == 0:
                    size //= p
            self.assertEqual(size, 1)

    def test_one_sample(self):
        one = sound.Sound(np.full((1, 3), .5), 8000)
        self.assertEqual(len(sound.resample(one, 48000)), 6)
        self.assertEqual(len(sound.resample(one, 1000)), 1)


class Delay(unittest.TestCase):
    def test_known(self):
        clip = bursts(16000)
        x = clip.samples[:, 0].astype(float)
        for late in (0, 1, 1105, -3, 2000.25, -0.4):
            moved = sound.delayed(clip, -late, len(clip) + 4000)
            lag, like = soundcodecs.lag_of(x, moved.samples[:, 0].astype(
                float))
            self.assertAlmostEqual(lag, late, 2)
            self.assertGreater(like, 0.95)
            back = sound.delayed(moved, lag, len(clip))
            self.assertGreater(snr(x[50:], back.samples[50:, 0]), 35, late)

    def test_noise(self):
        """Of other noise it is not like."""
        rng = np.random.default_rng(1)
        _, like = soundcodecs.lag_of(rng.normal(size=20000),
                                     rng.normal(size=20000))
        self.assertLess(like, soundcodecs.LEAST_LIKENESS)

    def test_ends(self):
        clip = sound.Sound(np.arange(1, 6, dtype=float)[:, None], 8000)
        self.assertEqual(sound.delayed(clip, 2, 5).samples[:, 0].tolist(),
                         [3, 4, 5, 0, 0])
        self.assertEqual(sound.delayed(clip, -2, 4).samples[:, 0].tolist(),
                         [0, 0, 1, 2])
        self.assertEqual(sound.delayed(clip, 9, 2).samples[:, 0].tolist(),
                         [0, 0])


class Wav(unittest.TestCase):
    def test_written(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'a.wav')
            sound.write_wav(path, sound.Sound(
                [[0, .5], [-2, 2], [1 / 65536, -1 / 32768]], 11025))
            with wave.open(path) as w:
                self.assertEqual(w.getparams()[:4], (2, 2, 11025, 3))
                self.assertEqual(np.frombuffer(w.readframes(9),
                                               '<i2').tolist(),
                                 [0, 16384, -32768, 32767, 0, -1])

    def test_cut_off(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'a.wav')
            sound.write_wav(path, sound.Sound(np.zeros((100, 1)), 8000))
            sound.check_wav(path)
            with open(path, 'rb') as f:
                data = f.read()
            for n in (60, 243):
                with open(path, 'wb') as f:
                    f.write(data[:n])
                with self.assertRaises(errors.CellError) as e:
                    sound.check_wav(path)
                self.assertIn('is cut off: 200 bytes', str(e.exception))
            # chunks of nothing have an end
            with open(path, 'wb') as f:
                f.write(data[:12] + bytes(8 * (sound.MAX_CHUNKS + 1))
                        + data[36:50])
            sound.check_wav(path)
            # a size that nobody knew
            with open(path, 'wb') as f:
                f.write(data[:40] + struct.pack('<I', 0xffffffff) + data[44:])
            sound.check_wav(path)


@PIPELINES
class Codecs(unittest.TestCase):
    def each(self):
        lacking = []
        for codec in soundcodecs.known():
            if codec.needs():
                lacking.append(codec.name)
            else:
                yield codec
        if lacking:
            print('not installed:', ', '.join(lacking), file=sys.stderr)

    @parts.needs('onnx')
    def test_alignment(self):
        """What comes back lies where it was, at each rate of samples, and is
        nearer to it with more bits. Codecs of speech keep no waveform of
        noise, but its place."""
        for codec in self.each():
            speech = codec.name in ('speex', 'amr-wb', 'opus-voice')
            for rate in (16000, 44100):
                clip = bursts(rate)
                x = clip.samples[:, 0].astype(float)
                got = []
                for setting in (codec.settings[1], codec.settings[-1]):
                    coded = codec.code(clip, setting)
                    self.assertEqual(len(coded.sound), len(clip))
                    self.assertEqual(coded.sound.rate, rate)
                    y = coded.sound.samples[:, 0].astype(float)
                    got.append((coded.bytes, snr(x, y))
                               + soundcodecs.lag_of(x, y))
                name = codec.name, rate, got
                self.assertLess(got[0][0], got[1][0], name)
                self.assertLess(got[0][1], got[1][1], name)
                self.assertGreater(got[1][3], .5 if speech else .95, name)
                self.assertLess(abs(got[1][2]), 1 if speech else .05, name)

    @parts.needs('onnx')
    def test_impulse(self):
        """A click stays where it is."""
        x = np.zeros((24000, 1))
        x[10000] = .9
        for codec in self.each():
            if codec.name in ('speex', 'amr-wb', 'opus-voice'):
                continue
            y = codec.code(sound.Sound(x, 16000),
                           codec.settings[-1]).sound.samples
            self.assertLessEqual(abs(int(np.abs(y).argmax()) - 10000), 1,
                                 codec.name)

    @parts.needs('onnx')
    def test_exact(self):
        """Ours need no delay to be measured: it is none."""
        for codec in self.each():
            if codec.exact:
                clip = bursts(44100, 2)
                self.assertLess(abs(soundcodecs.delay(codec, 50, clip)), .02)

    @parts.needs('onnx')
    def test_channels(self):
        """Each channel comes back as itself."""
        t = np.arange(24000) / 48000
        for n in (2, 3, 4, 6, 8):
            x = np.stack([.2 * np.sin(2 * np.pi * (100 + 60 * k) * t)
                          for k in range(n)], 1)
            for codec in self.each():
                if n > codec.channels:
                    with self.assertRaises(errors.CodecError) as e:
                        codec.code(sound.Sound(x, 48000), codec.settings[-1])
                    self.assertIn(f'this has {n}', str(e.exception))
                elif codec.name not in ('speex', 'opus-voice'):
                    y = codec.code(sound.Sound(x, 48000), codec.settings[
                        -1]).sound.samples.astype(float)
                    like = x.T @ y / (np.linalg.norm(x, axis=0)[:, None]
                                      * np.linalg.norm(y, axis=0))
                    self.assertEqual(like.argmax(1).tolist(), list(range(n)),
                                     (codec.name, n))
                    # woofers are for what is deep
                    self.assertGreater(np.diag(like).min(),
                                       .6 if n > 5 else .9, (codec.name, n))

    def test_headers(self):
        """Vorbis' books are not bytes of the sound; packets are."""
        known = codecs.table()
        if known['vorbis'].needs():
            self.skipTest('vorbis is not installed')
        short, long = (known['vorbis'].code(bursts(16000, seconds=s), .3)
                       for s in (.6, 1.2))
        self.assertEqual(short.header_bytes, long.header_bytes)
        self.assertGreater(short.header_bytes, 1000)
        self.assertLess(short.bytes, .7 * long.bytes)
        none = known['none'].code(bursts(16000, 2), 0)
        self.assertEqual((none.bytes, none.header_bytes), (19200 * 4, 0))

    def test_own(self):
        """A codec that a sweep brings has its delay taken away, too."""
        own = codecs.own('late', 'audiodelay delay={setting}', 'identity',
                         [0], 'sound')
        own.encode = 'identity'
        clip = bursts(16000)
        self.assertGreater(snr(clip.samples,
                               own.code(clip, 0).sound.samples), 90)
        # silence is like nothing
        own.encode = 'volume volume=0'
        with self.assertRaises(errors.CodecError) as e:
            own.code(clip, 0)
        self.assertIn('by how much it is late', str(e.exception))


def tool(*args):
    return subprocess.run([sys.executable, TOOL, *args], capture_output=True,
                          text=True, timeout=170)


def inputs(folder):
    """Two sounds, and what is none, or hardly one: {name: what is said of it,
    or None}."""
    rng = np.random.default_rng(5)
    sound.write_wav(os.path.join(folder, 'a.wav'), bursts(16000))
    sound.write_wav(os.path.join(folder, 'b.wav'), sound.Sound(
        rng.normal(0, .1, (9600, 8)), 96000))
    sound.write_wav(os.path.join(folder, 'one.wav'),
                    sound.Sound([[.5]], 8000))
    sound.write_wav(os.path.join(folder, 'none.wav'),
                    sound.Sound(np.zeros((0, 1)), 8000))
    with open(os.path.join(folder, 'a.wav'), 'rb') as f:
        data = f.read()
    for name, part in (('cut.wav', data[:5000]), ('text.wav', b'no sound\n'),
                       ('empty.wav', b'')):
        with open(os.path.join(folder, name), 'wb') as f:
            f.write(part)
    return {'a.wav': None, 'b.wav': None, 'one.wav': None,
            'none.wav': 'there are no samples', 'cut.wav': 'is cut off',
            'text.wav': 'text.wav: ', 'empty.wav': 'empty.wav: '}


@PIPELINES
class Sweep(unittest.TestCase):
    def setUp(self):
        if codecs.pipes.missing('wavparse'):
            self.skipTest('wavparse is not installed')

    def test_bad_files(self):
        with tempfile.TemporaryDirectory() as folder:
            said = inputs(folder)
            out = os.path.join(folder, 'out')
            got = tool('run', '--inputs', folder, '--codecs', 'none',
                       'wallocaudio:20,60', 'mp3:64', '--jobs', '2', '--out',
                       out)
            self.assertEqual(got.returncode, 1, got.stderr)
            lines, _ = store.read(os.path.join(out, 'results.jsonl'))
            self.assertIn(len(lines), (len(said) * 3, len(said) * 4))
            for v in lines.values():
                text = said[os.path.basename(v['input'])]
                if text:
                    self.assertIn(text, v['error'])
                elif v['codec'] == 'mp3' and v['input'].endswith('b.wav'):
                    self.assertIn('2 channels at most', v['error'])
                else:
                    self.assertNotIn('error', v)
                    self.assertEqual(
                        (v['rate'], v['channels']),
                        {'a': (16000, 1), 'b': (96000, 8), 'o': (8000, 1)}[
                            os.path.basename(v['input'])[0]])
                    self.assertAlmostEqual(
                        v['kbps'], 8e-3 * v['bytes'] / v['seconds'])
            text = tool('summary', out)
            self.assertEqual(text.returncode, 0, text.stderr)
            self.assertIn('kbit/s', text.stdout)
            self.assertIn('SNR', text.stdout)

    def test_noise(self):
        """Noise of -34 dB beside a sound of known power, by severity 3; what is
        uncoded has it, and nothing else."""
        with tempfile.TemporaryDirectory() as folder:
            clip = bursts(16000, seconds=4.096)  # whole blocks
            sound.write_wav(os.path.join(folder, 'a.wav'), clip)
            out = os.path.join(folder, 'out')
            got = tool('run', '--inputs', folder, '--codecs', 'none',
                       'wallocaudio:30', '--corruptions', 'clean',
                       'additive_noise:3', 'fog:3', '--out', out)
            self.assertEqual(got.returncode, 0, got.stderr)
            lines, _ = store.read(os.path.join(out, 'results.jsonl'))
            self.assertEqual(len(lines), 4)
            power = 10 * np.log10((clip.samples.astype(float) ** 2).mean())
            by = {(v['codec'], v['corruption']): v['metrics']
                  for v in lines.values()}
            self.assertEqual(by['none', None]['error']['mse'], 0)
            noisy = by['none', 'additive_noise']
            self.assertEqual(noisy['G']['mse'], 0)
            self.assertAlmostEqual(noisy['R']['snr'], power + 34, delta=.2)
            self.assertAlmostEqual(noisy['R']['snr'], noisy['C']['snr'])
            # of another file, another noise; of the same the same
            cell = {'corruption': 'additive_noise', 'severity': 3, 'seed': 0,
                    'content': 'a'}
            first, other, again = (
                soundcell.corrupt(clip, dict(cell, content=c)).samples
                - clip.samples for c in 'aba')
            self.assertTrue((first == again).all())
            self.assertLess(abs(np.corrcoef(first.ravel(), other.ravel())
                                [0, 1]), .03)
            ours = by['wallocaudio', 'additive_noise']
            self.assertAlmostEqual(ours['C']['snr'], noisy['R']['snr'])
            self.assertGreater(ours['G']['mse'], 0)
            for name in 'RGC':
                if ours[name]['mse']:
                    self.assertAlmostEqual(
                        sum(ours[name]['bands']) / ours[name]['mse'], 1, 3)

    def test_left_out(self):
        with tempfile.TemporaryDirectory() as folder:
            sound.write_wav(os.path.join(folder, 'a.wav'), bursts(8000))
            got = tool('run', '--inputs', folder, '--codecs', 'jpeg:50',
                       '--out', os.path.join(folder, 'o'))
            self.assertIn('sounds are left out', got.stderr)
            sweep = os.path.join(folder, 's.toml')
            with open(sweep, 'w') as f:
                f.write('inputs = ["a.wav"]\n[[codec]]\nname = "x"\nmedia = '
                        '"sound"\nencode = "nosuchenc b={setting}"\ndecode = '
                        '"identity"\nsettings = [1]\n[[codec]]\n'
                        'name = "half"\nmedia = "sound"\nencode = '
                        '"volume volume={setting}"\ndecode = "identity"\n'
                        'settings = [0.5]\n')
            out = os.path.join(folder, 'p')
            got = tool('run', sweep, '--out', out)
            self.assertIn('x is left out: GStreamer elements nosuchenc',
                          got.stderr)
            lines, _ = store.read(os.path.join(out, 'results.jsonl'))
            self.assertEqual([v['codec'] for v in lines.values()], ['half'])
            for v in lines.values():
                m = v['metrics']['error']
                self.assertAlmostEqual(m['snr'], 20 * np.log10(2), 2)
                self.assertGreater(m['si_sdr'], 60)
            with open(sweep, 'w') as f:
                f.write('inputs = ["a.wav"]\n[[codec]]\nname = "x"\nmedia = '
                        '"smell"\nencode = "a"\ndecode = "b"\n')
            with self.assertRaises(spec.SpecError) as e:
                spec.load(sweep)
            self.assertIn('"smell" is none of picture', str(e.exception))


class Summary(unittest.TestCase):
    def test_rate(self):
        lines = [{'media': 'sound', 'bytes': 1000, 'seconds': 2},
                 {'media': 'sound', 'bytes': 2000, 'seconds': 1}]
        self.assertAlmostEqual(summary.rate(lines), 8)


if __name__ == '__main__':
    unittest.main()
