# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fourier sensitivity: one wave after the other is added to pictures, and what a
codec or a network makes of it is measured, up to Nyquist.

The perturbation is an element of the real Fourier basis (the idea is D. Yin et
al., NeurIPS 2019, and K. Lieberman et al., NeurIPS 2023, who go to an eighth of
Nyquist): s rms sqrt(2) cos(2 pi (kx x + ky y) / side + phase), with a sign s for
each channel, added to a picture of side x side, rounded to 8 bits and clipped.
What was really added is measured, not assumed.

A cell is one frequency, one codec at one setting and all pictures, as frames of
one clip; its line has a number for each picture, so that whatever is pooled
later has an interval (fourier_maps.py).
"""
import functools
import hashlib
import json
import math
import os
import sys

import numpy as np

from . import codecs, fourier_maps, media, picture, pipes, pool, progress
from . import spec, store, tasks

RESULTS = 'fourier.jsonl'
VERSION = 1
BATCH = 32                      # pictures in one pipeline


def frequencies(side, grid):
    """[(kx, ky)], cycles per side, of a half plane: kx 0 to side / 2, ky above
    -side / 2, in steps of side / 2 / grid (rounded); of (0, ky) and (side / 2,
    ky), which are (0, -ky) and (side / 2, -ky) conjugated, only ky >= 0."""
    def whole(i):
        return (1 if i >= 0 else -1) * round(abs(i) * side / (2 * grid))
    return [(whole(i), whole(j)) for i in range(grid + 1)
            for j in range(-grid + 1, grid + 1)
            if j >= 0 or i not in (0, grid)]


def alone(side, kx, ky):
    """Whether the frequency is its own conjugate: DC and Nyquist's corners,
    where there is a cosine and no sine."""
    return 2 * kx % side == 0 and 2 * ky % side == 0


def basis(side, kx, ky, phase):
    """float [side, side] of mean square 1 (L2 norm: side). phase, in radians,
    says nothing where there is only a cosine."""
    y, x = np.mgrid[:side, :side]
    # whole turns are taken off first: exact for large k x
    turns = (kx * x + ky * y) % side / side
    if alone(side, kx, ky):
        return np.cos(2 * np.pi * turns)
    return math.sqrt(2) * np.cos(2 * np.pi * turns + phase)


def draw(cell, index):
    """(phase, three signs) of picture `index`: by seed, frequency and index
    alone, so that all codecs see the same waves."""
    rng = np.random.default_rng(
        [cell['seed'], cell['kx'], cell['ky'] % cell['crop'], index])
    phase, signs = rng.uniform(0, 2 * np.pi), rng.choice([-1, 1], 3)
    return (0.0 if cell['phase'] == 'cosine' else phase,
            signs[[0, 0, 0]] if cell['signs'] == 'same' else signs)


def perturb(rgb, cell, index):
    """(uint8 picture with the wave, the wave [h, w] of mean square 1)"""
    phase, signs = draw(cell, index)
    wave = basis(cell['crop'], cell['kx'], cell['ky'], phase)
    out = rgb + cell['rms'] * wave[:, :, None] * signs
    return np.clip(np.rint(out), 0, 255).astype(np.uint8), wave


def middle(path, size, crop):
    """The middle of a picture, uint8 [crop, crop, 3]; CellError where it is
    smaller."""
    rgb = picture.load(path, size)
    h, w = rgb.shape[:2]
    if min(h, w) < crop:
        raise codecs.CellError(f'{path}: {w}x{h} is smaller than {crop}x'
                               f'{crop}: choose a smaller --crop')
    top, left = (h - crop) // 2, (w - crop) // 2
    return rgb[top:top + crop, left:left + crop]


@functools.lru_cache(1)
def crops(paths, size, crop):
    return [middle(p, size, crop) for p in paths]


def code(cell, clip):
    """(bytes, decoded) of all pictures of a clip."""
    codec, sizes, out = codecs.of_cell(cell), [], []
    for i in range(0, len(clip), BATCH):
        s, pictures = codec.code(clip[i:i + BATCH], cell['setting'])
        sizes += s
        out += pictures
    for a, b in zip(clip, out):
        if a.shape != b.shape:
            raise codecs.CellError(
                f'{cell["codec"]} made {b.shape[1]}x{b.shape[0]} of '
                f'{a.shape[1]}x{a.shape[0]}')
    return sizes, out


def ask(cell, clip):
    """(labels, confidences) of a network on latents."""
    encode = pipes.filled(cell['how'].partition(' | ')[0],
                          setting=cell['setting'])
    labels, confidences = [], []
    for i in range(0, len(clip), BATCH):
        part = clip[i:i + BATCH]
        _, _, messages = pipes.run(
            f'appsrc name=in ! videoconvert ! {encode} ! compressedclassify '
            f'model-file="{pipes.escape(cell["network"])}" top-k=1 ! '
            'fakesink sync=false',
            {'in': part})
        said = [m for m in messages if m['name'] == 'compressedclassify']
        if len(said) != len(part):
            raise codecs.CellError(f'{cell["network"]} answered for '
                                   f'{len(said)} of {len(part)} pictures')
        labels += [m['label'] for m in said]
        confidences += [round(m['confidence'], 6) for m in said]
    return labels, confidences


@functools.lru_cache(2)
def clean_results(paths, size, crop, codec, how, setting):
    """Decoded pictures of a codec without a wave, once in a process."""
    cell = {'codec': codec, 'how': how, 'setting': setting}
    return code(cell, crops(paths, size, crop))


def mse(a, b):
    return float(np.mean((a.astype(float) - b) ** 2))


def along(a, b, wave):
    """How much of the wave is in a - b: amplitude of each channel in grey
    levels (RMS)."""
    difference = a.astype(float) - b
    return [round(float(v), 6) for v in
            np.mean(difference * wave[:, :, None], axis=(0, 1))]


def measure(cell, paths):
    """The numbers of a cell's line."""
    clean = crops(paths, cell['size'], cell['crop'])
    waves, dirty = None, clean
    if cell['kx'] is not None:
        both = [perturb(rgb, cell, i) for i, rgb in enumerate(clean)]
        dirty, waves = [b[0] for b in both], [b[1] for b in both]
    if cell['network']:
        labels, confidences = ask(cell, dirty)
        return {'labels': labels, 'confidences': confidences}
    clean_sizes, before = clean_results(
        paths, cell['size'], cell['crop'], cell['codec'], cell['how'],
        cell['setting'])
    if waves is None:
        return {'bytes': clean_sizes,
                'd_mse': [mse(a, b) for a, b in zip(before, clean)]}
    sizes, after = code(cell, dirty)
    return {
        'bytes': sizes,
        'g_mse': [mse(a, b) for a, b in zip(after, dirty)],
        'd_mse': [mse(a, b) for a, b in zip(after, clean)],
        'change_mse': [mse(a, b) for a, b in zip(after, before)],
        'injected': [along(a, b, w) for a, b, w in zip(dirty, clean, waves)],
        'passed': [along(a, b, w) for a, b, w in zip(after, before, waves)],
    }


def do(item):
    """The line of a cell: itself with its numbers, or with "error"."""
    cell = item['cell']
    try:
        return dict(cell, **measure(cell, tuple(item['paths'])))
    except (codecs.CellError, codecs.CodecError, pipes.PipelineError) as e:
        return dict(cell, error=str(e))


def digest(paths, size, crop):
    """16 hexadecimal digits of the samples that are used, and of the folders that
    say what they show."""
    of = hashlib.sha256()
    for path in paths:
        of.update(truth_of(path).encode() + b'\0')
        of.update(middle(path, size, crop).tobytes())
    return of.hexdigest()[:16]


def truth_of(path):
    return os.path.basename(os.path.dirname(os.path.abspath(path)))


def plan(args, paths, chosen):
    """All cells, those without a wave first."""
    shared = {
        'v': VERSION, 'set': digest(paths, args.size, args.crop),
        'count': len(paths), 'size': args.size, 'crop': args.crop,
        'grid': args.grid, 'rms': args.rms, 'phase': args.phase,
        # as the publications have it: L2 norm of a channel, samples 0 to 1
        'epsilon': round(args.rms * args.crop / 255, 6),
        'signs': args.signs, 'seed': args.seed,
        'network': args.network or None,
    }
    where = [(None, None)] + frequencies(args.crop, args.grid)
    out = []
    for k in where:
        for codec, settings in chosen:
            for setting in settings:
                cell = dict(
                    shared, kx=k[0], ky=k[1], codec=codec.name,
                    setting=setting, how=getattr(codec, 'encode', '') + ' | '
                    + getattr(codec, 'decode', ''),
                    fx=None if k[0] is None else k[0] / args.crop,
                    fy=None if k[0] is None else k[1] / args.crop)
                out.append(dict(cell, key=key_of(cell)))
    return out


def key_of(cell):
    """Hash of what a cell says, 16 hexadecimal digits; pictures count by their
    samples."""
    text = json.dumps(dict(cell, input=cell['set']), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check(args):
    if args.epsilon is not None:
        args.rms = args.epsilon * 255 / args.crop
    for name, value, low, high in (
            ('crop', args.crop, 8, 4096), ('size', args.size, 0, 16384),
            ('grid', args.grid, 1, args.crop // 2),
            ('seed', args.seed, 0, 2 ** 63)):
        if not low <= value <= high:
            raise spec.SpecError(f'--{name}: {value} is not within {low} to '
                                 f'{high}' + (', half of --crop' if name ==
                                              'grid' else ''))
    if args.crop % 2:
        raise spec.SpecError(f'--crop: {args.crop} is odd, and has no wave at '
                             'Nyquist')
    if not 0.5 <= args.rms <= 100:
        raise spec.SpecError(
            f'--rms: {args.rms:g} grey levels are not within 0.5 to 100; '
            'less is lost when samples are made 8 bits')


def usable(args, chosen):
    """Codecs that can run; says which cannot."""
    out = []
    for codec, settings in chosen:
        why = ''
        if 'picture' not in codec.media:
            why = 'it codes no pictures'
        elif codec.needs():
            why = f'{codec.needs()} are not installed'
        elif args.network and 'wallocenc' not in getattr(codec, 'encode', ''):
            why = 'a network on latents needs wallocenc'
        if why:
            print(f'walloc-eval: {codec.name} is left out: {why}',
                  file=sys.stderr)
        else:
            out.append((codec, settings))
    if args.network:
        needs = tasks.make({'kind': 'classify',
                            'network': args.network}).needs()
        if needs:
            raise spec.SpecError(f'--network: {needs} are not installed')
    if not out:
        raise spec.SpecError('--codecs: none of them can be used')
    return out


def pictures_of(found, args):
    """(those that can be used, why others cannot)"""
    paths, errors = [], []
    for path in found:
        if media.of(path) != 'picture':
            continue
        try:
            middle(path, args.size, args.crop)
            paths.append(path)
        except codecs.CellError as e:
            errors.append(str(e))
    for text in errors[:10]:
        print(f'walloc-eval: left out: {text}', file=sys.stderr)
    if not paths:
        raise spec.SpecError('inputs: there is no picture that can be used')
    return paths, errors


def command(args):
    """`walloc-eval fourier`."""
    known = codecs.table()
    if args.sweep:
        sweep = spec.load(args.sweep)
        found, chosen = sweep.inputs, sweep.codecs
        args.size = args.size or sweep.size
    else:
        if not args.inputs:
            raise spec.SpecError('--inputs is missing: files, patterns or '
                                 'folders')
        found = spec.find_inputs(args.inputs)
        chosen = [spec.parse_codec(c, known) for c in args.codecs]
    check(args)
    chosen = usable(args, chosen)
    paths, errors = pictures_of(found, args)
    cells = plan(args, paths, chosen)
    path = os.path.join(args.out, RESULTS)
    try:
        os.makedirs(args.out, exist_ok=True)
    except OSError as e:
        raise spec.SpecError(f'{args.out}: {e.strerror}') from None
    there = store.read(path)[0] if os.path.exists(path) else {}
    todo = [c for c in cells if c['key'] not in there
            or there[c['key']].get('error') and args.again]
    print(f'{len(cells)} cells of {len(paths)} pictures, '
          f'{len(cells) - len(todo)} done already, {args.jobs} at once',
          file=sys.stderr)
    truths = [truth_of(p) for p in paths]
    results, bar = store.Store(path), progress.Bar(len(todo))

    def done(item, ok, line):
        if not ok:
            line = dict(item['cell'], error=line)
        if item['cell']['kx'] is None:
            # once is enough: names and truths, in the order of all numbers
            line.update(inputs=[os.path.basename(p) for p in paths],
                        truths=truths)
        results.add(line)
        if line.get('error'):
            errors.append(line['error'])
        bar.step(line.get('error'))

    try:
        pool.run(do, [{'cell': c, 'paths': paths} for c in todo], args.jobs,
                 done)
    except KeyboardInterrupt:
        print('\nwalloc-eval: stopped; run the same line to go on',
              file=sys.stderr)
        return 130
    finally:
        results.close()
    for text in sorted(set(errors))[:10]:
        print(f'walloc-eval: {text}', file=sys.stderr)
    fourier_maps.finish(path, args.out, args.format)
    return 1 if errors else 0


def add(sub):
    """Its arguments."""
    c = sub.add_parser(
        'fourier', help='what a codec or a network makes of single waves',
        description='Adds waves of all frequencies up to Nyquist to pictures '
        'and maps the answer of a codec, or of a network on latents.')
    c.add_argument('sweep', nargs='?', help='TOML file: its inputs, codecs '
                   'and size are used')
    c.add_argument('--inputs', nargs='+', default=[],
                   help='pictures: files, patterns, folders')
    c.add_argument('--codecs', nargs='+', default=['walloc:30'],
                   help='names with settings: jpeg:10,50')
    c.add_argument('--network', default='',
                   help="map a network's answers instead of the codec's: a "
                   'name or a file; the truth is the folder of a picture')
    c.add_argument('--grid', type=int, default=16,
                   help='steps from DC to Nyquist (16: 33x17 frequencies)')
    c.add_argument('--crop', type=int, default=256,
                   help='side of the middle that is used of each picture')
    c.add_argument('--size', type=int, default=0,
                   help='reduce the shorter side to it first')
    how = c.add_mutually_exclusive_group()
    how.add_argument('--rms', type=float, default=4.0,
                     help='of the wave, in grey levels')
    how.add_argument('--epsilon', type=float,
                     help='the same as L2 norm of a channel, samples 0 to 1')
    c.add_argument('--phase', choices=('random', 'cosine'), default='random')
    c.add_argument('--signs', choices=('random', 'same'), default='random',
                   help='of channels; same: grey waves')
    c.add_argument('--seed', type=int, default=0)
    c.add_argument('--jobs', type=int, default=os.cpu_count() or 1)
    c.add_argument('--again', action='store_true',
                   help='try cells again that failed')
    c.add_argument('--format', choices=('png', 'svg'), default='png')
    c.add_argument('--out', required=True, help='folder')
    c.set_defaults(do=command)
