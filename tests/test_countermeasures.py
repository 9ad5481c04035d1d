"""Countermeasures: what each does to answers or to training, and how parameters name them."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from trained import photos, train_small, trained

from miface.countermeasures import IN_TRAINING, ON_ANSWERS, in_training, in_words, on_answers
from miface.errors import MifaceError
from miface.params.schema import load_params
from miface.recognisers import RECOGNISERS
from miface.training.trainer import Trainer

WriteParams = Callable[..., Path]
ALL = IN_TRAINING | ON_ANSWERS


# Every countermeasure.


@pytest.mark.parametrize("name", ALL)
def test_each_says_what_it_does_in_a_line(name: str) -> None:
    assert ALL[name].summary().endswith(".")


@pytest.mark.parametrize("name", IN_TRAINING)
@pytest.mark.parametrize("model", RECOGNISERS)
def test_each_in_training_changes_every_recogniser(name: str, model: str) -> None:
    plain, guarded = trained(model), train_small(model, strengths={name: 0.1})
    again = train_small(model, strengths={name: 0.1})
    weights = guarded.state_dict()
    assert any(not torch.equal(weights[key], value) for key, value in plain.state_dict().items())
    assert all(torch.equal(weights[key], value) for key, value in again.state_dict().items())


@pytest.mark.parametrize("name", ON_ANSWERS)
def test_each_on_answers_gives_numbers_from_0_to_1(name: str) -> None:
    confidences = torch.softmax(3 * torch.randn(7, 5), 1)
    (countermeasure,) = on_answers({name: 0.1})
    answers = countermeasure.answer(confidences)
    assert answers.shape == confidences.shape
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


def test_a_recogniser_trained_with_label_smoothing_is_less_sure() -> None:
    plain, smoothed = (
        train_small("softmax", strengths=strengths, max_epochs=200)
        for strengths in ({}, {"label_smoothing": 0.5})
    )
    x = photos().x
    with torch.no_grad():
        sure, unsure = (torch.softmax(network(x), 1).amax(1) for network in (plain, smoothed))
    assert (unsure < sure).all()


# Parameters and results.


@pytest.mark.parametrize(
    ("group", "value", "strengths"),
    [
        ("training", "none", {}),
        ("answers", "none", {}),
        ("training", {"label_smoothing": 0.1}, {"label_smoothing": 0.1}),
        ("answers", {"rounding": 0.01}, {"rounding": 0.01}),
    ],
)
def test_parameters_name_strengths_or_none(
    write_params: WriteParams, group: str, value: Any, strengths: dict[str, float]
) -> None:
    params = load_params(write_params({f"countermeasures.{group}": value}))
    assert getattr(params.countermeasures, group) == strengths


IN_TRAINING_ALLOWED = (
    f"should be none, or strengths by name among {', '.join(IN_TRAINING)}, such as "
    f"{{{next(iter(IN_TRAINING))}: 0.1}}"
)
ON_ANSWERS_ALLOWED = (
    f"should be none, or strengths by name among {', '.join(ON_ANSWERS)}, such as "
    f"{{{next(iter(ON_ANSWERS))}: 0.1}}"
)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("training", "rounding", IN_TRAINING_ALLOWED),
        ("training", {"rounding": 0.1}, IN_TRAINING_ALLOWED),
        ("training", {"label_smoothing": 0.1, "noise": 1.0}, IN_TRAINING_ALLOWED),
        ("answers", {"label_smoothing": 0.1}, ON_ANSWERS_ALLOWED),
        ("answers", 0.1, ON_ANSWERS_ALLOWED),
        ("answers", None, ON_ANSWERS_ALLOWED),
        ("answers", ["rounding"], ON_ANSWERS_ALLOWED),
        ("training.label_smoothing", 0, "should be greater than 0"),
        ("training.label_smoothing", 1.0, "should be less than 1"),
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
