"""knowledge: what the attacker of each method knows → data/knowledge/<method>.npz."""

from pathlib import Path

import numpy as np
import project  # noqa: F401
from numpy.typing import NDArray

from miface.attack.knowledge import Knowledge, nothing, public_photos, save_knowledge
from miface.attack.methods import METHODS
from miface.command import run, tell
from miface.errors import MifaceError
from miface.faces.archive import Faces, read_faces
from miface.faces.dataset import load_faces
from miface.faces.rendered import render_faces
from miface.faces.split import choose_public
from miface.faces.workspace import locate
from miface.params.schema import Params, load_params


def main() -> None:
    """Run the stage."""
    params = load_params()
    faces = load_faces()
    size = faces.images.shape[1:]
    of = {True: _public(params, faces), False: nothing(*size)}
    for name, method in METHODS.items():
        save_knowledge(of[method.knows_others], Path(f"data/knowledge/{name}.npz"))


def _public(params: Params, faces: Faces) -> Knowledge:
    prior = params.prior
    height, width = faces.images.shape[1:]
    public = np.zeros(0, np.int64)
    if prior.source == "people":
        public = choose_public(len(faces.names), prior.people, params.seed)
        images = faces.images[np.isin(faces.person, public)]
        tell(f"public, and not attacked by prior: {', '.join(faces.names[public])}")
    elif prior.source == "rendered":
        # Another seed than that of the data set, which may be drawn itself: other people.
        drawn = render_faces(height=height, width=width, seed=params.rendered.seed + 1)
        images = drawn.reshape(-1, height, width)
    elif locate(prior.source).exists():
        images = read_faces(locate(prior.source), size=(height, width)).images
    else:
        raise MifaceError(
            f"prior.source: found {prior.source!r}, expected 'people', 'rendered', or a folder or "
            "an archive that exists"
        )
    _refuse_photos_of_the_attacked(params, faces.images[~np.isin(faces.person, public)], images)
    photos = images.astype(np.float32) / np.float32(255)
    return public_photos(photos, public, prior.components, prior.copies, params.seed)


def _refuse_photos_of_the_attacked(
    params: Params, attacked: NDArray[np.uint8], images: NDArray[np.uint8]
) -> None:
    known = {image.tobytes() for image in attacked}
    shared = sum(image.tobytes() in known for image in images)
    if shared:
        raise MifaceError(
            f"prior.source: found {params.prior.source!r}, which holds {shared} photos of the "
            "people who are attacked; expected photos of other people"
        )


run(main)
