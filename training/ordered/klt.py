# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starting point of the ordered model: a KLT per group.

Luma (64 packet coefficients), chroma (32, half size) and chroma detail (96)
are each rotated by the eigenvectors of their covariance, after scaling every
coefficient by the square root of the squared error that one unit of it makes
in RGB. Channels of all groups are ordered together by variance.
"""
import numpy as np

from packets import RGB_WEIGHT, coefficients, unpacket, merge_2d

GROUPS = ((0, 64), (64, 96), (96, 192))


def synthesis_energy(levels):
    """Squared norm of every packet channel's synthesis function."""
    n = 4 ** levels
    out = np.zeros(n)
    for k in range(n):
        x = np.zeros((1, n, 16, 16), np.float32)
        x[0, k, 8, 8] = 1
        out[k] = float((unpacket(x, levels) ** 2).sum())
    return out


def rgb_energy():
    """Squared RGB error (mean over R, G, B) of a unit error in each of the
    192 coefficients, per pixel of a full-size picture: [192]."""
    luma = synthesis_energy(3) * RGB_WEIGHT[0]
    half = synthesis_energy(2)
    out = [luma]
    detail = []
    for c in (1, 2):
        gains = []
        for band in range(4):
            x = np.zeros((1, 4, 32, 32), np.float32)
            x[0, band, 16, 16] = 1
            gains.append(float((merge_2d(x) ** 2).sum()))
        # a half-size sample counts as its low band, which is twice as big
        out.append(half * 4 * gains[0] * RGB_WEIGHT[c])
        for band in (1, 2, 3):
            detail.append(half * gains[band] * RGB_WEIGHT[c])
    return np.concatenate(out + detail)


def fit(crops):
    """uint8 [n, 256, 256, 3] -> dict with analysis [192, 192] (rows:
    channels in order), synthesis [192, 192] (rows: channels), group [192],
    variance [192]. value = analysis @ coefficients, in RGB error units."""
    root = np.sqrt(rgb_energy())
    cov = np.zeros((192, 192))
    count = 0
    for k in range(0, len(crops), 50):
        c = coefficients(crops[k:k + 50]).transpose(1, 0, 2, 3)
        c = c[:, :, 1:-1, 1:-1].reshape(192, -1).astype(np.float64)
        cov += c @ c.T
        count += c.shape[1]
    cov *= np.outer(root, root) / count
    rows, back, group, variance = [], [], [], []
    for g, (a, b) in enumerate(GROUPS):
        val, vec = np.linalg.eigh(cov[a:b, a:b])
        for k in range(b - a - 1, -1, -1):
            v = vec[:, k] * np.sign(vec[np.argmax(np.abs(vec[:, k])), k])
            row, syn = np.zeros(192), np.zeros(192)
            row[a:b], syn[a:b] = v * root[a:b], v / root[a:b]
            rows.append(row)
            back.append(syn)
            group.append(g)
            variance.append(val[k])
    order = np.argsort(-np.array(variance), kind='stable')
    pick = lambda x: np.array(x)[order]
    return {'analysis': pick(rows), 'synthesis': pick(back),
            'group': pick(group), 'variance': pick(variance)}
