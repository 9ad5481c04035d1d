"""The attacker asks, and is told a name and nothing else."""

from torch import Tensor

from miface.attack.access.access import Access


class Labels(Access):
    """An attacker who may ask whom the recogniser sees: a door that opens or not, say."""

    title = "asks for labels"

    def ask(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Give int64 [B], the label of the highest confidence after the countermeasures."""
        return self._answers(images, labels).argmax(1)
