"""What became of the photos that were given, as the page tells it."""

from collections.abc import Mapping
from typing import Any

_KINDS = {
    "Sources that were not used": "passed_over",
    "Files that were left out": "left_out",
    "Photos that were altered": "altered",
    "People who are several folders, have another name or were left out": "persons",
}


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
    by_rule = [{"name": what, "reason": f"{count} photos"} for what, count in rules.items()]
    return [(title, some) for title, some in [*notes, ("What was done to photos", by_rule)] if some]
