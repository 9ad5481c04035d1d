"""The label and nothing else."""

from typing import Literal

from torch import Tensor, nn

from miface.countermeasures.countermeasure import Answering


class LabelOnly(Answering):
    """The most likely person is given out as 1, and all others as 0 (Shokri et al., 2017)."""

    Strength = Literal[1]  # a label is given out alone or not: there is no degree of it

    def answer(self, confidences: Tensor) -> Tensor:
        """Give 1 for the highest, the first of equals, and 0 for the others."""
        return nn.functional.one_hot(confidences.argmax(1), confidences.shape[1]).to(confidences)
