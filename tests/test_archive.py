"""Archives: known by their pixels, whatever their container, format, layout and litter."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from archives import WRITERS, Pictures, drawn, encoded, files_of, write_zip

from miface.errors import MifaceError
from miface.faces.archive import DigestMismatchError, Faces, read_faces
from miface.params.schema import load_params


@pytest.fixture
def digest(faces_folder: Path) -> str:
    return read_faces(faces_folder).digest


@pytest.mark.parametrize("below", ["", "a repository/data/orl faces/"])
@pytest.mark.parametrize("container", WRITERS)
def test_any_container_and_nesting_gives_the_same_photos(
    tmp_path: Path, pictures: Pictures, digest: str, container: str, below: str
) -> None:
    path = WRITERS[container](files_of(pictures, below=below), tmp_path / container)
    faces = read_faces(path)
    assert faces.digest == digest
    assert faces.names.tolist() == ["s1", "s2", "s10"]


@pytest.mark.parametrize("suffix", ["pgm", "png", "bmp", "PGM"])
def test_any_lossless_format_gives_the_same_photos(
    tmp_path: Path, pictures: Pictures, digest: str, suffix: str
) -> None:
    files = {
        f"{name}.{suffix}": encoded(picture, suffix.lower()) for name, picture in pictures.items()
    }
    assert read_faces(write_zip(files, tmp_path / "faces.zip")).digest == digest


def test_people_and_photos_are_in_numeric_order(tmp_path: Path, pictures: Pictures) -> None:
    backwards = dict(reversed(files_of(pictures).items()))
    faces = read_faces(write_zip(backwards, tmp_path / "faces.zip"))
    np.testing.assert_array_equal(faces.images, np.stack(list(pictures.values())))
    assert faces.images.dtype == np.uint8
    assert faces.person.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert faces.photo.tolist() == [0, 1, 2] * 3
    assert faces.names.tolist() == ["s1", "s2", "s10"]


def test_order_in_the_archive_never_matters(tmp_path: Path, pictures: Pictures) -> None:
    files = files_of(pictures) | files_of({"s1/01": drawn(1), "s1/001": drawn(2)})
    one = read_faces(write_zip(files, tmp_path / "one.zip"))
    other = read_faces(write_zip(dict(reversed(files.items())), tmp_path / "other.zip"))
    assert one.digest == other.digest


@pytest.mark.parametrize("container", ["faces.zip", "faces.tar.gz", "faces"])
def test_litter_is_ignored(tmp_path: Path, pictures: Pictures, digest: str, container: str) -> None:
    stray = encoded(np.zeros((30, 30), np.uint8))
    litter = {
        "README": b"The faces", "s1/notes.txt": b"", "s1/.DS_Store": b"", "s1/._1.pgm": b"",
        "__MACOSX/s1/._1.pgm": b"", "__MACOSX/s2/1.pgm": stray, ".cache/x/1.pgm": stray,
    }  # fmt: skip
    path = WRITERS[container](files_of(pictures) | litter, tmp_path / container)
    assert read_faces(path).digest == digest


def repository(pictures: Pictures) -> dict[str, bytes]:
    """The layout of one of the mirrors: all the faces, the faces less the first, and figures."""
    some = {name: picture for name, picture in pictures.items() if not name.endswith("/1")}
    figure = encoded(np.zeros((50, 70, 3), np.uint8), "png")
    return (
        files_of(some, "png", below="repository-6bfa/face-images/")
        | files_of(pictures, "png", below="repository-6bfa/face-images-all/")
        | {"repository-6bfa/plot.png": figure, "repository-6bfa/figures/loss.png": figure}
    )


def test_the_faces_in_a_repository_are_found_by_their_digest(
    tmp_path: Path, pictures: Pictures, digest: str
) -> None:
    path = write_zip(repository(pictures), tmp_path / "repository.zip")
    faces = read_faces(path, digest=digest)
    assert faces.digest == digest
    assert faces.names.tolist() == ["s1", "s2", "s10"]
    assert read_faces(path, digest=digest, size=(16, 18)).images.shape == (9, 16, 18)


def test_other_pixels_are_told_with_both_digests(
    tmp_path: Path, pictures: Pictures, digest: str
) -> None:
    path = write_zip(files_of(pictures), tmp_path / "faces.zip")
    with pytest.raises(DigestMismatchError) as caught:
        read_faces(path, digest="0" * 64)
    assert all(part in str(caught.value) for part in (str(path), digest, "0" * 64, "data.digest"))


def test_a_size_does_not_hide_that_the_digest_differs(tmp_path: Path, pictures: Pictures) -> None:
    unequal = files_of(pictures) | files_of({"s1/1": np.zeros((30, 30), np.uint8)})
    path = write_zip(unequal, tmp_path / "own.zip")
    with pytest.raises(DigestMismatchError, match=r"data\.digest=null"):
        read_faces(path, digest="0" * 64, size=(20, 20))


def test_size_makes_unequal_photos_equal(tmp_path: Path, pictures: Pictures) -> None:
    unequal = files_of(pictures) | files_of({"s1/1": np.zeros((30, 30), np.uint8)})
    faces = read_faces(write_zip(unequal, tmp_path / "own.zip"), size=(28, 16))
    assert faces.images.shape == (9, 28, 16)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda files: {"README": b""}, "no images found that can be used; left out 1 file: "),
        (lambda files: {n: c for n, c in files.items() if "s1/" in n},
         "all 3 photos lie in one folder (s1), expected one folder a person"),
        (lambda files: files | files_of({"s3/1": drawn(1)}),
         "s3 holds one photo that can be used, expected at least two"),
        (lambda files: files | files_of({"s3/1": drawn(1)}) | {"s3/2.pgm": b"P5 20 24 255\n"},
         "s3 holds one photo that can be used, expected at least two"),
        (lambda files: files | files_of({"s2/2": drawn(1, 24, 21)}),
         "s2/2.pgm is 24 × 21 pixels (height × width), the photos before it 24 × 20"),
        (lambda files: files_of({n[:-4]: drawn(k, 15, 40) for k, n in enumerate(files)}),
         "no images found that can be used; left out 9 files: 15 × 40 pixels, expected at least "
         "16 × 16"),
        (lambda files: files_of({n[:-4]: drawn(k, 112, 24) for k, n in enumerate(files)}),
         "no images found that can be used; left out 9 files: 112 × 24 pixels, expected no side "
         "more than 4 times the other"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("container", ["faces.zip", "faces.tar", "faces"])
def test_unusable_photos_are_told_with_their_file(
    tmp_path: Path,
    pictures: Pictures,
    container: str,
    change: Callable[[dict[str, bytes]], dict[str, bytes]],
    told: str,
) -> None:
    path = WRITERS[container](change(files_of(pictures)), tmp_path / container)
    with pytest.raises(MifaceError, match=f"^{re.escape(f'{path}: {told}')}[^\n]*$"):
        read_faces(path)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["faces.zip", "faces.tar", "faces.tar.gz", "faces.tar.Z"])
@pytest.mark.parametrize("container", [None, *sorted(set(WRITERS) - {"faces"})])
def test_what_is_no_archive_is_told_in_a_line(
    tmp_path: Path, pictures: Pictures, name: str, container: str | None
) -> None:
    content = b"<!DOCTYPE html> not found"
    if container:  # the first hundred bytes of an archive
        content = WRITERS[container](files_of(pictures), tmp_path / container).read_bytes()[:100]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MifaceError, match=f"^{path}: cannot be read as a zip or tar[^\n]*$"):
        read_faces(path)


def test_a_zip_that_needs_a_newer_reader_is_told(tmp_path: Path, pictures: Pictures) -> None:
    path = write_zip(files_of(pictures), tmp_path / "faces.zip")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 99  # the version needed to extract
    path.write_bytes(content)
    with pytest.raises(MifaceError, match=r"faces\.zip: cannot be read"):
        read_faces(path)


@pytest.fixture(scope="module")
def att(att_zip: Path) -> Faces:
    return read_faces(att_zip)


def test_the_att_archive_is_the_one_that_params_yaml_expects(
    att: Faces, att_zip: Path, project: Path
) -> None:
    digest = load_params(project / "params.yaml").data.digest
    assert digest is not None
    assert att.digest == digest
    assert read_faces(att_zip, digest=digest).digest == digest


def test_the_att_archive_holds_ten_photos_of_forty_people(att: Faces) -> None:
    assert att.images.shape == (400, 112, 92)
    assert att.names.tolist() == [f"s{number}" for number in range(1, 41)]
    np.testing.assert_array_equal(att.person, np.repeat(np.arange(40), 10))
    np.testing.assert_array_equal(att.photo, np.tile(np.arange(10), 40))
