"""study: the pipeline over several seeds → reports/study.json, reports/study.md.

Not a stage of its own: it runs the whole pipeline, once a seed, in a folder beside this one that
shares DVC's cache, so that the results here stay as they are.

    python stages/study.py [--seeds 0 1 2 3 4] [-S key=value ...] [--name NAME]
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from dvc.utils.hydra import apply_overrides
from tqdm import tqdm

from miface.command import run, tell
from miface.errors import MifaceError
from miface.evaluation.study import mean_and_spread
from miface.files import write_json, written_whole
from miface.params import load_params
from miface.report.study import study_table

_NEEDED = ("data/raw", "src", "stages", "dvc.yaml", "params.yaml", ".dvc/config", ".dvcignore")


def main(*arguments: str) -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("-S", dest="changes", action="append", default=[], metavar="key=value")
    parser.add_argument("--name", default="study", help="name of the files in reports/")
    options = parser.parse_args(arguments)
    load_params()  # a mistake is told before any work is done
    with tempfile.TemporaryDirectory(prefix="miface-study-") as folder:
        place = Path(folder)
        _copy(place)
        runs = []
        for seed in tqdm(options.seeds, desc=options.name, unit="seed", disable=None):
            apply_overrides(place / "params.yaml", [*options.changes, f"seed={seed}"])
            runs.append(_run(place))
            changed = load_params(place / "params.yaml")
            methods, models = changed.attack.methods, changed.attack.models
    study: dict[str, Any] = {
        "seeds": options.seeds,
        "changes": options.changes,
        "results": mean_and_spread(runs),
    }
    write_json(f"reports/{options.name}.json", study)
    with written_whole(f"reports/{options.name}.md") as beside:
        beside.write_text(study_table(study, methods, models), encoding="utf-8")

    tell(f"the study: {Path(f'reports/{options.name}.md').resolve()}")


def _copy(place: Path) -> None:
    for name in _NEEDED:
        if Path(name).is_dir():
            shutil.copytree(name, place / name)
        else:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, place / name)
    config = place / ".dvc/config"
    cache = Path(".dvc/cache").resolve()
    config.write_text(
        f"[core]\n    no_scm = true\n    analytics = false\n[cache]\n    dir = {cache}\n"
    )


def _run(place: Path) -> dict[str, Any]:
    """Run the pipeline up to the metrics and give them."""
    environment = os.environ | {"PYTHONPATH": str(place / "src"), "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "repro", "evaluate"],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        raise MifaceError("\n".join(e.removeprefix("error: ") for e in errors) or done.stderr)
    content: dict[str, Any] = json.loads((place / "reports/metrics.json").read_text("utf-8"))
    return content


run(main)
