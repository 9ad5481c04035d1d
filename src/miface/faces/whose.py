"""Who is on a photo: told by its folder, or by a part of its name."""

import os.path
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from miface.errors import MifaceError
from miface.faces.notes import few, shown
from miface.faces.reading import natural_key

Whose = Callable[[PurePosixPath], str | None]

# Where a file's name says who is on it, the person is most often …
_USUAL = (
    "([^/]+?)[ _.-]+[(]?[0-9]+[)]?([.][^./]*)?$",  # before a number: s1_1.png, Ada (2).png
    "([^/]*[^/0-9 _.-])[0-9]+([.][^./]*)?$",  # ada1.jpg
    "([^/_]+)_[^/]*$",  # before the first …: ada_happy.jpg
    "([^/.]+)[.][^/]*$",  # subject01.happy
    "([^/-]+)-[^/]*$",  # ada-left.png
    "(?:^|/)[0-9]+[ _.-]+([^/0-9][^/]*?)([.][^./]*)?$",  # after a number: 1_ada.jpg
)


def find_whose(path: Path, names: Sequence[PurePosixPath], rule: str | None) -> Whose:
    """Find out how a photo's name tells who is on it.

    Parameters
    ----------
    path
        Folder or archive, for messages.
    names
        Names of the photos in it.
    rule
        None: the folder of a photo is the person. ``folder``: likewise, and folders of one name
        are one person. ``path``: the whole path of the folder is the person. Else a regular
        expression, whose first group, searched for in the path of the file, is the person.

    Returns
    -------
    callable
        Gives the person of a name, composed (NFC) and printable, or None.

    Raises
    ------
    MifaceError
        If the names leave open who is who.
    """
    if rule not in (None, "folder", "path"):
        pattern = re.compile(rule)
        return lambda name: _matched(pattern, name)
    folders = sorted({composed(name.parent) for name in names}, key=natural_key)
    if len(folders) == 1:
        raise MifaceError(f"{path}: {_one_folder(folders[0], names)}")
    # What lies beside the folders of people is in none.
    top = PurePosixPath(os.path.commonpath(folders)) if _alike(folders) else PurePosixPath()
    folders = [folder for folder in folders if folder != top]
    if rule is None:
        _refuse_doubt(path, folders)

    def whose(name: PurePosixPath) -> str | None:
        folder = composed(name.parent)
        if folder == top or (top.parts and top not in folder.parents):
            return None
        return shown(folder.relative_to(top) if rule == "path" else folder.name)

    return whose


def composed(name: PurePosixPath) -> PurePosixPath:
    """Write accents in one way: é, not e and an accent."""
    return PurePosixPath(unicodedata.normalize("NFC", str(name)))


def _alike(folders: list[PurePosixPath]) -> bool:
    return len({folder.is_absolute() for folder in folders}) == 1


def _matched(pattern: re.Pattern[str], name: PurePosixPath) -> str | None:
    found = pattern.search(str(composed(name)))
    return shown(found[1]) if found and found[1] else None


def _refuse_doubt(path: Path, folders: list[PurePosixPath]) -> None:
    for inner in folders:
        for outer in set(inner.parents) & set(folders):
            above = f"{shown(outer.parent)}/" if outer.parent.parts else ""
            raise MifaceError(
                f"{path}: {shown(outer)} holds photos, and so does {shown(inner)} in it; set "
                "data.person=path if these are two people, or "
                f"{_option(f'^{_literally(above)}([^/]+)/')} if they are one"
            )
    same: dict[str, list[PurePosixPath]] = defaultdict(list)
    for folder in folders:
        same[shown(folder.name)].append(folder)
    doubled = {name: found for name, found in same.items() if len(found) > 1}
    if doubled:
        name, found = next(iter(doubled.items()))
        more = f", and {len(doubled) - 1} more names stand twice" if len(doubled) > 1 else ""
        raise MifaceError(
            f"{path}: {' and '.join(shown(folder) for folder in found[:2])} are both called "
            f"{name}{more}; set data.person=folder if folders of one name are one person, "
            "data.person=path if they are different people"
        )


def _one_folder(folder: PurePosixPath, names: Sequence[PurePosixPath]) -> str:
    where = f"one folder ({shown(folder)})" if folder.parts else "one folder"
    found = (
        f"all {len(names)} photos lie in {where}, expected one folder a person, of at least two "
        "people; if the person is in the file's name, set data.person"
    )
    suggested = suggest(names)
    if not suggested:
        return f"{found}, {_option(_USUAL[2])} for ada_1.jpg"
    return f"{found}, " + " or ".join(
        f"{_option(pattern)}, which reads {len(people)} people ({few(people)})"
        for pattern, people in suggested.items()
    )


def _option(pattern: str) -> str:
    """Give a pattern as a shell and DVC take it."""
    return f"""-S 'data.person="{pattern}"'"""


def _literally(text: str) -> str:
    """Give a pattern for a text, without backslashes, which DVC and YAML would read otherwise."""
    return re.sub(r"[.$*+?{}()|\[\]]", r"[\g<0>]", text)


def suggest(names: Sequence[PurePosixPath]) -> dict[str, list[str]]:
    """Find patterns by which files in one folder would be people, and the people.

    Each reads every name, or at least two thirds, as two people or more of two photos or more; of
    those that read the same people the first is given, and no more than two.
    """
    suggested: dict[str, list[str]] = {}
    for usual in _USUAL:
        pattern = re.compile(usual)
        counts = Counter(filter(None, (_matched(pattern, name) for name in names)))
        several = [count for count in counts.values() if count > 1]
        people = sorted(counts, key=natural_key)
        enough = len(several) > 1 and 3 * sum(several) > 2 * len(names)
        if enough and people not in suggested.values() and len(suggested) < 2:
            suggested[usual] = people
    return suggested
