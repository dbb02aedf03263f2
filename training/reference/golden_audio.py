#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes tests/golden/published-sound: a model converted from an audio
checkpoint of random weights with the published keys, and what PyTorch makes of
a clip with the checkpoint's own weights.

    python3 -m reference.golden_audio ../tests/golden/published-sound

run in training/. Files: published-sound-test.wlm; clip.s16 [1792][2];
latents.s8 [12][7]; coefficients.f32 [512][7]; samples.f32 and linear.f32
[2][1792] in -0.5 .. 0.5; little-endian. The forward pass here is written out
from the keys, apart from reference/oobleck.py.
"""

import argparse
import collections
import json
import pathlib
import sys
import tempfile

import numpy as np
import pywt
import torch
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import convert_published                                        # noqa: E402
import walloc_model                                             # noqa: E402
from golden_transform import WAVELET, packet                    # noqa: E402
from reference import companding                                # noqa: E402

CHANNELS, BITS, COLUMNS, BANDS = 12, 8, 7, 256
LENGTH = COLUMNS * BANDS


class Config:
    """Published checkpoints carry an object of a class of this name."""


def _normed(state, name, shape, gain, transposed=False, bias=True):
    """Magnitude, direction and bias of a layer with weight norm."""
    v = torch.randn(shape)
    inputs = v[0].numel() if not transposed else v.numel() / shape[1]
    state[name + ".weight_g"] = gain * (0.7 + 0.6 * torch.rand(
        (shape[0], 1, 1))) * (v[0].numel() / inputs) ** 0.5
    state[name + ".weight_v"] = v * (0.5 + torch.rand(()))
    if bias:
        state[name + ".bias"] = 0.1 * torch.randn(
            shape[1] if transposed else shape[0])


def _snake(state, name, width):
    state[name + ".alpha"] = 0.5 * torch.randn(1, width, 1)
    state[name + ".beta"] = 0.5 * torch.randn(1, width, 1)


def decoder_parameters(latent_dim, width, outputs=2 * BANDS):
    """Random parameters with the published names."""
    state = collections.OrderedDict()
    _normed(state, "conv1", (width, latent_dim, 7), 0.03)
    for index, (inputs, out) in enumerate(((width, width),
                                           (width, latent_dim))):
        at = f"block.{index}."
        _snake(state, at + "snake1", inputs)
        _normed(state, at + "conv_t1", (inputs, out, 2), 1, transposed=True)
        for unit in (1, 2, 3):
            name = f"{at}res_unit{unit}."
            _snake(state, name + "snake1", out)
            _normed(state, name + "conv1", (out, out, 7), 0.6)
            _snake(state, name + "snake2", out)
            _normed(state, name + "conv2", (out, out, 1), 0.6)
    _snake(state, "snake1", latent_dim)
    _normed(state, "conv2", (outputs, latent_dim, 7), 0.06, bias=False)
    return state


def random_checkpoint(path, width, seed=11, channels=CHANNELS, newer=False):
    """A checkpoint and its .json as published; newer: names of later versions
    of PyTorch's weight norm. Returns its state dict."""
    torch.manual_seed(seed)
    state = collections.OrderedDict()
    state["wt.h0"] = torch.zeros(1, 1, 10)
    state["encoder.0.weight"] = torch.randn(channels, 2 * BANDS, 1) * 9
    state["encoder.0.bias"] = torch.randn(channels) * 30
    state.update({"decoder.1." + key: value for key, value in
                  decoder_parameters(channels, width).items()})
    state["post.weight"] = 0.03 * torch.randn(2, 2, 129)
    state["post.weight"][[0, 1], [0, 1], 64] += 0.8
    state["post.bias"] = torch.tensor([0.01, -0.02])
    stored = state
    if newer:
        stored = collections.OrderedDict(
            (k.replace(".weight_g", ".parametrizations.weight.original0")
             .replace(".weight_v", ".parametrizations.weight.original1"), v)
            for k, v in state.items())
    torch.save({"model_state_dict": stored, "config": Config()}, path)
    path.with_suffix(".json").write_text(json.dumps({
        "channels": 2, "J": 8, "latent_dim": channels, "latent_bits": BITS,
        "lightweight_encode": True, "post_filter": True}))
    return state


def network(state, latent):
    """The decoder network from a checkpoint's keys, [1, D, n + 2]."""
    def weight(name):
        return torch._weight_norm(state[f"decoder.1.{name}.weight_v"],
                                  state[f"decoder.1.{name}.weight_g"], 0)

    def bias(name):
        return state.get(f"decoder.1.{name}.bias")

    def snake(x, name):
        a = state[f"decoder.1.{name}.alpha"].exp()
        b = state[f"decoder.1.{name}.beta"].exp()
        return x + (1 / (b + 1e-9)) * torch.sin(a * x) ** 2

    def conv(x, name, padding, dilation=1):
        return F.conv1d(x, weight(name), bias(name), padding=padding,
                        dilation=dilation)
    x = conv(latent, "conv1", 3)
    for index in (0, 1):
        at = f"block.{index}."
        x = F.conv_transpose1d(snake(x, at + "snake1"), weight(at + "conv_t1"),
                               bias(at + "conv_t1"), padding=1)
        for unit, dilation in ((1, 1), (2, 3), (3, 9)):
            name = f"{at}res_unit{unit}."
            y = conv(snake(x, name + "snake1"), name + "conv1", 3 * dilation,
                     dilation)
            x = x + conv(snake(y, name + "snake2"), name + "conv2", 0)
    return conv(snake(x, "snake1"), "conv2", 3)


def clip(seed):
    """int16 [LENGTH, 2]: tones and noise."""
    random = np.random.default_rng(seed)
    t = np.arange(LENGTH)
    x = np.stack([5000 * np.sin(t * 0.03) + 2000 * np.sin(t * t * 3e-5),
                  4000 * np.sin(t * 0.05 + 1)], 1)
    x += random.normal(0, 500, x.shape) - 90
    return np.rint(x).astype(np.int16)


def analyse(x):
    """Coefficients [1, 512, COLUMNS] as the published code has them, with
    double precision where C has it too."""
    x = x.astype(np.float64)
    mean = np.float64(np.float32(x.mean()))
    peak = np.float64(np.float32(np.abs(x - mean).max()))
    y = ((x - mean) / (2 * peak)).T
    return torch.from_numpy(np.concatenate([packet(s, 8, 0) for s in y]))[None]


def synthesise(coefficients):
    """[1, 512, COLUMNS] -> [1, 2, LENGTH]."""
    out = []
    for bands in coefficients[0].double().numpy().reshape(2, BANDS, -1):
        bands = list(bands)
        while len(bands) > 1:
            bands = [pywt.idwt(low, high, WAVELET, mode="periodization")
                     for low, high in zip(bands[::2], bands[1::2])]
        out.append(bands[0])
    return torch.from_numpy(np.stack(out))[None]


def reference(state, x):
    """(companded latents with both ends, coefficients, samples)."""
    state = {k: v.double() for k, v in state.items()}
    latent = F.conv1d(analyse(x), state["encoder.0.weight"],
                      state["encoder.0.bias"], padding=1)
    uniform = companding.to_uniform(latent, BITS)
    coefficients = network(state, companding.to_normal(uniform.round(), BITS))
    samples = F.conv1d(synthesise(coefficients), state["post.weight"],
                       state["post.bias"], padding=64)
    return uniform[0], coefficients[0], samples[0].clamp(-0.5, 0.5)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--width", type=int, default=24)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "published_sound_test.pth"
        state = random_checkpoint(path, options.width)
        tensors, info, loaded = convert_published.convert(
            path, path.with_suffix(".json"))
    info["walloc.licence"] = "LGPL-2.1-or-later"
    info["walloc.card"] = "Random weights; for tests. reference/golden_audio.py."
    info["walloc.source"] = "random weights"
    walloc_model.save(options.folder / "published-sound-test.wlm", tensors,
                      info)

    # A latent on the edge between two integers would be a matter of luck.
    for seed in range(100):
        x = clip(seed)
        uniform, coefficients, samples = reference(state, x)
        if float((uniform - uniform.round()).abs().max()) < 0.4995:
            break
    else:
        raise SystemExit("no clip without latents on an edge")
    value = companding.to_normal(uniform.round(), BITS)
    far = (loaded(value[None].float())[0] - coefficients).abs().max()
    if far > 1e-4:
        raise SystemExit(f"the converter changed the network ({far:.1e})")
    linear = torch.einsum("od,dt->ot", torch.from_numpy(
        tensors["decoder.linear"]).double(), value[:, 1:-1])
    linear += torch.from_numpy(tensors["decoder.linear.bias"])[:, None]
    linear = synthesise(linear[None])[0].clamp(-0.5, 0.5)
    without = network({k: v.double() for k, v in state.items()}, torch.cat(
        [value[:, 1:2] * 0, value[:, 1:-1], value[:, 1:2] * 0], 1)[None])[0]
    print(f"latents {int(uniform.min())} to {int(uniform.max())}, deviation "
          f"{float(uniform.std()):.1f}; coefficients deviation "
          f"{float(coefficients.std()):.3f}; samples {float(samples.min()):.2f}"
          f" to {float(samples.max()):.2f}, deviation {float(samples.std()):.3f}"
          "; without the ends coefficients differ by "
          f"{float((without - coefficients).abs().mean()):.4f} on average")

    def write(name, data, kind):
        data = np.ascontiguousarray(data)
        (options.folder / name).write_bytes(data.astype(kind).tobytes())
    write("clip.s16", x, "<i2")
    write("latents.s8", uniform.round()[:, 1:-1].numpy(), "i1")
    write("coefficients.f32", coefficients.numpy(), "<f4")
    write("samples.f32", samples.numpy(), "<f4")
    write("linear.f32", linear.numpy(), "<f4")


if __name__ == "__main__":
    main()
