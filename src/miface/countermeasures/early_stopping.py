"""Early stopping."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from miface.countermeasures.countermeasure import Training
from miface.training.trainer import Descent, Trainer


class EarlyStopping(Training):
    """The share s of the epochs is made, rounded, and one at the least (Morgan and Bourlard, 1990).

    The pretraining of an autoencoder, which has epochs of its own, is not shortened.
    """

    Strength = Annotated[float, Field(gt=0, lt=1)]

    def apply(self, trainer: Trainer) -> Trainer:
        """Train by the settings that the trainer has, with fewer epochs."""

        def descent(settings: Descent) -> Descent:
            settings = trainer.descent(settings)
            epochs = max(1, round(self.strength * settings.max_epochs))
            return settings.model_copy(update={"max_epochs": epochs})

        return replace(trainer, descent=descent)
