"""Countermeasures: what each does to answers or to training, and how parameters name them."""

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from trained import NAMES, PEOPLE, PIXELS, SIZE, photos, settings_of, train_small, trained

from miface.countermeasures import (
    IN_TRAINING,
    ON_ANSWERS,
    Strengths,
    guarded,
    in_training,
    in_words,
    on_answers,
)
from miface.countermeasures.dependency_penalty import hsic
from miface.errors import MifaceError
from miface.params.schema import load_params
from miface.recognisers import RECOGNISERS, accuracy, train
from miface.recognisers.recogniser import Coded, Convolutional
from miface.training.perceptron import LinearClassifier
from miface.training.trainer import Descent, Trainer, train_classifier

WriteParams = Callable[..., Path]
ALL = IN_TRAINING | ON_ANSWERS


# Every countermeasure.


@pytest.mark.parametrize("name", ALL)
def test_each_says_what_it_does_in_a_line(name: str) -> None:
    assert ALL[name].summary().endswith(".")


MILD = {
    "dependency_penalty": 0.5, "dp_sgd": 1000.0, "early_stopping": 0.6, "label_only": 1.0,
    "top": 2.0, "weight_decay": 0.01,
}  # fmt: skip


def mild(name: str) -> Strengths:
    return {name: MILD.get(name, 0.1)}


def refuses(model: str, name: str) -> bool:
    """Whether this countermeasure cannot act on this recogniser, by what it changes."""
    trainer = guarded(trainer_of([]), mild(name))
    of_steps = bool(trainer.alterations or trainer.penalties or trainer.steps)
    coded = issubclass(RECOGNISERS[model], Coded) and of_steps
    return coded or (bool(trainer.penalties) and not issubclass(RECOGNISERS[model], Convolutional))


def trainer_of(measured: list[dict[str, float]]) -> Trainer:
    return Trainer(photos(), torch.Generator().manual_seed(0), measured.append, SIZE)


PAIRS = [(name, model) for name in IN_TRAINING for model in RECOGNISERS]


@pytest.mark.parametrize(("name", "model"), [pair for pair in PAIRS if not refuses(*pair[::-1])])
def test_each_in_training_changes_every_recogniser(name: str, model: str) -> None:
    plain, changed = trained(model), train_small(model, strengths=mild(name))
    again = train_small(model, strengths=mild(name))
    weights = changed.state_dict()
    assert any(not torch.equal(weights[key], value) for key, value in plain.state_dict().items())
    assert all(torch.equal(weights[key], value) for key, value in again.state_dict().items())


@pytest.mark.parametrize(("name", "model"), [pair for pair in PAIRS if refuses(*pair[::-1])])
def test_each_that_cannot_act_on_a_recogniser_is_refused_before_training(
    name: str, model: str
) -> None:
    measured: list[dict[str, float]] = []
    trainer = guarded(trainer_of(measured), mild(name))
    with pytest.raises(MifaceError, match=r"^countermeasures\.training.*: found .*, expected"):
        train(model, SIZE, NAMES, settings_of(model), trainer)
    assert measured == []


@pytest.mark.parametrize("name", IN_TRAINING)
def test_each_in_training_lets_a_recogniser_learn_at_a_mild_strength(name: str) -> None:
    model = next(model for model in ("softmax", "cnn") if not refuses(model, name))
    recogniser, given = (
        train_small(model, strengths=mild(name), max_epochs=60, learning_rate=0.02),
        photos(),
    )
    assert accuracy(recogniser, given.x, given.person) > 0.7  # four people: chance is 0.25


@pytest.mark.parametrize("name", ON_ANSWERS)
def test_each_on_answers_gives_numbers_from_0_to_1(name: str) -> None:
    confidences = torch.softmax(3 * torch.randn(7, 5), 1)
    (countermeasure,) = on_answers(mild(name))
    answers = countermeasure.answer(confidences)
    assert answers.shape == confidences.shape
    assert answers.any()
    assert (answers >= 0).all()
    assert (answers <= 1).all()


# Rounding.


@pytest.mark.parametrize(
    ("strength", "confidences", "answers"),
    [
        (0.1, [0.04, 0.06, 0.90, 0.0], [0.0, 0.1, 0.9, 0.0]),
        (0.01, [0.004, 0.006, 0.99, 0.0], [0.0, 0.01, 0.99, 0.0]),
        (0.5, [0.2, 0.3, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0]),
        (0.25, [0.125, 0.375, 0.625, 0.875], [0.0, 0.5, 0.5, 1.0]),
        (0.6, [0.2, 0.4, 0.8, 1.0], [0.0, 0.6, 0.6, 1.0]),
        (0.1, [1 / 3, 1 / 3, 1 / 3, 0.0], [0.3, 0.3, 0.3, 0.0]),
    ],
    ids=["0.1", "0.01", "0.5", "halves to the even multiple", "1 at the most", "not adding up"],
)
def test_rounding(strength: float, confidences: list[float], answers: list[float]) -> None:
    (rounding,) = on_answers({"rounding": strength})
    torch.testing.assert_close(
        rounding.answer(torch.tensor([confidences])), torch.tensor([answers])
    )


@given(strength=st.floats(0.001, 0.999), confidence=st.floats(0, 1))
def test_rounding_gives_a_multiple_half_a_step_away_at_the_most(
    strength: float, confidence: float
) -> None:
    (rounding,) = on_answers({"rounding": strength})
    answer = rounding.answer(torch.tensor([[confidence]], dtype=torch.float64)).item()
    multiples = [min(k * strength, 1) for k in range(math.ceil(1 / strength) + 1)]
    assert min(abs(answer - multiple) for multiple in multiples) < 1e-12
    assert abs(answer - confidence) <= strength / 2 + 1e-12


# Noise.


def test_noise_is_normal_of_the_deviation_asked_for() -> None:
    (noise,) = on_answers({"noise": 0.05})
    answers = noise.answer(torch.full((1000, 100), 0.5, dtype=torch.float64)).flatten()
    assert answers.mean().item() == pytest.approx(0.5, abs=0.001)
    assert answers.std().item() == pytest.approx(0.05, rel=0.01)
    within = ((answers - 0.5).abs() < 0.05).double().mean().item()
    assert within == pytest.approx(math.erf(2**-0.5), abs=0.005)


def test_noise_is_anew_for_each_question_and_the_same_in_each_run() -> None:
    confidences = torch.softmax(torch.randn(3, 5), 1)
    (one,), (other) = on_answers({"noise": 0.02}), on_answers({"noise": 0.02})[0]
    first, second = one.answer(confidences), one.answer(confidences)
    assert not torch.equal(first, second)
    assert torch.equal(first, other.answer(confidences))
    assert torch.equal(second, other.answer(confidences))
    # Who asks often enough averages it away.
    sure = torch.tensor([[0.3, 0.7]])
    mean = torch.stack([one.answer(sure) for _ in range(4000)]).mean(0)
    torch.testing.assert_close(mean, sure, atol=0.002, rtol=0)


def test_noise_goes_no_further_than_0_and_1() -> None:
    (noise,) = on_answers({"noise": 0.9})
    answers = noise.answer(torch.tensor([[0.0, 1.0]]).expand(200, 2))
    assert (answers == 0).any()
    assert (answers == 1).any()


# Few confidences, and the label alone.


@pytest.mark.parametrize(
    ("strengths", "answers"),
    [
        ({"top": 1}, [[0.0, 0.5, 0.0, 0.0], [0.6, 0.0, 0.0, 0.0]]),
        ({"top": 2}, [[0.0, 0.5, 0.3, 0.0], [0.6, 0.0, 0.0, 0.25]]),
        ({"top": 9}, [[0.1, 0.5, 0.3, 0.1], [0.6, 0.05, 0.1, 0.25]]),
        ({"label_only": 1}, [[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]),
        ({"rounding": 0.5, "top": 1}, [[0.0, 0.5, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0]]),
    ],
    ids=str,
)
def test_what_is_left_of_confidences(strengths: Strengths, answers: list[list[float]]) -> None:
    confidences = torch.tensor([[0.1, 0.5, 0.3, 0.1], [0.6, 0.05, 0.1, 0.25]])
    for countermeasure in on_answers(strengths):
        confidences = countermeasure.answer(confidences)
    torch.testing.assert_close(confidences, torch.tensor(answers))


# Label smoothing.


def test_label_smoothing_asks_for_less_of_the_right_person_and_shares_the_rest() -> None:
    # A tenth of 0.3 goes to each of three: the targets are 0.8, 0.1 and 0.1.
    p = torch.tensor([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3]])
    first = -(0.8 * math.log(0.7) + 0.1 * math.log(0.2) + 0.1 * math.log(0.1))
    second = -(0.8 * math.log(0.5) + 0.1 * math.log(0.2) + 0.1 * math.log(0.3))
    plain = Trainer(photos(), torch.Generator(), log=lambda measures: None)
    (smoothing,) = in_training({"label_smoothing": 0.3})
    smoothed = smoothing.apply(plain)
    people = torch.tensor([0, 1])
    assert smoothed.loss(p.log(), people).item() == pytest.approx((first + second) / 2)
    assert plain.loss(p.log(), people).item() == pytest.approx(-math.log(0.7 * 0.5) / 2)
    # It builds on the loss that another countermeasure may have put there.
    doubled = replace(plain, loss=lambda logits, who: 2 * plain.loss(logits, who))
    more = smoothing.apply(doubled).loss(p.log(), people) - smoothed.loss(p.log(), people)
    assert more.item() == pytest.approx(0.7 * plain.loss(p.log(), people).item())
    assert (smoothed.photos, smoothed.generator) == (plain.photos, plain.generator)


def test_negative_label_smoothing_asks_for_more_than_certainty() -> None:
    # −0.3 shared among three: the targets are 1.2, −0.1 and −0.1.
    p = torch.tensor([[0.7, 0.2, 0.1]])
    (smoothing,) = in_training({"label_smoothing": -0.3})
    loss = smoothing.apply(trainer_of([])).loss(p.log(), torch.tensor([0])).item()
    assert loss == pytest.approx(-(1.2 * math.log(0.7) - 0.1 * math.log(0.2) - 0.1 * math.log(0.1)))


def test_training_that_diverges_is_told() -> None:
    with pytest.raises(MifaceError, match=r"^cnn\.learning_rate: training with 1e\+30 diverged"):
        train_small("cnn", strengths={"label_smoothing": -0.5}, learning_rate=1e30)


def test_a_recogniser_trained_with_label_smoothing_is_less_sure() -> None:
    plain, smoothed = (
        train_small("softmax", strengths=strengths, max_epochs=200)
        for strengths in ({}, {"label_smoothing": 0.5})
    )
    x = photos().x
    with torch.no_grad():
        sure, unsure = (torch.softmax(network(x), 1).amax(1) for network in (plain, smoothed))
    assert (unsure < sure).all()


# Settings.


@pytest.mark.parametrize(("share", "epochs"), [(0.5, 5), (0.26, 3), (0.01, 1), (0.99, 10)])
def test_early_stopping_makes_a_share_of_the_epochs(share: float, epochs: int) -> None:
    measured: list[dict[str, float]] = []
    trainer = guarded(trainer_of(measured), {"early_stopping": share})
    train("softmax", SIZE, NAMES, settings_of("softmax", max_epochs=10), trainer)
    assert len(measured) == epochs
    assert trainer.descent(settings_of("softmax", max_epochs=10)).max_epochs == epochs


def by_pytorch(network: nn.Module, trainer: Trainer, settings: Descent) -> nn.Module:
    """What everybody writes, with the photos of each step as the trainer has them."""
    optimiser = torch.optim.SGD(
        network.parameters(),
        settings.learning_rate,
        settings.momentum,
        weight_decay=settings.weight_decay,
    )
    for _ in range(settings.max_epochs):
        order = torch.randperm(trainer.photos.trained_on, generator=trainer.generator)
        for rows in order.split(settings.batch_size):
            x, person = trainer.photos.x[rows].view(-1, *SIZE), trainer.photos.person[rows]
            for alter in trainer.alterations:
                x = alter(x, trainer.generator)
            x = x.flatten(1)
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(network(x), person)
            for penalty in trainer.penalties:
                loss = loss + penalty(network, x, person)
            loss.backward()
            optimiser.step()
    return network


def in_double(strengths: Strengths) -> Trainer:
    given = replace(photos(), x=photos().x.double())
    return guarded(replace(trainer_of([]), photos=given), strengths)


@pytest.mark.parametrize("own", [0.0, 0.01])
def test_weight_decay_is_added_to_that_of_the_settings(own: float) -> None:
    network = LinearClassifier(PIXELS, PEOPLE).double()
    expected = copy.deepcopy(network)
    settings = settings_of("softmax", weight_decay=own)
    train_classifier(network, settings, in_double({"weight_decay": 0.3}))
    more = settings.model_copy(update={"weight_decay": own + 0.3})
    by_pytorch(expected, in_double({}), more)
    torch.testing.assert_close(network.state_dict(), expected.state_dict())


# Photos that are altered.


@pytest.mark.parametrize(
    "strengths",
    [{"dropout": 0.3}, {"random_erasing": 0.4}, {"augmentation": 0.1},
     {"augmentation": 0.1, "random_erasing": 0.4, "weight_decay": 0.2}],
    ids=str,
)  # fmt: skip
def test_altered_photos_are_not_trained_on_in_their_span(strengths: Strengths) -> None:
    network = LinearClassifier(PIXELS, PEOPLE).double()
    expected, settings = copy.deepcopy(network), settings_of("softmax")
    train_classifier(network, settings, in_double(strengths))
    trainer = in_double(strengths)
    by_pytorch(expected, trainer, trainer.descent(settings))
    torch.testing.assert_close(network.state_dict(), expected.state_dict())


def altered(strengths: Strengths, images: Tensor) -> Tensor:
    trainer = guarded(trainer_of([]), strengths)
    for alter in trainer.alterations:
        images = alter(images, trainer.generator)
    return images


def test_dropout_keeps_the_mean_and_drops_the_share() -> None:
    images = torch.rand(200, 30, 20, generator=torch.Generator().manual_seed(1)) + 0.1
    dropped = altered({"dropout": 0.3}, images)
    assert (dropped == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert dropped.mean().item() == pytest.approx(images.mean().item(), rel=0.01)
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], images[kept] / 0.7)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.95])
def test_random_erasing_makes_a_rectangle_noise_and_no_more_than_its_share(share: float) -> None:
    images = torch.full((500, 40, 24), 2.0)
    erased = altered({"random_erasing": share}, images)
    assert erased.shape == images.shape
    hole = erased != 2
    rows, columns = hole.any(2), hole.any(1)
    assert torch.equal(hole, rows[:, :, None] & columns[:, None, :])
    for line in (rows, columns):  # without a gap
        assert (line.float().diff(dim=1).abs().sum(1) <= 2).all()
    area = hole.float().mean((1, 2))
    assert (area <= share).all()
    assert share / 4 < area.mean().item() <= share / 2
    assert area.max() > 0.75 * share
    assert (erased[hole] >= 0).all()
    assert (erased[hole] < 1).all()
    assert erased[hole].mean().item() == pytest.approx(0.5, abs=0.02)
    # Anywhere: each pixel is in the hole of some photo.
    assert share < 0.1 or hole.any(0).all()


def test_augmentation_mirrors_half_and_shifts_no_further_than_its_share() -> None:
    image = torch.rand(20, 10, generator=torch.Generator().manual_seed(1))
    padded = np.pad(image.numpy(), ((2, 2), (1, 1)), mode="edge")  # a tenth of 20, and of 10
    expected = {}
    for y in range(5):
        for x in range(3):
            shifted = padded[y : y + 20, x : x + 10]
            expected[shifted.tobytes()] = (y, x, False)
            mirrored = np.pad(image.numpy()[:, ::-1], ((2, 2), (1, 1)), mode="edge")
            expected[mirrored[y : y + 20, x : x + 10].tobytes()] = (y, x, True)
    drawn = altered({"augmentation": 0.1}, image.expand(3000, 20, 10))
    seen = [expected[each.numpy().tobytes()] for each in drawn]
    assert set(seen) == set(expected.values())
    assert np.mean([mirrored for *_, mirrored in seen]) == pytest.approx(0.5, abs=0.04)


# The penalty on dependency.


def test_hsic_is_its_definition() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(7, size, generator=generator, dtype=torch.float64) for size in (5, 3))
    m, k, g = len(a), *(kernel_in_a_loop(each) for each in (a, b))
    pairs = [(i, j) for i in range(m) for j in range(m)]
    together = sum(k[i][j] * g[i][j] for i, j in pairs) / m**2
    apart = sum(k[i][j] for i, j in pairs) * sum(g[i][j] for i, j in pairs) / m**4
    between = sum(k[i][j] * g[i][n] for i, j in pairs for n in range(m)) / m**3
    assert hsic(a, b).item() == pytest.approx(together + apart - 2 * between)
    assert hsic(3 * a, b).item() == pytest.approx(hsic(a, b).item())


def kernel_in_a_loop(a: Tensor) -> list[list[float]]:
    distances = [[sum((x - y) ** 2 for x, y in zip(p, q, strict=True)) for q in a.tolist()]
                 for p in a.tolist()]  # fmt: skip
    mean = sum(map(sum, distances)) / len(a) ** 2
    return [[math.exp(-distance / mean) for distance in row] for row in distances]


def test_hsic_tells_dependent_from_independent_and_stands_few_people() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(200, 4, generator=generator) for _ in range(2))
    assert hsic(a, a.square()) > 3 * hsic(a, b)
    alike = torch.ones(3, 2, requires_grad=True)
    hsic(alike, torch.randn(3, 4)).backward()
    assert alike.grad is not None
    assert alike.grad.isfinite().all()


def test_features_depend_less_on_photos_and_more_on_people_under_the_penalty() -> None:
    given, measured = photos(), []
    for strengths in ({}, {"dependency_penalty": 20.0}):
        network = train_small("cnn", strengths=strengths, max_epochs=40, learning_rate=0.02)
        assert isinstance(network, Convolutional)
        with torch.no_grad():
            features = network.features(given.x)
            label = nn.functional.one_hot(given.person).float()
            measured.append(hsic(given.x, features) - 10 * hsic(features, label))
    assert measured[1] < measured[0]


# Parameters and results.


@pytest.mark.parametrize(
    ("group", "value", "strengths"),
    [
        ("training", "none", {}),
        ("answers", "none", {}),
        ("training", {"label_smoothing": 0.1}, {"label_smoothing": 0.1}),
        ("training", {"label_smoothing": -0.05}, {"label_smoothing": -0.05}),
        ("answers", {"rounding": 0.01}, {"rounding": 0.01}),
        ("answers", {"top": 3, "label_only": 1}, {"top": 3, "label_only": 1}),
    ],
)
def test_parameters_name_strengths_or_none(
    write_params: WriteParams, group: str, value: Any, strengths: dict[str, float]
) -> None:
    params = load_params(write_params({f"countermeasures.{group}": value}))
    assert getattr(params.countermeasures, group) == strengths


def allowed_among(kinds: Iterable[str], example: str) -> str:
    return f"should be none, or strengths by name among {', '.join(kinds)}, such as {example}"


IN_TRAINING_ALLOWED = allowed_among(IN_TRAINING, "{label_smoothing: 0.1}")
ON_ANSWERS_ALLOWED = allowed_among(ON_ANSWERS, "{rounding: 0.01}")


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("training", "rounding", IN_TRAINING_ALLOWED),
        ("training", {"rounding": 0.1}, IN_TRAINING_ALLOWED),
        ("training", {"label_smoothing": 0.1, "sand": 1.0}, IN_TRAINING_ALLOWED),
        ("answers", {"label_smoothing": 0.1}, ON_ANSWERS_ALLOWED),
        ("answers", 0.1, ON_ANSWERS_ALLOWED),
        ("answers", None, ON_ANSWERS_ALLOWED),
        ("answers", ["rounding"], ON_ANSWERS_ALLOWED),
        ("training.label_smoothing", 0, "should be other than 0, which changes nothing"),
        ("training.label_smoothing", -1, "should be greater than -1"),
        ("training.label_smoothing", 1.0, "should be less than 1"),
        ("training.early_stopping", 1, "should be less than 1"),
        ("training.dp_sgd", 0, "should be greater than 0"),
        ("answers.top", 0, "should be greater than or equal to 1"),
        ("answers.top", 0.5, "should be a valid integer"),
        ("answers.label_only", 2, "should be 1"),
        ("answers.rounding", -0.01, "should be greater than 0"),
        ("answers.rounding", 1, "should be less than 1"),
        ("answers.rounding", math.nan, "should be a finite number"),
        ("answers.rounding", True, "should be a valid number"),
        ("answers.rounding", "0.01", "should be a valid number"),
    ],
)
def test_a_mistake_is_told_with_its_key_and_what_is_allowed(
    write_params: WriteParams, key: str, value: Any, allowed: str
) -> None:
    group, _, name = key.partition(".")
    path = write_params({f"countermeasures.{group}": {name: value} if name else value})
    with pytest.raises(MifaceError) as caught:
        load_params(path)
    assert str(caught.value) == f"{path}: countermeasures.{key}: found {value!r}, {allowed}"


def test_results_name_countermeasures_in_words() -> None:
    assert in_words({}) == "none"
    assert in_words({"label_smoothing": 0.1}) == "label_smoothing 0.1"
    assert in_words({"rounding": 0.005, "noise": 1.0}) == "rounding 0.005, noise 1"
