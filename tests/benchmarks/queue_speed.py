#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How fast walloc-queue is: adding, working, resuming, one to four workers.

queue_speed.py BUILD [--jobs 1000000] [--pictures FOLDER] [--parts add,work...]

Servers are on loopback, with their store in a temporary folder on the disk
(--folder). Prints tables; figures of docs/evaluation/queue.md."""
import argparse
import glob
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'check', 'queue'))
import natsserver  # noqa: E402

CHILD = '''import sys
print('{"ready": true}', flush=True)
for line in sys.stdin:
    print('{"ok": true}', flush=True)
'''
SLEEPER = CHILD.replace("import sys", "import sys, time").replace(
    "    print('{\"ok", "    time.sleep(0.05)\n    print('{\"ok")
PARTS = ('add', 'work', 'encode', 'scale', 'resume')


def rss(pid, field='VmHWM'):
    """MB."""
    with open(f'/proc/{pid}/status') as f:
        for line in f:
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    return 0


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.program = os.path.join(args.build, 'tools', 'queue',
                                    'walloc-queue')
        self.walloc = os.path.join(args.build, 'tools', 'walloc')
        self.server = natsserver.Server()
        os.environ.setdefault('GST_WALLOC_MODEL_PATH', os.path.join(
            HERE, '..', '..', 'models'))
        self.child = self.file('child.py', CHILD)
        self.sleeper = self.file('sleeper.py', SLEEPER)

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w') as f:
            f.write(text)
        return path

    def words(self, command, *more):
        return [self.program, command, '-s', self.server.url, '-n', 'b', *more]

    def run(self, command, *more):
        """(wall s, processor s of it and its children, peak MB)."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begin = time.monotonic()
        p = subprocess.Popen(self.words(command, *more),
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True)
        said = p.stderr.read()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = status
        wall = time.monotonic() - begin
        if status:
            raise SystemExit(f'{command} {more}: status '
                             f'{os.waitstatus_to_exitcode(status)}: {said}')
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (wall, after.ru_utime + after.ru_stime - before.ru_utime
                - before.ru_stime, usage.ru_maxrss / 1024)

    def names(self, n):
        path = os.path.join(self.folder, f'names{n}')
        if not os.path.exists(path):
            with open(path, 'w') as f:
                f.writelines(f'camera{i % 100:02}/{i // 100000}/'
                             f'frame{i:07}.jpg\n' for i in range(n))
        return path

    def fresh(self):
        subprocess.run(self.words('remove'), stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def answer(self):
        """s until the server knows how far the queue is."""
        begin = time.monotonic()
        while subprocess.run(self.words('status'), stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL).returncode:
            time.sleep(0.05)
        return time.monotonic() - begin

    def add(self):
        print('\n| adding | jobs | s | jobs/s | CPU s | peak MB | server peak '
              'MB |\n| --- | --- | --- | --- | --- | --- | --- |')
        for n in sorted({10000, self.args.jobs}):
            for what in ('new', 'all there already'):
                wall, cpu, peak = self.run('add', '--list', self.names(n))
                print(f'| {what} | {n} | {wall:.2f} | {n / wall:.0f} | '
                      f'{cpu:.1f} | {peak:.0f} | '
                      f'{rss(self.server.process.pid):.0f} |', flush=True)
            if n != self.args.jobs:
                self.fresh()
        store = sum(os.path.getsize(p) for p in glob.glob(os.path.join(
            self.server.folder, '**'), recursive=True) if os.path.isfile(p))
        self.server.kill()
        begin = time.monotonic()
        self.server.start()
        self.answer()
        waited = time.monotonic() - begin
        memory = rss(self.server.process.pid, 'VmRSS')
        # ids are read back when the first message comes
        begin = time.monotonic()
        self.run('add', '--list', self.names(10000))
        first = time.monotonic() - begin
        counts = json.loads(subprocess.run(
            self.words('status', '--json'), capture_output=True).stdout)
        if counts['all'] != self.args.jobs:
            raise SystemExit(f'lost or doubled: {counts}')
        print(f'\nThe store has {store / 1e6:.0f} MB; after kill -9 the server '
              f'answers again for this queue in {waited:.1f} s ({memory:.0f} '
              f'MB). The next 10000 that are added, all there already, take '
              f'{first:.1f} s, as it reads all keys back '
              f'({rss(self.server.process.pid):.0f} MB).')
        self.fresh()

    def rate(self, n, *words, names=None):
        """Median jobs/s and processor ms a job of a few runs."""
        rates, times = [], []
        for _ in range(self.args.runs):
            self.fresh()
            self.run('add', '--list', names or self.names(n))
            wall, cpu, _ = self.run('work', '--quiet', '--drain', *words)
            # --drain looks for a last job for a second
            rates.append(n / max(wall - 1, 0.01))
            times.append(1000 * cpu / n)
        return statistics.median(rates), statistics.median(times)

    def work(self):
        print('\n| a job is | jobs | jobs/s | CPU ms a job |\n'
              '| --- | --- | --- | --- |')
        for what, n, words in (
                ('a command (`true`)', 2000, ['--', 'true']),
                ('a line to a program that stays (`--lines`)', 40000,
                 ['--lines', '--', sys.executable, self.child])):
            rate, cpu = self.rate(n, '--jobs', '2', *words)
            print(f'| {what} | {n} | {rate:.0f} | {cpu:.2f} |', flush=True)

    def pictures(self):
        """A list of small pictures: 256x256 parts of the photographs."""
        from PIL import Image
        folder = os.path.join(self.folder, 'pictures')
        names = []
        os.makedirs(folder, exist_ok=True)
        photos = sorted(glob.glob(os.path.join(self.args.pictures, '*.png')))
        for p in photos:
            with Image.open(p) as photo:
                photo = photo.convert('RGB')
                boxes = [(x, y, x + 256, y + 256)
                         for y in range(0, photo.height - 255, 256)
                         for x in range(0, photo.width - 255, 256)]
                for box in boxes[:self.args.most - len(names)]:
                    path = os.path.join(folder, f'{len(names):04}')
                    photo.crop(box).save(path + '.jpg', quality=92)
                    photo.crop(box).save(path + '.ppm')
                    names.append(os.path.basename(path))
        if not names:
            raise SystemExit(f'no PNGs in {self.args.pictures}')
        lists = {}
        for kind in ('jpg', 'ppm'):
            lists[kind] = self.file(f'list-{kind}', ''.join(
                f'{n}.{kind}\n' for n in names))
        return folder, lists, len(names)

    def encode(self):
        folder, lists, n = self.pictures()
        out = os.path.join(self.folder, 'out')
        same = ['--root', folder, '--jobs', '2', '--again']
        print(f'\n{n} pictures of 256x256, two at once.\n\n'
              '| encoding | jobs/s | CPU ms a job |\n| --- | --- | --- |')
        for what, kind, words in (
                ('`--to-latents`, JPEG', 'jpg', ['--to-latents', out]),
                ('`--to-latents`, PPM', 'ppm', ['--to-latents', out]),
                ('`--to-latents --no-sync`, PPM', 'ppm',
                 ['--to-latents', out, '--no-sync']),
                ('`walloc encode` for each, PPM', 'ppm',
                 ['--out', out, '--suffix', '.wlc', '--', self.walloc,
                  'encode', '{in}', '{out}']),
                ('`gst-launch-1.0` for each, JPEG', 'jpg',
                 ['--out', out, '--suffix', '.wlc', '--stdin', '--stdout',
                  '--', 'gst-launch-1.0', '-q', 'fdsrc', '!', 'jpegdec', '!',
                  'videoconvert', '!', 'wallocenc', 'snapshot=true', '!',
                  'fdsink'])):
            rate, cpu = self.rate(n, *same, *words, names=lists[kind])
            print(f'| {what} | {rate:.0f} | {cpu:.2f} |', flush=True)

    def together(self, n, workers, *words, names=None, kind='--list'):
        """Wall s of n jobs, from the start of the workers on."""
        self.fresh()
        self.run('add', kind, names or self.names(n))
        begin = time.monotonic()
        ps = [subprocess.Popen(self.words(
            'work', '--quiet', '--jobs', '1', *words),
            stderr=subprocess.DEVNULL) for _ in range(workers)]
        done = 0
        while done < n:
            time.sleep(0.1)
            done = json.loads(subprocess.run(
                self.words('status', '--json'), capture_output=True,
                text=True).stdout or '{"done": 0}')['done']
        wall = time.monotonic() - begin
        for p in ps:
            p.terminate()
        for p in ps:
            p.wait()
        return wall

    def scale(self):
        folder, lists, _ = self.pictures()
        out = os.path.join(self.folder, 'out')
        with open(lists['ppm']) as f:
            paths = f.read().split()
        # long enough that starting is a small part of it
        jobs = [{'key': f'{i}-{k}', 'path': path} for k in range(10)
                for i, path in enumerate(paths)]
        many = self.file('many', ''.join(json.dumps(j) + '\n' for j in jobs))
        print('\n| workers of one job at a time | waiting 50 ms, jobs/s | '
              'encoding, jobs/s |\n| --- | --- | --- |')
        for k in (1, 2, 3, 4):
            waits = [200 / self.together(
                200, k, '--lines', '--', sys.executable, self.sleeper)
                for _ in range(self.args.runs)]
            codes = [len(jobs) / self.together(
                len(jobs), k, '--root', folder, '--again', '--no-sync',
                '--to-latents', out, names=many, kind='--json')
                for _ in range(self.args.runs)]
            print(f'| {k} | {statistics.median(waits):.0f} | '
                  f'{statistics.median(codes):.0f} |', flush=True)

    def resume(self):
        """A worker that is killed half-way, and a queue that is made anew
        over outputs that are there."""
        folder, lists, n = self.pictures()
        out = os.path.join(self.folder, 'resumed')
        words = ['--root', folder, '--jobs', '2', '--to-latents', out]
        self.fresh()
        self.run('add', '--list', lists['ppm'], '--ack-wait', '5')
        p = subprocess.Popen(self.words('work', '--quiet', *words))
        while len(glob.glob(os.path.join(out, '*.wlc'))) < n // 2:
            time.sleep(0.02)
        p.kill()
        p.wait()
        there = len(glob.glob(os.path.join(out, '*.wlc')))
        wall, cpu, _ = self.run('work', '--quiet', '--drain', *words)
        print(f'\nKilled with {there} of {n} outputs there: the next worker '
              f'has the rest, and what the dead one held, after {wall:.1f} s '
              '(--ack-wait 5).')
        self.fresh()
        self.run('add', '--list', lists['ppm'])
        wall, cpu, _ = self.run('work', '--quiet', '--drain', *words)
        print(f'The queue removed and made again: all {n} outputs are found '
              f'in {wall - 1:.2f} s, {1000 * cpu / n:.2f} ms of CPU each.')


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('build')
    p.add_argument('--jobs', type=int, default=1000000, help='of `add`')
    p.add_argument('--pictures', default='/usr/share/gst-walloc/kodak',
                   help='folder of PNGs')
    p.add_argument('--most', type=int, default=600,
                   help='parts of the pictures that are coded')
    p.add_argument('--parts', default=','.join(PARTS))
    p.add_argument('--runs', type=int, default=3)
    p.add_argument('--folder', help='for all files, in place of a temporary '
                   'one')
    args = p.parse_args()
    args.build = os.path.abspath(args.build)
    if args.folder:
        os.makedirs(args.folder, exist_ok=True)
        tempfile.tempdir = args.folder
    print(f'{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}')
    for part in args.parts.split(','):
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(args, folder)
            try:
                getattr(bench, part)()
            finally:
                bench.server.end()
    print(f'\nload at the end {os.getloadavg()[0]:.1f}')


if __name__ == '__main__':
    main()
