"""Figures of people: photos beside what was recovered of them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from miface.faces.archive import Faces
from miface.report.figures import gallery, image_grid, stretch

Image = NDArray[np.floating]
Rows = NDArray[np.int64]
_SHOWN = 4  # of the best and of the worst


def nearest_photo(x: Image, label: int, faces: Faces, train: Rows) -> Image:
    """Give the training photo of a person that is most like x [H, W], as grey values in [0, 1].

    By the correlation of pixels, which knows no brightness or contrast.
    """
    rows = train[faces.person[train] == label]
    photos = faces.images[rows].reshape(len(rows), -1) / 255.0
    centred = photos - photos.mean(1, keepdims=True)
    alike = centred @ (x - x.mean()).ravel() / np.linalg.norm(centred, axis=1).clip(1e-12)
    nearest: Image = photos[alike.argmax()].reshape(x.shape)
    return nearest


def autoencoder_figure(images: Image, title: str) -> Figure:
    """Draw photos [n], the same encoded and decoded once, and twice: images [3, n, H, W]."""
    empty = [[""] * images.shape[1]] * 3
    return image_grid(
        [list(row) for row in np.clip(images, 0, 1)], empty, ["photo", "once", "twice"], title
    )


def overview_figure(
    recovered: Mapping[str, tuple[Image, Rows]], faces: Faces, train: Rows, title: str
) -> Figure:
    """Draw some people: a photo, and below it what each model gave away.

    Parameters
    ----------
    recovered
        For each model [L, H, W] images and int64 [L] whose they are.
    faces, train
        The photos, and which of them trained the recognisers.
    title
        The figure's title.
    """
    attacked = [set(label.tolist()) for _, label in recovered.values()]
    everywhere = sorted(set.intersection(*attacked))
    some = everywhere[:: max(1, len(everywhere) // 8)][:8]
    rows: list[list[Image]] = []
    for x, label in recovered.values():
        at = [int(np.flatnonzero(label == who)[0]) for who in some]
        rows.append([stretch(x[i]) for i in at])
        if len(rows) == 1:
            photos = [
                nearest_photo(x[i], who, faces, train) for i, who in zip(at, some, strict=True)
            ]
    names = [str(faces.names[who]) for who in some]
    blank = [""] * len(some)
    captions = [names, *[blank] * len(rows)]
    return image_grid([photos, *rows], captions, ["photo", *recovered], title)


def extremes_figure(
    x: Image, label: Rows, rows: pd.DataFrame, faces: Faces, train: Rows, title: str
) -> Figure:
    """Draw the most and the least alike recovered images under their photos.

    Parameters
    ----------
    x, label
        [L, H, W] recovered images and int64 [L] whose they are.
    rows
        The table of the same people in the same order.
    faces, train
        The photos, and which of them trained the recogniser.
    title
        The figure's title.
    """
    order = np.argsort(-rows["aligned_ssim"].to_numpy(), kind="stable")
    chosen = [*order[:_SHOWN], *order[_SHOWN:][-_SHOWN:]]
    photos = [nearest_photo(x[i], label[i], faces, train) for i in chosen]
    facts = rows.iloc[chosen]
    captions = [
        f"SSIM {ssim:.2f}, NRMSE {nrmse:.2f}\n(aligned {a_ssim:.2f}, {a_nrmse:.2f})"
        for ssim, nrmse, a_ssim, a_nrmse in zip(
            facts["ssim"], facts["nrmse"], facts["aligned_ssim"], facts["aligned_nrmse"],
            strict=True,
        )
    ]  # fmt: skip
    people = [str(faces.names[label[i]]) for i in chosen]
    recovered = [stretch(x[i]) for i in chosen]
    return image_grid([photos, recovered], [people, captions], ["photo", "recovered"], title)


def gallery_figure(
    x: Image, label: Rows, rows: pd.DataFrame, faces: Faces, train: Rows, title: str
) -> Figure:
    """Draw everybody; parameters as in `extremes_figure`."""
    del rows
    photos = [nearest_photo(image, who, faces, train) for image, who in zip(x, label, strict=True)]
    names = [str(faces.names[who]) for who in label]
    return gallery(photos, [stretch(image) for image in x], names, title)
