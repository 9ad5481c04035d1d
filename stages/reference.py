"""reference: the definitions of the parameters → docs/parameters.md. Run by `make docs`."""

import project  # noqa: F401

from miface.command import run
from miface.files import written_whole
from miface.params.file import read_yaml
from miface.reference import parameter_reference


def main() -> None:
    """Write the reference."""
    with written_whole("docs/parameters.md") as beside:
        beside.write_text(parameter_reference(read_yaml()), encoding="utf-8")


run(main)
