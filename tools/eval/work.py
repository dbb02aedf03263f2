# SPDX-License-Identifier: LGPL-2.1-or-later
"""One cell of a sweep: a picture, a corruption, a codec at a setting."""
import os
import tempfile
import time

import numpy as np
from PIL import Image

from . import codecs, pipes, tasks

MAX_PIXELS = 64 << 20


class CellError(Exception):
    """Why there is no result; the sweep goes on."""


def load(path, size):
    """RGB uint8 [h, w, 3]; size: shorter side is reduced to it (0: as is)."""
    try:
        with Image.open(path) as im:
            if im.width * im.height > MAX_PIXELS:
                raise CellError(f'{path}: {im.width}x{im.height} is over '
                                f'{MAX_PIXELS} pixels')
            im = im.convert('RGB')
            short = min(im.size)
            if size and short > size:
                im = im.resize([max(1, round(n * size / short))
                                for n in im.size], Image.LANCZOS)
            return np.asarray(im)
    except (OSError, ValueError, Image.DecompressionBombError) as e:
        raise CellError(f'{path}: {e}') from None


def corrupt(clip, cell):
    """The clip through `corrupt`; itself where the cell says clean."""
    if not cell['corruption']:
        return clip
    pictures, _, _ = pipes.run(
        f'appsrc name=in ! corrupt type={cell["corruption"]} '
        f'severity={cell["severity"]} variant={cell["variant"]} '
        f'seed={cell["seed"]} threads=1 ! appsink name=out', {'in': clip},
        ['out'])
    return pictures['out']


def codec_of(cell):
    known = codecs.table()
    encode, _, decode = cell['how'].partition(' | ')
    codec = known.get(cell['codec'])
    if codec and (getattr(codec, 'encode', ''),
                  getattr(codec, 'decode', '')) == (encode, decode):
        return codec
    return codecs.own(cell['codec'], encode, decode, [cell['setting']])


def tidy(report):
    """What a line keeps of spectralinspect's report."""
    out = {}
    for name in ('error', 'R', 'G', 'D', 'C'):
        if name in report:
            out[name] = {k.replace('-', '_'): v
                         for k, v in report[name].items()}
    out['ref_bands'] = report.get('ref-bands')
    return out


def answers(cell, clean, dirty, result):
    """{task: its numbers, or {"error": why}}; tasks that say nothing of this
    cell are left out."""
    out = {}
    for entry in cell['tasks']:
        task = tasks.make(entry)
        if not task.fits(cell):
            continue
        try:
            out[task.name] = task.do(cell, clean, dirty, result)
        except (tasks.TaskError, pipes.PipelineError) as e:
            out[task.name] = {'error': str(e)}
    return out


def do(cell):
    """The cell's line: itself with "bytes", "bpp", "metrics", "seconds", or with
    "error"."""
    start = time.process_time()
    line = dict(cell)
    try:
        clean = [load(cell['input'], cell['size'])]
        h, w = clean[0].shape[:2]
        dirty = corrupt(clean, cell)
        t = time.monotonic()
        sizes, result = codec_of(cell).code(dirty, cell['setting'])
        line['code_seconds'] = round(time.monotonic() - t, 4)
        if result[0].shape != clean[0].shape:
            raise CellError(f'{cell["codec"]} made {result[0].shape[1]}x'
                            f'{result[0].shape[0]} of {w}x{h}')
        with tempfile.TemporaryDirectory() as folder:
            report = pipes.compare(
                clean, result, cell['bands'],
                dirty if cell['corruption'] else None,
                os.path.join(folder, 'report.jsonl'))
        line.update(width=w, height=h, bytes=sum(sizes),
                    bpp=8 * sum(sizes) / (w * h * len(clean)),
                    metrics=tidy(report))
        line['answers'] = answers(cell, clean, dirty, result)
    except (CellError, codecs.CodecError, pipes.PipelineError) as e:
        line['error'] = str(e)
    line['cpu_seconds'] = round(time.process_time() - start, 4)
    return line
