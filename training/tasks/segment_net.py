# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks that name the class of every place of a picture.

One trunk for all readers: most of it at 1/16 of the picture's size, bottleneck
blocks with dilations and atrous spatial pyramid pooling over them (DeepLab;
arXiv 1803.06131 section 4 has it on latents), back to 1/8 beside what the
stem saw there, and from it logits at 1/4. Only the stem differs, which
makes features at 1/8, where latents are (one position is 8 x 8 pixels):

- Latents: two 1x1 convolutions and a block. libwalloc multiplies only what
  is not zero in the first of them.
- Pixels: strided convolutions with a residual block at 1/4, for decoded or
  uncompressed pictures.

The latent network gets one more block in the trunk, as wide as the pixel stem
is larger, so that both have the same number of parameters.
"""
import torch
from torch import nn
from torch.nn import functional as F

WIDTH, DEEP = 80, 128           # features at 1/8 and at 1/16
MIDDLE, POOL, HEAD = 40, 24, 64
HIDDEN, LOOK = 128, 24          # of the stem of latents
DILATIONS = (1, 2, 4, 2, 1)
PYRAMID = (2, 4, 8)
FINE = 48                       # features that come back to 1/8
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

    def __init__(self, width):
        super().__init__()
        self.narrow = nn.Conv2d(width, 32, 1)
        self.near = nn.Conv2d(32, POOL, 1)
        self.far = nn.ModuleList(nn.Conv2d(32, POOL, 3, padding=d, dilation=d)
                                 for d in PYRAMID)
        self.whole = nn.Conv2d(32, HEAD, 1)
        self.join = nn.Conv2d(POOL * (1 + len(PYRAMID)) + width, HEAD, 1)

    def forward(self, x):
        y = F.relu(self.narrow(x))
        seen = [F.relu(f(y)) for f in [self.near, *self.far]]
        return F.relu(self.join(torch.cat(seen + [x], 1))
                      + self.whole(y.mean((2, 3), keepdim=True)))


class Trunk(nn.Module):
    """Features [n, WIDTH, h, w] to logits [n, classes, 2h, 2w]."""

    def __init__(self, classes, extra=0):
        super().__init__()
        self.down = nn.Conv2d(WIDTH, DEEP, 2, stride=2)
        self.blocks = nn.Sequential(
            *([Block(DEEP, extra)] if extra else []),
            *[Block(DEEP, MIDDLE, d) for d in DILATIONS])
        self.pyramid = Pyramid(DEEP)
        self.up = nn.Conv2d(HEAD, 4 * FINE, 1)
        self.beside = nn.Conv2d(WIDTH, FINE, 1)
        self.out = nn.Conv2d(FINE, classes * FINER * FINER, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x):
        h, w = x.shape[2:]
        # an odd size has half a position more at 1/16
        y = F.relu(self.down(F.pad(x, (0, 1, 0, 1))))
        y = F.pixel_shuffle(self.up(self.pyramid(self.blocks(y))), 2)
        y = F.relu(self.beside(x) + y[:, :, :h, :w])
        return F.pixel_shuffle(self.out(y), FINER)


class Rate(nn.Module):
    """What step and scale of the frame add to every feature of the stem."""

    def __init__(self, width):
        super().__init__()
        self.add = nn.Conv2d(4, width, 1)
        nn.init.zeros_(self.add.weight)
        nn.init.zeros_(self.add.bias)

    def forward(self, step, scale):
        """step, scale: [n]; returns [n, width, 1, 1]."""
        s = torch.log(step.clamp(0.25, 1024)) * 0.5 - 1.5
        half = scale.clamp(0, 1)
        x = torch.stack([s, s * half, half, (scale - 1).clamp(0, 1)], 1)
        return self.add(x[:, :, None, None])


class LatentStem(nn.Module):
    """latents [n, K, H, W] (sample units) -> features [n, WIDTH, H, W].

    usual: [K], mean magnitudes of the channels; weights are relative to
    them."""

    def __init__(self, channels, usual):
        super().__init__()
        self.register_buffer('usual', torch.as_tensor(
            usual, dtype=torch.float32).reshape(1, channels, 1, 1))
        self.enter = nn.Conv2d(channels, HIDDEN, 1)
        self.rate = Rate(HIDDEN)
        self.mix = nn.Conv2d(HIDDEN, WIDTH, 1)
        self.look = Block(WIDTH, LOOK)
        nn.init.kaiming_normal_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)

    def forward(self, latents, step, scale):
        weight = self.enter.weight / self.usual
        x = F.conv2d(latents, weight, self.enter.bias)
        x = self.mix(F.relu(x + self.rate(step, scale)))
        return F.relu(self.look(x))


class PixelStem(nn.Module):
    """pixels [n, 3, h, w], RGB, 0 to 255 -> features [n, WIDTH, h / 8,
    w / 8], rounded up. step None: never compressed."""

    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(3, 24, 3, stride=2, padding=1)
        self.fine = nn.Conv2d(24, 24, 3, padding=1)
        self.two = nn.Conv2d(24, 48, 3, stride=2, padding=1)
        self.look = nn.Conv2d(48, 48, 3, padding=1)
        self.again = nn.Conv2d(48, 48, 3, padding=1)
        self.three = nn.Conv2d(48, WIDTH, 3, stride=2, padding=1)
        self.rate = Rate(WIDTH)
        for m in (self.one, self.fine, self.two, self.look, self.three):
            nn.init.kaiming_normal_(m.weight)
            nn.init.zeros_(m.bias)
        nn.init.zeros_(self.again.weight)
        nn.init.zeros_(self.again.bias)

    def forward(self, pixels, step, scale):
        # channels last: three times as fast, and right without dilations
        x = ((pixels - 110) / 64).to(memory_format=torch.channels_last)
        x = F.relu(self.two(F.relu(self.fine(F.relu(self.one(x))))))
        x = F.relu(x + self.again(F.relu(self.look(x))))
        x = self.three(x)
        if step is not None:
            x = x + self.rate(step, scale)
        return F.relu(x).contiguous()


class Segment(nn.Module):
    """A stem and the trunk: (latents or pixels, step [n], scale [n]) ->
    logits [n, classes, 2 H, 2 W]. Pixels that were never compressed have step
    1 and scale 0."""

    def __init__(self, stem, classes, extra=0):
        super().__init__()
        self.stem, self.trunk = stem, Trunk(classes, extra)

    def forward(self, x, step, scale):
        return self.trunk(self.stem(x, step, scale))


def parameters(net):
    """Number of trained values."""
    return sum(p.numel() for p in net.parameters())


def pixel_network(classes):
    return Segment(PixelStem(), classes)


def latent_network(channels, classes, usual):
    stem = LatentStem(channels, usual)
    missing = parameters(PixelStem()) - parameters(stem)
    middle = 0                  # of the block that makes up for it
    while 9 * middle ** 2 + 2 * (DEEP + 1) * middle + DEEP < missing:
        middle += 1
    return Segment(stem, classes, middle)
