"""Archives: known by their pixels, whatever their container, format, layout and litter."""

import io
import re
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from miface.errors import MifaceError
from miface.faces.archive import DigestMismatchError, Faces, read_faces
from miface.params import load_params

Picture = NDArray[Any]
Pictures = Mapping[str, Picture]


def encoded(picture: Picture, suffix: str = "pgm", **options: Any) -> bytes:
    file = io.BytesIO()
    kind = {"pgm": "PPM", "jpg": "JPEG"}.get(suffix, suffix)
    Image.fromarray(picture).save(file, kind, **options)
    return file.getvalue()


def files_of(pictures: Pictures, suffix: str = "pgm", below: str = "") -> dict[str, bytes]:
    return {f"{below}{name}.{suffix}": encoded(p, suffix) for name, p in pictures.items()}


def write_zip(files: Mapping[str, bytes], path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_tar(files: Mapping[str, bytes], path: Path) -> Path:
    kind = path.suffix.removeprefix(".").replace("tar", "")
    with tarfile.open(path, f"w:{kind}") as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def write_folder(files: Mapping[str, bytes], path: Path) -> Path:
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return path


def write_compressed(files: Mapping[str, bytes], path: Path) -> Path:
    """Write what Unix compress might: codes of 9 bits, forgetting all before they need 10."""
    content, codes = write_tar(files, path.with_suffix("")).read_bytes(), []
    for start in range(0, len(content), 247):
        codes += [*content[start : start + 247], 256]  # 248 codes, a multiple of 8 as it must be
    bits = sum(code << (9 * place) for place, code in enumerate(codes))
    path.write_bytes(b"\x1f\x9d\x90" + bits.to_bytes((9 * len(codes) + 7) // 8, "little"))
    return path


WRITERS: dict[str, Callable[[Mapping[str, bytes], Path], Path]] = {
    "faces.zip": write_zip,
    "faces.tar": write_tar,
    "faces.tar.gz": write_tar,
    "faces.tar.bz2": write_tar,
    "faces.tar.xz": write_tar,
    "faces.tar.Z": write_compressed,
    "faces": write_folder,
}


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
    files = files_of(pictures) | files_of({"s1/01": pictures["s2/1"], "s1/001": pictures["s2/2"]})
    one = read_faces(write_zip(files, tmp_path / "one.zip"))
    other = read_faces(write_zip(dict(reversed(files.items())), tmp_path / "other.zip"))
    assert one.digest == other.digest


def test_people_of_the_same_name_are_told_apart_by_path(tmp_path: Path, pictures: Pictures) -> None:
    files = files_of(pictures, below="women/") | files_of(pictures, below="men/")
    faces = read_faces(write_zip(files, tmp_path / "faces.zip"))
    assert faces.names.tolist() == [
        f"{w}/{s}" for w in ("men", "women") for s in ("s1", "s2", "s10")
    ]


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


def first_photo(tmp_path: Path, name: str, content: bytes, **options: Any) -> Picture:
    """Decode one photo, put beside a second of the same."""
    stem, suffix = name.split(".")
    files = {f"s{i}/{stem}{j}.{suffix}": content for i in (1, 2) for j in (1, 2)}
    faces = read_faces(write_zip(files, tmp_path / "faces.zip"), **options)
    picture: Picture = faces.images[0]
    return picture


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "png", "bmp"])
def test_colour_becomes_grey(tmp_path: Path, suffix: str) -> None:
    red = np.zeros((24, 20, 3), np.uint8)
    red[..., 0] = 200
    photo = first_photo(tmp_path, f"a.{suffix}", encoded(red, suffix))
    assert photo.shape == (24, 20)
    np.testing.assert_allclose(photo, 0.299 * 200, atol=2)  # luma of ITU-R 601-2


def pgm16(picture: Picture, most: int) -> bytes:
    height, width = picture.shape
    return f"P5 {width} {height} {most}\n".encode() + picture.astype(">u2").tobytes()


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("a.png", lambda eight: encoded(eight.astype(np.uint16) * 257, "png")),
        ("a.pgm", lambda eight: pgm16(eight.astype(np.uint16) * 257, 65535)),
        ("a.pgm", lambda eight: pgm16(eight.astype(np.uint16) * 4, 1020)),
    ],
)
def test_sixteen_bits_are_scaled_not_clipped(
    tmp_path: Path, name: str, encode: Callable[[Picture], bytes]
) -> None:
    eight = np.linspace(0, 255, 24 * 20).astype(np.uint8).reshape(24, 20)
    np.testing.assert_array_equal(first_photo(tmp_path, name, encode(eight)), eight)


def test_the_camera_s_orientation_is_undone(tmp_path: Path, pictures: Pictures) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the top row is the right side of the scene
    content = encoded(pictures["s1/1"], "png", exif=exif)
    photo = first_photo(tmp_path, "a.png", content)
    np.testing.assert_array_equal(photo, np.rot90(pictures["s1/1"], -1))


def test_size_crops_about_the_centre_and_resizes(tmp_path: Path) -> None:
    wide = np.full((40, 100), 255, np.uint8)
    wide[:, 30:70] = 100  # the middle square
    for picture, side in ((wide, 20), (wide.T, 16)):
        photo = first_photo(tmp_path, "a.pgm", encoded(picture), size=(side, side))
        np.testing.assert_allclose(photo, np.full((side, side), 100), atol=10)


def test_size_makes_unequal_photos_equal(tmp_path: Path, pictures: Pictures) -> None:
    unequal = files_of(pictures) | files_of({"s1/1": np.zeros((30, 30), np.uint8)})
    faces = read_faces(write_zip(unequal, tmp_path / "own.zip"), size=(28, 16))
    assert faces.images.shape == (9, 28, 16)


BROKEN = b"P5 20 24 255\n"  # and then no pixels


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda files: {"README": b""}, "no images found"),
        (lambda files: {n: c for n, c in files.items() if "s1/" in n}, "one person found (s1)"),
        (lambda files: {n.replace("/", "-"): c for n, c in files.items()}, "one person found (.)"),
        (lambda files: files | {"s3/1.pgm": files["s1/1.pgm"]}, "s3 holds one photo"),
        (lambda files: files | {"s2/2.pgm": encoded(np.zeros((24, 21), np.uint8))},
         "s2/2.pgm is 24 × 21 pixels (height × width), the photos before it 24 × 20"),
        (lambda files: files | {"s2/2.pgm": BROKEN}, "s2/2.pgm cannot be read as an image"),
        (lambda files: files | {"s2/2.png": b"text"}, "s2/2.png cannot be read as an image"),
        (lambda files: {n: encoded(np.zeros((15, 40), np.uint8)) for n in files},
         "s1/1.pgm is 15 × 40 pixels, expected at least 16 × 16"),
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
