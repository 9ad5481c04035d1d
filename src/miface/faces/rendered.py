"""Faces drawn from scratch: people who do not exist, for runs without a face archive.

A head is a surface ``radius(theta, y)`` around a vertical axis, painted with an albedo over the
same coordinates. A photo changes the expression, poses the head, finds the surface along the line
of sight of every pixel and lights it.

Lengths are in half heads: the crown is near ``y = 1``, the eyes at 0, the chin near -1. ``theta``
is 0 at the nose and grows towards the right of the picture. Tones are in [0, 1].
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

Array = NDArray[Any]  # single precision, which NumPy's operators and OpenCV do not declare

MIN_SIDE = 24
"""Smallest height and width drawn, in pixels."""

# The maps of a head cover what a camera in front of it can see when it turns.
_ROWS, _COLS, _TOP, _BOTTOM, _SIDE = 264, 336, 1.4, -1.5, 2.3
_Y: Array = np.linspace(_TOP, _BOTTOM, _ROWS, dtype=np.float32)[:, None]
_THETA: Array = np.linspace(-_SIDE, _SIDE, _COLS, dtype=np.float32)[None, :]
_X: Array = 0.8 * np.sin(np.clip(_THETA, -np.pi / 2, np.pi / 2))
# Everything that an expression moves lies in this window of the maps.
_FACE = (slice(70, 235), slice(92, 244))


class _Person:
    """What stays with a person; features that go together (a beard, long hair) are drawn so."""

    def __init__(self, rng: np.random.Generator) -> None:
        u, n, chance = rng.uniform, rng.normal, rng.random
        woman = chance() < 0.3
        self.age = u() ** 1.5
        self.skin = u(0.65, 0.92) if chance() < 0.82 else u(0.33, 0.5)
        self.width = u(0.66, 0.78) - 0.02 * woman
        self.jaw = u(0.48, 0.65) - 0.05 * woman
        self.chin = u(0.25, 0.42) - 0.05 * woman
        self.cheek = u(-0.02, 0.06)
        self.ears = u(0.06, 0.16)
        self.eye_x, self.eye_y = u(0.27, 0.345), n(0, 0.02)
        self.eye_size, self.eye_tilt = u(0.125, 0.16), n(0, 0.08)
        self.iris = u(0.1, 0.45) if self.skin > 0.5 else 0.08
        self.brow_ridge = u(0.01, 0.06) * (0.3 if woman else 1)
        self.brow_y, self.brow_arch, self.brow_tone = u(0.17, 0.25), u(0, 0.07), u(0.5, 0.9)
        self.brow_thick = u(0.018, 0.03) if woman else u(0.022, 0.048)
        self.nose_y, self.nose_height = u(-0.48, -0.34), u(0.1, 0.19)
        self.nose_width = u(0.07, 0.12) * (1.2 if self.skin < 0.5 else 1)
        self.mouth_y, self.mouth_width = u(-0.68, -0.6), u(0.18, 0.26)
        self.lips = u(0.04, 0.075) * (1.3 if woman or self.skin < 0.5 else 1)
        self.lip_tone = self.skin * (u(0.45, 0.62) if woman else u(0.62, 0.8))

        dark = chance() < 0.6 or self.skin < 0.5
        self.hair = u(0.05, 0.22) if dark else u(0.25, 0.55)
        self.hair += (0.65 - self.hair) * max(0.0, self.age - 0.6) * u(0, 2)  # greying
        self.bald = not woman and chance() < 0.07 + 0.2 * self.age
        self.long = not self.bald and chance() < (0.7 if woman else 0.07)
        self.hairline = 1.6 if self.bald else u(0.5, 0.75)
        self.receding = u(0, 0.18) * (0.3 if woman else 1)
        self.fringe = u(0.1, 0.35) if chance() < 0.25 and not self.bald else 0.0
        self.drop = u(0.1, 0.5) if self.long else 0.0
        self.slant, self.parting, self.comb = n(0, 0.12), u(-0.5, 0.5), abs(n(0.2, 0.5))
        self.sides = u(-1.75, -1.05) if self.long else u(-0.55, -0.1)
        self.curtain = u(0.9, 1.3)
        self.volume = u(0, 0.03) if self.bald else u(0.03, 0.16)
        self.side_volume = u(0.01, 0.12)
        self.curl = u() ** 2
        bearded = not woman and chance() < 0.3
        stubble = 0.0 if woman else u(0, 0.2)
        self.beard = u(0.5, 1) if bearded and chance() < 0.6 else stubble
        self.moustache = u(0.5, 1) if bearded and chance() < 0.8 else 0.0
        self.goatee = u(0.6, 1) if bearded and chance() < 0.5 else 0.0
        self.glasses = chance() < 0.3
        self.rim_size, self.rim_square, self.rim_thick = u(0.17, 0.24), u(2, 4), u(0.02, 0.033)

        self.neck = u(0.34, 0.42) if woman else u(0.4, 0.52)
        self.clothes, self.collar = u(0.04, 0.7), u(-0.2, 0.6)
        # How a person sits for the camera is theirs too, as it is in photos of one session.
        self.backdrop, self.ambient = u(0.06, 0.45), u(0.25, 0.4)
        self.light_x, self.light_y = u(-0.6, 0.6), u(0.15, 0.6)
        self.yaw, self.pitch = n(0, 0.1), n(0, 0.05)
        self.place, self.near = n(0, 0.04, 2), u(0.94, 1.05)
        self.lively = u(0.5, 1.3)


class _Photo:
    """What changes from photo to photo of a person; angles in radians."""

    def __init__(self, p: _Person, rng: np.random.Generator) -> None:
        u, n, chance = rng.uniform, rng.normal, rng.random
        yaw = np.clip(p.yaw + n(0, 0.2) * p.lively, -0.6, 0.6)
        pitch = np.clip(p.pitch + n(0, 0.09) * p.lively, -0.3, 0.3)
        roll = np.clip(n(0, 0.045) * p.lively, -0.15, 0.15)
        self.rotation = _rotation(yaw, pitch, roll)
        self.shift = p.place + n(0, 0.035, 2) * p.lively
        self.scale = p.near * np.clip(n(1, 0.025), 0.95, 1.05)
        light = np.array([p.light_x + n(0, 0.15), p.light_y + n(0, 0.12), 1], np.float32)
        self.light = light / np.linalg.norm(light)
        self.exposure = u(0.95, 1.05)
        self.smile = u(0.4, 1) if chance() < 0.4 else n(0, 0.12)
        self.open = u(0.2, 1) if chance() < 0.3 else 0.0
        self.lids = u(0.1, 0.4) if chance() < 0.06 else u(0.75, 1.1)
        self.brows = n(0, 0.02)
        self.gaze = n(0, 0.02, 2) * (1, 0.5)
        self.glasses = p.glasses and chance() < 0.9
        self.backdrop = p.backdrop + n(0, 0.015)
        self.slope = n(0, 0.02, 2) + np.array([0.1 * p.light_x, 0])


def _rotation(yaw: float, pitch: float, roll: float) -> Array:
    """Rotation [3, 3] from head to view coordinates (x right, y up, z to the viewer)."""
    (sy, cy), (sp, cp), (sr, cr) = ((np.sin(a), np.cos(a)) for a in (yaw, pitch, roll))
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(tilt @ nod @ turn, np.float32)


def _ramp(distance: Array, soft: float) -> Array:
    """Rise smoothly from 0 to 1 where a signed distance crosses zero, over `soft` units."""
    t = np.clip(distance / soft + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _hill(distance: Array, wide: float | Array) -> Array:
    """Gaussian hill of height 1; two of them multiply to a bump."""
    return np.asarray(np.exp(-((distance / wide) ** 2)))


def _blur(field: Array, along: float, across: float) -> Array:
    """Gaussian blur, `along` y and `across` x or theta in pixels."""
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigmaX=across, sigmaY=along))


def _noise(rng: np.random.Generator, along: float, across: float) -> Array:
    """Smooth noise of unit variance on the maps."""
    field = _blur(rng.standard_normal((_ROWS, _COLS), np.float32), along, across)
    return np.asarray(field / field.std())


def _head(p: _Person, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Shape and paint a person's neutral head: radius, albedo and share of hair [rows, cols]."""
    ax, side = np.abs(_X), np.abs(_THETA)

    def profile(*knots: tuple[float, float]) -> Array:
        ys, values = zip(*knots, strict=True)
        return _blur(np.interp(_Y, ys, values).astype(np.float32), 3, 1)

    # Each level is an oval, half a head wide and deep, boxy at the forehead and round at the chin.
    half = profile(
        *[(-1.0, p.chin + 0.05), (-0.85, 0.5 * (p.jaw + p.chin) + 0.05), (-0.7, p.jaw + 0.02)],
        *[(-0.45, 0.5 * (p.width + p.jaw) + 0.05), (-0.2, p.width * (1 + p.cheek)), (0, p.width)],
    )
    deep = profile(
        *[(-0.95, 0.79), (-0.75, 0.79), (-0.5, 0.82), (-0.2, 0.81), (0.05, 0.81), (0.2, 0.84)],
        *[(0.5, 0.81), (0.75, 0.76)],
    )
    power = 2.1 + 0.3 * np.tanh(2 * (_Y + 0.3))
    oval = (np.abs(np.sin(_THETA)) / half) ** power + (np.abs(np.cos(_THETA)) / deep) ** power
    radius = oval ** (-1 / power)
    # It closes at the crown and below a jaw whose edge climbs from the chin to the ears.
    crown = np.clip(1 - (np.maximum(_Y - 0.25, 0) / (0.75 + p.volume)) ** 2.3, 0, 1) ** (1 / 2.3)
    edge = -0.8 + 0.3 * _ramp(side - 1.1, 1.1)
    below = np.clip(1 - (np.maximum(edge - _Y, 0) / 0.26) ** 2.5, 0, 1) ** (1 / 2.5)
    closed = crown * below

    radius += p.brow_ridge * _hill(ax - 0.25, 0.22) * _hill(_Y - 0.2, 0.09)
    radius += 0.045 * _hill(ax - 0.42, 0.16) * _hill(_Y + 0.2, 0.16)  # cheekbones
    radius -= 0.075 * _hill(ax - p.eye_x + 0.02, 0.15) * _hill(_Y - p.eye_y - 0.02, 0.11)
    radius -= 0.02 * _hill(ax - 0.12, 0.06) * _hill(_Y - 0.08, 0.1)  # inner corners of the eyes
    radius += 0.05 * _hill(_X, 0.6 * p.chin) * _hill(_Y + 0.93, 0.09)
    radius -= 0.03 * _hill(_X, 0.2) * _hill(_Y + 0.8, 0.06)  # between lower lip and chin
    above = _Y - p.nose_y
    down = np.clip((0.15 - _Y) / (0.15 - p.nose_y), 0, 1)
    nose = p.nose_height * (0.15 + 0.85 * down) * np.exp(-((_X / (0.06 + 0.05 * down)) ** 2))
    radius += nose * _ramp(above + 0.02 - 0.6 * ax, 0.14) * _ramp(0.2 - _Y, 0.3)
    radius += 0.045 * _hill(_X, 0.7 * p.nose_width) * _hill(above - 0.05, 0.07)  # tip and wings
    radius += 0.06 * _hill(ax - p.nose_width, 0.05) * _hill(above - 0.045, 0.055)
    ear = _ramp(1 - ((side - 1.5) / 0.13) ** 2 - ((_Y + 0.02) / 0.24) ** 2, 1.2) * (not p.long)
    radius += p.ears * ear

    # Strands leave the parting to both sides as they come down.
    row, col = np.indices((_ROWS, _COLS), np.float32)
    sheared = col - p.comb * row * np.tanh(8 * (_THETA - p.parting))
    border = cv2.BORDER_REFLECT_101
    combed = cv2.remap(_noise(rng, 14, 0.8), sheared, row, cv2.INTER_LINEAR, borderMode=border)
    curls, clumps = _noise(rng, 2, 2), _noise(rng, 12, 4)
    strands = (1 - p.curl) * combed + p.curl * curls
    front = p.hairline - p.fringe + p.slant * _THETA - p.drop * side
    front += p.receding * _hill(side - 0.6, 0.35)
    line = front + (0.1 - front) * _ramp(side - 1.05, 0.5)
    line += (p.sides - line) * _ramp(side - 1.45, 0.4)
    if p.long:
        line = np.minimum(line, p.hairline + (p.sides - p.hairline) * _ramp(side - 1.0, 0.4))
    hair = _ramp(_Y - line + 0.025 * strands, 0.12) * (1 - ear)
    hair *= 1 - p.bald * _ramp(_Y - 0.4 - 0.05 * strands, 0.4)
    if p.long:
        curtain = _ramp(side - p.curtain, 0.5) * hair
        hanging = 0.64 + p.side_volume + 0.1 * np.minimum(_Y + 0.5, 0) + 0.04 * p.curl * curls
        radius = np.maximum(radius, curtain * hanging * _ramp(0.2 - _Y, 0.6))
        closed = np.maximum(closed, curtain * (_Y < 0))
    # Hair rises behind its edge, so that the slope it makes already has the tone of hair.
    mass = _blur(hair**3, 4, 8) * (1 + 0.2 * p.curl * curls + 0.25 * clumps)
    radius += (0.03 + p.side_volume * _ramp(0.8 - _Y, 0.8)) * mass

    jaw = _ramp(-0.42 + 0.55 * np.maximum(side - 0.55, 0) - _Y + 0.01 * curls, 0.2)
    front_chin = _ramp(-0.74 - _Y, 0.08)
    beard = jaw * np.maximum(_ramp(side - 0.36, 0.12), front_chin) * _ramp(1.4 - side, 0.1)
    lip = _Y - 0.5 * (p.nose_y + p.mouth_y) + 0.02
    moustache = _ramp((_hill(_X, 0.24) * _hill(lip, 0.07)) ** 2 - 0.3, 0.5)
    goatee = _ramp(0.3 - ax, 0.12) * front_chin
    whiskers = np.maximum(p.beard * beard, np.maximum(p.moustache * moustache, p.goatee * goatee))
    whiskers = np.clip(whiskers * (1 + 0.2 * _noise(rng, 2, 1)), 0, 1)
    radius += 0.04 * np.maximum(whiskers - 0.3, 0) * (1 + 0.2 * curls)

    albedo = p.skin * (1 + 0.02 * _noise(rng, 6, 6) + 0.015 * _noise(rng, 1, 1)) * (1 - 0.1 * ear)
    albedo *= 1 - 0.35 * _hill(side - 1.47, 0.05) * _hill(_Y + 0.02, 0.13)  # hollow of the ears
    tone = np.clip(p.hair * (1 + 0.25 * strands + 0.1 * clumps), 0.03, 0.9)
    albedo += (0.9 * tone - albedo) * 0.85 * whiskers
    albedo += (tone - albedo) * hair
    # Where a head has closed its radius is below zero, so that no line of sight can meet it.
    maps = radius * closed - 0.02, albedo, np.maximum(hair, whiskers)
    return maps[0].astype(np.float32), maps[1].astype(np.float32), maps[2].astype(np.float32)


def _move_mouth(p: _Person, c: _Photo, r: Array, a: Array, bare: Array) -> None:
    """Part the lips around a line whose corners a smile lifts, in place on the face window."""
    y, x = _Y[_FACE[0]], _X[:, _FACE[1]]
    ax, smile, above = np.abs(x), max(c.smile, 0), y - p.nose_y
    wide = p.mouth_width * (1 + 0.18 * c.smile - 0.1 * c.open)
    u2 = np.minimum((x / wide) ** 2, 1.5)
    bulge, lips = np.clip(1 - u2, 0, 1), _ramp(1 - u2, 0.3)
    gap = (0.07 * c.open + 0.06 * max(smile - 0.5, 0)) * bulge**0.7
    line = y - p.mouth_y - 0.07 * c.smile * u2
    top = gap + p.lips * bulge**0.6 * (0.75 - 0.2 * _hill(x, 0.035))
    upper = lips * _ramp(top - line, 0.04) * _ramp(line - gap, 0.03)
    lower = lips * _ramp(-gap - line, 0.03) * _ramp(line + gap + 1.15 * p.lips * bulge**0.5, 0.04)
    inside = _ramp(gap - line, 0.02) * _ramp(line + gap, 0.02) * _ramp(gap - 0.012, 0.01)
    crack = _hill(line, 0.016) * _ramp(1.08 - u2, 0.3)
    r += 0.035 * _hill(x, wide) * _hill(line - gap - 0.5 * p.lips, p.lips) - 0.03 * crack
    r += 0.035 * _hill(x, 0.8 * wide) * _hill(line + gap + 0.6 * p.lips, p.lips)
    a += (0.85 * p.lip_tone - a) * 0.8 * upper * bare + (p.lip_tone - a) * 0.7 * lower * bare
    teeth = _ramp(line - gap + 0.055, 0.02) * _ramp(0.8 * wide - ax, 0.1)
    a += (0.06 + 0.6 * teeth - a) * inside
    a *= 1 - 0.55 * crack * (1 - inside)
    a *= 1 - 0.6 * _hill(ax - 0.6 * p.nose_width, 0.032) * _hill(above + 0.02, 0.02)  # nostrils
    # A smile pushes up the cheeks and deepens the fold from nose to mouth, as age does.
    fold = _hill(ax - (p.nose_width + 0.06 - 0.6 * (above - 0.04) + 0.03 * c.smile), 0.045)
    fold *= _ramp(0.06 - above, 0.1) * _ramp(y - p.mouth_y, 0.2) * (0.1 + 0.5 * p.age + 0.6 * smile)
    r += 0.04 * smile * _hill(ax - 0.38, 0.13) * _hill(y + 0.3, 0.12) - 0.02 * fold
    a *= 1 - 0.13 * fold * bare


def _move_eyes(p: _Person, c: _Photo, r: Array, a: Array, bare: Array) -> None:
    """Set lids, gaze and brows, in place on the face window."""
    y, x = _Y[_FACE[0]], _X[:, _FACE[1]]
    out = np.abs(x) - p.eye_x
    ey = y - p.eye_y - p.eye_tilt * out
    v = np.abs(out) / p.eye_size
    arc, span = np.clip(1 - v**2, 0, 1), _ramp(1.1 - v, 0.15)
    low = ey + 0.3 * p.eye_size * arc**0.8
    tall = 0.88 * p.eye_size * min(c.lids, 1.1) * (1 - 0.25 * max(c.smile, 0))
    high = low - tall * arc**0.7
    r += 0.05 * _hill(out, 0.11) * _hill(ey, 0.08)
    almond = _ramp(-high, 0.02) * _ramp(low, 0.02) * _ramp(1 - v, 0.1)
    ix = x - np.sign(x) * p.eye_x - c.gaze[0]
    disc = np.hypot(ix, ey - c.gaze[1] - 0.005)
    eye = 0.45 + 0.3 * p.skin - 0.15 * v
    eye = eye + (p.iris * (0.6 + 3.5 * disc) - eye) * _ramp(0.066 - disc, 0.02)
    eye *= 1 - 0.9 * _ramp(0.028 - disc, 0.015)
    eye += 0.7 * _hill(ix - 0.02 * np.sign(c.light[0]), 0.013) * _hill(ey - 0.025, 0.013)
    a += (eye * (1 - 0.4 * _hill(high, 0.025)) - a) * almond
    a *= 1 - 0.65 * _hill(high, 0.016) * span  # lashes, lower lid, crease, shade below the eye
    a *= 1 - 0.25 * _hill(low, 0.014) * span
    a *= 1 - 0.3 * _hill(high - 0.05 - 0.02 * c.lids, 0.018) * span
    a *= 1 - (0.08 + 0.18 * p.age) * _hill(out + 0.02, 0.1) * _hill(ey + 0.12, 0.03)

    arch = p.brow_y + c.brows + p.brow_arch * (1 - ((out + 0.03) / 0.2) ** 2) - 0.03
    thick = p.brow_thick * np.clip(1 - 2.2 * out, 0.4, 1.2)
    brow = _hill(y - arch, 1.1 * thick) * _ramp(0.18 - np.abs(out + 0.005), 0.14)
    a += (0.8 * p.hair - a) * p.brow_tone * brow * bare
    wrinkles = np.sin(45 * (y - 0.02 * np.cos(6 * x))) * _hill(x, 0.35) * _hill(y - 0.42, 0.14)
    r += 0.012 * brow + 0.004 * (max(p.age - 0.4, 0) + 10 * max(c.brows, 0)) * wrinkles


def _look(maps: Array, theta: Array, y: Array) -> Array:
    """Read maps at the given places."""
    col = (theta + _SIDE) * ((_COLS - 1) / (2 * _SIDE))
    row = (_TOP - y) * ((_ROWS - 1) / (_TOP - _BOTTOM))
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.remap(maps, col, row, cv2.INTER_LINEAR, borderMode=border))


def _trace(radius: Array, rotation: Array, vx: Array, vy: Array) -> tuple[Array, ...]:
    """Follow lines of sight to the head: distance from its axis, theta, y, depth, hit [h, w]."""
    start = [vx * rotation[0, i] + vy * rotation[1, i] for i in range(3)]
    depth, step, outside = np.full_like(vx, 1.15), np.zeros_like(vx), np.ones_like(vx)

    def place() -> tuple[Array, Array, Array]:
        x, y, z = (start[i] + depth * rotation[2, i] for i in range(3))
        rho, angle = cv2.cartToPolar(-z, -x)
        return np.asarray(rho), np.asarray(angle) - np.float32(np.pi), y

    for _ in range(16):
        rho, theta, y = place()
        left = rho - _look(radius, theta, y)
        outside *= left > 0
        step += outside * (np.clip(0.7 * left, 0.03, 0.2) - step)
        depth -= outside * step
    # The last step of a line that went inside crossed the surface: halve it down.
    for _ in range(5):
        rho, theta, y = place()
        step *= 0.5
        depth += np.where(rho < _look(radius, theta, y), step, -step)
    return *place(), depth, 1 - outside


def _shade(c: _Photo, ambient: float, maps: Array, rho: Array, theta: Array, y: Array) -> Array:
    """Light a traced surface whose maps are albedo, both slopes and gloss: tone [h, w]."""
    albedo, slope, slope_y, gloss = np.moveaxis(_look(maps, theta, y), 2, 0)
    sin, cos = np.sin(theta), np.cos(theta)
    slope = slope / np.maximum(rho, 0.1)
    length = np.sqrt(1 + slope**2 + slope_y**2)

    def facing(direction: Array) -> Array:
        x, y, z = direction / np.linalg.norm(direction) @ c.rotation
        return np.asarray((sin * x + cos * z - slope * (cos * x - sin * z) - slope_y * y) / length)

    camera = np.array([0, 0, 1], np.float32)
    direct = np.clip((facing(c.light) + 0.15) / 1.15, 0, 1)  # light creeps round the edge of skin
    fill = np.clip(facing(camera), 0, 1)
    shine = np.clip(facing(c.light + camera), 0, 1) ** 24
    return np.asarray(albedo * (ambient * (0.3 + 0.7 * fill) + 0.5 * direct) + gloss * shine)


def _torso(
    p: _Person, c: _Photo, vx: Array, vy: Array, hit: Array, unit: float
) -> tuple[Array, Array]:
    """Draw backdrop, neck and clothes in the shadow of the head: tone and depth [h, w]."""
    picture = c.backdrop + c.slope[0] * vx + c.slope[1] * vy
    neck = p.neck + 0.5 * np.clip(-1.12 - vy, 0, 1) ** 1.5
    across = np.clip(vx / neck, -1, 1)
    round_ = np.sqrt(1 - across**2)
    lit = p.ambient + 0.35 * np.clip(0.2 + 0.8 * round_ + c.light[0] * across, 0, 1.3)
    throat = _ramp(neck - np.abs(vx), 0.04) * (vy < -0.2)
    picture += (0.85 * p.skin * lit - picture) * throat
    scoop = np.abs(vx) / (p.neck + 0.02) - 1 + p.collar * (vy + 1.2)
    cloth = _ramp(scoop + 0.8 * np.clip(-1.2 - vy, 0, 1), 0.08)
    cloth *= _ramp(-0.95 - 0.3 * vx**2 - vy, 0.03)
    lit = 0.55 + 0.35 * np.clip(1 - 0.6 * vx**2 + c.light[0] * vx, 0, 1.5)
    picture += (p.clothes * lit - picture) * cloth
    body = np.maximum(throat, cloth)
    fall = np.array([[1, 0, -0.15 * unit * c.light[0]], [0, 1, 0.22 * unit]])
    shadow = _blur(cv2.warpAffine(hit, fall, hit.shape[::-1]), 0.07 * unit, 0.07 * unit)
    picture *= 1 - 0.55 * shadow * body
    return picture, np.where(body > 0.5, 0.8 * neck * round_ - 0.05, -9)


def _spectacles(
    p: _Person, c: _Photo, depth: Array, unit: float, centre: Array
) -> tuple[Array, Array]:
    """Draw spectacles: coverage [h, w] of the frame and of the lenses, in [0, 1]."""
    t = np.linspace(0, 1, 33)
    cos, sin = np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)
    power = 2 / p.rim_square
    rim_x = p.eye_x + 1.1 * p.rim_size * np.sign(cos) * np.abs(cos) ** power
    rim_y = 0.9 * p.rim_size * np.sign(sin) * np.abs(sin) ** power - 0.03
    bridge_x = (p.eye_x - 1.1 * p.rim_size) * (2 * t - 1)
    hinge = p.eye_x + 1.1 * p.rim_size
    arm_x = hinge + (p.width + 0.06 - hinge) * np.sqrt(t)
    arm_z = (0.97 - 0.3 * hinge**2) * (1 - t)
    curves = [np.stack([bridge_x, 0.03 + 0.05 * np.sin(np.pi * t), 0.97 - 0.3 * bridge_x**2], 1)]
    for side in (-1, 1):
        curves.append(np.stack([side * rim_x, rim_y, 0.97 - 0.3 * rim_x**2], 1))
        curves.append(np.stack([side * arm_x, np.full_like(t, 0.04), arm_z], 1))
    frame, lenses = np.zeros_like(depth), np.zeros_like(depth)
    thick = max(1, round(p.rim_thick * unit))
    for i, curve in enumerate(curves):
        view = curve @ c.rotation.T
        pixel = centre + unit * view[:, :2] * (1, -1)
        col, row = np.clip(pixel.round().astype(int), 0, np.array(depth.shape[::-1]) - 1).T
        seen = view[:, 2] > depth[row, col] - 0.06  # the head hides the far arm
        sixteenths = (pixel * 16).round().astype(np.int32)
        for k in np.flatnonzero(seen[1:] & seen[:-1]):
            start, end = sixteenths[k : k + 2].tolist()
            cv2.line(frame, start, end, 1.0, thick, cv2.LINE_AA, 4)
        if i in (1, 3):
            cv2.fillPoly(lenses, [sixteenths], 1.0, cv2.LINE_AA, 4)
    return frame, lenses


def _photograph(p: _Person, c: _Photo, head: tuple[Array, ...], height: int, width: int) -> Array:
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
    for move in (_move_mouth, _move_eyes):
        move(p, c, radius[_FACE], albedo[_FACE], 1 - hair[_FACE])
    albedo *= np.clip(1 - 2 * (_blur(radius, 9, 9) - radius), 0.5, 1)  # hollows get less light
    step_y, step_theta = (_BOTTOM - _TOP) / (_ROWS - 1), 2 * _SIDE / (_COLS - 1)
    slope_y, slope = np.gradient(radius, step_y, step_theta)
    maps = np.dstack([albedo, slope, slope_y, 0.1 - 0.05 * hair]).astype(np.float32)
    *place, depth, hit = _trace(radius, c.rotation, vx, vy)
    picture, behind = _torso(p, c, vx, vy, hit, unit)
    hit *= depth > behind
    picture += (_shade(c, p.ambient, maps, *place) - picture) * hit
    if c.glasses:
        frame, lenses = _spectacles(p, c, np.where(hit > 0, depth, -2), unit, centre)
        picture += lenses * (0.03 + 0.1 * _ramp(vx + vy - 0.3 * c.light[0], 0.6))
        picture += (0.1 - picture) * frame
    picture = c.exposure * _blur(picture, 0.35 * finer, 0.35 * finer)  # as a lens does
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
        person = _Person(own)
        head = _head(person, own)
        for j, rng in enumerate(others):
            tone = _photograph(person, _Photo(person, rng), head, height, width)
            grey = 255 * np.clip(tone, 0, 1) ** 0.75 + rng.normal(0, 3, tone.shape)
            faces[k, j] = np.clip(grey, 0, 255).round()
    return faces
