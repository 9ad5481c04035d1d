"""Files: whole or not at all, and the same content as the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from miface.errors import MifaceError
from miface.faces import dataset
from miface.faces.archive import Faces
from miface.files import read_arrays, write_arrays, write_json, written_whole


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    for text in ("first", "second"):
        with written_whole(path) as beside:
            assert beside.suffix == ".txt"
            assert not beside.exists()
            beside.write_text(text)
        assert path.read_text() == text
    assert os.listdir(path.parent) == ["file.txt"]


def test_a_folder_is_replaced_with_all_it_held(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    for name in ("first", "second"):
        with written_whole(path) as beside:
            beside.mkdir()
            (beside / name).touch()
        assert os.listdir(path) == [name]
    assert os.listdir(tmp_path) == ["folder"]


def test_what_a_killed_process_left_is_taken_away_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "a [1].json"
    script = (
        "import os, signal, sys; from miface.files import written_whole\n"
        "with written_whole(sys.argv[1]) as beside:\n"
        "    beside.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, path], check=False)
    assert done.returncode == -signal.SIGKILL
    (tmp_path / "a [1].json.txt").write_text("another")
    assert len(list(tmp_path.iterdir())) == 2
    write_json(path, {})
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a [1].json", "a [1].json.txt"]


def test_a_link_to_a_folder_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    cached, path = tmp_path / "cached", tmp_path / "folder"
    cached.mkdir()
    (cached / "old").touch()
    path.symlink_to(cached)  # as DVC does where cache.type is symlink
    with written_whole(path) as beside:
        beside.mkdir()
    assert not path.is_symlink()
    assert os.listdir(path) == []
    assert os.listdir(cached) == ["old"]


@pytest.mark.parametrize("wrong", [RuntimeError, KeyboardInterrupt])
def test_a_file_stays_when_its_writer_fails(tmp_path: Path, wrong: type[BaseException]) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(wrong), written_whole(path) as beside:  # noqa: PT012
        beside.write_text("half")
        raise wrong
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


@pytest.mark.parametrize("wrong", [RuntimeError, KeyboardInterrupt])
def test_a_folder_stays_when_its_writer_fails(tmp_path: Path, wrong: type[BaseException]) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(wrong), written_whole(path) as beside:  # noqa: PT012
        beside.mkdir()
        (beside / "half").touch()
        raise wrong
    assert os.listdir(path) == ["old"]
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_was_there_stays_when_nothing_is_written(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    path.touch() if kind == "file" else path.mkdir()
    with pytest.raises(FileNotFoundError), written_whole(path):
        pass
    assert os.listdir(tmp_path) == [kind]


def test_json_has_null_where_a_number_is_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, {"é": float("nan"), "n": [np.float32("inf"), np.int64(3), (True, 0.5, None)]})
    assert json.loads(path.read_text()) == {"é": None, "n": [None, 3, [True, 0.5, None]]}
    assert "é" in path.read_text(encoding="utf-8")
    assert path.read_text().endswith("}\n")


def test_what_json_cannot_hold_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, {"old": 1})
    with pytest.raises(TypeError):
        write_json(path, {"new": object()})
    assert json.loads(path.read_text()) == {"old": 1}


ARRAYS: dict[str, NDArray[Any]] = {
    "x": np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3),
    "label": np.arange(2),
    "stopped": np.array(["alpha", "β"]),
}


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", **ARRAYS)
    back = read_arrays(tmp_path / "a.npz")
    assert list(back) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(back[name], array)
        assert back[name].dtype == array.dtype


def test_the_same_arrays_are_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_arrays(tmp_path / "now.npz", **ARRAYS)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 1e7)
    write_arrays(tmp_path / "later" / "then.npz", **ARRAYS)
    assert (tmp_path / "now.npz").read_bytes() == (tmp_path / "later/then.npz").read_bytes()


def test_pickled_objects_are_neither_written_nor_read(tmp_path: Path) -> None:
    objects = np.array([{}], dtype=object)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        write_arrays(tmp_path / "a.npz", objects=objects)
    assert os.listdir(tmp_path) == []
    np.savez(tmp_path / "b.npz", objects=objects)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        read_arrays(tmp_path / "b.npz")


FACES = Faces(
    images=np.arange(64, dtype=np.uint8).reshape(4, 4, 4),
    person=np.array([0, 0, 1, 1]),
    photo=np.array([0, 1, 0, 1]),
    names=np.array(["s1", "s2"]),
)


def test_faces_and_split_have_the_names_that_other_tools_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dataset.save_faces(FACES)
    dataset.save_split(np.array([0, 2]), np.array([1, 3]))
    assert list(read_arrays("data/faces.npz")) == ["images", "person", "photo", "names"]
    assert list(read_arrays("data/split.npz")) == ["train", "test"]
    assert dataset.load_faces().digest == FACES.digest
    assert [side.tolist() for side in dataset.load_split()] == [[0, 2], [1, 3]]


@pytest.mark.parametrize("content", [None, b"", b"text", b"PK\x03\x04 and no more"])
def test_data_that_cannot_be_read_is_told_with_the_stage_that_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("data").mkdir()
        Path("data/faces.npz").write_bytes(content)
    with pytest.raises(MifaceError, match=r"^data/faces\.npz: .* dvc repro .*fetch$"):
        dataset.load_faces()
