r"""How alike a recovered image and photos are: MSE, NRMSE and SSIM, raw and aligned.

An image x is aligned to a photo y by the gain a and the offset b that bring a x + b nearest to y.
SSIM (Wang et al., 2004) asks for the means, variances and covariance of x and y in each window,
and those of a x + b follow from those of x: a μ + b, a² σ², a σ_xy. So whatever the alignment, an
image is filtered once, a photo once for all images, and a pair once for its covariance. The
measures are those of `skimage.metrics`, to rounding.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

Images = NDArray[np.float64]

_WINDOW = 7
_C1, _C2 = 0.01**2, 0.03**2  # for grey values that range over 1


def alignment(x: Images, photos: Images) -> tuple[Images, Images]:
    """Find gain and offset that bring an image nearest to each photo, by least squares.

    Parameters
    ----------
    x
        [H, W].
    photos
        [n, H, W].

    Returns
    -------
    gain, offset
        [n] each; where x is constant, 0 and the photo's mean.
    """
    centred = x - x.mean()
    power = (centred * centred).sum()
    rounding = x.size * (1e-14 * np.abs(x).max()) ** 2
    gain = np.zeros(len(photos))
    if power > rounding:
        gain = np.tensordot(photos, centred, 2) / power
    return gain, photos.mean((1, 2)) - gain * x.mean()


@dataclass(frozen=True)
class _Windows:
    """Mean and variance in each window that lies wholly inside images [n, H, W]."""

    mean: Images
    variance: Images

    @classmethod
    def of(cls, images: Images) -> "_Windows":
        mean = _window_mean(images)
        return cls(mean, _sample(_window_mean(images * images) - mean * mean))


def _window_mean(images: Images) -> Images:
    edge = _WINDOW // 2
    return np.asarray(uniform_filter(images, (1, _WINDOW, _WINDOW)))[:, edge:-edge, edge:-edge]


def _sample(variance: Images) -> Images:
    """Make the population's (co)variance a sample's, as Wang et al. do."""
    n = _WINDOW * _WINDOW
    return variance * (n / (n - 1))


class PersonPhotos:
    """The photos of a person, to compare images with.

    Parameters
    ----------
    photos
        [n, H, W], grey values in [0, 1], at least 7 pixels high and wide.
    """

    def __init__(self, photos: NDArray[np.floating]) -> None:
        self.photos = photos.astype(np.float64)
        self._windows = _Windows.of(self.photos)
        self._norms = np.sqrt((self.photos**2).mean((1, 2)))

    def each(self, x: NDArray[np.floating]) -> tuple[dict[str, Images], dict[str, Images]]:
        """Compare an image with each photo.

        Parameters
        ----------
        x
            [H, W] in pixel units.

        Returns
        -------
        raw, aligned
            As it is, and after the best gain and offset for each photo: ``mse`` [n] in squared
            pixel units, ``nrmse`` [n] as a share of the photo's Euclidean norm, and ``ssim`` [n]
            (7 × 7 windows, data range 1) in [-1, 1].
        """
        image = x.astype(np.float64)
        own = _Windows.of(image[None])
        covariance = _sample(_window_mean(image * self.photos) - own.mean * self._windows.mean)

        def measures(gain: Images, offset: Images) -> dict[str, Images]:
            a, b = gain[:, None, None], offset[:, None, None]
            mse = ((a * image + b - self.photos) ** 2).mean((1, 2))
            mean, variance, y = a * own.mean + b, a * a * own.variance, self._windows
            ssim = (2 * mean * y.mean + _C1) * (2 * a * covariance + _C2)
            ssim /= (mean**2 + y.mean**2 + _C1) * (variance + y.variance + _C2)
            return {"mse": mse, "nrmse": np.sqrt(mse) / self._norms, "ssim": ssim.mean((1, 2))}

        raw = measures(np.ones(len(self.photos)), np.zeros(len(self.photos)))
        return raw, measures(*alignment(image, self.photos))

    def compare(self, x: NDArray[np.floating]) -> dict[str, float]:
        """Compare an image with all photos, raw and aligned.

        Parameters
        ----------
        x
            [H, W] in pixel units.

        Returns
        -------
        dict
            ``mse``, ``nrmse`` and ``ssim`` against the best photo by each measure, the same with
            ``_mean`` averaged over the photos, and all of these with ``aligned_`` after the best
            gain and offset for each photo.
        """
        result = {}
        for prefix, measures in zip(("", "aligned_"), self.each(x), strict=True):
            for measure, values in measures.items():
                best = values.max() if measure == "ssim" else values.min()
                result[prefix + measure] = float(best)
                result[f"{prefix}{measure}_mean"] = float(values.mean())
        return result
