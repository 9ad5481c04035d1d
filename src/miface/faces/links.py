"""Symbolic links inside archives, where no file system follows them."""

import posixpath
from collections.abc import Sequence
from pathlib import PurePosixPath


class _LostError(Exception):
    """The link leads to nothing."""


def follow(
    files: Sequence[PurePosixPath], links: dict[PurePosixPath, str]
) -> tuple[list[tuple[PurePosixPath, PurePosixPath]], dict[PurePosixPath, str]]:
    """Find the files that links stand for.

    Parameters
    ----------
    files
        Names of the files of an archive.
    links
        Name and target of each link: to a file, or to a folder, whose files it stands for.

    Returns
    -------
    found
        A file's name by way of a link, and its own name.
    lost
        Links that stand for no file, and why.
    """
    known = set(files)
    found, lost = [], {}
    for link in links:
        try:
            target = _target(link, links)
            if target in link.parents:
                raise _LostError("a link back to a folder that it lies in")
            below = [file for file in known if file == target or target in file.parents]
            if not below:
                raise _LostError("a link that leads to nothing in the archive")
            found += [(link / file.relative_to(target), file) for file in sorted(below)]
        except _LostError as error:
            lost[link] = str(error)
    return found, lost


def _target(link: PurePosixPath, links: dict[PurePosixPath, str]) -> PurePosixPath:
    """Replace links, also those on the way, until none is left."""
    path = link
    for _ in range(40):  # as many as Linux follows
        on_the_way = next((step for step in (path, *path.parents) if step in links), None)
        if on_the_way is None:
            return path
        joined = posixpath.join(on_the_way.parent, links[on_the_way], path.relative_to(on_the_way))
        path = PurePosixPath(posixpath.normpath(joined))
    raise _LostError("a link that leads in a circle")
