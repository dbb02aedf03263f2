#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rate against quality of wallocenc and of other codecs on pictures.

usage: rate_quality.py [options] PICTURES...   (files or folders)

Every picture is encoded at a sweep of qualities; rate is the bits of the
whole file over the pixels, quality is PSNR over the 8-bit RGB samples, as the
mean of the pictures' dB (and MS-SSIM of luma with --ms-ssim). Between two
qualities the mean curve is interpolated over the logarithm of the rate.
Writes OUT.json, OUT.md and OUT.png.

Codecs, all on the same RGB pictures:
  walloc-linear, walloc-fast, walloc-best  wallocenc quality=Q in RGB, and the
                decoder of that name; those that the model lacks are left out
  jpeg          libjpeg-turbo (jpegenc's library), 4:2:0, optimised tables
  webp          libwebp (webpenc's), method 4
  jpeg2000      OpenJPEG (openjpegenc's), 9/7, one layer, by PSNR
  avif          avifenc with libaom, speed 6, 4:4:4
"""
import argparse
import concurrent.futures
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

import common
import metrics

WALLOC_QUALITIES = (1, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70,
                    75, 80, 85, 90, 95, 100)
TARGETS = {"walloc-linear": ((0.17, 26.4), (0.28, 28.4), (0.47, 30.6),
                             (0.75, 32.9))}


class Skip(Exception):
    """This codec, or this decoder, is not here."""


class Pillow:
    """A codec that Pillow carries."""

    def __init__(self, name, qualities, options):
        self.qualities = qualities
        self.name, self.options = name, options

    def code(self, picture, quality, folder, options):
        memory = io.BytesIO()
        try:
            Image.fromarray(picture["rgb"]).save(memory, self.name,
                                                 **self.options(quality))
        except (KeyError, OSError) as error:
            raise Skip(str(error)) from error
        size = memory.tell()
        memory.seek(0)
        return [("", size, np.asarray(Image.open(memory).convert("RGB")))]


class Avif:
    qualities = (63, 60, 56, 52, 48, 44, 40, 36, 32, 28, 24, 20, 16, 12)

    def code(self, picture, quality, folder, options):
        if not shutil.which("avifenc") or not shutil.which("avifdec"):
            raise Skip("avifenc and avifdec are not installed")
        coded = os.path.join(folder, "picture.avif")
        back = os.path.join(folder, "picture.png")
        common.run(["avifenc", "-s", "6", "-j", "1", "--yuv", "444", "--min",
                    str(quality), "--max", str(quality), picture["png"],
                    coded])
        common.run(["avifdec", "-j", "1", coded, back])
        return [("", os.path.getsize(coded),
                 np.asarray(Image.open(back).convert("RGB")))]


class Walloc:
    """Encodes once, decodes with every decoder asked for."""
    qualities = WALLOC_QUALITIES

    def __init__(self, decoders):
        self.decoders = list(decoders)

    def code(self, picture, quality, folder, options):
        env = common.devenv(options.build)
        coded = os.path.join(folder, "picture.wlc")
        encoder = f"wallocenc snapshot=true threads=1 quality={quality}"
        decoder = "wallocdec threads=1"
        if options.model:
            encoder += f" model-file={options.model}"
            decoder += f" model-file={options.model}"
        self.launch(f"filesrc location={picture['png']} ! pngdec !"
                    f" videoconvert ! video/x-raw,format=RGB ! {encoder} !"
                    f" filesink location={coded}", env)
        height, width = picture["rgb"].shape[:2]
        stride = (width * 3 + 3) // 4 * 4
        results = []
        for kind in list(self.decoders):
            raw = os.path.join(folder, "picture.raw")
            try:
                self.launch(f"filesrc location={coded} ! wallocparse !"
                            f" {decoder} decoder={kind} ! videoconvert !"
                            f" video/x-raw,format=RGB ! filesink"
                            f" location={raw}", env)
            except RuntimeError as error:
                if "has no decoder" not in str(error):
                    raise
                # another thread may have seen it at the same time
                if kind in self.decoders:
                    self.decoders.remove(kind)
                    print(f"walloc-{kind} left out: the model has no such"
                          " decoder", file=sys.stderr)
                continue
            rgb = np.fromfile(raw, np.uint8).reshape(height, stride)
            rgb = rgb[:, :width * 3].reshape(height, width, 3)
            results.append(("-" + kind, os.path.getsize(coded), rgb))
        return results

    @staticmethod
    def launch(line, env):
        done = subprocess.run(["gst-launch-1.0", "-q"] + line.split(), env=env,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        if done.returncode or "ERROR" in done.stderr:
            raise RuntimeError(done.stderr.strip()[:1500])


def make_codecs(names):
    table = {
        "jpeg": lambda: Pillow("JPEG", (1, 3, 5, 8, 12, 18, 25, 35, 45, 55, 65,
                                        75, 85, 92, 96),
                               lambda q: {"quality": q, "optimize": True,
                                          "subsampling": "4:2:0"}),
        "webp": lambda: Pillow("WEBP", (0, 3, 8, 15, 25, 35, 45, 55, 65, 75,
                                        85, 92, 97),
                               lambda q: {"quality": q, "method": 4}),
        "jpeg2000": lambda: Pillow("JPEG2000", tuple(range(24, 45, 2)),
                                   lambda q: {"quality_mode": "dB",
                                              "quality_layers": [q],
                                              "irreversible": True,
                                              "mct": 1}),
        "avif": Avif,
    }
    codecs = {}
    decoders = [n[7:] for n in names if n.startswith("walloc-")]
    if decoders:
        codecs["walloc"] = Walloc(decoders)
    for name in names:
        if name in table:
            codecs[name] = table[name]()
        elif not name.startswith("walloc-"):
            sys.exit(f"no codec '{name}'")
    return codecs


def measure(job):
    """One picture through one codec: [[codec, quality, bits, dB, ms-ssim]]"""
    path, name, codec, options = job
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        rgb = np.asarray(Image.open(path).convert("RGB"))
        picture = {"rgb": rgb, "png": os.path.join(folder, "source.png")}
        Image.fromarray(rgb).save(picture["png"], compress_level=1)
        for quality in codec.qualities:
            for suffix, size, back in codec.code(picture, quality, folder,
                                                 options):
                similarity = metrics.ms_ssim(rgb, back) if options.ms_ssim \
                    else float("nan")
                rows.append([name + suffix, quality,
                             8 * size / (rgb.shape[0] * rgb.shape[1]),
                             metrics.psnr(rgb, back), similarity])
    return os.path.basename(path), rows


def interpolate(curve, bpp):
    """dB at a rate, or None outside of what was measured."""
    points = sorted((p["bpp"], p["psnr"]) for p in curve)
    rates = [p[0] for p in points]
    if not rates[0] <= bpp <= rates[-1]:
        return None
    return float(np.interp(np.log(bpp), np.log(rates), [p[1] for p in points]))


def rate_at(curve, psnr):
    points = sorted((p["psnr"], p["bpp"]) for p in curve)
    if not points[0][0] <= psnr <= points[-1][0]:
        return None
    return float(np.exp(np.interp(psnr, [p[0] for p in points],
                                  np.log([p[1] for p in points]))))


def summarise(raw, pictures):
    """Mean curve of every codec."""
    curves = {}
    for rows in raw.values():
        for codec, quality, bpp, psnr, similarity in rows:
            curves.setdefault(codec, {}).setdefault(quality, []).append(
                (bpp, psnr, similarity))
    result = {}
    for codec, points in curves.items():
        result[codec] = [
            {"quality": q, "bpp": float(np.mean([v[0] for v in values])),
             "psnr": float(np.mean([v[1] for v in values])),
             "ms_ssim": float(np.mean([v[2] for v in values]))}
            for q, values in sorted(points.items())
            if len(values) == pictures]
    return result


def plot(path, curves, title):
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        print("no plot: python3-matplotlib is not installed", file=sys.stderr)
        return
    figure, axes = plt.subplots(figsize=(8, 5.5))
    for name, curve in curves.items():
        points = sorted((p["bpp"], p["psnr"]) for p in curve)
        own = name.startswith("walloc")
        axes.plot([p[0] for p in points], [p[1] for p in points],
                  "o-" if own else ".--", label=name, linewidth=2 if own
                  else 1.2, markersize=4)
    axes.set_xscale("log")
    axes.set_xlim(0.04, 4)
    axes.set_ylim(20, 44)
    ticks = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 3)
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.minorticks_off()
    axes.set_xlabel("bits per pixel (whole files)")
    axes.set_ylabel("PSNR over RGB, dB")
    axes.set_title(title)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=100)


def report(data, out):
    curves, points = data["curves"], data["points"]
    names, made = list(curves), data["commands"]

    def cell(value, pattern):
        return "-" if value is None else pattern % value

    parts = [f"# Rate and quality: {data['title']}", "",
             f"{data['count']} pictures; PSNR over RGB, mean of the pictures'"
             " dB; bits of whole files.",
             "", "Made with", "",
             *[f"- `{c}` ({', '.join(n for n in names if made[n] == c)})"
               for c in sorted(set(made.values()))], "",
             f"last on {common.describe(data['machine'])}.", "",
             "## dB at a rate", "",
             common.table(["codec"] + [f"{b:g} bpp" for b in points],
                          [[n] + [cell(interpolate(curves[n], b), "%.2f")
                                  for b in points] for n in names]),
             "", f"![curves]({os.path.basename(out)}.png)", ""]
    for name, targets in TARGETS.items():
        if name in curves and data["targets"]:
            parts += [f"## Targets of {name}", "", common.table(
                ["bpp", "target dB", "measured dB", "difference"],
                [[b, t, cell(interpolate(curves[name], b), "%.2f"),
                  cell(None if interpolate(curves[name], b) is None else
                       interpolate(curves[name], b) - t, "%+.2f")]
                 for b, t in targets]), ""]
    if "walloc-linear" in curves:
        base = curves["walloc-linear"]
        parts += ["## Rate of others at walloc-linear's quality", "",
                  "Rate divided by that of walloc-linear at the same PSNR:"
                  " above 1, the other codec needs more.", "", common.table(
                      ["codec"] + [f"{d} dB" for d in (26, 28, 30, 32, 34,
                                                       36)],
                      [[n] + [cell(rate_at(curves[n], d) / rate_at(base, d)
                                   if rate_at(curves[n], d) and
                                   rate_at(base, d) else None, "%.2f")
                              for d in (26, 28, 30, 32, 34, 36)]
                       for n in names if n != "walloc-linear"]), ""]
    parts += ["## Every point", ""]
    for name in names:
        similar = data["ms_ssim"]
        parts += [f"### {name}", "", common.table(
            ["quality", "bpp", "dB"] + (["MS-SSIM"] if similar else []),
            [[p["quality"], "%.4f" % p["bpp"], "%.2f" % p["psnr"]]
             + (["%.4f" % p["ms_ssim"]] if similar else [])
             for p in curves[name]]), ""]
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", 1)[0],
        epilog=__doc__.split("\n", 1)[1],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--build", default=os.path.join(common.ROOT, "build"))
    parser.add_argument("--codecs", default="walloc-linear,walloc-fast,jpeg,"
                        "webp,jpeg2000,avif")
    parser.add_argument("--model", help="model file or name of wallocenc")
    parser.add_argument("--points", default="0.1,0.17,0.28,0.47,0.75,1.0,1.5",
                        help="rates of the table, bpp")
    parser.add_argument("--out", default="rate-quality",
                        help="path of the results, without suffix")
    parser.add_argument("--title", default="pictures")
    parser.add_argument("--ms-ssim", action="store_true")
    parser.add_argument("--targets", action="store_true",
                        help="compare with the project's targets (Kodak)")
    parser.add_argument("--merge", action="store_true",
                        help="keep the curves of OUT.json that this run does"
                        " not measure")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)

    paths = common.pictures_of(options.pictures)
    codecs = make_codecs(options.codecs.split(","))
    raw = {}
    jobs = [(path, name, codec, options) for name, codec in codecs.items()
            for path in paths]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        futures = {pool.submit(measure, job): job for job in jobs}
        for done, future in enumerate(
                concurrent.futures.as_completed(futures), 1):
            path, name = futures[future][:2]
            try:
                picture, rows = future.result()
            except Skip as why:
                print(f"\n{name} left out: {why}", file=sys.stderr)
                continue
            raw[f"{name}/{picture}"] = rows
            if sys.stderr.isatty():
                print(f"\r{done}/{len(jobs)} {name} {picture}   ", end="",
                      file=sys.stderr)
    curves = summarise(raw, len(paths))
    if not curves:
        sys.exit("nothing was measured")
    shown = [a if not os.path.isabs(a)
             else "..." + os.sep + os.path.basename(a.rstrip("/"))
             for a in sys.argv[1:]]
    command = "tests/benchmarks/rate_quality.py " + " ".join(shown)
    commands = {name: command for name in curves}
    if options.merge and os.path.exists(options.out + ".json"):
        with open(options.out + ".json", encoding="utf-8") as file:
            before = json.load(file)
        if before["count"] == len(paths):
            curves = {**before["curves"], **curves}
            commands = {**before["commands"], **commands}
    order = ["walloc-best", "walloc-fast", "walloc-linear", "avif",
             "jpeg2000", "webp", "jpeg"]
    curves = {n: curves[n] for n in sorted(curves, key=order.index)}
    points = [float(p) for p in options.points.split(",")]
    data = {"curves": curves, "points": points, "count": len(paths),
            "title": options.title, "machine": common.machine(),
            "targets": options.targets, "ms_ssim": options.ms_ssim,
            "commands": commands}
    common.write_json(options.out + ".json", data)
    plot(options.out + ".png", curves, options.title)
    with open(options.out + ".md", "w", encoding="utf-8") as file:
        file.write(report(data, options.out))
    print(common.table(["codec"] + [f"{b:g} bpp" for b in points],
                       [[n] + ["-" if interpolate(c, b) is None else
                               "%.2f" % interpolate(c, b) for b in points]
                        for n, c in curves.items()]))


if __name__ == "__main__":
    main()
