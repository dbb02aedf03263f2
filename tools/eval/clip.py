# SPDX-License-Identifier: LGPL-2.1-or-later
"""The first frames of a video through a corruption and a codec, and what became
of them."""
import os
import pathlib
import time

import gi
import numpy as np
from PIL import Image

from . import codecs, picture, pipes, tasks
from .errors import CellError
from .pipes import Gst

MAX_FRAMES = 600
MAX_BYTES = 512 << 20           # of all frames, as RGB


def load(path, frames, size):
    """([RGB uint8 [h, w, 3]], frames a second) of the first frames of a video;
    size: the shorter side is reduced to it (0: as is). Videos that do not say how
    fast they are count as of pipes.RATE. Raises CellError."""
    pipes.init()
    if not os.path.isfile(path):
        raise CellError(f'{path}: there is no such file')
    out, rate, seen = [], None, None
    pipeline = Gst.parse_launch(
        'uridecodebin name=d ! videoconvert ! video/x-raw,format=RGB ! '
        'appsink name=out sync=false max-buffers=2')
    pipeline.get_by_name('d').set_property(
        'uri', pathlib.Path(os.path.abspath(path)).as_uri())
    pipeline.get_by_name('d').set_property(
        'caps', Gst.Caps.from_string('video/x-raw(ANY)'))
    sink, bus = pipeline.get_by_name('out'), pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    end = time.monotonic() + pipes.LIMIT
    try:
        while len(out) < frames:
            sample = sink.emit('try-pull-sample', Gst.SECOND // 5)
            if sample is None:
                m = bus.pop_filtered(Gst.MessageType.ERROR)
                if m is not None:
                    raise CellError(f'{path}: {pipes.reason(m)}')
                if sink.get_property('eos'):
                    break
                if time.monotonic() > end:
                    raise CellError(f'{path}: no frame after {pipes.LIMIT} s')
                continue
            s = sample.get_caps().get_structure(0)
            w, h = s.get_value('width'), s.get_value('height')
            if seen and seen != (w, h):
                raise CellError(f'{path}: frames of {seen[0]}x{seen[1]} and of '
                                f'{w}x{h}')
            seen = w, h
            got, top, bottom = s.get_fraction('framerate')
            rate = top / bottom if got and top else rate
            out.append(np.asarray(picture.reduced(
                Image.fromarray(pipes.of_sample(sample)), size)))
            if out[0].size * min(frames, len(out) + 1) > MAX_BYTES:
                raise CellError(
                    f'{path}: {len(out)} frames of {out[0].shape[1]}x'
                    f'{out[0].shape[0]} are more than {MAX_BYTES >> 20} MiB; '
                    'ask for fewer ("frames") or smaller ones ("size")')
    except gi.repository.GLib.Error as e:
        raise CellError(f'{path}: {e.message}') from None
    finally:
        pipeline.set_state(Gst.State.NULL)
    if not out:
        raise CellError(f'{path}: there are no frames in it')
    return out, rate or float(pipes.RATE)


def measure(cell):
    """The numbers of a cell's line: frames, fps, width, height, bytes of all
    frames, bpp, kbps, metrics, answers, code_seconds. Raises CellError and what
    codecs and pipelines do."""
    clean, fps = load(cell['input'], cell['frames'], cell['size'])
    h, w = clean[0].shape[:2]
    dirty = picture.corrupt(clean, cell)
    start = time.monotonic()
    sizes, result = codecs.of_cell(cell).code(dirty, cell['setting'])
    seconds = time.monotonic() - start
    wrong = [f.shape for f in result if f.shape != clean[0].shape]
    if wrong:
        raise CellError(f'{cell["codec"]} made {wrong[0][1]}x{wrong[0][0]} of '
                        f'{w}x{h}')
    report = pipes.compare(clean, result, cell['bands'],
                           dirty if cell['corruption'] else None)
    bits, count = 8 * sum(sizes), len(clean)
    return {'width': w, 'height': h, 'frames': count, 'fps': round(fps, 6),
            'bytes': bits // 8, 'bpp': bits / (w * h * count),
            'kbps': bits * fps / count / 1000,
            'metrics': picture.tidy(report),
            'code_seconds': round(seconds, 4),
            'answers': tasks.answers(cell, clean, dirty, result)}
