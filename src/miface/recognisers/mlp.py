"""A multilayer perceptron."""

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from miface.params.base import Count
from miface.recognisers.recogniser import Begun, Recogniser, Size
from miface.training.initial_weights import InitialWeights, initialise
from miface.training.perceptron import Perceptron
from miface.training.trainer import Descent, Trainer, train_classifier


class MlpSettings(Descent):
    """A perceptron with one hidden layer of sigmoid units."""

    hidden_units: Count = Field(description="Sigmoid units in the hidden layer.")
    initial_weights: InitialWeights = Field(description="Initial weights of the hidden layer.")
    initial_output_weights: InitialWeights = Field(
        description="Initial weights of the output layer."
    )


class Mlp(Perceptron, Begun, Recogniser):
    """One hidden layer of sigmoid units."""

    title, Settings = "multilayer perceptron", MlpSettings
    settings: MlpSettings

    def __init__(self, size: Size, names: Sequence[str], settings: MlpSettings) -> None:
        super().__init__(size, names, settings)
        self.first = nn.Linear(self.pixels, settings.hidden_units)
        self.output = nn.Linear(settings.hidden_units, len(names))

    def tail(self, z: Tensor) -> Tensor:
        """Map inputs of the sigmoids [B, h] to logits [B, P]."""
        logits: Tensor = self.output(torch.sigmoid(z))
        return logits

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
        initialise(self.output, self.settings.initial_output_weights, trainer.generator)
        train_classifier(self, self.settings, trainer)
