#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turn the packages fetch.sh unpacked into training, validation and test sets.

  prepare.py --data DIR --out DIR2

writes DIR2/{train,val,test}/NNNN.png (8-bit RGB), DIR2/manifest.tsv (where
each picture comes from and under which licence), DIR2/refused.tsv (what was
left out and why), DIR2/crops_train.npy and DIR2/crops_val.npy (uint8
[N,256,256,3]) and DIR2/contact-*.png to look at.  The same inputs give the
same outputs.  Needs python3-numpy, python3-pil and zstd.
"""

import argparse
import fnmatch
import os
import sys
import warnings
import zlib

import numpy as np
from PIL import Image, ImageDraw

import archives
import photos
import sources

HERE = os.path.dirname(os.path.abspath(__file__))
CROP = 256
MIN_SIDE = 256
# dHashes this close show the same scene.
SAME = 6
# Test pictures are placed first, so that a scene occurring in two splits is
# taken out of training and never out of the test.
ORDER = ('test', 'val', 'train')
COLUMNS = ('split', 'file', 'width', 'height', 'factor', 'sharpness',
           'package', 'version', 'licence', 'source_width', 'source_height',
           'source')


def log(*words):
    print(*words, file=sys.stderr, flush=True)


def read_packages():
    """[(package, split, licence)] of packages.txt."""
    rows = []
    with open(os.path.join(HERE, 'packages.txt'), encoding='utf-8') as f:
        for line in f:
            line = line.split('#')[0].strip()
            if line:
                name, split, licence = line.split(None, 2)
                rows.append((name, split, licence))
    return rows


def read_copyright(root, package):
    """Stanzas [(pattern, licence)] of a machine-readable debian/copyright."""
    path = os.path.join(root, 'usr/share/doc', package, 'copyright')
    stanzas = []
    fields = {}
    key = None
    try:
        with open(path, encoding='utf-8', errors='replace') as f:
            lines = f.read().splitlines() + ['']
    except OSError:
        return []
    for line in lines:
        if not line.strip():
            if 'files' in fields and 'license' in fields:
                licence = fields['license'].strip().splitlines()[0].strip()
                stanzas += [(p, licence) for p in fields['files'].split()]
            fields = {}
            key = None
        elif line[0] in ' \t':
            if key:
                fields[key] += '\n' + line
        elif ':' in line:
            key, value = line.split(':', 1)
            key = key.lower()
            fields[key] = value
    return stanzas


def licence_of(stanzas, path, fallback):
    """Licence of a file: the last stanza that matches wins.

    Patterns are relative to the source tree, which is not the tree of the
    binary package: every tail of the path is tried, then the path without its
    suffix (builds convert pictures), then the bare name.
    """
    for pattern, licence in sources.LICENCES:
        if fnmatch.fnmatchcase('/' + path, pattern):
            return licence
    parts = path.replace('!', '/').split('/')
    tails = ['/'.join(parts[i:]) for i in range(len(parts))]
    stems = [os.path.splitext(t)[0] for t in tails]
    found = None
    for pattern, licence in stanzas:
        if pattern.startswith('debian/'):
            continue
        if any(fnmatch.fnmatchcase(t, pattern) for t in tails):
            found = licence
        elif archives.is_picture(pattern):
            stem = os.path.splitext(pattern)[0]
            if any(fnmatch.fnmatchcase(t, stem) for t in stems):
                found = licence
            elif os.path.basename(pattern) == parts[-1]:
                found = licence
    return found or fallback


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, p) for p in patterns)


def candidates(root, globs):
    """Yield (path inside the package, path or bytes) in a fixed order."""
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            full = os.path.join(folder, name)
            inner = os.path.relpath(full, root)
            if os.path.islink(full):
                continue
            if archives.is_picture(name):
                if matches('/' + inner, globs):
                    yield inner, full
            elif archives.is_archive(name) and any('!' in g for g in globs):
                try:
                    for member, data in archives.members(full):
                        path = inner + '!' + member
                        if matches('/' + path, globs):
                            yield path, data
                except archives.ArchiveError as e:
                    log('  %s: %s' % (inner, e))


class Collector:
    """Gathers pictures, leaving out the unsuitable and the repeated."""

    def __init__(self, out):
        self.out = out
        self.rows = []
        self.refused = []
        self.hashes = []
        self.count = dict.fromkeys(ORDER, 0)

    def twin(self, h):
        for other, name in self.hashes:
            if photos.distance(h, other) <= SAME:
                return name
        return None

    def take(self, package, version, split, licence, path, source):
        for pattern, reason in sources.EXCLUDED:
            if fnmatch.fnmatchcase('/' + path, pattern):
                raise photos.Refused('excluded: ' + reason)
        im = photos.open_rgb(source)
        lossless = matches('/' + path, sources.LOSSLESS)
        if min(im.size) < MIN_SIDE * (1 if lossless else 2):
            raise photos.Refused('%d x %d is too small' % im.size)
        photos.judge(photos.measure(im))
        h = photos.dhash(im)
        twin = self.twin(h)
        if twin:
            raise photos.Refused('same scene as ' + twin)
        small, factor = photos.reduce_photo(im, lossless, MIN_SIDE)
        name = '%04d.png' % self.count[split]
        self.count[split] += 1
        small.save(os.path.join(self.out, split, name), compress_level=3)
        self.hashes.append((h, package + ':' + path))
        self.rows.append((split, name, small.width, small.height, factor,
                          '%.3f' % photos.sharpness(small), package, version,
                          licence, im.width, im.height, path))

    def package(self, data, package, split, fallback):
        root = os.path.join(data, 'unpacked', package)
        stamp = os.path.join(root, '.fetched')
        if not os.path.exists(stamp):
            log('%s: not fetched, skipped' % package)
            return
        with open(stamp, encoding='utf-8') as f:
            version = f.read().split('\t')[1]
        stanzas = read_copyright(root, package)
        before = self.count[split]
        seen = 0
        for path, source in candidates(root, sources.GLOBS[package]):
            seen += 1
            try:
                licence = licence_of(stanzas, path, fallback)
                self.take(package, version, split, licence, path, source)
            except photos.Refused as e:
                self.refused.append((package, path, str(e)))
            except (OSError, ValueError, SyntaxError,
                    Image.DecompressionBombError) as e:
                self.refused.append((package, path, 'unreadable: %s' % e))
        log('%-28s %-5s %4d of %4d' % (package, split,
                                       self.count[split] - before, seen))


def write_table(path, columns, rows):
    with open(path + '.part', 'w', encoding='utf-8') as f:
        f.write('\t'.join(columns) + '\n')
        for row in rows:
            f.write('\t'.join(str(v) for v in row) + '\n')
    os.replace(path + '.part', path)


def shares(areas, total):
    """Split total in proportion to areas, at least one each."""
    areas = np.asarray(areas, float)
    ideal = areas / areas.sum() * total
    n = np.maximum(1, np.floor(ideal)).astype(int)
    # The rest goes to the largest remainders; sorted() keeps ties in order.
    rest = sorted(range(len(n)), key=lambda i: n[i] - ideal[i])
    for i in range(max(0, total - int(n.sum()))):
        n[rest[i % len(rest)]] += 1
    return n


def flat_share(crop):
    luma = crop.astype(np.float32).mean(axis=2).reshape(32, 8, 32, 8)
    return float((luma.max(axis=(1, 3)) - luma.min(axis=(1, 3)) < 3).mean())


def cut_crops(out, split, rows, total, seed, extra_share):
    """Cut total random crops out of a split and save them shuffled.

    A share of them comes from the picture reduced once more by up to 1.5, so
    that there is detail at several scales.  Nearly empty windows (plain sky)
    are drawn again a few times; some stay, since real pictures have them.
    """
    rows = [r for r in rows if r[0] == split]
    if not rows:
        return
    # A very large picture is one scene still.
    areas = [min(r[2] * r[3], 1_000_000) for r in rows]
    crops = []
    for row, n in zip(rows, shares(areas, total)):
        rng = np.random.default_rng([seed, zlib.crc32(row[11].encode())])
        with Image.open(os.path.join(out, split, row[1])) as im:
            im = im.convert('RGB')
        extra = min(1.5, min(im.size) / CROP)
        versions = [np.asarray(im)]
        if extra >= 1.2:
            versions.append(np.asarray(photos.shrink(im, extra)))
        for _ in range(n):
            a = versions[len(versions) > 1 and rng.random() < extra_share]
            for attempt in range(4):
                y = rng.integers(0, a.shape[0] - CROP + 1)
                x = rng.integers(0, a.shape[1] - CROP + 1)
                crop = a[y:y + CROP, x:x + CROP]
                if flat_share(crop) < 0.5:
                    break
            crops.append(crop.copy())
    order = np.random.default_rng(seed).permutation(len(crops))
    path = os.path.join(out, 'crops_%s.npy' % split)
    with open(path + '.part', 'wb') as f:
        np.save(f, np.stack([crops[i] for i in order]))
    os.replace(path + '.part', path)
    log('%s: %d crops of %d pictures' % (path, len(crops), len(rows)))


def contact_sheets(out, rows, per_sheet=120, columns=12, cell=150):
    """Thumbnails with file numbers, for a person to look through."""
    for split in ORDER:
        mine = [r for r in rows if r[0] == split]
        for page in range(0, len(mine), per_sheet):
            part = mine[page:page + per_sheet]
            lines = -(-len(part) // columns)
            sheet = Image.new('RGB', (columns * cell, lines * cell), 'black')
            draw = ImageDraw.Draw(sheet)
            for i, row in enumerate(part):
                with Image.open(os.path.join(out, split, row[1])) as im:
                    im.thumbnail((cell - 4, cell - 16))
                    x, y = i % columns * cell, i // columns * cell
                    sheet.paste(im, (x + 2, y + 12))
                label = '%s %s' % (row[1][:4], row[6][:16])
                draw.text((x + 2, y), label, fill='white')
            sheet.save(os.path.join(out, 'contact-%s-%d.png' % (
                split, page // per_sheet)))


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--data', required=True, help='folder fetch.sh filled')
    p.add_argument('--out', required=True, help='folder to write')
    p.add_argument('--crops', type=int, default=3000, help='training crops')
    p.add_argument('--val-crops', type=int, default=300)
    p.add_argument('--seed', type=int, default=20241209)
    args = p.parse_args()

    Image.MAX_IMAGE_PIXELS = photos.MAX_PIXELS
    warnings.simplefilter('error', Image.DecompressionBombWarning)
    for split in ORDER:
        folder = os.path.join(args.out, split)
        os.makedirs(folder, exist_ok=True)
        # Left over from an earlier run with other rules.
        for name in os.listdir(folder):
            if name.endswith('.png'):
                os.unlink(os.path.join(folder, name))

    collector = Collector(args.out)
    for wanted in ORDER:
        for package, split, licence in read_packages():
            if split == wanted:
                collector.package(args.data, package, split, licence)
    rows = collector.rows
    write_table(os.path.join(args.out, 'manifest.tsv'), COLUMNS, rows)
    write_table(os.path.join(args.out, 'refused.tsv'),
                ('package', 'source', 'reason'), collector.refused)
    cut_crops(args.out, 'train', rows, args.crops, args.seed, 0.3)
    cut_crops(args.out, 'val', rows, args.val_crops, args.seed, 0.3)
    contact_sheets(args.out, rows)
    for split in ORDER:
        mine = [r for r in rows if r[0] == split]
        log('%-5s %4d pictures, %.1f megapixels' % (
            split, len(mine), sum(r[2] * r[3] for r in mine) / 1e6))


if __name__ == '__main__':
    main()
