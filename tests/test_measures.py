"""What is counted of recovered images, and what it is held against."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from torch import Tensor

from miface.evaluation.baselines import baseline_images
from miface.evaluation.judges.judge import Examples, Judge, Scores
from miface.evaluation.results import (
    Yardstick,
    attack_facts,
    measure_images,
    photo_rank,
    summarise_attack,
    summarise_images,
)

Images = NDArray[np.float64]
Labels = NDArray[np.int64]


# What results are held against. Three people, two photos a side, each of one grey value.
TRAIN = [0.1, 0.3, 0.4, 0.6, 0.7, 0.9]
HELD_OUT = [0.15, 0.25, 0.45, 0.55, 0.75, 0.85]
TWO_EACH = np.array([0, 0, 1, 1, 2, 2])


def flat(greys: list[float]) -> Images:
    return np.array(greys)[:, None, None] * np.ones((2, 3))


def baselines(seed: int = 0) -> dict[str, Images]:
    return baseline_images(flat(TRAIN), TWO_EACH, flat(HELD_OUT), TWO_EACH, seed)


@pytest.mark.parametrize(
    ("name", "greys"),
    [
        ("everybody", [0.5, 0.5, 0.5]),
        ("another_person", [0.8, 0.2, 0.5]),
        ("class_difference", [-0.3, 0, 0.3]),
        ("held_out_photo", [0.15, 0.45, 0.75]),
        ("own_mean", [0.2, 0.5, 0.8]),
    ],
)
def test_a_baseline_is_what_its_name_says(name: str, greys: list[float]) -> None:
    np.testing.assert_allclose(baselines()[name], flat(greys), atol=1e-12)


def test_noise_is_uniform_and_its_seed_s() -> None:
    noise = baselines()["noise"]
    assert noise.shape == (3, 2, 3)
    assert noise.min() >= 0
    assert noise.max() <= 1
    assert noise.std() > 0.2
    np.testing.assert_array_equal(noise, baselines()["noise"])
    assert not np.array_equal(noise, baselines(seed=1)["noise"])


# Results. Correlations of A with B: 1/2, A with C: 0, B with C: −1/2.
A, B, C = (np.array(p, float).reshape(2, 2) for p in ([1, -1, 0, 0], [1, 0, -1, 0], [0, 0, 1, -1]))


@pytest.mark.parametrize(
    ("x", "ranks"),
    [
        (A, [1, 2, 3]),
        (0.01 * A + 7, [1, 2, 3]),
        (B, [2, 1, 3]),
        (C, [2, 3, 1]),
        (-C, [2, 1, 3]),
        (np.zeros((2, 2)), [3, 3, 3]),
        (np.full((2, 2), np.nan), [3, 3, 3]),
    ],
    ids=["A", "dim A", "B", "C", "negative C", "blank", "no number"],
)
def test_photo_rank(x: Images, ranks: list[int]) -> None:
    person = np.array([3, 3, 5, 9])  # the nearer of two photos counts
    found = photo_rank(np.stack([x] * 3), np.array([3, 5, 9]), np.stack([-A, A, B, C]), person)
    assert found.tolist() == ranks


class Marks(Judge):
    """Reads the mark in the corner of an image, forwards or as the place from the last."""

    def __init__(self, backwards: bool) -> None:
        self.backwards = backwards

    @classmethod
    def fit(cls, examples: Examples, seed: int) -> Self:
        return cls(backwards=False)

    def state(self) -> dict[str, Tensor]:
        return {}

    @classmethod
    def restored(cls, state: Mapping[str, Tensor]) -> Self:
        return cls(backwards=False)

    def __call__(self, images: NDArray[np.floating]) -> Scores:
        scores = -10.0 * np.abs(images[:, 0, 0, None] * 10 - np.arange(6))
        scores = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        return scores[:, ::-1] if self.backwards else scores


KEEN, ODD = Marks(backwards=False), Marks(backwards=True)


def yardstick(**judges: Judge) -> Yardstick:
    """Six people of two photos, marked by the pixel in the corner, and who reads the mark."""
    person = np.repeat(np.arange(6), 2)
    photos = np.random.default_rng(0).uniform(0.2, 0.8, (12, 8, 8))
    photos[:, 0, 0] = person / 10
    return Yardstick(photos, person, judges, 0)


def measured(*, identified: bool = True, **more: Judge) -> pd.DataFrame:
    """A photo each of persons 2 and 4, brighter by 0.1 but for the mark; 4 is marked 2."""
    against = yardstick(keen=KEEN, odd=ODD, **more)
    x = against.photos[[4, 8]] + 0.1
    x[:, 0, 0] = 0.2
    return measure_images(x, np.array([2, 4]), against, identified=identified)


def test_images_are_measured_a_row_each() -> None:
    table = measured()
    assert table["mse"].tolist() == pytest.approx([0.01 * 63 / 64, (0.01 * 63 + 0.04) / 64])
    assert table["photo_rank"].tolist() == [1, 1]
    assert table["keen_top1"].tolist() == [True, False]
    assert table["odd_top1"].tolist() == [False, False]


def test_a_person_is_recovered_whom_more_than_half_of_the_judges_see_first() -> None:
    assert measured()["recovered"].tolist() == [False, False]  # one of two is but half
    table = measured(alike=KEEN)
    assert table["recovered"].tolist() == [True, False]
    assert summarise_images(table)["recovered"] == 1
    assert "recovered" not in measured(identified=False)


def test_a_judge_s_name_may_be_of_several_words() -> None:
    identified = summarise_images(measured(top_left_corner=KEEN))["identified"]
    assert identified["top_left_corner"] == identified["keen"]


def test_judges_are_not_asked_about_photos_that_they_were_fitted_on() -> None:
    assert not {"keen_top1", "odd_top1"} & set(measured(identified=False))
    assert "identified" not in summarise_images(measured(identified=False))


def test_judges_know_how_often_they_are_right_and_when_to_say_none() -> None:
    both = yardstick(keen=KEEN, odd=ODD)
    assert both.accuracy == {"keen": 1, "odd": 0}
    assert -10 < both.thresholds["keen"] < 0  # to be one mark off costs 10


def test_images_are_summarised() -> None:
    table = measured()
    summary = summarise_images(table)
    assert summary["people"] == 2
    assert summary["mse"] == pytest.approx(table["mse"].mean())
    assert summary["mse_255"] == pytest.approx(table["mse"].mean() * 65025)
    assert summary["photo_rank"] == 1
    assert set(summary["identified"]) == {"keen", "odd"}
    # All of the six but one are among the first five; of person 4, marked 2, person 5 is further.
    assert summary["identified"]["keen"] == {
        "top1": 0.5, "top5": 1, "lineup": 0.5, "lineup_absent": 0.5,
    }  # fmt: skip
    assert summary["identified"]["odd"]["top1"] == 0


@pytest.fixture
def arrays() -> dict[str, NDArray[Any]]:
    return {
        "label": np.array([2, 0, 1]),
        "cost": np.array([0.5, 0.25, 0.75]),
        "attack_cost": np.array([0.1, 0.2, 0.3]),
        "iterations": np.array([10, 20, 60]),
        "queries": np.array([0, 30, 60]),
        "stopped": np.array(["beta", "alpha", "beta"]),
    }


def test_attacks_are_summarised(arrays: dict[str, NDArray[Any]]) -> None:
    facts = attack_facts(arrays, ["1", "2", "3"])  # names, although they look like numbers
    assert facts["person"].tolist() == ["3", "1", "2"]
    assert summarise_attack(facts, "nothing", "asks for labels") == {
        "cost": pytest.approx(0.5),
        "attack_cost": pytest.approx(0.2),
        "iterations": pytest.approx(30),
        "queries": pytest.approx(30),
        "threat_model": "nothing",
        "access": "asks for labels",
        "stopped": {"alpha": 1, "beta": 2, "gamma": 0},
    }
