"""A blurred photo of each person, sharpened with what an attack found in the model.

The attacker holds the recogniser and, of each person, a photo that somebody blurred to hide them,
and he knows by how much. Nothing here sees the sharp photo but `blur_and_round`, which hides it.
"""

import math
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from torch import Tensor

from miface.attack.estimators import LEAST, frequencies, from_cosines, noise_power, to_cosines
from miface.params.base import Group, Positive, once
from miface.recognisers.recogniser import Size

Images = NDArray[np.float32]

THREAT_MODEL = "the model, and a blurred photo of the person"
_N = 1 / 12 / 255**2  # power of rounding to 256 grey values
_FALL = 3.0  # the power of a face falls with this power of frequency
_SEEN = 0.05  # of h²: above it a blurred photo is nearly free of rounding


class Sharpening(Group):
    """Attackers who have a blurred photo of each person: what `make countermeasures` compares."""

    blurs: Annotated[list[Positive], AfterValidator(once), Field(min_length=1)] = Field(
        description="Standard deviations in pixels of the Gaussians that blur the photos."
    )


def transfer(size: Size, sigma: float) -> Tensor:
    """Give h: the factor of each cosine in a Gaussian blur of a mirrored image, float [H, W]."""
    down, across = (
        torch.exp(-0.5 * (math.pi * sigma * torch.arange(length) / length) ** 2) for length in size
    )
    return down[:, None] * across


def blur_and_round(photos: Images, sigma: float) -> Images:
    """Give photos [L, H, W] in [0, 1] as the attacker has them: blurred, in 256 grey values."""
    size = _size(photos)
    blurred = from_cosines(_cosines(photos) * transfer(size, sigma)).unflatten(1, size)
    rounded: Images = (blurred.clamp(0, 1) * 255).round().div(255).numpy()
    return rounded


def deblur(blurred: Images, sigma: float) -> Images:
    """Sharpen blurred photos [L, H, W] without a model: Wiener's deconvolution, each by itself."""
    y, h = _cosines(blurred), transfer(_size(blurred), sigma)
    return _images(_deblurred(y, h, _power(y, h)))


def sharpen(blurred: Images, found: Images, sigma: float) -> Images:
    r"""Sharpen blurred photos with what an attack found: the likeliest faces, given both.

    In cosines the photos are y = h x + rounding of power N. What was found is, less the mean of
    all, e = a (x − mean) + rest of power R. The rest is white noise and what the model remembers of
    other photos of the person, which has a face's spectrum; a and how much there is of it are read
    off the coarse cosines, where the photos tell x. With the power S of a face,

    .. math:: \hat x = \bar x + \frac{h (y - \bar y) / N + a e / R}{1 / S + h^2 / N + a^2 / R}

    where x̄ is the mean of the photos, deblurred: the model tells none.

    Parameters
    ----------
    blurred
        float32 [L, H, W], photos blurred by a Gaussian, of L people; two at least, or `deblur` is
        all that is left.
    found
        float32 [L, H, W], what was found of the same people, at any contrast.
    sigma
        Standard deviation of the Gaussian in pixels.

    Returns
    -------
    Images
        float32 [L, H, W].

    Notes
    -----
    Fredrikson et al. [1]_ would have such a photo in AUXTERM. Descent from y on −log p + weight ·
    mean((blur(x) − y)²) does so; it came less far, and needs another weight for each blur. Without
    the model this is Wiener's filter [2]_. Power that falls with a power of frequency is that of
    natural images [3]_.

    References
    ----------
    .. [1] M. Fredrikson, S. Jha and T. Ristenpart, "Model Inversion Attacks that Exploit
       Confidence Information and Basic Countermeasures", CCS 2015, section 5.
    .. [2] N. Wiener, "Extrapolation, Interpolation, and Smoothing of Stationary Time Series", 1949.
    .. [3] D. J. Field, "Relations between the statistics of natural images and the response
       properties of cortical cells", Journal of the Optical Society of America A 4, 1987.
    """
    y, e, h = _cosines(blurred), _cosines(found), transfer(_size(blurred), sigma)
    s = _power(y, h)
    mean = y.mean(0)
    y, e = y - mean, e - e.mean(0)
    white = noise_power(e)[:, None, None]
    seen = h.square() > _SEEN
    of_faces = ((y.square() - _N) / h.square()).mean(0)[seen].sum().clamp(min=LEAST)
    a = ((e * y / h).mean(0)[seen].sum() / of_faces).clamp(min=0)
    in_all = (e.square() - white).mean(0)[seen].sum() / of_faces
    r = (white + (in_all - a.square()).clamp(min=0) * s).clamp(min=LEAST)
    precision = 1 / s + h.square() / _N + a.square() / r
    return _images(_deblurred(mean, h, s) + (h * y / _N + a * e / r) / precision)


def _deblurred(y: Tensor, h: Tensor, s: Tensor) -> Tensor:
    return y * h / (h.square() + _N / s)


def _power(y: Tensor, h: Tensor) -> Tensor:
    """Give S, from the cosines y [n, H, W] that are seen: float [H, W]."""
    law = frequencies(*h.shape) ** -_FALL
    seen = h.square() > _SEEN
    of_faces = (y.square().mean(0) - _N) / h.square()
    return law * (of_faces[seen] / law[seen]).mean().clamp(min=_N)


def _size(images: Images) -> Size:
    return (images.shape[1], images.shape[2])


def _cosines(images: Images) -> Tensor:
    return to_cosines(torch.from_numpy(images).float().flatten(1), _size(images))


def _images(coefficients: Tensor) -> Images:
    images: Images = from_cosines(coefficients).unflatten(1, coefficients.shape[1:]).numpy()
    return images
