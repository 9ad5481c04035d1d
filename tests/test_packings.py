"""Every way photos are packed: each file is read as itself, or named with the reason."""

import io
import os
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from archives import WRITERS, drawn, encoded, files_of, write_folder, write_tar, write_zip

from miface.errors import MifaceError
from miface.faces.archive import Faces, read_faces
from miface.faces.notes import Notes

FACES = {name: drawn(number) for number, name in enumerate(("ada/1", "ada/2", "bob/1", "bob/2"))}
FILES = files_of(FACES, "png")


def read(path: Path) -> tuple[Faces, dict[str, str]]:
    """Read faces, and what was left out of so many files, each of which is accounted for."""
    notes = Notes()
    faces = read_faces(path, notes=notes)
    assert notes.files == len(faces.images) + len(notes.left_out)
    return faces, {note.name: note.reason for note in notes.left_out}


def holds_the_faces(faces: Faces) -> bool:
    np.testing.assert_array_equal(faces.images, np.stack(list(FACES.values())))
    return faces.names.tolist() == ["ada", "bob"]


def test_links_in_folders_are_followed(tmp_path: Path) -> None:
    stored = write_folder(FILES, tmp_path / "stored")
    folder = tmp_path / "faces"
    (folder / "ada").mkdir(parents=True)
    for number in (1, 2):
        (folder / f"ada/{number}.png").symlink_to(stored / f"ada/{number}.png")
    (folder / "bob").symlink_to(stored / "bob")
    faces, left_out = read(folder)
    assert holds_the_faces(faces)
    assert not left_out


def test_circles_and_loose_ends_are_told(tmp_path: Path) -> None:
    folder = write_folder(FILES, tmp_path / "faces")
    (folder / "ada/again").symlink_to(folder)
    (folder / "bob/self").symlink_to(folder / "bob")
    (folder / "bob/lost.png").symlink_to(tmp_path / "nowhere")
    (folder / "bob/loop.png").symlink_to(folder / "bob/loop.png")
    os.mkfifo(folder / "bob/pipe.png")
    faces, left_out = read(folder)
    assert holds_the_faces(faces)
    assert left_out["ada/again"] == "a link back to a folder that it lies in"
    assert left_out["bob/self"] == "a link back to a folder that it lies in"
    assert left_out["bob/lost.png"].startswith("a link that leads nowhere")
    assert left_out["bob/loop.png"].startswith("a link that leads nowhere")
    assert left_out["bob/pipe.png"] == "no file, but a device, a pipe or a socket"


def tar_with_links(path: Path, links: dict[str, tuple[bytes, str]], files: list[str]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name in files:
            info = tarfile.TarInfo(name)
            info.size = len(FILES[name])
            archive.addfile(info, io.BytesIO(FILES[name]))
        for name, (kind, target) in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
    return path


def test_hard_links_in_tars_are_photos(tmp_path: Path) -> None:
    # As tar writes a folder in which files have two names: the second is a link to the first.
    path = tmp_path / "faces.tar"
    with tarfile.open(path, "w") as archive:
        for name in FILES:
            info = tarfile.TarInfo(f"store/{name.replace('/', '-')}.part")
            info.size = len(FILES[name])
            archive.addfile(info, io.BytesIO(FILES[name]))
            link = tarfile.TarInfo(f"people/{name}")
            link.type, link.linkname = tarfile.LNKTYPE, info.name
            archive.addfile(link)
    notes = Notes()
    with pytest.raises(MifaceError, match="same picture under two names"):
        read_faces(path, notes=notes)
    linked = {"bob/1.png": (tarfile.LNKTYPE, "ada/1.png")}
    with pytest.raises(MifaceError, match=r"ada/1\.png \(ada\) and bob/1\.png \(bob\)"):
        read_faces(tar_with_links(path, linked, ["ada/1.png", "ada/2.png", "bob/2.png"]))
    linked = {"ada/3.png": (tarfile.LNKTYPE, "ada/1.png")}
    faces, left_out = read(tar_with_links(path, linked, list(FILES)))
    assert holds_the_faces(faces)
    assert left_out == {"ada/3.png": "the same picture as ada/1.png"}


def test_symbolic_links_in_tars_are_followed(tmp_path: Path) -> None:
    links = {
        "bob/1.png": (tarfile.SYMTYPE, ".hidden/../../.store/1.png"),
        "bob/lost.png": (tarfile.SYMTYPE, "../nowhere.png"),
        "bob/loop": (tarfile.SYMTYPE, "loop"),
        "bob/up": (tarfile.SYMTYPE, "../bob"),
    }
    path = tmp_path / "faces.tar"
    tar_with_links(path, links, ["ada/1.png", "ada/2.png", "bob/2.png"])
    with tarfile.open(path, "a") as archive:
        info = tarfile.TarInfo(".store/1.png")
        info.size = len(FILES["bob/1.png"])
        archive.addfile(info, io.BytesIO(FILES["bob/1.png"]))
    faces, left_out = read(path)
    assert holds_the_faces(faces)
    assert left_out == {
        ".store/1.png": "hidden, or written by an operating system",
        "bob/lost.png": "a link that leads to nothing in the archive",
        "bob/loop": "a link that leads in a circle",
        "bob/up": "a link back to a folder that it lies in",
    }


def test_a_link_to_a_folder_in_a_zip_stands_for_its_files(tmp_path: Path) -> None:
    path = write_zip(
        {n.replace("bob", ".store/bob"): c for n, c in FILES.items()}, tmp_path / "faces.zip"
    )
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("bob")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, ".store/bob")
    faces, left_out = read(path)
    assert holds_the_faces(faces)
    assert len(left_out) == 2  # the files themselves, which are hidden


def test_a_zip_made_on_windows_has_folders(tmp_path: Path) -> None:
    files = {f"my faces\\{name.replace('/', chr(92))}": FILES[name] for name in FILES}
    path = write_zip(files | {"my faces\\ada\\": b""}, tmp_path / "faces.zip")
    faces, left_out = read(path)
    assert holds_the_faces(faces)
    assert not left_out


def test_a_name_in_a_zip_that_does_not_say_that_it_is_utf8_is_read_as_such(tmp_path: Path) -> None:
    path = tmp_path / "faces.zip"
    write_zip({name.replace("ada", "Zo\u00eb"): c for name, c in FILES.items()}, path)
    content = path.read_bytes()
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flags of each entry
        start = 0
        while (start := content.find(mark, start)) >= 0:
            flag = bytes([content[start + at + 1] & ~8])
            content = content[: start + at + 1] + flag + content[start + at + 2 :]
            start += 4
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive:
        assert "Zo├½/1.png" in archive.namelist()  # what it says without the flag
    assert read(path)[0].names.tolist() == ["Zo\u00eb", "bob"]


@pytest.mark.parametrize("container", ["faces.zip", "faces.tar"])
def test_of_two_files_of_one_name_each_is_read(tmp_path: Path, container: str) -> None:
    path = WRITERS[container](FILES, tmp_path / container)
    extra = encoded(drawn(9), "png")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a doubled name
        if container == "faces.zip":
            with zipfile.ZipFile(path, "a") as zipped:
                zipped.writestr("bob/2.png", extra)
        else:
            with tarfile.open(path, "a") as tarred:
                info = tarfile.TarInfo("bob/2.png")
                info.size = len(extra)
                tarred.addfile(info, io.BytesIO(extra))
    notes = Notes()
    faces = read_faces(path, notes=notes)
    assert len(faces.images) == 5
    np.testing.assert_array_equal(faces.images[3], FACES["bob/2"])
    np.testing.assert_array_equal(faces.images[4], drawn(9))
    told = "one of 2 files of this name: each is read as a photo"
    assert [(note.name, note.reason) for note in notes.altered] == [("bob/2.png", told)] * 2


@pytest.mark.parametrize("container", ["faces.zip", "faces.tar.gz", "faces"])
def test_archives_in_archives_and_litter_are_named(tmp_path: Path, container: str) -> None:
    inner = write_zip(FILES, tmp_path / "inner.zip").read_bytes()
    tarred = write_tar(FILES, tmp_path / "inner.tar").read_bytes()
    others = {
        "bob/more.zip": inner, "bob/more.png": inner, "more.tar": tarred, "a.heic": HEIC,
        "__MACOSX/ada/._1.png": b"\0", "ada/.DS_Store": b"\0", "ada/Thumbs.db": b"\0",
        "README": b"The faces", "ada/empty": b"",
    }  # fmt: skip
    path = WRITERS[container](FILES | others, tmp_path / container)
    faces, left_out = read(path)
    assert holds_the_faces(faces)
    assert set(left_out) == set(others)
    for name in ("bob/more.zip", "bob/more.png", "more.tar"):
        assert left_out[name].startswith("an archive in the archive")
    assert "HEIC" in left_out["a.heic"]
    assert left_out["README"] == "no picture that can be decoded"
    assert left_out["ada/empty"] == "an empty file"
    for name in ("__MACOSX/ada/._1.png", "ada/.DS_Store", "ada/Thumbs.db"):
        assert left_out[name] == "hidden, or written by an operating system"


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def test_a_file_of_an_archive_that_cannot_be_unpacked_is_named(tmp_path: Path) -> None:
    path = write_zip(FILES | {"bob/3.png": encoded(drawn(7), "png")}, tmp_path / "faces.zip")
    content = bytearray(path.read_bytes())
    start = content.index(b"bob/3.png") + len("bob/3.png") + 40
    content[start : start + 8] = bytes(8)
    path.write_bytes(content)
    faces, left_out = read(path)
    assert holds_the_faces(faces)
    assert left_out["bob/3.png"].startswith("cannot be read (")
