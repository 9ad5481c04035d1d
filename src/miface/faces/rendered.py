"""Faces drawn from scratch: people who do not exist, for runs without a face archive.

A head is a surface ``radius(theta, y)`` around a vertical axis, painted with an albedo over the
same coordinates. A photo changes the expression, poses the head, finds the surface along the line
of sight of every pixel and lights it.

Lengths are in half heads: the crown is near ``y = 1``, the eyes at 0, the chin near -1. ``theta``
is 0 at the nose and grows towards the right of the picture. Tones are in [0, 1].
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from miface.faces.drawn_expression import move_eyes, move_mouth
from miface.faces.drawn_head import shape_head
from miface.faces.drawn_maps import BOTTOM, COLS, FACE, ROWS, SIDE, TOP, Array, blur, ramp
from miface.faces.drawn_people import Person, Photo
from miface.faces.drawn_scene import shade, spectacles, torso, trace

MIN_SIDE = 24
"""Smallest height and width drawn, in pixels."""


def _photograph(p: Person, c: Photo, head: tuple[Array, ...], height: int, width: int) -> Array:
    """Take one photo, at twice its size or more and then reduced: tone [height, width]."""
    size = min(height / 112, width / 92)
    finer = max(1, round(2 / size))
    h, w = height * finer, width * finer
    unit = 48 * size * finer * c.scale
    nose = 0.12 * c.rotation[0, 2]
    centre = np.array([w / 2, h / 2]) + unit * (c.shift - (nose, 0))
    row, col = np.indices((h, w), np.float32)
    vx = (col + 0.5 - np.float32(centre[0])) / np.float32(unit)
    vy = (np.float32(centre[1]) - row - 0.5) / np.float32(unit)

    radius, albedo, hair = head[0].copy(), head[1].copy(), head[2]
    for move in (move_mouth, move_eyes):
        move(p, c, radius[FACE], albedo[FACE], 1 - hair[FACE])
    albedo *= np.clip(1 - 2 * (blur(radius, 9, 9) - radius), 0.5, 1)  # hollows get less light
    step_y, step_theta = (BOTTOM - TOP) / (ROWS - 1), 2 * SIDE / (COLS - 1)
    slope_y, slope = np.gradient(radius, step_y, step_theta)
    maps = np.dstack([albedo, slope, slope_y, 0.1 - 0.05 * hair]).astype(np.float32)
    *place, depth, hit = trace(radius, c.rotation, vx, vy)
    picture, behind = torso(p, c, vx, vy, hit, unit)
    hit *= depth > behind
    picture += (shade(c, p.ambient, maps, *place) - picture) * hit
    if c.glasses:
        frame, lenses = spectacles(p, c, np.where(hit > 0, depth, -2), unit, centre)
        picture += lenses * (0.03 + 0.1 * ramp(vx + vy - 0.3 * c.light[0], 0.6))
        picture += (0.1 - picture) * frame
    picture = c.exposure * blur(picture, 0.35 * finer, 0.35 * finer)  # as a lens does
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))


def render_faces(
    people: int = 40, photos: int = 10, *, height: int = 112, width: int = 92, seed: int = 0
) -> NDArray[np.uint8]:
    """Draw photos of people who do not exist.

    Each person has a head, hair, features and perhaps a beard or glasses of their own; each photo
    has its own pose, expression, light and noise. Person `k` and their photo `j` depend on the
    seed, `k` and `j` alone, not on how many are asked for.

    Parameters
    ----------
    people : int
        Number of people, at least 1.
    photos : int
        Number of photos of each, at least 1.
    height, width : int
        Size of a photo in pixels, each at least `MIN_SIDE`.
    seed : int
        Seed of everything drawn, not negative.

    Returns
    -------
    numpy.ndarray
        Grey photos [people, photos, height, width], ``uint8`` in 0..255.

    Raises
    ------
    ValueError
        If `people` or `photos` is below 1, a side is too small or the seed is negative.
    """
    if people < 1 or photos < 1:
        raise ValueError(f"people and photos must be at least 1, not {people} and {photos}")
    if min(height, width) < MIN_SIDE:
        raise ValueError(f"photos must be at least {MIN_SIDE} pixels a side, not {height}x{width}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, but is {seed}")
    faces = np.empty((people, photos, height, width), np.uint8)
    sequences = np.random.SeedSequence(seed).spawn(people)
    for k, sequence in enumerate(tqdm(sequences, "Drawing people", disable=None)):
        own, *others = (np.random.default_rng(s) for s in sequence.spawn(photos + 1))
        person = Person(own)
        head = shape_head(person, own)
        for j, rng in enumerate(others):
            tone = _photograph(person, Photo(person, rng), head, height, width)
            grey = 255 * np.clip(tone, 0, 1) ** 0.75 + rng.normal(0, 3, tone.shape)
            faces[k, j] = np.clip(grey, 0, 255).round()
    return faces
