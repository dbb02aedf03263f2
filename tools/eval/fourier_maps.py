# SPDX-License-Identifier: LGPL-2.1-or-later
"""Maps of Fourier sensitivity, from the lines that fourier.py writes.

A map is of one codec at one setting, with or without a network. Gain is by
regression of what came out along the wave on what went in, over all pictures
and channels: 1 where the wave passes, 0 where it is gone. The codec's other
noise falls out of it, as it knows nothing of the wave's sign and phase.
"""
import json
import math
import os
import sys

import numpy as np

from . import colour, stats, store

MAPS = 'maps.json'
VERSION = 1
# what tells one map from another
GROUP = ('set', 'count', 'size', 'crop', 'grid', 'rms', 'epsilon', 'phase',
         'signs', 'seed', 'codec', 'setting', 'how', 'network')


def number(v):
    """A float that JSON can hold, or None."""
    return float(f'{v:.6g}') if v is not None and math.isfinite(v) else None


def db(gain):
    """Of an amplitude; None for none."""
    return 20 * math.log10(abs(gain)) if gain else None


def psnr(mse):
    """Mean over pictures; infinite where one is exact."""
    mse = np.asarray(mse, float)
    if (mse == 0).any():
        return float('inf')
    return float(np.mean(10 * np.log10(65025 / mse)))


def products(line, kind):
    """float [pictures, 2]: sums over channels of in times out, and of in
    squared. kind: "rgb", "luma" or "chroma" (Y', or Cb and Cr, of BT.601)."""
    into, out = (np.asarray(line[k], float) for k in ('injected', 'passed'))
    if kind != 'rgb':
        rows = colour.TO[:1] if kind == 'luma' else colour.TO[1:]
        into, out = into @ rows.T, out @ rows.T
    return np.stack([(into * out).sum(1), (into ** 2).sum(1)], 1)


def ratio(sums, axis=0):
    a, b = np.sum(sums, axis=axis)
    return a / b if b > 1e-9 else float('nan')


def elsewhere(line):
    """Energy that the wave brought about outside of it, over the wave's own."""
    into, out = (np.asarray(line[k], float) for k in ('injected', 'passed'))
    change = 3 * np.asarray(line['change_mse'], float)
    return ((change.sum() - (out ** 2).sum()) / (into ** 2).sum()
            if (into ** 2).sum() > 1e-9 else float('nan'))


def codec_cell(line):
    """The numbers of one frequency of a codec."""
    pixels = line['crop'] ** 2
    out = {'gain_' + k: number(ratio(products(line, k)))
           for k in ('rgb', 'luma', 'chroma')}
    out.update(
        elsewhere=number(elsewhere(line)), psnr_g=number(psnr(line['g_mse'])),
        psnr_d=number(psnr(line['d_mse'])),
        injected_rms=number(math.sqrt(np.mean(
            np.asarray(line['injected'], float) ** 2))),
        bpp=number(8 * np.mean(line['bytes']) / pixels))
    return out


def network_cell(line, clean):
    """The numbers of one frequency of a network."""
    n = len(line['labels'])
    wrong = sum(a != b for a, b in zip(line['labels'], clean['truths']))
    changed = sum(a != b for a, b in zip(line['labels'], clean['labels']))
    drop = np.subtract(clean['confidences'], line['confidences'])
    return {'wrong': number(wrong / n), 'changed': number(changed / n),
            'drop': number(drop.mean())}


def mirror(crop, kx, ky):
    """How often a frequency is in the full plane: once where it is its own
    conjugate, twice elsewhere."""
    return 1 if 2 * kx % crop == 0 and 2 * ky % crop == 0 else 2


def rings(lines, clean, network):
    """Means over rings of radius, as fractions of Nyquist, with 95 % by
    bootstrap over pictures."""
    width = max(1 / 16, 1 / lines[0]['grid'])
    groups = {}
    for v in lines:
        radius = 2 * math.hypot(v['fx'], v['fy'])
        groups.setdefault(int(radius / width + 1e-9), []).append(v)
    out = []
    for i in sorted(groups):
        these = groups[i]
        weights = [mirror(v['crop'], v['kx'], v['ky']) for v in these]
        row = {'low': number(i * width), 'high': number((i + 1) * width),
               'cells': int(sum(weights))}
        if network:
            for name, truth in (('wrong', clean['truths']),
                                ('changed', clean['labels'])):
                of = np.average([[float(a != b) for a, b in
                                  zip(v['labels'], truth)] for v in these],
                                axis=0, weights=weights)
                row[name] = number(of.mean())
                row[name + '_95'] = [number(x) for x in stats.bootstrap(of)]
        else:
            for kind in ('rgb', 'luma', 'chroma'):
                sums = np.average([products(v, kind) for v in these], axis=0,
                                  weights=weights)
                row['gain_' + kind] = number(ratio(sums))
                row[f'gain_{kind}_95'] = [
                    number(x) for x in stats.bootstrap(sums, of=ratio)]
            row['psnr_g'] = number(np.average(
                [psnr(v['g_mse']) for v in these], weights=weights))
        out.append(row)
    return out


def one(lines):
    """The map of lines of one group; None without the cell that has no
    wave."""
    clean = [v for v in lines if v['kx'] is None]
    lines = sorted((v for v in lines if v['kx'] is not None),
                   key=lambda v: (v['kx'], v['ky']))
    if not clean or not lines:
        return None
    clean, network = clean[0], lines[0]['network']
    out = {k: clean[k] for k in GROUP}
    if network:
        wrong = sum(a != b for a, b in zip(clean['labels'], clean['truths']))
        out['clean'] = {
            'wrong': number(wrong / clean['count']),
            'wrong_95': [number(v) for v in
                         stats.wilson(wrong, clean['count'])],
            'confidence': number(np.mean(clean['confidences']))}
    else:
        out['clean'] = {
            'psnr': number(psnr(clean['d_mse'])), 'bpp': number(
                8 * np.mean(clean['bytes']) / clean['crop'] ** 2)}
    out['cells'] = [
        dict({k: v[k] for k in ('kx', 'ky', 'fx', 'fy')},
             **(network_cell(v, clean) if network else codec_cell(v)))
        for v in lines]
    out['radial'] = rings(lines, clean, network)
    return out


def maps(lines):
    """Maps of all lines of a file, in order of codec and setting."""
    groups = {}
    for v in lines:
        if not v.get('error'):
            groups.setdefault(json.dumps([v[k] for k in GROUP]), []).append(v)
    got = [one(v) for v in groups.values()]
    return sorted((m for m in got if m), key=lambda m: (
        m['network'] or '', m['codec'], m['setting'], m['rms'], m['set']))


def plane(m, name):
    """float [2 grid + 1, 2 grid + 1] of a number of a map, mirrored to the full
    plane: rows ky, columns kx, both from -Nyquist to Nyquist; NaN where there
    is none."""
    n, crop = m['grid'], m['crop']

    def index(k):
        return round(k * 2 * n / crop)

    there = {(index(c['kx']), index(c['ky'])): c[name] for c in m['cells']}
    out = np.full((2 * n + 1, 2 * n + 1), np.nan)
    for j in range(-n, n + 1):
        for i in range(-n, n + 1):
            # -Nyquist is Nyquist; (-i, -j) is (i, j)
            for a, b in ((i, j), (-i, -j)):
                a, b = (n if v == -n else v for v in (a, b))
                v = there.get((a, b))
                if v is not None:
                    out[j + n, i + n] = v
    return out


def table(m):
    """A map's rings, in words."""
    clean = m['clean']
    head = f'{m["codec"]} {m["setting"]:g}'
    if m['network']:
        out = [f'{head}, {m["network"]}: {100 * clean["wrong"]:.1f} % wrong '
               f'of {m["count"]} without a wave; of radius, wrong, changed:']
        out += [f'  {r["low"]:.3f}-{r["high"]:.3f}  {100 * r["wrong"]:5.1f} %'
                f'  {100 * r["changed"]:5.1f} %' for r in m['radial']]
        return '\n'.join(out)
    out = [f'{head}: {clean["bpp"]:.3f} bits per pixel, '
           + (f'{clean["psnr"]:.2f} dB' if clean['psnr'] else 'exact')
           + ' without a wave; of radius, gain of luma and chroma in dB:']
    for r in m['radial']:
        values = [db(r['gain_' + k]) for k in ('luma', 'chroma')]
        out.append(f'  {r["low"]:.3f}-{r["high"]:.3f}' + ''.join(
            '       -' if v is None else f' {v:7.2f}' for v in values))
    return '\n'.join(out)


def finish(path, folder, suffix):
    """Writes maps.json and, where matplotlib is there, the pictures."""
    got = maps(store.read(path)[0].values())
    out = os.path.join(folder, MAPS)
    try:
        with open(out + '.part', 'w', encoding='utf-8') as f:
            json.dump({'v': VERSION, 'maps': got}, f, allow_nan=False)
            f.write('\n')
        os.replace(out + '.part', out)
    except OSError as e:
        raise store.StoreError(f'{out}: {e.strerror}') from None
    for m in got:
        print(table(m))
    print(out)
    try:
        from . import fourier_plot
    except ImportError as e:
        print(f'walloc-eval: no maps are drawn: {e}; install '
              'python3-matplotlib and run the same line again',
              file=sys.stderr)
        return
    try:
        for name in fourier_plot.draw(got, folder, suffix):
            print(name)
    except OSError as e:
        raise store.StoreError(f'{folder}: {e.strerror}') from None
