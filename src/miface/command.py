"""What every stage script does at its edges: arguments, errors for people, threads."""

import os
import sys
from collections.abc import Callable

from miface.errors import MifaceError
from miface.progress import tell


def run(main: Callable[..., None]) -> None:
    """Call `main` with the command line's arguments; a user's mistake becomes a line and exit 1."""
    try:
        main(*sys.argv[1:])
    except MifaceError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        if stage := os.environ.get("DVC_STAGE"):
            # DVC takes a stage's outputs away before it runs, and keeps them in its cache.
            tell(
                f"{stage} wrote nothing. Put it right and run the same again; or go back to former "
                "parameters (git checkout params.yaml) and run dvc repro, which brings their "
                "results back and trains and attacks nothing."
            )
        sys.exit(1)
