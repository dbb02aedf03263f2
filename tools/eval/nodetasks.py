# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tasks of networks in npm packages, which one Node process per process of the
sweep runs (node/perception.mjs). models.py has what is needed."""
import json
import os
import selectors
import subprocess
import time

import numpy as np
from PIL import Image

from . import models
from .taskbase import FrameTask, TaskError

LIMIT = 120                     # seconds of an answer
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'node',
                      'perception.mjs')


class Crash(Exception):
    """Node ended, or said what is no answer."""


class Late(TaskError):
    """Node did not answer in time."""


class Node:
    """A Node process. It ends when its input does, so with ours, however we
    end."""

    def __init__(self, folder, script=SCRIPT):
        environment = {k: v for k, v in os.environ.items()
                       if k != 'NODE_OPTIONS'}
        self.process = subprocess.Popen(
            ['node', script, folder], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=environment, bufsize=0)
        os.set_blocking(self.process.stdin.fileno(), False)
        self.held = b''

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def ask(self, request, data, limit):
        """The answer, a dict. Raises Crash, TaskError."""
        text = json.dumps(dict(request, bytes=len(data))).encode() + b'\n'
        out, end = memoryview(text + bytes(data)), time.monotonic() + limit
        with selectors.DefaultSelector() as both:
            both.register(self.process.stdout, selectors.EVENT_READ)
            both.register(self.process.stdin, selectors.EVENT_WRITE)
            while b'\n' not in self.held:
                ready = both.select(max(0, end - time.monotonic()))
                if not ready:
                    raise Late(f'{request["do"]}: Node did not answer within '
                               f'{limit} s')
                for key, _ in ready:
                    if key.fileobj is self.process.stdout:
                        got = os.read(key.fd, 1 << 16)
                        if not got:
                            raise Crash('Node ended with '
                                        f'{self.process.wait()}')
                        self.held += got
                        continue
                    try:
                        out = out[os.write(key.fd, out[:1 << 16]):]
                    except BlockingIOError:
                        continue
                    except OSError:
                        raise Crash('Node takes nothing more') from None
                    if not out:
                        both.unregister(self.process.stdin)
        line, _, self.held = self.held.partition(b'\n')
        try:
            answer = json.loads(line)
        except ValueError:
            raise Crash(f'Node said {line[:80]!r}') from None
        if 'error' in answer:
            raise TaskError(f'{request["do"]}: {answer["error"]}')
        return answer


_nodes = {}                     # {folder: Node} of this process


def ask(request, data=b'', limit=LIMIT, folder=None, script=SCRIPT):
    """What Node answers; it is started if it is not there, and, if it breaks
    down, once more. Raises TaskError."""
    folder = folder or models.folder()
    for last in (False, True):
        try:
            if folder not in _nodes:
                _nodes[folder] = Node(folder, script)
            return _nodes[folder].ask(request, data, limit)
        except OSError as e:
            raise TaskError(f'node: {e.strerror}; it is in Debian\'s nodejs'
                            ) from None
        except Crash as e:
            _nodes.pop(folder).close()
            if last:
                raise TaskError(f'{request["do"]}: {e}, twice') from None
        except Late:
            # what comes late would answer the next question
            _nodes.pop(folder).close()
            raise


def overlap(a, b):
    """Intersection over union of boxes (x1, y1, x2, y2)."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / ((a[2] - a[0]) * (a[3] - a[1])
                    + (b[2] - b[0]) * (b[3] - b[1]) - w * h)


def distinct(boxes, least, iou=0.5):
    """Boxes of at least that score, best first, of which none of one class
    covers another by more than iou."""
    out = []
    for b in sorted(boxes, key=lambda v: -v[4]):
        if b[4] >= least and not any(
                o[5] == b[5] and overlap(o, b) > iou for o in out):
            out.append(b)
    return out


def found_again(want, got, iou=0.5):
    """How many of `want` have a box of the same class in `got`, each its
    own."""
    left, count = list(got), 0
    for a in want:
        best = max((b for b in left if b[5] == a[5]),
                   key=lambda b: overlap(a, b), default=None)
        if best is not None and overlap(a, best) >= iou:
            left.remove(best)
            count += 1
    return count


class Detect(FrameTask):
    """Objects that CenterNet finds in the clean picture with at least
    `confidence`, and whether it finds them again, of the same class and at the
    same place, with half of that confidence at least. New ones are those with
    `confidence` of which the clean picture has nothing at half of it."""
    keys = ('confidence', 'every')
    measure = 'objects found again'
    SIZE = 512
    kept = {}                   # of the last clean picture, by frame

    def __init__(self, name, **options):
        super().__init__(name, **options)
        self.confidence = options.get('confidence', 0.4)
        if not isinstance(self.confidence, (int, float)) \
                or not 0 < self.confidence < 1:
            raise ValueError(f'task "{name}": "confidence" is no number '
                             'between 0 and 1')

    def needs(self):
        return models.needs('centernet')

    def share(self, answer):
        return answer['right'], answer['objects']

    def boxes(self, rgb):
        """[[x1, y1, x2, y2, score, class]] of all that it finds."""
        small = Image.fromarray(rgb).resize((self.SIZE, self.SIZE),
                                            Image.BILINEAR)
        boxes = ask({'do': 'detect', 'size': self.SIZE},
                    np.asarray(small).tobytes())['boxes']
        return [b for b in boxes if len(b) == 6]

    def boxes_of_clean(self, cell, rgb, n):
        """The same of a frame as it came, kept: its cells follow each
        other."""
        key = cell['content'], cell['size'], rgb.shape, n
        if self.kept.get('key') != key[:3]:
            self.kept.clear()
            self.kept['key'] = key[:3]
        if n not in self.kept:
            self.kept[n] = self.boxes(rgb)
        return self.kept[n]

    def of_frame(self, cell, n, clean, result):
        a, b = self.boxes_of_clean(cell, clean, n), self.boxes(result)
        sure, half = self.confidence, self.confidence / 2
        want, new = distinct(a, sure), distinct(b, sure)
        return {'objects': len(want),
                'right': found_again(want, distinct(b, half)),
                'invented': len(new) - found_again(new, distinct(a, half))}
