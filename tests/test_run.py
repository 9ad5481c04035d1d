"""An attack from start to end: each option has its effect, and fast paths change no result."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from small import PARAMS, PEOPLE, PIXELS, SIZE, case_of, recipe_of, recogniser_of

from miface.attack.inversion import Inversion
from miface.attack.knowledge import nothing
from miface.attack.recipe import Recipe
from miface.attack.row_space import row_space_of
from miface.attack.run import attack, invert
from miface.recognisers.mlp import Mlp
from miface.recognisers.recogniser import Recogniser

EVERYBODY = np.arange(PEOPLE)


def small_mlp() -> Recogniser:
    return recogniser_of("mlp", hidden_units=9)


def inverted(
    network: Recogniser, recipe: Recipe, labels: NDArray[np.int64] = EVERYBODY, snapshots: int = 0
) -> Inversion:
    return invert(case_of(network, recipe, snapshots=snapshots), labels)


def test_several_restarts_keep_the_best_or_the_mean() -> None:
    network, labels = small_mlp(), np.array([1, 3])
    changes = {"start": "random", "alpha": 3, "restarts": 4, "estimator": "as_is"}
    best, mean = (
        inverted(network, recipe_of("refined", "mlp", changes | {"keep": keep}), labels)
        for keep in ("best", "mean")
    )
    case = case_of(network, recipe_of("refined", "mlp", changes))
    starts = case.starts(2, torch.Generator().manual_seed(0))
    each = attack(case, torch.from_numpy(labels).repeat_interleave(4), starts)
    images = each.points.view(2, 4, *SIZE)
    np.testing.assert_allclose(mean.x, images.mean(1), atol=1e-5)
    for row, costs in enumerate(each.cost.view(2, 4)):
        np.testing.assert_allclose(best.x[row], images[row, costs.argmin()], atol=1e-5)
        assert best.attack_cost[row] == pytest.approx(costs.min().item())


CHANGES = [
    {"objective": "margin"}, {"gradient": "momentum"}, {"gradient": "adam"}, {"smoothing": 1.0},
    {"schedule": "falling"}, {"start": "black"}, {"process": "clamp"}, {"process": "blur"},
    {"space": "frequencies"},
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_each_option_changes_the_result_and_one_alone_changes_it_alone(
    change: dict[str, Any],
) -> None:
    network = small_mlp()
    base = recipe_of("refined", "mlp", {"alpha": 8, "objective": "minus_log_p"})
    before = inverted(network, base)
    after = inverted(network, base.model_copy(update=change))
    again = inverted(network, base)
    assert np.abs(after.x - before.x).max() > 1e-4
    np.testing.assert_array_equal(again.x, before.x)


UNEXACT: list[dict[str, Any]] = [
    {"process": "clamp"}, {"gradient": "adam"}, {"smoothing": 1.0},
    {"space": "frequencies"}, {"start": "random"}, {"auxterms": {"l2": 0.1}},
]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{}, {"gradient": "momentum"}, {"gradient": "unit"}, {"start": "grey"}, *UNEXACT],
    ids=str,
)
def test_the_row_space_is_taken_only_where_it_is_exact(change: dict[str, Any]) -> None:
    recipe = recipe_of("mi_face", "softmax", {"alpha": 20} | change)
    case = case_of(recogniser_of("softmax"), recipe)
    fast = row_space_of(case)
    assert (fast is not None) == (change not in UNEXACT)
    if fast is None:
        return
    starts = case.starts(PEOPLE, torch.Generator().manual_seed(0))
    quick = attack(case, torch.arange(PEOPLE), starts, fast)
    slow = attack(case, torch.arange(PEOPLE), starts)
    torch.testing.assert_close(quick.points, slow.points, atol=1e-5, rtol=1e-4)
    np.testing.assert_array_equal(quick.iterations, slow.iterations)


@pytest.mark.parametrize(("rank", "exact"), [(30, True), (70, False)])
def test_steps_of_unit_length_take_the_row_space_where_few_rows_span_it(
    rank: int, exact: bool
) -> None:
    network = recogniser_of("mlp", hidden_units=90)
    assert isinstance(network, Mlp)
    network.first.weight.data = torch.randn(90, rank) @ torch.randn(rank, PIXELS) / 100
    recipe = recipe_of("refined", "mlp", {"gradient": "unit"})
    assert (row_space_of(case_of(network, recipe)) is not None) == exact


def test_snapshots_show_the_iterates_of_each_row_until_it_stops() -> None:
    network = recogniser_of("softmax")
    recipe = recipe_of("mi_face", "softmax", {"alpha": 100, "lambda_": 1.0, "gamma": 0.5})
    kept = inverted(network, recipe, snapshots=6)
    at = kept.snapshot_iterations.tolist()
    assert at == [1, 3, 6, 16, 40, 100]
    assert 6 < kept.iterations.min() <= kept.iterations.max() < 100  # or the case shows nothing
    for k, i in enumerate(at):
        there = inverted(network, recipe.model_copy(update={"alpha": i}))
        for row in range(PEOPLE):
            low, high = kept.snapshot_limits[row, k]
            if i > kept.iterations[row]:
                assert not kept.snapshots[row, k].any()
                continue
            x = low + kept.snapshots[row, k] / 255 * (high - low)
            np.testing.assert_allclose(x, there.x[row], atol=(high - low) / 500 + 1e-7)
    none = inverted(network, recipe)
    assert none.snapshots.shape == (PEOPLE, 0, *SIZE)
    np.testing.assert_array_equal(none.x, kept.x)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 50))
def test_mi_face_is_untouched_by_refined(seed: int) -> None:
    network = recogniser_of("softmax", seed=seed)
    other_recipe = recipe_of("refined", "softmax", {"objective": "margin"})
    refined = PARAMS.refined.model_copy(update={"softmax": other_recipe})
    other = PARAMS.model_copy(update={"refined": refined})
    assert other.recipe_of("refined", "softmax").objective == "margin"
    for each in (PARAMS, other):
        recipe = each.recipe_of("mi_face", "softmax").model_copy(update={"alpha": 5})
        assert recipe.objective == "one_minus_p"
        got = inverted(network, recipe, np.array([2]))
        # x₁ … x₅ by Algorithm 1
        x = torch.zeros(1, PIXELS)
        for _ in range(5):
            x.requires_grad_()
            cost = 1 - torch.softmax(network(x), 1)[0, 2]
            (gradient,) = torch.autograd.grad(cost, x)
            x = (x - 0.1 * gradient).detach()
        np.testing.assert_allclose(got.x.ravel(), x.numpy().ravel(), atol=1e-5)


def test_an_attack_needs_no_photo() -> None:
    """With `nothing`, the package has a network, labels and numbers to go by."""
    knowledge = nothing(*SIZE)
    assert knowledge.threat_model == "nothing but the model"
    assert knowledge.photos.size == 0
    case = case_of(recogniser_of("cnn"), recipe_of("refined", "cnn", {"alpha": 4}), knowledge)
    assert np.isfinite(invert(case, EVERYBODY).x).all()
