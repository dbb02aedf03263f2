# SPDX-License-Identifier: LGPL-2.1-or-later
"""Decoder networks of ordered models.

Input [n, D + 1, h, w]: dequantised latents in steps (zero where absent) and
log2 (step) / 4. A 1x1 convolution in, residual blocks of two 3x3
convolutions, a 1x1 convolution out that starts at zero, so that training
starts from the linear decoder. What goes into the last one fades out towards
fine steps, where there is nothing to gain: none at a step of 2^1.75, all of it
from 2^4.75 on. In training the output corrects the latents;
exported it is multiplied by the synthesis matrix and corrects the packet
coefficients (docs/model-format.md, section 4).
"""
import torch
from torch import nn

from fit_tables import D

# The step plane from which on features count, and fully count.
FADE = (1.75 / 4, 4.75 / 4)
# width, residual blocks
SHAPES = {'fast': (64, 2), 'best': (96, 4)}


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a = nn.Conv2d(width, width, 3, padding=1)
        self.b = nn.Conv2d(width, width, 3, padding=1)
        nn.init.normal_(self.b.weight, std=0.003)

    def forward(self, x):
        return x + self.b(torch.relu(self.a(x)))


def faded(x, latent):
    share = (latent[:, D:] - FADE[0]) * (1 / (FADE[1] - FADE[0]))
    return x * torch.clamp(share, 0, 1)


class Decoder(nn.Module):
    """scale [D + 1]: brings inputs of all channels to about the same size."""

    def __init__(self, width, blocks, scale=None):
        super().__init__()
        if scale is None:
            scale = torch.ones(D + 1)
        self.register_buffer('scale', scale.reshape(1, D + 1, 1, 1))
        self.enter = nn.Conv2d(D + 1, width, 1)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(blocks)])
        self.leave = nn.Conv2d(width, D, 1, bias=False)
        nn.init.zeros_(self.leave.weight)

    def forward(self, latent):
        return self.leave(faded(self.blocks(torch.relu(
            self.enter(latent * self.scale))), latent))


def folded(net, synthesis):
    """The same function on packet coefficients, without the scale:
    synthesis [D, 192] takes latents to coefficients."""
    width = net.enter.out_channels
    out = Decoder(width, len(net.blocks))
    state = {k: v.detach().float().cpu() for k, v in net.state_dict().items()}
    s = torch.as_tensor(synthesis).float().t()
    state['enter.weight'] = state['enter.weight'] * state['scale']
    state['scale'] = torch.ones_like(state['scale'])
    state['leave.weight'] = (s @ state['leave.weight'][:, :, 0, 0])[
        :, :, None, None]
    out.load_state_dict(state)
    return out.eval()
