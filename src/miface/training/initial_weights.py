"""Distributions of initial weights."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

InitialWeights = Literal["default", "zeros", "small_normal", "normal", "xavier", "glorot_x4"]


@torch.no_grad()
def initialise(layer: nn.Linear, weights: InitialWeights, generator: torch.Generator) -> None:
    """Draw the weights of a linear layer; biases become zero except under ``default``.

    Parameters
    ----------
    layer
        The layer to change in place, of n inputs and m outputs.
    weights
        ``default`` (PyTorch's: uniform on ±1/√n), ``zeros``, ``small_normal`` (normal, standard
        deviation 0.01/√n), ``normal`` (standard deviation 1, as in the 2020 report), ``xavier``
        (uniform on ±√(6/(n+m)); Glorot and Bengio, 2010), or ``glorot_x4`` (four times as wide,
        as the Theano tutorials advise for sigmoid units).
    generator
        Source of randomness, on the CPU: a seed draws the same weights for every device.
    """
    inputs, outputs = layer.in_features, layer.out_features
    bound = math.sqrt(6 / (inputs + outputs))
    layer.bias.zero_()
    match weights:
        case "default":
            uniform(layer.weight, inputs**-0.5, generator)
            uniform(layer.bias, inputs**-0.5, generator)
        case "zeros":
            layer.weight.zero_()
        case "small_normal":
            normal(layer.weight, 0.01 * inputs**-0.5, generator)
        case "normal":
            normal(layer.weight, 1, generator)
        case "xavier":
            uniform(layer.weight, bound, generator)
        case "glorot_x4":
            uniform(layer.weight, 4 * bound, generator)


@torch.no_grad()
def uniform(weight: Tensor, bound: float, generator: torch.Generator) -> None:
    """Draw a weight [...] on any device anew, uniform on ±bound; the generator is on the CPU."""
    drawn = torch.empty_like(weight, device="cpu").uniform_(-bound, bound, generator=generator)
    weight.copy_(drawn)


@torch.no_grad()
def normal(weight: Tensor, deviation: float, generator: torch.Generator) -> None:
    """Draw a weight [...] on any device anew, normal about 0; the generator is on the CPU."""
    drawn = torch.empty_like(weight, device="cpu").normal_(0, deviation, generator=generator)
    weight.copy_(drawn)
