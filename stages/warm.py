"""warm: run a command whose stages start in a moment: `python stages/warm.py dvc repro`.

A stage is a process, and to load PyTorch costs a process two seconds, some 25 times in a run. Here
one process loads the libraries, and each `python stages/….py` or `python -m dvc` that the command
starts is a fork of it: no stage, no result and no line of dvc.yaml differs. The code of miface is
not among what is loaded; each fork reads its own.
"""

import gc
import importlib
import json
import os
import runpy
import select
import shlex
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LIBRARIES = (
    "torch", "numpy", "scipy.ndimage", "scipy.stats", "pandas", "cv2", "dlib", "PIL.Image",
    "pydantic", "ruamel.yaml", "safetensors.torch", "sklearn.decomposition",
    "sklearn.discriminant_analysis", "skimage.feature", "matplotlib.figure", "jinja2", "tabulate",
    "tqdm", "dvclive.live", "dvc.cli", "dvc.repo", "dvc.commands.repro",
    "dvc.commands.experiments.run", "dvc.commands.checkout",
)  # fmt: skip
WARM = "MIFACE_WARM"
"""Names the folder of the `python` to put first in PATH, for who sets PATH anew."""
_ASKED = 2**20  # bytes of a command with its environment, at most

# `python`, for the command: what is no stage and no DVC is run as it is.
_SHIM = """#!/bin/sh
case "$1 $2" in
  stages/*.py\\ *|-m\\ dvc) exec {python} -I -S {script} --ask {place} "$@" ;;
  *) exec {python} "$@" ;;
esac
"""


def main(command: list[str]) -> int:
    """Run a command, and give its exit status."""
    if not sys.platform.startswith("linux"):  # elsewhere a fork of loaded libraries is not safe
        return subprocess.call(command)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as project.py says
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as door:
        place = Path(folder, "door")
        door.bind(str(place))
        door.listen()
        names = {"python": sys.executable, "script": str(Path(__file__).resolve())}
        quoted = {name: shlex.quote(text) for name, text in (names | {"place": str(place)}).items()}
        shim = Path(folder, "python")
        shim.write_text(_SHIM.format(**quoted), encoding="utf-8")
        shim.chmod(stat.S_IRWXU)
        whole = os.pidfd_open(os.getpid())
        if os.fork() == 0:
            serve(door, whole)
        here = Path(sys.executable).parent
        path = os.pathsep.join([folder, str(here), os.environ["PATH"]])
        process = subprocess.Popen(command, env=os.environ | {"PATH": path, WARM: folder})
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # goes to the command as well, which ends
        return process.wait()


def serve(door: socket.socket, whole: int) -> None:
    """Load the libraries, and fork for whoever knocks, until the process `whole` has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a person stops the command, and so this
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()  # no fork need look through what was loaded
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who answer
    watched: list[Any] = [door, whole]
    while whole not in select.select(watched, [], [])[0]:
        caller, _ = door.accept()
        if os.fork() == 0:
            door.close()
            answer(caller)
        caller.close()
    os._exit(0)


def answer(caller: socket.socket) -> None:
    """Run what a caller asks for, tell him the status, and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    content, files, _, _ = socket.recv_fds(caller, _ASKED, 3)
    if (worker := os.fork()) == 0:
        caller.close()
        work(json.loads(content), files)
    ended = os.pidfd_open(worker)
    watched: list[Any] = [ended, caller]
    ready, _, _ = select.select(watched, [], [])
    if ended not in ready:  # the caller was stopped
        os.kill(worker, signal.SIGTERM)
    code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    if ended in ready:
        caller.sendall(str(code if code >= 0 else 128 - code).encode())
    os._exit(0)


def work(asked: dict[str, Any], files: list[int]) -> None:
    """Be the process that was asked for."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for place, file in enumerate(files):
        os.dup2(file, place)
    lines = 1 if os.isatty(1) else -1
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=lines, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    script, *arguments = asked["arguments"]
    code = 0
    try:
        if script == "-m":
            sys.path[0] = os.getcwd()
            sys.argv = arguments
            runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        else:
            sys.path[0] = str(Path(script).resolve().parent)
            sys.argv = [script, *arguments]
            runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        code = 128 + signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def ask(place: str, arguments: list[str]) -> int:
    """Have a command run by the server at `place`, and give its exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # goes to the command as well, which ends
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(place)
        asked = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
        socket.send_fds(door, [json.dumps(asked).encode()], [0, 1, 2])
        return int(door.recv(8) or 1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ask"]:
        sys.exit(ask(sys.argv[2], sys.argv[3:]))
    sys.exit(main(sys.argv[1:]))
