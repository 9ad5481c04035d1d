"""Measures of likeness against scikit-image, hand-computed cases and least squares."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import mean_squared_error, normalized_root_mse, structural_similarity

from miface.evaluation.similarity import PersonPhotos, alignment

RNG = np.random.default_rng(0)
PHOTO = RNG.random((12, 10))


PERSON = np.stack([PHOTO, np.clip(PHOTO + 0.3, 0, 1), RNG.random((12, 10))])


@given(
    height=st.integers(7, 30), width=st.integers(7, 30), count=st.integers(1, 4),
    seed=st.integers(0, 99), aligned=st.booleans(),
    gain=st.sampled_from([-3.0, -1e-3, 0.0, 1e-3, 1.0, 50.0]), offset=st.floats(-3, 3),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_the_measures_are_those_of_scikit_image(
    height: int, width: int, count: int, seed: int, aligned: bool, gain: float, offset: float
) -> None:
    rng = np.random.default_rng(seed)
    photos = rng.random((count, height, width))
    x = gain * (photos[0] + 0.3 * rng.normal(size=(height, width))) + offset
    measured = PersonPhotos(photos).each(x)[aligned]
    for index, photo in enumerate(photos):
        image = x
        if aligned:
            columns = np.column_stack([x.ravel() - x.mean(), np.ones(x.size)])
            fit, *_ = np.linalg.lstsq(columns, photo.ravel(), rcond=1e-12)
            image = (columns @ fit).reshape(x.shape)
        expected = {
            "mse": mean_squared_error(photo, image),
            "nrmse": normalized_root_mse(photo, image),
            "ssim": structural_similarity(photo, image, data_range=1.0),
        }
        for measure, value in expected.items():
            assert measured[measure][index] == pytest.approx(value, rel=1e-7, abs=1e-9), measure


def test_mse_and_nrmse_of_a_hand_computed_case() -> None:
    photo = np.full((8, 8), 0.5)
    measured = PersonPhotos(photo[None]).compare(photo + 0.1)
    assert measured["mse"] == pytest.approx(0.01)
    assert measured["nrmse"] == pytest.approx(0.1 / 0.5)
    assert measured["aligned_mse"] == pytest.approx(0)


def test_alignment_is_the_least_squares_fit() -> None:
    x = RNG.random((12, 10))
    columns = np.column_stack([x.ravel(), np.ones(x.size)])
    gains, offsets = alignment(x, PERSON)
    for gain, offset, photo in zip(gains, offsets, PERSON, strict=True):
        fit, *_ = np.linalg.lstsq(columns, photo.ravel(), rcond=None)
        np.testing.assert_allclose([gain, offset], fit)


@pytest.mark.parametrize("grey", [0.0, 0.7])
def test_a_constant_image_aligns_to_the_mean(grey: float) -> None:
    gain, offset = alignment(np.full((12, 10), grey), PHOTO[None])
    np.testing.assert_allclose(gain * grey + offset, PHOTO.mean())


def test_best_and_mean_over_the_photos_of_a_person() -> None:
    photos = PersonPhotos(PERSON)
    measured = photos.compare(PHOTO)
    each = photos.each(PHOTO)[0]
    assert measured["mse"] == 0
    assert measured["nrmse"] == 0
    assert measured["ssim"] == pytest.approx(1)
    for name in ("mse", "nrmse", "ssim"):
        assert measured[f"{name}_mean"] == pytest.approx(each[name].mean())
        assert measured[f"{name}_mean"] != pytest.approx(measured[name])


@given(gain=st.floats(0.05, 20), offset=st.floats(-5, 5))
def test_aligned_measures_ignore_brightness_and_contrast(gain: float, offset: float) -> None:
    measured = PersonPhotos(PERSON).compare(gain * PHOTO + offset)
    assert measured["aligned_ssim"] == pytest.approx(1)
    assert measured["aligned_mse"] == pytest.approx(0, abs=1e-12)


def test_raw_measures_do_not_ignore_brightness_and_contrast() -> None:
    assert PersonPhotos(PERSON).compare(0.1 * PHOTO - 1)["ssim"] < 0.2
