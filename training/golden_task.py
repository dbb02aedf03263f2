#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes tests/golden/task: tiny task networks, good ones and wrong ones.

Run with Debian's python3 (python3-onnx):
  /usr/bin/python3 training/golden_task.py [OUTPUT_FOLDER]

They read latents of the models made for tests (tests/golden/models). Nothing
is trained: what they put out follows from their input by a rule that tests
know, so that a test can tell what to expect (brightness, loudness).
docs/design/latent-inference.md says what each key and output is.
"""
import base64
import json
import os
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '..', 'tests', 'golden',
    'task')
PICTURES = '4d25cde431323797'   # ordered-test.wlm
SOUND = '502d3d7655cc0133'      # sound-test.wlm
K = 12
SHADES = ['dark', 'grey', 'bright']
COLOURS = ['#000000', '#808080', '#ffff00']


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, **attributes)


def port(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT,
                                         list(shape) or None)


def metadata(task, name, labels=None, media='video', channels=K, **more):
    out = {'version': '1', 'task': task, 'media': media,
           'model': SOUND if media == 'audio' else PICTURES,
           'channels': str(channels), 'name': name, 'licence': 'CC0-1.0'}
    if labels is not None:
        out['labels'] = json.dumps(labels)
    out.update({k: v if isinstance(v, str) else json.dumps(v)
                for k, v in more.items()})
    return {'walloc.' + k: v for k, v in out.items()}


def graph(nodes, inputs, outputs, consts=None):
    initial = [numpy_helper.from_array(np.asarray(v), k)
               for k, v in (consts or {}).items()]
    model = helper.make_model(
        helper.make_graph(nodes, 'task', inputs, outputs, initial),
        opset_imports=[helper.make_opsetid('', 13)])
    model.ir_version = 7
    model.producer_name = 'gst-walloc'
    return model


def save(name, model, properties):
    for key, value in properties.items():
        model.metadata_props.add(key=key, value=value)
    with open(os.path.join(OUT, name + '.onnx'), 'wb') as f:
        f.write(model.SerializeToString())


def f32(*values, shape=None):
    a = np.array(values, np.float32)
    return a if shape is None else a.reshape(shape)


def pick(weights, channels=K):
    """[N, channels] that multiplies channel 0 alone."""
    w = np.zeros((len(weights), channels), np.float32)
    w[:, 0] = weights
    return w


def shade_nodes(source='latents'):
    """Mean of channel 0 (8 times that of luma about the middle of its range),
    over 64: below -1 dark, above 1 bright."""
    return [node('GlobalAveragePool', [source], ['mean']),
            node('Flatten', ['mean'], ['flat']),
            node('Gemm', ['flat', 'w', 'b'], ['logits'], transB=1)]


SHADE = {'w': pick([-1 / 64, 0, 1 / 64]), 'b': f32(0, 1, 0)}


def classifier(latents=(1, K, 'h', 'w'), logits=(1, 3), consts=None,
               more_inputs=(), nodes=None):
    return graph(nodes or shade_nodes(),
                 [port('latents', *latents), *more_inputs],
                 [port('logits', *logits)], consts or SHADE)


def classify():
    save('classify', classifier(), metadata('classify', 'shade', SHADES))
    # no shapes of outputs: they show when it is prepared
    save('classify-open', classifier(logits=()),
         metadata('classify', 'shade', SHADES))
    save('classify-fixed', classifier(latents=(1, K, 3, 5)),
         metadata('classify', 'shade', SHADES))
    # a 1x1 convolution reads the latents: taken by rows
    rng = np.random.RandomState(1)
    eye = np.zeros((16, K, 1, 1), np.float32)
    eye[np.arange(K), np.arange(K)] = 1
    eye[K:] = rng.randn(16 - K, K, 1, 1) * 0.1
    save('classify-rows', classifier(
        nodes=[node('Conv', ['latents', 'eye'], ['seen'])]
        + shade_nodes('seen'),
        consts={'w': pick([-1 / 64, 0, 1 / 64], 16), 'b': f32(0, 1, 0),
                'eye': eye}), metadata('classify', 'shade', SHADES))
    # the same with weights of 16 bits and a Cast behind them, as they are
    # exported
    save('classify-half', classifier(
        nodes=[node('Cast', ['eye.half'], ['eye'], to=TensorProto.FLOAT),
               node('Conv', ['latents', 'eye'], ['seen'])]
        + shade_nodes('seen'),
        consts={'w': pick([-1 / 64, 0, 1 / 64], 16), 'b': f32(0, 1, 0),
                'eye.half': eye.astype(np.float16)}),
         metadata('classify', 'shade', SHADES))
    save('classify-inputs', inputs_graph(),
         metadata('classify', 'inputs', ['mean', 'step', 'scale']))


def listen():
    """Mean magnitude of all latents, in steps of 16: quiet or loud."""
    nodes = [node('Abs', ['latents'], ['size']),
             node('ReduceMean', ['size'], ['mean'], axes=[1, 2], keepdims=0),
             node('Reshape', ['mean', 'one'], ['flat']),
             node('Gemm', ['flat', 'w', 'b'], ['logits'], transB=1)]
    consts = {'one': np.array([1, 1]), 'w': f32(-1 / 16, 1 / 16, shape=(2, 1)),
              'b': f32(8, -8)}
    for name, columns in (('listen', 't'), ('listen-fixed', 24)):
        save(name, graph(nodes, [port('latents', 1, 8, columns)],
                         [port('logits', 1, 2)], consts),
             metadata('classify', 'loudness', ['quiet', 'loud'], 'audio', 8,
                      rate='44100', window='24', hop='8'))


def segment():
    conv = [node('Conv', ['latents', 'w', 'b'], ['logits'])]
    consts = {'w': pick([-1 / 64, 0, 1 / 64])[:, :, None, None],
              'b': f32(0, 1, 0)}
    inputs = [port('latents', 1, K, 'h', 'w')]
    save('segment', graph(conv, inputs, [port('logits', 1, 3, 'h', 'w')],
                          consts),
         metadata('segment', 'shades', SHADES, palette=COLOURS))
    # at half the resolution of the grid, and without a palette
    save('segment-half', graph(
        [node('AveragePool', ['latents'], ['half'], kernel_shape=[2, 2],
              strides=[2, 2], ceil_mode=1),
         node('Conv', ['half', 'w', 'b'], ['logits'])],
        inputs, [port('logits', 1, 3, 'h2', 'w2')], consts),
         metadata('segment', 'shades', SHADES))


def colorize():
    w = np.zeros((16, K, 1, 1), np.float32)
    w[np.arange(K), np.arange(K)] = 1
    w[K:, 0] = 0.5
    save('colorize', graph([node('Conv', ['latents', 'w'], ['plain']),
                            node('Identity', ['plain'], ['latents_out'])],
                           [port('latents', 1, K, 'h', 'w')],
                           [port('latents_out', 1, 16, 'h', 'w')], {'w': w}),
         metadata('colorize', 'tint'))


def separate():
    inputs = [port('latents', 1, 8, 't')]
    consts = {'a': f32(0.25), 'b': f32(0.75), 'axis': np.array([0])}
    stems = [node('Mul', ['latents', 'a'], ['x']),
             node('Mul', ['latents', 'b'], ['y']),
             node('Concat', ['x', 'y'], ['flat'], axis=0)]
    more = dict(rate='44100', context='4')
    save('separate', graph(
        stems + [node('Unsqueeze', ['flat', 'axis'], ['latents_out'])], inputs,
        [port('latents_out', 1, 2, 8, 't')], consts),
         metadata('separate', 'shares', ['quarter', 'rest'], 'audio', 8,
                  **more))
    # more channels than the codec model has
    save('separate-many', graph(
        stems + [node('Unsqueeze', ['flat', 'axis'], ['latents_out'])],
        [port('latents', 1, 4096, 't')],
        [port('latents_out', 1, 2, 4096, 't')], consts),
         metadata('separate', 'many', ['quarter', 'rest'], 'audio', 4096,
                  **more))
    # what came 4 columns before, and nothing
    save('separate-late', graph(
        [node('Slice', ['latents', 'from', 'to', 'last'], ['past']),
         node('Pad', ['past', 'pads'], ['late']),
         node('Sub', ['latents', 'latents'], ['none']),
         node('Concat', ['late', 'none'], ['flat'], axis=0),
         node('Unsqueeze', ['flat', 'axis'], ['latents_out'])], inputs,
        [port('latents_out', 1, 2, 8, 't')],
        {'from': np.array([0]), 'to': np.array([-4]), 'last': np.array([2]),
         'pads': np.array([0, 0, 4, 0, 0, 0]), 'axis': np.array([0])}),
         metadata('separate', 'late', ['late', 'none'], 'audio', 8, **more))
    del consts['axis']
    save('separate-flat', graph(
        stems + [node('Identity', ['flat'], ['latents_out'])], inputs,
        [port('latents_out', 2, 8, 't')], consts),
         metadata('separate', 'shares', ['quarter', 'rest'], 'audio', 8,
                  **more))


def recogniser(rows=2, symbols=3):
    """Logits of each column: the mean over its rows of feature s."""
    return graph([node('ReduceMean', ['features'], ['logits'], axes=[2],
                       keepdims=0)],
                 [port('features', 1, symbols, rows, 'w')],
                 [port('logits', 1, symbols, 'w')])


def slow_recogniser():
    """The same logits, by way of 64 copies of each feature."""
    there = np.zeros((192, 3, 1, 1), np.float32)
    there[np.arange(192), np.arange(192) % 3] = 1
    return graph([node('Conv', ['features', 'there'], ['many']),
                  node('Conv', ['many', 'back'], ['few']),
                  node('ReduceMean', ['few'], ['logits'], axes=[2],
                       keepdims=0)],
                 [port('features', 1, 3, 2, 'w')],
                 [port('logits', 1, 3, 'w')],
                 {'there': there, 'back': there.transpose(1, 0, 2, 3) / 64})


def pictures(second):
    """A reader of pictures: lines 24 pixels high wherever channel 0 is above
    0 (luma above 128), "a" there, "b" where it is above 400 (luma 178), the
    surer the brighter."""
    lines = np.zeros((5, K, 1, 1), np.float32)
    lines[0, 0] = 1
    features = np.zeros((3, K, 1, 1), np.float32)
    features[:, 0, 0, 0] = [0, 1 / 256, 2 / 256]
    model = graph([node('Conv', ['latents', 'l', 'far'], ['lines']),
                   node('Conv', ['latents', 'f', 'late'], ['features'])],
                  [port('latents', 1, K, 'h', 'w')],
                  [port('lines', 1, 5, 'h', 'w'),
                   port('features', 1, 3, 'h', 'w')],
                  {'l': lines, 'f': features, 'far': f32(0, 12, 12, 20, 20),
                   'late': f32(0, 0, -400 / 256)})
    keys = metadata('read', 'stripes', ['a', 'b'], part={'rows': 2})
    keys['walloc.recogniser'] = second
    save('page', model, keys)


def read():
    """Five lines and three features, all multiples of channel 0."""
    def page(second, **more):
        lines = np.zeros((5, K, 1, 1), np.float32)
        lines[:, 0, 0, 0] = np.arange(1, 6)
        features = np.zeros((3, K, 1, 1), np.float32)
        features[:, 0, 0, 0] = [-1, 1, 2]
        model = graph([node('Conv', ['latents', 'l'], ['lines']),
                       node('Conv', ['latents', 'f'], ['features'])],
                      [port('latents', 1, K, 'h', 'w')],
                      [port('lines', 1, 5, 'h', 'w'),
                       port('features', 1, 3, 'h', 'w')],
                      {'l': lines, 'f': features})
        keys = metadata('read', 'lines', ['a', 'b'], part={'rows': 2}, **more)
        if second is not None:
            keys['walloc.recogniser'] = second
        return model, keys

    good = base64.b64encode(recogniser().SerializeToString()).decode()
    pictures(good)
    save('read', *page(good))
    save('read-slow', *page(base64.b64encode(
        slow_recogniser().SerializeToString()).decode()))
    save('bad-no-recogniser', *page(None))
    save('bad-base64', *page(good[:40] + '!' + good[40:]))
    save('bad-recogniser', *page(good[:80]))
    save('bad-recogniser-rows', *page(base64.b64encode(
        recogniser(rows=3).SerializeToString()).decode()))
    save('bad-recogniser-symbols', *page(base64.b64encode(
        recogniser(symbols=4).SerializeToString()).decode()))


def resampler(kind, channels=K, latents='latents', out='latents_out',
              sides=('h', 'w')):
    """Enlarges by repeating positions; reduces to the mean of those that there
    are of four, and "rows" after a 1x1 convolution that changes nothing, which
    takes its input by rows."""
    consts, source = {}, latents
    nodes = []
    if kind == 'rows':
        consts['eye'] = np.eye(channels, dtype=np.float32)[:, :, None, None]
        nodes.append(node('Conv', [latents, 'eye'], ['same']))
        source = 'same'
    if kind == 'enlarge':
        consts['scales'] = f32(1, 1, 2, 2)
        nodes.append(node('Resize', [source, '', 'scales'], [out],
                          mode='nearest', nearest_mode='floor',
                          coordinate_transformation_mode='asymmetric'))
    else:
        by = 4 if kind == 'quarter' else 2
        nodes.append(node('AveragePool', [source], [out],
                          kernel_shape=[by, by], strides=[by, by],
                          ceil_mode=1))
    return graph(nodes, [port(latents, 1, channels, *sides)],
                 [port(out, 1, channels, 'h2', 'w2')], consts)


def encoded(model):
    return base64.b64encode(model.SerializeToString()).decode()


def inputs_graph(sides=('h', 'w')):
    """Logits are the inputs: mean of channel 0, step and scale."""
    return classifier(
        latents=(1, K, *sides), more_inputs=(port('scale', 1), port('step', 1)),
        nodes=[node('GlobalAveragePool', ['latents'], ['mean']),
               node('Flatten', ['mean'], ['flat']),
               node('Slice', ['flat', 'from', 'to', 'axis'], ['first']),
               node('Reshape', ['step', 'one'], ['step2']),
               node('Reshape', ['scale', 'one'], ['scale2']),
               node('Concat', ['first', 'step2', 'scale2'], ['logits'],
                    axis=1)],
        consts={'from': np.array([0]), 'to': np.array([1]),
                'axis': np.array([1]), 'one': np.array([1, 1])})


def sizes():
    """Networks that were made for pictures of 64 pixels."""
    labels = ['mean', 'step', 'scale']
    both = dict(enlarge=encoded(resampler('enlarge')),
                reduce=encoded(resampler('reduce')))

    def save_as(name, size='64', sides=('h', 'w'), **more):
        if size is not None:
            more['size'] = size
        save(name, inputs_graph(sides), metadata(
            'classify', 'inputs', labels, **more))

    save_as('size', **both)
    save_as('size-enlarge', enlarge=both['enlarge'])
    save_as('size-rows', reduce=encoded(resampler('rows')))
    save_as('size-none')
    save_as('size-fixed', sides=(8, 8), **both)
    conv = [node('Conv', ['latents', 'w', 'b'], ['logits'])]
    consts = {'w': pick([-1 / 64, 0, 1 / 64])[:, :, None, None],
              'b': f32(0, 1, 0)}
    save('size-segment', graph(conv, [port('latents', 1, K, 'h', 'w')],
                               [port('logits', 1, 3, 'h', 'w')], consts),
         metadata('segment', 'shades', SHADES, palette=COLOURS, size='64',
                  **both))
    # of a task that they are not for: not looked at
    save('size-colorize', graph(
        [node('Identity', ['latents'], ['latents_out'])],
        [port('latents', 1, K, 'h', 'w')],
        [port('latents_out', 1, K, 'h', 'w')]),
         metadata('colorize', 'same', size='64', reduce='none'))

    save_as('bad-size-none', size=None, **both)
    save_as('bad-size-zero', size='7', **both)
    save_as('bad-size-many', size='16385', **both)
    save_as('bad-size-text', size='64px', **both)
    good = both['reduce']
    save_as('bad-reduce-base64', reduce=good[:40] + '!' + good[40:])
    save_as('bad-reduce-cut', reduce=good[:80])
    save_as('bad-reduce-empty', reduce='')
    save_as('bad-reduce-input', reduce=encoded(
        resampler('reduce', latents='pixels')))
    save_as('bad-reduce-output', reduce=encoded(
        resampler('reduce', out='logits')))
    save_as('bad-reduce-channels', reduce=encoded(
        resampler('reduce', channels=K - 1)))
    save_as('bad-enlarge-channels', enlarge=encoded(
        resampler('enlarge', channels=K + 1)))
    # what shows when it runs
    save_as('bad-reduce-quarter', reduce=encoded(resampler('quarter')))
    save_as('bad-reduce-fixed', reduce=encoded(
        resampler('reduce', sides=(4, 4))))
    save_as('bad-enlarge-none', enlarge=encoded(graph(
        [node('Identity', ['latents'], ['latents_out'])],
        [port('latents', 1, K, 'h', 'w')],
        [port('latents_out', 1, K, 'h', 'w')])))
    save_as('bad-reduce-nan', reduce=encoded(graph(
        [node('AveragePool', ['latents'], ['less'], kernel_shape=[2, 2],
              strides=[2, 2], ceil_mode=1),
         node('Add', ['less', 'nan'], ['latents_out'])],
        [port('latents', 1, K, 'h', 'w')],
        [port('latents_out', 1, K, 'h2', 'w2')], {'nan': f32(np.nan)})))
    save_as('bad-reduce-huge', reduce=encoded(graph(
        [node('GlobalAveragePool', ['latents'], ['small']),
         node('Expand', ['small', 'size'], ['huge']),
         node('AveragePool', ['huge'], ['latents_out'], kernel_shape=[2, 2])],
        [port('latents', 1, K, 'h', 'w')],
        [port('latents_out', 1, K, 'h2', 'w2')],
        {'size': np.array([1, K, 1 << 14, 1 << 14])})))


def wrong():
    keys = metadata('classify', 'shade', SHADES)

    def with_keys(name, /, **changed):
        new = dict(keys)
        for key, value in changed.items():
            new.pop('walloc.' + key, None)
            if value is not None:
                new['walloc.' + key] = value
        save('bad-' + name, classifier(), new)

    for key in ('version', 'task', 'media', 'model', 'channels', 'name',
                'labels'):
        with_keys('no-' + key, **{key: None})
    with_keys('version', version='2')
    with_keys('task', task='guess')
    with_keys('media', media='smell')
    with_keys('model-short', model='4d25cde4')
    with_keys('model-other', model='0123456789abcdef')
    with_keys('channels', channels='13')
    with_keys('channels-many', channels='4097')
    with_keys('channels-text', channels='-12')
    with_keys('labels-few', labels=json.dumps(SHADES[:2]))
    with_keys('labels-json', labels='["dark", "grey"')
    with_keys('labels-none', labels='[]')
    with_keys('labels-number', labels='["dark", 2, "bright"]')
    with_keys('labels-empty', labels='["dark", "", "bright"]')
    with_keys('labels-long', labels=json.dumps(['x' * 256, 'y', 'z']))
    with_keys('sound', media='audio', rate='44100', window='24', hop='8')
    sound = dict(task='classify', media='audio', channels='12')
    with_keys('no-rate', **sound)
    with_keys('no-window', rate='44100', **sound)
    with_keys('hop', rate='44100', window='24', hop='0', **sound)
    with_keys('window-large', rate='44100', window='65536', hop='8',
              **dict(sound, channels='4096'))
    with_keys('window-many', rate='44100', window='65537', hop='8', **sound)
    segments = graph(
        [node('Conv', ['latents', 'w'], ['logits'])],
        [port('latents', 1, K, 'h', 'w')], [port('logits', 1, 3, 'h', 'w')],
        {'w': pick([-1, 0, 1])[:, :, None, None]})
    save('bad-palette-few', segments, metadata(
        'segment', 'shades', SHADES, palette=COLOURS[:2]))
    segments = graph(
        [node('Conv', ['latents', 'w'], ['logits'])],
        [port('latents', 1, K, 'h', 'w')], [port('logits', 1, 3, 'h', 'w')],
        {'w': pick([-1, 0, 1])[:, :, None, None]})
    save('bad-palette', segments, metadata(
        'segment', 'shades', SHADES, palette=['#000000', 'grey', '#ffffff']))
    # graphs that are not those of the task
    save('bad-rank', graph(
        [node('GlobalAveragePool', ['latents'], ['mean']),
         node('Conv', ['mean', 'w'], ['logits'])],
        [port('latents', 1, K, 'h', 'w')], [port('logits', 1, 3, 1, 1)],
        {'w': pick([-1, 0, 1])[:, :, None, None]}), keys)
    save('bad-rank-open', graph(
        [node('GlobalAveragePool', ['latents'], ['mean']),
         node('Conv', ['mean', 'w'], ['logits'])],
        [port('latents', 1, K, 'h', 'w')], [port('logits')],
        {'w': pick([-1, 0, 1])[:, :, None, None]}), keys)
    renamed = [node('Flatten', ['mean'], ['flat']),
               node('Gemm', ['flat', 'w', 'b'], ['classes'], transB=1)]
    save('bad-output', graph(
        [node('GlobalAveragePool', ['latents'], ['mean'])] + renamed,
        [port('latents', 1, K, 'h', 'w')], [port('classes', 1, 3)], SHADE),
         keys)
    save('bad-input', graph(
        [node('GlobalAveragePool', ['pixels'], ['mean']),
         node('Flatten', ['mean'], ['flat']),
         node('Gemm', ['flat', 'w', 'b'], ['logits'], transB=1)],
        [port('pixels', 1, K, 'h', 'w')], [port('logits', 1, 3)], SHADE), keys)
    save('bad-input-rank', classifier(latents=(1, K, 'h')), keys)
    # a bias that is no number, and one that becomes none
    save('bad-nan', classifier(consts=dict(
        SHADE, b=f32(0, float('nan'), 0))), keys)
    save('bad-log', classifier(
        nodes=shade_nodes()[:-1]
        + [node('Gemm', ['flat', 'w', 'b'], ['raw'], transB=1),
           node('Abs', ['raw'], ['size']), node('Neg', ['size'], ['below']),
           node('Add', ['below', 'under'], ['negative']),
           node('Log', ['negative'], ['logits'])],
        consts=dict(SHADE, under=f32(-1))), keys)
    # bombs
    save('bad-cycle', classifier(
        nodes=[node('Add', ['latents', 'back'], ['there']),
               node('Relu', ['there'], ['back'])] + shade_nodes('there')),
         keys)
    save('bad-missing', classifier(consts={'w': SHADE['w']}), keys)
    save('bad-huge', classifier(
        nodes=[node('GlobalAveragePool', ['latents'], ['small']),
               node('Expand', ['small', 'size'], ['huge'])]
        + shade_nodes('huge'),
        consts=dict(SHADE, size=np.array([1, K, 1 << 14, 1 << 14]))),
         keys)
    save('bad-work', classifier(
        nodes=[node('Resize', ['latents', '', 'scales'], ['big'],
                    mode='nearest'),
               node('Conv', ['big', 'many'], ['more'], pads=[7, 7, 7, 7])]
        + shade_nodes('more'),
        consts=dict(SHADE, scales=f32(1, 1, 192, 192), many=np.zeros(
            (K, K, 15, 15), np.float32))), keys)


def main():
    os.makedirs(OUT, exist_ok=True)
    for name in os.listdir(OUT):
        if name.endswith('.onnx'):
            os.remove(os.path.join(OUT, name))
    for step in (classify, listen, segment, colorize, separate, read, sizes,
                 wrong):
        step()


if __name__ == '__main__':
    main()
