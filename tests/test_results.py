"""README, study and committed run are of the same parameters, and agree.

As Git has them: what a run on other photos left in the folder is no part of it.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from miface.params.file import read_yaml
from miface.params.schema import load_params, params_digest
from miface.report.verdicts import (
    countermeasure_table,
    in_words,
    query_table,
    sharpening_table,
)


@pytest.fixture(scope="module")
def committed(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that are looked at, as the last commit has them."""
    folder = tmp_path_factory.mktemp("committed")
    if not (project / ".git").exists():
        pytest.skip("needs the project's Git repository: its last commit is what is looked at")
    for name in (
        "README.md", "dvc.lock", "params.yaml", "study.json", "metrics.json",
        "countermeasures-study.json", "countermeasures.md", "study-leaking.json",
        "what-the-report-found.md",
    ):  # fmt: skip
        place = {".json": "reports/", ".md": "docs/"}.get(Path(name).suffix, "")
        path = name if name == "README.md" else f"{place}{name}"
        content = subprocess.run(
            ["git", "show", f"HEAD:{path}"], cwd=project, capture_output=True, check=True
        ).stdout
        (folder / name).write_bytes(content)
    return folder


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def study(committed: Path) -> dict[str, Any]:
    return load(committed / "study.json")


def test_the_committed_run_was_made_by_the_committed_parameters(committed: Path) -> None:
    lock = YAML(typ="safe", pure=True).load(committed / "dvc.lock")
    written = read_yaml(committed / "params.yaml")

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
    committed: Path, study: dict[str, Any]
) -> None:
    assert study["changes"] == []
    assert study["parameters"] == params_digest(load_params(committed / "params.yaml"))
    assert re.fullmatch(r"[0-9a-f]{40}", study["commit"])  # no + of uncommitted code
    assert study["machine"]["cores"]


def test_study_and_committed_run_agree_on_their_seed(
    committed: Path, study: dict[str, Any]
) -> None:
    run = load(committed / "metrics.json")
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


def test_the_readme_shows_the_study(committed: Path, study: dict[str, Any]) -> None:
    text = (committed / "README.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (`?[\w ]+`?) +\| (\w+) +\| (\d+) +\| ([^|]+)\|", text, re.M)
    methods = {
        "as published": "mi_face", "`refined`": "refined", "`known_code`": "known_code",
        "`prior`": "prior",
    }  # fmt: skip
    shown = {(methods[a.strip()], model.lower()): c.strip() for a, model, _, c in table}
    of = study["results"]
    expected = {
        (method, model): f"{m['recovered']['mean']:.1f} ± {m['recovered']['spread']:.1f}"
        for method in methods.values()
        for model, m in of[method].items()
    }
    assert shown == expected


@pytest.mark.parametrize("model", ["softmax", "mlp", "dae", "cnn"])
def test_ordinary_recognisers_are_good_ones(study: dict[str, Any], model: str) -> None:
    assert study["results"]["variant"] == "ordinary"
    assert study["results"][model]["accuracy"]["test"]["mean"] >= 0.94


def test_a_document_shows_the_study_of_recognisers_bred_to_leak(
    committed: Path, study: dict[str, Any]
) -> None:
    leaking = load(committed / "study-leaking.json")
    assert leaking["changes"] == ["variant=leaking"]
    text = (committed / "what-the-report-found.md").read_text(encoding="utf-8")
    section = text[text.index("## Did the recognisers have to leak?") :]
    shown = {
        method.strip("`"): re.findall(r"(\d+) ± (\d+) \((\d+)\)", rest)
        for method, rest in re.findall(r"^\| (published|`\w+`) +\|(.*)$", section, re.M)
    }
    names = {"published": "mi_face", "refined": "refined", "prior": "prior"}

    def first(of: dict[str, Any], method: str, model: str, key: str) -> str:
        return f"{100 * of['results'][method][model]['identified']['outside']['top1'][key]:.0f}"

    assert shown == {
        name: [
            (first(leaking, method, model, "mean"), first(leaking, method, model, "spread"),
             first(study, method, model, "mean"))
            for model in ("softmax", "mlp", "dae", "cnn")
        ]
        for name, method in names.items()
    }  # fmt: skip


def test_the_measure_holds(study: dict[str, Any]) -> None:
    assert study["results"]["controls_above_chance"] == []
    assert study["results"]["judges"]["outside"]["mean"] >= 0.98


def test_the_document_shows_the_study_of_countermeasures(committed: Path) -> None:
    sweep = load(committed / "countermeasures-study.json")
    assert re.fullmatch(r"[0-9a-f]{40}", sweep["commit"])
    assert len(sweep["seeds"]) >= 3
    text = (committed / "countermeasures.md").read_text(encoding="utf-8")
    assert in_words(sweep["countermeasures"]) in text
    assert countermeasure_table(sweep["countermeasures"]).strip() in text
    assert query_table(sweep["queries"]) in text
    assert sharpening_table(sweep["sharpening"]) in text


def test_the_readme_quotes_the_document(committed: Path) -> None:
    readme = (committed / "README.md").read_text(encoding="utf-8")
    section = readme[readme.index("## What helps") : readme.index("## Experiments")]
    document = (committed / "countermeasures.md").read_text(encoding="utf-8")
    quoted = re.findall(r"\d+ of \d+", section)
    assert len(quoted) >= 5
    assert [count for count in quoted if f"{count}:" not in document] == []
