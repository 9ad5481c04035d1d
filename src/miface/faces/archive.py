"""Photos in archives and folders: one folder a person, at any depth."""

import hashlib
import io
import re
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from miface.errors import MifaceError

SUFFIXES = {".pgm", ".png", ".jpg", ".jpeg", ".bmp"}


class DigestMismatchError(MifaceError):
    """The photos are readable, but not the ones that were asked for."""


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
    """

    images: NDArray[np.uint8]
    person: NDArray[np.int64]
    photo: NDArray[np.int64]
    names: NDArray[np.str_]

    @property
    def digest(self) -> str:
        """SHA-256 of the pixels in order, whatever archive or lossless format they came in."""
        return hashlib.sha256(self.images.tobytes()).hexdigest()


def read_faces(
    path: Path, *, digest: str | None = None, size: tuple[int, int] | None = None
) -> Faces:
    """Read the photos of an archive or a folder.

    Parameters
    ----------
    path
        A zip or tar archive (plain, gz, bz2, xz, or Unix compress ``.Z``) or a folder. Every
        folder in it that holds images (PGM, PNG, JPEG, BMP) is a person.
    digest
        Where the archive holds more than the faces (a whole repository), the SHA-256 of the
        pixels of the group of sibling folders to take.
    size
        (height, width) in pixels that photos are cropped about their centre and resized to.

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
        photos, or an image cannot be read or differs in size from the others.
    """
    people: _People = defaultdict(list)
    with _opened(path) as members:
        for member in members:
            hidden = any(part.startswith((".", "__MACOSX")) for part in member.name.parts)
            if member.name.suffix.lower() in SUFFIXES and not hidden:
                people[member.name.parent].append(member)
        if not people:
            raise MifaceError(f"{path}: no images found; expected PGM, PNG, JPEG or BMP files")
        if digest is None:
            return _decode(path, people, size)
        for group in _sibling_groups(people):
            faces = _decode_if_uniform(path, group)
            if faces is not None and faces.digest == digest:
                return faces if size is None else _decode(path, group, size)
        whole = _decode_if_uniform(path, people) or _decode(path, people, size)
    raise DigestMismatchError(
        f"{path}: the pixels of its {len(whole.images)} photos of {len(whole.names)} people have "
        f"the digest {whole.digest}, data.digest expects {digest}; "
        "set data.digest=null to take the photos all the same"
    )


@dataclass(frozen=True)
class _Member:
    name: PurePosixPath
    read: Callable[[], bytes]


_People = dict[PurePosixPath, list[_Member]]


def _sibling_groups(people: _People) -> list[_People]:
    """Group the folders of people by their parent folder, and all of them together."""
    groups: dict[PurePosixPath, _People] = defaultdict(dict)
    for folder, members in people.items():
        groups[folder.parent][folder] = members
    groups[PurePosixPath("/all")] = people
    return [group for group in groups.values() if len(group) > 1]


@contextmanager
def _opened(path: Path) -> Iterator[list[_Member]]:
    """Give the files of an archive or a folder, in one form."""
    with ExitStack() as stack:
        try:
            members = _members(path, stack)
        except Exception as error:  # every format has kinds of its own for broken files
            reason = str(error).partition(":\n")[0]  # of what tarfile says, no line per format
            raise MifaceError(
                f"{path}: cannot be read as a zip or tar archive ({reason}); "
                "expected an archive or a folder with one folder a person"
            ) from None
        yield members


def _members(path: Path, stack: ExitStack) -> list[_Member]:
    if path.is_dir():
        return [
            _Member(PurePosixPath(file.relative_to(path).as_posix()), file.read_bytes)
            for file in path.rglob("*")
            if file.is_file()
        ]
    if zipfile.is_zipfile(path):
        zipped = stack.enter_context(zipfile.ZipFile(path))
        return [
            _Member(PurePosixPath(name), partial(zipped.read, name))
            for name in zipped.namelist()
            if not name.endswith("/")
        ]
    tarred = stack.enter_context(_open_tar(path))
    return [
        _Member(PurePosixPath(info.name), partial(_read_tarred, tarred, info))
        for info in tarred.getmembers()
        if info.isfile()
    ]


def _open_tar(path: Path) -> tarfile.TarFile:
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x9d"
    if compressed:  # by Unix compress, which tarfile does not read
        from unlzw3 import unlzw

        return tarfile.open(fileobj=io.BytesIO(unlzw(path.read_bytes())))
    return tarfile.open(path)


def _read_tarred(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(info)
    assert file is not None  # a file, no folder
    return file.read()


def _natural_key(path: PurePosixPath) -> tuple[list[tuple[str, int]], str]:
    """Sort key with numbers in numeric order: s2 before s10; s02 and s2 keep one order too."""
    parts = re.findall(r"(\D*)(\d*)", str(path))
    return [(text, int(digits or -1)) for text, digits in parts], str(path)


def _decode_if_uniform(path: Path, people: _People) -> Faces | None:
    """Decode a group that may be no faces at all: other images of a repository, say."""
    try:
        return _decode(path, people, None)
    except MifaceError:
        return None


def _decode(path: Path, people: _People, size: tuple[int, int] | None) -> Faces:
    if len(people) < 2:
        only = next(iter(people))
        raise MifaceError(f"{path}: one person found ({only}), expected at least two folders")
    folders = sorted(people, key=_natural_key)
    base_names = [folder.name for folder in folders]
    unique = len(set(base_names)) == len(base_names)
    names = base_names if unique else [str(folder) for folder in folders]
    images: list[NDArray[np.uint8]] = []
    person: list[int] = []
    photo: list[int] = []
    for index, folder in enumerate(folders):
        members = sorted(people[folder], key=lambda member: _natural_key(member.name))
        if len(members) < 2:
            raise MifaceError(
                f"{path}: {folder} holds one photo, expected at least two: "
                "one to train on and one to hold out"
            )
        for number, member in enumerate(members):
            image = _grey(path, member, size)
            if images and image.shape != images[0].shape:
                raise MifaceError(
                    f"{path}: {member.name} is {image.shape[0]} × {image.shape[1]} pixels "
                    f"(height × width), the photos before it {images[0].shape[0]} × "
                    f"{images[0].shape[1]}; set data.size to resize them all"
                )
            images.append(image)
            person.append(index)
            photo.append(number)
    return Faces(np.stack(images), np.array(person), np.array(photo), np.array(names))


def _grey(path: Path, member: _Member, size: tuple[int, int] | None) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(member.read())) as opened:
            upright = ImageOps.exif_transpose(opened)
            if upright.mode.startswith("I"):  # 16 bits a pixel, which convert() would clip
                upright = Image.fromarray((np.asarray(upright) // 257).astype(np.uint8))
            image = upright.convert("L")
    except Exception as error:  # Pillow raises many kinds for broken files
        raise MifaceError(f"{path}: {member.name} cannot be read as an image ({error})") from None
    if size is not None:
        image = ImageOps.fit(image, (size[1], size[0]), Image.Resampling.LANCZOS)
    pixels = np.asarray(image)
    if min(pixels.shape) < 16:
        raise MifaceError(
            f"{path}: {member.name} is {pixels.shape[0]} × {pixels.shape[1]} pixels, "
            "expected at least 16 × 16"
        )
    return pixels
