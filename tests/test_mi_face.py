"""MI-FACE against a plain loop that follows Algorithm 1 line by line, one label at a time."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from small import MODELS, PEOPLE, PIXELS, case_of, recipe_of, recogniser_of
from torch import Tensor, nn

from miface.attack.case import Case
from miface.attack.costs import Cost
from miface.attack.gradients import Momentum, Unit
from miface.attack.mi_face import Attacked, Loop, mi_face
from miface.attack.objectives import OBJECTIVES
from miface.attack.row_space import RowSpace, orthonormal_rows
from miface.attack.spaces import CodeSpace
from miface.recognisers.mlp import Mlp
from miface.recognisers.recogniser import Recogniser
from miface.recognisers.softmax import Softmax


@dataclass
class Plain:
    """What the plain loop returns."""

    best: Tensor
    cost: float
    iterations: int
    stopped: str
    iterates: list[Tensor]


def plain_mi_face(cost: Callable[[Tensor], Tensor], x0: Tensor, loop: Loop) -> Plain:
    """Algorithm 1 of Fredrikson et al. (2015), with autograd."""
    process = loop.process or (lambda x: x)
    x, stopped = x0, "alpha"
    iterates, costs = [x0], [cost(x0).item()]
    for _ in range(loop.alpha):
        leaf = x.clone().requires_grad_()
        cost(leaf).backward()
        assert leaf.grad is not None
        x = process(x - loop.lambda_ * leaf.grad)
        c = cost(x).item()
        last = costs[-loop.beta :]
        iterates.append(x)
        costs.append(c)
        if len(last) == loop.beta and c >= max(last):
            stopped = "beta"
            break
        if c <= loop.gamma:
            stopped = "gamma"
            break
    least = min(range(len(costs)), key=costs.__getitem__)
    return Plain(iterates[least], costs[least], len(costs) - 1, stopped, iterates)


def case_with(model: str) -> Case:
    """The published attack on a small network whose weights are large enough to get somewhere."""
    recogniser = recogniser_of(model, seed=3)
    with torch.no_grad():
        for parameter in recogniser.parameters():
            parameter.mul_(4)
    return published(recogniser.double())


def published(recogniser: Recogniser) -> Case:
    """MI-FACE without AUXTERM and PROCESS: in the codes of the DAE, else in pixels."""
    recipe = recipe_of("mi_face", recogniser.name(), {"process": "identity"})
    assert recipe.objective == "one_minus_p"
    return case_of(recogniser, recipe)


def logits_of(case: Case, points: Tensor) -> Tensor:
    """What the attacked model makes of points."""
    logits: Tensor
    if isinstance(case.space, CodeSpace):
        logits = case.space.network.classifier(points)
    else:
        logits = case.recogniser(points)
    return logits


RULES = {
    "alpha": Loop(alpha=7, beta=100, gamma=0.0, lambda_=0.05),
    "gamma": Loop(alpha=3000, beta=100, gamma=0.6, lambda_=0.3),
    # Long steps: sooner or later one makes the cost no lower.
    "beta": Loop(alpha=300, beta=1, gamma=-1.0, lambda_=200.0),
}


def attack(case: Case, labels: Tensor, loop: Loop) -> tuple[Attacked, list[Tensor]]:
    """The batched attack with all its iterates."""
    seen: list[Tensor] = []

    def observe(i: int, rows: Tensor, x: Tensor, c: Tensor) -> None:
        full = torch.full((len(labels), x.shape[1]), torch.nan, dtype=x.dtype)
        full[rows] = x
        seen.append(full)

    start = torch.zeros(len(labels), case.space.dimensions, dtype=torch.float64)
    return mi_face(Cost(case), start, labels, loop, observe), seen


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("model", MODELS)
def test_follows_algorithm_1(model: str, rule: str) -> None:
    case = case_with(model)
    labels = torch.arange(PEOPLE)
    got, iterates = attack(case, labels, RULES[rule])
    stopped = set()
    for label in labels:
        plain = plain_mi_face(
            lambda x, label=label: 1 - torch.softmax(logits_of(case, x[None]), 1)[0, label],  # type: ignore[misc]
            torch.zeros(case.space.dimensions, dtype=torch.float64),
            RULES[rule],
        )
        assert got.iterations[label] == plain.iterations
        assert got.stopped[label] == plain.stopped
        assert got.cost[label].item() == pytest.approx(plain.cost, rel=1e-9)
        torch.testing.assert_close(got.points[label], plain.best)
        for i, x in enumerate(plain.iterates):
            torch.testing.assert_close(iterates[i][label], x)
        stopped.add(plain.stopped)
    assert rule in stopped, f"no row of this case ends by {rule}: it shows nothing"


def test_process_is_applied_to_every_candidate() -> None:
    case = case_with("softmax")
    loop = Loop(alpha=30, beta=100, gamma=0.01, lambda_=0.5, process=lambda x: x.clamp(0, 0.1))
    got, _ = attack(case, torch.tensor([2]), loop)
    plain = plain_mi_face(
        lambda x: 1 - torch.softmax(case.recogniser(x[None]), 1)[0, 2],
        torch.zeros(PIXELS, dtype=torch.float64),
        loop,
    )
    torch.testing.assert_close(got.points[0], plain.best)
    assert got.points.min() >= 0
    assert got.points.max() <= 0.1


def scripted(costs: list[list[float]]) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """A cost that follows a script: point x = number of steps made, for each label its own row."""

    def cost(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        steps = x[:, 0].round().long()
        return torch.tensor(
            [costs[r][s] for r, s in zip(labels, steps, strict=True)]
        ), -torch.ones_like(x)

    return cost


def run_script(costs: list[list[float]], alpha: int, beta: int, gamma: float) -> Attacked:
    rows = len(costs)
    loop = Loop(alpha, beta, gamma, lambda_=1.0)
    return mi_face(scripted(costs), torch.zeros(rows, 1), torch.arange(rows), loop)


def test_a_row_that_meets_gamma_stops_there() -> None:
    got = run_script([[0.9, 0.5, 0.1, 0.05, 0.01]], alpha=4, beta=9, gamma=0.1)
    assert (got.iterations[0], got.stopped[0]) == (2, "gamma")
    assert got.cost[0].item() == pytest.approx(0.1)


def test_a_row_that_stalls_stops_after_beta() -> None:
    got = run_script([[1.0] * 10], alpha=9, beta=3, gamma=0.0)
    assert (got.iterations[0], got.stopped[0]) == (3, "beta")


def test_beta_compares_with_the_highest_of_the_last_costs() -> None:
    # 0.6 at step 4 is no lower than max(0.5, 0.4, 0.6)? It equals it: stop. At step 3 it was lower
    # than max(0.9, 0.5, 0.4).
    got = run_script([[0.9, 0.5, 0.4, 0.6, 0.6, 0.1]], alpha=5, beta=3, gamma=0.0)
    assert (got.iterations[0], got.stopped[0]) == (4, "beta")


def test_the_best_visited_point_is_returned_not_the_last() -> None:
    got = run_script([[0.9, 0.2, 0.8, 0.7, 0.6]], alpha=4, beta=9, gamma=0.0)
    assert got.points[0, 0].item() == 1
    assert got.cost[0].item() == pytest.approx(0.2)
    assert (got.iterations[0], got.stopped[0]) == (4, "alpha")


def test_a_cost_that_is_not_a_number_ends_the_row_and_keeps_its_best() -> None:
    got = run_script([[0.9, 0.5, math.nan, math.nan, math.nan]], alpha=4, beta=2, gamma=0.0)
    assert (got.iterations[0], got.stopped[0]) == (2, "beta")
    assert got.cost[0].item() == pytest.approx(0.5)


def test_history_holds_each_cost_until_the_row_stops() -> None:
    got = run_script([[0.9, 0.05, 0, 0], [0.9, 0.8, 0.7, 0.6]], alpha=3, beta=9, gamma=0.1)
    np.testing.assert_allclose(
        got.history, [[0.9, 0.05, np.nan, np.nan], [0.9, 0.8, 0.7, 0.6]], rtol=1e-6
    )


@given(
    st.lists(
        st.lists(st.sampled_from([0.05, 0.2, 0.4, 0.6, 0.8, 1.0]), min_size=13, max_size=13),
        min_size=2, max_size=5,
    ),
    st.integers(1, 6),
    st.sampled_from([0.0, 0.1, 0.3]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_rows_do_not_depend_on_each_other(
    costs: list[list[float]], beta: int, gamma: float
) -> None:
    together = run_script(costs, alpha=12, beta=beta, gamma=gamma)
    for row, script in enumerate(costs):
        alone = run_script([script], alpha=12, beta=beta, gamma=gamma)
        assert together.iterations[row] == alone.iterations[0]
        assert together.stopped[row] == alone.stopped[0]
        assert together.cost[row] == alone.cost[0]
        assert together.points[row] == alone.points[0]


@pytest.mark.parametrize("model", MODELS)
def test_a_label_alone_gives_what_it_gives_among_others(model: str) -> None:
    case = case_with(model)
    together, _ = attack(case, torch.arange(PEOPLE), RULES["gamma"])
    alone, _ = attack(case, torch.tensor([3]), RULES["gamma"])
    torch.testing.assert_close(together.points[3], alone.points[0])
    assert together.iterations[3] == alone.iterations[0]


def low_rank(layer: nn.Linear, rank: int) -> None:
    """Give a layer weights of a rank, as training from zero on so many photos does."""
    mix = torch.randn(layer.out_features, rank, dtype=torch.float64)
    layer.weight.data = mix @ torch.rand(rank, layer.in_features, dtype=torch.float64) / rank


def decided_by_rounding(costs: list[Tensor], beta: int) -> bool:
    """Whether a row comes so near to the highest of its last β costs that either side is right."""
    return any(
        ((costs[i] - torch.stack(costs[i - beta : i]).amax(0)).abs() < 1e-12).any()
        for i in range(beta, len(costs))
    )


@given(
    hidden=st.integers(1, 30),
    rank=st.integers(1, 10),
    seed=st.integers(0, 99),
    lambda_=st.sampled_from([0.01, 0.3, 5.0, 200.0]),
    beta=st.integers(1, 20),
    model=st.sampled_from(["softmax", "mlp"]),
    rule=st.sampled_from([None, Momentum, Unit]),
)
@settings(max_examples=60, deadline=None)
def test_the_row_space_makes_the_same_iterates_as_pixels(
    hidden: int, rank: int, seed: int, lambda_: float, beta: int, model: str, rule: Any
) -> None:
    units: dict[str, Any] = {"hidden_units": hidden} if model == "mlp" else {}
    network = recogniser_of(model, seed=seed, **units).double()
    assert isinstance(network, Softmax | Mlp)
    if isinstance(network, Mlp):
        nn.init.normal_(network.output.weight)
        low_rank(network.first, rank)
    start = torch.rand(PIXELS, dtype=torch.float64)
    labels = torch.arange(PEOPLE)
    loop = Loop(alpha=60, beta=beta, gamma=0.2, lambda_=lambda_)
    # Steps of one length go to and fro about a minimum, where rounding decides which of two equal
    # costs is lower, and long ones make chaos of it: no number of digits would agree.
    if rule is Unit:
        loop = replace(loop, alpha=20, beta=21, lambda_=min(lambda_, 0.3))
    elif lambda_ > 100:
        loop = replace(loop, alpha=10)

    def with_fresh_rule() -> Loop:
        return replace(loop, rule=rule and rule())

    costs: list[Tensor] = []

    def observe(i: int, rows: Tensor, x: Tensor, c: Tensor) -> None:
        costs.append(torch.full((PEOPLE,), torch.nan, dtype=c.dtype).index_put((rows,), c))

    starts = start.expand(PEOPLE, -1)
    slow = mi_face(Cost(published(network)), starts, labels, with_fresh_rule(), observe)
    assume(not decided_by_rounding(costs, loop.beta))
    bases = [orthonormal_rows(network.first.weight, limit=64)]
    if rule is not Unit:  # the rows of W are not orthonormal: lengths differ
        bases.append(None)
    for basis in bases:
        rows = RowSpace(network, OBJECTIVES["one_minus_p"], start, basis)
        fast = mi_face(rows, rows.begin(PEOPLE), labels, with_fresh_rule())
        np.testing.assert_array_equal(fast.iterations, slow.iterations)
        np.testing.assert_array_equal(fast.stopped, slow.stopped)
        torch.testing.assert_close(rows.expand(fast.points), slow.points)
        np.testing.assert_allclose(fast.history, slow.history, rtol=1e-5, atol=1e-7)


@given(
    rows=st.integers(1, 200), rank=st.integers(0, 150), seed=st.integers(0, 99),
    noise=st.sampled_from([0.0, 1e-3]), single=st.booleans(),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_a_basis_is_found_where_few_rows_span_all(
    rows: int, rank: int, seed: int, noise: float, single: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    if single:
        noise = 0.0  # in single precision so little noise is not told from rounding for certain
    weight = normal(rows, rank) @ normal(rank, 170) + noise * normal(rows, 170)
    weight = weight.float() if single else weight
    needed = min(rows, 170) if noise else min(rows, rank, 170)
    basis = orthonormal_rows(weight, limit=100)
    if basis is None:
        assert needed > 100
        return
    assert len(basis) == needed <= 100 + 64
    tolerance = 1e-4 if single else 1e-10
    eye = torch.eye(len(basis), dtype=basis.dtype)
    torch.testing.assert_close(basis @ basis.T, eye, atol=tolerance, rtol=0)
    scale = weight.abs().max().item() + 1e-30
    assert ((weight @ basis.T) @ basis - weight).abs().max().item() <= tolerance * scale
