"""What every countermeasure is: a strength, and one of two places where it acts."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor

from miface.training.trainer import Trainer


class Countermeasure(ABC):
    """Something that a defender does, of a given strength.

    A module of this package that defines one adds it to all of miface, under the module's name.

    Parameters
    ----------
    strength
        How much of it; what that means, and its range, are the countermeasure's own.

    Attributes
    ----------
    Strength
        The type of the strength with its range, as pydantic checks it.
    """

    Strength: ClassVar[Any]

    def __init__(self, strength: float) -> None:
        self.strength = strength

    @classmethod
    def summary(cls) -> str:
        """Say in a line what it does: the first of its documentation."""
        return (cls.__doc__ or "").strip().split("\n")[0]


class Training(Countermeasure):
    """A countermeasure in the training: it changes what the trainer does."""

    @abstractmethod
    def apply(self, trainer: Trainer) -> Trainer:
        """Give the trainer with this countermeasure, on top of those it has."""


class Answering(Countermeasure):
    """A countermeasure on the answers: it stands between the recogniser and who asks."""

    @abstractmethod
    def answer(self, confidences: Tensor) -> Tensor:
        """Map confidences [B, P] to those that are given out."""
