"""run: the pipeline, with as many stages at a time as there are cores.

DVC runs one stage after another, also those that do not need one another. Here each is a
`dvc repro --single-item` of its own, begun as soon as what it needs is finished; DVC's locks keep
them apart, and a last `dvc repro` sees to it that everything is up to date.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import IO

import project  # noqa: F401

JOBS = "MIFACE_JOBS"
"""Names how many stages may run at a time, where it is not the number of cores."""
_MOST = 4  # stages at a time: seldom are more of them ready, and each may take a gigabyte
_DVC = ("python", "-m", "dvc")


def main() -> int:
    """Run the pipeline, and give the exit status."""
    jobs = os.environ.get(JOBS) or str(min(cores(), _MOST))
    if not jobs.isdecimal() or int(jobs) < 1:
        print(f"{JOBS}: {jobs!r} is no number of stages; say 1 or more", file=sys.stderr)
        return 1
    if int(jobs) > 1:
        status = json.loads(asked("status", "--json", "dvc.yaml"))
        changed = {name for name, why in status.items() if why != ["always changed"]}
        if changed:
            needs = to_run(dependencies(asked("dag", "--dot", "--full", "dvc.yaml")), changed)
            if (code := together(needs, int(jobs))) != 0:
                return code
    return subprocess.call([*_DVC, "repro"])


def cores() -> int:
    """Give how many cores this process may use; those of the machine where no system tells."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def asked(*command: str) -> str:
    """Give what DVC answers; end with its status where it fails, which it has explained."""
    done = subprocess.run([*_DVC, *command], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.returncode)
    return done.stdout


def dependencies(graph: str) -> dict[str, set[str]]:
    """Give which stages each stage needs, in the order of the graph that DVC draws in DOT."""
    needs: dict[str, set[str]] = {}
    for line in graph.splitlines():
        names = re.findall(r'"([^"]+)"', line)
        for name in names:
            needs.setdefault(name, set())
        if len(names) == 2:
            needs[names[1]].add(names[0])
    return {name: needed for name, needed in needs.items() if ":" not in name}  # of this dvc.yaml


def to_run(needs: dict[str, set[str]], changed: set[str]) -> dict[str, set[str]]:
    """Give the stages that changed and those that need them, with what they wait for of these."""
    found: set[str] = set()
    while more := {
        name
        for name, needed in needs.items()
        if name not in found and (name in changed or needed & found)
    }:
        found |= more
    return {name: needed & found for name, needed in needs.items() if name in found}


def together(needs: dict[str, set[str]], jobs: int) -> int:
    """Run stages, `jobs` at a time; after a failure begin no other, and give its exit status.

    Of those that are ready the last comes first: recognisers stand in dvc.yaml from the fastest to
    the slowest, and little is waited for in the end if what takes longest begins early.
    """
    waiting, done, code = dict(needs), set[str](), 0
    running: dict[str, tuple[subprocess.Popen[str], float]] = {}
    while running or (waiting and code == 0):
        ready = [name for name, needed in reversed(waiting.items()) if needed <= done]
        for name in ready[: jobs - len(running)] if code == 0 else []:
            running[name] = (begin(name), time.monotonic())
            del waiting[name]
        for name, status in ended(running):
            _, since = running.pop(name)
            done.add(name)
            code = code or status
            if (seconds := time.monotonic() - since) > 5 and status == 0:
                print(f"{name}: finished after {seconds:.0f} s", flush=True)
        time.sleep(0.02)
    return code


def begin(name: str) -> subprocess.Popen[str]:
    """Start a stage, whose lines appear behind its name."""
    command = [*_DVC, "--wait-for-lock", "repro", "--quiet", "--single-item", name]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    threading.Thread(target=tell, args=(name, process.stdout)).start()
    return process


def tell(name: str, lines: IO[str]) -> None:
    """Print lines as they come, each behind a name."""
    for line in lines:
        if line.strip():
            print(f"{name}: {line.rstrip()}", flush=True)


def ended(running: dict[str, tuple[subprocess.Popen[str], float]]) -> Iterator[tuple[str, int]]:
    """Give the names of the processes that have ended, and their exit status."""
    for name, (process, _) in list(running.items()):
        if (status := process.poll()) is not None:
            yield name, status


if __name__ == "__main__":
    sys.exit(main())
