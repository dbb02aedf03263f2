# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sounds: read, resampled, moved, written.

A Sound is float32 [samples, channels], full scale 1, at a rate in Hz. Sounds stay
at the rate of their file; codecs that know other rates only resample by
themselves (soundcodecs.py), with resample(), as `audioresample` 1.22 is late by
0.05 to 0.09 of a sample there and back: an SNR of 22 to 25 dB at most.
"""
import math
import os
import re
import struct

import numpy as np

from . import pipes
from .errors import CellError
from .pipes import Gst

MAX_VALUES = 128 << 20          # samples times channels
MAX_CHANNELS = 8
RATES = 1000, 192000
BLOCK = 8192                    # samples in a buffer
MAX_CHUNKS = 1000               # of a WAV file that are looked at
FORMAT = 'audio/x-raw,format=F32LE,layout=interleaved'


# which speakers channels are, by their number, where nobody says: as
# gst_audio_channel_get_fallback_mask() has it, but three of them in front, as
# codecs have no place for a woofer without a middle
MASKS = (0, 0, 0, 0x7, 0x33, 0x37, 0x3f, 0x13f, 0xc3f)


class Sound:
    """samples: float32 [n, channels]; rate: Hz; mask: which speakers the
    channels are (a channel-mask of GStreamer), 0: the usual."""

    def __init__(self, samples, rate, mask=0):
        self.samples = np.ascontiguousarray(samples, '<f4')
        self.rate = rate
        self.mask = mask or MASKS[self.channels]

    def like(self, samples, rate=None):
        """The same with other samples."""
        return Sound(samples, rate or self.rate, self.mask)

    def __len__(self):
        return len(self.samples)

    @property
    def channels(self):
        return self.samples.shape[1]

    @property
    def seconds(self):
        return len(self) / self.rate

    def channel_caps(self):
        mask = f',channel-mask=(bitmask)0x{self.mask:x}' \
            if self.channels > 2 else ''
        return f'channels={self.channels}{mask}'

    def caps(self):
        return f'{FORMAT},rate={self.rate},{self.channel_caps()}'

    def feed(self, source):
        """Gives all of it to an appsrc, as it asks for it."""
        source.set_property('caps', Gst.Caps.from_string(self.caps()))
        source.set_property('format', Gst.Format.TIME)
        source.set_property('max-bytes', 16 * BLOCK * 4 * self.channels)
        at = iter(range(0, len(self), BLOCK))

        def more(src, _length):
            begin = next(at, None)
            if begin is None:
                src.emit('end-of-stream')
                return
            part = self.samples[begin:begin + BLOCK]
            buffer = Gst.Buffer.new_wrapped(part.tobytes())
            buffer.pts = begin * Gst.SECOND // self.rate
            buffer.duration = (begin + len(part)) * Gst.SECOND // self.rate \
                - buffer.pts
            src.emit('push-buffer', buffer)

        source.connect('need-data', more)


def of_sample(sample):
    """The Sound of a Gst.Sample of F32LE."""
    s = sample.get_caps().get_structure(0)
    buffer = sample.get_buffer()
    data = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), '<f4')
    n = s.get_value('channels')
    # the bindings have no bit masks
    mask = re.search(r'channel-mask=\(bitmask\)0x([0-9a-f]+)', s.to_string())
    return Sound(data.reshape(-1, n), s.get_value('rate'),
                 int(mask.group(1), 16) if mask and n > 2 else 0)


def joined(parts):
    """One Sound of those that came out of a sink; None of none."""
    if not parts:
        return None
    if len({(p.rate, p.channels) for p in parts}) > 1:
        raise CellError('the rate or the channels change on the way')
    return parts[0].like(np.concatenate([p.samples for p in parts]))


def check_wav(path):
    """Raises CellError for a WAV file that ends before its samples do, which
    players do not mind."""
    size = os.path.getsize(path)
    with open(path, 'rb') as f:
        if f.read(4) != b'RIFF':
            return              # decodebin says what it is, or that it is none
        at = 12
        for _ in range(MAX_CHUNKS):
            if at + 8 > size:
                return
            f.seek(at)
            name, n = struct.unpack('<4sI', f.read(8))
            at += 8
            # 0 and the highest: whoever wrote it could not seek back
            if name == b'data' and at + n > size and n < 0xffffff00:
                raise CellError(f'{path} is cut off: {n} bytes of samples '
                                f'were to come, {size - at} are there')
            at += n + n % 2


def load(path):
    """The Sound of a file; CellError if it is none, or one over the limits."""
    values, why = 0, []

    def take(sample):
        nonlocal values
        s = sample.get_caps().get_structure(0)
        n, rate = s.get_value('channels'), s.get_value('rate')
        values += sample.get_buffer().get_size() // 4
        if n > MAX_CHANNELS:
            why.append(f'{n} channels are more than {MAX_CHANNELS}')
        elif not RATES[0] <= rate <= RATES[1]:
            why.append(f'{rate} Hz are not within {RATES[0]} to {RATES[1]}')
        elif values > MAX_VALUES:
            why.append(f'more than {MAX_VALUES} samples')
        return None if why else of_sample(sample)

    try:
        check_wav(path)
        got = pipes.run(
            f'filesrc location="{pipes.escape(path)}" ! decodebin ! '
            f'audioconvert ! {FORMAT} ! appsink name=out', (), ['out'], take=take)[0]['out']
    except OSError as e:
        raise CellError(f'{path}: {e.strerror}') from None
    except pipes.PipelineError as e:
        raise CellError(f'{path}: {why[0] if why else e}') from None
    if why:
        raise CellError(f'{path}: {why[0]}')
    sound = joined(got)
    if sound is None or not len(sound):
        raise CellError(f'{path}: there are no samples in it')
    if not np.isfinite(sound.samples).all():
        raise CellError(f'{path}: samples that are no numbers')
    return sound


def write_wav(path, sound):
    """16 bits, rounded; what is beyond full scale is cut off."""
    data = np.clip(np.rint(sound.samples * 32768.0), -32768, 32767).astype(
        '<i2').tobytes()
    n, rate = sound.channels, sound.rate
    with open(path, 'wb') as f:
        f.write(struct.pack('<4sI4s4sIHHIIHH4sI', b'RIFF', 36 + len(data),
                            b'WAVE', b'fmt ', 16, 1, n, rate, 2 * n * rate,
                            2 * n, 16, b'data', len(data)))
        f.write(data)


def resample(sound, rate):
    """At another rate: all that is below the lower half rate, nothing above,
    without delay; of n samples round(n * rate / old)."""
    if rate == sound.rate:
        return sound
    common = math.gcd(rate, sound.rate)
    up, down = rate // common, sound.rate // common
    n = len(sound)
    # zeros behind it, so that its ends do not meet; a size that FFTs like
    pad = good_size(-(-(n + max(4096, n // 16)) // down)) * down
    spectrum = np.fft.rfft(sound.samples.astype(float), pad, axis=0)
    size = pad // down * up
    keep = min(len(spectrum), size // 2 + 1)
    other = np.zeros((size // 2 + 1, sound.channels), complex)
    other[:keep] = spectrum[:keep]
    if min(size, pad) % 2 == 0:
        other[min(size, pad) // 2] = 0
    out = np.fft.irfft(other, size, axis=0) * (size / pad)
    return sound.like(out[:max(1, round(n * rate / sound.rate))], rate)


def good_size(n):
    """The least 2^a 3^b 5^c from n on."""
    best = 1 << max(0, n - 1).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            size = three << max(0, -(-n // three) - 1).bit_length()
            best = min(best, size)
            three *= 3
        five *= 5
    return best


def delayed(sound, delay, length):
    """`length` samples of it from `delay` (need not be whole) on, zeros where
    there are none."""
    whole = math.floor(delay + 0.5)
    rest = delay - whole
    x = sound.samples
    # a whole number but for what measuring it leaves
    if abs(rest) > 0.02:
        size = good_size(len(x) + 4096)
        spectrum = np.fft.rfft(x.astype(float), size, axis=0)
        f = np.arange(len(spectrum)) / size
        spectrum *= np.exp(2j * np.pi * f * rest)[:, None]
        x = np.fft.irfft(spectrum, size, axis=0)[:len(x)]
    out = np.zeros((length, x.shape[1]), np.float32)
    begin, end = max(0, -whole), min(length, len(x) - whole)
    if end > begin:
        out[begin:end] = x[begin + whole:end + whole]
    return sound.like(out)
