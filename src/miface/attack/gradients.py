"""What the attack makes of a gradient before it takes a step."""

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn


class GradientRule(Protocol):
    """Maps gradients [R, k] to directions [R, k]; may remember earlier ones, a row each."""

    def __call__(self, gradient: Tensor) -> Tensor:
        """Give the direction, of which λ is then subtracted."""
        ...

    def keep(self, on: Tensor) -> None:
        """Forget the rows where `on`, bool [R], is false: they have stopped."""
        ...


class Unit:
    """Scale each row to length 1: a step is λ long, however flat the cost."""

    def __call__(self, gradient: Tensor) -> Tensor:
        """Give g / ‖g‖."""
        return nn.functional.normalize(gradient, dim=1, eps=1e-30)

    def keep(self, on: Tensor) -> None:
        """Nothing is remembered."""


class Momentum:
    """Heavy ball: v ← 0.9 v + g (Polyak, 1964)."""

    def __init__(self) -> None:
        self.velocity: Tensor | None = None

    def __call__(self, gradient: Tensor) -> Tensor:
        """Give v."""
        v = self.velocity
        self.velocity = gradient.clone() if v is None else v.mul_(0.9).add_(gradient)
        return self.velocity

    def keep(self, on: Tensor) -> None:
        """Keep the velocities of the rows that go on."""
        if self.velocity is not None:
            self.velocity = self.velocity[on]


class Adam:
    """Kingma and Ba (2015) with β₁ 0.9, β₂ 0.99 (an attack is short), ε 10⁻⁸."""

    def __init__(self) -> None:
        self.moments: tuple[Tensor, Tensor] | None = None
        self.steps = 0

    def __call__(self, gradient: Tensor) -> Tensor:
        """Give m̂ / (√v̂ + ε)."""
        if self.moments is None:
            self.moments = (torch.zeros_like(gradient), torch.zeros_like(gradient))
        first, second = self.moments
        self.steps += 1
        first.lerp_(gradient, 0.1)
        second.mul_(0.99).addcmul_(gradient, gradient, value=0.01)
        scale = (second / (1 - 0.99**self.steps)).sqrt_().add_(1e-8)
        return first / (1 - 0.9**self.steps) / scale

    def keep(self, on: Tensor) -> None:
        """Keep the moments of the rows that go on."""
        if self.moments is not None:
            self.moments = (self.moments[0][on], self.moments[1][on])


GRADIENT_RULES: dict[str, Callable[[], GradientRule] | None] = {
    "as_is": None,
    "unit": Unit,
    "momentum": Momentum,
    "adam": Adam,
}


def blur(x: Tensor, sigma: float) -> Tensor:
    """Convolve images [R, H, W] with a Gaussian of standard deviation `sigma` pixels.

    The image is continued by its edge, and the kernel ends at 3 σ.
    """
    reach = math.ceil(3 * sigma)
    offsets = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    padded = nn.functional.pad(x.unsqueeze(1), (reach, reach, reach, reach), mode="replicate")
    across = nn.functional.conv2d(padded, kernel.view(1, 1, 1, -1))
    return nn.functional.conv2d(across, kernel.view(1, 1, -1, 1)).squeeze(1)
