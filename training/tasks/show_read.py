# SPDX-License-Identifier: LGPL-2.1-or-later
"""A picture of what a page network finds and reads on a page.

    python3 show_read.py page-1.onnx SCAN.png --quality 40 --out seen.png

Left the page as decoder=linear makes it, with the boxes that were found from
latents alone; right what was read, where it was read.
"""
import argparse
import os
import sys

import numpy as np
from PIL import Image, ImageDraw

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from page_export import PageReader  # noqa: E402
from page_lines import box  # noqa: E402
from page_set import Coder  # noqa: E402
from fonts import installed, open_font  # noqa: E402


def show(reader, coder, picture, quality):
    """(picture 'RGB' with boxes and text, list of texts, bits per pixel) of a
    grey page, uint8 [h, w]."""
    frame = coder.codec.encode(picture, quality)
    values, _, scale = coder.codec.latents(frame, reader.channels)
    left = Image.fromarray(coder.codec.decode(frame, 'linear')).convert('RGB')
    right = Image.new('RGB', left.size, 'white')
    font = sorted(installed()['DejaVu Sans']['regular'])[0]
    pens = ImageDraw.Draw(left), ImageDraw.Draw(right)
    texts = []
    for found, text, sure in reader.read(values):
        x0, y0, x1, y1 = (v * (1 << scale) for v in box(found))
        tone = (200, 40, 40) if sure < 0.8 else (30, 90, 200)
        pens[0].rectangle([x0, y0, x1, y1], outline=tone)
        size = max(6, round(0.75 * (found.height * (1 << scale))))
        while size > 6 and open_font(font, size).getlength(text) > x1 - x0:
            size -= 1
        pens[1].text((x0, (y0 + y1) / 2), text, 'black' if sure >= 0.8 else
                     tone, open_font(font, size), anchor='lm')
        texts.append(text)
    both = Image.new('RGB', (2 * left.width + 8, left.height), (90, 90, 90))
    both.paste(left, (0, 0))
    both.paste(right, (left.width + 8, 0))
    return both, texts, 8 * len(frame) / picture.size


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('network')
    a.add_argument('picture')
    a.add_argument('--quality', type=int, default=50)
    a.add_argument('--crop', type=int, nargs=4, metavar='PIXELS',
                   help='left top right bottom of the part that is kept')
    a.add_argument('--out', required=True)
    a = a.parse_args()
    page = np.asarray(Image.open(a.picture).convert('L'))
    if a.crop:
        x0, y0, x1, y1 = a.crop
        page = np.ascontiguousarray(page[y0:y1, x0:x1])
    both, texts, rate = show(PageReader(a.network), Coder(), page, a.quality)
    both.save(a.out)
    print('%.2f bits per pixel, %d lines' % (rate, len(texts)))
    print('\n'.join(texts))


if __name__ == '__main__':
    main()
