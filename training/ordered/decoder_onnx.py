# SPDX-License-Identifier: LGPL-2.1-or-later
"""ONNX graphs of decoder networks (decoder_net.py), with or without what is
needed to run them in bytes.

Bytes are a matter of QuantizeLinear and DequantizeLinear pairs around the
inputs and the weights of the 3x3 and the last convolutions; weights stay
floats, so that one file serves all precisions (docs/onnx-operators.md).
"""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from decoder_net import FADE
from fit_tables import D


class Graph:
    def __init__(self):
        self.nodes, self.inits = [], []

    def const(self, name, value, dtype=np.float32):
        self.inits.append(numpy_helper.from_array(
            np.asarray(value, dtype), name))
        return name

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], output,
                                           **attributes))
        return output

    def pair(self, x, scale, zero, dtype, **attributes):
        """x as bytes and back."""
        base = x.replace('/', '_')
        s = self.const(base + '_scale', scale)
        z = self.const(base + '_zero', zero, dtype)
        q = self.node('QuantizeLinear', [x, s, z], base + '_q', **attributes)
        return self.node('DequantizeLinear', [q, s, z], base + '_dq',
                         **attributes)

    def conv(self, x, name, weight, bias, in_bytes=False, relu=False):
        w = self.const(name + '_weight', weight)
        if in_bytes:
            top = np.abs(weight).reshape(len(weight), -1).max(1)
            scale = np.maximum(top, 1e-8) / 127
            w = self.pair(w, scale, np.zeros(len(weight)), np.int8, axis=0)
        inputs = [x, w]
        if bias is not None:
            inputs.append(self.const(name + '_bias', bias))
        pad = weight.shape[2] // 2
        y = self.node('Conv', inputs, name, pads=[pad] * 4)
        return self.node('Relu', [y], name + '_relu') if relu else y


def onnx_bytes(net, sites=None):
    """net: folded Decoder; sites: per quantised convolution, in the order
    they run, (scale, zero point) of its input."""
    g = Graph()
    todo = list(sites or [])

    def conv(x, name, module, quantise=True, relu=False):
        quantise = bool(quantise and sites)
        if quantise:
            x = g.pair(x, *todo.pop(0), np.uint8)
        return g.conv(x, name, module.weight.detach().numpy(),
                      module.bias.detach().numpy(), quantise, relu)

    share = g.node('Sub', ['step', g.const('fade', FADE[0])], 'above')
    share = g.node('Mul', [share, g.const('slope', 1 / (FADE[1] - FADE[0]))],
                   'ramp')
    share = g.node('Clip', [share, g.const('none', 0.0), g.const('all', 1.0)],
                   'share')
    x = conv('latent', 'enter', net.enter, False, True)
    for k, block in enumerate(net.blocks):
        h = conv(x, 'a%d' % k, block.a, True, True)
        h = conv(h, 'b%d' % k, block.b)
        x = g.node('Add', [h, x], 'x%d' % k)
    x = g.node('Mul', [x, share], 'faded')
    weight = net.leave.weight.detach().numpy()
    if sites:
        x = g.pair(x, *todo.pop(0), np.uint8)
    # chroma detail is only asked for where the picture has it
    g.conv(x, 'coefficients', weight[:96], None, bool(sites))
    g.conv(x, 'detail', weight[96:], None, bool(sites))

    def port(name, planes):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT,
                                             [1, planes, 'h', 'w'])
    graph = helper.make_graph(
        g.nodes, 'decoder',
        [port('latent', D + 1), port('step', 1)],
        [port('coefficients', 96), port('detail', 96)], g.inits)
    model = helper.make_model(graph, producer_name='walloc',
                              opset_imports=[helper.make_opsetid('', 13)])
    model.ir_version = 7
    return model.SerializeToString()
