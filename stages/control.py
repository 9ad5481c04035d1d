"""control: all methods on a recogniser whose photos bear other people's names → reports/controls.

What it gives away shows nobody in particular, so that whoever judges it must be at chance.
"""

import json
from pathlib import Path

import numpy as np
import project  # noqa: F401
import torch

from miface.attack.access import ACCESSES
from miface.attack.case import Case
from miface.attack.knowledge import load_knowledge
from miface.attack.recipe import Plan
from miface.attack.run import invert
from miface.command import run
from miface.countermeasures import guarded, on_answers
from miface.faces.dataset import load_faces, load_split
from miface.faces.split import permute, pixels
from miface.files import write_arrays
from miface.params.schema import load_params
from miface.recognisers import device, train
from miface.training.trainer import Photos, Trainer


def main(model: str) -> None:
    """Run the stage."""
    params, faces = load_params(), load_faces()
    sides = load_split()
    person = faces.person.copy()
    person[sides[0]] = permute(person[sides[0]], params.seed)
    photos = Photos.of(pixels(faces), person, sides, device())
    trainer = Trainer(photos, torch.Generator().manual_seed(params.seed))
    trainer = guarded(trainer, params.countermeasures.training)
    size, names = (faces.images.shape[1], faces.images.shape[2]), faces.names.tolist()
    recogniser = train(model, size, names, params.settings(model), trainer)
    recovered: dict[str, np.ndarray] = {}
    plans = json.loads(Path(f"data/plans/control-{model}.json").read_text(encoding="utf-8"))
    for method, content in plans.items():
        plan = Plan.model_validate(content)
        knowledge = load_knowledge(Path(f"data/knowledge/{method}.npz"))
        access = ACCESSES[plan.recipe.access](recogniser, on_answers(plan.answers))
        labels = np.setdiff1d(np.arange(len(names)), knowledge.public)
        inversion = invert(Case(access, plan, knowledge), labels)
        recovered |= {f"{method}.x": inversion.x, f"{method}.label": inversion.label}
    write_arrays(f"reports/controls/{model}.npz", **recovered)


run(main)
