# SPDX-License-Identifier: LGPL-2.1-or-later
"""A sound through a corruption and a codec, and what became of it."""
import functools
import os
import time

from . import codecs, media, pipes, sound, tasks
from .errors import CellError
from .picture import tidy


def corrupt(clip, cell):
    """The sound through `audiocorrupt`; itself where the cell says clean."""
    if not cell['corruption']:
        return clip
    got = pipes.run(
        f'appsrc name=in ! audiocorrupt type={cell["corruption"]} '
        f'severity={cell["severity"]} seed={media.seed_of(cell)} ! '
        'appsink name=out', {'in': clip}, ['out'],
        take=sound.of_sample)[0]['out']
    return sound.joined(got)


@functools.lru_cache(1)
def _cached(path, _stamp):
    return sound.load(path)


def measure(cell):
    """The numbers of a cell's line: seconds, rate, channels, bytes,
    header_bytes, kbps, metrics, answers, code_seconds. Raises CellError and
    what codecs and pipelines do."""
    try:
        stamp = os.stat(cell['input']).st_mtime_ns
    except OSError as e:
        raise CellError(f'{cell["input"]}: {e.strerror}') from None
    clean = _cached(cell['input'], stamp)
    dirty = corrupt(clean, cell)
    start = time.monotonic()
    coded = codecs.of_cell(cell).code(dirty, cell['setting'])
    seconds = time.monotonic() - start
    report = pipes.compare(clean, coded.sound, cell['bands'],
                           dirty if cell['corruption'] else None)
    return {'seconds': clean.seconds, 'rate': clean.rate,
            'channels': clean.channels, 'bytes': coded.bytes,
            'header_bytes': coded.header_bytes,
            'kbps': 8e-3 * coded.bytes / clean.seconds,
            'metrics': tidy(report), 'code_seconds': round(seconds, 4),
            'answers': tasks.answers(cell, clean, dirty, coded.sound)}
