# SPDX-License-Identifier: LGPL-2.1-or-later
"""Work in other processes. One that dies (a crash of a codec, a kill) costs
its cell one try and nothing else: another takes its place."""
import multiprocessing
import multiprocessing.connection
import os

TRIES = 2


def _serve(pipe, work):
    # libraries that bring threads of their own would only be in each other's way
    for name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS'):
        os.environ.setdefault(name, '1')
    while True:
        try:
            item = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        if item is None:
            return
        try:
            pipe.send((True, work(item)))
        except KeyboardInterrupt:
            return
        except Exception as e:          # a bug must not end the sweep
            pipe.send((False, f'{type(e).__name__}: {e}'))


class _Worker:
    def __init__(self, context, work):
        self.pipe, there = context.Pipe()
        self.process = context.Process(target=_serve, args=(there, work),
                                       daemon=True)
        self.process.start()
        there.close()
        self.item = None

    def give(self, item, index, tries):
        if not self.process.is_alive():
            raise BrokenPipeError
        self.pipe.send(item)
        self.item = (item, index, tries)

    def end(self):
        try:
            self.pipe.send(None)
        except OSError:
            pass
        self.process.join(2)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.pipe.close()


def run(work, items, jobs, done):
    """Calls done(item, ok, result or text) once for each item, in the order in
    which they end. work: a function of a module, given an item."""
    context = multiprocessing.get_context('spawn')
    waiting = [(item, i, 0) for i, item in enumerate(items)][::-1]
    workers = [_Worker(context, work)
               for _ in range(max(1, min(jobs, len(waiting))))]
    try:
        while True:
            for k in range(len(workers)):
                while workers[k].item is None and waiting:
                    item = waiting.pop()
                    try:
                        workers[k].give(*item)
                    except OSError:
                        # it ended while it had nothing to do
                        waiting.append(item)
                        workers[k].end()
                        workers[k] = _Worker(context, work)
            busy = [w for w in workers if w.item is not None]
            if not busy:
                return
            ready = multiprocessing.connection.wait(
                [w.pipe for w in busy] + [w.process.sentinel for w in busy])
            for k, w in enumerate(workers):
                if w.item is None or not (w.pipe in ready
                                          or w.process.sentinel in ready):
                    continue
                item, index, tries = w.item
                try:
                    if not w.pipe.poll():
                        raise EOFError
                    ok, result = w.pipe.recv()
                except (EOFError, OSError):
                    w.process.join()
                    code = w.process.exitcode
                    w.pipe.close()
                    workers[k] = _Worker(context, work)
                    if tries + 1 < TRIES:
                        waiting.append((item, index, tries + 1))
                    else:
                        done(item, False, f'the process that did it ended '
                             f'with {code}, {TRIES} times')
                    continue
                w.item = None
                done(item, ok, result)
    finally:
        for w in workers:
            w.end()
