"""Numerical gradients: the refined attack's steps with one question a pixel and step.

Fredrikson et al. (2015, §5.2) ask so: honest, and slow.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from miface.attack.asking.asker import AT_ONCE, Asker, Task
from miface.attack.asking.equation_solving import GREY, portrait
from miface.attack.asking.scores import unlikeliness
from miface.attack.gradients import Unit
from miface.attack.mi_face import Loop, mi_face
from miface.params.base import Group, Positive


class Differences(Group):
    """How wide differences are, and how long steps."""

    width: Annotated[float, Field(gt=0, le=0.5)] = Field(
        description="Grey values by which a pixel is changed. Rounded answers need wide ones."
    )
    step: Positive = Field(description="Length of a step, as the refined attack has it.")


class NumericalGradients(Asker):
    """Steps along numerical gradients, a question a pixel (Fredrikson et al., 2015, §5.2)."""

    title, Settings = "numerical gradients", Differences
    settings: Differences
    told = ("confidences",)

    def search(self, task: Task) -> Tensor:
        """Give the images after as many steps as the budget allows: grey where it allows none."""
        steps = task.budget // (task.pixels + 1) - 1
        start = torch.full((len(task.labels), task.pixels), GREY, device=task.access.device)
        if steps < 1:
            return start
        loop = Loop(alpha=steps, beta=steps + 1, gamma=-torch.inf, lambda_=self.settings.step,
                    process=_to_image, rule=Unit())  # fmt: skip

        def cost(points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
            return _differences(task, points, labels, self.settings.width)

        found = mi_face(cost, start, task.labels, loop).points
        return portrait(found - start, task, filtered=True)


def _to_image(points: Tensor) -> Tensor:
    """Bring points to what can be asked about: grey values from 0 to 1."""
    return points.clamp(0, 1)


def _differences(task: Task, points: Tensor, labels: Tensor, width: float) -> tuple[Tensor, Tensor]:
    """Give −log p and its differences along each pixel, away from white: [R] and [R, d]."""
    cost = unlikeliness(task, points, labels)
    gradient = torch.empty_like(points)
    for row, (point, label) in enumerate(zip(points, labels, strict=True)):
        for along in torch.arange(len(point), device=points.device).split(AT_ONCE):
            beside = point.expand(len(along), -1).clone()
            change = torch.where(point[along] + width > 1, -width, width)
            beside[torch.arange(len(along)), along] += change
            there = unlikeliness(task, beside, label.expand(len(along)))
            gradient[row, along] = (there - cost[row]) / change
    return cost, gradient
