"""The judge from outside: dlib's own answers, and who is seen in photos and in what is none."""

from dataclasses import dataclass
from pathlib import Path

import dlib
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from miface.evaluation.baselines import NOBODY, baseline_images
from miface.evaluation.outside import (
    SAME_PERSON,
    Embedded,
    Outside,
    cut_out,
    embed,
    lead,
    normalised,
)
from miface.evaluation.outside_network import SIDE, OutsideNetwork
from miface.evaluation.results import measure_images
from miface.evaluation.yardstick import Yardstick
from miface.faces.archive import read_faces
from miface.faces.pretrained import RECOGNISER, model_file
from miface.faces.rendered import render_faces
from miface.faces.split import split_photos

Images = NDArray[np.float64]
Labels = NDArray[np.int64]

DRAWN = render_faces(3, 2, height=112, width=92).reshape(-1, 112, 92) / 255.0


# The network.


def test_points_are_those_of_dlib() -> None:
    noise = np.random.default_rng(0).random((1, 112, 92))
    chips, _ = cut_out(np.concatenate([DRAWN, noise]))
    assert chips.shape == (7, SIDE, SIDE)
    reference = dlib.face_recognition_model_v1(str(model_file(RECOGNISER)))
    expected = [
        np.array(reference.compute_face_descriptor(np.repeat(chip[:, :, None], 3, 2)))
        for chip in chips
    ]
    network = OutsideNetwork(model_file(RECOGNISER))
    got = network(torch.from_numpy(chips).float()).numpy()
    np.testing.assert_allclose(got, expected, atol=1e-4)
    assert np.ptp(expected, axis=0).max() > 0.1, "all points are alike: it shows nothing"


def test_what_comes_twice_is_looked_at_once_and_answered_twice() -> None:
    order = np.array([2, 0, 2, 5, 1, 0, 2])
    singly = np.concatenate([embed(image[None]).points for image in DRAWN])
    np.testing.assert_allclose(embed(DRAWN[order]).points, singly[order], atol=1e-5)
    many = np.tile(DRAWN, (9, 1, 1))
    points = embed(many + np.repeat(np.arange(9), 6)[:, None, None] * 1e-9).points
    np.testing.assert_allclose(points, np.tile(singly, (9, 1)), atol=1e-5)


def test_images_that_show_nothing_have_points_too() -> None:
    x = np.stack([np.full((56, 46), grey) for grey in (0.0, 0.1, 0.5, -7.3, 1e6)])
    x[1, ::2] = np.nextafter(0.1, 1)  # a rounding error is no contrast
    ordinary = normalised(x)
    np.testing.assert_allclose(ordinary, 115 / 255)
    embedded = embed(ordinary)
    assert np.isfinite(embedded.points).all()
    assert not embedded.found.any()
    np.testing.assert_allclose(embedded.points, embedded.points[:1].repeat(5, 0), atol=1e-5)


def test_images_are_brought_to_an_ordinary_photo_s_grey_values() -> None:
    x = np.random.default_rng(0).normal(3, 0.2, (2, 60, 50))
    x[1] = 40 * x[1] - 9
    ordinary = normalised(x)
    np.testing.assert_allclose(ordinary.mean((1, 2)), 115 / 255, atol=0.01)
    np.testing.assert_allclose(ordinary.std((1, 2)), 44 / 255, rtol=0.02)
    np.testing.assert_allclose(normalised(0.01 * x - 5), ordinary, atol=1e-9)
    spike = np.zeros((1, 60, 50))
    spike[0, 3, 3] = 1
    assert normalised(spike).max() == 1


# Answers. Two people on a line, in the first of 128 dimensions: photos at 0 and 1, and at 4.
PERSON = np.array([0, 0, 1])


def on_a_line(*places: float) -> NDArray[np.float32]:
    points = np.zeros((len(places), 128), np.float32)
    points[:, 0] = places
    return points


LINE = Outside(on_a_line(0, 1, 4), PERSON)


def test_distances() -> None:
    mean, least = LINE.distances(on_a_line(0.5, 2, 4.5))
    np.testing.assert_allclose(mean, [[0.5, 3.5], [1.5, 2.0], [4.0, 0.5]])
    np.testing.assert_allclose(least, [[0.5, 3.5], [1.0, 2.0], [3.5, 0.5]])
    np.testing.assert_allclose(LINE(on_a_line(0.5, 2, 4.5)), -mean)


def test_verify() -> None:
    # One photo suffices, here the second; at 0.6 a face is no longer the same person's.
    verified, false_match = LINE.verify(on_a_line(1.59, 1.61, 3.5, 3.5), np.array([0, 0, 1, 0]))
    assert verified.tolist() == [True, False, True, False]
    assert false_match.tolist() == [0, 0, 0, 1]
    three = Outside(on_a_line(0, 0.5, 9), np.arange(3))
    verified, false_match = three.verify(on_a_line(0.2, 0.2, 9), np.array([0, 2, 2]))
    assert verified.tolist() == [True, False, True]
    assert false_match.tolist() == [0.5, 1, 0]


def test_lead() -> None:
    scores = np.array([[-1.0, -3, -2], [-5, -5, -7], [-3, -2, 0]])
    np.testing.assert_allclose(lead(scores), [[1, -2, -1], [0, 0, -2], [-3, -2, 2]])


# The AT&T faces.
PEOPLE, TRAIN = 10, 7


@dataclass(frozen=True)
class Photos:
    """Photos of some people, both sides of the split, and what the judge makes of them."""

    images: Images
    person: Labels
    sides: tuple[Labels, Labels]
    embedded: Embedded

    def outside(self, people: int) -> Outside:
        rows = self.rows(0, people)
        return Outside(self.embedded.points[rows], self.person[rows])

    def rows(self, side: int, people: int) -> Labels:
        return self.sides[side][self.person[self.sides[side]] < people]

    def baselines(self, people: int) -> dict[str, Images]:
        train, test = self.rows(0, people), self.rows(1, people)
        return baseline_images(
            self.images[train], self.person[train], self.images[test], self.person[test], seed=0
        )

    def yardstick(self, people: int) -> Yardstick:
        train, test = self.rows(0, people), self.rows(1, people)
        baselines = self.baselines(people)
        return Yardstick(
            photos=self.images[train],
            person=self.person[train],
            judges={},
            outside=self.outside(people),
            held_out=Embedded(self.embedded.points[test], self.embedded.found[test]),
            held_out_person=self.person[test],
            nobody=np.concatenate([baselines[name] for name in NOBODY]),
            seed=0,
        )


@pytest.fixture(scope="module")
def att(att_zip: Path) -> Photos:
    faces = read_faces(att_zip)
    some = faces.person < PEOPLE
    images, person = faces.images[some] / 255.0, faces.person[some]
    return Photos(images, person, split_photos(person, TRAIN, seed=0), embed(images))


def test_people_are_seen_in_photos_that_nobody_was_shown(att: Photos) -> None:
    held_out = att.rows(1, PEOPLE)
    outside = att.outside(PEOPLE)
    named = outside(att.embedded.points[held_out]).argmax(1)
    assert (named == att.person[held_out]).mean() >= 0.95
    verified, false_match = outside.verify(att.embedded.points[held_out], att.person[held_out])
    assert verified.mean() >= 0.95
    assert false_match.mean() <= 0.1
    assert att.embedded.found.mean() >= 0.9


@pytest.mark.parametrize("name", NOBODY)
def test_nobody_is_seen_in_images_of_nobody(att: Photos, name: str) -> None:
    # A blank image is nearest to one of ten; noise may be taken for anybody, but not for its own.
    images = normalised(att.baselines(PEOPLE)[name])
    named = att.outside(PEOPLE)(embed(images).points).argmax(1)
    assert (named == np.arange(PEOPLE)).sum() <= 3


@pytest.mark.parametrize("people", [2, 3, 6])
def test_of_few_people_none_is_recovered_from_an_image_of_nobody(att: Photos, people: int) -> None:
    yardstick, baselines = att.yardstick(people), att.baselines(people)
    first, recovered = [], []
    for name in NOBODY:
        table = measure_images(baselines[name], np.arange(people), yardstick)
        first += table["outside_top1"].tolist()
        recovered += table["recovered"].tolist()
    assert any(first), "nobody comes first in any of them: it shows nothing"
    assert not any(recovered)
    photos = measure_images(baselines["held_out_photo"], np.arange(people), yardstick, photos=True)
    assert photos["recovered"].all()


def test_most_people_are_recovered_from_the_mean_of_their_photos(att: Photos) -> None:
    own = measure_images(att.baselines(6)["own_mean"], np.arange(6), att.yardstick(6))
    assert own["recovered"].mean() > 0.5
    swapped = measure_images(att.baselines(6)["another_person"], np.arange(6), att.yardstick(6))
    assert swapped["recovered"].sum() <= 1


@pytest.mark.parametrize("size", [(28, 23), (56, 46), (224, 184)], ids=str)
def test_photos_of_another_size_show_the_same_people(att: Photos, size: tuple[int, int]) -> None:
    import cv2

    rows = att.rows(1, PEOPLE)[::3]
    smaller = size[0] < att.images.shape[1]
    way = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    resized = np.stack(
        [cv2.resize(photo, size[::-1], interpolation=way) for photo in att.images[rows]]
    )
    embedded = embed(resized)
    points = embedded.points
    assert embedded.found.mean() >= 0.8
    assert (att.outside(PEOPLE)(points).argmax(1) == att.person[rows]).mean() >= 0.9
    apart = np.linalg.norm(points - att.embedded.points[rows], axis=1)
    assert (apart < SAME_PERSON).all()
