# SPDX-License-Identifier: LGPL-2.1-or-later
"""Frames through GStreamer pipelines, in numpy.

A picture is uint8 [h, w, 3] (RGB); a clip is a list of such. Pipelines run in
the calling process to their end, with a limit in seconds.
"""
import json

import gi
import numpy as np

gi.require_version('Gst', '1.0')
gi.require_version('GstApp', '1.0')
from gi.repository import Gst  # noqa: E402
from gi.repository import GstApp  # noqa: E402,F401

LIMIT = 600                     # seconds that a pipeline may take
RATE = 25                       # frames a second of clips


class PipelineError(Exception):
    """What an element said went wrong, or what was not there."""


def init():
    if not Gst.is_initialized():
        Gst.init(None)


def missing(*elements):
    """Those of the elements that are not installed."""
    init()
    return [e for e in elements if Gst.ElementFactory.find(e) is None]


def caps(width, height):
    return (f'video/x-raw,format=RGB,width={width},height={height},'
            f'framerate={RATE}/1')


def to_buffer(rgb, n):
    """A Gst.Buffer of a picture: rows of a multiple of 4 bytes."""
    h, w = rgb.shape[:2]
    rows = np.zeros((h, (3 * w + 3) // 4 * 4), np.uint8)
    rows[:, :3 * w] = rgb.reshape(h, -1)
    buffer = Gst.Buffer.new_wrapped(rows.tobytes())
    buffer.pts = n * Gst.SECOND // RATE
    buffer.duration = Gst.SECOND // RATE
    return buffer


def of_sample(sample):
    """The picture of a Gst.Sample with RGB caps."""
    s = sample.get_caps().get_structure(0)
    w, h = s.get_value('width'), s.get_value('height')
    buffer = sample.get_buffer()
    ok, mapped = buffer.map(Gst.MapFlags.READ)
    if not ok:
        raise PipelineError('a frame cannot be read')
    try:
        rows = np.frombuffer(mapped.data, np.uint8)
        return rows[:h * ((3 * w + 3) // 4 * 4)].reshape(h, -1)[
            :, :3 * w].reshape(h, w, 3).copy()
    finally:
        buffer.unmap(mapped)


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


def run(description, sources=(), sinks=(), counted=(), limit=LIMIT):
    """Runs a pipeline to its end.

    sources: {name of appsrc: clip}; sinks: names of appsinks; counted: names
    of identity elements. Returns ({sink: [pictures]}, {identity: [bytes of each
    buffer]}, [element messages as dicts with 'name'])."""
    init()
    try:
        pipeline = Gst.parse_launch(description)
    except gi.repository.GLib.Error as e:
        raise PipelineError(f'{e.message} ("{description}")') from None
    pictures = {name: [] for name in sinks}
    sizes = {name: [] for name in counted}
    messages = []

    for name, clip in dict(sources).items():
        _feed(pipeline.get_by_name(name), clip)
    for name in sinks:
        sink = pipeline.get_by_name(name)
        sink.set_property('emit-signals', True)
        sink.set_property('sync', False)
        sink.connect('new-sample', _take, pictures[name])
    for name in counted:
        identity = pipeline.get_by_name(name)
        identity.get_static_pad('src').add_probe(
            Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST,
            _count, sizes[name])
    bus = pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    end = gi.repository.GLib.get_monotonic_time() + limit * 1000000
    try:
        while True:
            left = end - gi.repository.GLib.get_monotonic_time()
            m = bus.timed_pop_filtered(
                max(0, left) * 1000, Gst.MessageType.EOS
                | Gst.MessageType.ERROR | Gst.MessageType.ELEMENT)
            if m is None:
                raise PipelineError(f'not done after {limit} s')
            if m.type == Gst.MessageType.ERROR:
                error, _ = m.parse_error()
                raise PipelineError(f'{m.src.get_name()}: {error.message}')
            if m.type == Gst.MessageType.EOS:
                break
            s = m.get_structure()
            if s is not None:
                messages.append(dict(quoted(s), name=s.get_name()))
    finally:
        pipeline.set_state(Gst.State.NULL)
    return pictures, sizes, messages


def _feed(source, clip):
    """All frames of a clip, as the pipeline asks for them."""
    h, w = clip[0].shape[:2]
    source.set_property('caps', Gst.Caps.from_string(caps(w, h)))
    source.set_property('format', Gst.Format.TIME)
    source.set_property('max-bytes', 4 * h * w * 3)
    frames = iter(enumerate(clip))

    def more(src, _length):
        try:
            n, rgb = next(frames)
        except StopIteration:
            src.emit('end-of-stream')
            return
        src.emit('push-buffer', to_buffer(rgb, n))

    source.connect('need-data', more)


def _take(sink, out):
    sample = sink.emit('pull-sample')
    if sample is None:
        return Gst.FlowReturn.EOS
    out.append(of_sample(sample))
    return Gst.FlowReturn.OK


def _count(_pad, info, out):
    if info.type & Gst.PadProbeType.BUFFER:
        out.append(info.get_buffer().get_size())
    else:
        buffers = info.get_buffer_list()
        out.append(sum(buffers.get(i).get_size()
                       for i in range(buffers.length())))
    return Gst.PadProbeReturn.OK


def compare(reference, result, bands=32, corrupted=None, read=None):
    """What spectralinspect says of all frames of two clips of one size (and of
    the corrupted one): its pooled report as a dict. Read from a results file at
    `read`, as arrays in messages do not come to Python whole."""
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
