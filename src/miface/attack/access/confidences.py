"""The attacker asks, and is told the confidences."""

from torch import Tensor

from miface.attack.access.access import Access


class Confidences(Access):
    """An attacker who may ask for confidences: an interface on the web, say."""

    title = "asks for confidences"

    def ask(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Give the confidences [B, P] after the countermeasures."""
        return self._answers(images, labels)
