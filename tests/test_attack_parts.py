"""The parts of an attack: derivatives against finite differences, and each option by its word."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from miface.attack.auxterms import AUXTERMS
from miface.attack.candidates import Candidates
from miface.attack.costs import Cost
from miface.attack.evidence import read_evidence, without_initial_noise
from miface.attack.gradients import Adam, Momentum, Unit, blur
from miface.attack.inversion import attack, invert, make_process, row_space
from miface.attack.knowledge import fit_components, nothing, public_photos
from miface.attack.objectives import OBJECTIVES
from miface.attack.processes import clamp, denoise
from miface.attack.spaces import FrequencySpace, PixelSpace, PriorSpace, make_space
from miface.attack.starts import make_start
from miface.models.networks import (
    ConvolutionalNetwork,
    MultilayerPerceptron,
    SoftmaxRegression,
    StackedAutoencoder,
)
from miface.params import Params, load_params
from miface.params.attacks import NonLocalMeans, Plan, Recipe

SIZE = (16, 12)
PIXELS = 16 * 12
PEOPLE = 5


@pytest.fixture(scope="module")
def params(project: Any) -> Params:
    return load_params(project / "params.yaml")


NON_LOCAL_MEANS = NonLocalMeans(strength=10.0, patch_radius=3, search_radius=5)


def plan_of(recipe: Recipe, seed: int = 0) -> Plan:
    return Plan(
        labels="all", seed=seed, snapshots=0, non_local_means=NON_LOCAL_MEANS, recipe=recipe
    )


def cnn() -> ConvolutionalNetwork:
    torch.manual_seed(0)
    return ConvolutionalNetwork(*SIZE, (2, 3), 15, 0.2, PEOPLE).double().eval()


def finite_difference(f: Callable[[Tensor], Tensor], x: Tensor, step: float = 1e-6) -> Tensor:
    """The gradient of f at x [k] by central differences."""
    eye = torch.eye(len(x), dtype=x.dtype) * step
    return torch.stack([(f(x + e) - f(x - e)) / (2 * step) for e in eye])


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objectives_and_their_derivatives(name: str) -> None:
    logits = torch.randn(3, PEOPLE, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([0, 2, 4])
    cost, derivative = OBJECTIVES[name](logits, labels)
    p = torch.softmax(logits, 1)
    for row, label in enumerate(labels):
        others = torch.cat([logits[row, :label], logits[row, label + 1 :]])
        expected = {
            "one_minus_p": 1 - p[row, label],
            "minus_log_p": -p[row, label].log(),
            "margin": others.max() - logits[row, label],
        }[name]
        assert cost[row].item() == pytest.approx(expected.item())
        own = labels[row : row + 1]
        slope = finite_difference(
            lambda z, own=own: OBJECTIVES[name](z[None], own)[0][0],  # type: ignore[misc]
            logits[row],
        )
        torch.testing.assert_close(derivative[row], slope, atol=1e-7, rtol=1e-5)


def test_minus_log_p_has_a_gradient_where_one_minus_p_has_none() -> None:
    logits = torch.tensor([[0.0, 200.0]])
    label = torch.tensor([0])
    assert OBJECTIVES["one_minus_p"](logits, label)[1].abs().max() == 0
    assert OBJECTIVES["minus_log_p"](logits, label)[1].abs().max() == 1


@pytest.mark.parametrize("name", AUXTERMS)
def test_each_auxterm_adds_its_weight_and_its_gradient(name: str) -> None:
    network, space = cnn(), PixelSpace(PIXELS)
    evidence = read_evidence(network)
    x = torch.rand(1, PIXELS, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) * 2
    label = torch.tensor([1])

    def cost(weight: float) -> Cost:
        return Cost(network, space, SIZE, OBJECTIVES["margin"], {name: weight}, evidence)

    def term(z: Tensor) -> Tensor:
        return AUXTERMS[name](Candidates(network, space, SIZE, z[None], label, evidence))[0]

    (plain, _), (with_term, gradient) = cost(0.0)(x, label), cost(3.0)(x, label)
    assert (with_term - plain).item() == pytest.approx(3 * term(x[0]).item())
    slope = finite_difference(lambda z: cost(3.0)(z[None], label)[0][0], x[0])
    torch.testing.assert_close(gradient[0], slope, atol=1e-6, rtol=1e-4)


def test_auxterms_of_a_hand_computed_image() -> None:
    x = torch.tensor([[0.0, 1.0], [0.5, 3.0]], dtype=torch.float64).view(1, 4)
    network = SoftmaxRegression(4, 2).double()
    c = Candidates(network, PixelSpace(4), (2, 2), x, torch.tensor([0]), None)
    expected = {
        "total_variation": (0.5 + 2) / 2 + (1 + 2.5) / 2,
        "roughness": (0.25 + 4) / 2 + (1 + 6.25) / 2,
        "l2": (1 + 0.25 + 9) / 4,
        "symmetry": (1 + 1 + 6.25 + 6.25) / 4,
        "out_of_range": 4 / 4,
        "coefficients": 1 + 0.25 + 9,
    }
    for name, value in expected.items():
        assert AUXTERMS[name](c).item() == pytest.approx(value), name


@given(st.integers(1, 6), st.integers(0, 99))
def test_unit_steps_have_length_one(rows: int, seed: int) -> None:
    g = torch.randn(rows, 7, generator=torch.Generator().manual_seed(seed)) * 1e-6
    torch.testing.assert_close(Unit()(g).norm(dim=1), torch.ones(rows))


@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_momentum_and_adam_make_the_steps_of_pytorch_for_the_rows_that_go_on(name: str) -> None:
    gradients = torch.randn(6, 3, 4, generator=torch.Generator().manual_seed(0))
    rule = Momentum() if name == "momentum" else Adam()
    leaf = torch.zeros(3, 4, requires_grad=True)
    optimiser: torch.optim.Optimizer = torch.optim.SGD([leaf], lr=1.0, momentum=0.9)
    if name == "adam":
        optimiser = torch.optim.Adam([leaf], lr=1.0, betas=(0.9, 0.99))
    x, on = torch.zeros(3, 4), torch.tensor([True, False, True])
    for step, gradient in enumerate(gradients):
        leaf.grad = gradient.clone()
        optimiser.step()
        if step < 3:
            x = x - rule(gradient)
        else:  # the second row has stopped
            x[on] = x[on] - rule(gradient[on])
        if step == 2:
            rule.keep(on)
    torch.testing.assert_close(x[on], leaf.detach()[on])


def test_blur_is_the_gaussian_filter_of_scipy() -> None:
    from scipy.ndimage import gaussian_filter

    x = torch.rand(2, *SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = gaussian_filter(x.numpy(), (0, 1.3, 1.3), mode="nearest", truncate=3.0)
    np.testing.assert_allclose(blur(x, 1.3).numpy(), expected, atol=1e-3)


def test_process_dae_decodes_denoises_and_encodes() -> None:
    torch.manual_seed(0)
    network = StackedAutoencoder(PIXELS, (20, 6), PEOPLE).eval()
    base = {"space": "codes", "process": "process_dae"}
    params = load_params()
    recipe = params.refined["dae"].model_copy(update=base)
    space = make_space(network, SIZE, recipe, nothing(*SIZE))
    process = make_process(space, SIZE, plan_of(recipe))
    assert process is not None
    codes = torch.randn(2, 6) * 0.5
    with torch.no_grad():
        images = network.decode(codes).unflatten(1, SIZE)
        smooth = denoise(images, NON_LOCAL_MEANS)
        # Sharpening by its definition: five times the pixel less its four neighbours.
        padded = torch.nn.functional.pad(smooth[:, None], (1, 1, 1, 1), mode="reflect")[:, 0]
        neighbours = (
            padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1] + padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:]
        )
        sharp = 5 * smooth - neighbours
        torch.testing.assert_close(process(codes), network.encode(sharp.flatten(1)))


def test_clamp_limits_and_nothing_else() -> None:
    x = torch.tensor([[[-0.5, 0.2], [0.7, 1.5]]])
    torch.testing.assert_close(clamp(x), torch.tensor([[[0.0, 0.2], [0.7, 1.0]]]))


def test_the_frequency_space_is_an_orthogonal_projection() -> None:
    space = FrequencySpace(SIZE, torch.device("cpu"))
    points = torch.randn(3, space.dimensions, generator=torch.Generator().manual_seed(0))
    images = space.images(points)
    torch.testing.assert_close(space.points(images), points, atol=1e-4, rtol=1e-4)
    grey = torch.full((1, PIXELS), 0.5)
    torch.testing.assert_close(space.images(space.points(grey)), grey)


def test_the_prior_space_begins_at_the_mean_and_moves_along_components() -> None:
    photos = np.random.default_rng(0).random((6, *SIZE)).astype(np.float32)
    mean, components = (torch.from_numpy(a) for a in fit_components(photos, 3, 2, 0))
    space = PriorSpace(mean, components, SIZE)
    z = torch.zeros(2, space.dimensions)
    z[1, 2] = 1
    images = space.images(z)
    torch.testing.assert_close(images[0], mean)
    torch.testing.assert_close(images[1], mean + components[2])
    elsewhere = torch.full((1, PIXELS), 0.3) + mean
    torch.testing.assert_close(space.images(space.points(elsewhere)), elsewhere, atol=1e-5, rtol=0)


def test_components_have_the_spread_of_the_photos() -> None:
    rng = np.random.default_rng(1)
    directions = np.linalg.qr(rng.normal(size=(PIXELS, 2)))[0].T
    photos = (rng.normal(size=(500, 2)) * [3.0, 1.0]) @ directions
    mean, components = fit_components(photos.reshape(500, *SIZE).astype(np.float32), 2, 0, 0)
    np.testing.assert_allclose(np.linalg.norm(components, axis=1), [3, 1], rtol=0.1)
    np.testing.assert_allclose(mean, photos.mean(0), atol=1e-5)


def test_the_span_is_read_off_weights_that_training_made() -> None:
    network = cnn()
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(4, network.hidden.in_features, dtype=torch.float64, generator=generator)
    with torch.no_grad():  # four features put into the weights, and noise
        mix = torch.randn(15, 4, dtype=torch.float64, generator=generator)
        noise = torch.randn(network.hidden.weight.shape, dtype=torch.float64, generator=generator)
        network.hidden.weight.copy_(mix @ features + 1e-4 * noise)
    evidence = read_evidence(network)
    assert len(evidence.span) == 4
    inside = (features @ evidence.span.T) @ evidence.span
    torch.testing.assert_close(inside, features, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(
        without_initial_noise(network, evidence).hidden.weight, mix @ features, atol=5e-3, rtol=5e-3
    )


def test_starts(params: Params) -> None:
    network = SoftmaxRegression(PIXELS, PEOPLE)
    generator = torch.Generator().manual_seed(0)
    photos = np.random.default_rng(0).random((4, *SIZE)).astype(np.float32)
    knowledge = public_photos(photos, np.array([0]), 2, 0, 0)

    def start(name: str, restarts: int = 1) -> Tensor:
        recipe = params.refined["softmax"].model_copy(update={"start": name, "restarts": restarts})
        space = make_space(network, SIZE, recipe, knowledge)
        return make_start(space, SIZE, recipe, knowledge, 2, generator, torch.device("cpu"))

    assert start("zero").unique().tolist() == [0.0]
    assert start("grey").unique().tolist() == [0.5]
    torch.testing.assert_close(start("public_mean")[0], torch.from_numpy(photos.mean(0)).flatten())
    noise = start("random", restarts=3)
    assert noise.shape == (6, PIXELS)
    assert len(noise.unique(dim=0)) == 6


def test_several_restarts_keep_the_best_or_the_mean(params: Params) -> None:
    torch.manual_seed(0)
    network = MultilayerPerceptron(PIXELS, 9, PEOPLE).eval()
    base = params.refined["mlp"].model_copy(
        update={"start": "random", "alpha": 3, "auxterms": params.refined["mlp"].auxterms}
    )
    labels = np.array([1, 3])

    def run(**changes: Any) -> Any:
        recipe = base.model_copy(update=changes)
        return invert(network, SIZE, labels, plan_of(recipe), nothing(*SIZE))

    best, mean = run(restarts=4, keep="best"), run(restarts=4, keep="mean")
    recipe = base.model_copy(update={"restarts": 4})
    space = make_space(network, SIZE, recipe, nothing(*SIZE))
    generator = torch.Generator().manual_seed(0)
    starts = make_start(space, SIZE, recipe, nothing(*SIZE), 2, generator, torch.device("cpu"))
    repeated = torch.from_numpy(labels).repeat_interleave(4)
    each = attack(network, space, SIZE, repeated, plan_of(recipe), starts)
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
    params: Params, change: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    network = MultilayerPerceptron(PIXELS, 9, PEOPLE).eval()
    labels, knowledge = np.arange(PEOPLE), nothing(*SIZE)
    base: Recipe = params.refined["mlp"].model_copy(update={"alpha": 8, "objective": "minus_log_p"})
    before = invert(network, SIZE, labels, plan_of(base), knowledge)
    after = invert(network, SIZE, labels, plan_of(base.model_copy(update=change)), knowledge)
    again = invert(network, SIZE, labels, plan_of(base), knowledge)
    assert np.abs(after.x - before.x).max() > 1e-4
    np.testing.assert_array_equal(again.x, before.x)


UNEXACT: list[dict[str, Any]] = [
    {"process": "clamp"}, {"gradient": "adam"}, {"smoothing": 1.0},
    {"space": "frequencies"}, {"start": "random"},
    {"auxterms": load_params().refined["softmax"].auxterms.model_copy(update={"l2": 0.1})},
]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{}, {"gradient": "momentum"}, {"gradient": "unit"}, {"start": "grey"}, *UNEXACT],
    ids=str,
)
def test_the_row_space_is_taken_only_where_it_is_exact(
    params: Params, change: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    network = SoftmaxRegression(PIXELS, PEOPLE).eval()
    recipe = params.recipe("mi_face", "softmax").model_copy(update={"alpha": 20} | change)
    knowledge, labels = nothing(*SIZE), torch.arange(PEOPLE)
    space = make_space(network, SIZE, recipe, knowledge)
    fast = row_space(network, space, SIZE, recipe, knowledge)
    assert (fast is not None) == (change not in UNEXACT)
    if fast is None:
        return
    generator = torch.Generator().manual_seed(0)
    starts = make_start(space, SIZE, recipe, knowledge, PEOPLE, generator, torch.device("cpu"))
    quick = attack(network, space, SIZE, labels, plan_of(recipe), starts, fast=fast)
    slow = attack(network, space, SIZE, labels, plan_of(recipe), starts)
    torch.testing.assert_close(quick.points, slow.points, atol=1e-5, rtol=1e-4)
    np.testing.assert_array_equal(quick.iterations, slow.iterations)


@pytest.mark.parametrize(("rank", "exact"), [(30, True), (70, False)])
def test_steps_of_unit_length_take_the_row_space_where_few_rows_span_it(
    params: Params, rank: int, exact: bool
) -> None:
    torch.manual_seed(0)
    network = MultilayerPerceptron(PIXELS, 90, PEOPLE).eval()
    network.first.weight.data = torch.randn(90, rank) @ torch.randn(rank, PIXELS) / 100
    recipe = params.refined["mlp"].model_copy(update={"gradient": "unit"})
    space = make_space(network, SIZE, recipe, nothing(*SIZE))
    assert (row_space(network, space, SIZE, recipe, nothing(*SIZE)) is not None) == exact


def test_snapshots_show_the_iterates_of_each_row_until_it_stops(params: Params) -> None:
    torch.manual_seed(0)
    network = SoftmaxRegression(PIXELS, PEOPLE).eval()
    knobs = {"alpha": 100, "lambda_": 1.0, "gamma": 0.5}
    plan = plan_of(params.recipe("mi_face", "softmax").model_copy(update=knobs))
    labels, knowledge = np.arange(PEOPLE), nothing(*SIZE)
    kept = invert(network, SIZE, labels, plan.model_copy(update={"snapshots": 6}), knowledge)
    at = kept.snapshot_iterations.tolist()
    assert at == [1, 3, 6, 16, 40, 100]
    assert 6 < kept.iterations.min() <= kept.iterations.max() < 100  # or the case shows nothing
    for k, i in enumerate(at):
        shorter = plan.recipe.model_copy(update={"alpha": i})
        there = invert(network, SIZE, labels, plan_of(shorter), knowledge)
        for row in range(PEOPLE):
            low, high = kept.snapshot_limits[row, k]
            if i > kept.iterations[row]:
                assert not kept.snapshots[row, k].any()
                continue
            x = low + kept.snapshots[row, k] / 255 * (high - low)
            np.testing.assert_allclose(x, there.x[row], atol=(high - low) / 500 + 1e-7)
    none = invert(network, SIZE, labels, plan, knowledge)
    assert none.snapshots.shape == (PEOPLE, 0, *SIZE)
    np.testing.assert_array_equal(none.x, kept.x)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 50))
def test_mi_face_is_untouched_by_refined(seed: int) -> None:
    params = load_params()
    torch.manual_seed(seed)
    network = SoftmaxRegression(PIXELS, PEOPLE).eval()
    changed = {m: r.model_copy(update={"objective": "margin"}) for m, r in params.refined.items()}
    other = params.model_copy(update={"refined": changed})
    for each in (params, other):
        recipe = each.recipe("mi_face", "softmax").model_copy(update={"alpha": 5})
        assert recipe.objective == "one_minus_p"
        got = invert(network, SIZE, np.array([2]), plan_of(recipe), nothing(*SIZE))
        # x₁ … x₅ by Algorithm 1
        x = torch.zeros(1, PIXELS)
        for _ in range(5):
            x.requires_grad_()
            cost = 1 - torch.softmax(network(x), 1)[0, 2]
            (gradient,) = torch.autograd.grad(cost, x)
            x = (x - 0.1 * gradient).detach()
        np.testing.assert_allclose(got.x.ravel(), x.numpy().ravel(), atol=1e-5)


def test_an_attack_needs_no_photo(params: Params) -> None:
    """With `nothing`, the package has a network, labels and numbers to go by."""
    knowledge = nothing(*SIZE)
    assert knowledge.threat_model == "nothing but the model"
    assert knowledge.photos.size == 0
    recipe = params.refined["cnn"].model_copy(update={"alpha": 4})
    got = invert(cnn().float(), SIZE, np.arange(PEOPLE), plan_of(recipe), knowledge)
    assert np.isfinite(got.x).all()
