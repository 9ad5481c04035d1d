"""Independent recognisers: judges of recovered images that no target model or attack ever sees.

They are fitted on the held-out photos alone, and differ in kind, since one kind can be fooled: a
linear recogniser can name a person from an image in which nobody sees a face.
"""

from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from skimage.feature import hog
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from torch import Tensor, nn

Images = NDArray[np.floating]
Scores = NDArray[np.float64]

_COPIES = 20  # altered copies of each photo to fit on: three photos a person are few


class Recogniser(Protocol):
    """Anything that gives images [n, H, W] a log-probability [n, P] for each person."""

    def __call__(self, images: Images) -> Scores:
        """Give log-probabilities [n, P]."""
        ...


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


def _halved(images: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = images.shape[1:]
    size = (width // 2, height // 2)
    return np.stack([cv2.resize(i, size, interpolation=cv2.INTER_AREA) for i in images])


def _pixels(images: NDArray[np.float32]) -> NDArray[np.float32]:
    return _halved(images).reshape(len(images), -1)


def _shape(images: NDArray[np.float32]) -> NDArray[np.float32]:
    blurred = [cv2.GaussianBlur(image, (0, 0), 1.0) for image in images]
    cell = max(4, images.shape[1] // 11)
    return np.stack(
        [hog(i, orientations=9, pixels_per_cell=(cell, cell), cells_per_block=(2, 2))
         for i in blurred]
    ).astype(np.float32)  # fmt: skip


class _Linear:
    """Principal components and linear discriminants of some features of an image."""

    def __init__(
        self,
        features: Callable[[NDArray[np.float32]], NDArray[np.float32]],
        images: NDArray[np.float32],
        person: NDArray[np.int64],
    ) -> None:
        self.features = features
        x = features(images)
        components = min(150, *(side - 1 for side in x.shape))
        self.pipeline = make_pipeline(
            PCA(components, svd_solver="full"),
            LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.02),
        )
        self.pipeline.fit(x, person)

    def __call__(self, images: Images) -> Scores:
        scores = self.pipeline.decision_function(self.features(standardise(images)))
        if scores.ndim == 1:  # two people: scikit-learn gives the second's advantage
            scores = np.column_stack([-scores / 2, scores / 2])
        return _log_softmax(scores)


def _log_softmax(scores: Scores) -> Scores:
    shifted = scores - scores.max(1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))


class _Network:
    """A small convolutional network on images of half the size."""

    def __init__(self, images: NDArray[np.float32], person: NDArray[np.int64], seed: int) -> None:
        torch.manual_seed(seed)
        x, y = self._inputs(images), torch.from_numpy(person)
        blocks: list[nn.Module] = []
        for inputs, outputs in ((1, 16), (16, 32), (32, 64)):
            blocks += [
                nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs),
                nn.ReLU(), nn.MaxPool2d(2),
            ]  # fmt: skip
        people = int(person.max()) + 1
        self.network = nn.Sequential(
            *blocks, nn.AdaptiveAvgPool2d((6, 5)), nn.Flatten(), nn.Dropout(0.3),
            nn.Linear(64 * 30, people),
        )  # fmt: skip
        epochs, size, rate = 6, 64, 3e-3
        steps = epochs * -(-len(x) // size)
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=rate, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
        for _ in range(epochs):
            for rows in torch.randperm(len(x)).split(size):
                optimiser.zero_grad()
                loss = nn.functional.cross_entropy(
                    self.network(x[rows]), y[rows], label_smoothing=0.1
                )
                loss.backward()
                optimiser.step()
                schedule.step()
        self.network.eval()

    @staticmethod
    def _inputs(images: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(_halved(images)).unsqueeze(1)

    @torch.no_grad()
    def __call__(self, images: Images) -> Scores:
        logits = self.network(self._inputs(standardise(images)))
        return np.asarray(torch.log_softmax(logits.double(), 1).numpy())


def fit_recognisers(images: Images, person: NDArray[np.int64], seed: int) -> dict[str, Recogniser]:
    """Fit one recogniser of each kind on photos that the target models never saw.

    Parameters
    ----------
    images
        [n, H, W], the held-out photos.
    person
        int64 [n], whose they are; 0 to P − 1, everybody at least once.
    seed
        Seed of the altered copies and of the network.

    Returns
    -------
    dict
        ``pixels`` (principal components and linear discriminants of the pixels), ``shape`` (the
        same of histograms of oriented gradients; Dalal and Triggs, 2005) and ``network`` (a small
        convolutional network).
    """
    rng = np.random.default_rng(seed)
    x = standardise(images)
    copies = np.concatenate([x, x[:, :, ::-1], *(alter(x, rng) for _ in range(_COPIES))])
    labels = np.tile(person, len(copies) // len(x))
    # Histograms are slow and vary less from copy to copy: half the copies do.
    half = len(x) * (2 + _COPIES // 2)
    return {
        "pixels": _Linear(_pixels, copies, labels),
        "shape": _Linear(_shape, copies[:half], labels[:half]),
        "network": _Network(copies, labels, seed),
    }
