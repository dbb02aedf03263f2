# SPDX-License-Identifier: LGPL-2.1-or-later
"""walloc-eval fourier: the basis, what codecs of known response answer, maps,
stopped runs, nonsense."""
import json
import math
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
TOOL = os.path.join(ROOT, 'tools', 'walloc-eval')
sys.path.insert(0, os.path.join(ROOT, 'tests', 'benchmarks'))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
import corrupt_statistics  # noqa: E402
from eval import codecs, fourier, fourier_maps, store  # noqa: E402

PIPELINES = unittest.skipUnless(
    os.environ.get('WALLOC_EVAL_PIPELINES'),
    'pipelines are run by the build (WALLOC_EVAL_PIPELINES)')


def cell(**more):
    return dict({'kx': 3, 'ky': -2, 'crop': 32, 'rms': 4.0, 'seed': 1,
                 'phase': 'random', 'signs': 'random'}, **more)


class Basis(unittest.TestCase):
    def test_norm(self):
        """Mean square 1, at DC, Nyquist's edges and corners too; all energy at
        (kx, ky) and its conjugate."""
        n = 16
        for kx, ky in fourier.frequencies(n, n // 2):
            for phase in (0, 1.0):
                u = fourier.basis(n, kx, ky, phase)
                self.assertAlmostEqual((u ** 2).mean(), 1, 12)
                f = np.abs(np.fft.fft2(u)) ** 2 / n ** 4
                there = {(ky % n, kx % n), (-ky % n, -kx % n)}
                for where in there:
                    self.assertAlmostEqual(f[where], 1 / len(there), 9)
                self.assertAlmostEqual(sum(f[w] for w in there), f.sum(), 9)
        self.assertTrue(fourier.alone(n, 8, 0) and fourier.alone(n, 0, 0)
                        and fourier.alone(n, 8, 8))
        self.assertFalse(fourier.alone(n, 8, 1) or fourier.alone(n, 4, 0))

    def test_complete(self):
        """With cosine and sine of each frequency it is all of the space: what
        is found along them adds up to the energy (Parseval)."""
        n = 8
        rows = []
        for kx, ky in fourier.frequencies(n, n // 2):
            rows.append(fourier.basis(n, kx, ky, 0).ravel() / n)
            if not fourier.alone(n, kx, ky):
                rows.append(fourier.basis(n, kx, ky, math.pi / 2).ravel() / n)
        rows = np.array(rows)
        self.assertEqual(rows.shape, (n * n, n * n))
        np.testing.assert_allclose(rows @ rows.T, np.eye(n * n), atol=1e-12)
        v = np.random.default_rng(2).normal(size=n * n)
        self.assertAlmostEqual(((rows @ v) ** 2).sum(), (v ** 2).sum())

    def test_grid(self):
        got = fourier.frequencies(256, 16)
        self.assertEqual(len(got), 15 * 32 + 2 * 17)
        self.assertEqual(len(set(got)), len(got))
        self.assertEqual(max(k for k, _ in got), 128)
        self.assertEqual((min(k for _, k in got), max(k for _, k in got)),
                         (-120, 128))
        # every place of the full plane once, with its conjugate
        n = 12
        seen = [p for kx, ky in fourier.frequencies(n, 6)
                for p in {(kx % n, ky % n), (-kx % n, -ky % n)}]
        self.assertEqual(sorted(seen),
                         [(a, b) for a in range(n) for b in range(n)])
        # a grid that does not divide half the side still ends at Nyquist
        self.assertEqual(max(fourier.frequencies(32, 5))[0], 16)

    def test_perturb(self):
        grey = np.full((32, 32, 3), 128, np.uint8)
        one = cell()
        got, wave = fourier.perturb(grey, one, 5)
        again, _ = fourier.perturb(grey, dict(one, crop=32), 5)
        self.assertTrue((got == again).all())
        _, signs = fourier.draw(one, 5)
        np.testing.assert_allclose(fourier.along(got, grey, wave), 4 * signs,
                                   atol=.05)
        # rounded, not cut off
        error = got.astype(float) - grey - 4 * wave[:, :, None] * signs
        self.assertLessEqual(np.abs(error).max(), 0.5 + 1e-9)
        # another picture, frequency or seed, another wave
        first = fourier.draw(one, 5)[0]
        for other, i in ((one, 6), (cell(ky=2), 5), (cell(seed=2), 5)):
            self.assertNotEqual(fourier.draw(other, i)[0], first)
        self.assertEqual(fourier.draw(cell(phase='cosine'), 5)[0], 0)
        for i in range(20):
            s = fourier.draw(cell(signs='same'), i)[1]
            self.assertEqual(abs(s.sum()), 3)
        # what is clipped is not counted as injected
        white = np.full((32, 32, 3), 255, np.uint8)
        got, wave = fourier.perturb(white, one, 5)
        self.assertLess(np.abs(fourier.along(got, white, wave)).max(), 2.1)


class Shares(unittest.TestCase):
    """Where errors lie in frequency (tests/benchmarks/corrupt_statistics.py)."""

    def test_shares(self):
        y, x = np.mgrid[:64, :96]
        for cycles, ring in ((2, 0), (9, 1), (20, 2), (40, 3)):
            parts = corrupt_statistics.shares(
                np.cos(2 * np.pi * cycles * x / 96 + y * 0) + 3)
            self.assertAlmostEqual(parts[ring], 1)
        # white noise: as large as rings are
        noise = np.random.default_rng(5).normal(size=(400, 600))
        parts = corrupt_statistics.shares(noise)
        self.assertAlmostEqual(parts.sum(), 1)
        for got, radius in zip(np.cumsum(parts), corrupt_statistics.EDGES):
            self.assertAlmostEqual(got, math.pi * radius ** 2 / 4, 2)
        self.assertEqual(corrupt_statistics.shares(np.zeros((8, 8))).sum(), 0)


def line(kx, ky, **more):
    base = dict.fromkeys(fourier_maps.GROUP, 0)
    base.update(key=f'{kx} {ky}', kx=kx, ky=ky, crop=8, grid=2, count=2,
                fx=None if kx is None else kx / 8, codec='x',
                fy=None if ky is None else ky / 8, network=None, how='')
    return dict(base, **more)


class Maps(unittest.TestCase):
    def lines(self, gain):
        """Lines of a codec that gives back gain(kx, ky) of a wave."""
        rng = np.random.default_rng(3)
        out = [line(None, None, d_mse=[4, 4], bytes=[16, 16])]
        for kx, ky in fourier.frequencies(8, 2):
            into = rng.choice([-4.0, 4.0], (2, 3))
            passed = gain(kx, ky) * into
            out.append(line(
                kx, ky, g_mse=[2, 8], d_mse=[4, 4], bytes=[8, 24],
                injected=into.tolist(), passed=passed.tolist(),
                change_mse=((passed ** 2).sum(1) / 3 + 1).tolist()))
        return out

    def test_codec(self):
        def gain(kx, ky):
            return 1 - kx / 8 + ky / 16
        m, = fourier_maps.maps(self.lines(gain))
        for c in m['cells']:
            for kind in ('rgb', 'luma', 'chroma'):
                if c['gain_' + kind] is not None:
                    self.assertAlmostEqual(c['gain_' + kind],
                                           gain(c['kx'], c['ky']), 5)
            # noise of mean square 1 beside a wave of 16
            self.assertAlmostEqual(c['elsewhere'], 1 / 16, 4)
            self.assertAlmostEqual(c['psnr_g'],
                                   10 * math.log10(65025 / 4), 3)
            self.assertEqual(c['bpp'], 2)
        full = fourier_maps.plane(m, 'gain_rgb')
        self.assertEqual(full.shape, (5, 5))
        np.testing.assert_allclose(full, full[::-1, ::-1])
        self.assertAlmostEqual(full[2, 2], 1, 5)
        self.assertAlmostEqual(full[2, 3], gain(2, 0), 5)    # columns: kx
        self.assertAlmostEqual(full[4, 3], gain(2, 4), 5)
        self.assertAlmostEqual(full[1, 3], gain(2, -2), 5)
        # -Nyquist is Nyquist
        np.testing.assert_allclose(full[0], full[4])
        np.testing.assert_allclose(full[:, 0], full[:, 4])
        self.assertEqual(sum(r['cells'] for r in m['radial']), 16)

    def test_exact(self):
        """Nothing that JSON cannot hold, where an error is 0 or nothing came
        in."""
        lines = self.lines(lambda kx, ky: 1)
        for v in lines:
            v['d_mse'] = [0, 0]
            if v['kx'] is not None:
                v.update(g_mse=[0, 0], injected=[[0, 0, 0]] * 2,
                         passed=[[0, 0, 0]] * 2)
        m = fourier_maps.maps(lines)
        json.dumps(m, allow_nan=False)
        self.assertIsNone(m[0]['cells'][0]['gain_rgb'])
        self.assertTrue(np.isnan(fourier_maps.plane(m[0], 'gain_rgb')).all())
        self.assertIn('exact', fourier_maps.table(m[0]))

    def test_network(self):
        more = {'network': 'n', 'labels': ['a', 'b'],
                'confidences': [.9, .8]}
        lines = [line(None, None, truths=['a', 'a'], **more)]
        for kx, ky in fourier.frequencies(8, 2):
            lines.append(line(kx, ky, **dict(
                more, labels=['b', 'a'] if kx == 4 else ['a', 'b'],
                confidences=[.5, .6])))
        m, = fourier_maps.maps(lines)
        self.assertEqual(m['clean']['wrong'], .5)
        for c in m['cells']:
            self.assertEqual(c['changed'], float(c['kx'] == 4))
            self.assertEqual(c['wrong'], .5)
            self.assertAlmostEqual(c['drop'], .3)

    def test_partly(self):
        """Lines that are errors, or have no clean cell yet."""
        lines = self.lines(lambda kx, ky: 1)
        self.assertEqual(fourier_maps.maps(lines[1:]), [])
        lines[5] = dict(line(lines[5]['kx'], lines[5]['ky']), error='x')
        m, = fourier_maps.maps(lines)
        self.assertEqual(len(m['cells']), len(lines) - 2)
        full = fourier_maps.plane(m, 'gain_rgb')
        self.assertTrue(0 < np.isnan(full).sum() < 8)

    def test_drawn(self):
        try:
            from eval import fourier_plot
        except ImportError as e:
            self.skipTest(str(e))
        m = fourier_maps.maps(self.lines(lambda kx, ky: .5 - kx / 8))
        with tempfile.TemporaryDirectory() as folder:
            for suffix in ('png', 'svg'):
                names = fourier_plot.draw(m * 5, folder, suffix)
                self.assertEqual(len(names), 4)
                for name in names:
                    self.assertGreater(os.path.getsize(name), 2000)
            with Image.open(os.path.join(folder, 'gain-luma.png')) as im:
                # something of the scale is in it
                self.assertGreater(len(np.unique(np.asarray(
                    im.convert('RGB')).reshape(-1, 3), axis=0)), 50)


def paint(path, side, seed=4):
    """A smooth picture that no wave of a few levels clips."""
    y, x = np.mgrid[:side, :side + 6]
    rgb = np.stack([128 + 60 * np.sin(x / 17 + k + seed) * np.cos(y / (15 + k))
                    for k in range(3)], 2)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(rgb.astype(np.uint8)).save(path)


def tool(*args, **env):
    return subprocess.run([sys.executable, TOOL, 'fourier', *args],
                          capture_output=True, text=True, timeout=170,
                          env=dict(os.environ, **env))


@PIPELINES
class Response(unittest.TestCase):
    """Codecs whose answer is known."""

    def test_linear(self):
        with tempfile.TemporaryDirectory() as folder:
            for i in range(3):
                paint(os.path.join(folder, f'{i}.png'), 128, i)
            sweep = os.path.join(folder, 's.toml')
            blur = 'corrupt type=defocus_blur severity=1 threads=1'
            with open(sweep, 'w') as f:
                f.write('inputs = ["*.png"]\n[[codec]]\nname = "none"\n'
                        f'[[codec]]\nname = "blur"\nencode = "{blur}"\n'
                        'decode = "identity"\n[[codec]]\nname = "weak"\n'
                        'encode = "corrupt type=contrast severity=1"\n'
                        'decode = "identity"\n')
            out = os.path.join(folder, 'o')
            got = tool(sweep, '--crop', '128', '--grid', '4', '--rms', '12',
                       '--out', out)
            self.assertEqual(got.returncode, 0, got.stderr)
            with open(os.path.join(out, 'maps.json')) as f:
                maps = {m['codec']: m for m in json.load(f)['maps']}
        self.assertEqual(len(maps), 3)
        disc = [(x, y) for x in range(-3, 4) for y in range(-3, 4)
                if x * x + y * y <= 9]
        self.assertEqual(len(disc), 29)
        for name in maps:
            self.assertEqual(len(maps[name]['cells']), 34)
            for c in maps[name]['cells']:
                if name == 'none':
                    # not a digit is lost
                    self.assertEqual((c['gain_rgb'], c['gain_luma']), (1, 1))
                    self.assertEqual(c['elsewhere'] or 0, c['elsewhere'])
                    self.assertIsNone(c['psnr_g'])
                elif name == 'weak':
                    if c['kx'] or c['ky']:
                        # what the mean is taken of, waves have none of
                        self.assertAlmostEqual(c['gain_rgb'], .4, delta=.004)
                    else:
                        self.assertAlmostEqual(c['gain_rgb'], 1, delta=.02)
                else:
                    # the discs' transform; the mirrored border has other waves
                    want = np.mean([math.cos(2 * math.pi * (
                        c['fx'] * x + c['fy'] * y)) for x, y in disc])
                    self.assertAlmostEqual(c['gain_rgb'], want, delta=.04)
                self.assertAlmostEqual(c['injected_rms'], 12, delta=.2)

    def test_jpeg(self):
        """Waves that are one coefficient of all blocks: 32 by 16 u, where
        luma's quantisers of quality 50 are 11 10 16 24 40 51. Samples of
        8 bits are what is uncertain."""
        codec = codecs.table()['jpeg']
        if codec.needs():
            self.skipTest(codec.needs())
        grey = np.full((128, 128, 3), 128, np.uint8)
        for u, q in enumerate((11, 10, 16, 24, 40, 51), 1):
            wave = fourier.basis(128, 8 * u, 0, math.pi * u / 16)
            # one below half a step, but not so small that 8 bits bend it
            for rms in (4, .9 * q / 16)[:1 + (q > 11)]:
                dirty = np.rint(grey + rms * wave[:, :, None]).astype(np.uint8)
                _, (before, after) = codec.code([grey, dirty], 50)
                got = fourier.along(after, before, wave)[0]
                want = q * math.floor(8 * rms / q + .5) / 8
                self.assertAlmostEqual(got, want, delta=.4, msg=f'{u} {rms}')


@PIPELINES
class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.t = folder.name
        self.inputs = os.path.join(self.t, 'in')
        for i in range(2):
            paint(os.path.join(self.inputs, 'glass', f'{i}.png'), 40, i)
        # drawing is test_drawn's, and takes longer than all else
        stub = os.path.join(self.t, 'stub')
        os.makedirs(stub)
        with open(os.path.join(stub, 'matplotlib.py'), 'w') as f:
            f.write('raise ImportError("no matplotlib here")')
        self.env = {'PYTHONPATH': stub + os.pathsep
                    + os.environ.get('PYTHONPATH', '')}

    def make(self, out, *args, expect=0):
        done = tool('--inputs', self.inputs, '--crop', '32', '--grid', '2',
                    '--out', os.path.join(self.t, out), *args, **self.env)
        if expect is not None:
            self.assertEqual(done.returncode, expect, done.stderr)
        self.assertNotIn('Traceback', done.stderr)
        return done

    def read(self, out):
        return store.read(os.path.join(self.t, out, fourier.RESULTS))[0]

    def test_stopped(self):
        """The same with one process and two; what is cut off is done again,
        and nothing twice."""
        args = ('--codecs', 'walloc:30', 'none')
        self.make('one', *args, '--jobs', '1')
        self.make('two', *args, '--jobs', '2')
        want = self.read('one')
        self.assertEqual(len(want), 2 * (1 + 4 + 6))
        self.assertEqual(want, self.read('two'))
        path = os.path.join(self.t, 'two', fourier.RESULTS)
        with open(path) as f:
            lines = f.readlines()
        with open(path, 'w') as f:
            f.write(''.join(lines[:9]) + lines[9][:40])
        again = self.make('two', *args)
        self.assertIn('9 done already', again.stderr)
        self.assertEqual(self.read('two'), want)
        with open(path) as f:
            self.assertEqual(len(f.readlines()), len(want) + 1)
        self.assertIn('22 done already', self.make('two', *args).stderr)
        # other waves are other cells
        self.assertIn(' 0 done already',
                      self.make('two', *args, '--seed', '5').stderr)
        with open(os.path.join(self.t, 'two', 'maps.json')) as f:
            self.assertEqual(len(json.load(f)['maps']), 4)

    def test_plot_is_optional(self):
        """Without matplotlib the numbers are there, and a line says why the
        maps are not."""
        got = self.make('o', '--codecs', 'none')
        self.assertIn('no maps are drawn: no matplotlib here', got.stderr)
        self.assertEqual(sorted(os.listdir(os.path.join(self.t, 'o'))),
                         [fourier.RESULTS, 'maps.json'])

    def test_epsilon(self):
        """The publications' way to say how much."""
        self.make('o', '--codecs', 'none', '--epsilon', '1', '--grid', '1')
        for v in self.read('o').values():
            self.assertAlmostEqual(v['rms'], 255 / 32)
            self.assertAlmostEqual(v['epsilon'], 1)

    def test_network(self):
        # the network needs more than 32 samples
        for i in range(2):
            paint(os.path.join(self.inputs, 'glass', f'{i}.png'), 130, i)
        done = self.make('o', '--codecs', 'walloc:30', 'jpeg:50', '--network',
                         'waste-1', '--crop', '128', '--grid', '1',
                         expect=None)
        lines = self.read('o').values()
        errors = {v.get('error') for v in lines}
        if any('runs no networks' in (e or '') for e in errors):
            self.skipTest('built without networks')
        self.assertEqual(errors, {None})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('jpeg is left out: a network on latents needs wallocenc',
                      done.stderr)
        self.assertEqual(len(lines), 5)
        for v in lines:
            self.assertEqual(len(v['labels']), 2)
            self.assertTrue(all(0 < c <= 1 for c in v['confidences']))
        clean = [v for v in lines if v['kx'] is None]
        self.assertEqual(clean[0]['truths'], ['glass', 'glass'])

    def test_errors(self):
        for more, text in (
                (('--crop', '33'), 'is odd'),
                (('--crop', '4'), '--crop: 4 is not within'),
                (('--grid', '17'), 'half of --crop'),
                (('--grid', '0'), '--grid: 0 is not within'),
                (('--rms', '0.1'), 'is lost when samples are made 8 bits'),
                (('--rms', 'nan'), 'are not within 0.5 to 100'),
                (('--epsilon', '90'), 'are not within 0.5 to 100'),
                (('--crop', '64'), 'no picture that can be used'),
                (('--codecs', 'what'), 'codec "what" is none of'),
                (('--codecs', 'jpeg:50', '--network', 'waste-1'),
                 'none of them can be used')):
            got = self.make('o', *more, expect=2)
            self.assertIn(text, got.stderr)
        got = tool('--out', os.path.join(self.t, 'o'))
        self.assertEqual(got.returncode, 2)
        self.assertIn('--inputs is missing', got.stderr)
        # a network that is not there
        got = self.make('n', '--codecs', 'walloc:30', '--network',
                        'no-such-network', '--grid', '1', expect=1)
        self.assertIn('no-such-network', got.stderr)
        # one that is no picture costs itself, and the run says so
        with open(os.path.join(self.inputs, 'x.png'), 'w') as f:
            f.write('no picture')
        got = self.make('p', '--codecs', 'none', '--grid', '1', expect=1)
        self.assertIn('left out: ', got.stderr)
        self.assertEqual({v['count'] for v in self.read('p').values()}, {2})


if __name__ == '__main__':
    unittest.main()
