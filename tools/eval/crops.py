# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same detail of a few inputs, clean, corrupted and coded at about one rate,
as PNG files in DIR/crops; each says in itself what it is."""
import base64
import hashlib
import io
import json
import math
import os
import shutil

import numpy as np
from PIL import Image, PngImagePlugin

from . import analysis, clip, codecs, picture, pipes, summary

FOLDER = 'crops'
COUNT = 3                       # inputs
CORRUPTIONS = 2                 # beside clean
SIDE = 160                      # pixels
TAG = 'walloc-eval'             # PNG text that says what it is
FILE_LIMIT = 300 << 10          # bytes of a file that a report takes
FILES = 2000                    # that are looked at in a folder
REPORT_LIMIT = 6 << 20          # bytes of all files in a report
NEAR = 2.5                      # a rate that many times off is not shown

# frames of an input, by media: a list of RGB uint8 [h, w, 3]
FRAMES = {
    'picture': lambda cell: [picture.load(cell['input'], cell['size'])],
    'clip': lambda cell: clip.load(cell['input'], cell['frames'],
                                   cell['size'])[0],
}


def detail(rgb, side=SIDE):
    """(x, y, width, height) of the square of greatest gradient energy."""
    h, w = rgb.shape[:2]
    width, height = min(side, w), min(side, h)
    grey = rgb.astype(float).mean(2)
    energy = np.zeros((h + 1, w + 1))
    energy[1:h, 1:] += np.diff(grey, axis=0) ** 2
    energy[1:, 1:w] += np.diff(grey, axis=1) ** 2
    total = energy.cumsum(0).cumsum(1)
    y = np.arange(0, h - height + 1, 4)[:, None]
    x = np.arange(0, w - width + 1, 4)[None]
    inside = (total[y + height, x + width] - total[y, x + width]
              - total[y + height, x] + total[y, x])
    row, column = np.unravel_index(np.argmax(inside), inside.shape)
    return int(x[0, column]), int(y[row, 0]), width, height


def _spread(things, count):
    """count of them, evenly."""
    if count <= 0 or not things:
        return []
    n = min(count, len(things))
    return [things[i * len(things) // n] for i in range(n)]


def _target(by_codec):
    """The rate that all codecs come nearest to with one of their settings, in
    the lower two thirds of what they span, where they differ."""
    rates = [[summary.rate(v) for v in settings.values()]
             for name, settings in by_codec.items() if name != analysis.NONE]
    rates = [np.log([r for r in rs if r > 0]) for rs in rates]
    rates = [rs for rs in rates if len(rs)]
    if not rates:
        return 0
    low, high = max(r.min() for r in rates), min(r.max() for r in rates)
    every = np.sort(np.concatenate(rates))
    within = every[(every >= low - 1e-9)
                   & (every <= low + (high - low) * 2 / 3 + 1e-9)]
    if not len(within):
        within = every
    off = [max(np.abs(r - t).min() for r in rates) for t in within]
    return float(np.exp(within[int(np.argmin(off))]))


def plan(lines, count):
    """[[line, ...]]: what is to be cut, a list for each input and corruption.
    lines: results of one sweep."""
    jobs = []
    good = [v for v in lines if not v.get('error') and not analysis.fault(v)
            and summary.media_of(v) in FRAMES]
    for these in summary.by_media(good).values():
        groups = summary.groups(these)
        files = _spread(sorted({analysis.file_of(v) for v in these},
                               key=lambda f: f[1:]), count)
        kinds = sorted({c for c in groups if c[0]})
        # of each kind the middle severity there is
        middle = [[c for c in kinds if c[0] == k] for k in dict.fromkeys(
            k for k, _ in kinds)]
        shown = [c for c in groups if not c[0]] + _spread(
            [m[len(m) // 2] for m in middle], CORRUPTIONS)
        for c in shown:
            target = _target(groups[c])
            for f in files:
                job = []
                for name in sorted(groups[c]):
                    mine = [v for s in groups[c][name].values() for v in s
                            if analysis.file_of(v) == f and v['bytes'] > 0]
                    if mine and target and name != analysis.NONE:
                        best = min(mine, key=lambda v: abs(
                            math.log(summary.rate([v]) / target)))
                        off = summary.rate([best]) / target
                        if 1 / NEAR <= off <= NEAR or len(mine) == 1:
                            job.append(best)
                if job:
                    jobs.append(job)
    return jobs


def name_of(line, what):
    """The file's name: the cell's key, or a digest of input and corruption."""
    if what == 'coded':
        return line['key'] + '.png'
    about = [what, analysis.file_of(line)]
    if what == 'corrupted':
        about += [line.get('v'), line['corruption'], line['severity'],
                  line['variant'], line['seed']]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16] + '.png'


def wanted(folder, job):
    """[(what, line, path)] of a job that are not there yet."""
    first = job[0]
    things = [('clean', first)] + [('corrupted', first)] * bool(
        first['corruption']) + [('coded', v) for v in job]
    things = [(what, v, os.path.join(folder, FOLDER, name_of(v, what)))
              for what, v in things]
    return [t for t in things if not os.path.exists(t[2])]


def cut(item):
    """Makes the files of (folder, job); returns what went wrong, in words."""
    folder, job = item
    todo, first = wanted(folder, job), job[0]
    if not todo:
        return ''
    try:
        clean = FRAMES[summary.media_of(first)](first)
        n = len(clean) // 2
        box = detail(clean[n])
        dirty = picture.corrupt(clean, first)
        for what, line, path in todo:
            frames = {'clean': clean, 'corrupted': dirty}.get(what)
            if frames is None:
                _, frames = codecs.of_cell(line).code(dirty, line['setting'])
            _save(frames[n], box, n, what, line, path)
    except (codecs.CellError, codecs.CodecError, pipes.PipelineError) as e:
        return str(e)
    except OSError as e:
        return f'{e.filename}: {e.strerror}'
    return ''


def _save(rgb, box, n, what, line, path):
    x, y, w, h = box
    place = analysis.file_of(line)
    about = {'what': what, 'file': place, 'box': box, 'frame': n}
    if what != 'clean':
        about.update({k: line.get(k) for k in (
            'corruption', 'severity', 'variant', 'seed')})
    if what == 'coded':
        about['key'] = line['key']
    info = PngImagePlugin.PngInfo()
    info.add_text(TAG, json.dumps(about))
    # two processes may make the clean one: each its own, the last stays
    part = f'{path}.{os.getpid()}.part'
    try:
        Image.fromarray(rgb[y:y + h, x:x + w]).save(
            part, 'png', optimize=True, pnginfo=info)
        os.replace(part, path)
    except OSError:
        if os.path.exists(part):
            os.unlink(part)
        raise


def merge(folders, out):
    """Copies the crops of folders to those of out."""
    for folder in folders:
        for path in _files(folder):
            target = os.path.join(out, FOLDER, os.path.basename(path))
            if not os.path.exists(target):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(path, target)


def _files(folder):
    try:
        names = sorted(os.listdir(os.path.join(folder, FOLDER)))
    except OSError:
        return []
    return [os.path.join(folder, FOLDER, n) for n in names
            if n.endswith('.png')][:FILES]


def load(path):
    """(what it says of itself, bytes); None for what is no crop of ours."""
    try:
        if os.path.getsize(path) > FILE_LIMIT:
            return None
        with open(path, 'rb') as f:
            data = f.read(FILE_LIMIT + 1)
        with Image.open(io.BytesIO(data), formats=['PNG']) as im:
            about = json.loads(im.text.get(TAG, ''))
            good = max(im.size) <= 4 * SIDE and isinstance(about, dict)
            im.load()
    except (OSError, ValueError, AttributeError, SyntaxError,
            Image.DecompressionBombError):
        return None
    if not good or about.get('what') not in ('clean', 'corrupted', 'coded') \
            or not isinstance(about.get('file'), list):
        return None
    return about, data


def shown(folders, lines):
    """{"pictures": [data URIs], "groups": [{"file", "label", "images": [{
    "picture", "codec", "setting", "rate", "psnr"}]}], "cut"}: the crops of
    these lines. cut: some did not fit into the report."""
    by_key = {v['key']: v for v in lines}
    files = {analysis.file_of(v) for v in lines}
    clean, corrupted, coded = {}, {}, {}
    for path in dict.fromkeys(p for d in folders for p in _files(d)):
        got = load(path)
        if got is None:
            continue
        about, data = got
        place = tuple(str(v) for v in about['file'])
        if place not in files:
            continue
        # as in the file: names that were told apart are in the line
        corruption = tuple(str(about.get(k)) for k in (
            'corruption', 'severity', 'variant', 'seed'))
        if about['what'] == 'clean':
            clean[place] = data
        elif about['what'] == 'corrupted':
            corrupted[place, corruption] = data
        elif about.get('key') in by_key:
            coded.setdefault((place, corruption), []).append(
                (by_key[about['key']], data))
    out = {'pictures': [], 'groups': [], 'cut': False}
    room, at = REPORT_LIMIT, {}

    def add(data):
        if data not in at:
            at[data] = len(out['pictures'])
            out['pictures'].append('data:image/png;base64,'
                                   + base64.b64encode(data).decode())
        return at[data]

    for (place, corruption), these in sorted(
            coded.items(), key=lambda v: (v[0][0][1:], v[0])):
        these = _one_each(these)
        line = these[0][0]
        head = [(name, table.get(key)) for name, table, key in (
            ('clean', clean, place),
            ('corrupted', corrupted, (place, corruption)))]
        need = sum(len(d) for _, d in head + these if d and d not in at)
        if need > room:
            out['cut'] = True
            continue
        room -= need
        images = [{'picture': add(d), 'what': name, 'psnr': _psnr(
            line, 'C') if name == 'corrupted' else None}
            for name, d in head if d]
        images += [{'picture': add(d), 'what': 'coded', 'codec': v['codec'],
                    'setting': v['setting'],
                    'rate': float(f'{summary.rate([v]):.4g}'),
                    'psnr': _psnr(v, 'R')}
                   for v, d in sorted(these, key=lambda t: t[0]['codec'])]
        out['groups'].append({
            'file': place[1], 'kind': line['corruption'] or 'clean',
            'severity': line['severity'], 'images': images})
    return out


def _one_each(these):
    """One of each codec, as merged runs may have chosen other settings: those
    nearest to the middle of all rates."""
    middle = np.median([math.log(max(summary.rate([v]), 1e-12))
                        for v, _ in these])
    out = {}
    for v, data in sorted(these, key=lambda t: abs(
            math.log(max(summary.rate([t[0]]), 1e-12)) - middle)):
        out.setdefault(v['codec'], (v, data))
    return list(out.values())


def _psnr(line, name):
    e = summary.error_of(line, name)
    v = e.get('psnr') if isinstance(e, dict) else None
    return round(v, 2) if isinstance(v, float) and math.isfinite(v) else None
