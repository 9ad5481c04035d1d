"""What an inversion gives: recovered images and how they came about, a row for each label."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from miface.attack.case import Case
from miface.attack.estimators import ESTIMATORS
from miface.attack.mi_face import Attacked
from miface.attack.snapshots import Snapshots


@dataclass(frozen=True)
class Inversion:
    """Recovered images and how they came about, a row for each label.

    Attributes
    ----------
    x
        float32 [L, H, W] in pixel units (photos are [0, 1]), not clipped.
    label
        int64 [L].
    cost
        float64 [L], 1 − p(label) that the whole model gives `x`.
    attack_cost
        float64 [L], the lowest cost that the attack saw: of the code, say, of which `x` is
        the decoded image, or of another objective.
    iterations
        int64 [L].
    queries
        int64 [L], images that the attacker asked about; 0 of one who holds the weights.
    stopped
        str [L]: ``alpha``, ``beta`` or ``gamma``.
    cost_history
        float32 [L, I + 1], NaN after a row has stopped.
    snapshots
        uint8 [L, S, H, W], the iterates at some iterations; zeros after a row has stopped.
    snapshot_limits
        float32 [L, S, 2], the grey values in pixel units that 0 and 255 stand for.
    snapshot_iterations
        int64 [S], which iterations these are.
    """

    x: NDArray[np.float32]
    label: NDArray[np.int64]
    cost: NDArray[np.float64]
    attack_cost: NDArray[np.float64]
    iterations: NDArray[np.int64]
    queries: NDArray[np.int64]
    stopped: NDArray[np.str_]
    cost_history: NDArray[np.float32]
    snapshots: NDArray[np.uint8]
    snapshot_limits: NDArray[np.float32]
    snapshot_iterations: NDArray[np.int64]


def merge_restarts(
    case: Case, labels: Tensor, attacked: Attacked, snapshots: Snapshots, asked: Tensor
) -> Inversion:
    """Make one row of the restarts of each label: the one of lowest cost, or the mean image.

    Parameters
    ----------
    case
        What was attacked, and by which recipe.
    labels
        int64 [L].
    attacked, snapshots
        L · restarts rows, those of a label one after the other.
    asked
        int64 [P], the queries that the access had counted before.
    """
    shape = (len(labels), case.recipe.restarts)
    best = attacked.cost.view(shape).argmin(1).cpu()
    row = np.arange(shape[0]) * shape[1] + best.numpy()
    with torch.no_grad():
        if case.recipe.keep == "mean":
            images = case.space.images(attacked.points).view(*shape, -1).mean(1)
        else:
            images = case.space.images(attacked.points[torch.from_numpy(row)])
        if case.recipe.estimator != "as_is":
            start = case.space.images(case.starts(1, torch.Generator()))[0]
            estimate = ESTIMATORS[case.recipe.estimator]
            images = estimate(images - start, start, case.size, case.knowledge)
    queries = (case.access.queries - asked)[labels.cpu()].numpy()
    cost = 1 - case.access.reveal(images).gather(1, labels[:, None])[:, 0]
    return Inversion(
        x=images.unflatten(1, case.size).cpu().numpy(),
        label=labels.cpu().numpy(),
        cost=cost.double().cpu().numpy(),
        attack_cost=attacked.cost.double().cpu().numpy()[row],
        iterations=attacked.iterations[row],
        queries=queries,
        stopped=attacked.stopped[row],
        cost_history=attacked.history[row],
        snapshots=snapshots.frames[row],
        snapshot_limits=snapshots.limits[row],
        snapshot_iterations=snapshots.at,
    )


def join(parts: Sequence[Inversion]) -> Inversion:
    """Put the inversions of several batches of labels together."""
    longest = max(part.cost_history.shape[1] for part in parts)

    def together(name: str) -> NDArray[Any]:
        arrays = [getattr(part, name) for part in parts]
        if name == "snapshot_iterations":  # the same in all
            return arrays[0]
        if name == "cost_history":
            arrays = [_padded(history, longest) for history in arrays]
        return np.concatenate(arrays)

    return Inversion(**{field.name: together(field.name) for field in fields(Inversion)})


def _padded(history: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    missing = ((0, 0), (0, length - history.shape[1]))
    return np.pad(history, missing, constant_values=np.nan)
