#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""WaLLoC in sessions that others set up: SDP, RTSP and WebRTC on loopback.

usage: test_sessions.py
Prints TAP. What is not installed (gst-rtsp-server, libnice, webrtcbin) is
skipped. Elements must be found (environment of the tests). No port is fixed.
"""
import os
import socket
import sys
import tempfile
import time

try:
    import gi
    gi.require_version("Gst", "1.0")
    from gi.repository import GLib, Gst
except (ImportError, ValueError):
    print("1..0 # SKIP python3-gi or gir1.2-gstreamer-1.0 is not installed")
    sys.exit(0)

LIMIT = 40          # seconds, for anything to happen
WANTED = 20         # frames that have to come through
CAMERA = ("videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,"
          "width=160,height=120,framerate=50/1 ! wallocenc quality=50"
          " slice-rows=4")
number = failed = 0


class Skip(Exception):
    pass


def need(*elements):
    for element in elements:
        if not Gst.ElementFactory.find(element):
            raise Skip(f"there is no element {element}")


class Pipeline:
    """A launch line; errors on its bus are exceptions."""

    def __init__(self, line):
        self.pipeline = Gst.parse_launch(line)
        if not isinstance(self.pipeline, Gst.Pipeline):
            # a single element
            alone, self.pipeline = self.pipeline, Gst.Pipeline()
            self.pipeline.add(alone)
        self.bus = self.pipeline.get_bus()

    def get(self, name):
        return self.pipeline.get_by_name(name)

    def play(self):
        self.pipeline.set_state(Gst.State.PLAYING)

    def check(self):
        message = self.bus.pop_filtered(Gst.MessageType.ERROR)
        if message:
            error, debug = message.parse_error()
            raise RuntimeError(f"{error.message} ({debug})")

    def stop(self):
        self.pipeline.set_state(Gst.State.NULL)


def wait(condition, *pipelines):
    """Runs the main context until condition() is true."""
    end = time.monotonic() + LIMIT
    context = GLib.MainContext.default()
    while not condition():
        while context.iteration(False):
            pass
        for pipeline in pipelines:
            pipeline.check()
        if time.monotonic() > end:
            raise RuntimeError(f"nothing in {LIMIT} s")
        time.sleep(0.01)


class Frames:
    """Frames and pictures that came to a pad."""

    def __init__(self, pad):
        self.count = self.damaged = 0
        self.caps = None
        pad.add_probe(Gst.PadProbeType.BUFFER, self.on_buffer)

    def on_buffer(self, pad, info):
        self.count += 1
        self.damaged += bool(int(info.get_buffer().get_flags()) & 1 << 8)
        self.caps = pad.get_current_caps()
        return Gst.PadProbeReturn.OK


def free_ports():
    """An even port and the one behind it that nobody uses now."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            if port % 2:
                continue
            try:
                two.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise RuntimeError("no free ports")


def check_caps(frames):
    """What comes out is the stream that went in."""
    caps = frames.caps.get_structure(0)
    assert caps.get_name() == "video/x-raw", caps.to_string()
    assert caps.get_int("width").value == 160, caps.to_string()


def description(caps, port):
    """SDP for RTP caps (gstsdpmessage.c's way is tested in rtpwallocbad.c)."""
    names = ("model-id", "width", "height", "framerate", "colorimetry",
             "chroma-site", "interlace-mode", "pixel-aspect-ratio")
    fields = ";".join(f"{name}={caps.get_string(name)}" for name in names
                      if caps.has_field(name))
    return "\r\n".join([
        "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=walloc", "t=0 0",
        f"m=video {port} RTP/AVP 96", "c=IN IP4 127.0.0.1",
        f"a=rtpmap:96 {caps.get_string('encoding-name')}/90000",
        f"a=fmtp:96 {fields}", ""])


def test_sdp():
    """A file of SDP made from the payloader's caps, played by sdpdemux."""
    need("sdpdemux", "udpsrc", "rtpbin")
    port = free_ports()
    tx = Pipeline(f"{CAMERA} ! rtpwallocpay name=pay ! udpsink host=127.0.0.1"
                  f" port={port} auto-multicast=false")
    tx.play()
    pad = tx.get("pay").get_static_pad("src")
    wait(lambda: pad.get_current_caps() is not None, tx)
    text = description(pad.get_current_caps().get_structure(0), port)
    assert "X-WALLOC/90000" in text and "model-id=" in text, text
    with tempfile.NamedTemporaryFile("w", suffix=".sdp") as file:
        file.write(text)
        file.flush()
        rx = Pipeline(f"filesrc location={file.name} ! sdpdemux latency=100"
                      " timeout=0 ! rtpwallocdepay name=depay ! wallocdec"
                      " name=dec ! fakesink sync=false")
        frames = Frames(rx.get("dec").get_static_pad("src"))
        rx.play()
        wait(lambda: frames.count >= WANTED, tx, rx)
        check_caps(frames)
        rx.stop()
    tx.stop()


def test_rtsp():
    """gst-rtsp-server with the payloader, rtspsrc and the depayloader."""
    need("rtspsrc", "rtpbin")
    try:
        gi.require_version("GstRtspServer", "1.0")
        from gi.repository import GstRtspServer
    except (ImportError, ValueError):
        raise Skip("gst-rtsp-server is not installed") from None
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(f"( {CAMERA} ! rtpwallocpay name=pay0 )")
    factory.set_shared(True)
    server.get_mount_points().add_factory("/test", factory)
    source = server.attach(None)
    port = server.get_bound_port()
    for protocols in ("udp", "tcp"):
        rx = Pipeline(f"rtspsrc location=rtsp://127.0.0.1:{port}/test"
                      f" protocols={protocols} latency=100 ! rtpwallocdepay !"
                      " wallocdec name=dec ! fakesink sync=false")
        frames = Frames(rx.get("dec").get_static_pad("src"))
        rx.play()
        wait(lambda: frames.count >= WANTED, rx)
        check_caps(frames)
        rx.stop()
    GLib.Source.remove(source)


class Peers:
    """Two webrtcbins of one process that talk to each other."""

    def __init__(self, tx, rx):
        self.tx, self.rx = tx, rx
        self.kept = []
        for one, other in ((tx, rx), (rx, tx)):
            one.connect("on-ice-candidate", self.on_candidate, other)

    @staticmethod
    def on_candidate(_, line, candidate, other):
        other.emit("add-ice-candidate", line, candidate)

    def ask(self, element, kind, *arguments):
        promise = Gst.Promise.new()
        self.kept.append(promise)
        element.emit(kind, *arguments, promise)
        promise.wait()
        reply = promise.get_reply()
        # what is in it is not copied
        self.kept.append(reply)
        return reply

    def describe(self, element, kind):
        reply = self.ask(element, f"create-{kind}", None)
        if reply.has_field("error"):
            raise RuntimeError(reply.to_string())
        return reply.get_value(kind)

    def connect(self):
        offer = self.describe(self.tx, "offer")
        self.ask(self.tx, "set-local-description", offer)
        self.ask(self.rx, "set-remote-description", offer)
        answer = self.describe(self.rx, "answer")
        self.ask(self.rx, "set-local-description", answer)
        self.ask(self.tx, "set-remote-description", answer)


def need_webrtc():
    need("webrtcbin", "nicesrc", "dtlsenc", "srtpenc", "rtpbin")
    try:
        gi.require_version("GstWebRTC", "1.0")
        gi.require_version("GstSdp", "1.0")
        from gi.repository import GstSdp, GstWebRTC  # noqa: F401
    except (ImportError, ValueError):
        raise Skip("gir1.2-gst-plugins-bad-1.0 is not installed") from None


def test_webrtc():
    """RTP with encoding name X-WALLOC through two webrtcbins."""
    need_webrtc()
    tx = Pipeline(f"{CAMERA} ! rtpwallocpay pt=96 mtu=1200 ! application/x-rtp,"
                  "media=video,encoding-name=X-WALLOC,payload=96,"
                  "clock-rate=90000 ! webrtcbin name=w bundle-policy=max-bundle")
    rx = Pipeline("webrtcbin name=w bundle-policy=max-bundle")
    found = []

    def on_pad(_, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        chain = Gst.parse_bin_from_description(
            "rtpwallocdepay ! wallocdec name=dec ! fakesink sync=false", True)
        rx.pipeline.add(chain)
        chain.sync_state_with_parent()
        found.append(Frames(chain.get_by_name("dec").get_static_pad("src")))
        pad.link(chain.get_static_pad("sink"))

    rx.get("w").connect("pad-added", on_pad)
    ready = []
    tx.get("w").connect("on-negotiation-needed", lambda _: ready.append(1))
    rx.play()
    tx.play()
    wait(lambda: ready, tx, rx)
    peers = Peers(tx.get("w"), rx.get("w"))
    peers.connect()
    wait(lambda: found and found[0].count >= WANTED, tx, rx)
    check_caps(found[0])
    tx.stop()
    rx.stop()


def test_data_channel():
    """Frames as messages of a data channel, cut out again by wallocparse."""
    need_webrtc()
    need("sctpenc")
    frames = Pipeline(f"{CAMERA} ! appsink name=sink sync=false"
                      " max-buffers=100 drop=false")
    tx = Pipeline("webrtcbin name=w")
    rx = Pipeline("webrtcbin name=w")
    show = Pipeline("appsrc name=source ! wallocparse ! wallocdec name=dec !"
                    " fakesink sync=false")
    out = Frames(show.get("dec").get_static_pad("src"))
    received = []

    def on_message(_, data):
        received.append(data)
        show.get("source").emit("push-buffer",
                                Gst.Buffer.new_wrapped(data.get_data()))

    def on_channel(_, channel):
        channel.connect("on-message-data", on_message)

    rx.get("w").connect("on-data-channel", on_channel)
    for pipeline in (rx, tx, show):
        pipeline.play()
    wait(lambda: tx.pipeline.get_state(0)[1] == Gst.State.PLAYING and
         rx.pipeline.get_state(0)[1] == Gst.State.PLAYING, tx, rx)
    channel = tx.get("w").emit("create-data-channel", "walloc", None)
    assert channel is not None
    opened = []
    channel.connect("on-open", lambda _: opened.append(1))
    Peers(tx.get("w"), rx.get("w")).connect()
    wait(lambda: opened, tx, rx)
    frames.play()

    def pump():
        sample = frames.get("sink").emit("try-pull-sample", 0)
        if sample:
            buffer = sample.get_buffer()
            channel.emit("send-data", GLib.Bytes.new(
                buffer.extract_dup(0, buffer.get_size())))
        return out.count >= WANTED

    wait(pump, frames, tx, rx, show)
    assert len(received) >= WANTED and out.damaged == 0
    for pipeline in (frames, tx, rx, show):
        pipeline.stop()


def run(function):
    global number, failed
    number += 1
    title = function.__doc__.split("\n")[0].rstrip(".")
    try:
        function()
        print(f"ok {number} - {title}", flush=True)
    except Skip as reason:
        print(f"ok {number} - {title} # SKIP {reason}", flush=True)
    except (AssertionError, RuntimeError, GLib.Error) as error:
        failed += 1
        print(f"not ok {number} - {title}", flush=True)
        for line in (str(error) or repr(error)).splitlines():
            print(f"# {line}", flush=True)


def main():
    os.environ.setdefault("GST_REGISTRY_FORK", "no")
    Gst.init(None)
    if not Gst.ElementFactory.find("rtpwallocpay"):
        print("1..0 # SKIP there is no rtpwallocpay")
        return 0
    tests = [test_sdp, test_rtsp, test_webrtc, test_data_channel]
    print(f"1..{len(tests)}", flush=True)
    for function in tests:
        run(function)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
