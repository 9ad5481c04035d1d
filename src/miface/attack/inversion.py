"""An inversion: a trained network, labels and parameters in, recovered images out.

Nothing in this package reads a photo: what an attack knows is what is passed to it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from miface.attack.auxterms import AUXTERMS
from miface.attack.mi_face import Attacked, Observe, mi_face
from miface.attack.objectives import OBJECTIVES, one_minus_p
from miface.attack.processes import PROCESSES
from miface.attack.spaces import Cost, RowSpace, space_of
from miface.models.networks import Network, Perceptron
from miface.params import Attack, MiFace

ROWS_AT_ONCE = 512
"""Labels in a batch: more would gain no speed, and memory would grow with the people."""


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
        the decoded image.
    iterations
        int64 [L].
    stopped
        str [L]: ``alpha``, ``beta`` or ``gamma``.
    cost_history
        float32 [L, I + 1], NaN after a row has stopped.
    """

    x: NDArray[np.float32]
    label: NDArray[np.int64]
    cost: NDArray[np.float64]
    attack_cost: NDArray[np.float64]
    iterations: NDArray[np.int64]
    stopped: NDArray[np.str_]
    cost_history: NDArray[np.float32]


def invert(
    network: Network,
    size: tuple[int, int],
    labels: NDArray[np.int64],
    attack: Attack,
    settings: MiFace,
) -> Inversion:
    """Run MI-FACE as published.

    Parameters
    ----------
    network
        The recogniser, in evaluation mode.
    size
        (height, width) of its photos.
    labels
        int64 [L], whom to recover.
    attack
        α, β, γ, λ, the start and AUXTERM.
    settings
        PROCESS.

    Returns
    -------
    Inversion
        In the order of `labels`.
    """
    space = space_of(network, size[0] * size[1])
    device = next(network.parameters()).device
    objective = OBJECTIVES["one_minus_p"]
    origin = torch.zeros(1, space.dimensions, device=device)
    if attack.start == "black":
        with torch.no_grad():
            origin = space.points(torch.zeros(1, size[0] * size[1], device=device))
    auxterm = AUXTERMS[attack.auxterm] if attack.auxterm_weight > 0 else None
    inner = PROCESSES[settings.process]
    process = None
    if inner is not None:

        def process(points: Tensor) -> Tensor:
            images = space.images(points).unflatten(1, size)
            return space.points(inner(images).flatten(1))

    fast = None
    if isinstance(space.model, Perceptron) and process is None and auxterm is None:
        fast = RowSpace(space.model, objective, origin[0])

    parts = []
    for batch in torch.from_numpy(labels).to(device).split(ROWS_AT_ONCE):
        start = origin.expand(len(batch), -1)
        if fast is not None:
            start = start.new_zeros(len(batch), fast.dimensions)
        with tqdm(total=attack.alpha, unit="step", disable=None) as bar:
            parts.append(
                mi_face(
                    fast or Cost(space, size, objective, auxterm, attack.auxterm_weight),
                    start,
                    batch,
                    alpha=attack.alpha,
                    beta=attack.beta,
                    gamma=attack.gamma,
                    lambda_=attack.lambda_,
                    process=process,
                    observe=None if bar.disable else _progress(bar),
                )
            )
    images, costs = [], []
    with torch.no_grad():
        for part, batch in zip(parts, torch.from_numpy(labels).split(ROWS_AT_ONCE), strict=True):
            points = part.points if fast is None else fast.expand(part.points)
            images.append(space.images(points))
            costs.append(one_minus_p(network(images[-1]), batch.to(device))[0])
    return Inversion(
        x=torch.cat(images).unflatten(1, size).cpu().numpy(),
        label=labels,
        cost=torch.cat(costs).double().cpu().numpy(),
        attack_cost=torch.cat([part.cost for part in parts]).double().cpu().numpy(),
        iterations=np.concatenate([part.iterations for part in parts]),
        stopped=np.concatenate([part.stopped for part in parts]),
        cost_history=_join([part.history for part in parts]),
    )


def _progress(bar: "tqdm[None]") -> Observe:
    def observe(i: int, rows: Tensor, _: Tensor, cost: Tensor) -> None:
        if i > 0:
            bar.update()
        if i % 10 == 0:
            bar.set_postfix(cost=f"{cost.mean().item():.4f}", running=len(rows))

    return observe


def _join(histories: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Put histories of different length below one another."""
    longest = max(history.shape[1] for history in histories)
    return np.concatenate(
        [
            np.pad(h, ((0, 0), (0, longest - h.shape[1])), constant_values=np.nan)
            for h in histories
        ]
    )


__all__ = ["Attacked", "Inversion", "invert"]
