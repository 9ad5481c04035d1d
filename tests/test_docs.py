"""What the documentation says holds: links lead somewhere, the reference is up to date."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from miface.params.file import read_yaml
from miface.params.schema import RECIPES, load_params, params_digest
from miface.recognisers import RECOGNISERS
from miface.reference import parameter_reference

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "http://")):
            continue
        file, _, heading = target.partition("#")
        linked = page.parent / file if file else page
        assert linked.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = [re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in headings]
            assert heading in slugs, target


def test_the_reference_of_parameters_is_up_to_date() -> None:
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    written = (ROOT / "docs/parameters.md").read_text(encoding="utf-8")
    assert written == parameter_reference(values), "run `make docs`"


def as_written(value: Any) -> str:
    """A value as `-S` takes it: JSON, but for the keys of a group, which bear no quotes."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {as_written(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_written, value))}]"
    return json.dumps(value)


def test_every_documented_key_can_be_changed_for_one_run(tmp_path: Path) -> None:
    reference = (ROOT / "docs/parameters.md").read_text(encoding="utf-8")
    keys = re.findall(r"^\| `([^`]+)` ", reference, re.MULTILINE)
    assert len(keys) > 80
    written = read_yaml(ROOT / "params.yaml")
    recipe = [key.removeprefix("recipe.") for key in keys if key.startswith("recipe.")]
    keys += [f"{m}.{model}.{k}" for m in RECIPES for model in RECOGNISERS for k in recipe]
    path = tmp_path / "params.yaml"

    def value_of(key: str) -> tuple[Any, bool]:
        value: Any = written
        for part in key.split("."):
            if not isinstance(value, dict) or part not in value:
                defaults: Any = written["recipe"]
                for inner in key.split(".")[2:]:
                    defaults = defaults[inner]
                return defaults, False
            value = value[part]
        return value, True

    changes = []
    for key in (key for key in keys if "<" not in key):  # DVC cannot change one of a list
        value, there = value_of(key)
        changes.append(f"{'' if there else '+'}{key}={as_written(value)}")
    shutil.copy(ROOT / "params.yaml", path)
    apply_overrides(path, changes)
    assert params_digest(load_params(path)) == params_digest(load_params(ROOT / "params.yaml"))


def test_the_targets_that_the_readme_names_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert named <= targets


def test_every_dependency_has_its_reason() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    reasons = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    for requirement in project["dependencies"]:
        name = re.split(r"[<>=]", requirement)[0]
        assert name in reasons, name


def test_the_lock_file_pins_every_dependency() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lock = (ROOT / "requirements.lock").read_text().lower().replace("_", "-")
    needed = project["dependencies"] + project["optional-dependencies"]["dev"]
    for requirement in needed:
        name = re.split(r"[<>=]", requirement)[0].lower().replace("_", "-")
        assert re.search(rf"^{re.escape(name)}==", lock, re.MULTILINE), name
