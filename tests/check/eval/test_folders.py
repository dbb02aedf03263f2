# SPDX-License-Identifier: LGPL-2.1-or-later
"""walloc-eval corrupt: folders of corrupted pictures, the same with any number of
processes and as in a sweep; stopped runs, sets that do not go together, files
that are no pictures."""
import json
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
sys.path.insert(0, os.path.join(ROOT, 'tools'))
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import parts  # noqa: E402
from eval import folders, media, picture, spec  # noqa: E402


def paint(path, h, w, seed=4):
    y, x = np.mgrid[:h, :w]
    rgb = np.stack([128 + 90 * np.sin(x / 7 + k + seed) * np.cos(y / (5 + k))
                    for k in range(3)], 2)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(rgb.astype(np.uint8)).save(path)


def tool(*args):
    return subprocess.run([sys.executable, TOOL, 'corrupt', *args],
                          capture_output=True, text=True, timeout=170)


def files(folder):
    """{path in it: bytes}"""
    out = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            with open(path, 'rb') as f:
                out[os.path.relpath(path, folder)] = f.read()
    return out


class Names(unittest.TestCase):
    def test_names(self):
        with tempfile.TemporaryDirectory() as t:
            for name in ('in/b/x.png', 'in/c/x.jpg', 'other/x.bmp'):
                paint(os.path.join(t, name), 8, 8)
            out = os.path.join(t, 'out')

            def names(*patterns):
                return sorted(folders.names_of(
                    [os.path.join(t, p) for p in patterns], out))

            # classes keep their folders
            self.assertEqual(names('in'), ['b/x.png', 'c/x.png'])
            self.assertEqual(names('in', 'other/*.bmp'),
                             ['b/x.png', 'c/x.png', 'x.png'])
            # twice the same is once
            self.assertEqual(names('other', 'other/x.bmp'), ['x.png'])
            for bad, text in ((('in/b', 'in/c'), 'would both be x.png'),
                              (('in/*/x.*',), 'would both be x.png'),
                              (('.',), 'would be inputs of the next run'),
                              (('nowhere',), 'there are no pictures')):
                with self.assertRaises(spec.SpecError) as e:
                    names(*bad)
                self.assertIn(text, str(e.exception))

    def test_asked(self):
        """What README.md says makes the set."""
        every = dict.fromkeys(folders.KINDS, [1, 2, 3, 4, 5])
        for kinds, text in ((every, 'all:1-5'),
                            (dict(every, fog=[3]), None),
                            ({'fog': [1, 2, 4], 'snow': [5]},
                             'fog:1-2 fog:4 snow:5')):
            got = folders.asked(kinds)
            if text:
                self.assertEqual(got, text)
            back = {}
            for word in got.split():
                for kind, severity in spec.parse_corruption(word):
                    if kind in folders.KINDS:
                        back.setdefault(kind, []).append(severity)
            self.assertEqual(back, kinds)

    def test_replace(self):
        """A file that cannot be written whole is not there."""
        with tempfile.TemporaryDirectory() as t:
            path = os.path.join(t, 'a')

            def write(part):
                with open(part, 'w') as f:
                    f.write('half')
                raise OSError(28, 'No space left on device')

            with self.assertRaises(OSError):
                folders.replace(path, write)
            self.assertEqual(os.listdir(t), [])


@unittest.skipUnless(os.environ.get('WALLOC_EVAL_PIPELINES'),
                     'pipelines are run by the build (WALLOC_EVAL_PIPELINES)')
class Folders(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.t = folder.name
        self.inputs = os.path.join(self.t, 'in')
        paint(os.path.join(self.inputs, 'a.png'), 40, 64)
        paint(os.path.join(self.inputs, 'sub', 'b.png'), 51, 37)

    def path(self, name):
        return os.path.join(self.t, name)

    def make(self, out, *args, expect=0):
        done = tool('--inputs', self.inputs, '--out', self.path(out), *args)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    @parts.needs('jpeg')
    def test_all(self):
        """The bytes of one process are those of two, and the samples are
        those of a sweep's cell."""
        args = ('--corruptions', 'all:2', 'fog:5', '--seed', '3')
        self.make('one', *args, '--jobs', '1')
        self.make('two', *args, '--jobs', '2')
        one = files(self.path('one'))
        self.assertEqual(one, files(self.path('two')))
        self.assertEqual(len(one), 2 * 16 + 3)
        sweep = spec.Sweep({'inputs': [self.inputs], 'corruptions':
                            ['all:2', 'fog:5'], 'seed': 3,
                            'codec': [{'name': 'none'}]})
        for cell in sweep.cells():
            name = os.path.relpath(cell['input'], self.inputs)
            path = os.path.join(self.path('one'), cell['corruption'],
                                str(cell['severity']), name)
            clean = [picture.load(cell['input'], 0)]
            with Image.open(path) as im:
                got = np.asarray(im)
            self.assertTrue((got == picture.corrupt(clean, cell)[0]).all(), path)
            self.assertFalse((got == clean[0]).all(), path)
        check = subprocess.run(['sha256sum', '--quiet', '-c', 'SHA256SUMS'],
                               cwd=self.path('one'), capture_output=True,
                               text=True)
        self.assertEqual(check.returncode, 0, check.stdout)
        with open(os.path.join(self.path('one'), 'manifest.json')) as f:
            m = json.load(f)
        self.assertEqual((m['seed'], m['variant'], m['size']),
                         (3, 'imagecorruptions', 0))
        self.assertEqual(m['corruptions']['fog'], [2, 5])
        self.assertEqual((m['pictures']['sub/b.png']['width'],
                          m['pictures']['sub/b.png']['height']), (37, 51))

    def test_noise(self):
        """Files of one size have nothing of their noise in common; the same file
        in another place has the same, and no content means the seed."""
        noise = []
        for folder, grey in (('one', 128), ('two', 127), ('three', 128)):
            path = self.path(os.path.join(folder, 'x.png'))
            os.makedirs(os.path.dirname(path))
            Image.new('RGB', (64, 48), (grey,) * 3).save(path)
            self.make(folder + '-c', '--inputs', path, '--corruptions',
                      'gaussian_noise:3')
            with Image.open(self.path(folder + '-c/gaussian_noise/3/x.png')
                            ) as im:
                noise.append(np.asarray(im).astype(float) - grey)
        self.assertTrue((noise[0] == noise[2]).all())
        self.assertLess(abs(np.corrcoef(noise[0].ravel(),
                                        noise[1].ravel())[0, 1]), .06)
        self.assertEqual(media.seed_of({'seed': 7}), 7)
        seeds = {media.seed_of({'seed': s, 'content': c})
                 for s in (0, 1) for c in ('0' * 16, 'f' * 16)}
        self.assertEqual(len(seeds), 4)
        self.assertTrue(all(0 <= s < 2 ** 63 for s in seeds))

    def test_stopped(self):
        """What is missing is made, what is there is left alone, and a set may
        grow."""
        args = ('--corruptions', 'contrast:1-2')
        self.make('o', *args)
        before = files(self.path('o'))
        name = os.path.join('contrast', '1', 'a.png')
        kept = os.path.join(self.path('o'), 'contrast', '2', 'a.png')
        when = os.stat(kept).st_mtime_ns
        os.unlink(os.path.join(self.path('o'), name))
        # what a killed run leaves
        with open(os.path.join(self.path('o'), name) + '.part', 'w') as f:
            f.write('half a picture')
        again = self.make('o', *args)
        self.assertIn('3 done already', again.stderr)
        self.assertEqual(files(self.path('o')), before)
        self.assertEqual(os.stat(kept).st_mtime_ns, when)
        self.make('o', '--corruptions', 'contrast:5', 'pixelate:1')
        after = files(self.path('o'))
        self.assertEqual(len(after), len(before) + 4)
        self.assertEqual(after[name], before[name])
        m = json.loads(after['manifest.json'])
        self.assertEqual(m['corruptions'],
                         {'contrast': [1, 2, 5], 'pixelate': [1]})
        self.assertEqual(after['SHA256SUMS'].count(b'\n'), 8)

    def test_errors(self):
        args = ('--corruptions', 'contrast:1')
        self.make('o', *args)
        for more, text in (
                (('--seed', '1'), "--out holds a set with seed 0"),
                (('--variant', 'hendrycks'), 'holds a set with variant'),
                (('--size', '20'), 'holds a set with size'),
                (('--corruptions', 'clean', 'clipping'),
                 'clean, clipping: none of them is of pictures'),
                (('--corruptions', 'mist'), '"mist" is none of')):
            got = self.make('o', *args, *more, expect=2)
            self.assertIn(text, got.stderr)
            self.assertNotIn('Traceback', got.stderr)
        # another picture under a name that is there
        paint(os.path.join(self.inputs, 'a.png'), 40, 64, seed=5)
        got = self.make('o', *args, expect=2)
        self.assertIn('another picture a.png', got.stderr)
        with open(os.path.join(self.path('o'), 'manifest.json'), 'w') as f:
            f.write('[]')
        got = self.make('o', *args, expect=2)
        self.assertIn('is no manifest of a set', got.stderr)
        # one that is no picture costs itself
        with open(os.path.join(self.inputs, 'c.png'), 'w') as f:
            f.write('no picture')
        got = self.make('p', *args, expect=1)
        self.assertIn('cannot identify', got.stderr)
        self.assertEqual(len(files(self.path('p'))), 2 + 3)
        got = tool('--inputs', self.inputs, '--out', os.path.join(
            self.inputs, 'a.png', 'x'), *args)
        self.assertEqual(got.returncode, 2, got.stderr)
        self.assertNotIn('Traceback', got.stderr)


if __name__ == '__main__':
    unittest.main()
