"""Photos that are the same picture twice: within one person, or under two people."""

from collections.abc import Mapping
from pathlib import Path

from miface.errors import MifaceError
from miface.faces.notes import Notes, shown
from miface.faces.reading import Photo


def without_copies(
    path: Path, people: Mapping[str, list[Photo]], notes: Notes
) -> dict[str, list[Photo]]:
    """Leave out all but the first of photos that are the same, pixel for pixel.

    A picture that a recogniser trains on and is tested on as well would make it look better than
    it is; so of two that are the same, within one person, only the first is taken.

    Parameters
    ----------
    path
        Folder or archive, for messages.
    people
        The photos of each person.
    notes
        Receives the copies.

    Raises
    ------
    MifaceError
        If two people share a picture.
    """
    first: dict[bytes, tuple[str, Photo]] = {}
    kept: dict[str, list[Photo]] = {person: [] for person in people}
    shared = []
    for person, photos in people.items():
        for photo in photos:
            known, original = first.setdefault(photo.digest, (person, photo))
            if original is photo:
                kept[person].append(photo)
            elif known == person:
                notes.leave_out(photo.name, f"the same picture as {shown(original.name)}")
            else:
                shared.append(
                    f"{shown(original.name)} ({known}) and {shown(photo.name)} ({person})"
                )
    if shared:
        more = f", and {len(shared) - 1} more pairs are" if len(shared) > 1 else ""
        raise MifaceError(
            f"{path}: {shared[0]} are the same picture under two names{more}; delete the one that "
            "is wrong, or if both names are one person, put their photos in one folder or set "
            "data.person to what tells people apart"
        )
    return kept
