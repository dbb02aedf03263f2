#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Does an encoder that knows the task help at the lowest rate?

    python3 joint.py SET NET.pt --codec-out photo-task.wlm --out REPORT

After arXiv 1803.06131, section on joint training: the projection of an
ordered codec model and a classifier of its latents (NET.pt of
train_classify.py) are trained together on cross entropy, plus squared error
of the picture, plus rate above that of the unchanged projection. Control: the
same classifier, pictures, order and steps with the projection left as it is.
Both are then measured with the real encoder, entropy coder and linear decoder:
accuracy, bits per pixel, PSNR.

The projection changes by a square matrix per group of channels, applied from
the left, so analysis stays a matrix of small integers and synthesis its
inverse. Tables and contexts of the coder stay as they are.
"""
import argparse
import copy
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import report
from latents import ROOT, Codec, WallocError, find_model
from pictures import load as load_picture, vary
from progress import EarlyStop, Progress
from streams import FrameSet
from train_classify import Average, load

sys.path.insert(0, os.path.join(ROOT, 'training'))
sys.path.insert(0, os.path.join(ROOT, 'training', 'ordered'))
import codec as ordered  # noqa: E402
import walloc_model  # noqa: E402
from packets import coefficients  # noqa: E402


def arguments():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('set')
    p.add_argument('net', help='.pt on latents')
    p.add_argument('--codec-out', required=True, help='.wlm to write')
    p.add_argument('--out', required=True, help='REPORT of .json')
    p.add_argument('--step-index', type=int, default=97,
                   help='of the half-size picture; 97 is quality 10')
    p.add_argument('--variants', type=int, default=4)
    p.add_argument('--epochs', type=int, default=16)
    p.add_argument('--batch', type=int, default=32)
    p.add_argument('--rate', type=float, default=6e-4)
    p.add_argument('--projection-rate', type=float, default=1e-3)
    p.add_argument('--error', type=float, default=1.0,
                   help='weight of squared error over that at the start')
    p.add_argument('--bits', type=float, default=4.0,
                   help='weight of the share of rate above that at the start')
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--threads', type=int, default=1)
    return p.parse_args()


def halved(rgb):
    """Half the size, cut to multiples of 16 before."""
    h, w = (n // 16 * 16 for n in rgb.shape[:2])
    return np.asarray(Image.fromarray(rgb[:h, :w]).reduce(2))


def pools(frames, analysis, variants):
    """Latents before quantisation, float16, of half-size pictures: {split:
    list of (latents [K, h, w], label)}."""
    first = {}
    for split in ('train', 'val'):
        rows = frames.index[frames.where(split)]
        for picture, label in set(zip(rows['picture'].tolist(),
                                      rows['label'].tolist())):
            first[picture] = (split, label)
    out = {'train': [], 'val': []}
    with Progress(len(first), 'transform') as bar:
        for n, (split, label) in sorted(first.items()):
            rgb = load_picture(os.path.join(frames.meta['folder'],
                                            frames.meta['files'][n]),
                               frames.meta['size'])
            todo = [rgb] if split == 'val' else [
                vary(rgb, v) for v in frames.meta['variations'][n][:variants]]
            for x in todo:
                c = coefficients(halved(x)[None])[0]
                out[split].append((np.tensordot(analysis, c, (1, 0)).astype(
                    np.float16), label))
            bar.step()
    return out


def batches(pool, size, rng=None):
    """(latents [n, K, h, w], labels) of one shape each; in random order with
    rng."""
    order = np.arange(len(pool)) if rng is None else rng.permutation(len(pool))
    shapes, out = {}, []
    for i in order:
        group = shapes.setdefault(pool[i][0].shape, [])
        group.append(i)
        if len(group) == size:
            out.append(group[:])
            group.clear()
    out += [g for g in shapes.values() if g]
    if rng is not None:
        rng.shuffle(out)
    for group in out:
        yield (torch.from_numpy(np.stack([pool[i][0] for i in group])
                                .astype(np.float32)),
               torch.tensor([pool[i][1] for i in group]))


class Projection(torch.nn.Module):
    """A matrix within each group of the first channels, and the quantiser as
    the encoder has it."""

    def __init__(self, group, channels, step, rounding):
        super().__init__()
        same = torch.from_numpy(group[:, None] == group[None, :])
        coded = torch.arange(len(group)) < channels
        self.register_buffer('mask', (same & coded & coded[:, None]).float())
        self.register_buffer('coded', coded.float())
        self.register_buffer('rounding', torch.from_numpy(rounding).float())
        self.step = step
        self.change = torch.nn.Parameter(torch.zeros(len(group), len(group)))

    def matrix(self):
        return torch.eye(len(self.mask)) + self.change * self.mask

    def forward(self, y):
        """(what the decoder gets, squared error, bits by a measure that is
        good for comparing) of latents [n, K, h, w]."""
        m = self.matrix()
        z = torch.einsum('ij,njhw->nihw', m, y) / self.step
        z = z * self.coded[:, None, None]
        q = torch.sign(z) * torch.floor(z.abs()
                                        + self.rounding[:, None, None])
        value = (z + (q - z).detach()) * self.step
        back = torch.einsum('ij,njhw->nihw', torch.linalg.inv(m), value)
        error = ((back - y) ** 2).sum(1).mean()
        bits = torch.log2(1 + z.abs() / .3).sum(1).mean()
        return value, error, bits


def given(net, projection, value):
    n = len(value)
    return net(value[:, :net.channels], torch.full((n,), projection.step),
               torch.ones(n))


def train(args, net, projection, pool, adapt):
    """(classifier, projection, course): the best on validation pictures."""
    rng = np.random.default_rng(args.seed)
    torch.manual_seed(args.seed)
    net, projection = copy.deepcopy(net), copy.deepcopy(projection)
    groups = [dict(params=list(net.parameters()), lr=args.rate)]
    if adapt:
        groups.append(dict(params=[projection.change],
                           lr=args.projection_rate, weight_decay=0.0))
    optimiser = torch.optim.AdamW(groups, weight_decay=.05)
    steps = args.epochs * len(list(batches(pool['train'], args.batch)))
    plan = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps + 1)
    mean, mean_p = Average(net, .99), Average(projection, .99)
    with torch.no_grad():
        start = [torch.stack(v).mean() for v in zip(*[
            projection(y)[1:] for y, _ in batches(pool['val'], 32)])]
    stop, course = EarlyStop(args.epochs), []
    name = 'joint' if adapt else 'control'
    with Progress(args.epochs, name) as bar:
        for epoch in range(args.epochs):
            net.train()
            for y, label in batches(pool['train'], args.batch, rng):
                if len(label) < 4:
                    continue
                value, error, bits = projection(y)
                loss = F.cross_entropy(given(net, projection, value), label,
                                       label_smoothing=.1)
                if adapt:
                    loss = loss + args.error * error / start[0] \
                        + args.bits * F.relu(bits / start[1] - 1)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
                optimiser.step()
                plan.step()
                mean.update(net)
                mean_p.update(projection)
            right = count = 0
            loss, figures = 0.0, []
            mean.net.eval()
            with torch.no_grad():
                for y, label in batches(pool['val'], 32):
                    value, *rest = mean_p.net(y)
                    logits = given(mean.net, projection, value)
                    loss += float(F.cross_entropy(logits, label,
                                                  reduction='sum'))
                    right += int((logits.argmax(1) == label).sum())
                    count += len(label)
                    figures.append(torch.stack(rest))
            error, bits = (torch.stack(figures).mean(0)
                           / torch.stack(start)).tolist()
            course.append(dict(epoch=epoch + 1, val_accuracy=right / count,
                               val_loss=loss / count, error=error, bits=bits))
            stop.better(right / count, lambda: (
                copy.deepcopy(mean.net), copy.deepcopy(mean_p.net)))
            bar.step(note=f'{100 * right / count:.1f} %, error {error:.3f}, '
                     f'bits {bits:.3f}')
    return (*stop.state, course)


def write_codec(source, path, matrix):
    """A codec model whose projection is multiplied by matrix [K, K] from the
    left; returns its greatest sum of magnitudes in a row."""
    tensors, meta = walloc_model.load(source)
    k, bits = len(matrix), int(meta['walloc.analysis_bits'])
    analysis = tensors['codec.analysis'].astype(float).copy()
    analysis[:k] = matrix @ analysis[:k]
    while np.abs(analysis).max() > 32767 or \
            np.abs(analysis).sum(1).max() > 65535:
        analysis, bits = analysis / 2, bits - 1
    synthesis = tensors['codec.synthesis'].astype(float).copy()
    synthesis[:k] = np.linalg.inv(matrix).T @ synthesis[:k]
    tensors = {n: t for n, t in tensors.items()
               if not n.startswith('decoder.')}
    tensors['codec.analysis'] = np.rint(analysis).astype(np.int16)
    tensors['codec.synthesis'] = synthesis.astype(np.float32)
    meta = dict(meta, **{'walloc.analysis_bits': str(bits),
                         'walloc.name': os.path.splitext(
                             os.path.basename(path))[0],
                         'walloc.source': 'training/tasks/joint.py'})
    walloc_model.save(path, tensors, meta)


def measure(frames, model, net, step_index, split='test'):
    """(truth of every answer, figures) with the real encoder and decoder."""
    codec, right = Codec(model), []
    size = pixels = 0
    noise = []
    rows = frames.index[frames.where(
        split, quality=frames.meta['qualities'][0])]
    with Progress(len(rows), 'measure') as bar, torch.no_grad():
        for row in rows:
            rgb = load_picture(os.path.join(
                frames.meta['folder'], frames.meta['files'][row['picture']]),
                frames.meta['size'])
            frame = codec.encode(rgb, step_index=step_index, shrink=2)
            v, step, scale = codec.latents(frame, net.channels)
            answer = net(torch.from_numpy(v[None]), torch.tensor([step]),
                         torch.tensor([float(scale)])).argmax()
            right.append(int(answer) == row['label'])
            size += len(frame)
            pixels += rgb.shape[0] * rgb.shape[1]
            d = codec.decode(frame).astype(float) - rgb
            noise.append(10 * np.log10(255 ** 2 / np.mean(d * d)))
            bar.step()
    low, high = report.wilson(sum(right), len(right))
    return np.array(right), dict(
        count=len(right), right=sum(right), accuracy=np.mean(right), low=low,
        high=high, bpp=8 * size / pixels, psnr=float(np.mean(noise)))


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    frames = FrameSet(args.set)
    net, config = load(args.net)
    if config['input'] != 'latents':
        raise ValueError(f'{args.net} does not read latents')
    source = find_model(frames.meta['codec'])
    matrices = ordered.Codec(source)
    tensors, _ = walloc_model.load(source)
    k = net.channels
    index = np.searchsorted(tensors['codec.set_limit'], args.step_index)
    probe = Codec(source)
    channels = probe.info(probe.encode(np.zeros((64, 64, 3), np.uint8),
                                       step_index=args.step_index,
                                       shrink=2)).channels
    projection = Projection(matrices.group[:k], min(k, channels),
                            2.0 ** (args.step_index / 16),
                            tensors['codec.rounding'][index][:k] / 256.0)
    pool = pools(frames, matrices.analysis[:k], args.variants)
    figures = dict(step_index=args.step_index, recipe=report.recipe(args), arms={})
    right = {}
    for name, adapt in (('control', False), ('joint', True)):
        trained, changed, course = train(args, net, projection, pool, adapt)
        model = source
        if adapt:
            model = args.codec_out
            matrix = changed.matrix().detach().double().numpy()
            write_codec(source, model, matrix)
            figures['change'] = float(np.linalg.norm(matrix - np.eye(k)))
        torch.save(dict(config=torch.load(args.net)['config'],
                        state=trained.state_dict()),
                   f'{args.out}-{name}.pt')
        right[name], arm = measure(frames, model, trained, args.step_index)
        figures['arms'][name] = dict(arm, course=course)
        print(f'{name}: {100 * arm["accuracy"]:.1f} % ({100 * arm["low"]:.1f} '
              f'to {100 * arm["high"]:.1f}), {arm["bpp"]:.4f} bpp, '
              f'{arm["psnr"]:.2f} dB', flush=True)
    figures['paired'] = report.paired(right['joint'], right['control'])
    report.write_json(args.out + '.json', figures)
    print({k: v for k, v in figures['paired'].items()})


if __name__ == '__main__':
    try:
        main()
    except (ValueError, OSError, WallocError) as e:
        sys.exit(f'joint.py: {e}')
