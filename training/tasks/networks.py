# SPDX-License-Identifier: LGPL-2.1-or-later
"""Classifiers of pictures: on latents, and their twins on pixels.

After arXiv 1803.06131 (cResNet): the network on latents is the residual
network without its stem and first stage, as one latent already covers 8x8
pixels; the twin has both, and is the same from there on.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

WIDTHS = (32, 48, 80, 160)


class Block(nn.Module):
    """Two 3x3 convolutions and a way around them."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.a = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.na = nn.BatchNorm2d(cout)
        self.b = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.nb = nn.BatchNorm2d(cout)
        nn.init.zeros_(self.nb.weight)
        self.around = nn.Sequential() if cin == cout and stride == 1 else \
            nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False),
                          nn.BatchNorm2d(cout))

    def forward(self, x):
        y = F.relu(self.na(self.a(x)))
        return F.relu(self.nb(self.b(y)) + self.around(x))


class Around(nn.Module):
    """A 3x3 convolution and a way around it."""

    def __init__(self, channels):
        super().__init__()
        self.a = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.na = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.na.weight)

    def forward(self, x):
        return F.relu(self.na(self.a(x)) + x)


class Trunk(nn.Module):
    """Features at 1/8 of the picture's size to class logits."""

    def __init__(self, widths, classes, dropout=.2):
        super().__init__()
        self.blocks = nn.Sequential(*[
            Block(a, b, 2) for a, b in zip(widths, widths[1:])])
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, x):
        return self.head(self.drop(self.blocks(x).mean((2, 3))))


class LatentClassifier(nn.Module):
    """latents [n, K, H, W] in sample units, step [n], scale [n] to logits
    [n, classes].

    The stem is a 1x1 convolution, which libwalloc computes from the few values
    that are not zero; nothing else reads the latents. It is wide, as what
    tells is how strong a latent is, whatever its sign, and that takes two
    rectified outputs each. Channels are divided by their spread inside of its
    weights (fold()). The frame's step and scale give each of its outputs a
    gain and an offset, so that one network serves all rates; then their
    square root is taken."""

    def __init__(self, channels, classes, widths=WIDTHS, spread=None,
                 centre=0.0, wide=96, blocks=0, dropout=.2, fine=0):
        """spread: [channels], root mean squares; centre: mean of channel 0;
        wide: outputs of the stem; blocks: of residuals at the resolution of
        the latents, where capacity is put back; fine: in their place, so
        many channels at twice that resolution, that is at a quarter of the
        picture's, and from there on what PixelClassifier has."""
        super().__init__()
        self.channels = channels
        self.register_buffer('scale_by', torch.ones(channels)
                             if spread is None else 1 / spread)
        mean = torch.zeros(channels)
        mean[0] = centre
        self.register_buffer('mean', mean)
        self.stem = nn.Conv2d(channels, wide, 1)
        self.norm = nn.BatchNorm2d(wide)
        self.rate = nn.Linear(2, 2 * wide)
        nn.init.zeros_(self.rate.weight)
        nn.init.zeros_(self.rate.bias)
        if fine:
            self.narrow = nn.Sequential(
                nn.Conv2d(wide, 4 * fine, 1, bias=False),
                nn.BatchNorm2d(4 * fine), nn.ReLU(), nn.PixelShuffle(2),
                *[Around(fine) for _ in range(blocks)],
                Block(fine, widths[0], 2))
        else:
            self.narrow = nn.Sequential(
                nn.Conv2d(wide, widths[0], 1, bias=False),
                nn.BatchNorm2d(widths[0]), nn.ReLU(),
                *[Block(widths[0], widths[0], 1) for _ in range(blocks)])
        self.trunk = Trunk(widths, classes, dropout)
        self.folded = False

    def fold(self):
        """Move normalisation into the stem's weights, for good."""
        with torch.no_grad():
            w = self.stem.weight * self.scale_by[:, None, None]
            self.stem.bias -= (w[:, :, 0, 0] * self.mean).sum(1)
            self.stem.weight.copy_(w)
            gain = self.norm.weight / torch.sqrt(self.norm.running_var
                                                 + self.norm.eps)
            self.stem.weight *= gain[:, None, None, None]
            self.stem.bias.copy_((self.stem.bias - self.norm.running_mean)
                                 * gain + self.norm.bias)
        self.folded = True
        return self

    def cut(self, channels):
        """Read only the first channels, for good: entropy decoding of fewer
        is quicker. As if the others were zero."""
        if not self.folded:
            raise ValueError('fold() first')
        if not 1 <= channels <= self.channels:
            raise ValueError(f'{channels} channels of {self.channels}')
        with torch.no_grad():
            self.stem.weight = nn.Parameter(
                self.stem.weight[:, :channels].clone())
        self.channels = channels
        return self

    def front(self, latents, step, scale):
        """Features at 1/8 of the picture's size."""
        if self.folded:
            x = self.stem(latents)
        else:
            x = (latents - self.mean[:, None, None]) \
                * self.scale_by[:, None, None]
            x = self.norm(self.stem(x))
        rate = self.rate(torch.stack([torch.log2(step) / 4 - 1, scale], 1))
        gain, offset = torch.split(rate.unsqueeze(2).unsqueeze(3),
                                   rate.shape[1] // 2, 1)
        # companding: few latents are many times greater than the others
        x = torch.sqrt(F.relu(x + x * gain + offset) + .25) - .5
        return self.narrow(x)

    def forward(self, latents, step, scale):
        return self.trunk(self.front(latents, step, scale))

    def begin_as(self, pixels):
        """Take what is the same from a PixelClassifier."""
        self.trunk.load_state_dict(pixels.trunk.state_dict())
        last = self.narrow[-1]
        if isinstance(last, Block) and last.a.stride == (2, 2):
            last.load_state_dict(pixels.stage[1].state_dict())


class PixelClassifier(nn.Module):
    """RGB [n, 3, h, w], 0 to 255, to logits: stem (7x7, every second pixel,
    maximum of 3x3) and one stage at a quarter of the size before what
    LatentClassifier has."""

    def __init__(self, classes, widths=WIDTHS, first=16, dropout=.2):
        super().__init__()
        self.stem = nn.Conv2d(3, first, 7, 2, 3, bias=False)
        self.norm = nn.BatchNorm2d(first)
        self.stage = nn.Sequential(Block(first, first, 1),
                                   Block(first, widths[0], 2))
        self.trunk = Trunk(widths, classes, dropout)

    def front(self, pixels, step=None, scale=None):
        """Features at 1/8 of the picture's size."""
        x = F.relu(self.norm(self.stem((pixels - 127.5) / 64)))
        return self.stage(F.max_pool2d(x, 3, 2, 1))

    def forward(self, pixels, step=None, scale=None):
        return self.trunk(self.front(pixels))

    def begin_as(self, pixels):
        """Take all from another."""
        self.load_state_dict(pixels.state_dict())


def spread_of(batches, channels):
    """(root mean square [channels], mean of channel 0) of latents: an
    iterable of arrays [n, channels, H, W]; channel 0 about its mean."""
    count, square = 0, torch.zeros(channels, dtype=torch.float64)
    first = torch.zeros(1, dtype=torch.float64)
    for x in batches:
        x = torch.as_tensor(x, dtype=torch.float64)
        square += (x * x).sum((0, 2, 3))
        first += x[:, 0].sum()
        count += x.shape[0] * x.shape[2] * x.shape[3]
    mean = float(first / count)
    square = square / count
    square[0] -= mean * mean
    # a channel that is hardly ever there must not be blown up
    spread = square.sqrt().clamp(min=float(square.max().sqrt()) / 200)
    return spread.float(), mean


def parameters(module):
    """Number of weights that training moves."""
    return sum(p.numel() for p in module.parameters())


@torch.no_grad()
def work(module, *inputs):
    """Multiply-adds of convolutions and linear layers for these inputs."""
    total, hooks = [0], []

    def conv(m, _, out):
        total[0] += out.numel() * m.weight[0].numel()

    def linear(m, _, out):
        total[0] += out.numel() * m.in_features

    for m in module.modules():
        if isinstance(m, (nn.Conv1d, nn.Conv2d)):
            hooks.append(m.register_forward_hook(conv))
        elif isinstance(m, nn.Linear):
            hooks.append(m.register_forward_hook(linear))
    module.eval()(*inputs)
    for h in hooks:
        h.remove()
    return total[0]
