"""An attack from its start to its end: an access, labels and a plan in, recovered images out.

Nothing in this package reads a photo: what an attack knows is what is passed to it.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from miface.attack.access.everything import Everything
from miface.attack.case import Case
from miface.attack.costs import AskedCost, Cost
from miface.attack.gradients import GRADIENT_RULES, blur
from miface.attack.inversion import Inversion, join, merge_restarts
from miface.attack.mi_face import Attacked, CostAndGradient, Loop, mi_face
from miface.attack.processes import PROCESSES
from miface.attack.row_space import RowSpace, row_space_of
from miface.attack.snapshots import Snapshots, snapshot_iterations
from miface.progress import Progress

ROWS_AT_ONCE = 128
"""Rows in a batch: more would gain no speed, and memory would grow with the people."""


def invert(case: Case, labels: NDArray[np.int64]) -> Inversion:
    """Recover an image for each label.

    Parameters
    ----------
    case
        What may be asked, what is known, and what is done. The labels of its plan are names, and
        not read here.
    labels
        int64 [L], whom to recover.

    Returns
    -------
    Inversion
        In the order of `labels`.
    """
    recipe = case.recipe
    generator = torch.Generator().manual_seed(case.plan.seed)
    fast = row_space_of(case)
    at = snapshot_iterations(case.plan.snapshots, recipe.alpha)
    parts = []
    everybody = torch.from_numpy(labels).to(case.device)
    for batch in everybody.split(max(1, ROWS_AT_ONCE // recipe.restarts)):
        starts = case.starts(len(batch), generator)
        repeated = batch.repeat_interleave(recipe.restarts)
        snapshots = Snapshots(at, len(repeated), case.size)
        asked = case.access.queries.clone()
        attacked = attack(case, repeated, starts, fast, snapshots)
        parts.append(merge_restarts(case, batch, attacked, snapshots, asked))
    return join(parts)


def attack(
    case: Case,
    labels: Tensor,
    starts: Tensor,
    fast: RowSpace | None = None,
    snapshots: Snapshots | None = None,
) -> Attacked:
    """Run the loop of MI-FACE with the parts that a recipe names, from given starts.

    In the row space `fast` where there is one, which must begin at the same start. Fills
    `snapshots` where they are given.
    """
    if fast is not None:
        starts = fast.begin(len(starts))
    with Progress(case.recipe.alpha, "attack", "step") as progress:
        facts: dict[str, str] = {}

        def observe(i: int, rows: Tensor, points: Tensor, c: Tensor) -> None:
            if snapshots is not None:
                snapshots.keep(
                    i, rows, lambda: case.space.images(fast.expand(points) if fast else points)
                )
            if i % 10 == 0:
                facts.update(cost=f"{c.mean().item():.4f}", running=str(len(rows)))
            if i > 0:
                progress.step(**facts)

        attacked = mi_face(fast or cost_of(case), starts, labels, loop_of(case), observe)
    return attacked if fast is None else replace(attacked, points=fast.expand(attacked.points))


def cost_of(case: Case) -> CostAndGradient:
    """Give the cost of a case and its gradient, blurred if the recipe says so."""
    cost = Cost(case) if isinstance(case.access, Everything) else AskedCost(case)
    sigma = case.recipe.smoothing
    if sigma == 0:
        return cost

    def smoothed(points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        c, gradient = cost(points, labels)
        return c, blur(gradient.unflatten(1, case.size), sigma).flatten(1)

    return smoothed


def loop_of(case: Case) -> Loop:
    """Give the knobs of a recipe, and a fresh memory for its gradients."""
    recipe = case.recipe
    make_rule = GRADIENT_RULES[recipe.gradient]
    return Loop(
        alpha=recipe.alpha,
        beta=recipe.beta,
        gamma=recipe.gamma,
        lambda_=recipe.lambda_,
        process=_process(case),
        rule=make_rule() if make_rule else None,
        schedule=_falling(recipe.alpha) if recipe.schedule == "falling" else None,
    )


def _process(case: Case) -> Callable[[Tensor], Tensor] | None:
    """Give PROCESS on points: in codes, decode, process the images, and encode (PROCESS-DAE)."""
    inner = PROCESSES[case.recipe.process](case.plan.non_local_means)
    if inner is None:
        return None

    def process(points: Tensor) -> Tensor:
        images = case.space.images(points).unflatten(1, case.size)
        return case.space.points(inner(images).flatten(1))

    return process


def _falling(alpha: int) -> Callable[[int], float]:
    """1 in the first half of the steps, then in a straight line to 0."""
    return lambda i: min(1.0, 2 * (1 - (i - 1) / alpha))
