"""Files in folders and archives, in one form, however they are packed."""

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from miface.errors import MifaceError
from miface.faces.links import follow
from miface.faces.litter import is_litter
from miface.faces.notes import Notes, shown

File = tuple[PurePosixPath, Callable[[], bytes]]


@dataclass(frozen=True)
class Member:
    """A file of a folder or an archive.

    Attributes
    ----------
    name
        Path in the folder or archive, as it is stored: it may hold bytes that are not UTF-8.
    read
        Gives the content.
    """

    name: PurePosixPath
    read: Callable[[], bytes]


@contextmanager
def opened(path: Path, notes: Notes) -> Iterator[list[Member]]:
    """Give the files of an archive or a folder.

    Parameters
    ----------
    path
        A zip or tar archive (plain, gz, bz2, xz, or Unix compress ``.Z``) or a folder. Links are
        followed.
    notes
        Receives the number of files, and what is none: litter of operating systems, links that
        lead nowhere or in a circle, devices.

    Yields
    ------
    list of Member
        In the order in which they are quickest to read. A name may stand twice.

    Raises
    ------
    MifaceError
        If `path` is no archive and no folder.
    """
    before = len(notes.left_out)
    with ExitStack() as stack:
        try:
            members = _members(path, stack, notes)
        except Exception as error:  # every format has kinds of its own for broken files
            reason = str(error).partition(":\n")[0]  # of what tarfile says, no line per format
            raise MifaceError(
                f"{path}: cannot be read as a zip or tar archive ({shown(reason)}); "
                "expected an archive or a folder with one folder a person"
            ) from None
        notes.files += len(members) + len(notes.left_out) - before
        files = []
        for member in members:
            if is_litter(member.name):
                notes.leave_out(member.name, "hidden, or written by an operating system")
            else:
                files.append(member)
        yield files


def _members(path: Path, stack: ExitStack, notes: Notes) -> list[Member]:
    if path.is_dir():
        return list(_walk(path, PurePosixPath(), frozenset(), notes))
    if zipfile.is_zipfile(path):
        return _zipped(stack.enter_context(zipfile.ZipFile(path)), notes)
    return _tarred(stack.enter_context(_open_tar(path)), notes)


def _walk(
    folder: Path, name: PurePosixPath, above: frozenset[tuple[int, int]], notes: Notes
) -> Iterator[Member]:
    status = folder.stat()
    above |= {(status.st_dev, status.st_ino)}
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        notes.leave_out(name, f"a folder that cannot be opened ({error.strerror})")
        return
    for entry in entries:
        below = name / entry.name
        try:
            status = entry.stat()
        except OSError as error:
            what = "a link that leads nowhere" if entry.is_symlink() else "cannot be opened"
            notes.leave_out(below, f"{what} ({error.strerror})")
            continue
        if stat.S_ISDIR(status.st_mode):
            if (status.st_dev, status.st_ino) in above:
                notes.leave_out(below, "a link back to a folder that it lies in")
            else:
                yield from _walk(Path(entry.path), below, above, notes)
        elif stat.S_ISREG(status.st_mode):
            yield Member(below, Path(entry.path).read_bytes)
        else:
            notes.leave_out(below, "no file, but a device, a pipe or a socket")


def _zipped(archive: zipfile.ZipFile, notes: Notes) -> list[Member]:
    files: list[File] = []
    links, guessed = {}, set()
    for info in archive.infolist():
        name, known = _zip_name(info)
        if info.is_dir() or info.filename.endswith("\\"):
            continue
        if not known:
            guessed.add(name.parent)
        read = partial(archive.read, info)  # by the entry: a name may stand twice
        if stat.S_ISLNK(info.external_attr >> 16):
            links[name] = os.fsdecode(read())
        else:
            files.append((name, read))
    for folder in sorted(guessed):
        notes.say_of(folder, "the zip does not tell the code of its names: read as code page 437")
    return _linked(files, links, notes)


def _zip_name(info: zipfile.ZipInfo) -> tuple[PurePosixPath, bool]:
    r"""Read a name as it was meant: UTF-8 that does not say so, and Windows' ``\`` for ``/``.

    Returns it, and whether its letters are known.
    """
    name, known = info.filename, True
    if not info.flag_bits & 0x800 and not name.isascii():
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeDecodeError:
            known = False
    return PurePosixPath(name.replace("\\", "/")), known


def _tarred(archive: tarfile.TarFile, notes: Notes) -> list[Member]:
    files: list[File] = []
    links = {}
    for info in archive.getmembers():
        name = PurePosixPath(info.name)
        if info.isfile() or info.islnk():
            files.append((name, partial(_read_tarred, archive, info)))
        elif info.issym():
            links[name] = info.linkname
        elif not info.isdir():
            notes.leave_out(name, "no file, but a device or a pipe")
    return _linked(files, links, notes)


def _read_tarred(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(info)  # of a hard link: the file that it is another name of
    assert file is not None  # a file, no folder
    return file.read()


def _linked(
    files: list[File],
    links: dict[PurePosixPath, str],
    notes: Notes,
) -> list[Member]:
    found, lost = follow([name for name, _ in files], links)
    for name, reason in lost.items():
        notes.leave_out(name, reason)
    contents = dict(files)
    members = [Member(name, read) for name, read in files]
    return members + [Member(name, contents[target]) for name, target in found]


def _open_tar(path: Path) -> tarfile.TarFile:
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x9d"
    if compressed:  # by Unix compress, which tarfile does not read
        from unlzw3 import unlzw

        return tarfile.open(fileobj=io.BytesIO(unlzw(path.read_bytes())))
    return tarfile.open(path)
