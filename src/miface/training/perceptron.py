"""Networks that begin with a linear layer, which have exact fast paths."""

from typing import ClassVar

from torch import Tensor, nn


class Perceptron(nn.Module):
    """A network that begins with a linear layer: ``logits = tail(first(x))``.

    Training (`miface.training.span`) and the attack (`miface.attack.row_space`) have exact fast
    paths for this shape.

    Attributes
    ----------
    first
        The linear layer on the inputs.
    linear
        Whether there is nothing but this layer, so that its outputs are the logits.
    """

    first: nn.Linear
    linear: ClassVar[bool] = False

    def tail(self, z: Tensor) -> Tensor:
        """Map outputs of the first layer [B, h] to logits [B, P]."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Map inputs [B, d] to logits [B, P]."""
        logits: Tensor = self.tail(self.first(x))
        return logits


class LinearClassifier(Perceptron):
    """One linear layer; the softmax is left to the cost."""

    linear = True

    def __init__(self, inputs: int, people: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, people)

    def tail(self, z: Tensor) -> Tensor:
        """Give the logits, which the first layer already is."""
        return z
