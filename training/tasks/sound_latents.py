# SPDX-License-Identifier: LGPL-2.1-or-later
"""Frames and latents of sound in numpy, through libwalloc itself.

    codec = SoundCodec()                            # sound-1
    frames = codec.encode(samples, 8000, 35, 32)    # list of bytes
    values = codec.latents(frames)                  # float32 [K, columns]
    samples = codec.decode(frames)                  # float32 [n, channels]

Samples are [n, channels of sound], in units of 16-bit ones, 256 of them to a
column. What a decoder gives is codec.delay samples late; latents are 4 columns
late. Of more than two channels only the first pair's latents are read. As
latents.Codec, which is for pictures: a SoundCodec belongs to one thread.
"""
import ctypes as c
import os

import numpy as np

from latents import (FrameInfo, Library, TIME_NONE, WallocError, _guarded,
                     _ModelInfo, find_model)

COLUMN = 256
LATE = 4                        # columns, of the analysis
F32 = 1


class _Params(c.Structure):
    _fields_ = [('quality', c.c_uint), ('use_step', c.c_int),
                ('step_index', c.c_uint), ('channels', c.c_uint),
                ('layers', c.c_uint), ('pts', c.c_uint64),
                ('duration', c.c_uint64), ('trim_start', c.c_uint),
                ('trim_end', c.c_uint), ('mask', c.c_uint64)]


class _Latents(c.Structure):
    _fields_ = [('pairs', c.c_uint), ('channels', c.c_uint),
                ('columns', c.c_uint), ('signals', c.c_uint * 4),
                ('data', c.POINTER(c.c_float)), ('step', c.c_float)]


class SoundCodec:
    """A model of sound; encoders are kept for every rate, number of channels
    and block size that was asked for."""

    def __init__(self, model='sound-1', library=None):
        """library: a latents.Library, a path or None. Raises WallocError."""
        self.library = library if isinstance(library, Library) \
            else Library(library)
        self._model, self._decoder = c.c_void_p(), c.c_void_p()
        self._encoders = {}
        call = self.library.call
        self.path = find_model(model)
        call('walloc_model_load', os.fsencode(self.path), None,
             c.byref(self._model))
        call('walloc_audio_decoder_new', self._model, None,
             c.byref(self._decoder))
        info, intact = _guarded(_ModelInfo)
        self.library.plain('walloc_model_get_info', self._model,
                           c.byref(info))
        params, whole = _guarded(_Params)
        self.library.plain('walloc_audio_params_init', c.byref(params))
        if not intact() or not whole() or info.media != 1 or \
                params.pts != TIME_NONE or params.mask:
            raise WallocError(-5, f'{self.library.path} has another layout of '
                              'its structures; this file and the library must '
                              'be of one source tree')
        self.model_id, self.channels = info.id, info.channels
        self.name = info.name.decode()
        self.delay = self.library.plain('walloc_audio_delay', self._model,
                                        restype=c.c_uint)
        # of a tone: a layout that is off would not give its energy
        tone = 3000 * np.sin(np.arange(8 * COLUMN) * 0.3)[:, None]
        values = self.latents(self.encode(tone, 8000, 90, 8))
        energy = np.sqrt((values[:, LATE:] ** 2).mean() * self.channels
                         / COLUMN)
        if not 1500 < energy < 3000:
            raise WallocError(-5, f'{self.library.path}: latents of a tone '
                              f'have a level of {energy:.0f}, not 2121')

    def close(self):
        """Free everything; safe to call twice."""
        for encoder in getattr(self, '_encoders', {}).values():
            self.library.plain('walloc_audio_encoder_free', encoder)
        self._encoders = {}
        for name, what in (('walloc_audio_decoder_free', '_decoder'),
                           ('walloc_model_unref', '_model')):
            handle = getattr(self, what, None)
            if handle:
                self.library.plain(name, handle)
                setattr(self, what, None)

    __del__ = close

    def bands(self):
        """(band, signal) of every channel, int arrays [K]: band 0 to 255 in
        the packet's order, signal 0 mid or 1 side."""
        out = np.zeros((2, self.channels), int)
        a, b = c.c_uint(), c.c_uint()
        for k in range(self.channels):
            code = self.library.plain('walloc_model_channel', self._model, k,
                                      c.byref(a), c.byref(b),
                                      restype=c.c_int)
            if code:
                raise WallocError(code, f'channel {k} of {self.name} is not '
                                  'one of an ordered model')
            out[:, k] = a.value, b.value
        return out[0], out[1]

    def encode(self, samples, rate, quality=50, columns=32, step_index=None):
        """Frames of a recording; the last block is filled up with silence.

        samples: [n, channels], units of 16-bit samples; quality 1 to 100, or
        step_index 0 to 352; columns of a frame, 1 to 2048."""
        samples = np.asarray(samples, np.float32)
        if samples.ndim != 2 or not 1 <= samples.shape[1] <= 8:
            raise ValueError('samples must be [n, 1 to 8 channels], not '
                             + str(samples.shape))
        block, signals = columns * COLUMN, samples.shape[1]
        key = rate, signals, columns
        if key not in self._encoders:
            encoder = c.c_void_p()
            self.library.call('walloc_audio_encoder_new', self._model, None,
                              *key, c.byref(encoder))
            self._encoders[key] = encoder
        encoder = self._encoders[key]
        self.library.plain('walloc_audio_encoder_reset', encoder)
        params = _Params()
        self.library.plain('walloc_audio_params_init', c.byref(params))
        params.quality = quality
        if step_index is not None:
            params.use_step, params.step_index = 1, step_index
        data, size, out = c.c_void_p(), c.c_size_t(), []
        for at in range(0, len(samples), block):
            part = np.zeros((block, signals), np.float32)
            part[:len(samples) - at] = samples[at:at + block]
            part *= 1 / 32768
            self.library.call(
                'walloc_audio_encoder_encode', encoder,
                part.ctypes.data_as(c.c_void_p), F32, c.byref(params),
                c.byref(data), c.byref(size), None)
            out.append(c.string_at(data, size.value))
        return out

    def latents(self, frames):
        """float32 [K, columns of all frames] of the first pair."""
        out = []
        for frame in frames:
            t = _Latents()
            self.library.call('walloc_audio_decoder_latents', self._decoder,
                              frame, c.c_size_t(len(frame)), c.byref(t), None,
                              None)
            out.append(np.ctypeslib.as_array(
                t.data, (t.pairs, t.channels, t.columns))[0].copy())
        return np.concatenate(out, 1)

    def decode(self, frames):
        """float32 [n, channels] of a whole recording: the linear decoder's,
        codec.delay samples late."""
        self.library.plain('walloc_audio_decoder_reset', self._decoder)
        out, info = [], FrameInfo()
        for frame in frames:
            self.library.call('walloc_frame_parse', frame,
                              c.c_size_t(len(frame)), c.byref(info), None)
            part = np.empty((info.columns * COLUMN, info.audio_channels),
                            np.float32)
            self.library.call(
                'walloc_audio_decoder_decode', self._decoder, frame,
                c.c_size_t(len(frame)), F32,
                part.ctypes.data_as(c.c_void_p), c.c_size_t(part.size), None,
                None)
            out.append(part)
        return np.concatenate(out) * 32768

    def stats(self):
        """dict: nanoseconds that the decoder spent since it was made."""
        raw = (c.c_uint64 * 8)()
        self.library.plain('walloc_audio_decoder_get_stats', self._decoder,
                           raw)
        return dict(frames=raw[0], bytes=raw[1], samples=raw[2],
                    ns_entropy=raw[5], ns_synthesis=raw[6])


def frequency_order(band):
    """Place of a packet's band (0 to 255, first level's choice most
    significant) on the scale of frequencies: behind a high-pass the halves of
    a band change places, so this is Gray code, undone."""
    out = np.asarray(band).copy()
    for shift in (1, 2, 4):
        out ^= out >> shift
    return out
