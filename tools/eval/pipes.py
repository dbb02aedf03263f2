# SPDX-License-Identifier: LGPL-2.1-or-later
"""Frames through GStreamer pipelines, in numpy.

A picture is uint8 [h, w, 3] (RGB); a clip is a list of such. Pipelines run in
the calling process to their end, with a limit in seconds.
"""
import json
import os
import tempfile
import warnings

import gi
import numpy as np

gi.require_version('Gst', '1.0')
gi.require_version('GstApp', '1.0')
gi.require_version('GstVideo', '1.0')
from gi.repository import Gst  # noqa: E402
from gi.repository import GstApp  # noqa: E402,F401
from gi.repository import GstVideo  # noqa: E402

from . import colour  # noqa: E402

# The bindings make a class when it is first asked for, and two threads that do so
# at once (two sources begin together) get one that is not finished: the thread
# fails and its pipeline waits for ever. So they are asked for here.
CLASSES = [getattr(Gst, name) for name in (
    'Buffer', 'BufferFlags', 'BufferList', 'Caps', 'FlowReturn', 'MapFlags',
    'Memory', 'PadProbeInfo', 'PadProbeReturn', 'PadProbeType', 'Sample',
    'Structure')]

LIMIT = 600                     # seconds that a pipeline may take
RATE = 25                       # frames a second of clips


class PipelineError(Exception):
    """What an element said went wrong, or what was not there."""


def reason(message):
    """What an error message on a bus says: the cause too, where the element gave
    one, without the source line in front of it. One line."""
    error, debug = message.parse_error()
    text = f'{message.src.get_name()}: {error.message}'
    cause = (debug or '').partition('\n')[2].strip()
    if cause and not cause.startswith('streaming stopped'):
        text += ' ' + ' '.join(cause.split())
    return text


def filled(text, **values):
    """Text with {name} replaced, and braces doubled to stand for themselves;
    where that makes no sense, as in "awk '{print $1}'" or "format={I420,RGB}",
    the names alone are replaced."""
    try:
        return text.format(**values)
    except (LookupError, ValueError, AttributeError):
        for name, value in values.items():
            text = text.replace('{' + name + '}', str(value))
        return text


def escape(path):
    """A path within the quotes of a pipeline's description."""
    return path.replace('\\', '\\\\').replace('"', '\\"')


def init():
    if not Gst.is_initialized():
        Gst.init(None)


def missing(*elements):
    """Those of the elements that are not installed."""
    init()
    return [e for e in elements if Gst.ElementFactory.find(e) is None]


def lacking(*fragments):
    """Elements of fragments that are not installed, in words; empty: none."""
    absent = missing(*[
        part.split()[0] for side in fragments for part in side.split('!')
        if part.strip() and '/' not in part.split()[0]
        and '=' not in part.split()[0]])
    return f'GStreamer elements {", ".join(absent)}' if absent else ''


def caps(width, height, yuv=None):
    kind = 'RGB' if yuv is None else 'I420,chroma-site=jpeg,colorimetry=' + (
        '1:4:0:0' if yuv == 'full' else 'bt601')
    return (f'video/x-raw,format={kind},width={width},height={height},'
            f'framerate={RATE}/1')


def _rows(plane, even):
    """Bytes of a plane, rows of a multiple of 4 bytes; even: an even number of
    rows."""
    h, w = plane.shape
    rows = np.zeros((h + (h % 2 if even else 0), (w + 3) // 4 * 4), np.uint8)
    rows[:h, :w] = plane
    return rows.tobytes()


def to_buffer(rgb, n, yuv=None):
    """A Gst.Buffer of a picture, as caps() says."""
    if yuv is None:
        data = _rows(rgb.reshape(rgb.shape[0], -1), False)
    else:
        planes = colour.to_420(rgb, yuv == 'full')
        # luma has as many rows as two of colours
        data = _rows(planes[0], True) + b''.join(
            _rows(p, False) for p in planes[1:])
    buffer = Gst.Buffer.new_wrapped(data)
    buffer.pts = n * Gst.SECOND // RATE
    buffer.duration = Gst.SECOND // RATE
    return buffer


def of_sample(sample, yuv=None):
    """The picture of a Gst.Sample of RGB, or of I420 of that range; of GRAY8
    uint8 [h, w]."""
    s = sample.get_caps().get_structure(0)
    w, h = s.get_value('width'), s.get_value('height')
    buffer = sample.get_buffer()
    if s.get_value('format') == 'GRAY8':
        data = np.frombuffer(buffer.extract_dup(0, buffer.get_size()),
                             np.uint8)
        return data[:h * ((w + 3) // 4 * 4)].reshape(h, -1)[:, :w].copy()
    if yuv:
        return _of_420(buffer, w, h, yuv == 'full')
    ok, mapped = buffer.map(Gst.MapFlags.READ)
    if not ok:
        raise PipelineError('a frame cannot be read')
    try:
        rows = np.frombuffer(mapped.data, np.uint8)
        return rows[:h * ((3 * w + 3) // 4 * 4)].reshape(h, -1)[
            :, :3 * w].reshape(h, w, 3).copy()
    finally:
        buffer.unmap(mapped)


def _of_420(buffer, w, h, full):
    ok, mapped = buffer.map(Gst.MapFlags.READ)
    if not ok:
        raise PipelineError('a frame cannot be read')
    meta = GstVideo.buffer_get_video_meta(buffer)
    try:
        data = np.frombuffer(mapped.data, np.uint8)
        planes, at = [], 0
        for i in range(3):
            rows, columns = (h, w) if i == 0 else ((h + 1) // 2, (w + 1) // 2)
            stride = meta.stride[i] if meta else (columns + 3) // 4 * 4
            at = meta.offset[i] if meta else at
            # the last row may end with its samples
            index = at + np.arange(rows)[:, None] * stride + np.arange(columns)
            planes.append(data[index])
            at += stride * (h + h % 2 if i == 0 else rows)
    finally:
        buffer.unmap(mapped)
    return colour.of_420(planes, full)


def quoted(structure):
    """A Gst.Structure's fields as Python values, nested ones too; arrays, which
    Python's bindings do not know, are left out."""
    out = {}
    for i in range(structure.n_fields()):
        name = structure.nth_field_name(i)
        try:
            value = structure.get_value(name)
        except TypeError:
            continue
        out[name] = quoted(value) if isinstance(value, Gst.Structure) \
            else value
    return out


def launched(description):
    """The Gst.Pipeline of a description. Raises PipelineError, also where a value
    is out of its property's range: GLib warns only, and the element would run at
    its default, as if that were the setting."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        try:
            pipeline = Gst.parse_launch(description)
        except gi.repository.GLib.Error as e:
            raise PipelineError(f'{e.message} ("{description}")') from None
    for w in said:
        if 'out of range for property' in str(w.message):
            raise PipelineError(f'{w.message} ("{description}")')
    return pipeline


def run(description, sources=(), sinks=(), counted=(), limit=LIMIT,
        yuv=None, take=None, count=None):
    """Runs a pipeline to its end.

    sources: {name of appsrc: clip, or what has feed(appsrc)}; sinks: names of
    appsinks; counted: names of identity elements. Returns ({sink: [pictures]},
    {identity: [bytes of each buffer]}, [element messages as dicts with
    'name']; titles of streams that came to a sink are such, "tag", too). yuv:
    "full" or "limited": sources give I420 of that range, not RGB. take: what a
    Gst.Sample is made into, if not a picture; None of it ends the stream.
    count: what is kept of a counted Gst.Buffer."""
    init()
    pipeline = launched(description)
    pictures = {name: [] for name in sinks}
    sizes = {name: [] for name in counted}
    messages = []

    for name, clip in dict(sources).items():
        source = pipeline.get_by_name(name)
        if hasattr(clip, 'feed'):
            clip.feed(source)
        else:
            _feed(source, clip, yuv)
    for name in sinks:
        sink = pipeline.get_by_name(name)
        sink.set_property('emit-signals', True)
        sink.set_property('sync', False)
        sink.connect('new-sample', _take, pictures[name],
                     take or (lambda s: of_sample(s, yuv)))
    for name in counted:
        identity = pipeline.get_by_name(name)
        identity.get_static_pad('src').add_probe(
            Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST,
            _count, sizes[name], count or _size)
    bus = pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    end = gi.repository.GLib.get_monotonic_time() + limit * 1000000
    try:
        while True:
            left = end - gi.repository.GLib.get_monotonic_time()
            m = bus.timed_pop_filtered(
                max(0, left) * 1000, Gst.MessageType.EOS
                | Gst.MessageType.ERROR | Gst.MessageType.ELEMENT
                | Gst.MessageType.TAG)
            if m is None:
                raise PipelineError(f'not done after {limit} s')
            if m.type == Gst.MessageType.ERROR:
                raise PipelineError(reason(m))
            if m.type == Gst.MessageType.EOS:
                break
            s = m.get_structure()
            if m.type == Gst.MessageType.TAG:
                known, title = m.parse_tag().get_string(Gst.TAG_TITLE)
                if known:
                    messages.append({'name': 'tag', 'title': title,
                                     'sink': m.src.get_name()})
            elif s is not None:
                messages.append(dict(quoted(s), name=s.get_name()))
    finally:
        pipeline.set_state(Gst.State.NULL)
    return pictures, sizes, messages


def _feed(source, clip, yuv):
    """All frames of a clip, as the pipeline asks for them."""
    h, w = clip[0].shape[:2]
    source.set_property('caps', Gst.Caps.from_string(caps(w, h, yuv)))
    source.set_property('format', Gst.Format.TIME)
    source.set_property('max-bytes', 4 * h * w * 3)
    frames = iter(enumerate(clip))

    def more(src, _length):
        try:
            n, rgb = next(frames)
        except StopIteration:
            src.emit('end-of-stream')
            return
        src.emit('push-buffer', to_buffer(rgb, n, yuv))

    source.connect('need-data', more)


def _take(sink, out, take):
    sample = sink.emit('pull-sample')
    made = None if sample is None else take(sample)
    if made is None:
        return Gst.FlowReturn.EOS
    out.append(made)
    return Gst.FlowReturn.OK


def comment_bytes(data):
    """Bytes of x264's message about itself, which no decoder needs: half of a
    small picture. x265 leaves its own out (info=0), x264 cannot."""
    at = data.find(b'x264 - core ')
    start, end = data.rfind(b'\0\0\1', 0, max(at, 0)), data.find(
        b'\0\0\1', at)
    # an SEI of user data, before the picture
    if at < 0 or start < 0 or end < 0 or data[start + 3:start + 5] != b'\6\5':
        return 0
    return end - start


def _size(buffer):
    return buffer.get_size() - comment_bytes(
        buffer.extract_dup(0, min(buffer.get_size(), 4096)))


def _count(_pad, info, out, count):
    if info.type & Gst.PadProbeType.BUFFER:
        out.append(count(info.get_buffer()))
    else:
        buffers = info.get_buffer_list()
        got = [count(buffers.get(i)) for i in range(buffers.length())]
        out.extend(got if count is not _size else [sum(got)])
    return Gst.PadProbeReturn.OK


def compare(reference, result, bands=32, corrupted=None):
    """What spectralinspect says of all frames of two clips of one size (and of
    the corrupted one): its pooled report as a dict. Read from a results file,
    as arrays in messages do not come to Python whole."""
    with tempfile.TemporaryDirectory() as folder:
        return _compare(reference, result, bands, corrupted,
                        os.path.join(folder, 'report.jsonl'))


def _compare(reference, result, bands, corrupted, read):
    both = corrupted is not None
    description = (
        'appsrc name=a ! queue ! s.ref_sink appsrc name=b ! queue ! '
        's.dist_sink ' + ('appsrc name=c ! queue ! s.corrupt_sink ' if both
                          else '')
        + f'spectralinspect name=s interval=0 map-size=0 bands={bands} '
        f'post-messages=false results-file="{read}" ! fakesink sync=false')
    sources = {'a': reference, 'b': result}
    if both:
        sources['c'] = corrupted
    run(description, sources)
    with open(read) as f:
        lines = [json.loads(v) for v in f]
    return [v for v in lines if v['pooled']][-1]
