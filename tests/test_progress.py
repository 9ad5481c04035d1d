"""Long work says how far it is."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from miface import progress


def test_a_line_at_intervals_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.05)
    with progress.Progress(40, "attack", "step") as work:
        for _ in range(20):
            time.sleep(0.01)
            work.step(cost="0.5")
    lines = capsys.readouterr().err.splitlines()
    assert 1 <= len(lines) <= 5
    assert lines[0].startswith("attack: ")
    assert " of 40 steps after " in lines[0]
    assert lines[0].endswith(" s to go, cost 0.5")


def test_short_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.tracked([1, 2, 3], "measuring", "attack")) == [1, 2, 3]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("error", "lines"), [("KeyboardInterrupt", 1), ("ValueError('a mistake of ours')", 3)]
)
def test_a_stage_that_was_interrupted_says_what_to_do_in_a_line(
    project: Path, error: str, lines: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import project; raise {error}"],
        cwd=project / "stages", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == lines
    assert ("run the same again" in done.stderr) == (lines == 1)
