"""Who is who: never two people for one, or one for two, in silence."""

import os
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archives import WRITERS, drawn, encoded, files_of, write_folder, write_tar, write_zip
from PIL import Image

from miface.errors import MifaceError
from miface.faces.archive import Faces, Reading, read_faces
from miface.faces.notes import Notes, shown
from miface.faces.split import check_labels
from miface.files import read_arrays, write_arrays, write_json
from miface.params.schema import load_params


class Read:
    """What became of some files: the faces and the notes, or the mistake."""

    def __init__(self, path: Path, size: tuple[int, int] | None = None, **reading: Any) -> None:
        self.notes = Notes()
        self.faces: Faces | None = None
        self.mistake = ""
        try:
            self.faces = read_faces(path, size=size, reading=Reading(**reading), notes=self.notes)
        except MifaceError as error:
            self.mistake = str(error)
            assert "\n" not in self.mistake

    @property
    def people(self) -> dict[str, int]:
        """How many photos each person has."""
        assert self.faces is not None, self.mistake
        return dict(
            zip(self.faces.names.tolist(), np.bincount(self.faces.person).tolist(), strict=True)
        )

    @property
    def persons(self) -> dict[str, str]:
        return {note.name: note.reason for note in self.notes.persons}

    @property
    def left_out(self) -> dict[str, str]:
        return {note.name: note.reason for note in self.notes.left_out}


def some(*names: str) -> dict[str, bytes]:
    """Different pictures of these names."""
    return files_of({name: drawn(number) for number, name in enumerate(names)}, "png")


TRAIN_AND_TEST = some(
    *(f"train/{who}/{k}" for who in ("ada", "bob") for k in (1, 2)),
    *(f"test/{who}/{k}" for who in ("ada", "bob") for k in (1, 2)),
)


def test_folders_of_one_name_are_a_question(tmp_path: Path) -> None:
    path = write_zip(TRAIN_AND_TEST, tmp_path / "faces.zip")
    told = Read(path).mistake
    assert "test/ada and train/ada are both called ada, and 1 more" in told
    assert "data.person=folder" in told
    assert "data.person=path" in told


def test_they_may_be_one_person_and_it_is_said(tmp_path: Path) -> None:
    read = Read(write_zip(TRAIN_AND_TEST, tmp_path / "faces.zip"), person="folder")
    assert read.people == {"ada": 4, "bob": 4}
    assert read.persons["ada"] == "one person of test/ada, train/ada"


def test_they_may_be_different_people(tmp_path: Path) -> None:
    read = Read(write_zip(TRAIN_AND_TEST, tmp_path / "faces.zip"), person="path")
    assert read.people == {"test/ada": 2, "test/bob": 2, "train/ada": 2, "train/bob": 2}
    assert not read.persons


def test_photos_in_a_folder_of_a_folder_with_photos_are_a_question(tmp_path: Path) -> None:
    names = ("x/a.(l)/ada/1", "x/a.(l)/ada/2", "x/a.(l)/ada/beach/1", "x/a.(l)/bob/1", "x/b/c/1")
    path = write_zip(some(*names), tmp_path / "faces.zip")
    told = Read(path).mistake
    assert "x/a.(l)/ada holds photos, and so does x/a.(l)/ada/beach in it" in told
    (pattern,) = re.findall(r"-S 'data\.person=\"([^\"]+)\"'", told)
    assert Read(path, person=pattern, least_photos=1).people == {"ada": 3, "bob": 1}
    assert "beach" in Read(path, person="path").mistake  # a person of one photo


def test_what_a_mistake_says_to_set_is_what_dvc_sets(tmp_path: Path, project: Path) -> None:
    from dvc.utils.hydra import apply_overrides

    path = write_folder(some("ada 1", "ada 2", "bob 1", "bob 2"), tmp_path / "flat")
    (option,) = re.findall(r"-S ('[^']+')", Read(path).mistake)
    params = tmp_path / "params.yaml"
    params.write_bytes((project / "params.yaml").read_bytes())
    apply_overrides(params, shlex.split(option))
    person = load_params(params).data.person
    assert Read(path, person=person).people == {"ada": 2, "bob": 2}


def test_photos_beside_the_folders_of_people_are_named(tmp_path: Path) -> None:
    names = ("all/ada/1", "all/ada/2", "all/bob/1", "all/bob/2", "all/group")
    read = Read(write_zip(some(*names), tmp_path / "faces.zip"))
    assert read.people == {"ada": 2, "bob": 2}
    assert read.left_out == {"all/group.png": "lies beside the folders of people, in none of them"}


@pytest.mark.parametrize(
    ("names", "people"),
    [
        ("s1_1 s1_2 s2_1 s2_2 s10_1 s10_2", {"s1": 2, "s2": 2, "s10": 2}),
        ("ada1 ada2 bob1 bob2 bob3", {"ada": 2, "bob": 3}),
        ("Ada_Lovelace_0001 Ada_Lovelace_0002 Bob_0001 Bob_0002", {"Ada_Lovelace": 2, "Bob": 2}),
        ("Ada%(1) Ada%(2) Bob%(1) Bob%(2)", {"Ada": 2, "Bob": 2}),
        ("ada_happy ada_sad bob_happy bob_sad", {"ada": 2, "bob": 2}),
        ("subject01.happy subject01.sad subject02.sad subject02.happy",
         {"subject01": 2, "subject02": 2}),
        ("KA.AN1.39 KA.SU2.40 KL.AN1.167 KL.SU2.168", {"KA": 2, "KL": 2}),
        ("1_ada 2_ada 1_bob 2_bob", {"ada": 2, "bob": 2}),
        ("01_1 01_2 02_1 02_2", {"01": 2, "02": 2}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("below", ["", "photos/"])
@pytest.mark.parametrize("suffix", [".png", ""])
def test_the_mistake_of_a_flat_folder_shows_the_pattern_that_reads_it(
    tmp_path: Path, names: str, people: dict[str, int], below: str, suffix: str
) -> None:
    files = {
        f"{below}{name.replace('%', ' ')}{suffix}": encoded(drawn(number), "png")
        for number, name in enumerate(names.split(" "))
    }
    path = write_folder(files, tmp_path / "flat")
    told = Read(path).mistake
    patterns = re.findall(r"-S 'data\.person=\"([^\"]+)\"', which", told)
    assert f"reads {len(people)} people ({', '.join(people)})" in told
    assert people in [Read(path, person=pattern).people for pattern in patterns]


def test_names_that_a_pattern_does_not_read_are_named(tmp_path: Path) -> None:
    path = write_folder(some("ada_1", "ada_2", "bob_1", "bob_2", "group"), tmp_path / "flat")
    read = Read(path, person="([^/_]+)_")
    assert read.people == {"ada": 2, "bob": 2}
    assert read.left_out == {"group.png": "data.person finds nobody in its name"}


def test_a_folder_of_one_person_is_told_as_such(tmp_path: Path) -> None:
    path = write_folder(some(*(f"ada/{k}" for k in range(40))), tmp_path / "faces")
    assert "all 40 photos lie in one folder (ada), expected" in Read(path).mistake


# Names as people have them, and as those who test have them.
NAMES = ["all", "nan", "=1+1", "null", "01", "1e5", "-", "Ünal", "مريم", "李 小龙", "Zoë's", "<b>"]


@pytest.mark.parametrize("container", ["faces.zip", "faces.tar", "faces"])
def test_any_name_is_a_name(tmp_path: Path, container: str) -> None:
    files = some(*(f"{name}/{k}" for name in NAMES for k in (1, 2)))
    read = Read(WRITERS[container](files, tmp_path / container))
    assert set(read.people) == set(NAMES)
    assert read.faces is not None
    assert read.faces.names[check_labels(["all"], read.faces.names)].tolist() == ["all"]
    assert len(check_labels("all", read.faces.names)) == len(NAMES)
    assert not read.persons
    assert not read.notes.left_out


def test_a_name_with_dots_and_slashes_is_a_name(tmp_path: Path) -> None:
    path = write_zip(some("../x/1", "../x/2", "../../y/1", "../../y/2"), tmp_path / "faces.zip")
    assert Read(path).people == {"x": 2, "y": 2}
    assert Read(path, person="(.*)/").people == {"../x": 2, "../../y": 2}


@pytest.mark.parametrize("container", ["faces.zip", "faces.tar", "faces"])
def test_composed_and_decomposed_accents_are_one_name(tmp_path: Path, container: str) -> None:
    names = ("Zo\u00eb/1", "Zoe\u0308/2", "Zoe\u0308/3", "bob/1", "bob/2")
    read = Read(WRITERS[container](some(*names), tmp_path / container))
    assert read.people == {"Zo\u00eb": 3, "bob": 2}
    assert "two ways" in read.persons["Zo\u00eb"]


@pytest.mark.parametrize("container", ["faces.tar", "faces"])
@pytest.mark.parametrize(
    ("raw", "escaped"),
    [
        (os.fsdecode(b"caf\xe9"), r"caf\xe9"),
        ("a\nb", r"a\nb"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\u202eb", r"a\u202eb"),
    ],
)
def test_names_that_are_no_text_are_escaped_and_told(
    tmp_path: Path, container: str, raw: str, escaped: str
) -> None:
    files = some(f"{raw}/1", f"{raw}/2", "bob/1", "bob/2") | {f"{raw}/notes": b"text"}
    read = Read(WRITERS[container](files, tmp_path / container))
    assert read.people == {escaped: 2, "bob": 2}
    assert read.persons == {escaped: "the name holds what is no printable text: it is escaped"}
    assert list(read.left_out) == [f"{escaped}/notes"]
    # And no stage after this one breaks: names can be printed and written, and come back.
    assert read.faces is not None
    for line in read.notes.lines():
        assert line.isprintable()
        line.encode("utf-8")
    write_json(tmp_path / "x.json", read.faces.names.tolist())
    write_arrays(tmp_path / "x.npz", names=read.faces.names)
    assert read_arrays(tmp_path / "x.npz")["names"].tolist() == sorted(["bob", escaped])


@pytest.mark.parametrize("text", ["Zoë", "李", "👩\u200d🔬", "नी", "می\u200cخواهم", "a b"])
def test_text_of_any_script_stays(text: str) -> None:
    assert shown(text) == text


def same_pixels(suffix: str) -> bytes:
    return encoded(drawn(0), suffix)


@pytest.mark.parametrize("suffix", ["png", "bmp", "pgm"])
def test_one_picture_under_two_people_is_a_mistake(tmp_path: Path, suffix: str) -> None:
    files = some("ada/1", "ada/2", "bob/1", "bob/2") | {f"bob/3.{suffix}": same_pixels(suffix)}
    told = Read(write_folder(files, tmp_path / "faces")).mistake
    assert f"ada/1.png (ada) and bob/3.{suffix} (bob) are the same picture" in told


@pytest.mark.parametrize("suffix", ["png", "bmp"])
def test_one_picture_twice_of_a_person_is_taken_once(tmp_path: Path, suffix: str) -> None:
    files = some("ada/1", "ada/2", "bob/1", "bob/2") | {f"ada/3.{suffix}": same_pixels(suffix)}
    read = Read(write_folder(files, tmp_path / "faces"))
    assert read.people == {"ada": 2, "bob": 2}
    assert read.left_out == {f"ada/3.{suffix}": "the same picture as ada/1.png"}


def test_different_pictures_that_crop_to_the_same_are_no_copies(tmp_path: Path) -> None:
    blank = np.zeros((40, 40), np.uint8)
    marked = blank.copy()
    marked[:, :4] = 255
    files = some("ada/1", "ada/2") | files_of({"bob/1": blank, "bob/2": marked})
    assert Read(write_folder(files, tmp_path / "faces"), size=(40, 20)).people == {
        "ada": 2,
        "bob": 2,
    }


def test_people_with_few_photos_are_named_by_folder_and_may_be_left_out(tmp_path: Path) -> None:
    names = ("x/ada/1", "x/ada/2", "x/ada/3", "x/bob/1", "x/cyd/1", "x/cyd/2", "x/cyd/3")
    path = write_folder(some(*names), tmp_path / "faces")
    told = Read(path).mistake
    assert "x/bob holds one photo that can be used, expected at least two" in told
    assert "data.least_photos=2" in told
    read = Read(path, least_photos=2)
    assert read.people == {"ada": 3, "cyd": 3}
    assert read.persons == {"bob": "left out: fewer photos than data.least_photos=2"}
    assert list(read.left_out) == ["x/bob/1.png"]
    assert "nobody found, expected at least two" in Read(path, least_photos=4).mistake


def test_a_person_of_whom_nothing_can_be_read_is_not_lost(tmp_path: Path) -> None:
    files = some("ada/1", "ada/2", "bob/1", "bob/2") | {"cyd/1.jpg": b"broken", "notes/a.txt": b""}
    path = write_folder(files, tmp_path / "faces")
    told = Read(path).mistake
    assert "cyd holds no photo that can be used" in told
    assert "cyd/1.jpg" in told
    assert Read(path, least_photos=2).people == {"ada": 2, "bob": 2}


@pytest.mark.parametrize("people", [2, 6])
def test_different_numbers_of_photos_are_fine(tmp_path: Path, people: int) -> None:
    names = [f"p{who}/{k}" for who in range(people) for k in range(2 + who)]
    read = Read(write_folder(some(*names), tmp_path / "faces"))
    assert read.people == {f"p{who}": 2 + who for who in range(people)}
    assert read.faces is not None
    assert read.faces.photo.tolist() == [k for who in range(people) for k in range(2 + who)]


def test_a_tar_may_hold_a_name_that_ends_like_a_folder_of_litter(tmp_path: Path) -> None:
    files = some("ada/1", "ada/2", "bob/1", "bob/2", ".ada/1", "ada/__MACOSX/1")
    read = Read(write_tar(files, tmp_path / "faces.tar"))
    assert read.people == {"ada": 2, "bob": 2}
    assert set(read.left_out) == {".ada/1.png", "ada/__MACOSX/1.png"}


def test_pixels_are_those_of_the_person(tmp_path: Path) -> None:
    files = some("b/1", "b/2", "a/1", "a/2")
    read = Read(write_folder(files, tmp_path / "faces"))
    assert read.faces is not None
    for name, image in zip(("a/1", "a/2", "b/1", "b/2"), read.faces.images, strict=True):
        with Image.open(tmp_path / "faces" / f"{name}.png") as stored:
            np.testing.assert_array_equal(image, np.asarray(stored))
