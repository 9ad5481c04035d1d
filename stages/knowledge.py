"""knowledge: what the attackers know → data/knowledge/<method>.npz, data/prior.json."""

from pathlib import Path

import numpy as np
import project  # noqa: F401

from miface.attack.knowledge import Knowledge, nothing, public_photos, save_knowledge
from miface.attack.methods import METHODS
from miface.command import run
from miface.errors import MifaceError
from miface.faces.archive import Faces
from miface.faces.dataset import PRIOR, load_faces
from miface.faces.likeness import refuse_attacked
from miface.faces.notes import Notes, shown
from miface.faces.reading import Framing, read_others
from miface.faces.rendered import render_faces
from miface.faces.split import choose_public
from miface.faces.workspace import locate
from miface.files import write_json
from miface.params.schema import Params, load_params
from miface.progress import tell


def main() -> None:
    """Run the stage."""
    params = load_params()
    faces = load_faces()
    _, height, width = faces.images.shape
    notes = Notes()
    of = {knows: nothing(height, width, knows) for knows in ("model", "code")}
    of["photos"] = _public(params, faces, notes)
    for name, method in METHODS.items():
        save_knowledge(of[method.knows], Path(f"data/knowledge/{name}.npz"))
    made_of = {"name": shown(params.prior.source), "photos": len(of["photos"].photos)}
    write_json(PRIOR, made_of | notes.content())


def _public(params: Params, faces: Faces, notes: Notes) -> Knowledge:
    prior = params.prior
    height, width = faces.images.shape[1:]
    public = np.zeros(0, np.int64)
    if prior.source == "people":
        public = choose_public(len(faces.names), prior.people, params.seed)
        rows = np.flatnonzero(np.isin(faces.person, public))
        images = faces.images[rows]
        names = [f"{faces.names[faces.person[row]]}'s photo {faces.photo[row] + 1}" for row in rows]
        refuse_attacked(faces, public, images, names, prior.source)
        tell(f"public, and not attacked by prior: {', '.join(faces.names[public])}")
    elif prior.source == "rendered":
        # Another seed than that of the data set, which may be drawn itself: other people.
        drawn = render_faces(height=height, width=width, seed=params.rendered.seed + 1)
        images = drawn.reshape(-1, height, width)
    elif locate(prior.source).exists():
        framing = Framing((height, width), params.data.align)
        try:
            images, names = read_others(locate(prior.source), framing, notes)
        finally:
            notes.tell(tell)
        refuse_attacked(faces, public, images, names, prior.source)
    else:
        raise MifaceError(
            f"prior.source: found {prior.source!r}, expected 'people', 'rendered', or a folder or "
            "an archive that exists"
        )
    photos = images.astype(np.float32) / np.float32(255)
    return public_photos(photos, public, prior.components, prior.copies, params.seed)


run(main)
