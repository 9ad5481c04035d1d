"""What became of the photos that were given, as the page tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from miface.faces.archive import Faces

_PAIRS = 8  # people whose photos are shown before and after
_KINDS = {
    "Sources that were not used": "passed_over",
    "Files that were left out": "left_out",
    "Photos that were altered": "altered",
    "People who are several folders, have another name or were left out": "persons",
}


@dataclass(frozen=True)
class LinedUp:
    """A photo of each of some people, as it came and with the eyes put in place.

    Attributes
    ----------
    names
        str [n].
    before, after
        uint8 [n, H, W].
    """

    names: list[str]
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]


def lined_up(faces: Faces) -> LinedUp | None:
    """Choose people to show what was done to their photos; None where eyes were left in place."""
    if not len(faces.before):
        return None
    people = np.arange(len(faces.names))[:: -(-len(faces.names) // _PAIRS)]
    first = np.flatnonzero(faces.photo == 0)[people]  # that of which `before` was kept
    return LinedUp(faces.names[people].tolist(), faces.before[people], faces.images[first])


def notes_of(source: Mapping[str, Any]) -> list[tuple[str, list[dict[str, str]]]]:
    """Give what became of the photos that were given, where it is not that they were taken.

    Parameters
    ----------
    source
        The content of ``data/source.json`` or of ``data/prior.json``.

    Returns
    -------
    list of tuple
        A title, and the notes under it, of each kind of which there are any.
    """
    notes = [(title, source.get(kind, [])) for title, kind in _KINDS.items()]
    rules = source.get("converted", {})
    by_rule = [
        {"name": what, "reason": "1 photo" if count == 1 else f"{count} photos"}
        for what, count in rules.items()
    ]
    return [(title, some) for title, some in [*notes, ("What was done to photos", by_rule)] if some]
