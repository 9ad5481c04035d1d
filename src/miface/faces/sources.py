"""Where photos come from: sources tried in order, the first that answers is used."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from miface.errors import MifaceError
from miface.faces.archive import DigestMismatchError, Faces, Reading, read_faces
from miface.faces.notes import Note, Notes, shown
from miface.faces.workspace import locate
from miface.params.photos import Data, Rendered

ATT_CREDIT = (
    "AT&T Laboratories Cambridge; F. Samaria and A. Harter, "
    '"Parameterisation of a stochastic model for human face identification", 1994'
)

_ABSENT = "no such file or folder"


@dataclass(frozen=True)
class Source:
    """The source that answered, and what became of what it held: ``data/source.json``.

    Attributes
    ----------
    name
        The entry of ``data.sources``.
    kind
        What it is. A folder holds the user's own photos and is taken without a digest.
    digest
        SHA-256 of the pixels as they came, before any resizing.
    credit
        Whom to thank for the photos.
    passed_over
        Sources before it, and why each was not used.
    files, left_out, altered, persons, converted
        What was left out or altered: see `miface.faces.notes.Notes`. Of so many `files` each is a
        photo or in `left_out`.
    """

    name: str
    kind: Literal["archive", "folder", "mirror", "rendered"]
    digest: str
    credit: str
    passed_over: list[Note] = field(default_factory=list)
    files: int = 0
    left_out: list[Note] = field(default_factory=list)
    altered: list[Note] = field(default_factory=list)
    persons: list[Note] = field(default_factory=list)
    converted: dict[str, int] = field(default_factory=dict)


def find_faces(data: Data, rendered: Rendered, tell: Callable[[str], None]) -> tuple[Faces, Source]:
    """Read the photos of the first source that answers.

    Parameters
    ----------
    data
        Sources, digest and size.
    rendered
        The faces to draw where the source `rendered` is reached.
    tell
        Receives a line for each source that was passed over, and why, and for what was left out
        or altered of the photos.

    Returns
    -------
    faces, source
        The photos, and where they came from.

    Raises
    ------
    MifaceError
        If no source answers, or a local source answers with photos that cannot be used.
    """
    passed_over: list[Note] = []
    for name in data.sources:
        try:
            faces, source = _read(name, data, rendered, tell)
            return faces, replace(source, passed_over=passed_over)
        except _NoAnswerError as reason:
            passed_over.append(Note(shown(name), str(reason)))
            tell(f"passed over {shown(name)}: {reason}")
    reasons = "; ".join(f"{note.name}: {note.reason}" for note in passed_over)
    raise MifaceError(f"none of data.sources answered: {reasons}")


def unused(source: Mapping[str, Any]) -> list[str]:
    """Say of each file or folder that its owner put there that it was not used, and why.

    Parameters
    ----------
    source
        The content of ``data/source.json``.
    """
    return [
        f"{passed['name']} was NOT used: {passed['reason']}"
        for passed in source.get("passed_over", [])
        if not passed["name"].startswith(("https://", "http://")) and passed["reason"] != _ABSENT
    ]


class _NoAnswerError(Exception):
    """The source is not there, or is not the one that was asked for: go on to the next."""


def _read(
    name: str, data: Data, rendered: Rendered, tell: Callable[[str], None]
) -> tuple[Faces, Source]:
    if name == "rendered":
        faces = _render(rendered)
        return faces, Source(name, "rendered", faces.digest, "drawn by miface: no real people")
    if name.startswith(("https://", "http://")):
        with tempfile.TemporaryDirectory() as folder:
            try:
                downloaded = _download(name, Path(folder), data.timeout)
                return _taken(downloaded, Source(name, "mirror", "", ""), data, tell)
            except MifaceError as error:
                # The file has a temporary name; the reader of the message knows the address.
                raise _NoAnswerError(str(error).split(": ", 1)[-1]) from None
    path = locate(name)
    if not path.exists():
        raise _NoAnswerError(_ABSENT)
    try:
        kind: Literal["archive", "folder"] = "folder" if path.is_dir() else "archive"
        return _taken(path, Source(name, kind, "", ""), data, tell)
    except DigestMismatchError as error:
        raise _NoAnswerError(str(error).removeprefix(f"{path}: ")) from None


def _taken(
    path: Path, source: Source, data: Data, tell: Callable[[str], None]
) -> tuple[Faces, Source]:
    """Read the photos of a source, and tell what became of its files, also where it fails."""
    digest = None if source.kind == "folder" else data.digest
    reading = Reading(data.person, data.least_photos, data.align)
    notes = Notes()
    try:
        faces = read_faces(path, digest=digest, size=data.size, reading=reading, notes=notes)
    except DigestMismatchError:
        raise
    except MifaceError:
        notes.tell(tell)
        raise
    notes.tell(tell)
    return faces, replace(
        source,
        digest=digest or faces.digest,
        credit=ATT_CREDIT if digest else "the user's own photos",
        files=notes.files,
        left_out=notes.left_out,
        altered=notes.altered,
        persons=notes.persons,
        converted=dict(sorted(notes.converted.items())),
    )


def _download(url: str, folder: Path, timeout: float) -> Path:
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(progressbar=_is_terminal(), timeout=timeout)
    try:
        return Path(
            pooch.retrieve(
                url,
                known_hash=None,  # an archive is known by its pixels, not by its bytes
                fname="archive",
                path=folder,
                downloader=downloader,
            )
        )
    except requests.HTTPError as error:
        raise MifaceError(f"{url}: answered {error.response.status_code}") from None
    except (requests.RequestException, OSError) as error:
        raise MifaceError(f"{url}: no answer ({type(error).__name__})") from None


def _is_terminal() -> bool:
    import sys

    return sys.stderr.isatty()


def _render(rendered: Rendered) -> Faces:
    from miface.faces.rendered import render_faces

    images = render_faces(
        rendered.people,
        rendered.photos,
        height=rendered.height,
        width=rendered.width,
        seed=rendered.seed,
    )
    people, photos = images.shape[:2]
    return Faces(
        images=images.reshape(people * photos, *images.shape[2:]),
        person=np.repeat(np.arange(people), photos),
        photo=np.tile(np.arange(photos), people),
        names=np.array([f"r{number}" for number in range(1, people + 1)]),
    )
