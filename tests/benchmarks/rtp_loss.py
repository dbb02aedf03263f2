#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What lost RTP packets cost: walloc beside JPEG, VP8 and H.264.

usage: rtp_loss.py [options]

Sequences of sequences.py are encoded at one rate, put into packets, and lose
some of them: each with the same probability, or as many in bursts
(Gilbert: a lost packet is followed by another with 3/4). What is lost depends
on the seed and the packet's number alone. A receiver without a jitter buffer
puts frames together and decodes them. Where a depayloader asks for a key
frame, the encoder hears of it --delay frames later.

  walloc            key frames only, slices of --slice-rows rows
  walloc-one-slice  key frames only, one slice a picture
  walloc-predicted  --key-int-max frames between key frames, and requests
  jpeg              rtpjpegpay, at the quality that has the rate
  vp8, h264         the same distance of key frames, and requests

Measured is the luma PSNR of what a viewer sees: where a frame did not come out
of the decoder, the one before stands. "shown" is the share of frames that came
out. Rates are those of packets with their RTP headers. A second table has what
small slices cost. Writes OUT.json and OUT.md.
"""
import argparse
import math
import random
import time

import numpy as np

import common
import pipelines
import sequences

LOSSES = (("0", 0, 0), ("1 %", 0.01, 0), ("5 %", 0.05, 0), ("20 %", 0.2, 0),
          ("5 % in bursts", 0.05, 0.75))


ABOUT = """
How to read it: a picture that did not come out of the decoder is replaced by
the one before, so a codec that drops damaged frames (JPEG, VP8, H.264) looks
good where nothing moves and bad where something does. wallocdec shows damaged
key frames, the lost slices taken from the frame before as far as it looks
alike: every frame comes, and what moves in a lost slice is wrong for a moment.
At no loss and equal rate VP8 and H.264 are far ahead, since they predict with
motion; with a loss of 5 % and a request that takes six frames they show a third
of the frames.
"""


class Channel:
    """Decides which packets get through."""

    def __init__(self, loss, burst, seed):
        self.random = random.Random(seed)
        self.loss, self.burst = loss, burst
        self.losing = False
        # so that the mean stays what it is
        self.begin = loss * (1 - burst) / (1 - loss) if loss < 1 else 1

    def passes(self):
        draw = self.random.random()
        self.losing = draw < (self.burst if self.losing and self.burst
                              else self.begin if self.burst else self.loss)
        return not self.losing


class Codec:
    def __init__(self, name, encoder, pay, depay, decoder, needs):
        self.name, self.encoder, self.pay = name, encoder, pay
        self.depay, self.decoder, self.needs = depay, decoder, needs


def codecs_of(options):
    rate, n = options.bitrate, options.key_int_max
    walloc = f"wallocenc threads=1 bitrate={rate} slice-rows={{}}"
    back = "wallocdec threads=1 decoder=linear"
    asks = "request-keyframe=true"
    return [
        Codec("walloc", walloc.format(options.slice_rows), "rtpwallocpay",
              "rtpwallocdepay", back, ()),
        Codec("walloc-one-slice", walloc.format(2048), "rtpwallocpay",
              "rtpwallocdepay", back, ()),
        Codec("walloc-predicted", walloc.format(options.slice_rows) +
              f" key-int-max={n}", "rtpwallocpay", "rtpwallocdepay " + asks,
              back, ()),
        Codec("jpeg", "jpegenc quality={quality}", "rtpjpegpay",
              "rtpjpegdepay", "jpegdec ! videoconvert", ("jpegenc",)),
        Codec("vp8", f"vp8enc deadline=1 threads=1 target-bitrate={rate * 1000}"
              f" keyframe-max-dist={n} error-resilient=default",
              "rtpvp8pay", "rtpvp8depay " + asks + " wait-for-keyframe=true",
              "vp8dec threads=1", ("vp8enc", "vp8dec")),
        Codec("h264", f"x264enc tune=zerolatency threads=1 bitrate={rate}"
              f" key-int-max={n} ! h264parse", "rtph264pay",
              "rtph264depay " + asks + " wait-for-keyframe=true",
              "h264parse ! avdec_h264 max-threads=1 ! videoconvert",
              ("x264enc", "avdec_h264")),
    ]


class Sender:
    """Pictures in, lists of packets out, one picture at a time."""

    def __init__(self, codec, sequence, mtu, quality=0):
        gst = pipelines.Gst
        encoder = codec.encoder.format(quality=quality)
        self.fps = sequence.fps
        self.line = gst.parse_launch(
            "appsrc name=source format=time max-bytes=0 ! " + encoder +
            f" ! {codec.pay} name=pay mtu={mtu} ! appsink name=sink sync=false"
            " buffer-list=false")
        self.source = self.line.get_by_name("source")
        self.sink = self.line.get_by_name("sink")
        self.pay = self.line.get_by_name("pay")
        self.source.set_property("caps",
                                 gst.Caps.from_string(sequence.caps()))
        self.line.set_state(gst.State.PLAYING)
        self.caps = None

    def encode(self, data, number, key):
        gst = pipelines.Gst
        if key:
            structure = gst.Structure.new_empty("GstForceKeyUnit")
            structure.set_value("all-headers", True)
            self.pay.get_static_pad("sink").push_event(
                gst.Event.new_custom(gst.EventType.CUSTOM_UPSTREAM, structure))
        buffer = gst.Buffer.new_wrapped(data)
        buffer.pts = number * gst.SECOND // self.fps
        buffer.duration = gst.SECOND // self.fps
        self.source.emit("push-buffer", buffer)
        packets = []
        while True:
            sample = self.sink.emit("try-pull-sample", 60 * gst.SECOND)
            if sample is None:
                raise RuntimeError("the encoder left a picture out; a higher"
                                   " --bitrate helps")
            self.caps = sample.get_caps()
            packet = sample.get_buffer().copy_region(
                gst.BufferCopyFlags.FLAGS | gst.BufferCopyFlags.TIMESTAMPS |
                gst.BufferCopyFlags.MEMORY, 0, 2 ** 64 - 1)
            # x264enc moves all time stamps
            packet.pts = buffer.pts
            packet.dts = gst.CLOCK_TIME_NONE
            packets.append(packet)
            # the marker bit of RTP
            if packet.extract_dup(1, 1)[0] & 128:
                return packets

    def close(self):
        self.line.set_state(pipelines.Gst.State.NULL)


class Receiver:
    """Packets in, pictures out."""

    def __init__(self, codec, sequence):
        gst = pipelines.Gst
        self.fps = sequence.fps
        self.line = gst.parse_launch(
            "appsrc name=source format=time max-bytes=0 ! " + codec.depay +
            " name=depay ! " + codec.decoder + " ! video/x-raw,format=I420 !"
            " appsink name=sink sync=false")
        self.source = self.line.get_by_name("source")
        self.sink = self.line.get_by_name("sink")
        self.requests = []
        self.number = 0
        self.seen = 0
        self.pushed = 0
        pad = self.line.get_by_name("depay").get_static_pad("sink")
        pad.add_probe(gst.PadProbeType.BUFFER, self.on_packet)
        pad.add_probe(gst.PadProbeType.EVENT_UPSTREAM, self.on_event)
        self.line.set_state(gst.State.PLAYING)

    def on_packet(self, pad, info):
        self.number = round(info.get_buffer().pts * self.fps /
                            pipelines.Gst.SECOND)
        self.seen += 1
        return pipelines.Gst.PadProbeReturn.OK

    def on_event(self, pad, info):
        structure = info.get_event().get_structure()
        if structure and structure.get_name() == "GstForceKeyUnit":
            self.requests.append(self.number)
        return pipelines.Gst.PadProbeReturn.OK

    def push(self, packet, caps):
        if self.pushed == 0:
            self.source.set_property("caps", caps)
        self.source.emit("push-buffer", packet)
        self.pushed += 1

    def finish(self):
        gst = pipelines.Gst
        pictures = {}
        self.source.emit("end-of-stream")
        while True:
            sample = self.sink.emit("try-pull-sample", 60 * gst.SECOND)
            if sample is None:
                break
            buffer = sample.get_buffer()
            number = round(buffer.pts * self.fps / gst.SECOND)
            pictures[number] = buffer.extract_dup(0, buffer.get_size())
        self.line.set_state(gst.State.NULL)
        return pictures


def luma(data, sequence):
    size = sequence.width * sequence.height
    return np.frombuffer(data, np.uint8, size).astype(np.float32)


def psnr(a, b):
    error = float(np.mean((a - b) ** 2))
    return 10 * math.log10(255 ** 2 / error) if error > 0 else 99.0


def one_run(codec, sequence, options, channel, quality):
    """PSNR of each frame as seen, and counts."""
    sender = Sender(codec, sequence, options.mtu, quality)
    receiver = Receiver(codec, sequence)
    packets = lost = size = 0
    for number, frame in enumerate(sequence.frames):
        # requests that have arrived by now; several at once are one
        due = [r for r in receiver.requests if r + options.delay <= number]
        receiver.requests = [r for r in receiver.requests
                             if r + options.delay > number]
        for packet in sender.encode(frame, number, bool(due)):
            packets += 1
            size += packet.get_size()
            if channel.passes():
                receiver.push(packet, sender.caps)
            else:
                lost += 1
        while receiver.seen < receiver.pushed:
            time.sleep(0.0005)
    sender.close()
    pictures = receiver.finish()
    values = []
    shown = None
    for number, frame in enumerate(sequence.frames):
        shown = pictures.get(number, shown)
        reference = luma(frame, sequence)
        values.append(psnr(reference, luma(shown, sequence) if shown
                           else np.zeros_like(reference)))
    seconds = len(sequence.frames) / sequence.fps
    return {"psnr": float(np.mean(values)), "worst": float(
        np.percentile(values, 5)), "shown": len(pictures) /
        len(sequence.frames), "packets": packets / len(sequence.frames),
        "lost": lost / packets, "rate": 8 * size / seconds / 1000}


def jpeg_quality(codec, sequence, options):
    """The quality whose rate is next to the wanted one."""
    low, high = 1, 95
    while low < high:
        middle = (low + high + 1) // 2
        sender = Sender(codec, sequence, options.mtu, middle)
        size = sum(p.get_size() for n in range(4) for p in sender.encode(
            sequence.frames[n * len(sequence.frames) // 4], n, False))
        sender.close()
        if 8 * size / 4 * sequence.fps <= 1000 * options.bitrate:
            low = middle
        else:
            high = middle - 1
    return low


def measure(options):
    rows = []
    for name in options.sequences.split(","):
        sequence = sequences.make(name, options.frames, options)
        for codec in codecs_of(options):
            if not pipelines.have(*codec.needs):
                print(f"{codec.name}: not here", flush=True)
                continue
            quality = jpeg_quality(codec, sequence, options) \
                if "{quality}" in codec.encoder else 0
            for label, loss, burst in LOSSES:
                runs = [one_run(codec, sequence, options,
                                Channel(loss, burst, seed), quality)
                        for seed in range(options.seeds if loss else 1)]
                row = {key: float(np.mean([r[key] for r in runs]))
                       for key in runs[0]}
                row.update(sequence=name, codec=codec.name, loss=label)
                rows.append(row)
                print(name, codec.name, label, {k: round(v, 3) if isinstance(
                    v, float) else v for k, v in row.items()}, flush=True)
    return rows


def slice_costs(options):
    """Bytes per frame with slices of so many rows, against one slice."""
    rows = []
    for name in options.sequences.split(","):
        sequence = sequences.make(name, 5, options)
        for quality in (30, 60):
            sizes = {}
            for rows_of_slice in (2048, 16, 8, 4, 2, 1):
                units, _ = pipelines.run(
                    f"wallocenc threads=1 quality={quality}"
                    f" slice-rows={rows_of_slice}", sequence.caps(),
                    pipelines.pictures(sequence), sequence.fps)
                sizes[rows_of_slice] = sum(len(u.data) for u in units) / \
                    len(units)
            rows.append({"sequence": name, "quality": quality,
                         "sizes": {str(k): v for k, v in sizes.items()}})
    return rows


def overheads(options):
    """Bytes that go over the wire for a frame beside the frame."""
    rows = []
    sequence = sequences.make(options.sequences.split(",")[0], 10, options)
    for codec in codecs_of(options):
        if codec.pay != "rtpwallocpay":
            continue
        for repeat in (0, 1):
            codec.pay = f"rtpwallocpay repeat-header={repeat}"
            sender = Sender(codec, sequence, options.mtu)
            for number, frame in enumerate(sequence.frames):
                sender.encode(frame, number, False)
            stats = sender.pay.get_property("stats")
            values = {key: stats.get_uint64(key)[1] / len(sequence.frames)
                      for key in ("packets", "bytes", "overhead")}
            sender.close()
            rows.append(dict(values, codec=codec.name, repeat=repeat))
    return rows


def tables(data):
    parts = [ABOUT]
    labels = [label for label, _, _ in LOSSES]
    for name in dict.fromkeys(r["sequence"] for r in data["loss"]):
        of = [r for r in data["loss"] if r["sequence"] == name]
        parts.append(f"\n## {name}\n\nPSNR in dB of what is seen, mean of all"
                     " frames (5 % of frames are worse than); share of frames"
                     " that came out of the decoder.\n")
        lines = []
        for codec in dict.fromkeys(r["codec"] for r in of):
            mine = {r["loss"]: r for r in of if r["codec"] == codec}
            lines.append([codec, "%.0f" % mine["0"]["rate"],
                          "%.1f" % mine["0"]["packets"]] +
                         ["%.1f (%.1f), %.0f %%" % (
                             mine[k]["psnr"], mine[k]["worst"],
                             100 * mine[k]["shown"]) for k in labels])
        parts.append(common.table(["", "kbit/s", "packets a frame"] +
                                  [f"loss {k}" for k in labels], lines))
    parts.append("\n## Bytes beside the frames\n\nPer frame, without the"
                 " headers of RTP (12 bytes a packet), UDP and IP (28).\n")
    parts.append(common.table(
        ["", "repeat-header", "packets", "bytes of frames",
         "payload headers, repeated frame headers"],
        [[r["codec"], r["repeat"], "%.1f" % r["packets"], "%.0f" % r["bytes"],
          "%.0f (%.1f %%)" % (r["overhead"], 100 * r["overhead"] /
                              r["bytes"])] for r in data["overhead"]]))
    parts.append("\n## What small slices cost\n\nBytes of a frame in one slice,"
                 " and with slices of so many rows of latents (8 pixels"
                 " each).\n")
    lines = []
    for row in data["slices"]:
        one = row["sizes"]["2048"]
        lines.append([row["sequence"], row["quality"], "%.0f" % one] +
                     ["+%.1f %%" % (100 * (row["sizes"][k] / one - 1))
                      for k in ("16", "8", "4", "2", "1")])
    parts.append(common.table(["", "quality", "one slice, bytes", "16 rows",
                               "8", "4", "2", "1"], lines))
    return parts


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--out", default="docs/evaluation/rtp-loss")
    parser.add_argument("--sequences", default="static-2,pan")
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--bitrate", type=int, default=2500, help="kbit/s")
    parser.add_argument("--mtu", type=int, default=1400)
    parser.add_argument("--slice-rows", type=int, default=8)
    parser.add_argument("--key-int-max", type=int, default=60)
    parser.add_argument("--delay", type=int, default=6,
                        help="frames until the encoder hears of a request")
    parser.add_argument("--camvid", help="folder of CamVid, for driving")
    options = parser.parse_args()
    pipelines.setup(options.build)
    data = {"options": {k: v for k, v in vars(options).items()
                        if k not in ("build", "out", "camvid")},
            "slices": slice_costs(options), "overhead": overheads(options),
            "loss": measure(options)}
    common.save(options.out, "RTP: what lost packets cost", data,
                tables(data))


if __name__ == "__main__":
    main()
