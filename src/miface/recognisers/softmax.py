"""Softmax regression."""

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from miface.recognisers.recogniser import Begun, Recogniser, Size
from miface.training.initial_weights import InitialWeights, initialise
from miface.training.perceptron import Perceptron
from miface.training.trainer import Descent, Trainer, train_classifier


class SoftmaxSettings(Descent):
    """Softmax regression: one linear layer on the pixels."""

    initial_weights: InitialWeights = Field(description="Distribution of the initial weights.")


class Softmax(Perceptron, Begun, Recogniser):
    """One linear layer; the softmax is left to the cost."""

    title, Settings = "softmax regression", SoftmaxSettings
    linear = True
    settings: SoftmaxSettings

    def __init__(self, size: Size, names: Sequence[str], settings: SoftmaxSettings) -> None:
        super().__init__(size, names, settings)
        self.first = nn.Linear(self.pixels, len(names))

    def tail(self, z: Tensor) -> Tensor:
        """Give the logits, which the first layer already is."""
        return z

    @property
    def first_linear(self) -> nn.Linear:
        """The layer on the pixels."""
        return self.first

    def begin(self, layer: nn.Linear, generator: torch.Generator) -> None:
        """Draw as the settings say."""
        initialise(layer, self.settings.initial_weights, generator)

    def fit(self, trainer: Trainer) -> None:
        """Train by stochastic gradient descent."""
        self.begin(self.first, trainer.generator)
        train_classifier(self, self.settings, trainer)
