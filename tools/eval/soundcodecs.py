# SPDX-License-Identifier: LGPL-2.1-or-later
"""Codecs of sound that a sweep can name.

Each turns a Sound into bytes and a Sound of the same length. Bytes are those of
the encoder's packets; of what stands before the first of them once (Opus',
Vorbis' and Speex' headers), and of files around them (Ogg), none. Encoders and
decoders are late: by how much is measured with a signal of our own, for each
setting, rate and number of channels, and taken away.
"""
import collections
import functools

import numpy as np

from . import pipes, sound
from .errors import CodecError
from .pipes import Gst

MOST_DELAY = 8192               # samples
LEAST_LIKENESS = 0.2            # of the signal with what comes back

# bytes: of packets; header_bytes: of what comes once
Coded = collections.namedtuple('Coded', 'bytes header_bytes sound')


def packet(buffer):
    """(bytes, whether it is one of the headers)."""
    return (buffer.get_size(),
            bool(buffer.get_flags() & Gst.BufferFlags.HEADER))


class SoundFragments:
    """encode, decode: GStreamer fragments; {setting} in encode is replaced.
    rates: those in Hz that it takes, in order (None: any); sounds of others are
    resampled to the next higher one, or the highest, and back. channels: most.
    exact: it gives just the samples that went in, and their number."""
    media = ('sound',)

    def __init__(self, name, encode, decode, settings, note='', rates=None,
                 channels=sound.MAX_CHANNELS, exact=False):
        self.name, self.encode, self.decode = name, encode, decode
        self.settings, self.note = settings, note
        self.rates, self.channels, self.exact = rates, channels, exact

    def needs(self):
        """What is not installed, in words; empty: it can run."""
        return pipes.lacking(self.encode, self.decode)

    def rate_for(self, rate):
        if not self.rates or rate in self.rates:
            return rate
        return next((r for r in self.rates if r > rate), self.rates[-1])

    def run(self, clip, setting):
        """(bytes, bytes of headers, what came out, late as it is)."""
        description = (
            'appsrc name=in ! audioconvert dithering=none ! '
            + pipes.filled(self.encode, setting=setting) + ' ! identity name=bits ! '
            + self.decode + ' ! audioconvert ! ' + sound.FORMAT
            + f',{clip.channel_caps()} ! appsink name=out')
        try:
            got, sizes, _ = pipes.run(description, {'in': clip}, ['out'],
                                      ['bits'], take=sound.of_sample,
                                      count=packet)
        except pipes.PipelineError as e:
            raise CodecError(
                f'{self.name} at {setting}, {clip.rate} Hz, {clip.channels} '
                f'channel{"s" if clip.channels > 1 else ""}: {e}') from None
        out = sound.joined(got['out'])
        if out is None:
            raise CodecError(f'{self.name} at {setting}: {len(clip)} samples '
                             f'of {clip.rate} Hz went in, none came out')
        return (sum(n for n, header in sizes['bits'] if not header),
                sum(n for n, header in sizes['bits'] if header),
                sound.resample(out, clip.rate))

    def code(self, clip, setting):
        if clip.channels > self.channels:
            raise CodecError(f'{self.name} takes {self.channels} '
                             f'channel{"s" if self.channels > 1 else ""} at '
                             f'most, this has {clip.channels}')
        own = sound.resample(clip, self.rate_for(clip.rate))
        size, headers, out = self.run(own, setting)
        late = 0 if self.exact else delay(self, setting, own)
        out = sound.delayed(out, late, len(own))
        back = sound.resample(out, clip.rate)
        return Coded(size, headers, sound.delayed(back, 0, len(clip)))


def uncompressed(clip):
    """16 bits a sample: what codecs are compared with."""
    return Coded(2 * clip.samples.size, 0, clip)


def chirp(like):
    """A tone that rises from 100 Hz over 1.5 s, with a quarter of a second of
    silence around it, with the rate and channels of a Sound. Codecs of all
    rates keep a tone, and it is like itself at one place only."""
    rate = like.rate
    n = int(1.5 * rate)
    t = np.arange(n) / rate
    high = min(3400, 0.4 * rate)
    octaves = np.log(high / 100)
    phase = 2 * np.pi * 100 * 1.5 / octaves * np.expm1(t / 1.5 * octaves)
    tone = 0.25 * np.sin(phase) * np.sin(np.pi * (np.arange(n) + .5) / n) ** .5
    x = np.zeros(n + 2 * (rate // 4))
    x[rate // 4:rate // 4 + n] = tone
    return like.like(np.repeat(x[:, None], like.channels, 1))


def lag_of(x, y):
    """(by how many samples y is behind x, how alike they are then), of floats
    [n]; to a fraction of a sample by the slope of the phase."""
    size = sound.good_size(max(len(x), len(y)) + MOST_DELAY)
    a, b = np.fft.rfft(x, size), np.fft.rfft(y, size)
    cross = np.conj(a) * b
    c = np.fft.irfft(cross, size)
    lags = np.concatenate([np.arange(MOST_DELAY), np.arange(-MOST_DELAY, 0)])
    lag = int(lags[np.argmax(c[lags])])
    like = c[lag] / max(1e-30, np.sqrt((x ** 2).sum() * (y ** 2).sum()))
    f = np.arange(len(a)) / size
    angle = np.angle(cross * np.exp(2j * np.pi * f * lag))
    # near the whole lag the phase does not turn around
    weight = np.abs(cross) * (np.abs(angle) < np.pi / 2)
    slope = (weight * f * angle).sum() / max(1e-30, (weight * f * f).sum())
    return lag - float(np.clip(slope / (2 * np.pi), -0.5, 0.5)), float(like)


@functools.lru_cache(256)
def _delay(name, encode, decode, setting, rate, channels, mask):
    codec = SoundFragments(name, encode, decode, [setting])
    signal = chirp(sound.Sound(np.zeros((0, channels)), rate, mask))
    _, _, out = codec.run(signal, setting)
    lag, like = lag_of(signal.samples.sum(1).astype(float),
                       out.samples.sum(1).astype(float))
    if like < LEAST_LIKENESS:
        raise CodecError(
            f'{name} at {setting}: by how much it is late cannot be found, as '
            f'what comes back is not like what went in ({like:.2f})')
    return lag


def delay(codec, setting, clip):
    """By how many samples of the clip's rate a codec is late with such
    clips."""
    return _delay(codec.name, codec.encode, codec.decode, setting, clip.rate,
                  clip.channels, clip.mask)


def walloc(name, decoder):
    # of files nothing is late: frames as long as they are at 44.1 kHz by
    # themselves; by an eighth of a second there would be more headers than sound
    # at low rates of samples
    return SoundFragments(
        name, 'wallocaudioenc quality={setting} frame-size=4096',
        f'wallocaudiodec decoder={decoder}', [5, 10, 20, 30, 40, 50, 65, 80],
        f'sound-1, decoder={decoder}', exact=True)


def known():
    """The codecs of sound, a list."""
    mpeg = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
    opus = (8000, 12000, 16000, 24000, 48000)
    # of five channels and more opusdec 1.22 gives another order without Ogg
    return [
        walloc('wallocaudio', 'linear'), walloc('wallocaudio-fast', 'fast'),
        SoundFragments(
            'opus', 'opusenc bitrate={setting} bitrate-type=vbr', 'opusdec',
            [6000, 8000, 12000, 16000, 24000, 32000, 64000, 96000],
            'libopus, VBR; setting: bit/s', opus, 2),
        SoundFragments(
            'opus-voice', 'opusenc bitrate={setting} bitrate-type=vbr '
            'audio-type=voice', 'opusdec',
            [6000, 8000, 12000, 16000, 24000, 32000],
            'the same, of speech', opus, 2),
        SoundFragments(
            'mp3', 'lamemp3enc target=bitrate bitrate={setting}',
            'mpegaudioparse ! mpg123audiodec',
            [8, 16, 24, 32, 48, 64, 96, 128], 'LAME, ABR; setting: kbit/s',
            mpeg, 2),
        SoundFragments(
            'vorbis', 'vorbisenc quality={setting}', 'vorbisdec',
            [-0.1, 0.0, 0.1, 0.3, 0.5, 0.7, 0.9], 'libvorbis; quality'),
        SoundFragments(
            'aac', 'avenc_aac bitrate={setting}', 'avdec_aac',
            [8000, 12000, 16000, 24000, 32000, 48000, 64000, 96000],
            "libav's AAC-LC; setting: bit/s",
            mpeg + (64000, 88200, 96000), 2),
        SoundFragments(
            'speex', 'speexenc quality={setting}', 'speexdec',
            [0, 1, 2, 4, 6, 8, 10], 'of speech; quality',
            (8000, 16000, 32000), 2),
        SoundFragments(
            'amr-wb', 'voamrwbenc band-mode={setting}', 'amrwbdec',
            [0, 1, 2, 3, 5, 8], 'of speech, mono; band mode', (16000,), 1),
    ]
