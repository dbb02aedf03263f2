# SPDX-License-Identifier: LGPL-2.1-or-later
"""Packet coefficients of pictures, as libwalloc's ordered models see them.

CDF 9/7 (PyWavelets 'bior4.4' normalisation and phase), whole-sample symmetric
borders, every band split at every level (arXiv 2412.09405, section III;
docs/model-format.md, section 2.1). NumPy, float32.
"""
import numpy as np

ALPHA, BETA = -1.586134342059924, -0.052980118572961
GAMMA, DELTA = 0.882911075530934, 0.443506852043971
K = 1.230174104914001
# Gains that turn lifting's low and high outputs into pywt's bands: the low
# band has a DC gain of sqrt 2, the high band's centre tap is negative.
LOW, HIGH = np.float32(np.sqrt(2) / K), np.float32(-K / np.sqrt(2))


def _ends(even, odd, which):
    """Neighbours of odd (which=0: even[k], even[k+1]) or even samples
    (which=1: odd[k-1], odd[k]) with whole-sample symmetric borders."""
    if which == 0:
        return even + np.concatenate([even[..., 1:], even[..., -1:]], -1)
    return odd + np.concatenate([odd[..., :1], odd[..., :-1]], -1)


def analyse_1d(x):
    """[..., n] with n even -> low, high, each [..., n/2]."""
    e, o = x[..., 0::2].copy(), x[..., 1::2].copy()
    o += np.float32(ALPHA) * _ends(e, o, 0)
    e += np.float32(BETA) * _ends(e, o, 1)
    o += np.float32(GAMMA) * _ends(e, o, 0)
    e += np.float32(DELTA) * _ends(e, o, 1)
    return e * LOW, o * HIGH


def synthesise_1d(low, high):
    """Inverse of analyse_1d."""
    e, o = low / LOW, high / HIGH
    e = e - np.float32(DELTA) * _ends(e, o, 1)
    o = o - np.float32(GAMMA) * _ends(e, o, 0)
    e = e - np.float32(BETA) * _ends(e, o, 1)
    o = o - np.float32(ALPHA) * _ends(e, o, 0)
    out = np.empty(low.shape[:-1] + (2 * low.shape[-1],), low.dtype)
    out[..., 0::2], out[..., 1::2] = e, o
    return out


def split_2d(x):
    """[..., h, w] -> [..., 4, h/2, w/2]; band = 2 * (high along width) +
    (high along height)."""
    lo, hi = analyse_1d(x)
    out = []
    for band in (lo, hi):
        a, b = analyse_1d(np.swapaxes(band, -1, -2))
        out += [np.swapaxes(a, -1, -2), np.swapaxes(b, -1, -2)]
    return np.stack(out, -3)


def merge_2d(bands):
    """Inverse of split_2d."""
    half = []
    for k in (0, 2):
        col = synthesise_1d(np.swapaxes(bands[..., k, :, :], -1, -2),
                            np.swapaxes(bands[..., k + 1, :, :], -1, -2))
        half.append(np.swapaxes(col, -1, -2))
    return synthesise_1d(*half)


def packet(x, levels):
    """[n, h, w] -> [n, 4^levels, h/2^levels, w/2^levels]; the first level's
    band is the most significant base-4 digit of the channel."""
    x = x[:, None]
    for _ in range(levels):
        n, c, h, w = x.shape
        x = split_2d(x).reshape(n, c * 4, h // 2, w // 2)
    return x


def unpacket(x, levels):
    """Inverse of packet."""
    for _ in range(levels):
        n, c, h, w = x.shape
        x = merge_2d(x.reshape(n, c // 4, 4, h, w))
    return x[:, 0]


def rgb_to_ycbcr(rgb):
    """uint8 or float [..., 3] in 0..255 -> float32 [..., 3], full-range
    BT.601, luma minus 128, chroma around 0."""
    r, g, b = [np.float32(rgb[..., k]) for k in range(3)]
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return np.stack([y - 128, (b - y) * np.float32(0.5 / 0.886),
                     (r - y) * np.float32(0.5 / 0.701)], -1).astype(np.float32)


def ycbcr_to_rgb(ycc):
    """Inverse of rgb_to_ycbcr, not rounded or clipped."""
    y, cb, cr = ycc[..., 0] + 128, ycc[..., 1], ycc[..., 2]
    r = y + 1.402 * cr
    b = y + 1.772 * cb
    g = (y - 0.299 * r - 0.114 * b) / np.float32(0.587)
    return np.stack([r, g, b], -1)


def coefficients(rgb):
    """uint8 [n, h, w, 3], h and w multiples of 8 -> float32 [n, 192, h/8, w/8]:
    64 luma, 32 chroma (Cb, Cr at half size), 96 chroma detail."""
    ycc = rgb_to_ycbcr(rgb)
    out = [packet(ycc[..., 0], 3)]
    detail = []
    for c in (1, 2):
        bands = split_2d(ycc[..., c])
        out.append(packet(bands[:, 0] / 2, 2))
        detail += [packet(bands[:, k], 2) for k in (1, 2, 3)]
    return np.concatenate(out + detail, 1)


def reconstruct(coef):
    """Inverse of coefficients: [n, 192, h, w] -> float RGB [n, 8h, 8w, 3];
    coefficients may be only the first 96 (no chroma detail)."""
    n, d, h, w = coef.shape
    planes = [unpacket(coef[:, :64], 3)]
    for c in range(2):
        half = unpacket(coef[:, 64 + 16 * c:80 + 16 * c], 2)
        bands = np.zeros((n, 4) + half.shape[1:], np.float32)
        bands[:, 0] = half * 2
        if d > 96:
            for k in range(3):
                s = 96 + 48 * c + 16 * k
                bands[:, k + 1] = unpacket(coef[:, s:s + 16], 2)
        planes.append(merge_2d(bands))
    return ycbcr_to_rgb(np.stack(planes, -1))


def pad_to_grid(rgb, multiple=8):
    """Repeat the last row and column up to a multiple of the grid."""
    h, w = rgb.shape[:2]
    return np.pad(rgb, ((0, -h % multiple), (0, -w % multiple), (0, 0)), 'edge')


# Relative importance of errors in Y, Cb, Cr for squared error over RGB
# (columns of the inverse colour matrix, squared and averaged over R, G, B).
RGB_WEIGHT = (1.0, (1.772**2 + 0.344136**2) / 3, (1.402**2 + 0.714136**2) / 3)
