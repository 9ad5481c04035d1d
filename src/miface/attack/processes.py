"""PROCESS of MI-FACE: what is done to every candidate image before its cost is taken."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from miface.attack.gradients import blur
from miface.params.attacks import NonLocalMeans, ProcessName

Process = Callable[[Tensor], Tensor]
"""Maps images [R, H, W], grey values about [0, 1], to images [R, H, W]."""

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


def process_named(name: ProcessName, how: NonLocalMeans) -> Process | None:
    """Give a PROCESS by its name in ``params.yaml``; None is the identity."""
    match name:
        case "identity":
            return None
        case "clamp":
            return clamp
        case "blur":
            return smooth
        case "non_local_means":
            return partial(denoise, how=how)
        case "process_dae":
            # Decoding before and encoding after come with the space that is searched (CodeSpace).
            return partial(denoise_and_sharpen, how=how)
