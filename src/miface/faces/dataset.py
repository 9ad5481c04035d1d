"""The faces and their split on disk, as the stages hand them on."""

import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from miface.errors import MifaceError
from miface.faces.archive import Faces
from miface.files import read_arrays, write_arrays

FACES = Path("data/faces.npz")
SPLIT = Path("data/split.npz")
SOURCE = Path("data/source.json")
PRIOR = Path("data/prior.json")


def save_faces(faces: Faces) -> None:
    """Write the photos; `before` only where there is any."""
    write_arrays(FACES, **{name: array for name, array in asdict(faces).items() if array.size})


def load_faces() -> Faces:
    """Read the photos; MifaceError if fetch has not written them."""
    return Faces(**_read(FACES, "fetch"))


def save_split(train: NDArray[np.int64], test: NDArray[np.int64]) -> None:
    """Write the row numbers of both sides."""
    write_arrays(SPLIT, train=train, test=test)


def load_split() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read the row numbers of both sides: train, test."""
    split = _read(SPLIT, "split")
    return split["train"], split["test"]


def _read(path: Path, stage: str) -> dict[str, NDArray[Any]]:
    try:
        return read_arrays(path)
    except FileNotFoundError:
        raise MifaceError(f"{path}: no such file; make it with: dvc repro {stage}") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise MifaceError(
            f"{path}: cannot be read ({error}); make it again with: dvc repro --force {stage}"
        ) from None
