#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A sweep through a queue: the same results as of one machine, whoever is
killed. Exit status 77: a module or nats-server is missing."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

try:
    import gi  # noqa: F401
    import numpy as np
    from PIL import Image
except ImportError as why:
    print(why)
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'queue'))
import natsserver  # noqa: E402
from natsserver import LIMIT, wait_for  # noqa: E402

natsserver.require()
TOOL = os.path.join(HERE, '..', '..', '..', 'tools', 'walloc-eval')
QUEUE = os.environ['WALLOC_QUEUE']
SWEEP = '''inputs = ["pictures"]
[[codec]]
name = "none"
settings = [0, 1, 2]
[[codec]]
name = "mine"
encode = "jpegenc quality=50"
decode = "jpegdec"
settings = [1]
'''
# there is no such quality as the second
BAD = SWEEP.replace('quality=50', 'quality={setting}').replace(
    'settings = [1]', 'settings = [1, 999]')
TIMES = ('code_seconds', 'cpu_seconds')


def lines_of(folder):
    with open(os.path.join(folder, 'results.jsonl')) as f:
        return [json.loads(v) for v in f]


def without_times(lines):
    return {v['key']: {k: x for k, x in v.items() if k not in TIMES}
            for v in lines}


class Batch(unittest.TestCase):
    def setUp(self):
        self.server = natsserver.Server()
        self.keep = tempfile.TemporaryDirectory()
        self.started = []
        os.makedirs(self.at('one', 'pictures'))
        rng = np.random.default_rng(1)
        for i in range(8):
            rgb = rng.integers(0, 256, (40, 48, 3), np.uint8)
            Image.fromarray(rgb).save(self.at('one', 'pictures', f'{i}.png'))
        self.sweep(SWEEP)

    def tearDown(self):
        for p in self.started:
            if p.poll() is None:
                p.kill()
            p.communicate(timeout=LIMIT)
        self.server.end()
        self.keep.cleanup()

    def at(self, *names):
        return os.path.join(self.keep.name, *names)

    def sweep(self, text):
        with open(self.at('one', 'sweep.toml'), 'w') as f:
            f.write(text)
        # the other machine has it elsewhere
        shutil.rmtree(self.at('two'), ignore_errors=True)
        shutil.copytree(self.at('one'), self.at('two', 'deep'))

    def start(self, *words, **more):
        p = subprocess.Popen([sys.executable, TOOL, *words], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             **more)
        self.started.append(p)
        return p

    def run_(self, out, *words, status=0):
        p = self.start('run', self.at('one', 'sweep.toml'), '--no-report',
                       '--crops', '0', '--out', self.at(out), *words)
        said = p.communicate(timeout=4 * LIMIT)[1]
        self.assertEqual(p.returncode, status, said)
        return said

    def worker(self, *where, more=()):
        return self.start('work', self.at(*where, 'sweep.toml'), '--queue',
                          self.server.url, '--jobs', '1', *more)

    def queue(self):
        return ('--queue', self.server.url, '--queue-options', '--ack-wait 2')

    def counts(self):
        p = subprocess.run([QUEUE, 'status', '-s', self.server.url, '-n',
                            'eval', '--json'], capture_output=True, text=True)
        return json.loads(p.stdout) if p.returncode == 0 else {}

    def test_killed(self):
        """Two workers, one killed, one without the pictures; and the run
        itself, which goes on."""
        self.run_('local')
        os.makedirs(self.at('three', 'pictures'))
        shutil.copy(self.at('one', 'pictures', '0.png'),
                    self.at('three', 'pictures'))
        shutil.copy(self.at('one', 'sweep.toml'), self.at('three'))
        run = self.start('run', self.at('one', 'sweep.toml'), '--no-report',
                         '--crops', '0', '--out', self.at('far'),
                         *self.queue())
        wait_for(lambda: self.counts().get('waiting') == 32, 'cells wait')
        poor = self.worker('three')
        first = self.worker('one')
        wait_for(lambda: self.counts().get('done', 0) > 4, 'the first results')
        first.send_signal(signal.SIGKILL)
        run.send_signal(signal.SIGKILL)
        first.wait()
        run.wait()
        # what strangers publish ends no run
        self.server.publish('walloc.queue.eval.results', b'null', b'[1]',
                            b'{"key": []}', b'[' * 60000)
        second = self.worker('two', 'deep')
        self.run_('far', *self.queue())
        for p in (poor, second):
            p.send_signal(signal.SIGTERM)
        self.assertIn('none of this machine', poor.communicate(
            timeout=LIMIT)[1])
        far, local = lines_of(self.at('far')), lines_of(self.at('local'))
        self.assertEqual(len(far), 32)
        self.assertEqual(without_times(far), without_times(local))
        c = self.counts()
        self.assertEqual((c['done'], c['failed']), (32 + 4, 0))
        # machines that answered are known
        with open(self.at('far', 'runs.jsonl')) as f:
            self.assertGreaterEqual(len(f.readlines()), 1)
        # what is done is not asked for again
        self.run_('far', *self.queue())
        self.assertEqual(len(lines_of(self.at('far'))), 32)

    def test_again(self):
        """Errors are results too; --again asks for them once more."""
        self.sweep(BAD)
        work = self.worker('one')
        self.run_('far', *self.queue(), status=1)
        failed = [v for v in lines_of(self.at('far')) if v.get('error')]
        self.assertEqual(len(failed), 8)
        self.assertEqual(self.counts()['done'], 40)
        self.run_('far', *self.queue())
        self.assertEqual(self.counts()['done'], 40)
        self.run_('far', *self.queue(), '--again', status=1)
        self.assertEqual(self.counts()['done'], 48)
        work.send_signal(signal.SIGTERM)

    def test_without(self):
        said = self.run_('far', '--queue', 'nats://127.0.0.1:1', status=2)
        self.assertIn('no server answers', said)
        os.environ['WALLOC_QUEUE'] = '/no/such/program'
        try:
            said = self.run_('far', *self.queue(), status=2)
        finally:
            os.environ['WALLOC_QUEUE'] = QUEUE
        self.assertIn('not in PATH', said)
        p = self.start('work', '--queue', self.server.url)
        self.assertEqual(p.wait(LIMIT), 2)
        self.assertIn('"inputs" is missing', p.stderr.read())


if __name__ == '__main__':
    unittest.main()
