"""Images on the way: what a face looks like while it emerges."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Snapshots:
    """Iterates of each row, to be looked at.

    Parameters
    ----------
    at
        int64 [S], the iterations to keep, rising.
    rows
        R.
    size
        (height, width) of images.

    Attributes
    ----------
    at
        As given.
    frames
        uint8 [R, S, H, W]; zeros where a row had stopped before.
    limits
        float32 [R, S, 2], the grey values in pixel units that 0 and 255 stand for.
    """

    def __init__(self, at: NDArray[np.int64], rows: int, size: tuple[int, int]) -> None:
        self.at = at
        self._places = {int(i): k for k, i in enumerate(at)}
        self.frames = np.zeros((rows, len(at), *size), np.uint8)
        self.limits = np.zeros((rows, len(at), 2), np.float32)

    def keep(self, i: int, rows: Tensor, images: Callable[[], Tensor]) -> None:
        """Keep `images` [R, H·W] of `rows` if iteration i is one of those kept."""
        if i not in self._places:
            return
        x = images()
        low, high = x.amin(1), x.amax(1)
        unit = ((high - low) / 255).clamp(min=1e-30)
        frames = ((x - low[:, None]) / unit[:, None]).round().to(torch.uint8)
        on, k = rows.cpu().numpy(), self._places[i]
        self.frames[on, k] = frames.cpu().numpy().reshape(-1, *self.frames.shape[2:])
        self.limits[on, k] = torch.stack([low, high], 1).cpu().numpy()


def snapshot_iterations(count: int, alpha: int) -> NDArray[np.int64]:
    """Space at most `count` iterations from 1 to α evenly on a logarithmic scale: int64 [S]."""
    return np.unique(np.geomspace(alpha, 1, count).round().astype(np.int64))
