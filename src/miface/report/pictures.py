"""Grey pictures of faces: brought to the eye's range, laid out in sheets, and encoded."""

import base64
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from miface.faces.archive import Faces

Images = NDArray[np.floating]
Grey = NDArray[np.uint8]


def stretch(x: NDArray[Any]) -> Images:
    """Spread the 1st to 99th percentile of each image [..., H, W] over [0, 1], to be looked at.

    A recovered image is right only up to brightness and contrast; this looks at no photo.
    """
    low, high = np.percentile(x, [1, 99], axis=(-2, -1), keepdims=True)
    stretched: Images = np.clip((x - low) / np.maximum(high - low, 1e-12), 0, 1)
    return stretched


def to_grey(x: Images) -> Grey:
    """Turn grey values in [0, 1] into uint8, as photos are stored."""
    return np.asarray((x * 255).round(), dtype=np.uint8)


def typical_photos(faces: Faces, train: NDArray[np.int64]) -> Grey:
    """Choose a photo of each person to show.

    Parameters
    ----------
    faces, train
        The photos, and int64 [n] which of them trained the recognisers.

    Returns
    -------
    uint8 [P, H, W]
        The training photo that is most like the mean of the person's, by correlation.
    """
    chosen = []
    for who in range(len(faces.names)):
        own = train[faces.person[train] == who]
        rows = faces.images[own].reshape(len(own), -1).astype(np.float64)
        rows -= rows.mean(1, keepdims=True)
        alike = rows @ rows.mean(0) / np.linalg.norm(rows, axis=1).clip(1e-12)
        chosen.append(faces.images[own[alike.argmax()]])
    return np.stack(chosen)


def shrink(images: Grey, factor: float) -> Grey:
    """Resize images [n, H, W] to a factor of their size, averaging over areas."""
    if factor == 1:
        return images
    height, width = (max(1, round(side * factor)) for side in images.shape[1:])
    return np.stack(
        [cv2.resize(i, (width, height), interpolation=cv2.INTER_AREA) for i in images]
    ).astype(np.uint8)


def columns_of(count: int) -> int:
    """Give the number of columns of a sheet of so many images: about as many as rows."""
    return max(1, math.ceil(math.sqrt(count)))


def sheet(images: Grey) -> Grey:
    """Lay images [n, H, W] out row by row in one, `columns_of` to a row."""
    count, height, width = images.shape
    columns = columns_of(count)
    rows = -(-count // columns)
    tiles = np.zeros((rows * columns, height, width), np.uint8)
    tiles[:count] = images
    laid = tiles.reshape(rows, columns, height, width).swapaxes(1, 2)
    return laid.reshape(rows * height, columns * width)


def fits_webp(images: Grey, factor: float) -> bool:
    """Say whether the sheet of images [n, H, W], at a factor of their size, fits the format."""
    columns = columns_of(len(images))
    sides = columns * images.shape[2], -(-len(images) // columns) * images.shape[1]
    return max(sides) * factor + columns <= 16383  # a tile's sides are rounded


def data_uri(image: Grey, quality: int) -> str:
    """Encode an image [H, W] as WebP, in a form that a page can hold."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="WEBP", quality=quality, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def labelled_grid(
    rows: Sequence[Images], row_titles: Sequence[str], captions: Sequence[str]
) -> Image.Image:
    """Draw rows of images, a title to the left of each row and captions above the first.

    Parameters
    ----------
    rows
        [n, H, W] each, grey values in [0, 1].
    row_titles
        One for each row.
    captions
        n.
    """
    font = _font()
    height, width = rows[0].shape[1:]
    left = 8 + max((int(font.getlength(title)) for title in row_titles), default=0)
    grid = to_grey(np.concatenate([np.concatenate(list(row), axis=1) for row in rows]))
    page = Image.new("L", (left + grid.shape[1], 16 + grid.shape[0]), 255)
    page.paste(Image.fromarray(grid), (left, 16))
    draw = ImageDraw.Draw(page)
    for column, caption in enumerate(captions):
        draw.text((left + column * width + 2, 1), _fitting(caption, width - 4), 0, font)
    for row, title in enumerate(row_titles):
        draw.text((2, 16 + row * height + height // 2 - 6), title, 0, font)
    return page


def gallery(photos: Images, recovered: Images, names: Sequence[str]) -> Image.Image:
    """Draw everybody, eight to a line: the photo, and beside it what was recovered.

    Parameters
    ----------
    photos, recovered
        [n, H, W], grey values in [0, 1].
    names
        n.
    """
    count, height, width = photos.shape
    columns = min(8, count)
    cell = (height + 18, 2 * width + 6)
    page = Image.new("L", (columns * cell[1], -(-count // columns) * cell[0]), 255)
    draw = ImageDraw.Draw(page)
    pairs = to_grey(np.concatenate([photos, recovered], axis=2))
    for index, (pair, name) in enumerate(zip(pairs, names, strict=True)):
        left, top = (index % columns) * cell[1], (index // columns) * cell[0]
        page.paste(Image.fromarray(pair), (left, top + 16))
        draw.text((left + 1, top + 1), _fitting(name, 2 * width), 0, _font())
    return page


def _font() -> ImageFont.FreeTypeFont:
    # Pillow's own font lacks most scripts, in which people's names may be.
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf", 11)


def _fitting(text: str, width: float) -> str:
    """Cut a text of one line to a width in pixels."""
    text, font = " ".join(text.split()), _font()
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
