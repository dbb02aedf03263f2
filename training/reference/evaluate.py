#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rate and quality of a reference model on pictures, through the elements.

    python3 -m reference.evaluate MODEL FOLDER [--build DIR] [--json OUT]

run in training/. Encodes every picture of FOLDER with wallocenc, decodes it
with every decoder that the model has, and prints bits of whole files per
pixel and PSNR of 8-bit RGB, as means over pictures.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
sys.path.insert(0, str(ROOT / "training"))

import common                                                   # noqa: E402
import metrics                                                  # noqa: E402
import walloc_model                                             # noqa: E402


def launch(line, build):
    """Runs gst-launch-1.0 with the plugin of a build tree."""
    subprocess.run(["gst-launch-1.0", "-q"] + line.split(), check=True,
                   env=common.devenv(build), stdin=subprocess.DEVNULL)


def code(path, model, decoders, build, folder):
    """(bits per pixel, {decoder: dB}) of one picture."""
    picture = np.array(Image.open(path).convert("RGB"))
    height, width = picture.shape[:2]
    coded = os.path.join(folder, "picture.wlc")
    raw = os.path.join(folder, "picture.raw")
    launch(f"filesrc location={path} ! pngdec ! videoconvert ! "
           f"video/x-raw,format=RGB ! wallocenc model-file={model} "
           f"snapshot=true ! filesink location={coded}", build)
    quality = {}
    for decoder in decoders:
        launch(f"filesrc location={coded} ! wallocparse ! wallocdec "
               f"model-file={model} decoder={decoder} ! videoconvert ! "
               f"video/x-raw,format=RGB ! filesink location={raw}", build)
        back = np.fromfile(raw, np.uint8).reshape(height, -1)
        back = back[:, :3 * width].reshape(height, width, 3)
        quality[decoder] = metrics.psnr(picture, back)
    return 8 * os.path.getsize(coded) / (width * height), quality


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    names = walloc_model.load(options.model)[0]
    decoders = ["linear"] + [name for name in ("fast", "best")
                             if f"decoder.{name}.onnx" in names]
    rates, quality = [], {name: [] for name in decoders}
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(options.folder.glob("*.png")):
            rate, decibels = code(path, options.model.resolve(), decoders,
                                  options.build, folder)
            rates.append(rate)
            for name in decoders:
                quality[name].append(decibels[name])
    if not rates:
        sys.exit(f"{options.folder}: no .png files")
    result = {"pictures": len(rates), "bpp": float(np.mean(rates)),
              "psnr": {k: float(np.mean(v)) for k, v in quality.items()}}
    print(json.dumps(result))
    if options.json:
        options.json.write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
