"""split: the photos that train and the photos held out → data/split.npz."""

import project  # noqa: F401

from miface.command import run
from miface.faces.dataset import load_faces, save_split
from miface.faces.split import split_photos
from miface.params.base import Seed
from miface.params.file import load_group
from miface.params.photos import Split


def main() -> None:
    """Run the stage."""
    split, seed = load_group("split", Split), load_group("seed", Seed)
    faces = load_faces()
    save_split(*split_photos(faces.person, split.train_per_person, seed, faces.names))


run(main)
