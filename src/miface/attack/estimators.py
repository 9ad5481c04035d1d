r"""Estimators of a face in what an attack gives: the face, and the noise that training began with.

The first layer of an ordinary recogniser is W₀ + ΔW: ΔW is made of training photos, and W₀ is white
noise. So what a gradient gives is something of a face plus white noise of a power N that shows in
the highest frequencies, where photos have nothing. A linear judge averages it away; an eye cannot.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from miface.attack.knowledge import Knowledge
from miface.recognisers.recogniser import Size

_BANDS = torch.logspace(math.log10(0.008), math.log10(1.4), 18)  # of frequencies
_ABOVE = 0.7  # frequencies, in cycles a two pixels, that hold next to nothing of a photo
_MEDIAN_OF_SQUARE = 0.4549  # of a standard normal number


def cosines(length: int) -> Tensor:
    """Give the orthonormal discrete cosine transform: float [length, length]."""
    k, i = torch.arange(length)[:, None].double(), torch.arange(length).double()
    basis = math.sqrt(2 / length) * torch.cos(math.pi * k * (i + 0.5) / length)
    basis[0] /= math.sqrt(2)
    return basis.float()


def frequencies(height: int, width: int) -> Tensor:
    """Give the frequency of each coefficient: float [H, W], 1 where a row alternates."""
    down, across = torch.arange(height)[:, None] / height, torch.arange(width) / width
    frequency = (down.square() + across.square()).sqrt()
    frequency[0, 0] = 0.5 / height
    return frequency


def noise_power(coefficients: Tensor) -> Tensor:
    """Give N of each row of coefficients [n, H, W], from its high frequencies: float [n]."""
    high = frequencies(*coefficients.shape[1:]) > _ABOVE
    return coefficients[:, high].square().median(1).values / _MEDIAN_OF_SQUARE


def signal_power(coefficients: Tensor, noise: Tensor) -> Tensor:
    """Fit the power of each row above noise as a line in log frequency: float [n, H, W].

    The power of natural images falls so (Field, 1987). A band of frequencies counts where its mean
    power exceeds the noise [n] by twice its standard error; with fewer than two, there is no face.
    """
    frequency = frequencies(*coefficients.shape[1:])
    band, logs = torch.bucketize(frequency, _BANDS).flatten(), frequency.log()
    sums = torch.zeros(len(_BANDS) + 1)
    count = torch.bincount(band, minlength=len(sums)).float().clamp(min=1)
    x = sums.index_add(0, band, logs.flatten()) / count
    result = torch.zeros_like(coefficients)
    for row, n, power in zip(result, noise, coefficients.square().flatten(1), strict=True):
        excess = sums.index_add(0, band, power) / count - n
        use = excess > 2 * n * (2 / count).sqrt()
        use[0] = False  # brightness is no part of the line
        if use.sum() < 2:
            continue
        weight, y = count[use].sqrt().clamp(max=12), excess[use].log()
        middle, level = (weight * x[use]).sum() / weight.sum(), (weight * y).sum() / weight.sum()
        apart = x[use] - middle
        slope = (weight * apart * (y - level)).sum() / (weight * apart.square()).sum()
        row.copy_((level + slope.clamp(-6, -1) * (logs - middle)).exp())
    return result


def as_is(found: Tensor, start: Tensor, size: Size, knowledge: Knowledge) -> Tensor:
    """Leave images as the attack found them."""
    return start + found


def wiener(found: Tensor, start: Tensor, size: Size, knowledge: Knowledge) -> Tensor:
    """Keep S/(S + N) of each cosine: Wiener's filter (1949), which knows no photo."""
    down, across = cosines(size[0]).to(found), cosines(size[1]).to(found)
    coefficients = (down @ found.unflatten(1, size) @ across.T).cpu()
    noise = noise_power(coefficients)
    signal = signal_power(coefficients, noise)
    kept = coefficients * signal / (signal + noise[:, None, None]).clamp(min=1e-30)
    return start + (down.T @ kept.to(found) @ across).flatten(1)


def posterior_mean(found: Tensor, start: Tensor, size: Size, knowledge: Knowledge) -> Tensor:
    """Give the likeliest faces, if faces are spread as those of other people are.

    What was found is a (x − mean) + noise; along a principal component of deviation s the estimate
    keeps a s²/(a² s² + N), with a from the power found along all of them.
    """
    components = torch.from_numpy(knowledge.components).to(found)
    spread = components.norm(dim=1)
    along = found @ (components / spread[:, None]).T
    down, across = cosines(size[0]).to(found), cosines(size[1]).to(found)
    noise = noise_power((down @ found.unflatten(1, size) @ across.T).cpu()).mean().to(found)
    power = (along.square().mean(0) - noise).sum().clamp(min=0) / spread.square().sum()
    gain = power.sqrt() / (power * spread.square() + noise)
    return torch.from_numpy(knowledge.mean).to(found) + (along * gain * spread) @ components


Estimator = Callable[[Tensor, Tensor, Size, Knowledge], Tensor]
"""Maps what was found [n, H·W], the image it was found from [H·W], the size, and knowledge."""

ESTIMATORS: dict[str, Estimator] = {
    "as_is": as_is,
    "wiener": wiener,
    "posterior_mean": posterior_mean,
}
"""The estimators by their names in ``params.yaml``."""
