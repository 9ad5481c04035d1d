"""How alike a recovered image and photos are: MSE, NRMSE and SSIM, raw and aligned."""

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import (
    mean_squared_error,
    normalized_root_mse,
    structural_similarity,
)

Image = NDArray[np.floating]
MEASURES = ("mse", "nrmse", "ssim")


def align(x: Image, photo: Image) -> Image:
    """Give a·x + b with the gain a and offset b that bring x nearest to the photo.

    Parameters
    ----------
    x, photo
        [H, W], the recovered image and a photo in [0, 1].

    Returns
    -------
    [H, W]
        The least-squares fit; the photo's mean where x is constant.
    """
    centred = x - x.mean()
    power = (centred * centred).sum()
    gain = (centred * photo).sum() / power if power > 0 else 0.0
    aligned: Image = gain * centred + photo.mean()
    return aligned


def similarity(x: Image, photo: Image) -> dict[str, float]:
    """Compare an image with a photo, as scikit-image does.

    Parameters
    ----------
    x, photo
        [H, W] in pixel units: photos are [0, 1].

    Returns
    -------
    dict
        ``mse`` in squared pixel units, ``nrmse`` as a share of the photo's Euclidean norm, and
        ``ssim`` (Wang et al., 2004; 7 × 7 windows, data range 1) in [-1, 1].
    """
    return {
        "mse": float(mean_squared_error(photo, x)),
        "nrmse": float(normalized_root_mse(photo, x)),
        "ssim": float(structural_similarity(photo, x, data_range=1.0)),
    }


def similarity_to_person(x: Image, photos: Image) -> dict[str, float]:
    """Compare an image with all photos of a person, raw and aligned.

    Parameters
    ----------
    x
        [H, W], the recovered image.
    photos
        [n, H, W], the person's training photos in [0, 1].

    Returns
    -------
    dict
        ``mse``, ``nrmse`` and ``ssim`` against the best photo by each measure, the same with
        ``_mean`` averaged over the photos, and all of these with ``aligned_`` after the best gain
        and offset for each photo.
    """
    x = x.astype(np.float64)
    photos = photos.astype(np.float64)
    result = {}
    for prefix, images in (
        ("", [x] * len(photos)),
        ("aligned_", [align(x, photo) for photo in photos]),
    ):
        each = [similarity(image, photo) for image, photo in zip(images, photos, strict=True)]
        for measure in MEASURES:
            values = [one[measure] for one in each]
            result[prefix + measure] = max(values) if measure == "ssim" else min(values)
            result[f"{prefix}{measure}_mean"] = float(np.mean(values))
    return result
