# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fit and evaluate the latent coder's contexts and tables.

The coder (docs/bitstream.md, section 3) predicts for every latent a mean and
a spread from coded neighbours by two sparse integer linear forms per channel
and parameter set, and codes the residual with a static table picked by them.
This module fits the forms by iteratively reweighted least squares with greedy
selection (maximum likelihood of a Laplace distribution whose scale is linear
in neighbouring magnitudes), counts the tables, and computes exact ideal code
lengths with the same integers as the C code.

Latents are int arrays [n, D, h, w]; every picture is one slice.
"""
import numpy as np

TAPS = 32                       # per channel and set in the model file
MARGIN = 2                      # taps reach two positions far
OWN = [(0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0), (-1, -2),
       (-1, 2), (-2, -1), (-2, 1)]
CROSS = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)]
AROUND = CROSS + [(-1, -1), (-1, 1), (1, -1), (1, 1)]
FRAC_EDGES = np.array([16, 48, 80])
SYMBOLS = 32
TURNS = 3                       # of reweighting
MEAN_LIMIT = 768                # greatest sum of |mean weights| of a channel
SPREAD_ONE = 64                 # spread of a mean magnitude of 1.0


def pad(latents):
    """[n, D, h, w] -> zero margins of MARGIN on all sides."""
    m = MARGIN
    return np.pad(latents, ((0, 0), (0, 0), (m, m), (m, m)))


def candidates(channel, present, kind):
    """Neighbour positions worth trying for one channel: (plane, dy, dx).

    All own causal ones, every lower plane at the same position, and the
    surroundings of the nearest and the first lower planes."""
    lower = [p for p in present if p < channel]
    if len(lower) > 56:         # the first and the nearest say it all
        lower = lower[:16] + lower[-40:]
    out = [(channel, dy, dx) for dy, dx in OWN]
    wide = set(lower[:6] + (lower[-4:] if kind else lower[6:10]))
    for p in lower:
        out += [(p, dy, dx) for dy, dx in (AROUND if p in wide else CROSS[:1])]
    return out


def gather(padded, where, taps):
    """Values of taps at sample positions: [samples, len (taps)] float32."""
    n, y, x = where
    out = np.empty((len(n), len(taps)), np.float32)
    for k, (p, dy, dx) in enumerate(taps):
        out[:, k] = padded[n, p, y + dy + MARGIN, x + dx + MARGIN]
    return out


def select(gram, rhs, most, least_gain, positive=False):
    """Greedy forward selection for least squares on normal equations.

    gram [k, k], rhs [k]. With positive, weights are kept >= 0. Returns
    indices and weights. Stops when a step explains less than least_gain of
    what is explained already."""
    k = len(rhs)
    chosen = []
    weights = np.zeros(0)
    scale = np.sqrt(np.maximum(np.diag(gram), 1e-9))
    explained = 0.0
    for _ in range(most):
        residual = rhs - (gram[:, chosen] @ weights if chosen else 0)
        score = (residual if positive else np.abs(residual)) / scale
        score[chosen] = -1
        best = int(np.argmax(score))
        if score[best] <= 0:
            break
        trial = chosen + [best]
        while True:
            g = gram[np.ix_(trial, trial)]
            w = np.linalg.solve(g + 1e-4 * np.diag(np.diag(g)) +
                                1e-6 * np.eye(len(trial)), rhs[trial])
            if not positive or w.min() >= 0:
                break
            trial.pop(int(np.argmin(w)))
        now = float(w @ rhs[trial])
        if chosen and now - explained < least_gain * max(now, 1e-9):
            break
        chosen, weights, explained = trial, w, now
        if len(chosen) == k:
            break
    return chosen, weights


def fit_channel(padded, where, channel, present, mean_taps, spread_taps):
    """Taps of one channel: (mean [(p, dy, dx, weight)], spread [...], bias),
    integer weights as stored in the model."""
    n, y, x = where
    target = padded[n, channel, y + MARGIN, x + MARGIN].astype(np.float32)
    cand = candidates(channel, present, 0)
    values = gather(padded, where, cand)
    mags = np.abs(values)
    floor = max(np.abs(target).mean() * 0.02, 1e-3)
    spread = np.full(len(target), max(np.abs(target).mean(), floor), np.float32)
    mean = np.zeros(len(target), np.float32)
    mean_fit, spread_fit, bias = [], [], floor
    best = None
    for _ in range(TURNS):
        # weights of the likelihood of a geometric distribution: quiet places,
        # where nearly all is zero, count like a Poisson's (1 / spread), loud
        # ones like a Laplace's (1 / spread^2)
        w = 1 / np.sqrt(spread * (1 + spread))
        wv = values * w[:, None]
        gram = wv.T @ wv
        rhs = wv.T @ (target * w)
        total = float(((target * w) ** 2).sum())
        idx, weight = select(gram.astype(np.float64), rhs.astype(np.float64),
                             mean_taps, 0.002)
        weight = np.clip(np.round(weight * 256), -2047, 2047)
        if float(rhs[idx] @ (weight / 256)) < 0.004 * total:
            idx, weight = [], weight[:0]
        mean_fit = [(i, int(q)) for i, q in zip(idx, weight) if q]
        mean[:] = 0
        for i, q in mean_fit:
            mean += values[:, i] * np.float32(q / 256)
        # spread: expected magnitude of what the mean leaves
        left = np.abs(target - mean)
        one = np.ones((len(left), 1), np.float32)
        wm = np.concatenate([mags, one], 1) * w[:, None]
        gram = (wm.T @ wm).astype(np.float64)
        rhs = (wm.T @ (left * w)).astype(np.float64)
        keep, v = select(gram, rhs, spread_taps + 1, 0.0002, True)
        fit = {i: q for i, q in zip(keep, v) if q * SPREAD_ONE >= 0.5}
        bias = max(fit.pop(len(cand), 0.0), floor)
        now = np.full(len(left), bias, np.float32)
        for i, q in fit.items():
            now += mags[:, i] * np.float32(q)
        spread = np.sqrt(spread * np.maximum(now, floor))
        cost = float((np.log1p(now) + left * np.log1p(1 / now)).mean())
        if best is None or cost < best[0]:
            best = cost, mean_fit, sorted(fit.items()), bias
    _, mean_fit, spread_fit, bias = best
    total = sum(abs(q) for _, q in mean_fit)
    if total > MEAN_LIMIT:      # keeps residuals within the escape code
        mean_fit = [(i, int(q * MEAN_LIMIT / total)) for i, q in mean_fit]
    mean_out = [cand[i] + (q,) for i, q in mean_fit if q]
    spread_out = [cand[i] + (int(min(round(q * SPREAD_ONE), 2047)),)
                  for i, q in spread_fit]
    return mean_out, spread_out, int(round(bias * SPREAD_ONE))


def forms(padded, channel, mean, spread, bias):
    """Exact integers M and S of a channel for whole pictures."""
    n, _, h, w = padded.shape
    h, w = h - 2 * MARGIN, w - 2 * MARGIN
    out_m = np.zeros((n, h, w), np.int32)
    out_s = np.full((n, h, w), bias, np.int32)

    def at(p, dy, dx):
        y, x = MARGIN + dy, MARGIN + dx
        return padded[:, p, y:y + h, x:x + w]
    for p, dy, dx, q in mean:
        out_m += q * at(p, dy, dx).astype(np.int32)
    for p, dy, dx, q in spread:
        out_s += q * np.abs(at(p, dy, dx)).astype(np.int32)
    return out_m, out_s


def contexts(values, m, s, thresholds, shift):
    """Bucket, fraction class, high part of the residual (all int arrays)."""
    pred = (m + 128) >> 8
    frac = m - (pred << 8)
    r = values.astype(np.int32) - pred
    r = np.where(frac < 0, -r, r)
    f = np.searchsorted(FRAC_EDGES, np.abs(frac), side='right')
    b = np.searchsorted(thresholds, s, side='right')
    return b, f, r >> shift[b]


def symbol(hi, most):
    """Symbol numbers 0, 1, -1, 2, ...; escape is 2 most + 1."""
    k = np.where(hi > 0, 2 * hi - 1, -2 * hi)
    return np.where(np.abs(hi) > most, 2 * most + 1, k)


def escape_bits(hi, most):
    """Bits of the escape's raw part."""
    over = np.maximum(np.abs(hi) - most, 1)
    return np.where(np.abs(hi) > most, 2 + 2 * np.floor(np.log2(over)), 0)


def default_buckets(buckets=32):
    """Thresholds geometric in the spread; shifts and alphabets by bucket."""
    edges = np.geomspace(0.012, 400, buckets - 1)
    thresholds = np.maximum.accumulate(np.round(edges * SPREAD_ONE).astype(int))
    for k in range(1, len(thresholds)):
        thresholds[k] = max(thresholds[k], thresholds[k - 1] + 1)
    mid = np.concatenate([[thresholds[0] / 2], thresholds]) / SPREAD_ONE
    shift = np.maximum(0, np.floor(np.log2(np.maximum(mid / 2.2, 1)))).astype(int)
    most = np.clip(np.ceil(6 * mid) + 2, 3, 15).astype(int)
    most[shift > 0] = 15
    return thresholds, np.minimum(shift, 12), most


def normalise(counts, total=32768):
    """Counts [k] -> frequencies >= 1 that sum to total."""
    k = len(counts)
    f = counts / counts.sum() * (total - k)
    out = np.floor(f).astype(int) + 1
    order = np.argsort(-(f - np.floor(f)))
    out[order[:total - out.sum()]] += 1
    return out


def laplace(most, scale, frac):
    """Prior over symbols for a bucket: discretised Laplace of mean magnitude
    `scale` around `frac` (0..0.5), escape last."""
    scale = max(scale, 0.02)
    v = np.arange(-most - 40, most + 41)
    edges = np.concatenate([v - 0.55, [v[-1] + 0.45]]) - frac
    half = 0.5 * np.exp(-np.abs(edges) / scale)
    cdf = np.where(edges < 0, half, 1 - half)
    p = np.diff(cdf)
    out = np.zeros(2 * most + 2)
    np.add.at(out, symbol(v, most), p)
    return out + 1e-7


class ContextModel:
    """Contexts and tables of one model: S sets, D channels, C classes."""

    def __init__(self, channels, sets, classes, channel_class):
        self.D, self.S, self.C = channels, sets, classes
        self.klass = np.asarray(channel_class)
        t, self.shift, self.most = default_buckets()
        self.thresholds = np.tile(t, (sets, 1))
        self.B = len(self.shift)
        self.taps = [[([], [], SPREAD_ONE)] * channels for _ in range(sets)]
        self.freq = np.zeros((sets, classes, self.B, 4, SYMBOLS), int)
        self.active = np.full((sets, channels), 16384)

    def fit(self, s, latents, present, samples=30000, mean_taps=10,
            spread_taps=16, seed=1, log=print):
        """Fit set s on latents [n, D, h, w] (present: channels they have)."""
        rng = np.random.default_rng(seed)
        n, _, h, w = latents.shape
        padded = pad(latents)
        for c in present:
            where = (rng.integers(0, n, samples), rng.integers(0, h, samples),
                     rng.integers(0, w, samples))
            if not padded[where[0], c, where[1] + 2, where[2] + 2].any():
                # nothing to learn from: quiet, with a bias near zero
                self.taps[s][c] = ([], [(c, 0, -1, 32), (c, -1, 0, 32)], 0)
                continue
            self.taps[s][c] = fit_channel(padded, where, c, present,
                                          mean_taps, spread_taps)
        self.count(s, latents, present)

    def count(self, s, latents, present):
        """Tables and active flags of set s from latents."""
        counts = np.zeros((self.C, self.B, 4, SYMBOLS))
        padded = pad(latents)
        for c in present:
            on = latents[:, c].any((1, 2))
            self.active[s, c] = np.clip(round(32768 * (on.sum() + 0.5) /
                                              (len(on) + 1)), 1, 32767)
            if not on.any():
                continue
            m, sp = forms(padded[on], c, *self.taps[s][c])
            b, f, hi = contexts(latents[on, c], m, sp, self.thresholds[s],
                                self.shift)
            k = symbol(hi, self.most[b])
            np.add.at(counts[self.klass[c]], (b, f, k), 1)
        mid = np.concatenate([[self.thresholds[s][0] / 2],
                              self.thresholds[s]]) / SPREAD_ONE
        pooled = counts.sum(0)
        for b in range(self.B):
            k = 2 * self.most[b] + 2
            for f in range(4):
                prior = laplace(self.most[b], mid[b] / 2 ** self.shift[b],
                                (0, .125, .25, .4)[f])
                prior /= prior.sum()
                base = pooled[b, f, :k] + 30 * prior
                base /= base.sum()
                for c in range(self.C):
                    table = counts[c, b, f, :k] + 60 * base
                    self.freq[s, c, b, f, :k] = normalise(table)

    def bits(self, s, latents, present, per_channel=False):
        """Ideal code length in bits of each picture: [n] (or [n, D])."""
        n = len(latents)
        padded = pad(latents)
        out = np.zeros((n, self.D))
        for c in present:
            on = latents[:, c].any((1, 2))
            p = self.active[s, c] / 32768
            out[:, c] = np.where(on, -np.log2(p), -np.log2(1 - p))
            if not on.any():
                continue
            m, sp = forms(padded[on], c, *self.taps[s][c])
            b, f, hi = contexts(latents[on, c], m, sp, self.thresholds[s],
                                self.shift)
            most = self.most[b]
            freq = self.freq[s, self.klass[c], b, f, symbol(hi, most)]
            cost = 15 - np.log2(freq) + escape_bits(hi, most) + self.shift[b]
            out[on, c] += cost.sum((1, 2))
        return out if per_channel else out.sum(1)

    def tensors(self):
        """Arrays for the model file (docs/model-format.md, section 2)."""
        tap = np.zeros((self.S, self.D, TAPS, 5), np.int16)
        tap[..., 0] = -1
        bias = np.zeros((self.S, self.D), np.int32)
        for s in range(self.S):
            for c in range(self.D):
                mean, spread, bias[s, c] = self.taps[s][c]
                rows = [(0,) + t for t in mean] + [(1,) + t for t in spread]
                for k, row in enumerate(rows):
                    tap[s, c, k] = row
        return {'codec.tap': tap, 'codec.bias_s': bias,
                'codec.class': self.klass.astype(np.uint8),
                'codec.thresholds': self.thresholds.astype(np.int32),
                'codec.shift': self.shift.astype(np.uint8),
                'codec.max_symbol': self.most.astype(np.uint8),
                'codec.freq': self.freq.astype(np.uint16),
                'codec.active': self.active.astype(np.uint16)}
