"""What a given recogniser expects of photos and what its scores are: read off, then tried."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from miface.errors import MifaceError

Axes = Literal["channels first", "channels last", "no channels", "rows"]
Scores = Literal["logits", "log-probabilities", "probabilities"]

ASKED = 6
"""Photos that `tried` asks about."""

_SUM = 1e-3  # how far sums of rounded probabilities may be from 1


@dataclass(frozen=True)
class Shape:
    """What a recogniser takes.

    Attributes
    ----------
    size
        (height, width) of photos.
    channels
        1, grey, or 3, red, green and blue.
    axes
        Where the channels are; "rows" has all values of a photo in one axis, channels first.
    batch
        How many photos it takes at a time; None for any number.
    """

    size: tuple[int, int]
    channels: int
    axes: Axes
    batch: int | None

    def arrange(self, x: Tensor) -> Tensor:
        """Arrange grey photos [B, H·W] as the recogniser takes them, grey in every channel."""
        height, width = self.size
        if self.axes == "no channels":
            return x.reshape(-1, height, width)
        photos = x.reshape(-1, 1, height, width).expand(-1, self.channels, -1, -1)
        if self.axes == "channels last":
            return photos.permute(0, 2, 3, 1)
        return photos.flatten(1) if self.axes == "rows" else photos


def shape(path: Path, given: tuple[int | None, ...], size: tuple[int, int] | None = None) -> Shape:
    """Read off what a recogniser takes.

    Parameters
    ----------
    path
        Its file, for messages.
    given
        The sizes of its input, the batch first; None where any will do.
    size
        (height, width) of photos, where the input leaves them open.

    Raises
    ------
    MifaceError
        If the input is no batch of photos, leaves the size open and none is set, or is of another
        size than set.
    """
    batch, rest = (given[0], given[1:]) if given else (None, ())
    found = "×".join("any" if n is None else str(n) for n in given) or "a single number"
    if len(rest) == 1:
        return _rows(path, batch, rest[0], size)
    axes: Axes
    if len(rest) == 3 and rest[0] in (1, 3):
        axes, channels, sides = "channels first", rest[0], rest[1:]
    elif len(rest) == 3 and rest[2] in (1, 3):
        axes, channels, sides = "channels last", rest[2], rest[:2]
    elif len(rest) == 2:
        axes, channels, sides = "no channels", 1, rest
    else:
        raise MifaceError(
            f"{path}: found an input of {found}, expected a batch of photos with 1 or 3 channels; "
            "wrap the model so that it takes batch × channels × height × width, and export it again"
        )
    if size is None and None in sides:
        raise MifaceError(
            f"{path}: found an input of {found}, which leaves the size of photos open; set the "
            "size (height, width)"
        )
    wanted = size or (sides[0] or 0, sides[1] or 0)
    if any(n not in (None, m) for n, m in zip(sides, wanted, strict=True)) or 0 in wanted:
        raise MifaceError(
            f"{path}: found an input of {found}, expected photos of {wanted[0]}×{wanted[1]}; set "
            "the size that the model takes"
        )
    return Shape(wanted, channels or 1, axes, batch)


def _rows(path: Path, batch: int | None, values: int | None, size: tuple[int, int] | None) -> Shape:
    if size is None:
        raise MifaceError(
            f"{path}: found photos as rows of {values or 'any number of'} values, which leaves "
            "their size open; set the size (height, width)"
        )
    for channels in (1, 3):
        if values in (None, channels * size[0] * size[1]):
            return Shape(size, channels, "rows", batch)
    raise MifaceError(
        f"{path}: found photos as rows of {values} values, expected {size[0]}×{size[1]} = "
        f"{math.prod(size)}, or three times that; set the size that the model takes"
    )


@torch.no_grad()
def tried(path: Path, network: Callable[[Tensor], Tensor], pixels: int) -> tuple[Scores, int]:
    """Ask a recogniser about photos of noise; give what its scores are and how many labels.

    Parameters
    ----------
    path
        Its file, for messages.
    network
        Maps grey photos [B, H·W] in [0, 1] to scores.
    pixels
        H·W.

    Raises
    ------
    MifaceError
        If the scores are not one row for each photo, are of fewer than two labels, not finite,
        the same for every photo, others when asked again, or others beside other photos.
    """
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand((ASKED - 2, pixels), generator=generator)
    photos = torch.cat([torch.zeros(1, pixels), torch.ones(1, pixels), noise])
    scores = network(photos)
    found = "×".join(str(n) for n in scores.shape) or "a single number"
    if scores.dim() != 2 or len(scores) != len(photos) or scores.shape[1] < 2:
        raise MifaceError(
            f"{path}: found scores of {found} for {len(photos)} photos, expected a row for each "
            "photo with two labels or more; export the model with its last layer, and a batch"
        )
    if not scores.isfinite().all():
        raise MifaceError(
            f"{path}: found scores that are not finite for photos in [0, 1]; look whether the "
            "weights are finite, and export the model again"
        )
    if torch.equal(scores, scores[:1].expand_as(scores)):
        raise MifaceError(
            f"{path}: found the same scores for black, white and noise; look whether the model "
            "is trained and its range of values is right"
        )
    if not torch.equal(scores, network(photos)):
        raise MifaceError(
            f"{path}: found other scores for the same photos when asked again; export the model "
            "in evaluation mode: torch.export.export(model.eval(), (example,))"
        )
    if not torch.allclose(scores[:1], network(photos[:1]), rtol=1e-3, atol=1e-4):
        raise MifaceError(
            f"{path}: found scores of a photo that depend on the photos beside it, as batch "
            "normalisation gives in training; export the model in evaluation mode: "
            "torch.export.export(model.eval(), (example,))"
        )
    return kind(scores), scores.shape[1]


def kind(scores: Tensor) -> Scores:
    """Tell what scores [B, P] are: rows that sum to 1 are probabilities, or their logarithms."""
    one = torch.ones(len(scores), dtype=scores.dtype)
    if bool((scores >= 0).all()) and torch.allclose(scores.sum(1), one, atol=_SUM):
        return "probabilities"
    if bool((scores <= 0).all()) and torch.allclose(scores.exp().sum(1), one, atol=_SUM):
        return "log-probabilities"
    return "logits"
