r"""Exact fast training of a first linear layer, in the span of its inputs.

Let X [n, d] be the inputs that a linear layer z = x Wᵀ + b is trained on. The gradient of any
loss on a batch of rows B is ∂L/∂W = δᵀ X_B with δ = ∂L/∂z: a combination of rows of X. Stochastic
gradient descent, with momentum and weight decay as PyTorch has them, is linear in the gradient
and in W, so at every step

    W = s W₀ + Cᵀ X,    with s a number and C [n, h],

and s and C follow the very same recursion as W does, where the gradient of s is 0 and that of C
is δ in the rows B and 0 elsewhere. The outputs that the network needs are

    z_B = s (X_B W₀ᵀ) + K_B C + b,    with the kernel K = X Xᵀ [n, n].

A step costs n·h instead of d·h operations a photo, and X itself is never touched: for 280 photos
of 10304 pixels a 37th. The result is the trajectory of plain descent, up to rounding. It does not
hold for rules that are not linear in the gradient (Adam), nor for inputs with fresh noise.
"""

from typing import Any

import torch
from torch import Tensor, nn


class _KernelProduct(torch.autograd.Function):
    """K_B C forwards; backwards, δ to the rows B of C, the gradient in the basis of the rows."""

    @staticmethod
    def forward(ctx: Any, kernel: Tensor, coefficients: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        ctx.shape = coefficients.shape
        return kernel[rows] @ coefficients

    @staticmethod
    def backward(ctx: Any, *delta: Tensor) -> tuple[None, Tensor, None]:
        (rows,) = ctx.saved_tensors
        gradient = delta[0].new_zeros(ctx.shape)
        # A row of the kernel beyond the training inputs (a held-out photo) has no coefficient.
        return None, gradient.index_add_(0, rows, delta[0]), None


class SpanLinear(nn.Module):
    """A linear layer whose weights are stored as a combination of its training inputs.

    Parameters
    ----------
    layer
        The layer to train; it holds W₀ and b.
    inputs
        float [N, d]: the n training inputs first, then any that are only looked at.
    trained_on
        n, the number of training inputs.
    """

    def __init__(self, layer: nn.Linear, inputs: Tensor, trained_on: int) -> None:
        super().__init__()
        self._layer = [layer]  # in a list, so that its weights are not this module's parameters
        self._training_inputs = inputs[:trained_on]
        with torch.no_grad():
            self._initial = inputs @ layer.weight.T
            self._kernel = inputs @ self._training_inputs.T
        self.scale = nn.Parameter(inputs.new_ones(()))
        self.coefficients = nn.Parameter(inputs.new_zeros(trained_on, layer.out_features))
        self.bias = layer.bias

    def forward(self, rows: Tensor) -> Tensor:
        """Give the layer's output for rows of the inputs: int64 [B] to float [B, h]."""
        # s changes by weight decay alone: its gradient is zero, but must be there for the decay.
        initial = self._initial[rows] * self.scale.detach() + 0 * self.scale
        product: Tensor = _KernelProduct.apply(self._kernel, self.coefficients, rows)  # type: ignore[no-untyped-call]
        return initial + product + self.bias

    @torch.no_grad()
    def restore(self) -> None:
        """Write the trained weights into the layer."""
        weight = self._layer[0].weight
        weight.mul_(self.scale).addmm_(self.coefficients.T, self._training_inputs)
