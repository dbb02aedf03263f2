#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains a model of kind reference: periodic packet, 1x1 convolution, fixed
Gaussian companding at 8 bits, small convolutional decoder.

    python3 -m reference.train --channels 12 --data SET --out DIR
        [--device cuda] [--seconds 1500]

run in training/. SET holds crops_train.npy and crops_val.npy (uint8 [N, 256,
256, 3]). The loss is the mean over crops of the logarithm of their squared
error, so that it is PSNR that is raised and smooth pictures count as much as
busy ones (the published recipe takes the plain mean: --loss mse). Phase one:
encoder and decoder with uniform noise. Phase two, which the published recipe
lacks: the decoder alone on rounded latents. DIR gets checkpoint.pt and
curve.json; reference.export makes the model file of them.
"""

import argparse
import json
import math
import pathlib
import time

import numpy as np
import torch
from torch import nn

from reference import companding
from reference.nets import SmallDecoder
from reference.wpt import Packet, inverse_matrix

LEVELS = 3
INPUTS = 3 * 4 ** LEVELS
BITS = 8
# Latents of a 256-pixel crop whose filters do not reach the wrapped border.
BORDER = 4


def synthesis_gain():
    """Norm of every channel's synthesis function [INPUTS]: how much an error
    in a coefficient weighs in the picture."""
    n = 64
    columns = inverse_matrix(n, LEVELS)
    side = 1 << LEVELS
    middle = n // side // 2
    norms = [np.linalg.norm(columns[:, band * (n // side) + middle])
             for band in range(side)]
    gain = np.zeros(4 ** LEVELS)
    for index in range(4 ** LEVELS):
        along_w = along_h = 0
        for level in range(LEVELS):
            digit = index >> 2 * (LEVELS - 1 - level) & 3
            along_w = 2 * along_w + (digit >> 1)
            along_h = 2 * along_h + (digit & 1)
        gain[index] = norms[along_w] * norms[along_h]
    return np.tile(gain, 3)


class Batches:
    """Random crops, mirrored, turned and moved, as packet coefficients."""

    def __init__(self, path, device, seed):
        self.crops = np.load(path, mmap_mode="r")
        self.device = device
        self.random = np.random.default_rng(seed)
        self.packet = Packet(LEVELS)

    def pictures(self, count):
        """count pictures [count, 3, 256, 256] in -0.5 .. 0.5."""
        out = []
        for index in self.random.integers(0, len(self.crops), count):
            crop = np.rot90(self.crops[index], self.random.integers(4))
            if self.random.integers(2):
                crop = crop[:, ::-1]
            # Less than a block: other phases of the transform. The seam that
            # the roll moves stays within the border that is cut off.
            crop = np.roll(crop, tuple(self.random.integers(0, 8, 2)), (0, 1))
            out.append(crop.transpose(2, 0, 1))
        batch = torch.as_tensor(np.stack(out), device=self.device)
        return batch.float() / 255 - 0.5

    def coefficients(self, count):
        """[count, INPUTS, 24, 24], without the border."""
        x = self.packet.analyse(self.pictures(count))
        return x[:, :, BORDER:-BORDER, BORDER:-BORDER].contiguous()


class Encoder(nn.Module):
    """1x1 convolution, kept as unit directions times one fixed gain on
    weighted, centred coefficients. The gain decides how coarse the rounding
    is and so the rate. The loss knows no rate and would only raise it; with
    one gain for all channels, all are rounded equally as seen in the
    picture, which is where a rate term would lead."""

    def __init__(self, directions, gain, weights, means):
        super().__init__()
        self.directions = nn.Parameter(directions)
        self.offset = nn.Parameter(torch.zeros(len(directions)))
        self.register_buffer("gain", gain)
        self.register_buffer("weights", weights)
        self.register_buffer("means", means)

    def plain(self):
        """Weight [D, INPUTS] and bias [D] of the convolution."""
        matrix = nn.functional.normalize(self.directions)
        matrix = self.gain * matrix * self.weights
        return (companding.scale(BITS) * matrix,
                companding.scale(BITS) * (self.offset - matrix @ self.means))

    def forward(self, x):
        matrix, bias = self.plain()
        return nn.functional.conv2d(x, matrix[:, :, None, None], bias)


def start_from_klt(batches, channels, gain):
    """Encoder whose rows are the strongest directions of the coefficients,
    weighted by what they do in the picture; the first one's deviation is
    `gain` times the bottleneck's scale."""
    device = batches.device
    weights = torch.as_tensor(synthesis_gain(), dtype=torch.float32,
                              device=device)
    rows = torch.cat([batches.coefficients(8).permute(0, 2, 3, 1)
                      .reshape(-1, INPUTS) for _ in range(40)]).double()
    means = rows.mean(0)
    scaled = (rows - means) * weights
    values, vectors = torch.linalg.eigh(scaled.t() @ scaled / len(scaled))
    order = torch.argsort(values, descending=True)[:channels]
    directions = vectors[:, order].t()
    gain = gain / torch.sqrt(values[order[0]])
    return Encoder(directions.float(), gain.float(), weights,
                   means.float()).to(device)


def least_squares(encoder, batches, rounds=40):
    """Linear decoder for rounded latents: weight [INPUTS, D], bias [INPUTS],
    deviations of the latents [D] and of what the decoder misses [INPUTS]."""
    left = right = power = count = 0
    with torch.no_grad():
        for _ in range(rounds):
            x = batches.coefficients(8)
            z = quantised(encoder(x), rounded=True)
            x = x.permute(0, 2, 3, 1).reshape(-1, INPUTS).double()
            z = z.permute(0, 2, 3, 1).reshape(-1, z.shape[1]).double()
            z = torch.cat([z, torch.full_like(z[:, :1],
                                              companding.scale(BITS))], 1)
            left = left + z.t() @ z
            right = right + z.t() @ x
            power = power + (x * x).sum(0)
            count += len(x)
    solved = torch.linalg.solve(left, right).t()
    missed = power - (solved * right.t()).sum(1)
    unit = companding.scale(BITS)
    mean = left[:-1, -1] / unit / count
    deviation = torch.sqrt(torch.diagonal(left)[:-1] / count - mean * mean)
    return (solved[:, :-1].float(), solved[:, -1].float() * unit,
            deviation.float(), torch.sqrt(missed / count).float())


def quantised(latent, rounded):
    """What the decoder sees: uniform noise in training, rounding else."""
    y = companding.to_uniform(latent, BITS)
    if rounded:
        y = torch.round(y)
    else:
        y = y + torch.rand_like(y) - 0.5
    return companding.to_normal(y, BITS)


def picture_error(packet, error):
    """Mean squared error of samples, per picture, from one in
    coefficients."""
    return torch.mean(packet.synthesise(error) ** 2, (1, 2, 3))


def validate(encoder, decoder, crops, device):
    """Mean PSNR in dB of whole crops, rounded, periodic, clamped."""
    packet = Packet(LEVELS)
    decibels = []
    with torch.no_grad():
        for index in range(0, len(crops), 8):
            x = torch.as_tensor(np.ascontiguousarray(
                crops[index:index + 8].transpose(0, 3, 1, 2)), device=device)
            x = x.float() / 255 - 0.5
            z = quantised(encoder(packet.analyse(x)), rounded=True)
            y = packet.synthesise(decoder(z)).clamp(-0.5, 0.5)
            mse = ((x - y) ** 2).mean((1, 2, 3))
            decibels += (-10 * torch.log10(mse)).tolist()
    return sum(decibels) / len(decibels)


def keep(path, encoder, decoder, batches, options, step):
    """Writes a checkpoint for reference.export, linear decoder included."""
    with torch.no_grad():
        weight, bias = encoder.plain()
    linear_weight, linear_bias = least_squares(encoder, batches, 60)[:2]
    torch.save({"encoder.weight": weight.cpu(), "encoder.bias": bias.cpu(),
                "linear.weight": linear_weight.cpu(),
                "linear.bias": linear_bias.cpu(),
                "decoder": {k: v.cpu()
                            for k, v in decoder.state_dict().items()},
                "channels": options.channels, "width": options.width,
                "blocks": options.blocks, "bits": BITS, "step": step}, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--channels", type=int, default=12)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=1500,
                        help="wall-clock budget; the schedule follows it")
    parser.add_argument("--steps", type=int, default=0,
                        help="fixed number of steps instead of --seconds")
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--rate", type=float, default=7e-4)
    parser.add_argument("--loss", choices=("log", "mse"), default="log")
    parser.add_argument("--joint", type=float, default=0.3,
                        help="share of the steps in phase one")
    parser.add_argument("--gain", type=float, default=1.0,
                        help="deviation of the first latents in units of "
                        "the bottleneck's scale")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)

    device = torch.device(options.device)
    batches = Batches(options.data / "crops_train.npy", device, options.seed)
    # Another stream of crops: keeping a checkpoint must not change training.
    for_linear = Batches(options.data / "crops_train.npy", device,
                         options.seed + 1)
    held_out = np.load(options.data / "crops_val.npy", mmap_mode="r")[::5]
    encoder = start_from_klt(batches, options.channels, options.gain)
    decoder = SmallDecoder(options.channels, options.width, options.blocks,
                           INPUTS).to(device)
    decoder.begin(*least_squares(encoder, batches))
    packet = Packet(LEVELS)

    # Encoder and linear decoder start almost right: with the network's rate
    # they would only tremble.
    linear = list(decoder.linear.parameters())
    network = [p for p in decoder.parameters()
               if not any(p is q for q in linear)]
    groups = [{"params": network, "scale": 1.0},
              {"params": linear, "scale": 0.05},
              {"params": [encoder.directions], "scale": 0.02},
              {"params": [encoder.offset], "scale": 0.05}]
    optimiser = torch.optim.Adam(groups, lr=options.rate)
    curve = {"options": {k: str(v) for k, v in vars(options).items()
                         if k not in ("data", "out")},
             "train": [], "val": []}
    start = time.time()
    step = 0
    smooth = None
    next_check = 0.0
    frozen = False
    while True:
        if options.steps:
            done = step / options.steps
        else:
            done = (time.time() - start) / options.seconds
        if done >= next_check or done >= 1:
            psnr = validate(encoder, decoder, held_out, device)
            curve["val"].append([step, round(time.time() - start), psnr])
            print(f"step {step} {time.time() - start:.0f} s "
                  f"train {smooth or 0:.3f} val {psnr:.3f} dB", flush=True)
            next_check += 0.04
            (options.out / "curve.json").write_text(json.dumps(curve))
            keep(options.out / "checkpoint.pt", encoder, decoder, for_linear,
                 options, step)
            if done >= 1:
                break
        if done >= options.joint and not frozen:
            frozen = True
            for parameter in encoder.parameters():
                parameter.requires_grad_(False)
        # One cosine for each phase; the first one is cut off.
        if frozen:
            phase = (done - options.joint) / (1 - options.joint)
        else:
            phase = 0.7 * done / options.joint
        peak = options.rate
        rate = peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * phase)))
        rate *= min(1, (step + 1) / 200)
        for group in optimiser.param_groups:
            group["lr"] = rate * group["scale"]
        x = batches.coefficients(options.batch)
        z = quantised(encoder(x), rounded=frozen)
        error = picture_error(packet, decoder(z) - x)
        if options.loss == "log":
            loss = torch.log(error + 1e-6).mean()
        else:
            loss = error.mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        value = float(torch.log10(error.detach()).mean()) * -10
        smooth = value if smooth is None else 0.99 * smooth + 0.01 * value
        step += 1
        if step % 50 == 0:
            curve["train"].append([step, round(time.time() - start), smooth])


if __name__ == "__main__":
    main()
