"""Sources: the first that answers is used, and what was passed over is told with its reason."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from miface.errors import MifaceError
from miface.faces.archive import Faces, read_faces
from miface.faces.sources import Source, find_faces
from miface.params.photos import Data, Rendered
from miface.params.schema import load_params

RENDERED = Rendered(people=2, photos=3, height=26, width=24, seed=0)
OTHER_DIGEST = "0" * 64


class Told(list[str]):
    """Sources tried, with the lines that were told meanwhile."""

    def find(
        self,
        *sources: str | Path,
        digest: str | None = None,
        size: tuple[int, int] | None = None,
    ) -> tuple[Faces, Source]:
        data = Data(
            sources=[*map(str, sources)], digest=digest, size=size, timeout=1.0,
            person=None, least_photos=None, align="none",
        )  # fmt: skip
        return find_faces(data, RENDERED, self.append)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def archive(tmp_path: Path, faces_folder: Path) -> Path:
    """An archive of the faces in `faces_folder`."""
    return Path(shutil.make_archive(str(tmp_path / "faces"), "zip", faces_folder))


@pytest.fixture
def digest(faces_folder: Path) -> str:
    return read_faces(faces_folder).digest


@pytest.fixture
def mirror(archive: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server of the archive, of a page that is none, and of one that dawdles."""
    pages = {"/faces.zip": archive.read_bytes(), "/page.zip": b"<!DOCTYPE html>", "/": b"<html>"}
    done = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/slow.zip":
                done.wait(10)
            content = pages.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        done.set()
        server.shutdown()


def test_the_first_that_answers_is_used(told: Told, archive: Path, faces_folder: Path) -> None:
    faces, source = told.find(archive, faces_folder, "rendered")
    assert (source.name, source.kind) == (str(archive), "archive")
    assert source.digest == faces.digest
    assert told == []


def test_a_missing_one_is_passed_over_and_told(told: Told, archive: Path, tmp_path: Path) -> None:
    _, source = told.find(tmp_path / "missing.zip", tmp_path / "missing", archive)
    assert source.name == str(archive)
    assert told == [
        f"passed over {tmp_path / name}: no such file or folder"
        for name in ("missing.zip", "missing")
    ]


def test_other_pixels_are_passed_over_with_both_digests(
    told: Told, archive: Path, digest: str
) -> None:
    _, source = told.find(archive, "rendered", digest=OTHER_DIGEST)
    assert source.kind == "rendered"
    (line,) = told
    assert line.startswith(f"passed over {archive}: ")
    assert digest in line
    assert OTHER_DIGEST in line


def test_the_right_pixels_are_taken_and_their_digest_is_told(
    told: Told, archive: Path, digest: str
) -> None:
    faces, source = told.find(archive, digest=digest, size=(16, 18))
    assert faces.images.shape[1:] == (16, 18)
    assert source.digest == digest  # as they came, before resizing
    assert "AT&T" in source.credit


def test_a_broken_local_archive_is_an_error_and_no_reason_to_go_on(
    told: Told, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK and no more")
    with pytest.raises(MifaceError, match=r"broken\.zip: cannot be read"):
        told.find(broken, "rendered")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(MifaceError, match="empty: no images found"):
        told.find(empty, "rendered")


def test_a_folder_is_taken_without_a_digest(told: Told, faces_folder: Path, digest: str) -> None:
    faces, source = told.find(faces_folder, digest=OTHER_DIGEST)
    assert (source.kind, source.digest, faces.digest) == ("folder", digest, digest)
    assert source.credit == "the user's own photos"


def test_an_archive_without_a_digest_is_the_user_s_own(told: Told, archive: Path) -> None:
    assert told.find(archive)[1].credit == "the user's own photos"


def test_a_mirror_answers(told: Told, mirror: str, digest: str) -> None:
    address = f"{mirror}/faces.zip"
    faces, source = told.find(address, "rendered", digest=digest)
    assert (source.name, source.kind, source.digest) == (address, "mirror", digest)
    assert faces.digest == digest
    assert told == []


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("/gone.zip", "answered 404"),
        ("/page.zip", "cannot be read as a zip or tar archive"),
        ("/", "cannot be read as a zip or tar archive"),
        ("/slow.zip", "no answer (ReadTimeout)"),
        ("/faces.zip", f"data.digest expects {OTHER_DIGEST}"),
    ],
)
def test_a_mirror_without_the_faces_is_passed_over_with_its_address(
    told: Told, mirror: str, page: str, reason: str
) -> None:
    _, source = told.find(f"{mirror}{page}", "rendered", digest=OTHER_DIGEST)
    assert source.kind == "rendered"
    (line,) = told
    assert line.startswith(f"passed over {mirror}{page}: ")
    assert reason in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1:9/faces.zip", "no answer (ConnectionError)"),
        ("https://[/faces.zip", "no answer (InvalidURL)"),
    ],
)
def test_an_address_where_nobody_listens_is_passed_over(
    told: Told, monkeypatch: pytest.MonkeyPatch, address: str, reason: str
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert told.find(address, "rendered")[1].kind == "rendered"
    assert told == [f"passed over {address}: {reason}"]


def test_when_nothing_answers_the_error_names_each(
    told: Told, mirror: str, archive: Path, tmp_path: Path
) -> None:
    sources: list[str | Path] = [tmp_path / "missing.zip", archive, f"{mirror}/gone.zip"]
    with pytest.raises(MifaceError) as caught:
        told.find(*sources, digest=OTHER_DIGEST)
    assert str(caught.value).startswith("none of data.sources answered: ")
    assert all(f"{source}: " in str(caught.value) for source in sources)
    assert len(told) == 3


def test_rendered_faces_say_that_they_are(told: Told) -> None:
    faces, source = told.find("rendered", digest=OTHER_DIGEST)
    assert (source.name, source.kind) == ("rendered", "rendered")
    assert "no real people" in source.credit
    assert faces.images.shape == (6, 26, 24)
    assert faces.names.tolist() == ["r1", "r2"]
    assert faces.person.tolist() == [0, 0, 0, 1, 1, 1]
    assert faces.photo.tolist() == [0, 1, 2, 0, 1, 2]
    assert source.digest == faces.digest


def test_what_became_of_the_files_is_told_and_kept(told: Told, faces_folder: Path) -> None:
    (faces_folder / "README").write_text("faces")
    photo = Image.open(faces_folder / "s1/1.pgm")
    photo.save(faces_folder / "s1/1 again.png")
    photo.convert("RGBA").rotate(90, expand=True).save(faces_folder / "s2/x.png")
    _, source = told.find(faces_folder, size=(24, 20))
    content = asdict(source)
    assert content["files"] == 12
    assert content["left_out"] == [
        {"name": "README", "reason": "no picture that can be decoded"},
        {"name": "s1/1.pgm", "reason": "the same picture as s1/1 again.png"},
    ]
    assert content["altered"] == [{"name": "s2/x.png", "reason": "enlarged from 20 × 24"}]
    assert content["converted"] == {
        "colours made grey": 1,
        "cropped about the centre and resized to 24 × 20": 1,
    }
    assert content["persons"] == content["passed_over"] == []
    assert told == [
        "left out 1 file: no picture that can be decoded (README)",
        "left out 1 file: the same picture as s1/1 again.png (s1/1.pgm)",
        "altered 1 photo: enlarged from 20 × 24 (s2/x.png)",
        "1 photo: colours made grey",
        "1 photo: cropped about the centre and resized to 24 × 20",
    ]


def test_what_was_left_out_is_told_also_where_the_rest_is_a_mistake(
    told: Told, faces_folder: Path
) -> None:
    (faces_folder / "s3").mkdir()
    (faces_folder / "s3/1.heic").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(MifaceError, match="s3 holds no photo that can be used"):
        told.find(faces_folder)
    assert told[0].startswith("left out 1 file: a HEIC picture")


def test_the_shipped_sources_begin_with_the_user_s_archive_and_end_with_rendered(
    project: Path,
) -> None:
    first, *mirrors, last = load_params(project / "params.yaml").data.sources
    assert (first, last) == ("data/raw/att_faces.zip", "rendered")
    assert len(mirrors) >= 2
    assert all(mirror.startswith("https://") for mirror in mirrors)
