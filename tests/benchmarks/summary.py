#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was asked for beside what the latest runs measured.

usage: summary.py [FOLDER]          default: docs/evaluation

Reads the JSON files that the benchmarks wrote to FOLDER and puts one table
between the lines <!-- figures --> and <!-- end of figures --> of its
README.md. A file or an entry that is missing gives the row "not measured".
"""
import json
import os
import sys

import common
import rate_quality
import speed
import video_time

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


class Absent(Exception):
    """This figure has not been measured."""


class Files:
    def __init__(self, folder):
        self.folder, self.read = folder, {}

    def __call__(self, name):
        if name not in self.read:
            path = os.path.join(self.folder, name + ".json")
            if not os.path.exists(path):
                raise Absent
            with open(path, encoding="utf-8") as file:
                self.read[name] = json.load(file)
        return self.read[name]


def verdict(reached, by):
    return "reached" if reached else f"missed by {by}"


def quality_rows(files):
    """Rate and quality on Kodak."""
    rows = []

    def curve(name):
        curves = files("rate-quality-kodak")["curves"]
        if name not in curves:
            raise Absent
        return curves[name]

    def add(what, asked, function):
        rows.append((what, asked, function, "rate-quality-kodak"))

    def at(name, bpp):
        value = rate_quality.interpolate(curve(name), bpp)
        if value is None:
            raise Absent
        return value

    def dB(name, bpp, target):
        value = at(name, bpp)
        return f"{value:.2f} dB", verdict(round(value, 2) >= target,
                                          f"{target - value:.2f} dB")

    for name, title in (("walloc-best", "`best`"),
                        ("walloc-best@speed=4", "`best`, encoder `speed=4`")):
        for bpp, target in rate_quality.TARGETS["walloc-best"]:
            add(f"{title}, {bpp:g} bpp", f"{target} dB",
                lambda n=name, b=bpp, t=target: dB(n, b, t))
    for bpp, target in ((0.25, 29.2), (0.5, 32.2), (1.0, 35.8)):
        add(f"`fast`, {bpp:g} bpp", f"{target - 0.4:.1f} dB",
            lambda b=bpp, t=target - 0.4: dB("walloc-fast", b, t))

    def gain():
        value = at("walloc-fast", 0.5) - at("walloc-linear", 0.5)
        return f"{value:+.2f} dB", verdict(value >= 0.7,
                                           f"{0.7 - value:.2f} dB")
    add("`fast` over `linear`, 0.5 bpp", "+0.7 dB", gain)
    return rows


def speed_rows(files):
    """Encoder, ratios of one run."""
    rows = []

    def rate(title, name):
        data = files("speed")
        if title not in data or name not in data[title]:
            raise Absent
        return data[title][name]["median"]

    def ratio(value, least):
        return f"{value:.2f}", verdict(round(value, 2) >= least,
                                       f"{least - value:.2f}")

    def add(what, least, function):
        rows.append((what, f"{least:g} or more",
                     lambda: ratio(function(), least), "speed"))

    for channels, least in ((12, 1.0), (16, 1.0), (48, 0.5)):
        name = f"wallocenc channels={channels}"
        add(f"1080p I420, {channels} channels, over `{speed.REFERENCE}`",
            least, lambda n=name: rate(speed.HD, n)
            / rate(speed.HD, speed.REFERENCE))
    for channels in (12, 16, 48):
        name = f"wallocenc channels={channels}"
        add(f"RGB over I420 of the same pictures, {channels} channels", 0.5,
            lambda n=name: rate(speed.HD_RGB, n) / rate(speed.HD, n))
        add(f"2160p over 1080p, {channels} channels", 1.0,
            lambda n=name: rate(speed.UHD, n) / rate(speed.HD, n))

    def threads(channels):
        data = files("speed")
        if "threads" not in data:
            raise Absent
        return data["threads"][str(channels)]["speedup"]
    for channels in (12, 16, 48):
        add(f"two threads over one, {channels} channels", 1.8,
            lambda c=channels: threads(c))
    return rows


def time_rows(files):
    def share(name, limit, shares="shares"):
        entry = files("video-time")["sequences"].get(name)
        if not entry:
            raise Absent
        values = [entry[shares][str(q)]["walloc"]
                  for q in video_time.LEVELS]
        known = [v for v in values if v is not None]
        if not known:
            return "PSNR not reached", "missed"
        text = ", ".join(common.cell(None if v is None else 100 * v,
                                     "%.0f %%") for v in values)
        worst = max(known)
        return text, verdict(
            worst < limit + 0.005 and len(known) == len(values),
                             f"{100 * (worst - limit):.0f} points at worst"
                             if worst > limit else "PSNR not reached at the"
                             " quality with a dash")

    rows = [(f"static camera, noise of sigma {s}", "10 % of intra at equal"
             " PSNR", lambda s=s: share(f"static-{s}", 0.10), "video-time")
            for s in (2, 4, 6)]
    rows += [(f"the same, sigma {s}, against the picture without noise",
              "10 % of intra at equal PSNR", lambda s=s: share(
                  f"static-{s}", 0.10, "shares_clean"), "video-time")
             for s in (2, 4, 6)]
    rows.append(("driving (CamVid)", "no more than intra",
                 lambda: share("driving", 1.0), "video-time"))

    def cuts():
        entry = files("video-time")["sequences"].get("cuts")
        if not entry:
            raise Absent
        point = next(p for p in entry["points"]["walloc"]
                     if p["quality"] == 60)
        found = set(entry["cuts"]) & set(point["keys"])
        count = len(entry["cuts"])
        return f"{len(found)} of {count}", verdict(
            len(found) == count, f"{count - len(found)}")
    rows.append(("scene cuts detected", "all", cuts, "video-time"))

    def recovery():
        found = [r for r in files("video-time")["loss"]
                 if r["codec"] == "walloc" and r["how"] == "lost"]
        if not found:
            raise Absent
        late = [r for r in found if r["exact_from"] is None
                or r["exact_from"] > 15]
        return "exact from frame " + ", ".join(
            str(r["exact_from"]) for r in found), verdict(
                not late, "later than the next key frame")
    rows.append(("recovery after lost frame 7, key frames every 15",
                 "by the next key frame", recovery, "video-time"))
    return rows


def coder_rows(files):
    """Beside lossless WebP on the 12 channels of 8 bits of reference-12."""
    def figure(key, unit, least):
        value = files("coder")["summary"][key]
        text = f"{100 * value:.1f} %" if unit == "%" else \
            f"{value:.2g} times"
        short = f"{100 * (least - value):.1f} points" if unit == "%" else \
            f"a factor of {least / value:.2g}"
        return text, verdict(value >= least, short)

    def speed(part, key):
        values = [r[key] for r in files("coder")[part]
                  if r.get("model", "photo-1") == "photo-1"]
        return (f"{min(values):.0f} to {max(values):.0f} Msymbol/s",
                verdict(min(values) >= 100,
                        f"{100 - min(values):.0f} Msymbol/s"))

    rows = [("latents smaller than lossless WebP's", "10 %",
             lambda: figure("smaller", "%", 0.10)),
            ("latents encoded faster than by WebP", "100 times",
             lambda: figure("encode", "", 100)),
            ("latents decoded faster than by WebP", "20 times",
             lambda: figure("decode", "", 20)),
            ("own-model latents encoded on one core", "100 Msymbol/s",
             lambda: speed("ordered", "encode_msymbol")),
            ("own-model latents decoded on one core, one slice",
             "100 Msymbol/s", lambda: speed("ordered", "decode_msymbol")),
            ("the same, pictures of several slices", "100 Msymbol/s",
             lambda: speed("sheets", "decode_msymbol"))]
    return [(*row, "coder") for row in rows]


def rate_rows(files):
    rows = []

    def hold(name):
        runs = files("rate-control")["hold"].get(name)
        if not runs:
            raise Absent
        worst = max(max(abs(r["most"]), abs(r["least"])) for r in runs)
        inside = min(r["inside"] for r in runs)
        if name == "walloc":
            above, starved = (max(r[k] for r in runs)
                              for k in ("over", "starved"))
            return (f"{100 * above:.1f} % of windows above, at most"
                    f" {100 * max(r['most'] for r in runs):.1f} %;"
                    f" {100 * starved:.1f} % below though quality could rise;"
                    f" {100 * inside:.0f} % inside"), verdict(
                        above == 0 and starved == 0,
                        f"{100 * max(above, starved):.1f} % of windows")
        return (f"worst window {100 * worst:.1f} %, at least"
                f" {100 * inside:.0f} % of windows inside"), verdict(
                    worst <= 0.05, f"{100 * (worst - 0.05):.1f} points")

    def react(name):
        run = files("rate-control")["react"].get(name)
        if not run:
            raise Absent
        first = [c["frames"][0] for c in run["changes"]]
        off = max(abs(f - 1) for f in first)
        return "first frame " + ", ".join(f"{f:.2f}" for f in first) + \
            " of the new budget", verdict(off <= 0.25, f"{off:.2f}")

    for name, title in (("walloc-intra", "intra"), ("walloc", "predicted")):
        rows.append((f"`bitrate`, windows of 2 s, {title}", "within 5 %",
                     lambda n=name: hold(n), "rate-control"))
    rows.append(("`bitrate` changed while playing, intra", "reacts in one"
                 " frame", lambda: react("walloc-intra"), "rate-control"))
    return rows


def sound_rows(files):
    def mean(kbit, key):
        point = files("audio")["mean"].get("walloc", {}).get(str(kbit))
        if not point or key not in point:
            raise Absent
        return point[key]

    def level(kbit, least):
        value = mean(kbit, "snr")
        return (f"{value:.1f} dB at {mean(kbit, 'kbit_s'):.0f} kbit/s",
                verdict(value >= least, f"{least - value:.1f} dB"))

    def pace(key, least):
        value = mean(64, key)
        return f"{value:.0f} times", verdict(value >= least,
                                             f"a factor of {least / value:.2g}")

    def fewer():
        rows = files("audio-reference")["rows"]
        saved = [1 - sum(e["walloc_kbit_s"] for e in each) /
                 sum(e["kbit_s"] for e in each) for each in rows.values()]
        return (f"{100 * min(saved):.0f} to {100 * max(saved):.0f} % fewer",
                verdict(min(saved) >= 0.25,
                        f"{100 * (0.25 - min(saved)):.0f} points"))

    rows = [(f"sound, SNR on unseen music, {kbit} kbit/s stereo",
             f"{least:g} dB", lambda k=kbit, n=least: level(k, n), "audio")
            for kbit, least in ((64, 19), (96, 22.5))]
    rows += [(f"sound, {what} on one core at 64 kbit/s (library)",
              f"{least:,} times real time",
              lambda k=key, n=least: pace(k, n), "audio")
             for what, key, least in (("encoding", "encode_x", 1000),
                                      ("decoding, linear", "decode_x", 50))]
    rows.append(("sound, bits at equal SNR beside the published form with"
                 " WebP", "25 % fewer", fewer, "audio-reference"))
    return rows


def table(files):
    lines = []
    for what, asked, function, page in (quality_rows(files)
                                        + speed_rows(files)
                                        + coder_rows(files)
                                        + rate_rows(files)
                                        + time_rows(files)
                                        + sound_rows(files)):
        try:
            measured, result = function()
        except Absent:
            measured, result = "not measured", ""
        lines.append([what, asked, measured, result, f"[{page}]({page}.md)"])
    return common.table(["what", "asked for", "measured", "", "from"], lines)


def main():
    if len(sys.argv) > 2 or sys.argv[1:2] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    folder = sys.argv[1] if len(sys.argv) == 2 else os.path.join(
        common.ROOT, "docs", "evaluation")
    path = os.path.join(folder, "README.md")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{path} lacks the lines {BEGIN} and {END}")
    figures = table(Files(folder))
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{head}{BEGIN}\n\n{figures}\n\n{END}{tail}")
    print(figures)


if __name__ == "__main__":
    main()
