#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes tests/golden/published: a model converted from a checkpoint of
random weights with the published keys, and what PyTorch makes of a picture.

    python3 -m reference.golden ../tests/golden/published [--width 768]

run in training/. Files: published-test.wlm; picture.rgb (72 x 56, 8 bit);
latents.s8 [12][7][9]; coefficients.f32 [192][7][9]; picture.f32 and
linear.f32 [3][56][72] in -0.5 .. 0.5, before the clamp; little-endian.
"""

import argparse
import collections
import json
import pathlib
import sys
import tempfile

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import convert_published                                        # noqa: E402
import walloc_model                                             # noqa: E402
from reference import companding                                # noqa: E402
from reference.nets import PublishedDecoder                     # noqa: E402
from reference.wpt import Packet                                # noqa: E402

CHANNELS, BITS, WIDTH, HEIGHT = 12, 8, 72, 56


class Config:
    """Published checkpoints carry an object of a class of this name."""


def random_checkpoint(path, width, seed=7, channels=CHANNELS, old=False):
    """A checkpoint and its .json as published, with random weights that
    make use of all latents and let the attention matter."""
    torch.manual_seed(seed)
    encoder = torch.nn.Conv2d(192, channels, 1)
    network = PublishedDecoder(channels, width, 192)
    with torch.no_grad():
        encoder.weight.mul_(120)
        encoder.bias.mul_(200)
        network.conv_in.weight.div_(30)
        network.mid_block.attentions[0].to_q.weight.mul_(4)
        network.mid_block.attentions[0].to_k.weight.mul_(4)
        network.mid_block.attentions[0].to_v.weight.mul_(4)
        network.conv_out.weight.mul_(0.3)
    state = collections.OrderedDict()
    state["wt.h0_col"] = torch.zeros(1, 1, 10, 1)
    state["encoder.0.weight"] = encoder.weight
    state["encoder.0.bias"] = encoder.bias
    for key, value in network.state_dict().items():
        if old and "attentions" in key:
            for new_name in ("to_q", "to_k", "to_v", "to_out.0"):
                was = {v: k for k, v in
                       convert_published.OLD_NAMES.items()}[new_name]
                key = key.replace(new_name, was)
        state["decoder.1." + key] = value
    config = Config()
    torch.save({"model_state_dict": state, "config": config}, path)
    path.with_suffix(".json").write_text(json.dumps({
        "channels": 3, "J": 3, "Ne": 0, "Nd": width, "latent_dim": channels,
        "latent_bits": BITS, "lightweight_encode": True,
        "post_filter": False}))
    return encoder, network.eval()


def test_picture(seed):
    """uint8 [HEIGHT, WIDTH, 3]: gradients, an edge, texture, noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    picture = np.stack([110 + 70 * np.sin(x / 13 + y / 31 + c)
                        + 40 * (x + 2 * y > 90 + 5 * c) for c in range(3)], 2)
    picture += 12 * np.sin(x * y / 17)[..., None]
    picture += random.normal(0, 6, picture.shape)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def reference(encoder, network, picture):
    """(latents, coefficients, samples, greatest distance of a latent from
    its integer), computed by PyTorch in float."""
    x = torch.from_numpy(picture.transpose(2, 0, 1).copy())[None].float()
    packet = Packet(3)
    with torch.no_grad():
        latent = encoder(packet.analyse(x / 255 - 0.5))
        uniform = companding.to_uniform(latent, BITS)
        rounded = torch.round(uniform)
        margin = float((uniform - rounded).abs().max())
        coefficients = network(companding.to_normal(rounded, BITS))
        samples = packet.synthesise(coefficients)
    return rounded[0], coefficients[0], samples[0], margin


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--width", type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "published_test.pth"
        encoder, network = random_checkpoint(path, options.width)
        tensors, info, loaded = convert_published.convert(
            path, path.with_suffix(".json"))
    info["walloc.licence"] = "LGPL-2.1-or-later"
    info["walloc.card"] = "Random weights; for tests. reference/golden.py."
    info["walloc.source"] = "random weights"
    walloc_model.save(options.folder / "published-test.wlm", tensors, info)

    # A latent on the edge between two integers would be a matter of luck.
    for seed in range(100):
        picture = test_picture(seed)
        latents, coefficients, samples, margin = reference(encoder, network,
                                                           picture)
        if margin < 0.4995:
            break
    else:
        raise SystemExit("no picture without latents on an edge")
    with torch.no_grad():
        value = companding.to_normal(latents, BITS)
        if not torch.equal(loaded(value[None])[0], coefficients):
            raise SystemExit("the converter changed the network")
        linear = torch.einsum(
            "od,dhw->ohw", torch.from_numpy(tensors["decoder.linear"]), value)
        linear += torch.from_numpy(
            tensors["decoder.linear.bias"])[:, None, None]
        linear = Packet(3).synthesise(linear[None])[0]
        # What would be missed if the attention were left out.
        without = PublishedDecoder(CHANNELS, options.width, 192)
        without.load_state_dict(network.state_dict())
        without.mid_block.attentions[0] = torch.nn.Identity()
        change = (without(value[None])[0] - coefficients).abs()
    print(f"latents {int(latents.min())} to {int(latents.max())}, "
          f"deviation {float(latents.std()):.1f}; coefficients deviation "
          f"{float(coefficients.std()):.3f}; samples {float(samples.min()):.2f}"
          f" to {float(samples.max()):.2f}; without attention coefficients "
          f"differ by {float(change.mean()):.4f} on average")

    def write(name, data, kind):
        data = np.ascontiguousarray(data)
        (options.folder / name).write_bytes(data.astype(kind).tobytes())
    write("picture.rgb", picture, "u1")
    write("latents.s8", latents.numpy(), "i1")
    write("coefficients.f32", coefficients.numpy(), "<f4")
    write("picture.f32", samples.numpy(), "<f4")
    write("linear.f32", linear.numpy(), "<f4")


if __name__ == "__main__":
    main()
