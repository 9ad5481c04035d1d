"""An evolution strategy among faces: random changes, and steps towards those that help.

Natural evolution strategies (Wierstra et al., 2014) with pairs of opposite changes, as
Salimans et al. (2017) have them, in the few dimensions of photos of other people.
"""

import torch
from pydantic import Field
from torch import Tensor

from miface.attack.asking.asker import Asker, Task
from miface.attack.asking.scores import Faces, unlikeliness
from miface.attack.gradients import Adam
from miface.attack.mi_face import Loop, mi_face
from miface.params.base import Count, Group, NonNegative, Positive


class Population(Group):
    """The random changes of a step."""

    pairs: Count = Field(description="Pairs of opposite changes in a step, at most.")
    width: Positive = Field(description="Their size, in units of the photos' spread.")
    step: Positive = Field(description="Step of Adam.")
    pull: NonNegative = Field(description="Pull towards the mean face: factor of the squares.")


class Evolution(Asker):
    """Steps towards the random changes that help, among faces (Wierstra et al., 2014)."""

    title, Settings = "evolution strategy", Population
    settings: Population
    told, knows = ("confidences",), "photos"

    def search(self, task: Task) -> Tensor:
        """Give the faces of the lowest cost that was told: the mean face where none can be."""
        settings, faces = self.settings, Faces(task)
        pairs = min(settings.pairs, max(1, task.budget // 20))
        steps = task.budget // (2 * pairs + 1) - 1
        points = torch.zeros(len(task.labels), len(faces.components), device=task.access.device)
        if steps < 1:
            return faces.images(points)

        def cost(points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
            pull = settings.pull * points
            c = unlikeliness(task, faces.images(points), labels) + (pull * points).sum(1)
            changes = torch.randn(len(points), pairs, points.shape[1], generator=task.generator)
            changes = settings.width * changes.to(points)
            beside = torch.cat([points[:, None] + changes, points[:, None] - changes], 1)
            asked = labels.repeat_interleave(2 * pairs)
            there = unlikeliness(task, faces.images(beside.flatten(0, 1)), asked)
            up, down = there.view(len(points), 2, pairs).unbind(1)
            along = ((up - down)[:, :, None] * changes).mean(1) / (2 * settings.width**2)
            return c, along + 2 * pull

        loop = Loop(alpha=steps, beta=steps + 1, gamma=-torch.inf, lambda_=settings.step,
                    rule=Adam())  # fmt: skip
        return faces.images(mi_face(cost, points, task.labels, loop).points)
