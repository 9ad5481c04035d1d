"""What every judge is: a recogniser of its own that no attacked model or attack ever sees.

Judges are fitted on the held-out photos alone, and differ in kind, since one kind can be fooled: a
linear recogniser can name a person from an image in which nobody sees a face.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Images = NDArray[np.floating]
Scores = NDArray[np.float64]

COPIES = 20
"""Altered copies of each photo to fit on: three photos a person are few."""


@dataclass(frozen=True)
class Examples:
    """What judges are fitted on: photos and altered copies of them.

    Attributes
    ----------
    images
        float32 [n, H, W], standardised: all photos, then all mirrored, then the altered copies, in
        rounds of one each.
    person
        int64 [n], whose they are; 0 to P − 1, everybody at least once.
    photos
        How many are the photos themselves.
    """

    images: NDArray[np.float32]
    person: NDArray[np.int64]
    photos: int


class Judge(ABC):
    """A recogniser that says for images whom it sees.

    A module of this package that defines one adds it to all of miface, under the module's name.
    """

    @classmethod
    @abstractmethod
    def fit(cls, examples: Examples, seed: int) -> Self:
        """Fit one on examples."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Give what it has learnt, as `restored` takes it."""

    @classmethod
    @abstractmethod
    def restored(cls, state: Mapping[str, Tensor]) -> Self:
        """Make one of what `state` gave."""

    @abstractmethod
    def __call__(self, images: Images) -> Scores:
        """Give images [n, H, W] a log-probability [n, P] for each person."""


def standardise(images: Images) -> NDArray[np.float32]:
    """Bring images [n, H, W] to mean 0 and deviation 1, each on its own, limited to ±3."""
    x = images.astype(np.float32)
    x = x - x.mean((1, 2), keepdims=True)
    deviation = x.std((1, 2), keepdims=True)
    return np.asarray((x / np.where(deviation > 0, deviation, 1)).clip(-3, 3))


def alter(images: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Turn, scale, shift and mirror images [n, H, W] at random, a little, as a head moves."""
    height, width = images.shape[1:]
    altered = np.empty_like(images)
    for index, image in enumerate(images):
        turned = cv2.getRotationMatrix2D(
            (width / 2, height / 2), rng.uniform(-8, 8), rng.uniform(0.93, 1.07)
        )
        turned[:, 2] += rng.uniform(-0.04, 0.04, 2) * width
        if rng.random() < 0.5:
            image = np.ascontiguousarray(image[:, ::-1])
        altered[index] = cv2.warpAffine(
            image, turned, (width, height), borderMode=cv2.BORDER_REPLICATE
        )
    return altered


def halved(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average images [n, H, W] over two by two pixels."""
    height, width = images.shape[1:]
    size = (width // 2, height // 2)
    return np.stack([cv2.resize(i, size, interpolation=cv2.INTER_AREA) for i in images])


def make_examples(images: Images, person: NDArray[np.int64], seed: int) -> Examples:
    """Make examples of photos [n, H, W] and whose they are, with altered copies drawn by a seed."""
    rng = np.random.default_rng(seed)
    x = standardise(images)
    copies = np.concatenate([x, x[:, :, ::-1], *(alter(x, rng) for _ in range(COPIES))])
    return Examples(copies, np.tile(person, len(copies) // len(x)), len(x))
