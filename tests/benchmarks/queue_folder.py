#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A large folder of real files to latents with walloc-queue, with workers, the
server and everything killed (-9) in between; counts and compares what is there.

queue_folder.py BUILD IN OUT [--workers 2] [--jobs 1] [--store DIR]

IN comes from small_pictures.py. Killed are: the adding, at 0.5 % of the files; a
worker, at 10 %; the server, at 20 %; all of them, at 30 %; a worker is stopped in
order at 40 %. From there on nothing is touched, and memory is looked at. Then:
as many outputs as inputs, of the same names, a result for each, every stream
decodes without damage, and a sample is the same as from a run of its own without
any kill. Exit status 1 where one of that is not so.
Figures of docs/evaluation/queue.md."""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'check', 'queue'))
import natsserver  # noqa: E402

TICK = os.sysconf('SC_CLK_TCK')
KILLS = ((0.005, 'add'), (0.1, 'worker'), (0.2, 'server'), (0.3, 'all'),
         (0.4, 'stop'))
LOOK = 2                        # s between looks


def usage(pid):
    """(processor s, MB now, MB at most) of a process; None: it is gone."""
    try:
        with open(f'/proc/{pid}/stat') as f:
            fields = f.read().rsplit(')', 1)[1].split()
        with open(f'/proc/{pid}/status') as f:
            status = dict(line.split(':', 1) for line in f if ':' in line)
        return ((int(fields[11]) + int(fields[12])) / TICK,
                int(status['VmRSS'].split()[0]) / 1024,
                int(status['VmHWM'].split()[0]) / 1024)
    except (OSError, KeyError):
        return None


class Meter:
    """What processes of one kind took together, and how much one held."""

    def __init__(self):
        self.cpu, self.peak, self.seen, self.rows = 0.0, 0.0, {}, []

    def look(self, pid, done):
        now = usage(pid)
        if now is None:
            return
        self.seen[pid] = now[0]
        self.cpu = sum(self.seen.values())
        self.peak = max(self.peak, now[2])
        self.rows.append((done, pid, now[1]))

    def at(self, part):
        """MB when so many were done, or the next moment afterwards."""
        return next((f'{mb:.0f}' for done, _, mb in self.rows
                     if done >= part), '-')


class Run:
    def __init__(self, args):
        self.args = args
        self.program = os.path.join(args.build, 'tools/queue/walloc-queue')
        self.walloc = os.path.join(args.build, 'tools/walloc')
        os.environ.setdefault('GST_WALLOC_MODEL_PATH',
                              os.path.join(HERE, '..', '..', 'models'))
        self.server = natsserver.Server()
        self.meters = {k: Meter() for k in ('add', 'worker', 'server')}
        self.workers, self.adding, self.done = [], None, 0
        self.log = open(args.out.rstrip('/') + '.log', 'w')

    def words(self, command, *more, name='folder'):
        return [self.program, command, '-s', self.server.url, '-n', name,
                *more]

    def start(self, *words):
        return subprocess.Popen(self.words(*words), stdout=self.log,
                                stderr=self.log,
                                preexec_fn=lambda: os.nice(self.args.nice))

    def add(self):
        return self.start('add', '--root', self.args.folder, '--ack-wait',
                          '10')

    def work(self):
        return self.start('work', '--root', self.args.folder, '--jobs',
                          str(self.args.jobs), '--to-latents', self.args.out)

    def count(self):
        p = subprocess.run(self.words('status', '--json'), text=True,
                           capture_output=True)
        return json.loads(p.stdout) if p.returncode == 0 else None

    def look(self):
        if self.adding:
            self.meters['add'].look(self.adding.pid, self.done)
        for p in self.workers:
            self.meters['worker'].look(p.pid, self.done)
        self.meters['server'].look(self.server.process.pid, self.done)

    def kill(self, what):
        """And starts again what was killed."""
        self.look()
        if what in ('add', 'all') and self.adding.poll() is None:
            self.adding.kill()
        if what in ('worker', 'all'):
            for p in self.workers if what == 'all' else self.workers[:1]:
                p.kill()
                p.wait()
        if what == 'stop':
            self.workers[0].terminate()
            self.workers[0].wait()
        if what in ('server', 'all'):
            self.server.kill()
            time.sleep(2)
            self.server.start()
        if what in ('add', 'all'):
            self.adding.wait()
            self.adding = self.add()
        self.workers = [self.work() if p.poll() is not None else p
                        for p in self.workers]

    def run(self, n):
        """Until all are done; s that it took."""
        begin = time.monotonic()
        kills = list(KILLS)
        self.adding = self.add()
        self.workers = [self.work() for _ in range(self.args.workers)]
        while self.done < n or self.adding.poll() is None:
            counts = self.count()
            if counts:
                self.done = counts['done']
                if counts['failed']:
                    raise SystemExit(f'failed: {counts}')
            self.look()
            if kills and self.done >= kills[0][0] * n:
                what = kills.pop(0)[1]
                print(f'{time.monotonic() - begin:.0f} s, {self.done} done: '
                      f'{what}', flush=True)
                self.kill(what)
            time.sleep(LOOK)
        wall = time.monotonic() - begin
        if self.adding.returncode:
            raise SystemExit(f'adding: status {self.adding.returncode}')
        for p in self.workers:
            p.terminate()
            p.wait()
        return wall

    def report(self, n, wall):
        print(f'\n{n} files in {wall:.0f} s with all that: {n / wall:.0f}/s\n')
        print('| | CPU s | CPU ms a file | peak MB | MB at 50 % | at 75 % | '
              'at 99 % |\n| --- | --- | --- | --- | --- | --- | --- |')
        for kind, m in self.meters.items():
            at = ' | '.join(m.at(n * part) for part in (0.5, 0.75, 0.99))
            print(f'| {kind} | {m.cpu:.0f} | {1000 * m.cpu / n:.3f} | '
                  f'{m.peak:.0f} | {at} |', flush=True)

    def check_results(self, names):
        """One for each file, none for anything else."""
        p = subprocess.Popen(self.words('results'), stdout=subprocess.PIPE)
        left, skipped, tries, lines = set(names), 0, {}, 0
        for line in p.stdout:
            v = json.loads(line)
            lines += 1
            left.discard(v['path'])
            skipped += v.get('skipped', False)
            tries[v['tries']] = tries.get(v['tries'], 0) + 1
        print(f'{lines} results, {len(left)} files without one; {skipped} '
              f'outputs were there already; tries: {tries}')
        return p.wait() == 0 and lines == len(names) and not left

    def check_outputs(self, names):
        found = set(walk(self.args.out, '.wlc'))
        wanted = {v + '.wlc' for v in names}
        print(f'{len(found)} outputs, {len(wanted - found)} lack, '
              f'{len(found - wanted)} more than inputs')
        return found == wanted

    def check_decodes(self, folder):
        """All streams of each folder, one behind the other."""
        frames = files = 0
        for where, _, names in os.walk(folder):
            names = [v for v in names if v.endswith('.wlc')]
            if not names:
                continue
            files += len(names)
            whole = os.path.join(self.args.store, 'whole.wlc')
            with open(whole, 'wb') as f:
                for v in sorted(names):
                    with open(os.path.join(where, v), 'rb') as part:
                        f.write(part.read())
            # damage is status 3
            p = subprocess.run(
                [self.walloc, 'decode', whole, whole + '.y4m'],
                capture_output=True, text=True)
            if p.returncode == 0:
                frames += int(p.stdout.split()[0])
            else:
                print(f'{where}: {p.stderr}')
        print(f'{frames} frames of {files} streams were decoded')
        return frames == files

    def check_same(self, names):
        """As from a run in which nothing is killed."""
        other = self.args.out.rstrip('/') + '.calm'
        sample = random.Random(1).sample(names, min(self.args.sample,
                                                    len(names)))
        subprocess.run(self.words('add', '--list', '-', name='calm'),
                       input=''.join(v + '\n' for v in sample), text=True,
                       check=True, stdout=self.log, stderr=self.log)
        subprocess.run(self.words(
            'work', '--root', self.args.folder, '--to-latents', other,
            '--drain', '--again', name='calm'), check=True, stdout=self.log,
            stderr=self.log)
        differ = 0
        for v in sample:
            with open(os.path.join(other, v + '.wlc'), 'rb') as a, \
                    open(os.path.join(self.args.out, v + '.wlc'), 'rb') as b:
                differ += a.read() != b.read()
        print(f'{differ} of {len(sample)} differ from a run without kills')
        return differ == 0


def walk(folder, suffix=''):
    for where, folders, names in os.walk(folder):
        folders[:] = [v for v in folders if not v.startswith('.')]
        for v in names:
            if v.endswith(suffix):
                yield os.path.relpath(os.path.join(where, v), folder)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('build')
    p.add_argument('folder', metavar='IN')
    p.add_argument('out', metavar='OUT')
    p.add_argument('--workers', type=int, default=2)
    p.add_argument('--jobs', type=int, default=1, help='of each worker')
    p.add_argument('--nice', type=int, default=5)
    p.add_argument('--sample', type=int, default=2000)
    p.add_argument('--store', help='folder of the server\'s files')
    args = p.parse_args()
    if args.store:
        os.makedirs(args.store, exist_ok=True)
    args.store = tempfile.mkdtemp(dir=args.store)
    tempfile.tempdir = args.store
    args.build = os.path.abspath(args.build)
    if os.path.exists(args.out):
        p.error(f'{args.out} is there: a run begins without outputs')
    names = list(walk(args.folder))
    print(f'{len(names)} files, {args.workers} workers of {args.jobs}, '
          f'{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}', flush=True)
    run = Run(args)
    try:
        run.report(len(names), run.run(len(names)))
        good = [run.check_results(names), run.check_outputs(names),
                run.check_decodes(args.out), run.check_same(names)]
    finally:
        for one in [run.adding, *run.workers]:
            if one and one.poll() is None:
                one.kill()
        run.server.end()
    print(f'load at the end {os.getloadavg()[0]:.1f}')
    sys.exit(not all(good))


if __name__ == '__main__':
    main()
