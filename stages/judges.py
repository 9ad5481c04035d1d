"""train_judges: recognisers fitted on the held-out photos → models/judges.safetensors."""

from pathlib import Path

from miface.command import run
from miface.evaluation.recognisers import fit_recognisers, save_recognisers
from miface.faces.dataset import load_faces, load_split
from miface.params import load_params


def main() -> None:
    """Run the stage."""
    faces, (_, test) = load_faces(), load_split()
    recognisers = fit_recognisers(
        faces.images[test] / 255.0, faces.person[test], load_params().seed
    )
    save_recognisers(recognisers, Path("models/judges.safetensors"))


run(main)
