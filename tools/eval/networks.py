# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks of this project on what was coded: on latents, or on pixels.

Networks on latents (`network`) read streams of ours only. Networks on pixels
(`pixels`, an ONNX file) read what any codec gives back, so codecs can be compared
by them; training/tasks makes both of one recipe.
"""
import functools
import os

import numpy as np
from PIL import Image

from . import pipes, stats
from .net import Net, NetError
from .taskbase import Score, Task, TaskError


@functools.lru_cache(4)
def loaded(path):
    """The Net of a file, once per process."""
    return Net(path)


class OnNetwork(Task):
    """One of `network` (a name or a path; nothing is decoded) and `pixels` (a
    path; read relative to the sweep's folder)."""
    element = ''
    paths = ('pixels',)

    def __init__(self, name, **options):
        super().__init__(name, **options)
        got = [k for k in ('network', 'pixels') if options.get(k)]
        if len(got) != 1 or not isinstance(options[got[0]], str):
            raise ValueError(f'task "{name}": name one of "network" (on '
                             'latents) and "pixels" (an ONNX file)')
        self.elements = (self.element,) if got == ['network'] else ()

    def needs(self):
        lacking = super().needs()
        if not lacking and self.options.get('pixels'):
            try:
                loaded(self.options['pixels'])
            except NetError as e:
                return str(e)
        return lacking

    def fits(self, cell):
        heard = cell['media'] == 'sound'
        if self.options.get('pixels'):
            return super().fits(cell) and not heard
        return super().fits(cell) and (
            'wallocaudioenc' if heard else 'wallocenc') in cell['how']

    def on_latents(self, cell, dirty, rest):
        """What pipes.run() says of the frames encoded as the cell says, in
        the element with `rest` behind it."""
        encode = pipes.filled(cell['how'].partition(' | ')[0],
                              setting=cell['setting'])
        network = pipes.escape(self.options['network'])
        sinks = ['out'] if 'name=out' in rest else []
        kind = 'audio' if cell['media'] == 'sound' else 'video'
        got, _, messages = pipes.run(
            f'appsrc name=in ! {kind}convert ! {encode} ! {self.element} '
            f'name=net model-file="{network}" {rest}',
            {'in': dirty}, sinks)
        return got.get('out', []), messages

    def on_pixels(self, rgb, rank):
        """The network's answer, of that rank, and its labels."""
        try:
            net = loaded(self.options['pixels'])
            out = net(rgb)
        except NetError as e:
            raise TaskError(str(e)) from None
        if out.ndim != rank:
            raise TaskError(f'{self.options["pixels"]} gives {out.shape}, '
                            f'not an answer of {rank} dimensions')
        return out[0], net.labels()


class Classify(OnNetwork):
    """Which class a picture or sound is of. truth: "folder", the name of its
    folder, or "name", the part of its own before the first "_". labels: the
    classes, where the file of a network on pixels has none. Of a clip the last
    frame counts, of a sound the label that windows are surest of together."""
    element = 'compressedclassify'
    keys = ('network', 'pixels', 'labels', 'truth')
    media = ('picture', 'clip', 'sound')

    def __init__(self, name, **options):
        super().__init__(name, **options)
        if options.get('truth', 'folder') not in ('folder', 'name'):
            raise ValueError(f'task "{name}": "truth" is "folder" or "name" '
                             '(before the first "_")')

    def do(self, cell, clean, dirty, result):
        folder, name = os.path.split(cell['input'])
        truth = os.path.basename(folder) if self.options.get(
            'truth', 'folder') == 'folder' else \
            os.path.splitext(name)[0].split('_')[0]
        if self.options.get('pixels'):
            label, confidence = self._of_pixels(result[-1])
        else:
            _, messages = self.on_latents(
                cell, dirty, 'top-k=1 ! fakesink sync=false')
            said = [m for m in messages if m['name'] == 'compressedclassify']
            if not said:
                raise TaskError('compressedclassify said nothing')
            if cell['media'] == 'sound':
                label, confidence = surest(said)
            else:
                label = said[-1].get('label', '')
                confidence = said[-1].get('confidence')
        return {'truth': truth, 'label': label, 'right': int(label == truth),
                'confidence': confidence}

    def _of_pixels(self, rgb):
        logits, labels = self.on_pixels(rgb, 2)
        labels = self.options.get('labels') or labels
        if not labels or len(labels) != len(logits):
            raise TaskError(f'{self.options["pixels"]} has {len(logits)} '
                            'classes; name them in "labels"')
        share = np.exp(logits - logits.max())
        best = int(logits.argmax())
        return labels[best], round(float(share[best] / share.sum()), 6)


def surest(said):
    """(label, mean confidence over windows) of the results of windows."""
    sums = {}
    for m in said:
        sums[m.get('label', '')] = sums.get(m.get('label', ''), 0) \
            + m.get('confidence', 0)
    label = max(sorted(sums), key=sums.get)
    return label, sums[label] / len(said)


def enlarged(logits, height, width):
    """Classes uint8 [height, width] of logits [n, rows, columns] that cover
    squares of the picture, a power of two wide: the greatest one, bilinear in
    between."""
    n, rows, columns = logits.shape
    cell = 2 ** max(0, int(np.ceil(np.log2(height / rows))))

    def places(size, count):
        at = np.clip((np.arange(size) + 0.5) / cell - 0.5, 0, count - 1)
        low = np.minimum(at.astype(int), max(0, count - 2))
        return low, np.minimum(low + 1, count - 1), (at - low).astype(
            np.float32)

    y0, y1, fy = places(height, rows)
    x0, x1, fx = places(width, columns)
    best, out = None, np.zeros((height, width), np.uint8)
    for k in range(n):              # one class at a time: memory
        v = logits[k, y0] * (1 - fy[:, None]) + logits[k, y1] * fy[:, None]
        v = v[:, x0] * (1 - fx) + v[:, x1] * fx
        if best is None:
            best = v
        else:
            out[v > best] = k
            best = np.maximum(best, v)
    return out


def mean_iou(rows, axis=0):
    """Mean over classes, in per cent, of intersection over union; rows
    [pictures, 2, classes]. Classes that neither truth nor answers have are
    left out."""
    both, either = np.sum(rows, axis=axis)
    there = either > 0
    return 100 * float(np.mean(both[there] / either[there])) if there.any() \
        else float('nan')


class Segment(OnNetwork):
    """Which class each pixel is of. labels: the folder of label images, beside
    the picture's own, NAME.png of the picture's size, 8 bits, the number of each
    pixel's class; numbers of no class, and `void`, do not count."""
    element = 'compressedsegment'
    keys = ('network', 'pixels', 'labels', 'void')
    measure = 'mean IoU'

    def __init__(self, name, **options):
        super().__init__(name, **options)
        if not isinstance(options.get('labels'), str):
            raise ValueError(f'task "{name}": "labels" is missing: the folder '
                             'of label images, such as "../testannot"')
        void = options.get('void')
        if void is not None and (not isinstance(void, int)
                                 or not 0 <= void <= 255):
            raise ValueError(f'task "{name}": "void" is no number of 0 to '
                             '255')

    def truth(self, cell, height, width):
        """The label image of a cell's picture. Raises TaskError."""
        folder, name = os.path.split(cell['input'])
        path = os.path.normpath(os.path.join(
            folder, self.options['labels'],
            os.path.splitext(name)[0] + '.png'))
        try:
            with Image.open(path) as im:
                if im.mode not in ('L', 'P'):
                    raise TaskError(f'{path} is {im.mode}; label images have '
                                    '8 bits')
                if im.size != (width, height):
                    im = im.resize((width, height), Image.NEAREST)
                return np.asarray(im)
        except OSError as e:
            raise TaskError(f'{path}: {e.strerror or e}') from None

    def do(self, cell, clean, dirty, result):
        h, w = clean[0].shape[:2]
        truth = self.truth(cell, h, w)
        if self.options.get('pixels'):
            logits, _ = self.on_pixels(result[0], 4)
            mask, n = enlarged(logits, h, w), len(logits)
        else:
            masks, messages = self.on_latents(
                cell, dirty, 'mask-size=full ! fakesink sync=false net.mask ! '
                'queue ! appsink name=out')
            said = [m for m in messages if m['name'] == 'compressedsegment']
            if not said or not masks:
                raise TaskError('compressedsegment said nothing')
            # how many classes there are: arrays in messages are not readable
            mask, n = masks[-1], None
        return self.counts(truth, mask, n)

    def counts(self, truth, mask, n=None):
        """The answer: per class pixels that both have, and that either has.
        n: classes; None: all below the `void` of the label images."""
        void = self.options.get('void')
        n = n or (void if void is not None else 1 + int(max(
            truth.max(), mask.max())))
        known = truth < n
        if void is not None:
            known &= truth != void
        a, b = truth[known].astype(int), mask[known].astype(int)
        size = max(n, int(b.max(initial=0)) + 1)
        both = np.bincount(a[a == b], minlength=size)
        either = np.bincount(a, minlength=size) + np.bincount(
            b, minlength=size) - both
        return {'intersection': both.tolist(), 'union': either.tolist(),
                'right': int(both.sum()), 'pixels': int(known.sum())}

    def share(self, answer):
        return answer['right'], answer['pixels']

    def score(self, answers):
        """Mean IoU of the counts of all pictures together; interval by
        bootstrap over pictures."""
        if not answers:
            return Score(float('nan'), float('nan'), float('nan'), 0)
        n = max(len(a['union']) for a in answers)
        rows = np.array([[v + [0] * (n - len(v)) for v in (
            a['intersection'], a['union'])] for a in answers], float)
        low, high = stats.bootstrap(rows, of=mean_iou, draws=1000)
        return Score(mean_iou(rows), low, high, len(rows))
