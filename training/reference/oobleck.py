# SPDX-License-Identifier: LGPL-2.1-or-later
"""Decoder network of the authors' audio checkpoints.

An Oobleck decoder with two stages of stride 1 (AutoencoderOobleck of diffusers
has the layers and the parameter names). Weights are plain here: checkpoints
keep magnitude and direction apart (weight norm), fold() multiplies them.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

# What is added to a divisor that may come out as zero.
TINY = 1e-9
DILATIONS = (1, 3, 9)
# Older and newer names of magnitude and direction.
NORMED = ((".weight_g", ".weight_v"),
          (".parametrizations.weight.original0",
           ".parametrizations.weight.original1"))


class Snake(nn.Module):
    """x + sin (a x)^2 / b; a and b are kept as logarithms."""

    def __init__(self, width):
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(1, width, 1))
        self.beta = nn.Parameter(torch.zeros(1, width, 1))

    def forward(self, x):
        wave = torch.sin(torch.exp(self.alpha) * x)
        return x + wave * wave / (torch.exp(self.beta) + TINY)


class Unit(nn.Module):
    def __init__(self, width, dilation):
        super().__init__()
        self.snake1 = Snake(width)
        self.conv1 = nn.Conv1d(width, width, 7, padding=3 * dilation,
                               dilation=dilation)
        self.snake2 = Snake(width)
        self.conv2 = nn.Conv1d(width, width, 1)

    def forward(self, x):
        return x + self.conv2(self.snake2(self.conv1(self.snake1(x))))


class Stage(nn.Module):
    """Takes one column off: a transposed convolution of two taps."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.snake1 = Snake(inputs)
        self.conv_t1 = nn.ConvTranspose1d(inputs, outputs, 2, padding=1)
        for number, dilation in enumerate(DILATIONS, 1):
            setattr(self, f"res_unit{number}", Unit(outputs, dilation))

    def forward(self, x):
        x = self.conv_t1(self.snake1(x))
        return self.res_unit3(self.res_unit2(self.res_unit1(x)))


class PublishedSoundDecoder(nn.Module):
    """Latent [B, D, columns + 2] -> packet coefficients [B, outputs,
    columns]."""

    def __init__(self, latent_dim, width, outputs):
        super().__init__()
        self.conv1 = nn.Conv1d(latent_dim, width, 7, padding=3)
        self.block = nn.ModuleList([Stage(width, width),
                                    Stage(width, latent_dim)])
        self.snake1 = Snake(latent_dim)
        self.conv2 = nn.Conv1d(latent_dim, outputs, 7, padding=3, bias=False)

    def forward(self, latent):
        x = self.conv1(latent)
        for stage in self.block:
            x = stage(x)
        return self.conv2(self.snake1(x))


def fold(state):
    """A state dict of numpy arrays with weight norm taken out."""
    out = {}
    for key, value in state.items():
        for magnitude, direction in NORMED:
            if key.endswith(magnitude):
                name = key[:-len(magnitude)]
                v = state.get(name + direction)
                if v is None or v.ndim != value.ndim or \
                        value.shape != (v.shape[0],) + (1,) * (v.ndim - 1):
                    raise ValueError(f"{key}: a magnitude of shape "
                                     f"{value.shape} without its direction")
                size = np.sqrt((v.astype(np.float64) ** 2).sum(
                    tuple(range(1, v.ndim)), keepdims=True))
                out[name + ".weight"] = (value * (v / np.maximum(
                    size, 1e-30))).astype(np.float32)
                break
            if key.endswith(direction):
                break
        else:
            out[key] = value
    return out


def post_filter(x, weight, bias):
    """The filter behind the synthesis: x [B, 2, n]."""
    return F.conv1d(x, weight, bias, padding=weight.shape[2] // 2)
