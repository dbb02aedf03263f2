#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Time of networks on compressed frames beside decoding these frames.

usage: compressed_speed.py [options] PICTURES...   (files or folders)

1920x1080 I420 frames (the pictures, scaled and cropped) are encoded at some
qualities; then the same coded frames go through compressedclassify,
compressedsegment and wallocdec in turn, each alone (bench_element), in one
thread on one core. Rounds are repeated and the median is taken. Time is
processor time per frame, of the whole element: entropy decoding, network and
result, or entropy decoding and reconstruction. A pipeline that classifies
decoded pictures needs wallocdec, resizing and a network of its own.
Writes OUT.json and OUT.md.
"""
import argparse
import os
import statistics
import sys
import tempfile

import common
import speed

ELEMENTS = (
    ("compressedclassify", "compressedclassify name=codec model-file={}"),
    ("compressedsegment", "compressedsegment name=codec model-file={}"),
    ("wallocdec linear", "wallocdec name=codec threads=1 decoder=linear"),
    ("wallocdec fast", "wallocdec name=codec threads=1 decoder=fast"),
)
LINEAR = "wallocdec linear"
STAGES = (("entropy", "entropy-time"), ("network", "network-time"),
          ("result or synthesis", "result-time"))


def encode(bench, inputs, caps, quality, folder):
    """Coded frames of a quality, one in a file, and their caps."""
    prefix = os.path.join(folder, f"q{quality}-")
    bench.run(f"wallocenc name=codec quality={quality}", caps, inputs,
              save=prefix)
    names = [f"{prefix}{k:04d}" for k in range(len(inputs))]
    return names, ("video/x-walloc,alignment=frame,parsed=true,width=1920,"
                   "height=1080,framerate=30/1")


def measure(result):
    """(ms of processor time per frame, {stage: share of it})."""
    stats = speed.stats_of(result.get("stats"))
    times = {name: stats.get(key, 0) for name, key in STAGES}
    times["result or synthesis"] += stats.get("synthesis-time", 0)
    whole = sum(times.values()) or 1
    cpu = result["cpu_seconds"]
    return (1e3 * cpu / result["frames"],
            {name: value / whole for name, value in times.items()})


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", 1)[0],
        epilog=__doc__.split("\n", 1)[1],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--build", default=os.path.join(common.ROOT, "build"))
    parser.add_argument("--classify", default="waste-1")
    parser.add_argument("--segment", default="road-1")
    parser.add_argument("--qualities", default="10,25,50")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1,
                        help="per element and round")
    parser.add_argument("--frames", type=int, default=8,
                        help="pictures to use at most")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--out", default="compressed-speed")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    paths = common.pictures_of(options.pictures)[:options.frames]
    networks = {"compressedclassify": options.classify,
                "compressedsegment": options.segment}

    data = {"rounds": options.rounds, "load": [os.getloadavg()[0]],
            "networks": networks}
    with tempfile.TemporaryDirectory() as folder:
        bench = speed.Bench(options, folder)
        raw, caps = speed.i420_frames(paths, folder, 1920, 1080)
        coded = {int(q): encode(bench, raw, caps, int(q), folder)
                 for q in options.qualities.split(",")}
        seen = {}
        for turn in range(options.rounds):
            for quality, (names, coded_caps) in coded.items():
                for name, line in ELEMENTS:
                    line = line.format(networks.get(name))
                    seen.setdefault((quality, name), []).append(
                        measure(bench.run(line, coded_caps, names)))
            print(f"round {turn + 1} of {options.rounds} done",
                  file=sys.stderr)
        bits = {q: 8 * sum(map(os.path.getsize, names)) / len(names)
                / (1920 * 1080) for q, (names, _) in coded.items()}
    data["load"].append(os.getloadavg()[0])

    rows = []
    for quality in coded:
        base = statistics.median(t for t, _ in seen[quality, LINEAR])
        for name, _ in ELEMENTS:
            time = statistics.median(t for t, _ in seen[quality, name])
            shares = {stage: statistics.median(
                s[stage] for _, s in seen[quality, name]) for stage, _ in
                STAGES}
            data.setdefault(f"quality {quality}", {})[name] = {
                "ms": time, "of_linear": time / base, "shares": shares,
                "bits_per_pixel": bits[quality]}
            rows.append([f"{quality} ({bits[quality]:.3f})", name,
                         f"{time:.1f}", f"{time / base:.2f}"]
                        + [f"{100 * shares[stage]:.0f} %" for stage, _ in
                           STAGES])
    parts = [
        f"One thread on one core, {len(paths)} frames of 1920x1080, median of "
        f"{options.rounds} rounds of all elements in turn; networks "
        f"{options.classify} and {options.segment}.", "",
        "Load of the machine (mean of a minute) at the beginning and at the "
        "end: " + " and ".join(f"{x:.1f}" for x in data["load"])
        + ". Above the number of cores, processor time is too long as well, as"
        " caches are shared; ratios stand.", "",
        common.table(["quality (bits per pixel)", "element", "ms per frame",
                      "of linear decoding"] + [stage for stage, _ in STAGES],
                     rows), ""]
    print("\n".join(parts))
    common.save(options.out, "Speed of networks on compressed frames", data,
                parts)


if __name__ == "__main__":
    main()
