"""Rounding of confidences."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from miface.countermeasures.countermeasure import Answering


class Rounding(Answering):
    """Confidences are rounded to multiples of the strength r (Fredrikson et al., 2015, §5).

    They need not add up to 1 any more. The paper has r = 0.001, 0.005, 0.01, 0.05 and 0.1.
    """

    Strength = Annotated[float, Field(gt=0, lt=1)]

    def answer(self, confidences: Tensor) -> Tensor:
        """Give the nearest multiple of r, limited to [0, 1]; halves go to the even multiple."""
        return (torch.round(confidences / self.strength) * self.strength).clamp(0, 1)
