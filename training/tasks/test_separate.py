#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test networks that separate (train_separate.py) on the test set.

    python3 test_separate.py --set SET --data stems --split test \
        latents=stems-1.pt decoded=decoded.pt samples=samples.pt --out REPORT

The names say what each network reads. Networks are used as the element uses
them: of every frame they see it and their context before it, nothing behind.
Ratios are of samples, after synthesis, against stems that were never coded,
where a stem plays (within 26 dB of the mixture): medians over excerpts with
95 % intervals of a bootstrap by song. For scale: the decoded mixture as the
estimate, and the ideal ratio mask on packet coefficients and on spectra.
Writes REPORT.json and REPORT.png.
"""
import argparse
import json
import os
import sys
import time

import numpy as np
import scipy.fft
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE),
                os.path.join(os.path.dirname(HERE), 'audio')]
import bands  # noqa: E402
import export  # noqa: E402
import report  # noqa: E402
from latents import WallocError  # noqa: E402
from separate_set import COLUMN, FINE, Source, mid_side  # noqa: E402
from sound_latents import LATE, SoundCodec  # noqa: E402
from sound_separator import (Newest, OfLatents, OfSamples,  # noqa: E402
                             parameters)  # noqa: E402

LEAST = 0.05                    # of the mixture's level: a stem that plays
EDGE = 16                       # columns at both ends that do not count


def arguments():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('nets', nargs='+', help='KIND=FILE.pt')
    p.add_argument('--set', required=True)
    p.add_argument('--data', default='stems')
    p.add_argument('--split', default='test')
    p.add_argument('--out', required=True, help='REPORT of .json and .png')
    p.add_argument('--qualities', default='30,50,70')
    p.add_argument('--frame', type=int, default=16, help='columns')
    p.add_argument('--some', type=int, default=40, help='excerpts')
    p.add_argument('--timed', type=int, default=40, help='frames to time')
    p.add_argument('--threads', type=int, default=1)
    return p.parse_args()


class Bank:
    """Latents [..., K, T] of a whole recording to samples [..., signals,
    (T - LATE) * 256], left and right of mid and side."""

    def __init__(self, codec, signals):
        band, signal = codec.bands()
        self.place, self.signals = signal * bands.BANDS + band, signals
        self.root = np.sqrt(bands.synthesis_energy()).astype(np.float32)

    def samples(self, x):
        x = x[..., LATE:]
        c = np.zeros(x.shape[:-2] + (2 * bands.BANDS, x.shape[-1]), np.float32)
        c[..., self.place, :] = x
        c = c.reshape(x.shape[:-2] + (2, bands.BANDS, -1))
        c = c[..., :self.signals, :, :] / self.root[:, None]
        return mid_side(bands.unpacket(c))


def load(what, path, codec):
    state = torch.load(path, map_location='cpu')
    labels, width = state['labels'], state['args']['width']
    net = OfLatents(len(labels), width, state['signals'], *codec.bands()) \
        if what == 'latents' else OfSamples(len(labels), width,
                                            state['signals'])
    net.load_state_dict(state['net'])
    with torch.no_grad():               # as the exported file has them
        for p in list(net.parameters()) + list(net.buffers()):
            if p.is_floating_point() and p.numel() >= export.SMALLEST:
                p.copy_(p.half().float())
    return net.eval(), labels


def windows(x, frame, context):
    """[..., T] -> [frames, ..., context + frame]"""
    x = torch.nn.functional.pad(x, (context, 0))
    y = x.unfold(-1, context + frame, frame)
    return y.movedim(-2, 0)


def separated(net, what, x, frame, bank):
    """Samples of the stems [S, signals, n] of latents [K, T] or of samples
    [signals, n], frame by frame."""
    with torch.no_grad():
        if what == 'latents':
            parts = windows(torch.tensor(x), frame, net.context)
            out = torch.cat([net(p)[..., net.context:]
                             for p in parts.split(16)])
            return bank.samples(out.permute(1, 2, 0, 3).flatten(2).numpy())
        spectrum = net.spectrum(torch.tensor(mid_side(x))[None])[0]
        spare = -spectrum.shape[-1] % frame
        parts = windows(torch.nn.functional.pad(spectrum, (0, spare)), frame,
                        net.context)
        out = torch.cat([net.of_spectrum(p)[..., net.context:]
                         for p in parts.split(16)])
        out = out.permute(1, 2, 3, 4, 0, 5).flatten(4)
        out = net.samples(out[..., :spectrum.shape[-1]])
        return mid_side(out.numpy())


def ideal(stems, mixture):
    """Shares of energy of the true stems [S, ...] times the mixture."""
    energy = stems ** 2
    return energy / (energy.sum(0) + 1e-3) * mixture


def ideal_spectra(stems, mixture):
    """The same on spectra as OfSamples has them; samples."""
    net = OfSamples(len(stems), 1, mixture.shape[0])
    with torch.no_grad():
        x = net.spectrum(torch.tensor(mixture)[None])[0]
        energy = (net.spectrum(torch.tensor(stems)) ** 2).sum(2, True)
        return net.samples(energy / (energy.sum(0) + 1e-3) * x).numpy()


def ratios(want, got):
    """(SDR, SI-SDR) in dB of one stem [signals, n]."""
    a, b = want.ravel().astype(np.float64), got.ravel().astype(np.float64)
    sdr = 10 * np.log10((a @ a) / max(1e-9, ((a - b) @ (a - b))))
    scaled = a * (a @ b) / (a @ a)
    rest = b - scaled
    return float(sdr), float(10 * np.log10(
        max(1e-9, scaled @ scaled) / max(1e-9, rest @ rest)))


def interval(values, groups, rng, turns=400):
    """(median, low, high), 95 %, drawing groups with replacement."""
    values, groups = np.asarray(values), np.asarray(groups)
    parts = [values[groups == g] for g in np.unique(groups)]
    found = [np.median(np.concatenate([
        parts[k] for k in rng.integers(len(parts), size=len(parts))]))
        for _ in range(turns)]
    return [round(float(v), 3) for v in (
        np.median(values), *np.percentile(found, (2.5, 97.5)))]


def songs(args, count):
    """What each excerpt is of, from the manifest, else each its own."""
    path = os.path.join(args.set, f'{args.data}_manifest.tsv')
    if not os.path.exists(path):
        return [str(k) for k in range(count)]
    with open(path, encoding='utf-8') as f:
        rows = [line.split('\t') for line in f]
    return [r[1] for r in rows if r[0] == args.split]


class OfSpectra(torch.nn.Module):
    """An OfSamples network without its transforms, of the newest columns."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net.of_spectrum(x, True)


def timed(codec, source, loaded, args, quality):
    """Median milliseconds of processor time for a frame, step by step:
    entropy decoding, decoding, spectra of a frame and back for all stems (FFTs
    of scipy, with the windows, single precision), encoding a stem, and the
    network as ONNX in libwalloc: of latents whole, of samples from spectra to
    spectra, as its transforms would be dense there."""
    mixture = source.mixture(*source.recipe(0))
    frames = codec.encode(mixture.T, source.rate, quality, args.frame)[
        2:2 + args.timed]
    stems, signals = len(source.labels), source.signals
    window = np.hanning(513)[:512].astype(np.float32)
    x = np.random.default_rng(0).standard_normal(
        (signals, args.frame, 512)).astype(np.float32)
    y = np.repeat(scipy.fft.rfft(x)[None], stems, 0)
    block = mixture.T[:args.frame * COLUMN]

    def median(step, times=args.timed):
        spent = []
        for k in range(times):
            begin = time.process_time_ns()
            step(k % len(frames))
            spent.append((time.process_time_ns() - begin) / 1e6)
        return float(np.median(spent))

    out = {'ms': {
        'entropy decoding': median(lambda k: codec.latents([frames[k]])),
        'decoding': median(lambda k: codec.decode([frames[k]])),
        'spectra': median(lambda k: scipy.fft.rfft(x * window)),
        'spectra back': median(lambda k: scipy.fft.irfft(y) * window),
        'encoding a stem': median(lambda k: codec.encode(
            block, source.rate, quality, args.frame))},
        'multiply_adds': {}}
    for what, net in loaded.items():
        columns = net.context + args.frame
        if what == 'latents':
            name, net = 'latents', Newest(net)
            z = torch.randn(1, codec.channels, columns) * 300
        else:
            name = 'spectra'
            z = torch.randn(1, signals, 2, net.bins, columns) * 300
            net = OfSpectra(net)
        ready = export.Net(export.to_bytes(net, {name: z}, ['out'], {}))
        z = {name: z.numpy()}
        ready.prepare({name: z[name].shape})
        out['ms']['network of ' + what] = median(lambda k: ready.run(z), 20)
        out['multiply_adds'][what] = ready.work
    return out


def draw(figures, path, nets):
    f, axes = report.figure(3, 4.8, 3.9)
    labels, by = figures['labels'], figures['ratios']
    names = [n for n in ('mixture', 'decoded', 'latents', 'samples',
                         'ideal packets') if n in by]
    # one file may read decoded samples and those that were not coded
    shown = {n: n for n in names}
    if nets.get('samples') == nets.get('decoded'):
        shown['samples'] = 'decoded, given\nuncoded samples'
    q = list(figures['kbit_s'])[len(figures['kbit_s']) // 2]
    for i, name in enumerate(names):
        v = np.array([by[name][q][s]['sdr'] for s in labels])
        axes[0].bar(np.arange(len(labels)) + i * 0.8 / len(names), v[:, 0],
                    0.8 / len(names), label=shown[name],
                    yerr=np.abs(v[:, 1:].T - v[:, 0]), capsize=2)
    axes[0].set_xticks(np.arange(len(labels)) + 0.3)
    axes[0].set_xticklabels(labels)
    axes[0].set_ylabel('SDR, dB')
    axes[0].set_title(f'{figures["kbit_s"][q]:.0f} kbit/s', fontsize=10)
    axes[0].legend(fontsize=7)
    report.draw_curves(axes[1], {shown[name]: (
        list(figures['kbit_s'].values()),
        [np.mean([by[name][q][s]['sdr'][0] for s in labels])
         for q in figures['kbit_s']]) for name in names},
        'kbit/s', 'mean of stems of median SDR, dB')
    courses = {}
    for what, file in nets.items():
        course = os.path.splitext(file)[0] + '.json'
        if shown.get(what) == what and os.path.exists(course):
            with open(course, encoding='utf-8') as g:
                curve = json.load(g)['curve']
            courses[shown[what]] = ([e['update'] for e in curve],
                             [e['val_loss_db'] for e in curve])
    if courses:
        report.draw_curves(axes[2], courses, 'update', 'validation loss, dB',
                           'training')
    report.save(f, path)


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    nets = dict(item.split('=', 1) for item in args.nets)
    codec = SoundCodec()
    source = Source(args.set, args.data, args.split, codec, None)
    bank, rng = Bank(codec, source.signals), np.random.default_rng(3)
    loaded = {}
    for what, path in nets.items():
        loaded[what], labels = load(what, path, codec)
        if labels != source.labels:
            raise ValueError(f'{path} separates {labels}, the set has '
                             f'{source.labels}')
    count, name_of = len(source.samples), songs(args, len(source.samples))
    chosen = np.unique(np.linspace(0, count - 1, min(args.some, count)
                                   ).astype(int))
    qualities, found, size = args.qualities.split(','), {}, {}
    cut = slice(EDGE * COLUMN, (source.columns - EDGE) * COLUMN)

    def note(name, quality, i, want, got, level):
        for k, label in enumerate(source.labels):
            if np.sqrt((want[k] ** 2).mean()) < LEAST * level:
                continue
            found.setdefault((name, quality, label), []).append(
                (i,) + ratios(want[k][:, cut], got[k][:, cut]))

    for done, i in enumerate(chosen):
        recipe = source.recipe(int(i))
        mixture, want = source.mixture(*recipe), source.stems(*recipe)
        level = np.sqrt((mixture ** 2).mean())
        fine = np.stack([codec.latents(codec.encode(
            s.T, source.rate, columns=64, step_index=FINE)) for s in want])
        for q in qualities:
            x, y, n = source.coded(mixture, int(q), args.frame, True)
            size.setdefault(q, []).append(n)
            note('mixture', q, i, want, np.repeat(y[None], len(want), 0),
                 level)
            note('ideal packets', q, i, want, bank.samples(ideal(fine, x)),
                 level)
            note('ideal spectra', q, i, want, mid_side(ideal_spectra(
                mid_side(want), mid_side(y))), level)
            for what, net in loaded.items():
                if what == 'samples' and q != qualities[0]:
                    continue
                got = separated(net, what, {
                    'latents': x, 'decoded': y, 'samples': mixture}[what],
                    args.frame, bank)
                for quality in qualities if what == 'samples' else [q]:
                    note(what, quality, i, want, got, level)
        print(f'{done + 1}/{len(chosen)}', file=sys.stderr, flush=True)
    seconds = source.columns * COLUMN / source.rate
    figures = dict(split=args.split, labels=source.labels, rate=source.rate,
                   excerpts=len(chosen), frame_columns=args.frame, ratios={},
                   differences={}, kbit_s={
                       q: float(np.mean(v)) * 8 / seconds / 1000
                       for q, v in size.items()},
                   parameters={w: parameters(n) for w, n in loaded.items()},
                   time=timed(codec, source, loaded, args, int(qualities[
                       len(qualities) // 2])))
    for (name, q, label), rows in found.items():
        groups = [name_of[r[0]] for r in rows]
        figures['ratios'].setdefault(name, {}).setdefault(q, {})[label] = dict(
            count=len(rows),
            sdr=interval([r[1] for r in rows], groups, rng),
            si_sdr=interval([r[2] for r in rows], groups, rng))
        for other in ('mixture', 'decoded', 'samples'):
            if name == 'latents' and (other, q, label) in found:
                less = found[other, q, label]
                figures['differences'].setdefault(f'latents - {other}', {}
                                                  ).setdefault(q, {})[label] = {
                    key: interval([a[k] - b[k] for a, b in zip(rows, less)],
                                  groups, rng)
                    for k, key in ((1, 'sdr'), (2, 'si_sdr'))}
    report.write_json(args.out + '.json', figures)
    draw(figures, args.out + '.png', nets)
    for name, by in figures['ratios'].items():
        for q, stems in by.items():
            print(f'{name}, quality {q} ({figures["kbit_s"][q]:.0f} kbit/s): '
                  + ', '.join(f'{s} {v["sdr"][0]:.2f} (SI {v["si_sdr"][0]:.2f}'
                              ')' for s, v in stems.items()))
    for name, by in figures['differences'].items():
        for q, stems in by.items():
            print(f'{name}, quality {q}: ' + ', '.join(
                f'{s} {v["sdr"][0]:+.2f} ({v["sdr"][1]:+.2f} to '
                f'{v["sdr"][2]:+.2f})' for s, v in stems.items()))
    print(f'ms for a frame of {args.frame} columns: ' + ', '.join(
        f'{k} {v:.2f}' for k, v in figures['time']['ms'].items()))


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError, WallocError) as e:
        sys.exit(f'test_separate.py: {e}')
