"""What was left out, altered or merged on the way from files to faces: never in silence."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

_NAMED = 5  # names on a line in the terminal; all of them are in data/source.json

# Characters that turn the direction of the text after them, or break its line.
_DISRUPTIVE = {0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}


@dataclass(frozen=True)
class Note:
    """A file, photo or person, and what happened to it.

    Attributes
    ----------
    name
        Printable.
    reason
        One line.
    """

    name: str
    reason: str


@dataclass
class Notes:
    """What happened to what was given.

    Attributes
    ----------
    files
        Files seen: so many photos were taken, and so many are in `left_out`.
    left_out
        Files that are no photo of the set, a note each.
    altered
        Photos that are not as they were stored, beyond what is done to all of them.
    persons
        People who are made of several folders, have another name or were left out.
    converted
        What is done by rule, and to how many photos: grey, 8 bits, the size, the eyes.
    """

    files: int = 0
    left_out: list[Note] = field(default_factory=list)
    altered: list[Note] = field(default_factory=list)
    persons: list[Note] = field(default_factory=list)
    converted: Counter[str] = field(default_factory=Counter)

    def leave_out(self, name: PurePosixPath | str, reason: str) -> None:
        """Note a file that is not taken."""
        self.left_out.append(Note(shown(name), reason))

    def take(
        self, name: PurePosixPath, altered: tuple[str, ...], converted: tuple[str, ...]
    ) -> None:
        """Note what was done to a photo that is taken."""
        self.altered += [Note(shown(name), what) for what in altered]
        self.converted.update(converted)

    def say_of(self, name: PurePosixPath | str, reason: str) -> None:
        """Note something about a person."""
        self.persons.append(Note(shown(name), reason))

    def content(self) -> dict[str, Any]:
        """Give all of it in a form that JSON has, the same for the same notes."""
        rules = dict(sorted(self.converted.items()))
        return asdict(replace(self, converted=Counter())) | {"converted": rules}

    def lines(self) -> list[str]:
        """Sum up, a line for each reason."""
        lines = [
            f"{kind} {_counted(len(names), noun)}: {reason} ({few(names)})"
            for kind, noun, notes in (
                ("left out", "file", self.left_out),
                ("altered", "photo", self.altered),
                ("note on", "person", self.persons),
            )
            for reason, names in _by_reason(notes).items()
        ]
        return lines + [
            f"{_counted(count, 'photo')}: {what}" for what, count in sorted(self.converted.items())
        ]

    def tell(self, tell: Callable[[str], None]) -> None:
        """Say in the terminal what happened."""
        for line in self.lines():
            tell(line)


def shown(name: PurePosixPath | str) -> str:
    r"""Give a name that any terminal, file and page can hold.

    Bytes that are not UTF-8, control characters and those that turn the direction of the text are
    escaped (``\xff``, ``\n``, ``\u202e``); all else stays.
    """
    return "".join(map(_printable, str(name)))


def few(names: list[str]) -> str:
    """Name the first few, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _printable(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python reads file names
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(character) in ("Cc", "Cs") or code in _DISRUPTIVE:
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character


def _by_reason(notes: list[Note]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = defaultdict(list)
    for note in notes:
        names[note.reason].append(note.name)
    return names


def _counted(count: int, noun: str) -> str:
    plural = "people" if noun == "person" else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"
