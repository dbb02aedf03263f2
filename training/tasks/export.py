# SPDX-License-Identifier: LGPL-2.1-or-later
"""From torch to the ONNX files that libwalloc runs, checked with libwalloc.

    save(module, {'latents': x, 'step': s, 'scale': z}, ['logits'], path,
         task_metadata('classify', 'waste-1', codec, 96, labels),
         dynamic={'latents': {2: 'height', 3: 'width'}})

Weights are 16-bit floats, each with a Cast behind it, so that the file is
valid for any reader; libwalloc takes them as constants. The graph computes in
32 bits. docs/design/latent-inference.md has the metadata.
"""
import ctypes as c
import io
import json

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from latents import Library, WallocError

TASKS = ('classify', 'segment', 'colorize', 'separate', 'read')
SMALLEST = 32                   # weights; smaller tensors stay 32-bit floats


def task_metadata(task, name, model_id, channels, labels=None, media='video',
                  licence=None, card=None, **more):
    """The metadata properties of a task network, all strings.

    model_id: int, of the codec model; labels: list of str; more: keys without
    "walloc.", such as rate=44100 or palette=[...] (lists become JSON)."""
    if task not in TASKS:
        raise ValueError(f'no task {task}; known are ' + ', '.join(TASKS))
    out = {'version': '1', 'task': task, 'media': media,
           'model': f'{model_id:016x}', 'channels': str(channels),
           'name': name}
    if labels is not None:
        out['labels'] = json.dumps(list(labels), ensure_ascii=False)
    for key, value in dict(licence=licence, card=card, **more).items():
        if value is not None:
            out[key] = value if isinstance(value, str) else json.dumps(value)
    return {'walloc.' + k: v for k, v in out.items()}


def to_bytes(module, inputs, outputs, metadata, dynamic=None, opset=13):
    """ONNX file of a module, as bytes.

    inputs: {name: example tensor}, in the order of forward(); outputs: names;
    metadata: {str: str}; dynamic: {input or output: {dimension: name}}."""
    module.eval()
    file = io.BytesIO()
    with torch.no_grad():
        torch.onnx.export(module, tuple(inputs.values()), file,
                          input_names=list(inputs), output_names=outputs,
                          dynamic_axes=dynamic or {}, opset_version=opset,
                          do_constant_folding=True)
    model = onnx.load_from_string(file.getvalue())
    graph, casts = model.graph, []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        value = numpy_helper.to_array(tensor)
        if value.size < SMALLEST:
            continue
        if not np.isfinite(value.astype(np.float16)).all():
            raise ValueError(f'{tensor.name} does not fit 16-bit floats')
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(value.astype(np.float16),
                                                name + '.half'))
        casts.append(helper.make_node('Cast', [name + '.half'], [name],
                                      name + '.cast', to=TensorProto.FLOAT))
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    del model.metadata_props[:]
    for key, value in sorted(metadata.items()):
        model.metadata_props.add(key=key, value=value)
    model.producer_name, model.producer_version = 'gst-walloc', ''
    graph.name = metadata.get('walloc.name', 'task')
    onnx.checker.check_model(model)
    return model.SerializeToString()


def save(module, inputs, outputs, path, metadata, dynamic=None, opset=13,
         library=None, tolerance=2e-2):
    """Write an ONNX file and compare libwalloc's results for the example
    inputs with the module's: the greatest difference, as a share of the
    greatest value, must be below tolerance (weights in 16 bits alone make
    about 1e-3). Returns (bytes written, that difference, multiply-adds)."""
    data = to_bytes(module, inputs, outputs, metadata, dynamic, opset)
    with torch.no_grad():
        want = module(*inputs.values())
    want = [want] if torch.is_tensor(want) else list(want)
    net = Net(data, library)
    got = net.run({k: v.numpy() for k, v in inputs.items()})
    worst = 0.0
    for name, tensor in zip(outputs, want):
        a, b = got[name], tensor.numpy()
        if a.shape != b.shape:
            raise ValueError(f'{name} is {a.shape} in libwalloc, {b.shape} in '
                             'torch')
        worst = max(worst, float(np.abs(a - b).max()
                                 / max(1e-9, np.abs(b).max())))
    if not worst < tolerance:
        raise ValueError(f'libwalloc differs from torch by {worst:.2g} of the '
                         f'greatest value, over {tolerance:.2g}')
    with open(path, 'wb') as f:
        f.write(data)
    return len(data), worst, net.work


class _Shape(c.Structure):
    _fields_ = [('rank', c.c_uint), ('dims', c.c_int64 * 8)]


class Net:
    """An ONNX file in libwalloc's runner."""

    def __init__(self, data, library=None):
        """data: bytes; library: a Library, a path or None. Raises
        WallocError when libwalloc refuses the file."""
        self.library = library if isinstance(library, Library) \
            else Library(library)
        self._net = c.c_void_p()
        self.library.call('walloc_net_load', c.byref(self._net), data,
                          c.c_size_t(len(data)), 0, None, None)
        plain = self.library.plain
        self.inputs = [self._name('walloc_net_input', i) for i in range(
            plain('walloc_net_inputs', self._net, restype=c.c_uint))]
        self.outputs = [self._name('walloc_net_output', i) for i in range(
            plain('walloc_net_outputs', self._net, restype=c.c_uint))]
        self.work, self._prepared = 0, None

    def _name(self, function, index, shape=None):
        return self.library.plain(function, self._net, c.c_uint(index), shape,
                                  restype=c.c_char_p).decode()

    def close(self):
        """Free the network; safe to call twice."""
        if getattr(self, '_net', None):
            self.library.plain('walloc_net_free', self._net)
            self._net = None

    __del__ = close

    def set_precision(self, precision):
        """f32 (the default), bf16, int8 or fastest; see
        docs/onnx-operators.md."""
        self.library.call('walloc_net_set_precision', self._net, (
            'f32', 'bf16', 'int8', 'fastest').index(precision))
        self._prepared = None

    def metadata(self, key):
        """A metadata property, or None."""
        value = self.library.plain('walloc_net_metadata', self._net,
                                   key.encode(), restype=c.c_char_p)
        return None if value is None else value.decode()

    def prepare(self, shapes):
        """Make ready for inputs of these shapes; .work is then the number of
        multiply-adds of a run. shapes: {name: tuple}. Raises WallocError."""
        missing = [n for n in self.inputs if n not in shapes]
        if missing:
            raise WallocError(-1, 'no shape for input ' + ', '.join(missing))
        array = (_Shape * len(self.inputs))()
        for i, name in enumerate(self.inputs):
            array[i].rank = len(shapes[name])
            for k, n in enumerate(shapes[name]):
                array[i].dims[k] = n
        self._prepared = None
        self.library.call('walloc_net_prepare', self._net, array,
                          c.c_uint(len(array)))
        self.work = self.library.plain('walloc_net_work', self._net,
                                       restype=c.c_uint64)
        self._prepared = [tuple(shapes[n]) for n in self.inputs]
        self._out = []
        for i in range(len(self.outputs)):
            shape = _Shape()
            self._name('walloc_net_output', i, c.byref(shape))
            self._out.append(tuple(shape.dims[:shape.rank]))

    def run(self, inputs):
        """{output: float32 array} for {input: array}; inputs that the network
        does not have are left aside."""
        arrays = [np.ascontiguousarray(inputs[n], np.float32)
                  for n in self.inputs]
        if self._prepared != [a.shape for a in arrays]:
            self.prepare({n: a.shape for n, a in zip(self.inputs, arrays)})
        out = [np.empty(s, np.float32) for s in self._out]

        def pointers(list_):
            return (c.c_void_p * len(list_))(*[a.ctypes.data for a in list_])

        self.library.call('walloc_net_run', self._net, pointers(arrays),
                          c.c_uint(len(arrays)), pointers(out),
                          c.c_uint(len(out)), None)
        return dict(zip(self.outputs, out))
