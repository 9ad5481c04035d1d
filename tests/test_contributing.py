"""What CONTRIBUTING.md adds to the project, added to a copy of it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from miface.attack.methods import METHODS

RECOGNISER, MODULES = "tanh", ("confidence_penalty", "hiding", "top_five", "spectrum")
# What each line of params.yaml and dvc.yaml that holds names of things becomes.
LINES = {
    "params.yaml": {
        "  models: [softmax, mlp, dae, cnn]": f"  models: [softmax, mlp, dae, cnn, {RECOGNISER}]",
        "feature_template: 0}": "feature_template: 0, brightness: 0}",
    },
    "dvc.yaml": {
        "model: [softmax, mlp, dae, cnn]": f"model: [softmax, mlp, dae, cnn, {RECOGNISER}]",
    },
}


def examples(text: str) -> list[tuple[str, str]]:
    """Each block of code, with the file that was last named before it."""
    found = []
    for block in re.finditer(r"^```(?:python|yaml)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        named = re.findall(r"`((?:src/[\w/]+\.py)|params\.yaml|dvc\.yaml)`", text[: block.start()])
        found.append((named[-1], block[1]))
    return found


def extend(folder: Path, text: str) -> None:
    """Do what the document says in a copy of the project."""
    for name, lines in LINES.items():
        content = (folder / name).read_text(encoding="utf-8")
        for line, longer in lines.items():
            assert content.count(line) == 1, line
            content = content.replace(line, longer)
        (folder / name).write_text(content, encoding="utf-8")
    for name, code in examples(text):
        file = folder / name
        content = file.read_text(encoding="utf-8") if file.exists() else ""
        if name == "dvc.yaml":
            content = content.replace("  train_judges:", f"{code}\n  train_judges:", 1)
        else:
            content = f"{content}\n\n{code}" if content else code
        file.write_text(content, encoding="utf-8")


@pytest.fixture(scope="module")
def extended(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with everything that the document adds."""
    folder = tmp_path_factory.mktemp("contributing")
    for name in ("src", "stages", "tests"):
        litter = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(project / name, folder / name, ignore=litter)
    for name in ("params.yaml", "dvc.yaml", "pyproject.toml"):
        shutil.copy(project / name, folder / name)
    extend(folder, (project / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    return folder


def run(*command: str, at: Path) -> str:
    done = subprocess.run(
        [sys.executable, *command], cwd=at, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(at / "src"), "DVC_NO_ANALYTICS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_example_names_its_file(project: Path) -> None:
    named = [name for name, _ in examples((project / "CONTRIBUTING.md").read_text("utf-8"))]
    assert sorted(Path(name).stem for name in named) == sorted(
        [RECOGNISER, *MODULES, "params", "dvc", "objectives", "auxterms"]
    )


def test_the_examples_keep_to_the_style(extended: Path) -> None:
    run("-m", "ruff", "check", "src", at=extended)
    run("-m", "ruff", "format", "--check", "src", at=extended)


def test_the_examples_work(extended: Path) -> None:
    run("tests/additions.py", at=extended)


def test_dvc_trains_and_attacks_the_recogniser(extended: Path) -> None:
    run("-m", "dvc", "init", "-q", "--no-scm", at=extended)
    stages = set(run("-m", "dvc", "stage", "list", "--name-only", at=extended).split())
    attacks = {f"invert@{method}-{RECOGNISER}" for method in METHODS}
    assert {f"train_{RECOGNISER}", *attacks} <= stages


def test_the_table_of_tests_has_them_all(project: Path) -> None:
    told = re.findall(
        r"^\| `(test_\w+\.py)`", (project / "CONTRIBUTING.md").read_text("utf-8"), re.M
    )
    assert sorted(told) == sorted(file.name for file in (project / "tests").glob("test_*.py"))
