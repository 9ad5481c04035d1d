"""The zip that an exported program is, opened with care, and words for what cannot be read."""

import json
import zipfile
from pathlib import Path
from typing import Any

from miface.errors import MifaceError

EXPORT = (
    'export it with torch.export.save(torch.export.export(model.eval(), (example,)), "model.pt2")'
)
"""What to do about a file that cannot be read."""

_MOST_JSON = 64 << 20  # bytes; a model of 1000 layers has 2 MiB


class Members:
    """The members of a zip by their names in it, together no longer than the file itself."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.infos: dict[str, zipfile.ZipInfo] = {}
        # Of a zip that is cut short, the end of a zip within it may be found.
        if min((info.header_offset for info in archive.infolist()), default=1) != 0:
            raise zipfile.BadZipFile
        left = path.stat().st_size
        for info in archive.infolist():
            # More than the file would be members that overlap.
            left -= info.file_size
            if left < 0:
                raise ValueError("its members are longer than the file")
            name = info.filename.partition("/")[2]  # all are in one folder
            if name in self.infos:
                raise ValueError(f"two members named {name}")
            self.infos[name] = info
        if "data.pkl" in self.infos:
            raise MifaceError(f"{path}: found a pickle, which can run code; {EXPORT}")

    def bytes(self, name: str) -> bytes:
        """Read a member."""
        info = self.infos[name]
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{name} is compressed")
        return self.archive.read(info)

    def json(self, name: str) -> Any:
        """Read a member as JSON."""
        if self.infos[name].file_size > _MOST_JSON:
            raise ValueError(f"{name} is longer than {_MOST_JSON >> 20} MiB")
        return json.loads(self.bytes(name))


def brief(error: Exception) -> str:
    """Give the kind and the first line of an error, of characters that print."""
    line = (str(error).splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {''.join(c if c.isprintable() else '?' for c in line)}"


def looks_like(path: Path) -> str:
    """Say what a file that is no zip seems to be."""
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        return "an empty file"
    if start[:1] == b"\x80":
        return "a pickle, which can run code"
    if start.startswith(b"PK"):
        return "a zip that is cut short"
    return "text" if start.isascii() and b"\0" not in start else "unknown bytes"
