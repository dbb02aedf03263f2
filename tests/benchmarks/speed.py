#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Speed of wallocenc and wallocdec beside jpegenc and jpegdec.

usage: speed.py [options] PICTURES...   (files or folders)

The same frames go through every element in the same run, on one core and in
one thread: 1920x1080 and 3840x2160 I420 (the pictures, scaled and cropped),
the same 1920x1080 frames in RGB, and the pictures as they are in RGB, which
have more detail in each pixel. Elements are timed alone, without source and
sink (bench_element); rounds of all elements and formats are repeated and
the median is taken, so that a busy moment hits all alike. Time is processor
time. Then wallocenc runs with one and with two threads, on all cores: there
the clock on the wall counts, best of all rounds, so the machine should have
nothing else to do; beside it stands what the second thread costs in processor
time, which does not depend on that.
Writes OUT.json, OUT.md and OUT.png.
"""
import argparse
import glob
import json
import os
import re
import shutil
import statistics
import sys
import tempfile

import numpy as np
from PIL import Image

import common

REFERENCE = "jpegenc quality=75"
HD, UHD, RGB = "1920x1080 I420", "3840x2160 I420", "RGB pictures"
HD_RGB = "1920x1080 RGB"
# formats with fewer rows
BRIEF = UHD, HD_RGB


def walloc(options, threads=1):
    line = f"wallocenc name=codec threads={threads}"
    return line + f" model-file={options.model}" if options.model else line


def encoders(options, title):
    rows = [("jpegenc quality=75", "jpegenc name=codec quality=75")]
    if title not in BRIEF:
        rows += [("jpegenc quality=50", "jpegenc name=codec quality=50")]
    rows += [(f"wallocenc channels={c}", f"{walloc(options)} channels={c}")
             for c in (12, 16, 48)]
    if title not in BRIEF:
        rows += [(f"wallocenc quality={q}", f"{walloc(options)} quality={q}")
                 for q in (25, 50, 75)]
    return rows


def decoders(name, options):
    if name.startswith("jpegenc"):
        return [(name.replace("enc", "dec of", 1), "jpegdec name=codec")]
    line = walloc(options).replace("enc", "dec", 1)
    return [(f"{name.replace('enc', f'dec {kind} of', 1)}",
             f"{line} decoder={kind}")
            for kind in options.decoders.split(",") if kind != "none"]


def sized(path, width, height):
    """The picture, scaled and cropped."""
    picture = Image.open(path).convert("RGB")
    scale = max(width / picture.width, height / picture.height)
    size = (max(width, round(picture.width * scale)),
            max(height, round(picture.height * scale)))
    return picture.resize(size, Image.LANCZOS).crop((0, 0, width, height))


def i420_frames(paths, folder, width, height):
    names = []
    for k, path in enumerate(paths):
        y, cb, cr = sized(path, width, height).convert("YCbCr").split()
        names.append(os.path.join(folder, f"i420-{width}-{k:03d}.raw"))
        with open(names[-1], "wb") as file:
            file.write(y.tobytes())
            for plane in (cb, cr):
                file.write(plane.resize((width // 2, height // 2),
                                        Image.BOX).tobytes())
    return names, (f"video/x-raw,format=I420,width={width},height={height},"
                   "framerate=30/1,interlace-mode=progressive")


def rgb_sized_frames(paths, folder, width, height):
    """width must be a multiple of 4: rows without gaps."""
    names = []
    for k, path in enumerate(paths):
        names.append(os.path.join(folder, f"rgb-{width}-{k:03d}.raw"))
        with open(names[-1], "wb") as file:
            file.write(sized(path, width, height).tobytes())
    return names, (f"video/x-raw,format=RGB,width={width},height={height},"
                   "framerate=30/1,interlace-mode=progressive")


def rgb_frames(paths, folder):
    """Pictures of the commonest size, as they are."""
    sizes = {}
    for path in paths:
        with Image.open(path) as picture:
            sizes.setdefault(picture.size, []).append(path)
    (width, height), chosen = max(sizes.items(), key=lambda i: len(i[1]))
    stride = (width * 3 + 3) // 4 * 4
    names = []
    for k, path in enumerate(chosen):
        rows = np.zeros((height, stride), np.uint8)
        rows[:, :width * 3] = np.asarray(
            Image.open(path).convert("RGB")).reshape(height, width * 3)
        names.append(os.path.join(folder, f"rgb-{k:03d}.raw"))
        rows.tofile(names[-1])
    return names, (f"video/x-raw,format=RGB,width={width},height={height},"
                   "framerate=30/1,interlace-mode=progressive")


def stats_of(text):
    """Numbers of a GstStructure in text form."""
    return {key: int(value) for key, value in
            re.findall(r"([\w-]+)=\(guint64\)(\d+)", text or "")}


class Bench:
    def __init__(self, options, folder):
        self.program = os.path.join(options.build, "tests", "benchmarks",
                                    "bench_element")
        if not os.path.exists(self.program):
            sys.exit(f"{self.program} is missing: build with gst-check")
        self.env = common.devenv(options.build)
        self.prefix = ["taskset", "-c", str(options.core)] \
            if shutil.which("taskset") else []
        self.seconds, self.folder = options.seconds, folder

    def run(self, element, caps, inputs, save=None, one_core=True):
        command = (self.prefix if one_core else []) + [
            self.program, "--seconds", str(self.seconds)]
        if save:
            command += ["--save", os.path.join(self.folder, save)]
        return json.loads(common.run(command + [element, caps] + inputs,
                                     env=self.env))


class Format:
    """Frames of one size and format, and what all elements did with them:
    results is {name: {"rate": [...], "bpp": ..., "stages": {...}}}"""

    def __init__(self, bench, title, inputs, caps, options):
        self.bench, self.title, self.options = bench, title, options
        self.inputs, self.caps = inputs, caps
        size = re.search(r"width=(\d+),height=(\d+)", caps)
        self.pixels = int(size.group(1)) * int(size.group(2))
        self.results, self.coded = {}, {}

    def note(self, name, result, encoded):
        row = self.results.setdefault(name, {"rate": [], "stages": {}})
        row["rate"].append(result["frames"] * self.pixels
                           / result["cpu_seconds"] / 1e6)
        if encoded:
            row["bpp"] = 8 * result["bytes"] / result["frames"] / self.pixels
        before = stats_of(result.get("stats-before"))
        after = stats_of(result.get("stats"))
        done = after.get("pixels", 0) - before.get("pixels", 0)
        for key in after:
            if key.endswith("-time") and done:
                row["stages"].setdefault(key[:-5], []).append(
                    (after[key] - before.get(key, 0)) / done)

    def round(self):
        first = not self.coded
        elements = encoders(self.options, self.title)
        for k, (name, element) in enumerate(elements):
            prefix = f"coded-{self.title.replace(' ', '-')}-{k}-"
            result = self.bench.run(element, self.caps, self.inputs,
                                    prefix if first else None)
            self.note(name, result, True)
            if first:
                self.coded[name] = (result["caps"], sorted(glob.glob(
                    os.path.join(self.bench.folder, prefix + "*"))))
        for name, element in elements if self.title not in BRIEF else ():
            for decoder, line in decoders(name, self.options):
                self.note(decoder, self.bench.run(line, *self.coded[name]),
                          False)

    def finish(self):
        for row in self.results.values():
            row["median"] = statistics.median(row["rate"])
            row["stages"] = {k: statistics.median(v)
                             for k, v in row["stages"].items()}
        return self.results


def two_threads(bench, hd, options):
    """{channels: {"speedup": ..., "processor": ...}}: frames per second with
    two threads over one, and processor time per frame, likewise."""
    found = {}
    for turn in range(options.rounds):
        for channels in (12, 16, 48):
            row = found.setdefault(channels, {1: ([], []), 2: ([], [])})
            for threads in (1, 2):
                result = bench.run(
                    f"{walloc(options, threads)} channels={channels}",
                    hd.caps, hd.inputs, one_core=False)
                row[threads][0].append(result["seconds"] / result["frames"])
                row[threads][1].append(result["cpu_seconds"]
                                       / result["frames"])
    return {str(c): {"speedup": min(r[1][0]) / min(r[2][0]),
                     "processor": statistics.median(r[2][1])
                     / statistics.median(r[1][1])}
            for c, r in found.items()}


def thread_report(threads):
    return "\n".join(["## Two threads against one, 1920x1080 I420", "",
                      common.table(["wallocenc", "frames per second",
                                    "processor time per frame"],
                                   [[f"channels={c}", f"{r['speedup']:.2f}",
                                     f"{r['processor']:.2f}"]
                                    for c, r in threads.items()]), ""])


def ratio_report(data):
    """What the design asks for, as ratios of this run."""
    def rate(title, channels):
        return data[title][f"wallocenc channels={channels}"]["median"]

    rows = []
    for c in (12, 16, 48):
        rows.append([f"{c}", f"{rate(HD, c) / data[HD][REFERENCE]['median']:.2f}",
                     f"{rate(UHD, c) / rate(HD, c):.2f}",
                     f"{rate(HD_RGB, c) / rate(HD, c):.2f}",
                     f"{rate(RGB, c) / rate(HD, c):.2f}"])
    return "\n".join(["## Ratios of wallocenc", "", common.table(
        ["channels", f"1080p over {REFERENCE}", "2160p over 1080p",
         "1080p RGB over I420", "RGB pictures over 1080p I420"], rows), "",
        "1080p RGB are the frames of 1080p I420. The pictures as they are have"
        " more detail in each pixel, so more bits: that column says what RGB"
        " and detail cost together.", ""])


def report(title, results):
    encode = results[REFERENCE]["median"]
    decode = results.get(REFERENCE.replace("enc", "dec of", 1),
                         {"median": 1})["median"]
    rows = []
    for name, row in results.items():
        base = encode if "enc " in name else decode
        stages = ", ".join(f"{k} {v:.2f}" for k, v in row["stages"].items())
        rows.append([name, f"{row['median']:.1f}",
                     f"{row['median'] / base:.2f}",
                     f"{row['bpp']:.2f}" if "bpp" in row else "",
                     stages])
    return "\n".join([
        f"## {title}", "", common.table(
            ["element", "Mpixel/s", "of JPEG quality=75", "bits per pixel",
             "ns per pixel and stage"], rows), ""])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", 1)[0],
        epilog=__doc__.split("\n", 1)[1],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--build", default=os.path.join(common.ROOT, "build"))
    parser.add_argument("--model", help="model file or name")
    parser.add_argument("--decoders", default="linear")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1,
                        help="per element and round")
    parser.add_argument("--frames", type=int, default=8,
                        help="pictures to use at most")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--out", default="speed")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    paths = common.pictures_of(options.pictures)[:options.frames]

    data = {"rounds": options.rounds, "load": [os.getloadavg()[0]]}
    parts = [f"Elements alone, one thread on one core, {len(paths)} pictures,"
             f" median of {options.rounds} rounds.", ""]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, folder)
        formats = [
            Format(bench, HD, *i420_frames(paths, folder, 1920, 1080),
                   options),
            Format(bench, UHD, *i420_frames(paths[:3], folder, 3840, 2160),
                   options),
            Format(bench, HD_RGB, *rgb_sized_frames(paths, folder, 1920,
                                                    1080), options),
            Format(bench, RGB, *rgb_frames(paths, folder), options)]
        for turn in range(options.rounds):
            for entry in formats:
                entry.round()
            print(f"round {turn + 1} of {options.rounds} done",
                  file=sys.stderr)
        for entry in formats:
            data[entry.title] = entry.finish()
        data["threads"] = two_threads(bench, formats[0], options)
    data["load"].append(os.getloadavg()[0])
    parts += ["Load of the machine (mean of a minute) at the beginning and at"
              " the end: " + " and ".join(f"{x:.1f}" for x in data["load"])
              + ". Above 1, times per stage are too long, and the gain of a"
              " second thread is too small.", ""]
    parts.append(ratio_report(data))
    parts.append(thread_report(data["threads"]))
    parts += [report(entry.title, data[entry.title]) for entry in formats]
    print("\n".join(parts))
    common.plot_bars(options.out + ".png", {
        entry.title: {name: row["median"]
                      for name, row in data[entry.title].items()
                      if "enc " in name} for entry in formats},
        "Mpixel/s, one core", title="Encoders")
    common.save(options.out, "Speed", data, parts,
                [os.path.basename(options.out) + ".png"])


if __name__ == "__main__":
    main()
