"""Augmentation."""

from dataclasses import replace
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from miface.countermeasures.countermeasure import Training
from miface.training.trainer import Trainer


class Augmentation(Training):
    """Photos are mirrored, and shifted by up to the share s of their sides (Simard et al., 2003).

    Anew in each step: half of them are mirrored, and all are shifted by whole pixels in both
    directions, with the pixels at the edge repeated.
    """

    Strength = Annotated[float, Field(gt=0, lt=1)]

    def apply(self, trainer: Trainer) -> Trainer:
        """Train on photos that are altered so."""
        return replace(trainer, alterations=(*trainer.alterations, self._alter))

    def _alter(self, photos: Tensor, generator: torch.Generator) -> Tensor:
        count, height, width = photos.shape
        mirrored, down, right = torch.rand(3, count, 1, generator=generator)
        y = torch.arange(height) + self._pixels(down, height)
        x = torch.arange(width) + self._pixels(right, width)
        x = torch.where(mirrored < 0.5, width - 1 - x, x)
        y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
        one = torch.arange(count)[:, None, None]
        return photos[one, y[:, :, None], x[:, None, :]]

    def _pixels(self, uniform: Tensor, side: int) -> Tensor:
        most = round(self.strength * side)
        return (uniform * (2 * most + 1)).floor().long() - most
