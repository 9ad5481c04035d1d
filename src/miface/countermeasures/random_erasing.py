"""Random erasing."""

from dataclasses import replace
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from miface.countermeasures.countermeasure import Training
from miface.training.trainer import Trainer

# Height to width of what is erased, at the most, and width to height: as Zhong et al. have it.
_ASPECT = 10 / 3


class RandomErasing(Training):
    """A rectangle, of up to the share s of each photo, becomes noise (Zhong et al., 2020).

    Anew in each step, and of every photo, where they leave half of the photos whole. Tran et al.
    (2024) found that it makes a recogniser give away less.
    """

    Strength = Annotated[float, Field(gt=0, lt=1)]

    def apply(self, trainer: Trainer) -> Trainer:
        """Train on photos with a hole."""
        return replace(trainer, alterations=(*trainer.alterations, self._erase))

    def _erase(self, photos: Tensor, generator: torch.Generator) -> Tensor:
        count, height, width = photos.shape
        share, shape, top, left = torch.rand(4, count, 1, 1, generator=generator)
        area, aspect = self.strength * share * height * width, _ASPECT ** (2 * shape - 1)
        # Rounded down, and no larger than the photo, so that the area is never above the share.
        rows = (area * aspect).sqrt().floor().clamp(max=height)
        columns = (area / aspect).sqrt().floor().clamp(max=width)
        top, left = (top * (height - rows + 1)).floor(), (left * (width - columns + 1)).floor()
        y, x = torch.arange(height)[:, None], torch.arange(width)
        hole = (y >= top) & (y < top + rows) & (x >= left) & (x < left + columns)
        noise = torch.rand(photos.shape, generator=generator)
        return torch.where(hole.to(photos.device), noise.to(photos), photos)
