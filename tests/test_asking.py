"""Attackers who only ask: what they ask about, how often, and what they make of the answers."""

import copy
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small import PARAMS
from torch import Tensor, nn
from trained import PEOPLE, PIXELS, SIZE, photos, trained

from miface.attack.access import ACCESSES
from miface.attack.access.access import Access
from miface.attack.access.confidences import Confidences
from miface.attack.access.everything import Everything
from miface.attack.access.labels import Labels
from miface.attack.asking import ASKERS
from miface.attack.asking.asker import Asker, Task
from miface.attack.asking.equation_solving import attacked, portrait, solved
from miface.attack.case import Case
from miface.attack.estimators import coarse_cosines, coarse_frequencies
from miface.attack.knowledge import Knowledge, nothing, public_photos
from miface.attack.run import invert
from miface.countermeasures.countermeasure import Answering
from miface.countermeasures.rounding import Rounding
from miface.errors import MifaceError
from miface.recognisers.recogniser import Recogniser

WHOLE = PIXELS + 1
TOLD = [(name, access) for name, kind in ASKERS.items() for access in kind.told]
HAS = [
    (name, access, knows)
    for name, access in TOLD
    for knows in ("model", "photos")
    if knows == "photos" or ASKERS[name].knows == "model"
]


class Spy:
    """Everything that a recogniser was asked about, through the access or past it."""

    def __init__(self, kind: str, model: str = "softmax", on: Sequence[Answering] = ()) -> None:
        recogniser = copy.deepcopy(trained(model))
        recogniser.register_forward_pre_hook(lambda _, asked: self.seen.append(asked[0].clone()))
        self.seen: list[Tensor] = []
        self.asked: list[Tensor] = []
        self.told: list[Tensor] = []
        self.access = ACCESSES[kind](recogniser, on)
        ask = self.access.ask

        def listened(images: Tensor, labels: Tensor | None = None) -> Tensor:
            self.asked.append(images.clone())
            self.told.append(ask(images, labels))
            return self.told[-1]

        self.access.ask = listened  # type: ignore[method-assign]


def asker(name: str, **changes: Any) -> Asker:
    """One with the shipped settings, and some of them changed."""
    return ASKERS[name](getattr(PARAMS.queries, name).model_copy(update=changes))


def some_photos() -> Knowledge:
    """Photos from which everybody's face can be put together."""
    images = photos().x.view(-1, *SIZE).numpy()
    return public_photos(images, np.zeros(0, np.int64), 12, 1, seed=0)


def task_of(
    access: Access,
    budget: int,
    knows: str = "model",
    labels: Sequence[int] = range(PEOPLE),
    seed: int = 0,
) -> Task:
    knowledge = some_photos() if knows == "photos" else nothing(*SIZE)
    generator = torch.Generator().manual_seed(seed)
    return Task(access, torch.tensor(list(labels)), budget, knowledge, generator)


def weights_of(recogniser: Recogniser) -> Tensor:
    """Weights of softmax regression less their mean over people: what answers depend on."""
    weights = dict(recogniser.named_parameters())["first.weight"].detach()
    return weights - weights.mean(0)


def origin_of(recogniser: Recogniser) -> Tensor:
    """Logits of grey, from weights and biases of softmax regression, less their mean."""
    biases = dict(recogniser.named_parameters())["first.bias"].detach()
    return weights_of(recogniser).sum(1) / 2 + biases - biases.mean()


def cost_of(recogniser: Recogniser, images: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.cross_entropy(recogniser(images), labels, reduction="none")


# Every attacker.


@pytest.mark.parametrize("budget", [1, 2, 5, 40, 333])
@pytest.mark.parametrize(("name", "access", "knows"), HAS)
def test_what_is_asked_about_is_an_image_and_within_the_budget(
    name: str, access: str, knows: str, budget: int
) -> None:
    keeps_to_the_rules(asker(name), Spy(access), task_labels=[3, 0, 1], budget=budget, knows=knows)


@pytest.mark.parametrize(
    ("name", "budget", "changes"),
    [
        ("numerical_gradients", 3 * WHOLE + 7, {"step": 30.0}),  # to black and to white
        ("equation_solving", WHOLE + 100, {}),
        ("classification_images", 1500, {"amplitude": 0.5}),
        ("evolution", 400, {"step": 2.0, "width": 3.0}),
        ("boundary", 400, {"radius": 9.0, "first": 0.1}),
    ],
)
def test_long_steps_lead_to_no_other_images(name: str, budget: int, changes: Any) -> None:
    kind = asker(name, **changes)
    spy = Spy(kind.told[0])
    keeps_to_the_rules(kind, spy, task_labels=[2, 0], budget=budget, knows=kind.knows)
    assert sum(len(images) for images in spy.asked) > 0


def keeps_to_the_rules(
    kind: Asker, spy: Spy, task_labels: list[int], budget: int, knows: str
) -> None:
    got = kind.recover(task_of(spy.access, budget, knows, task_labels))
    assert got.shape == (len(task_labels), PIXELS)
    assert got.isfinite().all()
    for images in spy.seen:
        assert images.shape[1] == PIXELS
        assert images.min() >= 0
        assert images.max() <= 1
    # Through the access alone, which counts each.
    queries, shared = spy.access.queries, spy.access.shared
    counted = int(queries.sum()) + shared
    assert counted == sum(map(len, spy.asked)) == sum(map(len, spy.seen))
    assert not queries[[p for p in range(PEOPLE) if p not in task_labels]].any()
    if kind.shared:
        assert not queries.any()
        assert shared <= budget
    else:
        assert queries.max() + -(-shared // len(task_labels)) <= budget


class Constant(Answering):
    """Says the same of every image."""

    said = 0

    def answer(self, confidences: Tensor) -> Tensor:
        self.said += len(confidences)
        return torch.full_like(confidences, 0.1).index_fill(1, torch.tensor([1]), 0.7)


@pytest.mark.parametrize(("name", "access", "knows"), HAS)
def test_what_is_told_is_after_the_countermeasures(name: str, access: str, knows: str) -> None:
    budget = 2 * WHOLE if name == "numerical_gradients" else 100
    found = {}
    for model in ("softmax", "mlp"):
        constant = Constant(1.0)
        spy = Spy(access, model, [constant])
        found[model] = asker(name).recover(task_of(spy.access, budget, knows, [2, 1]))
        assert constant.said == sum(map(len, spy.asked)) > 0
        assert all((told == (1 if access == "labels" else told[0])).all() for told in spy.told)
    assert torch.equal(*found.values())  # nothing of the recogniser came through


@pytest.mark.parametrize(("name", "access", "knows"), HAS)
def test_the_same_seed_gives_the_same_bytes(name: str, access: str, knows: str) -> None:
    budget = 2 * WHOLE if name == "numerical_gradients" else 120
    first, again, other = (
        asker(name).recover(task_of(Spy(access).access, budget, knows, seed=seed))
        for seed in (5, 5, 6)
    )
    assert torch.equal(first, again)
    draws = name not in ("equation_solving", "numerical_gradients")
    assert torch.equal(first, other) == (not draws)


def surer(factor: float) -> Recogniser:
    """The small softmax regression, surer of the same."""
    recogniser = copy.deepcopy(trained("softmax"))
    with torch.no_grad():
        for parameter in recogniser.parameters():
            parameter.mul_(factor)
    return recogniser


@pytest.mark.parametrize(
    ("name", "knows"), [(name, knows) for name, access, knows in HAS if access == "labels"]
)
def test_who_is_told_labels_has_nothing_else(name: str, knows: str) -> None:
    plain, other = surer(1.0), surer(8.0)
    for kind in {"labels", *ASKERS[name].told}:
        tasks = [task_of(ACCESSES[kind](of), 200, knows) for of in (plain, other)]
        first, second = (asker(name).recover(task) for task in tasks)
        assert torch.equal(first, second) == (kind == "labels")
    images = torch.rand(700, PIXELS, generator=torch.Generator().manual_seed(0))
    told = task_of(Labels(plain), 700).ask(images)
    with torch.no_grad():
        expected = nn.functional.one_hot(plain(images).argmax(1), PEOPLE).float()
    assert torch.equal(told, expected)


@pytest.mark.parametrize(
    ("name", "access"),
    [(n, a) for n, kind in ASKERS.items() for a in ACCESSES if a not in kind.told],
)
def test_who_cannot_use_what_he_is_told_is_refused_in_a_line(name: str, access: str) -> None:
    spy = Spy(access)
    with pytest.raises(MifaceError, match=f"^{ASKERS[name].title}: found .* who {spy.access.title}, expected one who asks for ") as error:  # noqa: E501  # fmt: skip
        asker(name).recover(task_of(spy.access, 50, "photos"))
    assert "\n" not in str(error.value)
    assert spy.seen == []


@pytest.mark.parametrize("name", [name for name, kind in ASKERS.items() if kind.knows == "photos"])
def test_who_needs_photos_and_has_none_is_refused_in_a_line(name: str) -> None:
    spy = Spy(ASKERS[name].told[0])
    with pytest.raises(MifaceError, match="found an attacker who has nothing but") as error:
        asker(name).recover(task_of(spy.access, 50, "model"))
    assert "\n" not in str(error.value)
    assert spy.seen == []


# Equation solving.


def test_as_many_questions_as_pixels_and_one_give_all_weights() -> None:
    true, grey = weights_of(trained("softmax")), origin_of(trained("softmax"))
    for budget in (WHOLE, 3 * WHOLE):
        access = Confidences(trained("softmax"))
        got, origin = solved(task_of(access, budget, labels=[2]), 0.5)
        assert (got - true).abs().max() < 1e-4 * true.abs().max()
        assert (origin - grey).abs().max() < 1e-4 * grey.abs().max()
        assert access.shared == WHOLE  # once for everybody, and no more than that
        assert not access.queries.any()


@pytest.mark.parametrize("budget", [1, 2, 60, 600])
def test_fewer_questions_give_the_coarse_part_of_the_weights(budget: int) -> None:
    true, access = weights_of(trained("softmax")), Confidences(trained("softmax"))
    basis = coarse_cosines(SIZE, 0, budget - 1)
    coarse = true @ basis.T @ basis
    task = task_of(access, budget, labels=[3, 1])
    got, origin = solved(task, 0.5)
    torch.testing.assert_close(got, coarse, atol=1e-4 * true.abs().max().item(), rtol=0)
    torch.testing.assert_close(origin, origin_of(trained("softmax")), atol=1e-4, rtol=0)
    assert access.shared == budget
    if budget > 2:  # and the copy is attacked, and shown at a photo's contrast about grey
        shown = asker("equation_solving", steps=7).recover(task) - 0.5
        torch.testing.assert_close(shown.std(1), torch.tensor([0.2, 0.2]), atol=1e-5, rtol=0)
        expected = steepest(coarse, origin_of(trained("softmax")), [3, 1], 7)
        likeness = nn.functional.cosine_similarity(shown, expected)
        torch.testing.assert_close(likeness, torch.ones(2), atol=1e-5, rtol=0)


def steepest(weights: Tensor, origin: Tensor, labels: list[int], steps: int) -> Tensor:
    """Change from grey after steps of length 1 down −log p, a loop with autograd."""
    change = torch.zeros(len(labels), weights.shape[1])
    for _ in range(steps):
        leaf = change.clone().requires_grad_()
        with torch.enable_grad():
            logits = origin + leaf @ weights.T
            nn.functional.cross_entropy(logits, torch.tensor(labels), reduction="sum").backward()
        assert leaf.grad is not None
        change = change - nn.functional.normalize(leaf.grad)
    return change


# Tolerances are of grey values from 0 to 1. After 30 steps the small regression is certain to
# 1e-7, and what single precision leaves of 1 − p_l turns the last steps on either side.
@pytest.mark.parametrize(("steps", "tolerance"), [(1, 1e-4), (10, 1e-4), (30, 0.02)])
def test_who_asks_pixels_and_one_more_finds_what_who_holds_the_file_finds(
    steps: int, tolerance: float
) -> None:
    recogniser, labels = trained("softmax"), [3, 0, 1]
    asks = task_of(Confidences(recogniser), WHOLE, labels=labels)
    got = asker("equation_solving", steps=steps).recover(asks)
    parameters = dict(recogniser.named_parameters())
    weights, biases = (parameters[f"first.{name}"].detach() for name in ("weight", "bias"))
    true = attacked(weights, biases + weights.sum(1) / 2, asks, steps)
    torch.testing.assert_close(got, portrait(true, asks, filtered=True), atol=tolerance, rtol=0)
    # And so does the shipped refined attack, whose images have a contrast of their own.
    plan = PARAMS.plan("refined", "softmax")
    recipe = plan.recipe.model_copy(update={"alpha": steps, "beta": steps + 1})
    case = Case(Everything(recogniser), plan.model_copy(update={"recipe": recipe}), nothing(*SIZE))
    held = torch.from_numpy(invert(case, np.array(labels)).x).flatten(1) - 0.5
    held *= 0.2 / held.std(1, keepdim=True)
    torch.testing.assert_close(got - 0.5, held, atol=tolerance, rtol=0)


def test_rounding_spoils_the_equations() -> None:
    true = weights_of(trained("softmax"))
    access = Confidences(trained("softmax"), [Rounding(0.01)])
    got, _ = solved(task_of(access, WHOLE), 0.5)
    assert (got - true).abs().max() > 0.1 * true.abs().max()


# Numerical gradients.


@pytest.mark.parametrize("model", ["softmax", "mlp"])
def test_numerical_gradients_are_autograds_on_the_way(model: str) -> None:
    # A step is long enough to reach white, from where a difference goes the other way.
    step, label = 8.0, torch.tensor([2])
    kind, spy = asker("numerical_gradients", width=0.05, step=step), Spy("confidences", model)
    kind.recover(task_of(spy.access, 3 * WHOLE, labels=label.tolist()))
    assert spy.access.queries.tolist() == [0, 0, 3 * WHOLE, 0]
    first, second, third = torch.cat(spy.asked)[::WHOLE]
    assert (first == 0.5).all()
    assert (second == 1).sum() > 10
    for x, after in ((first, second), (second, third)):
        leaf = x[None].clone().requires_grad_()
        with torch.enable_grad():
            cost_of(trained(model), leaf, label).sum().backward()
        assert leaf.grad is not None
        expected = (x - step * nn.functional.normalize(leaf.grad[0], dim=0)).clamp(0, 1)
        inside = (expected > 0) & (expected < 1)
        assert inside.sum() > 100
        error = (after - expected).norm() / (expected - x).norm()
        assert error < 0.01  # of the length of the step


@pytest.mark.parametrize("budget", [1, PIXELS, WHOLE, 2 * WHOLE - 1])
def test_too_few_questions_for_a_step_are_not_asked(budget: int) -> None:
    access = Confidences(trained("softmax"))
    got = asker("numerical_gradients").recover(task_of(access, budget))
    assert (got == 0.5).all()
    assert not access.queries.any()
    assert access.shared == 0


# Classification images.


def likeness_of_fitted(kind: type[Access], of: Recogniser) -> Tensor:
    """How like a step on the true weights is one on those fitted to 3000 answers, in 40 cosines."""
    settings = {"cosines": 40, "amplitude": 0.4, "decay": 1e-5, "steps": 1}
    shown = asker("classification_images", **settings).recover(task_of(kind(of), 3000)) - 0.5
    basis = coarse_cosines(SIZE, 0, 40)
    torch.testing.assert_close(shown @ basis.T @ basis, shown, atol=1e-5, rtol=0)
    true, origin = weights_of(trained("softmax")), origin_of(trained("softmax"))
    step = steepest(true @ basis.T @ basis, origin, list(range(PEOPLE)), 1)
    return nn.functional.cosine_similarity(shown, step)


def test_weights_are_fitted_to_answers_about_noise() -> None:
    exact = likeness_of_fitted(Confidences, trained("softmax"))
    labels = likeness_of_fitted(Labels, trained("softmax"))
    # Of a recogniser that learned nothing of this: in 40 dimensions chance deviates by 0.16.
    other = copy.deepcopy(trained("softmax"))
    with torch.no_grad():
        for parameter in other.parameters():
            drawn = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(9))
            parameter.copy_(drawn * parameter.std())
    noise = likeness_of_fitted(Labels, other)
    assert exact.min() > 0.99
    assert labels.min() > 0.8
    assert noise.abs().max() < 0.6


def test_an_answer_that_is_rounded_to_nobody_is_left_out() -> None:
    class Nobody(Answering):
        def answer(self, confidences: Tensor) -> Tensor:
            return torch.zeros_like(confidences)

    access = Confidences(trained("softmax"), [Nobody(1.0)])
    got = asker("classification_images").recover(task_of(access, 30))
    assert (got == 0.5).all()


# Evolution and boundary repulsion.


def test_evolution_lowers_the_cost_that_it_is_told() -> None:
    knowledge, access = some_photos(), Confidences(trained("softmax"))
    mean = torch.from_numpy(knowledge.mean).clamp(0, 1).expand(PEOPLE, -1)
    labels = torch.arange(PEOPLE)
    got = asker("evolution", pull=0.0).recover(task_of(access, 500, "photos"))
    with torch.no_grad():
        before, after = (cost_of(trained("softmax"), x, labels) for x in (mean, got))
    assert (after < 0.8 * before).all()


def test_evolution_never_ends_above_where_it_began() -> None:
    # Steps so long that they only harm: what is given is the best that was told.
    knowledge, access = some_photos(), Confidences(trained("softmax"))
    mean = torch.from_numpy(knowledge.mean).clamp(0, 1).expand(PEOPLE, -1)
    kind = asker("evolution", pull=0.0, step=500.0)
    got = kind.recover(task_of(access, 100, "photos"))
    with torch.no_grad():
        before, after = (cost_of(trained("softmax"), x, torch.arange(PEOPLE)) for x in (mean, got))
    assert (after <= before + 1e-6).all()


def test_boundary_repulsion_ends_in_a_wide_ball_of_the_label() -> None:
    spy = Spy("labels")
    kind = asker("boundary", radius=0.2, growth=1.3, points=15, first=0.3)
    got = kind.recover(task_of(spy.access, 400, "photos"))
    first, steps = spy.asked[0], spy.asked[1:]
    assert len(first) == spy.access.shared == 120
    assert set(spy.told[0].tolist()) == set(range(PEOPLE)), "not everybody was found"
    with torch.no_grad():
        assert trained("softmax")(got).argmax(1).tolist() == list(range(PEOPLE))

    def spread(images: Tensor) -> Tensor:
        return images.view(PEOPLE, 15, PIXELS).std(1).mean(1)

    assert (spread(steps[-1]) > 1.5 * spread(steps[0])).all()


def test_boundary_repulsion_moves_away_from_where_the_label_changes() -> None:
    """Steps alone, of balls that never bear the label alone at first: more of the last one does."""
    spy = Spy("labels")
    kind = asker("boundary", radius=6.0, growth=1.0, points=30, first=0.1, step=0.5)
    kind.recover(task_of(spy.access, 1000, "photos"))
    bears = [told.view(PEOPLE, 30) == torch.arange(PEOPLE)[:, None] for told in spy.told[1:]]
    shares = torch.stack([each.float().mean(1) for each in bears])
    assert (shares[0] < 0.9).all(), "there is nothing to move away from"
    assert (shares[-5:].mean(0) > shares[0] + 0.1).all()


def test_nobody_who_was_not_found_is_made_up() -> None:
    class Never(Answering):
        def answer(self, confidences: Tensor) -> Tensor:
            return confidences.index_fill(1, torch.tensor([3]), -1.0)

    access = Labels(trained("softmax"), [Never(1.0)])
    kind, knowledge = asker("boundary", step=1e-9), some_photos()
    got = kind.recover(task_of(access, 60, "photos", labels=[3]))
    mean = torch.from_numpy(knowledge.mean).clamp(0, 1)
    torch.testing.assert_close(got[0], mean, atol=1e-5, rtol=0)


# Cosines from the coarsest on.


@given(height=st.integers(1, 12), width=st.integers(1, 12), data=st.data())
def test_coarse_cosines_are_orthonormal_in_any_slice(
    height: int, width: int, data: st.DataObject
) -> None:
    size, pixels = (height, width), height * width
    cuts = sorted(data.draw(st.lists(st.integers(0, pixels), max_size=3)))
    ends = [0, *cuts, pixels]
    whole = coarse_cosines(size, 0, pixels)
    parts = [coarse_cosines(size, *pair) for pair in pairwise(ends)]
    assert torch.equal(torch.cat(parts), whole)
    torch.testing.assert_close(whole @ whole.T, torch.eye(pixels), atol=1e-5, rtol=0)
    frequencies = coarse_frequencies(size, 0, pixels)
    slices = [coarse_frequencies(size, *pair) for pair in pairwise(ends)]
    assert torch.equal(torch.cat(slices), frequencies)
    assert (frequencies.diff() >= 0).all()


def test_a_coarse_cosine_swings_as_often_as_its_frequency_says() -> None:
    size = (8, 4)  # powers of two: no cosine is 0 at a pixel
    basis, frequencies = coarse_cosines(size, 0, 32), coarse_frequencies(size, 0, 32)
    assert (basis[0] == basis[0, 0]).all()  # the grey of the whole
    for cosine, frequency in zip(basis[1:], frequencies[1:], strict=True):
        sign = cosine.view(size).sign()
        down, across = ((sign.diff(dim=dim) != 0).sum(dim) for dim in (0, 1))
        assert len(down.unique()) == len(across.unique()) == 1
        of = (down[0].item() / size[0], across[0].item() / size[1])
        assert frequency.item() == pytest.approx(np.hypot(*of))
