"""Weight decay."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from miface.countermeasures.countermeasure import Training
from miface.training.trainer import Descent, Trainer


class WeightDecay(Training):
    """The ℓ2 penalty on the weights is higher by s (Krogh and Hertz, 1991).

    It draws weights to combinations of photos, and so may make a recogniser give away more.
    The pretraining of an autoencoder has none.
    """

    Strength = Annotated[float, Field(gt=0)]

    def apply(self, trainer: Trainer) -> Trainer:
        """Train by the settings that the trainer has, with more decay."""

        def descent(settings: Descent) -> Descent:
            settings = trainer.descent(settings)
            decay = settings.weight_decay + self.strength
            return settings.model_copy(update={"weight_decay": decay})

        return replace(trainer, descent=descent)
