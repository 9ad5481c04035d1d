"""Where photos come from: sources tried in order, the first that answers is used."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from miface.errors import MifaceError
from miface.faces.archive import DigestMismatchError, Faces, read_faces
from miface.params.photos import Data, Rendered

ATT_CREDIT = (
    "AT&T Laboratories Cambridge; F. Samaria and A. Harter, "
    '"Parameterisation of a stochastic model for human face identification", 1994'
)


@dataclass(frozen=True)
class Source:
    """The source that answered.

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
    """

    name: str
    kind: Literal["archive", "folder", "mirror", "rendered"]
    digest: str
    credit: str


def find_faces(data: Data, rendered: Rendered, tell: Callable[[str], None]) -> tuple[Faces, Source]:
    """Read the photos of the first source that answers.

    Parameters
    ----------
    data
        Sources, digest and size.
    rendered
        The faces to draw where the source `rendered` is reached.
    tell
        Receives a line for each source that was passed over, and why.

    Returns
    -------
    faces, source
        The photos, and where they came from.

    Raises
    ------
    MifaceError
        If no source answers, or a local source answers with photos that cannot be used.
    """
    passed_over = []
    for name in data.sources:
        try:
            return _read(name, data, rendered)
        except _NoAnswerError as reason:
            passed_over.append(str(reason))
            tell(f"passed over {reason}")
    raise MifaceError("none of data.sources answered: " + "; ".join(passed_over))


class _NoAnswerError(Exception):
    """The source is not there, or is not the one that was asked for: go on to the next."""


def _read(name: str, data: Data, rendered: Rendered) -> tuple[Faces, Source]:
    if name == "rendered":
        faces = _render(rendered)
        return faces, Source(name, "rendered", faces.digest, "drawn by miface: no real people")
    if name.startswith(("https://", "http://")):
        with tempfile.TemporaryDirectory() as folder:
            try:
                faces = read_faces(
                    _download(name, Path(folder), data.timeout), digest=data.digest, size=data.size
                )
            except MifaceError as error:
                # The file has a temporary name; the reader of the message knows the address.
                raise _NoAnswerError(f"{name}: {str(error).split(': ', 1)[-1]}") from None
        return faces, _source(name, "mirror", faces, data)
    path = Path(name)
    if path.is_dir():
        faces = read_faces(path, size=data.size)
        return faces, _source(name, "folder", faces, data)
    if not path.exists():
        raise _NoAnswerError(f"{name}: no such file or folder")
    try:
        faces = read_faces(path, digest=data.digest, size=data.size)
    except DigestMismatchError as error:
        raise _NoAnswerError(str(error)) from None
    return faces, _source(name, "archive", faces, data)


def _source(
    name: str, kind: Literal["archive", "folder", "mirror"], faces: Faces, data: Data
) -> Source:
    known = kind != "folder" and data.digest is not None
    digest = data.digest if known and data.digest else faces.digest
    return Source(name, kind, digest, ATT_CREDIT if known else "the user's own photos")


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
