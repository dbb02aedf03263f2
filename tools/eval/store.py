# SPDX-License-Identifier: LGPL-2.1-or-later
"""Results: one line of JSON per cell, added as they come.

A line that was cut off (a crash, a full disk) is left out when read, and its
cell is done again. A cell that is there twice counts once, the newest with a
result."""
import fcntl
import json
import os


# what a line is of, beside its input: what differs in nothing of it was
# measured twice
THING = ('media', 'content', 'size', 'frames', 'corruption', 'severity',
         'variant', 'seed', 'codec', 'how', 'setting')


class StoreError(Exception):
    """A file that cannot be read or written; says which and why."""


def read(*paths):
    """{key: line} of all files; later ones win, errors never win over
    results. Also counts lines that are no JSON."""
    out, broken = {}, 0
    for path in paths:
        try:
            with open(path, encoding='utf-8', errors='replace') as f:
                for text in f:
                    try:
                        line = json.loads(text)
                        key = line['key']
                        if not isinstance(key, str):
                            raise TypeError
                    except (ValueError, TypeError, KeyError,
                            RecursionError):
                        broken += bool(text.strip())
                        continue
                    if line.get('error') and not out.get(
                            key, {'error': 1}).get('error'):
                        continue
                    out[key] = line
        except OSError as e:
            raise StoreError(f'{path}: {e.strerror}') from None
    return out, broken


def newest(lines):
    """The lines, of each thing one: where a sweep's folder has it of an earlier
    version, or before a task was added, the last with a result counts. Answers of
    tasks that it was not asked stay, if no version is between."""
    found = {}
    for line in lines:
        if not isinstance(line, dict):
            continue
        place = str(line.get('input')).replace('\\', '/').split('/')[-2:]
        key = json.dumps([place] + [line.get(k) for k in THING],
                         sort_keys=True)
        old = found.get(key)
        if old and not old.get('error') and (
                line.get('error') or _version(line) < _version(old)):
            continue
        if old and not old.get('error') and _version(old) == _version(line):
            line = _with_answers(line, old)
        found[key] = line
    return list(found.values())


def _version(line):
    v = line.get('v')
    return v if isinstance(v, int) else 0


def _with_answers(line, old):
    both = [(v.get('answers'), v.get('tasks')) for v in (old, line)]
    if not all(isinstance(a, dict) and isinstance(t, list)
               for a, t in both):
        return line
    asked = {}
    for _, t in both:
        asked.update({str(e.get('name', e.get('kind'))): e
                      for e in t if isinstance(e, dict)})
    return dict(line, answers={**both[0][0], **both[1][0]},
                tasks=list(asked.values()))


def in_part(key, k, n):
    """Whether a cell is in the k-th of n parts, 1 to n: by its key, so that
    machines which know nothing of each other share a sweep out evenly."""
    return int(key, 16) % n == k - 1


class Store:
    """The results of one run; add() returns when the line is on its way to the
    disk. One run at a time has the file: StoreError for another."""

    def __init__(self, path):
        self.path = path
        try:
            # a line that was cut off must not be glued to the next
            cut = os.path.exists(path) and os.path.getsize(path) > 0
            if cut:
                with open(path, 'rb') as f:
                    f.seek(-1, os.SEEK_END)
                    cut = f.read(1) != b'\n'
            self.file = open(path, 'a', encoding='utf-8')
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.file.close()
                raise StoreError(f'{path}: another run is writing to it; wait '
                                 'for it, or take another folder') from None
            except OSError:
                pass            # a file system without locks
            if cut:
                self.file.write('\n')
        except OSError as e:
            raise StoreError(f'{path}: {e.strerror}') from None

    def add(self, line):
        try:
            self.file.write(json.dumps(line, sort_keys=True) + '\n')
            self.file.flush()
        except OSError as e:
            raise StoreError(f'{self.path}: {e.strerror}; what was measured '
                             'until now is kept, run again to go on') from None

    def close(self):
        try:
            self.file.close()
        except OSError:
            pass
