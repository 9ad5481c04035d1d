"""What every access is: a recogniser behind a counter."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from miface.countermeasures.countermeasure import Answering
from miface.recognisers.recogniser import Recogniser, Size


class Access(ABC):
    """A recogniser as an attacker meets it.

    Parameters
    ----------
    recogniser
        The recogniser, in evaluation mode.
    countermeasures
        What the defender does to each answer, in this order.

    Attributes
    ----------
    title
        What the attacker may ask, in words.
    queries
        int64 [P], images that were asked about so far, by the label they were asked for.
    shared
        Images that were asked about once for all labels together.
    """

    title: ClassVar[str]

    def __init__(self, recogniser: Recogniser, countermeasures: Sequence[Answering] = ()) -> None:
        self._recogniser = recogniser
        self._countermeasures = countermeasures
        self.queries = torch.zeros(len(recogniser.names), dtype=torch.int64)
        self.shared = 0

    @classmethod
    def name(cls) -> str:
        """Give its name in ``params.yaml``: that of its module."""
        return cls.__module__.rpartition(".")[2]

    @property
    def size(self) -> Size:
        """(height, width) of the photos that the recogniser takes."""
        return self._recogniser.size

    @property
    def names(self) -> list[str]:
        """Whom the outputs stand for."""
        return self._recogniser.names

    @property
    def device(self) -> torch.device:
        """Where the recogniser is."""
        return next(self._recogniser.parameters()).device

    @torch.no_grad()
    def _answers(self, images: Tensor, labels: Tensor | None) -> Tensor:
        """Give what the recogniser lets out of its confidences, and count."""
        confidences = torch.softmax(self._recogniser(images), 1)
        for countermeasure in self._countermeasures:
            confidences = countermeasure.answer(confidences)
        if labels is None:
            self.shared += len(images)
        else:
            self.queries += torch.bincount(labels.cpu(), minlength=len(self.queries))
        return confidences

    @torch.no_grad()
    def reveal(self, images: Tensor) -> Tensor:
        """Give the confidences [B, P] as they are, for the record: no attacker calls this."""
        return torch.softmax(self._recogniser(images), 1)

    @abstractmethod
    def ask(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Ask about images [B, H·W] for labels int64 [B], or for all labels together.

        What comes back is the kind's own.
        """
