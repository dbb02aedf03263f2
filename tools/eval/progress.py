# SPDX-License-Identifier: LGPL-2.1-or-later
"""How far a long command is."""
import sys
import time


def clock(seconds):
    s = int(seconds)
    return f'{s // 3600}:{s // 60 % 60:02}:{s % 60:02}' if s >= 3600 \
        else f'{s // 60}:{s % 60:02}'


class Bar:
    """Progress on a terminal, a line every tenth elsewhere."""

    def __init__(self, total):
        self.total, self.done, self.errors = total, 0, 0
        self.start, self.tenth = time.monotonic(), 0
        self.live = sys.stderr.isatty()

    def step(self, error):
        self.done += 1
        self.errors += bool(error)
        left = (time.monotonic() - self.start) / self.done \
            * (self.total - self.done)
        text = f'{self.done} of {self.total}, {clock(left)} left' + (
            f', {self.errors} failed' if self.errors else '')
        if self.live:
            sys.stderr.write(f'\r{text}\x1b[K')
            if self.done == self.total:
                sys.stderr.write('\n')
        elif 10 * self.done // self.total > self.tenth:
            self.tenth = 10 * self.done // self.total
            sys.stderr.write(text + '\n')
        sys.stderr.flush()
