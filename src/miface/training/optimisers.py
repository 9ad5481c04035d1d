"""Stochastic gradient descent and Adam, with the steps of `torch.optim` and nothing around them.

The first optimiser of `torch.optim` imports PyTorch's compiler, which takes a second of every
process. The steps here are its fused ones, which pass over the weights once.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn


class SGD:
    """Stochastic gradient descent: v ← μ v + g + η w, then w ← w − λ v.

    Parameters
    ----------
    parameters
        What to train.
    learning_rate
        λ.
    momentum
        μ in [0, 1).
    weight_decay
        η, of an ℓ2 penalty.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        learning_rate: float,
        momentum: float,
        weight_decay: float,
    ) -> None:
        self.parameters: list[Tensor] = list(parameters)
        self.learning_rate, self.momentum = learning_rate, momentum
        self.weight_decay = weight_decay
        self.velocities = [torch.zeros_like(w) for w in self.parameters] if momentum > 0 else []

    @torch.no_grad()
    def step(self) -> None:
        """Make a step and drop the gradients."""
        # One pass over the weights for all of it: what torch.optim.SGD(fused=True) calls.
        torch._fused_sgd_(
            self.parameters, _take_gradients(self.parameters), self.velocities,
            lr=self.learning_rate, momentum=self.momentum, weight_decay=self.weight_decay,
            dampening=0.0, nesterov=False, maximize=False, is_first_step=False,
        )  # fmt: skip


class Adam:
    """Adam (Kingma and Ba, 2015) with β₂ 0.999 and ε 10⁻⁸, on a one-cycle schedule.

    The step length rises from 1/25 of its peak to the peak over the first 30% of the steps, and
    falls to 1/250,000 of it, both along half a cosine, while β₁ goes from 0.95 to 0.85 and back
    (Smith and Topin, 2019, as `torch.optim.lr_scheduler.OneCycleLR` has it).

    Parameters
    ----------
    parameters
        What to train.
    peak
        The longest step.
    steps
        How many steps there will be.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], peak: float, steps: int) -> None:
        self.parameters: list[Tensor] = list(parameters)
        self.peak, self.steps, self.done = peak, steps, 0
        self.means = [torch.zeros_like(weight) for weight in self.parameters]
        self.squares = [torch.zeros_like(weight) for weight in self.parameters]

    def schedule(self) -> tuple[float, float]:
        """Give the length of the next step, and its β₁."""
        top, last = 0.3 * self.steps - 1, self.steps - 1
        if self.done <= top:
            rate, beta1, share = (self.peak / 25, self.peak), (0.95, 0.85), self.done / top
        else:
            rate, beta1 = (self.peak, self.peak / 25e4), (0.85, 0.95)
            share = (self.done - top) / (last - top)
        turn = (1 - math.cos(math.pi * share)) / 2
        return rate[0] + (rate[1] - rate[0]) * turn, beta1[0] + (beta1[1] - beta1[0]) * turn

    @torch.no_grad()
    def step(self) -> None:
        """Make a step and drop the gradients."""
        rate, beta1 = self.schedule()
        self.done += 1
        gradients = _take_gradients(self.parameters)
        counts = [torch.tensor(float(self.done), device=w.device) for w in self.parameters]
        # One pass over the weights for all of it: what torch.optim.Adam(fused=True) calls.
        torch._fused_adam_(
            self.parameters, gradients, self.means, self.squares, [], counts,
            lr=rate, beta1=beta1, beta2=0.999, weight_decay=0.0, eps=1e-8,
            amsgrad=False, maximize=False,
        )  # fmt: skip


def _take_gradients(parameters: Iterable[Tensor]) -> list[Tensor]:
    """Give the gradient of each parameter, which then holds none."""
    gradients = []
    for weight in parameters:
        assert weight.grad is not None
        gradients.append(weight.grad)
        weight.grad = None
    return gradients
