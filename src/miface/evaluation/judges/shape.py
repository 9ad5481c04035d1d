"""A judge by shape."""

from dataclasses import replace
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import hog

from miface.evaluation.judges.judge import COPIES, Examples
from miface.evaluation.judges.linear import LinearJudge


class Shape(LinearJudge):
    """The same of histograms of oriented gradients (Dalal and Triggs, 2005)."""

    @classmethod
    def fit(cls, examples: Examples, seed: int) -> Self:
        """Fit on half of the copies: histograms are slow, and vary less from copy to copy."""
        half = examples.photos * (2 + COPIES // 2)
        fewer = replace(examples, images=examples.images[:half], person=examples.person[:half])
        return super().fit(fewer, seed)

    @staticmethod
    def features(images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the histograms of slightly blurred images."""
        blurred = [cv2.GaussianBlur(image, (0, 0), 1.0) for image in images]
        cell = max(4, images.shape[1] // 11)
        return np.stack(
            [hog(i, orientations=9, pixels_per_cell=(cell, cell), cells_per_block=(2, 2))
             for i in blurred]
        ).astype(np.float32)  # fmt: skip
