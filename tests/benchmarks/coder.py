#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Size and speed of the latent coder, beside lossless WebP.

usage: coder.py [options] PICTURES...   (files or folders)

The reference model's 8-bit, 12-channel latents of every picture go through
the latent coder and, packed into pictures as the published codec does, through
libwebp (lossless, method 4); then the ordered model's latents at several
qualities and numbers of channels through the latent coder alone. Both again
for sheets of four pictures: these have several slices, of which the decoder
takes two at once, where a small picture has one. bench_coder
does it in one thread; times are processor time, medians of many runs, all in
one run of this script. Writes OUT.json, OUT.md and OUT.png.
"""
import argparse
import json
import os
import statistics
import tempfile

from PIL import Image

import common

POINTS = ((80, 0), (75, 0), (65, 0), (50, 0), (35, 0), (25, 0), (20, 0),
          (50, 12), (50, 48))


def measure(build, model, quality, channels, seconds, files):
    tool = os.path.join(build, "tests/benchmarks/bench_coder")
    text = common.run([tool, model, str(quality), str(channels), str(seconds),
                       *files])
    return [json.loads(line) for line in text.splitlines()]


def share(rows, a, b):
    return sum(r[a] for r in rows) / sum(r[b] for r in rows)


def reference_part(rows):
    """Table of the comparison with WebP, and its figures."""
    names = [os.path.splitext(os.path.basename(r["file"]))[0] for r in rows]
    table = [[n, str(r["bytes"]), str(r["webp_bytes"]),
              "%.1f %%" % (100 * (1 - r["bytes"] / r["webp_bytes"])),
              "%.0f" % (r["webp_encode"] / r["encode"]),
              "%.2f" % (r["webp_decode"] / r["decode"])]
             for n, r in zip(names, rows)]
    figures = {
        "smaller": 1 - share(rows, "bytes", "webp_bytes"),
        "encode": share(rows, "webp_encode", "encode"),
        "decode": share(rows, "webp_decode", "decode"),
        "bits_per_latent": 8 * share(rows, "bytes", "latents"),
        "encode_msymbol": share(rows, "latents", "encode") / 1e6,
        "decode_msymbol": share(rows, "latents", "decode") / 1e6,
        "webp_encode_msymbol": share(rows, "latents", "webp_encode") / 1e6,
        "webp_decode_msymbol": share(rows, "latents", "webp_decode") / 1e6}
    text = ("All together: %.1f %% smaller than lossless WebP, encoded %.0f "
            "times as fast (%.0f Msymbol/s against %.1f), decoded %.2f times "
            "as fast (%.0f against %.0f). %.2f bits per latent." % (
                100 * figures["smaller"], figures["encode"],
                figures["encode_msymbol"], figures["webp_encode_msymbol"],
                figures["decode"], figures["decode_msymbol"],
                figures["webp_decode_msymbol"], figures["bits_per_latent"]))
    return [text, "", common.table(
        ["picture", "bytes", "WebP", "smaller by", "encoding, times WebP's",
         "decoding, times WebP's"], table)], figures


def ordered_row(quality, channels, rows):
    pixels = sum(r["pixels"] for r in rows)
    return {
        "quality": quality, "channels": rows[0]["channels"],
        "bpp": 8 * sum(r["bytes"] for r in rows) / pixels,
        "bits_per_latent": 8 * share(rows, "bytes", "latents"),
        "encode_msymbol": share(rows, "latents", "encode") / 1e6,
        "decode_msymbol": share(rows, "latents", "decode") / 1e6,
        "encode_ns_pixel": 1e9 * sum(r["encode"] for r in rows) / pixels,
        "decode_ns_pixel": 1e9 * sum(r["decode"] for r in rows) / pixels}


def sheets_of(files, folder):
    """Every four pictures of one size, in the order given, as one."""
    sheets, same = [], {}
    for path in files:
        same.setdefault(Image.open(path).size, []).append(path)
    for (width, height), paths in sorted(same.items()):
        for i in range(0, len(paths) - 3, 4):
            sheet = Image.new("RGB", (2 * width, 2 * height))
            for k, path in enumerate(paths[i:i + 4]):
                sheet.paste(Image.open(path),
                            (k % 2 * width, k // 2 * height))
            sheets.append(os.path.join(folder, "sheet%d.ppm" % len(sheets)))
            sheet.save(sheets[-1])
    return sheets


def sheet_row(name, quality, rows):
    return {
        "model": name, "quality": quality, "channels": rows[0]["channels"],
        "encode_msymbol": share(rows, "latents", "encode") / 1e6,
        "decode_msymbol": share(rows, "latents", "decode") / 1e6,
        "encode": share(rows, "webp_encode", "encode")
        if "webp_encode" in rows[0] else None,
        "decode": share(rows, "webp_decode", "decode")
        if "webp_decode" in rows[0] else None}


def sheet_part(rows):
    return ["", "## Sheets of four pictures", "", common.table(
        ["model", "quality", "channels", "encoding", "decoding",
         "encoding, times WebP's", "decoding"],
        [[r["model"], str(r["quality"]), str(r["channels"]),
          "%.0f Msymbol/s" % r["encode_msymbol"],
          "%.0f Msymbol/s" % r["decode_msymbol"],
          "" if r["encode"] is None else "%.0f" % r["encode"],
          "" if r["decode"] is None else "%.2f" % r["decode"]]
         for r in rows])]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("pictures", nargs="+")
    p.add_argument("--build", default=os.path.join(common.ROOT, "build"))
    p.add_argument("--models", default=os.path.join(common.ROOT, "models"))
    p.add_argument("--seconds", type=float, default=0.1,
                   help="processor time for each median")
    p.add_argument("--out", default="coder")
    args = p.parse_args()
    load = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for path in common.pictures_of(args.pictures):
            name = os.path.splitext(os.path.basename(path))[0] + ".ppm"
            files.append(os.path.join(folder, name))
            Image.open(path).convert("RGB").save(files[-1])
        rows = measure(args.build, os.path.join(args.models,
                                                "reference-12.wlm"),
                       50, 12, args.seconds, files)
        ordered = [ordered_row(q, c, measure(
            args.build, os.path.join(args.models, "photo-1.wlm"), q, c,
            args.seconds, files)) for q, c in POINTS]
        sheets = sheets_of(files, folder)
        large = [sheet_row(name, q, measure(
            args.build, os.path.join(args.models, name + ".wlm"), q, c,
            args.seconds, sheets)) for name, q, c in
            [("reference-12", 50, 12)] + [("photo-1", q, c)
                                          for q, c in POINTS]
            if sheets]
    load.append(os.getloadavg()[0])
    parts, figures = [], {}
    if "webp_bytes" in rows[0]:
        parts, figures = reference_part(rows)
        parts = ["## reference-12, beside lossless WebP", ""] + parts
    else:
        print("bench_coder was built without libwebp: nothing beside it")
    for r in rows:
        r["file"] = os.path.basename(r["file"])
    parts += ["", "## photo-1", "", common.table(
        ["quality", "channels", "bpp", "bits per latent", "encoding",
         "decoding", "encoding, ns per pixel", "decoding"],
        [[str(r["quality"]), str(r["channels"]), "%.3f" % r["bpp"],
          "%.3f" % r["bits_per_latent"],
          "%.0f Msymbol/s" % r["encode_msymbol"],
          "%.0f Msymbol/s" % r["decode_msymbol"],
          "%.2f" % r["encode_ns_pixel"], "%.2f" % r["decode_ns_pixel"]]
         for r in ordered]), "",
        "Segments alone, without headers. Channels are those of the first "
        "picture. Median encoding speed over the rows: %.0f Msymbol/s." %
        statistics.median(r["encode_msymbol"] for r in ordered)]
    if large:
        parts += sheet_part(large)
    parts += ["", "Load of the machine before and after: %.1f, %.1f." %
              tuple(load)]
    print("\n".join(parts))
    plots = []
    if figures and common.plot_module() is not None:
        plots.append(os.path.basename(args.out) + ".png")
        common.plot_bars(args.out + ".png", {
            "size": {"walloc": 1 - figures["smaller"], "WebP": 1},
            "encoding speed": {"walloc": figures["encode"], "WebP": 1},
            "decoding speed": {"walloc": figures["decode"], "WebP": 1}},
            "times lossless WebP's", line=1)
    common.save(args.out, "Latent coder", {
        "reference": rows, "summary": figures, "ordered": ordered,
        "sheets": large, "load": load}, parts,
        plots)


if __name__ == "__main__":
    main()
