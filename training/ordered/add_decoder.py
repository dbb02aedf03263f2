#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Put a network decoder into a model file; streams and the model id stay.

    python3 add_decoder.py photo-1.wlm fast.onnx [--kind fast] --out photo-1.wlm
"""
import argparse
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
import walloc_model  # noqa: E402


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('model')
    p.add_argument('onnx')
    p.add_argument('--kind', choices=('fast', 'best'), default='fast')
    p.add_argument('--out', required=True)
    args = p.parse_args()
    tensors, metadata = walloc_model.load(args.model)
    before = walloc_model.model_id(tensors, metadata)
    with open(args.onnx, 'rb') as f:
        tensors['decoder.%s.onnx' % args.kind] = np.frombuffer(
            f.read(), np.uint8)
    if walloc_model.save(args.out, tensors, metadata) != before:
        sys.exit('the model id changed: the file has tensors of its own')


if __name__ == '__main__':
    main()
