"""The split: disjoint, complete, the same share of everybody, and the seed's alone."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from miface.errors import MifaceError
from miface.faces.archive import Faces
from miface.faces.split import check_labels, permute, pixels, split_photos

People = NDArray[np.int64]

# How many photos each of 2 to 8 people has, in any order of rows.
COUNTS = st.lists(st.integers(2, 12), min_size=2, max_size=8)
SEEDS = st.integers(0, 2**63 - 1)


def shuffled(counts: list[int], seed: int) -> People:
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))


@given(counts=COUNTS, seed=SEEDS, data=st.data())
def test_sides_are_disjoint_and_together_everything(
    counts: list[int], seed: int, data: st.DataObject
) -> None:
    person = shuffled(counts, seed)
    count = data.draw(st.integers(1, min(counts) - 1))
    train, test = split_photos(person, count, seed)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(len(person)))
    assert np.all(np.diff(train) > 0)
    assert np.all(np.diff(test) > 0)
    assert np.bincount(person[train]).tolist() == [count] * len(counts)


@given(counts=COUNTS, seed=SEEDS, ratio=st.floats(0.01, 0.6))
def test_a_ratio_is_of_each_person_s_photos_and_at_least_one(
    counts: list[int], seed: int, ratio: float
) -> None:
    person = shuffled(counts, seed)
    train, _ = split_photos(person, ratio, seed)
    expected = [max(1, round(ratio * count)) for count in counts]
    assert np.bincount(person[train]).tolist() == expected


def test_a_count_and_its_ratio_agree() -> None:
    person = np.repeat(np.arange(40), 10)
    for by_count, by_ratio in zip(
        split_photos(person, 7, 0), split_photos(person, 0.7, 0), strict=True
    ):
        np.testing.assert_array_equal(by_count, by_ratio)


@given(seed=SEEDS)
def test_a_seed_decides_the_split(seed: int) -> None:
    person = np.repeat(np.arange(10), 10)
    train, _ = split_photos(person, 5, seed)
    np.testing.assert_array_equal(train, split_photos(person, 5, seed)[0])
    assert not np.array_equal(train, split_photos(person, 5, seed + 1)[0])


def test_people_are_split_each_in_their_own_way() -> None:
    train, _ = split_photos(np.repeat(np.arange(40), 10), 7, 0)
    chosen = {tuple(rows % 10) for rows in train.reshape(40, 7)}
    assert len(chosen) > 20


@pytest.mark.parametrize("train_per_person", [3, 4, 0.9])
def test_a_person_with_nothing_left_to_hold_out_is_told(train_per_person: float) -> None:
    person = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    told = f"split.train_per_person: found {train_per_person}, but person number 2 has 3 photos"
    with pytest.raises(MifaceError, match=re.escape(told)):
        split_photos(person, train_per_person, 0)


def test_a_person_with_too_few_is_named() -> None:
    person = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    told = "but Grace has 3 photos; expected fewer.*ratio.*data[.]least_photos=5"
    with pytest.raises(MifaceError, match=told):
        split_photos(person, 4, 0, np.array(["Ada", "Grace"]))


NAMES = np.array(["s1", "s2", "s10"])


@pytest.mark.parametrize(
    ("labels", "people"),
    [("all", [0, 1, 2]), (["s2"], [1]), (["s10", "s1"], [0, 2]), (["s1", "s1"], [0])],
)
def test_labels_are_found_in_the_order_of_names(labels: str | list[str], people: list[int]) -> None:
    assert check_labels(labels, NAMES).tolist() == people


@pytest.mark.parametrize(
    ("labels", "found"),
    [(["s3"], "s3"), (["s1", "S2", "s99"], "S2, s99"), ([], "an empty list")],
)
def test_a_label_that_does_not_exist_is_told(labels: list[str], found: str) -> None:
    told = f"attack.labels: found {found}, expected 'all' or names among s1 … s10 (3 people)"
    with pytest.raises(MifaceError, match=re.escape(told)):
        check_labels(labels, NAMES)


def test_pixels_are_rows_from_black_0_to_white_1() -> None:
    images = np.array([[[0, 51], [102, 255]]], np.uint8)
    faces = Faces(images, np.array([0]), np.array([0]), np.array(["s1"]))
    x = pixels(faces)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, [[0, 0.2, 0.4, 1]], rtol=1e-6)


# Other people's names, for the control.


@given(counts=st.lists(st.integers(1, 12), min_size=1, max_size=8), seed=SEEDS)
def test_photos_bear_other_people_s_names(counts: list[int], seed: int) -> None:
    person = shuffled(counts, seed)
    before = person.copy()
    other = permute(person, seed)
    np.testing.assert_array_equal(person, before)
    assert sorted(other) == sorted(person)  # as many photos of everybody
    # Of somebody who has more than half of the photos, some must keep their own.
    must = max(0, 2 * max(counts) - len(person))
    assert (other == person).sum() == must
    np.testing.assert_array_equal(other, permute(person, seed))


def test_names_are_mixed_and_not_swapped() -> None:
    person = np.repeat(np.arange(40), 7)
    other = permute(person, seed=0)
    assert not np.array_equal(other, permute(person, seed=1))
    given_to = [len(set(other[person == who])) for who in range(40)]
    assert np.mean(given_to) > 5  # seven photos of one person bear the names of about six others
