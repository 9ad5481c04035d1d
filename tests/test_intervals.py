"""How sure counts are, and controls that tell when a measure is broken."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miface.evaluation import controls
from miface.evaluation.baselines import NOBODY
from miface.evaluation.intervals import above_chance, wilson

Z = 1.959963984540054  # of a standard normal number, exceeded in size one time in twenty


def by_hand(count: int, n: int) -> tuple[float, float]:
    """Wilson's interval by its formula: (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n)."""
    share = count / n
    middle = share + Z**2 / (2 * n)
    half = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return (middle - half) / (1 + Z**2 / n), (middle + half) / (1 + Z**2 / n)


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [
        (0, 40, 0.0, 0.0876),
        (7, 28, 0.1268, 0.4336),
        (20, 40, 0.3520, 0.6480),
        (40, 40, 0.9124, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson(count: int, n: int, low: float, high: float) -> None:
    assert wilson(count, n) == pytest.approx((low, high), abs=1e-4)


@given(n=st.integers(1, 500), data=st.data())
def test_wilson_is_its_formula_and_contains_the_share(n: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, n))
    low, high = wilson(count, n)
    assert (low, high) == pytest.approx(by_hand(count, n), abs=1e-9)
    assert 0 <= low <= count / n + 1e-12
    assert count / n - 1e-12 <= high <= 1
    assert high > low


@pytest.mark.parametrize(
    ("count", "n", "chance", "above"),
    [
        # Of 40 people, each named one time in 40: P(count ≥ 5) = 0.0032, P(count ≥ 6) = 0.00053.
        (1, 40, 1 / 40, False),
        (5, 40, 1 / 40, False),
        (6, 40, 1 / 40, True),
        (40, 40, 1 / 40, True),
        # Of six, P(count ≥ 5) = 0.00066, P(count ≥ 4) = 0.0087.
        (4, 6, 1 / 6, False),
        (5, 6, 1 / 6, True),
        (0, 6, 1 / 6, False),
        (0, 0, 0.5, False),
        (3, 3, 1.0, False),
    ],
)
def test_above_chance(count: int, n: int, chance: float, above: bool) -> None:
    tail = sum(
        math.comb(n, k) * chance**k * (1 - chance) ** (n - k) for k in range(count, n + 1)
    )  # fmt: skip
    assert (tail < 0.001) == above, "the example is wrong"
    assert above_chance(count, n, chance) == above


# Controls. Forty people, of whom at chance one is named.
PAIRS = [("mi_face", "softmax"), ("prior", "cnn")]


def measured(people: int = 40, named: float = 1 / 40) -> dict[str, Any]:
    return {
        "people": people,
        "swapped": 0.0,
        "identified": {"outside": {"top1": named}, "pixels": {"top1": 1.0}},
    }


def metrics() -> dict[str, Any]:
    """All controls at chance, and all that is no control far above it."""
    return {
        "chance": {"top1": 1 / 40},
        "baselines": {name: measured() for name in NOBODY} | {"own_mean": measured(named=1.0)},
        "permuted": {"softmax": {"mi_face": measured(), "prior": measured(people=28)}},
        "mi_face": {"softmax": measured(named=1.0)},
        "prior": {"cnn": measured(people=28, named=1.0)},
    }


def test_controls_at_chance_are_not_named() -> None:
    assert controls.above(metrics(), PAIRS) == []


@pytest.mark.parametrize("name", NOBODY)
def test_an_image_of_nobody_in_whom_people_are_seen_is_named(name: str) -> None:
    broken = metrics()
    broken["baselines"][name] = measured(named=6 / 40)
    assert controls.above(broken, PAIRS) == [name]


def test_permuted_labels_that_show_people_are_named() -> None:
    broken = metrics()
    broken["permuted"]["softmax"]["prior"] = measured(people=28, named=6 / 28)
    assert controls.above(broken, PAIRS) == ["prior on softmax with permuted labels"]


def test_images_that_show_the_next_person_are_named() -> None:
    broken = metrics()
    broken["prior"]["cnn"]["swapped"] = 6 / 28
    assert controls.above(broken, PAIRS) == ["prior on cnn under others' names"]
    broken["baselines"]["blank"] = measured(named=0.5)
    assert controls.above(broken, PAIRS) == ["blank", "prior on cnn under others' names"]
