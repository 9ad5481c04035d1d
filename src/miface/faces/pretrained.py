"""dlib's face detector, landmarks and recogniser, which others trained."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

LANDMARKS = "shape_predictor_5_face_landmarks.dat"
RECOGNISER = "dlib_face_recognition_resnet_model_v1.dat"


def model_file(name: str) -> Path:
    """Find a file of the package `face_recognition_models`.

    By its path: the package itself imports pkg_resources, which new setuptools lack.
    """
    spec = find_spec("face_recognition_models")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "models" / name


@cache
def detector_and_landmarks() -> tuple[Any, Any]:
    """Give dlib's detector of frontal faces, and its predictor of five landmarks in a face."""
    import dlib

    return dlib.get_frontal_face_detector(), dlib.shape_predictor(str(model_file(LANDMARKS)))
