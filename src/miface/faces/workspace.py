"""Where photos lie that a person put beside the project: here, or in the workspace it came from.

Git does not hold them, so that an experiment in a folder of its own (`dvc exp run --temp`, a queue,
a Git worktree, a clone) lacks what the workspace has. It looks there.
"""

import hashlib
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from miface.faces.notes import Notes
from miface.faces.packings import opened


def workspaces(project: Path) -> Iterator[Path]:
    """Give the folder of a project, and then those of the checkouts that it was made from."""
    seen: list[Path] = []
    waiting = [project.resolve()]
    while waiting:
        place = waiting.pop(0)
        if place in seen or not place.is_dir():
            continue
        seen.append(place)
        yield place
        # DVC runs experiments in <workspace>/.dvc/tmp/exps/….
        waiting += [above.parent for above in place.parents if above.name == ".dvc"]
        if common := _git(place, "rev-parse", "--path-format=absolute", "--git-common-dir"):
            waiting.append(Path(common).parent)  # of a worktree, the main one
        if origin := _git(place, "config", "--get", "remote.origin.url"):
            waiting.append((place / origin.removeprefix("file://")).resolve())


def _git(place: Path, *command: str) -> str:
    """Ask Git; what it cannot answer (no repository, no Git) is no workspace."""
    try:
        done = subprocess.run(
            ["git", "-C", str(place), *command], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def locate(name: str, project: Path | None = None) -> Path:
    """Find a file or folder that a parameter names.

    Parameters
    ----------
    name
        As it stands in ``params.yaml``, relative to the project's folder unless absolute.
    project
        The project's folder; None is the current one.

    Returns
    -------
    Path
        In the project if it is there, else in the first workspace that has it, else in the project
        all the same, where it is missing.
    """
    here = project or Path()
    if Path(name).is_absolute() or (here / name).exists():
        return here / name
    places = (place / name for place in workspaces(here))
    return next((place for place in places if place.exists()), here / name)


def describe(names: Iterable[str]) -> list[dict[str, Any]]:
    """Say what the local ones of some sources hold: name, kind and digest of each.

    Two descriptions differ if and only if a file was added, removed, renamed or changed. Litter of
    systems and editors does not count; links are followed, as where the photos are read.
    """
    described = []
    for name in names:
        if name.startswith(("http://", "https://")):
            continue
        path = locate(name)
        kind = "folder" if path.is_dir() else "file" if path.is_file() else "nothing"
        described.append({"name": name, "kind": kind, "digest": _digest(path)})
    return described


def _digest(path: Path) -> str | None:
    if path.is_file():
        return _hashed(path.read_bytes).hexdigest()
    if not path.is_dir():
        return None
    whole = hashlib.sha256()
    with opened(path, Notes()) as members:
        for member in sorted(members, key=lambda member: member.name):
            whole.update(str(member.name).encode(errors="surrogateescape") + b"\0")
            whole.update(_hashed(member.read).digest())
    return whole.hexdigest()


def _hashed(read: Callable[[], bytes]) -> Any:
    try:
        return hashlib.sha256(read())
    except OSError as error:  # who reads the photos tells of it
        return hashlib.sha256(repr(error.errno).encode())
