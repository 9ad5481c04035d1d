"""Put this checkout's src first: a stage runs its own code, whatever else is installed.

An experiment in a folder of its own (`dvc exp run --temp`, a queue, a Git worktree) shares the
Python environment with the checkout that was installed into it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
