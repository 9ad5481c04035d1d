"""Distributions of initial weights."""

import math
from typing import Literal

import torch
from torch import nn

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
        Source of randomness.
    """
    inputs, outputs = layer.in_features, layer.out_features
    bound = math.sqrt(6 / (inputs + outputs))
    layer.bias.zero_()
    match weights:
        case "default":
            layer.weight.uniform_(-(inputs**-0.5), inputs**-0.5, generator=generator)
            layer.bias.uniform_(-(inputs**-0.5), inputs**-0.5, generator=generator)
        case "zeros":
            layer.weight.zero_()
        case "small_normal":
            layer.weight.normal_(0, 0.01 * inputs**-0.5, generator=generator)
        case "normal":
            layer.weight.normal_(0, 1, generator=generator)
        case "xavier":
            layer.weight.uniform_(-bound, bound, generator=generator)
        case "glorot_x4":
            layer.weight.uniform_(-4 * bound, 4 * bound, generator=generator)
