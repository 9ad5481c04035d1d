"""What every stage script does at its edges: arguments, errors for people, threads."""

import sys
from collections.abc import Callable

from miface.errors import MifaceError


def run(main: Callable[..., None]) -> None:
    """Call `main` with the command line's arguments; a user's mistake becomes a line and exit 1."""
    try:
        main(*sys.argv[1:])
    except MifaceError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        sys.exit(1)


def tell(message: str) -> None:
    """Print a line for the user on standard error, out of the way of any output."""
    print(message, file=sys.stderr)
