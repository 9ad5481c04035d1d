"""Faces from archives and folders, whatever they come as."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from miface.errors import MifaceError
from miface.faces.copies import without_copies
from miface.faces.known import DigestMismatchError, known_group
from miface.faces.notes import Notes, few, shown
from miface.faces.packings import opened
from miface.faces.reading import Framing, Photo, natural_key, read_members
from miface.faces.whose import Whose, composed, find_whose

__all__ = ["DigestMismatchError", "Faces", "Reading", "read_faces"]


@dataclass(frozen=True)
class Faces:
    """Grey photos of people.

    Attributes
    ----------
    images
        uint8 [N, H, W], ordered by person, then by photo.
    person
        int64 [N], index into `names`.
    photo
        int64 [N], 0-based number within the person.
    names
        str [P], in numeric order (s1, s2, … s10).
    before
        uint8 [P, H, W], where eyes were put in place: the first photo of each person without
        that, cropped about its centre. Else empty.
    """

    images: NDArray[np.uint8]
    person: NDArray[np.int64]
    photo: NDArray[np.int64]
    names: NDArray[np.str_]
    before: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 0, 0), np.uint8))

    @property
    def digest(self) -> str:
        """SHA-256 of the pixels in order, whatever archive or lossless format they came in."""
        return hashlib.sha256(self.images.tobytes()).hexdigest()


@dataclass(frozen=True)
class Reading:
    """How people's own photos are read: keys of `data` in ``params.yaml``.

    Attributes
    ----------
    person
        What tells who is on a photo: see `miface.faces.whose.find_whose`.
    least_photos
        People with fewer are left out; None takes one with fewer than two for a mistake.
    align
        ``none``, or ``eyes`` to put the eyes of all photos in one place.
    """

    person: str | None = None
    least_photos: int | None = None
    align: Literal["none", "eyes"] = "none"


def read_faces(
    path: Path,
    *,
    digest: str | None = None,
    size: tuple[int, int] | None = None,
    reading: Reading | None = None,
    notes: Notes | None = None,
) -> Faces:
    """Read the photos of an archive or a folder, and who is on them.

    Parameters
    ----------
    path
        A zip or tar archive (plain, gz, bz2, xz, or Unix compress ``.Z``) or a folder.
    digest
        Where the archive holds more than the faces (a whole repository), the SHA-256 of the
        pixels of the group of sibling folders to take.
    size
        (height, width) in pixels that photos are cropped about their centre and resized to.
    reading
        How people are told apart, and what is done to them.
    notes
        Receives what is left out, altered or merged.

    Returns
    -------
    Faces
        All folders, or with `digest` the group of sibling folders that has it.

    Raises
    ------
    DigestMismatchError
        If no group of folders has the digest.
    MifaceError
        If `path` is no archive, holds fewer than two people or a person with fewer than two
        photos, or leaves open who is who; or if photos differ in size, or are the same under two
        names.
    """
    reading = reading or Reading()
    notes = Notes() if notes is None else notes
    with opened(path, notes) as members:
        if digest is not None:
            members = known_group(path, members, digest, notes)
            reading = replace(reading, person=None)  # it names folders of people
        photos, lost = read_members(members, Framing(size, reading.align), notes)
    if not photos:
        raise MifaceError(f"{path}: no images found that can be used{_why(notes)}")
    if size is None:
        _refuse_other_sizes(path, photos)
    whose = find_whose(path, [*(photo.name for photo in photos), *lost], reading.person)
    people = without_copies(path, _people(photos, whose, reading, notes), notes)
    for name in filter(None, map(whose, lost)):
        people.setdefault(name, [])  # somebody of whom nothing is left
    people = _with_enough(path, people, reading.least_photos, notes)
    if len(people) < 2:
        who = f"one person found ({next(iter(people))})" if people else "nobody found"
        raise MifaceError(f"{path}: {who}, expected at least two{_why(notes)}")
    for photo in (photo for own in people.values() for photo in own):
        notes.take(photo.name, photo.altered, photo.converted)
    return _assembled(people)


def _why(notes: Notes) -> str:
    """Say why files were left out, in one line."""
    left_out = Notes(left_out=notes.left_out).lines()
    return f"; {few(left_out)}" if left_out else ""


def _refuse_other_sizes(path: Path, photos: list[Photo]) -> None:
    height, width = photos[0].pixels.shape
    for photo in photos:
        if photo.pixels.shape != (height, width):
            raise MifaceError(
                f"{path}: {shown(photo.name)} is {photo.pixels.shape[0]} × "
                f"{photo.pixels.shape[1]} pixels (height × width), the photos before it {height} "
                f"× {width}; set data.size to resize them all"
            )


def _people(
    photos: list[Photo], whose: Whose, reading: Reading, notes: Notes
) -> dict[str, list[Photo]]:
    """Sort photos by person, and note who is made of several folders or is called otherwise."""
    people: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        person = whose(photo.name)
        if person is not None:
            people[person].append(photo)
        elif reading.person in (None, "folder", "path"):
            notes.leave_out(photo.name, "lies beside the folders of people, in none of them")
        else:
            notes.leave_out(photo.name, "data.person finds nobody in its name")
    people = {person: people[person] for person in sorted(people, key=natural_key)}
    for person, own in people.items():
        folders = sorted({photo.name.parent for photo in own}, key=natural_key)
        if len({composed(folder) for folder in folders}) < len(folders):
            notes.say_of(person, "accents are written in two ways (composed, decomposed): one name")
        elif len(folders) > 1:
            notes.say_of(person, f"one person of {few([shown(folder) for folder in folders])}")
        if any(shown(folder) != str(folder) for folder in folders):
            notes.say_of(person, "the name holds what is no printable text: it is escaped")
    return people


def _with_enough(
    path: Path, people: dict[str, list[Photo]], least: int | None, notes: Notes
) -> dict[str, list[Photo]]:
    """Leave out people with too few photos, if that was asked for."""
    too_few = {name: own for name, own in people.items() if len(own) < (least or 2)}
    if too_few and least is None:
        name, own = next(iter(too_few.items()))
        folder: PurePosixPath | str = own[0].name.parent if own else name
        several = f" (as {few(list(too_few))})" if len(too_few) > 1 else ""
        raise MifaceError(
            f"{path}: {shown(folder)} holds {'one photo' if own else 'no photo'} that can be used"
            f"{several}, expected at least two: one to train on and one to hold out; add photos, "
            f"or set data.least_photos=2 to leave out people with fewer{_why(notes)}"
        )
    for name, own in too_few.items():
        reason = f"fewer photos than data.least_photos={least}"
        notes.say_of(name, f"left out: {reason}")
        for photo in own:
            notes.leave_out(photo.name, f"of a person with {reason}")
    return {name: own for name, own in people.items() if name not in too_few}


def _assembled(people: dict[str, list[Photo]]) -> Faces:
    photos = [photo for own in people.values() for photo in own]
    faces = Faces(
        images=np.stack([photo.pixels for photo in photos]),
        person=np.repeat(np.arange(len(people)), [len(own) for own in people.values()]),
        photo=np.concatenate([np.arange(len(own)) for own in people.values()]),
        names=np.array(list(people)),
    )
    before = [own[0].before for own in people.values() if own[0].before is not None]
    return replace(faces, before=np.stack(before)) if before else faces
