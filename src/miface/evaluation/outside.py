"""The judge from outside: a face recogniser that others trained on three million photos.

dlib's detector looks for a face, five landmarks turn it upright, and a network gives a point in a
space in which faces of one person lie closer than 0.6 (King, 2017; right on 99.38% of the pairs of
Labeled Faces in the Wild). It has seen none of the people here, so no attack can have aimed at it.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from miface.evaluation.judges.judge import Images, Scores
from miface.evaluation.outside_network import SIDE, OutsideNetwork
from miface.faces.pretrained import RECOGNISER, detector_and_landmarks, model_file

Points = NDArray[np.float32]

SAME_PERSON = 0.6
"""The published threshold: points of one person are closer."""

# Grey values that a recovered image is brought to, those of an ordinary photo: it is right only up
# to brightness and contrast.
_MEAN, _DEVIATION = 115.0, 44.0
_HEIGHT = 224  # of the picture in which a face is looked for: the AT&T photos, enlarged twice
# Where a face is when none is found: left, top, right, bottom, as shares of width and height.
_FIXED_BOX = (0.10, 0.32, 0.90, 0.98)
_PADDING = 0.25  # about a face, as the network was trained with
_AT_ONCE = 20


@dataclass(frozen=True)
class Embedded:
    """What the judge makes of images.

    Attributes
    ----------
    points
        float32 [n, 128].
    found
        bool [n]: the detector found a face.
    """

    points: Points
    found: NDArray[np.bool_]


def normalised(images: Images) -> Images:
    """Bring images [n, H, W] to an ordinary photo's mean and deviation, limited to [0, 1]."""
    x = images.astype(np.float64)
    x = x - x.mean((1, 2), keepdims=True)
    deviation = x.std((1, 2), keepdims=True)
    # A constant image stays one: what is left of it is rounding.
    x = np.where(deviation > 1e-9 * (1 + np.abs(images).max((1, 2), keepdims=True)), x, 0)
    x = x / np.where(deviation > 0, deviation, 1)
    return np.asarray(((x * _DEVIATION + _MEAN) / 255).clip(0, 1))


def embed(images: Images) -> Embedded:
    """Give the points of images [n, H, W] in pixel units; what lies outside [0, 1] is clipped.

    The network runs on all of PyTorch's threads while the next faces are looked for. An image that
    comes more than once is looked at once.
    """
    flat = images.reshape(len(images), -1)
    _, first, which = np.unique(flat, axis=0, return_index=True, return_inverse=True)
    parts = [images[first[at : at + _AT_ONCE]] for at in range(0, len(first), _AT_ONCE)]
    points, found = [np.zeros((0, 128), np.float32)], [np.zeros(0, np.bool_)]
    with ThreadPoolExecutor(1) as ahead, torch.no_grad():
        for faces, seen in ahead.map(cut_out, parts):
            points.append(_network()(torch.from_numpy(faces).float()).numpy())
            found.append(seen)
    which = which.reshape(-1)
    return Embedded(np.concatenate(points)[which], np.concatenate(found)[which])


def cut_out(images: Images) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Turn the largest face in each image upright, and cut it out.

    Returns
    -------
    faces, found
        uint8 [n, 150, 150], and bool [n]: whether the detector found a face; where it finds none,
        one is taken to be where it is in a portrait.
    """
    import dlib

    detector, landmarks = detector_and_landmarks()
    faces = np.empty((len(images), SIDE, SIDE), np.uint8)
    found = np.zeros(len(images), np.bool_)
    for index, image in enumerate(images):
        grey = np.rint(image.clip(0, 1) * 255).astype(np.uint8)
        scale = _HEIGHT / len(grey)
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        picture = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=way)
        height, width = picture.shape
        corners = zip(_FIXED_BOX, (width, height) * 2, strict=True)
        usual = dlib.rectangle(*(int(share * side) for share, side in corners))
        boxes = detector(picture, 0)
        found[index] = len(boxes) > 0
        box = max(boxes, key=lambda box: box.area(), default=usual)
        faces[index] = dlib.get_face_chip(picture, landmarks(picture, box), SIDE, _PADDING)
    return faces, found


@cache
def _network() -> OutsideNetwork:
    return OutsideNetwork(model_file(RECOGNISER))


@dataclass(frozen=True)
class Outside:
    """The judge, and the photos that it compares with.

    Attributes
    ----------
    photos, person
        float32 [n, 128], points of photos of everybody, and int64 [n] whose they are; 0 to P − 1.
    """

    photos: Points
    person: NDArray[np.int64]

    def distances(self, points: Points) -> tuple[Scores, Scores]:
        """Give the mean distance [k, P] of points to each person's photos, and the least."""
        apart = np.linalg.norm(points[:, None].astype(np.float64) - self.photos[None], axis=2)
        own = [apart[:, self.person == who] for who in range(int(self.person.max()) + 1)]
        return (np.stack([o.mean(1) for o in own], 1), np.stack([o.min(1) for o in own], 1))

    def __call__(self, points: Points) -> Scores:
        """Score people for points [k, 128]: minus the mean distance to their photos [k, P]."""
        return -self.distances(points)[0]

    def verify(
        self, points: Points, label: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Say whether points [k, 128] show the people they should.

        Returns
        -------
        verified, false_match
            bool [k]: a photo of the person is closer than `SAME_PERSON`; and float64 [k]: the share
            of the other people of whom that holds, too.
        """
        close = self.distances(points)[1] < SAME_PERSON
        own = close[np.arange(len(label)), label]
        return own, (close.sum(1) - own) / (close.shape[1] - 1)


def lead(scores: Scores) -> Scores:
    """Give each person's score [k, P] less the best other's: positive for who comes first."""
    first, second = np.sort(scores, axis=1)[:, [-1, -2]].T[:, :, None]
    return np.where(scores == first, scores - second, scores - first)
