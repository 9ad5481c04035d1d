"""A checkout: litter in it changes nothing, and Git changes no byte of it on any system."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from miface.faces.litter import LITTER

DVC = [sys.executable, "-m", "dvc"]
FILES = [".DS_Store", "Thumbs.db", "desktop.ini"]
DIRECTORIES = [
    ".ipynb_checkpoints", "__pycache__", ".idea", ".vscode", ".mypy_cache", ".ruff_cache",
    ".pytest_cache", ".hypothesis",
]  # fmt: skip
PATTERNS = ["module.pyc", "photo.pgm~", "notes.swp", ".train.py.swp", "#train.py#"]
PLACES = ["", "src/miface/attack/", "stages/", "data/raw/faces/s1/", "models/", "reports/plots/"]


def run(*command: str, at: Path, code: int = 0, env: Mapping[str, str] | None = None) -> list[str]:
    """Run a command, which must end with this code, and give its lines."""
    env = os.environ | {"DVC_NO_ANALYTICS": "1"} | dict(env or {})
    done = subprocess.run(command, cwd=at, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def empty(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that holds nothing but what says which files to leave out."""
    folder = tmp_path_factory.mktemp("checkout")
    run("git", "init", "-q", at=folder)
    run(*DVC, "init", "-q", at=folder)
    for name in (".gitignore", ".dvcignore"):
        (folder / name).write_bytes((project / name).read_bytes())
    return folder


@pytest.mark.parametrize("tool", [["git"], DVC], ids=["git", "dvc"])
def test_litter_is_ignored_in_any_folder(empty: Path, tool: list[str]) -> None:
    for place in PLACES:
        for name in DIRECTORIES:
            (empty / place / name).mkdir(parents=True, exist_ok=True)
        for name in FILES + PATTERNS:
            (empty / place / name).touch()
    litter = [place + name for place in PLACES for name in FILES + DIRECTORIES + PATTERNS]
    assert run(*tool, "check-ignore", *litter, at=empty) == litter


def test_what_the_project_is_made_of_is_no_litter(project: Path, empty: Path) -> None:
    files = run("git", "ls-files", at=project)
    run("git", "check-ignore", "--no-index", *files, at=empty, code=1)
    files = [file for file in files if not file.startswith(".dvc/")]  # DVC's own
    run(*DVC, "check-ignore", *files, at=empty, code=1)


def test_litter_among_photos_is_no_photo() -> None:
    assert {*FILES, *DIRECTORIES} <= LITTER


def test_a_checkout_with_core_autocrlf_has_the_committed_bytes(
    project: Path, tmp_path: Path
) -> None:
    committed, checkout = tmp_path / "committed", tmp_path / "checkout"
    committed.mkdir()
    run("git", "init", "-q", at=committed)
    here = {"GIT_DIR": str(committed / ".git"), "GIT_WORK_TREE": str(project)}
    run("git", "-c", "core.autocrlf=true", "add", "-A", at=project, env=here)
    me = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    run("git", *me, "commit", "-qm", "all", at=project, env=here)
    crlf = ["-c", "core.autocrlf=true"]
    run("git", "clone", "-q", *crlf, str(committed), str(checkout), at=tmp_path)
    stored = run("git", "ls-files", "--format=%(objectname)", at=checkout)
    files = run("git", "ls-files", at=checkout)
    assert {"dvc.yaml", "params.yaml", "docs/page.png"} <= set(files)
    assert run("git", "hash-object", "--no-filters", *files, at=checkout) == stored
