#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What predicted frames save: wallocenc beside itself, x264 and MJPEG.

usage: video_time.py [options]

Every sequence of sequences.py (those that are there) goes through
  walloc-intra   wallocenc key-int-max=1
  walloc         wallocenc key-int-max=N (--key-int-max)
  x264-live      x264enc tune=zerolatency, preset medium, same N
  x264           x264enc with its defaults (B frames, look-ahead), same N
  mjpeg          jpegenc
at a sweep of qualities. Rate is that of all bytes; quality is PSNR over all
samples of I420 frames, mean of the frames' dB. Rates are compared at equal
PSNR, interpolated over the logarithm of the rate. For sequences with made
noise the PSNR against the picture without noise is measured too.

Then: PSNR frame by frame, the rate's share of key frames, what happens after
a lost and after a damaged frame, and frames per second of processor time (one
thread, elements alone). Writes OUT.json, OUT.md, OUT.png, OUT-frames.png and
OUT-loss.png.
"""
import argparse
import json
import os
import shutil
import sys
import tempfile

import numpy as np

import common
import pipelines
import sequences

WALLOC = (15, 30, 45, 60, 75, 90)
X264 = (8, 14, 19, 24, 29, 34, 40, 46)
JPEG = (5, 12, 25, 50, 75, 90, 97)
LEVELS = (30, 60, 75)       # qualities of walloc-intra where rates compare
SHOWN = ("static-4", "street", "driving", "cuts")
LOSS = ("static-4", "street", "driving")
SPEED = ("static-4", "street", "driving")


class Codec:
    def __init__(self, name, encoder, decoder, qualities, needs):
        self.name, self.encoder, self.decoder = name, encoder, decoder
        self.qualities, self.needs = qualities, needs


def make_codecs(options):
    walloc = "wallocenc name=codec threads=1 {} quality={{}} {}".format(
        f"model-file={options.model}" if options.model else "",
        options.properties)
    back = f"wallocdec name=codec threads=1 decoder={options.decoder}"
    if options.model:
        back += f" model-file={options.model}"
    n = options.key_int_max
    x264 = "x264enc name=codec threads=1 pass=qual quantizer={} " \
        "vbv-buf-capacity=0 " \
        f"key-int-max={n}"
    table = [Codec("walloc-intra", walloc + " key-int-max=1", back, WALLOC,
                   ("wallocenc",)),
             Codec("walloc", walloc + f" key-int-max={n}", back, WALLOC,
                   ("wallocenc",)),
             Codec("x264-live", x264 + " tune=zerolatency",
                   "h264parse ! avdec_h264 name=codec max-threads=1", X264,
                   ("x264enc", "h264parse", "avdec_h264")),
             Codec("x264", x264,
                   "h264parse ! avdec_h264 name=codec max-threads=1", X264,
                   ("x264enc", "h264parse", "avdec_h264")),
             Codec("mjpeg", "jpegenc name=codec quality={}",
                   "jpegdec name=codec", JPEG, ("jpegenc", "jpegdec"))]
    chosen = []
    for codec in table:
        if pipelines.have(*codec.needs):
            chosen.append(codec)
        else:
            print(f"{codec.name} left out: no {', '.join(codec.needs)}",
                  file=sys.stderr)
    return chosen


def decode(codec, units, caps, sequence):
    """Coded frames to {frame: Unit}."""
    out, _ = pipelines.run(
        codec.decoder + " ! videoconvert ! video/x-raw,format=I420", caps,
        units, sequence.fps)
    expected = len(sequence.frames[0])
    for unit in out:
        if len(unit.data) != expected:
            raise RuntimeError(f"{codec.name} gave {len(unit.data)} bytes a"
                               f" picture instead of {expected}")
    return {u.frame: u for u in out}


def measure(codec, sequence):
    """Points of a sweep: [{quality, kbps, psnr, frames, sizes, keys}]"""
    points = []
    for quality in codec.qualities:
        coded, caps = pipelines.run(codec.encoder.format(quality),
                                    sequence.caps(),
                                    pipelines.pictures(sequence),
                                    sequence.fps)
        shown = decode(codec, coded, caps, sequence)
        if sorted(shown) != list(range(len(sequence.frames))):
            raise RuntimeError(f"{codec.name}, {sequence.name}: frames are"
                               f" missing: {len(shown)} of"
                               f" {len(sequence.frames)}")
        dB = [sequences.psnr(shown[k].data, f)
              for k, f in enumerate(sequence.frames)]
        sizes = {u.frame: len(u.data) for u in coded}
        point = {"quality": quality, "psnr": float(np.mean(dB)),
                 "kbps": 8e-3 * sum(sizes.values()) * sequence.fps
                 / len(sequence.frames),
                 "frames": [round(v, 3) for v in dB],
                 "sizes": [sizes[k] for k in sorted(sizes)],
                 "keys": sorted(u.frame for u in coded if not u.delta)}
        if sequence.clean:
            point["psnr_clean"] = float(np.mean(
                [sequences.psnr(shown[k].data, f)
                 for k, f in enumerate(sequence.clean)]))
        points.append(point)
    return points


def rate_at(points, psnr, name="psnr"):
    """kbit/s at a quality, or None outside of what was measured. A point
    that a cheaper one beats is left out: the curve must rise."""
    curve, best = [], -1.0
    for point in sorted(points, key=lambda p: p["kbps"]):
        if point[name] > best:
            best = point[name]
            curve.append((point[name], point["kbps"]))
    if not curve or not curve[0][0] <= psnr <= curve[-1][0]:
        return None
    return float(np.exp(np.interp(psnr, [c[0] for c in curve],
                                  np.log([c[1] for c in curve]))))


def shares(results, name="psnr"):
    """Rates of all codecs at the PSNR of walloc-intra's LEVELS, as parts of
    its own."""
    table = {}
    for point in results["walloc-intra"]:
        if point["quality"] in LEVELS:
            table[point["quality"]] = {
                codec: None if rate is None else rate / point["kbps"]
                for codec, rate in ((c, rate_at(p, point[name], name))
                                    for c, p in results.items())}
    return table


def earlier(options):
    """What OUT.json has, where it was measured in the same way."""
    path = options.out + ".json"
    if not options.merge or not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    if data["key_int_max"] != options.key_int_max:
        sys.exit(f"{path} has another --key-int-max")
    return data


def lose(codec, sequence, options, how):
    """Frame 7 of a stream with key frames every 15 is dropped, or bytes in
    its middle change: what is shown, beside the whole stream. "concealed":
    the frame is lost, and wallocdec told to go on (conceal=true)."""
    count = min(len(sequence.frames), 45)
    lost = 7
    quality = codec.qualities[len(codec.qualities) // 2]
    part = sequences.Sequence(sequence.name, "", sequence.fps,
                              (sequence.width, sequence.height),
                              sequence.frames[:count])
    line = codec.encoder.format(quality).replace(
        f"key-int-max={options.key_int_max}", "key-int-max=15")
    coded, caps = pipelines.run(line, part.caps(), pipelines.pictures(part),
                                part.fps)
    whole = decode(codec, coded, caps, part)
    damaged = []
    for unit in coded:
        if unit.frame == lost:
            if how != "damaged":
                continue
            data = bytearray(unit.data)
            for k in range(len(data) // 2, min(len(data) // 2 + 8,
                                               len(data))):
                data[k] ^= 0x55
            unit = pipelines.Unit(bytes(data), unit.frame, unit.delta)
        damaged.append(unit)
    decoder = codec
    if how == "concealed":
        decoder = Codec(codec.name, codec.encoder,
                        codec.decoder + " conceal=true", codec.qualities,
                        codec.needs)
    shown = decode(decoder, damaged, caps, part)
    before = [sequences.psnr(whole[k].data, f) if k in whole else None
              for k, f in enumerate(part.frames)]
    after = [sequences.psnr(shown[k].data, f) if k in shown else None
             for k, f in enumerate(part.frames)]
    same = [k for k in range(lost + 1, count) if k in shown and k in whole
            and all(j in shown and shown[j].data == whole[j].data
                    for j in range(k, count) if j in whole)]
    return {"before": before, "after": after,
            "missing": [k for k in range(count) if k not in shown],
            "marked": sorted(k for k, u in shown.items() if u.corrupted),
            "exact_from": same[0] if same else None,
            "worst": min((a - b for a, b in zip(after, before)
                          if a is not None and b is not None), default=None)}


def speed(codecs, sequence, options):
    """Frames per second of processor time, elements alone."""
    program = os.path.join(options.build, "tests", "benchmarks",
                           "bench_element")
    env = common.devenv(options.build)
    prefix = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for k, data in enumerate(sequence.frames):
            names.append(os.path.join(folder, f"in-{k:04d}.raw"))
            with open(names[-1], "wb") as file:
                file.write(data)
        for codec in codecs:
            if codec.name == "x264":
                continue        # its look-ahead needs an end of the stream
            quality = codec.qualities[len(codec.qualities) // 2]
            base = prefix + [program, "--seconds", str(options.seconds)]
            line = codec.encoder.format(quality)
            save = os.path.join(folder, codec.name + "-")
            coder = json.loads(common.run(
                base + ["--save", save, line, sequence.caps()] + names,
                env=env))
            files = sorted(os.path.join(folder, n) for n in os.listdir(folder)
                           if n.startswith(codec.name + "-")
                           and n[len(codec.name) + 1:].isdigit())
            back = json.loads(common.run(
                base + [codec.decoder, coder["caps"]] + files, env=env))
            rows[codec.name] = {
                "encode": coder["frames"] / coder["cpu_seconds"],
                "decode": back["frames"] / back["cpu_seconds"]}
    return rows


def drift(points):
    """How PSNR changes from the first to the last quarter of a sequence."""
    frames = points["frames"]
    part = max(len(frames) // 4, 1)
    return float(np.mean(frames[-part:]) - np.mean(frames[:part]))


def report(data, options, out):
    names = data["codecs"]
    others = [n for n in names if n != "walloc-intra"]
    parts = [f"Up to {options.frames} frames a sequence, walloc and x264 with"
             f" a key frame every {options.key_int_max} frames at most,"
             f" `{options.decoder}` decoder. Rates at equal PSNR over all"
             " I420 samples, as parts of walloc-intra's rate: below 1 saves."
             " The three columns of a codec are the PSNRs of walloc-intra at"
             f" quality {', '.join(str(v) for v in LEVELS)}; a dash: that"
             " PSNR was not reached, or was exceeded, at every setting.", "",
             "## Rate beside intra only at equal PSNR", ""]
    rows = []
    for name, entry in data["sequences"].items():
        table = entry["shares"]
        at = [p for p in entry["points"]["walloc-intra"]
              if p["quality"] in LEVELS]
        rows.append([name, ", ".join(f"{p['psnr']:.1f}" for p in at),
                     ", ".join(f"{p['kbps']:.0f}" for p in at)]
                    + [", ".join(common.cell(table[q].get(c)) for q in LEVELS)
                       for c in others])
    parts += [common.table(["sequence", "dB", "intra kbit/s"] + others, rows),
              ""]
    clean = [(n, e) for n, e in data["sequences"].items()
             if e.get("shares_clean")]
    if clean:
        parts += ["## The same against the picture without noise", "",
                  "PSNR of what is shown against the photograph before the"
                  " noise was added.", "", common.table(
                      ["sequence", "dB"] + others,
                      [[n, ", ".join("%.1f" % p["psnr_clean"] for p in
                                     e["points"]["walloc-intra"]
                                     if p["quality"] in LEVELS)]
                       + [", ".join(common.cell(e["shares_clean"][q].get(c))
                                    for q in LEVELS) for c in others]
                       for n, e in clean]), ""]
    rows = []
    for name, entry in data["sequences"].items():
        by = {c: next((p for p in entry["points"].get(c, ())
                       if p["quality"] == 60), None)
              for c in ("walloc-intra", "walloc")}
        if by["walloc"] is None:
            continue
        point = by["walloc"]
        keys = sum(point["sizes"][k] for k in point["keys"])
        rows.append([name, len(point["sizes"]), len(point["keys"]),
                     "%.0f %%" % (100 * keys / sum(point["sizes"])),
                     "%+.2f" % (point["psnr"] - by["walloc-intra"]["psnr"]),
                     "%+.2f" % (drift(point) - drift(by["walloc-intra"])),
                     "%d of %d" % (len(set(entry["cuts"])
                                       & set(point["keys"])),
                                   len(entry["cuts"]))
                     if entry["cuts"] else "-"])
    parts += ["## Key frames and drift, quality=60", "",
              "PSNR at the same quality setting less that of intra; drift:"
              " change of PSNR from the first to the last quarter of the"
              " frames, less that of intra.", "", common.table(
                  ["sequence", "frames", "key frames", "their part of the"
                   " rate", "dB", "drift dB", "cuts that got a key frame"],
                  rows), "",
              f"![frames]({os.path.basename(out)}-frames.png)", ""]
    if data["loss"]:
        parts += ["## After a lost and a damaged frame", "",
                  "Key frames every 15 frames; frame 7 is dropped, or 8 bytes"
                  " in its middle change; *concealed*: it is dropped, and"
                  " wallocdec has conceal=true. *Missing*: frames not shown."
                  " *Worst*: the greatest fall of a shown frame's PSNR."
                  " *Exact from*: the first frame from which on all are bit"
                  " for bit those of the whole stream.", "", common.table(
                      ["sequence", "codec", "damage", "missing", "marked"
                       " corrupted", "worst dB", "exact from"],
                      [[r["sequence"], r["codec"], r["how"],
                        len(r["missing"]), len(r["marked"]),
                        common.cell(r["worst"], "%+.2f"),
                        "-" if r["exact_from"] is None else r["exact_from"]]
                       for r in data["loss"]]), "",
                  f"![loss]({os.path.basename(out)}-loss.png)", ""]
    if data["speed"]:
        rows = [[s, c, "%.0f" % v["encode"], "%.0f" % v["decode"]]
                for s, table in data["speed"].items()
                for c, v in table.items()]
        parts += ["## Frames per second of processor time", "",
                  "One thread, elements alone, middle quality.", "",
                  common.table(["sequence", "codec", "encode", "decode"],
                               rows), ""]
    parts += ["## Sequences", "", common.table(
        ["name", "what", "size", "frames", "frames a second"],
        [[n, e["about"], f"{e['width']}x{e['height']}", e["count"], e["fps"]]
         for n, e in data["sequences"].items()]), ""]
    for name, why in data["missing"].items():
        parts += [f"{name}: not measured; {why}.", ""]
    common.save(out, "Video in time", data, parts,
                [os.path.basename(out) + ".png"],
                [f"`{c}`" for c in data["commands"]])
    print("\n".join(parts))


def plots(data, out):
    panels = []
    for name, entry in data["sequences"].items():
        panels.append({"curves": {c: sorted((p["kbps"], p["psnr"])
                                            for p in points)
                                  for c, points in entry["points"].items()},
                       "x": "kbit/s", "y": "PSNR of I420, dB", "log": True,
                       "title": name})
    common.plot_curves(out + ".png", panels, columns=3)
    panels = []
    for name in SHOWN:
        if name not in data["sequences"]:
            continue
        points = data["sequences"][name]["points"]
        chosen = {c: next((p for p in points[c] if p["quality"] == 60), None)
                  for c in ("walloc-intra", "walloc") if c in points}
        panels.append({"curves": {c: list(enumerate(p["frames"]))
                                  for c, p in chosen.items()}, "x": "frame",
                       "y": "PSNR, dB", "title": f"{name}, quality=60",
                       "markers": False})
        panels.append({"curves": {c: [(k, v / 1000) for k, v in
                                      enumerate(p["sizes"])]
                                  for c, p in chosen.items()}, "x": "frame",
                       "y": "kB", "title": f"{name}, quality=60",
                       "markers": False})
    if panels:
        common.plot_curves(out + "-frames.png", panels, columns=2)
    panels = []
    for row in data["loss"]:
        panels.append({"curves": {
            "walloc whole" if row["codec"] == "walloc" else "whole":
                [(k, v) for k, v in enumerate(row["before"]) if v],
            {"lost": "frame 7 lost", "damaged": "frame 7 damaged",
             "concealed": "frame 7 lost, concealed"}[row["how"]]:
                [(k, v) for k, v in enumerate(row["after"]) if v]},
            "x": "frame", "y": "PSNR, dB",
            "title": f"{row['sequence']}, {row['codec']}"})
    if panels:
        common.plot_curves(out + "-loss.png", panels, columns=3)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", 1)[0],
        epilog=__doc__.split("\n", 1)[1],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(common.ROOT, "build"))
    parser.add_argument("--sequences", default=",".join(sequences.MAKERS))
    parser.add_argument("--camvid", help="folder of the CamVid frames")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--key-int-max", type=int, default=60)
    parser.add_argument("--decoder", default="linear")
    parser.add_argument("--model", help="model file or name")
    parser.add_argument("--properties", default="",
                        help="more properties of wallocenc")
    parser.add_argument("--seconds", type=float, default=1,
                        help="per element for speed; 0: no speed")
    parser.add_argument("--codecs", default="",
                        help="measure these alone (walloc-intra is always)")
    parser.add_argument("--merge", action="store_true",
                        help="keep what OUT.json has of the other codecs")
    parser.add_argument("--out", default="video-time")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    pipelines.setup(options.build)
    codecs = make_codecs(options)
    if not codecs or codecs[0].name != "walloc-intra":
        sys.exit("wallocenc is not there")

    wanted = [w for w in options.codecs.split(",") if w]
    unknown = set(wanted) - {c.name for c in codecs}
    if unknown:
        sys.exit(f"no codec {', '.join(sorted(unknown))}")
    chosen = [c for c in codecs if not wanted or c.name in wanted
              or c.name == "walloc-intra"]
    before = earlier(options)
    data = {"sequences": {}, "missing": {}, "loss": [], "speed": {},
            "codecs": [c.name for c in (codecs if before else chosen)],
            "key_int_max": options.key_int_max,
            "commands": before["commands"] + [common.command_line()]
            if before else [common.command_line()]}
    for name in options.sequences.split(","):
        if name not in sequences.MAKERS:
            sys.exit(f"no sequence '{name}'; sequences.py --list names them")
        try:
            sequence = sequences.make(name, options.frames, options)
        except sequences.Missing as why:
            print(f"{name} left out: {why}", file=sys.stderr)
            data["missing"][name] = str(why)
            continue
        points = {c.name: measure(c, sequence) for c in chosen}
        kept = before["sequences"].get(name) if before else None
        if kept and kept["count"] == len(sequence.frames):
            points = {c.name: points.get(c.name) or kept["points"][c.name]
                      for c in codecs
                      if c.name in points or c.name in kept["points"]}
        entry = {"about": sequence.about, "fps": sequence.fps,
                 "width": sequence.width, "height": sequence.height,
                 "count": len(sequence.frames), "points": points,
                 "cuts": sequence.cuts,
                 "shares": shares(points)}
        if sequence.clean:
            entry["shares_clean"] = shares(points, "psnr_clean")
        data["sequences"][name] = entry
        if name in LOSS:
            if before:
                data["loss"] += [r for r in before["loss"]
                                 if r["sequence"] == name and r["codec"]
                                 not in [c.name for c in chosen]]
            for codec in chosen:
                if codec.name not in ("walloc", "x264-live"):
                    continue
                for how in ("lost", "damaged") + (
                        ("concealed",) if codec.name == "walloc" else ()):
                    data["loss"].append(
                        {"sequence": name, "codec": codec.name, "how": how,
                         **lose(codec, sequence, options, how)})
        if name in SPEED and options.seconds > 0:
            data["speed"][name] = speed(codecs, sequence, options)
        print(f"{name} done", file=sys.stderr)
    if not data["sequences"]:
        sys.exit("nothing was measured")
    plots(data, options.out)
    report(data, options, options.out)


if __name__ == "__main__":
    main()
