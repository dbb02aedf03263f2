# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains a network without normalisation layers from random batches.

Kernels between hidden channels move by Muon, all else by Adam, both along a
cosine; in bfloat16 where asked. Weights are kept that did best on the
validation set; an interrupted run goes on where it stopped.
"""
import json
import os
import sys
import time

import numpy as np
import torch

from progress import EarlyStop, Progress
from report import recipe
from streams import ahead

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..'))
from muon import Muon  # noqa: E402

WARM = 60                       # steps until the rate is full, a tenth at most


def arguments(p, steps, batch, muon, adam):
    """The options that all such trainings have."""
    p.add_argument('--out', required=True, help='path without suffix')
    p.add_argument('--codec', default='photo-1')
    p.add_argument('--input', choices=('latents', 'decoded', 'pixels'),
                   default='latents')
    p.add_argument('--steps', type=int, default=steps)
    p.add_argument('--batch', type=int, default=batch)
    p.add_argument('--muon', type=float, default=muon)
    p.add_argument('--adam', type=float, default=adam)
    p.add_argument('--decay', type=float, default=0.02,
                   help='of kernels, per unit of learning rate')
    p.add_argument('--stem', choices=('adam', 'muon'), default='muon',
                   help='what moves the first convolution of latents')
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--threads', type=int, default=1)
    p.add_argument('--checks', type=int, default=5)
    p.add_argument('--patience', type=int, default=3,
                   help='checks without gain after which training stops')
    p.add_argument('--float32', action='store_true')
    p.add_argument('--resume', action='store_true')


def parameters(net):
    """Number of trained values."""
    return sum(p.numel() for p in net.parameters())


def draw_course(axes, nets, ylabel):
    """What the validation set said while training, of {name: ONNX file} with a
    .curve.json beside it. Returns whether there was one."""
    from report import draw_curves
    curves = {}
    for name, path in nets.items():
        path = os.path.splitext(path)[0] + '.curve.json'
        if os.path.exists(path):
            with open(path) as f:
                checks = json.load(f)['checks']
            curves[name] = ([c['step'] for c in checks],
                            [c['value'] for c in checks])
    if curves:
        draw_curves(axes, curves, 'steps', ylabel, 'validation')
    return bool(curves)


class Fit:
    """One training.

    batches: function (seed) -> iterator of tuples of arrays; loss: function
    (net, tensors) -> scalar; check: function (net) -> (figures for the
    curve, value: greater is better)."""

    def __init__(self, net, batches, loss, check, args):
        self.net, self.args = net, args
        self.batches, self.loss, self.check = batches, loss, check
        named = list(net.named_parameters())
        first = [n for n, q in named if q.dim() == 4
                 and min(q.shape[:2]) > 4
                 and (args.stem == 'muon' or 'enter' not in n)]
        self.names = [first, [n for n, _ in named if n not in first]]
        self.kernels, self.others = ([dict(named)[n] for n in names]
                                     for names in self.names)
        self.optimisers = [(Muon(self.kernels, args.muon), args.muon),
                           (torch.optim.Adam(self.others, args.adam),
                            args.adam)]
        self.stop, self.curve = EarlyStop(args.patience), []
        self.k, self.spent = 0, 0.0

    def moments(self):
        """{parameter: what its optimiser keeps of it}."""
        out = {}
        for names, (optimiser, _) in zip(self.names, self.optimisers):
            state = optimiser.state_dict()['state']
            out.update((n, state[i]) for i, n in enumerate(names)
                       if i in state)
        return out

    def save(self):
        """Everything that --resume needs; .curve.json for people."""
        path, stop = self.args.out, dict(vars(self.stop))
        best = stop.pop('state')
        # torch loads nothing but tensors, text and whole numbers safely
        torch.save({'net': self.net.state_dict(), 'best': best,
                    'moments': self.moments(),
                    'course': json.dumps([stop, self.curve, self.k,
                                          self.spent])}, path + '.pt.part')
        os.replace(path + '.pt.part', path + '.pt')
        with open(path + '.curve.json', 'w') as f:
            json.dump({'args': recipe(self.args), 'checks': self.curve,
                       'parameters': parameters(self.net)}, f, indent=1)

    def resumes(self):
        """Whether run() goes on from a file."""
        return self.args.resume and os.path.exists(self.args.out + '.pt')

    def load(self):
        s = torch.load(self.args.out + '.pt', weights_only=True)
        self.net.load_state_dict(s['net'])
        for names, (optimiser, _) in zip(self.names, self.optimisers):
            kind = {'m'} if isinstance(optimiser, Muon) else {'exp_avg'}
            # what another optimiser moved until now begins anew
            state = {i: s['moments'][n] for i, n in enumerate(names)
                     if kind <= set(s['moments'].get(n, ()))}
            optimiser.load_state_dict(dict(optimiser.state_dict(),
                                           state=state))
        stop, self.curve, self.k, self.spent = json.loads(s['course'])
        vars(self.stop).update(stop, state=s['best'],
                               patience=self.args.patience)

    def step(self, batch):
        """Move once; returns the loss."""
        a = self.args
        warm = max(1, min(WARM, a.steps // 10))
        fall = min(1.0, (self.k + 1) / warm) * float(
            0.5 + 0.5 * np.cos(np.pi * self.k / a.steps))
        for optimiser, rate in self.optimisers:
            optimiser.param_groups[0]['lr'] = rate * fall
            optimiser.zero_grad()
        with torch.autocast('cpu', dtype=torch.bfloat16,
                            enabled=not a.float32):
            loss = self.loss(self.net, [torch.tensor(v) for v in batch])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.others, 1.0)
        with torch.no_grad():
            for q in self.kernels:
                q.mul_(1 - a.decay * a.muon * fall)
        for optimiser, _ in self.optimisers:
            optimiser.step()
        self.k += 1
        return loss.item()

    def note(self, loss):
        self.net.eval()
        with torch.no_grad():
            figures, value = self.check(self.net)
        self.net.train()
        self.stop.better(value, lambda: {
            n: q.clone() for n, q in self.net.state_dict().items()})
        self.curve.append({'step': self.k, 'loss': round(loss, 5),
                           'cpu_minutes': round(self.spent / 60, 2),
                           'val': figures, 'value': round(value, 5)})
        print(json.dumps(self.curve[-1]), flush=True)
        self.save()

    def run(self):
        """Train, and load the best weights into net."""
        a = self.args
        if self.resumes():
            self.load()
        every, total = max(1, a.steps // a.checks), []
        source = ahead(self.batches(a.seed + self.k))
        with Progress(a.steps - self.k, a.input) as bar:
            while self.k < a.steps and not self.stop.over:
                t = time.process_time()
                total.append(self.step(next(source)))
                self.spent += time.process_time() - t
                bar.step(note=f'loss {total[-1]:.3f}')
                if self.k % every == 0 or self.k == a.steps:
                    self.note(float(np.mean(total)))
                    total = []
        source.close()
        self.net.load_state_dict(self.stop.state)
