"""Label smoothing."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from miface.countermeasures.countermeasure import Training
from miface.training.trainer import Trainer


class LabelSmoothing(Training):
    """Training asks for 1 − s of the right person and shares s among all (Szegedy et al., 2016)."""

    Strength = Annotated[float, Field(gt=0, lt=1)]

    def apply(self, trainer: Trainer) -> Trainer:
        """Train on the smoothed loss."""
        return replace(trainer, loss=self.loss)

    def loss(self, logits: Tensor, person: Tensor) -> Tensor:
        """Mean cross-entropy against (1 − s) e_person + s/P."""
        return nn.functional.cross_entropy(logits, person, label_smoothing=self.strength)
