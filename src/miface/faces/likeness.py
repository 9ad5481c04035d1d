"""The same photo saved again: in another format, size, crop or brightness, or mirrored."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from miface.errors import MifaceError
from miface.faces.archive import Faces
from miface.faces.notes import few, shown

Images = NDArray[np.uint8]
Values = NDArray[Any]

SAME = 0.88
"""Correlation of detail from which two photos are one. Measured on the AT&T faces, 112 × 92, 80
photos saved again in each way: at JPEG quality 40, at half the size, lighter or darker, or cropped
to 80 to 85% of their sides, all reach 0.92; cropped to 70 to 75%, 76 do. No photo of other people
exceeds 0.77 (0.79 of the 400 mirrored against each other), of drawn people 0.85 (0.81)."""

_COARSE, _FINE = 16, 56  # longer side in pixels: to find where a crop lies, and to compare
_CANDIDATES, _WORTH = 4, 0.7  # pairs of each photo that are compared, from this likeness up
_BLOCK = 64  # photos that are compared at a time


def refuse_attacked(
    faces: Faces, public: NDArray[np.int64], others: Images, names: list[str], source: str
) -> None:
    """Refuse photos for an attacker that show the people who are attacked.

    Parameters
    ----------
    faces
        The photos of everybody.
    public
        Indices of the people whose photos the attacker has; the others are attacked.
    others
        uint8 [M, H, W], the photos that the attacker has.
    names
        What each of these is called.
    source
        ``people``, or where `others` came from, for the message.

    Raises
    ------
    MifaceError
        If one of `others` is a photo of somebody attacked, saved again.
    """
    rows = np.flatnonzero(~np.isin(faces.person, public))
    pairs = list(find_same(faces.images[rows], others))
    if not pairs:
        return
    told = [
        f"{shown(names[other])} is {faces.names[faces.person[rows[row]]]}'s photo "
        f"{faces.photo[rows[row]] + 1}"
        for other, row in pairs
    ]
    if source == "people":
        raise MifaceError(
            f"{len(pairs)} photos are in the set twice, under two people ({few(told)}): one of the "
            "two is attacked by somebody who has the photos of the other; delete the wrong ones"
        )
    raise MifaceError(
        f"{shown(source)}: holds {len(pairs)} photos of the people who are attacked ({few(told)}); "
        "expected photos of other people: delete these there"
    )


def find_same(attacked: Images, others: Images) -> Iterator[tuple[int, int]]:
    """Find photos that are one picture, whole or in part.

    Parameters
    ----------
    attacked, others
        uint8 [N, H, W] and [M, H, W].

    Yields
    ------
    tuple of int
        An index into `others`, and that of the likest in `attacked`, for each that is `SAME`.

    Notes
    -----
    Either photo may be a crop of the other, or of its mirror image. Where it lies is first searched
    for in small, over scales and places, then refined by an affine warp that maximises correlation
    (Evangelidis and Psarakis, 2008). What is compared is detail, freed of local brightness and
    contrast, so that neither light nor the form that all faces share makes two photos one.
    """
    crops = list(_crops())
    small = _in_small(attacked, crops)
    starts = range(0, len(others), _BLOCK)
    for start in tqdm(starts, "Comparing photos", disable=None, delay=2):
        block = others[start : start + _BLOCK]
        best: dict[int, tuple[float, int]] = {}
        for seen in (block, np.ascontiguousarray(block[:, :, ::-1])):
            for index, row, found in _compared(attacked, small, seen, crops):
                if found >= best.get(index, (SAME, row))[0]:
                    best[index] = found, row
        yield from ((start + index, row) for index, (_, row) in sorted(best.items()))


def _compared(
    attacked: Images, small: Values, others: Images, crops: list[tuple[float, float, float]]
) -> Iterator[tuple[int, int, float]]:
    """Compare the likest pairs: an index into `others`, one into `attacked`, and how like."""
    of_others = _in_small(others, crops)
    # [K, N, m]: a crop of the attacked against the other whole, and the other way round.
    ways = small @ of_others[0].T, np.moveaxis(of_others @ small[0].T, 1, 2)
    for index, other in enumerate(others):
        for way, likeness in enumerate(ways):
            scores = likeness[:, :, index].max(0)
            for row in np.argsort(-scores)[:_CANDIDATES]:
                if scores[row] < _WORTH:
                    break
                crop = crops[int(likeness[:, row, index].argmax())]
                whole, part = (attacked[row], other) if way == 0 else (other, attacked[row])
                yield index, int(row), compare(whole, part, crop)


def compare(whole: Images, part: Images, crop: tuple[float, float, float]) -> float:
    """Correlate the detail of a photo with that of a part of another.

    Parameters
    ----------
    whole, part
        uint8 [H, W].
    crop
        About where in `whole` the other lies: its size, left and top, as ratios.

    Returns
    -------
    float
        In [-1, 1].
    """
    large, small = _resized(whole, _FINE), _resized(part, _FINE)
    height, width = small.shape
    scale, left, top = crop
    warp = np.array([[scale, 0, left * width], [0, scale, top * height]], np.float32)
    try:
        criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-4)
        warp = np.asarray(cv2.findTransformECC(small, large, warp, cv2.MOTION_AFFINE, criteria)[1])
    except cv2.error:  # no correlation to climb: the first guess stands
        pass
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = np.asarray(
        cv2.warpAffine(large, warp, (width, height), flags=flags, borderValue=float("nan"))
    )
    inside = np.isfinite(warped)
    if inside.mean() < 0.7:
        return -1.0
    x, y = _detail(np.where(inside, warped, small)), _detail(small)
    inside = cv2.erode(inside.astype(np.uint8), np.ones((5, 5)), borderValue=1) > 0
    x, y = x[inside] - x[inside].mean(), y[inside] - y[inside].mean()
    return float((x @ y) / max(np.sqrt((x @ x) * (y @ y)), 1e-9))


def _crops() -> Iterator[tuple[float, float, float]]:
    """Sizes and places in which one photo may lie in another, the whole first."""
    yield 1.0, 0.0, 0.0
    for scale in (0.94, 0.88, 0.82, 0.76, 0.7, 0.64):
        steps = np.linspace(0, 1 - scale, 3 if scale > 0.8 else 4)
        for left in steps:
            for top in steps:
                yield scale, float(left), float(top)


def _in_small(images: Images, crops: list[tuple[float, float, float]]) -> Values:
    """Give crops of images in small, without their mean and of length 1: [K, N, d]."""
    rows = []
    for image in images:
        medium = _resized(image, 3 * _COARSE)
        height, width = medium.shape
        for scale, left, top in crops:
            x, y = round(left * width), round(top * height)
            crop = medium[y : y + round(scale * height), x : x + round(scale * width)]
            rows.append(cv2.resize(crop, _side(image.shape, _COARSE), interpolation=cv2.INTER_AREA))
    flat = np.stack(rows).reshape(len(images), len(crops), -1)
    flat = flat - flat.mean(2, keepdims=True)
    length = np.linalg.norm(flat, axis=2, keepdims=True)
    return np.ascontiguousarray(np.moveaxis(flat / np.maximum(length, 1e-6), 1, 0))


def _side(shape: tuple[int, ...], longer: int) -> tuple[int, int]:
    """(width, height) with the longer side as told."""
    height, width = shape
    return max(8, round(longer * width / max(shape))), max(8, round(longer * height / max(shape)))


def _resized(image: Images, longer: int) -> Values:
    size = _side(image.shape, longer)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)


def _detail(image: Values) -> Values:
    """Free an image of local brightness and contrast."""
    detail = cv2.GaussianBlur(image, (0, 0), 0.9) - cv2.GaussianBlur(image, (0, 0), 3.0)
    contrast = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), 4.5) + 9)
    return np.asarray(detail / contrast)
