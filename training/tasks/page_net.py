# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks that find and read lines of text from a grid of 8x8 pixels.

What stands at a position is 64 numbers: the luma latents of a codec model, or
(for comparison) the 64 pixels. All else is the same.

    Trunk       [n, 64, H, W] -> features [n, F, H, W]
    Finder      [n, 64, H, W] -> lines [n, 5, H, W]
    Recogniser  [n, F, R, w] -> logits [n, N + 1, STEPS * w]
"""
import torch
from torch import nn
from torch.nn import functional as F

LUMA = 64           # numbers per position
FEATURES = 64
ROWS = 6            # of features, around the middle of a line
STEPS = 4           # symbols' steps per position: one in 2 pixels
REACH = 32.0        # pixels: farther ends of a line are not told
NEAR = 1            # columns beyond the ends of a line that are given


def _conv(a, b, size, dims=2):
    """Convolution and normalisation; the bias is that of the latter."""
    conv = nn.Conv2d if dims == 2 else nn.Conv1d
    norm = nn.BatchNorm2d if dims == 2 else nn.BatchNorm1d
    pad = size // 2 if isinstance(size, int) else tuple(s // 2 for s in size)
    return nn.Sequential(conv(a, b, size, padding=pad, bias=False), norm(b))


class Stem(nn.Module):
    """Scales the numbers and mixes them: a 1x1 convolution of pixels, a 3x3
    one of latents, whose basis functions reach over the next positions."""

    def __init__(self, width, scale=None, size=1):
        super().__init__()
        self.register_buffer('scale', torch.ones(LUMA) if scale is None
                             else torch.as_tensor(scale).float())
        self.mix = nn.Conv2d(LUMA, width, size, padding=size // 2)

    def forward(self, x):
        weight = self.mix.weight * self.scale[None, :, None, None]
        return F.relu(F.conv2d(x, weight, self.mix.bias,
                               padding=self.mix.padding))


class Trunk(nn.Module):
    def __init__(self, scale=None, width=96, size=1):
        super().__init__()
        self.stem = Stem(width, scale, size)
        self.a = _conv(width, FEATURES, 3)

    def forward(self, x):
        return F.relu(self.a(self.stem(x)))


class Recogniser(nn.Module):
    """CTC of one line. Rows are folded at once, then the line is a row of
    positions, then of steps of 2 pixels."""

    def __init__(self, symbols, width=192, fine=96):
        super().__init__()
        self.fold = nn.Sequential(
            nn.Conv2d(FEATURES, width, (ROWS, 3), padding=(0, 1), bias=False),
            nn.BatchNorm2d(width))
        self.a = _conv(width, width, 3, 1)
        self.b = _conv(width, width, 3, 1)
        self.finer = _conv(width, STEPS * fine, 1, 1)
        self.c = _conv(fine, fine, 5, 1)
        self.out = nn.Conv1d(fine, symbols + 1, 1)

    def forward(self, x, mask=None):
        """mask: [n, 1, w], 0 beyond the ends of a line, where a line on its
        own would have nothing; None: all is line."""
        keep = (lambda t, m: t) if mask is None else (lambda t, m: t * m)
        if mask is not None:
            x = x * mask[:, :, None]
        x = keep(F.relu(self.fold(x)).squeeze(2), mask)
        x = keep(x + F.relu(self.a(x)), mask)
        x = keep(x + F.relu(self.b(x)), mask)
        x = F.relu(self.finer(x))
        n, fine = x.shape[0], self.out.in_channels
        x = x.reshape(n, fine, STEPS, -1).transpose(2, 3).reshape(n, fine, -1)
        if mask is not None:
            mask = mask.repeat_interleave(STEPS, 2)
        x = keep(x, mask)
        return self.out(x + F.relu(self.c(x)))


class Finder(nn.Module):
    """Where lines are. Knows 17 rows and columns around."""

    def __init__(self, scale=None, width=32):
        super().__init__()
        self.stem = Stem(width, scale)
        self.layers = nn.ModuleList()
        for d in (1, 2, 4, 1):
            conv = nn.Conv2d(width, width, 3, padding=d, dilation=d,
                             bias=False)
            self.layers.append(nn.Sequential(conv, nn.BatchNorm2d(width)))
        self.out = nn.Conv2d(width, 5, 1)

    def forward(self, x):
        x = self.stem(x)
        for layer in self.layers:
            x = x + F.relu(layer(x))
        x = self.out(x)
        # distances are pixels, 0 and more; learnt in units of 16
        return torch.cat([x[:, :1], 16 * F.softplus(x[:, 1:])], 1)


def parameters(*modules):
    return sum(p.numel() for m in modules for p in m.parameters())
