"""Writing files whole or not at all."""

import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Give a path beside `path` to write to, and move it into place if nothing was raised.

    Parameters
    ----------
    path
        The file or folder to write. Its parent is created. What was there stays until the new
        content is complete. What a process that was killed left beside it is taken away.

    Yields
    ------
    Path
        A path in the same folder, with the same suffix, that does not exist yet.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.writing"):
        shutil.rmtree(left)
    beside = Path(tempfile.mkdtemp(".writing", f".{path.name}.", path.parent))
    try:
        yield (new := beside / path.name)
        if path.is_dir() and new.exists():  # replace() moves onto a file, but not onto a folder
            path.rename(beside / f"{path.name}~")
        os.replace(new, path)
    finally:
        shutil.rmtree(beside)


def write_json(path: str | Path, content: Any) -> None:
    """Write `content` as indented JSON; NaN and infinity, which JSON lacks, become null."""
    with written_whole(path) as beside:
        text = json.dumps(_finite(content), indent=2, ensure_ascii=False, allow_nan=False)
        beside.write_text(text + "\n", encoding="utf-8")


def write_arrays(path: str | Path, **arrays: NDArray[Any]) -> None:
    """Write named arrays as a compressed ``.npz`` without pickles: same arrays, same bytes."""
    with written_whole(path) as beside:
        np.savez_compressed(beside, allow_pickle=False, **arrays)


def read_arrays(path: str | Path | BinaryIO) -> dict[str, NDArray[Any]]:
    """Read all arrays of an ``.npz``; pickled objects are refused."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    if isinstance(content, np.generic):
        return _finite(content.item())
    if isinstance(content, float) and not np.isfinite(content):
        return None
    return content
