# SPDX-License-Identifier: LGPL-2.1-or-later
"""Frames and latents of pictures in numpy, through libwalloc itself.

    codec = Codec()                       # photo-1 of the source tree
    frame = codec.encode(rgb, quality=50)           # bytes
    values, step, scale = codec.latents(frame, 96)  # float32 [96, H, W]
    rgb = codec.decode(frame, 'linear')             # uint8 [h, w, 3]

What a task network is given, by the same code that gives it to it in a
pipeline (docs/design/latent-inference.md). A Codec belongs to one thread at a
time; calls release Python's global lock.

The library is $WALLOC_LIBRARY or build/libwalloc/libwalloc.so of this source
tree; models are files, or names looked for in GST_WALLOC_MODEL_PATH and in
models/ here. The structures below mirror libwalloc/include/walloc; Codec()
compares them with what the library writes and refuses to work when they
differ.
"""
import collections
import ctypes as c
import os

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
GRAY8, I420, RGB = 0, 1, 5
DECODERS = {'auto': 0, 'linear': 1, 'fast': 2, 'best': 3}
TIME_NONE = (1 << 64) - 1
GUARD = 0xA5

Latents = collections.namedtuple('Latents', 'values step scale')
"""values: float32 [K, H, W], integers times steps; step: float, the frame's
step of channel 0; scale: 0, 1 or 2."""


class WallocError(Exception):
    """What libwalloc says went wrong; code: its walloc_result."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class _Error(c.Structure):
    _fields_ = [('text', c.c_char * 256)]


class _Colour(c.Structure):
    _fields_ = [(n, c.c_uint8) for n in (
        'range', 'matrix', 'transfer', 'primaries', 'chroma_site')]


class _Image(c.Structure):
    _fields_ = [('format', c.c_int), ('width', c.c_uint),
                ('height', c.c_uint), ('plane', c.c_void_p * 3),
                ('stride', c.c_ssize_t * 3)]


class _EncodeParams(c.Structure):
    _fields_ = [('quality', c.c_uint), ('use_step', c.c_int),
                ('step_index', c.c_uint), ('channels', c.c_uint),
                ('layers', c.c_uint), ('slice_rows', c.c_uint),
                ('speed', c.c_uint),
                ('shrink', c.c_uint), ('predict', c.c_int),
                ('again', c.c_int), ('fill', c.c_size_t),
                ('has_colour', c.c_int), ('colour', _Colour),
                ('pts', c.c_uint64), ('duration', c.c_uint64),
                ('fps_n', c.c_uint32), ('fps_d', c.c_uint32),
                ('par_n', c.c_uint32), ('par_d', c.c_uint32)]


class FrameInfo(c.Structure):
    """walloc_frame_info: everything that a frame's header says."""
    _fields_ = [('header_size', c.c_uint), ('payload_size', c.c_uint32),
                ('media', c.c_int), ('type', c.c_int),
                ('model_id', c.c_uint64), ('width', c.c_uint),
                ('height', c.c_uint), ('format', c.c_int), ('rate', c.c_uint),
                ('audio_channels', c.c_uint), ('columns', c.c_uint),
                ('trim_start', c.c_uint), ('trim_end', c.c_uint),
                ('mask', c.c_uint64), ('rotation', c.c_uint8 * 4),
                ('whole', c.c_int), ('mean', c.c_float * 4),
                ('peak', c.c_float * 4), ('set', c.c_uint),
                ('step_index', c.c_uint), ('channels', c.c_uint),
                ('slice_rows', c.c_uint), ('slices', c.c_uint),
                ('scale', c.c_uint), ('sequence', c.c_uint),
                ('layers', c.c_uint), ('layer_end', c.c_uint * 4),
                ('has_colour', c.c_int), ('colour', _Colour),
                ('pts', c.c_uint64), ('duration', c.c_uint64),
                ('fps_n', c.c_uint32), ('fps_d', c.c_uint32),
                ('par_n', c.c_uint32), ('par_d', c.c_uint32)]


class _ModelInfo(c.Structure):
    _fields_ = [('kind', c.c_int), ('name', c.c_char_p), ('id', c.c_uint64),
                ('media', c.c_int), ('levels', c.c_uint),
                ('channels', c.c_uint), ('sets', c.c_uint),
                ('formats', c.c_uint32), ('decoders', c.c_uint32)]


class _Latents(c.Structure):
    _fields_ = [('channels', c.c_uint), ('width', c.c_uint),
                ('height', c.c_uint), ('data', c.POINTER(c.c_int16)),
                ('steps', c.c_uint), ('step', c.POINTER(c.c_float)),
                ('step_of', c.POINTER(c.c_uint16)),
                ('group', c.POINTER(c.c_uint8))]


class _DecodeParams(c.Structure):
    _fields_ = [('kind', c.c_int), ('reduce', c.c_uint), ('x', c.c_uint),
                ('y', c.c_uint), ('width', c.c_uint), ('height', c.c_uint)]


class Library:
    """libwalloc.so, loaded; call(name, ...) raises WallocError."""

    def __init__(self, path=None):
        path = path or os.environ.get('WALLOC_LIBRARY') or os.path.join(
            ROOT, 'build', 'libwalloc', 'libwalloc.so')
        if not os.path.exists(path):
            raise WallocError(-9, f'{path} is not there; build it (meson setup'
                              ' build && ninja -C build) or name the library'
                              ' in WALLOC_LIBRARY')
        self.path, self._lib = path, c.CDLL(path)

    def call(self, name, *args):
        """Call a function that returns walloc_result and takes a
        walloc_error last."""
        error = _Error()
        code = getattr(self._lib, name)(*args, c.byref(error))
        if code:
            raise WallocError(code, f'{name}: '
                              + error.text.decode('utf-8', 'replace'))

    def plain(self, name, *args, restype=None):
        """Call any other function."""
        function = getattr(self._lib, name)
        function.restype = restype
        return function(*args)


def _guarded(structure):
    """A zeroed structure in the middle of guard bytes, and a function that
    tells whether all guards and the last field were left or written as they
    should be."""
    size = c.sizeof(structure)
    memory = (c.c_uint8 * (size + 256))(*([GUARD] * (size + 256)))
    c.memset(memory, 0, size)
    return structure.from_buffer(memory), \
        lambda: all(b == GUARD for b in memory[size:])


def find_model(name):
    """Path of the codec model NAME or of the file NAME. Raises WallocError."""
    places = [name]
    if os.sep not in name:
        folders = os.environ.get('GST_WALLOC_MODEL_PATH', '').split(':')
        for folder in [f for f in folders if f] + [
                os.path.join(ROOT, 'models')]:
            places.append(os.path.join(folder, name + '.wlm'))
    for place in places:
        if os.path.isfile(place):
            return place
    raise WallocError(-9, f'no codec model {name}; looked for '
                      + ', '.join(places))


class Codec:
    """One model with one encoder and one decoder of it."""

    def __init__(self, model='photo-1', library=None):
        """library: a Library, a path or None. Raises WallocError."""
        self.library = library if isinstance(library, Library) \
            else Library(library)
        self._model, self._encoder, self._decoder = (
            c.c_void_p(), c.c_void_p(), c.c_void_p())
        call = self.library.call
        call('walloc_model_load', os.fsencode(find_model(model)), None,
             c.byref(self._model))
        call('walloc_encoder_new', self._model, None, None,
             c.byref(self._encoder))
        call('walloc_decoder_new', self._model, None, None, None,
             c.byref(self._decoder))
        self._check_layouts()

    def close(self):
        """Free everything; safe to call twice."""
        for name, what in (('walloc_decoder_free', '_decoder'),
                           ('walloc_encoder_free', '_encoder'),
                           ('walloc_model_unref', '_model')):
            handle = getattr(self, what, None)
            if handle:
                self.library.plain(name, handle)
                setattr(self, what, None)

    __del__ = close

    def _check_layouts(self):
        """Compare the structures of this file with what the library does, one
        by one: none is used before it is known to fit."""
        def must(truth, what):
            if not truth:
                raise WallocError(-6, f'{self.library.path} has another layout'
                                  f' of {what}; this file and the library '
                                  'must be of one source tree')

        info, intact = _guarded(_ModelInfo)
        self.library.plain('walloc_model_get_info', self._model,
                           c.byref(info))
        must(intact() and info.media in (0, 1) and info.name
             and 1 <= info.channels <= 4096, 'walloc_model_info')
        if info.media != 0:
            raise WallocError(-1, f'{info.name.decode()} is a model of sound')
        self.model_id, self.channels = info.id, info.channels
        self.name, self.levels = info.name.decode(), info.levels
        params, intact = _guarded(_EncodeParams)
        self.library.plain('walloc_encode_params_init', c.byref(params))
        must(intact() and params.pts == params.duration == TIME_NONE
             and params.quality in (0, 50), 'walloc_encode_params')
        picture = np.add.outer(np.arange(24), 3 * np.arange(40)).astype(
            np.uint8)
        frame = self.encode(picture, quality=80)
        info, intact = _guarded(FrameInfo)
        self.library.call('walloc_frame_parse', frame, c.c_size_t(len(frame)),
                          c.byref(info))
        must(intact() and (info.width, info.height, info.format) ==
             (40, 24, GRAY8) and info.model_id == self.model_id
             and info.header_size + info.payload_size == len(frame)
             and info.pts == TIME_NONE and (info.par_n, info.par_d) == (1, 1),
             'walloc_frame_info')
        latents, intact = _guarded(_Latents)
        self._whole('walloc_decoder_latents', frame, c.byref(latents))
        must(intact() and (latents.width, latents.height) == (5, 3)
             and latents.channels == info.channels
             and 1 <= latents.steps <= 4096, 'walloc_latents')
        error = np.abs(self.decode(frame).astype(int) - picture).mean()
        must(error < 8, 'walloc_image or walloc_decode_params')

    # --- encoding ----------------------------------------------------------

    def encode(self, picture, quality=50, channels=0, shrink=0, layers=1,
               speed=5, step_index=None):
        """One key frame, bytes.

        picture: uint8 [h, w] (grey), [h, w, 3] (RGB), or a tuple of planes
        (Y [h, w], Cb, Cr [ceil h/2, ceil w/2]: I420). quality: 1 to 100;
        step_index: 0 to 176 in its place. channels, shrink: 0 leaves them to
        the encoder. Raises WallocError, ValueError."""
        image, keep = _image_of(picture)
        params = _EncodeParams()
        self.library.plain('walloc_encode_params_init', c.byref(params))
        params.quality, params.channels = quality, channels
        params.shrink, params.layers, params.speed = shrink, layers, speed
        if step_index is not None:
            params.use_step, params.step_index = 1, step_index
        data, size = c.c_void_p(), c.c_size_t()
        self.library.call('walloc_encoder_encode', self._encoder,
                          c.byref(image), c.byref(params), c.byref(data),
                          c.byref(size), None)
        del keep
        return c.string_at(data, size.value)

    # --- decoding ----------------------------------------------------------

    def info(self, frame):
        """FrameInfo of a frame (bytes). Raises WallocError."""
        info = FrameInfo()
        self.library.call('walloc_frame_parse', frame, c.c_size_t(len(frame)),
                          c.byref(info))
        return info

    def _whole(self, name, frame, *args):
        """A call about a frame that must not be damaged."""
        damaged = c.c_uint()
        self.library.call(name, self._decoder, frame, c.c_size_t(len(frame)),
                          *args, c.byref(damaged))
        if damaged.value:
            raise WallocError(-5, f'{damaged.value} slices of the frame are '
                              'damaged')

    def _latents(self, frame):
        latents = _Latents()
        self._whole('walloc_decoder_latents', frame, c.byref(latents))
        return latents

    def keep(self, channels):
        """Decode only the first channels from now on; 0: all."""
        self.library.call('walloc_decoder_set_channels', self._decoder,
                          c.c_uint(channels))

    def read(self, frame):
        """Entropy decoding alone; gives nothing, to be timed."""
        self._latents(frame)

    def integers(self, frame):
        """(int16 [C, H, W], steps float32 [C]): copies of what the entropy
        decoder gives for a key frame; the channels that the frame has."""
        t = self._latents(frame)
        shape = (t.channels, t.height, t.width)
        return np.ctypeslib.as_array(t.data, shape).copy(), \
            np.ctypeslib.as_array(t.step, (t.steps, t.channels))[0].copy()

    def latents(self, frame, channels=None):
        """Latents of a frame in sample units (see the type).

        channels: K planes, cut or filled up with zeros; None: those that the
        frame has. Key frames, and predicted ones in the order they were made.
        Raises WallocError."""
        t = self._latents(frame)
        have = t.channels if channels is None else min(channels, t.channels)
        data = np.ctypeslib.as_array(
            t.data, (t.channels, t.height, t.width))[:have]
        step = np.ctypeslib.as_array(t.step, (t.steps, t.channels))
        if t.step_of:
            rows = np.ctypeslib.as_array(t.step_of, (t.height, t.width))
            by = step[rows][..., :have].transpose(2, 0, 1)
        else:
            by = step[0, :have, None, None]
        out = np.zeros((channels or have, t.height, t.width), np.float32)
        np.multiply(data, by, out=out[:have])
        return Latents(out, float(step[0, 0]), self.info(frame).scale)

    def decode(self, frame, decoder='linear', reduce=0):
        """Pixels of a frame: uint8 [h, w, 3], or [h, w] if it is grey.

        decoder: a key of DECODERS; reduce: sizes are divided by 2^reduce.
        Frames of I420 pictures give RGB by the full-range BT.601 matrix."""
        info = self.info(frame)
        w, h = (max(1, -(-n // (1 << reduce))) for n in (info.width,
                                                         info.height))
        params = _DecodeParams(DECODERS[decoder], reduce, 0, 0, 0, 0)
        if info.format == I420:
            planes = (np.empty((h, w), np.uint8),) + tuple(
                np.empty(((h + 1) // 2, (w + 1) // 2), np.uint8)
                for _ in range(2))
        else:
            planes = np.empty((h, w) if info.format == GRAY8 else (h, w, 3),
                              np.uint8)
        image, keep = _image_of(planes)
        self._whole('walloc_decoder_decode_with', frame, c.byref(params),
                    c.byref(image))
        return keep if info.format != I420 else rgb_of_i420(keep)

    def stats(self):
        """dict: nanoseconds that the decoder spent since it was made, in
        entropy decoding, matrix or network, and synthesis."""
        raw = (c.c_uint64 * 16)()
        self.library.plain('walloc_decoder_get_stats', self._decoder, raw)
        return dict(frames=raw[0], bytes=raw[1], pixels=raw[2],
                    ns_entropy=raw[4], ns_network=raw[5], ns_synthesis=raw[6])


def _image_of(picture):
    """(walloc_image, what it points into) of an array or planes."""
    if isinstance(picture, tuple):
        planes = tuple(np.ascontiguousarray(p) for p in picture)
        h, w = planes[0].shape
        half = ((h + 1) // 2, (w + 1) // 2)
        if len(planes) != 3 or planes[1].shape != half or \
                planes[2].shape != half:
            raise ValueError('I420 wants planes [h, w] and twice '
                             '[ceil h/2, ceil w/2]')
        form, keep = I420, planes
    else:
        keep = np.ascontiguousarray(picture)
        if keep.ndim == 2:
            form = GRAY8
        elif keep.ndim == 3 and keep.shape[2] == 3:
            form = RGB
        else:
            raise ValueError('a picture is uint8 [h, w] or [h, w, 3], not '
                             + str(keep.shape))
        h, w = keep.shape[:2]
        planes = (keep,)
    if any(p.dtype != np.uint8 for p in planes):
        raise ValueError('samples must be uint8')
    image = _Image(form, w, h)
    for i, plane in enumerate(planes):
        image.plane[i] = plane.ctypes.data
        image.stride[i] = plane.strides[0]
    return image, keep


def i420_of_rgb(rgb, full=True):
    """Planes (Y, Cb, Cr) uint8 of RGB uint8 [h, w, 3]: BT.601, chroma the
    mean of 2x2 pixels; full: 0 to 255, else 16 to 235 and 240."""
    x = rgb.astype(np.float32)
    y = x @ np.float32([0.299, 0.587, 0.114])
    chroma = np.stack([(x[..., 2] - y) / 1.772, (x[..., 0] - y) / 1.402])
    h, w = y.shape
    chroma = np.pad(chroma, ((0, 0), (0, h % 2), (0, w % 2)), 'edge')
    chroma = (chroma[:, ::2, ::2] + chroma[:, 1::2, ::2] + chroma[:, ::2, 1::2]
              + chroma[:, 1::2, 1::2]) / 4
    if not full:
        y, chroma = 16 + y * (219 / 255), chroma * (224 / 255)
    y, chroma = (np.clip(np.rint(v), 0, 255).astype(np.uint8)
                 for v in (y, chroma + 128))
    return y, chroma[0], chroma[1]


def rgb_of_i420(planes):
    """Inverse of i420_of_rgb(full=True), chroma repeated."""
    y = planes[0].astype(np.float32)
    h, w = y.shape
    cb, cr = (p.astype(np.float32).repeat(2, 0).repeat(2, 1)[:h, :w] - 128
              for p in planes[1:])
    rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr,
                    y + 1.772 * cb], -1)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)
