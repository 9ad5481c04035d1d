"""A convolutional network."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from miface.params.base import Count
from miface.recognisers.recogniser import Begun, Convolutional, Recogniser, Size
from miface.training.initial_weights import InitialWeights, initialise
from miface.training.trainer import Descent, Trainer, train_classifier


class CnnSettings(Descent):
    """Two 3 × 3 convolutions with max-pooling, dropout, and two linear layers."""

    channels: tuple[Count, Count] = Field(strict=False, description="Channels of the convolutions.")
    initial_filters: Literal["default", "signed_dirac"] = Field(
        description="Start of the convolutions: PyTorch's, or filters that pass the image and its "
        "negative on, in pairs, so that ReLU loses nothing. Decides how much the CNN gives away."
    )
    hidden_units: Count = Field(description="Units between the linear layers.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(description="Dropout after the pooling.")
    initial_weights: InitialWeights = Field(
        description="Initial weights of the first linear layer."
    )
    initial_output_weights: InitialWeights = Field(
        description="Initial weights of the output layer."
    )


class Cnn(Convolutional, Begun, Recogniser):
    """Two 3 × 3 convolutions, each with ReLU and max-pooling, dropout, and two linear layers."""

    title, Settings = "convolutional network", CnnSettings
    settings: CnnSettings

    def __init__(self, size: Size, names: Sequence[str], settings: CnnSettings) -> None:
        super().__init__(size, names, settings)
        (height, width), channels = size, settings.channels
        self.convolutions = nn.Sequential(
            # ReLU after pooling gives the same as before it, on a quarter of the pixels.
            nn.Conv2d(1, channels[0], 3, padding=1),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(channels[0], channels[1], 3, padding=1),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Flatten(),
        )
        # Twice as fast on a CPU.
        self.convolutions.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.dropout = nn.Dropout(settings.dropout)
        self.maps = (channels[1], height // 4, width // 4)
        self.hidden = nn.Linear(math.prod(self.maps), settings.hidden_units)
        self.output = nn.Linear(settings.hidden_units, len(names))

    def features(self, x: Tensor) -> Tensor:
        """Map photos [B, H·W] to the pooled outputs of the convolutions [B, d], not negative."""
        features: Tensor = self.convolutions(
            x.view(-1, 1, *self.size).contiguous(memory_format=torch.channels_last)
        )
        return features

    def classify(self, features: Tensor) -> Tensor:
        """Map features [B, d] to logits [B, P]."""
        logits: Tensor = self.output(torch.relu(self.hidden(self.dropout(features))))
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """Map photos [B, H·W] to logits [B, P]."""
        return self.classify(self.features(x))

    @property
    def first_linear(self) -> nn.Linear:
        """The layer on the features."""
        return self.hidden

    def begin(self, layer: nn.Linear, generator: torch.Generator) -> None:
        """Draw as the settings say."""
        initialise(layer, self.settings.initial_weights, generator)

    def fit(self, trainer: Trainer) -> None:
        """Train by stochastic gradient descent."""
        if self.settings.initial_filters == "signed_dirac":
            start_with_signed_dirac(self)
        self.begin(self.hidden, trainer.generator)
        initialise(self.output, self.settings.initial_output_weights, trainer.generator)
        train_classifier(self, self.settings, trainer)


@torch.no_grad()
def start_with_signed_dirac(network: Cnn) -> None:
    """Make the convolutions lose little of a photo, in place.

    The first filters pass the image on in even channels and its negative in odd ones (with a bias
    that keeps it above zero), beside a third of their random weights. The second filters come in
    pairs of opposite sign, so that ReLU loses nothing, and do not respond to flat grey. Random
    filters are often dead or flat instead, and which ones are is luck.
    """
    first, second = (m for m in network.convolutions if isinstance(m, nn.Conv2d))
    assert first.bias is not None
    first.weight.mul_(0.3)
    first.bias.zero_()
    first.weight[0::2, 0, 1, 1] += 1
    first.weight[1::2, 0, 1, 1] -= 1
    first.bias[1::2] = 0.6
    half = second.out_channels // 2
    second.weight[half : 2 * half] = -second.weight[:half]
    second.weight -= second.weight.mean((1, 2, 3), keepdim=True)
