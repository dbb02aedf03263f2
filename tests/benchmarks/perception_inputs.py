#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The inputs of tests/benchmarks/sweeps/perception-*.toml.

    perception_inputs.py --out DATA --kodak K --camvid C --trashnet T [--photos P...]

makes DATA/pages (rendered pages with their text), DATA/codes (QR codes on
photographs) and links to the pictures that the other sweeps take: DATA/road, DATA/waste,
DATA/detect (those of the photographs, Kodak's too, in which CenterNet finds
two objects or more). What is not given is left out. Copy the sweeps to DATA and run them
there. docs/evaluation/machine-perception.md says which pictures were taken.
"""
import argparse
import io
import os
import random
import subprocess
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
FONTS = '/usr/share/fonts/truetype/dejavu'
PAGE = 640, 832


def write_pages(out, count=6):
    """Pages of the licence's text, in three fonts and sizes, on paper with
    grain; beside each its text."""
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(ROOT, 'COPYING'), encoding='utf-8') as f:
        words = f.read().split()
    rng = np.random.default_rng(1)
    for n in range(count):
        font = ImageFont.truetype(os.path.join(FONTS, (
            'DejaVuSerif.ttf', 'DejaVuSans.ttf', 'DejaVuSansMono.ttf')[n % 3]),
            (18, 16, 20)[n // 3 % 3])
        page = Image.new('L', PAGE, 0)
        draw = ImageDraw.Draw(page)
        lines, line, y = [], '', 40
        while y < PAGE[1] - 60:
            word = words.pop(0)
            if line and draw.textlength(line + ' ' + word, font) > PAGE[0] - 80:
                draw.text((40, y), line, 255, font)
                lines.append(line)
                line, y = '', y + int(1.4 * font.size)
            line = (line + ' ' + word).strip()
        words.insert(0, line)
        ink = np.asarray(page, float)[:, :, None] / 255
        paper = np.array([244, 240, 228]) + 12 * np.linspace(
            -1, 1, PAGE[0])[None, :, None] + rng.normal(0, 3, (
                *PAGE[::-1], 1))
        rgb = paper * (1 - ink) + np.array([40, 36, 44]) * ink
        name = os.path.join(out, f'page{n:02}')
        Image.fromarray(np.uint8(np.clip(np.rint(rgb), 0, 255))).save(
            name + '.png')
        with open(name + '.txt', 'w', encoding='utf-8') as f:
            f.write('\n'.join(lines) + '\n')


def write_codes(out, photographs, each=5):
    """QR codes of 2 to 4 pixels a module on photographs, turned, with the
    photograph's light on them."""
    os.makedirs(out, exist_ok=True)
    rng = random.Random(1)
    for n, path in enumerate(photographs):
        with Image.open(path) as im:
            rgb = np.asarray(im.convert('RGB'), float)
        h, w = rgb.shape[:2]
        for k in range(each):
            module = rng.choice((2, 2, 3, 3, 4))
            text = f'code {n}-{k} {rng.randrange(10 ** 9)}'
            png = subprocess.run(
                ['qrencode', '-o', '-', '-s', str(module), '-m', '3', '-l',
                 'L', text], capture_output=True, check=True).stdout
            code = Image.open(io.BytesIO(png)).convert('RGBA').convert('L')
            turn = rng.uniform(-15, 15)
            ink = code.rotate(turn, Image.BICUBIC, expand=True)
            cover = Image.new('L', code.size, 255).rotate(
                turn, Image.BICUBIC, expand=True)
            x = int((w - ink.width) * (k + 0.5) / each)
            y = rng.randrange(0, h - ink.height)
            part = rgb[y:y + ink.height, x:x + ink.width]
            light = 120 + 0.4 * part.mean(2, keepdims=True)
            alpha = np.asarray(cover, float)[:, :, None] / 255
            new = light * (0.2 + 0.8 * np.asarray(ink, float)[:, :, None]
                           / 255)
            part[:] = part * (1 - alpha) + np.minimum(new, 255) * alpha
        Image.fromarray(np.uint8(np.rint(np.clip(rgb, 0, 255)))).save(
            os.path.join(out, f'codes{n:02}.png'))


def link(target, path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.lexists(path):
        os.symlink(os.path.abspath(target), path)


def names(folder):
    return sorted(n for n in os.listdir(folder)
                  if n.lower().endswith(('.png', '.jpg', '.jpeg')))


def link_road(out, camvid):
    """Every third test picture, and all label images."""
    for n in names(os.path.join(camvid, 'test'))[::3]:
        link(os.path.join(camvid, 'test', n), os.path.join(out, 'test', n))
    link(os.path.join(camvid, 'testannot'), os.path.join(out, 'testannot'))


def link_waste(out, trashnet):
    """Of every fifth of each class, which are for tests, every eighth."""
    for c in sorted(os.listdir(trashnet)):
        if os.path.isdir(os.path.join(trashnet, c)):
            for n in names(os.path.join(trashnet, c))[::5][::8]:
                link(os.path.join(trashnet, c, n), os.path.join(out, c, n))


def link_detect(out, folders, confidence, size, least):
    """Photographs in which that many objects are found, none twice."""
    from eval import nodetasks, picture
    task, seen = nodetasks.Detect('detect', confidence=confidence), []
    for folder in folders:
        for root, _, _ in sorted(os.walk(folder)):
            for n in names(root):
                path = os.path.join(root, n)
                try:
                    rgb = picture.load(path, size)
                except picture.CellError:
                    continue
                grey = np.asarray(Image.fromarray(rgb).convert('L').resize(
                    (17, 16), Image.BILINEAR), int)
                mark = (grey[:, 1:] > grey[:, :-1]).ravel()
                if min(rgb.shape[:2]) < 300 or 'Visualization' in root \
                        or any((mark != s).sum() < 30 for s in seen):
                    continue
                seen.append(mark)
                if len(nodetasks.distinct(task.boxes(rgb),
                                          confidence)) >= least:
                    link(path, os.path.join(
                        out, f'{len(seen):03}-' + os.path.basename(path)))


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('--out', required=True)
    p.add_argument('--kodak')
    p.add_argument('--camvid')
    p.add_argument('--trashnet')
    p.add_argument('--photos', nargs='*', default=[])
    p.add_argument('--confidence', type=float, default=0.4)
    p.add_argument('--size', type=int, default=400)
    p.add_argument('--least', type=int, default=2,
                   help='objects in a photograph of `detect`')
    args = p.parse_args()
    write_pages(os.path.join(args.out, 'pages'))
    if args.kodak:
        write_codes(os.path.join(args.out, 'codes'), [
            os.path.join(args.kodak, n) for n in names(args.kodak)[::2]])
    if args.camvid:
        link_road(os.path.join(args.out, 'road'), args.camvid)
    if args.trashnet:
        link_waste(os.path.join(args.out, 'waste'), args.trashnet)
    if args.kodak or args.photos:
        link_detect(os.path.join(args.out, 'detect'),
                    ([args.kodak] if args.kodak else []) + args.photos,
                    args.confidence, args.size, args.least)


if __name__ == '__main__':
    main()
