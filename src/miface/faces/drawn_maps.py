"""The maps of a drawn head, and the brushes that paint them.

Lengths are in half heads: the crown is near ``y = 1``, the eyes at 0, the chin near -1. ``theta``
is 0 at the nose and grows towards the right of the picture. Tones are in [0, 1].
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # single precision, which NumPy's operators and OpenCV do not declare

# The maps of a head cover what a camera in front of it can see when it turns.
ROWS, COLS, TOP, BOTTOM, SIDE = 264, 336, 1.4, -1.5, 2.3
Y: Array = np.linspace(TOP, BOTTOM, ROWS, dtype=np.float32)[:, None]
THETA: Array = np.linspace(-SIDE, SIDE, COLS, dtype=np.float32)[None, :]
X: Array = 0.8 * np.sin(np.clip(THETA, -np.pi / 2, np.pi / 2))
# Everything that an expression moves lies in this window of the maps.
FACE = (slice(70, 235), slice(92, 244))


def ramp(distance: Array, soft: float) -> Array:
    """Rise smoothly from 0 to 1 where a signed distance crosses zero, over `soft` units."""
    t = np.clip(distance / soft + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def hill(distance: Array, wide: float | Array) -> Array:
    """Gaussian hill of height 1; two of them multiply to a bump."""
    return np.asarray(np.exp(-((distance / wide) ** 2)))


def blur(field: Array, along: float, across: float) -> Array:
    """Gaussian blur, `along` y and `across` x or theta in pixels."""
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigmaX=across, sigmaY=along))


def noise(rng: np.random.Generator, along: float, across: float) -> Array:
    """Smooth noise of unit variance on the maps."""
    field = blur(rng.standard_normal((ROWS, COLS), np.float32), along, across)
    return np.asarray(field / field.std())


def look(maps: Array, theta: Array, y: Array) -> Array:
    """Read maps at the given places."""
    col = (theta + SIDE) * ((COLS - 1) / (2 * SIDE))
    row = (TOP - y) * ((ROWS - 1) / (TOP - BOTTOM))
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.remap(maps, col, row, cv2.INTER_LINEAR, borderMode=border))
