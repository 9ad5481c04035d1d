"""The attacker holds the file."""

from torch import Tensor

from miface.attack.access.access import Access
from miface.recognisers.recogniser import Recogniser


class Everything(Access):
    """An attacker who holds the weights, and so needs to ask nobody.

    No countermeasure on the answers touches what he computes himself, and nobody counts it.
    """

    title = "holds the weights"

    @property
    def recogniser(self) -> Recogniser:
        """The recogniser itself."""
        return self._recogniser

    def ask(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Give the confidences [B, P] as they are."""
        return self._recogniser(images).softmax(1)
