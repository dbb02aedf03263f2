#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Error spectra of a linear codec, predicted from its projection.

usage: meson devenv -C build tests/benchmarks/projection.py [options] KODAK
           --measured robustness.jsonl --out projection

A reference model with its linear decoder is, but for rounding, a linear
operator: a packet transform W, a matrix A to few channels, a matrix B back, and
the inverse transform, T = W^-1 B A W. Pictures repeat at its borders, as in
the discrete Fourier transform, and T is the same after every step of 8 pixels.
So a wave of one frequency comes out as waves of the 64 frequencies that are a
multiple of 1/8 away, in three colours: at each of the (h / 8)(w / 8) base
frequencies T is a matrix of 192 x 192, of rank 12.

For pictures of power spectrum S_x (3 x 3 between colours), whose frequencies are
taken to be independent, a corruption e = c(x) - x, and rounding of the latents
with variances v, the errors' spectra are

    D, G  diag((I - T) S (I - T)*) + V diag(v) V*          S of x, or of c(x)
    R     diag((I - T) S_x (I - T)* + T S_e T*
               - 2 Re (I - T) S_xe T*) + V diag(v) V*      V = W^-1 B

All that is taken from pictures are second moments: S_x, S_e, S_xe, v. What is
predicted is compared with what wallocenc and wallocdec did (robustness.py).
"""
import argparse
import json
import pathlib
import sys

import numpy as np

import robustness
from eval import media, picture, spec

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'training'))

import walloc_model                                             # noqa: E402
from reference.wpt import packet_matrix                         # noqa: E402

SIDE = 8                        # pixels of one step, 2^3


def responses(n):
    """complex [n / 8, 8 bands, 8 aliases]: what the packet of an axis of n
    samples makes of a wave of frequency base + alias * n / 8, at the first
    position of each band."""
    base = n // SIDE
    first = packet_matrix(n, 3)[::base]             # [8, n]
    waves = np.fft.fft(first, axis=1).conj()        # sum of row * exp(+i...)
    return np.moveaxis(waves.reshape(SIDE, SIDE, base), 2, 0)


def channels_of():
    """[8 bands of rows, 8 of columns]: index among a colour's 64 channels."""
    out = np.zeros((SIDE, SIDE), int)
    for y in range(SIDE):
        for x in range(SIDE):
            for bit in (4, 2, 1):
                out[y, x] = 4 * out[y, x] + 2 * bool(x & bit) + bool(y & bit)
    return out


class Projection:
    """T of a model for pictures of one size."""

    def __init__(self, model, height, width):
        tensors, metadata = walloc_model.load(model)
        if metadata['walloc.kind'] != 'reference':
            sys.exit(f'projection.py: {model} is no reference model')
        self.bits = int(metadata['walloc.latent_bits'])
        order = channels_of().ravel()
        order = np.concatenate([c * 64 + order for c in range(3)])
        self.a = tensors['codec.analysis'].astype(float)[:, order]
        self.b = tensors['decoder.linear'].astype(float)[order]
        self.bias = tensors['codec.bias'].astype(float)
        self.bias_back = tensors['decoder.linear.bias'].astype(float)[order]
        self.ry, self.rx = responses(height), responses(width)
        self.shape = height, width
        self.known = {}

    def at(self, gy):
        if gy not in self.known:
            self.known[gy] = self._at(gy)
        return self.known[gy]

    def _at(self, gy):
        """For all base columns gx of a base row: (U, V): [gx, D, 192] and [gx,
        192, D], T = V U; of amplitudes of waves (colour, alias of rows, alias
        of columns)."""
        w = np.einsum('sk,gtl->gstkl', self.ry[gy], self.rx)
        count = len(w)
        w = w.reshape(count, 64, 64)
        inverse = np.linalg.inv(w)
        a = self.a.reshape(-1, 3, 64)
        b = self.b.reshape(3, 64, -1)
        u = np.einsum('dcs,gsk->gdck', a, w).reshape(count, len(a), 192)
        v = np.einsum('gks,csd->gckd', inverse, b).reshape(count, 192, -1)
        return u, v

    def constant(self):
        """[192]: what biases add at base frequency 0, in DFT units (sums over
        pixels)."""
        w = np.einsum('sk,tl->stkl', self.ry[0], self.rx[0]).reshape(64, 64)
        steps = self.b @ self.bias + self.bias_back
        # a band that is 1 everywhere is h / 8 * w / 8 in its DFT
        h, width = self.shape
        spectrum = steps.reshape(3, 64) * (h // SIDE) * (width // SIDE)
        return (np.linalg.inv(w) @ spectrum.T).T.ravel() * SIDE * SIDE


def aliases(spectrum):
    """[..., h, w] of a DFT to [h / 8, w / 8, ..., 64]: waves of one base
    frequency together."""
    *rest, h, w = spectrum.shape
    s = spectrum.reshape(*rest, SIDE, h // SIDE, SIDE, w // SIDE)
    n = len(rest)
    return s.transpose(n + 1, n + 3, *range(n), n, n + 2).reshape(
        h // SIDE, w // SIDE, *rest, 64)


def unalias(power, h, w):
    """Back: [h / 8, w / 8, 192] to [3, h, w]."""
    p = power.reshape(h // SIDE, w // SIDE, 3, SIDE, SIDE)
    return p.transpose(2, 3, 0, 4, 1).reshape(3, h, w)


class Moments:
    """Means over pictures of products of two spectra: [h/8, w/8, 64, 3, 3]."""

    def __init__(self):
        self.sum, self.count = 0, 0

    def add(self, a, b):
        # [gy, gx, 3, 64] each
        self.sum = self.sum + np.einsum('yxck,yxdk->yxkcd', a, b.conj())
        self.count += 1

    def mean(self):
        return self.sum / self.count


def transform(rgb):
    x = np.moveaxis(rgb, 2, 0) / 255 - 0.5
    return aliases(np.fft.fft2(x))


def sandwich(left, moments, right):
    """diag(left S right*) for S that couples only the colours of one
    frequency. left, right [g, 192, 192]; S [g, 64, 3, 3]; returns [g, 192]."""
    count = len(left)
    a = left.reshape(count, 192, 3, 64)
    b = right.reshape(count, 192, 3, 64)
    inner = np.einsum('gnck,gkcd->gndk', a, moments, optimize=True)
    return np.einsum('gndk,gndk->gn', inner, b.conj(), optimize=True).real


def rounding(p, spectra):
    """[D]: variances of what rounding and companding do to latents of these
    pictures' spectra ([h / 8, w / 8, 3, 64] each)."""
    import torch
    from reference import companding
    h, w = p.shape[0] // SIDE, p.shape[1] // SIDE
    errors = []
    u = np.stack([p.at(gy)[0] for gy in range(h)])
    for x in spectra:
        x = x.reshape(h, w, 192, 1)
        of_latent = (u @ x)[..., 0]                 # [h, w, D]
        y = np.fft.ifft2(of_latent, axes=(0, 1)).real / (SIDE * SIDE)
        y = torch.from_numpy(y + p.bias)
        back = companding.to_normal(torch.round(
            companding.to_uniform(y, p.bits)), p.bits)
        errors.append((back - y).numpy())
    return np.mean(np.square(errors), axis=(0, 1, 2))


def predict(p, clean, dirty, noise):
    """{'R': , 'G': } power [3, h, w] of DFT values; clean, dirty: lists of
    spectra (the same list: D comes as R, and no G)."""
    h, w = p.shape
    same = dirty is clean
    sx, sc, se, sxe = (Moments() for _ in range(4))
    for x, c in zip(clean, dirty):
        sx.add(x, x)
        if not same:
            sc.add(c, c)
            se.add(c - x, c - x)
            sxe.add(x, c - x)
    sx = sx.mean()
    if not same:
        sc, se, sxe = sc.mean(), se.mean(), sxe.mean()
    out = {k: np.zeros((h // SIDE, w // SIDE, 192)) for k in
           (('R',) if same else ('R', 'G'))}
    constant = p.constant()
    for gy in range(h // SIDE):
        u, v = p.at(gy)
        t = v @ u
        m = np.eye(192) - t
        # a latent's DFT is 1/64 of what its waves would be at full size
        rounded = np.einsum('gnd,d->gn', np.abs(v) ** 2, noise) \
            * (h // SIDE) * (w // SIDE) * SIDE ** 4
        out['R'][gy] = sandwich(m, sx[gy], m) + rounded
        if not same:
            out['R'][gy] += sandwich(t, se[gy], t) \
                - 2 * sandwich(m, sxe[gy], t)
            out['G'][gy] = sandwich(m, sc[gy], m) + rounded
        if gy == 0:
            # the mean is no random wave, and biases are there: exactly
            exact = {'R': clean, 'G': dirty}
            for k in out:
                out[k][0, 0] = rounded[0] + np.mean([
                    np.abs(to[0, 0].ravel() - t[0] @ c[0, 0].ravel()
                           - constant) ** 2
                    for to, c in zip(exact[k], dirty)], 0)
    return {k: unalias(v, h, w)
            for k, v in out.items()}


def rings(power):
    """[BANDS + 1] of full DFT powers [3, h, w]."""
    h, w = power.shape[1:]
    fy, fx = np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)
    ring = np.minimum((2 * np.hypot(fy, fx) * robustness.BANDS).astype(int),
                      robustness.BANDS)
    return np.bincount(ring.ravel(), power.sum(0).ravel(),
                       robustness.BANDS + 1) / (3 * (h * w) ** 2)


def passed(p):
    """[BANDS + 1] each: power of what T makes of white noise of power 1 in each
    band, and the part of it that came from the same frequency."""
    h, w = p.shape
    through = np.zeros((h // SIDE, w // SIDE, 192))
    kept = np.zeros_like(through)
    for gy in range(h // SIDE):
        u, v = p.at(gy)
        t = v @ u
        through[gy] = (np.abs(t) ** 2).sum(2)
        kept[gy] = np.abs(np.einsum('gnn->gn', t)) ** 2
    count = rings(np.ones((3, h, w)))
    return [rings(unalias(k, h, w))
            / count for k in (through, kept)]


def apply(p, x):
    """[3, h, w]: T, with biases, on a picture's spectrum, by frequencies."""
    h, w = p.shape
    out = np.zeros((h // SIDE, w // SIDE, 192), complex)
    for gy in range(h // SIDE):
        u, v = p.at(gy)
        out[gy] = (v @ (u @ x[gy].reshape(-1, 192, 1)))[..., 0]
    out[0, 0] += p.constant()
    return np.fft.ifft2(unalias(out, h, w)).real


def check(p, x):
    """Largest difference between T by frequencies and by the transform itself
    on one picture's spectrum."""
    import torch
    from reference.wpt import Packet
    order = np.concatenate([c * 64 + channels_of().ravel() for c in range(3)])
    back = np.argsort(order)
    plain = np.fft.ifft2(unalias(x, *p.shape)).real
    packet = Packet(3)
    y = packet.analyse(torch.from_numpy(plain)[None])[0].numpy()
    z = np.tensordot(p.a[:, back], y, 1) + p.bias[:, None, None]
    y = np.tensordot(p.b[back], z, 1) + p.bias_back[back][:, None, None]
    want = packet.synthesise(torch.from_numpy(y)[None])[0].numpy()
    return float(np.abs(apply(p, x) - want).max())


def measured_lines(path, model):
    out = {}
    with open(path) as f:
        for text in f:
            v = json.loads(text)
            if v['codec'] == 'reference-linear' and v['level'] == model:
                out[v['corruption'], v['severity']] = v
    return out


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('pictures', nargs='+')
    a.add_argument('--model', default='reference-12')
    a.add_argument('--severity', type=int, default=3)
    a.add_argument('--corruptions', default=','.join(
        media.CORRUPTIONS['picture']))
    a.add_argument('--measured', required=True, help='of robustness.py')
    a.add_argument('--out', required=True)
    a = a.parse_args()
    paths = spec.find_inputs(a.pictures)
    clean = [robustness.landscape(picture.load(v, 0)) for v in paths]
    p = Projection(str(ROOT / 'models' / (a.model + '.wlm')),
                   *clean[0].shape[:2])
    measured = measured_lines(a.measured, a.model)
    of_clean = [transform(v) for v in clean]
    worst = check(p, of_clean[0])
    if worst > 1e-9:
        sys.exit(f'projection.py: T is off by {worst}')
    through, kept = passed(p)
    report = {'model': a.model, 'pictures': len(clean), 'bands':
              robustness.BANDS, 'through': through.tolist(),
              'kept': kept.tolist(), 'sets': []}
    for kind in [None] + a.corruptions.split(','):
        severity = a.severity if kind else 0
        got = measured.get((kind, severity))
        if got is None or got['pictures'] != len(clean):
            print(f'{kind} {severity}: not measured')
            continue
        if kind:
            dirty = picture.corrupt(clean, dict(
                got, corruption=kind, severity=severity))
            spectra = [transform(v) for v in dirty]
        else:
            spectra = of_clean
        noise = rounding(p, spectra)
        line = {'corruption': kind, 'severity': severity}
        for error, power in predict(p, of_clean, spectra, noise).items():
            bands = rings(power)
            line[error] = {'predicted': bands.tolist(),
                           'measured': got[error + '_bands']}
            print(kind, severity, error, 'predicted '
                  f'{-10 * np.log10(bands.sum()):.2f} dB, measured '
                  f'{-10 * np.log10(np.sum(got[error + "_bands"])):.2f} dB',
                  flush=True)
        report['sets'].append(line)
        with open(a.out + '.json', 'w') as f:
            json.dump(report, f, indent=1)


if __name__ == '__main__':
    main()
