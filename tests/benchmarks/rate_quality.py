#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rate against quality of wallocenc and of other codecs on pictures.

usage: rate_quality.py [options] PICTURES...   (files or folders)

Every picture is encoded at a sweep of qualities. Rate is the bits of the
whole file over the pixels. Quality is the mean over the pictures of
  PSNR      over the 8-bit RGB samples, dB
  MS-SSIM   of luma (pictures of 176 pixels or more)
  features  distance in a detector's features, see deep_features.py; left out
            where the network has not been fetched
Between two qualities the mean curves are interpolated over the logarithm of
the rate: PSNR and -10 log10 (1 - MS-SSIM) as they are, the distance as its
logarithm. Writes OUT.json, OUT.md and OUT.png.

Codecs, all on the same RGB pictures:
  walloc-linear, walloc-fast, walloc-best  wallocenc quality=Q in RGB, and the
                decoder of that name; those that the model lacks are left out.
                walloc-fast@speed=1+channels=16 sets properties of the encoder
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

# pictures are measured in parallel already
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np              # noqa: E402
from PIL import Image           # noqa: E402

import common                   # noqa: E402
import deep_features            # noqa: E402
import metrics                  # noqa: E402

WALLOC_QUALITIES = (1, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70,
                    75, 80, 90, 100)
# bpp and dB over Kodak that the project set itself
TARGETS = {"walloc-best": ((0.06, 24.8), (0.11, 26.0), (0.25, 29.2),
                           (0.5, 32.2), (1.0, 35.8)),
           "walloc-linear": ((0.17, 26.4), (0.28, 28.4), (0.47, 30.6),
                             (0.75, 32.9))}
MEASURES = ("psnr", "ms_ssim", "features")


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

    def __init__(self, decoders, properties=""):
        self.decoders = list(decoders)
        self.properties = properties.replace("+", " ")

    def encode(self, picture, coded, quality, options):
        encoder = f"wallocenc snapshot=true threads=1 quality={quality}" \
            f" {self.properties}"
        if options.model:
            encoder += f" model-file={options.model}"
        self.launch(f"filesrc location={picture['png']} ! pngdec !"
                    f" videoconvert ! video/x-raw,format=RGB ! {encoder} !"
                    f" filesink location={coded}",
                    common.devenv(options.build))

    def code(self, picture, quality, folder, options):
        env = common.devenv(options.build)
        coded = os.path.join(folder, "picture.wlc")
        decoder = "wallocdec threads=1"
        if options.model:
            decoder += f" model-file={options.model}"
        self.encode(picture, coded, quality, options)
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
    groups = {}
    for name in names:
        if name.startswith("walloc-"):
            decoder, _, properties = name[7:].partition("@")
            groups.setdefault(properties, []).append(decoder)
    for properties, decoders in groups.items():
        codecs["walloc" + ("@" + properties if properties else "")] = \
            Walloc(decoders, properties)
    for name in names:
        if name in table:
            codecs[name] = table[name]()
        elif not name.startswith("walloc-"):
            sys.exit(f"no codec '{name}'")
    return codecs


def full_name(codec, suffix):
    """walloc@speed=1 and -fast make walloc-fast@speed=1."""
    head, at, properties = codec.partition("@")
    return head + suffix + at + properties


def measure(job):
    """One picture through one codec: [[codec, quality, bpp, measures...]]"""
    path, name, codec, options, network = job
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        rgb = np.asarray(Image.open(path).convert("RGB"))
        picture = {"rgb": rgb, "png": os.path.join(folder, "source.png")}
        Image.fromarray(rgb).save(picture["png"], compress_level=1)
        features = network.features(rgb) if network else None
        for quality in codec.qualities:
            for suffix, size, back in codec.code(picture, quality, folder,
                                                 options):
                bpp = 8 * size / (rgb.shape[0] * rgb.shape[1])
                deep = deep_features.distance(
                    features, network.features(back)) if network \
                    else float("nan")
                rows.append([full_name(name, suffix), quality, bpp,
                             metrics.psnr(rgb, back),
                             metrics.ms_ssim(rgb, back), deep])
    return os.path.basename(path), rows


def straight(measure_name, value):
    """A measure on the scale on which it is interpolated and drawn."""
    if measure_name == "ms_ssim":
        return -10 * np.log10(max(1 - value, 1e-9))
    return np.log(max(value, 1e-9)) if measure_name == "features" else value


def unbend(measure_name, value):
    if measure_name == "ms_ssim":
        return 1 - 10 ** (-value / 10)
    return float(np.exp(value)) if measure_name == "features" else value


def points_of(curve, name):
    """(bpp, measure) of the points that have it, by rate."""
    return sorted((p["bpp"], straight(name, p[name])) for p in curve
                  if p.get(name) is not None)


def interpolate(curve, bpp, name="psnr"):
    """A measure at a rate, or None outside of what was measured."""
    points = points_of(curve, name)
    if not points or not points[0][0] <= bpp <= points[-1][0]:
        return None
    return unbend(name, float(np.interp(
        np.log(bpp), np.log([p[0] for p in points]), [p[1] for p in points])))


def rate_at(curve, value, name="psnr"):
    """bpp at a quality, or None outside of what was measured."""
    points = sorted((q, b) for b, q in points_of(curve, name))
    value = straight(name, value)
    if not points or not points[0][0] <= value <= points[-1][0]:
        return None
    return float(np.exp(np.interp(value, [p[0] for p in points],
                                  np.log([p[1] for p in points]))))


def summarise(raw, pictures):
    """Mean curve of every codec: points that all pictures have. A measure
    that some picture lacks is None."""
    curves = {}
    for rows in raw.values():
        for codec, quality, *values in rows:
            curves.setdefault(codec, {}).setdefault(quality, []).append(values)
    result = {}
    for codec, points in curves.items():
        result[codec] = []
        for quality, values in sorted(points.items()):
            if len(values) != pictures:
                continue
            means = [float(m) for m in np.mean(values, axis=0)]
            result[codec].append(
                {"quality": quality, "bpp": means[0],
                 **{n: None if m != m else m
                    for n, m in zip(MEASURES, means[1:])}})
    return result


def plot(path, data):
    curves = data["curves"]
    labels = {"psnr": "PSNR over RGB, dB",
              "ms_ssim": "MS-SSIM of luma, -10 log10 (1 - x)",
              "features": "distance in a detector's features, log"}
    panels = []
    for name in MEASURES:
        drawn = {n: [p for p in points_of(c, name) if p[0] < 2.2]
                 for n, c in curves.items()}
        if any(drawn.values()):
            panels.append({"curves": drawn, "x": "bits per pixel, whole files",
                           "y": labels[name], "log": True,
                           "ticks": (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2)})
    common.plot_curves(path, panels, data["title"], columns=len(panels))


def rate_tables(curves, points):
    parts = []
    patterns = {"psnr": "%.2f", "ms_ssim": "%.4f", "features": "%.4f"}
    titles = {"psnr": "PSNR over RGB at a rate, dB",
              "ms_ssim": "MS-SSIM of luma at a rate",
              "features": "Distance in a detector's features at a rate"
                          " (smaller is better)"}
    for name in MEASURES:
        if not any(points_of(c, name) for c in curves.values()):
            continue
        parts += [f"## {titles[name]}", ""]
        if name == "features":
            parts += ["MobileNetV3 of CenterNet, unit-normalised features of"
                      " five stages; see tests/benchmarks/deep_features.py."
                      " Not LPIPS.", ""]
        parts += [common.table(
            ["codec"] + [f"{b:g} bpp" for b in points],
            [[n] + [common.cell(interpolate(c, b, name), patterns[name])
                    for b in points] for n, c in curves.items()]), ""]
    return parts


def target_tables(curves):
    parts = []
    for name in curves:
        targets = TARGETS.get(name.partition("@")[0])
        if not targets:
            continue
        rows = []
        for bpp, target in targets:
            got = interpolate(curves[name], bpp)
            rate = rate_at(curves[name], target)
            rows.append([f"{bpp:g}", target, common.cell(got),
                         common.cell(None if got is None else got - target,
                                     "%+.2f"),
                         common.cell(None if rate is None else
                                     100 * (rate / bpp - 1), "%+.1f %%")])
        parts += [f"## Targets of {name}", "",
                  "The last column: how much more rate the target's quality"
                  " takes.", "", common.table(
                      ["bpp", "target dB", "measured dB", "difference",
                       "rate"], rows), ""]
    pairs = [("walloc-best", "walloc-fast"), ("walloc-fast", "walloc-linear")]
    for better, worse in pairs:
        if better in curves and worse in curves:
            at = (0.06, 0.11, 0.25, 0.5, 1.0)
            parts += [f"## {better} over {worse}, dB", "", common.table(
                [f"{b:g} bpp" for b in at],
                [[common.cell(None if None in (
                    interpolate(curves[better], b),
                    interpolate(curves[worse], b)) else
                    interpolate(curves[better], b)
                    - interpolate(curves[worse], b), "%+.2f") for b in at]]),
                ""]
    return parts


def comparison_tables(curves):
    """Rates of the others at the same PSNR, per own decoder."""
    parts = []
    at = (26, 28, 30, 32, 34, 36)
    for base in [n for n in curves if n.startswith("walloc-")
                 and "@" not in n]:
        rows = []
        for name, curve in curves.items():
            if name == base:
                continue
            ratios = []
            for dB in at:
                other, own = rate_at(curve, dB), rate_at(curves[base], dB)
                ratios.append(common.cell(
                    other / own if other and own else None))
            rows.append([name] + ratios)
        parts += [f"## Rate of others at {base}'s quality", "",
                  f"Rate divided by that of {base} at the same PSNR: above 1,"
                  " the other codec needs more.", "", common.table(
                      ["codec"] + [f"{d} dB" for d in at], rows), ""]
    return parts


def report(data, out):
    curves, made = data["curves"], data["commands"]
    names = list(curves)
    parts = [f"{data['count']} pictures. Bits of whole files; every measure"
             " is the mean over the pictures.", ""]
    parts += rate_tables(curves, data["points"])
    if data["targets"]:
        parts += target_tables(curves)
    parts += comparison_tables(curves) + ["## Every point", ""]
    for name in names:
        parts += [f"### {name}", "", common.table(
            ["quality", "bpp", "dB", "MS-SSIM", "features"],
            [[p["quality"], "%.4f" % p["bpp"], "%.2f" % p["psnr"],
              common.cell(p.get("ms_ssim"), "%.4f"),
              common.cell(p.get("features"), "%.4f")]
             for p in curves[name]]), ""]
    runs = {}
    for name in names:
        for command in made[name].split("; "):
            runs.setdefault(command, []).append(name)
    commands = [f"`{c}` ({', '.join(n)})" for c, n in runs.items()]
    common.save(out, f"Rate and quality: {data['title']}", data, parts,
                [os.path.basename(out) + ".png"], commands)


def arguments(text, out, metavar="PICTURES"):
    """What all programs take that compare codecs on pictures; text: their
    documentation."""
    head, rest = text.split("\n", 1)
    parser = argparse.ArgumentParser(
        description=head, epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", metavar=metavar)
    parser.add_argument("--build", type=os.path.abspath,
                        default=os.path.join(common.ROOT, "build"))
    parser.add_argument("--codecs", default="walloc-best,walloc-fast,"
                        "walloc-linear,avif,jpeg2000,webp,jpeg")
    parser.add_argument("--model", help="model file or name of wallocenc")
    parser.add_argument("--out", default=out,
                        help="path of the results, without suffix")
    return parser


def main():
    parser = arguments(__doc__, "rate-quality")
    parser.add_argument("--points", default="0.06,0.11,0.25,0.5,1.0,1.5",
                        help="rates of the table, bpp")
    parser.add_argument("--title", default="pictures")
    parser.add_argument("--no-features", action="store_true",
                        help="do not measure the distance in features")
    parser.add_argument("--qualities", help="settings to measure, instead of"
                        " all; with --merge the other points are kept")
    parser.add_argument("--targets", action="store_true",
                        help="compare with the project's targets (Kodak)")
    parser.add_argument("--merge", action="store_true",
                        help="keep the curves of OUT.json that this run does"
                        " not measure")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()

    paths = common.pictures_of(options.pictures)
    codecs = make_codecs(options.codecs.split(","))
    if options.qualities:
        for codec in codecs.values():
            codec.qualities = [int(q) for q in options.qualities.split(",")]
    raw = {}
    network = None
    if not options.no_features:
        try:
            network = deep_features.Network()
        except RuntimeError as why:
            print(f"no distance in features: {why}", file=sys.stderr)
    jobs = [(path, name, codec, options, network)
            for name, codec in codecs.items() for path in paths]
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
    command = common.command_line()
    commands = {name: command for name in curves}
    if options.merge and os.path.exists(options.out + ".json"):
        with open(options.out + ".json", encoding="utf-8") as file:
            before = json.load(file)
        if before["count"] == len(paths):
            if options.qualities:
                for name in set(curves) & set(before["curves"]):
                    new = {p["quality"] for p in curves[name]}
                    curves[name] = sorted(
                        curves[name] + [p for p in before["curves"][name]
                                        if p["quality"] not in new],
                        key=lambda p: p["quality"])
                    commands[name] = before["commands"][name] + "; " \
                        + command
            curves = {**before["curves"], **curves}
            commands = {**before["commands"], **commands}
    order = ["walloc-best", "walloc-fast", "walloc-linear", "avif",
             "jpeg2000", "webp", "jpeg"]
    curves = {n: curves[n] for n in sorted(
        curves, key=lambda n: (order.index(n.partition("@")[0]), n))}
    data = {"curves": curves, "count": len(paths), "title": options.title,
            "points": [float(p) for p in options.points.split(",")],
            "machine": common.machine(), "targets": options.targets,
            "commands": commands}
    plot(options.out + ".png", data)
    report(data, options.out)
    print("\n".join(rate_tables(curves, data["points"])
                    + (target_tables(curves) if options.targets else [])))


if __name__ == "__main__":
    main()
