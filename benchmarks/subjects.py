"""What is measured: photos, parameters and trained networks."""

from functools import cache

import numpy as np
import torch

from miface.faces.archive import Faces
from miface.faces.dataset import FACES, SPLIT, load_faces, load_split
from miface.faces.rendered import render_faces
from miface.faces.split import pixels, split_photos
from miface.models.networks import Architecture, Network, architecture_of
from miface.models.recognisers import train
from miface.models.training import Photos
from miface.params import Params, load_params
from miface.params.base import ModelName

Size = tuple[int, int]
_ATT = (400, 112, 92)  # photos, height, width of the AT&T faces


@cache
def params() -> Params:
    """Give the project's parameters."""
    return load_params()


@cache
def _faces() -> tuple[Faces, str]:
    if FACES.exists() and SPLIT.exists() and (faces := load_faces()).images.shape == _ATT:
        return faces, "AT&T faces"
    drawn = render_faces(40, 10, height=_ATT[1], width=_ATT[2]).reshape(_ATT)
    names = np.array([f"r{person + 1}" for person in range(40)])
    return Faces(
        drawn, np.repeat(np.arange(40), 10), np.tile(np.arange(10), 40), names
    ), "rendered faces"


def source() -> str:
    """Name the photos: the AT&T faces where the pipeline has fetched them, else rendered ones."""
    return _faces()[1]


def size() -> Size:
    """Give height and width of a photo."""
    return _ATT[1], _ATT[2]


@cache
def photos() -> Photos:
    """Give the photos as every stage that trains sees them."""
    faces, name = _faces()
    if name == "AT&T faces":
        sides = load_split()
    else:
        sides = split_photos(faces.person, params().split.train_per_person, params().seed)
    rows = np.concatenate(sides)
    return Photos(
        torch.from_numpy(pixels(faces)[rows]),
        torch.from_numpy(faces.person[rows]),
        trained_on=len(sides[0]),
    )


def architecture(model: ModelName) -> Architecture:
    """Describe a network for these photos."""
    return architecture_of(model, params(), *size(), people=40)


@cache
def trained(model: ModelName, quick: bool) -> Network:
    """Train a network to attack: softmax and MLP as the pipeline does, the others for less long.

    The DAE and the CNN are attacked for a fixed number of steps, whose time does not depend on
    how long they were trained.
    """
    p = params()
    first, second = p.dae.pretraining
    shorter = {
        "dae": p.dae.model_copy(
            update={
                "pretraining": tuple(x.model_copy(update={"epochs": 2}) for x in (first, second))
            }
        ),
        "cnn": p.cnn.model_copy(update={"max_epochs": 2 if quick else 6}),
    }
    if quick:
        shorter["mlp"] = p.mlp.model_copy(update={"max_epochs": 20})
    return train(architecture(model), photos(), p.model_copy(update=shorter), lambda _: None)
