"""The judges: real faces are recognised, and nothing else is."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from miface.errors import MifaceError
from miface.evaluation.judges import JUDGES, fit_judges, load_judges, save_judges
from miface.evaluation.judges.judge import Judge, standardise
from miface.faces.archive import read_faces
from miface.faces.rendered import render_faces
from miface.faces.split import split_photos
from miface.params.schema import load_params

Images = NDArray[np.float64]
Labels = NDArray[np.int64]
KINDS = tuple(JUDGES)


@dataclass(frozen=True)
class Fitted:
    """Judges, and real photos that they were not fitted on."""

    photos: Images
    person: Labels
    judges: dict[str, Judge]

    @property
    def people(self) -> int:
        return int(self.person.max()) + 1

    def means(self) -> Images:
        return np.stack([self.photos[self.person == who].mean(0) for who in range(self.people)])


def fit(images: NDArray[np.uint8], person: Labels, train_per_person: int | float) -> Fitted:
    rest, fitted_on = split_photos(person, train_per_person, seed=0)
    judges = fit_judges(images[fitted_on] / 255.0, person[fitted_on], seed=0)
    return Fitted(images[rest] / 255.0, person[rest], judges)


def rendered(people: int, height: int, width: int) -> tuple[NDArray[np.uint8], Labels]:
    """Eight photos each of some people who do not exist."""
    images = render_faces(people, 8, height=height, width=width).reshape(-1, height, width)
    return images, np.repeat(np.arange(people), 8)


@pytest.fixture(scope="module")
def on_rendered() -> Fitted:
    return fit(*rendered(8, 56, 46), train_per_person=5)


@pytest.fixture(scope="module")
def on_att(att_zip: Path, project: Path) -> Fitted:
    faces = read_faces(att_zip)
    params = load_params(project / "params.yaml")
    return fit(faces.images, faces.person, params.split.train_per_person)


@pytest.fixture(scope="module", params=["on_rendered", "on_att"])
def fitted(request: pytest.FixtureRequest) -> Fitted:
    found: Fitted = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_real_photos_are_recognised(fitted: Fitted, kind: str) -> None:
    named = fitted.judges[kind](fitted.photos).argmax(1)
    assert (named == fitted.person).mean() >= 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_recognised_at_chance(fitted: Fitted, kind: str) -> None:
    label = np.tile(np.arange(fitted.people), 200 // fitted.people)
    noise = np.random.default_rng(1).random((len(label), *fitted.photos.shape[1:]))
    guessed = 1 / fitted.people
    right = (fitted.judges[kind](noise).argmax(1) == label).mean()
    assert abs(right - guessed) <= 3 * math.sqrt(guessed * (1 - guessed) / len(label))


@pytest.mark.parametrize("kind", KINDS)
def test_another_person_s_face_is_that_other_person_s(fitted: Fitted, kind: str) -> None:
    own = np.arange(fitted.people)
    other = np.roll(own, 1)
    named = fitted.judges[kind](fitted.means()[other]).argmax(1)
    assert (named == own).mean() <= 0.05
    assert (named == other).mean() >= 0.75


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_log_probabilities_of_anything(fitted: Fitted, kind: str) -> None:
    face = fitted.photos[0]
    images = np.stack([face, -1e6 * face, np.zeros_like(face), np.full_like(face, 0.1)])
    scores = fitted.judges[kind](images)
    assert scores.shape == (4, fitted.people)
    np.testing.assert_allclose(np.exp(scores).sum(1), 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("gain", "offset"), [(0.01, 0), (300, -40), (1, 5)])
def test_brightness_and_contrast_change_nothing(
    fitted: Fitted, kind: str, gain: float, offset: float
) -> None:
    judge, some = fitted.judges[kind], fitted.photos[::20]
    np.testing.assert_allclose(judge(gain * some + offset), judge(some), 1e-3, 0.01)


def test_images_are_standardised_each_on_its_own() -> None:
    images = np.random.default_rng(0).random((2, 9, 7)) * [[[1]], [[100]]]
    x = standardise(images)
    np.testing.assert_allclose(x.mean((1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(x.std((1, 2)), 1, rtol=1e-5)
    np.testing.assert_array_equal(x[1], standardise(images[1:])[0])
    assert not standardise(np.zeros((1, 9, 7))).any()


@pytest.mark.parametrize("kind", KINDS)
def test_an_outlier_is_limited(kind: str, on_rendered: Fitted) -> None:
    speckled = on_rendered.photos[:8].copy()
    speckled[:, 2, 2] = 20
    assert standardise(speckled).max() == 3
    assert np.isfinite(on_rendered.judges[kind](speckled)).all()


@pytest.fixture(scope="module")
def two_people() -> tuple[Images, Labels]:
    photos, person = rendered(2, 28, 24)
    return photos / 255.0, person


def test_two_people_suffice(two_people: tuple[Images, Labels]) -> None:
    images, person = two_people
    for judge in fit_judges(images, person, seed=0).values():
        scores = judge(images)
        assert scores.shape == (16, 2)
        np.testing.assert_allclose(np.exp(scores).sum(1), 1)
        assert (scores.argmax(1) == person).mean() >= 0.9


def test_a_seed_decides_the_judges(two_people: tuple[Images, Labels]) -> None:
    images, person = two_people
    one, again, other = (fit_judges(images, person, seed) for seed in (5, 5, 6))
    for kind in KINDS:
        scores = one[kind](images)
        np.testing.assert_array_equal(again[kind](images), scores)
        assert not np.array_equal(other[kind](images), scores)


def test_judges_are_read_as_they_were_written(tmp_path: Path, on_rendered: Fitted) -> None:
    one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    save_judges(on_rendered.judges, one)
    loaded = load_judges(one)
    save_judges(loaded, other)
    assert one.read_bytes() == other.read_bytes()
    for kind in KINDS:
        scores = on_rendered.judges[kind](on_rendered.photos)
        np.testing.assert_array_equal(loaded[kind](on_rendered.photos), scores)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: None,
        lambda path: path.write_bytes(b"no judges at all"),
        lambda path: save_file({"weight": torch.zeros(2)}, path),
        lambda path: save_file({"pixels.weight": torch.zeros(2, 4)}, path),
    ],
    ids=["missing", "text", "of another program", "of some judges"],
)
def test_what_is_no_judges_is_told(tmp_path: Path, write: Callable[[Path], object]) -> None:
    path = tmp_path / "judges.safetensors"
    write(path)
    with pytest.raises(MifaceError, match=rf"^{path}: cannot be read .*dvc repro train_judges$"):
        load_judges(path)
