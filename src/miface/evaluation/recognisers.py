"""Independent recognisers: judges of recovered images that no target model or attack ever sees.

They are fitted on the held-out photos alone, and differ in kind, since one kind can be fooled: a
linear recogniser can name a person from an image in which nobody sees a face.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from scipy.special import log_softmax
from skimage.feature import hog
from torch import Tensor, nn

from miface.files import written_whole
from miface.models.optimisers import Adam

Images = NDArray[np.floating]
Scores = NDArray[np.float64]

_COPIES = 20  # altered copies of each photo to fit on: three photos a person are few
_COMPONENTS = 150


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


_FEATURES: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "pixels": _pixels,
    "shape": _shape,
}


class LinearRecogniser:
    """Scores that are linear in some features of an image.

    Parameters
    ----------
    kind
        Which features: ``pixels`` or ``shape``.
    weight, bias
        float32 [P, f] and [P].
    """

    def __init__(self, kind: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        self.kind, self.weight, self.bias = kind, weight, bias

    @classmethod
    def fit(
        cls, kind: str, images: NDArray[np.float32], person: NDArray[np.int64], seed: int
    ) -> "LinearRecogniser":
        """Fit principal components, and linear discriminants of these: together one linear map."""
        from sklearn.decomposition import PCA
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        x = _FEATURES[kind](images)
        components = min(_COMPONENTS, *(side - 1 for side in x.shape))
        pca = PCA(components, svd_solver="randomized", random_state=seed % 2**32)
        lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.02)
        lda.fit(pca.fit_transform(x), person)
        weight = lda.coef_ @ pca.components_
        bias = lda.intercept_ - weight @ pca.mean_
        if len(weight) == 1:  # two people: scikit-learn gives the second's advantage
            weight, bias = (np.concatenate([-a / 2, a / 2]) for a in (weight, bias))
        return cls(kind, weight.astype(np.float32), bias.astype(np.float32))

    def __call__(self, images: Images) -> Scores:
        """Give log-probabilities [n, P]."""
        features = _FEATURES[self.kind](standardise(images)).astype(np.float64)
        return np.asarray(log_softmax(features @ self.weight.T + self.bias, axis=1))


class NetworkRecogniser:
    """A small convolutional network on images of half the size.

    Parameters
    ----------
    people
        P.
    """

    def __init__(self, people: int) -> None:
        blocks: list[nn.Module] = []
        for inputs, outputs in ((1, 16), (16, 32), (32, 64)):
            blocks += [
                nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs),
                nn.MaxPool2d(2), nn.ReLU(),
            ]  # fmt: skip
        self.network = nn.Sequential(
            *blocks, nn.AdaptiveAvgPool2d((6, 5)), nn.Flatten(), nn.Dropout(0.3),
            nn.Linear(64 * 30, people),
        ).eval()  # fmt: skip
        # Twice as fast on a CPU.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def fit(
        cls, images: NDArray[np.float32], person: NDArray[np.int64], seed: int
    ) -> "NetworkRecogniser":
        """Train on the cross-entropy with smoothed labels."""
        torch.manual_seed(seed)
        recogniser = cls(int(person.max()) + 1)
        x, y = recogniser._inputs(images), torch.from_numpy(person)
        epochs, size = 6, 64
        optimiser = Adam(
            recogniser.network.parameters(), peak=3e-3, steps=epochs * -(-len(x) // size)
        )
        recogniser.network.train()
        for _ in range(epochs):
            for rows in torch.randperm(len(x)).split(size):
                nn.functional.cross_entropy(
                    recogniser.network(x[rows]), y[rows], label_smoothing=0.1
                ).backward()
                optimiser.step()
        recogniser.network.eval()
        return recogniser

    @staticmethod
    def _inputs(images: NDArray[np.float32]) -> Tensor:
        inputs = torch.from_numpy(_halved(images)).unsqueeze(1)
        return inputs.contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def __call__(self, images: Images) -> Scores:
        """Give log-probabilities [n, P]."""
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
        "pixels": LinearRecogniser.fit("pixels", copies, labels, seed),
        "shape": LinearRecogniser.fit("shape", copies[:half], labels[:half], seed),
        "network": NetworkRecogniser.fit(copies, labels, seed),
    }


def save_recognisers(recognisers: Mapping[str, Recogniser], path: Path) -> None:
    """Write what `fit_recognisers` gives; the same recognisers give the same bytes."""
    tensors: dict[str, Tensor] = {}
    for name, recogniser in recognisers.items():
        if isinstance(recogniser, LinearRecogniser):
            tensors[f"{name}.weight"] = torch.from_numpy(recogniser.weight)
            tensors[f"{name}.bias"] = torch.from_numpy(recogniser.bias)
        elif isinstance(recogniser, NetworkRecogniser):
            state = recogniser.network.state_dict()
            tensors |= {f"{name}.{key}": value.contiguous() for key, value in state.items()}
    with written_whole(path) as beside:
        save_file(tensors, beside)


def load_recognisers(path: Path) -> dict[str, Recogniser]:
    """Read what `save_recognisers` wrote."""
    tensors = load_file(path)
    network = NetworkRecogniser(len(tensors["pixels.bias"]))
    prefix = "network."
    network.network.load_state_dict(
        {key.removeprefix(prefix): t for key, t in tensors.items() if key.startswith(prefix)}
    )
    linear = {
        kind: LinearRecogniser(
            kind, tensors[f"{kind}.weight"].numpy(), tensors[f"{kind}.bias"].numpy()
        )
        for kind in _FEATURES
    }
    return {**linear, "network": network}
