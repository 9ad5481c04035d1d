"""Noise on confidences."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from miface.countermeasures.countermeasure import Answering


class Noise(Answering):
    """Confidences get normal noise of standard deviation s, anew for each question, within [0, 1].

    Who asks the same again gets other noise, and may average. They need not add up to 1 any more.
    The noise has a generator of its own, so that the same questions get the same answers in the
    next run.
    """

    Strength = Annotated[float, Field(gt=0, lt=1)]

    def __init__(self, strength: float) -> None:
        super().__init__(strength)
        self._generator = torch.Generator().manual_seed(0)

    def answer(self, confidences: Tensor) -> Tensor:
        """Give them with noise, limited to [0, 1]."""
        noise = torch.randn(confidences.shape, generator=self._generator, dtype=confidences.dtype)
        return (confidences + self.strength * noise.to(confidences)).clamp(0, 1)
