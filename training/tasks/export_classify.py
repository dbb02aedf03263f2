#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A trained classifier (train_classify.py) to the ONNX file that
compressedclassify loads, checked in libwalloc's runner.

    python3 export_classify.py NAME.pt --name waste-1 --out waste-1.onnx

Networks on pixels become files with an input `pixels` [1, 3, h, w], 0 to 255:
to be timed beside and for walloc-eval's `classify`, no element takes them.
"""
import argparse
import json
import sys

import numpy as np
import torch

from export import save, task_metadata
from latents import WallocError
from train_classify import load


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('net', help='NAME.pt')
    p.add_argument('--name', required=True, help='name of the network')
    p.add_argument('--out', required=True, help='.onnx file')
    p.add_argument('--channels', type=int,
                   help='read only so many channels; entropy decoding of '
                   'fewer is quicker')
    p.add_argument('--licence', help='of data and weights')
    p.add_argument('--card', help='where the card is')
    args = p.parse_args()
    net, config = load(args.net)
    rng = np.random.default_rng(0)
    if config['input'] == 'latents':
        config['channels'] = args.channels or config['channels']
        net.fold().cut(config['channels'])
        more = {}
        if config['maps'] is not None:
            more = dict(size=str(config['size']), **config['maps'].cut(
                config['channels']).metadata())
        values = rng.laplace(size=(1, config['channels'], 33, 47)) * 20
        values = np.where(np.abs(values) < 40, 0, values)
        inputs = {'latents': torch.from_numpy(values.astype(np.float32)),
                  'step': torch.tensor([28.0]), 'scale': torch.tensor([1.0])}
        metadata = task_metadata(
            'classify', args.name, int(config['model'], 16),
            config['channels'], config['labels'], licence=args.licence,
            card=args.card, **more)
        dynamic = {'latents': {2: 'height', 3: 'width'}}
    else:
        inputs = {'pixels': torch.from_numpy(rng.uniform(
            0, 255, (1, 3, 193, 257)).astype(np.float32))}
        metadata = {'pixels.input': config['input'],
                    'walloc.labels': json.dumps(config['labels']),
                    'walloc.name': args.name}
        dynamic = {'pixels': {2: 'height', 3: 'width'}}
    size, worst, work = save(net, inputs, ['logits'], args.out, metadata,
                             dynamic)
    print(f'{args.out}: {size} bytes; libwalloc and torch differ by '
          f'{worst:.1e} of the greatest logit')


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError, WallocError) as e:
        sys.exit(f'export_classify.py: {e}')
