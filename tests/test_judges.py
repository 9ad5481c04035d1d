"""The judges: real faces are recognised, and nothing else is; what is counted is counted right."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from miface.errors import MifaceError
from miface.evaluation.baselines import baseline_images
from miface.evaluation.identification import chance, fit_threshold, identify, line_ups, rank_of
from miface.evaluation.judges import JUDGES, fit_judges, load_judges, save_judges
from miface.evaluation.judges.judge import Examples, Judge, Scores, standardise
from miface.evaluation.results import (
    Yardstick,
    attack_facts,
    measure_images,
    photo_rank,
    summarise_attack,
    summarise_images,
)
from miface.faces.archive import read_faces
from miface.faces.rendered import render_faces
from miface.faces.split import split_photos
from miface.params.schema import load_params

Images = NDArray[np.float64]
Labels = NDArray[np.int64]
KINDS = tuple(JUDGES)


@dataclass(frozen=True)
class Fitted:
    """Judges, and real photos that they were not fitted on."""

    photos: Images
    person: Labels
    judges: dict[str, Judge]

    @property
    def people(self) -> int:
        return int(self.person.max()) + 1

    def means(self) -> Images:
        return np.stack([self.photos[self.person == who].mean(0) for who in range(self.people)])


def fit(images: NDArray[np.uint8], person: Labels, train_per_person: int | float) -> Fitted:
    rest, fitted_on = split_photos(person, train_per_person, seed=0)
    judges = fit_judges(images[fitted_on] / 255.0, person[fitted_on], seed=0)
    return Fitted(images[rest] / 255.0, person[rest], judges)


def rendered(people: int, height: int, width: int) -> tuple[NDArray[np.uint8], Labels]:
    """Eight photos each of some people who do not exist."""
    images = render_faces(people, 8, height=height, width=width).reshape(-1, height, width)
    return images, np.repeat(np.arange(people), 8)


@pytest.fixture(scope="module")
def on_rendered() -> Fitted:
    return fit(*rendered(8, 56, 46), train_per_person=5)


@pytest.fixture(scope="module")
def on_att(att_zip: Path, project: Path) -> Fitted:
    faces = read_faces(att_zip)
    params = load_params(project / "params.yaml")
    return fit(faces.images, faces.person, params.split.train_per_person)


@pytest.fixture(scope="module", params=["on_rendered", "on_att"])
def fitted(request: pytest.FixtureRequest) -> Fitted:
    found: Fitted = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_real_photos_are_recognised(fitted: Fitted, kind: str) -> None:
    yardstick = Yardstick(fitted.photos, fitted.person, fitted.judges, seed=0)
    assert yardstick.accuracy[kind] >= 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_recognised_at_chance(fitted: Fitted, kind: str) -> None:
    label = np.tile(np.arange(fitted.people), 200 // fitted.people)
    noise = np.random.default_rng(1).random((len(label), *fitted.photos.shape[1:]))
    guessed = 1 / fitted.people
    right = (fitted.judges[kind](noise).argmax(1) == label).mean()
    assert abs(right - guessed) <= 3 * math.sqrt(guessed * (1 - guessed) / len(label))


@pytest.mark.parametrize("kind", KINDS)
def test_another_person_s_face_is_that_other_person_s(fitted: Fitted, kind: str) -> None:
    own = np.arange(fitted.people)
    other = np.roll(own, 1)
    named = fitted.judges[kind](fitted.means()[other]).argmax(1)
    assert (named == own).mean() <= 0.05
    assert (named == other).mean() >= 0.75


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_log_probabilities_of_anything(fitted: Fitted, kind: str) -> None:
    face = fitted.photos[0]
    images = np.stack([face, -1e6 * face, np.zeros_like(face), np.full_like(face, 0.1)])
    scores = fitted.judges[kind](images)
    assert scores.shape == (4, fitted.people)
    np.testing.assert_allclose(np.exp(scores).sum(1), 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("gain", "offset"), [(0.01, 0), (300, -40), (1, 5)])
def test_brightness_and_contrast_change_nothing(
    fitted: Fitted, kind: str, gain: float, offset: float
) -> None:
    judge, some = fitted.judges[kind], fitted.photos[::20]
    np.testing.assert_allclose(judge(gain * some + offset), judge(some), 1e-3, 0.01)


def test_images_are_standardised_each_on_its_own() -> None:
    images = np.random.default_rng(0).random((2, 9, 7)) * [[[1]], [[100]]]
    x = standardise(images)
    np.testing.assert_allclose(x.mean((1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(x.std((1, 2)), 1, rtol=1e-5)
    np.testing.assert_array_equal(x[1], standardise(images[1:])[0])
    assert not standardise(np.zeros((1, 9, 7))).any()


@pytest.mark.parametrize("kind", KINDS)
def test_an_outlier_is_limited(kind: str, on_rendered: Fitted) -> None:
    speckled = on_rendered.photos[:8].copy()
    speckled[:, 2, 2] = 20
    assert standardise(speckled).max() == 3
    assert np.isfinite(on_rendered.judges[kind](speckled)).all()


@pytest.fixture(scope="module")
def two_people() -> tuple[Images, Labels]:
    photos, person = rendered(2, 28, 24)
    return photos / 255.0, person


def test_two_people_suffice(two_people: tuple[Images, Labels]) -> None:
    images, person = two_people
    for judge in fit_judges(images, person, seed=0).values():
        scores = judge(images)
        assert scores.shape == (16, 2)
        np.testing.assert_allclose(np.exp(scores).sum(1), 1)
        assert (scores.argmax(1) == person).mean() >= 0.9


def test_a_seed_decides_the_judges(two_people: tuple[Images, Labels]) -> None:
    images, person = two_people
    one, again, other = (fit_judges(images, person, seed) for seed in (5, 5, 6))
    for kind in KINDS:
        scores = one[kind](images)
        np.testing.assert_array_equal(again[kind](images), scores)
        assert not np.array_equal(other[kind](images), scores)


def test_judges_are_read_as_they_were_written(tmp_path: Path, on_rendered: Fitted) -> None:
    one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    save_judges(on_rendered.judges, one)
    loaded = load_judges(one)
    save_judges(loaded, other)
    assert one.read_bytes() == other.read_bytes()
    for kind in KINDS:
        scores = on_rendered.judges[kind](on_rendered.photos)
        np.testing.assert_array_equal(loaded[kind](on_rendered.photos), scores)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: None,
        lambda path: path.write_bytes(b"no judges at all"),
        lambda path: save_file({"weight": torch.zeros(2)}, path),
        lambda path: save_file({"pixels.weight": torch.zeros(2, 4)}, path),
    ],
    ids=["missing", "text", "of another program", "of some judges"],
)
def test_what_is_no_judges_is_told(tmp_path: Path, write: Callable[[Path], object]) -> None:
    path = tmp_path / "judges.safetensors"
    write(path)
    with pytest.raises(MifaceError, match=rf"^{path}: cannot be read .*dvc repro train_judges$"):
        load_judges(path)


# Whom a judge sees.


@pytest.mark.parametrize(
    ("scores", "label", "rank"),
    [
        ([-1, -2, -3], 0, 1),
        ([-1, -2, -3], 1, 2),
        ([-1, -2, -3], 2, 3),
        ([-2, -2, -3], 0, 2),
        ([-2, -2, -2], 1, 3),
        ([math.nan] * 3, 1, 3),
    ],
    ids=["first", "second", "third", "a tie is lost", "all alike is last", "no number is last"],
)
def test_rank(scores: list[float], label: int, rank: int) -> None:
    assert rank_of(np.array([scores], float), np.array([label])).tolist() == [rank]


# Six people, so that the line-up without the person is the other five, and that with the person
# leaves out one of them. Answers: top1, top5, lineup, lineup_absent; threshold −1.
@pytest.mark.parametrize(
    ("scores", "label", "answers"),
    [
        ([-0.1, -4, -4.1, -4.2, -4.3, -4.4], 0, [True, True, True, True]),
        ([-1.0, -4, -4.1, -4.2, -4.3, -4.4], 0, [True, True, True, True]),
        ([-1.1, -4, -4.1, -4.2, -4.3, -4.4], 0, [True, True, False, True]),
        ([-0.1, -0.9, -4.1, -4.2, -4.3, -4.4], 0, [True, True, True, False]),
        ([-0.1, -0.2, -0.3, -4.2, -4.3, -4.4], 2, [False, True, False, False]),
        ([-1.1, -1.2, -1.3, -1.4, -1.5, -1.6], 4, [False, True, False, True]),
        ([-0.1, -1.2, -1.3, -1.4, -1.5, -1.6], 5, [False, False, False, False]),
    ],
    ids=["sure", "just sure", "unsure", "a double", "third", "fifth", "sixth"],
)
@pytest.mark.parametrize("seed", range(3))
def test_identify(scores: list[float], label: int, answers: list[bool], seed: int) -> None:
    found = identify(np.array([scores]), np.array([label]), threshold=-1, seed=seed)
    assert [found[q].item() for q in ("top1", "top5", "lineup", "lineup_absent")] == answers


@given(people=st.integers(2, 50), seed=st.integers(0, 2**32), data=st.data())
def test_line_ups(people: int, seed: int, data: st.DataObject) -> None:
    label = np.array(data.draw(st.lists(st.integers(0, people - 1), min_size=1, max_size=9)))
    for rows, expected in zip(line_ups(label, people, seed), (True, False), strict=True):
        assert rows.shape == (len(label), min(5, people - 1))
        assert [who in row for who, row in zip(label, rows, strict=True)] == [expected] * len(label)
        assert all(len(set(row)) == len(row) for row in rows)
        assert rows.min() >= 0
        assert rows.max() < people


def test_line_ups_are_drawn_anew_for_each_image_and_seed() -> None:
    _, absent = line_ups(np.zeros(20, np.int64), 40, 0)
    assert len({tuple(row) for row in absent}) == 20
    assert not np.array_equal(absent, line_ups(np.zeros(20, np.int64), 40, 1)[1])


def sure(people: int, others: float) -> tuple[Scores, Labels]:
    """Scores that give the own label −0.1 to −0.4 and everybody else at most `others`."""
    label = np.arange(4 * people) % people
    scores = others - np.random.default_rng(0).random((len(label), people))
    scores[np.arange(len(label)), label] = np.linspace(-0.1, -0.4, len(label))
    return scores, label


@pytest.mark.parametrize("people", [2, 6, 40])
def test_the_threshold_parts_what_can_be_parted(people: int) -> None:
    scores, label = sure(people, others=-2)
    threshold = fit_threshold(scores, label, seed=0)
    assert -2 < threshold <= -0.4
    found = identify(scores, label, threshold, seed=1)
    assert all(answer.all() for answer in found.values())


@pytest.mark.parametrize(
    ("scores", "label", "threshold"),
    [
        # At −4 all four are picked and one of four absent is: 1 + 3/4. At −2: 2/4 + 1.
        ([[-1, -9], [-2, -9], [-3, -9], [-4, -2.5]], [0, 0, 0, 0], -4),
        # Who is taken for another gains nothing by being picked: 2/4 + 1 at −1, 2/4 + 2/4 at −3.
        ([[-1, -9, -9], [-9, -1, -9], [-9, -3, -3], [-3, -9, -3]], [0, 1, 0, 1], -1),
    ],
    ids=["overlapping", "mistaken"],
)
def test_the_threshold_is_right_most_often(
    scores: list[list[float]], label: list[int], threshold: float
) -> None:
    assert fit_threshold(np.array(scores, float), np.array(label), seed=0) == threshold


def test_one_hopeless_photo_does_not_move_the_threshold() -> None:
    scores, label = sure(40, others=-2)
    scores[7, label[7]] = -9
    assert -2 < fit_threshold(scores, label, seed=0) <= -0.4


@pytest.mark.parametrize(
    ("people", "guessed"),
    [(40, [1 / 40, 1 / 8, 1 / 6, 1 / 6]), (5, [0.2, 1, 0.2, 0.2]), (2, [0.5, 1, 0.5, 0.5])],
)
def test_chance(people: int, guessed: list[float]) -> None:
    expected = dict(zip(("top1", "top5", "lineup", "lineup_absent"), guessed, strict=True))
    assert chance(people) == pytest.approx(expected)


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
