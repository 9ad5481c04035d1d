"""The four face recognisers: photos in rows of grey values in, a logit for each person out."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from miface.params import Params
from miface.params.base import ModelName
from miface.params.training import Cnn, Dae, InitialWeights, Mlp

Architecture = dict[str, Any]


class Perceptron(nn.Module):
    """A network that begins with a linear layer: ``logits = tail(first(x))``.

    Training and the attack have exact fast paths for this shape.

    Attributes
    ----------
    first
        The linear layer on the inputs.
    """

    first: nn.Linear

    def tail(self, z: Tensor) -> Tensor:
        """Map outputs of the first layer [B, h] to logits [B, P]."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Map inputs [B, d] to logits [B, P]."""
        logits: Tensor = self.tail(self.first(x))
        return logits


class SoftmaxRegression(Perceptron):
    """One linear layer; the softmax is left to the cost."""

    def __init__(self, inputs: int, people: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, people)

    def tail(self, z: Tensor) -> Tensor:
        """Give the logits, which the first layer already is."""
        return z


class MultilayerPerceptron(Perceptron):
    """One hidden layer of sigmoid units."""

    def __init__(self, inputs: int, hidden_units: int, people: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, hidden_units)
        self.output = nn.Linear(hidden_units, people)

    def tail(self, z: Tensor) -> Tensor:
        """Map inputs of the sigmoids [B, h] to logits [B, P]."""
        logits: Tensor = self.output(torch.sigmoid(z))
        return logits


class Autoencoder(nn.Module):
    """One layer of tanh units and a linear decoder."""

    def __init__(self, inputs: int, hidden_units: int) -> None:
        super().__init__()
        self.encoder = nn.Linear(inputs, hidden_units)
        self.decoder = nn.Linear(hidden_units, inputs)

    def encode(self, x: Tensor) -> Tensor:
        """Map inputs [B, d] to codes [B, h] in (-1, 1)."""
        return torch.tanh(self.encoder(x))

    def decode(self, code: Tensor) -> Tensor:
        """Map codes [B, h] to inputs [B, d]."""
        decoded: Tensor = self.decoder(code)
        return decoded

    def forward(self, x: Tensor) -> Tensor:
        """Encode and decode."""
        return self.decode(self.encode(x))


class StackedAutoencoder(nn.Module):
    """Two autoencoders, one on the codes of the other, and softmax regression on their codes."""

    def __init__(self, inputs: int, hidden_units: tuple[int, int], people: int) -> None:
        super().__init__()
        self.outer = Autoencoder(inputs, hidden_units[0])
        self.inner = Autoencoder(hidden_units[0], hidden_units[1])
        self.classifier = SoftmaxRegression(hidden_units[1], people)

    def encode(self, x: Tensor) -> Tensor:
        """Map photos [B, d] to codes [B, k] in (-1, 1)."""
        return self.inner.encode(self.outer.encode(x))

    def decode(self, code: Tensor) -> Tensor:
        """Map codes [B, k] to photos [B, d]."""
        return self.outer.decode(self.inner.decode(code))

    def forward(self, x: Tensor) -> Tensor:
        """Map photos [B, d] to logits [B, P]."""
        logits: Tensor = self.classifier(self.encode(x))
        return logits


class ConvolutionalNetwork(nn.Module):
    """Two 3 × 3 convolutions, each with ReLU and max-pooling, dropout, and two linear layers."""

    def __init__(
        self,
        height: int,
        width: int,
        channels: tuple[int, int],
        hidden_units: int,
        dropout: float,
        people: int,
    ) -> None:
        super().__init__()
        self.size = (height, width)
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
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(channels[1] * (height // 4) * (width // 4), hidden_units)
        self.output = nn.Linear(hidden_units, people)

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


Network = SoftmaxRegression | MultilayerPerceptron | StackedAutoencoder | ConvolutionalNetwork


def architecture_of(
    model: ModelName, params: Params, height: int, width: int, people: int
) -> Architecture:
    """Describe a network by what `build` needs: plain values that fit in a file's metadata."""
    settings = getattr(params, model)
    architecture: Architecture = {
        "model": model, "height": height, "width": width, "people": people
    }  # fmt: skip
    if isinstance(settings, Mlp | Dae | Cnn):
        architecture["hidden_units"] = settings.hidden_units
    if isinstance(settings, Cnn):
        architecture |= {"channels": settings.channels, "dropout": settings.dropout}
    return architecture


def build(architecture: Architecture) -> Network:
    """Make the network that `architecture_of` describes, with PyTorch's initial weights."""
    height, width, people = (architecture[key] for key in ("height", "width", "people"))
    match architecture["model"]:
        case "softmax":
            return SoftmaxRegression(height * width, people)
        case "mlp":
            return MultilayerPerceptron(height * width, architecture["hidden_units"], people)
        case "dae":
            return StackedAutoencoder(height * width, architecture["hidden_units"], people)
        case "cnn":
            return ConvolutionalNetwork(
                height,
                width,
                architecture["channels"],
                architecture["hidden_units"],
                architecture["dropout"],
                people,
            )
    raise ValueError(f"unknown model {architecture['model']!r}")


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


@torch.no_grad()
def start_with_signed_dirac(network: ConvolutionalNetwork) -> None:
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
