"""What is counted of recovered images, and what it is held against."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from torch import Tensor

from miface.evaluation.baselines import NOBODY, baseline_images
from miface.evaluation.intervals import wilson
from miface.evaluation.judges.judge import Examples, Judge, Scores
from miface.evaluation.outside import Embedded, Outside, embed, normalised
from miface.evaluation.results import (
    measure_attack,
    measure_images,
    photo_rank,
    summarise_images,
)
from miface.evaluation.yardstick import Yardstick
from miface.faces.rendered import render_faces

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
        ("blank", [0.5, 0.5, 0.5]),
        ("everybody", [0.5, 0.5, 0.5]),
        ("another_person", [0.8, 0.2, 0.5]),
        ("class_difference", [-0.3, 0, 0.3]),
        ("held_out_photo", [0.15, 0.45, 0.75]),
        ("own_mean", [0.2, 0.5, 0.8]),
    ],
)
def test_a_baseline_is_what_its_name_says(name: str, greys: list[float]) -> None:
    np.testing.assert_allclose(baselines()[name], flat(greys), atol=1e-12)


def test_those_that_show_nobody_are_the_same_whoever_they_are_for() -> None:
    assert NOBODY == ("noise", "blank", "everybody")
    twice = baseline_images(flat(TRAIN), TWO_EACH[::-1], flat(HELD_OUT), TWO_EACH, 0)
    for name in NOBODY:
        np.testing.assert_allclose(twice[name], baselines()[name])


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


PERSON = np.repeat(np.arange(6), 2)
APART = np.eye(6, 128, dtype=np.float32)
"""A point for each of six people, as far from one another as from the origin and more."""


def yardstick(**judges: Judge) -> Yardstick:
    """Six people of two photos, marked by the pixel in the corner, and who reads the mark."""
    photos = np.random.default_rng(0).uniform(0.2, 0.8, (12, 8, 8))
    photos[:, 0, 0] = PERSON / 10
    return Yardstick(
        photos=photos,
        person=PERSON,
        judges=judges,
        outside=Outside(APART[PERSON], PERSON),
        held_out=Embedded(0.9 * APART, np.ones(6, bool)),
        held_out_person=np.arange(6),
        nobody=np.full((1, 8, 8), 0.5),
        seed=0,
    )


def measured(*, photos: bool = False, **more: Judge) -> pd.DataFrame:
    """A photo each of persons 2 and 4, brighter by 0.1 but for the mark; 4 is marked 2."""
    against = yardstick(keen=KEEN, odd=ODD, **more)
    x = against.photos[[4, 8]] + 0.1
    x[:, 0, 0] = 0.2
    return measure_images(x, np.array([2, 4]), against, photos=photos)


def test_images_are_measured_a_row_each() -> None:
    table = measured()
    assert table["mse"].tolist() == pytest.approx([0.01 * 63 / 64, (0.01 * 63 + 0.04) / 64])
    assert table["photo_rank"].tolist() == [1, 1]
    assert table["keen_top1"].tolist() == [True, False]
    assert table["odd_top1"].tolist() == [False, False]


# Who is recovered. Three images, of which the judge from outside knows what he makes: a photo of
# the first person lies where the drawn face does, of the second where the blank image does, and
# of the third where the other face does.
FACE, OTHER = render_faces(2, 1, height=56, width=46)[:, 0] / 255
BLANK = np.full(FACE.shape, 0.5)


def among_three(*nobody: Images) -> Yardstick:
    x = np.stack([FACE, BLANK, OTHER])
    points, person = embed(normalised(x)).points, np.arange(3)
    return Yardstick(
        photos=x,
        person=person,
        judges={},
        outside=Outside(points, person),
        held_out=Embedded(points, np.ones(3, bool)),
        held_out_person=person,
        nobody=np.stack(nobody),
        seed=0,
    )


def recovered(x: list[Images], label: list[int], *nobody: Images) -> tuple[list[bool], list[bool]]:
    """Whom the judge from outside sees first, and who counts as recovered."""
    table = measure_images(np.stack(x), np.array(label), among_three(*nobody))
    return table["outside_top1"].tolist(), table["recovered"].tolist()


def test_a_person_is_recovered_whom_the_judge_from_outside_sees_first() -> None:
    noise = np.random.default_rng(0).random(FACE.shape)
    assert recovered([FACE, OTHER, FACE, OTHER], [0, 2, 2, 0], noise) == (
        [True, True, False, False],
        [True, True, False, False],
    )


def test_what_an_image_of_nobody_gives_too_is_not_recovered() -> None:
    # The blank image is taken for the second person, and so is it when it is the attack's.
    x, label = [FACE, BLANK, OTHER, FACE], [0, 1, 2, 1]
    first = [True, True, True, False]
    assert recovered(x, label, OTHER)[0] == first
    assert recovered(x, label, BLANK) == (first, [True, False, True, False])
    # Nor is another image that comes less far ahead.
    shaded = np.tile(np.linspace(0, 1, FACE.shape[1]), (len(FACE), 1))
    assert recovered([shaded], [1], FACE) == ([True], [True])
    assert recovered([shaded], [1], BLANK) == ([True], [False])
    assert recovered([shaded], [1], FACE, BLANK, OTHER) == ([True], [False])


def test_to_be_further_ahead_than_nobody_is_not_enough() -> None:
    points = among_three(BLANK).outside.photos
    to_first, to_blank = np.linalg.norm(points[2] - points[:2], axis=1)
    assert to_first < to_blank, "the face is no nearer than the blank image: it shows nothing"
    assert recovered([FACE], [2], BLANK) == ([False], [False])


def test_rounding_recovers_nobody() -> None:
    # The network's last digits depend on how many images it is given at once.
    among = [FACE * share + OTHER * (1 - share) for share in np.linspace(0, 1, 24)]
    for position in range(0, 24, 5):
        x = [*among[:position], BLANK, *among[position:]]
        assert not recovered(x, [1] * 25, BLANK)[1][position]


def test_images_are_held_to_be_the_next_one_s_too() -> None:
    for x, swapped in ([FACE, OTHER], 0.0), ([OTHER, FACE], 1.0):
        table = measure_images(np.stack(x), np.array([0, 2]), among_three(BLANK))
        assert summarise_images(table)["swapped"] == swapped


def test_brightness_and_contrast_are_put_right_of_what_is_no_photo() -> None:
    x, label, against = 0.1 * FACE[None] + 3, np.array([0]), among_three(BLANK)
    assert measure_images(x, label, against)["outside_verified"].item()
    assert not measure_images(x, label, against, photos=True)["outside_verified"].item()


def test_a_judge_s_name_may_be_of_several_words() -> None:
    identified = summarise_images(measured(top_left_corner=KEEN))["identified"]
    assert identified["top_left_corner"] == identified["keen"]


def test_judges_are_not_asked_about_photos_that_they_were_fitted_on() -> None:
    assert not {"keen_top1", "odd_top1"} & set(measured(photos=True))
    assert set(summarise_images(measured(photos=True))["identified"]) == {"outside"}


def test_judges_know_how_often_they_are_right_and_when_to_say_none() -> None:
    both = yardstick(keen=KEEN, odd=ODD)
    assert both.accuracy == {"outside": 1, "keen": 1, "odd": 0}
    assert -10 < both.thresholds["keen"] < 0  # to be one mark off costs 10
    # A held-out photo is 0.1 from its person's photos, and √(1 + 0.81) from others'.
    assert -np.sqrt(1.81) < both.thresholds["outside"] <= -0.1 + 1e-6


def test_images_are_summarised() -> None:
    table = measured()
    summary = summarise_images(table)
    assert summary["people"] == 2
    assert summary["mse"] == pytest.approx(table["mse"].mean())
    assert summary["mse_255"] == pytest.approx(table["mse"].mean() * 65025)
    assert summary["photo_rank"] == 1
    assert set(summary["identified"]) == {"outside", "keen", "odd"}
    # All of the six but one are among the first five; of person 4, marked 2, person 5 is further.
    assert summary["identified"]["keen"] == {
        "top1": 0.5, "top5": 1, "lineup": 0.5, "lineup_absent": 0.5,
    }  # fmt: skip
    assert summary["identified"]["odd"]["top1"] == 0
    assert set(summary["identified"]["outside"]) == {
        "top1", "top5", "lineup", "lineup_absent", "verified", "false_match", "face_found",
    }  # fmt: skip


def test_the_share_recovered_has_its_interval() -> None:
    table = measure_images(np.stack([FACE, FACE, OTHER]), np.array([0, 1, 2]), among_three(BLANK))
    summary = summarise_images(table)
    assert (summary["recovered"], summary["people"]) == (2, 3)
    low, high = wilson(2, 3)
    assert summary["interval"] == {"low": low, "high": high}


@pytest.fixture
def arrays() -> dict[str, NDArray[Any]]:
    return {
        "x": np.stack([OTHER, FACE, FACE]),
        "label": np.array([2, 0, 1]),
        "cost": np.array([0.5, 0.25, 0.75]),
        "attack_cost": np.array([0.1, 0.2, 0.3]),
        "iterations": np.array([10, 20, 60]),
        "queries": np.array([0, 30, 60]),
        "stopped": np.array(["beta", "alpha", "beta"]),
        "threat_model": np.array("nothing"),
        "access": np.array("asks for labels"),
    }


def test_attacks_are_summarised(arrays: dict[str, NDArray[Any]]) -> None:
    table, summary = measure_attack(arrays, among_three(BLANK))
    assert table["label"].tolist() == [2, 0, 1]
    assert table["recovered"].tolist() == [True, True, False]
    told = {
        "cost": pytest.approx(0.5),
        "attack_cost": pytest.approx(0.2),
        "iterations": pytest.approx(30),
        "queries": pytest.approx(30),
        "threat_model": "nothing",
        "access": "asks for labels",
        "stopped": {"alpha": 1, "beta": 2, "gamma": 0},
        "recovered": 2,
    }
    assert {name: summary[name] for name in told} == told
    assert -1 < summary["sameness"] < 1
    assert "label" not in summary
