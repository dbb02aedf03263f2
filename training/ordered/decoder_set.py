#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Latents of crops before quantisation, for training decoder networks.

float16 [2 n, 192, 32, 32]: every crop and its mirror image. Quantisation is
then cheap enough to be drawn anew for every batch.

    python3 decoder_set.py --model photo-1.wlm --crops crops_train.npy \
        --out latents_train.npy
"""
import argparse

import numpy as np

from codec import D, Codec
from packets import coefficients


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--model', required=True)
    p.add_argument('--crops', required=True)
    p.add_argument('--out', required=True)
    args = p.parse_args()
    analysis = Codec(args.model).analysis
    crops = np.load(args.crops, mmap_mode='r')
    n, side = len(crops), crops.shape[1] // 8
    out = np.lib.format.open_memmap(args.out, 'w+', np.float16,
                                    (2 * n, D, side, side))
    for k in range(0, n, 20):
        rgb = np.array(crops[k:k + 20])
        for mirror in (0, 1):
            c = coefficients(rgb[:, :, ::-1] if mirror else rgb)
            y = np.tensordot(analysis, c, (1, 1)).transpose(1, 0, 2, 3)
            out[mirror * n + k:mirror * n + k + len(rgb)] = y
    out.flush()


if __name__ == '__main__':
    main()
