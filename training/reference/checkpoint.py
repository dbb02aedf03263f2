# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads PyTorch checkpoints without trusting them.

A .pth file is a zip archive with a pickle, and a pickle can call anything
that its reader can import. This reader imports nothing: the few names that
make tensors are answered by functions below, every other name by an inert
object that only remembers its attributes. Tensors come out as numpy arrays
after their bounds have been checked.
"""

import collections
import pickle
import zipfile

import numpy as np

MAX_PICKLE = 16 << 20
MAX_STORAGE = 1 << 30
MAX_TOTAL = 4 << 30

STORAGES = {
    "FloatStorage": np.dtype("<f4"), "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"), "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"), "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"), "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}


class CheckpointError(Exception):
    """The file is not a checkpoint that can be used; says why."""


class Inert:
    """Stands for an object of a class that is not imported."""

    def __new__(cls, *_args, **_kwargs):
        self = super().__new__(cls)
        self.attributes = {}
        return self

    def __init__(self, *_args, **_kwargs):
        pass

    def __setstate__(self, state):
        if isinstance(state, tuple) and state:
            state = state[0]
        self.attributes = dict(state) if isinstance(state, dict) else {}

    def __setitem__(self, key, value):
        self.attributes[key] = value

    def append(self, value):
        """Lists of foreign classes are not kept."""

    def extend(self, values):
        """As append()."""


def _tensor(storage, offset, size, stride, *_rest):
    """A strided view of a storage, copied."""
    if not isinstance(storage, np.ndarray):
        raise CheckpointError("a tensor without a storage")
    size = tuple(int(n) for n in size)
    stride = tuple(int(n) for n in stride)
    offset = int(offset)
    if len(size) != len(stride) or len(size) > 8:
        raise CheckpointError("a tensor with a strange shape")
    if min(size + stride + (offset,)) < 0:
        raise CheckpointError("a tensor with negative sizes")
    count = 1
    for n in size:
        count *= n
    if count > MAX_STORAGE // storage.itemsize:
        raise CheckpointError("a tensor larger than this reader accepts")
    if count:
        last = offset + sum((n - 1) * s for n, s in zip(size, stride))
        if last >= storage.size:
            raise CheckpointError("a tensor that reaches past its storage")
    view = np.lib.stride_tricks.as_strided(
        storage[offset:], size, [s * storage.itemsize for s in stride],
        writeable=False) if count else np.zeros(size, storage.dtype)
    return np.array(view)


def _parameter(data, *_rest):
    return data


class _Reader(pickle.Unpickler):
    def __init__(self, stream, archive, prefix):
        super().__init__(stream)
        self.archive = archive
        self.prefix = prefix
        self.storages = {}
        self.total = 0

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch._utils":
            if name in ("_rebuild_tensor_v2", "_rebuild_tensor"):
                return _tensor
            if name == "_rebuild_parameter":
                return _parameter
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        return Inert

    def persistent_load(self, pid):
        if not (isinstance(pid, tuple) and len(pid) >= 5
                and pid[0] == "storage" and isinstance(pid[1], np.dtype)):
            raise CheckpointError("a storage of an unknown kind")
        kind, key, count = pid[1], str(pid[2]), int(pid[4])
        if key not in self.storages:
            try:
                entry = self.archive.getinfo(self.prefix + "data/" + key)
            except KeyError:
                raise CheckpointError("a storage is missing") from None
            self.total += entry.file_size
            if entry.file_size > MAX_STORAGE or self.total > MAX_TOTAL:
                raise CheckpointError("larger than this reader accepts")
            if count < 0 or entry.file_size != count * kind.itemsize:
                raise CheckpointError("a storage of a wrong size")
            self.storages[key] = np.frombuffer(self.archive.read(entry), kind)
        storage = self.storages[key]
        if storage.dtype != kind:
            raise CheckpointError("a storage with two types")
        return storage


def load(path):
    """The pickled object of a checkpoint, tensors as numpy arrays."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist()
                     if n.count("/") == 1 and n.endswith("/data.pkl")]
            if len(names) != 1:
                raise CheckpointError("not a PyTorch checkpoint: the archive "
                                      "has no data.pkl")
            prefix = names[0][:-len("data.pkl")]
            order = prefix + "byteorder"
            if order in archive.namelist() \
                    and archive.getinfo(order).file_size < 16 \
                    and archive.read(order) != b"little":
                raise CheckpointError("big-endian checkpoints are not read")
            entry = archive.getinfo(names[0])
            if entry.file_size > MAX_PICKLE:
                raise CheckpointError("the checkpoint's pickle is too large")
            with archive.open(entry) as stream:
                return _Reader(stream, archive, prefix).load()
    except zipfile.BadZipFile:
        raise CheckpointError(
            "not a zip archive; a checkpoint from before PyTorch 1.6 must be "
            "loaded and saved again with a newer PyTorch") from None
    except CheckpointError:
        raise
    except RecursionError:
        raise CheckpointError("nested too deeply") from None
    except Exception as error:      # a damaged pickle can raise anything
        raise CheckpointError(f"damaged pickle: {error}") from None


def attributes(thing):
    """Fields of a configuration: a dict, or an inert object's attributes."""
    if isinstance(thing, dict):
        return dict(thing)
    if isinstance(thing, Inert):
        return dict(thing.attributes)
    return {}
