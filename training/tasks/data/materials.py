#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pictures of materials out of game textures in Debian packages.

    PACKAGES="$(python3 materials.py --list)" sh ../../data/fetch.sh DIR
    python3 materials.py --data DIR --out MATERIALS

The class is what the file's name says. MATERIALS/class/FAMILY__name.png is
for prepare.py with --split group: a family is what one package has in one
folder under names that differ in numbers and single letters only, and stays
on one side. manifest.tsv has source and licence of every picture.
"""
import argparse
import collections
import io
import os
import re
import sys
import zipfile

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'data'))
from photos import dhash, distance  # noqa: E402

PACKAGES = {                    # licence of textures where no stanza is nearer
    'ufoai-textures': 'GPL-2+', 'nexuiz-textures': 'GPL-2+',
    'openarena-081-textures': 'GPL-2+', 'cube2-data': 'CC-BY-3.0',
    'supertuxkart-data': 'GPL-3+, CC-BY-SA-3.0 and others',
    'torcs-data': 'GPL-2+', 'redeclipse-data': 'CC-BY-SA-3.0+'}
CLASSES = {
    'brick': ('brick', 'bricks'),
    'concrete': ('concrete', 'beton', 'cement'),
    'grass': ('grass', 'lawn'),
    'metal': ('metal', 'metall', 'steel', 'iron', 'rust', 'rusty'),
    'rock': ('rock', 'rocks', 'rocky', 'cliff', 'stone', 'stones'),
    'soil': ('dirt', 'soil', 'sand', 'mud', 'gravel'),
    'tile': ('tile', 'tiles', 'tiled'),
    'wood': ('wood', 'wooden', 'planks', 'plank', 'parquet'),
}
# maps of something else than colour, parts of models, signs
OTHER = set('''norm normal normals nm nmap nrm bump gloss glow luma lum spec
    specular local height heights disp mask ao alpha reflect shirt pants blend
    icon icons logo sign preview thumb shadow shadows door window windows
    minimap map light lights lamp particle particles smoke splash'''.split())
LETTERS = set('nshgzm')         # last word of a name: normals, gloss, height
ENDINGS = ('.jpg', '.jpeg', '.png', '.tga', '.webp')
SMALLEST, SIDE, MAX_BYTES = 128, 256, 64 << 20


def words(name):
    """Words of a file name without its ending, lower case."""
    stem = os.path.splitext(os.path.basename(name))[0]
    stem = re.sub('([a-z])([A-Z])', r'\1 \2', stem)
    return [w for w in re.split('[^a-z]+', stem.lower()) if w]


def class_of(name):
    """Class that a name says, or None."""
    w = words(name)
    if not w or set(w) & OTHER or w[-1] in LETTERS:
        return None
    found = {c for c, says in CLASSES.items() if set(w) & set(says)}
    return found.pop() if len(found) == 1 else None


def family_of(package, path):
    """What varies in numbers and single letters only."""
    folder = os.path.basename(os.path.dirname(path))
    stem = ''.join(w for w in words(path) if len(w) > 1)
    return re.sub('[^a-z0-9]+', '-', f'{package}-{folder}-{stem}'.lower())


def files(root):
    """(path, function that reads it) of every picture under a folder, also
    in zip archives."""
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.lower().endswith(('.pk3', '.zip')):
                with zipfile.ZipFile(path) as archive:
                    for info in archive.infolist():
                        if info.filename.lower().endswith(ENDINGS) and \
                                info.file_size <= MAX_BYTES:
                            yield (os.path.relpath(path, root) + '!'
                                   + info.filename,
                                   lambda a=archive, i=info: a.read(i))
            elif name.lower().endswith(ENDINGS):
                yield os.path.relpath(path, root), \
                    lambda p=path: open(p, 'rb').read()


def picture(data):
    """RGB picture whose shorter side is at most SIDE, or ValueError that says
    why not."""
    im = Image.open(io.BytesIO(data))
    if min(im.size) < SMALLEST or max(im.size) > 2 * min(im.size) or \
            im.width * im.height > 1 << 24:
        raise ValueError('size')
    if im.mode in ('RGBA', 'LA', 'PA') or 'transparency' in im.info:
        rgba = im.convert('RGBA')
        if (np.asarray(rgba.getchannel('A')) < 128).mean() > .02:
            raise ValueError('transparent')
        im = rgba
    im = im.convert('RGB')
    short = min(im.size)
    if short > SIDE:
        im = im.resize([round(n * SIDE / short) for n in im.size],
                       Image.LANCZOS)
    a = np.asarray(im, float)
    mean = a.mean((0, 1))
    if a.std(axis=(0, 1)).max() < 5:
        raise ValueError('flat')
    if mean[2] > 180 and abs(mean[:2] - 128).max() < 40:
        raise ValueError('normals')
    return im


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('--list', action='store_true',
                   help='print the packages and stop')
    p.add_argument('--data', help='folder that fetch.sh filled')
    p.add_argument('--out')
    args = p.parse_args()
    if args.list:
        print(' '.join(PACKAGES))
        return
    if not args.data or not args.out:
        p.error('--data and --out, or --list')
    rows, refused, seen = [], collections.Counter(), []
    for package, licence in PACKAGES.items():
        root = os.path.join(args.data, 'unpacked', package)
        if not os.path.isdir(root):
            raise ValueError(f'{root} is not there; fetch it first')
        for path, read in files(root):
            label = class_of(path)
            if label is None:
                continue
            try:
                im = picture(read())
            except (ValueError, OSError, SyntaxError,
                    Image.DecompressionBombError) as e:
                refused[str(e).split('\n')[0][:40]] += 1
                continue
            mark = dhash(im)
            if any(distance(mark, m) <= 5 for m in seen):
                refused['seen before'] += 1
                continue
            seen.append(mark)
            name = f'{family_of(package, path)}__{len(rows):04}.png'
            os.makedirs(os.path.join(args.out, label), exist_ok=True)
            im.save(os.path.join(args.out, label, name))
            rows.append((label, name, package, licence, path))
        print(package, len(rows), file=sys.stderr)
    with open(os.path.join(args.out, 'manifest.tsv'), 'w') as f:
        f.write('class\tfile\tpackage\tlicence\tsource\n')
        f.writelines('\t'.join(r) + '\n' for r in sorted(rows))
    for label, count in sorted(collections.Counter(
            r[0] for r in rows).items()):
        print(f'{label}: {count} pictures, '
              f'{len({r[1].split("__")[0] for r in rows if r[0] == label})} '
              'families')
    print('left out:', dict(refused.most_common(8)))


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError) as e:
        sys.exit(f'materials.py: {e}')
