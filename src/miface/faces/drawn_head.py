"""The neutral head of a drawn person: its surface, its albedo and its hair."""

from __future__ import annotations

import cv2
import numpy as np

from miface.faces.drawn_maps import COLS, ROWS, THETA, Array, X, Y, blur, hill, noise, ramp
from miface.faces.drawn_people import Person


def shape_head(p: Person, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Shape and paint a person's neutral head: radius, albedo and share of hair [rows, cols]."""
    ax, side = np.abs(X), np.abs(THETA)

    def profile(*knots: tuple[float, float]) -> Array:
        ys, values = zip(*knots, strict=True)
        return blur(np.interp(Y, ys, values).astype(np.float32), 3, 1)

    # Each level is an oval, half a head wide and deep, boxy at the forehead and round at the chin.
    half = profile(
        *[(-1.0, p.chin + 0.05), (-0.85, 0.5 * (p.jaw + p.chin) + 0.05), (-0.7, p.jaw + 0.02)],
        *[(-0.45, 0.5 * (p.width + p.jaw) + 0.05), (-0.2, p.width * (1 + p.cheek)), (0, p.width)],
    )
    deep = profile(
        *[(-0.95, 0.79), (-0.75, 0.79), (-0.5, 0.82), (-0.2, 0.81), (0.05, 0.81), (0.2, 0.84)],
        *[(0.5, 0.81), (0.75, 0.76)],
    )
    power = 2.1 + 0.3 * np.tanh(2 * (Y + 0.3))
    oval = (np.abs(np.sin(THETA)) / half) ** power + (np.abs(np.cos(THETA)) / deep) ** power
    radius = oval ** (-1 / power)
    # It closes at the crown and below a jaw whose edge climbs from the chin to the ears.
    crown = np.clip(1 - (np.maximum(Y - 0.25, 0) / (0.75 + p.volume)) ** 2.3, 0, 1) ** (1 / 2.3)
    edge = -0.8 + 0.3 * ramp(side - 1.1, 1.1)
    below = np.clip(1 - (np.maximum(edge - Y, 0) / 0.26) ** 2.5, 0, 1) ** (1 / 2.5)
    closed = crown * below

    radius += p.brow_ridge * hill(ax - 0.25, 0.22) * hill(Y - 0.2, 0.09)
    radius += 0.045 * hill(ax - 0.42, 0.16) * hill(Y + 0.2, 0.16)  # cheekbones
    radius -= 0.075 * hill(ax - p.eye_x + 0.02, 0.15) * hill(Y - p.eye_y - 0.02, 0.11)
    radius -= 0.02 * hill(ax - 0.12, 0.06) * hill(Y - 0.08, 0.1)  # inner corners of the eyes
    radius += 0.05 * hill(X, 0.6 * p.chin) * hill(Y + 0.93, 0.09)
    radius -= 0.03 * hill(X, 0.2) * hill(Y + 0.8, 0.06)  # between lower lip and chin
    above = Y - p.nose_y
    down = np.clip((0.15 - Y) / (0.15 - p.nose_y), 0, 1)
    nose = p.nose_height * (0.15 + 0.85 * down) * np.exp(-((X / (0.06 + 0.05 * down)) ** 2))
    radius += nose * ramp(above + 0.02 - 0.6 * ax, 0.14) * ramp(0.2 - Y, 0.3)
    radius += 0.045 * hill(X, 0.7 * p.nose_width) * hill(above - 0.05, 0.07)  # tip and wings
    radius += 0.06 * hill(ax - p.nose_width, 0.05) * hill(above - 0.045, 0.055)
    ear = ramp(1 - ((side - 1.5) / 0.13) ** 2 - ((Y + 0.02) / 0.24) ** 2, 1.2) * (not p.long)
    radius += p.ears * ear

    # Strands leave the parting to both sides as they come down.
    row, col = np.indices((ROWS, COLS), np.float32)
    sheared = col - p.comb * row * np.tanh(8 * (THETA - p.parting))
    border = cv2.BORDER_REFLECT_101
    combed = cv2.remap(noise(rng, 14, 0.8), sheared, row, cv2.INTER_LINEAR, borderMode=border)
    curls, clumps = noise(rng, 2, 2), noise(rng, 12, 4)
    strands = (1 - p.curl) * combed + p.curl * curls
    front = p.hairline - p.fringe + p.slant * THETA - p.drop * side
    front += p.receding * hill(side - 0.6, 0.35)
    line = front + (0.1 - front) * ramp(side - 1.05, 0.5)
    line += (p.sides - line) * ramp(side - 1.45, 0.4)
    if p.long:
        line = np.minimum(line, p.hairline + (p.sides - p.hairline) * ramp(side - 1.0, 0.4))
    hair = ramp(Y - line + 0.025 * strands, 0.12) * (1 - ear)
    hair *= 1 - p.bald * ramp(Y - 0.4 - 0.05 * strands, 0.4)
    if p.long:
        curtain = ramp(side - p.curtain, 0.5) * hair
        hanging = 0.64 + p.side_volume + 0.1 * np.minimum(Y + 0.5, 0) + 0.04 * p.curl * curls
        radius = np.maximum(radius, curtain * hanging * ramp(0.2 - Y, 0.6))
        closed = np.maximum(closed, curtain * (Y < 0))
    # Hair rises behind its edge, so that the slope it makes already has the tone of hair.
    mass = blur(hair**3, 4, 8) * (1 + 0.2 * p.curl * curls + 0.25 * clumps)
    radius += (0.03 + p.side_volume * ramp(0.8 - Y, 0.8)) * mass

    jaw = ramp(-0.42 + 0.55 * np.maximum(side - 0.55, 0) - Y + 0.01 * curls, 0.2)
    front_chin = ramp(-0.74 - Y, 0.08)
    beard = jaw * np.maximum(ramp(side - 0.36, 0.12), front_chin) * ramp(1.4 - side, 0.1)
    lip = Y - 0.5 * (p.nose_y + p.mouth_y) + 0.02
    moustache = ramp((hill(X, 0.24) * hill(lip, 0.07)) ** 2 - 0.3, 0.5)
    goatee = ramp(0.3 - ax, 0.12) * front_chin
    whiskers = np.maximum(p.beard * beard, np.maximum(p.moustache * moustache, p.goatee * goatee))
    whiskers = np.clip(whiskers * (1 + 0.2 * noise(rng, 2, 1)), 0, 1)
    radius += 0.04 * np.maximum(whiskers - 0.3, 0) * (1 + 0.2 * curls)

    albedo = p.skin * (1 + 0.02 * noise(rng, 6, 6) + 0.015 * noise(rng, 1, 1)) * (1 - 0.1 * ear)
    albedo *= 1 - 0.35 * hill(side - 1.47, 0.05) * hill(Y + 0.02, 0.13)  # hollow of the ears
    tone = np.clip(p.hair * (1 + 0.25 * strands + 0.1 * clumps), 0.03, 0.9)
    albedo += (0.9 * tone - albedo) * 0.85 * whiskers
    albedo += (tone - albedo) * hair
    # Where a head has closed its radius is below zero, so that no line of sight can meet it.
    maps = radius * closed - 0.02, albedo, np.maximum(hair, whiskers)
    return maps[0].astype(np.float32), maps[1].astype(np.float32), maps[2].astype(np.float32)
