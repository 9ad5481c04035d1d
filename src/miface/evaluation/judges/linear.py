"""Judges whose scores are linear in some features of an image."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax
from torch import Tensor

from miface.evaluation.judges.judge import Examples, Images, Judge, Scores, standardise

_COMPONENTS = 150


class LinearJudge(Judge):
    """Principal components of some features, and linear discriminants of these.

    Parameters
    ----------
    weight, bias
        float32 [P, f] and [P].
    """

    def __init__(self, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        self.weight, self.bias = weight, bias

    @staticmethod
    @abstractmethod
    def features(images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map standardised images [n, H, W] to features [n, f]."""

    @classmethod
    def fit(cls, examples: Examples, seed: int) -> Self:
        """Fit both: together they are one linear map."""
        from sklearn.decomposition import PCA
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        x = cls.features(examples.images)
        components = min(_COMPONENTS, *(side - 1 for side in x.shape))
        pca = PCA(components, svd_solver="randomized", random_state=seed % 2**32)
        lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.02)
        lda.fit(pca.fit_transform(x), examples.person)
        weight = lda.coef_ @ pca.components_
        bias = lda.intercept_ - weight @ pca.mean_
        if len(weight) == 1:  # two people: scikit-learn gives the second's advantage
            weight, bias = (np.concatenate([-a / 2, a / 2]) for a in (weight, bias))
        return cls(weight.astype(np.float32), bias.astype(np.float32))

    def state(self) -> dict[str, Tensor]:
        """Give weight and bias."""
        return {"weight": torch.from_numpy(self.weight), "bias": torch.from_numpy(self.bias)}

    @classmethod
    def restored(cls, state: Mapping[str, Tensor]) -> Self:
        """Make one of weight and bias."""
        return cls(state["weight"].numpy(), state["bias"].numpy())

    def __call__(self, images: Images) -> Scores:
        """Give log-probabilities [n, P]."""
        features = self.features(standardise(images)).astype(np.float64)
        return np.asarray(log_softmax(features @ self.weight.T + self.bias, axis=1))
