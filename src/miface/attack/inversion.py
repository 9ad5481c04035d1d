"""An inversion: a trained network, labels and a recipe in, recovered images out.

Nothing in this package reads a photo: what an attack knows is what is passed to it.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from miface.attack.costs import Cost, RowSpace
from miface.attack.evidence import Evidence, read_evidence, without_initial_noise
from miface.attack.gradients import GRADIENT_RULES, blur
from miface.attack.knowledge import Knowledge
from miface.attack.mi_face import Attacked, CostAndGradient, Observe, mi_face
from miface.attack.objectives import OBJECTIVES, one_minus_p
from miface.attack.processes import PROCESSES
from miface.attack.spaces import CodeSpace, FrequencySpace, PixelSpace, PriorSpace, Space
from miface.models.networks import (
    ConvolutionalNetwork,
    Network,
    Perceptron,
    StackedAutoencoder,
)
from miface.params import Recipe

ROWS_AT_ONCE = 128
"""Rows in a batch: more would gain no speed, and memory would grow with the people."""

Size = tuple[int, int]


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
    size: Size,
    labels: NDArray[np.int64],
    recipe: Recipe,
    knowledge: Knowledge,
    seed: int,
) -> Inversion:
    """Recover an image for each label.

    Parameters
    ----------
    network
        The recogniser, in evaluation mode.
    size
        (height, width) of its photos.
    labels
        int64 [L], whom to recover.
    recipe
        What the attack is made of; for MI-FACE as published `miface.params.published`.
    knowledge
        What the attacker has beside the network.
    seed
        Seed of random starts.

    Returns
    -------
    Inversion
        In the order of `labels`.
    """
    device = next(network.parameters()).device
    space = make_space(network, size, recipe, knowledge)
    evidence = None
    if isinstance(network, ConvolutionalNetwork) and recipe.reads_weights:
        evidence = _evidence(network, knowledge)
    generator = torch.Generator().manual_seed(seed)
    fast = row_space(network, space, size, recipe, knowledge)
    parts = []
    everybody = torch.from_numpy(labels).to(device)
    for batch in everybody.split(max(1, ROWS_AT_ONCE // recipe.restarts)):
        starts = make_start(space, size, recipe, knowledge, len(batch), generator, device)
        repeated = batch.repeat_interleave(recipe.restarts)
        attacked = attack(network, space, size, repeated, recipe, starts, evidence, fast)
        parts.append(_merge(attacked, network, space, size, batch, recipe))
    histories = [part.cost_history for part in parts]
    longest = max(history.shape[1] for history in histories)
    padded = [
        np.pad(h, ((0, 0), (0, longest - h.shape[1])), constant_values=np.nan) for h in histories
    ]
    return Inversion(
        x=np.concatenate([part.x for part in parts]),
        label=labels,
        cost=np.concatenate([part.cost for part in parts]),
        attack_cost=np.concatenate([part.attack_cost for part in parts]),
        iterations=np.concatenate([part.iterations for part in parts]),
        stopped=np.concatenate([part.stopped for part in parts]),
        cost_history=np.concatenate(padded),
    )


def make_space(network: Network, size: Size, recipe: Recipe, knowledge: Knowledge) -> Space:
    """Give the space that a recipe searches; with a prior, that of the prior."""
    device = next(network.parameters()).device
    match recipe.space:
        case "prior":
            mean, components = (
                torch.from_numpy(a).to(device) for a in (knowledge.mean, knowledge.components)
            )
            return PriorSpace(mean, components, size)
        case "frequencies":
            return FrequencySpace(size, device)
        case "codes":
            assert isinstance(network, StackedAutoencoder)
            return CodeSpace(network)
    return PixelSpace(size[0] * size[1])


def make_start(
    space: Space,
    size: Size,
    recipe: Recipe,
    knowledge: Knowledge,
    labels: int,
    generator: torch.Generator,
    device: torch.device,
) -> Tensor:
    """Give x0 for each label and restart: float [labels · restarts, k]."""
    rows = labels * recipe.restarts
    if recipe.start == "zero":
        return torch.zeros(rows, space.dimensions, device=device)
    if recipe.start == "random":
        # Uniform noise, as an untrained eye's photo: grey values in [0, 1].
        noise = torch.rand(rows, size[0] * size[1], generator=generator).to(device)
        with torch.no_grad():
            return space.points(noise)
    if recipe.start == "public_mean":
        image = torch.from_numpy(knowledge.mean).to(device).unsqueeze(0)
    else:
        grey = 0.0 if recipe.start == "black" else 0.5
        image = torch.full((1, size[0] * size[1]), grey, device=device)
    with torch.no_grad():
        return space.points(image).expand(rows, -1)


def row_space(
    network: Network, space: Space, size: Size, recipe: Recipe, knowledge: Knowledge
) -> RowSpace | None:
    """Give the row space of the model's first layer where a recipe's steps stay in it exactly."""
    model = network.classifier if isinstance(space, CodeSpace) else network
    exact = (
        isinstance(model, Perceptron)
        and isinstance(space, PixelSpace | CodeSpace)
        and recipe.process == "identity"
        and not any(recipe.auxterms.weights.values())
        and recipe.gradient in ("as_is", "momentum")
        and recipe.smoothing == 0
        and recipe.start != "random"
    )
    if not exact:
        return None
    assert isinstance(model, Perceptron)
    generator = torch.Generator()
    start = make_start(space, size, recipe, knowledge, 1, generator, model.first.weight.device)
    return RowSpace(model, OBJECTIVES[recipe.objective], start[0])


def attack(
    network: Network,
    space: Space,
    size: Size,
    labels: Tensor,
    recipe: Recipe,
    starts: Tensor,
    evidence: Evidence | None = None,
    fast: RowSpace | None = None,
) -> Attacked:
    """Run the loop of MI-FACE with the parts that a recipe names, from given starts.

    In the row space `fast` where there is one, which must begin at the same start.
    """
    process = make_process(space, size, recipe)
    make_rule = GRADIENT_RULES[recipe.gradient]
    cost: CostAndGradient
    if fast is not None:
        cost = fast
        starts = starts.new_zeros(len(starts), fast.dimensions)
    else:
        if evidence is not None and recipe.filter_weights:
            assert isinstance(network, ConvolutionalNetwork)
            network = copy.deepcopy(network)
            network.hidden.weight.data = without_initial_noise(network, evidence)
        objective = OBJECTIVES[recipe.objective]
        cost = Cost(network, space, size, objective, recipe.auxterms.weights, evidence)
        if recipe.smoothing > 0:
            cost = _smoothed(cost, size, recipe.smoothing)
    with tqdm(total=recipe.alpha, unit="step", disable=None) as bar:
        attacked = mi_face(
            cost,
            starts,
            labels,
            alpha=recipe.alpha,
            beta=recipe.beta,
            gamma=recipe.gamma,
            lambda_=recipe.lambda_,
            process=process,
            rule=make_rule() if make_rule else None,
            schedule=_falling(recipe.alpha) if recipe.schedule == "falling" else None,
            observe=None if bar.disable else _progress(bar),
        )
    if fast is None:
        return attacked
    return Attacked(
        fast.expand(attacked.points),
        attacked.cost,
        attacked.iterations,
        attacked.stopped,
        attacked.history,
    )


def make_process(space: Space, size: Size, recipe: Recipe) -> Callable[[Tensor], Tensor] | None:
    """Give PROCESS on points: in codes, decode, process the images, and encode (PROCESS-DAE)."""
    inner = PROCESSES[recipe.process]
    if inner is None:
        return None

    def process(points: Tensor) -> Tensor:
        return space.points(inner(space.images(points).unflatten(1, size)).flatten(1))

    return process


def _evidence(network: ConvolutionalNetwork, knowledge: Knowledge) -> Evidence:
    mean = None
    if len(knowledge.photos) > 0:
        with torch.no_grad():
            photos = torch.from_numpy(knowledge.photos).to(network.hidden.weight)
            mean = network.features(photos.flatten(1)).mean(0)
    return read_evidence(network, mean)


def _smoothed(cost: CostAndGradient, size: Size, sigma: float) -> CostAndGradient:
    def smoothed(points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        c, gradient = cost(points, labels)
        return c, blur(gradient.unflatten(1, size), sigma).flatten(1)

    return smoothed


def _falling(alpha: int) -> Callable[[int], float]:
    """1 in the first half of the steps, then in a straight line to 0."""
    return lambda i: min(1.0, 2 * (1 - (i - 1) / alpha))


def _merge(
    attacked: Attacked,
    network: Network,
    space: Space,
    size: Size,
    labels: Tensor,
    recipe: Recipe,
) -> Inversion:
    """Make one row of several restarts: the one of lowest cost, or the mean of all images."""
    shape = (len(labels), recipe.restarts)
    best = attacked.cost.view(shape).argmin(1).cpu()
    row = np.arange(shape[0]) * shape[1] + best.numpy()
    with torch.no_grad():
        if recipe.keep == "mean":
            images = space.images(attacked.points).view(*shape, -1).mean(1)
        else:
            images = space.images(attacked.points[torch.from_numpy(row)])
        cost = one_minus_p(network(images), labels)[0]
    return Inversion(
        x=images.unflatten(1, size).cpu().numpy(),
        label=labels.cpu().numpy(),
        cost=cost.double().cpu().numpy(),
        attack_cost=attacked.cost.double().cpu().numpy()[row],
        iterations=attacked.iterations[row],
        stopped=attacked.stopped[row],
        cost_history=attacked.history[row],
    )


def _progress(bar: "tqdm[Any]") -> Observe:
    def observe(i: int, rows: Tensor, _: Tensor, cost: Tensor) -> None:
        if i > 0:
            bar.update()
        if i % 10 == 0:
            bar.set_postfix(cost=f"{cost.mean().item():.4f}", running=len(rows))

    return observe
