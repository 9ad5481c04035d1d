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
        """Train on (1 − s) of the loss that the trainer has, and s of the mean −log p of all."""

        def loss(logits: Tensor, person: Tensor) -> Tensor:
            everybody = -nn.functional.log_softmax(logits, 1).mean()
            return (1 - self.strength) * trainer.loss(logits, person) + self.strength * everybody

        return replace(trainer, loss=loss)
