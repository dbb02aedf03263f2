#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The second half of quickstart.sh; run that.

Encodes a photograph at several qualities with wallocenc, decodes it again,
compares with JPEG files of the same size, times both, does the same with a
recording of a voice, tells digits apart, reads a page and colours the photograph
from latents, sends a live source through encoder, file and player, and writes a
report.
"""
import glob
import html
import json
import os
import re
import shutil
import subprocess
import sys
import time

import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "tests", "benchmarks"))
import common  # noqa: E402
import metrics  # noqa: E402
import side_by_side as codecs  # noqa: E402
import quickstart_latents  # noqa: E402
import quickstart_sound  # noqa: E402

PHOTO = "/usr/share/palapeli/collection/european-honey-bee.jpg"
PHOTO_CREDIT = ("European honey bee, by John Severns, public domain, from"
                " Debian's package palapeli-data (not among the pictures that"
                " the model was trained on)")
QUALITIES = (20, 35, 50, 65, 80)
SHOWN = 35
CROP = (230, 120, 230 + 220, 120 + 220)


def say(text=""):
    print(text, flush=True)


def launch(line, quiet=False, option="-q"):
    """Runs a launch line; shows it, so that it can be copied."""
    if not quiet:
        say("  $ gst-launch-1.0 " + line)
    done = subprocess.run(["gst-launch-1.0", option] + line.split(),
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    if done.returncode or "ERROR" in done.stderr:
        sys.exit(f"quickstart: gst-launch-1.0 {line}\nfailed:\n"
                 + done.stderr.strip())
    return done.stdout


def load(path):
    return np.asarray(Image.open(path).convert("RGB"))


def jpeg_of(rgb, size):
    """The JPEG nearest to @size; libjpeg's tables, scaled in steps of 1 %,
    come closer than its quality does."""
    percent, (_, data) = codecs.nearest(
        lambda n: codecs.jpeg_file(rgb, n), 1, 4000, size)
    return percent, data


def photograph(out):
    """The photograph at half its size, which hides its JPEG past."""
    if not os.path.exists(PHOTO):
        sys.exit(f"quickstart: {PHOTO} is missing; is palapeli-data"
                 " installed?")
    picture = Image.open(PHOTO).convert("RGB")
    picture = picture.resize((picture.width // 2, picture.height // 2),
                             Image.LANCZOS)
    path = os.path.join(out, "photo.png")
    picture.save(path)
    return path, np.asarray(picture)


def encode_photo(path, rgb, decoders, out):
    rows = []
    pixels = rgb.shape[0] * rgb.shape[1]
    for quality in QUALITIES:
        coded = os.path.join(out, f"photo-q{quality}.wlc")
        launch(f"filesrc location={path} ! pngdec ! videoconvert ! wallocenc"
               f" snapshot=true quality={quality} ! filesink"
               f" location={coded}")
        size = os.path.getsize(coded)
        for decoder in decoders:
            back = os.path.join(out, f"photo-q{quality}-{decoder}.png")
            launch(f"filesrc location={coded} ! wallocparse ! wallocdec"
                   f" decoder={decoder} ! videoconvert ! pngenc ! filesink"
                   f" location={back}")
            decoded = load(back)
            rows.append({"name": f"walloc quality={quality}, {decoder}",
                         "quality": quality, "file": back, "bytes": size,
                         "bpp": 8 * size / pixels,
                         "psnr": metrics.psnr(rgb, decoded),
                         "ms_ssim": metrics.ms_ssim(rgb, decoded)})
        percent, data = jpeg_of(rgb, size)
        name = os.path.join(out, f"photo-like-q{quality}.jpg")
        with open(name, "wb") as file:
            file.write(data)
        decoded = load(name)
        rows.append({"name": f"JPEG of that size (tables at {percent} %)",
                     "quality": quality, "file": name, "bytes": len(data),
                     "bpp": 8 * len(data) / pixels,
                     "psnr": metrics.psnr(rgb, decoded),
                     "ms_ssim": metrics.ms_ssim(rgb, decoded)})
    return rows


def side_by_side(path, rgb, rows, out):
    """The same crop of original, JPEG and walloc, twice as large."""
    at = [r for r in rows if r["quality"] == SHOWN]
    jpeg = at[-1]
    own = max(at[:-1], key=lambda r: r["psnr"])
    decoder = own["name"].rpartition(" ")[2]
    parts = [("original", rgb, None), ("JPEG", load(jpeg["file"]), jpeg),
             (f"walloc, {decoder} decoder", load(own["file"]), own)]
    side = 2 * (CROP[2] - CROP[0])
    sheet = Image.new("RGB", (3 * side + 20, side + 34), "white")
    draw = ImageDraw.Draw(sheet)
    fonts = glob.glob("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    font = ImageFont.truetype(fonts[0], 17) if fonts \
        else ImageFont.load_default()
    for k, (name, pixels, row) in enumerate(parts):
        x = k * (side + 10)
        crop = Image.fromarray(pixels).crop(CROP)
        sheet.paste(crop.resize((side, side), Image.BICUBIC), (x, 34))
        label = name if row is None else \
            f"{name}: {row['bpp']:.3f} bpp, {row['psnr']:.1f} dB"
        draw.text((x + 4, 7), label, fill="black", font=font)
    name = os.path.join(out, "side-by-side.jpg")
    sheet.save(name, quality=90, optimize=True)
    return name


def have_decoder(decoder, coded):
    """Whether the installed model carries this decoder."""
    done = subprocess.run(
        ["gst-launch-1.0", "-q", "filesrc", f"location={coded}", "!",
         "wallocparse", "!", "wallocdec", f"decoder={decoder}", "!",
         "fakesink"], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False)
    return done.returncode == 0 and "ERROR" not in done.stderr


def speed(build, path, rgb, decoders, out):
    """Mpixel/s of one thread, in the elements alone."""
    bench = os.path.join(build, "tests", "benchmarks", "bench_element")
    if not os.path.exists(bench):
        say("  (not timed: bench_element was not built)")
        return []
    height, width = rgb.shape[:2]
    raw = os.path.join(out, "photo.i420")
    launch(f"filesrc location={path} ! pngdec ! videoconvert !"
           f" video/x-raw,format=I420 ! filesink location={raw}", quiet=True)
    caps = (f"video/x-raw,format=I420,width={width},height={height},"
            "framerate=30/1,colorimetry=bt601,interlace-mode=progressive")
    prefix = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    rows = []

    def measure(name, element, caps, inputs, save):
        text = common.run(prefix + [bench, "--seconds", "1", "--save", save,
                                    element, caps] + inputs)
        result = json.loads(text)
        rate = result["frames"] * width * height / result["cpu_seconds"] / 1e6
        rows.append((name, rate))
        return result["caps"]

    scratch = os.path.join(out, "timed-")
    for name, element, decoder_list in (
            ("jpeg quality=75", "jpegenc quality=75",
             [("jpegdec", "jpegdec")]),
            ("walloc quality=50", "wallocenc threads=1 quality=50",
             [(f"wallocdec {d}", f"wallocdec threads=1 decoder={d}")
              for d in decoders])):
        coded_caps = measure(f"encode, {name}", element, caps, [raw],
                             scratch + "coded")
        for decoder_name, decoder in decoder_list:
            measure(f"decode, {decoder_name}", decoder, coded_caps,
                    [scratch + "coded0000"], scratch + "raw")
    for name in glob.glob(scratch + "*") + [raw]:
        os.remove(name)
    return rows


def live(out):
    """Five seconds from a live source into a file, and played again."""
    coded = os.path.join(out, "live.wlc")
    frames = 150
    started = time.monotonic()
    launch(f"videotestsrc is-live=true num-buffers={frames} pattern=ball !"
           " video/x-raw,format=I420,width=640,height=360,framerate=30/1 !"
           f" wallocenc bitrate=600 ! filesink location={coded}")
    took = time.monotonic() - started
    size = os.path.getsize(coded)
    started = time.monotonic()
    text = launch(f"filesrc location={coded} ! decodebin ! videoconvert !"
                  " fpsdisplaysink text-overlay=false video-sink=fakesink"
                  " sync=true", option="-v")
    played = time.monotonic() - started
    match = re.findall(r"rendered: (\d+), dropped: (\d+).*?average: ([\d.]+)",
                       text)
    rendered, dropped, rate = match[-1] if match else ("?", "?", "?")
    say(f"  {frames} pictures of 640x360 in {took:.1f} s,"
        f" {size * 8 / 5000:.0f} kbit/s; played in {played:.1f} s at {rate}"
        f" pictures/s, {dropped} dropped")
    return {"bytes": size, "kbps": size * 8 / 5000, "rate": rate,
            "dropped": dropped, "rendered": rendered}


def report(out, rows, speeds, sections, played, info, sheet, machine):
    def cells(values, tag="td"):
        return "<tr>" + "".join(f"<{tag}>{v}</{tag}>" for v in values) \
            + "</tr>"

    parts = [
        "<!doctype html><meta charset=utf-8><title>gst-walloc quickstart"
        "</title><style>body{font:16px/1.5 sans-serif;max-width:62em;margin:"
        "2em auto;padding:0 1em}table{border-collapse:collapse}td,th{padding:"
        ".2em .8em;border-bottom:1px solid #ccc;text-align:left}img{max-width"
        ":100%}pre{background:#f4f4f4;padding:1em;overflow:auto}</style>",
        "<h1>gst-walloc quickstart</h1>",
        f"<p>{html.escape(common.describe(machine))}</p>",
        f"<h2>The photograph</h2><p>{html.escape(PHOTO_CREDIT)}. "
        "JPEG files have the same size, as nearly as scaled quantiser tables "
        "allow (libjpeg-turbo, 4:2:0, optimised Huffman codes).</p>",
        f"<p><img src='{os.path.basename(sheet)}' alt='original, JPEG,"
        " walloc'></p>",
        "<table>", cells(("what", "bytes", "bits per pixel", "PSNR, dB",
                          "MS-SSIM"), "th")]
    for r in rows:
        name = os.path.basename(r["file"])
        parts.append(cells((f"<a href='{name}'>{html.escape(r['name'])}</a>",
                            r["bytes"], f"{r['bpp']:.3f}",
                            f"{r['psnr']:.2f}", f"{r['ms_ssim']:.4f}")))
    parts.append("</table><h2>Speed</h2><p>One thread, I420, the elements "
                 "alone.</p><table>")
    parts += [cells((html.escape(n), f"{v:.1f} Mpixel/s")) for n, v in speeds]
    parts.append("</table>" + "\n".join(sections))
    parts.append(
        "<h2>Live</h2><p>Five seconds of 640x360 at 30 pictures/s:"
        f" {played['bytes']} bytes, {played['kbps']:.0f} kbit/s; played at"
        f" {played['rate']} pictures/s, {played['dropped']} dropped.</p>")
    if info:
        parts.append("<h2>What a file says about itself</h2><pre>"
                     + html.escape(info) + "</pre>")
    path = os.path.join(out, "report.html")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(parts) + "\n")
    return path


def main():
    build, out = sys.argv[1:3]
    os.makedirs(out, exist_ok=True)
    # launch lines below are easier to read with short names
    os.chdir(os.path.dirname(out))
    out = os.path.basename(out)
    machine = common.machine()

    say("\nA photograph: " + PHOTO_CREDIT)
    path, rgb = photograph(out)
    probe = os.path.join(out, "photo-q50.wlc")
    launch(f"filesrc location={path} ! pngdec ! videoconvert ! wallocenc"
           f" snapshot=true quality=50 ! filesink location={probe}",
           quiet=True)
    decoders = ["linear"] + [d for d in ("fast", "best")
                             if have_decoder(d, probe)]
    rows = encode_photo(path, rgb, decoders, out)
    say()
    say(f"  {'':38}{'bytes':>8}{'bpp':>8}{'PSNR':>8}{'MS-SSIM':>9}")
    for r in rows:
        say(f"  {r['name']:38}{r['bytes']:8}{r['bpp']:8.3f}"
            f"{r['psnr']:8.2f}{r['ms_ssim']:9.4f}")
    sheet = side_by_side(path, rgb, rows, out)

    say("\nSpeed: one thread, I420, the elements alone")
    speeds = speed(build, path, rgb, decoders, out)
    for name, rate in speeds:
        say(f"  {name:38}{rate:8.1f} Mpixel/s")

    sound, spectrogram = quickstart_sound.run(launch, say, out)

    latents, found = quickstart_latents.run(launch, say, common.ROOT, path,
                                            out)

    say("\nA live source, five seconds, and its playback")
    played = live(out)

    tool = os.path.join(build, "tools", "walloc")
    info = ""
    if os.path.exists(tool):
        say(f"\n  $ walloc info {probe}")
        info = common.run([tool, "info", probe])
        say("  " + info.strip().replace("\n", "\n  "))

    page = report(out, rows, speeds, [sound, latents], played, info, sheet,
                  machine)
    say("\nWritten:")
    for name in (page, sheet, os.path.join(out, "photo-*.png, .wlc, .jpg"),
                 spectrogram, os.path.join(out, "voice*.flac, .wlc, .wav"),
                 *found, os.path.join(out, "live.wlc")):
        say("  " + name)


if __name__ == "__main__":
    main()
