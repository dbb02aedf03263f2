# SPDX-License-Identifier: LGPL-2.1-or-later
"""Progress on the terminal, and when to stop training."""
import sys
import time


def clock(seconds):
    """Seconds as M:SS or H:MM:SS."""
    s = int(round(seconds))
    return f'{s // 3600}:{s // 60 % 60:02}:{s % 60:02}' if s >= 3600 \
        else f'{s // 60}:{s % 60:02}'


class Progress:
    """A bar with the time left on a terminal, a line every tenth elsewhere.

    with Progress(100, 'encode') as bar:
        bar.step(note='...')
    """

    def __init__(self, total, title, stream=None, every=0.5):
        """total: steps; every: seconds between redraws."""
        self.total, self.title = max(1, total), title
        self.stream = stream or sys.stderr
        self.every, self.done, self.shown, self.tenth = every, 0, 0.0, 0
        self.live = self.stream.isatty()
        self.start = time.monotonic()

    def step(self, n=1, note=''):
        self.done += n
        now = time.monotonic()
        left = (now - self.start) / self.done * (self.total - self.done)
        if self.live and (now - self.shown >= self.every
                          or self.done >= self.total):
            self.shown = now
            full = 24 * min(self.done, self.total) // self.total
            self.stream.write(
                f'\r{self.title} [{"#" * full}{"." * (24 - full)}] '
                f'{self.done}/{self.total}, {clock(left)} left {note}\x1b[K')
            self.stream.flush()
        elif not self.live and 10 * self.done // self.total > self.tenth:
            self.tenth = 10 * self.done // self.total
            self.stream.write(f'{self.title} {self.done}/{self.total}, '
                              f'{clock(left)} left {note}\n')
            self.stream.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.live:
            self.stream.write('\n')


class EarlyStop:
    """Keeps the best of a figure of the validation set (greater is better).

    better(value, state) is True when the value is the best so far (state() is
    then kept as .state); .over is True once `patience` values in a row were
    not."""

    def __init__(self, patience):
        self.patience, self.since = patience, 0
        self.best, self.state, self.count, self.at = None, None, 0, 0

    def better(self, value, state):
        self.count += 1
        if self.best is None or value > self.best:
            self.best, self.state = value, state()
            self.at, self.since = self.count, 0
            return True
        self.since += 1
        return False

    @property
    def over(self):
        return self.since >= self.patience
