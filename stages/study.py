"""study: the pipeline over several seeds → reports/study.json, reports/study.md.

Not a stage of its own: it runs the whole pipeline, once a seed, in a folder of its own that shares
DVC's cache, so that the results here stay as they are. What was computed before, here or in a study
that was interrupted, is not computed again.

    python stages/study.py [--seeds 0 1 2 3 4] [-S key=value ...] [--name NAME]
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import project  # noqa: F401
from dvc.repo import Repo
from dvc.utils.hydra import apply_overrides

from miface.command import run
from miface.errors import MifaceError
from miface.evaluation.spread import mean_and_spread
from miface.files import write_json, written_whole
from miface.params.schema import load_params, params_digest
from miface.progress import tell, tracked
from miface.report.provenance import commit, machine
from miface.report.study_table import study_table

_LIGHT = {"sources", "fetch", "knowledge", "plan", "evaluate"}
"""Stages that train nothing and attack nothing, and may run for a key that is added anew."""


def main(*arguments: str) -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("-S", dest="changes", action="append", default=[], metavar="key=value")
    parser.add_argument("--name", default="study", help="name of the files in reports/")
    options = parser.parse_args(arguments)
    load_params()  # a mistake is told before any work is done
    with Repo() as repo:
        cache, scratch = repo.cache.legacy.path, Path(repo.tmp_dir)
    # Below .dvc, where photos that lie beside the project are looked for in the project.
    with tempfile.TemporaryDirectory(prefix="study-", dir=scratch) as folder:
        place = Path(folder)
        _copy(place, cache)
        runs = []
        for seed in tracked(options.seeds, options.name, "seed"):
            shutil.copy("params.yaml", place)  # a key that is added with + is there only once
            apply_overrides(place / "params.yaml", [*options.changes, f"seed={seed}"])
            said = _dvc(place, "repro", "evaluate")
            ran = set(re.findall(r"Running stage '([^']+)'", said)) - _LIGHT
            runs.append(json.loads((place / "reports/metrics.json").read_text("utf-8")))
            tell(f"seed {seed}: computed {f'{len(ran)} stages' if ran else 'nothing'}")
        changed = load_params(place / "params.yaml")
    study: dict[str, Any] = {
        "seeds": options.seeds,
        "changes": options.changes,
        "commit": commit(),
        "parameters": params_digest(changed),
        "machine": machine(),
        "results": mean_and_spread(runs),
    }
    write_json(f"reports/{options.name}.json", study)
    with written_whole(f"reports/{options.name}.md") as beside:
        table = study_table(study, changed.attack.methods, changed.attack.models)
        beside.write_text(table, encoding="utf-8")
    tell(f"the study: {Path(f'reports/{options.name}.md').resolve()}")


def _copy(place: Path, cache: str) -> None:
    for name in ("src", "stages"):
        shutil.copytree(name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "params.yaml", ".dvcignore"):
        shutil.copy(name, place / name)
    _dvc(place, "init", "--quiet", "--no-scm")
    _dvc(place, "config", "cache.dir", cache)
    _dvc(place, "config", "core.analytics", "false")


def _dvc(place: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=place,
        env=os.environ | {"DVC_NO_ANALYTICS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        raise MifaceError("\n".join(e.removeprefix("error: ") for e in errors) or done.stderr)
    return done.stdout + done.stderr


run(main)
