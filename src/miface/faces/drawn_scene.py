"""What a camera sees of a drawn person: the lit head, neck, clothes and spectacles."""

from __future__ import annotations

import cv2
import numpy as np

from miface.faces.drawn_maps import Array, blur, look, ramp
from miface.faces.drawn_people import Person, Photo


def trace(radius: Array, rotation: Array, vx: Array, vy: Array) -> tuple[Array, ...]:
    """Follow lines of sight to the head: distance from its axis, theta, y, depth, hit [h, w]."""
    start = [vx * rotation[0, i] + vy * rotation[1, i] for i in range(3)]
    depth, step, outside = np.full_like(vx, 1.15), np.zeros_like(vx), np.ones_like(vx)

    def place() -> tuple[Array, Array, Array]:
        x, y, z = (start[i] + depth * rotation[2, i] for i in range(3))
        rho, angle = cv2.cartToPolar(-z, -x)
        return np.asarray(rho), np.asarray(angle) - np.float32(np.pi), y

    for _ in range(16):
        rho, theta, y = place()
        left = rho - look(radius, theta, y)
        outside *= left > 0
        step += outside * (np.clip(0.7 * left, 0.03, 0.2) - step)
        depth -= outside * step
    # The last step of a line that went inside crossed the surface: halve it down.
    for _ in range(5):
        rho, theta, y = place()
        step *= 0.5
        depth += np.where(rho < look(radius, theta, y), step, -step)
    return *place(), depth, 1 - outside


def shade(c: Photo, ambient: float, maps: Array, rho: Array, theta: Array, y: Array) -> Array:
    """Light a traced surface whose maps are albedo, both slopes and gloss: tone [h, w]."""
    albedo, slope, slope_y, gloss = np.moveaxis(look(maps, theta, y), 2, 0)
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


def torso(
    p: Person, c: Photo, vx: Array, vy: Array, hit: Array, unit: float
) -> tuple[Array, Array]:
    """Draw backdrop, neck and clothes in the shadow of the head: tone and depth [h, w]."""
    picture = c.backdrop + c.slope[0] * vx + c.slope[1] * vy
    neck = p.neck + 0.5 * np.clip(-1.12 - vy, 0, 1) ** 1.5
    across = np.clip(vx / neck, -1, 1)
    round_ = np.sqrt(1 - across**2)
    lit = p.ambient + 0.35 * np.clip(0.2 + 0.8 * round_ + c.light[0] * across, 0, 1.3)
    throat = ramp(neck - np.abs(vx), 0.04) * (vy < -0.2)
    picture += (0.85 * p.skin * lit - picture) * throat
    scoop = np.abs(vx) / (p.neck + 0.02) - 1 + p.collar * (vy + 1.2)
    cloth = ramp(scoop + 0.8 * np.clip(-1.2 - vy, 0, 1), 0.08)
    cloth *= ramp(-0.95 - 0.3 * vx**2 - vy, 0.03)
    lit = 0.55 + 0.35 * np.clip(1 - 0.6 * vx**2 + c.light[0] * vx, 0, 1.5)
    picture += (p.clothes * lit - picture) * cloth
    body = np.maximum(throat, cloth)
    fall = np.array([[1, 0, -0.15 * unit * c.light[0]], [0, 1, 0.22 * unit]])
    shadow = blur(cv2.warpAffine(hit, fall, hit.shape[::-1]), 0.07 * unit, 0.07 * unit)
    picture *= 1 - 0.55 * shadow * body
    return picture, np.where(body > 0.5, 0.8 * neck * round_ - 0.05, -9)


def spectacles(
    p: Person, c: Photo, depth: Array, unit: float, centre: Array
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
