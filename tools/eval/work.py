# SPDX-License-Identifier: LGPL-2.1-or-later
"""One cell of a sweep: a file, a corruption, a codec at a setting."""
import time

from . import clip, codecs, picture, pipes, soundcell

# what makes the numbers of a line, by the cell's "media"
MEASURE = {'picture': picture.measure, 'clip': clip.measure,
           'sound': soundcell.measure}


def do(cell):
    """The cell's line: itself with its numbers ("bytes", "metrics", "answers",
    ...), or with "error"."""
    start = time.process_time()
    line = dict(cell)
    try:
        line.update(MEASURE[cell['media']](cell))
    except (codecs.CellError, codecs.CodecError, pipes.PipelineError) as e:
        line['error'] = str(e)
    line['cpu_seconds'] = round(time.process_time() - start, 4)
    return line
