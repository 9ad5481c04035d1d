r"""Estimators of a face in what an attack gives: the face, and the noise that training began with.

The first layer of an ordinary recogniser is W₀ + ΔW: ΔW is made of training photos, and W₀ is white
noise. So what a gradient gives is something of a face plus white noise of a power N that shows in
the highest frequencies, where photos have nothing. A linear judge averages it away; an eye cannot.
An autoencoder's last layer is W₀ + ΔW, too, and puts the same noise on what a code is decoded to.
"""

import math
from collections.abc import Callable

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from miface.attack.knowledge import Knowledge
from miface.recognisers.recogniser import Size

_BANDS = torch.logspace(math.log10(0.008), math.log10(1.4), 40)  # of frequencies
_SMOOTH = 4.0  # coefficients, the deviation of a Gaussian
_ABOVE = 0.7  # frequencies, in cycles a two pixels, that hold next to nothing of a photo
_COARSE = 0.35  # frequencies that hold nearly all of a photo
_STATIONARY = 0.3  # ρ
LEAST = 1e-30
"""Of a power: what is nothing at all can be divided by it."""
_MEDIAN_OF_SQUARE = 0.4549  # of a standard normal number


def cosines(length: int) -> Tensor:
    """Give the orthonormal discrete cosine transform, lowest first: float [length, length]."""
    k, i = torch.arange(length)[:, None].double(), torch.arange(length).double()
    basis = math.sqrt(2 / length) * torch.cos(math.pi * k * (i + 0.5) / length)
    basis[0] /= math.sqrt(2)
    return basis.float()


def to_cosines(images: Tensor, size: Size) -> Tensor:
    """Give the coefficients [n, H, W] of images [n, H·W]."""
    down, across = (cosines(length).to(images) for length in size)
    return down @ images.unflatten(1, size) @ across.T


def from_cosines(coefficients: Tensor) -> Tensor:
    """Give the images [n, H·W] of coefficients [n, H, W]."""
    down, across = (cosines(length).to(coefficients) for length in coefficients.shape[1:])
    return (down.T @ coefficients @ across).flatten(1)


def coarse_cosines(size: Size, first: int, last: int) -> Tensor:
    """Give the cosines from the coarsest on as images of length 1: float [last − first, H·W]."""
    down, across = (cosines(length) for length in size)
    which = _coarse_order(size)[first:last]
    row, column = which // size[1], which % size[1]
    return (down[row][:, :, None] * across[column][:, None, :]).flatten(1)


def coarse_frequencies(size: Size, first: int, last: int) -> Tensor:
    """Give the frequencies of `coarse_cosines`: float [last − first], rising."""
    return frequencies(*size).flatten()[_coarse_order(size)[first:last]]


def _coarse_order(size: Size) -> Tensor:
    return frequencies(*size).flatten().argsort(stable=True)


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


def signal_to_noise(coefficients: Tensor, noise: Tensor) -> Tensor:
    """Give the mean power of a face at each coefficient, in units of the noise: float [H, W].

    From what all rows [n, H, W] have together above their noise [n]: what faces have in common is
    how their power is spread (Efron and Morris, 1973: empirical Bayes). Smoothed, as spectra are.
    """
    together = (coefficients.square() / noise[:, None, None].clamp(min=LEAST)).mean(0) - 1
    return torch.from_numpy(gaussian_filter(together.numpy(), _SMOOTH)).clamp(min=0)


def as_is(found: Tensor, start: Tensor, size: Size, knowledge: Knowledge) -> Tensor:
    """Leave images as the attack found them."""
    return start + found


def wiener(found: Tensor, start: Tensor, size: Size, knowledge: Knowledge) -> Tensor:
    """Keep S/(S + N) of each cosine: Wiener's filter (1949), which knows no photo."""
    coefficients = to_cosines(found, size).cpu()
    ratio = signal_to_noise(coefficients, noise_power(coefficients))
    return start + from_cosines((coefficients * ratio / (ratio + 1)).to(found))


def posterior_mean(found: Tensor, start: Tensor, size: Size, knowledge: Knowledge) -> Tensor:
    r"""Give the likeliest faces, if faces are normal with what photos of other people tell.

    What was found is a (x − mean) + noise of power N, so the estimate is
    mean + a Σ (a² Σ + N)⁻¹ found, with a from the power found in coarse cosines. The covariance of
    a few people shows nobody else, so it is drawn towards a stationary one, as Ledoit and Wolf
    (2004) draw towards a multiple of 1: Σ = (1 − ρ) Cᵀ C + ρ diag(T), in cosines, with the
    principal components C and the mean power T of the photos at each frequency.
    """
    mean = torch.from_numpy(knowledge.mean).to(found)
    photos = torch.from_numpy(knowledge.photos).to(found).flatten(1)
    e = to_cosines(found, size)
    noise = noise_power(e.cpu()).mean().to(found)
    frequency = frequencies(*size).to(found)
    t = at_each_frequency(to_cosines(photos - mean, size).square().mean(0), frequency).flatten()
    components = to_cosines(torch.from_numpy(knowledge.components).to(found), size).flatten(1)
    e, coarse = e.flatten(1), frequency.flatten() < _COARSE
    power = (e[:, coarse].square().mean(0) - noise).sum().clamp(min=0) / t[coarse].sum()
    # (diag(d) + vᵀ v)⁻¹ e by Woodbury's formula: a system of as many equations as components.
    d = (power * _STATIONARY * t + noise).clamp(min=LEAST)
    v = components * (power * (1 - _STATIONARY)).sqrt()
    inner = torch.eye(len(v)).to(found) + (v / d) @ v.T
    y = e / d - torch.linalg.solve(inner, (v / d) @ e.T).T @ (v / d)
    along = (1 - _STATIONARY) * (y @ components.T) @ components
    estimate = power.sqrt() * (_STATIONARY * t * y + along)
    return mean + from_cosines(estimate.unflatten(1, size))


def at_each_frequency(power: Tensor, frequency: Tensor) -> Tensor:
    """Give each coefficient [H, W] the mean power of those of about its frequency [H, W]."""
    band = torch.bucketize(frequency.cpu(), _BANDS).flatten().to(power.device)
    sums = power.new_zeros(len(_BANDS) + 1)
    count = torch.bincount(band, minlength=len(sums)).clamp(min=1)
    return (sums.index_add(0, band, power.flatten()) / count)[band].view_as(power)


Estimator = Callable[[Tensor, Tensor, Size, Knowledge], Tensor]
"""Maps what was found [n, H·W], the image it was found from [H·W], the size, and knowledge."""

ESTIMATORS: dict[str, Estimator] = {
    "as_is": as_is,
    "wiener": wiener,
    "posterior_mean": posterior_mean,
}
"""The estimators by their names in ``params.yaml``."""
