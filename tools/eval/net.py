# SPDX-License-Identifier: LGPL-2.1-or-later
"""ONNX networks in libwalloc's runner (walloc/net.h), by ctypes."""
import ctypes as c
import json
import os

import numpy as np

MAX_FILE = 256 << 20            # bytes of a network
NAMES = ('libwalloc.so.0', 'libwalloc.so')


class NetError(Exception):
    """A library or network that cannot be used; says which and why."""


class _Error(c.Structure):
    _fields_ = [('text', c.c_char * 256)]


class _Shape(c.Structure):
    _fields_ = [('rank', c.c_uint), ('dims', c.c_int64 * 8)]


def library():
    """libwalloc: the file that WALLOC_LIBRARY names, or the installed one.
    Raises NetError."""
    names = [os.environ['WALLOC_LIBRARY']] if os.environ.get(
        'WALLOC_LIBRARY') else NAMES
    why = ''
    for name in names:
        try:
            return c.CDLL(name)
        except OSError as e:
            why = why or str(e)
    raise NetError(f'libwalloc cannot be loaded: {why}; run this in `meson '
                   'devenv`, install libwalloc, or name it in '
                   'WALLOC_LIBRARY')


class Net:
    """A network of one float32 input of rank 4 beside which `step` and
    `scale`, if it has them, say that nothing was coded. For one thread."""

    # what training/tasks gives networks of pixels that were never coded
    NO_STEP, NO_SCALE = float(np.exp(3)), 0.0

    def __init__(self, path):
        """Raises NetError."""
        self._net, self._lib, self._shape = c.c_void_p(), library(), None
        try:
            size = os.path.getsize(path)
            if size > MAX_FILE:
                raise NetError(f'{path}: {size} bytes are over {MAX_FILE}')
            with open(path, 'rb') as f:
                data = f.read()
        except OSError as e:
            raise NetError(f'{path}: {e.strerror}') from None
        self._call('walloc_net_load', c.byref(self._net), data,
                   c.c_size_t(len(data)), 0, None, None, about=path)
        self.inputs = self._names('input')
        self.outputs = self._names('output')
        images = [n for n in self.inputs if n not in ('step', 'scale')]
        if len(images) != 1 or len(self.outputs) != 1:
            raise NetError(f'{path}: inputs {self.inputs} and outputs '
                           f'{self.outputs} are not a picture and one answer')
        self.image = images[0]

    def close(self):
        """Frees it; safe to call twice."""
        if self._net:
            self._lib.walloc_net_free.restype = None
            self._lib.walloc_net_free(self._net)
            self._net = c.c_void_p()

    def __del__(self):
        if getattr(self, '_lib', None):
            self.close()

    def _call(self, name, *args, about='a network'):
        error = _Error()
        if getattr(self._lib, name)(*args, c.byref(error)):
            raise NetError(f'{about}: '
                           + error.text.decode('utf-8', 'replace'))

    def _name(self, kind, i, shape=None):
        function = getattr(self._lib, f'walloc_net_{kind}')
        function.restype = c.c_char_p
        return function(self._net, c.c_uint(i), shape).decode()

    def _names(self, kind):
        count = getattr(self._lib, f'walloc_net_{kind}s')
        count.restype = c.c_uint
        return [self._name(kind, i) for i in range(count(self._net))]

    def metadata(self, key):
        """A metadata property of the file, or None."""
        function = self._lib.walloc_net_metadata
        function.restype = c.c_char_p
        value = function(self._net, key.encode())
        return None if value is None else value.decode()

    def labels(self):
        """Names of its classes, or None."""
        try:
            got = json.loads(self.metadata('walloc.labels') or 'null')
        except ValueError:
            return None
        return got if isinstance(got, list) else None

    def __call__(self, rgb):
        """The answer, float32, for RGB uint8 [h, w, 3], given as [1, 3, h,
        w] of 0 to 255. Raises NetError."""
        image = np.ascontiguousarray(
            np.moveaxis(rgb, 2, 0)[None], np.float32)
        arrays = [image if n == self.image else np.float32(
            [self.NO_STEP if n == 'step' else self.NO_SCALE])
            for n in self.inputs]
        if self._shape != image.shape:
            shapes = (_Shape * len(arrays))()
            for s, a in zip(shapes, arrays):
                s.rank = a.ndim
                s.dims[:a.ndim] = a.shape
            self._shape = None
            self._call('walloc_net_prepare', self._net, shapes,
                       c.c_uint(len(arrays)))
            self._shape = image.shape
        shape = _Shape()
        self._name('output', 0, c.byref(shape))
        out = np.empty(shape.dims[:shape.rank], np.float32)

        def pointers(these):
            return (c.c_void_p * len(these))(*[a.ctypes.data for a in these])

        self._call('walloc_net_run', self._net, pointers(arrays),
                   c.c_uint(len(arrays)), pointers([out]), c.c_uint(1), None)
        return out
