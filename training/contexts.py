# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fit and evaluate the latent coder's contexts and tables.

The coder (docs/bitstream.md, section 3) predicts for every latent a mean, from
coded neighbours, and a spread, from the magnitudes of what coded neighbours
differed from their means; both are sparse linear forms per channel and
parameter set. The residual is coded with a static table picked by them. This
module fits the forms by iteratively reweighted least squares with greedy
selection, counts the tables, and computes exact ideal code lengths with the
same integers as the C code.

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
SPREAD_ONE = 256                # spread of a mean magnitude of 1.0
KEYS = 64                       # of a spread, four per octave
KEY_ONE = 32                    # that of SPREAD_ONE
CAP = 255                       # of magnitudes, unless told otherwise


def pad(latents):
    """[n, D, h, w] -> zero margins of MARGIN on all sides."""
    m = MARGIN
    return np.pad(latents.astype(np.int16), ((0, 0), (0, 0), (m, m), (m, m)))


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
    _, planes, height, width = padded.shape
    base = ((n * planes) * height + y + MARGIN) * width + x + MARGIN
    step = np.array([(p * height + dy) * width + dx for p, dy, dx in taps])
    return padded.ravel()[base[:, None] + step].astype(np.float32)


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


def whole_weights(mean_fit, spread_fit, bias, cand, cap):
    """Integers as stored in the model: mean [(p, dy, dx, weight)], spread
    [...], bias, offset of keys. Spreads are scaled by a power of two, as far
    as 16 bits hold them."""
    total = sum(abs(q) for _, q in mean_fit)
    if total > MEAN_LIMIT:      # keeps residuals within the escape code
        mean_fit = [(i, int(q * MEAN_LIMIT / total)) for i, q in mean_fit]
    mean = [cand[i] + (q,) for i, q in mean_fit if q]
    for power in range(6, -8, -1):
        one = SPREAD_ONE * 2.0 ** power
        spread = [cand[i] + (int(round(q * one)),) for i, q in spread_fit]
        spread = [t for t in spread if t[3] > 0]
        low = max(1, int(round(bias * one)))
        if low + cap * sum(t[3] for t in spread) <= 65535 and all(
                t[3] <= 2047 for t in spread):
            return mean, spread, low, -4 * power
    raise ValueError('weights of magnitudes are too great')


def fit_mean(values, target, w, taps):
    """Weighted least squares; [(candidate, weight in 1/256)]."""
    wv = values * w[:, None]
    rhs = (wv.T @ (target * w)).astype(np.float64)
    idx, weight = select((wv.T @ wv).astype(np.float64), rhs, taps, 0.002)
    weight = np.clip(np.round(weight * 256), -2047, 2047)
    if float(rhs[idx] @ (weight / 256)) < 0.004 * float(
            ((target * w) ** 2).sum()):
        return []
    return [(i, int(q)) for i, q in zip(idx, weight) if q]


def fit_spread(mags, left, w, taps, floor):
    """Expected magnitude of what the mean leaves: [(candidate, weight)],
    bias."""
    one = np.ones((len(left), 1), np.float32)
    wm = np.concatenate([mags, one], 1) * w[:, None]
    keep, v = select((wm.T @ wm).astype(np.float64),
                     (wm.T @ (left * w)).astype(np.float64), taps + 1, 0.0002,
                     True)
    fit = dict(zip(keep, v))
    bias = max(fit.pop(mags.shape[1], 0.0), floor)
    return sorted(fit.items()), bias


def fit_channel(padded, mags, where, channel, present, mean_taps, spread_taps,
                cap):
    """(mean, spread, bias, offset) of one channel; leaves the magnitudes of
    its residuals in mags[:, channel]."""
    n, y, x = where
    target = padded[n, channel, y + MARGIN, x + MARGIN].astype(np.float32)
    cand = candidates(channel, present, 0)
    own = [k for k, t in enumerate(cand) if t[0] == channel]
    values = gather(padded, where, cand)
    around = gather(mags, where, cand)
    floor = max(np.abs(target).mean() * 0.02, 1e-3)
    spread = np.full(len(target), max(np.abs(target).mean(), floor), np.float32)
    best = None
    for _ in range(TURNS):
        # weights of the likelihood of a geometric distribution: quiet places,
        # where nearly all is zero, count like a Poisson's (1 / spread), loud
        # ones like a Laplace's (1 / spread^2)
        w = 1 / np.sqrt(spread * (1 + spread))
        mean = fit_mean(values, target, w, mean_taps)
        m = np.zeros(len(target), np.float32)
        for i, q in mean:
            m += values[:, i] * np.float32(q / 256)
        left = np.abs(target - m)
        rest = residuals(padded, channel, [cand[i] + (q,) for i, q in mean])[0]
        keep = np.minimum(np.abs(rest), cap)
        mags[:, channel, MARGIN:-MARGIN, MARGIN:-MARGIN] = keep
        around[:, own] = gather(mags, where, [cand[k] for k in own])
        fit, bias = fit_spread(around, left, w, spread_taps, floor)
        now = np.full(len(left), bias, np.float32)
        for i, q in fit:
            now += around[:, i] * np.float32(q)
        spread = np.sqrt(spread * np.maximum(now, floor))
        cost = float((np.log1p(now) + left * np.log1p(1 / now)).mean())
        if best is None or cost < best[0]:
            best = cost, mean, fit, bias, keep
    mags[:, channel, MARGIN:-MARGIN, MARGIN:-MARGIN] = best[4]
    return whole_weights(*best[1:4], cand, cap)


def shifted(padded, p, dy, dx):
    """Plane p as the neighbours at (dy, dx) of all positions."""
    _, _, h, w = padded.shape
    return padded[:, p, MARGIN + dy:h - MARGIN + dy, MARGIN + dx:w - MARGIN + dx]


def residuals(padded, channel, mean):
    """Exact integers of a channel: residual before the flip, fraction of M."""
    n, _, h, w = padded.shape
    m = np.zeros((n, h - 2 * MARGIN, w - 2 * MARGIN), np.int32)
    for p, dy, dx, q in mean:
        m += q * shifted(padded, p, dy, dx).astype(np.int32)
    pred = (m + 128) >> 8
    return shifted(padded, channel, 0, 0).astype(np.int32) - pred, m - (
        pred << 8)


def forms(padded, mags, channel, taps, cap):
    """Key (before clamping), fraction class and flipped residual of a channel
    for whole pictures; leaves its magnitudes in mags[:, channel]."""
    mean, spread, bias, offset = taps
    r, frac = residuals(padded, channel, mean)
    mags[:, channel, MARGIN:-MARGIN, MARGIN:-MARGIN] = np.minimum(np.abs(r),
                                                                  cap)
    s = np.full(r.shape, bias, np.int32)
    for p, dy, dx, q in spread:
        s += q * shifted(mags, p, dy, dx).astype(np.int32)
    key = np.clip(keys(s) + offset, 0, KEYS - 1)
    f = np.searchsorted(FRAC_EDGES, np.abs(frac), side='right')
    return key, f, np.where(frac < 0, -r, r)


def keys(spread):
    """Four per octave: exponent and two bits of a float's fraction."""
    return (spread.astype(np.float32).view(np.int32) >> 21) - (127 << 2)


def symbol(hi, most):
    """Symbol numbers 0, 1, -1, 2, ...; escape is 2 most + 1."""
    k = np.where(hi > 0, 2 * hi - 1, -2 * hi)
    return np.where(np.abs(hi) > most, 2 * most + 1, k)


def escape_bits(hi, most):
    """Bits of the escape's raw part."""
    over = np.maximum(np.abs(hi) - most, 1)
    return np.where(np.abs(hi) > most, 2 + 2 * np.floor(np.log2(over)), 0)


def default_buckets():
    """Bucket of every key, half an octave wide at both ends; shifts and
    alphabets by bucket; mean magnitude in the middle of each."""
    key = np.arange(KEYS)
    bucket = np.where(key < 16, key // 2, np.where(
        key < 48, key - 8, 40 + (key - 48) // 2))
    mid = (4 + key % 4 + 0.5) * 2.0 ** (key // 4 - KEY_ONE // 4) / 4
    mid = np.array([mid[bucket == b].mean() for b in range(bucket[-1] + 1)])
    shift = np.maximum(0, np.floor(np.log2(np.maximum(mid / 2.2, 1)))).astype(int)
    most = np.clip(np.ceil(6 * mid) + 2, 3, 15).astype(int)
    most[shift > 0] = 15
    return bucket, np.minimum(shift, 12), most, mid


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
        self.bucket, self.shift, self.most, self.mid = default_buckets()
        self.B = len(self.shift)
        self.cap = np.full(sets, CAP)
        self.taps = [[([], [], 1, 0)] * channels for _ in range(sets)]
        self.freq = np.zeros((sets, classes, self.B, 4, SYMBOLS), int)
        self.active = np.full((sets, channels), 16384)

    def fit(self, s, latents, present, samples=30000, mean_taps=10,
            spread_taps=16, seed=1, log=print):
        """Fit set s on latents [n, D, h, w] (present: channels they have)."""
        rng = np.random.default_rng(seed)
        n, _, h, w = latents.shape
        padded = pad(latents)
        mags = np.minimum(np.abs(padded), self.cap[s]).astype(np.uint8)
        for c in present:
            where = (rng.integers(0, n, samples), rng.integers(0, h, samples),
                     rng.integers(0, w, samples))
            if not padded[where[0], c, where[1] + 2, where[2] + 2].any():
                # nothing to learn from: quiet, with a bias near zero
                self.taps[s][c] = whole_weights(
                    [], [(0, 0.5), (1, 0.5)], 0, [(c, 0, -1), (c, -1, 0)],
                    self.cap[s])
                continue
            self.taps[s][c] = fit_channel(padded, mags, where, c, present,
                                          mean_taps, spread_taps, self.cap[s])
        self.count(s, latents, present)

    def coded(self, s, latents, present):
        """For every channel: which pictures have it, and bucket, fraction
        class, symbol and raw bits of all their latents."""
        padded = pad(latents)
        mags = np.zeros(padded.shape, np.uint8)
        for c in present:
            on = latents[:, c].any((1, 2))
            if not on.any():
                yield c, on, None
                continue
            key, f, r = forms(padded, mags, c, self.taps[s][c], self.cap[s])
            # planes of zeros are no neighbours: their magnitudes stay 0
            mags[~on, c] = 0
            b, f = self.bucket[key[on]], f[on]
            hi = r[on] >> self.shift[b]
            yield c, on, (b, f, symbol(hi, self.most[b]), escape_bits(
                hi, self.most[b]) + self.shift[b])

    def count(self, s, latents, present):
        """Tables and active flags of set s from latents."""
        counts = np.zeros((self.C, self.B, 4, SYMBOLS))
        for c, on, parts in self.coded(s, latents, present):
            self.active[s, c] = np.clip(round(32768 * (on.sum() + 0.5) /
                                              (len(on) + 1)), 1, 32767)
            if parts is not None:
                np.add.at(counts[self.klass[c]], parts[:3], 1)
        pooled = counts.sum(0)
        for b in range(self.B):
            k = 2 * self.most[b] + 2
            for f in range(4):
                prior = laplace(self.most[b], self.mid[b] / 2 ** self.shift[b],
                                (0, .125, .25, .4)[f])
                prior /= prior.sum()
                base = pooled[b, f, :k] + 30 * prior
                base /= base.sum()
                for c in range(self.C):
                    table = counts[c, b, f, :k] + 60 * base
                    self.freq[s, c, b, f, :k] = normalise(table)

    def bits(self, s, latents, present, per_channel=False):
        """Ideal code length in bits of each picture: [n] (or [n, D])."""
        out = np.zeros((len(latents), self.D))
        for c, on, parts in self.coded(s, latents, present):
            p = self.active[s, c] / 32768
            out[:, c] = np.where(on, -np.log2(p), -np.log2(1 - p))
            if parts is not None:
                b, f, k, raw = parts
                freq = self.freq[s, self.klass[c], b, f, k]
                out[on, c] += (15 - np.log2(freq) + raw).sum((1, 2))
        return out if per_channel else out.sum(1)

    def tensors(self):
        """Arrays for the model file (docs/model-format.md, section 2)."""
        tap = np.zeros((self.S, self.D, TAPS, 5), np.int16)
        tap[..., 0] = -1
        bias = np.zeros((self.S, self.D), np.uint16)
        offset = np.zeros((self.S, self.D), np.int8)
        for s in range(self.S):
            for c in range(self.D):
                mean, spread, bias[s, c], offset[s, c] = self.taps[s][c]
                rows = [(0,) + t for t in mean] + [(1,) + t for t in spread]
                for k, row in enumerate(rows):
                    tap[s, c, k] = row
        return {'codec.tap': tap, 'codec.bias_s': bias,
                'codec.offset': offset, 'codec.cap': self.cap.astype(np.uint8),
                'codec.bucket': self.bucket.astype(np.uint8),
                'codec.class': self.klass.astype(np.uint8),
                'codec.shift': self.shift.astype(np.uint8),
                'codec.max_symbol': self.most.astype(np.uint8),
                'codec.freq': self.freq.astype(np.uint16),
                'codec.active': self.active.astype(np.uint16)}
