# SPDX-License-Identifier: LGPL-2.1-or-later
"""What machines make of a picture that was coded.

A task is given what came out of the codec (or, for networks on latents, what
goes in) and the clean picture, and returns numbers for the cell's line. The
models of tesseract, zbar and OpenCV's cascades are others', trained on pictures
that know nothing of these codecs.
"""
import json
import os
import shlex
import shutil
import tempfile

import numpy as np
from PIL import Image

from . import pipes, sound, stats
from .errors import CellError, CodecError
from .networks import Classify, Segment
from .nodetasks import Detect
from .reading import Read
from .soundtasks import Pocketsphinx, Separate
from .taskbase import (FrameTask, Score, Task, TaskError, distance, of_parts,
                       run_program, truth_beside)
from .voice import Vad


class Tesseract(Task):
    """Text of a page beside NAME.txt: wrong characters over characters of the
    truth, space being all the same. language: "eng"."""
    programs, keys = ('tesseract',), ('language',)
    measure, better = 'characters wrong', 'lower'

    def score(self, answers):
        """Wrong characters of all; interval by bootstrap over pages, as the
        characters of one are not trials by themselves."""
        return of_parts([(a['wrong'], a['characters']) for a in answers])

    def do(self, cell, clean, dirty, result):
        truth = truth_beside(cell['input'])
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'page.png')
            Image.fromarray(result[0]).save(path, compress_level=1)
            done = run_program(['tesseract', path, '-', '-l',
                                self.options.get('language', 'eng')])
        if done.returncode != 0:
            raise TaskError(f'tesseract: {done.stderr.strip()}')
        text = ' '.join(done.stdout.split())
        return {'characters': len(truth), 'wrong': distance(truth, text)}


class Zbar(FrameTask):
    """Bar codes: how many of those in the clean picture are read."""
    programs = ('zbarimg',)
    measure = 'codes read'

    def share(self, answer):
        return answer['right'], answer['codes']

    def _read(self, rgb, folder):
        path = os.path.join(folder, 'code.png')
        Image.fromarray(rgb).save(path, compress_level=1)
        done = run_program(['zbarimg', '--nodbus', '-q', path])
        # 4: there are none
        if done.returncode not in (0, 4):
            raise TaskError(f'zbarimg: {done.stderr.strip()}')
        return set(done.stdout.split('\n')) - {''}

    def of_frame(self, cell, n, clean, result):
        with tempfile.TemporaryDirectory() as folder:
            want = self._read(clean, folder)
            got = self._read(result, folder)
        return {'codes': len(want), 'right': len(want & got),
                'invented': len(got - want)}


class Faces(FrameTask):
    """OpenCV's cascade of frontal faces: those of the clean picture that are
    found again (half of both boxes' area in common), and new ones."""
    modules = ('cv2',)
    measure = 'faces found again'
    CASCADE = 'haarcascade_frontalface_default.xml'
    PLACES = ('/usr/share/opencv4/haarcascades', '/usr/share/opencv/'
              'haarcascades')

    def needs(self):
        lacking = super().needs()
        if not lacking and not self._cascade():
            return 'opencv-data'
        return lacking

    def share(self, answer):
        return answer['right'], answer['faces']

    def _cascade(self):
        for place in self.PLACES:
            path = os.path.join(place, self.CASCADE)
            if os.path.exists(path):
                return path
        return ''

    def of_frame(self, cell, n, clean, result):
        import cv2
        cv2.setNumThreads(1)
        found = cv2.CascadeClassifier(self._cascade())

        def boxes(rgb):
            grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
            return [tuple(int(v) for v in b)
                    for b in found.detectMultiScale(grey, 1.1, 5)]

        want, got = boxes(clean), boxes(result)
        again = 0
        left = list(got)
        for a in want:
            best = max(left, key=lambda b: overlap(a, b), default=None)
            if best and overlap(a, best) >= 0.5:
                again += 1
                left.remove(best)
        return {'faces': len(want), 'right': again, 'invented': len(left)}


def overlap(a, b):
    """Intersection over union of boxes (x, y, width, height)."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h)


class Command(Task):
    """The user's own: `command` with {result}, {clean} (PNG, or WAV of 16 bits)
    and {input}; what it prints last is a line of JSON with numbers, or a
    number."""
    media = ('picture', 'sound')
    keys = ('command', 'measure', 'unit', 'better')
    measure, unit = 'value', ''

    def __init__(self, name, **options):
        super().__init__(name, **options)
        self.measure = options.get('measure', self.measure)
        self.unit = options.get('unit', self.unit)
        self.better = options.get('better', self.better)
        if self.better not in ('higher', 'lower'):
            raise ValueError(f'task "{name}": "better" is neither "higher" '
                             'nor "lower"')
        try:
            words = shlex.split(options['command'])
        except ValueError as e:
            raise ValueError(f'task "{name}": "command": {e}') from None
        if not words:
            raise ValueError(f'task "{name}": "command" is empty')

    def learn(self, answers):
        """What counts is in per cent, if the sweep says nothing else."""
        if any('right' in a for a in answers):
            self.unit = self.options.get('unit', '%')
            self.measure = self.options.get('measure', 'right')

    def score(self, answers):
        """Mean of "value", or share of "right" of "count"."""
        self.learn(answers)
        if any('right' in a for a in answers):
            return super().score([a for a in answers if 'right' in a])
        values = [a['value'] for a in answers
                  if isinstance(a.get('value'), (int, float))]
        if not values:
            return super().score([])
        return Score(float(np.mean(values)), *stats.bootstrap(values),
                     len(values))

    def share(self, answer):
        return answer['right'], answer.get('count', 1)

    def needs(self):
        program = shlex.split(self.options['command'])[0]
        return '' if shutil.which(program) else program

    def do(self, cell, clean, dirty, result):
        with tempfile.TemporaryDirectory() as folder:
            a, b = (saved(os.path.join(folder, n), v)
                    for n, v in (('result', result), ('clean', clean)))
            done = run_program([
                pipes.filled(w, result=a, clean=b, input=cell['input'])
                for w in shlex.split(self.options['command'])])
        if done.returncode != 0:
            raise TaskError(f'{self.name} ended with {done.returncode}: '
                            + done.stderr.strip()[-200:])
        try:
            said = json.loads(done.stdout.strip().split('\n')[-1])
        except ValueError:
            raise TaskError(f'{self.name}: its last line is neither JSON nor '
                            f'a number: {done.stdout.strip()[-100:]!r}'
                            ) from None
        said = said if isinstance(said, dict) else {'value': said}
        self._check(said)
        return said

    def _check(self, said):
        """TaskError for what no table could take."""
        for key in ('value', 'right', 'count'):
            v = said.get(key, 0)
            if not isinstance(v, (int, float)) or not abs(v) <= 1e15:
                raise TaskError(f'{self.name}: "{key}" is {v!r}, no number')
        if 'right' in said and not 0 <= said['right'] <= said.get('count', 1):
            raise TaskError(f'{self.name}: {said["right"]} right of '
                            f'{said.get("count", 1)}')


def saved(stem, what):
    """The path of a file of a picture (of a clip the first frame) or sound."""
    if isinstance(what, sound.Sound):
        sound.write_wav(stem + '.wav', what)
        return stem + '.wav'
    Image.fromarray(what[0]).save(stem + '.png', compress_level=1)
    return stem + '.png'


def answers(cell, clean, dirty, result):
    """{task: its numbers, or {"error": why}}; tasks that say nothing of this
    cell are left out."""
    out = {}
    for entry in cell['tasks']:
        task = make(entry)
        if not task.fits(cell):
            continue
        try:
            out[task.name] = task.do(cell, clean, dirty, result)
        except (TaskError, pipes.PipelineError, CellError, CodecError) as e:
            out[task.name] = {'error': str(e)}
        except Exception as e:          # the cell keeps its other results
            out[task.name] = {'error': f'{type(e).__name__}: {e}'}
    return out


def scores(lines):
    """{task: (Task, Score)} of lines of results."""
    entries = {}
    for v in lines:
        for entry in v.get('tasks') or []:
            entries.setdefault(entry.get('name', entry['kind']), entry)
    out = {}
    for name, entry in sorted(entries.items()):
        got = [v['answers'][name] for v in lines
               if name in v.get('answers', {})
               and 'error' not in v['answers'][name]]
        if got:
            task = make(entry)
            out[name] = task, task.score(got)
    return out


KINDS = {'classify': Classify, 'segment': Segment, 'detect': Detect,
         'tesseract': Tesseract, 'read': Read, 'zbar': Zbar, 'faces': Faces,
         'pocketsphinx': Pocketsphinx, 'vad': Vad, 'separate': Separate,
         'command': Command}
REQUIRED = {'command': ('command',), 'separate': ('network',)}


def paths_of(entry):
    """Keys of a [[task]] table whose values are files."""
    kind = KINDS.get(entry.get('kind')) if isinstance(entry, dict) else None
    return [k for k in getattr(kind, 'paths', ())
            if isinstance(entry.get(k), str)]


def make(entry):
    """The Task of a [[task]] table; ValueError with what is wrong."""
    entry = dict(entry)
    kind = entry.pop('kind', None)
    name = entry.pop('name', kind)
    if not isinstance(name, str) or not isinstance(kind, (str, type(None))):
        raise ValueError(f'task "{name}": "name" and "kind" must be text')
    if kind not in KINDS:
        raise ValueError(f'task "{name}": "kind" is none of '
                         f'{", ".join(sorted(KINDS))}')
    extra = set(entry) - set(KINDS[kind].keys)
    if extra:
        raise ValueError(f'task "{name}": unknown keys {sorted(extra)}')
    for key in REQUIRED.get(kind, ()):
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise ValueError(f'task "{name}": "{key}" is missing')
    return KINDS[kind](name, **entry)
