# SPDX-License-Identifier: LGPL-2.1-or-later
"""A sweep over many machines, through a queue of walloc-queue (docs/queue.md).

The queue has the keys of cells and nothing else: each worker has the sweep
itself, and does those of its own cells that are asked for. So nothing that came
over the network is run, and files may lie elsewhere on each machine."""
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys

from . import machine, store, tasks, work

PROGRAM = 'walloc-queue'


class QueueError(Exception):
    """No queue, or one that went away; says what can be done."""


def program():
    found = shutil.which(os.environ.get('WALLOC_QUEUE') or PROGRAM)
    if not found:
        raise QueueError(f'{PROGRAM} is not in PATH: it is built where libnats '
                         'is (Debian: libnats-dev); WALLOC_QUEUE may say where')
    return found


def _words(args, command, *more):
    return [program(), command, '--server', args.queue, '--name',
            args.queue_name, *shlex.split(args.queue_options), *more]


def options(parser):
    """What `run` and `work` have in common."""
    parser.add_argument('--queue-name', default='eval', metavar='NAME',
                        help='a queue for each sweep (eval)')
    parser.add_argument('--queue-options', default='', metavar='WORDS',
                        help=f'more of {PROGRAM}\'s, as "--creds me.creds"')


def _job_key(cell, failed):
    """A cell that is tried again is another job: the queue knows the old one.
    The same each time, so that a run that was stopped asks for it once."""
    if failed is None:
        return cell['key']
    text = json.dumps(failed, sort_keys=True)
    return f'{cell["key"]}.{hashlib.sha256(text.encode()).hexdigest()[:12]}'


def _add(args, keys):
    p = subprocess.Popen(_words(args, 'add', '--json', '-'),
                         stdin=subprocess.PIPE, text=True)
    try:
        for key in keys:
            p.stdin.write(json.dumps({'key': key}) + '\n')
        p.stdin.close()
    except BrokenPipeError:
        pass                    # it says why
    if p.wait():
        raise QueueError('the cells could not be queued; run the same line '
                         'again to go on')


def _lines(args, *words):
    """Lines of JSON of a walloc-queue; raises QueueError where it fails."""
    p = subprocess.Popen(_words(args, *words), stdout=subprocess.PIPE,
                         text=True)
    try:
        for text in p.stdout:
            try:
                line = json.loads(text)
            except (ValueError, RecursionError):
                continue        # a message that is none of ours
            if isinstance(line, dict) and isinstance(line.get('key'), str):
                yield line
        if p.wait():
            raise QueueError(f'{PROGRAM} {words[0]} ended with '
                             f'{p.returncode}')
    finally:
        p.kill()
        p.wait()


def _line_of(cell, said):
    """The line of a cell as this machine would have made it, or None. Where
    files lie is this machine's."""
    line = said.get('line') if isinstance(said, dict) else None
    if not isinstance(line, dict) or line.get('key') != cell['key']:
        return None
    return dict(line, input=cell['input'], tasks=cell['tasks'])


def run(todo, there, args, done):
    """Queues the cells and calls done(cell, True, line) once for each, as
    workers answer, until all have. there: lines of cells that failed before."""
    left = {_job_key(c, there.get(c['key'])): c for c in todo}
    machines = set()
    _add(args, left)
    print(f'{len(left)} cells are queued; each `walloc-eval work` with this '
          'sweep does some', file=sys.stderr)
    for result in _lines(args, 'results', '--wait'):
        key, said = result.get('key'), result.get('result')
        line = _line_of(left[key], said) if key in left else None
        if line is None:
            continue            # of another sweep, or of an earlier run
        _describe(args, said.get('machine'), machines)
        done(left.pop(key), True, line)
        if not left:
            return
    for failed in _lines(args, 'failed', '--json'):
        if failed.get('key') in left:
            cell = left.pop(failed['key'])
            done(cell, True, dict(cell, error=str(failed.get('error'))))
    if left:
        raise QueueError(f'{len(left)} cells have no result: what the queue '
                         'has of them is of other versions or another sweep; '
                         'take another --queue-name')


def _describe(args, told, machines):
    text = json.dumps(told, sort_keys=True)
    if isinstance(told, dict) and text not in machines:
        machines.add(text)
        try:
            machine.add(args.out, told)
        except OSError as e:
            raise store.StoreError(f'{e.filename}: {e.strerror}') from None


def serve(args, sweep):
    """`walloc-eval work`: becomes a walloc-queue with a process for each
    job. Does not return."""
    absent = {c.name for c, _ in sweep.codecs if c.needs()}
    for t in sweep.tasks:
        needs = tasks.make(t).needs()
        if needs:
            raise QueueError(f'task {t.get("name", t["kind"])}: {needs} are '
                             'not installed; without them this machine would '
                             'give other results')
    for name in sorted(absent):
        print(f'walloc-eval: cells of {name} are left to other machines',
              file=sys.stderr)
    cells = [c for c in sweep.cells() if c['codec'] not in absent]
    about = machine.describe(sweep.name, [
        c for c, _ in sweep.codecs if c.name not in absent], args.jobs)
    # in the memory of what this process becomes: gone when it ends
    fd = os.memfd_create('cells', 0)
    with open(fd, 'w', encoding='utf-8', closefd=False) as f:
        json.dump({'machine': about,
                   'cells': {c['key']: c for c in cells}}, f)
    print(f'{len(cells)} cells are known here', file=sys.stderr)
    words = _words(args, 'work', '--lines', '--jobs', str(args.jobs),
                   *(['--drain'] if args.drain else []), '--',
                   sys.executable, os.path.abspath(sys.argv[0]), 'cells',
                   str(fd))
    sys.stderr.flush()
    os.execv(words[0], words)


def _answer(cells, key):
    cell = cells.get(str(key).partition('.')[0])
    if cell is None:
        return {'ok': False, 'lacking': True, 'error':
                f'cell {key} is none of this machine\'s: the sweep is another '
                'one, or a file is missing or not the same here'}
    if not os.path.exists(cell['input']):
        return {'ok': False, 'lacking': True,
                'error': f'{cell["input"]} is not here any more'}
    try:
        line = work.do(cell)
    except Exception as e:      # a bug must not end the sweep
        line = dict(cell, error=f'{type(e).__name__}: {e}')
    return {'ok': True, 'result': {'line': line}}


def answer(args):
    """A process of `walloc-eval work`: keys in, lines out."""
    for name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS'):
        os.environ.setdefault(name, '1')
    with open(f'/proc/{os.getppid()}/fd/{args.fd}', encoding='utf-8') as f:
        known = json.load(f)
    # what libraries print must not come between the lines
    out = os.fdopen(os.dup(1), 'w', encoding='utf-8')
    os.dup2(2, 1)
    about = known['machine']
    out.write('{"ready": true}\n')
    out.flush()
    for text in sys.stdin:
        said = _answer(known['cells'], json.loads(text)['key'])
        if said['ok'] and about:
            said['result']['machine'], about = about, None
        out.write(json.dumps(said, sort_keys=True) + '\n')
        out.flush()
    return 0
