#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes tests/golden/network: an ordered model's network decoders, the
pictures that they give, and networks that do not fit the model.

    /usr/bin/python3 training/golden_network.py [tests/golden]

needs numpy, PyWavelets and onnx (Debian: python3-pywt, python3-onnx), and the
frames of tests/golden/stream (test-stream --write). Everything behind the
bytes of a frame is computed here in double precision from
docs/bitstream.md and docs/model-format.md: latents (walloc_stream.py),
values, matrix, network, synthesis (the inverse of the matrix of
PyWavelets' filters), colour. Nothing is shared with libwalloc.

models/ordered-net-test.wlm is ordered-test.wlm with two random networks:
fast has 192 outputs, best the 96 without chroma detail. network/list.txt
names frame, decoder, format and file of every picture (planes one behind the
other, rows without gaps). network/two-ports.onnx is fast with the step as an
input of its own and chroma detail as an output of its own. network/bad-*.onnx
are what decoders refuse.
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import make_test_model
import walloc_model
import walloc_stream
from golden_transform import split_symmetric

STEPS = (4096, 4277, 4467, 4664, 4871, 5087, 5312, 5547, 5793, 6049, 6317,
         6597, 6889, 7194, 7512, 7845)
HIDDEN = 12
CASES = (('rgb', 'fast', 'RGB'), ('rgb', 'best', 'RGB'),
         ('rgb', 'fast', 'GRAY8'), ('i420-odd', 'fast', 'I420'),
         ('i420-odd', 'best', 'I420'), ('gray-noise', 'fast', 'GRAY8'),
         ('gray-noise', 'best', 'GRAY8'), ('y42b', 'fast', 'Y42B'),
         ('y444', 'fast', 'Y444'), ('y444', 'best', 'Y444'),
         ('rgb-half', 'fast', 'RGB'), ('i420-quarter', 'best', 'I420'),
         ('y42b-half', 'fast', 'Y42B'))


# --- networks --------------------------------------------------------------

def tensor(name, array):
    return numpy_helper.from_array(np.asarray(array, np.float32), name)


def graph(nodes, weights, inputs, outputs):
    """Bytes of an ONNX file. inputs, outputs: (name, shape or None)."""
    def info(pairs):
        return [helper.make_tensor_value_info(n, TensorProto.FLOAT, s)
                for n, s in pairs]

    g = helper.make_graph(nodes, 'decoder', info(inputs), info(outputs),
                          [tensor(*w) for w in weights.items()])
    return helper.make_model(
        g, opset_imports=[helper.make_opsetid('', 13)], ir_version=7,
        producer_name='golden_network').SerializeToString()


class Network:
    """1x1, tanh, 3x3, relu, 1x1: as ONNX and in numpy."""

    def __init__(self, inputs, outputs, seed):
        rng = np.random.default_rng(seed)
        first = rng.normal(0, 0.4, (HIDDEN, inputs, 1, 1))
        # means of a picture are far greater than all else; of the step no
        # less is to be seen than of a latent
        first[:, 0] *= 0.05
        first[:, -1] *= 2
        self.w = {
            'a.w': first, 'a.b': rng.normal(0, 0.2, HIDDEN),
            'b.w': rng.normal(0, 0.3, (HIDDEN, HIDDEN, 3, 3)),
            'b.b': rng.normal(0, 0.2, HIDDEN),
            'c.w': rng.normal(0, 0.15, (outputs, HIDDEN, 1, 1)),
            'c.b': rng.normal(0, 0.1, outputs)}
        self.w = {k: v.astype(np.float32) for k, v in self.w.items()}
        self.inputs, self.outputs = inputs, outputs

    def onnx(self):
        node = helper.make_node
        return graph(
            [node('Conv', ['latent', 'a.w', 'a.b'], ['a']),
             node('Tanh', ['a'], ['at']),
             node('Conv', ['at', 'b.w', 'b.b'], ['b'], pads=[1, 1, 1, 1]),
             node('Relu', ['b'], ['br']),
             node('Conv', ['br', 'c.w', 'c.b'], ['coefficients'])],
            self.w, [('latent', [1, self.inputs, 'h', 'w'])],
            [('coefficients', [1, self.outputs, 'h', 'w'])])

    def two_ports(self):
        """The same function: latents and step from two inputs, detail in
        an output of its own."""
        node = helper.make_node
        w = dict(self.w)
        a, c, bias = w.pop('a.w'), w.pop('c.w'), w.pop('c.b')
        # of the first input, everything but the step counts
        w['a.w'] = np.concatenate([a[:, :-1], 0 * a[:, -1:]], 1)
        w['s.w'] = a[:, -1:]
        w.update({'c.w': c[:96], 'c.b': bias[:96],
                  'd.w': c[96:], 'd.b': bias[96:]})
        return graph(
            [node('Conv', ['latent', 'a.w', 'a.b'], ['l']),
             node('Conv', ['step', 's.w'], ['s']),
             node('Add', ['l', 's'], ['a']),
             node('Tanh', ['a'], ['at']),
             node('Conv', ['at', 'b.w', 'b.b'], ['b'], pads=[1, 1, 1, 1]),
             node('Relu', ['b'], ['br']),
             node('Conv', ['br', 'c.w', 'c.b'], ['coefficients']),
             node('Conv', ['br', 'd.w', 'd.b'], ['detail'])],
            w, [('latent', [1, self.inputs, 'h', 'w']),
                ('step', [1, 1, 'h', 'w'])],
            [('coefficients', [1, 96, 'h', 'w']),
             ('detail', [1, 96, 'h', 'w'])])

    def __call__(self, x):
        """[inputs, h, w] to [outputs, h, w]."""
        h, w = x.shape[1:]
        x = np.tanh(np.tensordot(self.w['a.w'][:, :, 0, 0].astype(float), x, 1)
                    + self.w['a.b'][:, None, None])
        pad = np.pad(x, ((0, 0), (1, 1), (1, 1)))
        x = sum(np.tensordot(self.w['b.w'][:, :, i, j].astype(float),
                             pad[:, i:i + h, j:j + w], 1)
                for i in range(3) for j in range(3))
        x = np.maximum(x + self.w['b.b'][:, None, None], 0)
        return np.tensordot(self.w['c.w'][:, :, 0, 0].astype(float), x, 1) \
            + self.w['c.b'][:, None, None]


def bad_networks(d):
    """{name: bytes}; what a model of d channels cannot use."""
    node = helper.make_node

    def chain(inputs, outputs, shape, names=('latent',), results=('out',),
              op='Relu', **stride):
        weights = {'a': np.full((1, inputs, 1, 1), 0.01),
                   'b': np.full((outputs, 1, 1, 1), 0.01)}
        nodes = [node('Conv', [names[0], 'a'], ['x'], **stride),
                 node(op, ['x', *names[1:]], ['y'])]
        nodes += [node('Conv', ['y', 'b'], [r]) for r in results]
        return graph(nodes, weights, [(n, shape) for n in names],
                     [(r, None) for r in results])

    def free(n):
        return [1, n, 'h', 'w']

    return {
        'bad-input': chain(d, 192, free(d)),
        'bad-input-untold': chain(d, 192, [1, 'c', 'h', 'w']),
        'bad-input-rank': chain(d + 1, 192, [d + 1, 'h', 'w']),
        'bad-input-size': chain(d + 1, 192, [1, d + 1, 4, 4]),
        'bad-output': chain(d + 1, 100, free(d + 1)),
        'bad-output-size': chain(d + 1, 192, free(d + 1), strides=[2, 2]),
        'bad-output-rank': graph(
            [node('GlobalAveragePool', ['latent'], ['x']),
             node('Flatten', ['x'], ['out'])], {},
            [('latent', free(d + 1))], [('out', None)]),
        'bad-two-inputs': chain(d + 1, 192, free(d + 1), ('latent', 'more'),
                                op='Add'),
        'bad-two-outputs': chain(d + 1, 192, free(d + 1),
                                 results=('out', 'more')),
        'bad-three-inputs': chain(d + 1, 192, free(d + 1),
                                  ('latent', 'step', 'more'), op='Sum'),
        'bad-three-outputs': chain(d + 1, 96, free(d + 1),
                                   results=('out', 'detail', 'more')),
        # 32,768 times what it takes
        'bad-memory': graph(
            [node('Concat', [f'x{i}' if i else 'latent'] * 2, [f'x{i + 1}'],
                  axis=1) for i in range(15)], {},
            [('latent', free(d + 1))], [('x15', None)]),
        'bad-operator': chain(d + 1, 192, free(d + 1), op='Det'),
        'bad-bytes': b'this is no ONNX file'}


# --- decoder ---------------------------------------------------------------

def merge(low, high, axis):
    """Inverse of split_symmetric: that of its matrix."""
    n = 2 * low.shape[axis]
    matrix = np.linalg.inv(np.concatenate(split_symmetric(np.eye(n), 0)))
    both = np.concatenate([low, high], axis)
    return np.moveaxis(np.tensordot(matrix, both, (1, axis)), 0, axis)


def unpacket(bands, levels):
    """[4^levels, h, w] to a plane."""
    bands = list(bands)
    for _ in range(levels):
        bands = [merge(merge(ll, lh, 0), merge(hl, hh, 0), 1)
                 for ll, lh, hl, hh in zip(*[iter(bands)] * 4)]
    return bands[0]


def coefficients(latents, header, tensors, network):
    """[192, h, w]: luma, half-size chroma, detail."""
    s, index, n = header['set'], header['step'], len(latents)
    step = STEPS[index % 16] * 2.0 ** (index // 16) / 4096
    group, d = tensors['codec.group'], len(tensors['codec.group'])
    weight = tensors['codec.weight'][s].astype(float)
    recon = tensors['codec.recon'][s].astype(float)
    size = np.abs(latents.astype(int))
    shrink = np.take_along_axis(recon[:n], np.clip(size - 1, 0, 2).reshape(
        n, -1), 1).reshape(size.shape)
    values = np.zeros((d,) + latents.shape[1:])
    values[:n] = np.sign(latents) * np.where(size > 0, size - shrink, 0) * (
        step * weight[:n, None, None] / 4096)
    out = np.zeros((192,) + latents.shape[1:])
    rows = tensors['codec.synthesis'].astype(float)
    for g, first, count in ((0, 0, 64), (1, 64, 32), (2, 96, 96)):
        out[first:first + count] = np.tensordot(
            rows[group == g, :count].T, values[group == g], 1)
    told = np.full((1,) + latents.shape[1:], index / 64)
    added = network(np.concatenate([values / step, told]))
    out[:len(added)] += added * step
    return out


def double(plane):
    """A plane as the low band over its gain of 2; the high bands are 0."""
    zero = np.zeros_like(plane)
    return unpacket([2 * plane, zero, zero, zero], 1)


def planes(coef, header, form):
    """Planes of samples at the picture's size, as floats."""
    out = small_planes(coef, header, form)
    for left in range(header['scale'] - 1, -1, -1):
        w, h = (-(-header[k] // 2 ** left) for k in ('width', 'height'))
        for i, plane in enumerate(out):
            rows = -(-h // 2) if i and form == 'I420' else h
            columns = -(-w // 2) if i and form in ('I420', 'Y42B') else w
            out[i] = double(plane)[:rows, :columns]
    if form != 'RGB':
        return out
    y, cb, cr = out
    return [np.stack([y + 1.402 * cr,
                      y - (0.114 * 1.772 * cb + 0.299 * 1.402 * cr) / 0.587,
                      y + 1.772 * cb], -1)]


def small_planes(coef, header, form):
    """Planes of samples at the size that was coded; Y, Cb, Cr for RGB."""
    w, h = (-(-header[k] // 2 ** header['scale']) for k in ('width', 'height'))
    luma = unpacket(coef[:64], 3)[:h, :w]
    if form == 'GRAY8':
        return [luma]
    out = [luma]
    for c in range(2):
        half = coef[64 + 16 * c:80 + 16 * c]
        detail = coef[96 + 48 * c:144 + 48 * c]
        if form == 'I420':
            out.append(unpacket(half, 2)[:(h + 1) // 2, :(w + 1) // 2])
        elif form == 'Y42B':
            out.append(merge(unpacket(half, 2) * 2 ** 0.5, unpacket(
                detail[:16], 2) / 2 ** 0.5, 0)[:h, :(w + 1) // 2])
        else:
            out.append(unpacket(np.concatenate([2 * half, detail]),
                                3)[:h, :w])
    return out


def picture(data, tensors, network, form):
    header = walloc_model.parse_frame_header(data)
    latents = walloc_stream.decode_latents(data, header, tensors, {})
    coef = coefficients(latents, header, tensors, network)
    return b''.join(
        np.clip(np.rint(p + 128), 0, 255).astype(np.uint8).tobytes()
        for p in planes(coef, header, form))


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
        os.path.dirname(os.path.abspath(__file__)), '..', 'tests', 'golden')
    folder = os.path.join(root, 'network')
    os.makedirs(folder, exist_ok=True)
    tensors, metadata = make_test_model.ordered()
    number = walloc_model.model_id(tensors, metadata)
    d = len(tensors['codec.group'])
    networks = {'fast': Network(d + 1, 192, 3), 'best': Network(d + 1, 96, 4)}
    for name, network in networks.items():
        tensors[f'decoder.{name}.onnx'] = np.frombuffer(network.onnx(),
                                                        np.uint8)
    metadata['walloc.name'] = 'ordered-net-test'
    metadata['walloc.card'] = ('Untrained, with random networks; for tests. '
                               'Made by golden_network.py.')
    path = os.path.join(root, 'models', 'ordered-net-test.wlm')
    if walloc_model.save(path, tensors, metadata) != number:
        sys.exit('the networks changed the id')
    for name, data in bad_networks(d).items():
        with open(os.path.join(folder, name + '.onnx'), 'wb') as f:
            f.write(data)
    with open(os.path.join(folder, 'two-ports.onnx'), 'wb') as f:
        f.write(networks['fast'].two_ports())
    with open(os.path.join(folder, 'list.txt'), 'w') as lines:
        lines.write('# frame of ../stream, decoder, format, picture; made by '
                    'training/golden_network.py\n')
        for frame, decoder, form in CASES:
            with open(os.path.join(root, 'stream', frame + '.wlc'),
                      'rb') as f:
                samples = picture(f.read(), tensors, networks[decoder], form)
            name = f'{frame}-{decoder}-{form.lower()}.raw'
            with open(os.path.join(folder, name), 'wb') as f:
                f.write(samples)
            lines.write(f'{frame} {decoder} {form} {name}\n')
            print(f'{name}: {len(samples)} bytes')


if __name__ == '__main__':
    main()
