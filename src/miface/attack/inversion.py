"""An inversion: a trained network, labels and a recipe in, recovered images out.

Nothing in this package reads a photo: what an attack knows is what is passed to it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from miface.attack.costs import Cost
from miface.attack.evidence import Evidence, read_evidence, without_initial_noise
from miface.attack.gradients import GRADIENT_RULES, blur
from miface.attack.knowledge import Knowledge
from miface.attack.mi_face import Attacked, CostAndGradient, mi_face
from miface.attack.objectives import OBJECTIVES, one_minus_p
from miface.attack.processes import process_named
from miface.attack.row_space import RowSpace, orthonormal_rows
from miface.attack.snapshots import Snapshots, snapshot_iterations
from miface.attack.spaces import CodeSpace, PixelSpace, Space, make_space
from miface.attack.starts import make_start
from miface.models.networks import ConvolutionalNetwork, Network, Perceptron
from miface.params.attacks import Plan, Recipe

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
    stopped: NDArray[np.str_]
    cost_history: NDArray[np.float32]
    snapshots: NDArray[np.uint8]
    snapshot_limits: NDArray[np.float32]
    snapshot_iterations: NDArray[np.int64]


def invert(
    network: Network, size: Size, labels: NDArray[np.int64], plan: Plan, knowledge: Knowledge
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
    plan
        What the attack is made of, and its seed; its own labels are names, and not read here.
    knowledge
        What the attacker has beside the network.

    Returns
    -------
    Inversion
        In the order of `labels`.
    """
    recipe = plan.recipe
    device = next(network.parameters()).device
    attacked_network, evidence = prepare(network, recipe, knowledge)
    space = make_space(attacked_network, size, recipe, knowledge)
    generator = torch.Generator().manual_seed(plan.seed)
    fast = row_space(network, space, size, recipe, knowledge)
    at = snapshot_iterations(plan.snapshots, recipe.alpha)
    parts = []
    everybody = torch.from_numpy(labels).to(device)
    for batch in everybody.split(max(1, ROWS_AT_ONCE // recipe.restarts)):
        starts = make_start(space, size, recipe, knowledge, len(batch), generator, device)
        repeated = batch.repeat_interleave(recipe.restarts)
        snapshots = Snapshots(at, len(repeated), size)
        attacked = attack(
            attacked_network, space, size, repeated, plan, starts, evidence, fast, snapshots
        )
        parts.append(_merge(attacked, snapshots, network, space, size, batch, recipe))
    longest = max(part.cost_history.shape[1] for part in parts)

    def together(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    return Inversion(
        x=together("x"),
        label=labels,
        cost=together("cost"),
        attack_cost=together("attack_cost"),
        iterations=together("iterations"),
        stopped=together("stopped"),
        cost_history=np.concatenate([_padded(part.cost_history, longest) for part in parts]),
        snapshots=together("snapshots"),
        snapshot_limits=together("snapshot_limits"),
        snapshot_iterations=at,
    )


def _padded(history: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    missing = ((0, 0), (0, length - history.shape[1]))
    return np.pad(history, missing, constant_values=np.nan)


def prepare(
    network: Network, recipe: Recipe, knowledge: Knowledge
) -> tuple[Network, Evidence | None]:
    """Give the network that is attacked, and what a recipe reads off its weights.

    That is the network itself, unless the recipe filters its weights.
    """
    evidence = None
    if isinstance(network, ConvolutionalNetwork) and recipe.reads_weights:
        mean = None
        if len(knowledge.photos) > 0:
            with torch.no_grad():
                photos = torch.from_numpy(knowledge.photos).to(network.hidden.weight)
                mean = network.features(photos.flatten(1)).mean(0)
        evidence = read_evidence(network, mean)
        if recipe.filter_weights:
            network = without_initial_noise(network, evidence)
    return network, evidence


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
        and recipe.gradient in ("as_is", "momentum", "unit")
        and recipe.smoothing == 0
        and recipe.start != "random"
    )
    if not exact:
        return None
    assert isinstance(model, Perceptron)
    generator = torch.Generator()
    start = make_start(space, size, recipe, knowledge, 1, generator, model.first.weight.device)
    weight = model.first.weight
    lengths_matter = recipe.gradient == "unit"
    # Fewer than a quarter of the rows make a step cheaper; a length is right in any number.
    basis = orthonormal_rows(weight, max(64 * lengths_matter, len(weight) // 4))
    if basis is None and lengths_matter:
        return None
    return RowSpace(model, OBJECTIVES[recipe.objective], start[0], basis)


def attack(
    network: Network,
    space: Space,
    size: Size,
    labels: Tensor,
    plan: Plan,
    starts: Tensor,
    evidence: Evidence | None = None,
    fast: RowSpace | None = None,
    snapshots: Snapshots | None = None,
) -> Attacked:
    """Run the loop of MI-FACE with the parts that a plan's recipe names, from given starts.

    In the row space `fast` where there is one, which must begin at the same start. Fills
    `snapshots` where they are given.
    """
    recipe = plan.recipe
    process = make_process(space, size, plan)
    make_rule = GRADIENT_RULES[recipe.gradient]
    cost: CostAndGradient
    if fast is not None:
        cost = fast
        starts = starts.new_zeros(len(starts), fast.dimensions)
    else:
        objective = OBJECTIVES[recipe.objective]
        cost = Cost(network, space, size, objective, recipe.auxterms.weights, evidence)
        if recipe.smoothing > 0:
            cost = _smoothed(cost, size, recipe.smoothing)
    with tqdm(total=recipe.alpha, unit="step", disable=None) as bar:

        def observe(i: int, rows: Tensor, points: Tensor, c: Tensor) -> None:
            if snapshots is not None:
                snapshots.keep(
                    i, rows, lambda: space.images(fast.expand(points) if fast else points)
                )
            if i > 0:
                bar.update()
            if i % 10 == 0 and not bar.disable:
                bar.set_postfix(cost=f"{c.mean().item():.4f}", running=len(rows))

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
            observe=observe,
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


def make_process(space: Space, size: Size, plan: Plan) -> Callable[[Tensor], Tensor] | None:
    """Give PROCESS on points: in codes, decode, process the images, and encode (PROCESS-DAE)."""
    inner = process_named(plan.recipe.process, plan.non_local_means)
    if inner is None:
        return None

    def process(points: Tensor) -> Tensor:
        return space.points(inner(space.images(points).unflatten(1, size)).flatten(1))

    return process


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
    snapshots: Snapshots,
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
        snapshots=snapshots.frames[row],
        snapshot_limits=snapshots.limits[row],
        snapshot_iterations=snapshots.at,
    )
