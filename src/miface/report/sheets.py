"""Sheets of pictures within a page: as fine as its size allows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from miface.errors import MifaceError
from miface.report.pictures import columns_of, data_uri, fits_webp, sheet, shrink, stretch, to_grey

LARGEST = 8_000_000
"""Bytes that a page may take: pictures are made as coarse as that needs."""

# Size as a share of the photos', and WebP quality: of the images, and of those on the way.
_FIDELITIES = (
    ((1.0, 80), (0.5, 60)),
    ((1.0, 60), (0.5, 40)),
    ((0.75, 50), (0.4, 30)),
    ((0.5, 50), (0.33, 25)),
    ((0.5, 30), (0.25, 15)),
    ((0.33, 20), (0.17, 10)),
    ((0.2, 10), (0.1, 5)),
)


def frames_of(snapshots: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give snapshots [L, S, H, W] for the eye, one after the other: [L · S, H, W]."""
    frames = snapshots.reshape(-1, *snapshots.shape[2:])
    if len(frames) == 0:
        return frames
    return np.concatenate(
        [to_grey(stretch(part)) for part in np.array_split(frames, min(8, len(frames)))]
    )


def picture_rules(
    photos: Mapping[str, NDArray[np.uint8]], attacks: Sequence[dict[str, Any]], room: int
) -> str:
    """Give CSS rules with a sheet of pictures each, as fine as fits into so many bytes.

    Parameters
    ----------
    photos
        uint8 [n, H, W] by the name of the sheet; those of everybody are `photos`.
    attacks
        With the images of each, and those on the way.
    room
        Bytes.

    Raises
    ------
    MifaceError
        If there are too many people for any.
    """
    images = dict(photos) | {a["id"]: a["_images"] for a in attacks}
    frames = {a["id"]: a["_frames"] for a in attacks if len(a["_frames"])}
    for still, moving in _FIDELITIES:
        sheets = [(f".s-{name}", tiles, *still) for name, tiles in images.items()]
        sheets += [(f".s-{name}.frame", tiles, *moving) for name, tiles in frames.items()]
        if any(not fits_webp(tiles, size) for _, tiles, size, _ in sheets):
            continue
        rules = "\n".join(_sheet_rule(*one) for one in sheets)
        if len(rules) <= room:
            return rules
    raise MifaceError(
        f"attack.labels, attack.snapshots: pictures of {len(photos['photos'])} people do not fit "
        f"into a page of {LARGEST / 1e6:.0f} MB, however coarse; attack fewer people, or keep "
        "fewer snapshots"
    )


def _sheet_rule(selector: str, images: NDArray[np.uint8], size: float, quality: int) -> str:
    columns = columns_of(len(images))
    lines = -(-len(images) // columns)
    uri = data_uri(sheet(shrink(images, size)), quality)
    return (
        f"{selector}{{background-image:url({uri});background-size:{columns * 100}% {lines * 100}%}}"
    )


def position(index: int, count: int) -> str:
    """Where in a sheet of so many images one is, as a CSS background position."""
    columns = columns_of(count)
    lines = -(-count // columns)
    across = 100 * (index % columns) / max(1, columns - 1)
    down = 100 * (index // columns) / max(1, lines - 1)
    return f"{across:.4g}% {down:.4g}%"
