# SPDX-License-Identifier: LGPL-2.1-or-later
"""Decoder networks of models of kind reference.

PublishedDecoder has the layers, and so the parameter names, of the decoder in
the authors' checkpoints. SmallDecoder is our own: small enough for a CPU,
local (no attention, no normalisation over the picture), so that pictures can
be decoded in tiles.
"""

import torch
from torch import nn
from torch.nn import functional as F

GROUPS = 32
EPSILON = 1e-6


def _norm(width):
    return nn.GroupNorm(GROUPS, width, eps=EPSILON)


class Residual(nn.Module):
    """Two times norm, SiLU, 3x3 convolution; identity skip."""

    def __init__(self, width):
        super().__init__()
        self.norm1 = _norm(width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = _norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        y = self.conv1(F.silu(self.norm1(x)))
        return x + self.conv2(F.silu(self.norm2(y)))


class Attention(nn.Module):
    """Self-attention over all positions, one head as wide as the network."""

    def __init__(self, width):
        super().__init__()
        self.group_norm = _norm(width)
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        # Index 0; the published module has a dropout of rate 0 behind it.
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x):
        batch, width, h, w = x.shape
        tokens = self.group_norm(x).flatten(2).transpose(1, 2)
        query = self.to_q(tokens) * width ** -0.5
        scores = torch.matmul(query, self.to_k(tokens).transpose(1, 2))
        mixed = torch.matmul(torch.softmax(scores, dim=-1),
                             self.to_v(tokens))
        mixed = self.to_out[0](mixed).transpose(1, 2)
        return x + mixed.reshape(x.shape)


class _Middle(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.resnets = nn.ModuleList([Residual(width), Residual(width)])
        self.attentions = nn.ModuleList([Attention(width)])

    def forward(self, x):
        x = self.attentions[0](self.resnets[0](x))
        return self.resnets[1](x)


class _Up(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.resnets = nn.ModuleList([Residual(width) for _ in range(3)])

    def forward(self, x):
        for block in self.resnets:
            x = block(x)
        return x


class PublishedDecoder(nn.Module):
    """Latent [B, D, h, w] -> packet coefficients [B, outputs, h, w]."""

    def __init__(self, latent_dim, width, outputs):
        super().__init__()
        if width % GROUPS:
            raise ValueError(f"width {width} is not a multiple of {GROUPS}")
        self.conv_in = nn.Conv2d(latent_dim, width, 3, padding=1)
        self.mid_block = _Middle(width)
        self.up_blocks = nn.ModuleList([_Up(width)])
        self.conv_norm_out = _norm(width)
        self.conv_out = nn.Conv2d(width, outputs, 3, padding=1)

    def forward(self, latent):
        x = self.mid_block(self.conv_in(latent))
        x = self.up_blocks[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class _SmallBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        # Every block starts as the identity.
        with torch.no_grad():
            self.conv2.weight.mul_(0.1)
            self.conv2.bias.zero_()

    def forward(self, x):
        return x + self.conv2(F.silu(self.conv1(F.silu(x))))


class SmallDecoder(nn.Module):
    """The published block structure without attention and normalisation,
    added to a linear decoder.

    Latents are divided by their deviations before the first convolution and
    the last one's output is multiplied by what the linear decoder misses per
    coefficient; without that, channels that matter are lost beside the mean
    luminance. fold() makes these scales part of the weights.
    """

    def __init__(self, latent_dim, width, blocks, outputs):
        super().__init__()
        self.linear = nn.Conv2d(latent_dim, outputs, 1)
        self.conv_in = nn.Conv2d(latent_dim, width, 3, padding=1)
        self.blocks = nn.ModuleList([_SmallBlock(width)
                                     for _ in range(blocks)])
        self.conv_out = nn.Conv2d(width, outputs, 3, padding=1)
        self.register_buffer("scale_in", torch.ones(1, latent_dim, 1, 1))
        self.register_buffer("scale_out", torch.ones(1, outputs, 1, 1))
        with torch.no_grad():
            self.conv_out.weight.mul_(0.1)
            self.conv_out.bias.zero_()

    def begin(self, weight, bias, deviation, missed):
        """Starts from a linear decoder: weight [outputs, D], bias
        [outputs], the latents' deviations [D], and the deviations [outputs]
        of what it misses."""
        with torch.no_grad():
            scale = deviation[None, :, None, None]
            self.scale_in.copy_(1 / scale)
            self.scale_out.copy_(missed[None, :, None, None])
            out = missed[:, None, None, None]
            self.linear.weight.copy_(weight[:, :, None, None] * scale / out)
            self.linear.bias.copy_(bias / missed)

    def fold(self):
        """Moves the scales into the weights; the function stays the same."""
        with torch.no_grad():
            for layer in (self.linear, self.conv_in):
                layer.weight.mul_(self.scale_in)
            for layer in (self.linear, self.conv_out):
                layer.weight.mul_(self.scale_out.reshape(-1, 1, 1, 1))
                layer.bias.mul_(self.scale_out.reshape(-1))
            self.scale_in.fill_(1)
            self.scale_out.fill_(1)
        return self

    def forward(self, latent):
        # While exporting, the scales are folded already: leave them out.
        plain = torch.onnx.is_in_onnx_export()
        z = latent if plain else latent * self.scale_in
        x = self.conv_in(z)
        for block in self.blocks:
            x = block(x)
        y = self.linear(z) + self.conv_out(F.silu(x))
        return y if plain else y * self.scale_out
