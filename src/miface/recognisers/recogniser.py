"""What every face recogniser is: grey photos in rows in, a logit for each person out."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from miface.params.base import Group
from miface.training.perceptron import Perceptron
from miface.training.trainer import Descent, Trainer

Size = tuple[int, int]
"""(height, width) of photos."""


class Recogniser(nn.Module, ABC):
    """A face recogniser, how it is made and how it is trained.

    A module of this package that defines one adds it to all of miface: its name is the module's,
    its `Settings` are its group in ``params.yaml``.

    Parameters
    ----------
    size
        (height, width) of its photos.
    names
        A name for each of its outputs.
    settings
        Its group of parameters.

    Attributes
    ----------
    title
        Its name for people.
    Settings
        The definition of its group of parameters.
    """

    title: ClassVar[str]
    Settings: ClassVar[type[Descent]]

    def __init__(self, size: Size, names: Sequence[str], settings: Group) -> None:
        super().__init__()
        self.size, self.names, self.settings = size, list(names), settings

    @classmethod
    def name(cls) -> str:
        """Give its name in ``params.yaml``, in tables and in files: that of its module."""
        return cls.__module__.rpartition(".")[2]

    @property
    def pixels(self) -> int:
        """Pixels of a photo."""
        return self.size[0] * self.size[1]

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Map photos [B, H·W], grey values in [0, 1], to logits [B, P]."""

    @abstractmethod
    def fit(self, trainer: Trainer) -> None:
        """Draw the initial weights and train, in place, as the settings say."""


class Begun:
    """A recogniser whose first linear layer is the first that its generator draws.

    Who knows the training code can draw the layer's initial weights again, and find their seed.
    """

    @property
    def first_linear(self) -> nn.Linear:
        """The layer."""
        raise NotImplementedError

    def begin(self, layer: nn.Linear, generator: torch.Generator) -> None:
        """Draw initial weights for such a layer, in place."""
        raise NotImplementedError

    def begun(self, generator: torch.Generator) -> Tensor:
        """Give the initial weights that a generator draws: float [h, d]."""
        layer = copy.deepcopy(self.first_linear).cpu()
        self.begin(layer, generator)
        return layer.weight.detach()


class Coded:
    """A recogniser that looks at a code of the photo alone, and can draw a code.

    An attack can search the codes in place of pixels, and PROCESS-DAE works on them.

    Attributes
    ----------
    classifier
        Maps codes [B, k] to logits [B, P].
    """

    classifier: Perceptron

    def encode(self, x: Tensor) -> Tensor:
        """Map photos [B, H·W] to codes [B, k]."""
        raise NotImplementedError

    def decode(self, code: Tensor) -> Tensor:
        """Map codes [B, k] to photos [B, H·W]."""
        raise NotImplementedError


class Convolutional:
    """A recogniser that ends in two linear layers on features that are not negative.

    The first of the two says of the features it was trained on what `miface.attack.evidence`
    reads off it.

    Attributes
    ----------
    hidden, output
        The two layers.
    maps
        (channels, height, width) of the features, which they come in.
    """

    hidden: nn.Linear
    output: nn.Linear
    maps: tuple[int, int, int]

    def features(self, x: Tensor) -> Tensor:
        """Map photos [B, H·W] to features [B, d], at least 0."""
        raise NotImplementedError

    def classify(self, features: Tensor) -> Tensor:
        """Map features [B, d] to logits [B, P]."""
        raise NotImplementedError
