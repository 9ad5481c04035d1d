"""A judge by grey values."""

import numpy as np
from numpy.typing import NDArray

from miface.evaluation.judges.judge import halved
from miface.evaluation.judges.linear import LinearJudge


class Pixels(LinearJudge):
    """Principal components and linear discriminants of the pixels of images of half the size."""

    @staticmethod
    def features(images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the pixels."""
        return halved(images).reshape(len(images), -1)
