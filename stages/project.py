"""Put this checkout's src first: a stage runs its own code, whatever else is installed.

An experiment in a folder of its own (`dvc exp run --temp`, a queue, a Git worktree) shares the
Python environment with the checkout that was installed into it.

And give it one thread, unless OMP_NUM_THREADS says otherwise: sums of several round otherwise, and
the same seed is to give the same bytes however many cores there are. `make run` uses the cores for
several stages at a time.
"""

import os
import sys
from pathlib import Path
from types import TracebackType

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say in a line that a person stopped it, be it while libraries were still loaded."""
    if issubclass(kind, KeyboardInterrupt):
        print(
            "interrupted: run the same again; what was finished is not run again", file=sys.stderr
        )
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _tell
