#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test segmentation networks: mean IoU, per class, at several rates.

    python3 test_segment.py --data CAMVID --classes camvid.json \
        --latents road-1.onnx --decoded road-decoded.onnx \
        --pixels road-pixels.onnx --out report

writes REPORT.json and REPORT.png (mean IoU over bits per pixel, confusion,
pictures). Networks run in libwalloc, in 32-bit floats; every picture is really
coded, bits are those of whole frames with their headers. Masks are resized to
the whole picture. Intervals are 95 %, by resampling runs of consecutive
pictures (frames of one drive resemble each other); the difference of two
networks is resampled with both on the same pictures. Times are processor time
of one core, medians over pictures that all networks take in turns. What every
network answered is kept in REPORT.npz: a test that was interrupted, or that
gets one network more, goes on from there.
"""
import argparse
import base64
import os
import sys
import time
import zlib

import numpy as np
import torch

import export
import fit
import report
import resample
from latents import Codec
from progress import Progress
from segment_data import Classes, Reader, load, pairs
from train_segment import ious, matrix

KINDS = ('latents', 'decoded', 'pixels')


def bootstrap(counts, rng, draws, block):
    """Mean IoU of resampled sets. counts: [pictures, n, n] or a list of such
    arrays of the same pictures; returns [draws, len(list)]."""
    sets = counts if isinstance(counts, list) else [counts]
    n = len(sets[0])
    starts = np.arange(0, n, block)
    sums = [np.stack([s[a:a + block].sum(0) for a in starts]) for s in sets]
    out = np.empty((draws, len(sets)))
    for d in range(draws):
        pick = rng.integers(0, len(starts), len(starts))
        out[d] = [np.nanmean(ious(s[pick].sum(0))) for s in sums]
    return out


def interval(values):
    """[2.5 %, 97.5 %]."""
    return [round(float(v), 4) for v in np.percentile(values, (2.5, 97.5))]


class Tested:
    """A network, its reader, and what it has been seen to do."""

    def __init__(self, kind, path, codec, channels):
        with open(path, 'rb') as f:
            data = f.read()
        self.kind, self.net = kind, export.Net(data)
        self.reader = Reader(kind, codec, channels)
        self.made_for = int(self.net.metadata('walloc.size') or 0)
        self.maps = {n: export.Net(base64.b64decode(graph)) for n, graph in [
            (n, self.net.metadata('walloc.' + n)) for n in resample.FAR]
            if graph}
        self.size, self.path = len(data), path
        self.name = [n for n in self.net.inputs
                     if n not in ('step', 'scale')][0]
        self.crc = zlib.crc32(data)

    def fitted(self, x, step, scale, width, height):
        """Latents [K, H, W] at the size that the network was made for, by the
        graphs in its file; also the multiply-adds for it."""
        up, down = resample.plan(width, height, int(scale), self.made_for,
                                 *(n in self.maps for n in resample.FAR))
        work = 0
        for k in range(up + down):
            net = self.maps['enlarge' if k < up else 'reduce']
            x = net.run({'latents': x[None]})['latents_out'][0]
            work += net.work
            if k < up:
                coded = int(scale) - k - 1
                x = x[:, :-(-(-(-height // (1 << coded))) // 8),
                      :-(-(-(-width // (1 << coded))) // 8)]
        return x, step / (1 << down), 0 if down else scale, work

    def __call__(self, rgb, frame):
        """(logits, seconds to make the input, seconds of the network)."""
        a = time.process_time()
        x, step, scale = self.reader(rgb, frame)
        b = time.process_time()
        x, self.work = np.float32(x), 0
        if self.kind != 'latents':
            x = np.ascontiguousarray(x.transpose(2, 0, 1))
        else:
            x, step, scale, self.work = self.fitted(x, step, scale,
                                                    *rgb.shape[1::-1])
            b = time.process_time()
        feed = {self.name: x[None], 'step': np.float32([step]),
                'scale': np.float32([scale])}
        shapes = [feed[n].shape for n in self.net.inputs]
        if self.net._prepared != shapes:
            self.net.prepare({n: feed[n].shape for n in self.net.inputs})
        c = time.process_time()
        out = self.net.run(feed)['logits']
        self.work += self.net.work
        return out, b - a, time.process_time() - c


class Kept:
    """Confusions by picture [pictures, n, n] of networks, in a file."""

    def __init__(self, path, found):
        self.path, self.have = path, {}
        self.pictures = zlib.crc32(repr([os.path.basename(f[0])
                                         for f in found]).encode())
        if os.path.exists(path):
            with np.load(path) as z:
                self.have = {k: z[k] for k in z.files}

    def key(self, t, quality):
        # what reads pictures as they came gives the same at every rate
        rate = 0 if t.kind == 'pixels' else quality
        return f'{t.kind}-{t.crc:08x}-{rate}-{self.pictures:08x}'

    def get(self, t, quality):
        return self.have.get(self.key(t, quality))

    def put(self, t, quality, counts):
        self.have[self.key(t, quality)] = counts
        with open(self.path + '.part', 'wb') as f:
            np.savez_compressed(f, **self.have)
        os.replace(self.path + '.part', self.path)


def test(tested, codec, found, classes, quality, kept, timed, bar):
    """Figures of all networks at a quality; also confusions by picture.
    timed: pictures whose times are taken."""
    counts = {t.kind: [] for t in tested}
    spent = {t.kind: [] for t in tested}
    work = {t.kind: [] for t in tested}
    bits, pixels, scales = 0, 0, []
    new = [t for t in tested if kept.get(t, quality) is None]
    every = max(1, len(found) // timed)
    for i, pair in enumerate(found):
        rgb, label = load(pair)
        frame = codec.encode(rgb, quality)
        bits, pixels = bits + 8 * len(frame), pixels + label.size
        scales.append(codec.info(frame).scale)
        for t in tested if i % every == 0 else new:
            logits, make, run = t(rgb, frame)
            if t in new:
                counts[t.kind].append(matrix(torch.tensor(logits), label))
            if i % every == 0:
                spent[t.kind].append((make, run))
                work[t.kind].append(t.work)
        bar.step()
    for t in tested:
        if t in new:
            kept.put(t, quality, np.stack(counts[t.kind]))
        counts[t.kind] = kept.get(t, quality)
    out = {'quality': quality, 'bpp': bits / pixels,
           'frames_by_scale': np.bincount(scales, minlength=3)}
    for kind, c in counts.items():
        total = c.sum(0)
        make, run = np.median(np.array(spent[kind]), 0) * 1e3
        out[kind] = {
            'miou': round(float(np.nanmean(ious(total))), 4),
            'iou': dict(zip(classes.labels, np.round(ious(total), 4))),
            'pixel_accuracy': round(float(np.diag(total).sum()
                                          / total.sum()), 4),
            'multiply_adds': int(np.mean(work[kind])), 'input_ms': round(make, 2),
            'network_ms': round(run, 2), 'confusion': total}
    return out, counts


def overlay(rgb, mask, colours):
    return (0.45 * rgb + 0.55 * colours[np.minimum(mask, len(colours) - 1)]
            ).astype(np.uint8)


def answer(t, rgb, frame):
    """Mask of the picture's size."""
    logits = torch.tensor(t(rgb, frame)[0])
    h, w = rgb.shape[:2]
    pixels = 2 ** int(np.ceil(np.log2(h / logits.shape[2])))
    big = torch.nn.functional.interpolate(
        logits, scale_factor=pixels, mode='bilinear', align_corners=False)
    return big[0, :, :h, :w].argmax(0).numpy()


def draw(path, results, tested, codec, found, classes):
    """Curves, confusion and pictures of the first network."""
    f, (a, b, course) = report.figure(3, 5.4, 4.4)
    curves = {}
    for t in tested:
        low, high = zip(*[r[t.kind]['interval'] for r in results])
        curves[t.kind] = ([r['bpp'] for r in results], [
            r[t.kind]['miou'] for r in results], low, high)
    report.draw_curves(a, curves, 'bits per pixel', 'mean IoU', 'test')
    a.set_xscale('log')
    middle = results[len(results) // 2]
    c = np.asarray(middle[tested[0].kind]['confusion'])
    share = c / np.maximum(1, c.sum(1, keepdims=True))
    report.draw_confusion(b, np.rint(100 * share).astype(int), classes.labels,
                          'per cent of truth, %.2f bpp' % middle['bpp'])
    if not fit.draw_course(course, {t.kind: t.path for t in tested},
                           'mean IoU, mean of three rates'):
        course.axis('off')
    report.save(f, path + '.png')
    if not classes.palette:
        return
    from PIL import Image
    colours, rows = classes.colours(), []
    for pair in [found[i * len(found) // 3 + len(found) // 6]
                 for i in range(3)]:
        rgb, label = load(pair)
        row = [rgb, overlay(rgb, np.minimum(label, len(classes)), colours)]
        for q in (results[0]['quality'], middle['quality']):
            frame = codec.encode(rgb, q)
            row.append(overlay(codec.decode(frame), answer(
                tested[0], rgb, frame), colours))
        rows.append(np.concatenate(row, 1))
    Image.fromarray(np.concatenate(rows)).resize(
        (1280, 1280 * sum(r.shape[0] for r in rows) // rows[0].shape[1]),
        Image.LANCZOS).save(path + '.jpg', quality=85)


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('--data', required=True)
    p.add_argument('--classes', required=True)
    p.add_argument('--split', default='test')
    p.add_argument('--codec', default='photo-1')
    for kind in KINDS:
        p.add_argument('--' + kind, help='ONNX file')
    p.add_argument('--qualities', default='10,20,30,50,75,90')
    p.add_argument('--pictures', type=int, default=0, help='0: all')
    p.add_argument('--block', type=int, default=10,
                   help='pictures that are resampled together')
    p.add_argument('--draws', type=int, default=1000)
    p.add_argument('--timed', type=int, default=20,
                   help='pictures whose times are taken')
    p.add_argument('--out', required=True, help='path without suffix')
    args = p.parse_args()
    torch.set_num_threads(1)
    classes, codec = Classes(args.classes), Codec(args.codec)
    found = pairs(args.data, args.split)
    if args.pictures:
        found = found[::max(1, len(found) // args.pictures)]
    tested = []
    for kind in KINDS:
        path = getattr(args, kind)
        if path:
            t = Tested(kind, path, codec, 0)
            if t.net.metadata('walloc.model') != f'{codec.model_id:016x}':
                sys.exit(f'{path} is for another codec model than '
                         f'{args.codec}')
            t.reader.channels = int(t.net.metadata('walloc.channels'))
            tested.append(t)
    if not tested:
        sys.exit('name a network: --latents, --decoded or --pixels')
    rng, results = np.random.default_rng(1), []
    kept = Kept(args.out + '.npz', found)
    qualities = [int(q) for q in args.qualities.split(',')]
    with Progress(len(found) * len(qualities), 'test') as bar:
        for q in qualities:
            r, counts = test(tested, codec, found, classes, q, kept,
                             args.timed, bar)
            kinds = list(counts)
            drawn = bootstrap(list(counts.values()), rng, args.draws,
                              args.block)
            for i, k in enumerate(kinds):
                r[k]['interval'] = interval(drawn[:, i])
                if i:
                    r['latents_less_' + k] = {
                        'points': round(100 * (r[kinds[0]]['miou']
                                               - r[k]['miou']), 2),
                        'interval': interval(100 * (drawn[:, 0]
                                                    - drawn[:, i]))}
            results.append(r)
            print('%3d %6.3f bpp  ' % (q, r['bpp']) + '  '.join(
                '%s %.2f [%.2f, %.2f]' % (k, 100 * r[k]['miou'], *(
                    100 * v for v in r[k]['interval'])) for k in kinds),
                flush=True)
    report.write_json(args.out + '.json', {
        'data': args.split, 'pictures': len(found), 'results': results,
        'block': args.block,
        'bytes': {t.kind: t.size for t in tested}})
    draw(args.out, results, tested, codec, found, classes)


if __name__ == '__main__':
    main()
