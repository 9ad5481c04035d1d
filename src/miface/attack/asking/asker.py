"""What every attacker who only asks is: questions within a budget in, images out."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from miface.attack.access import ACCESSES
from miface.attack.access.access import Access
from miface.attack.access.labels import Labels
from miface.attack.knowledge import THREAT_MODELS, Knowledge
from miface.errors import MifaceError
from miface.params.base import Group
from miface.recognisers.recogniser import Size

AT_ONCE = 512
"""Images in a question's batch."""


@dataclass(frozen=True)
class Task:
    """What an attacker who only asks is given.

    Attributes
    ----------
    access
        Whom he asks, and what he is told; it counts.
    labels
        int64 [L], whom to recover.
    budget
        Images that he may ask about: for each label, or for all together where he is `shared`.
    knowledge
        What he has beside the answers.
    generator
        Source of his random images.
    """

    access: Access
    labels: Tensor
    budget: int
    knowledge: Knowledge
    generator: torch.Generator

    @property
    def size(self) -> Size:
        """(height, width) of images."""
        return self.access.size

    @property
    def pixels(self) -> int:
        """Pixels of an image."""
        return self.size[0] * self.size[1]

    def ask(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Give what is told of images [n, H·W] as confidences [n, P]: of a label alone, 1 and 0."""
        whom = [None] * -(-len(images) // AT_ONCE) if labels is None else labels.split(AT_ONCE)
        told = [
            self.access.ask(some, whose)
            for some, whose in zip(images.split(AT_ONCE), whom, strict=True)
        ]
        answers = torch.cat(told)
        if not isinstance(self.access, Labels):
            return answers
        return nn.functional.one_hot(answers, len(self.access.names)).float()


class Asker(ABC):
    """An attacker who only asks.

    A module of this package that defines one adds it to all of miface, under the module's name;
    its `Settings` are its group below `queries` in ``params.yaml``.

    Parameters
    ----------
    settings
        Its group of parameters.

    Attributes
    ----------
    title
        Its name for people.
    Settings
        The definition of its group.
    told
        The kinds of access that it can use.
    knows
        What it has to have beside: one of `THREAT_MODELS`.
    shared
        Whether its questions are the same for all labels, and its budget is for all together.
    """

    title: ClassVar[str]
    Settings: ClassVar[type[Group]]
    told: ClassVar[tuple[str, ...]]
    knows: ClassVar[str] = "model"
    shared: ClassVar[bool] = False

    def __init__(self, settings: Group) -> None:
        self.settings = settings

    def recover(self, task: Task) -> Tensor:
        """Give an image for each label: float [L, H·W] in pixel units.

        Raises
        ------
        MifaceError
            If the attacker cannot use what he is told, or lacks the photos that he needs.
        """
        if not isinstance(task.access, tuple(ACCESSES[name] for name in self.told)):
            raise MifaceError(
                f"{self.title}: found an attacker who {task.access.title}, expected one who "
                + " or ".join(ACCESSES[name].title for name in self.told)
            )
        if self.knows == "photos" and len(task.knowledge.photos) == 0:
            raise MifaceError(
                f"{self.title}: found an attacker who has {task.knowledge.threat_model}, "
                f"expected one who has {THREAT_MODELS[self.knows]}"
            )
        return self.search(task)

    @abstractmethod
    def search(self, task: Task) -> Tensor:
        """Give what `recover` does, of a task that suits the attacker."""
