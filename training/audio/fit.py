#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""From excerpts of music and speech to a model of sound.

    prepare_audio.py ... --out SET
    fit.py --set SET --out audio-1.wlm

Channels are the packet's bands of the two signals of a pair (mid and side, or
what a frame's rotation makes of left and right), in order of their share of
the energy of training music: a KLT over the bands was tried and saves nothing
once contexts are there (docs/design/sound.md). Latents are quantised at random
steps; frames are sorted by how much is in them, and contexts, tables and
reconstruction points are fitted for each class (contexts.py).
"""
import argparse
import os
import sys
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
from contexts import ContextModel  # noqa: E402
import bands  # noqa: E402
import walloc_model  # noqa: E402

BANDS = bands.BANDS
D = 2 * BANDS
COLUMNS = 32                    # of a frame
FRACTION = 6                    # WALLOC_SOUND_FRACTION
ANALYSIS_BITS = 12
# Upper limits of a frame's fullness (see fullness()) for each parameter set.
LIMITS = (16, 40, 90, 170, 300, 560, 65535)
CAPS = (255, 255, 160, 160, 100, 63, 63)
# Steps over the level of the excerpt, and their logarithm's share of training.
STEPS = (2.0 ** -7, 2.0 ** 3.5)
ROUNDING = 82                   # 1/256
CLASSES = 8


def gain(band):
    """walloc_sound_gain(): a band of the integer transform times this is
    PyWavelets' coefficient of 16-bit samples."""
    low = walloc_model.LOW_GAIN
    ones = bin(band).count('1')
    return (-1) ** ones * low ** (bands.LEVELS - 2 * ones) / 2 ** FRACTION


def rotate(c):
    """float32 [n, 2, 256, columns] of left and right -> the first signal of
    every frame has as much of the energy as a rotation in steps of pi / 64
    can give it (walloc_audio_choose_rotation()), the second the rest. The
    energies are those of the bands as the encoder has them."""
    n, _, b, t = c.shape
    k = t // COLUMNS
    f = c[..., :k * COLUMNS].reshape(n, 2, b, k, COLUMNS)
    raw = f / np.array([gain(x) * 2 ** FRACTION for x in range(b)],
                       np.float32)[:, None, None]
    aa, bb = ((raw[:, z] ** 2).sum((1, 3)) for z in (0, 1))
    ab = (raw[:, 0] * raw[:, 1]).sum((1, 3))
    angle = np.arange(64) * np.pi / 64
    cos, sin = np.cos(angle), np.sin(angle)
    energy = (aa[..., None] * cos ** 2 + bb[..., None] * sin ** 2 +
              2 * ab[..., None] * cos * sin)
    best = np.where((aa + bb) > 0, energy.argmax(-1), 16)
    cos, sin = (z[best].astype(np.float32)[:, None, :, None]
                for z in (cos, sin))
    return np.stack([f[:, 0] * cos + f[:, 1] * sin,
                     f[:, 0] * sin - f[:, 1] * cos], 1).reshape(
                         n, 2, b, k * COLUMNS)


def coefficients(x):
    """int16 [n, 1 or 2, samples] -> float32 [n, 2, 256, columns] of the
    signals of a pair, where an error of 1 makes an error of 1 in the samples,
    on average; a mono recording has no second signal."""
    root = np.sqrt(bands.synthesis_energy()).astype(np.float32)[:, None]
    if x.shape[1] == 1:
        c = bands.packet(x.astype(np.float32))
        return np.concatenate([c, np.zeros_like(c)], 1) * root
    return np.concatenate([rotate(bands.packet(
        x[k:k + 20].astype(np.float32))) for k in range(0, len(x), 20)]) * root


def order(c):
    """Signal and band of every channel, from the mean over excerpts of
    bands' shares of energy."""
    energy = (c ** 2).mean(3)
    share = (energy / (energy.sum((1, 2), keepdims=True) + 1)).mean(0).ravel()
    best = np.argsort(-share, kind='stable')
    return best // BANDS, best % BANDS


def quantise(y, step, rounding=ROUNDING):
    return (np.sign(y) * np.minimum(np.floor(
        np.abs(y) / step + rounding / 256), 16383)).astype(np.int16)


def fullness(q, signals):
    """What the encoder picks the parameter set by: 256 times the mean of
    the number of bits of |q|, over all bands of the signals that are there.
    q [n, D, 1, columns] -> [n]."""
    bits = np.zeros(q.shape, np.uint8)
    for k in range(14):
        bits += np.abs(q) >= 1 << k
    return 256 * bits.sum((1, 2, 3)) / (signals * BANDS * q.shape[3])


def frames(latents):
    """[n, D, columns] -> [n * frames, D, 1, COLUMNS]"""
    n, d, t = latents.shape
    k = t // COLUMNS
    return latents[..., :k * COLUMNS].reshape(n, d, k, COLUMNS).transpose(
        0, 2, 1, 3).reshape(n * k, d, 1, COLUMNS)


def drawn(c, signal, band, rng, turns):
    """Latents at random steps, and what they come from over the step: int16
    and float16 [frames, D, 1, COLUMNS]."""
    q, y = [], []
    level = np.sqrt((c ** 2).mean((1, 2, 3)) * 2 / c.shape[1]) + 1
    for _ in range(turns):
        step = level * np.exp(rng.uniform(*np.log(STEPS), len(c)))
        for k in range(len(c)):
            v = frames((c[k, signal, band] / np.float32(step[k]))[None])
            q.append(quantise(v, 1))
            y.append(v.astype(np.float16))
    return np.concatenate(q), np.concatenate(y)


def reconstruction(y, q):
    """Mean distance of |q| from |y| (in steps) for |q| = 1, 2, >= 3."""
    out = np.zeros((q.shape[1], 3), np.float32)
    for c in range(q.shape[1]):
        a = np.abs(q[:, c])
        d = a - np.abs(y[:, c].astype(np.float32))
        for k in (1, 2, 3):
            at = a == k if k < 3 else a >= 3
            out[c, k - 1] = d[at].sum() / (at.sum() + 30)
    return np.clip(out, -0.5, 0.5)


def classes(signal):
    """Table class of every channel, by order within its signal."""
    out = np.zeros(D, int)
    for s in (0, 1):
        mine = np.nonzero(signal == s)[0]
        out[mine] = 4 * s + np.searchsorted((8, 32, 96), np.arange(BANDS),
                                            side='right')
    return out


def quality_table():
    """[100, 2]: how far the step is below the level, in 1/16 octaves, plus
    128; channels kept."""
    down = -3 + 9 * np.arange(100) / 99
    return np.stack([np.round(128 + 16 * down), np.full(100, D)],
                    1).astype(np.uint16)


def matrices(signal, band):
    root = np.sqrt(bands.synthesis_energy())
    analysis = np.zeros((D, BANDS), np.int16)
    synthesis = np.zeros((D, BANDS), np.float32)
    for c in range(D):
        b = band[c]
        one = gain(int(b)) * root[b] * 2 ** FRACTION
        analysis[c, b] = round(one * 2 ** ANALYSIS_BITS)
        synthesis[c, b] = 2 ** ANALYSIS_BITS / analysis[c, b] * gain(
            int(b)) * 2 ** FRACTION
    return {'codec.analysis': analysis, 'codec.synthesis': synthesis}


def build(music, speech, samples, turns, seed, log):
    rng = np.random.default_rng(seed)
    c = coefficients(music)
    signal, band = order(c)
    q, y = drawn(c, signal, band, rng, turns)
    stereo = len(q)
    full = fullness(q, 2)
    if speech is not None:
        c = coefficients(speech)
        more = drawn(c, signal, band, rng, turns)
        full = np.concatenate([full, fullness(more[0], 1)])
        q, y = np.concatenate([q, more[0]]), np.concatenate([y, more[1]])
    del c
    cm = ContextModel(D, len(LIMITS), CLASSES, classes(signal))
    cm.cap[:] = CAPS
    recon = np.zeros((len(LIMITS), D, 3), np.float32)
    low = 0
    for s, high in enumerate(LIMITS):
        begin = time.time()
        pick = np.nonzero((full >= low) & (full < high))[0]
        low = high
        both = pick[pick < stereo]
        one = ContextModel(D, 1, CLASSES, classes(signal))
        one.cap[:] = CAPS[s]
        one.fit(0, q[pick].astype(np.int32), list(range(D)), samples=samples,
                seed=seed + s)
        cm.taps[s], cm.freq[s] = one.taps[0], one.freq[0]
        on = q[both].any((2, 3)).sum(0) if len(both) else np.zeros(D)
        cm.active[s] = np.clip(np.round(32768 * (on + 0.5) / (
            len(both) + 1)), 1, 32767)
        recon[s] = reconstruction(y[pick], q[pick])
        log('set %d: fullness below %d, %d frames (%d of music), %.3f bits '
            'per sample of mid, %.0f s' % (
                s, high, len(pick), len(both), one.bits(
                    0, q[pick[::4]].astype(np.int32), list(range(D))).mean() /
                (BANDS * COLUMNS), time.time() - begin))
    tensors = cm.tensors()
    tensors.update(matrices(signal, band))
    tensors.update({
        'codec.group': signal.astype(np.uint8),
        'codec.weight': np.full((len(LIMITS), D), 4096, np.uint16),
        'codec.rounding': np.full((len(LIMITS), D), ROUNDING, np.uint8),
        'codec.recon': recon,
        'codec.set_limit': np.array(LIMITS, np.uint16),
        'codec.quality': quality_table()})
    return tensors


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--set', required=True, help='folder of prepare_audio.py')
    p.add_argument('--out', required=True)
    p.add_argument('--name', default='sound-1')
    p.add_argument('--kind', choices=('both', 'music', 'speech'),
                   default='both')
    p.add_argument('--music', type=int, default=340, help='excerpts at most')
    p.add_argument('--speech', type=int, default=400)
    p.add_argument('--turns', type=int, default=1,
                   help='steps drawn for each excerpt')
    p.add_argument('--samples', type=int, default=12000,
                   help='latents of a channel that its contexts are fitted to')
    p.add_argument('--seed', type=int, default=1)
    args = p.parse_args()
    rng = np.random.default_rng(args.seed)

    def some(name, most):
        x = np.load(os.path.join(args.set, name), mmap_mode='r')
        return x[np.sort(rng.permutation(len(x))[:most])]

    music = some('music_train.npy', args.music)
    speech = some('speech_train.npy', args.speech)
    if args.kind == 'music':
        speech = None
    elif args.kind == 'speech':
        music = music[:20]
    tensors = build(music, speech, args.samples, args.turns, args.seed,
                    lambda text: print(text, flush=True))
    ident = walloc_model.save(args.out, tensors, {
        'walloc.format': '1', 'walloc.kind': 'ordered',
        'walloc.media': 'audio', 'walloc.name': args.name,
        'walloc.levels': '8', 'walloc.analysis_bits': str(ANALYSIS_BITS),
        'walloc.licence': 'LGPL-2.1-or-later',
        'walloc.card': 'models/%s.md' % args.name,
        'walloc.source': 'training/audio'})
    print('%s: id %016x, %d bytes' % (args.out, ident,
                                      os.path.getsize(args.out)))


if __name__ == '__main__':
    main()
