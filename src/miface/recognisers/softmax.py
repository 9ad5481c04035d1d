"""Softmax regression."""

from collections.abc import Sequence

from pydantic import Field
from torch import Tensor, nn

from miface.recognisers.recogniser import Recogniser, Size
from miface.training.initial_weights import InitialWeights, initialise
from miface.training.perceptron import Perceptron
from miface.training.trainer import Descent, Trainer, train_classifier


class SoftmaxSettings(Descent):
    """Softmax regression: one linear layer on the pixels."""

    initial_weights: InitialWeights = Field(description="Distribution of the initial weights.")


class Softmax(Perceptron, Recogniser):
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

    def fit(self, trainer: Trainer) -> None:
        """Train by stochastic gradient descent."""
        initialise(self.first, self.settings.initial_weights, trainer.generator)
        train_classifier(self, self.settings, trainer)
