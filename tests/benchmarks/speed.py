#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Speed of wallocenc and wallocdec beside jpegenc and jpegdec.

usage: speed.py [options] PICTURES...   (files or folders)

The same frames go through every element in the same run, on one core and in
one thread: 1920x1080 I420 (the pictures, scaled and cropped) and RGB (the
pictures as they are). Elements are timed alone, without source and sink
(bench_element); rounds of all elements are repeated and the median is taken,
so that a busy moment hits all alike. Time is processor time.
Writes OUT.json and OUT.md.
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


def encoders(options):
    rows = [("jpegenc quality=75", "jpegenc name=codec quality=75"),
            ("jpegenc quality=50", "jpegenc name=codec quality=50")]
    walloc = "wallocenc name=codec threads=1"
    if options.model:
        walloc += f" model-file={options.model}"
    rows += [(f"wallocenc channels={c}", f"{walloc} channels={c}")
             for c in (12, 16, 48)]
    rows += [(f"wallocenc quality={q}", f"{walloc} quality={q}")
             for q in (25, 50, 75)]
    return rows


def decoders(name, options):
    if name.startswith("jpegenc"):
        return [(name.replace("enc", "dec of", 1), "jpegdec name=codec")]
    walloc = "wallocdec name=codec threads=1"
    if options.model:
        walloc += f" model-file={options.model}"
    return [(f"{name.replace('enc', f'dec {kind} of', 1)}",
             f"{walloc} decoder={kind}")
            for kind in options.decoders.split(",")]


def i420_frames(paths, folder):
    names = []
    for k, path in enumerate(paths):
        picture = Image.open(path).convert("RGB")
        scale = max(1920 / picture.width, 1080 / picture.height)
        size = (max(1920, round(picture.width * scale)),
                max(1080, round(picture.height * scale)))
        picture = picture.resize(size, Image.LANCZOS).crop((0, 0, 1920, 1080))
        y, cb, cr = picture.convert("YCbCr").split()
        names.append(os.path.join(folder, f"i420-{k:03d}.raw"))
        with open(names[-1], "wb") as file:
            file.write(y.tobytes())
            for plane in (cb, cr):
                file.write(plane.resize((960, 540), Image.BOX).tobytes())
    return names, ("video/x-raw,format=I420,width=1920,height=1080,"
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

    def run(self, element, caps, inputs, save=None):
        command = self.prefix + [self.program, "--seconds", str(self.seconds)]
        if save:
            command += ["--save", os.path.join(self.folder, save)]
        return json.loads(common.run(command + [element, caps] + inputs,
                                     env=self.env))


def measure(bench, inputs, caps, options):
    """{name: {"rate": [...], "bpp": ..., "stages": {...}}}"""
    size = re.search(r"width=(\d+),height=(\d+)", caps)
    pixels = int(size.group(1)) * int(size.group(2))
    results = {}
    coded = {}

    def note(name, result, encoded):
        row = results.setdefault(name, {"rate": [], "stages": {}})
        row["rate"].append(result["frames"] * pixels
                           / result["cpu_seconds"] / 1e6)
        if encoded:
            row["bpp"] = 8 * result["bytes"] / result["frames"] / pixels
        before = stats_of(result.get("stats-before"))
        after = stats_of(result.get("stats"))
        done = after.get("pixels", 0) - before.get("pixels", 0)
        for key in after:
            if key.endswith("-time") and done:
                row["stages"].setdefault(key[:-5], []).append(
                    (after[key] - before.get(key, 0)) / done)

    for turn in range(options.rounds):
        for k, (name, element) in enumerate(encoders(options)):
            save = f"coded-{k}-" if turn == 0 else None
            result = bench.run(element, caps, inputs, save)
            note(name, result, True)
            if turn == 0:
                coded[name] = (result["caps"], sorted(glob.glob(
                    os.path.join(bench.folder, f"coded-{k}-*"))))
        for name, element in encoders(options):
            for decoder, line in decoders(name, options):
                note(decoder, bench.run(line, *coded[name]), False)
        print(f"round {turn + 1} of {options.rounds} done", file=sys.stderr)
    for name in glob.glob(os.path.join(bench.folder, "coded-*")):
        os.remove(name)
    for row in results.values():
        row["median"] = statistics.median(row["rate"])
        row["stages"] = {k: statistics.median(v)
                         for k, v in row["stages"].items()}
    return results


def report(title, results):
    encode = results[REFERENCE]["median"]
    decode = results[REFERENCE.replace("enc", "dec of", 1)]["median"]
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

    data = {"machine": common.machine(), "rounds": options.rounds}
    parts = ["# Speed", "",
             f"Elements alone, one thread on one core, {len(paths)} pictures,"
             f" median of {options.rounds} rounds.", "",
             "Made with `tests/benchmarks/speed.py "
             + " ".join(os.path.basename(a.rstrip('/')) if os.path.isabs(a)
                        else a for a in sys.argv[1:]) + "`", "",
             f"on {common.describe(data['machine'])}.", ""]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, folder)
        for title, maker in (("1920x1080 I420", i420_frames),
                             ("RGB pictures", rgb_frames)):
            inputs, caps = maker(paths, folder)
            data[title] = measure(bench, inputs, caps, options)
            parts.append(report(title, data[title]))
            print(parts[-1])
    common.write_json(options.out + ".json", data)
    with open(options.out + ".md", "w", encoding="utf-8") as file:
        file.write("\n".join(parts))


if __name__ == "__main__":
    main()
