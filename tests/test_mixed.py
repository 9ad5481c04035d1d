"""Archives of mixed kinds: what goes in either comes out or is named, and the sums agree."""

import io
import tarfile
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from archives import Picture, drawn, encoded, write_folder
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from miface.errors import MifaceError
from miface.faces.sources import find_faces
from miface.params.photos import Data, Rendered

RENDERED = Rendered(people=2, photos=2, height=24, width=24, seed=0)
SHAPE = (24, 20)


def transparent(picture: Picture) -> bytes:
    image = Image.fromarray(picture)
    image.putalpha(255)
    return saved(image, "PNG")


def saved(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


# Forms that keep their pixels, by how a file of them is called.
KEPT: dict[str, Callable[[Picture], bytes]] = {
    "a.png": lambda p: encoded(p, "png"), "b.PGM": encoded, "c.jpg": lambda p: encoded(p, "bmp"),
    "d": lambda p: saved(Image.fromarray(p), "GIF"),
    "e.tif": lambda p: saved(Image.fromarray(p), "TIFF"),
    "f.webp": transparent, "g.png": lambda p: encoded(p.astype(np.uint16) * 257, "png"),
    "h.png": lambda p: saved(Image.fromarray(np.stack([p] * 3, 2)), "PNG"),
}  # fmt: skip
# Files that are none, or none that can be used, and a part of the reason.
OTHERS = {
    "notes.txt": (b"text", "no picture"), "broken.jpg": (b"\xff\xd8\xff", "no picture"),
    "more.zip": (b"PK\x03\x04 and so on", "an archive in"), ".DS_Store": (b"\0", "hidden"),
    "tiny.png": (encoded(drawn(1, 9, 9), "png"), "9 × 9 pixels"),
    "empty.png": (b"", "an empty file"),
}  # fmt: skip

KINDS = st.sampled_from([*KEPT, *OTHERS, "copy", "doubled"])
PEOPLE = st.dictionaries(
    st.text("abcé=1 .", min_size=1, max_size=5).filter(lambda name: name.strip(". ") == name),
    st.lists(KINDS, min_size=1, max_size=6),
    min_size=1, max_size=5,
)  # fmt: skip


class Expected:
    """Files for people, and what should become of each."""

    def __init__(self, people: dict[str, list[str]]) -> None:
        self.files: list[tuple[str, bytes]] = []
        self.photos: dict[str, list[Picture]] = {}
        self.left_out: Counter[tuple[str, str]] = Counter()
        for who, (person, kinds) in enumerate(people.items()):
            own: list[tuple[str, Picture]] = []
            for number, kind in enumerate(kinds):
                picture = drawn(100 * who + number, *SHAPE)
                picture[0, :2] = 0, 255  # so that 16 bits hold all of their range
                name = f"{person}/{number:02} {kind}"
                if kind in OTHERS:
                    content, reason = OTHERS[kind]
                    name = f"{person}/{kind}" if kind == ".DS_Store" else name
                    self.files.append((name, content))
                    self.left_out[name, reason] += 1
                elif kind == "copy":
                    if own:
                        self.files.append((f"{name}.bmp", encoded(own[0][1], "bmp")))
                        self.left_out[f"{name}.bmp", "the same picture as"] += 1
                elif kind == "doubled":
                    if own:
                        self.files.append((own[-1][0], encoded(picture)))
                        own.append((own[-1][0], picture))
                else:
                    self.files.append((name, KEPT[kind](picture)))
                    own.append((name, picture))
            if len(own) >= 2:
                self.photos[person] = [picture for _, picture in own]
            else:
                self.left_out.update((name, "of a person with fewer") for name, _ in own)

    @property
    def doubled(self) -> bool:
        """Whether two files have one name, which only an archive can hold."""
        return len(dict(self.files)) < len(self.files)

    def write(self, container: str, folder: Path) -> Path:
        path = folder / container
        if container == "faces":
            return write_folder(dict(self.files), path)
        if container.endswith(".zip"):
            with zipfile.ZipFile(path, "w") as zipped:
                for name, content in self.files:
                    zipped.writestr(name.replace("/", "\\" if "win" in container else "/"), content)
        else:
            with tarfile.open(path, "w:gz") as tarred:
                for name, content in self.files:
                    info = tarfile.TarInfo(f"./{name}")
                    info.size = len(content)
                    tarred.addfile(info, io.BytesIO(content))
        return path


@settings(max_examples=60, deadline=None)
@example(people={"a": ["a.png"] * 2, "b": ["a.png"] * 2 + [".DS_Store"] * 2}, container="faces")
@given(people=PEOPLE, container=st.sampled_from(["faces.zip", "win.zip", "faces.tar.gz", "faces"]))
def test_everything_comes_out_or_is_named(people: dict[str, list[str]], container: str) -> None:
    expected = Expected(people)
    if expected.doubled and container == "faces":
        container = "faces.zip"  # a folder cannot hold two files of one name
    told: list[str] = []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of doubled names
        path = expected.write(container, Path(folder))
        data = Data(
            sources=[str(path)], digest=None, size=None, timeout=1.0,
            person=None, least_photos=2, align="none",
        )  # fmt: skip
        if len(expected.photos) < 2:
            with pytest.raises(MifaceError, match=r"^[^\n]*$"):
                find_faces(data, RENDERED, told.append)
            return
        faces, source = find_faces(data, RENDERED, told.append)
    assert set(faces.names.tolist()) == set(expected.photos)
    for index, name in enumerate(faces.names.tolist()):
        found = {image.tobytes() for image in faces.images[faces.person == index]}
        assert found == {picture.tobytes() for picture in expected.photos[name]}
        assert len(found) == np.sum(faces.person == index)
    content = asdict(source)
    assert content["files"] == len(expected.files) == len(faces.images) + len(content["left_out"])
    unexplained = Counter(expected.left_out)
    for note in content["left_out"]:
        (key,) = (k for k in unexplained if k[0] == note["name"] and k[1] in note["reason"])
        unexplained[key] -= 1
    assert not +unexplained
    # Each reason is told in the terminal, with its number.
    for reason, count in Counter(note["reason"] for note in content["left_out"]).items():
        assert any(
            line.startswith(f"left out {count} file") and f": {reason} (" in line for line in told
        )
