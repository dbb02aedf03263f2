#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables and pictures of robustness.py's and projection.py's results.

usage: robustness_report.py robustness.jsonl [--projection projection.json]
           --out robustness

Writes NAME.json (means and spectra, without the values of each picture),
NAME-errors.png, NAME-spectra.png, NAME-theory.png, and tables of Markdown into
NAME.md, between the comments "tables" and "theory" and the next "end". Means are over pictures of dB, at the rate that the level has on each
set; a codec whose rate is more than 10 % off is marked with the rate it had.
"""
import argparse
import collections
import contextlib
import io
import json

import numpy as np

import robustness
from eval import media

CODECS = ['jpeg', 'jpeg2000', 'avif', 'reference-linear', 'reference',
          'walloc', 'walloc-best']
NAMES = {'jpeg': 'JPEG', 'jpeg2000': 'JPEG 2000', 'avif': 'AVIF',
         'reference-linear': 'reference, linear', 'reference':
         'reference, fast', 'walloc': 'photo-1, linear', 'walloc-best':
         'photo-1, best'}
COLOURS = dict(zip(CODECS, ['#E69F00', '#D55E00', '#000000', '#56B4E9',
                            '#0072B2', '#8FCB9B', '#009E73']))
# as the authors class them
CLASSES = {
    'low': 'snow frost fog brightness contrast'.split(),
    'medium': 'motion_blur zoom_blur defocus_blur glass_blur '
              'elastic_transform jpeg_compression pixelate'.split(),
    'high': 'gaussian_noise shot_noise impulse_noise'.split()}


def load(path):
    out = {}
    with open(path) as f:
        for text in f:
            try:
                v = json.loads(text)
            except ValueError:
                continue
            out[v['corruption'], v['severity'], v['codec'], v['level']] = v
    return out


def whole(lines):
    """Sets that all codecs and levels have."""
    count = collections.Counter(k[:2] for k in lines)
    return {k for k, n in count.items()
            if n == len(CODECS) * len(robustness.LEVELS)}


def table(lines, level, severity):
    """A row per corruption: R of the corrupted picture itself, rate, and G / R
    of each codec."""
    print('| corruption | PSNR(c(x), x) | bpp | '
          + ' | '.join(NAMES[c] for c in CODECS) + ' |')
    print('| --- ' * (3 + len(CODECS)) + '|')
    rows = [(None, 0)] + [(k, severity) for k in sum(CLASSES.values(), [])]
    there = whole(lines)
    for kind, s in rows:
        if (kind, s) not in there:
            continue
        these = [lines[kind, s, c, level] for c in CODECS]
        row = [kind or 'none: D',
               f'{robustness.db(these[0]["C"]):.2f}' if kind else '',
               f'{these[0]["asked"]:.2f}']
        for v in these:
            text = ' / '.join(f'{robustness.db(v[e]):.1f}'
                              for e in ('G', 'R') if e in v)
            if abs(v['bpp'] / v['asked'] - 1) > 0.1:
                text += f' ({v["bpp"]:.2f})'
            row.append(text)
        print('| ' + ' | '.join(row) + ' |')
    print()


def means(lines, level):
    """Mean G and R of each class and severity."""
    there = whole(lines)
    print('| class | severity | PSNR(c(x), x) | '
          + ' | '.join(NAMES[c] for c in CODECS) + ' |')
    print('| --- ' * (3 + len(CODECS)) + '|')
    for name, kinds in CLASSES.items():
        for s in range(1, 6):
            if not all((k, s) in there for k in kinds):
                continue
            row = [name, str(s), '%.2f' % np.mean(
                [robustness.db(lines[k, s, CODECS[0], level]['C'])
                 for k in kinds])]
            for c in CODECS:
                row.append(' / '.join('%.1f' % np.mean(
                    [robustness.db(lines[k, s, c, level][e]) for k in kinds])
                    for e in ('G', 'R')))
            print('| ' + ' | '.join(row) + ' |')
    print()


def frequencies():
    """Middle of each band over Nyquist's; the corners last."""
    return np.append((np.arange(robustness.BANDS) + 0.5) / robustness.BANDS,
                     1.2)


def draw_spectra(plt, lines, path, severity):
    """Columns: none and the classes; rows: levels and errors."""
    there = whole(lines)
    columns = [('none: D', [(None, 0)], 'R')]
    for name, kinds in CLASSES.items():
        kinds = [(k, severity) for k in kinds if (k, severity) in there]
        columns += [(f'{name}: {e}', kinds, e) for e in ('G', 'R')]
    fig, axes = plt.subplots(2, len(columns), figsize=(17, 6.2), sharex=True,
                             sharey=True)
    for row, level in zip(axes, robustness.LEVELS):
        for ax, (title, sets, error) in zip(row, columns):
            if not sets:
                continue
            if error != 'R' or sets[0][0]:
                c = np.mean([lines[k + (CODECS[0], level)]['C_bands']
                             for k in sets], 0)
                ax.fill_between(frequencies(), 10 * np.log10(c), -80,
                                color='#dddddd', label='corruption, C')
            for codec in CODECS:
                b = np.mean([lines[k + (codec, level)][error + '_bands']
                             for k in sets], 0)
                ax.plot(frequencies(), 10 * np.log10(b), lw=1.4,
                        color=COLOURS[codec], label=NAMES[codec],
                        ls='--' if 'linear' in NAMES[codec] else '-')
            ax.set_title(title, fontsize=10)
            ax.grid(alpha=0.3)
            ax.set_ylim(-75, -10)
        row[0].set_ylabel(f'rate of {level}\nerror in the band, dB')
    for ax in axes[-1]:
        ax.set_xlabel('frequency / Nyquist')
    axes[0][1].legend(fontsize=7)
    fig.tight_layout()
    fig.savefig(path, dpi=70)


def draw_errors(plt, lines, path, severity):
    """R less the corrupted picture's own PSNR, and G, by corruption."""
    there = whole(lines)
    kinds = [k for k in sum(CLASSES.values(), []) if (k, severity) in there]
    fig, axes = plt.subplots(2, 2, figsize=(13, 8.4))
    for row, level in zip(axes, robustness.LEVELS):
        for ax, error in zip(row, ('G', 'R')):
            grid = np.array([[robustness.db(
                lines[k, severity, c, level][error]) - (
                    robustness.db(lines[k, severity, c, level]['C'])
                    if error == 'R' else 0) for k in kinds] for c in CODECS])
            limit = np.abs(grid).max()
            image = ax.imshow(grid, aspect='auto', cmap='PuOr' if error == 'R'
                              else 'viridis', vmin=-limit if error == 'R'
                              else None, vmax=limit if error == 'R' else None)
            for (i, j), v in np.ndenumerate(grid):
                ax.text(j, i, f'{v:.1f}', ha='center', va='center',
                        fontsize=7, color='white' if (
                            abs(v) > 0.6 * limit if error == 'R' else
                            2 * v < grid.min() + grid.max()) else 'black')
            ax.set_xticks(range(len(kinds)), kinds, rotation=60, ha='right',
                          fontsize=8)
            ax.set_yticks(range(len(CODECS)), [NAMES[c] for c in CODECS],
                          fontsize=8)
            ax.set_title(f'rate of {level}: ' + (
                'G, dB' if error == 'G' else
                'R less PSNR(c(x), x), dB: above 0 it repairs'), fontsize=9)
            fig.colorbar(image, ax=ax)
    fig.tight_layout()
    fig.savefig(path, dpi=70)


def draw_theory(plt, data, path):
    sets = {v['corruption']: v for v in data['sets']}
    show = [k for k in (None, 'gaussian_noise', 'defocus_blur', 'fog',
                        'pixelate') if k in sets]
    fig, axes = plt.subplots(1, len(show) + 1, figsize=(17, 3.6))
    f = frequencies()
    axes[0].plot(f, data['through'], color=COLOURS['reference-linear'],
                 label='comes out of white noise')
    axes[0].plot(f, data['kept'], color=COLOURS['jpeg'], ls='--',
                 label='of it, from the same frequency')
    axes[0].set_title(f'{data["model"]}: share of power', fontsize=10)
    for ax, kind in zip(axes[1:], show):
        for error, colour in (('G', '#D55E00'), ('R', '#0072B2')):
            if error not in sets[kind]:
                continue
            name = error if kind else 'D'
            v = sets[kind][error]
            ax.plot(f, 10 * np.log10(v['measured']), color=colour, lw=3,
                    alpha=0.4, label=f'{name}, measured')
            ax.plot(f, 10 * np.log10(v['predicted']), color=colour, lw=1.2,
                    ls='--', label=f'{name}, predicted')
        ax.set_title(kind or 'no corruption', fontsize=10)
    for ax in axes:
        ax.grid(alpha=0.3)
        ax.legend(fontsize=7)
        ax.set_xlabel('frequency / Nyquist')
    fig.tight_layout()
    fig.savefig(path, dpi=70)


def theory(data):
    print('| corruption | G predicted | measured | R predicted | measured |')
    print('| --- | --- | --- | --- | --- |')
    for v in data['sets']:
        def cells(error):
            if error not in v:
                return ['', '']
            return ['%.2f' % (-10 * np.log10(np.sum(v[error][k])))
                    for k in ('predicted', 'measured')]
        print('| ' + ' | '.join(
            [v['corruption'] or 'none (R: D)'] + cells('G') + cells('R'))
            + ' |')
    print()


def fill(path, mark, make):
    """What make() prints, between <!-- mark --> and <!-- end --> of a page."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        make()
    with open(path) as f:
        page = f.read()
    head, _, rest = page.partition(f'<!-- {mark} -->')
    _, end, tail = rest.partition('<!-- end -->')
    if not end:
        raise SystemExit(f'{path}: <!-- {mark} --> and <!-- end --> are '
                         'missing')
    with open(path, 'w') as f:
        f.write(f'{head}<!-- {mark} -->\n\n{text.getvalue()}{end}{tail}')


def tables(lines, severity):
    count = len(whole(lines)) - 1
    print(f'{count} of {5 * len(media.CORRUPTIONS["picture"])} corrupted sets '
          'are measured.\n')
    for level in robustness.LEVELS:
        print(f'### Rate of {level}\n\nG / R in dB, severity {severity}:\n')
        table(lines, level, severity)
        print('Means of the classes of frequency that the authors give:\n')
        means(lines, level)


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('lines')
    a.add_argument('--projection')
    a.add_argument('--severity', type=int, default=3)
    a.add_argument('--out', required=True)
    a = a.parse_args()
    import matplotlib
    matplotlib.use('Agg')
    import matplotlib.pyplot as plt
    lines = load(a.lines)
    there = whole(lines)
    fill(a.out + '.md', 'tables', lambda: tables(lines, a.severity))
    draw_spectra(plt, lines, a.out + '-spectra.png', a.severity)
    draw_errors(plt, lines, a.out + '-errors.png', a.severity)
    short = []
    for k, v in sorted(lines.items(), key=str):
        if k[:2] not in there:
            continue
        v = {n: x for n, x in v.items()
             if n not in ('seed', 'variant', 'cpu_seconds')}
        if v['codec'] != CODECS[0]:
            v.pop('C', None), v.pop('C_bands', None)
        for error in ('R', 'G', 'C'):
            if error in v:
                v[error] = round(robustness.db(v[error]), 3)
                v[error + '_bands'] = [float(f'{b:.3g}')
                                       for b in v[error + '_bands']]
        short.append(v)
    with open(a.out + '.json', 'w') as f:
        f.write('[\n' + ',\n'.join(json.dumps(v) for v in short) + '\n]\n')
    if a.projection:
        with open(a.projection) as f:
            data = json.load(f)
        fill(a.out + '.md', 'theory', lambda: theory(data))
        draw_theory(plt, data, a.out + '-theory.png')


if __name__ == '__main__':
    main()
