# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks that name the class of every place of a picture.

One body for all readers: bottleneck blocks at the resolution of the latents
(one position is 8 x 8 pixels of the frame as it is coded), dilated in the
later half, and atrous spatial pyramid pooling over them, as arXiv 1803.06131
section 4 has it on latents after DeepLab. Only the stem differs:

- Latents: one 1x1 convolution of the K channels. libwalloc multiplies only
  what is not zero there.
- Pixels: three convolutions of stride 2, for decoded or uncompressed pictures.

The latent network gets one more block, as wide as the pixel stem is large, so
that both have the same number of parameters.
"""
import torch
from torch import nn
from torch.nn import functional as F

WIDTH, MIDDLE, POOL, HEAD = 96, 40, 24, 64
DILATIONS = (1, 1, 2, 2, 4, 4)
PYRAMID = (3, 6, 12)
FINER = 2                       # logits per position, along each axis


class Block(nn.Module):
    """x + three convolutions of it; the last begins as zero, so that a deep
    network begins as a shallow one and needs no normalisation."""

    def __init__(self, width, middle, dilation=1):
        super().__init__()
        self.narrow = nn.Conv2d(width, middle, 1)
        self.look = nn.Conv2d(middle, middle, 3, padding=dilation,
                              dilation=dilation)
        self.widen = nn.Conv2d(middle, width, 1)
        nn.init.kaiming_normal_(self.narrow.weight)
        nn.init.kaiming_normal_(self.look.weight)
        for p in (self.narrow.bias, self.look.bias, self.widen.weight,
                  self.widen.bias):
            nn.init.zeros_(p)

    def forward(self, x):
        return x + self.widen(F.relu(self.look(F.relu(self.narrow(x)))))


class Pyramid(nn.Module):
    """The same place seen at several distances, and the whole picture."""

    def __init__(self, width, out):
        super().__init__()
        self.narrow = nn.Conv2d(width, 32, 1)
        self.near = nn.Conv2d(32, POOL, 1)
        self.far = nn.ModuleList(nn.Conv2d(32, POOL, 3, padding=d, dilation=d)
                                 for d in PYRAMID)
        self.whole = nn.Conv2d(32, HEAD, 1)
        self.join = nn.Conv2d(POOL * (1 + len(PYRAMID)) + width, HEAD, 1)
        self.out = nn.Conv2d(HEAD, out, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x):
        y = F.relu(self.narrow(x))
        seen = [F.relu(f(y)) for f in [self.near, *self.far]]
        y = self.join(torch.cat(seen + [x], 1)) + \
            self.whole(y.mean((2, 3), keepdim=True))
        return self.out(F.relu(y))


class Body(nn.Module):
    """Features [n, WIDTH, h, w] to logits [n, classes, 2h, 2w]."""

    def __init__(self, classes, extra=0):
        super().__init__()
        self.blocks = nn.Sequential(
            *([Block(WIDTH, extra)] if extra else []),
            *[Block(WIDTH, MIDDLE, d) for d in DILATIONS])
        self.pyramid = Pyramid(WIDTH, classes * FINER * FINER)

    def forward(self, x):
        return F.pixel_shuffle(self.pyramid(self.blocks(x)), FINER)


class Rate(nn.Module):
    """What step and scale of the frame add to every channel of the stem."""

    def __init__(self):
        super().__init__()
        self.add = nn.Conv2d(4, WIDTH, 1)
        nn.init.zeros_(self.add.weight)
        nn.init.zeros_(self.add.bias)

    def forward(self, step, scale):
        """step, scale: [n]; returns [n, WIDTH, 1, 1]."""
        s = torch.log(step.clamp(0.25, 1024)) * 0.5 - 1.5
        half = scale.clamp(0, 1)
        x = torch.stack([s, s * half, half, (scale - 1).clamp(0, 1)], 1)
        return self.add(x[:, :, None, None])


class LatentSegment(nn.Module):
    """latents [n, K, H, W] (sample units), step [n], scale [n] ->
    logits [n, classes, 2 H, 2 W].

    usual: [K], mean magnitudes of the channels; weights are relative to
    them."""

    def __init__(self, channels, classes, usual):
        super().__init__()
        self.register_buffer('usual', torch.as_tensor(
            usual, dtype=torch.float32).reshape(1, channels, 1, 1))
        self.enter = nn.Conv2d(channels, WIDTH, 1)
        self.rate = Rate()
        # as many parameters as the pixel stem has more than this one
        self.body = Body(classes, extra_middle(channels))

    def forward(self, latents, step, scale):
        weight = self.enter.weight / self.usual
        x = F.conv2d(latents, weight, self.enter.bias)
        return self.body(F.relu(x + self.rate(step, scale)))


class PixelSegment(nn.Module):
    """pixels [n, 3, h, w], RGB, 0 to 255; step, scale as the frame had them
    (0 and 0: never compressed) -> logits [n, classes, h / 4, w / 4]."""

    def __init__(self, classes):
        super().__init__()
        self.one = nn.Conv2d(3, 16, 5, stride=2, padding=2)
        self.two = nn.Conv2d(16, 40, 3, stride=2, padding=1)
        self.three = nn.Conv2d(40, WIDTH, 3, stride=2, padding=1)
        for m in (self.one, self.two):
            nn.init.kaiming_normal_(m.weight)
            nn.init.zeros_(m.bias)
        self.rate = Rate()
        self.body = Body(classes)

    def forward(self, pixels, step, scale):
        x = F.relu(self.one((pixels - 110) / 64))
        x = self.three(F.relu(self.two(x)))
        return self.body(F.relu(x + self.rate(step, scale)))


def extra_middle(channels):
    """Width of the block that makes up for the pixel stem's parameters."""
    stem = 16 * (75 + 1) + 40 * (144 + 1) + WIDTH * 360
    missing = stem - WIDTH * channels
    m = 8
    while 9 * m * m + 2 * WIDTH * m < missing - 2 * WIDTH:
        m += 1
    return m

