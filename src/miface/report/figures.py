"""Figures, one kind a function: arrays in, a matplotlib figure out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

Image = NDArray[np.floating]


def stretch(x: Image) -> Image:
    """Spread the 1st to 99th percentile of an image [H, W] over [0, 1], to be looked at.

    A recovered image is right only up to brightness and contrast; this looks at no photo.
    """
    low, high = np.percentile(x, [1, 99])
    stretched: Image = np.clip((x - low) / max(high - low, 1e-12), 0, 1)
    return stretched


def training_curves(curves: dict[str, pd.DataFrame], title: str) -> Figure:
    """Draw measures over epochs.

    Parameters
    ----------
    curves
        A panel for each entry: a frame with an epoch a row and a column a line.
    title
        The figure's title.
    """
    figure = Figure(figsize=(4 * len(curves), 3), layout="constrained")
    for axes, (name, lines) in zip(
        figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True
    ):
        for column in lines:
            values = lines[column].dropna()
            axes.plot(np.arange(1, len(values) + 1), values, label=column)
        axes.set(xlabel="epoch", ylabel=name)
        axes.legend()
    figure.suptitle(title)
    return figure


def image_grid(
    rows: Sequence[Sequence[Image]],
    captions: Sequence[Sequence[str]],
    row_titles: Sequence[str],
    title: str,
) -> Figure:
    """Draw images in a grid.

    Parameters
    ----------
    rows
        Images [H, W] with grey values in [0, 1].
    captions
        What to write above each, of the same shape.
    row_titles
        What to write to the left of each row.
    title
        The figure's title.
    """
    height, width = rows[0][0].shape
    columns = max(len(row) for row in rows)
    size = (1.35 * columns + 0.7, (1.35 * height / width + 0.45) * len(rows) + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[], frame_on=False)
    for axes_row, images, texts, row_title in zip(grid, rows, captions, row_titles, strict=True):
        axes_row[0].set_ylabel(row_title, fontsize=8)
        for axes, image, text in zip(axes_row, images, texts, strict=False):
            axes.imshow(image, cmap="gray", vmin=0, vmax=1)
            axes.set_title(text, fontsize=7, parse_math=False)
    figure.suptitle(title, fontsize=10, parse_math=False)
    return figure


def gallery(
    photos: Sequence[Image], recovered: Sequence[Image], names: Sequence[str], title: str
) -> Figure:
    """Draw everybody: the photo, and beside it what was recovered.

    Parameters
    ----------
    photos, recovered
        Images [H, W] with grey values in [0, 1].
    names
        A name for each.
    title
        The figure's title.
    """
    height, width = photos[0].shape
    columns = min(8, len(photos))
    lines = -(-len(photos) // columns)
    gap = max(4, height // 8)
    cell = (height + gap, 2 * width + gap)
    mosaic = np.ones((lines * cell[0], columns * cell[1]))
    for index, pair in enumerate(zip(photos, recovered, strict=True)):
        top, left = (index // columns) * cell[0] + gap, (index % columns) * cell[1]
        mosaic[top : top + height, left : left + 2 * width] = np.hstack(pair)
    scale = 14 / mosaic.shape[1]
    figure = Figure(figsize=(14, mosaic.shape[0] * scale + 0.5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(mosaic, cmap="gray", vmin=0, vmax=1)
    axes.set_axis_off()
    for index, name in enumerate(names):
        top, left = (index // columns) * cell[0] + gap, (index % columns) * cell[1]
        axes.text(left, top - 2, name, fontsize=8, parse_math=False)
    axes.set_title(title, parse_math=False)
    return figure
