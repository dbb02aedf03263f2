#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a task costs on latents and on decoded pixels, from coded frame to
output: time, operations and memory.

usage: task_speed.py --task NAME,TASK.onnx,PIXELS.onnx,FOLDER ...
           [--qualities 20,50,75] [--count 12] [--sizes 1920x1080]
           [--build build] [--out docs/evaluation/latent-speed]

Every NAME is measured on COUNT pictures of FOLDER, evenly spaced, coded as RGB
at each quality; and, for live use, on the first of them tiled to each of
--sizes (the network on latents alone when the PIXELS.onnx are for one size).
Networks that say what size they are for (docs/design/latent-inference.md,
"Size") get latents of large frames reduced, PIXELS.onnx all of their pixels.
PIXELS.onnx is the network of the same size that was trained on decoded pixels
(training/tasks), with one input [1, 3, height, width]; empty: none. Both ways
run one after the other on one thread, tests/benchmarks/bench_task.c.

Operations are multiply-adds, means of the pictures (at low rates some are coded
at half size, with a quarter of the latents), times are medians. Those of decoders: `linear` has one matrix per
group of channels and the lifting steps of the packet synthesis; `fast` adds
its network, 0.17 million weights per position (models/photo-1.md).
"""
import argparse
import json
import os
import tempfile

import numpy as np
from PIL import Image

import common

# multiply-adds of decoding one position, 8 x 8 pixels of RGB: matrices of 64,
# 32 and 96 channels; four lifting steps of half the samples and one scaling,
# both directions, three levels, three planes of 64 samples
LINEAR = 64 ** 2 + 32 ** 2 + 96 ** 2 + 3 * 2 * 3 * 64 * (4 * 0.5 * 2 + 1)
FAST = LINEAR + 170e3


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--task", action="append", required=True)
    p.add_argument("--qualities", default="20,50,75")
    p.add_argument("--count", type=int, default=12)
    p.add_argument("--sizes", default="1920x1080")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--build", default=os.path.join(common.ROOT, "build"))
    p.add_argument("--out", default=os.path.join(
        common.ROOT, "docs", "evaluation", "latent-speed"))
    return p.parse_args()


def tiled(picture, width, height):
    """@picture side by side with its mirror image until it is so large."""
    rgb = np.asarray(picture)
    rgb = np.concatenate([rgb, rgb[:, ::-1]], 1)
    rgb = np.concatenate([rgb, rgb[::-1]], 0)
    rows, columns = (-(-height // rgb.shape[0]), -(-width // rgb.shape[1]))
    return Image.fromarray(np.tile(rgb, (rows, columns, 1))[:height, :width])


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.walloc = os.path.join(args.build, "tools", "walloc")
        self.bench = os.path.join(args.build, "tests", "benchmarks",
                                  "bench_task")
        self.model = os.path.join(common.ROOT, "models", "photo-1.wlm")

    def encode(self, pictures, quality):
        """One file of all pictures; its path and bits per pixel."""
        path = os.path.join(self.folder, "coded.wlc")
        raw = os.path.join(self.folder, "picture.ppm")
        one = os.path.join(self.folder, "one.wlc")
        pixels = 0
        with open(path, "wb") as out:
            for picture in pictures:
                picture.save(raw)
                common.run([self.walloc, "encode", "-m", self.model, "-q",
                            str(quality), raw, one])
                pixels += picture.width * picture.height
                with open(one, "rb") as file:
                    out.write(file.read())
        return path, 8 * os.path.getsize(path) / pixels

    def measure(self, task, pixels, decoder, coded):
        command = [self.bench, "-r", str(self.args.rounds), "-d", decoder]
        if pixels:
            command += ["-p", pixels]
        return json.loads(common.run(command + [self.model, task, coded]))


def row(name, quality, bpp, decoder, result, size):
    """One line of the table."""
    latents, decoded = result["latents"], result.get("decoded")
    cells = [name, f"{size[0]}x{size[1]}", quality, f"{bpp:.3f}",
             f"{latents['entropy_ms']:.2f} + {latents['net_ms']:.2f}",
             f"{latents['macs'] / 1e6:.0f}",
             f"{latents['net_bytes'] / 2 ** 20:.1f}"]
    if decoded is None:
        return cells + ["-"] * 6
    positions = np.ceil(size[0] / 8) * np.ceil(size[1] / 8)
    macs = decoded["macs"] + positions * (FAST if decoder == "fast"
                                          else LINEAR)
    result["decoded"]["macs_with_decoding"] = macs
    return cells + [
        decoder, f"{decoded['decode_ms']:.2f} + {decoded['convert_ms']:.2f}"
        f" + {decoded['net_ms']:.2f}", f"{macs / 1e6:.0f}",
        f"{(decoded['net_bytes'] + decoded['decoder_bytes']) / 2 ** 20:.1f}",
        f"{latents['macs'] / macs:.3f}", f"{result['time_ratio']:.3f}"]


def main():
    args = arguments()
    rows, data = [], []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args, folder)
        for task in args.task:
            name, net, pixels, source = task.split(",")
            paths = common.pictures_of([source])
            paths = paths[::max(1, len(paths) // args.count)][:args.count]
            pictures = [Image.open(p).convert("RGB") for p in paths]
            pictures = [p for p in pictures if p.size == pictures[0].size]
            sets = [(pictures, ("linear", "fast"))]
            sets += [([tiled(pictures[0], *map(int, s.split("x")))],
                      ("linear",)) for s in args.sizes.split(",") if s]
            for chosen, decoders in sets:
                for quality in map(int, args.qualities.split(",")):
                    coded, bpp = bench.encode(chosen, quality)
                    for decoder in decoders if pixels else ("linear",):
                        result = bench.measure(net, pixels, decoder, coded)
                        result.update(task=name, quality=quality, bpp=bpp,
                                      decoder=decoder, size=chosen[0].size)
                        rows.append(row(name, quality, bpp, decoder, result,
                                        chosen[0].size))
                        data.append(result)
    table = common.table(
        ["task", "size", "quality", "bpp", "latents: entropy + network, ms",
         "Mops", "MiB", "decoder", "decoding + conversion + network, ms",
         "Mops", "MiB", "ratio of Mops", "ratio of time"], rows)
    common.save(args.out, "Speed of tasks on latents", {"rows": data},
                [__doc__.split("\n\n", 2)[2], table], [])


if __name__ == "__main__":
    main()
