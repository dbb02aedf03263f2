# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tasks that Node does: processes that crash or are late, boxes, packages that
are not what they were."""
import base64
import hashlib
import io
import os
import shutil
import sys
import tarfile
import tempfile
import time
import unittest

import numpy as np
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
from eval import models, nodetasks, spec, taskbase, tasks, work  # noqa: E402
from eval.taskbase import TaskError  # noqa: E402

# does what it is told to
DOUBLE = '''
import fs from 'node:fs';
let held = '';
process.stdin.on('data', (d) => {
  held += d.toString('latin1');
  for (;;) {
    const end = held.indexOf('\\n');
    if (end < 0) return;
    const r = JSON.parse(held.slice(0, end));
    if (held.length < end + 1 + r.bytes) return;
    held = held.slice(end + 1 + r.bytes);
    if (r.do === 'crash') process.exit(3);
    if (r.do === 'once' && !fs.existsSync(r.mark)) {
      fs.writeFileSync(r.mark, '');
      process.exit(3);
    }
    if (r.do === 'sleep') continue;
    if (r.do === 'noise') { process.stdout.write('hello\\n'); continue; }
    process.stdout.write(JSON.stringify(r.do === 'bad'
      ? { error: 'no such thing' } : { bytes: r.bytes, pid: process.pid })
      + '\\n');
  }
});
'''


@unittest.skipUnless(shutil.which('node'), 'node is not installed')
class Processes(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.script = os.path.join(self.folder.name, 'double.mjs')
        with open(self.script, 'w') as f:
            f.write(DOUBLE)

    def tearDown(self):
        for node in list(nodetasks._nodes.values()):
            node.close()
        nodetasks._nodes.clear()
        self.folder.cleanup()

    def ask(self, what, data=b'', limit=20, **more):
        return nodetasks.ask(dict(more, do=what), data, limit,
                             self.folder.name, self.script)

    def test_one_process(self):
        first = self.ask('size', bytes(3 * 512 * 512))
        self.assertEqual(first['bytes'], 3 * 512 * 512)
        self.assertEqual(self.ask('size')['pid'], first['pid'])
        # what it cannot do costs nothing else
        with self.assertRaisesRegex(TaskError, 'bad: no such thing'):
            self.ask('bad')
        self.assertEqual(self.ask('size')['pid'], first['pid'])

    def test_crash(self):
        first = self.ask('size')
        mark = os.path.join(self.folder.name, 'mark')
        again = self.ask('once', bytes(100000), mark=mark)
        self.assertEqual(again['bytes'], 100000)
        self.assertNotEqual(again['pid'], first['pid'])
        with self.assertRaisesRegex(TaskError, 'ended with 3, twice'):
            self.ask('crash')
        with self.assertRaisesRegex(TaskError, "said b'hello', twice"):
            self.ask('noise')
        self.assertIn('pid', self.ask('size'))

    def test_late(self):
        pid = self.ask('size')['pid']
        start = time.monotonic()
        with self.assertRaisesRegex(TaskError, 'within 0.3 s'):
            self.ask('sleep', limit=0.3)
        self.assertLess(time.monotonic() - start, 10)
        # it is gone, so its answer cannot be taken for another's
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)
        self.assertIn('pid', self.ask('size'))

    def test_real_script(self):
        def ask(what, data=b''):
            return nodetasks.ask({'do': what, 'size': 512}, data, 20,
                                 self.folder.name)
        self.assertRegex(ask('hello')['node'], r'^v\d+')
        with self.assertRaisesRegex(TaskError, 'no work "dance"'):
            ask('dance', b'1234')
        with self.assertRaisesRegex(TaskError, 'tfjs-core'):
            ask('detect', b'1234')
        for what in 'textline', 'speech':
            with self.assertRaisesRegex(TaskError, 'wrong bytes'):
                ask(what, b'1234')
        with self.assertRaisesRegex(TaskError, 'onnxruntime-node'):
            ask('speech', bytes(2048))
        self.assertIn('node', ask('hello'))


class Boxes(unittest.TestCase):
    def test_overlap(self):
        a = [0, 0, 10, 10, .9, 1]
        self.assertEqual(nodetasks.overlap(a, a), 1)
        self.assertEqual(nodetasks.overlap(a, [10, 0, 20, 10]), 0)
        self.assertAlmostEqual(nodetasks.overlap(a, [5, 0, 15, 10]), 1 / 3)

    def test_found(self):
        a, b = [0, 0, 10, 10, .9, 1], [1, 0, 10, 10, .8, 1]
        other = [0, 0, 10, 10, .7, 2]
        self.assertEqual(nodetasks.distinct([b, a, other], .5), [a, other])
        self.assertEqual(nodetasks.distinct([b, a, other], .85), [a])
        self.assertEqual(nodetasks.found_again([a], [other]), 0)
        self.assertEqual(nodetasks.found_again([a, other], [b, other]), 2)
        # one box does not count for two
        self.assertEqual(nodetasks.found_again([a, b], [a]), 1)

    def test_frames(self):
        self.assertEqual(taskbase.looked_at(1, 10), [0])
        self.assertEqual(taskbase.looked_at(25, 10), [0, 10, 20, 24])

    def test_nonsense(self):
        for text, more in (('"confidence"', {'confidence': 2}),
                           ('"confidence"', {'confidence': 'high'}),
                           ('"every"', {'every': 0}),
                           ('unknown keys', {'classes': 3})):
            with self.assertRaisesRegex(ValueError, text):
                tasks.make(dict(more, kind='detect'))

    def test_score(self):
        score = tasks.make({'kind': 'detect'}).score(
            [{'objects': 3, 'right': 2, 'invented': 1},
             {'objects': 1, 'right': 1, 'invented': 0}])
        self.assertEqual((score.value, score.count), (75, 4))


class Packages(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.at = self.folder.name
        self.archive = os.path.join(self.at, 'p.tgz')

    def tearDown(self):
        self.folder.cleanup()

    def package(self, names, keep=r'a\.js|package\.json|sub/.*', digest=None):
        with tarfile.open(self.archive, 'w:gz') as tar:
            for name in names:
                info = tarfile.TarInfo(name)
                info.size = 3
                tar.addfile(info, io.BytesIO(b'abc'))
        with open(self.archive, 'rb') as f:
            real = base64.b64encode(hashlib.sha512(f.read()).digest())
        return models.Package('p', '1', digest or real.decode(), '', 1, keep)

    def unpack(self, package):
        models.unpack(self.archive, package, os.path.join(self.at, 'out'))
        return sorted(os.path.relpath(os.path.join(r, n), os.path.join(
            self.at, 'out')) for r, _, files in os.walk(os.path.join(
                self.at, 'out')) for n in files)

    def test_kept(self):
        got = self.unpack(self.package(['package/a.js', 'package/b.js',
                                        'package/package.json',
                                        'package/sub/c']))
        self.assertEqual(got, ['a.js', 'package.json', 'sub/c'])

    def test_another_archive(self):
        with self.assertRaisesRegex(models.ModelError, 'not what was tested'):
            self.unpack(self.package(['package/a.js'], digest='x' * 88))
        self.assertFalse(os.path.exists(os.path.join(self.at, 'out')))

    def test_path_outside(self):
        with self.assertRaisesRegex(models.ModelError, 'cannot be kept'):
            self.unpack(self.package(['package/sub/../../../x']))
        self.assertEqual(os.listdir(self.at), ['p.tgz'])

    def test_no_archive(self):
        package = self.package([])
        with open(self.archive, 'wb') as f:
            f.write(b'nothing')
        digest = base64.b64encode(hashlib.sha512(b'nothing').digest())
        with self.assertRaises(models.ModelError):
            self.unpack(package._replace(digest=digest.decode()))

    def test_unknown(self):
        with self.assertRaisesRegex(models.ModelError, 'none of centernet'):
            models.install(['yolo'], self.at)

    def test_library_of_another_machine(self):
        # packages are there, but what they have for this machine is not
        for p in models.MODELS['silero'].packages:
            os.makedirs(models.where(p, self.at))
            open(os.path.join(models.where(p, self.at), 'package.json'),
                 'w').close()
        self.assertFalse(models.there('silero', self.at))
        for f in models.MODELS['silero'].files:
            path = os.path.join(self.at, 'node_modules', f)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, 'w').close()
        self.assertTrue(models.there('silero', self.at))

    def test_table(self):
        for name, model in models.MODELS.items():
            for p in model.packages:
                package = models.PACKAGES[p]
                self.assertEqual(len(base64.b64decode(package.digest)), 64,
                                 name)
            for f in model.files:
                at = max((p for p in model.packages
                          if f.startswith(p + '/')), key=len)
                self.assertRegex(f[len(at) + 1:],
                                 f'^({models.PACKAGES[at].keep})$')

    def test_absent(self):
        old = os.environ.get('WALLOC_EVAL_MODELS')
        os.environ['WALLOC_EVAL_MODELS'] = self.at
        try:
            for kind, name in (('detect', 'centernet'), ('read', 'ppocr'),
                               ('vad', 'silero')):
                self.assertIn(f'models --install {name}',
                              tasks.make({'kind': kind}).needs())
        finally:
            del os.environ['WALLOC_EVAL_MODELS']
            if old:
                os.environ['WALLOC_EVAL_MODELS'] = old


@unittest.skipIf(models.needs('centernet'), 'CenterNet is not installed')
class Centernet(unittest.TestCase):
    def test_same(self):
        with tempfile.TemporaryDirectory() as at:
            path = os.path.join(at, 'a.png')
            rng = np.random.default_rng(1)
            Image.fromarray(rng.integers(0, 255, (90, 120, 3), np.uint8)
                            ).save(path)
            cell, = spec.Sweep({
                'inputs': [path], 'codec': [{'name': 'none'}],
                'task': [{'kind': 'detect', 'confidence': 0.02}]}).cells()
            got = work.do(cell)['answers']['detect']
            self.assertEqual(got['right'], got['objects'])
            self.assertEqual(got['invented'], 0)
            boxes = tasks.make({'kind': 'detect'}).boxes(
                np.zeros((64, 64, 3), np.uint8))
            self.assertEqual(len(boxes), 100)
            self.assertTrue(np.isfinite(boxes).all())


if __name__ == '__main__':
    unittest.main()
