"""Faces found and lined up: turned, scaled and cropped so that the eyes are in one place."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from miface.faces.pretrained import detector_and_landmarks

EYES_APART, EYES_DOWN = 0.37, 0.46
"""Distance of the eyes in widths of a photo, and their height in heights from its top: about where
they are in the AT&T faces."""

_SIDES = (400, 800, 1600)  # of the picture in which a face is looked for, in pixels
_TALL = 112 / 92  # a photo of this shape is filled; in a wider one a face is no larger


class NoFaceError(Exception):
    """No face was found."""


def line_up(grey: NDArray[np.uint8], size: tuple[int, int]) -> tuple[NDArray[np.uint8], list[str]]:
    """Turn, scale and crop a photo so that the eyes of the largest face come to one place.

    Parameters
    ----------
    grey
        uint8 [H, W], upright.
    size
        (height, width) of the result.

    Returns
    -------
    photo, remarks
        uint8 of that size, and what the person who gave it should know of this photo.

    Raises
    ------
    NoFaceError
        If no face is found: see Notes.

    Notes
    -----
    dlib's frontal face detector [1]_ and its five landmarks, on pictures whose longer side is
    400, then 800, then 1600 pixels, until there is a face. Faces in profile are not found.

    References
    ----------
    .. [1] D. E. King, "Dlib-ml: A Machine Learning Toolkit", JMLR 10, 2009.
    """
    eyes, faces = find_eyes(grey)
    height, width = size
    apart = EYES_APART * min(width, height / _TALL)
    left, right = eyes
    shrunk = min(1.0, apart / float(np.hypot(*(right - left))))
    # Reduced first, so that every pixel counts.
    reduced = np.asarray(
        cv2.resize(grey, None, fx=shrunk, fy=shrunk, interpolation=cv2.INTER_AREA), np.uint8
    )
    across, down = (right - left) * shrunk
    middle = (left + right) / 2 * shrunk
    turned: NDArray[Any] = cv2.getRotationMatrix2D(
        (float(middle[0]), float(middle[1])),
        float(np.degrees(np.arctan2(down, across))),
        float(apart / np.hypot(across, down)),
    )
    turned[:, 2] += np.array([(width - 1) / 2, EYES_DOWN * height]) - middle
    photo = cv2.warpAffine(reduced, turned, (width, height), borderMode=cv2.BORDER_REPLICATE)
    remarks = []
    if faces > 1:
        remarks.append(f"{faces} faces found: the largest is taken")
    if _reaches_over(turned, size, reduced.shape):
        remarks.append("the face is at the edge of its photo: the edge is repeated")
    return np.asarray(photo, np.uint8), remarks


def find_eyes(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float64], int]:
    """Find the eyes of the largest face.

    Returns
    -------
    eyes, faces
        float64 [2, 2]: x and y in pixels of the eye at the left of the photo, then of the other;
        and how many faces there are.

    Raises
    ------
    NoFaceError
        If there is none.
    """
    detector, landmarks = detector_and_landmarks()
    for side in _SIDES:
        if side == _SIDES[-1] and side > max(grey.shape):
            break  # enlarged twice already
        scale = side / max(grey.shape)
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        picture = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=way)
        if faces := detector(picture, 0):
            largest = max(faces, key=lambda face: face.area())
            points = np.array([(p.x, p.y) for p in landmarks(picture, largest).parts()])
            # Two corners of each eye: of the one at the right of the photo, then of the other.
            corners = (points[[[2, 3], [0, 1]]] + 0.5) / scale - 0.5
            return corners.mean(1), len(faces)
    raise NoFaceError


def _reaches_over(turned: NDArray[Any], size: tuple[int, int], shape: tuple[int, ...]) -> bool:
    height, width = size
    corners = np.array(
        [[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]]
    )
    inside = cv2.invertAffineTransform(turned) @ corners.T
    x, y = inside
    return bool(min(x.min(), y.min()) < -1 or x.max() > shape[1] or y.max() > shape[0])
