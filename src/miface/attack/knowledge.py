"""What an attacker knows beside the model: nothing, or photos of other people.

The threat model is a file. It is made before the attack, which sees the model and this file alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from miface.errors import MifaceError
from miface.files import read_arrays, write_arrays
from miface.params.base import Count, CountOrRatio, Group

THREAT_MODELS = {
    "model": "nothing but the model",
    "code": "the model, and the code that trained it",
    "photos": "the model, and photos of other people",
}
"""What attackers have, by what `Method.knows` calls it, in words."""


class PublicPhotos(Group):
    """What an attacker with photos of other people has, and the recipe for each model."""

    source: str = Field(
        min_length=1,
        description="Where the photos come from: `people` (some of the data set's own, who are "
        "then not attacked), `rendered`, or a folder or an archive.",
    )
    people: CountOrRatio = Field(
        description="With `people`: how many of them are public, as a count or as a ratio."
    )
    components: Count = Field(description="Principal components of the photos, at most.")
    copies: Annotated[int, Field(ge=0)] = Field(
        description="Turned, scaled, shifted and mirrored copies of each photo to fit them on."
    )


@dataclass(frozen=True)
class Knowledge:
    """A threat model.

    Attributes
    ----------
    threat_model
        In words, as every result names it.
    photos
        float32 [n, H, W] in [0, 1], photos of other people; empty where there are none.
    public
        int64 [q], which of the model's labels they show: these people are not attacked.
    mean, components
        float32 [H·W] and [c, H·W], the prior fitted on the photos (`fit_components`).
    """

    threat_model: str
    photos: NDArray[np.float32]
    public: NDArray[np.int64]
    mean: NDArray[np.float32]
    components: NDArray[np.float32]


def nothing(height: int, width: int, knows: str = "model") -> Knowledge:
    """Give a threat model in which the attacker has no photos: ``model`` or ``code``."""
    return Knowledge(
        THREAT_MODELS[knows],
        np.zeros((0, height, width), np.float32),
        np.zeros(0, np.int64),
        np.zeros(height * width, np.float32),
        np.zeros((0, height * width), np.float32),
    )


def public_photos(
    photos: NDArray[np.float32], public: NDArray[np.int64], count: int, copies: int, seed: int
) -> Knowledge:
    """Give the threat model in which the attacker has photos of other people.

    Parameters
    ----------
    photos
        float32 [n, H, W] in [0, 1].
    public
        int64 [q], which of the model's labels they show.
    count
        Principal components to keep, at most.
    copies
        Altered copies of each photo to fit them on.
    seed
        Seed of the copies.

    Returns
    -------
    Knowledge
        With a prior in which one standard deviation along each component is 1.
    """
    mean, components = fit_components(photos, count, copies, seed)
    return Knowledge(THREAT_MODELS["photos"], photos, public, mean, components)


def fit_components(
    photos: NDArray[np.float32], count: int, copies: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fit principal components on photos and on turned, scaled, shifted and mirrored copies.

    Returns
    -------
    mean
        float32 [H·W].
    components
        float32 [c, H·W], each as long as the photos' standard deviation along it.
    """
    rng = np.random.default_rng(seed)
    height, width = photos.shape[1:]
    rows = list(photos)
    for photo in photos:
        for copy in range(copies):
            turned = cv2.getRotationMatrix2D(
                (width / 2, height / 2), rng.uniform(-4, 4), rng.uniform(0.94, 1.06)
            )
            turned[:, 2] += rng.uniform(-0.04, 0.04, 2) * width
            altered = cv2.warpAffine(
                photo, turned, (width, height), borderMode=cv2.BORDER_REPLICATE
            )
            rows.append(altered[:, ::-1] if copy % 2 else altered)
    x = torch.from_numpy(np.stack(rows).reshape(len(rows), -1))
    mean = x.mean(0)
    q = min(count + 20, *x.shape)
    torch.manual_seed(seed)  # the low-rank decomposition starts at random
    _, spread, directions = torch.svd_lowrank(x - mean, q=q, niter=3)
    kept = min(count, q)
    components = directions[:, :kept] * (spread[:kept] / len(x) ** 0.5)
    return mean.numpy(), components.T.contiguous().numpy()


def save_knowledge(knowledge: Knowledge, path: Path) -> None:
    """Write a threat model as arrays."""
    arrays = vars(knowledge) | {"threat_model": np.array(knowledge.threat_model)}
    write_arrays(path, **arrays)


def load_knowledge(path: Path) -> Knowledge:
    """Read a threat model; MifaceError if it has not been written."""
    try:
        arrays = read_arrays(path)
    except FileNotFoundError:
        raise MifaceError(f"{path}: no such file; make it with: dvc repro knowledge") from None
    return Knowledge(threat_model=str(arrays.pop("threat_model")), **arrays)
