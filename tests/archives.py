"""Archives and folders of pictures, as tests make them."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

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


def drawn(seed: int, height: int = 24, width: int = 20) -> Picture:
    """A picture like no other."""
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


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
