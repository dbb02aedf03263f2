# SPDX-License-Identifier: LGPL-2.1-or-later
"""Intervals, pairs, interpolation, correlation, distance."""
import math

import numpy as np


def wilson(hits, count, z=1.959964):
    """(low, high) of a proportion, 95 %; (0, 1) for no trials. E. B. Wilson,
    1927."""
    if count == 0:
        return 0.0, 1.0
    p, zz = hits / count, z * z
    middle = (p + zz / (2 * count)) / (1 + zz / count)
    half = z * math.sqrt(p * (1 - p) / count + zz / (4 * count * count)) \
        / (1 + zz / count)
    # at the ends the formula is exact, and its rounding errors are not
    return (0.0 if hits == 0 else max(0.0, middle - half),
            1.0 if hits == count else min(1.0, middle + half))


def ratio(rows, axis=0):
    """100 * sum of the first over sum of the second of rows [n, 2], for
    bootstrap(): a share of unequal parts, in per cent."""
    a, b = np.moveaxis(np.sum(rows, axis=axis), -1, 0)
    return 100 * a / np.maximum(b, 1)


def bootstrap(values, draws=2000, seed=1, of=np.mean):
    """(low, high), 95 %, of a statistic of values [n, ...] over draws of n. Of
    np.mean and ratio many draws are made at once."""
    values = np.asarray(values, float)
    n = len(values)
    if n < 2:
        return float('nan'), float('nan')
    rng = np.random.default_rng(seed)
    if of in (np.mean, ratio):
        # a million values at a time
        part = max(1, 1000000 // values.size)
        got = np.concatenate([
            of(values[rng.integers(n, size=(min(part, draws - i), n))], axis=1)
            for i in range(0, draws, part)])
    else:
        got = [of(values[rng.integers(n, size=n)], axis=0)
               for _ in range(draws)]
    low, high = np.percentile(got, [2.5, 97.5], axis=0)
    return (low, high) if np.ndim(low) else (float(low), float(high))


def sign_test(only_first, only_second):
    """Two-sided p that pairs which differ fall as unevenly by chance."""
    n, k = only_first + only_second, min(only_first, only_second)
    if n == 0:
        return 1.0
    term = tail = 1
    for i in range(k):
        term = term * (n - i) // (i + 1)
        tail += term
    # whole numbers to here: 2.0 ** n would overflow from n = 1024 on
    tail /= 2 ** n
    return min(1.0, 2 * tail)


def at_rate(rates, values, rate):
    """A value at a rate between measured ones: linear over log rate. NaN
    outside of what was measured."""
    order = np.argsort(rates)
    r, v = np.asarray(rates, float)[order], np.asarray(values, float)[order]
    if len(r) == 0 or rate < r[0] * (1 - 1e-9) or rate > r[-1] * (1 + 1e-9):
        return float('nan')
    return float(np.interp(math.log(rate), np.log(r), v))


def common_rates(curves, count=4):
    """Rates that all curves (lists of rates) span, evenly over log rate; empty:
    they have none in common."""
    low = max(min(c) for c in curves)
    high = min(max(c) for c in curves)
    if low > high:
        return []
    return [float(v) for v in np.exp(np.linspace(math.log(low),
                                                 math.log(high), count))]


def _ranks(v):
    """Ranks from 1, equal values share their mean rank."""
    v = np.asarray(v, float)
    order = np.argsort(v, kind='stable')
    ranks = np.empty(len(v))
    ranks[order] = np.arange(1, len(v) + 1)
    for value in np.unique(v):
        same = v == value
        ranks[same] = ranks[same].mean()
    return ranks


def pearson(a, b):
    """(r, low, high), 95 % by Fisher's z; NaN for fewer than 4 points or where
    one does not vary."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    good = np.isfinite(a) & np.isfinite(b)
    a, b = a[good], b[good]
    nan = float('nan')
    if len(a) < 4 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return nan, nan, nan
    r = float(np.clip(np.corrcoef(a, b)[0, 1], -1, 1))
    if abs(r) > 1 - 1e-12:
        return r, r, r
    z, half = math.atanh(r), 1.959964 / math.sqrt(len(a) - 3)
    return r, math.tanh(z - half), math.tanh(z + half)


def spearman(a, b):
    """The same of ranks; the interval is about right (Fieller et al. 1957)."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    good = np.isfinite(a) & np.isfinite(b)
    nan = float('nan')
    if good.sum() < 4:
        return nan, nan, nan
    r, _, _ = pearson(_ranks(a[good]), _ranks(b[good]))
    if not math.isfinite(r) or abs(r) > 1 - 1e-12:
        return r, r, r
    z, half = math.atanh(r), 1.959964 * math.sqrt(1.06 / (good.sum() - 3))
    return r, math.tanh(z - half), math.tanh(z + half)


def distance(a, b):
    """Levenshtein's: the least insertions, deletions and substitutions that make
    one sequence of the other."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        last, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            last, row[j + 1] = row[j + 1], min(
                row[j + 1] + 1, row[j] + 1, last + (x != y))
    return row[-1]
