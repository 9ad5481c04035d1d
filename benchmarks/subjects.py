"""What is measured: photos, parameters and trained networks."""

from functools import cache
from typing import TypeVar

import numpy as np
import torch

from miface.faces.archive import Faces
from miface.faces.dataset import FACES, SPLIT, load_faces, load_split
from miface.faces.rendered import render_faces
from miface.faces.split import pixels, split_photos
from miface.params.schema import Params, load_params
from miface.recognisers import RECOGNISERS, train
from miface.recognisers.dae import DaeSettings
from miface.recognisers.recogniser import Recogniser, Size
from miface.training.trainer import Descent, Log, Photos, Trainer

Settings = TypeVar("Settings", bound=Descent)
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


def settings(kind: type[Settings]) -> Settings:
    """Give the parameters of a recogniser, by their definition."""
    (found,) = (s for model in RECOGNISERS if isinstance(s := params().settings(model), kind))
    return found


def _names(people: int) -> list[str]:
    return [f"p{person + 1}" for person in range(people)]


def untrained(model: str, size: Size, people: int = 40) -> Recogniser:
    """Make a recogniser with PyTorch's initial weights."""
    return RECOGNISERS[model](size, _names(people), params().settings(model))


def trained_by(model: str, settings: Descent, log: Log = lambda _: None) -> Recogniser:
    """Train a recogniser as the pipeline does, by settings of its kind."""
    generator = torch.Generator().manual_seed(params().seed)
    return train(model, size(), _names(40), settings, Trainer(photos(), generator, log))


@cache
def trained(model: str, quick: bool) -> Recogniser:
    """Train a recogniser to attack: softmax and MLP as the pipeline does, others for less long.

    The DAE and the CNN are attacked for a fixed number of steps, whose time does not depend on
    how long they were trained.
    """
    pretraining = settings(DaeSettings).pretraining
    shorter: dict[str, dict[str, object]] = {
        "dae": {"pretraining": tuple(x.model_copy(update={"epochs": 2}) for x in pretraining)},
        "cnn": {"max_epochs": 2 if quick else 6},
    }
    if quick:
        shorter["mlp"] = {"max_epochs": 20}
    return trained_by(model, params().settings(model).model_copy(update=shorter.get(model, {})))
