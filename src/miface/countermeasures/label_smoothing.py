"""Label smoothing."""

from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from torch import Tensor, nn

from miface.countermeasures.countermeasure import Training
from miface.training.trainer import Trainer


def _smooth(strength: float) -> float:
    if strength == 0:
        raise PydanticCustomError("smoothing", "should be other than 0, which changes nothing")
    return strength


class LabelSmoothing(Training):
    """Training asks for 1 − s of the right person and shares s among all (Szegedy et al., 2016).

    A negative s asks for more than certainty. Struppek et al. (2024) found that positive smoothing
    makes a recogniser give away more, and negative smoothing less. Under it the loss has no lowest
    value, so that logits grow for as long as training lasts.
    """

    Strength = Annotated[float, Field(gt=-1, lt=1), AfterValidator(_smooth)]

    def apply(self, trainer: Trainer) -> Trainer:
        """Train on (1 − s) of the loss that the trainer has, and s of the mean −log p of all."""

        def loss(logits: Tensor, person: Tensor) -> Tensor:
            everybody = -nn.functional.log_softmax(logits, 1).mean()
            return (1 - self.strength) * trainer.loss(logits, person) + self.strength * everybody

        return replace(trainer, loss=loss)
