"""What attackers know: nothing, or photos of other people, and never one of those attacked."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from miface.attack.knowledge import (
    THREAT_MODELS,
    Knowledge,
    load_knowledge,
    nothing,
    public_photos,
    save_knowledge,
)
from miface.errors import MifaceError
from miface.faces.archive import read_faces
from miface.faces.rendered import render_faces
from miface.faces.split import choose_public
from miface.files import write_arrays


@pytest.mark.parametrize("knows", ["model", "code"])
def test_nothing_is_nothing(knows: str) -> None:
    knowledge = nothing(4, 3, knows)
    assert knowledge.threat_model == THREAT_MODELS[knows]
    assert knowledge.photos.shape == (0, 4, 3)
    assert knowledge.components.shape == (0, 12)
    assert knowledge.public.size == 0
    assert not knowledge.mean.any()


def some_photos(count: int = 5) -> NDArray[np.float32]:
    return np.random.default_rng(0).random((count, 8, 6), np.float32)


@pytest.mark.parametrize(("count", "copies", "kept"), [(3, 2, 3), (40, 2, 15), (40, 0, 5)])
def test_a_prior_keeps_no_more_components_than_asked_for_or_than_there_are(
    count: int, copies: int, kept: int
) -> None:
    knowledge = public_photos(some_photos(), np.array([1, 4]), count, copies, seed=0)
    assert knowledge.threat_model == THREAT_MODELS["photos"]
    assert knowledge.components.shape == (kept, 48)
    assert knowledge.mean.shape == (48,)
    np.testing.assert_array_equal(knowledge.photos, some_photos())
    assert knowledge.public.tolist() == [1, 4]


def test_the_mean_of_a_prior_without_copies_is_that_of_the_photos() -> None:
    knowledge = public_photos(some_photos(), np.zeros(0, np.int64), 3, 0, seed=0)
    np.testing.assert_allclose(knowledge.mean, some_photos().mean(0).ravel(), rtol=1e-5)


@pytest.mark.parametrize(
    "knowledge",
    [nothing(4, 3), public_photos(some_photos(), np.array([0, 2]), 3, 2, seed=0)],
    ids=["nothing", "public photos"],
)
def test_knowledge_is_read_as_it_was_written(tmp_path: Path, knowledge: Knowledge) -> None:
    one, other = tmp_path / "one.npz", tmp_path / "other.npz"
    save_knowledge(knowledge, one)
    loaded = load_knowledge(one)
    for name, value in vars(knowledge).items():
        np.testing.assert_array_equal(getattr(loaded, name), value, strict=name != "threat_model")
    save_knowledge(loaded, other)
    assert one.read_bytes() == other.read_bytes()


def test_knowledge_that_was_not_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(MifaceError, match=r"prior\.npz: no such file; .*dvc repro knowledge"):
        load_knowledge(tmp_path / "prior.npz")


@given(people=st.integers(2, 60), seed=st.integers(0, 2**63 - 1), data=st.data())
def test_public_people_are_some_and_not_all(people: int, seed: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, people - 1))
    chosen = choose_public(people, count, seed)
    assert len(set(chosen)) == len(chosen) == count
    assert chosen.tolist() == sorted(chosen)
    assert chosen.min() >= 0
    assert chosen.max() < people
    np.testing.assert_array_equal(chosen, choose_public(people, count, seed))


def test_anybody_may_become_public() -> None:
    chosen = [choose_public(40, 12, seed) for seed in range(30)]
    assert set(np.concatenate(chosen)) == set(range(40))


@pytest.mark.parametrize("count", [6, 7])
def test_somebody_must_be_left_to_attack(count: int) -> None:
    told = f"prior.people: found {count}, which makes {count} of 6 people public"
    with pytest.raises(MifaceError, match=re.escape(told)):
        choose_public(6, count, 0)


def test_a_ratio_of_the_people_may_be_public() -> None:
    assert len(choose_public(40, 0.3, 0)) == 12
    assert len(choose_public(6, 0.3, 0)) == 2
    with pytest.raises(MifaceError, match=r"found 0\.05, which makes 0 of 6 people public"):
        choose_public(6, 0.05, 0)


# The stage, as DVC runs it, on drawn faces of six people.
PEOPLE, PHOTOS, SIZE = 6, 3, (26, 24)
METHODS = ("mi_face", "refined", "known_code", "prior")


class Stage:
    """A folder with photos, in which stages/knowledge.py runs."""

    def __init__(self, folder: Path, project: Path, write_params: Callable[..., Path]) -> None:
        self.folder, self.project, self.write_params = folder, project, write_params
        drawn = render_faces(PEOPLE, PHOTOS, height=SIZE[0], width=SIZE[1])
        self.images = drawn.reshape(-1, *SIZE)
        self.person = np.repeat(np.arange(PEOPLE), PHOTOS)

    def run(self, fails: bool = False, **prior: Any) -> str:
        """Run the stage with these parameters of the prior; what it says on standard error."""
        write_arrays(
            self.folder / "data/faces.npz",
            images=self.images,
            person=self.person,
            photo=np.tile(np.arange(PHOTOS), PEOPLE),
            names=np.array([f"s{who + 1}" for who in range(PEOPLE)]),
        )
        changes = {"seed": 3, "prior.people": 2, "prior.components": 4, "prior.copies": 1}
        changes |= {f"prior.{key}": value for key, value in prior.items()}
        self.write_params(changes, path=self.folder / "params.yaml")
        done = subprocess.run(
            [sys.executable, self.project / "stages/knowledge.py"],
            cwd=self.folder, env=os.environ | {"PYTHONPATH": str(self.project / "src")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr

    def path(self, method: str) -> Path:
        return self.folder / f"data/knowledge/{method}.npz"

    def photos(self, method: str = "prior") -> NDArray[np.uint8]:
        """The photos of an attacker, as the grey values that they were."""
        return (load_knowledge(self.path(method)).photos * 255).round().astype(np.uint8)


@pytest.fixture
def stage(tmp_path: Path, project: Path, write_params: Callable[..., Path]) -> Stage:
    return Stage(tmp_path, project, write_params)


def test_the_prior_knows_the_public_people_and_nobody_else(stage: Stage) -> None:
    said = stage.run(source="people")
    public = load_knowledge(stage.path("prior")).public
    np.testing.assert_array_equal(public, choose_public(PEOPLE, 2, seed=3))
    assert ", ".join(f"s{who + 1}" for who in public) in said
    is_public = np.isin(stage.person, public)
    np.testing.assert_array_equal(stage.photos(), stage.images[is_public])
    for method, knows in {"mi_face": "model", "refined": "model", "known_code": "code"}.items():
        knowledge = load_knowledge(stage.path(method))
        for name, value in vars(nothing(*SIZE, knows)).items():
            np.testing.assert_array_equal(getattr(knowledge, name), value, err_msg=name)

    # Not even a statistic of the others: with other photos of them, every file stays as it was.
    before = {method: stage.path(method).read_bytes() for method in METHODS}
    stage.images[~is_public] = 255 - stage.images[~is_public]
    stage.run(source="people")
    assert {method: stage.path(method).read_bytes() for method in METHODS} == before


def test_rendered_faces_are_others_than_those_attacked(stage: Stage) -> None:
    stage.run(source="rendered")  # the people attacked are rendered as well
    knowledge = load_knowledge(stage.path("prior"))
    assert knowledge.threat_model == THREAT_MODELS["photos"]
    assert knowledge.public.size == 0
    assert knowledge.photos.shape == (400, *SIZE)
    attacked = {image.tobytes() for image in stage.images}
    assert attacked.isdisjoint(image.tobytes() for image in stage.photos())


def test_a_folder_of_photos_is_cropped_and_resized(stage: Stage, faces_folder: Path) -> None:
    stage.run(source=str(faces_folder))
    images = read_faces(faces_folder, size=SIZE).images
    # In the order of the files' names, where s10 comes after s2.
    np.testing.assert_array_equal(stage.photos(), images)
    assert load_knowledge(stage.path("prior")).public.size == 0


@pytest.mark.parametrize(
    ("prior", "told"),
    [
        ({"source": "nobodys/photos"}, "prior.source: found 'nobodys/photos', expected 'people'"),
        ({"source": "people", "people": PEOPLE}, f"prior.people: found {PEOPLE}, which makes"),
    ],
    ids=["nowhere", "everybody"],
)
def test_a_mistake_is_one_line(stage: Stage, prior: dict[str, Any], told: str) -> None:
    said = stage.run(fails=True, **prior)
    assert said.startswith(f"error: {told}")
    assert said.count("\n") == 1
    assert not stage.path("prior").exists()


def test_photos_of_the_people_attacked_are_no_prior(stage: Stage, tmp_path: Path) -> None:
    folder = tmp_path / "leak"
    folder.mkdir()
    for who in range(2):
        for number in range(2):
            image = Image.fromarray(stage.images[who * PHOTOS + number])
            image.crop((1, 1, SIZE[1], SIZE[0])).save(folder / f"{who}-{number}.webp")
    said = stage.run(fails=True, source=str(folder))
    assert "leak: holds 4 photos of the people who are attacked" in said
    assert "0-0.webp is s1's photo 1" in said
    assert not stage.path("prior").exists()


def test_photos_for_a_prior_need_no_folders_and_no_second_photo(
    stage: Stage, tmp_path: Path
) -> None:
    others = render_faces(3, 1, height=40, width=50, seed=9)[:, 0]
    (tmp_path / "others/one").mkdir(parents=True)
    names = ("a.png", "b", "one/c.gif")
    for name, other, kind in zip(names, others, ("PNG", "TIFF", "GIF"), strict=True):
        Image.fromarray(other).save(tmp_path / "others" / name, kind)
    (tmp_path / "others/list.txt").write_text("three people")
    said = stage.run(source=str(tmp_path / "others"))
    assert stage.photos().shape == (3, *SIZE)
    assert "left out 1 file: no picture that can be decoded (list.txt)" in said
    assert "3 photos: cropped about the centre and resized to 26 × 24" in said
    kept = (tmp_path / "data/prior.json").read_bytes()
    told = json.loads(kept)
    assert (told["photos"], told["files"]) == (3, 4)
    assert told["left_out"] == [{"name": "list.txt", "reason": "no picture that can be decoded"}]
    assert list(told["converted"].values()) == [1, 3]  # of grey, and of the size
    stage.run(source=str(tmp_path / "others"))
    assert (tmp_path / "data/prior.json").read_bytes() == kept


def test_nothing_is_told_of_files_where_there_are_none(stage: Stage, tmp_path: Path) -> None:
    stage.run(source="people")
    told = json.loads((tmp_path / "data/prior.json").read_text())
    assert (told.pop("name"), told.pop("photos")) == ("people", 2 * PHOTOS)
    assert told == {"files": 0, "left_out": [], "altered": [], "persons": [], "converted": {}}


def test_what_was_left_out_of_a_prior_is_told_also_where_nothing_is_left(
    stage: Stage, tmp_path: Path
) -> None:
    (tmp_path / "others").mkdir()
    (tmp_path / "others/list.txt").write_text("three people")
    said = stage.run(fails=True, source=str(tmp_path / "others"))
    assert said.startswith("left out 1 file: no picture that can be decoded (list.txt)")
    assert "error: " in said
    assert not (tmp_path / "data/prior.json").exists()


def test_one_photo_under_two_people_is_told_as_what_it_is(stage: Stage) -> None:
    public = choose_public(PEOPLE, 2, seed=3)
    attacked = next(who for who in range(PEOPLE) if who not in public)
    darker = (stage.images[public[0] * PHOTOS] * 0.8).astype(np.uint8)
    stage.images[attacked * PHOTOS] = darker
    said = stage.run(fails=True, source="people")
    assert f"s{public[0] + 1}'s photo 1 is s{attacked + 1}'s photo 1" in said
    assert "prior.source" not in said  # which was never set
