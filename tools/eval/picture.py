# SPDX-License-Identifier: LGPL-2.1-or-later
"""A picture through a corruption and a codec, and what became of it."""
import time

import numpy as np
from PIL import Image

from . import codecs, media, pipes, tasks
from .errors import CellError

MAX_PIXELS = 64 << 20


def rgb_of(im):
    """An image as RGB; 16 bits of grey, which convert() would cut off at 255, are
    rounded to 8. ValueError for what has no known white."""
    if im.mode.startswith('I;16') or (im.mode, im.format) == ('I', 'PNG'):
        return Image.fromarray(np.rint(np.asarray(im).astype(float) / 257)
                               .astype(np.uint8)).convert('RGB')
    if im.mode[0] in 'IF':
        raise ValueError(f'samples of {im.mode} have no known range; '
                         'make it 8 or 16 bits')
    return im.convert('RGB')


def reduced(im, size):
    """An image whose shorter side is `size`, or itself if it is not longer, or
    size is 0."""
    short = min(im.size)
    if not size or short <= size:
        return im
    return im.resize([max(1, round(n * size / short)) for n in im.size],
                     Image.LANCZOS)


def load(path, size):
    """RGB uint8 [h, w, 3]; size: shorter side is reduced to it (0: as is)."""
    try:
        with Image.open(path) as im:
            if im.width * im.height > MAX_PIXELS:
                raise CellError(f'{path}: {im.width}x{im.height} is over '
                                f'{MAX_PIXELS} pixels')
            return np.asarray(reduced(rgb_of(im), size))
    except CellError:
        raise
    # what readers of broken files raise has no end: SyntaxError, struct.error
    except Exception as e:
        raise CellError(f'{path}: {e or type(e).__name__}') from None


def corrupt(clip, cell):
    """The clip through `corrupt`; itself where the cell says clean."""
    if not cell['corruption']:
        return clip
    pictures, _, _ = pipes.run(
        f'appsrc name=in ! corrupt type={cell["corruption"]} '
        f'severity={cell["severity"]} variant={cell["variant"]} '
        f'seed={media.seed_of(cell)} threads=1 ! appsink name=out', {'in': clip},
        ['out'])
    return pictures['out']


def tidy(report):
    """What a line keeps of spectralinspect's report."""
    out = {}
    for name in ('error', 'R', 'G', 'D', 'C'):
        if name in report:
            out[name] = {k.replace('-', '_'): v
                         for k, v in report[name].items()}
    out['ref_bands'] = report.get('ref-bands')
    return out


def measure(cell):
    """The numbers of a cell's line: width, height, bytes, bpp, metrics,
    answers, code_seconds. Raises CellError and what codecs and pipelines do."""
    clean = [load(cell['input'], cell['size'])]
    h, w = clean[0].shape[:2]
    dirty = corrupt(clean, cell)
    start = time.monotonic()
    sizes, result = codecs.of_cell(cell).code(dirty, cell['setting'])
    seconds = time.monotonic() - start
    if result[0].shape != clean[0].shape:
        raise CellError(f'{cell["codec"]} made {result[0].shape[1]}x'
                        f'{result[0].shape[0]} of {w}x{h}')
    report = pipes.compare(clean, result, cell['bands'],
                           dirty if cell['corruption'] else None)
    return {'width': w, 'height': h, 'bytes': sum(sizes),
            'bpp': 8 * sum(sizes) / (w * h * len(clean)),
            'metrics': tidy(report), 'code_seconds': round(seconds, 4),
            'answers': tasks.answers(cell, clean, dirty, result)}
