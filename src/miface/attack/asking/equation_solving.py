r"""Equation solving: each answer is an equation for the weights.

Of softmax regression log p_l − log p_m = (w_l − w_m)ᵀ x + b_l − b_m, so d + 1 images tell all
weights of all people, but for what they share and nothing depends on (Tramèr et al., 2016).
The images are grey and cosines on grey, from coarse to fine: whatever the budget, what is known of
the weights is their coarse part, and faces are coarse. Then the copy is attacked as the refined
attack would the file. Of other recognisers it is what the
confidences do about grey: a gradient, shared by all.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from miface.attack.asking.asker import AT_ONCE, Asker, Task
from miface.attack.estimators import coarse_cosines, wiener
from miface.attack.gradients import Unit
from miface.attack.mi_face import Loop, mi_face
from miface.attack.objectives import minus_log_p
from miface.params.base import Count, Group

GREY = 0.5
_LEAST = 1e-37  # of a confidence, whose logarithm is taken
_CONTRAST = 0.2  # deviation of the grey values of what is given


class Steps(Group):
    """How far the images that are asked about lie from grey."""

    amplitude: Annotated[float, Field(gt=0, le=0.5)] = Field(
        description="Highest grey value of the cosines that are asked about, above and below grey."
    )
    steps: Count = Field(
        description="Steps of the attack on the copy, as the refined one has them."
    )


class EquationSolving(Asker):
    """Solves equations for the weights, a cosine a question (Tramèr et al., 2016)."""

    title, Settings = "equation solving", Steps
    settings: Steps
    told, shared = ("confidences",), True

    def search(self, task: Task) -> Tensor:
        """Attack the copy: unit steps on −log p from grey, and a photo's contrast.

        What the weights began with is filtered off where the budget reaches the fine cosines that
        show how much of it there is.
        """
        weights, origin = solved(task, self.settings.amplitude)
        found = attacked(weights, origin, task, self.settings.steps)
        return portrait(found, task, filtered=task.budget > task.pixels)


def attacked(weights: Tensor, origin: Tensor, task: Task, steps: int) -> Tensor:
    """Attack a softmax regression, the copy, as the refined attack does: unit steps on −log p.

    Parameters
    ----------
    weights, origin
        float [P, H·W], and float [P], the logits of grey.
    task
        Whom to recover.
    steps
        How many.

    Returns
    -------
    float [L, H·W]
        The change from grey.
    """

    def cost(change: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        c, derivative = minus_log_p(origin + change @ weights.T, labels)
        return c, derivative @ weights

    start = torch.zeros(len(task.labels), task.pixels).to(weights)
    loop = Loop(alpha=steps, beta=steps + 1, gamma=-torch.inf, lambda_=1.0, rule=Unit())
    return mi_face(cost, start, task.labels, loop).points


def solved(task: Task, amplitude: float) -> tuple[Tensor, Tensor]:
    """Solve for the weights of all people, as far as the budget goes.

    Returns
    -------
    weights, origin
        float [P, H·W], and float [P], the logits of grey; both less their mean over people.
    """
    count = min(task.pixels, task.budget - 1)
    grey = torch.full((1, task.pixels), GREY, device=task.access.device)
    weights = torch.zeros(len(task.access.names), task.pixels, device=task.access.device)
    origin = _logits(task.ask(grey))
    for at in range(0, count, AT_ONCE):
        basis = coarse_cosines(task.size, at, min(at + AT_ONCE, count)).to(grey)
        length = amplitude / basis.abs().amax(1, keepdim=True)
        slopes = (_logits(task.ask(grey + length * basis)) - origin) / length
        weights += slopes.T @ basis
    return weights, origin[0]


def portrait(weights: Tensor, task: Task, *, filtered: bool) -> Tensor:
    """Make images of weights [L, H·W]: grey, and the weights at a photo's contrast."""
    start = torch.full((task.pixels,), GREY).to(weights)
    images = start + weights
    if filtered:
        images = wiener(weights, start, task.size, task.knowledge)
    change = images - start
    return start + change * (_CONTRAST / change.std(1, keepdim=True).clamp(min=1e-30))


def _logits(confidences: Tensor) -> Tensor:
    """Give log p less its mean over people, the logits up to a shift that changes nothing."""
    logits = confidences.clamp(min=_LEAST).log()
    return logits - logits.mean(1, keepdim=True)
