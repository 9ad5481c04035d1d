"""Small recognisers of every kind, trained for a moment on photos that are easy to tell apart.

Their settings are those of ``params.yaml`` but for their size, so that a new module of
`miface.recognisers` is trained here as it is.
"""

from functools import cache
from pathlib import Path
from typing import Any

import torch

from miface.countermeasures import Strengths, guarded
from miface.params.file import read_yaml
from miface.recognisers import RECOGNISERS, train
from miface.recognisers.recogniser import Recogniser, Size
from miface.training.trainer import Descent, Photos, Trainer

SIZE: Size = (32, 28)
PIXELS = 32 * 28
NAMES = ["s1", "s2", "s10", "Zoë"]
PEOPLE, EACH = len(NAMES), 6

_SHIPPED = read_yaml(Path(__file__).parents[1] / "params.yaml")
_SMALL = {"max_epochs": 3, "epochs": 2, "hidden_units": 12, "channels": 8}


def settings_of(model: str, **changes: Any) -> Descent:
    """The shipped settings, with what makes a recogniser large or its training long made small."""
    return RECOGNISERS[model].Settings.model_validate(_made_small(_SHIPPED[model]) | changes)


def _made_small(values: Any, key: str = "") -> Any:
    if isinstance(values, dict):
        return {name: _made_small(value, name) for name, value in values.items()}
    if isinstance(values, list):
        return [_made_small(value, key) for value in values]
    return _SMALL.get(key, values)


def photos() -> Photos:
    """Each person has a pattern, under noise; the last of everybody's photos is held out."""
    generator = torch.Generator().manual_seed(0)
    patterns = torch.rand(PEOPLE, PIXELS, generator=generator)
    person = torch.arange(PEOPLE).repeat(EACH)
    noise = torch.rand(len(person), PIXELS, generator=generator)
    return Photos(0.7 * patterns[person] + 0.3 * noise, person, PEOPLE * (EACH - 1))


@torch.enable_grad()
def train_small(
    model: str, *, seed: int = 0, strengths: Strengths | None = None, **changes: Any
) -> Recogniser:
    """Train one, with countermeasures and changed settings where they are given."""
    generator = torch.Generator().manual_seed(seed)
    trainer = Trainer(photos(), generator, log=lambda measures: None)
    trainer = guarded(trainer, strengths or {})
    return train(model, SIZE, NAMES, settings_of(model, **changes), trainer)


@cache
def trained(model: str) -> Recogniser:
    """One that is trained as it comes; who changes it takes a copy."""
    return train_small(model)
