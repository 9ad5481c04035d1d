"""Experiments as DVC's users know them: going back is free, and each sees its own photos."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from clones import METHODS, MODELS, ROOT, Clone
from PIL import Image

from miface.faces.rendered import render_faces
from miface.files import read_arrays

COMPUTING = {f"train_{model}" for model in MODELS} | {
    f"invert@{method}-{model}" for method in METHODS for model in MODELS
}
UNKEPT = {"fetch", "knowledge", "evaluate"}
"""Stages whose runs DVC does not keep, since Git keeps an output."""


def committed(clone: Clone, revision: str, path: str) -> dict[str, Any]:
    refs = clone.run("git", "for-each-ref", "refs/exps", "--format=%(refname)").split()
    (named,) = [ref for ref in refs if ref.endswith(f"/{revision}")] or [revision]
    content: dict[str, Any] = json.loads(clone.run("git", "show", f"{named}:{path}"))
    return content


def countermeasures(clone: Clone) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((clone.folder / "reports/metrics.json").read_text())
    return dict(content["countermeasures"])


def names(clone: Clone) -> list[str]:
    faces = read_arrays(clone.folder / "data/faces.npz")
    return [str(name) for name in faces["names"]]


TANH = """\"\"\"A perceptron with tanh units.\"\"\"

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from miface.params.base import Count
from miface.recognisers.recogniser import Recogniser, Size
from miface.training.perceptron import Perceptron
from miface.training.trainer import Descent, Trainer, train_classifier


class TanhSettings(Descent):
    \"\"\"A perceptron with one hidden layer of tanh units.\"\"\"

    hidden_units: Count = Field(description="Units in the hidden layer.")


class Tanh(Perceptron, Recogniser):
    \"\"\"One hidden layer of tanh units.\"\"\"

    title, Settings = "perceptron of tanh units", TanhSettings
    settings: TanhSettings

    def __init__(self, size: Size, names: Sequence[str], settings: TanhSettings) -> None:
        super().__init__(size, names, settings)
        self.first = nn.Linear(self.pixels, settings.hidden_units)
        self.output = nn.Linear(settings.hidden_units, len(names))

    def tail(self, z: Tensor) -> Tensor:
        \"\"\"Map inputs of the units [B, h] to logits [B, P].\"\"\"
        logits: Tensor = self.output(torch.tanh(z))
        return logits

    def fit(self, trainer: Trainer) -> None:
        \"\"\"Train by stochastic gradient descent.\"\"\"
        train_classifier(self, self.settings, trainer)
"""
SETTINGS = """
tanh:
  hidden_units: 40
  learning_rate: 0.05
  momentum: 0.0
  weight_decay: 0.0
  batch_size: 10
  max_epochs: 20
  patience: 100
"""


def test_adding_a_recogniser_touches_three_files(clone: Clone) -> None:
    (clone.folder / "src/miface/recognisers/tanh.py").write_text(TANH)
    params, pipeline = clone.folder / "params.yaml", clone.folder / "dvc.yaml"
    params.write_text(params.read_text() + SETTINGS)
    stages = pipeline.read_text()
    of_mlp = stages[stages.index("  train_mlp:") : stages.index("  train_dae:")]
    stages = stages.replace(of_mlp, of_mlp + of_mlp.replace("mlp", "tanh"))
    assert "model: [softmax, mlp, dae, cnn]" in stages
    stages = stages.replace(
        "model: [softmax, mlp, dae, cnn]", "model: [softmax, mlp, dae, cnn, tanh]"
    )
    pipeline.write_text(stages)
    clone.set_params(["attack.models=[softmax,mlp,dae,cnn,tanh]"])
    clone.run("git", "add", "-A")
    touched = clone.run("git", "diff", "--cached", "--name-only").split()
    assert touched == ["dvc.yaml", "params.yaml", "src/miface/recognisers/tanh.py"]
    ran = clone.stages_run("repro")
    assert {f"train_{model}" for model in MODELS}.isdisjoint(ran)
    assert {"train_tanh", *(f"invert@{method}-tanh" for method in METHODS)} <= ran
    page = (clone.folder / "reports/index.html").read_text()
    assert "perceptron of tanh units" in page
    assert set(clone.metrics()["refined"]) == {*MODELS, "tanh"}


def test_going_back_to_former_settings_computes_nothing(clone: Clone) -> None:
    first = {p: p.read_bytes() for p in (clone.folder / "models").iterdir()}
    assert "train_softmax" in clone.stages_run("exp", "run", "-S", "softmax.learning_rate=0.01")
    clone.run("git", "checkout", "params.yaml")
    assert clone.stages_run("repro") == {"evaluate"}  # whose metrics Git keeps, and not DVC
    assert {p: p.read_bytes() for p in first} == first
    # And forth again.
    assert not COMPUTING & clone.stages_run("exp", "run", "-S", "softmax.learning_rate=0.01")


def test_a_countermeasure_reruns_what_it_touches_and_is_named(clone: Clone) -> None:
    ran = clone.stages_run("exp", "run", "-S", "countermeasures.answers={rounding: 0.01}")
    assert ran == {"plan", "evaluate", "report"}  # every attacker here holds the weights
    assert countermeasures(clone)["answers"] == "rounding 0.01"
    page = (clone.folder / "reports/index.html").read_text()
    assert "on the answers: rounding 0.01" in page
    ran = clone.stages_run("exp", "run", "-S", "countermeasures.training={label_smoothing: 0.2}")
    assert ran & COMPUTING == COMPUTING
    assert countermeasures(clone)["training"] == "label_smoothing 0.2"


def test_an_attacker_who_asks_is_counted_and_meets_the_countermeasure(clone: Clone) -> None:
    changes = ["attack.methods=[prior]", "attack.models=[mlp]", "+prior.mlp.access=confidences"]
    changes += ["+prior.mlp.space=prior", "prior.mlp.start=zero", "prior.mlp.estimator=as_is"]
    changes += ["++prior.mlp.alpha=3"]
    clone.dvc("exp", "run", *(part for change in changes for part in ("-S", change)))
    arrays = read_arrays(clone.folder / "reports/inversions/prior-mlp.npz")
    assert str(arrays["access"]) == "asks for confidences"
    assert (arrays["queries"] > 0).all()


def test_an_experiment_elsewhere_sees_the_same_photos_and_its_own_code(
    clone: Clone, tmp_path: Path
) -> None:
    before = committed(clone, "HEAD", "data/source.json")
    # In a folder of DVC's.
    clone.dvc("exp", "run", "-q", "--temp", "-n", "apart", "-S", "attack.gamma=0.3")
    assert committed(clone, "apart", "data/source.json") == before
    assert committed(clone, "apart", "reports/metrics.json")["data"]["name"] == before["name"]
    # In a Git worktree, with code of its own.
    place = tmp_path / "a worktree"
    clone.run("git", "worktree", "add", "-q", "--detach", str(place))
    tree = Clone(place)
    (place / ".dvc/config.local").write_text(f"[cache]\n    dir = {clone.folder}/.dvc/cache\n")
    assert tree.stages_run("repro") == UNKEPT
    objectives = place / "src/miface/attack/objectives.py"
    objectives.write_text(objectives.read_text().replace("1 - p_label", "2 - p_label"))
    tree.dvc("repro", "invert@mi_face-softmax")
    costs = read_arrays(place / "reports/inversions/mi_face-softmax.npz")["attack_cost"]
    assert costs.min() >= 1
    clone.run("git", "worktree", "remove", "--force", str(place))
    # In a clone.
    copy = tmp_path / "a clone"
    subprocess.run(["git", "clone", "-q", clone.folder, copy], check=True)
    other = Clone(copy)
    other.dvc("repro", "-q", "fetch")
    assert names(other) == [f"s{n}" for n in range(1, 7)]


def test_a_queue_sees_the_same_photos(clone: Clone) -> None:
    for name, gamma in (("first", 0.2), ("second", 0.35)):
        clone.dvc("exp", "run", "-q", "--queue", "-n", name, "-S", f"attack.gamma={gamma}")
    clone.dvc("queue", "start")
    clone.dvc("queue", "logs", "second", "--follow")
    for name in ("first", "second"):
        source = committed(clone, name, "data/source.json")
        assert source == committed(clone, "HEAD", "data/source.json")


def test_photos_that_change_are_noticed_wherever_they_lie(clone: Clone, tmp_path: Path) -> None:
    people = tmp_path / "outside"
    shutil.unpack_archive(clone.folder / "data/raw/att_faces.zip", people)
    clone.set_params([f"data.sources=[{people}]"])
    assert clone.stages_run("repro", "train_softmax") == {"fetch"}  # of the same pixels
    assert clone.stages_run("repro", "train_softmax") == set()
    (people / "s6/5.png").unlink()
    (people / "s6/.DS_Store").write_bytes(b"litter")
    assert {"fetch", "split"} <= clone.stages_run("repro", "train_softmax")
    assert len(read_arrays(clone.folder / "data/faces.npz")["images"]) == 29
    # Photos of other people, likewise.
    others = tmp_path / "others"
    others.mkdir()
    for number, photo in enumerate(
        render_faces(4, 1, height=32, width=28, seed=7).reshape(-1, 32, 28)
    ):
        Image.fromarray(photo).save(others / f"{number}.png")
    clone.set_params([f"prior.source={others}"])
    assert "knowledge" in clone.stages_run("repro", "knowledge")
    (others / "3.png").unlink()
    assert clone.stages_run("repro", "knowledge") == {"knowledge"}


def test_litter_and_line_ends_change_nothing(clone: Clone) -> None:
    for folder in ("src/miface/attack", "src/miface/recognisers", "models", "reports/inversions"):
        for name in (".DS_Store", "Thumbs.db", "notes.py~", ".access.py.swp"):
            (clone.folder / folder / name).write_bytes(b"litter")
        (clone.folder / folder / ".ipynb_checkpoints").mkdir()
        (clone.folder / folder / ".ipynb_checkpoints/a.py").write_bytes(b"litter")
        (clone.folder / folder / "__pycache__").mkdir(exist_ok=True)
        (clone.folder / folder / "__pycache__/a.pyc").write_bytes(b"litter")
    (clone.folder / "data/raw/.DS_Store").write_bytes(b"litter")
    assert clone.stages_run("repro") == set()
    assert clone.run("git", "status", "--porcelain") == ""
    clone.run("git", "config", "core.autocrlf", "true")
    for file in clone.run("git", "ls-files", "src", "stages", "params.yaml").split():
        (clone.folder / file).unlink()
    clone.run("git", "checkout", "--", "src", "stages", "params.yaml")
    params = clone.folder / "params.yaml"
    assert b"\r" not in params.read_bytes()
    params.write_bytes(b"\xef\xbb\xbf" + params.read_bytes())  # as Windows' Notepad does
    assert clone.stages_run("repro") <= {"report"}  # which shows the file as it is
    clone.run("git", "config", "--unset", "core.autocrlf")


def test_a_wrong_value_for_a_list_leaves_dvc_working(clone: Clone) -> None:
    output = clone.dvc("exp", "run", "-S", "attack.models=cnn", fails=True)
    assert "error: params.yaml: attack.models: found 'cnn', should be a list" in output
    assert "Traceback" not in output
    clone.dvc("status")
    clone.dvc("exp", "show")
    clone.run("git", "checkout", "params.yaml")
    assert clone.stages_run("repro") == set()


def test_tables_of_experiments_name_the_data_and_fit_a_terminal(clone: Clone) -> None:
    clone.dvc("exp", "run", "-q", "-S", "attack.gamma=0.25")
    table = clone.dvc("exp", "show", "--only-changed", "--no-pager")
    assert max(len(line) for line in table.splitlines()) <= 120, table
    shutil.move(clone.folder / "data/raw/att_faces.zip", clone.folder / "elsewhere.zip")
    try:
        clone.dvc("exp", "run", "-q")  # there is no archive now: drawn faces
        changed = clone.dvc("metrics", "diff")
        assert "data.source" in changed
        assert "rendered" in changed
        assert "data/raw/att_faces.zip" in changed
        said = clone.run(sys.executable, "stages/compare.py", "HEAD", "workspace", fails=True)
        assert said.startswith("error: workspace: found other photos")
    finally:
        shutil.move(clone.folder / "elsewhere.zip", clone.folder / "data/raw/att_faces.zip")


@pytest.mark.parametrize("folder", ["faces, try #1"])
def test_a_study_shares_the_cache_and_is_not_done_twice(
    clone: Clone, tmp_path: Path, folder: str
) -> None:
    place = tmp_path / folder
    subprocess.run(["git", "clone", "-q", clone.folder, place], check=True)
    study = Clone(place)
    study.dvc("config", "--local", "cache.dir", str(clone.folder / ".dvc/cache"))
    # Seed 0 has run before, in another folder: no training, no attack.
    said = study.run(sys.executable, "stages/study.py", "--seeds", "0", "--name", "one")
    assert "seed 0: computed nothing" in said
    made = json.loads((place / "reports/one.json").read_text())
    assert made["commit"] == study.run("git", "rev-parse", "HEAD").strip()
    before = clone.metrics()["refined"]["mlp"]
    assert made["results"]["refined"]["mlp"]["recovered"]["values"] == [before["recovered"]]
    added = "+refined.softmax.objective=minus_log_p"  # what it is in any case
    said = study.run(
        sys.executable, "stages/study.py", "--seeds", "0", "1", "-S", added, "--name", "two"
    )
    assert "seed 0: computed nothing" in said
    assert "seed 1: computed " in said
    said = study.run(sys.executable, "stages/study.py", "--seeds", "1", "--name", "again")
    assert "seed 1: computed nothing" in said


def readme_blocks() -> list[list[tuple[str, list[str]]]]:
    """The console blocks of the README's experiments: commands, and what they are shown to say."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = text[text.index("## Experiments") : text.index("## What is where")]
    blocks = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        commands: list[tuple[str, list[str]]] = []
        for line in block.splitlines():
            if line.startswith("$ "):
                commands.append((line.removeprefix("$ "), []))
            else:
                commands[-1][1].append(line)
        blocks.append(commands)
    return blocks


def test_the_readmes_experiments_do_what_they_say_in_order(clone: Clone, tmp_path: Path) -> None:
    place = tmp_path / "fresh"
    subprocess.run(["git", "clone", "-q", clone.folder, place], check=True)
    fresh = Clone(place)
    fresh.dvc("config", "--local", "cache.dir", str(clone.folder / ".dvc/cache"))
    blocks = readme_blocks()
    assert sum(len(block) for block in blocks) >= 10
    for block in blocks:
        assert block[0][0] == "git checkout params.yaml"  # each starts from known parameters
        for command, shown in block:
            said = fresh.run("bash", "-c", command)
            for line in shown:
                assert line in said, command
    assert fresh.run("git", "diff", "params.yaml") == ""
    assert not COMPUTING & fresh.stages_run("repro")
