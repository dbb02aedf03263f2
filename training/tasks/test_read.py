# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads pages in fonts and of texts never seen, at several rates, and counts
wrong characters.

    python3 test_read.py latents=page-1.onnx [decoded=D.onnx] [original=O.onnx]
        --out REPORT [--pages 40] [--rates 25 40 60 85] [--tesseract 20]
        [--fonts F.ttf ...] [--texts 'DIR/*.txt' ...]

decoded and original are networks on pixels (page_export.py --pixels), given
what decoder=linear makes of the frames, and the pages as they were. Writes
REPORT.json and REPORT.png. Character error rate: Levenshtein distance over
characters of the truth, with 95 % intervals from resampled pages. `given`: the
truth's boxes; `found`: the network's own; a line that is not found counts as
deleted, one that is not there as inserted.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report  # noqa: E402
from page_export import PageReader  # noqa: E402
from page_lines import Found, box, distance, find_lines  # noqa: E402
from page_set import Coder, folded  # noqa: E402
from pages import KINDS, Pages  # noqa: E402
from progress import Progress  # noqa: E402

#: Signs that readers disagree about without being wrong.
PLAIN = str.maketrans({'‘': "'", '’': "'", '“': '"', '”': '"', '„': '"',
                       '–': '-', '—': '-', '«': '"', '»': '"', '…': '...',
                       '•': '*', '`': "'"})


class Count:
    """Errors and characters per page of one reader at one rate."""

    def __init__(self):
        self.given, self.found, self.plain = [], [], []
        self.lines = np.zeros(3, int)           # truth, missed, too many

    def counts(self):
        """Errors and characters per page, for other runs to compare with."""
        return dict(given=self.given, found=self.found, plain=self.plain,
                    lines=self.lines.tolist())

    @classmethod
    def of(cls, kept):
        """The Count that counts() was made of."""
        out = cls()
        out.given, out.found, out.plain = (
            kept[k] for k in ('given', 'found', 'plain'))
        out.lines = np.array(kept['lines'])
        return out

    def figures(self):
        out = {'pages': max(len(self.found), len(self.given))}
        for name in ('given', 'found', 'plain'):
            part = np.array(getattr(self, name), float).reshape(-1, 2)
            if len(part):
                out[name] = dict(zip(('cer', 'low', 'high'), interval(part)))
                out[name]['median_page'] = float(np.median(
                    part[:, 0] / part[:, 1]))
        out['lines'] = dict(zip(('truth', 'missed', 'extra'),
                                self.lines.tolist()))
        return out


def interval(part, other=None, rounds=4000, seed=7):
    """(rate, low, high) of errors over characters [pages, 2], or of the
    difference of two readers' rates on the same pages."""
    rng = np.random.default_rng(seed)
    pick = rng.integers(0, len(part), (rounds, len(part)))

    def rate(p, index):
        s = p[index].sum(-2)
        return s[..., 0] / s[..., 1]

    every = np.arange(len(part))
    mid, many = rate(part, every), rate(part, pick)
    if other is not None:
        mid, many = mid - rate(other, every), many - rate(other, pick)
    return (float(mid),) + tuple(float(v) for v in np.percentile(
        many, (2.5, 97.5)))


def truth_line(line, shrink=1.0):
    """A truth's Line as the Found line a perfect finder gives."""
    slope = (line.y1 - line.y0) / max(1.0, line.x1 - line.x0)
    return Found(line.x0 * shrink, line.x1 * shrink,
                 (line.y0 - slope * line.x0) * shrink, slope,
                 line.height * shrink)


def matched(read, lines, shrink=1.0):
    """Gives every line that was read to the line of the truth that it
    overlaps most. read: list of (left, top, right, bottom), text. Returns
    (per line of the truth the texts from left to right, joined; texts that
    are on no line)."""
    parts, lost = [[] for _ in lines], []
    boxes = np.array([box(truth_line(line, shrink)) for line in lines])
    for (left, top, right, bottom), text in read:
        wide = np.minimum(boxes[:, 2], right) - np.maximum(boxes[:, 0], left)
        high = np.minimum(boxes[:, 3], bottom) - np.maximum(boxes[:, 1], top)
        area = np.clip(wide, 0, None) * np.clip(high, 0, None)
        k = int(area.argmax()) if len(lines) else 0
        if len(lines) and area[k] > 0.25 * (right - left) * (bottom - top):
            parts[k].append((left, text))
        else:
            lost.append(text)
    return [' '.join(t for _, t in sorted(p)) if p else None
            for p in parts], lost


def score(count, read, lines, shrink=1.0):
    """Adds what was found and read of one page to a Count."""
    texts, lost = matched(read, lines, shrink)
    errors = plain = sum(map(len, lost))
    for text, line in zip(texts, lines):
        errors += distance(text or '', line.text)
        plain += distance((text or '').translate(PLAIN),
                          line.text.translate(PLAIN))
    total = sum(len(line.text) for line in lines)
    count.found.append((errors, total))
    count.plain.append((plain, total))
    count.lines += (len(lines), sum(t is None for t in texts), len(lost))


def run_network(reader, values, page, count, shrink, times, finds=True):
    """One page through a PageReader, with boxes given and, if it finds, with
    those found."""
    start = time.process_time()
    lines, features = reader.page(values)
    middle = time.process_time()
    if finds:
        read = [(box(f), reader.line(features, f)[0])
                for f in find_lines(lines)]
        times.append((middle - start, time.process_time() - middle))
        score(count, read, page.lines, shrink)
    else:
        times.append((middle - start, 0.0))
    errors = sum(distance(reader.line(features, truth_line(
        line, shrink))[0], line.text) for line in page.lines)
    count.given.append((errors, sum(len(l.text) for l in page.lines)))


def tesseract(image, dpi):
    """[(box, text)] per line, by the program `tesseract` (version 5, its
    model Latin, one thread), and its processor time in seconds."""
    with tempfile.NamedTemporaryFile(suffix='.png') as f:
        Image.fromarray(image).save(f.name)
        before = os.times()
        text = subprocess.run(
            ['tesseract', f.name, '-', '-l', 'Latin', '--dpi',
             str(dpi), 'tsv'], capture_output=True, text=True, check=True,
            env=dict(os.environ, OMP_THREAD_LIMIT='1')).stdout
        after = os.times()
    rows = [r.split('\t') for r in text.split('\n')[1:] if r]
    lines = {}
    for r in rows:
        if len(r) == 12 and r[0] == '5' and r[11].strip():
            lines.setdefault(tuple(r[1:5]), []).append(r)
    out = []
    for words in lines.values():
        x, y, w, h = (np.array([int(r[k]) for r in words])
                      for k in (6, 7, 8, 9))
        out.append(((int(x.min()), int(y.min()), int((x + w).max()),
                     int((y + h).max())),
                    ' '.join(r[11] for r in words)))
    return out, (after.children_user + after.children_system -
                 before.children_user - before.children_system)


def run(a, readers):
    coder = Coder()
    source = Pages(a.split, a.fonts, a.texts)
    keys = [str(q) for q in a.rates] + ['uncompressed']
    counts, times, work, sizes = {}, {}, {}, {k: [] for k in keys[:-1]}
    codec_ns = {}
    chars = lines = 0

    def at(name, key):
        return counts.setdefault(name, {}).setdefault(key, Count())

    with Progress(a.pages, 'test pages') as bar:
        for k in range(a.pages):
            page = source.draw(np.random.default_rng([a.seed, k]),
                               KINDS[a.kind])
            chars += sum(len(line.text) for line in page.lines)
            lines += len(page.lines)
            area = page.image.size
            for key in keys:
                frame = None
                if key != 'uncompressed':
                    frame = coder.codec.encode(page.image, int(key))
                    s0 = coder.codec.stats()
                    values, _, scale = coder.codec.latents(frame,
                                                           coder.channels)
                    s1 = coder.codec.stats()
                    shown = coder.codec.decode(frame, 'linear')
                    s2 = coder.codec.stats()
                    sizes[key].append((8 * len(frame), area, scale))
                    codec_ns.setdefault(key, []).append([
                        s1['ns_entropy'] - s0['ns_entropy'],
                        sum(s2[n] - s1[n] for n in (
                            'ns_entropy', 'ns_network', 'ns_synthesis')),
                        area])
                else:
                    shown = page.image
                todo = []
                if frame and 'latents' in readers:
                    todo.append(('latents', values, 0.5 ** scale))
                for name in ('decoded', 'original'):
                    if name in readers and (key == 'uncompressed' or
                                            name == 'decoded'):
                        todo.append((name, folded(shown), 1.0))
                for name, x, shrink in todo:
                    readers[name].work = 0
                    spent = times.setdefault(name, [])
                    run_network(readers[name], x, page, at(name, key),
                                shrink, spent, not a.given)
                    # the given boxes were read too: about half the lines
                    work.setdefault(name, []).append(
                        (readers[name].net.work, readers[name].work, area))
                    spent[-1] += (area,)
                if k < a.tesseract:
                    read, took = tesseract(shown, 150)
                    score(at('tesseract', key), read, page.lines)
                    times.setdefault('tesseract', []).append((took, 0, area))
            bar.step()
    out = dict(pages=a.pages, characters=chars, lines=lines, seed=a.seed,
               split=a.split, rates={}, readers={}, paired={}, ms_per_mpix={},
               macs_per_pixel={}, counts={})
    for path in a.merge:
        with open(path) as f:
            other = json.load(f)
        if other['seed'] != a.seed or other['split'] != a.split:
            sys.exit('%s is about other pages' % path)
        for name, by in other['counts'].items():
            for key, kept in by.items():
                counts.setdefault(name, {})[key] = Count.of(kept)
        for what in ('ms_per_mpix', 'macs_per_pixel'):
            out[what].update(other[what])
    for key in keys[:-1]:
        s, c = np.array(sizes[key], float), np.array(codec_ns[key], float)
        out['rates'][key] = dict(
            bpp=s[:, 0].sum() / s[:, 1].sum(), pages_at_half=int(
                (s[:, 2] > 0).sum()),
            entropy_ms_per_mpix=c[:, 0].sum() / c[:, 2].sum(),
            decode_ms_per_mpix=c[:, 1].sum() / c[:, 2].sum())
    for name, by in counts.items():
        out['readers'][name] = {key: c.figures() for key, c in by.items()}
        out['counts'][name] = {key: c.counts() for key, c in by.items()}
        if name not in times:
            continue
        t = np.array(times[name])
        out['ms_per_mpix'][name] = dict(
            page=1e9 * float(np.median(t[:, 0] / t[:, 2])),
            lines=1e9 * float(np.median(t[:, 1] / t[:, 2])))
    for name, w in work.items():
        w = np.array(w, float).sum(0)
        out['macs_per_pixel'][name] = dict(
            page=w[0] / w[2], recogniser=(w[1] - w[0]) / w[2] / (
                1 if a.given else 2))
    for name in ('decoded', 'original', 'tesseract'):
        for key in keys[:-1]:
            of = 'uncompressed' if name == 'original' else key
            if of in counts.get(name, ()) and 'latents' in counts:
                ours, theirs = counts['latents'][key], counts[name][of]
                row = {}
                for what in ('given', 'found', 'plain'):
                    b = np.array(getattr(theirs, what), float)
                    x = np.array(getattr(ours, what), float)[:len(b)]
                    if len(b) and len(b) == len(x):
                        row[what] = dict(zip(('points', 'low', 'high'), (
                            100 * v for v in interval(x, b))))
                out['paired'].setdefault('latents less ' + name, {})[key] = row
    return out


def draw(out, path):
    """Error rates over bits per pixel."""
    f, axes = report.figure(2)
    for axis, what in zip(axes, ('given', 'found')):
        for colour, (name, by) in enumerate(out['readers'].items()):
            at = [k for k in by if k in out['rates'] and what in by[k]]
            x = [out['rates'][k]['bpp'] for k in at]
            y = np.array([[by[k][what][n] for n in ('cer', 'low', 'high')]
                          for k in at]).reshape(-1, 3) * 100
            if len(at):
                axis.errorbar(x, y[:, 0], [y[:, 0] - y[:, 1],
                                           y[:, 2] - y[:, 0]],
                              marker='o', capsize=2, label=name,
                              color='C%d' % colour)
            whole = by.get('uncompressed', {}).get(what)
            if whole:
                axis.axhline(100 * whole['cer'], ls=':', lw=1,
                             color='C%d' % colour,
                             label=name + ', uncompressed')
        axis.set_title('boxes ' + what)
        axis.set_xlabel('bits per pixel')
        axis.set_ylabel('wrong characters, %')
        axis.set_yscale('log')
        axis.grid(alpha=.3, which='both')
    for axis in axes:
        axis.legend(fontsize=7)
    report.save(f, path)


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('networks', nargs='*', metavar='KIND=FILE')
    a.add_argument('--merge', nargs='*', default=[], metavar='REPORT.json',
                   help='figures of other readers on the same pages')
    a.add_argument('--out', required=True)
    a.add_argument('--split', default='test', choices=('val', 'test'))
    a.add_argument('--kind', default='book', choices=list(KINDS))
    a.add_argument('--pages', type=int, default=40)
    a.add_argument('--rates', type=int, nargs='+', default=[25, 40, 60, 85],
                   help='qualities of the encoder')
    a.add_argument('--tesseract', type=int, default=0,
                   help='let tesseract read that many pages too')
    a.add_argument('--given', action='store_true',
                   help='only with the boxes of the truth')
    a.add_argument('--seed', type=int, default=77)
    a.add_argument('--fonts', nargs='*', help='font files in place of ours')
    a.add_argument('--texts', nargs='*', help='patterns of text or HTML files')
    a = a.parse_args()
    readers = {}
    for item in a.networks:
        kind, _, path = item.partition('=')
        if kind not in ('latents', 'decoded', 'original') or not path:
            sys.exit('%s is not KIND=FILE with KIND latents, decoded or '
                     'original' % item)
        readers[kind] = PageReader(path)
    out = run(a, readers)
    report.write_json(a.out + '.json', out)
    draw(out, a.out + '.png')
    for name, by in out['readers'].items():
        for key, c in by.items():
            rate = out['rates'].get(key, {}).get('bpp', 8.0)
            text = ', '.join('%s %.2f %% (%.2f to %.2f)' % (
                what, *(100 * c[what][n] for n in ('cer', 'low', 'high')))
                for what in ('given', 'found', 'plain') if what in c)
            print('%-10s %-12s %.2f bpp: %s' % (name, key, rate, text))


if __name__ == '__main__':
    main()
