"""What several test files share: the real archive, small photos, parameter files."""

import copy
import io
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clones import SMALL, Clone
from numpy.typing import NDArray
from PIL import Image
from ruamel.yaml import YAML

from miface.faces.rendered import render_faces

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def att_zip() -> Path:
    """The AT&T archive, which the project does not hold; MIFACE_ATT_FACES says where it is."""
    places = [ROOT / "data/raw/att_faces.zip", ROOT.parent / "shared/data/att_faces.zip"]
    if named := os.environ.get("MIFACE_ATT_FACES"):
        places = [Path(named)]
    for place in places:
        if place.exists():
            return place
    reason = "needs the AT&T faces, not found at " + " or ".join(map(str, places))
    if os.environ.get("MIFACE_REQUIRE_ATT_FACES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def write_params(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write the shipped params.yaml with changes by dotted key, as ``dvc exp run -S`` names them.

    ``write_params({"attack.beta": 5, "dae.pretraining.0.epochs": 1})`` gives the path of a new
    file; the value ``...`` removes the key, and ``path=`` says where to write.
    """
    shipped = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")

    def write(changes: Mapping[str, Any] | None = None, path: Path | None = None) -> Path:
        params = copy.deepcopy(shipped)
        for key, value in (changes or {}).items():
            *groups, last = (int(part) if part.isdecimal() else part for part in key.split("."))
            group = params
            for part in groups:
                group = group[part]
            if value is ...:
                del group[last]
            else:
                group[last] = value
        path = path or tmp_path_factory.mktemp("params") / "params.yaml"
        YAML(typ="safe", pure=True).dump(params, path)
        return path

    return write


@pytest.fixture(scope="session")
def pictures() -> dict[str, NDArray[np.uint8]]:
    """Three photos each of s1, s2 and s10, by the path they lie at, in numeric order."""
    rng = np.random.default_rng(0)
    return {
        f"{person}/{photo}": rng.integers(0, 256, (24, 20), dtype=np.uint8)
        for person in ("s1", "s2", "s10")
        for photo in (1, 2, 10)
    }


@pytest.fixture
def faces_folder(tmp_path: Path, pictures: dict[str, NDArray[np.uint8]]) -> Path:
    """The `pictures` as PGM files, a folder a person."""
    folder = tmp_path / "a folder a person"
    for name, picture in pictures.items():
        file = folder / f"{name}.pgm"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(file)
    return folder


@pytest.fixture(scope="session")
def small_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of drawn photos: s1 to s6, five each, 32 × 28."""
    drawn = render_faces(6, 5, height=32, width=28).reshape(6, 5, 32, 28)
    path = tmp_path_factory.mktemp("archive") / "faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for person, photos in enumerate(drawn):
            for number, photo in enumerate(photos):
                buffer = io.BytesIO()
                Image.fromarray(photo).save(buffer, format="png")
                archive.writestr(f"s{person + 1}/{number + 1}.png", buffer.getvalue())
    return path


@pytest.fixture(scope="session")
def baseline(tmp_path_factory: pytest.TempPathFactory, small_archive: Path) -> Clone:
    """A clone in which the whole pipeline has run once, on an archive of the user's, committed."""
    clone = Clone.of_this_checkout(tmp_path_factory.mktemp("clone") / "miface", SMALL)
    shutil.copy(small_archive, clone.folder / "data/raw/att_faces.zip")
    clone.dvc("repro")
    clone.commit("run")
    return clone


@pytest.fixture
def clone(baseline: Clone) -> Iterator[Clone]:
    """The baseline, put back afterwards."""
    yield baseline
    baseline.back()
