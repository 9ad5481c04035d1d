"""The stages that look for photos and fetch them, as a user runs them: what they say and write."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from archives import drawn
from PIL import Image

from miface.faces.notes import shown
from miface.faces.workspace import describe


def test_photos_that_change_behind_a_link_are_noticed(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "faces"
    elsewhere.mkdir()
    folder.mkdir()
    (folder / "ada").symlink_to(elsewhere)
    (folder / "circle").symlink_to(folder)
    seen = []
    for content in (b"one", b"other"):
        (elsewhere / "1.png").write_bytes(content)
        seen += describe([str(folder)])
    (elsewhere / "1.png").unlink()
    seen += describe([str(folder)])
    (elsewhere / ".DS_Store").write_bytes(b"litter")
    assert describe([str(folder)]) == seen[-1:]
    assert len({place["digest"] for place in seen}) == 3


@pytest.mark.parametrize("name", [b"\xff\xe9", b"a\nb\x1b[31m", "\u202eb".encode()])
def test_names_that_are_no_text_break_no_stage(
    tmp_path: Path, project: Path, write_params: Callable[..., Path], name: bytes
) -> None:
    place = os.fsdecode(name)
    for number, who in enumerate((place, place, "bob", "bob")):
        file = tmp_path / "faces" / who / f"{number}{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn(number)).save(file)
    (tmp_path / "faces" / f"list{place}").write_text("two people")
    write_params({"data.sources": ["faces"]}, path=tmp_path / "params.yaml")
    said = ""
    for stage in ("sources", "fetch"):
        done = subprocess.run(
            [sys.executable, project / f"stages/{stage}.py"],
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(project / "src")},
            capture_output=True, check=True,
        )  # fmt: skip
        said += done.stderr.decode("utf-8")
    assert said.replace("\n", "").isprintable()
    assert len(said.splitlines()) == 3
    assert f"left out 1 file: no picture that can be decoded (list{shown(place)})" in said
    assert f"it is escaped ({shown(place)})" in said
    source = json.loads((tmp_path / "data/source.json").read_text())
    assert (source["photos"], source["files"]) == (4, 5)


def nearly(att_zip: Path, path: Path, change: str) -> Path:
    """The AT&T faces, but for something."""
    with zipfile.ZipFile(att_zip) as whole, zipfile.ZipFile(path, "w") as other:
        for name in whole.namelist():
            content = whole.read(name)
            number = name.partition("/")[2]
            if change == "one missing" and name == "s7/3.pgm":
                continue
            if change == "seven each" and number in ("8.pgm", "9.pgm", "10.pgm"):
                continue
            if change == "another crop" and number:
                file = io.BytesIO()
                Image.open(io.BytesIO(content)).crop((0, 0, 92, 110)).save(file, "PPM")
                content = file.getvalue()
            other.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("one missing", "399 photos of 40 people (10 each, but s7 has 9), 112 × 92 pixels"),
        ("seven each", "280 photos of 40 people (7 each), 112 × 92 pixels"),
        ("another crop", "400 photos of 40 people (10 each), 110 × 92 pixels"),
    ],
)
def test_nearly_the_att_faces_are_told_at_the_start_and_at_the_end(
    tmp_path: Path,
    project: Path,
    att_zip: Path,
    write_params: Callable[..., Path],
    change: str,
    found: str,
) -> None:
    (tmp_path / "data/raw").mkdir(parents=True)
    nearly(att_zip, tmp_path / "data/raw/att_faces.zip", change)
    changes = {"data.sources": ["data/raw/att_faces.zip", "rendered"], "rendered.people": 2}
    write_params(changes | {"rendered.photos": 2}, path=tmp_path / "params.yaml")
    run = partial(
        subprocess.run,
        [sys.executable, project / "stages/fetch.py"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(project / "src")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = run().stderr.splitlines()
    first, *_, last = (line for line in lines if "att_faces.zip" in line)
    assert first.startswith("passed over data/raw/att_faces.zip: ")
    assert last.startswith("NOTE: data/raw/att_faces.zip was NOT used: ")
    assert lines[0] == first
    assert lines[-1] == last
    for line in (first, last):
        assert found in line
        assert "set data.digest=null" in line
    source = json.loads((tmp_path / "data/source.json").read_text())
    assert source["kind"] == "rendered"
    assert found in source["passed_over"][0]["reason"]
    # And as told, it is used as it is.
    write_params(changes | {"data.digest": None}, path=tmp_path / "params.yaml")
    run()
    source = json.loads((tmp_path / "data/source.json").read_text())
    assert (source["kind"], source["people"]) == ("archive", 40)
    assert f"{source['photos']} photos" in found
    assert source["files"] == source["photos"] + 1
    assert [note["name"] for note in source["left_out"]] == ["README"]
