"""From files to photos of one form: decoded, grey, 8 bits, and of one size."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from tqdm import tqdm

from miface.errors import MifaceError
from miface.faces.decoding import DEEP, Picture, UndecodableError, decode, find_scales, to_bytes
from miface.faces.eyes import NoFaceError, line_up
from miface.faces.notes import Notes, shown
from miface.faces.packings import Member, opened
from miface.params.photos import NARROWEST, SMALLEST

_PICTURES = {".pgm", ".pnm", ".ppm", ".pbm", ".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif",
             ".webp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2", ".tga", ".raw", ".dng",
             ".cr2", ".nef", ".arw"}  # fmt: skip


@dataclass(frozen=True)
class Framing:
    """What part of a picture is taken.

    Attributes
    ----------
    size
        (height, width) in pixels; None takes pictures whole.
    align
        ``none`` crops about the centre, ``eyes`` puts the eyes of the largest face in one place.
    """

    size: tuple[int, int] | None = None
    align: Literal["none", "eyes"] = "none"


@dataclass(frozen=True)
class Photo:
    """A photo as recognisers see it.

    Attributes
    ----------
    name
        Path in the folder or archive, as it is stored.
    pixels
        uint8 [H, W].
    digest
        Of the whole picture in grey, before anything was cropped.
    altered, converted
        What was done to it, beyond what is done to all and by rule: see `Notes`.
    before
        Where the eyes were put in place, the picture cropped about its centre instead.
    """

    name: PurePosixPath
    pixels: NDArray[np.uint8]
    digest: bytes
    altered: tuple[str, ...] = ()
    converted: tuple[str, ...] = ()
    before: NDArray[np.uint8] | None = None


def natural_key(name: PurePosixPath | str) -> tuple[list[tuple[str, int, str]], str]:
    """Sort key with numbers in numeric order: s2 before s10; s02 and s2 keep one order too."""
    parts = re.findall(r"([^0-9]*)([0-9]*)", str(name))
    numbers = [(text, digits.lstrip("0")) for text, digits in parts]
    return [(text, len(number), number) for text, number in numbers], str(name)


def read_others(path: Path, framing: Framing, notes: Notes) -> tuple[NDArray[np.uint8], list[str]]:
    """Read all photos of a folder or an archive, whoever is on them.

    Parameters
    ----------
    path
        See `miface.faces.packings.opened`.
    framing
        What part of each is taken; with a size.
    notes
        Receives what is left out and what is altered, also where nothing is left.

    Returns
    -------
    images, names
        uint8 [M, H, W], and what each is called.

    Raises
    ------
    MifaceError
        If `path` cannot be read, or holds no photo.
    """
    with opened(path, notes) as members:
        photos, _ = read_members(members, framing, notes)
    for photo in photos:
        notes.take(photo.name, photo.altered, photo.converted)
    if not photos:
        raise MifaceError(f"{path}: no images found that can be used")
    return np.stack([photo.pixels for photo in photos]), [shown(photo.name) for photo in photos]


def read_members(
    members: list[Member], framing: Framing, notes: Notes
) -> tuple[list[Photo], list[PurePosixPath]]:
    """Read the photos among files.

    Returns
    -------
    photos
        In natural order of their names.
    lost
        Files that are pictures by their name, and could not be taken.
    """
    photos, lost = [], []
    unclear: dict[Member, str] = {}  # and the kind of their values
    extents: dict[str, tuple[float, float]] = {}

    def take(member: Member, picture: Picture, grey: NDArray[np.uint8]) -> None:
        try:
            photo = _framed(member.name, grey, framing)
        except UndecodableError as error:
            leave_out(member, str(error))
            return
        photos.append(
            replace(
                photo,
                altered=picture.altered + photo.altered,
                converted=picture.converted + photo.converted,
            )
        )

    def leave_out(member: Member, reason: str) -> None:
        notes.leave_out(member.name, reason)
        if member.name.suffix.lower() in _PICTURES:
            lost.append(member.name)

    for member in tqdm(members, "Reading photos", disable=None, delay=2):
        try:
            picture = picture_of(member)
        except UndecodableError as error:
            leave_out(member, str(error))
            continue
        if picture.kind == "bytes":
            take(member, picture, picture.grey)
        else:  # its scale depends on the others: it is read again when they are known
            unclear[member] = picture.kind
            low, high = extents.get(picture.kind, (np.inf, -np.inf))
            extents[picture.kind] = (
                min(low, float(picture.grey.min())),
                max(high, float(picture.grey.max())),
            )
    scales = find_scales(extents)
    for member, kind in unclear.items():
        picture = _scale_told(picture_of(member), scales[kind], extents[kind])
        take(member, picture, to_bytes(picture, scales))
    photos.sort(key=lambda photo: natural_key(photo.name))
    return _doubles_told(photos), lost


def picture_of(member: Member) -> Picture:
    """Read and decode a file; `UndecodableError` if it is no picture."""
    try:
        content = member.read()
    except Exception as error:  # every kind of archive has its own
        raise UndecodableError(f"cannot be read ({shown(str(error))})") from None
    return decode(content)


def _scale_told(
    picture: Picture, scale: tuple[float, float], extent: tuple[float, float]
) -> Picture:
    """Say from what scale values were read that tell none; of 16 full bits there is no doubt."""
    if (picture.kind, scale[1]) == ("whole", 65535):
        return replace(picture, converted=(*picture.converted, DEEP))
    told = (
        f"{picture.kind} numbers from {extent[0]:g} to {extent[1]:g} (in all such photos), of a "
        f"scale that no file tells: read as {scale[0]:g} (black) … {scale[1]:g} (white)"
    )
    return replace(picture, altered=(*picture.altered, told))


def _framed(name: PurePosixPath, grey: NDArray[np.uint8], framing: Framing) -> Photo:
    height, width = grey.shape
    if min(height, width) < SMALLEST:
        raise UndecodableError(
            f"{height} × {width} pixels, expected at least {SMALLEST} × {SMALLEST}"
        )
    digest = hashlib.sha256(repr(grey.shape).encode() + grey.tobytes()).digest()
    if framing.size is None:
        if max(height, width) > NARROWEST * min(height, width):
            raise UndecodableError(
                f"{height} × {width} pixels, expected no side more than {NARROWEST} times the "
                "other; set data.size to crop them"
            )
        return Photo(name, grey, digest)
    high, wide = framing.size
    cropped = np.asarray(
        ImageOps.fit(Image.fromarray(grey), (wide, high), Image.Resampling.LANCZOS)
    )
    if framing.align == "eyes":
        try:
            aligned, remarks = line_up(grey, framing.size)
        except NoFaceError:
            raise UndecodableError("no face found") from None
        done = f"turned, scaled and cropped by the eyes to {high} × {wide}"
        return Photo(name, aligned, digest, tuple(remarks), (done,), before=cropped)
    if grey.shape == framing.size:
        return Photo(name, grey, digest)
    done = f"cropped about the centre and resized to {high} × {wide}"
    enlarged = (f"enlarged from {height} × {width}",) if height < high or width < wide else ()
    return Photo(name, cropped, digest, enlarged, (done,))


def _doubles_told(photos: list[Photo]) -> list[Photo]:
    counts = Counter(photo.name for photo in photos)
    return [
        photo
        if counts[photo.name] == 1
        else replace(
            photo,
            altered=(
                *photo.altered,
                f"one of {counts[photo.name]} files of this name: each is read as a photo",
            ),
        )
        for photo in photos
    ]
