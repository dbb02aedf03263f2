# SPDX-License-Identifier: LGPL-2.1-or-later
"""Heat maps and curves of fourier_maps.py, with matplotlib."""
import os

import matplotlib
import numpy as np

from . import fourier_maps

matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402

FLOOR = -30                     # dB: less is drawn like it
COLUMNS = 4
INK, MUTED, LINE = '#222222', '#555555', '#cccccc'
COLOURS = ('#1b6ca8', '#d1495b', '#2e8b57', '#e08e1b', '#6a4c93', '#444444',
           '#00a6a6', '#a05a2c')


def decibels(values):
    with np.errstate(divide='ignore'):
        return np.maximum(20 * np.log10(np.abs(values)), FLOOR)


def title(m):
    clean = m['clean']
    text = f'{m["codec"]} {m["setting"]:g}'
    if m['network']:
        return f'{text}, {m["network"]}\nwithout a wave ' \
            f'{100 * clean["wrong"]:.1f} % wrong'
    return f'{text}\n{clean["bpp"]:.2f} bpp, ' + (
        f'{clean["psnr"]:.1f} dB' if clean['psnr'] else 'exact')


def heat(maps, values, label, limits, path, colours='viridis'):
    """A panel for each map, one scale for all."""
    columns = min(COLUMNS, len(maps))
    rows = -(-len(maps) // columns)
    figure, axes = plt.subplots(
        rows, columns, squeeze=False, layout='constrained',
        figsize=(2.5 * columns + 1.1, 2.75 * rows + .3))
    shown = None
    for k, axis in enumerate(axes.flat):
        if k >= len(maps):
            axis.axis('off')
            continue
        m, half = maps[k], 1 + .5 / maps[k]['grid']
        # the middle of the first and the last cell is Nyquist; rows go down
        shown = axis.imshow(
            values[k], vmin=limits[0], vmax=limits[1], cmap=colours,
            extent=(-half, half, half, -half), interpolation='nearest')
        axis.set_title(title(m), fontsize=8, color=INK)
        axis.set_xticks([-1, -.5, 0, .5, 1])
        axis.set_yticks([-1, -.5, 0, .5, 1])
        axis.tick_params(labelsize=7, colors=MUTED)
        axis.set_facecolor('#eeeeee')
        if k % columns == 0:
            axis.set_ylabel('vertical frequency', fontsize=7, color=MUTED)
        if k + columns >= len(maps):
            axis.set_xlabel('horizontal frequency\n(of Nyquist; 1 = 0.5 '
                            'cycles per pixel)', fontsize=7, color=MUTED)
    bar = figure.colorbar(shown, ax=axes, shrink=.85)
    bar.set_label(label, fontsize=8, color=INK)
    bar.ax.tick_params(labelsize=7, colors=MUTED)
    figure.savefig(path, dpi=100)
    plt.close(figure)
    return path


def ends_of(interval):
    """(low, high) of the size of what lies in an interval, which may have 0
    in it."""
    if not interval or None in interval:
        return None, None
    low, high = interval
    if low < 0 < high:
        return 0, max(-low, high)
    return tuple(sorted((abs(low), abs(high))))


def curves(maps, names, label, path, convert=None, level=None):
    """Rings of all maps: solid the first of names, dashed the second."""
    figure, axis = plt.subplots(figsize=(7.6, 3.6), layout='constrained')
    for k, m in enumerate(maps):
        x = [(r['low'] + r['high']) / 2 for r in m['radial']]
        for name, style in zip(names, ('-', '--')):
            def curve(v):
                v = np.array([np.nan if t is None else t for t in v], float)
                return convert(v) if convert else v
            line, = axis.plot(
                x, curve([r[name] for r in m['radial']]), style, lw=1.6,
                color=COLOURS[k % len(COLOURS)],
                label=title(m).split('\n')[0] + (
                    ', ' + name.split('_')[-1] if len(names) > 1 else ''))
            ends = [ends_of(r.get(name + '_95')) for r in m['radial']]
            axis.fill_between(x, *(curve([e[i] for e in ends])
                                   for i in (0, 1)), lw=0, alpha=.15,
                              color=line.get_color())
        if level:
            axis.axhline(level(m), lw=.8, ls=':',
                         color=COLOURS[k % len(COLOURS)])
    axis.axvline(1, color=LINE, lw=.8, zorder=0)
    axis.set_xlim(0, None)
    axis.set_xlabel('radius, of Nyquist (beyond 1: diagonals)', fontsize=8)
    axis.set_ylabel(label, fontsize=8)
    axis.tick_params(labelsize=7, colors=MUTED)
    axis.grid(color='#eeeeee', lw=.6)
    axis.legend(fontsize=6.5, frameon=False, loc='center left',
                bbox_to_anchor=(1, .5))
    for side in ('top', 'right'):
        axis.spines[side].set_visible(False)
    figure.savefig(path, dpi=100)
    plt.close(figure)
    return path


def span(values):
    """Limits of what there is."""
    all_of = np.concatenate([v[np.isfinite(v)] for v in values])
    if not len(all_of):
        return 0, 1
    low, high = float(all_of.min()), float(all_of.max())
    return (low, high) if high > low else (low - .5, low + .5)


def draw(maps, folder, suffix):
    """Files that were drawn of maps."""
    def at(name):
        return os.path.join(folder, f'{name}.{suffix}')

    def planes(these, name):
        return [fourier_maps.plane(m, name) for m in these]

    codec = [m for m in maps if not m['network']]
    network = [m for m in maps if m['network']]
    out = []
    if codec:
        for kind in ('luma', 'chroma'):
            out.append(heat(
                codec, [decibels(v) for v in planes(codec, 'gain_' + kind)],
                f'gain of waves in {kind}, dB', (FLOOR, 3),
                at('gain-' + kind)))
        loss = [v - (m['clean']['psnr'] or np.nan)
                for m, v in zip(codec, planes(codec, 'psnr_g'))]
        if any(np.isfinite(v).any() for v in loss):
            out.append(heat(codec, loss, 'G less clean D, dB', span(loss),
                            at('generalisation'), 'magma'))
        out.append(curves(codec, ('gain_luma', 'gain_chroma'),
                          'gain, dB', at('radial'), decibels))
    if network:
        for name, label in (('wrong', 'labels wrong, %'),
                            ('changed', 'labels changed, %')):
            values = [100 * v for v in planes(network, name)]
            out.append(heat(network, values, label, span(values),
                            at('network-' + name), 'magma'))
        values = planes(network, 'drop')
        out.append(heat(network, values, 'confidence lost, mean',
                        span(values), at('network-confidence'), 'magma'))
        out.append(curves(network, ('wrong', 'changed'), 'labels, %',
                          at('network-radial'), lambda v: 100 * v,
                          lambda m: 100 * m['clean']['wrong']))
    return out
