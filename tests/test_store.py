"""Recognisers on disk: never a pickle, and what is no recogniser is told.

That each recogniser comes back as it was is a check of `test_recognisers`.
"""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from miface.errors import MifaceError
from miface.recognisers.softmax import Softmax, SoftmaxSettings
from miface.recognisers.store import load, save

CPU = torch.device("cpu")
SETTINGS = SoftmaxSettings(
    initial_weights="zeros", learning_rate=0.1, momentum=0.0, weight_decay=0.0, batch_size=4,
    max_epochs=2, patience=2,
)  # fmt: skip


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save(Softmax((16, 12), ["s1", "s2"], SETTINGS), path)
    return path


def test_any_reader_of_safetensors_finds_the_weights(saved: Path) -> None:
    with safe_open(saved, framework="numpy") as file:
        assert file.get_tensor("first.weight").shape == (2, 16 * 12)
        assert file.get_tensor("first.bias").shape == (2,)


def write_foreign(path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, path)


def write_unknown(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"softmax", b"sofmaxt"))


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not weights at all"),
        lambda path: path.write_bytes(pickle.dumps({"weight": 1})),
        lambda path: path.write_bytes(path.read_bytes()[:-10]),
        write_foreign,
        write_unknown,
    ],
    ids=[
        "missing", "a folder", "empty", "text", "a pickle", "half a file", "of another program",
        "of a kind there is not",
    ],
)  # fmt: skip
def test_what_is_no_recogniser_is_told(saved: Path, write: Callable[[Path], object]) -> None:
    write(saved)
    told = rf"^{saved}: cannot be read as a recogniser .*dvc repro$"
    with pytest.raises(MifaceError, match=told):
        load(saved, CPU)
