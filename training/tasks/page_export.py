# SPDX-License-Identifier: LGPL-2.1-or-later
"""One ONNX file of a trained reader and finder, and such a file in use.

    python3 page_export.py --reader R.pt --finder F.pt --out page-1.onnx
    reader = PageReader('page-1.onnx')
    for line, text, sure in reader.read(values): ...
"""
import argparse
import base64
import json
import os
import sys

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import export  # noqa: E402
from page_lines import crop, find_lines, text_of  # noqa: E402
from page_net import FEATURES, LUMA, ROWS  # noqa: E402
from page_set import Coder  # noqa: E402
from texts import SYMBOLS  # noqa: E402
from train_read import load  # noqa: E402


class PageNet(nn.Module):
    """Trunk and finder on the first K channels of a codec model."""

    def __init__(self, trunk, finder, luma, channels):
        super().__init__()
        self.trunk, self.finder = trunk, finder
        for part in (trunk, finder):
            part.stem = _plain_stem(part.stem, luma, channels)

    def forward(self, latents):
        return self.finder(latents), self.trunk(latents)


class _Pick(nn.Module):
    """Some of the channels."""

    def __init__(self, channels):
        super().__init__()
        self.register_buffer('channels', torch.tensor(channels))

    def forward(self, x):
        return torch.index_select(x, 1, self.channels)


def _plain_stem(stem, luma, channels):
    """The stem with its scales folded into its weights. Of size 1 it is one
    convolution of all channels, with zeros for chroma: a runner can skip the
    zeros of latents then. Larger ones read luma alone."""
    mix = stem.mix
    size, pads = mix.kernel_size, mix.padding
    picked = size != (1, 1) and len(luma) < channels
    out = nn.Conv2d(len(luma) if picked else channels, mix.out_channels,
                    size, padding=pads)
    weight = mix.weight * stem.scale[None, :, None, None]
    with torch.no_grad():
        out.weight.zero_()
        if picked:
            out.weight.copy_(weight)
        else:
            out.weight[:, luma] = weight
        out.bias.copy_(mix.bias)
    parts = [_Pick(luma)] if picked else []
    return nn.Sequential(*parts, out, nn.ReLU())


def fused(module):
    """Folds every normalisation into the convolution before it, in place."""
    for name, part in module.named_children():
        if isinstance(part, nn.Sequential) and len(part) == 2 and isinstance(
                part[1], (nn.BatchNorm1d, nn.BatchNorm2d)):
            conv, norm = part
            conv.weight, conv.bias = fuse_conv_bn_weights(
                conv.weight, conv.bias, norm.running_mean, norm.running_var,
                norm.eps, norm.weight, norm.bias)
            setattr(module, name, conv)
        elif isinstance(part, nn.ModuleList):
            for k, layer in enumerate(part):
                holder = nn.Module()
                holder.x = layer
                part[k] = fused(holder).x
        else:
            fused(part)
    return module


def write(reader, finder, path, name, luma=None, channels=LUMA, model_id=0,
          **more):
    """ONNX file of trained modules (they are changed). luma: which of the K
    = channels inputs are read; None: all (pixels, for comparison).
    Returns (bytes, largest difference from torch, multiply-adds of the page
    network for 8 x 16 positions, of the recogniser for 16 columns)."""
    luma = list(range(LUMA)) if luma is None else luma
    reader, finder = fused(reader.eval()), fused(finder.eval())
    net = PageNet(reader.trunk, finder, luma, channels)
    part = path + '.recogniser'
    torch.manual_seed(1)
    meta = export.task_metadata('read', name, model_id, channels, SYMBOLS)
    _, worst, work = export.save(
        reader.recogniser, {'features': torch.rand(1, FEATURES, ROWS, 16)},
        ['logits'], part, meta, {'features': {3: 'columns'},
                                 'logits': {2: 'steps'}})
    with open(part, 'rb') as f:
        recogniser = base64.b64encode(f.read()).decode()
    os.remove(part)
    meta = export.task_metadata(
        'read', name, model_id, channels, SYMBOLS, part={'rows': ROWS},
        recogniser=recogniser, **more)
    axes = {2: 'height', 3: 'width'}
    size, other, work_page = export.save(
        net, {'latents': 100 * torch.randn(1, channels, 8, 16)},
        ['lines', 'features'], path, meta,
        {'latents': axes, 'lines': axes, 'features': axes})
    return size, max(worst, other), work_page, work


class PageReader:
    """A page network's file in libwalloc's runner, with the steps around it
    in numpy."""

    def __init__(self, path, library=None):
        """Errors: WallocError, KeyError (a key of the metadata is missing)."""
        with open(path, 'rb') as f:
            self.net = export.Net(f.read(), library)
        self.symbols = json.loads(self._key('walloc.labels'))
        self.rows = json.loads(self._key('walloc.part'))['rows']
        self.channels = int(self._key('walloc.channels'))
        self.recogniser = export.Net(
            base64.b64decode(self._key('walloc.recogniser')), library)
        self.work = 0           # multiply-adds since it was last set to 0

    def _key(self, key):
        value = self.net.metadata(key)
        if value is None:
            raise KeyError('no ' + key + ' in the file')
        return value

    def page(self, values):
        """(lines, features) of latents [K, H, W]."""
        out = self.net.run({'latents': values[None]})
        self.work += self.net.work
        return out['lines'][0], out['features'][0]

    def line(self, features, found):
        """(text, mean probability of its steps) of a Found line."""
        part = crop(features, found, self.rows)
        logits = self.recogniser.run({'features': part[None]})['logits'][0]
        self.work += self.recogniser.work
        top = logits.max(0)
        sure = 1 / np.exp(logits - top).sum(0)
        best = logits.argmax(0)
        keep = (best > 0) & np.concatenate([[True], best[1:] != best[:-1]])
        return (text_of(logits, self.symbols),
                float(sure[keep].mean()) if keep.any() else 0.0)

    def read(self, values):
        """List of (Found, text, confidence) of a page, in reading order."""
        lines, features = self.page(values)
        return [(f,) + self.line(features, f) for f in find_lines(lines)]


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('--reader', required=True)
    a.add_argument('--finder', required=True)
    a.add_argument('--name', default='page-1')
    a.add_argument('--pixels', action='store_true',
                   help='networks trained on pixels, 64 inputs')
    a.add_argument('--out', required=True)
    a = a.parse_args()
    coder = Coder()
    kind = {} if a.pixels else dict(luma=coder.luma, channels=coder.channels,
                                    model_id=coder.codec.model_id)
    size, worst, page, line = write(
        load(a.reader), load(a.finder), a.out, a.name,
        licence='LGPL-2.1-or-later', card='models/tasks/page-1.md', **kind)
    print('%s: %d bytes, at most %.1e of the greatest value from torch; '
          'multiply-adds: page %.0f per position, recogniser %.0f per column'
          % (a.out, size, worst, page / 128, line / 16))


if __name__ == '__main__':
    main()
