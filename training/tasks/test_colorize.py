#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test networks that colour grey streams.

    python3 test_colorize.py --pictures kodak=KODAK --pictures set=SET/test \
        --latents colour-1.onnx --decoded colour-decoded.onnx \
        --pixels colour-pixels.onnx --out report

writes REPORT.json, REPORT.png and REPORT.jpg (original, grey, coloured). For
every picture, the grey one is really coded, the networks guess its chroma in
libwalloc, and PSNR over RGB is taken against the original: "picture" with the
luma of the grey frame, "colour" with the original's luma, so that only
colours count. "grey" is the floor, "true" what the right chroma would give.
Means of dB over pictures, 95 % intervals and differences by resampling
pictures. Times are processor time of one core, medians.
"""
import argparse
import time

import numpy as np
from PIL import Image

import export
import fit
import report
from colour_data import (Matrices, Reader, chroma_planes, grey, photographs,
                         read)
from latents import Codec, find_model
from progress import Progress

from packets import rgb_to_ycbcr, ycbcr_to_rgb

KINDS = ('latents', 'decoded', 'pixels')


def psnr(a, b):
    """dB of what is shown: rounded and clipped."""
    a = np.clip(np.rint(a), 0, 255)
    return 10 * np.log10(255 ** 2 / max(1e-9, ((a - b.astype(float)) ** 2
                                               ).mean()))


def colour(luma, chroma):
    """RGB float of luma [h, w] (0 to 255) and Cb, Cr."""
    return ycbcr_to_rgb(np.stack([luma - 128, *chroma], -1))


class Tested:
    """A network and what it is given."""

    def __init__(self, kind, path, codec, matrices):
        with open(path, 'rb') as f:
            data = f.read()
        self.kind, self.size, self.matrices = kind, len(data), matrices
        self.path = path
        self.net = export.Net(data)
        self.reader = Reader(kind, codec, matrices.group)
        model = self.net.metadata('walloc.model')
        if model != f'{codec.model_id:016x}':
            raise SystemExit(f'{path} is for codec model {model}, not for '
                             f'{codec.name}')

    def __call__(self, luma, frame):
        """(Cb and Cr [2, h, w], seconds to make the input, seconds of the
        network, multiply-adds)."""
        a = time.process_time()
        x, step, scale = self.reader.input(luma, frame)
        b = time.process_time()
        feed = {self.kind: x[None], 'step': np.float32([step]),
                'scale': np.float32([scale])}
        self.net.prepare({n: feed[n].shape for n in self.net.inputs})
        c = time.process_time()
        out = self.net.run(feed)
        run = time.process_time() - c
        guess = next(iter(out.values()))[0]
        if self.kind == 'latents':
            guess = guess[self.reader.pick]
        return chroma_planes(self.matrices, self.matrices.group, guess,
                             luma.shape), b - a, run, self.net.work


def mean_interval(values, rng, draws=2000):
    """{'mean', 'interval'}: of dB by picture."""
    v = np.asarray(values)
    means = v[rng.integers(0, len(v), (draws, len(v)))].mean(1)
    return {'mean': round(float(v.mean()), 3), 'interval': [
        round(float(x), 3) for x in np.percentile(means, (2.5, 97.5))]}


def test(tested, codec, matrices, paths, quality, rng, bar):
    """Figures of all networks on a set of pictures at a quality."""
    db, spent, bits, pixels, work = {}, {}, 0, 0, {}
    truth = Reader('pixels', codec, matrices.group)
    for path in paths:
        rgb = read(path)
        luma, exact = grey(rgb), rgb_to_ycbcr(rgb)[..., 0] + 128
        frame = codec.encode(luma, quality)
        shown = np.float32(codec.decode(frame, 'linear'))
        bits, pixels = bits + 8 * len(frame), pixels + luma.size
        found = {'grey': np.zeros((2,) + luma.shape, np.float32),
                 'true': chroma_planes(matrices, matrices.group,
                                       truth.answer(rgb, 0), luma.shape)}
        for t in tested:
            found[t.kind], make, run, macs = t(luma, frame)
            spent.setdefault(t.kind, []).append((make / luma.size,
                                                 run / luma.size))
            work[t.kind] = macs / luma.size
        for name, chroma in found.items():
            db.setdefault(name, []).append((
                psnr(colour(shown, chroma), rgb),
                psnr(colour(exact, chroma), rgb)))
        bar.step()
    out = {'quality': quality, 'bpp': round(bits / pixels, 4)}
    db = {k: np.array(v) for k, v in db.items()}
    for name, v in db.items():
        out[name] = {'picture_db': mean_interval(v[:, 0], rng),
                     'colour_db': mean_interval(v[:, 1], rng)}
        if name in spent:
            make, run = np.median(np.array(spent[name]), 0)
            out[name].update(input_ns_per_pixel=round(make * 1e9, 2),
                             network_ns_per_pixel=round(run * 1e9, 2),
                             multiply_adds_per_pixel=round(work[name], 1))
    for name in ['grey'] + [t.kind for t in tested[1:]]:
        out['%s_less_%s' % (tested[0].kind, name)] = {
            'picture_db': mean_interval(
                db[tested[0].kind][:, 0] - db[name][:, 0], rng),
            'colour_db': mean_interval(
                db[tested[0].kind][:, 1] - db[name][:, 1], rng)}
    return out


def side_by_side(path, t, codec, paths, quality):
    """JPEG: a row per picture: original, grey as decoded, coloured."""
    rows = []
    for p in paths:
        rgb = read(p)
        luma = grey(rgb)
        frame = codec.encode(luma, quality)
        shown = np.float32(codec.decode(frame, 'linear'))
        done = colour(shown, t(luma, frame)[0])
        row = np.concatenate([rgb, np.repeat(shown[..., None], 3, 2), done], 1)
        row = Image.fromarray(np.uint8(np.clip(np.rint(row), 0, 255)))
        rows.append(np.asarray(row.resize(
            (1200, 1200 * row.height // row.width), Image.LANCZOS)))
    Image.fromarray(np.concatenate(rows)).save(path, quality=85)


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('--pictures', action='append', required=True,
                   metavar='NAME=FOLDER')
    p.add_argument('--codec', default='photo-1')
    for kind in KINDS:
        p.add_argument('--' + kind, help='ONNX file')
    p.add_argument('--qualities', default='20,50,80')
    p.add_argument('--show', default='', help='comma: positions in the first '
                   'folder of the pictures to show')
    p.add_argument('--out', required=True, help='path without suffix')
    args = p.parse_args()
    codec, matrices = Codec(args.codec), Matrices(find_model(args.codec))
    tested = [Tested(k, getattr(args, k), codec, matrices) for k in KINDS
              if getattr(args, k)]
    if not tested:
        p.error('name a network: --latents, --decoded or --pixels')
    sets = {}
    for item in args.pictures:
        name, _, folder = item.partition('=')
        sets[name] = photographs(folder)
    qualities = [int(q) for q in args.qualities.split(',')]
    rng, results = np.random.default_rng(1), {}
    with Progress(sum(map(len, sets.values())) * len(qualities),
                  'test') as bar:
        for name, paths in sets.items():
            results[name] = [test(tested, codec, matrices, paths, q, rng, bar)
                             for q in qualities]
            for r in results[name]:
                print(name, r['quality'], '%.3f bpp' % r['bpp'], '  '.join(
                    '%s %.2f (%.2f)' % (k, v['picture_db']['mean'],
                                        v['colour_db']['mean'])
                    for k, v in r.items() if isinstance(v, dict)), flush=True)
    report.write_json(args.out + '.json', {
        'pictures': {k: len(v) for k, v in sets.items()}, 'results': results,
        'bytes': {t.kind: t.size for t in tested}})
    f, axes = report.figure(len(sets) + 1)
    for a, (name, found) in zip(axes, results.items()):
        report.draw_curves(a, {k: (
            [r['bpp'] for r in found],
            [r[k]['picture_db']['mean'] for r in found])
            for k in ['grey'] + [t.kind for t in tested]},
            'bits per pixel', 'PSNR over RGB, dB', name)
    if not fit.draw_course(axes[-1], {t.kind: t.path for t in tested},
                           'dB of chroma nearer than grey'):
        axes[-1].axis('off')
    report.save(f, args.out + '.png')
    first = next(iter(sets.values()))
    show = [int(k) for k in args.show.split(',') if k]
    if show:
        side_by_side(args.out + '.jpg', tested[0], codec,
                     [first[k] for k in show], qualities[len(qualities) // 2])


if __name__ == '__main__':
    main()
