"""Stages that do not need one another run at a time, and end as they do one after another."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

STAGES = Path(__file__).parents[1] / "stages"
WAIT = """
import sys, time
from pathlib import Path
mine, other = sys.argv[1:]
Path(mine).write_text("at work")
end = time.monotonic() + 30
while not Path(other).exists():
    if time.monotonic() > end:
        sys.exit(f"{mine} waited for {other} in vain")
    time.sleep(0.05)
"""
PIPELINE = {
    "first": {"cmd": "echo 1 > first", "outs": ["first"]},
    "left": {
        "cmd": "python wait.py at-left at-right && cat first > left",
        "deps": ["first"],
        "outs": ["left"],
    },
    "right": {
        "cmd": "python wait.py at-right at-left && cat first > right",
        "deps": ["first"],
        "outs": ["right"],
    },
    "last": {"cmd": "cat left right > last", "deps": ["left", "right"], "outs": ["last"]},
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give a small project whose stages `left` and `right` each end only beside the other."""
    (tmp_path / "stages").mkdir()
    for name in ("run.py", "project.py"):
        shutil.copy(STAGES / name, tmp_path / "stages")
    (tmp_path / "wait.py").write_text(WAIT)
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": PIPELINE}, sort_keys=False))
    subprocess.run(
        [sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], cwd=tmp_path, check=True
    )
    return tmp_path


ELSEWHERE = """
import os, runpy, sys
del os.sched_getaffinity
sys.path.insert(0, "stages")
runpy.run_path("stages/run.py", run_name="__main__")
"""


def run(place: Path, jobs: str, *start: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        [sys.executable, *(start or ("stages/run.py",))],
        cwd=place, capture_output=True, text=True, check=False,
        env=os.environ | {"MIFACE_JOBS": jobs, "PATH": path, "DVC_NO_ANALYTICS": "1"},
    )  # fmt: skip


def test_stages_run_beside_one_another_after_what_they_need(place: Path) -> None:
    done = run(place, "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (place / "last").read_text() == "1\n1\n"
    locked = yaml.safe_load((place / "dvc.lock").read_text())["stages"]
    assert set(locked) == set(PIPELINE)
    again = run(place, "2")
    assert "Running stage" not in again.stdout
    assert "up to date" in again.stdout + again.stderr


def test_after_a_failure_nothing_else_begins_and_the_stage_is_named(place: Path) -> None:
    pipeline = PIPELINE | {"first": {"cmd": "echo no such photo; exit 3", "outs": ["first"]}}
    (place / "dvc.yaml").write_text(yaml.safe_dump({"stages": pipeline}, sort_keys=False))
    done = run(place, "2")
    assert done.returncode != 0
    assert "first: no such photo" in done.stdout
    assert not (place / "at-left").exists()
    assert not (place / "at-right").exists()


@pytest.mark.parametrize("jobs", ["0", "many", "-1"])
def test_a_number_of_stages_that_is_none_is_a_line(place: Path, jobs: str) -> None:
    done = run(place, jobs)
    assert done.returncode == 1
    assert done.stderr == f"MIFACE_JOBS: {jobs!r} is no number of stages; say 1 or more\n"
    assert not (place / "first").exists()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this is such a system")
def test_a_system_that_tells_no_process_its_cores_runs_the_pipeline_too(place: Path) -> None:
    pipeline = {"first": PIPELINE["first"]}
    (place / "dvc.yaml").write_text(yaml.safe_dump({"stages": pipeline}))
    done = run(place, "", "-c", ELSEWHERE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (place / "first").read_text() == "1\n"
