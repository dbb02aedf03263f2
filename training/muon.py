# SPDX-License-Identifier: LGPL-2.1-or-later
"""The optimiser of decoder networks' kernels."""
import torch


class Muon(torch.optim.Optimizer):
    """Steps of equal length in all directions of a weight's matrix."""

    def __init__(self, params, lr, momentum=0.95):
        super().__init__(params, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group['params']:
                state = self.state[p]
                if 'm' not in state:
                    state['m'] = torch.zeros_like(p)
                m = state['m'].mul_(group['momentum']).add_(p.grad)
                g = (p.grad + group['momentum'] * m).reshape(len(p), -1)
                g = g / (g.norm() + 1e-12)
                for _ in range(5):
                    a = g @ g.t()
                    g = 3.4445 * g + (-4.7750 * a + 2.0315 * a @ a) @ g
                p.add_(g.reshape(p.shape), alpha=-group['lr'])
