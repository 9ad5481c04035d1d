"""Whom a judge is taken to see: first, among five, in a line-up, or none of them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from miface.evaluation.identification import chance, fit_threshold, identify, line_ups, rank_of
from miface.evaluation.judges.judge import Scores

Images = NDArray[np.float64]
Labels = NDArray[np.int64]


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
