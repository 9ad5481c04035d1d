"""What a drawn face does: lips, lids, gaze and brows, painted into the maps of its head."""

from __future__ import annotations

import numpy as np

from miface.faces.drawn_maps import FACE, Array, X, Y, hill, ramp
from miface.faces.drawn_people import Person, Photo


def move_mouth(p: Person, c: Photo, r: Array, a: Array, bare: Array) -> None:
    """Part the lips around a line whose corners a smile lifts, in place on the face window."""
    y, x = Y[FACE[0]], X[:, FACE[1]]
    ax, smile, above = np.abs(x), max(c.smile, 0), y - p.nose_y
    wide = p.mouth_width * (1 + 0.18 * c.smile - 0.1 * c.open)
    u2 = np.minimum((x / wide) ** 2, 1.5)
    bulge, lips = np.clip(1 - u2, 0, 1), ramp(1 - u2, 0.3)
    gap = (0.07 * c.open + 0.06 * max(smile - 0.5, 0)) * bulge**0.7
    line = y - p.mouth_y - 0.07 * c.smile * u2
    top = gap + p.lips * bulge**0.6 * (0.75 - 0.2 * hill(x, 0.035))
    upper = lips * ramp(top - line, 0.04) * ramp(line - gap, 0.03)
    lower = lips * ramp(-gap - line, 0.03) * ramp(line + gap + 1.15 * p.lips * bulge**0.5, 0.04)
    inside = ramp(gap - line, 0.02) * ramp(line + gap, 0.02) * ramp(gap - 0.012, 0.01)
    crack = hill(line, 0.016) * ramp(1.08 - u2, 0.3)
    r += 0.035 * hill(x, wide) * hill(line - gap - 0.5 * p.lips, p.lips) - 0.03 * crack
    r += 0.035 * hill(x, 0.8 * wide) * hill(line + gap + 0.6 * p.lips, p.lips)
    a += (0.85 * p.lip_tone - a) * 0.8 * upper * bare + (p.lip_tone - a) * 0.7 * lower * bare
    teeth = ramp(line - gap + 0.055, 0.02) * ramp(0.8 * wide - ax, 0.1)
    a += (0.06 + 0.6 * teeth - a) * inside
    a *= 1 - 0.55 * crack * (1 - inside)
    a *= 1 - 0.6 * hill(ax - 0.6 * p.nose_width, 0.032) * hill(above + 0.02, 0.02)  # nostrils
    # A smile pushes up the cheeks and deepens the fold from nose to mouth, as age does.
    fold = hill(ax - (p.nose_width + 0.06 - 0.6 * (above - 0.04) + 0.03 * c.smile), 0.045)
    fold *= ramp(0.06 - above, 0.1) * ramp(y - p.mouth_y, 0.2) * (0.1 + 0.5 * p.age + 0.6 * smile)
    r += 0.04 * smile * hill(ax - 0.38, 0.13) * hill(y + 0.3, 0.12) - 0.02 * fold
    a *= 1 - 0.13 * fold * bare


def move_eyes(p: Person, c: Photo, r: Array, a: Array, bare: Array) -> None:
    """Set lids, gaze and brows, in place on the face window."""
    y, x = Y[FACE[0]], X[:, FACE[1]]
    out = np.abs(x) - p.eye_x
    ey = y - p.eye_y - p.eye_tilt * out
    v = np.abs(out) / p.eye_size
    arc, span = np.clip(1 - v**2, 0, 1), ramp(1.1 - v, 0.15)
    low = ey + 0.3 * p.eye_size * arc**0.8
    tall = 0.88 * p.eye_size * min(c.lids, 1.1) * (1 - 0.25 * max(c.smile, 0))
    high = low - tall * arc**0.7
    r += 0.05 * hill(out, 0.11) * hill(ey, 0.08)
    almond = ramp(-high, 0.02) * ramp(low, 0.02) * ramp(1 - v, 0.1)
    ix = x - np.sign(x) * p.eye_x - c.gaze[0]
    disc = np.hypot(ix, ey - c.gaze[1] - 0.005)
    eye = 0.45 + 0.3 * p.skin - 0.15 * v
    eye = eye + (p.iris * (0.6 + 3.5 * disc) - eye) * ramp(0.066 - disc, 0.02)
    eye *= 1 - 0.9 * ramp(0.028 - disc, 0.015)
    eye += 0.7 * hill(ix - 0.02 * np.sign(c.light[0]), 0.013) * hill(ey - 0.025, 0.013)
    a += (eye * (1 - 0.4 * hill(high, 0.025)) - a) * almond
    a *= 1 - 0.65 * hill(high, 0.016) * span  # lashes, lower lid, crease, shade below the eye
    a *= 1 - 0.25 * hill(low, 0.014) * span
    a *= 1 - 0.3 * hill(high - 0.05 - 0.02 * c.lids, 0.018) * span
    a *= 1 - (0.08 + 0.18 * p.age) * hill(out + 0.02, 0.1) * hill(ey + 0.12, 0.03)

    arch = p.brow_y + c.brows + p.brow_arch * (1 - ((out + 0.03) / 0.2) ** 2) - 0.03
    thick = p.brow_thick * np.clip(1 - 2.2 * out, 0.4, 1.2)
    brow = hill(y - arch, 1.1 * thick) * ramp(0.18 - np.abs(out + 0.005), 0.14)
    a += (0.8 * p.hair - a) * p.brow_tone * brow * bare
    wrinkles = np.sin(45 * (y - 0.02 * np.cos(6 * x))) * hill(x, 0.35) * hill(y - 0.42, 0.14)
    r += 0.012 * brow + 0.004 * (max(p.age - 0.4, 0) + 10 * max(c.brows, 0)) * wrinkles
