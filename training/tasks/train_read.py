# SPDX-License-Identifier: LGPL-2.1-or-later
r"""Trains what finds and reads lines of text on the pages of page_set.py.

    python3 train_read.py --set DIR --what reader --out DIR2/latents
    python3 train_read.py --set DIR --what finder --out DIR2/latents
    python3 page_export.py --reader DIR2/latents-reader.pt \
        --finder DIR2/latents-finder.pt --out page-1.onnx

--input decoded or original trains the same network on pixels, for comparison.
Writes OUT-reader.pt (or -finder.pt) with the best weights on the validation
pages, and .json with the curve. --updates is what counts for comparisons;
--minutes stops earlier.
"""
import argparse
import json
import os
import sys
import time

import numpy as np
import torch
from torch.nn import functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import page_net  # noqa: E402
from page_lines import columns_of, distance, find_lines, rows_of, text_of  # noqa: E402
from page_net import REACH, ROWS, STEPS, Finder, Recogniser, Trunk  # noqa: E402
from page_set import GRID, INPUTS, PageSet  # noqa: E402
from texts import SYMBOLS  # noqa: E402

INDEX = {s: k + 1 for k, s in enumerate(SYMBOLS)}
COLUMNS = 480                   # positions of a batch, all lines together
MARGIN = 2                      # positions around that features depend on
BAND = ROWS + 2 * MARGIN + 1    # rows cut out, with one for a slope
STEP = GRID // STEPS            # pixels of a step


class Sample:
    """One line of a page, ready to be cut out."""
    __slots__ = ('page', 'left', 'right', 'middle', 'slope', 'height',
                 'target', 'edges', 'text', 'easy')

    def __init__(self, page, line, easy):
        self.page, self.text, self.easy = page, line['text'], easy
        self.left, self.right = line['x0'], line['x1']
        self.slope = (line['y1'] - line['y0']) / max(
            1.0, line['x1'] - line['x0'])
        self.middle = line['y0'] - self.slope * line['x0']
        self.height = line['height']
        self.target = np.array([INDEX[c] for c in line['text']])
        self.edges = np.array(line['edges'], np.float32)


def scale_of(pages, count=40):
    """1 over the root mean square of every number, from a few pages."""
    rows, columns = pages.grid(0)
    total = sum((pages.block(k, 0, 0, rows, columns).astype(np.float64) ** 2)
                .mean((1, 2)) for k in range(min(count, len(pages.truth))))
    # the mean is large and says little; noise should not be blown up
    rms = np.sqrt(total / min(count, len(pages.truth)))
    return (1 / np.maximum(rms, 0.02 * rms.max())).astype(np.float32)


class Lines:
    """Batches of lines of a PageSet, of about equal width each."""

    def __init__(self, pages, seed):
        self.pages, self.rng = pages, np.random.default_rng(seed)
        self.samples, self.read = [], 0
        self.more()

    def more(self):
        """Take in pages written since."""
        self.pages.more()
        for k in range(self.read, len(self.pages.truth)):
            truth = self.pages.truth[k]
            easy = truth['quality'] >= 60 and truth['strength'] < 0.3
            self.samples += [Sample(k, line, easy) for line in truth['lines']
                             if line['x1'] - line['x0'] < 460]
        self.read = len(self.pages.truth)
        self.samples.sort(key=lambda s: s.right - s.left)
        self.short = [s for s in self.samples
                      if s.easy and s.right - s.left < 260]

    def draw(self, easy=False):
        """One random batch. Widths are alike, so little of it is padding."""
        samples = self.short if easy else self.samples
        at = int(self.rng.integers(len(samples)))
        wide = int((samples[at].right - samples[at].left) / GRID) + 4
        n = max(4, COLUMNS // wide)
        near = samples[max(0, at - 2 * n):at + 2 * n]
        pick = self.rng.choice(len(near), min(n, len(near)), False)
        return self.batch([near[k] for k in pick], True)

    def batch(self, samples, jitter=False):
        """dict of a batch: x [n, 64, BAND, W + 2 MARGIN], rows [n, W], mask, and the
        targets of both losses."""
        width = self.pages.grid(0)[1]
        cuts = []
        for s in samples:
            left, right, middle, slope = s.left, s.right, s.middle, s.slope
            if jitter:          # the finder is not exact either
                left += self.rng.normal(0, 1.5)
                right += self.rng.normal(0, 1.5)
                tilt = self.rng.normal(0, 1.0) / max(100, right - left)
                middle += self.rng.normal(0, 0.04 * s.height) - tilt * (
                    left + right) / 2
                slope += tilt
            first, last = columns_of(left, right, width)
            cuts.append((first, rows_of(middle, slope, first, last, ROWS)))
        wide = max(len(top) for _, top in cuts)
        n = len(samples)
        x = np.empty((n, GRID * GRID, BAND, wide + 2 * MARGIN), np.float32)
        rows = np.zeros((n, wide), np.int64)
        mask = np.zeros((n, 1, wide), np.float32)
        frames = np.full((n, STEPS * wide), -100, np.int64)
        for k, (s, (first, top)) in enumerate(zip(samples, cuts)):
            row = int(top.min()) - MARGIN
            x[k] = self.pages.block(s.page, row, first - MARGIN, BAND,
                                    wide + 2 * MARGIN)
            rows[k, :len(top)] = np.clip(top - row, 0, BAND - ROWS)
            mask[k, 0, :len(top)] = 1
            frames[k, :STEPS * len(top)] = _frames(s, first, STEPS * len(top))
        lengths = np.array([len(s.target) for s in samples])
        targets = np.zeros((n, lengths.max()), np.int64)
        for k, s in enumerate(samples):
            targets[k, :lengths[k]] = s.target
        out = dict(x=x, rows=rows, mask=mask, frames=frames, targets=targets,
                   lengths=lengths,
                   steps=np.array([STEPS * len(top) for _, top in cuts]))
        return {k: torch.from_numpy(v) for k, v in out.items()}


def _frames(sample, first, steps):
    """What every step should say, where that is clear: a symbol in its
    middle, blank (0) between symbols and beyond the ends, else -100. With
    that alone a network learns to read within minutes; the CTC loss then
    places symbols as it likes."""
    out = np.full(steps, -100, np.int64)
    at = (sample.edges - GRID * first) / STEP
    out[:max(0, int(at[0]) - 1)] = 0
    out[max(0, int(np.ceil(at[-1])) + 1):] = 0
    border = np.floor(at[1:-1]).astype(int)
    out[np.clip(border, 0, steps - 1)] = 0
    middle = np.floor((at[1:] + at[:-1]) / 2).astype(int)
    out[np.clip(middle, 0, steps - 1)] = sample.target
    return out


class Reader(torch.nn.Module):
    """Trunk and recogniser, as trained: on bands around lines."""

    def __init__(self, scale=None, size=1):
        super().__init__()
        self.trunk = Trunk(scale, size=size)
        self.recogniser = Recogniser(len(SYMBOLS))

    def forward(self, b):
        """Logits [n, N + 1, T] of a batch of Lines."""
        f = self.trunk(b['x'])[:, :, :, MARGIN:-MARGIN]
        rows = b['rows'][:, None] + torch.arange(ROWS)[None, :, None]
        rows = rows[:, None].expand(-1, f.shape[1], -1, -1)
        return self.recogniser(torch.gather(f, 2, rows), b['mask']).float()


def reader_loss(logits, b, ctc, frames):
    """Sum of both losses, each per symbol, with these weights."""
    total = logits.new_zeros(())
    if frames > 0:
        total = total + frames * F.cross_entropy(logits, b['frames'],
                                                 ignore_index=-100)
    if ctc > 0:
        losses = F.ctc_loss(logits.log_softmax(1).permute(2, 0, 1),
                            b['targets'], b['steps'], b['lengths'],
                            reduction='none', zero_infinity=True)
        total = total + ctc * losses.sum() / b['lengths'].sum()
    return total


def read_error(reader, lines, samples):
    """Character error rate of a list of samples."""
    reader.eval()
    wrong = count = 0
    with torch.no_grad():
        for k in range(0, len(samples), 16):
            part = samples[k:k + 16]
            b = lines.batch(part)
            logits = reader(b).numpy()
            for s, out, n in zip(part, logits, b['steps'].tolist()):
                wrong += distance(text_of(out[:, :n], SYMBOLS), s.text)
                count += len(s.text)
    reader.train()
    return wrong / count


class PageWindows:
    """Batches of windows of pages with maps of where lines are."""

    def __init__(self, pages, seed, size=40):
        self.pages, self.rng = pages, np.random.default_rng(seed)
        self.size, self.maps = size, {}

    def map(self, page):
        """line_map() of a page, kept."""
        if page not in self.maps:
            self.maps[page] = line_map(self.pages.truth[page]['lines'],
                                       *self.pages.grid(page)).astype(
                                           np.float16)
        return self.maps[page]

    def draw(self, n=6):
        self.pages.more()
        xs, ys = [], []
        for _ in range(n):
            k = int(self.rng.integers(len(self.pages.truth)))
            height, width = self.pages.grid(k)
            r = int(self.rng.integers(0, height - self.size + 1))
            c = int(self.rng.integers(0, width - self.size + 1))
            xs.append(self.pages.block(k, r, c, self.size, self.size))
            ys.append(self.map(k)[:, r:r + self.size, c:c + self.size]
                      .astype(np.float32))
        return torch.from_numpy(np.stack(xs)), torch.from_numpy(np.stack(ys))


def line_map(lines, height, width):
    """What a Finder should say of a page: [6, H, W]: 1 where a line's middle
    is, the four distances, and 1 where the first is to be learnt (not within
    2 pixels of the border between two rows, where it may be either)."""
    out = np.zeros((6, height, width), np.float32)
    out[5] = 1
    for line in lines:
        c0, c1 = (int(np.clip(line[k] // GRID, 0, width - 1))
                  for k in ('x0', 'x1'))
        slope = (line['y1'] - line['y0']) / max(1.0, line['x1'] - line['x0'])
        columns = np.arange(c0, c1 + 1)
        x = GRID * (columns + 0.5)
        c = line['y0'] + slope * (x - line['x0'])
        exact = c / GRID
        row = np.clip(np.floor(exact).astype(int), 0, height - 1)
        for other, close in ((row - 1, exact - row < 0.2),
                             (row + 1, exact - row > 0.8)):
            ok = close & (other >= 0) & (other < height)
            _put(out, line, other[ok], columns[ok], x[ok], c[ok])
            out[5, other[ok], columns[ok]] = 0
        _put(out, line, row, columns, x, c)
        out[0, row, columns] = 1
        out[5, row, columns] = 1
    return out


def _put(out, line, row, column, x, c):
    offset = c - GRID * (row + 0.5)
    out[1, row, column] = line['height'] / 2 - offset
    out[2, row, column] = line['height'] / 2 + offset
    out[3, row, column] = np.clip(x - line['x0'], 0, REACH)
    out[4, row, column] = np.clip(line['x1'] - x, 0, REACH)


def finder_loss(out, want):
    known, line = want[:, 5], want[:, 0]
    where = F.binary_cross_entropy_with_logits(out[:, 0], line,
                                               reduction='none')
    where = (where * known).sum() / known.sum()
    has = (want[:, 1] + want[:, 2] > 0).float()
    far = F.smooth_l1_loss(out[:, 1:], want[:, 1:5], reduction='none',
                           beta=2.0).sum(1)
    return 10 * where + 0.25 * (far * has).sum() / has.sum().clamp(min=1)


def find_error(finder, pages, count=12):
    """(share of lines missed, of lines too many): a line is found when one
    found line, and that one alone, has both its ends within its height."""
    finder.eval()
    missed = extra = total = 0
    with torch.no_grad():
        for k in range(min(count, len(pages.truth))):
            height, width = pages.grid(k)
            x = torch.from_numpy(pages.block(k, 0, 0, height, width))[None]
            found = find_lines(finder(x)[0].numpy())
            truth = pages.truth[k]['lines']
            used = set()
            for line in truth:
                hit = [i for i, f in enumerate(found) if same(f, line)]
                used.update(hit)
                missed += len(hit) != 1
            extra += len(found) - len(used)
            total += len(truth)
    finder.train()
    return missed / total, extra / total


def same(found, line):
    """Whether a Found line is a line of the truth."""
    h = line['height']
    return (abs(found.left - line['x0']) < h and
            abs(found.right - line['x1']) < h and
            abs(found.middle + found.slope * line['x0'] - line['y0']) < h / 3
            and abs(found.middle + found.slope * line['x1'] - line['y1'])
            < h / 3)


def rate(progress, top):
    """Learning rate: up in the first 3 %, then down along a cosine."""
    if progress < 0.03:
        return top * (progress / 0.03 + 0.02)
    return top * (0.5 + 0.5 * np.cos(np.pi * (progress - 0.03) / 0.97)) + 1e-6


def synthesis(folder, pages=24):
    """(weights [64, 64, 3, 3], offsets [64]): the pixels of a position as a
    linear function of the latents there and around, fitted to pages."""
    lat, pix = (PageSet(folder, 'train', k) for k in ('latents', 'decoded'))
    gram, right = 0.0, 0.0
    for k in range(pages):
        page = 100 + 7 * k % (len(lat.truth) - 100)
        rows, columns = lat.grid(page)
        x = torch.from_numpy(lat.block(page, 0, 0, rows, columns))[None]
        x = F.unfold(x, 3, padding=1)[0].double()
        x = torch.cat([x, torch.ones(1, x.shape[1])])
        y = torch.from_numpy(pix.block(page, 0, 0, rows, columns)).double()
        gram, right = gram + x @ x.T, right + x @ y.reshape(64, -1).T
    gram += torch.diag(1e-6 * gram.diagonal() + 1e-3)
    s = torch.linalg.solve(gram, right).T.float()
    error = (s @ x.float() - y.reshape(64, -1).float()).pow(2).mean()
    print('pixels from latents: %.2f levels off' % error.sqrt(), flush=True)
    return s[:, :-1].reshape(64, 64, 3, 3), s[:, -1]


def start_from(model, kept, a, pages):
    """Weights of a checkpoint. A reader of latents may start from one of
    decoded pixels: its first convolution is then that of the pixels, after
    the linear synthesis of pixels from latents."""
    state = dict(kept['state'])
    if kept['input'] != 'latents' and a.input == 'latents':
        weights, offsets = synthesis(a.set)
        first = state['trunk.stem.mix.weight'][:, :, 0, 0] * state[
            'trunk.stem.scale']
        scale = model.trunk.stem.scale
        state['trunk.stem.mix.weight'] = torch.einsum(
            'op,pcyx->ocyx', first, weights) / scale[None, :, None, None]
        state['trunk.stem.mix.bias'] = state['trunk.stem.mix.bias'] + (
            first @ offsets)
        state['trunk.stem.scale'] = scale
    model.load_state_dict(state)


def train(a):
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    pages, val = PageSet(a.set, 'train', a.input), PageSet(a.set, 'val',
                                                          a.input)
    reads = a.what == 'reader'
    scale = scale_of(pages)
    model = Reader(scale, a.stem) if reads else Finder(scale)
    print('%s on %s: %d parameters, %d pages' % (
        a.what, a.input, page_net.parameters(model), len(pages.truth)),
        flush=True)
    if reads:
        lines, val_lines = Lines(pages, a.seed), Lines(val, 1)
        pick = np.random.default_rng(2).permutation(len(val_lines.samples))
        checked = [val_lines.samples[k] for k in pick[:320]]
    else:
        windows = PageWindows(pages, a.seed)
    if a.start:
        start_from(model, torch.load(a.start), a, pages)
    opt = torch.optim.AdamW(model.parameters(), a.rate, weight_decay=0.01)
    best, curve, start, loss_sum = None, [], time.time(), 0.0
    path = '%s-%s' % (a.out, a.what)
    if a.start and reads:
        print(json.dumps(dict(update=0, cer=read_error(
            model, val_lines, checked))), flush=True)
    for k in range(1, a.updates + 1):
        done = k / a.updates
        for group in opt.param_groups:
            group['lr'] = rate(done, a.rate)
        with torch.autocast('cpu', torch.bfloat16, enabled=not a.float):
            if reads:
                b = lines.draw(easy=done < 0.06 and not a.start)
                logits = model(b)
            else:
                x, want = windows.draw()
                out = model(x)
        if reads:
            young = done < 0.08 and not a.start
            loss = reader_loss(logits, b, 0.0 if young else 1.0,
                               0.0 if a.start else max(0.0, 1 - done / 0.4))
        else:
            loss = finder_loss(out.float(), want)
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        opt.step()
        loss_sum += float(loss)
        over = a.minutes and time.time() - start > 60 * a.minutes
        if k % a.every == 0 or k == a.updates or over:
            if reads:
                lines.more()
                error = read_error(model, val_lines, checked)
                row = dict(cer=error)
            else:
                missed, extra = find_error(model, val)
                error = missed + extra
                row = dict(missed=missed, extra=extra)
            row.update(update=k, loss=loss_sum / a.every,
                       minutes=round((time.time() - start) / 60, 2),
                       cpu_minutes=round(time.process_time() / 60, 2))
            loss_sum = 0.0
            curve.append(row)
            print(json.dumps(row), flush=True)
            if best is None or error <= best:
                best = error
                torch.save(dict(state=model.state_dict(), input=a.input,
                                update=k, error=error), path + '.pt')
            with open(path + '.json', 'w') as f:
                json.dump(dict(input=a.input, what=a.what, seed=a.seed,
                               updates=k, best=best, curve=curve), f,
                          indent=1)
            if over:
                break


def load(path):
    """(Reader or Finder) of a file of this script, ready to run."""
    kept = torch.load(path, map_location='cpu')
    first = kept['state'].get('trunk.stem.mix.weight')
    model = Finder() if first is None else Reader(size=first.shape[-1])
    model.load_state_dict(kept['state'])
    return model.eval()


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('--set', required=True, help='folder of page_set.py')
    a.add_argument('--what', choices=('reader', 'finder'), default='reader')
    a.add_argument('--input', choices=INPUTS, default='latents')
    a.add_argument('--updates', type=int, default=6000)
    a.add_argument('--minutes', type=float, default=0)
    a.add_argument('--every', type=int, default=250)
    a.add_argument('--rate', type=float, default=2e-3)
    a.add_argument('--seed', type=int, default=1)
    a.add_argument('--threads', type=int, default=1)
    a.add_argument('--start', help='.pt file to go on from, with CTC alone; '
                   'of decoded pixels also for latents, with --stem 3')
    a.add_argument('--stem', type=int, choices=(1, 3), default=1,
                   help='size of the first convolution')
    a.add_argument('--float', action='store_true',
                   help='32-bit floats, where bfloat16 is slow')
    a.add_argument('--out', required=True)
    train(a.parse_args())


if __name__ == '__main__':
    main()
