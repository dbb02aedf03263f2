# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a file is, by its name, and what can be done to it."""
import hashlib
import os

SUFFIXES = {
    'picture': ('.png', '.jpg', '.jpeg', '.webp', '.bmp', '.tif', '.tiff',
                '.ppm'),
    'clip': ('.y4m', '.mp4', '.mkv', '.webm', '.avi', '.mov', '.mpg'),
    'sound': ('.wav', '.flac', '.ogg', '.opus', '.mp3'),
}
_PICTURE = (
    'gaussian_noise shot_noise impulse_noise defocus_blur glass_blur '
    'motion_blur zoom_blur snow frost fog brightness contrast '
    'elastic_transform pixelate jpeg_compression').split()
# types of `corrupt` and of `audiocorrupt`
CORRUPTIONS = {
    'picture': _PICTURE, 'clip': _PICTURE,
    'sound': ('additive_noise clipping packet_loss reverberation '
              'band_limiting').split(),
}
ALL_CORRUPTIONS = _PICTURE + CORRUPTIONS['sound']


def of(path):
    """"picture", "clip", "sound", or None."""
    suffix = os.path.splitext(path)[1].lower()
    for kind, suffixes in SUFFIXES.items():
        if suffix in suffixes:
            return kind
    return None


def seed_of(cell):
    """The seed of the corruption of a cell: of the sweep's `seed` and of the
    file's `content`, so that two files of one size have not the same noise, and a
    file has the same wherever it lies. Without a content the seed itself."""
    if not cell.get('content'):
        return cell['seed']
    text = f'{cell["seed"]} {cell["content"]}'
    # 60 bits: what properties of 64 hold
    return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)
