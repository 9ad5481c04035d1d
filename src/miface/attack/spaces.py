"""Spaces that the attack moves in: each point is an image."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from miface.attack.estimators import cosines
from miface.recognisers.recogniser import Coded, Size

if TYPE_CHECKING:
    from miface.attack.case import Case


class Space(Protocol):
    """Points [R, k] and their images [R, H·W] in pixel units (photos are [0, 1])."""

    dimensions: int

    def images(self, points: Tensor) -> Tensor:
        """Map points [R, k] to images [R, H·W]."""
        ...

    def points(self, images: Tensor) -> Tensor:
        """Map images [R, H·W] to points [R, k], whose images may be less than these."""
        ...


class PixelSpace:
    """The grey values themselves."""

    def __init__(self, pixels: int) -> None:
        self.dimensions = pixels

    def images(self, points: Tensor) -> Tensor:
        """Points are images."""
        return points

    def points(self, images: Tensor) -> Tensor:
        """Images are points."""
        return images


class CodeSpace:
    """The codes of an autoencoder: the classifier on top of it sees nothing else."""

    def __init__(self, network: Coded) -> None:
        self.network = network
        self.dimensions = network.classifier.first.in_features

    def images(self, points: Tensor) -> Tensor:
        """Decode."""
        return self.network.decode(points)

    def points(self, images: Tensor) -> Tensor:
        """Encode."""
        return self.network.encode(images)

    def logits(self, points: Tensor) -> Tensor:
        """Ask the classifier: float [R, P]."""
        logits: Tensor = self.network.classifier(points)
        return logits


class FrequencySpace:
    r"""Cosines from coarse to fine: the lower half of the frequencies in each direction.

    A coefficient is in units of 1/(1 + f) with f its frequency, so that the same step makes broad
    changes before fine ones, as photos have them.

    Parameters
    ----------
    size
        (height, width) of images.
    device
        Where the bases are.
    """

    def __init__(self, size: Size, device: torch.device) -> None:
        height, width = size
        self.down = cosines(height)[: math.ceil(height / 2)].to(device)
        self.across = cosines(width)[: math.ceil(width / 2)].to(device)
        rows = torch.arange(len(self.down), device=device)[:, None]
        columns = torch.arange(len(self.across), device=device)[None] * (height / width)
        frequency = (rows.square() + columns.square()).sqrt()
        self.scale = math.sqrt(height * width) / 4 / (1 + frequency)
        self.dimensions = self.scale.numel()

    def images(self, points: Tensor) -> Tensor:
        """Add up the cosines."""
        coefficients = points.view(-1, *self.scale.shape) * self.scale
        return (self.down.T @ coefficients @ self.across).flatten(1)

    def points(self, images: Tensor) -> Tensor:
        """Give the coefficients of the nearest image that these cosines can make."""
        x = images.view(-1, self.down.shape[1], self.across.shape[1])
        return (self.down @ x @ self.across.T / self.scale).flatten(1)


# A rest in units so long moves so much slower than the coefficients: the prior goes first.
_REST_UNIT = 0.2


class PriorSpace:
    """Principal components of public faces, and cosines for what they cannot show.

    Parameters
    ----------
    mean
        float [H·W], the mean of public photos: the image of the origin.
    components
        float [c, H·W], each scaled by the photos' spread along it.
    size
        (height, width) of images.
    """

    def __init__(self, mean: Tensor, components: Tensor, size: Size) -> None:
        self.mean, self.components = mean, components
        self.rest = FrequencySpace(size, mean.device)
        self.dimensions = len(components) + self.rest.dimensions

    def split(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Give the coefficients [R, c] and the points of the rest."""
        count = len(self.components)
        return points[:, :count], points[:, count:] * _REST_UNIT

    def images(self, points: Tensor) -> Tensor:
        """Add up mean, components and rest."""
        coefficients, rest = self.split(points)
        return torch.addmm(self.mean, coefficients, self.components) + self.rest.images(rest)

    def points(self, images: Tensor) -> Tensor:
        """Put an image wholly into the rest."""
        rest = self.rest.points(images - self.mean) / _REST_UNIT
        return torch.cat([rest.new_zeros(len(rest), len(self.components)), rest], 1)


def _pixels(case: Case) -> Space:
    return PixelSpace(case.size[0] * case.size[1])


def _codes(case: Case) -> Space:
    recogniser = case.recogniser
    assert isinstance(recogniser, Coded)
    return CodeSpace(recogniser)


def _frequencies(case: Case) -> Space:
    return FrequencySpace(case.size, case.device)


def _prior(case: Case) -> Space:
    of = case.knowledge.mean, case.knowledge.components
    mean, components = (torch.from_numpy(array).to(case.device) for array in of)
    return PriorSpace(mean, components, case.size)


SPACES: dict[str, Callable[[Case], Space]] = {
    "pixels": _pixels,
    "codes": _codes,
    "frequencies": _frequencies,
    "prior": _prior,
}
"""How the space of a case is made, by its name in ``params.yaml``."""
