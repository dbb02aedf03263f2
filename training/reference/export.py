#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a checkpoint of reference.train to a model file and its curve.

    python3 -m reference.export RUN --data SET --out ../models/reference-12

run in training/. RUN holds checkpoint.pt and curve.json of reference.train.
Writes OUT.wlm, OUT.json (the curve) and OUT.png. Context tables are fitted
to the latents of training crops; --kodak FOLDER adds PSNR on its pictures to
OUT.json, of both decoders, before rounding to 8 bits.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import walloc_model                                             # noqa: E402
from reference import assemble, companding                      # noqa: E402
from reference.nets import SmallDecoder                         # noqa: E402
from reference.wpt import Packet                                # noqa: E402

LEVELS = 3
CARD = ("models/reference.md: architecture of the published WaLLoC codec, "
        "trained from scratch on freely licensed photographs")


def latents_of(pictures, weight, bias, bits):
    """Rounded latents [N, D, h, w] of pictures [N, 3, H, W] in -0.5..0.5."""
    x = Packet(LEVELS).analyse(pictures)
    latent = torch.nn.functional.conv2d(x, weight[:, :, None, None], bias)
    return torch.round(companding.to_uniform(latent, bits))


def crops_of(path, count):
    """count crops spread over a file, as [N, 3, 256, 256] in -0.5..0.5."""
    crops = np.load(path, mmap_mode="r")
    picks = np.linspace(0, len(crops) - 1, min(count, len(crops))).astype(int)
    batch = np.stack([crops[i].transpose(2, 0, 1) for i in picks])
    return torch.from_numpy(batch).float() / 255 - 0.5


def decibels(folder, state, network):
    """Mean PSNR on a folder of pictures: {"linear": dB, "fast": dB}."""
    from PIL import Image
    out = {"linear": [], "fast": []}
    packet = Packet(LEVELS)
    for path in sorted(pathlib.Path(folder).glob("*.png")):
        picture = np.array(Image.open(path).convert("RGB"))
        height, width = picture.shape[:2]
        picture = np.pad(picture, ((0, -height % 8), (0, -width % 8), (0, 0)),
                         "edge")
        x = torch.from_numpy(picture.transpose(2, 0, 1).copy())[None]
        x = x.float() / 255 - 0.5
        z = companding.to_normal(latents_of(
            x, state["encoder.weight"], state["encoder.bias"],
            state["bits"]), state["bits"])
        linear = torch.nn.functional.conv2d(
            z, state["linear.weight"][:, :, None, None],
            state["linear.bias"])
        for name, y in (("linear", linear), ("fast", network(z))):
            y = packet.synthesise(y).clamp(-0.5, 0.5)
            error = (x - y)[:, :, :height, :width]
            out[name].append(-10 * torch.log10((error ** 2).mean()).item())
    return {name: sum(values) / len(values) for name, values in out.items()}


def plot(curve, path, title):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(6, 3.6))
    train = np.array(curve["train"])
    val = np.array(curve["val"])
    if len(train):
        axes.plot(train[:, 0], train[:, 2],
                  label="training batches (running mean)")
    axes.plot(val[:, 0], val[:, 2], marker=".",
              label="validation crops, rounded latents")
    axes.set(xlabel="step", ylabel="PSNR, dB", title=title)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--crops", type=int, default=300)
    parser.add_argument("--kodak", type=pathlib.Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    # A file that reference.train wrote on this machine, not a foreign one.
    state = torch.load(options.run / "checkpoint.pt", map_location="cpu")
    curve = json.loads((options.run / "curve.json").read_text())
    channels = state["channels"]
    network = SmallDecoder(channels, state["width"], state["blocks"], 192)
    network.load_state_dict(state["decoder"])
    network.eval()
    if options.kodak:
        curve["kodak_psnr"] = decibels(options.kodak, state, network)
        print(curve["kodak_psnr"])
    name = options.out.name
    blob = assemble.export_onnx(network.fold(), channels)
    crops = crops_of(options.data / "crops_train.npy", options.crops)
    latents = latents_of(crops, state["encoder.weight"],
                         state["encoder.bias"], state["bits"])
    tables, cost = assemble.fitted_contexts(latents.int().numpy())
    curve["train_crops_bpp"] = cost / 4 ** LEVELS
    tensors = assemble.tensors(
        state["encoder.weight"].numpy(), state["encoder.bias"].numpy(),
        state["linear.weight"].numpy(), state["linear.bias"].numpy(), tables,
        {"fast": blob})
    info = assemble.metadata(name, state["bits"],
                             licence="LGPL-2.1-or-later", card=CARD)
    number = walloc_model.save(str(options.out) + ".wlm", tensors, info)
    print(f"{name}: id {number:016x}, network {len(blob)} bytes, "
          f"{curve['train_crops_bpp']:.3f} bits per pixel on training crops")
    options.out.with_name(name + ".json").write_text(
        json.dumps(curve, indent=None) + "\n")
    plot(curve, options.out.with_name(name + ".png"), name)


if __name__ == "__main__":
    main()
