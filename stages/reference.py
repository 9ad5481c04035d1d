"""reference: the definitions of the parameters → docs/parameters.md. Run by `make docs`."""

from pathlib import Path

from ruamel.yaml import YAML

from miface.command import run
from miface.files import written_whole
from miface.reference import parameter_reference


def main() -> None:
    """Write the reference."""
    values = YAML(typ="safe").load(Path("params.yaml"))
    with written_whole("docs/parameters.md") as beside:
        beside.write_text(parameter_reference(values), encoding="utf-8")


run(main)
