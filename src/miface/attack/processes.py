"""PROCESS of MI-FACE: what is done to every candidate image before its cost is taken."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from miface.attack.gradients import blur

Process = Callable[[Tensor], Tensor]
"""Maps images [R, H, W], grey values about [0, 1], to images [R, H, W]."""

# Unsharp masking with the four neighbours: the kernel that OpenCV's tutorials call "sharpen".
_SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], dtype=np.float32)


def clamp(x: Tensor) -> Tensor:
    """Limit grey values to [0, 1]."""
    return x.clamp(0, 1)


def denoise(x: Tensor) -> Tensor:
    """Non-local means (Buades et al., 2005) on 8-bit grey values, as OpenCV has it."""
    eight_bit = (x.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    with ThreadPoolExecutor() as pool:  # OpenCV lets go of the interpreter while it works
        denoised = np.stack(list(pool.map(_denoise_one, eight_bit)))
    return torch.from_numpy(denoised).to(x) / 255


def _denoise_one(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # OpenCV's own defaults but for the strength, 10 of 255 grey values as its tutorial takes.
    return np.asarray(cv2.fastNlMeansDenoising(image, None, 10, 7, 21), dtype=np.uint8)


def denoise_and_sharpen(x: Tensor) -> Tensor:
    """Non-local means, then sharpening: the two inner steps of PROCESS-DAE."""
    sharpened = [cv2.filter2D(image, -1, _SHARPEN) for image in denoise(x).cpu().numpy()]
    return torch.from_numpy(np.stack(sharpened)).to(x)


def smooth(x: Tensor) -> Tensor:
    """Blur with a Gaussian of standard deviation 1 pixel."""
    return blur(x, 1.0)


PROCESSES: dict[str, Process | None] = {
    "identity": None,
    "clamp": clamp,
    "blur": smooth,
    "non_local_means": denoise,
    # Decoding before and encoding after come with the space that is searched (CodeSpace).
    "process_dae": denoise_and_sharpen,
}
