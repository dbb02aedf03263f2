#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes tests/golden/sound-network: sound that a network decoder gives.

    /usr/bin/python3 training/golden_sound_network.py [tests/golden]

needs numpy and onnx (Debian: python3-onnx), and the streams of
tests/golden/sound (test-sound-stream --write). Everything behind the bytes of
a frame is computed here in double precision from docs/bitstream.md and
docs/model-format.md (walloc_sound.py); nothing is shared with libwalloc.

models/sound-net-test.wlm is sound-test.wlm with a random network that asks for
three columns of the frame before. sound-network/NAME.f32 are the samples of
sound/NAME.wlc, little-endian floats in units of a 16-bit sample. bad-*.onnx
are what decoders refuse, large.onnx what needs much memory.
"""
import os
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import make_test_model
import walloc_model
import walloc_sound
import walloc_stream

HIDDEN, BEFORE, OUTPUTS = 10, 3, 512
NAMES = ('mono', 'stereo', 'five', 'pause', 'layers')


class Network:
    """1x1, tanh, 1x5, relu, 1x1: as ONNX and in numpy."""

    before = BEFORE

    def __init__(self, inputs, seed):
        rng = np.random.default_rng(seed)
        first = rng.normal(0, 0.1, (HIDDEN, inputs, 1, 1))
        first[:, -1] *= 8
        self.w = {
            'a.w': first, 'a.b': rng.normal(0, 0.2, HIDDEN),
            'b.w': rng.normal(0, 0.4, (HIDDEN, HIDDEN, 1, 5)),
            'b.b': rng.normal(0, 0.2, HIDDEN),
            'c.w': rng.normal(0, 0.2, (OUTPUTS, HIDDEN, 1, 1)),
            'c.b': rng.normal(0, 0.1, OUTPUTS)}
        self.w = {k: v.astype(np.float32) for k, v in self.w.items()}
        self.inputs = inputs

    def onnx(self, inputs=None, outputs=OUTPUTS, before=str(BEFORE), ports=1,
             stride=1):
        node = helper.make_node
        w = dict(self.w)
        if inputs:
            w['a.w'] = w['a.w'][:, :inputs]
        w['c.w'], w['c.b'] = w['c.w'][:outputs], w['c.b'][:outputs]
        names = [('latent', inputs or self.inputs), ('more', HIDDEN)][:ports]
        nodes = [node('Conv', ['latent', 'a.w', 'a.b'], ['a']),
                 node('Tanh', ['a'], ['at']),
                 node('Conv', ['at', 'b.w', 'b.b'], ['b'], pads=[0, 2, 0, 2],
                      strides=[1, stride]),
                 node('Relu', ['b'], ['br'])]
        if ports > 1:
            nodes.append(node('Add', ['br', 'more'], ['sum']))
        nodes.append(node('Conv', ['sum' if ports > 1 else 'br', 'c.w', 'c.b'],
                          ['coefficients']))
        graph = helper.make_graph(
            nodes, 'decoder', [helper.make_tensor_value_info(
                n, TensorProto.FLOAT, [1, p, 1, 'w']) for n, p in names],
            [helper.make_tensor_value_info('coefficients', TensorProto.FLOAT,
                                           None)],
            [numpy_helper.from_array(v, k) for k, v in w.items()])
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=7,
            producer_name='golden_sound_network')
        if before is not None:
            helper.set_model_props(model, {'walloc.before': before})
        return model.SerializeToString()

    def __call__(self, x):
        """[inputs][columns] to [512][columns]."""
        n = x.shape[1]
        w = {k: v.astype(float) for k, v in self.w.items()}
        x = np.tanh(w['a.w'][:, :, 0, 0] @ x + w['a.b'][:, None])
        pad = np.pad(x, ((0, 0), (2, 2)))
        x = sum(w['b.w'][:, :, 0, k] @ pad[:, k:k + n] for k in range(5))
        x = np.maximum(x + w['b.b'][:, None], 0)
        return w['c.w'][:, :, 0, 0] @ x + w['c.b'][:, None]


def large(inputs):
    """A network that adds 0.25 of a step of the first channels, and needs
    4,096 times its input on the way."""
    node = helper.make_node
    nodes = [node('Concat', [f'x{i}' if i else 'latent'] * 2, [f'x{i + 1}'],
                  axis=1) for i in range(12)]
    nodes += [node('Slice', ['x12', 'first', 'end', 'axis'], ['part']),
              node('Mul', ['part', 'quarter'], ['coefficients'])]
    values = {'first': np.array([0]), 'end': np.array([OUTPUTS]),
              'axis': np.array([1]), 'quarter': np.array(0.25, np.float32)}
    graph = helper.make_graph(
        nodes, 'decoder', [helper.make_tensor_value_info(
            'latent', TensorProto.FLOAT, [1, inputs, 1, 'w'])],
        [helper.make_tensor_value_info('coefficients', TensorProto.FLOAT,
                                       None)],
        [numpy_helper.from_array(v, k) for k, v in values.items()])
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=7,
        producer_name='golden_sound_network').SerializeToString()


def samples(data, tensors, network):
    coefs, past = [], [{} for _ in range(4)]
    for at, header in walloc_model.frames(data):
        latents, _ = walloc_stream.sound_latents(data[at:], header, tensors)
        coefs.append(walloc_sound.coefficients(latents, header, tensors,
                                               network, past))
    return walloc_sound.synthesise(np.concatenate(coefs, 2)).T


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
        os.path.dirname(os.path.abspath(__file__)), '..', 'tests', 'golden')
    folder = os.path.join(root, 'sound-network')
    os.makedirs(folder, exist_ok=True)
    tensors, metadata = make_test_model.sound()
    number = walloc_model.model_id(tensors, metadata)
    d = len(tensors['codec.group'])
    network = Network(d + 1, 5)
    tensors['decoder.fast.onnx'] = np.frombuffer(network.onnx(), np.uint8)
    metadata['walloc.name'] = 'sound-net-test'
    metadata['walloc.card'] = ('Untrained, with a random network; for tests. '
                               'Made by golden_sound_network.py.')
    if walloc_model.save(os.path.join(root, 'models', 'sound-net-test.wlm'),
                         tensors, metadata) != number:
        sys.exit('the network changed the id')
    bad = {'input': network.onnx(inputs=d), 'output': network.onnx(outputs=500),
           'before': network.onnx(before='65'),
           'before-text': network.onnx(before='two'),
           'inputs': network.onnx(ports=2), 'columns': network.onnx(stride=2),
           'bytes': b'this is no ONNX file'}
    for name, data in bad.items():
        with open(os.path.join(folder, f'bad-{name}.onnx'), 'wb') as f:
            f.write(data)
    with open(os.path.join(folder, 'large.onnx'), 'wb') as f:
        f.write(large(d + 1))
    for name in NAMES:
        with open(os.path.join(root, 'sound', name + '.wlc'), 'rb') as f:
            out = samples(f.read(), tensors, network)
        out.astype('<f4').tofile(os.path.join(folder, name + '.f32'))
        print(f'{name}: {out.shape[0]} samples, at most {abs(out).max():.0f}')


if __name__ == '__main__':
    main()
