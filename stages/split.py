"""split: the photos that train and the photos held out → data/split.npz."""

from miface.command import run
from miface.faces.dataset import load_faces, save_split
from miface.faces.split import check_labels, split_photos
from miface.params import load_params


def main() -> None:
    """Run the stage."""
    params = load_params()
    faces = load_faces()
    check_labels(params.attack.labels, faces.names)  # now, not after the training
    save_split(*split_photos(faces.person, params.split.train_per_person, params.seed))


run(main)
