# SPDX-License-Identifier: LGPL-2.1-or-later
"""Codecs of pictures that a sweep can name (of clips: clipcodecs.py; of sound:
soundcodecs.py).

Each turns a clip into (bytes of every frame, decoded clip). Bytes are those that
a file of one frame would hold, headers included. A codec is a pair of
pipeline fragments, or commands on files; a sweep may bring its own fragments.
"""
import os
import shlex
import shutil
import subprocess
import tempfile

import numpy as np
from PIL import Image

from . import pipes, soundcodecs
from .errors import CellError, CodecError  # noqa: F401

COMMAND_LIMIT = 600             # seconds
ANY = 'picture', 'clip'


# What fragments that take planes begin with: planes are made by colour.py
I420 = {'video/x-raw,format=I420,colorimetry=1:4:0:0 ! ': 'full',
        'video/x-raw,format=I420 ! ': 'limited'}


class Fragments:
    """encode, decode: GStreamer fragments; {setting} in encode is replaced.
    media: what it codes."""
    media = ('picture',)

    def __init__(self, name, encode, decode, settings, note='', media=None):
        self.name, self.encode, self.decode = name, encode, decode
        self.settings, self.note = settings, note
        self.media = media or self.media

    def needs(self):
        """What is not installed, in words; empty: it can run."""
        return pipes.lacking(self.encode, self.decode)

    def code(self, clip, setting):
        encode, yuv = self.encode, None
        for prefix, kind in I420.items():
            if encode.startswith(prefix):
                encode, yuv = encode[len(prefix):], kind
        # what comes in YUV is made RGB by us: see colour.py
        description = (
            'appsrc name=in ! ' + ('' if yuv else 'videoconvert ! ')
            + pipes.filled(encode, setting=setting)
            + ' ! identity name=bits ! ' + self.decode + (
                ' ! videoconvert ! video/x-raw,format=I420' if yuv else
                ' ! videoconvert ! video/x-raw,format=RGB')
            + ' ! appsink name=out')
        stamps = []

        def take(sample):
            stamps.append(sample.get_buffer().pts)
            return pipes.of_sample(sample, yuv)

        try:
            pictures, sizes, _ = pipes.run(description, {'in': clip}, ['out'],
                                           ['bits'], yuv=yuv, take=take)
        except pipes.PipelineError as e:
            raise CodecError(f'{self.name} at {setting}: {e}') from None
        if len(pictures['out']) != len(clip):
            raise CodecError(f'{self.name} at {setting}: {len(clip)} frames '
                             f'went in, {len(pictures["out"])} came out')
        if stamps != sorted(stamps):
            raise CodecError(f'{self.name} at {setting}: frames came out in '
                             'another order')
        return sizes['bits'], pictures['out']


class Commands:
    """encode, decode: command lines with {input}, {output}, {setting};
    plain: the suffix of pictures that they read and write, "png" or (for
    programs that spend their time on PNG) "ppm". One file per frame."""
    media = ('picture',)

    def __init__(self, name, suffix, encode, decode, settings, note='',
                 plain='png'):
        self.name, self.suffix, self.plain = name, suffix, plain
        self.encode, self.decode = encode, decode
        self.settings, self.note = settings, note

    def needs(self):
        programs = {shlex.split(c)[0] for c in (self.encode, self.decode)}
        lacking = sorted(p for p in programs if shutil.which(p) is None)
        return f'programs {", ".join(lacking)}' if lacking else ''

    def _run(self, command, **values):
        words = [pipes.filled(w, **values) for w in shlex.split(command)]
        try:
            done = subprocess.run(words, capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL,
                                  errors='replace', timeout=COMMAND_LIMIT)
        except subprocess.TimeoutExpired:
            raise CodecError(f'{self.name}: {words[0]} was not done after '
                             f'{COMMAND_LIMIT} s') from None
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().split('\n')[-1]
            raise CodecError(f'{self.name}: {words[0]} ended with '
                             f'{done.returncode}: {said}')

    def code(self, clip, setting):
        sizes, out = [], []
        with tempfile.TemporaryDirectory() as folder:
            a, b, c = (os.path.join(folder, n) for n in
                       ('in.' + self.plain, 'coded.' + self.suffix,
                        'out.' + self.plain))
            for rgb in clip:
                Image.fromarray(rgb).save(a, compress_level=1)
                self._run(self.encode, input=a, output=b, setting=setting)
                sizes.append(os.path.getsize(b))
                self._run(self.decode, input=b, output=c, setting=setting)
                with Image.open(c) as im:
                    out.append(np.asarray(im.convert('RGB')))
        return sizes, out


class Uncompressed:
    """The clip itself, 24 bits a pixel (sound: 16 bits a sample): what codecs
    are compared with."""
    name, settings, note, media = 'none', [0], '', ANY + ('sound',)

    def needs(self):
        return ''

    def code(self, clip, setting):
        if hasattr(clip, 'samples'):
            return soundcodecs.uncompressed(clip)
        return [f.size for f in clip], clip


def walloc(name, decoder):
    return Fragments(
        name, 'wallocenc quality={setting}', f'wallocdec decoder={decoder}',
        [10, 20, 30, 45, 60, 75], f'photo-1, decoder={decoder}', ANY)


def table():
    """{name: codec} of the codecs that are known."""
    from . import clipcodecs    # which needs this module
    codecs = soundcodecs.known() + clipcodecs.known() + [
        Uncompressed(),
        walloc('walloc', 'linear'), walloc('walloc-fast', 'fast'),
        walloc('walloc-best', 'best'),
        # JPEG files are of full range, which caps must say: the encoder does
        # not
        Fragments('jpeg', 'video/x-raw,format=I420,colorimetry=1:4:0:0 ! '
                  'jpegenc quality={setting} idct-method=islow',
                  'jpegdec idct-method=islow',
                  [5, 10, 20, 35, 50, 75, 90], 'libjpeg, 4:2:0; MJPEG', ANY),
        Fragments('webp', 'webpenc quality={setting}', 'webpdec',
                  [1, 5, 15, 35, 60, 80, 92], 'libwebp, lossy'),
        Commands('jpeg2000', 'jp2',
                 'opj_compress -i {input} -o {output} -r {setting}',
                 'opj_decompress -i {input} -o {output}',
                 [160, 80, 48, 32, 20, 12], 'OpenJPEG; setting: ratio',
                 'ppm'),
        Commands('avif', 'avif',
                 'avifenc -s 6 -j 1 --min {setting} --max {setting} '
                 '{input} {output}',
                 'avifdec --png-compress 1 {input} {output}',
                 [58, 50, 42, 34, 26, 18], 'libavif, speed 6; quantiser'),
        # every frame by itself: beside codecs of stills. byte-stream: headers
        # are in the frames, and x264's message about itself can be found
        Fragments('x264', 'video/x-raw,format=I420 ! x264enc pass=quant '
                  'quantizer={setting} key-int-max=1 bframes=0 threads=1 '
                  'speed-preset=medium tune=zerolatency ! '
                  'video/x-h264,stream-format=byte-stream', 'h264parse ! '
                  'avdec_h264', [46, 40, 36, 32, 28, 24], 'intra only'),
        Fragments('x265', 'video/x-raw,format=I420 ! x265enc '
                  'key-int-max=1 option-string="qp={setting}:keyint=1:'
                  'pools=1:frame-threads=1:info=0:log-level=none"',
                  'h265parse ! avdec_h265', [46, 40, 36, 32, 28, 24],
                  'intra only'),
        Fragments('vp9', 'video/x-raw,format=I420 ! vp9enc deadline=1000000 '
                  'cpu-used=4 threads=1 end-usage=cq cq-level={setting} '
                  'min-quantizer={setting} max-quantizer={setting} '
                  'keyframe-max-dist=1 lag-in-frames=0', 'vp9dec',
                  [60, 54, 46, 38, 30, 22], 'intra only'),
    ]
    return {c.name: c for c in codecs}


def own(name, encode, decode, settings, kind='picture'):
    """A codec of fragments that a sweep brings, of that kind of media."""
    if '{setting}' not in encode:
        settings = settings or [0]
    if not settings:
        raise CodecError(f'{name}: "settings" must list what {{setting}} is '
                         'to be')
    if kind == 'sound':
        return soundcodecs.SoundFragments(name, encode, decode,
                                          list(settings), 'by the sweep')
    return Fragments(name, encode, decode, list(settings), 'by the sweep', ANY)


def of_cell(cell):
    """The codec that a cell names, or that its sweep brought."""
    known = table()
    encode, _, decode = cell['how'].partition(' | ')
    codec = known.get(cell['codec'])
    if codec and (getattr(codec, 'encode', ''),
                  getattr(codec, 'decode', '')) == (encode, decode):
        return codec
    return own(cell['codec'], encode, decode, [cell['setting']],
               cell.get('media', 'picture'))
