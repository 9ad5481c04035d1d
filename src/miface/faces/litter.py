"""Files and folders that systems and editors leave among photos: no part of what is given."""

from pathlib import PurePosixPath

LITTER = {
    ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX", "@eaDir", ".gitignore",
    ".ipynb_checkpoints", "__pycache__", ".idea", ".vscode", ".mypy_cache", ".ruff_cache",
    ".pytest_cache", ".hypothesis",
}  # fmt: skip
"""Their names; whatever begins with a dot is litter, too."""


def is_litter(name: PurePosixPath) -> bool:
    """Say whether a file, by its path within what is given, is litter or lies in such a folder."""
    return any(
        part in LITTER or (part.startswith(".") and part not in (".", "..")) for part in name.parts
    )
