"""Clones of this checkout, for tests that drive the pipeline as a user does: with real DVC."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from dvc.utils.hydra import apply_overrides

ROOT = Path(__file__).parents[1]

SMALL = [
    "data.sources=[data/raw/att_faces.zip,rendered]", "data.digest=null", "rendered.people=6",
    "rendered.photos=5", "rendered.height=32", "rendered.width=28",
    "split.train_per_person=3", "mlp.hidden_units=50", "mlp.max_epochs=10",
    "dae.hidden_units=[60,20]", "dae.max_epochs=20", "dae.pretraining.0.epochs=5",
    "dae.pretraining.1.epochs=5", "cnn.hidden_units=32", "cnn.max_epochs=5",
    "softmax.max_epochs=20", "attack.alpha=60", "attack.beta=20", "attack.lambda=3.0",
    "known_code.seeds=1000", "prior.people=2", "prior.components=5", "prior.copies=2",
]  # fmt: skip
"""Changes of params.yaml that make a run of the whole pipeline short."""

MODELS = ("softmax", "mlp", "dae", "cnn")
METHODS = ("mi_face", "refined", "known_code", "prior")
LEFT_BEHIND = ("reports/", "dvc.lock", "stages/dvc.lock")
"""What runs on other faces left in Git: no part of a run on these."""
ALWAYS = {"sources"}
"""The stage that looks whether the photos have changed, every time."""


class Clone:
    """A checkout in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        here = str(Path(sys.executable).parent)
        # Under stages/warm.py, as in `make test`, its python comes first: stages start in a moment.
        first = [os.environ["MIFACE_WARM"]] if "MIFACE_WARM" in os.environ else []
        self.env = os.environ | {
            "PATH": os.pathsep.join([*first, here, os.environ["PATH"]]),
            "DVC_NO_ANALYTICS": "1",
            "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.org",
            "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.org",
        }  # fmt: skip

    @classmethod
    def of_this_checkout(cls, folder: Path, changes: list[str]) -> "Clone":
        """Copy this checkout with its uncommitted changes, change parameters, and commit it."""
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout.split("\n")  # fmt: skip
        for name in filter(None, listed):
            if (ROOT / name).is_file() and not name.startswith(LEFT_BEHIND):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        clone = cls(folder)
        clone.run("git", "init", "-q")
        clone.set_params(changes)
        clone.commit("small")
        return clone

    def run(self, *command: str, fails: bool = False) -> str:
        """Run a command, which must succeed (or must fail), and give what it said."""
        program = shutil.which(command[0], path=self.env["PATH"]) or command[0]
        done = subprocess.run(
            [program, *command[1:]], cwd=self.folder, env=self.env, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        output = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, output
        return output

    def dvc(self, *arguments: str, fails: bool = False) -> str:
        """Run DVC."""
        return self.run("python", "-m", "dvc", *arguments, fails=fails)

    def stages_run(self, *arguments: str) -> set[str]:
        """Run DVC and give the stages that it ran, but for the one that always runs."""
        return set(re.findall(r"Running stage '([^']+)'", self.dvc(*arguments))) - ALWAYS

    def set_params(self, changes: list[str]) -> None:
        """Write values into params.yaml the way `-S` does."""
        apply_overrides(self.folder / "params.yaml", changes)

    def commit(self, message: str) -> None:
        """Commit everything that Git does not ignore."""
        self.run("git", "add", "-A")
        self.run("git", "commit", "-qm", message)

    def back(self) -> None:
        """Put everything back as the last commit has it."""
        self.run("git", "reset", "-q", "--hard")
        self.run("git", "clean", "-qfd")
        self.run("git", "clean", "-qfdx", "models")  # also of a recogniser that was added
        self.dvc("checkout", "-q", "--force", "dvc.yaml")

    def metrics(self) -> dict[str, dict[str, dict[str, float]]]:
        """Give reports/metrics.json."""
        content: dict[str, dict[str, dict[str, float]]] = json.loads(
            (self.folder / "reports/metrics.json").read_text()
        )
        return content
