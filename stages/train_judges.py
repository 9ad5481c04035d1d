"""train_judges: recognisers fitted on the held-out photos → models/judges.safetensors."""

from pathlib import Path

import project  # noqa: F401

from miface.command import run
from miface.evaluation.judges import fit_judges, save_judges
from miface.faces.dataset import load_faces, load_split
from miface.params.base import Seed
from miface.params.file import load_group


def main() -> None:
    """Run the stage."""
    faces, (_, test) = load_faces(), load_split()
    judges = fit_judges(faces.images[test] / 255.0, faces.person[test], load_group("seed", Seed))
    save_judges(judges, Path("models/judges.safetensors"))


run(main)
