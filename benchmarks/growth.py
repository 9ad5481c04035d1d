"""Growth of time and memory with the number of labels and with the image size."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from benchmarks import subjects
from benchmarks.timing import Record
from miface.attack import run as attack
from miface.attack.access.everything import Everything
from miface.attack.case import Case
from miface.attack.knowledge import nothing
from miface.attack.mi_face import Attacked, mi_face

LABELS = (10, 40, 400, 4000)
SIZES = ((56, 46), (112, 92), (224, 184))  # height, width
MODELS = ("softmax", "mlp", "cnn")


def run(quick: bool) -> Record:
    """Measure, each case in a process of its own, so that its peak of memory is its own."""
    alpha = 2 if quick else 3
    labels = LABELS[:3] if quick else LABELS
    return {
        "alpha": alpha,
        "labels": [_case("mlp", *subjects.size(), people, alpha) for people in labels],
        "sizes": [_case(model, *size, 40, alpha) for model in MODELS for size in SIZES],
    }


def _case(model: str, height: int, width: int, people: int, alpha: int) -> Record:
    arguments = [model, *map(str, (height, width, people, alpha, torch.get_num_threads()))]
    output = subprocess.run(
        [sys.executable, "-m", "benchmarks.growth", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    record: Record = json.loads(output)
    return record


def _child(model: str, height: int, width: int, people: int, alpha: int) -> Record:
    """Attack a network of random weights for α steps in which no label stops."""
    torch.manual_seed(0)
    recogniser = subjects.untrained(model, (height, width), people).eval()
    labels = np.arange(people)
    plan = subjects.params().plan("mi_face", model)
    knobs = {"alpha": alpha, "beta": alpha + 1, "gamma": -1.0}
    plan = plan.model_copy(update={"recipe": plan.recipe.model_copy(update=knobs)})
    case = Case(Everything(recogniser), plan, nothing(height, width))
    _warm_up()
    before = _peak()
    since = time.perf_counter()
    with _timed_loop() as loops:
        attack.invert(case, labels)
    seconds = time.perf_counter() - since
    return {
        "model": model,
        "height": height,
        "width": width,
        "labels": people,
        "seconds": seconds,
        "step": sum(loops) / (alpha + 1),  # with x0's, there are α + 1 costs and gradients
        "once": seconds - sum(loops),
        "peak_before": before,
        "peak": _peak(),
    }


def _warm_up() -> None:
    """Let PyTorch start what it starts once in every process, and load what it loads late."""
    x = torch.rand(64, 64, requires_grad=True)
    torch.autograd.grad(torch.sigmoid(x @ x), x, torch.ones_like(x))


@contextmanager
def _timed_loop() -> Iterator[list[float]]:
    """Collect the seconds that the attack's loop takes in each batch."""
    seconds = []
    loop = mi_face

    def timed(*args: Any, **kwargs: Any) -> Attacked:
        since = time.perf_counter()
        attacked = loop(*args, **kwargs)
        seconds.append(time.perf_counter() - since)
        return attacked

    with mock.patch.object(attack, "mi_face", timed):
        yield seconds


def _peak() -> int:
    """Give the most bytes that this process has held in memory.

    A process that another one starts may inherit that one's peak in `ru_maxrss`, so Linux is
    asked for the peak of this program's own memory.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    name, *numbers, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    print(json.dumps(_child(name, *map(int, numbers))))
