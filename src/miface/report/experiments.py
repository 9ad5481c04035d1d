"""What the pipeline left of one run, wherever it lies: in files, or in a revision of them."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from miface.errors import MifaceError
from miface.faces.archive import Faces
from miface.files import read_arrays

Read = Callable[[str], bytes]
"""Gives the content of a file by its path in the project; FileNotFoundError if there is none."""

Pair = tuple[str, str]
"""A method and a model."""


@dataclass(frozen=True)
class Experiment:
    """A run of the pipeline.

    Attributes
    ----------
    name
        Of the revision or experiment; empty where there is but one.
    params
        The content of ``params.yaml``.
    metrics
        The content of ``reports/metrics.json``.
    people
        ``reports/per_label.csv``: a row for each method, model and person.
    inversions
        The arrays of each method and model, in the order of methods and models.
    seconds
        Measured seconds a label of each method and model, where they were kept.
    source
        The content of ``data/source.json``: what became of the photos that were given.
    prior
        The content of ``data/prior.json``, likewise of the attacker's; empty in older runs.
    """

    name: str
    params: str
    metrics: dict[str, Any]
    people: pd.DataFrame
    inversions: dict[Pair, dict[str, NDArray[Any]]]
    seconds: dict[Pair, float]
    source: dict[str, Any]
    prior: dict[str, Any] = field(default_factory=dict)

    @property
    def methods(self) -> list[str]:
        """The methods, in order."""
        return list(dict.fromkeys(method for method, _ in self.inversions))

    @property
    def models(self) -> list[str]:
        """The models, in order."""
        return list(dict.fromkeys(model for _, model in self.inversions))

    def rows(self, pair: Pair) -> pd.DataFrame:
        """Give the rows of a method and a model, in the order of its arrays."""
        people = self.people
        chosen = (people["method"] == pair[0]) & (people["model"] == pair[1])
        return people[chosen].reset_index(drop=True)


def load_experiment(name: str, read: Read) -> Experiment:
    """Load a run.

    Raises
    ------
    MifaceError
        If a file is missing, or was made by a version that kept less.
    """
    try:
        metrics = json.loads(read("reports/metrics.json"))
        people = _people(read("reports/per_label.csv"))
        pairs = people[["method", "model"]].drop_duplicates()
        inversions = {
            (method, model): read_arrays(
                io.BytesIO(read(f"reports/inversions/{method}-{model}.npz"))
            )
            for method, model in pairs.itertuples(index=False)
        }
        params = read("params.yaml").decode("utf-8")
        source = json.loads(read("data/source.json"))
    except FileNotFoundError as error:
        missing = error.filename or error
        raise MifaceError(
            f"{name or 'this folder'}: {missing} is missing; make it with dvc repro, or fetch it "
            "with dvc pull"
        ) from None
    if "outside_top1" not in people or not all("snapshots" in a for a in inversions.values()):
        raise MifaceError(
            f"{name or 'this folder'}: its results were made by an older miface, which kept less; "
            "run dvc repro there"
        )
    seconds = {pair: s for pair in inversions if (s := _seconds(read, pair)) is not None}
    try:
        prior = json.loads(read("data/prior.json"))
    except FileNotFoundError:
        prior = {}
    return Experiment(name, params, metrics, people, inversions, seconds, source, prior)


def _seconds(read: Read, pair: Pair) -> float | None:
    """Give what an attack took a label; times are shown, and shape nothing."""
    try:
        timing = json.loads(read(f"reports/timing/{pair[0]}-{pair[1]}.json"))
    except FileNotFoundError:
        return None
    return float(timing["seconds"]) / int(timing["labels"]) if timing["labels"] else None


def load_photos(name: str, read: Read) -> tuple[Faces, NDArray[np.int64]]:
    """Load the photos of a run, and int64 [n] which of them trained the recognisers."""
    try:
        faces = read_arrays(io.BytesIO(read("data/faces.npz")))
        train = read_arrays(io.BytesIO(read("data/split.npz")))["train"]
    except FileNotFoundError as error:
        missing = error.filename or error
        raise MifaceError(
            f"{name or 'this folder'}: {missing} is missing; make it with: dvc repro split"
        ) from None
    return Faces(**faces), train


def check_same_people(names: Sequence[str], photos: Sequence[Faces]) -> None:
    """Refuse to compare runs on other photos.

    Raises
    ------
    MifaceError
        If names or photos differ from those of the first run.
    """
    first = photos[0]
    for name, faces in zip(names, photos, strict=True):
        same = faces.names.tolist() == first.names.tolist()
        if not same or not np.array_equal(faces.images, first.images):
            found, expected = (
                f"{len(f.names)} people, {f.images.shape[1]} × {f.images.shape[2]}, pixels "
                f"{f.digest[:12]}"
                for f in (faces, first)
            )
            raise MifaceError(
                f"{name}: found other photos ({found}), expected the people of {names[0]} "
                f"({expected}); compare runs on the same photos"
            )


def _people(content: bytes) -> pd.DataFrame:
    """Read the table of people: names are text whatever they look like, and numbers numbers."""
    columns = pd.read_csv(io.BytesIO(content), nrows=0).columns
    words = ("method", "model", "person", "stopped")
    return pd.read_csv(
        io.BytesIO(content),
        dtype=dict.fromkeys(words, str),
        keep_default_na=False,
        na_values={column: [""] for column in columns if column not in words},
    )
