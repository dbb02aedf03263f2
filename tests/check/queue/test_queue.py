#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""walloc-queue with a server: nothing lost, nothing twice, whatever is killed;
hostile jobs and names. Exit status 77: there is no nats-server.

test_queue.py WALLOC_QUEUE WALLOC"""
import io
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zlib

import natsserver
from natsserver import LIMIT, wait_for

natsserver.require()
QUEUE, WALLOC = sys.argv[1:3]
# copies its input and takes its time
SLOW = '''import json, shutil, sys, time
print('{"ready": true}', flush=True)
for line in sys.stdin:
    job = json.loads(line)
    time.sleep(%g)
    shutil.copyfile(job['in'], job['out'])
    print(json.dumps({'ok': True, 'result': job['path']}), flush=True)
'''


class Case(unittest.TestCase):
    """A server and folders `in` and `out`; commands take its queue `q`."""

    make = natsserver.Server

    def setUp(self):
        self.server = self.make()
        self.keep = tempfile.TemporaryDirectory()
        self.folder = self.keep.name
        self.started = []
        os.makedirs(self.at('in'))

    def tearDown(self):
        for p in self.started:
            if p.poll() is None:
                p.kill()
            p.communicate(timeout=LIMIT)
        self.server.end()
        self.keep.cleanup()

    def at(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, data=b'some bytes'):
        os.makedirs(os.path.dirname(self.at(name)), exist_ok=True)
        with open(self.at(name), 'wb') as f:
            f.write(data)

    def read(self, name):
        with open(self.at(name), 'rb') as f:
            return f.read()

    def pictures(self, n):
        for i in range(n):
            self.write(f'in/d{i % 3}/{i:03}.pgm',
                       b'P5\n48 40\n255\n' + bytes((i * 7 + k * k) % 256
                                                  for k in range(1920)))

    def start(self, *words, **more):
        p = subprocess.Popen(
            [QUEUE, words[0], '-s', self.server.url, '-n', 'q',
             *words[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, **more)
        self.started.append(p)
        return p

    def run_(self, *words, status=0, **more):
        p = self.start(*words)
        out, err = p.communicate(timeout=3 * LIMIT, **more)
        self.assertEqual(p.returncode, status, f'{words}: {out}{err}')
        self.said = err
        return out

    def hear(self, p, text):
        """The line in which a program says that."""
        limit = threading.Timer(LIMIT, p.kill)
        limit.start()
        try:
            heard = ['nothing']
            while text not in heard[-1]:
                heard.append(p.stderr.readline())
                self.assertNotEqual(heard[-1], '', f'{text}: {heard}')
            return heard[-1]
        finally:
            limit.cancel()

    def add(self, **more):
        self.run_('add', '--root', self.at('in'), '--ack-wait', '2', **more)

    def work(self, *words, **more):
        return self.run_('work', '--root', self.at('in'), '--drain', '--jobs',
                         '2', '--retry-delay', '0', *words, **more)

    def counts(self):
        return json.loads(self.run_('status', '--json'))

    def lines(self, *words):
        return [json.loads(v) for v in self.run_(*words).splitlines()]

    def outputs(self):
        """What is in `out`, of jobs and of nobody."""
        found = []
        for folder, _, names in os.walk(self.at('out')):
            found += [os.path.relpath(os.path.join(folder, n), self.at('out'))
                      for n in names]
        return sorted(found)

    def all_there(self, n):
        """Each output once, whole; each result once; nothing else."""
        self.assertEqual(self.outputs(), sorted(
            f'd{i % 3}/{i:03}.pgm' for i in range(n)))
        for name in self.outputs():
            self.assertEqual(self.read(f'out/{name}'),
                             self.read(f'in/{name}'))
        results = self.lines('results')
        self.assertEqual(len(results), n)
        self.assertEqual(len({v['key'] for v in results}), n)
        counts = self.counts()
        self.assertEqual((counts['done'], counts['failed'],
                          counts['waiting'], counts['running']), (n, 0, 0, 0))
        return results


class Add(Case):
    def test_twice(self):
        self.pictures(20)
        self.add()
        self.assertIn('20 added', self.said)
        self.add()
        self.assertIn('0 added, 20 there already', self.said)
        self.work('--out', self.at('out'), '--', 'cp', '{in}', '{out}')
        # nor when they are done
        self.add()
        self.assertIn('0 added, 20 there already', self.said)
        self.all_there(20)
        # a file that changed is another job
        self.write('in/d0/000.pgm', b'P5\n1 1\n255\n.')
        self.add()
        self.assertIn('1 added, 19 there already', self.said)
        self.work('--out', self.at('out'), '--', 'cp', '{in}', '{out}')
        self.assertEqual(self.read('out/d0/000.pgm'),
                         self.read('in/d0/000.pgm'))

    def test_patterns(self):
        for name in ('a.jpg', 'b.JPG', 'c.txt', '.hidden.jpg', 'x/d.jpg'):
            self.write(f'in/{name}')
        os.symlink('/etc/passwd', self.at('in', 'link.jpg'))
        os.symlink('/etc', self.at('in', 'folder'))
        self.run_('add', '--root', self.at('in'), '--match', '*.jpg',
                  '--match', '*.JPG')
        self.assertIn('3 added', self.said)
        self.assertIn('1 hidden', self.said)
        self.assertIn('2 symbolic links', self.said)

    def test_lines(self):
        text = '{"key": "k1", "data": {"a": 1}}\n\n{"data": 2}\n{"data": 2}\n'
        self.run_('add', '--json', '-', input=text)
        self.assertIn('2 added, 1 there already', self.said)
        self.run_('work', '--drain', '--', 'echo', '{data}')
        said = [v['result'] for v in self.lines('results')]
        self.assertCountEqual(said, [{'a': 1}, 2])

    def test_bad_names(self):
        """Refused before they are in the queue, and the others go in."""
        names = ['../x', '/etc/passwd', 'a/../../b', 'a//b', './a', 'a/',
                 'a\x01b', 'n' * 256, 'x/' * 2100 + 'y', 'good']
        self.write('list', '\n'.join(names).encode() + b'\nb\xffd\n')
        self.run_('add', '--list', self.at('list'), status=1)
        self.assertIn('1 added', self.said)
        self.assertIn('10 were left out', self.said)
        self.assertIn('leads upwards', self.said)
        self.assertIn('not UTF-8', self.said)

    def test_bad_lines(self):
        self.write('jobs', b'{"data": 1\n[1]\n{"key": "a b"}\n{"path": 3}\n'
                   b'{"key": "big", "data": "' + b'x' * 70000 + b'"}\n')
        self.run_('add', '--json', self.at('jobs'), status=1)
        self.assertIn('0 added', self.said)
        self.assertIn('5 were left out', self.said)

    def test_usage(self):
        for words in (['add'], ['add', '--root', 'a', '--list', 'b'],
                      ['add', '--root', 'in', '--replicas', '9'],
                      ['add', '--root', 'in', 'more'],
                      ['status', '--nonsense'],
                      ['work', '--drain'], ['work', '--', 'cp', '{in}'],
                      ['work', '--to-latents', 'x'],
                      ['work', '--jobs', '0', '--', 'true']):
            self.run_(*words, status=2)
        self.run_('status', status=1)
        self.assertIn('There is no queue "q"', self.said)
        p = subprocess.run([QUEUE, 'status', '-s', 'nats://127.0.0.1:1'],
                           capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(p.returncode, 1)
        self.assertIn('no server answers', p.stderr)

    def test_full(self):
        """A queue with a limit says so, and is right about what it has."""
        self.write('list', ''.join(f'file{i}\n' for i in range(3000)).encode())
        self.run_('add', '--list', self.at('list'), '--max-bytes', '100000',
                  status=1)
        self.assertIn('stores no more', self.said)
        self.assertGreater(self.counts()['waiting'], 10)
        self.assertLess(self.counts()['waiting'], 3000)

    def test_remove(self):
        self.pictures(2)
        self.add()
        p = self.start('work', '--', 'true')
        wait_for(lambda: self.counts()['done'] == 2, 'jobs are done')
        self.run_('remove')
        self.assertEqual(p.wait(LIMIT), 1)
        self.assertIn('was removed', p.stderr.read())


class Kill(Case):
    def slow(self, seconds=0.02):
        self.write('slow.py', (SLOW % seconds).encode())
        return ('--out', self.at('out'), '--lines', '--', sys.executable,
                self.at('slow.py'))

    def begin(self, n):
        """A worker in the middle of n jobs."""
        self.pictures(n)
        self.add()
        p = self.start('work', '--root', self.at('in'), '--jobs', '2',
                       *self.slow())
        wait_for(lambda: len(self.outputs()) > n // 5, 'the first outputs')
        return p

    def test_worker(self):
        p = self.begin(150)
        p.send_signal(signal.SIGKILL)
        p.wait()
        there = len(self.outputs())
        self.assertLess(there, 150)
        self.work(*self.slow(0))
        self.all_there(150)
        # the first of both had written it, the second found it
        self.assertTrue(os.path.isdir(self.at('out', '.walloc-queue')))

    def test_children(self):
        """Programs end with their worker."""
        p = self.begin(60)
        with open(f'/proc/{p.pid}/task/{p.pid}/children') as f:
            children = f.read().split()
        tasks = os.listdir(f'/proc/{p.pid}/task')
        for t in tasks:
            with open(f'/proc/{p.pid}/task/{t}/children') as f:
                children += f.read().split()
        self.assertTrue(children)
        p.send_signal(signal.SIGKILL)
        p.wait()

        def gone():
            for c in children:
                try:
                    with open(f'/proc/{c}/stat') as f:
                        if f.read().split(') ')[1][0] != 'Z':
                            return False
                except OSError:
                    pass
            return True
        wait_for(gone, 'the commands end')

    def test_server(self):
        """kill -9 of the server in the middle of adding, then of working."""
        self.pictures(150)
        adding = self.start('add', '--root', self.at('in'), '--ack-wait', '2')
        wait_for(lambda: os.path.exists(os.path.join(
            self.server.folder, 'store', 'jetstream')), 'a store')
        self.server.kill()
        self.server.start()
        said = adding.communicate(timeout=2 * LIMIT)[1]
        # it may have been quicker than the queue was made
        if adding.returncode != 0:
            self.add()
        p = self.start('work', '--root', self.at('in'), '--jobs', '2',
                       *self.slow())
        wait_for(lambda: len(self.outputs()) > 20, f'the first outputs {said}')
        self.server.kill()
        time.sleep(0.5)
        self.server.start()
        wait_for(lambda: len(self.outputs()) == 150, 'the worker comes back',
                 2 * LIMIT)
        p.send_signal(signal.SIGTERM)
        p.communicate(timeout=LIMIT)
        self.work(*self.slow(0))
        self.all_there(150)
        # a server that was killed knows what it has
        self.server.kill()
        self.server.start()
        self.add()
        self.assertIn('0 added, 150 there already', self.said)

    def test_stop(self):
        """SIGTERM: what runs is done, what waits stays; the next goes on."""
        p = self.begin(80)
        p.send_signal(signal.SIGTERM)
        p.communicate(timeout=LIMIT)
        self.assertIn(p.returncode, (0, 130))
        c = self.counts()
        self.assertEqual(c['done'], len(self.outputs()))
        self.assertGreater(c['waiting'] + c['running'], 0)
        self.work(*self.slow(0))
        self.all_there(80)

    def test_two(self):
        """Two workers share."""
        self.pictures(100)
        self.add()
        both = [self.start('work', '--root', self.at('in'), '--jobs', '1',
                           '--drain', *self.slow()) for _ in range(2)]
        for p in both:
            self.assertEqual(p.wait(2 * LIMIT), 0, p.stderr.read())
        results = self.all_there(100)
        shares = [sum(v['worker'].endswith(f'-{p.pid}') for v in results)
                  for p in both]
        self.assertEqual(sum(shares), 100)
        self.assertGreater(min(shares), 15, shares)


class Disk(Case):
    """What a worker asks of the disk (disk.c), in order."""

    def preload(self, **more):
        if 'QUEUE_DISK' not in os.environ:
            self.skipTest('no QUEUE_DISK')
        return dict(os.environ, LD_PRELOAD=os.environ['QUEUE_DISK'],
                    DISK_LOG=self.at('log'), **more)

    def worker(self, *words, **more):
        return self.start('work', '--root', self.at('in'), '--jobs', '2',
                          '--to-latents', self.at('out'), *words,
                          env=self.preload(**more))

    def log(self):
        if not os.path.exists(self.at('log')):
            return []
        return [line.split('\t') for line in
                self.read('log').decode().splitlines()]

    def test_order(self):
        """An output is on the disk before it has its name, and its folder
        afterwards."""
        self.pictures(60)
        self.add()
        p = self.worker('--drain')
        self.assertEqual(p.wait(LIMIT), 0, p.stderr.read())
        self.assertEqual(self.counts()['done'], 60)
        log, named = self.log(), set()
        for i, (what, first, second) in enumerate(log):
            if what != 'rename':
                continue
            self.assertIn(['fsync', first, ''], log[:i])
            self.assertIn(['fsync', os.path.dirname(second), ''], log[i:])
            named.add(os.path.relpath(second, self.at('out')))
        self.assertEqual(sorted(named), self.outputs())
        self.assertEqual(len(named), 60)

    def test_no_sync(self):
        self.pictures(6)
        self.add()
        p = self.worker('--drain', '--no-sync')
        self.assertEqual(p.wait(LIMIT), 0, p.stderr.read())
        self.assertEqual({v[0] for v in self.log()}, {'rename'})
        self.assertEqual(len(self.outputs()), 6)

    def test_error(self):
        """What is not on the disk does not appear; others do it."""
        self.pictures(6)
        self.add()
        p = self.worker(DISK_FAIL='1')
        self.assertIn('Input/output error',
                      self.hear(p, 'another worker may do it'))
        self.assertNotIn('rename', {v[0] for v in self.log()})
        p.send_signal(signal.SIGTERM)
        p.communicate(timeout=LIMIT)
        self.assertEqual(self.outputs(), [])
        self.work('--to-latents', self.at('out'))
        self.assertEqual(len(self.outputs()), 6)
        self.assertEqual(self.counts()['done'], 6)


class Tries(Case):
    # fails once, then copies
    SECOND = ('sh', '-c', 'if [ -e "$2.tried" ]; then cp "$1" "$3"; else '
              'mkdir -p "${2%/*}"; touch "$2.tried"; exit 1; fi', 'sh')

    def test_given_back(self):
        """Jobs that were handed back unbegun have as many tries as others."""
        # slow enough for a busy machine to see what is under way
        self.write('slow.py', (SLOW % 0.2).encode())
        self.pictures(40)
        self.add()
        for i in range(4):
            there = len(self.outputs())
            p = self.start('work', '--root', self.at('in'), '--jobs', '1',
                           '--out', self.at('out'), '--lines', '--',
                           sys.executable, self.at('slow.py'))
            # it has one more than it works on
            wait_for(lambda: len(self.outputs()) > there + 1 and
                     self.counts()['running'] > 1, 'jobs ahead')
            p.send_signal(signal.SIGTERM)
            p.communicate(timeout=LIMIT)
            self.assertEqual(p.returncode, 130)
        there = self.counts()['done']
        self.assertLess(there, 40)
        self.work('--tries', '2', '--out', self.at('out'), '--', *self.SECOND,
                  '{in}', self.at('tried') + '/{path}', '{out}')
        results = self.all_there(40)
        self.assertEqual(sorted(v['tries'] for v in results),
                         [1] * there + [2] * (40 - there))

    def test_stopped(self):
        """Nor does a job that ended with its worker."""
        self.write('in/a')
        self.add()
        for i in range(3):
            p = self.start('work', '--root', self.at('in'), '--tries', '1',
                           '--', 'sh', '-c', ': >"$0"; exec sleep 100',
                           self.at(f'begun{i}'))
            wait_for(lambda: os.path.exists(self.at(f'begun{i}')), 'it began')
            for _ in range(2):
                p.send_signal(signal.SIGTERM)
                time.sleep(0.3)
            p.communicate(timeout=LIMIT)
            self.assertEqual(p.returncode, 130)
        self.work('--tries', '1', '--', 'true')
        self.assertEqual(self.counts()['failed'], 0)
        self.assertEqual(self.lines('results')[0]['tries'], 1)

    def test_records(self):
        """A queue without the stream of counts gets one; what strangers write
        there counts for nothing."""
        self.pictures(4)
        self.add()
        self.server.publish('$JS.API.STREAM.DELETE.walloc-queue-q-tries', b'')
        command = ('--tries', '2', '--', 'false')
        p = self.start('work', '--root', self.at('in'), '--retry-delay', '3',
                       *command)
        self.hear(p, 'tried again')
        for i, text in enumerate((b'', b'[', b'[3]', b'{"failed": "x"}')):
            self.server.publish(f'walloc.queue.q.tries.{i + 1}', text)
        p.send_signal(signal.SIGTERM)
        p.communicate(timeout=LIMIT)
        self.work(*command)
        failed = self.lines('failed', '--json')
        self.assertEqual(len(failed), 4)
        self.assertEqual({v['tries'] for v in failed}, {2})


class Cluster(Case):
    make = natsserver.Cluster

    def test_kill(self):
        """One of three servers after the other is killed."""
        self.write('slow.py', (SLOW % 0.03).encode())
        self.pictures(120)
        words = ('add', '--root', self.at('in'), '--ack-wait', '2',
                 '--replicas', '3')

        def added():
            # until there is a leader of all
            p = self.start(*words)
            p.communicate(timeout=LIMIT)
            return p.returncode == 0
        wait_for(added, 'a cluster')
        p = self.start('work', '--root', self.at('in'), '--jobs', '2',
                       '--out', self.at('out'), '--lines', '--',
                       sys.executable, self.at('slow.py'))
        for i, server in enumerate(self.server.servers):
            wait_for(lambda: len(self.outputs()) > 30 * i, 'outputs')
            server.kill()
            time.sleep(0.2)
            server.start()
        wait_for(lambda: len(self.outputs()) == 120, 'all outputs', 2 * LIMIT)
        wait_for(lambda: self.start('status', '--follow').wait(LIMIT) == 0,
                 'all acknowledged')
        p.send_signal(signal.SIGTERM)
        p.communicate(timeout=LIMIT)
        self.all_there(120)
        self.run_(*words)
        self.assertIn('0 added, 120 there already', self.said)


class End(Case):
    def test_lines(self):
        """A program that stays ends by itself, at the end of its input."""
        self.write('ends.py', (SLOW % 0 + 'time.sleep(0.3)\n'
                               'open(sys.argv[1], "w").close()\n').encode())
        self.pictures(3)
        self.add()
        self.work('--out', self.at('out'), '--lines', '--', sys.executable,
                  self.at('ends.py'), self.at('ended'))
        self.all_there(3)
        self.assertTrue(os.path.exists(self.at('ended')))


class Fail(Case):
    def test_retry(self):
        self.pictures(6)
        self.add()
        command = ('sh', '-c', 'grep -q good "$2" || { case $1 in *3.pgm) '
                   'echo no three >&2; exit 3;; esac; }; cat "$1"', 'sh',
                   '{in}', self.at('switch'))
        self.write('switch', b'bad')
        self.work('--tries', '2', '--out', self.at('out'), '--stdout', '--',
                  *command)
        self.assertEqual(self.counts()['failed'], 1)
        failed = self.lines('failed', '--json')
        self.assertEqual(failed[0]['kind'], 'failed')
        self.assertEqual(failed[0]['tries'], 2)
        self.assertEqual(failed[0]['error'], 'sh ended with status 3: no three')
        self.assertIn('d0/003.pgm: sh ended', self.run_('failed'))
        self.write('switch', b'good')
        self.assertIn('1 queued again', self.run_('retry'))
        self.assertIn('0 queued again', self.run_('retry'))
        self.work('--out', self.at('out'), '--stdout', '--', *command)
        self.all_there(6)

    def test_hostile(self):
        """What is no job is counted and kept, and the others are done."""
        self.write('in/good', b'!')
        self.write('secret', b'not yours')
        os.symlink(self.at('secret'), self.at('in', 'link'))
        os.symlink(self.folder, self.at('in', 'up'))
        self.add()
        bad = [b'', b'{', b'[]', b'{"v":2,"key":"a"}', b'{"key":"a"}',
               b'{"v":1,"key":"../x"}', b'{"v":1,"key":"a","path":"../secret"}',
               b'{"v":1,"key":"a","path":"/etc/passwd"}', b'\xff\xfe\x00',
               b'{"v":1,"key":"b","path":"a\\u0000b"}', b'[' * 60000,
               b'{"v":1,"v":1,"key":"a"}', b'x' * 60000]
        self.write('in/.walloc-queue/x', b'!')
        away = [b'{"v":1,"key":"w","path":".walloc-queue/x"}',
                b'{"v":1,"key":"l","path":"link"}',
                b'{"v":1,"key":"u","path":"up/secret"}']
        huge = [b'{"v":1,"key":"h","data":"' + b'x' * 100000 + b'"}']
        self.server.publish('walloc.queue.q.jobs', *bad, *away, *huge)
        self.work('--tries', '1', '--out', self.at('out'), '--', 'cp', '{in}',
                  '{out}')
        self.assertEqual(self.outputs(), ['good'])
        failed = self.lines('failed', '--json')
        kinds = [v['kind'] for v in failed]
        self.assertEqual(kinds.count('bad'), len(bad))
        self.assertEqual(kinds.count('failed'), len(away))
        self.assertEqual(len(failed), len(bad) + len(away))
        self.assertEqual(sum('by a link' in v['error'] for v in failed), 2)
        self.assertEqual(self.counts()['failed'], len(failed))
        self.run_('retry', status=1)
        self.assertIn(f'{len(bad)} messages are no jobs', self.said)

    def led_away(self, path):
        """A job whose output folder is a link to elsewhere writes nothing."""
        self.write(path, b'1')
        os.makedirs(self.at('out'))
        os.makedirs(self.at('elsewhere'))
        os.symlink(self.at('elsewhere'), self.at('out', 'd'))
        self.add()
        self.work('--tries', '1', '--out', self.at('out'), '--', 'cp', '{in}',
                  '{out}')
        self.assertEqual(os.listdir(self.at('elsewhere')), [])
        self.assertIn('by a link', self.run_('failed'))

    def test_output_link(self):
        self.led_away('in/d/x')

    def test_output_link_below(self):
        """Nor is a folder made where a link leads."""
        self.led_away('in/d/a/b/x')

    def test_terminal(self):
        """What strangers sent is printed, and moves no cursor."""
        self.add()
        self.server.publish('walloc.queue.q.failed', b'{"key": "k", "error":'
                            b' "\\u001b[2J\\u0007", "kind": 3}', b'[]')
        said = self.run_('failed')
        self.assertIn('k: ?[2J? (?, 0 tries, ?)', said)
        self.assertIn('no job', said)

    def test_small_server(self):
        """What the server never takes is refused, not sent for ever."""
        self.server.kill()
        self.server.start(max_payload=8192)
        self.write('jobs', b'{"key": "a", "data": "%s"}\n' % (b'x' * 9000))
        self.run_('add', '--json', self.at('jobs'), status=1)
        self.assertIn('max_payload of 8192', self.said)
        self.assertEqual(self.counts()['all'], 0)

    def test_lacking(self):
        """A worker without the files takes none from another that has them."""
        self.pictures(30)
        self.add()
        os.makedirs(self.at('empty'))
        p = self.start('work', '--root', self.at('empty'), '--out',
                       self.at('out'), '--', 'cp', '{in}', '{out}')
        wait_for(lambda: self.counts()['running'] > 0, 'it takes some')
        self.work('--out', self.at('out'), '--', 'cp', '{in}', '{out}')
        self.all_there(30)
        p.send_signal(signal.SIGTERM)
        self.assertIn('another worker may do it', p.communicate(
            timeout=LIMIT)[1])

    def test_full_disk(self):
        self.pictures(40)
        self.add()
        os.makedirs(self.at('small'))
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=16k', 'tmpfs',
                           self.at('small')], capture_output=True).returncode:
            self.skipTest('no right to mount a small disk')
        try:
            p = self.start('work', '--root', self.at('in'), '--to-latents',
                           self.at('small'), '--jobs', '1')
            self.assertIn('other workers go on',
                          self.hear(p, 'No space left'))
            self.work('--to-latents', self.at('out'))
            c = self.counts()
            self.assertEqual((c['done'], c['failed']), (40, 0))
            p.send_signal(signal.SIGTERM)
            p.communicate(timeout=LIMIT)
            both = set(self.outputs())
            for folder, _, names in os.walk(self.at('small')):
                both |= {os.path.relpath(os.path.join(folder, n),
                                         self.at('small')) for n in names}
            self.assertEqual(len(both), 40)
        finally:
            subprocess.run(['umount', '-l', self.at('small')])

    def test_lost(self):
        """A job that kills its worker is given up in the end."""
        self.write('jobs', b'{"key": "killer"}\n')
        self.run_('add', '--json', self.at('jobs'), '--ack-wait', '1')
        for _ in range(5):
            p = self.start('work', '--jobs', '1', '--tries', '1', '--drain',
                           '--', 'sh', '-c', 'kill -9 $PPID; sleep 9')
            p.wait(LIMIT)
            if p.returncode == 0:
                break
        self.assertEqual(p.returncode, 0)
        failed = self.lines('failed', '--json')
        self.assertEqual([v['kind'] for v in failed], ['lost'])
        self.assertEqual(failed[0]['job']['key'], 'killer')


class Commands(Case):
    def failure(self, *words, **more):
        self.work('--tries', '1', *words, **more)
        failed = self.lines('failed', '--json')
        self.assertEqual(len(failed), 1)
        self.assertEqual(self.outputs(), [])
        return failed[0]['error']

    def test_shell(self):
        """Names are arguments, never commands, whatever is in them."""
        names = ['$(touch owned)', '; touch owned', '-rf', 'a b', '`x`',
                 "it's", '"', 'ü\u4e00']
        for n in names:
            self.write(f'in/{n}', n.encode())
        self.add()
        self.work('--out', self.at('out'), '--', 'sh', '-c',
                  'cat -- "$1" > "$2"; echo "$3"', 'sh', '{in}', '{out}',
                  '{path}')
        self.assertEqual(self.outputs(), sorted(names))
        self.assertFalse(os.path.exists('owned'))
        self.assertIn('./-rf', [v['result'] for v in self.lines('results')])
        self.run_('work', '--root', 'in', '--out', 'out', '--', 'sh', '-c',
                  'cat {in} > {out}', status=2)
        self.assertIn('read by the shell', self.said)
        self.run_('work', '--root', 'in', '--', '{in}', status=2)

    def test_streams(self):
        self.write('in/a', b'hello')
        self.add()
        self.work('--out', self.at('out'), '--suffix', '.up', '--stdin',
                  '--stdout', '--', 'tr', 'a-z', 'A-Z')
        self.assertEqual(self.read('out/a.up'), b'HELLO')

    def test_descriptors(self):
        """A command gets none of the worker's connections."""
        version = tuple(int(v) for v in os.uname().release.split('.')[:2])
        if version < (5, 11):
            self.skipTest('no close_range')
        self.write('in/a', b'hello')
        self.add()
        self.work('--', 'sh', '-c', 'ls /proc/self/fd | wc -l')
        self.assertLessEqual(self.lines('results')[0]['result'], 4)

    def test_timeout(self):
        self.write('in/a')
        self.add()
        self.assertIn('longer than 1 s', self.failure(
            '--timeout', '1', '--out', self.at('out'), '--', 'sh', '-c',
            'echo part > "$1"; sleep 60', 'sh', '{out}'))

    def test_no_output(self):
        self.write('in/a')
        self.add()
        self.assertIn('there is no output', self.failure(
            '--out', self.at('out'), '--', 'test', '{out}'))

    def test_no_program(self):
        """A fault of the machine: not of a job, as long as others may come."""
        self.write('in/a')
        self.add()
        p = self.start('work', '--root', self.at('in'), '--', '/no/such')
        self.hear(p, 'cannot be started')
        self.assertEqual(self.counts()['failed'], 0)

    def test_children(self):
        """Programs that answer nonsense, die, say no."""
        for i, (text, what) in enumerate((
                ("print('{\"ready\":true}', flush=True); input(); "
                 "print('nonsense', flush=True); input()", 'no JSON'),
                ("print('{\"ready\":true}', flush=True); input()",
                 'ended with status 0 before it answered'),
                ("print('{\"ready\":true}', flush=True); input(); "
                 "print('{\"ok\":false,\"error\":\"no!\"}', flush=True); "
                 "input()", 'no!'))):
            self.run_('remove') if i else None
            self.write('jobs', b'{"key": "%d"}\n' % i)
            self.run_('add', '--json', self.at('jobs'))
            self.run_('work', '--tries', '1', '--jobs', '1', '--drain',
                      '--lines', '--', sys.executable, '-c', text)
            self.assertIn(what, self.lines('failed', '--json')[0]['error'])
        p = self.start('work', '--lines', '--', 'echo', 'hello')
        self.write('jobs', b'{"key": "other"}\n')
        self.run_('add', '--json', self.at('jobs'))
        self.hear(p, 'not with {"ready": true}')


class Results(Case):
    def test_slow_reader(self):
        """Nothing is lost where it is read more slowly than it comes."""
        self.add()
        n = 150000
        self.server.publish('walloc.queue.q.results', *(
            b'{"key":"%d"}' % i for i in range(n)))
        p = self.start('results')
        # its pipe fills, and all that the server sends waits in the program
        time.sleep(3)
        keys = [json.loads(v)['key'] for v in p.stdout]
        self.assertEqual(p.wait(LIMIT), 0, p.stderr.read())
        self.assertEqual(len(keys), n)
        self.assertEqual(keys, [str(i) for i in range(n)])

    def test_server(self):
        """Results as they come, each once, while the server is killed."""
        self.add()
        p = self.start('results', '--wait')
        wanted = []

        def publish(first, n):
            lines = [b'{"key":"%d"}' % i for i in range(first, first + n)]
            self.server.publish('walloc.queue.q.results', *lines)
            wanted.extend(v.decode() for v in lines)
            # after the kill it may be asked before its streams are there
            wait_for(lambda: self.counts()['done'] == len(wanted), 'stored')
        got = []
        reading = threading.Thread(target=lambda: got.extend(
            v.strip() for v in p.stdout), daemon=True)
        # a job keeps it waiting
        self.write('jobs', b'{"key": "last"}\n')
        self.run_('add', '--json', self.at('jobs'))
        reading.start()
        publish(0, 700)
        wait_for(lambda: len(got) == 700, 'the first')
        self.server.kill()
        self.server.start()
        self.counts()
        publish(700, 700)
        wait_for(lambda: len(got) == 1400, 'the others')
        self.run_('work', '--drain', '--', 'true')
        self.assertEqual(p.wait(LIMIT), 0)
        reading.join(LIMIT)
        self.assertEqual(got[:1400], wanted)
        self.assertIn('"last"', got[1400])
        self.assertEqual(len(got), 1401)


class Latents(Case):
    def test_pictures(self):
        """The same bytes as `walloc encode`; what is there and whole stays."""
        self.pictures(8)
        self.write('in/bad.pgm', b'P5\n48 40\n255\nshort')
        self.add()
        self.work('--tries', '1', '--to-latents', self.at('out'),
                  '--quality', '40')
        subprocess.run([WALLOC, 'encode', '-q', '40',
                        self.at('in/d0/000.pgm'), self.at('one.wlc')],
                       check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(self.read('out/d0/000.pgm.wlc'), self.read('one.wlc'))
        self.assertEqual(len(self.outputs()), 8)
        self.assertIn('ends within a picture', self.run_('failed'))
        # a new queue over the same folders, one output cut, one not ours
        self.run_('remove')
        whole = self.read('out/d1/001.pgm.wlc')
        self.write('out/d1/001.pgm.wlc', whole[:-3])
        self.write('out/d2/002.pgm.wlc', b'something else')
        os.unlink(self.at('in', 'bad.pgm'))
        self.add()
        self.work('--to-latents', self.at('out'), '--quality', '40')
        self.assertEqual(sum(v.get('skipped', False)
                             for v in self.lines('results')), 6)
        self.assertEqual(self.read('out/d1/001.pgm.wlc'), whole)

    def test_jpeg(self):
        try:
            from PIL import Image
        except ImportError:
            self.skipTest('no python3-pil')
        self.pictures(1)
        with Image.open(self.at('in/d0/000.pgm')) as picture:
            picture.convert('RGB').save(self.at('in', 'x.jpg'))
        data = self.read('in/x.jpg')
        self.write('in/cut.jpg', data[:len(data) // 2])
        self.add()
        self.work('--tries', '1', '--to-latents', self.at('out'))
        if 'without libjpeg' in self.run_('failed'):
            self.skipTest('built without libjpeg')
        self.assertEqual(self.outputs(), ['d0/000.pgm.wlc', 'x.jpg.wlc'])
        self.assertIn('cut.jpg: JPEG: Premature end', self.run_('failed'))

    def test_png(self):
        """All kinds of PNG, with the bytes that the same pixels give as PNM."""
        try:
            from PIL import Image
        except ImportError:
            self.skipTest('no python3-pil')
        self.pictures(3)
        grey, green, blue = (Image.open(io.BytesIO(self.read(name))) for name in
                             ('in/d0/000.pgm', 'in/d1/001.pgm', 'in/d2/002.pgm'))
        shutil.rmtree(self.at('in'))
        rgb = Image.merge('RGB', (grey, green, blue))
        few = rgb.quantize(16)
        deep = Image.new('I;16', grey.size)
        deep.putdata([v * 257 for v in grey.getdata()])
        for name, png, pnm in (
                ('rgb', rgb, rgb), ('grey', grey, grey),
                ('few', few, few.convert('RGB')), ('deep', deep, grey),
                ('alpha', Image.merge('RGBA', (*rgb.split(), grey)), rgb),
                ('grey-alpha', Image.merge('LA', (grey, blue)), grey)):
            os.makedirs(self.at('in'), exist_ok=True)
            png.save(self.at('in', name + '.png'))
            pnm.save(self.at('in', name + ('.pgm' if pnm is grey else '.ppm')))
        data = self.read('in/rgb.png')
        self.write('in/cut.png', data[:len(data) // 2])
        head = b'IHDR' + struct.pack('>II', 20000, 3) + data[24:29]
        self.write('in/wide.png', data[:12] + head +
                   struct.pack('>I', zlib.crc32(head)) + data[33:])
        self.add()
        self.work('--tries', '1', '--to-latents', self.at('out'))
        failed = self.run_('failed')
        if 'without libpng' in failed:
            self.skipTest('built without libpng')
        self.assertEqual(len(self.outputs()), 12, failed)
        for name in ('rgb', 'grey', 'few', 'deep', 'alpha', 'grey-alpha'):
            pnm = name + ('.ppm' if name in ('rgb', 'few', 'alpha') else '.pgm')
            self.assertEqual(self.read(f'out/{name}.png.wlc'),
                             self.read(f'out/{pnm}.wlc'), name)
        self.assertIn('cut.png: PNG: ', failed)
        self.assertIn('wide.png: PNG: 20000x3 is too large', failed)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
