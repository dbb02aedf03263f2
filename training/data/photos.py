# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tell photographs from drawings, maps and copies, and scale them down."""

import io

import numpy as np
from PIL import Image, ImageCms, ImageOps

# Above this a picture is refused before it is decoded: the largest wanted one
# has 20.5 million pixels.
MAX_PIXELS = 32_000_000
# Largest area of a stored picture; a 20 megapixel wallpaper would otherwise
# outweigh twenty ordinary photographs.
MAX_STORED_AREA = 2_500_000
# Share of energy a sharp picture keeps in its finest octave (see sharpness).
MIN_SHARPNESS = 0.10
# Reducing for sharpness stops at this short side.
KEEP_SIDE = 384

LOSSLESS_SUFFIXES = ('.png', '.ppm', '.pnm', '.bmp', '.tif', '.tiff')


class Refused(Exception):
    """Not a usable photograph; the text says why."""


def open_rgb(source):
    """Decode a path or bytes to an upright 8-bit sRGB picture.

    Refuses what is too large, transparent, or not colour.
    """
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    im = Image.open(stream)
    if im.width * im.height > MAX_PIXELS:
        raise Refused('%d x %d is over the pixel cap' % im.size)
    if getattr(im, 'is_animated', False):
        raise Refused('animated')
    if im.mode in ('1', 'L', 'I', 'I;16', 'F', 'LA'):
        raise Refused('grey')
    profile = im.info.get('icc_profile')
    im = ImageOps.exif_transpose(im)
    if im.mode in ('RGBA', 'PA') or 'transparency' in im.info:
        rgba = im.convert('RGBA')
        alpha = np.asarray(rgba.getchannel('A'))
        if (alpha < 250).mean() > 0.001:
            raise Refused('transparent')
        im = rgba.convert('RGB')
    if profile and im.mode in ('RGB', 'CMYK'):
        try:
            im = ImageCms.profileToProfile(
                im, ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile('sRGB'), outputMode='RGB')
        except ImageCms.PyCMSError:
            pass
    im = im.convert('RGB')
    # Profiles and camera notes would be written out again, dates and all.
    im.info.clear()
    return im


def measure(im):
    """Statistics that separate photographs from drawings and maps."""
    w, h = im.size
    s = 256 / min(w, h)
    small = im.resize((max(1, round(w * s)), max(1, round(h * s))),
                      Image.BOX, reducing_gap=2.0)
    a = np.asarray(small).astype(np.int32)
    codes = (a[..., 0] >> 3 << 10) | (a[..., 1] >> 3 << 5) | (a[..., 2] >> 3)
    luma = (a[..., 0] * 77 + a[..., 1] * 150 + a[..., 2] * 29) / 256
    gh, gw = luma.shape[0] // 8 * 8, luma.shape[1] // 8 * 8
    blocks = luma[:gh, :gw].reshape(gh // 8, 8, gw // 8, 8)
    spread = blocks.max(axis=(1, 3)) - blocks.min(axis=(1, 3))
    mean = a.reshape(-1, 3).mean(axis=0)
    unit = np.linalg.norm(a / 127.5 - 1, axis=-1)
    chroma = (a.max(axis=-1) - a.min(axis=-1)).mean()
    return {
        'colours': int(np.unique(codes).size),
        'flat': float((spread < 2.5).mean()),
        'deviation': float(luma.std()),
        'chroma': float(chroma),
        'mean': mean,
        'unit_error': float(np.abs(unit - 1).mean()),
    }


def judge(m):
    """Raise Refused when the measures are not those of a photograph."""
    r, g, b = m['mean']
    if b > 200 and abs(r - 128) < 20 and abs(g - 128) < 20 \
            and m['unit_error'] < 0.15:
        raise Refused('normal map')
    if m['chroma'] < 4:
        raise Refused('grey')
    if m['colours'] < 250:
        raise Refused('%d colours' % m['colours'])
    if m['flat'] > 0.60:
        raise Refused('%.0f %% flat' % (100 * m['flat']))
    if m['deviation'] < 8:
        raise Refused('hardly any contrast')


def dhash(im):
    """64-bit difference hash: signs of horizontal steps on a 9 x 8 picture."""
    a = np.asarray(im.convert('L').resize((9, 8), Image.BOX,
                                          reducing_gap=3.0)).astype(np.int16)
    bits = (a[:, 1:] > a[:, :-1]).ravel()
    return int(sum(1 << i for i, bit in enumerate(bits) if bit))


def distance(a, b):
    return bin(a ^ b).count('1')


def _haar(a):
    """One orthonormal Haar level: (low band, mean energy of the details)."""
    h, w = a.shape[0] // 2 * 2, a.shape[1] // 2 * 2
    a = a[:h, :w]
    p, q = a[0::2, 0::2], a[0::2, 1::2]
    r, s = a[1::2, 0::2], a[1::2, 1::2]
    low = (p + q + r + s) / 2
    details = ((p - q + r - s) ** 2 + (p + q - r - s) ** 2
               + (p - q - r + s) ** 2).mean() / 4
    return low, details


def sharpness(im):
    """Energy of the finest Haar octave over that of the next one.

    A scale-free picture (power falling with the square of frequency) has 0.25
    here; out-of-focus, enlarged or heavily denoised ones have less.
    """
    a = np.asarray(im.convert('L')).astype(np.float32)
    low, fine = _haar(a)
    _, coarse = _haar(low)
    return float(fine / (coarse + 1e-6))


def shrink(im, factor):
    """Reduce by factor; the window stays centred when sizes do not divide."""
    size = (max(1, int(im.width / factor)), max(1, int(im.height / factor)))
    return im.resize(size, Image.LANCZOS, reducing_gap=4.0)


def reduce_photo(im, lossless, min_side):
    """Scale a photograph so that its finest detail is real.

    Lossy sources are halved at least, which averages coding errors away; soft
    ones are reduced further until the finest octave carries what a sharp
    picture has there.  Never goes below min_side on the short side, nor below
    KEEP_SIDE for sharpness.
    Returns (picture, factor).
    """
    short = min(im.size)
    area = im.width * im.height
    first = 1 if lossless else 2
    if short // first < min_side:
        raise Refused('%d x %d is too small' % im.size)
    best = None
    for factor in (1, 2, 3, 4, 5, 6, 8):
        limit = min_side if factor == first else max(min_side, KEEP_SIDE)
        if factor < first or short // factor < limit:
            continue
        too_large = area / factor ** 2 > MAX_STORED_AREA
        fits_next = short // (factor + 1) >= max(min_side, KEEP_SIDE)
        if too_large and fits_next:
            continue
        out = im if factor == 1 else shrink(im, factor)
        best = (out, factor)
        if sharpness(out) >= MIN_SHARPNESS:
            break
    return best
