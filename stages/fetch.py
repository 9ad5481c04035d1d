"""fetch: photos of the first source that answers → data/faces.npz, data/source.json."""

from dataclasses import asdict

import project  # noqa: F401

from miface.command import run
from miface.faces.dataset import SOURCE, save_faces
from miface.faces.sources import find_faces, unused
from miface.files import write_json
from miface.params.file import load_group
from miface.params.photos import Data, Rendered
from miface.progress import tell


def main() -> None:
    """Run the stage."""
    data, rendered = load_group("data", Data), load_group("rendered", Rendered)
    faces, source = find_faces(data, rendered, tell)
    count, height, width = faces.images.shape
    tell(f"{count} photos of {len(faces.names)} people, {height} × {width}, from {source.name}")
    if source.kind == "rendered":
        tell("NOTE: these people are drawn by miface. No archive of real photos answered.")
    for line in unused(asdict(source)):
        tell(f"NOTE: {line}")
    counts = {"people": len(faces.names), "photos": count, "height": height, "width": width}
    save_faces(faces)
    write_json(SOURCE, asdict(source) | counts)


run(main)
