"""The highest confidences alone."""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from miface.countermeasures.countermeasure import Answering


class Top(Answering):
    """The k highest confidences are given out, and the others as 0 (Shokri et al., 2017)."""

    Strength = Annotated[int, Field(ge=1)]

    def answer(self, confidences: Tensor) -> Tensor:
        """Give the k highest as they are; all of them where there are no more than k people."""
        k = min(int(self.strength), confidences.shape[1])
        highest = confidences.topk(k, 1)
        return confidences.new_zeros(confidences.shape).scatter(1, highest.indices, highest.values)
