"""Boundary repulsion: away from where the label changes, until a wide ball bears it alone.

Kahla et al. (2022, "Label-only model inversion attacks via boundary repulsion") in the few
dimensions of photos of other people, in place of a generator's.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from miface.attack.asking.asker import Asker, Task
from miface.attack.asking.scores import Faces
from miface.attack.mi_face import Loop, mi_face
from miface.params.base import Count, Group, Positive


class Spheres(Group):
    """The points about a face that are asked about."""

    points: Count = Field(description="Points on a sphere that are asked about in a step, at most.")
    radius: Positive = Field(description="First radius, in units of the photos' spread.")
    growth: Positive = Field(description="Factor of the radius once a sphere bears one label.")
    step: Positive = Field(description="Length of a step, as a share of the radius.")
    first: Annotated[float, Field(gt=0, lt=1)] = Field(
        description="Share of the budget that looks for a first face of everybody, all together."
    )


class Boundary(Asker):
    """Moves faces away from where the label changes (Kahla et al., 2022)."""

    title, Settings = "boundary repulsion", Spheres
    settings: Spheres
    told, knows = ("labels",), "photos"

    def search(self, task: Task) -> Tensor:
        """Give the centres of the widest spheres that bore the label alone.

        Of a budget that is too small for spheres, the first faces.
        """
        settings, faces = self.settings, Faces(task)
        first = max(1, round(settings.first * task.budget))
        points = self._first(task, faces, first)
        left = task.budget - -(-first // len(task.labels))
        count = min(settings.points, max(1, left // 10))
        steps = left // count - 1
        if steps < 1:
            return faces.images(points)
        radius = torch.full((len(points),), settings.radius, device=points.device)

        def cost(points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
            around = torch.randn(len(points), count, points.shape[1], generator=task.generator)
            around = torch.nn.functional.normalize(around.to(points), dim=2)
            beside = points[:, None] + radius[:, None, None] * around
            asked = labels.repeat_interleave(count)
            told = task.ask(faces.images(beside.flatten(0, 1)), asked)
            outside = told.gather(1, asked[:, None]).view(len(points), count) < 0.5
            c = outside.float().mean(1) - radius  # no wider sphere is worse
            along = (outside[:, :, None] * around).sum(1) / outside.sum(1, keepdim=True).clamp(1)
            along = torch.nn.functional.normalize(along, dim=1) * radius[:, None]
            radius[~outside.any(1)] *= settings.growth
            return c, along

        loop = Loop(alpha=steps, beta=steps + 1, gamma=-torch.inf, lambda_=settings.step)
        return faces.images(mi_face(cost, points, task.labels, loop).points)

    def _first(self, task: Task, faces: Faces, count: int) -> Tensor:
        """Ask about random faces, and give each label one that bears it, or the mean face."""
        drawn = torch.randn(count, len(faces.components), generator=task.generator)
        drawn = drawn.to(faces.mean)
        told = task.ask(faces.images(drawn)).argmax(1)
        bears = told == task.labels[:, None]
        found = drawn[bears.float().argmax(1)]
        return torch.where(bears.any(1)[:, None], found, torch.zeros_like(found))
