#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train the network decoder of a model of sound (sound_net.py).

    prepare_audio.py ... --out SET
    python3 train_decoder.py --model sound-1.wlm --set SET --out fast \
        --minutes 25
    python3 ../ordered/add_decoder.py sound-1.wlm fast.onnx --out sound-1.wlm

Every frame of a batch is 32 columns of an excerpt behind the last columns of
the frame before, quantised at a step drawn anew. Its squared error counts
over what the linear decoder's is on average in all of the excerpt at that
step, as in signal to noise ratios of whole recordings, and over its own: over
the first alone, few loud frames outweigh all others.
Kernels are moved along the orthogonalised momentum (muon.py), everything else
by Adam; both rates fall to zero along a cosine. --validate writes nothing but
gains of a trained network.

--device cuda trains on a GPU; all else is the same.
"""
import argparse
import json
import os
import sys
import time

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
from muon import Muon  # noqa: E402
import fit  # noqa: E402
import sound_net  # noqa: E402
import walloc_model  # noqa: E402

COLUMNS = fit.COLUMNS
SHAPE = (128, 2)                # width, residual blocks
# Steps over the level, in octaves, where errors are known and validated.
GRID = np.arange(-7, 4)
CHECK = (2, 1, 0, -1, -2, -3)
# Bits of a latent whose magnitudes are counted.
BITS = 14


class Model:
    def __init__(self, path, device):
        self.tensors, _ = walloc_model.load(path)
        t = self.tensors
        self.group = t['codec.group']
        self.band = np.abs(t['codec.analysis']).argmax(1)
        self.limit = torch.tensor(t['codec.set_limit'].astype(np.float32),
                                  device=device)
        self.recon = torch.tensor(t['codec.recon'], device=device)
        self.rounding = float(t['codec.rounding'][0, 0]) / 256
        if (t['codec.rounding'] != t['codec.rounding'][0, 0]).any() or (
                t['codec.weight'] != 4096).any():
            sys.exit('weights and rounding offsets that differ are not '
                     'trained for')


def latents(model, path, most, seed, cache):
    """float16 [n, D, columns] over the level of the excerpt."""
    name = os.path.splitext(os.path.basename(path))[0]
    kept = os.path.join(cache, name + '.npy') if cache else None
    if kept and os.path.exists(kept):
        out = np.load(kept, mmap_mode='r')
    else:
        x = np.load(path, mmap_mode='r')
        out = []
        for k in range(0, len(x), 20):
            c = fit.coefficients(x[k:k + 20])
            # of the signals that are there
            level = np.sqrt((c ** 2).sum((1, 2, 3)) * 2 / (
                x.shape[1] * c[0, 0].size * x.shape[1])) + 1
            c = c[..., :c.shape[3] // COLUMNS * COLUMNS]
            out.append((c[:, model.group.astype(int), model.band] /
                        level[:, None, None]).astype(np.float16))
        out = np.concatenate(out)
        if kept:
            np.save(kept, out)
    pick = np.random.default_rng(seed).permutation(len(out))[:most]
    return out, np.sort(pick)


def quantised(model, y, step, signals, rounding=0.0, shrinking=1.0):
    """y [n, D, BEFORE + COLUMNS] over the level, step [n] likewise -> network
    input [n, D + 1, 1, ...] and what is missing from it, in steps."""
    y = y / step[:, None, None]
    a = torch.floor(y.abs() + (model.rounding + rounding)).clamp_(max=16383)
    bits = sum((a >= 1 << k).float() for k in range(BITS)).sum(1)
    bits = bits / (signals[:, None] * fit.BANDS)
    full = 256 * bits[:, -COLUMNS:].mean(1)
    sets = torch.bucketize(full, model.limit, right=True).clamp_(
        max=len(model.limit) - 1)
    recon = model.recon[sets] * shrinking
    shrink = torch.where(a == 1, recon[:, :, :1], torch.where(
        a == 2, recon[:, :, 1:2], recon[:, :, 2:]))
    value = torch.sign(y) * (a - shrink) * (a > 0)
    return (torch.cat([value, bits[:, None]], 1)[:, :, None],
            (y - value)[:, :, None])


def with_context(y):
    """[n, D, columns] -> frames [n * frames, D, BEFORE + COLUMNS]."""
    before = sound_net.BEFORE
    n, d, t = y.shape
    p = np.pad(y, ((0, 0), (0, 0), (before, 0)))
    out = np.stack([p[..., k:k + before + COLUMNS]
                    for k in range(0, t, COLUMNS)], 1)
    return out.reshape(-1, d, before + COLUMNS)


def usual_errors(model, data, signals, device):
    """[n, GRID]: mean squared error of the linear decoder on every excerpt,
    in steps."""
    out = np.zeros((len(data), len(GRID)))
    for i in range(len(data)):
        f = torch.tensor(np.float32(with_context(data[i:i + 1])[::4]),
                         device=device)
        s = torch.full((len(f),), float(signals), device=device)
        for k, octave in enumerate(GRID):
            missing = quantised(model, f, torch.full_like(s, 2.0 ** octave),
                                s)[1]
            out[i, k] = float((missing[..., -COLUMNS:] ** 2).mean())
    return out + 1e-7


def validate(net, model, data, signals, device):
    """Mean over excerpts of the dB gained, by octaves of the step over the
    level; and the least."""
    gains = {}
    with torch.no_grad():
        for octave in CHECK:
            db = []
            for i in range(len(data)):
                f = torch.tensor(np.float32(with_context(data[i:i + 1])),
                                 device=device)
                s = torch.full((len(f),), float(signals), device=device)
                value, missing = quantised(
                    model, f, torch.full_like(s, 2.0 ** octave), s)
                left = missing - net(value)
                a, b = (float((z[..., -COLUMNS:] ** 2).sum())
                        for z in (missing, left))
                db.append(10 * np.log10(a / b))
            gains[octave] = [round(float(z), 4)
                             for z in (np.mean(db), np.min(db))]
    return gains


class Source:
    def __init__(self, model, path, signals, args, most, device):
        self.signals = signals
        self.data, self.pick = latents(model, path, most, args.seed,
                                       args.cache)
        keep = os.path.join(args.cache, os.path.basename(path) + '.usual') \
            if args.cache else None
        if keep and os.path.exists(keep + '.npy'):
            self.usual = np.load(keep + '.npy')
        else:
            self.usual = np.log(usual_errors(model, self.data, signals,
                                             device))
            if keep:
                np.save(keep + '.npy', self.usual)

    def draw(self, rng, n):
        """Frames, octaves of their steps, usual errors."""
        before = sound_net.BEFORE
        out = np.zeros((n, self.data.shape[1], before + COLUMNS), np.float32)
        octaves = np.where(rng.random(n) < 0.75, rng.uniform(-2.5, 2.2, n),
                           rng.uniform(-6, 3.4, n))
        usual = np.zeros(n)
        for k in range(n):
            i = self.pick[rng.integers(len(self.pick))]
            # any alignment: frames begin anywhere
            x = int(rng.integers(0, self.data.shape[2] - COLUMNS + 1))
            part = self.data[i, :, max(0, x - before):x + COLUMNS]
            out[k, :, -part.shape[1]:] = part
            usual[k] = np.exp(np.interp(octaves[k], GRID, self.usual[i]))
        return out, octaves, usual


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--model', required=True)
    p.add_argument('--set', required=True, help='folder of prepare_audio.py')
    p.add_argument('--out', required=True, help='path without suffix')
    p.add_argument('--cache', help='folder that keeps latents from run to run')
    p.add_argument('--minutes', type=float, default=25,
                   help='processor time of training')
    p.add_argument('--width', type=int, default=SHAPE[0])
    p.add_argument('--blocks', type=int, default=SHAPE[1])
    p.add_argument('--batch', type=int, default=48)
    p.add_argument('--speech', type=float, default=0.2,
                   help='share of batches')
    p.add_argument('--threads', type=int, default=1)
    p.add_argument('--device', default='cpu')
    p.add_argument('--seed', type=int, default=3)
    p.add_argument('--adam', type=float, default=1.5e-3)
    p.add_argument('--muon', type=float, default=0.007)
    p.add_argument('--validations', type=int, default=6)
    p.add_argument('--some', type=int, default=24,
                   help='excerpts to validate with while training')
    p.add_argument('--resume', action='store_true')
    p.add_argument('--validate', action='store_true')
    args = p.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    device = torch.device(args.device)
    half = device.type == 'cuda' or 'avx512_bf16' in open(
        '/proc/cpuinfo').read()
    rng = np.random.default_rng(args.seed)
    model = Model(args.model, device)

    def path(name):
        return os.path.join(args.set, name + '.npy')

    val = {name: latents(model, path(name + '_val'), 10 ** 6, 0, args.cache)[0]
           for name in ('music', 'speech')}
    signals = {'music': 2, 'speech': 1}
    d = len(model.group)
    scale = torch.ones(d + 1)
    net = sound_net.SoundNet(d, args.width, args.blocks, scale).to(device)
    curve, k, spent = [], 0, 0.0
    state = None
    if (args.resume or args.validate) and os.path.exists(args.out + '.pt'):
        state = torch.load(args.out + '.pt', map_location=device)
        net.load_state_dict(state['net'])
        curve, k, spent = state['curve'], state['k'], state['spent']
        rng = np.random.default_rng(args.seed + k)

    def gains(most):
        return {name: validate(net, model, v[::max(1, len(v) // most)],
                               signals[name], device)
                for name, v in val.items()}

    if args.validate:
        for name, found in gains(10 ** 6).items():
            print(name, json.dumps(found))
        return
    music = Source(model, path('music_train'), 2, args, 10 ** 6, device)
    speech = Source(model, path('speech_train'), 1, args, 400, device)
    if state is None:
        # mean magnitudes at a middle step; half a step for channels that are
        # nearly always zero
        y, octaves, _ = music.draw(np.random.default_rng(0), 400)
        value, missing = quantised(model, torch.tensor(y, device=device),
                                   torch.full((400,), 0.5, device=device),
                                   torch.full((400,), 2.0, device=device))
        net.scale[:] = 1 / (torch.log1p(value.abs()).mean((0, 2, 3)) +
                            0.3)[None, :, None, None]
        net.reach[:] = (missing ** 2).mean((0, 2, 3), True).sqrt()
    kernels = [b.weight for z in net.blocks for b in (z.a, z.b)]
    others = [q for q in net.parameters()
              if not any(q is z for z in kernels)]
    opts = [(torch.optim.Adam(others, lr=1), args.adam),
            (Muon(kernels, lr=1), args.muon)]
    if state is not None:
        for (opt, _), s in zip(opts, state['opts']):
            opt.load_state_dict(s)

    def save():
        torch.save({'net': net.state_dict(), 'curve': curve, 'k': k,
                    'spent': spent, 'width': args.width,
                    'blocks': args.blocks,
                    'opts': [o.state_dict() for o, _ in opts]},
                   args.out + '.tmp')
        os.replace(args.out + '.tmp', args.out + '.pt')
        with open(args.out + '.json', 'w', encoding='utf-8') as f:
            json.dump(curve, f, indent=1)
        with open(args.out + '.onnx', 'wb') as f:
            f.write(sound_net.onnx_bytes(net, model.group,
                                         model.tensors['codec.synthesis']))

    def now():
        return time.time() if device.type == 'cuda' else time.process_time()

    last, total, shown, due = now(), 0.0, k, 0.0
    limit = 60 * args.minutes
    while True:
        if spent >= due or spent >= limit:
            due = spent + limit / args.validations
            curve.append({'iteration': k, 'minutes': round(spent / 60, 2),
                          'loss': round(total / max(1, k - shown), 5),
                          'val_gain_db': gains(args.some)})
            print(json.dumps(curve[-1]), flush=True)
            total, shown = 0.0, k
            save()
            last = now()
            if spent >= limit:
                break
        share = min(1, spent / limit)
        for opt, lr in opts:
            opt.param_groups[0]['lr'] = lr * (
                min(1, (k + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * share)))
        source = speech if rng.random() < args.speech else music
        y, octaves, usual = source.draw(rng, args.batch)
        octaves = torch.tensor(octaves, dtype=torch.float32, device=device)
        count = torch.full((len(y),), float(source.signals), device=device)
        value, missing = quantised(
            model, torch.tensor(y, device=device), 2 ** octaves, count)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
            out = net(value)
        error, linear = (((z - missing)[..., -COLUMNS:] ** 2).mean((1, 2, 3))
                        for z in (out.float(), 0 * missing))
        usual = torch.tensor(usual, dtype=torch.float32, device=device)
        loss = (error / (usual + linear)).mean() * 2
        for opt, _ in opts:
            opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(others, 0.5)
        for opt, _ in opts:
            opt.step()
        k += 1
        total += loss.item()
        spent += now() - last
        last = now()


if __name__ == '__main__':
    main()
