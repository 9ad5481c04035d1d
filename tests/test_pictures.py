"""Pictures and curves of the report: what is drawn is what was given."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from miface.errors import MifaceError
from miface.faces.archive import Faces
from miface.report.curves import cost_table, thinned
from miface.report.pictures import (
    columns_of,
    gallery,
    labelled_grid,
    sheet,
    stretch,
    typical_photos,
)
from miface.report.sheets import picture_rules, position

RNG = np.random.default_rng(0)
FACES = Faces(
    RNG.integers(0, 256, (15, 8, 6), np.uint8),
    np.repeat(np.arange(5), 3),
    np.tile(np.arange(3), 5),
    np.array(["s1", "s2", "s3", "s4", "s5"]),
)
TRAIN = np.flatnonzero(FACES.photo != 1)  # photo 1 is held out


@given(gain=st.floats(0.01, 100), offset=st.floats(-10, 10))
def test_stretching_undoes_brightness_and_contrast(gain: float, offset: float) -> None:
    x = np.random.default_rng(0).normal(size=(9, 7))
    stretched = stretch(x)
    assert (stretched.min(), stretched.max()) == (0, 1)
    np.testing.assert_allclose(stretch(gain * x + offset), stretched, atol=1e-9)


def test_a_blank_image_is_stretched_to_a_blank_image() -> None:
    np.testing.assert_array_equal(stretch(np.full((9, 7), 0.3)), 0)


def test_images_are_stretched_each_on_its_own() -> None:
    x = RNG.normal(size=(3, 9, 7)) * np.array([1, 10, 100])[:, None, None]
    np.testing.assert_array_equal(stretch(x), np.stack([stretch(one) for one in x]))


def test_a_typical_photo_is_the_person_s_own_and_trained() -> None:
    for who, photo in enumerate(typical_photos(FACES, TRAIN)):
        own = FACES.images[TRAIN[FACES.person[TRAIN] == who]]
        assert any(np.array_equal(photo, candidate) for candidate in own)


def test_a_typical_photo_is_the_one_most_like_the_others() -> None:
    pattern = RNG.normal(size=(8, 6))
    photos = [128 + 20 * pattern, 128 + 40 * pattern, 128 + 40 * RNG.normal(size=(8, 6))]
    odd_last = np.array(photos).clip(0, 255).astype(np.uint8)
    faces = Faces(odd_last, np.zeros(3, np.int64), np.arange(3), np.array(["s1"]))
    chosen = typical_photos(faces, np.arange(3))[0]
    assert not np.array_equal(chosen, odd_last[2])


@pytest.mark.parametrize("count", [1, 2, 5, 16, 17])
def test_a_sheet_holds_every_image_at_its_place(count: int) -> None:
    images = RNG.integers(0, 256, (count, 4, 3), np.uint8)
    laid, columns = sheet(images), columns_of(count)
    for index, image in enumerate(images):
        top, left = 4 * (index // columns), 3 * (index % columns)
        np.testing.assert_array_equal(laid[top : top + 4, left : left + 3], image)


@pytest.mark.parametrize(("index", "place"), [(0, "0% 0%"), (2, "100% 0%"), (4, "50% 50%")])
def test_a_place_in_a_sheet_is_told_as_a_share_of_it(index: int, place: str) -> None:
    assert position(index, 9) == place
    assert position(0, 1) == "0% 0%"


def test_pictures_are_as_coarse_as_their_room_needs() -> None:
    photos = {"photos": RNG.integers(0, 256, (9, 56, 46), np.uint8)}
    fine = picture_rules(photos, [], 1_000_000)
    coarse = picture_rules(photos, [], len(fine) // 2)
    assert len(coarse) <= len(fine) // 2
    assert coarse.startswith(".s-photos{background-image:url(data:image/webp;base64,")
    with pytest.raises(MifaceError, match=r"pictures of 9 people do not fit into a page"):
        picture_rules(photos, [], 100)


def dark(picture: Image.Image, box: tuple[int, int, int, int]) -> bool:
    return bool((np.asarray(picture.crop(box)) < 128).any())


@pytest.mark.parametrize("count", [1, 8, 9])
def test_the_gallery_shows_photo_and_recovered_under_each_name(count: int) -> None:
    photos, recovered = np.full((count, 20, 15), 0.2), np.full((count, 20, 15), 0.6)
    picture = gallery(photos, recovered, ["Zoë"] * count)
    for index in range(count):
        left, top = (index % 8) * 36, (index // 8) * 38
        pair = np.asarray(picture)[top + 16 : top + 36, left : left + 30]
        np.testing.assert_array_equal(pair[:, :15], 51)
        np.testing.assert_array_equal(pair[:, 15:], 153)
        assert dark(picture, (left, top, left + 30, top + 14)), "no name above it"


def test_a_grid_has_its_titles_and_captions() -> None:
    rows = [np.ones((2, 30, 40)), np.ones((2, 30, 40))]
    picture = labelled_grid(rows, ["photo", "once"], ["s1", "<b>"])
    left = picture.width - 80
    assert dark(picture, (0, 16, left, 46))
    assert dark(picture, (0, 46, left, 76))
    assert dark(picture, (left + 40, 0, picture.width, 15))


# Curves.
@pytest.mark.parametrize("length", [1, 2, 3, 41, 5001])
def test_a_thinned_curve_keeps_its_ends(length: int) -> None:
    at = thinned(length, 40)
    assert at[0] == 0
    assert at[-1] == length - 1
    assert len(at) <= 42
    assert (np.diff(at) > 0).all()


def test_the_cost_of_an_attack_never_rises_and_outlasts_those_that_stopped() -> None:
    history = np.array([[1.0, 0.5, 0.8, 0.4], [1.0, 0.2, np.nan, np.nan]], np.float32)
    table = cost_table({("refined", "cnn"): {"cost_history": history}})
    assert table["attack"].unique().tolist() == ["refined cnn"]
    lowest = dict(zip(table["iteration"], table["cost"], strict=True))
    assert lowest[1] == pytest.approx((0.5 + 0.2) / 2)
    assert lowest[2] == pytest.approx((0.5 + 0.2) / 2)
    assert lowest[3] == pytest.approx((0.4 + 0.2) / 2)
