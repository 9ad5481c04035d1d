"""embed: what the judge from outside makes of the photos → data/embedded.npz."""

import project  # noqa: F401

from miface.command import run
from miface.evaluation.outside import embed
from miface.faces.dataset import load_faces
from miface.files import write_arrays


def main() -> None:
    """Run the stage."""
    embedded = embed(load_faces().images / 255.0)
    write_arrays("data/embedded.npz", points=embedded.points, found=embedded.found)


run(main)
