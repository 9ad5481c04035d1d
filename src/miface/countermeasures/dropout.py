"""Dropout of pixels."""

from dataclasses import replace
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from miface.countermeasures.countermeasure import Training
from miface.training.trainer import Trainer


class Dropout(Training):
    """The share s of a photo's pixels is 0, anew in each step (Srivastava et al., 2014).

    The others are scaled by 1/(1 − s), as by `torch.nn.Dropout`.
    """

    Strength = Annotated[float, Field(gt=0, lt=1)]

    def apply(self, trainer: Trainer) -> Trainer:
        """Train on photos that lack pixels."""
        return replace(trainer, alterations=(*trainer.alterations, self._drop))

    def _drop(self, photos: Tensor, generator: torch.Generator) -> Tensor:
        kept = torch.rand(photos.shape, generator=generator) >= self.strength
        return photos * kept.to(photos) / (1 - self.strength)
