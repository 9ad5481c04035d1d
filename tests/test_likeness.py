"""The same photo saved again is known; photos of other people are not taken for it."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from miface.errors import MifaceError
from miface.faces.archive import Faces, read_faces
from miface.faces.likeness import find_same, refuse_attacked
from miface.faces.rendered import render_faces

SIZE = (112, 92)


@pytest.fixture(scope="module")
def people() -> NDArray[np.uint8]:
    """Drawn people, [16, 3, 112, 92]."""
    return render_faces(16, 3)


def as_jpeg(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=40)
    return Image.open(file).convert("L")


AGAIN: dict[str, Callable[[Image.Image], Image.Image]] = {
    "the same": lambda image: image,
    "format": as_jpeg,
    "smaller": lambda image: image.resize((46, 56)),
    "larger": lambda image: image.resize((230, 280)),
    "cropped": lambda image: image.crop((4, 10, 82, 104)),
    "cropped at one side": lambda image: image.crop((0, 22, 92, 112)),
    "with a margin": lambda image: ImageOps.expand(image, 10, 120),
    "lighter": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.5),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.6),
    "mirrored": ImageOps.mirror,
    "mirrored and smaller": lambda image: as_jpeg(ImageOps.mirror(image.resize((46, 56)))),
    "mirrored and cropped": lambda image: ImageOps.mirror(image.crop((4, 10, 82, 104))),
    "all of it": lambda image: as_jpeg(
        ImageEnhance.Brightness(image.crop((5, 8, 88, 110)).resize((60, 72))).enhance(0.8)
    ),
}


def again(image: NDArray[np.uint8], how: str) -> NDArray[np.uint8]:
    """Save a photo in another way, and read it as any other."""
    saved = AGAIN[how](Image.fromarray(image))
    return np.asarray(ImageOps.fit(saved, SIZE[::-1], Image.Resampling.LANCZOS))


@pytest.mark.parametrize("how", AGAIN)
def test_a_photo_saved_again_is_found(people: NDArray[np.uint8], how: str) -> None:
    attacked = people[:8].reshape(-1, *SIZE)
    others = people[8:, 0].copy()
    others[3] = again(attacked[7], how)
    assert list(find_same(attacked, others)) == [(3, 7)]


def test_photos_of_other_people_are_not(people: NDArray[np.uint8]) -> None:
    attacked, others = people[:8].reshape(-1, *SIZE), people[8:].reshape(-1, *SIZE)
    assert not list(find_same(attacked, others))


def test_a_blank_photo_is_like_none(people: NDArray[np.uint8]) -> None:
    blank = np.full((1, *SIZE), 128, np.uint8)
    assert not list(find_same(people[:4, 0], blank))
    assert not list(find_same(blank, people[:4, 0]))


def test_real_people_are_told_apart_and_found_again(att_zip: Path) -> None:
    faces = read_faces(att_zip)
    attacked = faces.images[faces.person < 12]
    others = faces.images[(faces.person >= 12) & (faces.photo < 3)].copy()
    assert not list(find_same(attacked, others))
    for row, how in enumerate(AGAIN):
        others[row] = again(attacked[8 * row], how)
    found = dict(find_same(attacked, others))
    assert sorted(found) == list(range(len(AGAIN)))
    # The likest is the photo, or another of the person, of whom some are all but the same.
    assert all(found[row] // 10 == 8 * row // 10 for row in found)


def faces_of(people: NDArray[np.uint8]) -> Faces:
    count, photos = people.shape[:2]
    return Faces(
        people.reshape(-1, *SIZE), np.repeat(np.arange(count), photos),
        np.tile(np.arange(photos), count), np.array([f"p{who}" for who in range(count)]),
    )  # fmt: skip


def test_a_folder_with_photos_of_the_attacked_is_refused_by_name(
    people: NDArray[np.uint8],
) -> None:
    faces, nobody = faces_of(people[:8]), np.zeros(0, np.int64)
    others = people[8:, 0].copy()
    names = [f"q/{number}.jpg" for number in range(len(others))]
    refuse_attacked(faces, nobody, others, names, "my/friends")
    others[2] = again(people[1, 2], "all of it")
    with pytest.raises(MifaceError) as caught:
        refuse_attacked(faces, nobody, others, names, "my/friends")
    assert "my/friends: holds 1 photos of the people who are attacked" in str(caught.value)
    assert "q/2.jpg is p1's photo 3" in str(caught.value)


def test_a_photo_of_a_public_person_may_be_in_the_prior(people: NDArray[np.uint8]) -> None:
    faces = faces_of(people[:8])
    refuse_attacked(faces, np.array([1]), people[1], ["a", "b", "c"], "my/friends")


def test_two_people_who_share_a_photo_are_told_as_what_they_are(
    people: NDArray[np.uint8],
) -> None:
    doubled = people[:8].copy()
    doubled[5, 1] = again(people[1, 2], "cropped")
    faces = faces_of(doubled)
    public = np.array([1])
    with pytest.raises(MifaceError) as caught:
        refuse_attacked(
            faces, public, doubled[1], ["p1's photo 1", "p1's photo 2", "p1's photo 3"], "people"
        )
    assert "p1's photo 3 is p5's photo 2" in str(caught.value)
    assert "prior" not in str(caught.value)  # which the user never set
