"""Drawn people: repeatable, distinct, and about as hard to tell apart as photographed ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from miface.faces.rendered import MIN_SIDE, render_faces

SMALL = {"height": 28, "width": 24}


@pytest.fixture(scope="module")
def faces() -> NDArray[np.uint8]:
    """Draw the set that the pipeline uses, [40, 10, 112, 92]."""
    return render_faces()


def softmax_accuracy(faces: NDArray[np.uint8], rng: np.random.Generator) -> float:
    """Train softmax regression on 7 photos of each person and score it on the other 3."""
    people, photos = faces.shape[:2]
    order = rng.permuted(np.arange(people * photos).reshape(people, photos), axis=1)
    x = (faces[:, :, ::2, ::2].reshape(people * photos, -1) / 255).astype(np.float32)
    who = np.repeat(np.arange(people), photos)
    train, held_out = order[:, :7].ravel(), order[:, 7:].ravel()
    weights = np.zeros((x.shape[1], people), np.float32)
    for _ in range(100):
        for batch in np.split(rng.permutation(train), len(train) // 10):
            scores = x[batch] @ weights
            chance = np.exp(scores - scores.max(axis=1, keepdims=True))
            chance /= chance.sum(axis=1, keepdims=True)
            chance[np.arange(10), who[batch]] -= 1
            # A quarter of the pixels: four times the step makes the walk of the full picture.
            weights -= 0.4 * x[batch].T @ chance / 10
    return float(np.mean((x[held_out] @ weights).argmax(axis=1) == who[held_out]))


def test_one_seed_draws_the_same_bytes_every_time() -> None:
    assert render_faces(3, 2, seed=7).tobytes() == render_faces(3, 2, seed=7).tobytes()


def test_another_seed_draws_other_people(faces: NDArray[np.uint8]) -> None:
    others = render_faces(8, 10, seed=1).mean(axis=1)
    same = faces[:8].mean(axis=1)
    distances = np.abs(others[:, None] - same[None]).mean(axis=(2, 3))
    assert distances.min() > 5  # the nearest two of 64 pairs, in grey levels


@settings(max_examples=8, deadline=None)
@given(people=st.integers(1, 4), photos=st.integers(1, 4), seed=st.integers(0, 2**40))
def test_a_photo_does_not_depend_on_how_many_are_drawn(people: int, photos: int, seed: int) -> None:
    few = render_faces(people, photos, seed=seed, **SMALL)
    many = render_faces(people + 1, photos + 2, seed=seed, **SMALL)
    np.testing.assert_array_equal(few, many[:people, :photos])


def test_photos_are_grey_bytes_that_use_the_tonal_range(faces: NDArray[np.uint8]) -> None:
    assert faces.shape == (40, 10, 112, 92)
    assert faces.dtype == np.uint8
    dark, light = np.percentile(faces, [5, 95])
    assert dark < 60
    assert light > 160
    assert np.mean((faces == 0) | (faces == 255)) < 0.01  # nothing blown out or drowned
    assert faces.reshape(400, -1).std(axis=1).min() > 12  # no photo is a blank


def test_photos_of_a_person_differ_but_less_than_people_do(faces: NDArray[np.uint8]) -> None:
    flat = faces.reshape(400, -1).astype(np.float64)
    square = (flat**2).sum(axis=1)
    gap = np.sqrt(np.maximum(square[:, None] + square[None] - 2 * flat @ flat.T, 0) / flat.shape[1])
    who = np.repeat(np.arange(40), 10)
    same = who[:, None] == who[None]
    own = gap[same & ~np.eye(400, dtype=bool)]
    assert own.min() > 6  # more than the noise of two takes of one picture (about 4)
    assert own.mean() < 0.7 * gap[~same].mean()


def test_people_are_about_as_hard_to_tell_apart_as_photographed_ones(
    faces: NDArray[np.uint8],
) -> None:
    accuracy = np.mean([softmax_accuracy(faces, np.random.default_rng(s)) for s in range(3)])
    assert 0.85 <= accuracy <= 0.99


def test_the_head_stands_in_the_middle_of_the_photo(faces: NDArray[np.uint8]) -> None:
    # Backdrops are plain and heads are not: photos vary across people where the faces are.
    detail = np.abs(np.diff(faces.astype(float), axis=2)).mean(axis=(0, 1))
    assert detail[35:90, 20:72].mean() > 1.5 * detail[:20, [*range(8), *range(84, 92)]].mean()


@settings(max_examples=8, deadline=None)
@given(height=st.integers(MIN_SIDE, 130), width=st.integers(MIN_SIDE, 130))
def test_any_size_from_the_smallest_up_is_drawn(height: int, width: int) -> None:
    photos = render_faces(1, 2, height=height, width=width)
    assert photos.shape == (1, 2, height, width)
    assert photos[0].std(axis=(1, 2)).min() > 12


def test_a_smaller_photo_is_the_same_picture(faces: NDArray[np.uint8]) -> None:
    small = render_faces(4, 3, height=56, width=46).astype(float)
    halved = faces[:4, :3].reshape(4, 3, 56, 2, 46, 2).mean(axis=(3, 5))
    apart = np.abs(small - halved).mean(axis=(2, 3))
    assert apart.max() < 6  # noise of 3 grey levels and a slightly different sharpness


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"people": 0}, "people and photos"),
        ({"photos": 0}, "people and photos"),
        ({"height": MIN_SIDE - 1}, "pixels a side"),
        ({"width": MIN_SIDE - 1}, "pixels a side"),
        ({"seed": -1}, "seed"),
    ],
)
def test_impossible_requests_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        render_faces(**wrong)
