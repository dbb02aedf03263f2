# SPDX-License-Identifier: LGPL-2.1-or-later
"""Results: one line of JSON per cell, added as they come.

A line that was cut off (a crash, a full disk) is left out when read, and its
cell is done again. A cell that is there twice counts once, the newest with a
result."""
import fcntl
import json
import os


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
                    except (ValueError, TypeError, KeyError):
                        broken += bool(text.strip())
                        continue
                    if line.get('error') and not out.get(
                            key, {'error': 1}).get('error'):
                        continue
                    out[key] = line
        except OSError as e:
            raise StoreError(f'{path}: {e.strerror}') from None
    return out, broken


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
