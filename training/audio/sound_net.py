# SPDX-License-Identifier: LGPL-2.1-or-later
"""The network decoder of sound, for torch and as ONNX.

Input [n, D + 1, 1, columns]: dequantised latents in steps (zero where absent)
and how full each column is (docs/model-format.md, section 4). What goes in are
logarithms of magnitudes, and the latents as far as they are small: without the
first, one minute of training gave 0.04 dB, with them 0.17. A 1x1 convolution
in, residual blocks of two 1x3 convolutions, and two 1x1 convolutions out,
which start at zero, so that training starts from the linear decoder. What one
gives is added; what the other gives is a factor of each latent of its own,
as far as it is small: reconstruction points that depend on what is around.
"""
import numpy as np
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import bands

BEFORE = 4                      # columns of the frame before
LIMIT = 1.5                     # steps


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a = nn.Conv2d(width, width, (1, 3), padding=(0, 1))
        self.b = nn.Conv2d(width, width, (1, 3), padding=(0, 1))
        nn.init.normal_(self.b.weight, std=0.003)

    def forward(self, x):
        return x + self.b(torch.relu(self.a(x)))


class SoundNet(nn.Module):
    """scale [D + 1] brings sizes of all channels to about the same, reach [D]
    is how far latents are off without the network."""

    def __init__(self, channels, width, blocks, scale=None):
        super().__init__()
        if scale is None:
            scale = torch.ones(channels + 1)
        self.channels = channels
        self.register_buffer('scale', scale.reshape(1, -1, 1, 1))
        self.register_buffer('reach', torch.ones(1, channels, 1, 1))
        self.enter = nn.Conv2d(2 * channels + 1, width, 1)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(blocks)])
        self.add = nn.Conv2d(width, channels, 1, bias=False)
        self.gate = nn.Conv2d(width, channels, 1)
        for p in (self.add.weight, self.gate.weight, self.gate.bias):
            nn.init.zeros_(p)

    def forward(self, latent):
        small = torch.clamp(latent[:, :self.channels], -LIMIT, LIMIT)
        size = torch.log(latent.abs() + 1)
        x = torch.relu(self.enter(torch.cat([size * self.scale, small], 1)))
        x = self.blocks(x)
        return self.add(x) * self.reach + small * self.gate(x)


def onnx_bytes(net, group, synthesis):
    """The network on packet coefficients: output [1, 512, 1, columns], 256 of
    the first signal and 256 of the second. Each channel must be of one
    band."""
    d = net.channels
    if (np.count_nonzero(synthesis, axis=1) != 1).any():
        raise ValueError('channels of several bands: the factors would not be '
                         'of single coefficients')
    place = group.astype(int) * bands.BANDS + np.abs(synthesis).argmax(1)
    if len(set(place)) != 2 * bands.BANDS:
        raise ValueError('a band has no channel or more than one')
    factor = synthesis[np.arange(d), place % bands.BANDS]
    channel = np.argsort(place)             # of each coefficient
    nodes, inits = [], []

    def const(name, value, kind=np.float32):
        inits.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], output,
                                      **attributes))
        return output

    def conv(x, name, weight, bias=None):
        inputs = [x, const(name + '_weight', weight)]
        if bias is not None:
            inputs.append(const(name + '_bias', bias))
        pad = weight.shape[3] // 2
        return node('Conv', inputs, name, pads=[0, pad, 0, pad])

    def numbers(p):
        return p.detach().cpu().float().numpy()

    least, most = const('least', -LIMIT), const('most', LIMIT)
    size = node('Abs', ['latent'], 'magnitude')
    size = node('Log', [node('Add', [size, const('one', 1.0)], 'above')], 'size')
    # all planes, as slicing costs more than a column of zero weights
    small = node('Clip', ['latent', least, most], 'small')
    weight = numbers(net.enter.weight)
    of_size = weight[:, :d + 1] * numbers(net.scale)
    of_small = np.concatenate([weight[:, d + 1:], 0 * weight[:, :1]], 1)
    x = node('Add', [conv(size, 'enter', of_size, numbers(net.enter.bias)),
                     conv(small, 'signs', of_small)], 'both')
    x = node('Relu', [x], 'entered')
    for k, block in enumerate(net.blocks):
        h = conv(x, 'a%d' % k, numbers(block.a.weight), numbers(block.a.bias))
        h = node('Relu', [h], 'a%d_relu' % k)
        h = conv(h, 'b%d' % k, numbers(block.b.weight), numbers(block.b.bias))
        x = node('Add', [h, x], 'x%d' % k)
    own = node('Gather', [small, const('channel', channel, np.int64)], 'own',
               axis=1)
    rows = factor[channel][:, None, None, None]
    gate = conv(x, 'gate', numbers(net.gate.weight)[channel] * rows,
                numbers(net.gate.bias)[channel] * rows[:, 0, 0, 0])
    more = node('Mul', [gate, own], 'more')
    add = conv(x, 'add', (numbers(net.add.weight) * numbers(
        net.reach)[0, :, :, None])[channel] * rows)
    node('Add', [add, more], 'coefficients')

    def port(name, planes):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT,
                                             [1, planes, 1, 'w'])
    model = helper.make_model(
        helper.make_graph(nodes, 'decoder', [port('latent', d + 1)],
                          [port('coefficients', 2 * bands.BANDS)], inits),
        producer_name='walloc', opset_imports=[helper.make_opsetid('', 13)])
    model.ir_version = 7
    helper.set_model_props(model, {'walloc.before': str(BEFORE)})
    return model.SerializeToString()
