"""sources: what the places that parameters name hold now → data/sources/*.json.

Runs every time, so that photos that change are noticed wherever they lie; what follows runs only
if they did.
"""

import project  # noqa: F401

from miface.command import run
from miface.faces.workspace import describe
from miface.files import write_json
from miface.params.file import load_group, read_yaml
from miface.params.photos import Data


def main() -> None:
    """Run the stage."""
    write_json("data/sources/photos.json", describe(load_group("data", Data).sources))
    public = read_yaml().get("prior", {}).get("source")
    write_json("data/sources/public.json", describe([public] if isinstance(public, str) else []))


run(main)
