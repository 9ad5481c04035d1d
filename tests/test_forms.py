"""Every form a photo has: the right grey values, or the reason why there are none."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archives import Picture, drawn, encoded, files_of, write_zip
from PIL import Image

from miface.faces.archive import read_faces
from miface.faces.decoding import FORMATS, UndecodableError, decode
from miface.faces.notes import Notes

GREY = drawn(100)
RAMP = np.linspace(0, 255, 24 * 20).astype(np.uint8).reshape(24, 20)
COLOUR = np.stack([RAMP, np.full_like(RAMP, 90), RAMP[::-1]], 2)
LUMA = COLOUR @ np.array([0.299, 0.587, 0.114])  # of ITU-R 601-2


class Form:
    """A photo of some form, read among others, and what was said of it."""

    def __init__(self, folder: Path, content: bytes, name: str = "a", **options: Any) -> None:
        self.notes = Notes()
        others = files_of({f"{p}": drawn(k) for k, p in enumerate(("x/b", "y/a", "y/b"))}, "png")
        path = write_zip({f"x/{name}": content} | others, folder / "faces.zip")
        faces = read_faces(path, notes=self.notes, **options)
        assert not self.notes.left_out
        self.photo: Picture = faces.images[0]

    @property
    def altered(self) -> list[str]:
        return [note.reason for note in self.notes.altered]


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


LOSSLESS: dict[str, tuple[str, dict[str, Any]]] = {
    "png": ("PNG", {}), "bmp": ("BMP", {}), "pgm": ("PPM", {}), "tif": ("TIFF", {}),
    "tif.lzw": ("TIFF", {"compression": "tiff_lzw"}), "gif": ("GIF", {}),
    "webp": ("WEBP", {"lossless": True}), "jp2": ("JPEG2000", {}), "pcx": ("PCX", {}),
    "sgi": ("SGI", {}),
}  # fmt: skip


BEST: dict[str, dict[str, Any]] = {
    "WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}
}  # fmt: skip


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("name", ["right suffix", "", ".jpg", ".txt"])
def test_a_lossless_form_gives_its_pixels_whatever_its_suffix(
    tmp_path: Path, suffix: str, name: str
) -> None:
    kind, options = LOSSLESS[suffix]
    content = saved(Image.fromarray(GREY), kind, **options)
    name = f"a.{suffix}" if name == "right suffix" else f"a{name}"
    np.testing.assert_array_equal(Form(tmp_path, content, name).photo, GREY)


@pytest.mark.parametrize("kind", ["JPEG", "AVIF"])
def test_a_lossy_form_comes_close(tmp_path: Path, kind: str) -> None:
    photo = Form(tmp_path, saved(Image.fromarray(RAMP), kind, quality=95)).photo
    np.testing.assert_allclose(photo, RAMP, atol=6)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "PPM"])
def test_colour_becomes_grey_and_is_counted(tmp_path: Path, kind: str) -> None:
    form = Form(tmp_path, saved(Image.fromarray(COLOUR), kind, **BEST.get(kind, {})))
    np.testing.assert_allclose(form.photo, LUMA, atol=3)
    assert form.notes.converted == {"colours made grey": 1}


def pnm(magic: str, most: int | None, values: Any, binary: bytes | None = None) -> bytes:
    height, width = GREY.shape
    head = f"{magic}\n# a comment\n{width} {height}\n" + (f"{most}\n" if most else "")
    return head.encode() + (binary or " ".join(map(str, np.ravel(values))).encode())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (pnm("P2", 255, RAMP), RAMP),
        (pnm("P5", 255, 0, RAMP.tobytes()), RAMP),
        (pnm("P2", 15, RAMP // 17), RAMP // 17 * 17),
        (pnm("P1", None, (RAMP > 99).astype(int)), np.where(RAMP > 99, 0, 255)),  # where 1 is black
        (pnm("P3", 255, COLOUR), LUMA),
        (pnm("P6", 255, 0, COLOUR.tobytes()), LUMA),
        (pnm("P5", 65535, 0, (RAMP.astype(int) * 257).astype(">u2").tobytes()), RAMP),
        (pnm("P5", 1020, 0, (RAMP.astype(int) * 4).astype(">u2").tobytes()), RAMP),
        (pnm("P2", 1020, RAMP.astype(int) * 4), RAMP),
    ],
    ids=["P2", "P5", "P2-15", "P1", "P3", "P6", "P5-16bit", "P5-1020", "P2-1020"],
)
def test_pnm_in_ascii_and_binary(tmp_path: Path, content: bytes, expected: Picture) -> None:
    form = Form(tmp_path, content)
    np.testing.assert_allclose(form.photo, expected, atol=1)
    assert not form.altered  # it says how many values it has


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(("factor", "bits"), [(257, 16), (16, 12), (4, 10), (1, 8)])
def test_sixteen_bits_are_scaled_by_what_they_hold(
    tmp_path: Path, kind: str, factor: int, bits: int
) -> None:
    form = Form(tmp_path, saved(Image.fromarray(RAMP.astype(np.uint16) * factor), kind))
    expected = RAMP * (factor * 255 / (2**bits - 1))
    np.testing.assert_allclose(form.photo, expected, atol=0.51)
    if bits == 16:
        assert not form.altered
        assert form.notes.converted == {"more than 8 bits a pixel, made 8": 1}
    else:
        (told,) = form.altered
        assert told.startswith(f"whole numbers from 0 to {255 * factor} (in all such photos)")
        assert told.endswith(f"read as 0 (black) … {2**bits - 1} (white)")


def test_one_scale_serves_all_photos_of_a_set(tmp_path: Path) -> None:
    dark = RAMP.astype(np.uint16) * 4  # of 12 bits, as the other photo shows
    light = RAMP.astype(np.uint16)[::-1] * 16
    files = files_of({"x/a": dark, "x/b": light, "y/a": drawn(1), "y/b": drawn(2)}, "png")
    faces = read_faces(write_zip(files, tmp_path / "faces.zip"))
    np.testing.assert_allclose(faces.images[0], dark * (255 / 4095), atol=0.51)
    np.testing.assert_allclose(faces.images[1], light * (255 / 4095), atol=0.51)


@pytest.mark.parametrize("kind", ["png", "tiff"])
@pytest.mark.parametrize(("factor", "white"), [(257, 65535), (16, 4095)])
def test_colours_of_sixteen_bits_are_scaled_too(
    tmp_path: Path, kind: str, factor: int, white: int
) -> None:
    import cv2

    deep = COLOUR.astype(np.uint16) * factor
    content = cv2.imencode(f".{kind}", deep[..., ::-1])[1].tobytes()
    form = Form(tmp_path, content)
    np.testing.assert_allclose(form.photo, LUMA * factor * 255 / white, atol=1)
    assert form.notes.converted["colours made grey"] == 1
    assert bool(form.altered) == (white != 65535)


@pytest.mark.parametrize(
    ("values", "expected", "scale"),
    [
        (RAMP / 255, RAMP, "0 (black) … 1 (white)"),
        (RAMP * 1.0, RAMP, "0 (black) … 255 (white)"),
        (RAMP / 127.5 - 1, RAMP, "-1 (black) … 1 (white)"),
        (RAMP * 1e6 - 5e6, RAMP, "-5e+06 (black) … 2.5e+08 (white)"),
    ],
)
def test_floating_point_is_scaled_and_told(
    tmp_path: Path, values: Picture, expected: Picture, scale: str
) -> None:
    form = Form(tmp_path, saved(Image.fromarray(values.astype(np.float32)), "TIFF"))
    np.testing.assert_allclose(form.photo, expected, atol=1)
    (told,) = form.altered
    assert told.endswith(f": read as {scale}")


def test_whole_numbers_below_zero_are_scaled_and_told(tmp_path: Path) -> None:
    form = Form(tmp_path, saved(Image.fromarray(RAMP.astype(np.int32) * 10 - 1000), "TIFF"))
    np.testing.assert_allclose(form.photo, RAMP, atol=1)
    assert form.altered[0].endswith("read as -1000 (black) … 1550 (white)")


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    image = Image.frombytes("P", (20, 24), (RAMP // 64).tobytes())
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255])
    expected = np.array([76, 150, 29, 255])[RAMP // 64]
    for kind in ("PNG", "GIF"):
        np.testing.assert_allclose(Form(tmp_path, saved(image, kind)).photo, expected, atol=1)


def transparent() -> dict[str, bytes]:
    """A dark picture whose left half is transparent, in each form that transparency has."""
    alpha = np.full((24, 20), 255, np.uint8)
    alpha[:, :10] = 0
    dark = np.full((24, 20), 40, np.uint8)
    dark[:, :10] = 7
    paletted = Image.frombytes("P", (20, 24), (alpha // 255).tobytes())
    paletted.putpalette([7, 7, 7, 40, 40, 40])
    return {
        "RGBA": saved(Image.fromarray(np.stack([dark, dark, dark, alpha], 2)), "PNG"),
        "LA": saved(Image.merge("LA", [Image.fromarray(dark), Image.fromarray(alpha)]), "PNG"),
        "P": saved(paletted, "PNG", transparency=0),
        "GIF": saved(paletted, "GIF", transparency=0),
        "L": saved(Image.fromarray(dark), "PNG", transparency=7),
        "WebP": saved(
            Image.fromarray(np.stack([dark, dark, dark, alpha], 2)), "WEBP", lossless=True
        ),
    }


@pytest.mark.parametrize("form", transparent())
def test_transparency_is_laid_on_white_and_told(tmp_path: Path, form: str) -> None:
    read = Form(tmp_path, transparent()[form])
    assert (read.photo[:, :10] == 255).all()
    assert (read.photo[:, 10:] == 40).all()
    assert read.altered == ["transparency laid on white"]


def test_an_alpha_channel_that_hides_nothing_is_not_told(tmp_path: Path) -> None:
    image = Image.fromarray(GREY).convert("RGBA")
    form = Form(tmp_path, saved(image, "PNG"))
    np.testing.assert_array_equal(form.photo, GREY)
    assert not form.altered


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_ink(tmp_path: Path, kind: str) -> None:
    ink = np.zeros((24, 20, 4), np.uint8)
    ink[..., 3] = 255 - RAMP  # black ink alone
    content = saved(
        Image.fromarray(ink, "CMYK"), kind, **({"quality": 98} if kind == "JPEG" else {})
    )
    np.testing.assert_allclose(Form(tmp_path, content).photo, RAMP, atol=4)


TURNS: dict[int, Callable[[Picture], Picture]] = {
    1: lambda p: p, 2: np.fliplr, 3: lambda p: np.rot90(p, 2), 4: np.flipud,
    5: np.transpose, 6: lambda p: np.rot90(p, -1), 7: lambda p: np.rot90(p, 2).T,
    8: np.rot90,
}  # fmt: skip


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_photos_are_turned_as_the_camera_was_held(
    tmp_path: Path, kind: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    form = Form(
        tmp_path, saved(Image.fromarray(RAMP), kind, exif=exif, **BEST.get(kind, {})), size=(24, 24)
    )
    upright = Form(tmp_path, encoded(np.ascontiguousarray(TURNS[orientation](RAMP))), size=(24, 24))
    np.testing.assert_allclose(form.photo, upright.photo, atol=3)
    turned = "turned as the camera was held (EXIF)"
    assert (turned in form.altered) == (orientation > 1)


def test_broken_exif_does_not_cost_a_photo(tmp_path: Path) -> None:
    content = saved(Image.fromarray(GREY), "PNG", exif=b"Exif\0\0nonsense")
    form = Form(tmp_path, content)
    np.testing.assert_array_equal(form.photo, GREY)
    assert form.altered == ["its EXIF cannot be read: not turned"]


def test_of_several_pictures_in_a_file_the_first_is_taken_and_told(tmp_path: Path) -> None:
    frames = [Image.fromarray(drawn(k)) for k in (7, 8, 9)]
    content = saved(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    form = Form(tmp_path, content)
    np.testing.assert_array_equal(form.photo, drawn(7))
    assert form.altered == ["holds 3 pictures: the first is taken"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"text", "no picture"),
        (b"", "an empty file"),
        (b"P5 20 24 255\n", "cannot be decoded"),
        (saved(Image.fromarray(GREY), "PNG")[:300], "cannot be decoded"),
        (saved(Image.fromarray(GREY), "JPEG")[:400], "cannot be decoded"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 24\n", "PostScript or PDF"),
        (b"%PDF-1.4\n", "PostScript or PDF"),
        (saved(Image.fromarray(np.full((24, 20), np.nan, np.float32)), "TIFF"), "no numbers"),
    ],
)
def test_what_cannot_be_decoded_says_why(content: bytes, told: str) -> None:
    with pytest.raises(UndecodableError) as caught:
        decode(content)
    assert told in str(caught.value)
    assert "0x" not in str(caught.value)  # the same on every run


def test_no_form_starts_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("another program was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(subprocess, "check_call", refuse)
    assert not {"EPS", "PDF", "WMF"} & set(FORMATS)
    eps = saved(Image.fromarray(GREY), "EPS")
    with pytest.raises(UndecodableError, match="PostScript"):
        decode(eps)


def test_a_picture_too_large_to_read_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UndecodableError, match="too large"):
        decode(encoded(GREY))


def test_size_crops_about_the_centre_and_resizes(tmp_path: Path) -> None:
    wide = np.full((40, 100), 255, np.uint8)
    wide[:, 30:70] = 100  # the middle square
    for picture, side in ((wide, 20), (wide.T, 16)):
        form = Form(tmp_path, encoded(np.ascontiguousarray(picture)), size=(side, side))
        np.testing.assert_allclose(form.photo, np.full((side, side), 100), atol=10)
        assert form.notes.converted[f"cropped about the centre and resized to {side} × {side}"] == 4


def test_a_photo_that_is_enlarged_is_told(tmp_path: Path) -> None:
    form = Form(tmp_path, encoded(drawn(5, 40, 40)), size=(30, 30))
    assert form.altered == ["enlarged from 24 × 20"] * 3  # the others
