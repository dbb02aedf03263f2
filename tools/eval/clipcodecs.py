# SPDX-License-Identifier: LGPL-2.1-or-later
"""Codecs of clips: key frames far apart, constant quantisers, one thread."""
from .codecs import Fragments


class InTime(Fragments):
    """Fragments in which frames build on others."""
    media = ('clip',)


def known():
    """Those that a sweep can name."""
    return [
        InTime('walloc-time', 'wallocenc quality={setting} key-int-max=250',
               'wallocdec decoder=linear', [10, 20, 30, 45, 60, 75],
               'photo-1, frames from others'),
        # byte-stream: its headers are in the frames, so they are counted
        InTime('x264-time', 'video/x-raw,format=I420 ! x264enc pass=quant '
               'quantizer={setting} key-int-max=250 threads=1 '
               'speed-preset=medium ! video/x-h264,stream-format=byte-stream',
               'h264parse ! avdec_h264', [44, 38, 33, 28, 24, 20],
               'medium; quantiser'),
        InTime('x265-time', 'video/x-raw,format=I420 ! x265enc '
               'speed-preset=medium key-int-max=250 option-string="'
               'qp={setting}:keyint=250:pools=1:frame-threads=1:info=0:'
               'log-level=none" ! video/x-h265,stream-format=byte-stream',
               'h265parse ! avdec_h265', [44, 38, 33, 28, 24, 20],
               'medium; quantiser'),
        # with lag-in-frames vp9enc 1.22 loses frames of high rates at the end
        InTime('vp9-time', 'video/x-raw,format=I420 ! vp9enc deadline=1000000 '
               'cpu-used=4 threads=1 end-usage=cq cq-level={setting} '
               'min-quantizer={setting} max-quantizer={setting} '
               'keyframe-max-dist=250 lag-in-frames=0', 'vp9dec',
               [60, 52, 44, 36, 28, 20], 'cpu-used=4, no lookahead; quantiser'),
        InTime('av1-time', 'video/x-raw,format=I420 ! av1enc cpu-used=6 '
               'threads=1 end-usage=cbr target-bitrate=1000000 '
               'min-quantizer={setting} max-quantizer={setting} '
               'keyframe-max-dist=250 lag-in-frames=25 drop-frame=0',
               'av1parse ! av1dec', [60, 52, 44, 36, 28, 20],
               'libaom, cpu-used=6; quantiser'),
    ]
