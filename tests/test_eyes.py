"""Faces found and lined up: the eyes come to one place, however the photo was taken."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from archives import files_of, write_folder
from numpy.typing import NDArray

from miface.errors import MifaceError
from miface.faces.archive import Reading, read_faces
from miface.faces.eyes import EYES_APART, EYES_DOWN, NoFaceError, find_eyes, line_up
from miface.faces.notes import Notes
from miface.faces.rendered import render_faces

SIZE = (112, 92)
EYES = np.array(
    [[45.5 - EYES_APART * 46, EYES_DOWN * 112], [45.5 + EYES_APART * 46, EYES_DOWN * 112]]
)


@pytest.fixture(scope="module")
def portraits() -> NDArray[np.uint8]:
    """Drawn people, [3, 2, 240, 200]."""
    return render_faces(3, 2, height=240, width=200)


def taken(
    portrait: NDArray[np.uint8], size: tuple[int, int], angle: float, scale: float
) -> NDArray[np.uint8]:
    """Put a portrait into a larger photo, turned."""
    height, width = size
    high, wide = portrait.shape
    warp = cv2.getRotationMatrix2D((wide / 2, high / 2), angle, scale)
    warp[:, 2] += [width * 0.6 - wide / 2, height * 0.45 - high / 2]
    return np.asarray(cv2.warpAffine(portrait, warp, (width, height), borderValue=90))


@pytest.mark.parametrize(
    ("size", "angle", "scale"),
    [((240, 200), 0, 1), ((500, 700), 12, 1.2), ((500, 700), -15, 0.8), ((1500, 1200), 5, 3)],
)
def test_the_eyes_come_to_the_same_place(
    portraits: NDArray[np.uint8], size: tuple[int, int], angle: float, scale: float
) -> None:
    for portrait in portraits[:, 0]:
        photo, _ = line_up(taken(portrait, size, angle, scale), SIZE)
        assert photo.shape == SIZE
        # Found again in a larger copy: within the few pixels that the detector is off by.
        found, _ = find_eyes(np.asarray(cv2.resize(photo, None, fx=4, fy=4)))
        np.testing.assert_allclose(found / 4, EYES, atol=4.5)


def test_photos_of_a_person_are_more_alike_when_lined_up(portraits: NDArray[np.uint8]) -> None:
    portrait = portraits[0, 0]
    photos = [taken(portrait, (300, 246), angle, scale) for angle, scale in ((0, 1), (10, 1.3))]
    lined_up = [line_up(photo, SIZE)[0].astype(float) for photo in photos]
    blunt = [cv2.resize(photo, SIZE[::-1]).astype(float) for photo in photos]
    apart, before = (np.abs(a - b)[20:100, 16:76].mean() for a, b in (lined_up, blunt))
    assert apart < before / 3


def test_of_several_faces_the_largest_is_taken_and_told(portraits: NDArray[np.uint8]) -> None:
    scene = np.full((400, 600), 90, np.uint8)
    scene[80:320, 20:220] = portraits[0, 0]
    scene[150:330, 400:550] = cv2.resize(portraits[1, 0], (150, 180))
    photo, remarks = line_up(scene, SIZE)
    assert "2 faces found: the largest is taken" in remarks
    alone, _ = line_up(np.ascontiguousarray(scene[:, :300]), SIZE)
    assert np.abs(photo.astype(float) - alone).mean() < 8


def test_a_face_at_the_edge_is_told(portraits: NDArray[np.uint8]) -> None:
    _, remarks = line_up(np.ascontiguousarray(portraits[0, 0][60:]), SIZE)
    assert remarks == ["the face is at the edge of its photo: the edge is repeated"]


def test_no_face_is_no_face() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 200), dtype=np.uint8)
    for picture in (noise, np.zeros((50, 4000), np.uint8)):
        with pytest.raises(NoFaceError):
            find_eyes(picture)


def test_a_folder_of_holiday_photos_becomes_a_set(
    tmp_path: Path, portraits: NDArray[np.uint8]
) -> None:
    sizes = iter([(500, 700), (700, 500), (400, 400), (600, 800), (500, 600), (450, 500)])
    files = {
        f"p{who}/{number}": taken(portraits[who, number], next(sizes), 5 * number, 1)
        for who in range(3)
        for number in range(2)
    }
    landscape = np.repeat(np.linspace(60, 200, 300).astype(np.uint8)[:, None], 400, axis=1)
    path = write_folder(files_of(files | {"p0/beach": landscape}, "jpg"), tmp_path / "holiday")
    notes = Notes()
    faces = read_faces(path, size=SIZE, reading=Reading(align="eyes"), notes=notes)
    assert faces.images.shape == (6, *SIZE)
    assert faces.before.shape == (3, *SIZE)  # the first photo of each, cropped about its centre
    plain = read_faces(path, size=SIZE).images[[0, 3, 5]]
    np.testing.assert_array_equal(faces.before, plain)
    assert [(note.name, note.reason) for note in notes.left_out] == [
        ("p0/beach.jpg", "no face found")
    ]
    assert notes.converted["turned, scaled and cropped by the eyes to 112 × 92"] == 6


def test_a_person_without_a_face_is_a_mistake(tmp_path: Path) -> None:
    blank = {
        f"p{who}/{k}": np.full((60, 60), 40 * who + k, np.uint8) for who in (1, 2) for k in (1, 2)
    }
    path = write_folder(files_of(blank), tmp_path / "faces")
    with pytest.raises(MifaceError, match=r"no images found that can be used; .*no face found"):
        read_faces(path, size=SIZE, reading=Reading(align="eyes"))


def test_real_faces_are_found_and_put_in_place(att_zip: Path) -> None:
    notes = Notes()
    reading = Reading(align="eyes")
    faces = read_faces(att_zip, size=SIZE, reading=reading, notes=notes)
    assert len(faces.images) >= 390
    assert len(faces.images) + len(notes.left_out) == notes.files == 401
