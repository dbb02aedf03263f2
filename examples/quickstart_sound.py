# SPDX-License-Identifier: LGPL-2.1-or-later
"""The part of quickstart.py that is about sound: a recording of a voice as
FLAC to .wlc and back, rates and signal to noise ratios, and a spectrogram of
what went in and what came out."""
import glob
import html
import os
import sys
import wave

import numpy as np
from PIL import Image, ImageDraw, ImageFont

RECORDING = ("/usr/share/pocketsphinx/test/data/librivox/"
             "sense_and_sensibility_01_austen_64kb-0930.wav")
CREDIT = ("A sentence of Jane Austen's Sense and Sensibility, read for"
          " LibriVox, public domain, from Debian's package"
          " pocketsphinx-testdata (not among the recordings that the model was"
          " trained on)")
QUALITIES = (35, 50, 65, 80)
SHOWN = 50
WINDOW, HOP, HEIGHT, FLOOR = 512, 128, 220, -80.0


def read(path):
    """16-bit samples [n, channels] and the rate."""
    with wave.open(path) as file:
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return data.reshape(-1, file.getnchannels()), file.getframerate()


def snr(signal, decoded):
    error = (signal.astype(float) - decoded) ** 2
    return 10 * np.log10((signal.astype(float) ** 2).sum()
                         / max(error.sum(), 1e-9))


def encode(launch, out):
    """The rows of the table."""
    if not os.path.exists(RECORDING):
        sys.exit(f"quickstart: {RECORDING} is missing; is"
                 " pocketsphinx-testdata installed?")
    flac = os.path.join(out, "voice.flac")
    launch(f"filesrc location={RECORDING} ! wavparse ! audioconvert !"
           f" flacenc ! filesink location={flac}")
    signal, rate = read(RECORDING)
    seconds = len(signal) / rate
    rows = [{"name": "FLAC", "file": flac, "bytes": os.path.getsize(flac),
             "snr": None}]
    for quality in QUALITIES:
        coded = os.path.join(out, f"voice-q{quality}.wlc")
        back = os.path.join(out, f"voice-q{quality}.wav")
        launch(f"filesrc location={flac} ! decodebin ! audioconvert !"
               f" wallocaudioenc quality={quality} ! filesink"
               f" location={coded}")
        launch(f"filesrc location={coded} ! decodebin ! audioconvert !"
               f" audio/x-raw,format=S16LE ! wavenc ! filesink"
               f" location={back}")
        decoded, _ = read(back)
        if decoded.shape != signal.shape:
            sys.exit(f"quickstart: {len(decoded)} samples came back of"
                     f" {len(signal)}")
        rows.append({"name": f"wallocaudioenc quality={quality}",
                     "quality": quality, "file": back,
                     "bytes": os.path.getsize(coded),
                     "snr": snr(signal, decoded)})
    for row in rows:
        row["kbps"] = row["bytes"] * 8 / seconds / 1000
    return rows


def spectrum(signal):
    """Levels in dB of full scale [frequency, time], high frequencies first."""
    x = signal[:, 0] / 32768.0
    count = 1 + (len(x) - WINDOW) // HOP
    window = np.hanning(WINDOW)
    parts = np.stack([x[k * HOP:k * HOP + WINDOW] * window
                      for k in range(count)])
    level = np.abs(np.fft.rfft(parts)) / (window.sum() / 2)
    return 20 * np.log10(np.maximum(level.T[::-1], 1e-9))


def picture(level, width):
    """Black to blue to yellow to white."""
    shade = np.clip((level - FLOOR) / -FLOOR, 0, 1)
    stops = ((0, (0, 0, 0)), (.3, (40, 20, 120)), (.55, (200, 50, 80)),
             (.8, (250, 200, 60)), (1, (255, 255, 255)))
    rgb = np.stack([np.interp(shade, [s[0] for s in stops],
                              [s[1][c] for s in stops]) for c in range(3)], -1)
    return Image.fromarray(rgb.astype(np.uint8)).resize((width, HEIGHT),
                                                        Image.BILINEAR)


def spectrogram(rows, out):
    """What went in above what came out."""
    row = next(r for r in rows if r.get("quality") == SHOWN)
    signal, rate = read(RECORDING)
    decoded, _ = read(row["file"])
    width, label = 1000, 30
    sheet = Image.new("RGB", (width, 2 * (HEIGHT + label)), "white")
    draw = ImageDraw.Draw(sheet)
    fonts = glob.glob("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    font = ImageFont.truetype(fonts[0], 16) if fonts \
        else ImageFont.load_default()
    for k, (name, samples) in enumerate((
            (f"original, 0 to {rate / 2000:g} kHz,"
             f" {len(signal) / rate:.1f} s, {FLOOR:g} to 0 dB", signal),
            (f"walloc, quality {SHOWN}: {row['kbps']:.1f} kbit/s,"
             f" {row['snr']:.1f} dB signal to noise", decoded))):
        y = k * (HEIGHT + label)
        draw.text((4, y + 6), name, fill="black", font=font)
        sheet.paste(picture(spectrum(samples), width), (0, y + label))
    name = os.path.join(out, "voice-spectrogram.png")
    sheet.save(name)
    return name


def page(rows, sheet):
    """The report's section."""
    lines = [
        f"<h2>The recording</h2><p>{html.escape(CREDIT)}. The codec keeps the "
        "waveform; codecs made for ears sound better at the same rate.</p>"
        f"<p><img src='{os.path.basename(sheet)}' alt='spectrograms'></p>"
        "<table><tr><th>what</th><th>bytes</th><th>kbit/s</th>"
        "<th>SNR, dB</th></tr>"]
    for r in rows:
        ratio = "lossless" if r["snr"] is None else f"{r['snr']:.1f}"
        lines.append(
            f"<tr><td><a href='{os.path.basename(r['file'])}'>"
            f"{html.escape(r['name'])}</a></td><td>{r['bytes']}</td>"
            f"<td>{r['kbps']:.1f}</td><td>{ratio}</td></tr>")
    return "\n".join(lines + ["</table>"])


def run(launch, say, out):
    """Encodes, decodes, prints; returns the report's section and a file."""
    say("\nA recording: " + CREDIT)
    rows = encode(launch, out)
    say()
    say(f"  {'':28}{'bytes':>8}{'kbit/s':>9}{'SNR, dB':>9}")
    for r in rows:
        ratio = "lossless" if r["snr"] is None else f"{r['snr']:.1f}"
        say(f"  {r['name']:28}{r['bytes']:8}{r['kbps']:9.1f}{ratio:>9}")
    sheet = spectrogram(rows, out)
    return page(rows, sheet), sheet
