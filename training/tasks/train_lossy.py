#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same small classifier, trained on coded pictures and on controls.

    python3 train_lossy.py SET --out NETS [--only clean jpeg-10] [--seeds 1,2,3]

SET is what lossy_set.py makes. Every network has the same weights to begin with
(for a seed), the same pictures in the same batches in the same order, as many
updates, and the epoch that did best on validation pictures coded as its
training pictures are. What they differ in is what was done to the pictures.
Validation decides nothing else, and the test pictures are not read here.

Networks (--list):
  NAME                 trained on that coding
  jpeg-mix, walloc-mix every picture at a random quality, another every epoch
  blur-mix             the same of blurs that have the errors of the JPEGs: a
                       control of the mixes
  A-then-B             one more epoch on B
  first-A              trained on A with five of the ten classes
  second-after-A       from there, on 1,000 clean pictures of the other five

NETS/NAME-SEED.pt are written when done; those that are there are not trained
again, so that the same line goes on after a stop.
"""
import argparse
import collections
import json
import os
import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from lossy_set import JPEG, LIKE, WALLOC, Set  # noqa: E402
from progress import EarlyStop, Progress  # noqa: E402

WIDTHS = (16, 32, 64)
EPOCHS, BATCH, RATE, DECAY, SMOOTH = 2, 128, 6e-3, .05, .05
FIRST = (0, 1, 3, 5, 8)         # t-shirt, trouser, dress, sandal, bag
SECOND = (2, 4, 6, 7, 9)        # pullover, coat, shirt, sneaker, ankle-boot
FEW = 1000                      # pictures that the second task has

# parts: codings, one of which each picture has at a time; start: the network
# that it goes on from; pictures: the first so many (0: all); rate: highest
# learning rate
Recipe = collections.namedtuple(
    'Recipe', 'parts start classes pictures epochs batch rate',
    defaults=(None, tuple(range(10)), 0, EPOCHS, BATCH, RATE))


def networks():
    """{name: Recipe}; the control is first, starts come before what needs
    them."""
    out = {n: Recipe([n]) for n in (
        'clean', LIKE, 'jpeg-35', 'jpeg-90', 'walloc-20', 'walloc-45')}
    out['jpeg-mix'], out['walloc-mix'] = Recipe(JPEG), Recipe(WALLOC)
    for kind in ('blur', 'noise', 'swap'):
        out[f'{kind}-of-{LIKE}'] = Recipe([f'{kind}-of-{LIKE}'])
    out['blur-mix'] = Recipe([f'blur-of-{n}' for n in JPEG])
    for a, b in (('clean', 'clean'), (LIKE, 'clean'), ('jpeg-90', 'clean'),
                 ('clean', LIKE)):
        out[f'{a}-then-{b}'] = Recipe([b], a, epochs=1, rate=RATE / 4)
    for n in ('clean', 'jpeg-90', LIKE, f'blur-of-{LIKE}'):
        out[f'first-{n}'] = Recipe([n], classes=FIRST)
        out[f'second-after-{n}'] = Recipe(
            ['clean'], f'first-{n}', SECOND, FEW, 24, 32, RATE / 3)
    return out


class Net(nn.Sequential):
    """Grey pictures [n, 1, 28, 28], 0 to 255, to logits [n, classes]."""

    def __init__(self, classes=10, widths=WIDTHS):
        # the first two halve the picture by steps, which is twice as quick
        parts = []
        for a, b, size, stride in zip((1, *widths), widths, (5, 3, 3),
                                      (2, 2, 1)):
            parts += [nn.Conv2d(a, b, size, stride, size // 2, bias=False),
                      nn.BatchNorm2d(b), nn.ReLU()]
        parts.append(nn.MaxPool2d(2))
        super().__init__(*parts, nn.Flatten(),
                         nn.Linear(9 * widths[-1], classes))

    def forward(self, x):
        return super().forward((x - 73) / 90)

    def begin_as(self, state):
        """Weights of another; the last layer only if it has as many
        classes."""
        own = self.state_dict()
        self.load_state_dict({k: state[k] if state[k].shape == v.shape else v
                              for k, v in own.items()})


class Pictures:
    """Pictures of some classes of a split, in the codings of a recipe."""

    def __init__(self, store, split, parts, classes, count=0):
        labels = store.read(split, 'labels')
        self.rows = np.flatnonzero(np.isin(labels, classes))
        self.rows = self.rows[:count or len(self.rows)]
        if count and len(self.rows) < count:
            raise ValueError(f'{split} has {len(self.rows)} pictures of these '
                             f'classes, not {count}')
        self.labels = np.searchsorted(classes, labels[self.rows])
        self.parts = [store.read(split, p) for p in parts]

    def __len__(self):
        return len(self.rows)

    def read(self, which, part):
        """uint8 [n, 28, 28] and labels [n]: pictures `which` [n], each in the
        coding `part` [n]."""
        x = np.empty((len(which), *self.parts[0].shape[1:]), np.uint8)
        for k, source in enumerate(self.parts):
            here = np.flatnonzero(part == k)
            x[here] = source[self.rows[which[here]]]
        return x, self.labels[which]


def batches(pictures, batch, epochs, seed):
    """(x uint8, labels) of shuffled, mirrored pictures; None after an epoch.
    Order and mirroring do not depend on the number of codings. Mirrored only: a
    shift would move the blocks of a codec, which in tests are where they
    are."""
    order, code = np.random.default_rng([seed, 1]), np.random.default_rng(
        [seed, 2])
    for _ in range(epochs):
        rows = order.permutation(len(pictures))
        for i in range(0, len(rows) - batch + 1, batch):
            which = rows[i:i + batch]
            part = code.integers(len(pictures.parts), size=batch)
            x, y = pictures.read(which, part)
            turn = order.random(batch) < .5
            x[turn] = x[turn][:, :, ::-1]
            yield x, y
        yield None


def tensor(x, device):
    return torch.from_numpy(x).to(device).unsqueeze(1).float()


@torch.no_grad()
def answers(net, x, device, per=100):
    """Classes [n] that a network says of uint8 [n, 28, 28]."""
    net.eval()
    out = []
    for i in range(0, len(x), per):
        with torch.autocast(torch.device(device).type, dtype=torch.bfloat16):
            out.append(net(tensor(np.array(x[i:i + per]), device)).argmax(1))
    return torch.cat(out).cpu().numpy().astype(np.uint8)


def train(store, recipe, seed, device, start=None, title='train'):
    """(weights that did best on validation pictures, course)."""
    for count in (recipe.epochs, recipe.batch):
        if count < 1:
            raise ValueError('epochs and batch are 1 or more')
    mine = Pictures(store, 'train', recipe.parts, recipe.classes,
                    recipe.pictures)
    val = Pictures(store, 'val', recipe.parts, recipe.classes)
    steps = len(mine) // recipe.batch * recipe.epochs
    if not steps:
        raise ValueError(f'{len(mine)} pictures are too few for batches of '
                         f'{recipe.batch}')
    held, truth = val.read(np.arange(len(val)),
                           np.arange(len(val)) % len(val.parts))
    torch.manual_seed(seed)
    net = Net(len(recipe.classes))
    if start is not None:
        net.begin_as(start)
    net = net.to(device, memory_format=torch.channels_last)
    moves = torch.optim.AdamW(net.parameters(), recipe.rate,
                              weight_decay=DECAY)
    plan = torch.optim.lr_scheduler.OneCycleLR(
        moves, recipe.rate, steps, pct_start=.15)
    stop, course, losses = EarlyStop(recipe.epochs), [], []
    cpu = time.process_time()
    with Progress(steps, title) as bar:
        for item in batches(mine, recipe.batch, recipe.epochs, seed):
            if item is not None:
                net.train()
                x, y = item
                with torch.autocast(torch.device(device).type,
                                    dtype=torch.bfloat16):
                    out = net(tensor(x, device))
                loss = F.cross_entropy(out.float(), torch.from_numpy(y).to(
                    device), label_smoothing=SMOOTH)
                moves.zero_grad(set_to_none=True)
                loss.backward()
                moves.step()
                plan.step()
                losses.append(float(loss.detach()))
                bar.step(note=f'loss {losses[-1]:.3f}')
                continue
            right = float((answers(net, held, device) == truth).mean())
            stop.better(right, lambda: {k: v.cpu().clone() for k, v in
                                        net.state_dict().items()})
            course.append(dict(loss=float(np.mean(losses)), val=right,
                               cpu_seconds=time.process_time() - cpu))
            losses = []
    return stop.state, course


def path_of(folder, name, seed):
    return os.path.join(folder, f'{name}-{seed}.pt')


def load(folder, name, seed):
    """A network in evaluation mode, and its Recipe."""
    saved = torch.load(path_of(folder, name, seed), weights_only=True)
    recipe = Recipe(**json.loads(saved['recipe']))
    net = Net(len(recipe.classes))
    net.load_state_dict(saved['state'])
    return net.eval(), recipe


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('set', nargs='?', help='folder that lossy_set.py made')
    p.add_argument('--out', help='folder of networks')
    p.add_argument('--only', nargs='*', metavar='NAME',
                   help='these networks and what they start from')
    p.add_argument('--seeds', default='1,2,3,4,5')
    p.add_argument('--device', default='cpu', help='cuda where there is one')
    p.add_argument('--threads', type=int, default=1)
    p.add_argument('--list', action='store_true', help='networks, and end')
    args = p.parse_args()
    known = networks()
    if args.list:
        for name, recipe in known.items():
            print(name, *recipe._asdict().items(), sep='\n  ')
        return
    if not args.set or not args.out:
        p.error('SET and --out are wanted')
    wanted = set(args.only or known)
    if wanted - set(known):
        raise ValueError(f'{", ".join(sorted(wanted - set(known)))}: no such '
                         'network; --list says which there are')
    for name in reversed(list(known)):
        if name in wanted and known[name].start:
            wanted.add(known[name].start)
    torch.set_num_threads(args.threads)
    store = Set(args.set)
    os.makedirs(args.out, exist_ok=True)
    # a seed after the other: stopped early, all networks have as many
    for seed in [int(s) for s in args.seeds.split(',')]:
        for name, recipe in known.items():
            path = path_of(args.out, name, seed)
            if name not in wanted or os.path.exists(path):
                continue
            start = torch.load(path_of(args.out, recipe.start, seed),
                               weights_only=True)['state'] \
                if recipe.start else None
            state, course = train(store, recipe, seed, args.device, start,
                                  f'{name}-{seed}')
            torch.save(dict(recipe=json.dumps(recipe._asdict()), state=state,
                            course=json.dumps(course)), path + '.part')
            os.replace(path + '.part', path)
            best = max(c['val'] for c in course)
            print(f'{name}-{seed}: validation {100 * best:.2f} %, '
                  f'{course[-1]["cpu_seconds"]:.0f} s', flush=True)


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError) as e:
        sys.exit(f'train_lossy.py: {e}')
