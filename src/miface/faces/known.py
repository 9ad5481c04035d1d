"""Photos that are known by the digest of their pixels, wherever in an archive they lie."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from miface.errors import MifaceError
from miface.faces.decoding import UndecodableError, to_bytes
from miface.faces.notes import Notes, few, shown
from miface.faces.packings import Member
from miface.faces.reading import natural_key, picture_of

if TYPE_CHECKING:
    from hashlib import _Hash

_DEEP = {"whole": (0.0, 65535.0), "real": (0.0, 1.0)}


class DigestMismatchError(MifaceError):
    """The photos are readable, but not the ones that were asked for."""


def known_group(path: Path, members: list[Member], digest: str, notes: Notes) -> list[Member]:
    """Find the photos whose pixels have a digest.

    Parameters
    ----------
    path
        Folder or archive, for messages.
    members
        Its files.
    digest
        SHA-256 of the pixels in order, of a group of sibling folders or of all folders.
    notes
        Receives what is left out: everything else.

    Raises
    ------
    DigestMismatchError
        If no group has the digest.
    """
    hashes: dict[PurePosixPath | None, _Hash] = defaultdict(hashlib.sha256)  # None: of all
    groups: dict[PurePosixPath | None, list[Member]] = defaultdict(list)
    sizes = set()
    for member in sorted(members, key=_folder_first):
        try:
            pixels = to_bytes(picture_of(member), _DEEP)
        except UndecodableError:
            continue
        sizes.add(pixels.shape)
        for group in (member.name.parent.parent, None):
            hashes[group].update(pixels.tobytes())
            groups[group].append(member)
    if not groups:
        return []
    for group, found in hashes.items():
        if found.hexdigest() == digest:
            chosen = set(groups[group])
            for member in members:
                if member not in chosen:
                    notes.leave_out(member.name, "not among the photos that data.digest names")
            return groups[group]
    raise DigestMismatchError(
        f"{path}: the pixels of its {_counted(groups[None])}, {_sized(sizes)}, have the digest "
        f"{hashes[None].hexdigest()}, data.digest expects {digest}; set data.digest=null to take "
        "the photos all the same"
    )


def _folder_first(member: Member) -> tuple[Any, Any]:
    return natural_key(member.name.parent), natural_key(member.name)


def _counted(photos: list[Member]) -> str:
    """Count photos and people, and name those who have more or fewer than most."""
    counts = Counter(photo.name.parent for photo in photos)
    usual = Counter(counts.values()).most_common(1)[0][0]
    odd = [f"{shown(folder)} has {n}" for folder, n in counts.items() if n != usual]
    uneven = f" ({usual} each, but {few(odd)})" if odd else f" ({usual} each)"
    return f"{len(photos)} photos of {len(counts)} people{uneven}"


def _sized(sizes: set[tuple[int, ...]]) -> str:
    if len(sizes) > 1:
        return f"of {len(sizes)} sizes"
    ((height, width),) = sizes
    return f"{height} × {width} pixels"
