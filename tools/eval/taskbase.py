# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a task is: asked for an answer about each cell, and for one score of
many answers."""
import collections
import os
import shutil
import subprocess

import numpy as np

from . import pipes, stats
from .stats import distance  # noqa: F401

LIMIT = 300                     # seconds of a program

# measure of a task over cells: value and 95 % interval, of `count` trials
Score = collections.namedtuple('Score', 'value low high count')


class TaskError(Exception):
    """Why a task has no answer; the cell keeps its other results."""


def truth_beside(path):
    """Text beside a picture, NAME.txt, with one space where there are any.
    Raises TaskError."""
    stem = os.path.splitext(path)[0]
    try:
        with open(stem + '.txt', encoding='utf-8') as f:
            return ' '.join(f.read().split())
    except (OSError, UnicodeDecodeError) as e:
        raise TaskError(f'{stem}.txt: {getattr(e, "strerror", None) or e}'
                        ) from None


def run_program(words, text=True):
    try:
        # one thread: as many cells as there are cores run beside each other
        # codes and messages may hold bytes that are no text
        done = subprocess.run(words, capture_output=True, text=text,
                              stdin=subprocess.DEVNULL,
                              errors='backslashreplace' if text else None,
                              timeout=LIMIT, env=dict(
                                  os.environ, OMP_THREAD_LIMIT='1',
                                  OMP_NUM_THREADS='1'))
    except subprocess.TimeoutExpired:
        raise TaskError(f'{words[0]} was not done after {LIMIT} s') from None
    except OSError as e:
        raise TaskError(f'{words[0]}: {e.strerror}') from None
    return done


def looked_at(count, every):
    """Numbers of a clip's frames that are looked at: each k-th, and the
    last."""
    return sorted({*range(0, count, every), count - 1})


def of_parts(rows):
    """Score of (wrong, of how many) of answers that are no single trials, in
    per cent; interval by bootstrap over answers."""
    if not sum(n for _, n in rows):
        return Score(float('nan'), float('nan'), float('nan'), 0)
    return Score(float(stats.ratio(rows)),
                 *stats.bootstrap(rows, of=stats.ratio), len(rows))


class Task:
    """name: as the sweep calls it; options: the rest of its table. media: what
    it can be asked of; measure, unit: what score() is, in words; better: whether
    "higher" or "lower" scores are; paths: keys whose values are files
    or folders."""
    programs, elements, modules, keys, paths = (), (), (), (), ()
    media = ('picture',)
    measure, unit, better = 'accuracy', '%', 'higher'

    def __init__(self, name, **options):
        self.name, self.options = name, options

    def needs(self):
        """What is not installed, in words; empty: it can run."""
        lacking = [p for p in self.programs if shutil.which(p) is None]
        lacking += pipes.missing(*self.elements)
        for m in self.modules:
            try:
                __import__(m)
            except ImportError:
                lacking.append(f'python3 module {m}')
        return ', '.join(lacking)

    def fits(self, cell):
        """Whether it says anything of this cell."""
        return cell['media'] in self.media

    def do(self, cell, clean, dirty, result):
        """The answer, a dict: clean, corrupted, coded as the cell's media has
        them (pictures: lists of RGB uint8 [h, w, 3])."""
        raise NotImplementedError

    def learn(self, answers):
        """Looks at answers before measure and unit are shown."""

    def share(self, answer):
        """(hits, trials) of one answer, for tasks that count."""
        return answer['right'], 1

    def score(self, answers):
        """Score over the answers of many cells (those without an error);
        per cent of hits and Wilson's interval if not said otherwise."""
        if not answers:
            return Score(float('nan'), float('nan'), float('nan'), 0)
        hits, trials = np.sum([self.share(a) for a in answers], axis=0)
        low, high = stats.wilson(hits, trials)
        return Score(100 * hits / trials if trials else float('nan'),
                     100 * low, 100 * high, int(trials))


class FrameTask(Task):
    """A task of pictures that counts: of a clip every frame of number k times
    `every`, and the last, added up."""
    keys, media = ('every',), ('picture', 'clip')

    def __init__(self, name, **options):
        super().__init__(name, **options)
        self.every = options.get('every', 10)
        if type(self.every) is not int or self.every < 1:
            raise ValueError(f'task "{name}": "every" is no number of frames')

    def do(self, cell, clean, dirty, result):
        total = collections.Counter()
        for n in looked_at(len(clean), self.every):
            for key, value in self.of_frame(cell, n, clean[n],
                                            result[n]).items():
                total[key] += value
        return dict(total)

    def of_frame(self, cell, n, clean, result):
        """Numbers of frame n, clean and coded."""
        raise NotImplementedError
