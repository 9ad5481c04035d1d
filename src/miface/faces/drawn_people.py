"""Who is drawn, and how each photo of them differs, at random."""

from __future__ import annotations

import numpy as np

from miface.faces.drawn_maps import Array


class Person:
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


class Photo:
    """What changes from photo to photo of a person; angles in radians."""

    def __init__(self, p: Person, rng: np.random.Generator) -> None:
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
