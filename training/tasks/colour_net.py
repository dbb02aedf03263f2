# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks that guess chroma latents from luma.

Bottleneck blocks at the resolution of the latents, dilated so that the
last sees a third of a common picture, and the mean over the picture twice on
the way. The stem is one 1x1 convolution of luma latents, or three of stride 2
of grey pixels (decoded or never compressed); the latent network gets a block
more for that. What comes out is the same in all: latents of the half-size
chroma planes, whose squared error is that of RGB (models/photo-1.md).
"""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from segment_net import Block

WIDTH, MIDDLE = 96, 40
DILATIONS = (1, 2, 4, 1, 2, 4)
LUMA, CHROMA, DETAIL = 0, 1, 2  # walloc_latents.group


class Whole(nn.Module):
    """Adds to every place what the mean over all places says."""

    def __init__(self, width):
        super().__init__()
        self.one = nn.Conv2d(width, 48, 1)
        self.two = nn.Conv2d(48, width, 1)
        nn.init.zeros_(self.two.weight)
        nn.init.zeros_(self.two.bias)

    def forward(self, x):
        mean = F.relu(x).mean((2, 3), keepdim=True)
        return x + self.two(F.relu(self.one(mean)))


class Body(nn.Module):
    """Features [n, WIDTH, h, w] to [n, out, h, w]."""

    def __init__(self, out, extra=0):
        super().__init__()
        blocks = [Block(WIDTH, extra)] if extra else []
        for k, d in enumerate(DILATIONS):
            blocks.append(Block(WIDTH, MIDDLE, d))
            if k in (2, 5):
                blocks.append(Whole(WIDTH))
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Conv2d(WIDTH, 64, 1)
        self.out = nn.Conv2d(64, out, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x):
        return self.out(F.relu(self.last(F.relu(self.blocks(x)))))


class LatentColour(nn.Module):
    """latents [n, K, H, W] -> latents [n, K, H, W]: luma as it came in, chroma
    guessed, chroma detail 0.

    group: [K], luma, chroma or detail, of the codec model; usual: [K], usual
    magnitudes; spread: those of chroma, [chroma channels]. Chroma that comes
    in is not looked at. step, scale: [n]."""

    def __init__(self, group, usual, spread):
        super().__init__()
        group = np.asarray(group)
        self.channels = len(group)
        self.chroma = int((group == CHROMA).sum())
        luma = torch.tensor(group == LUMA).float().reshape(1, -1, 1, 1)
        self.register_buffer('luma', luma)
        self.register_buffer('usual', torch.as_tensor(
            usual, dtype=torch.float32).reshape(1, -1, 1, 1))
        self.register_buffer('spread', torch.as_tensor(
            spread, dtype=torch.float32).reshape(1, -1, 1, 1))
        # where each channel of the output comes from: input, guess, nothing
        place = np.arange(len(group))
        place[group == CHROMA] = len(group) + np.arange(self.chroma)
        place[group == DETAIL] = len(group) + self.chroma
        self.register_buffer('place', torch.tensor(place))
        self.enter = nn.Conv2d(len(group), WIDTH, 1)
        self.rate = nn.Conv2d(2, WIDTH, 1)
        self.body = Body(self.chroma, extra_middle(len(group)))

    def guess(self, latents, step, scale):
        """Chroma latents [n, chroma, H, W]."""
        weight = self.enter.weight * (self.luma / self.usual)
        x = F.conv2d(latents, weight, self.enter.bias)
        rate = torch.stack([torch.log(step.clamp(0.25, 1024)) * 0.5 - 1.5,
                            scale], 1)[:, :, None, None]
        return self.body(F.relu(x + self.rate(rate))) * self.spread

    def forward(self, latents, step, scale):
        chroma = self.guess(latents, step, scale)
        nothing = latents[:, :1] * 0
        return torch.cat([latents, chroma, nothing], 1)[:, self.place]


class PixelColour(nn.Module):
    """pixels [n, 1, h, w], grey, 0 to 255 -> chroma latents of the picture
    in its full size, [n, chroma, h / 8, w / 8]."""

    def __init__(self, spread):
        super().__init__()
        self.register_buffer('spread', torch.as_tensor(
            spread, dtype=torch.float32).reshape(1, -1, 1, 1))
        self.one = nn.Conv2d(1, 16, 5, stride=2, padding=2)
        self.two = nn.Conv2d(16, 40, 3, stride=2, padding=1)
        self.three = nn.Conv2d(40, WIDTH, 3, stride=2, padding=1)
        for m in (self.one, self.two):
            nn.init.kaiming_normal_(m.weight)
            nn.init.zeros_(m.bias)
        self.rate = nn.Conv2d(2, WIDTH, 1)
        self.body = Body(len(spread))

    def forward(self, pixels, step, scale):
        x = F.relu(self.one((pixels - 110) / 64))
        x = self.three(F.relu(self.two(x)))
        rate = torch.stack([torch.log(step.clamp(0.25, 1024)) * 0.5 - 1.5,
                            scale], 1)[:, :, None, None]
        return self.body(F.relu(x + self.rate(rate))) * self.spread

    guess = forward


def extra_middle(channels):
    """Width of the block that makes up for the pixel stem's parameters."""
    stem = 16 * (25 + 1) + 40 * (144 + 1) + WIDTH * 360
    missing = stem - WIDTH * channels
    m = 8
    while 9 * m * m + 2 * WIDTH * m < missing - 2 * WIDTH:
        m += 1
    return m
