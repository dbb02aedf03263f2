# SPDX-License-Identifier: LGPL-2.1-or-later
"""Made-up results of walloc-eval for tests of its report."""
import json
import math
import os
import random

BANDS = 8


def _bands(mse):
    return [mse / (BANDS + 1)] * (BANDS + 1)


def _error(psnr, media):
    mse = 255 ** 2 / 10 ** (psnr / 10)
    if media == 'sound':
        return {'snr': psnr - 10, 'si_sdr': psnr - 11, 'mse': mse,
                'bands': _bands(mse)}
    return {'psnr': psnr, 'ssim': 1 - 2 ** (-psnr / 4), 'mse': mse,
            'ms_ssim': 1 - 2 ** (-psnr / 3), 'bands': _bands(mse)}


TASKS = [{'kind': 'zbar', 'name': 'codes'},
         {'kind': 'tesseract', 'name': 'text'},
         {'kind': 'command', 'name': 'own', 'command': 'x', 'unit': 'points'}]


def lines(files=4, codecs=('alpha', 'beta'), settings=(1, 2, 3, 4),
          corruptions=((None, 0), ('fog', 1), ('fog', 3)), media='picture',
          none=True, tasks=TASKS, seed=1):
    """A line for each cell; beta is 1.3 dB better than alpha, rates double with
    settings, and answers get better with PSNR."""
    rng, out = random.Random(seed), []
    for f in range(files):
        shift = rng.gauss(0, 1)
        for kind, severity in corruptions:
            for k, codec in enumerate(codecs + (('none',) if none else ())):
                for s in settings if codec != 'none' else (0,):
                    rate = .1 * 2 ** s * (1 + severity)
                    psnr = 24 + 3 * math.log2(rate) + 1.3 * k + shift \
                        - 2 * severity
                    if codec == 'none':
                        rate, psnr = 24, 99.0 if not kind else 25.0
                    error = _error(psnr, media)
                    line = {
                        'v': 2, 'media': media, 'content': f'{f:016x}',
                        'key': f'{media}-{f}-{kind}-{severity}-{codec}-{s}',
                        'input': f'/somewhere/set/file{f}.png', 'size': 0,
                        'corruption': kind, 'severity': severity,
                        'variant': kind and 'imagecorruptions',
                        'seed': kind and 0, 'codec': codec, 'setting': s,
                        'how': f'{codec}enc q={{setting}} | {codec}dec'
                        if codec != 'none' else ' | ', 'bands': BANDS,
                        'tasks': tasks, 'code_seconds': .1, 'cpu_seconds': .2,
                        'metrics': {'R': error, 'G': _error(psnr + 5, media),
                                    'C': _error(25, media)} if kind
                        else {'error': error}, 'answers': {}}
                    line['metrics']['ref_bands'] = _bands(4000)
                    if media == 'sound':
                        line.update(seconds=3.0, rate=48000, channels=1,
                                    bytes=int(rate * 20000 * 3 / 8))
                    else:
                        n = 5 if media == 'clip' else 1
                        line.update(width=64, height=48, bytes=int(
                            rate * 64 * 48 * n / 8))
                        if n > 1:
                            line['frames'] = n
                    level = min(1, max(0, (psnr - 15) / 20))
                    line['answers'] = {
                        'codes': {'codes': 2, 'right': round(2 * level),
                                  'invented': 0},
                        'text': {'characters': 100,
                                 'wrong': round(80 * (1 - level))},
                        'own': {'value': 10 * level}}
                    out.append(line)
    return out


def write(folder, these):
    """results.jsonl of lines; text goes in as it is."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'results.jsonl'), 'w',
              encoding='utf-8') as f:
        for v in these:
            f.write((v if isinstance(v, str) else json.dumps(v)) + '\n')
