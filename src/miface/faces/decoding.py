"""From the content of a file to a grey picture, whatever form it has."""

import io
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from miface.faces.notes import shown

# What is decoded, known by its content. Pillow would hand EPS to Ghostscript: no other program is
# started. TGA has no mark of its own.
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PCX", "PNG", "PPM",
           "PSD", "QOI", "SGI", "SUN", "TIFF", "WEBP")  # fmt: skip

_ARCHIVES = (
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"\x1f\x9d",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf",
    b"Rar!",
)
_HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"msf1", b"mif1")
_GREY = "colours made grey"
DEEP = "more than 8 bits a pixel, made 8"
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601-2, as Pillow has it
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112


class UndecodableError(Exception):
    """The content is no picture, or none that can be read; says why."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes
    ----------
    grey
        [H, W], upright: uint8, or float32 values of a scale that the file does not tell.
    kind
        ``bytes``, or what the values are where their scale is not told: ``whole``, ``real``.
    converted
        What was done to it by rule, as to any picture of its form.
    altered
        What was done to it beyond that.
    """

    grey: NDArray[Any]
    kind: str
    converted: tuple[str, ...]
    altered: tuple[str, ...]


def decode(content: bytes) -> Picture:
    """Decode a picture.

    Parameters
    ----------
    content
        A file in one of `FORMATS`. Of several pictures in it the first is taken, transparency is
        laid on white, and the picture is turned as the camera was held (EXIF).

    Raises
    ------
    UndecodableError
        If it cannot be read; the message is the same wherever it is read.
    """
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            warnings.simplefilter("ignore")  # Pillow on large pictures and odd tags
            return _decode(content, image)
    except UndecodableError:
        raise
    except UnidentifiedImageError:
        raise UndecodableError(_what_else(content)) from None
    except Image.DecompressionBombError:
        raise UndecodableError("a picture too large to read") from None
    except Exception as error:  # Pillow raises many kinds for broken files
        reason = re.sub(r" object at 0x\w+", "", str(error))  # which differs from run to run
        raise UndecodableError(f"a picture that cannot be decoded ({shown(reason)})") from None


def to_bytes(picture: Picture, scales: dict[str, tuple[float, float]]) -> NDArray[np.uint8]:
    """Give the picture in 8 bits, from the scale (black, white) of its kind."""
    if picture.kind == "bytes":
        return picture.grey
    black, white = scales[picture.kind]
    return np.asarray(
        np.clip((picture.grey - black) * (255 / (white - black)), 0, 255).round().astype(np.uint8)
    )


def find_scales(extents: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Find black and white of values whose scale no file tells, from what all of them hold.

    Parameters
    ----------
    extents
        The least and the greatest value in the pictures of a set, by kind. One scale fits all of
        a kind, so that none is lighter or darker for being read.

    Returns
    -------
    dict
        For ``whole`` numbers the least of 8, 10, 12, 14 and 16 bits that hold them all; for
        ``real`` numbers 0 … 1, -1 … 1, 0 … 255 or 0 … 65535. Where they go beyond: from the least
        to the greatest.
    """
    scales = {}
    usual = {
        "whole": [(0.0, float(2**bits - 1)) for bits in (8, 10, 12, 14, 16)],
        "real": [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (0.0, 65535.0)],
    }
    for kind, (low, high) in extents.items():
        fitting = [scale for scale in usual[kind] if scale[0] <= low and high <= scale[1]]
        scales[kind] = fitting[0] if fitting else (low, max(high, low + 1))
    return scales


def _decode(content: bytes, image: Image.Image) -> Picture:
    altered = []
    if (count := getattr(image, "n_frames", 1)) > 1:
        altered.append(f"holds {count} pictures: the first is taken")
    stored = _orientation(image)
    image.load()
    turn = _orientation(image)  # loading turns a TIFF already
    if stored is None:
        altered.append("its EXIF cannot be read: not turned")
    elif stored in _TURNS:
        altered.append("turned as the camera was held (EXIF)")
    deep = _deep_colour(content, image)
    if deep is not None:
        return Picture(_turned(deep, stored), "whole", (_GREY,), tuple(altered))
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image).astype(np.float32)
        if not np.isfinite(values).all():
            raise UndecodableError("a picture with values that are no numbers")
        if image.format == "PPM" and image.mode == "I":  # Pillow scales by what the file tells
            told = Picture(_turned(values, turn), "whole", (), ())
            grey = to_bytes(told, {"whole": (0.0, 65535.0)})
            return Picture(grey, "bytes", (DEEP,), tuple(altered))
        kind = "real" if image.mode == "F" else "whole"
        return Picture(_turned(values, turn), kind, (), tuple(altered))
    converted = () if image.mode in ("1", "L", "LA", "La") else (_GREY,)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if np.asarray(image)[..., 3].min() < 255:
            altered.append("transparency laid on white")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    elif image.mode not in ("1", "L", "RGB"):
        image = image.convert("RGB")
    grey = np.asarray(image.convert("L"))
    return Picture(_turned(grey, turn), "bytes", converted, tuple(altered))


def _orientation(image: Image.Image) -> int | None:
    """How the camera was held; None if the file does not make sense of it."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # whatever a broken block of EXIF makes Pillow raise
        return None
    return value if isinstance(value, int) else None


def _turned(grey: NDArray[Any], orientation: int | None) -> NDArray[Any]:
    if orientation not in _TURNS:
        return grey
    return np.asarray(Image.fromarray(grey).transpose(_TURNS[orientation]))


def _deep_colour(content: bytes, image: Image.Image) -> NDArray[np.float32] | None:
    """Read opaque colours of 16 bits, of which Pillow would keep the upper 8."""
    if image.mode != "RGB" or image.format not in ("PNG", "TIFF"):
        return None
    deep = content[24] if image.format == "PNG" else max(image.tag_v2.get(258, (8,)))  # type: ignore[attr-defined]
    if deep <= 8:
        return None
    values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.ndim != 3 or values.shape[2] != 3 or values.dtype != np.uint16:
        return None
    return np.asarray(values[..., ::-1].astype(np.float32) @ _LUMA)


def _what_else(content: bytes) -> str:
    if content.startswith(_ARCHIVES) or content[257:262] == b"ustar":
        return "an archive in the archive or folder, which is not opened: unpack it first"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC:
        return "a HEIC picture, which is not decoded: save it as JPEG or PNG"
    if content[:4] in (b"%!PS", b"%PDF", b"\xc5\xd0\xd3\xc6"):
        return "PostScript or PDF, which is not decoded: save the picture as JPEG or PNG"
    if not content:
        return "an empty file"
    return "no picture that can be decoded"
