"""README, study and committed run are of the same parameters, and agree."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from miface.params.file import read_yaml
from miface.params.schema import load_params, params_digest


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def study(project: Path) -> dict[str, Any]:
    return load(project / "reports/study.json")


def test_the_committed_run_was_made_by_the_committed_parameters(project: Path) -> None:
    lock = YAML(typ="safe", pure=True).load(project / "dvc.lock")
    written = read_yaml(project / "params.yaml")

    def at(key: str) -> Any:
        value: Any = written
        for part in key.split("."):
            value = value[part]
        return value

    ran = {
        key: value
        for stage in lock["stages"].values()
        for key, value in stage.get("params", {}).get("params.yaml", {}).items()
    }
    assert ran
    assert {key: at(key) for key in ran} == ran


def test_the_study_was_made_by_the_committed_parameters(
    project: Path, study: dict[str, Any]
) -> None:
    assert study["changes"] == []
    assert study["parameters"] == params_digest(load_params(project / "params.yaml"))
    assert re.fullmatch(r"[0-9a-f]{40}", study["commit"])  # no + of uncommitted code
    assert study["machine"]["cores"]


def test_study_and_committed_run_agree_on_their_seed(project: Path, study: dict[str, Any]) -> None:
    run = load(project / "reports/metrics.json")
    place = study["seeds"].index(run["data"]["seed"])
    assert study["results"]["data"]["digest"] == run["data"]["digest"]

    def compare(path: str, ours: Any, theirs: Any) -> None:
        if isinstance(theirs, dict) and "values" not in theirs:
            for name, value in theirs.items():
                compare(f"{path}.{name}", ours[name], value)
        elif isinstance(theirs, dict):
            spread = theirs["spread"] or 0.0
            assert ours == pytest.approx(theirs["values"][place], abs=spread + 1e-6), path

    for name in ("mi_face", "refined", "prior", "judges", "baselines"):
        compare(name, run[name], study["results"][name])


def test_the_readme_shows_the_study(project: Path, study: dict[str, Any]) -> None:
    text = (project / "README.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (`?[\w ]+`?) +\| (\w+) +\| (\d+) +\| ([^|]+)\|", text, re.M)
    methods = {"as published": "mi_face", "`refined`": "refined", "`prior`": "prior"}
    shown = {(methods[a.strip()], model.lower()): c.strip() for a, model, _, c in table}
    of = study["results"]
    expected = {
        (method, model): f"{m['recovered']['mean']:.1f} ± {m['recovered']['spread']:.1f}"
        for method in methods.values()
        for model, m in of[method].items()
    }
    assert shown == expected
