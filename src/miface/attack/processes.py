"""PROCESS of MI-FACE: what is done to every candidate image before its cost is taken."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from miface.attack.gradients import blur
from miface.params.base import Count, Group, Positive

Process = Callable[[Tensor], Tensor]
"""Maps images [R, H, W], grey values about [0, 1], to images [R, H, W]."""


class NonLocalMeans(Group):
    """Non-local means (Buades et al., 2005), which PROCESS-DAE denoises with."""

    strength: Positive = Field(
        description="Grey values of 255: how unlike two patches may be that are averaged."
    )
    patch_radius: Count = Field(description="Patches that are compared: 2 r + 1 pixels wide.")
    search_radius: Count = Field(
        description="How many pixels away like patches are looked for. The time grows with its "
        "square, and PROCESS-DAE takes most of its time here."
    )


# Unsharp masking with the four neighbours: the kernel that OpenCV's tutorials call "sharpen".
_SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], dtype=np.float32)


def clamp(x: Tensor) -> Tensor:
    """Limit grey values to [0, 1]."""
    return x.clamp(0, 1)


def denoise(x: Tensor, how: NonLocalMeans) -> Tensor:
    """Non-local means (Buades et al., 2005) on 8-bit grey values, as OpenCV has it."""
    eight_bit = (x.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    patch, search = 2 * how.patch_radius + 1, 2 * how.search_radius + 1

    def denoise_one(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.asarray(
            cv2.fastNlMeansDenoising(image, None, how.strength, patch, search), dtype=np.uint8
        )

    cv2.setNumThreads(1)  # an image a thread, rather than every image on all of them
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        denoised = np.stack(list(pool.map(denoise_one, eight_bit)))
    return torch.from_numpy(denoised).to(x) / 255


def denoise_and_sharpen(x: Tensor, how: NonLocalMeans) -> Tensor:
    """Non-local means, then sharpening: the two inner steps of PROCESS-DAE."""
    sharpened = [cv2.filter2D(image, -1, _SHARPEN) for image in denoise(x, how).cpu().numpy()]
    return torch.from_numpy(np.stack(sharpened)).to(x)


def smooth(x: Tensor) -> Tensor:
    """Blur with a Gaussian of standard deviation 1 pixel."""
    return blur(x, 1.0)


def _identity(how: NonLocalMeans) -> None:
    return None


PROCESSES: dict[str, Callable[[NonLocalMeans], Process | None]] = {
    "identity": _identity,
    "clamp": lambda how: clamp,
    "blur": lambda how: smooth,
    "non_local_means": lambda how: partial(denoise, how=how),
    # Decoding before and encoding after come with the space that is searched (CodeSpace).
    "process_dae": lambda how: partial(denoise_and_sharpen, how=how),
}
"""How each PROCESS is made, by its name in ``params.yaml``; None is the identity."""
