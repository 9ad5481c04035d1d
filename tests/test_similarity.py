"""Measures of likeness against hand-computed cases and least squares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from miface.evaluation.similarity import align, similarity, similarity_to_person

RNG = np.random.default_rng(0)
PHOTO = RNG.random((12, 10))


def test_mse_and_nrmse_of_a_hand_computed_case() -> None:
    photo = np.full((8, 8), 0.5)
    measured = similarity(photo + 0.1, photo)
    assert measured["mse"] == pytest.approx(0.01)
    assert measured["nrmse"] == pytest.approx(0.1 / 0.5)


def test_an_image_is_like_itself() -> None:
    measured = similarity(PHOTO, PHOTO)
    assert measured == pytest.approx({"mse": 0, "nrmse": 0, "ssim": 1})


@given(gain=st.floats(0.05, 20), offset=st.floats(-5, 5))
def test_alignment_undoes_brightness_and_contrast(gain: float, offset: float) -> None:
    np.testing.assert_allclose(align(gain * PHOTO + offset, PHOTO), PHOTO, atol=1e-8)


def test_alignment_is_the_least_squares_fit() -> None:
    x = RNG.random((12, 10))
    columns = np.column_stack([x.ravel(), np.ones(x.size)])
    fit, *_ = np.linalg.lstsq(columns, PHOTO.ravel(), rcond=None)
    np.testing.assert_allclose(align(x, PHOTO), fit[0] * x + fit[1])


def test_a_constant_image_aligns_to_the_mean() -> None:
    np.testing.assert_allclose(align(np.zeros((12, 10)), PHOTO), PHOTO.mean())


def person() -> NDArray[np.float64]:
    return np.stack([PHOTO, np.clip(PHOTO + 0.3, 0, 1), RNG.random((12, 10))])


def test_best_and_mean_over_the_photos_of_a_person() -> None:
    photos = person()
    measured = similarity_to_person(PHOTO, photos)
    each = [similarity(PHOTO, photo) for photo in photos]
    assert measured["mse"] == 0
    assert measured["ssim"] == pytest.approx(1)
    for name in ("mse", "nrmse", "ssim"):
        assert measured[f"{name}_mean"] == pytest.approx(np.mean([one[name] for one in each]))


def test_aligned_measures_ignore_brightness_and_contrast_and_raw_ones_do_not() -> None:
    dim = similarity_to_person(0.1 * PHOTO - 1, person())
    assert dim["aligned_ssim"] == pytest.approx(1)
    assert dim["ssim"] < 0.2
