#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A sweep that is killed, shared out, and put together: nothing is lost and
nothing is there twice. Exit status 77: a module is missing."""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

try:
    import gi  # noqa: F401
    import numpy as np
    from PIL import Image
except ImportError as why:
    print(why)
    sys.exit(77)

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..',
                    '..', 'tools', 'walloc-eval')


def lines_of(folder):
    with open(os.path.join(folder, 'results.jsonl')) as f:
        return [json.loads(v) for v in f]


def numbers(lines):
    """What must not depend on who did a cell."""
    return {v['key']: (v['bytes'], v['metrics']['error']['mse'])
            for v in lines}


class Scale(unittest.TestCase):
    def setUp(self):
        self.keep = tempfile.TemporaryDirectory()
        self.folder = self.keep.name
        os.makedirs(self.at('in', 'set'))
        rng = np.random.default_rng(1)
        for i in range(6):
            rgb = rng.integers(0, 256, (40, 48, 3), np.uint8)
            Image.fromarray(rgb).save(self.at('in', 'set', f'{i}.png'))

    def tearDown(self):
        self.keep.cleanup()

    def at(self, *names):
        return os.path.join(self.folder, *names)

    def start(self, out, *more, inputs='in'):
        return subprocess.Popen(
            [sys.executable, TOOL, 'run', '--inputs', self.at(inputs),
             '--codecs', 'none:0,1,2,3', '--jobs', '2', '--out', self.at(out)]
            + list(more), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
            text=True)

    def finish(self, out, *more, **options):
        p = self.start(out, *more, **options)
        said = p.communicate(timeout=200)[1]
        self.assertEqual(p.returncode, 0, said)

    def test_killed(self):
        """kill -9 of a worker, then of the run itself."""
        p = self.start('killed')
        end, workers = time.monotonic() + 60, []
        try:
            while time.monotonic() < end:
                results = self.at('killed', 'results.jsonl')
                if os.path.exists(results) and os.path.getsize(results):
                    break
                time.sleep(0.05)
            for path in glob.glob(f'/proc/{p.pid}/task/*/children'):
                with open(path) as f:
                    workers += [int(v) for v in f.read().split()]
            if workers:
                os.kill(workers[-1], signal.SIGKILL)
                time.sleep(0.3)
        finally:
            p.kill()
            p.communicate()
        # as a crash would leave it
        with open(self.at('killed', 'results.jsonl'), 'a') as f:
            f.write('{"key": "cut o')
        self.finish('killed')
        self.finish('whole')
        with open(self.at('killed', 'results.jsonl')) as f:
            got = [json.loads(v) for v in f if '"cut o' not in v]
        self.assertEqual(len(got), 24)
        self.assertEqual(numbers(got), numbers(lines_of(self.at('whole'))))

    def test_parts(self):
        """Machines that keep the pictures in other places."""
        shutil.copytree(self.at('in'), self.at('there', 'deep'))
        self.finish('whole')
        self.finish('one', '--part', '1/2')
        self.finish('two', '--part', '2/2', inputs='there')
        parts = [numbers(lines_of(self.at(v))) for v in ('one', 'two')]
        self.assertTrue(parts[0] and parts[1])
        self.assertFalse(set(parts[0]) & set(parts[1]))
        subprocess.run([sys.executable, TOOL, 'merge', self.at('one'),
                        self.at('two'), '--out', self.at('both')],
                       check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(numbers(lines_of(self.at('both'))),
                         numbers(lines_of(self.at('whole'))))
        p = self.start('bad', '--part', '3/2')
        self.assertIn('is not K/N', p.communicate()[1])

    def test_two_at_once(self):
        os.makedirs(self.at('busy'))
        sys.path.insert(0, os.path.dirname(TOOL))
        from eval import store
        held = store.Store(self.at('busy', 'results.jsonl'))
        p = self.start('busy')
        said = p.communicate(timeout=60)[1]
        self.assertEqual(p.returncode, 2)
        self.assertIn('another run is writing', said)
        held.close()


if __name__ == '__main__':
    unittest.main()
