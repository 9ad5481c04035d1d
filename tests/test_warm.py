"""Stages that start in a moment are the stages that they are otherwise."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

WARM = Path(__file__).parents[1] / "stages/warm.py"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is warm")
STAGE = """
import os, sys
print("torch" in sys.modules, "miface" in sys.modules, os.getcwd(), os.environ["SAID"], sys.argv)
print(sys.stdin.read(), file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""
SLEEP = """
import os, time
open("number", "w").write(str(os.getpid()))
time.sleep(90)
"""
STOPPED = """
import sys, time
try:
    open("begun", "w").write("yes")
    time.sleep(90)
except KeyboardInterrupt:
    sys.exit(3)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("warm")
    (folder / "stages").mkdir()
    (folder / "stages/say.py").write_text(STAGE)
    (folder / "stages/wrong.py").write_text("raise ValueError('wrong')")
    (folder / "stages/sleep.py").write_text(SLEEP)
    (folder / "stages/stopped.py").write_text(STOPPED)
    return folder


def warm(script: str, at: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(WARM), "sh", "-c", script],
        cwd=at, capture_output=True, text=True, check=False, env=os.environ | {"SAID": "yes"},
    )  # fmt: skip


def test_a_stage_has_its_folder_arguments_environment_streams_and_status(place: Path) -> None:
    done = warm(
        "echo asked | python stages/say.py 7 b; echo $?; python stages/wrong.py; echo $?; "
        "python -c 'import sys; print(\"torch\" in sys.modules)'; python -m dvc version; exit 3",
        place,
    )
    lines = done.stdout.splitlines()
    assert lines[0] == f"True False {place} yes ['stages/say.py', '7', 'b']"
    assert lines[1:4] == ["7", "1", "False"]
    assert lines[4].startswith("DVC version")
    assert "asked" in done.stderr
    assert "ValueError: wrong" in done.stderr
    assert done.returncode == 3


def test_a_stage_ends_with_who_asked_for_it(place: Path) -> None:
    said = place / "number"
    said.unlink(missing_ok=True)
    script = "python stages/sleep.py & echo $! > caller; wait"
    with subprocess.Popen([sys.executable, str(WARM), "sh", "-c", script], cwd=place):
        wait_until(lambda: said.exists() and bool(said.read_text()))
        caller = int((place / "caller").read_text())
        os.kill(caller, signal.SIGKILL)
        stage = Path("/proc", said.read_text())
        wait_until(lambda: not stage.exists())


def test_ctrl_c_is_the_stage_s_to_answer(place: Path) -> None:
    # A shell that runs a command in the background has it ignore Ctrl-C; a terminal does not.
    with subprocess.Popen(
        [sys.executable, str(WARM), "python", "stages/stopped.py"],
        cwd=place, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:  # fmt: skip
        wait_until((place / "begun").exists)
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 3


def wait_until(so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not so():
        assert time.monotonic() < end
        time.sleep(0.05)
